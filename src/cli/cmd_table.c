/* SPDX-License-Identifier: BSD-2-Clause */
/* table: lookup tables as a whole are made and changed here. */
#include "cli/cmd_table.h"

#include "cli/build.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* ---- create and modify ---- */

/* Refuses 'part' of the word, a name that the table does not have. */
static int
unknown(const struct word *w, const char *part, const struct name *table,
    const char *what, struct err *e)
{
	struct suggest g;
	char hint[64];

	suggest_init(&g, part);
	suggest_names(&g, table);
	return word_err(e, EX_USAGE, w, "%s%s", what,
	    suggest_text(&g, hint, sizeof(hint)));
}

/* The names in 's', which is the end of 'w', as bits. */
static int
read_flags(const struct word *w, const char *s, const struct name *table,
    const char *what, uint32_t *bits, struct err *e)
{
	char part[32];

	*bits = 0;
	for (;; s++) {
		size_t len = strcspn(s, ",");
		const struct name *n;

		snprintf(part, sizeof(part), "%.*s", (int)len, s);
		n = len < sizeof(part) ? name_find(table, part) : NULL;
		if (n == NULL)
			return unknown(w, part, table, what, e);
		*bits |= n->value;
		s += len;
		if (*s == '\0')
			return 0;
	}
}

static int
read_type(const struct word *w, struct table_info *i, struct err *e)
{
	const char *colon = strchr(w->s, ':');
	char type[32];
	const struct name *n;
	uint32_t bits = 0;
	int r = 0;

	snprintf(type, sizeof(type), "%.*s",
	    (int)(colon != NULL ? colon - w->s : (long)strlen(w->s)), w->s);
	n = name_find(names_table_type, type);
	if (n == NULL)
		return unknown(w, type, names_table_type,
		    "unknown type; there are addr, iface, number, flow, mac", e);
	i->type = (uint8_t)n->value;
	if (colon != NULL && i->type != TABLE_FLOW)
		return word_err(e, EX_USAGE, w, "only flow has parts: src-ip, "
		    "proto, src-port, dst-ip, dst-port");
	if (colon != NULL)
		r = read_flags(w, colon + 1, names_flow_field, "unknown field "
		    "of flow; there are src-ip, proto, src-port, dst-ip, "
		    "dst-port", &bits, e);
	i->tflags = (uint8_t)bits;
	return r;
}

struct create {
	struct table_info info;
	bool missing;
	bool flush;
};

/* The value of an option, the word after 'k'. */
static int
option_value(const struct args *a, unsigned *k, struct create *cr,
    struct err *e)
{
	const char *opt = a->w[*k].s;
	const struct word *w;

	if (*k + 1 == a->n)
		return args_missing(a, "the value of the option", e);
	w = &a->w[++*k];
	if (strcmp(opt, "type") == 0)
		return read_type(w, &cr->info, e);
	if (strcmp(opt, "valtype") == 0)
		return read_flags(w, w->s, names_value_type,
		    "unknown value type", &cr->info.vmask, e);
	if (strcmp(opt, "limit") == 0)
		return number(w->s, UINT32_MAX, &cr->info.limit) ? 0 :
		    word_err(e, EX_DATAERR, w, "not a number of records");
	if (strlen(w->s) >= sizeof(cr->info.algoname))
		return word_err(e, EX_USAGE, w, "algorithm name too long");
	snprintf(cr->info.algoname, sizeof(cr->info.algoname), "%s", w->s);
	if (*k + 1 == a->n || strncmp(a->w[*k + 1].s, "masks=", 6) != 0)
		return 0;
	/* Its options, which a shell would take quotes to keep with it. */
	w = &a->w[++*k];
	if (strlen(cr->info.algoname) + 1 + strlen(w->s) >=
	    sizeof(cr->info.algoname))
		return word_err(e, EX_USAGE, w, "algorithm name too long");
	snprintf(cr->info.algoname + strlen(cr->info.algoname),
	    sizeof(cr->info.algoname) - strlen(cr->info.algoname), " %s", w->s);
	return 0;
}

