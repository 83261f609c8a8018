/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pipe, queue and sched: the dummynet commands.
 *
 * "pipe 1 config ..." and "pipe config 1 ..." mean the same, as do the other
 * commands with a number.
 */
#include "cli/cmd.h"

#include "cli/names.h"
#include "cli/pipe_config.h"
#include "cli/pipe_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum {
	FIRST_ROOM = 1 << 20,
	MOST_ROOM = 1 << 24,
	MAX_RANGES = 256,
	SPARE = 1 << 13, /* less left in an answer: it may have been cut */
};

/* One kind of object and its words. */
struct kind {
	const char *name;
	uint8_t type;
	uint32_t first; /* what is added to its numbers in a list's request */
};

static const struct kind kinds[] = {
    {"pipe", DN_LINK, DN_FIRST_PIPE},
    {"queue", DN_FS, 0},
    {"sched", DN_SCH, 0},
};

/* ---- list ---- */

struct list_request {
	struct dn_id id;
	uint32_t range[MAX_RANGES][2];
};

static int
add_range(const struct kind *k, struct list_request *r, unsigned *n,
    const struct word *w, struct err *e)
{
	const char *s = w->s;

	while (*s != '\0') {
		char *end;
		unsigned long lo = strtoul(s, &end, 10), hi = lo;

		if (*s >= '0' && *s <= '9' && *end == '-') {
			s = end + 1;
			hi = strtoul(s, &end, 10);
		}
		if (*s < '0' || *s > '9' || (*end != '\0' && *end != ',') ||
		    lo == 0 || hi < lo || hi >= DN_FIRST_PIPE)
			return word_err(e, EX_USAGE, w, "a number from 1 to %d, "
			    "or a range of them, is expected",
			    DN_FIRST_PIPE - 1);
		if (*n == MAX_RANGES)
			return word_err(e, EX_USAGE, w, "more than %d ranges",
			    MAX_RANGES);
		r->range[*n][0] = (uint32_t)lo + k->first;
		r->range[(*n)++][1] = (uint32_t)hi + k->first;
		s = *end == ',' ? end + 1 : end;
	}
	return 0;
}

static int
make_request(const struct kind *k, struct list_request *r,
    const struct args *which, struct err *e)
{
	unsigned n = 0;
	int rc;

	for (unsigned i = 0; i < which->n; i++) {
		if ((rc = add_range(k, r, &n, &which->w[i], e)) != 0)
			return rc;
	}
	r->id = (struct dn_id){
	    .len = (uint16_t)(sizeof(r->id) + n * sizeof(r->range[0])),
	    .subtype = k->type,
	    .id = DN_API_VERSION,
	};
	return 0;
}

/* 0 if an answer of 'len' octets is all of it, -ENOSPC if there may be more: a
 * head alone tells how much room it needs. */
static int
enough(const char *p, size_t len, size_t room, struct err *e)
{
	struct dn_id id = {0};

	if (len >= sizeof(id))
		memcpy(&id, p, sizeof(id));
	if (room - len >= SPARE && !(len == sizeof(id) && id.id > room))
		return 0;
	if (room < MOST_ROOM)
		return -ENOSPC;
	return err_set(e, EMSGSIZE, "more than %d octets: ask for less, as in "
	    "'pipe list 1-100'", MOST_ROOM);
}

/* One attempt with 'room' octets; -ENOSPC: it may need more.  A daemon that
 * does not know kipfw's own request is asked the other way. */
static int
ask(struct cli *c, struct list_request *r, size_t room, char **buf, size_t *len,
    struct err *e)
{
	static const uint8_t types[] = {DN_CMD_GET_MORE, DN_CMD_GET};
	char *p = realloc(*buf, room);
	int rc = 0;

