/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pipe, queue and sched: the dummynet commands.
 *
 * This version lists what a daemon reports, one line an object; to configure
 * and delete is for the version that has dummynet itself.
 */
#include "cli/cmd.h"

#include "cli/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum { ROOM = 1 << 20 };

static const struct name objects[] = {
    {"pipe", DN_LINK}, {"queue", DN_FS}, {"sched", DN_SCH}, {NULL, 0},
};

/* Prints the objects in a reply, each with its kind and number. */
static void
print_objects(struct cli *c, const char *data, size_t len)
{
	size_t at = sizeof(struct dn_id);

	while (len - at >= sizeof(struct dn_id)) {
		struct dn_id id;
		uint32_t num = 0;
		const char *kind;

		memcpy(&id, data + at, sizeof(id));
		if (id.len < sizeof(id) || id.len > len - at)
			return;
		kind = name_of(objects, id.type);
		if (id.len >= sizeof(id) + sizeof(num))
			memcpy(&num, data + at + sizeof(id), sizeof(num));
		if (kind != NULL)
			fprintf(c->out, "%s %u\n", kind, num);
		at += (id.len + 7u) & ~7u;
		if (at > len)
			return;
	}
}

static int
show_objects(struct cli *c, unsigned type, struct err *e)
{
	struct {
		struct dn_id id;
		uint64_t range[1]; /* first and last number, 32 bits each */
	} ask = {.id = {.len = sizeof(ask), .type = DN_CMD_GET,
		     .subtype = (uint8_t)type, .id = DN_API_VERSION},
	    .range = {UINT64_C(0xffffffff) << 32}};
	char *buf = calloc(1, ROOM);
	size_t len = 0;
	int r;

	if (buf == NULL) {
		err_set(e, ENOMEM, "no memory for the answer");
		return EX_OSERR;
	}
	memcpy(buf, &ask, sizeof(ask));
	r = ctl_get(c->ctl, CTL_DUMMYNET3, buf, sizeof(ask), ROOM, &len, e);
	if (r == 0 && len >= sizeof(struct dn_id))
		print_objects(c, buf, len);
	free(buf);
	return r != 0 ? cli_code(r) : 0;
}

/* "pipe 1 config ..." and "pipe config 1 ..." mean the same. */
static int
object_command(struct cli *c, const struct args *a, unsigned type,
    struct err *e)
{
	unsigned k = 1;

	if (a->n > 2 && a->w[1].s[0] >= '0' && a->w[1].s[0] <= '9')
		k = 2;
	if (a->n < 2)
		return args_missing(a, "config, delete, show, list or flush",
		    e);
	if (cli_match(c, a->w[k].s, "show") || cli_match(c, a->w[k].s, "list"))
		return show_objects(c, type, e);
	if (cli_match(c, a->w[k].s, "config") ||
	    cli_match(c, a->w[k].s, "delete") ||
	    cli_match(c, a->w[k].s, "flush"))
		return word_err(e, EX_UNAVAILABLE, &a->w[k],
		    "dummynet is not implemented in this version");
	return word_err(e, EX_USAGE, &a->w[k],
	    "expected config, delete, show, list or flush");
}

int
cmd_pipe(struct cli *c, const struct args *a, struct err *e)
{
	return object_command(c, a, DN_LINK, e);
}

int
cmd_queue(struct cli *c, const struct args *a, struct err *e)
{
	return object_command(c, a, DN_FS, e);
}

int
cmd_sched(struct cli *c, const struct args *a, struct err *e)
{
	return object_command(c, a, DN_SCH, e);
}