static int
read_create(const struct args *a, struct create *cr, struct err *e)
{
	static const char values[] = "type valtype limit algo";
	static const char flags[] = "locked missing or-flush counters";
	struct suggest g;
	char hint[64];
	int r = 0;

	for (unsigned k = 3; r == 0 && k < a->n; k++) {
		const char *s = a->w[k].s;

		if (name_in_list(values, s)) {
			r = option_value(a, &k, cr, e);
		} else if (!name_in_list(flags, s)) {
			suggest_init(&g, s);
			suggest_try(&g, values);
			suggest_try(&g, flags);
			return word_err(e, EX_USAGE, &a->w[k],
			    "unknown option of create%s",
			    suggest_text(&g, hint, sizeof(hint)));
		}
		if (strcmp(s, "locked") == 0)
			cr->info.flags |= TGF_LOCKED;
		else if (strcmp(s, "counters") == 0)
			cr->info.flags |= TGF_COUNTERS;
		cr->flush = cr->flush || strcmp(s, "or-flush") == 0;
		cr->missing = cr->missing || cr->flush ||
			      strcmp(s, "missing") == 0;
	}
	if (cr->info.type == 0 && cr->info.algoname[0] == '\0')
		cr->info.type = TABLE_ADDR;
	if (cr->info.vmask == 0)
		cr->info.vmask = VTYPE_LEGACY;
	return r;
}

/* 'missing': a table that exists will do if it is the same. */
static int
accept_existing(struct cli *c, const char *name, const struct create *cr,
    struct err *e)
{
	struct table_info there;
	int r = table_msg_info(c, name, &there, e);

	if (r != 0)
		return cli_code(r);
	if ((cr->info.type != 0 && there.type != cr->info.type) ||
	    (cr->info.algoname[0] != '\0' &&
		strcmp(there.algoname, cr->info.algoname) != 0) ||
	    there.vmask != cr->info.vmask ||
	    there.limit != cr->info.limit ||
	    (cr->info.tflags != 0 && there.tflags != cr->info.tflags)) {
		err_set(e, EEXIST, "The existing table is not compatible with "
				   "one you are creating.");
		return EX_SOFTWARE;
	}
	r = cr->flush ? table_msg_send(c, FW3_TABLE_XFLUSH, name, e) : 0;
	return r != 0 ? cli_code(r) : 0;
}

static int
create(struct cli *c, const struct args *a, struct err *e)
{
	struct create cr = {.missing = false};
	int r = read_create(a, &cr, e);

	if (r != 0 || (c->flags & CLI_TEST) != 0)
		return r;
	r = table_msg_create(c, a->w[1].s, &cr.info, e);
	if (r == -EEXIST && cr.missing)
		return accept_existing(c, a->w[1].s, &cr, e);
	return r != 0 ? EX_OSERR : 0;
}

static int
modify(struct cli *c, const char *name, const struct table_info *i,
    struct err *e)
{
	struct table_msg q = {.info = *i};
	int r;

	if ((c->flags & CLI_TEST) != 0)
		return 0;
	table_msg_header(&q.h, FW3_TABLE_XMODIFY, name);
	r = ctl_set(c->ctl, CTL_FW3, &q, sizeof(q.h) + sizeof(q.info), e);
	return r != 0 ? EX_OSERR : 0;
}

static int
cmd_modify(struct cli *c, const struct args *a, struct err *e)
{
	struct table_info i = {.mflags = TMF_LIMIT};

	if (a->n < 5)
		return args_missing(a, "limit N", e);
	if (strcmp(a->w[3].s, "limit") != 0)
		return word_err(e, EX_USAGE, &a->w[3],
		    "only limit can be modified");
	if (!number(a->w[4].s, UINT32_MAX, &i.limit))
		return word_err(e, EX_DATAERR, &a->w[4],
		    "not a number of records");
	return modify(c, a->w[1].s, &i, e);
}