	if (p == NULL)
		return err_set(e, ENOMEM, "no memory for the answer");
	*buf = p;
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		r->id.type = types[i];
		memcpy(p, r, r->id.len);
		rc = ctl_get(c->ctl, CTL_DUMMYNET3, p, r->id.len, room, len, e);
		if (rc != -EINVAL)
			break;
	}
	return rc == 0 ? enough(p, *len, room, e) : rc;
}

static int
list_objects(struct cli *c, const struct kind *k, const struct args *which,
    struct err *e)
{
	struct list_request r;
	struct text t = {0};
	char *buf = NULL;
	size_t len = 0, room = FIRST_ROOM;
	int rc = make_request(k, &r, which, e);

	if (rc != 0)
		return rc;
	while ((rc = ask(c, &r, room, &buf, &len, e)) == -ENOSPC)
		room *= 2;
	if (rc == 0) {
		*e = (struct err){.pos = -1};
		rc = pipe_list_put(&t, buf, len,
		    (c->flags & CLI_VERBOSE) != 0, e);
		fputs(text_str(&t), c->out);
	}
	text_fini(&t);
	free(buf);
	return rc != 0 ? cli_code(rc) : 0;
}

/* ---- config, delete, flush ---- */

static int
object_number(const struct word *w, uint32_t *nr, struct err *e)
{
	unsigned v;

	if (w->s[0] < '0' || w->s[0] > '9')
		return word_err(e, EX_USAGE, w,
		    "need a pipe/flowset/sched number");
	if (!args_number(w->s, DN_FIRST_PIPE - 1, &v) || v == 0)
		return word_err(e, EX_USAGE, w, "a number from 1 to %d is "
		    "expected", DN_FIRST_PIPE - 1);
	*nr = v;
	return 0;
}

/* kipfw's own objects are for kipfw: an older daemon passes over them, and would
 * do something else than what was asked for. */
static int
check_daemon(struct cli *c, const struct pipe_config *pc, struct err *e)
{
	struct {
		struct dn_id id;
		uint32_t range[2];
		char room[256];
	} r = {.id = {.len = sizeof(r.id) + sizeof(r.range),
		   .type = DN_CMD_GET_MORE, .subtype = DN_LINK,
		   .id = DN_API_VERSION}};
	size_t len;

	if (!pc->has_more_link && !pc->has_more_fs &&
	    (pc->profile == NULL || pc->profile->oid.subtype == DN_PROFILE_MS))
		return 0;
	if (ctl_get(c->ctl, CTL_DUMMYNET3, &r, r.id.len, sizeof(r), &len, e) ==
	    0)
		return 0;
	return err_set(e, EOPNOTSUPP, "the daemon cannot do this: it knows whole "
	    "ms up to 10 s, 2 Gbit/s, and nothing beyond dummynet");
}

static int
config_object(struct cli *c, const struct kind *k, const struct word *number,
    const struct args *rest, struct err *e)
{
	struct pipe_config pc = {0};
	uint32_t nr = 0;
	void *msg;
	size_t len;
	int rc = object_number(number, &nr, e);

	if (rc == 0)
		rc = pipe_config_parse(&pc, k->type, nr, rest->w, rest->n, e);
	if (rc == 0 && (c->flags & CLI_TEST) == 0) {
		if ((msg = pipe_config_message(&pc, &len)) == NULL)
			rc = err_set(e, ENOMEM, "no memory for the request");
		else if ((rc = check_daemon(c, &pc, e)) == 0)
			rc = ctl_set(c->ctl, CTL_DUMMYNET3, msg, len, e);
		free(msg);
		rc = rc != 0 ? cli_code(rc) : 0;
	}
	pipe_config_fini(&pc);
	return rc;
}

