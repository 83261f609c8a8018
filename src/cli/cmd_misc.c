/* SPDX-License-Identifier: BSD-2-Clause */
/* enable, disable, internal, and what is for later versions. */
#include "cli/cmd_table.h"

#include "cli/names.h"
#include "cli/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* ---- enable, disable ---- */

static const struct {
	const char *keyword;
	const char *sysctl;
} switches[] = {
    {"firewall", "net.inet.ip.fw.enable"},
    {"one_pass", "net.inet.ip.fw.one_pass"},
    {"debug", "net.inet.ip.fw.debug"},
    {"verbose", "net.inet.ip.fw.verbose"},
    {"dyn_keepalive", "net.inet.ip.fw.dyn_keepalive"},
};

static int
switch_to(struct cli *c, const struct args *a, int32_t on, struct err *e)
{
	struct suggest g;
	char hint[64];
	int r;

	if (a->n < 2)
		return args_missing(a, "what to switch", e);
	suggest_init(&g, a->w[1].s);
	for (size_t k = 0; k < ARRAY_LEN(switches); k++) {
		suggest_try(&g, switches[k].keyword);
		if (!cli_match(c, a->w[1].s, switches[k].keyword))
			continue;
		if ((c->flags & CLI_TEST) != 0)
			return 0;
		r = ctl_sysctl_set(c->ctl, switches[k].sysctl, &on,
		    sizeof(on), e);
		return r != 0 ? cli_code(r) : 0;
	}
	return word_err(e, EX_USAGE, &a->w[1],
	    "unrecognized enable/disable keyword%s",
	    suggest_text(&g, hint, sizeof(hint)));
}

int
cmd_enable(struct cli *c, const struct args *a, struct err *e)
{
	return switch_to(c, a, 1, e);
}

int
cmd_disable(struct cli *c, const struct args *a, struct err *e)
{
	return switch_to(c, a, 0, e);
}

/* ---- internal ---- */

static int
fetch_ifaces(struct cli *c, struct obj_lhdr **list, size_t *len,
    struct err *e)
{
	struct obj_lhdr probe = {.op = {.opcode = FW3_XIFLIST}};
	struct err why = {.code = 0};
	size_t room;
	int r = ctl_get(c->ctl, CTL_FW3, &probe, sizeof(probe), sizeof(probe),
	    len, &why);

	if (r != 0 && r != -ENOMEM) {
		*e = why;
		return r;
	}
	room = probe.size > sizeof(probe) ? probe.size : sizeof(probe);
	if (*len < sizeof(probe) || room > CTL_MAX_PAYLOAD)
		return err_set(e, EPROTO, "the daemon's answer makes no sense");
	*list = calloc(1, room);
	if (*list == NULL)
		return err_set(e, ENOMEM, "no memory for the interfaces");
	(*list)->op.opcode = FW3_XIFLIST;
	(*list)->size = (uint32_t)room;
	r = ctl_get(c->ctl, CTL_FW3, *list, sizeof(**list), room, len, e);
	if (r == 0 && *len < sizeof(**list))
		r = err_set(e, EPROTO, "the daemon's answer is too short");
	if (r != 0)
		free(*list);
	return r;
}

static int
by_name(const void *a, const void *b)
{
	const struct iface_info *x = a, *y = b;

	return strncmp(x->ifname, y->ifname, sizeof(x->ifname));
}

static void
print_iface_info(struct cli *c, const struct iface_info *i)
{
	struct text t = {0};

	text_safe(&t, i->ifname, sizeof(i->ifname));
	if ((i->flags & 1) != 0)
		text_f(&t, " ifindex: %u", i->ifindex);
	else
		text_f(&t, " ifindex: unresolved");
	fprintf(c->out, "%s refcount: %u changes: %u\n", text_str(&t),
	    i->refcnt, i->gencnt);
	text_fini(&t);
}

static int
list_objects(struct cli *c, struct err *e)
{
	static const struct name types[] = {{"EACTION", TLV_EACTION},
	    {"DYNSTATE", TLV_STATE_NAME}, {NULL, 0}};
	struct obj_lhdr *list;
	const struct obj_ntlv *o;
	struct text t = {0};
	size_t n;
	int r = table_fetch_list(c, FW3_DUMP_SRVOBJECTS, sizeof(*o), &list, &n,
	    e);

	if (r != 0)
		return cli_code(r);
	o = (const void *)(list + 1);
	text_f(&t, n > 0 ? "Objects list:\n" : "There are no objects\n");
	for (size_t k = 0; k < n; k++) {
		const char *type = name_of(types, o[k].head.type);

		text_f(&t, " kidx: %4u\ttype: %10s\tname: ", o[k].idx,
		    type != NULL ? type : "?");
		text_safe(&t, o[k].name, sizeof(o[k].name));
		text_f(&t, "\n");
	}
	fputs(text_str(&t), c->out);
	text_fini(&t);
	free(list);
	return 0;
}

int
cmd_internal(struct cli *c, const struct args *a, struct err *e)
{
	struct obj_lhdr *list;
	struct iface_info *info;
	size_t len, n;
	int r;

	if (a->n < 2)
		return args_missing(a, "iflist, olist, plan, talist or vlist", e);
	if (strcmp(a->w[1].s, "olist") == 0)
		return list_objects(c, e);
	if (strcmp(a->w[1].s, "talist") == 0)
		return cmd_table_algos(c, a, e);
	if (strcmp(a->w[1].s, "vlist") == 0)
		return cmd_table_values(c, a, e);
	if (strcmp(a->w[1].s, "plan") == 0)
		return cmd_plan(c, a, e);
	if (strcmp(a->w[1].s, "iflist") != 0)
		return word_err(e, EX_USAGE, &a->w[1],
		    "unknown internal command; there are iflist, olist, "
		    "plan, talist, vlist");
	r = fetch_ifaces(c, &list, &len, e);
	if (r != 0)
		return cli_code(r);
	info = (void *)(list + 1);
	n = (len - sizeof(*list)) / sizeof(*info);
	if (list->count < n)
		n = list->count;
	qsort(info, n, sizeof(*info), by_name);
	for (size_t k = 0; k < n; k++)
		print_iface_info(c, &info[k]);
	free(list);
	return 0;
}

/* ---- later versions ---- */

int
cmd_later(struct cli *c, const struct args *a, struct err *e)
{
	(void)c;
	return word_err(e, EX_UNAVAILABLE, &a->w[0],
	    "is not implemented in this version");
}