static int
lock(struct cli *c, const struct args *a, struct err *e)
{
	struct table_info i = {.mflags = TMF_LOCK};

	if (strcmp(cmd_table_verb(a), "lock") == 0)
		i.flags = TGF_LOCKED;
	return modify(c, a->w[1].s, &i, e);
}

static int
swap(struct cli *c, const struct args *a, struct err *e)
{
	struct table_msg q = {.info = {.type = 0}};
	int r;

	if (a->n < 4)
		return args_missing(a, "the second table", e);
	if (!tabname_valid(a->w[3].s))
		return word_err(e, EX_USAGE, &a->w[3], "table name is invalid");
	if ((c->flags & CLI_TEST) != 0)
		return 0;
	table_msg_header(&q.h, FW3_TABLE_XSWAP, a->w[1].s);
	table_msg_name(&q.second, a->w[3].s);
	r = ctl_set(c->ctl, CTL_FW3, &q, sizeof(q.h) + sizeof(q.second), e);
	return r == 0			   ? 0 :
	       r == -EINVAL || r == -EFBIG ? EX_USAGE :
					     EX_OSERR;
}

/* ---- the command ---- */

static const struct sub {
	const char *name;
	command_fn *run;
	bool all; /* "table all" has it */
	unsigned words; /* it has at most; 0: it looks itself */
} subs[] = {
    {"add", cmd_table_add, false, 0},
    {"atomic", cmd_table_atomic, false, 0},
    {"delete", cmd_table_delete, false, 0},
    {"create", create, false, 0},
    {"destroy", cmd_table_show, true, 3},
    {"modify", cmd_modify, false, 5},
    {"swap", swap, false, 4},
    {"flush", cmd_table_show, true, 3},
    {"info", cmd_table_show, true, 3},
    {"detail", cmd_table_show, true, 3},
    {"list", cmd_table_show, true, 3},
    {"lookup", cmd_table_lookup, false, 4},
    {"lock", lock, false, 3},
    {"unlock", lock, false, 3},
};

/* The row of the word, which may be the beginning of one name alone. */
static const struct sub *
find_sub(const struct word *w, struct err *e)
{
	const struct sub *found = NULL;
	unsigned n = 0;
	struct suggest g;
	char hint[64];

	suggest_init(&g, w->s);
	for (size_t k = 0; k < ARRAY_LEN(subs); k++) {
		suggest_try(&g, subs[k].name);
		if (strcmp(w->s, subs[k].name) == 0)
			return &subs[k];
		if (strncmp(w->s, subs[k].name, strlen(w->s)) == 0) {
			found = &subs[k];
			n++;
		}
	}
	if (n == 1)
		return found;
	word_err(e, EX_USAGE, w, "%s table command%s",
	    n > 1 ? "ambiguous" : "unknown",
	    n > 1 ? "" : suggest_text(&g, hint, sizeof(hint)));
	return NULL;
}

const char *
cmd_table_verb(const struct args *a)
{
	return find_sub(&a->w[2], NULL)->name;
}

int
cmd_table(struct cli *c, const struct args *a, struct err *e)
{
	bool all = a->n > 1 && strcmp(a->w[1].s, "all") == 0;
	const struct sub *sub;
	int r;

	if (a->n < 2)
		return args_missing(a, "the name of a table", e);
	if (!all && !tabname_valid(a->w[1].s))
		return word_err(e, EX_USAGE, &a->w[1], "table name is invalid "
		    "(1 to 63 of letters, digits, \"_.-\")");
	if (a->n < 3)
		return args_missing(a, "a table command", e);
	sub = find_sub(&a->w[2], e);
	if (sub == NULL)
		return EX_USAGE;
	if (all && !sub->all)
		return word_err(e, EX_USAGE, &a->w[1],
		    "%s needs the name of one table", sub->name);
	r = sub->words != 0 ? args_end(a, sub->words, e) : 0;
	return r != 0 ? r : sub->run(c, a, e);
}