static int
delete_objects(struct cli *c, const struct kind *k, const struct args *which,
    struct err *e)
{
	uint32_t nr = 0;
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < which->n; i++)
		rc = object_number(&which->w[i], &nr, e);
	if (rc != 0 || (c->flags & CLI_TEST) != 0)
		return rc;
	for (unsigned i = 0; i < which->n; i++) {
		struct {
			struct dn_id id;
			uint64_t nr;
		} r = {.id = {.len = sizeof(r), .type = DN_CMD_DELETE,
			   .subtype = k->type, .id = DN_API_VERSION}};

		object_number(&which->w[i], &nr, NULL);
		r.nr = nr;
		rc = ctl_set(c->ctl, CTL_DUMMYNET3, &r, sizeof(r), e);
		if (rc != 0)
			return cli_code(rc);
	}
	return 0;
}

static int
flush_objects(struct cli *c, struct err *e)
{
	struct dn_id id = {.len = sizeof(id), .type = DN_CMD_FLUSH,
	    .id = DN_API_VERSION};
	int rc;

	if ((c->flags & CLI_TEST) != 0 || !confirm(c))
		return 0;
	rc = ctl_set(c->ctl, CTL_DUMMYNET3, &id, sizeof(id), e);
	if (rc != 0)
		return cli_code(rc);
	if ((c->flags & CLI_QUIET) == 0)
		fprintf(c->out, "Flushed all pipes.\n");
	return 0;
}

/* ---- the commands ---- */

enum verb { VERB_NONE, VERB_CONFIG, VERB_DELETE, VERB_SHOW, VERB_FLUSH };

static enum verb
find_verb(struct cli *c, const char *word)
{
	static const struct {
		const char *name;
		enum verb verb;
	} verbs[] = {
	    {"show", VERB_SHOW},     {"list", VERB_SHOW},
	    {"flush", VERB_FLUSH},   {"config", VERB_CONFIG},
	    {"delete", VERB_DELETE},
	};

	for (size_t k = 0; k < ARRAY_LEN(verbs); k++)
		if (cli_match(c, word, verbs[k].name))
			return verbs[k].verb;
	return VERB_NONE;
}

static int
object_command(struct cli *c, const struct args *a, const struct kind *k,
    struct err *e)
{
	bool first = a->n > 2 && a->w[1].s[0] >= '0' && a->w[1].s[0] <= '9';
	const struct word *cmd = &a->w[first ? 2 : 1];
	/* What follows, and the number in front of it as its first word. */
	struct args rest = {a->w + (first ? 3 : 2), a->n - (first ? 3 : 2)};
	struct args which = first ? (struct args){a->w + 1, 1} : rest;
	enum verb verb;
	int rc = 0;

	if (a->n < 2)
		return args_missing(a, "config, delete, show, list or flush",
		    e);
	verb = find_verb(c, cmd->s);
	if (verb == VERB_NONE)
		return word_err(e, EX_USAGE, cmd,
		    "expected config, delete, show, list or flush");
	if (verb == VERB_FLUSH) /* all of them, never only some */
		rc = args_end(&which, 0, e);
	else if (verb != VERB_CONFIG && first)
		rc = args_end(&rest, 0, e);
	if (rc != 0)
		return rc;
	if (verb == VERB_SHOW)
		return list_objects(c, k, &which, e);
	if (verb == VERB_FLUSH)
		return flush_objects(c, e);
	if (which.n == 0) {
		err_set(e, EINVAL, "need a pipe/flowset/sched number");
		return EX_USAGE;
	}
	if (verb == VERB_DELETE)
		return delete_objects(c, k, &which, e);
	if (!first)
		rest = (struct args){rest.w + 1, rest.n - 1};
	return config_object(c, k, &which.w[0], &rest, e);
}

int
cmd_pipe(struct cli *c, const struct args *a, struct err *e)
{
	return object_command(c, a, &kinds[0], e);
}

int
cmd_queue(struct cli *c, const struct args *a, struct err *e)
{
	return object_command(c, a, &kinds[1], e);
}

int
cmd_sched(struct cli *c, const struct args *a, struct err *e)
{
	return object_command(c, a, &kinds[2], e);
}
