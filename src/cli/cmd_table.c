/* SPDX-License-Identifier: BSD-2-Clause */
/* table NAME create, destroy, info, list ...: lookup tables as a whole. */
#include "cli/cmd_table.h"

#include "cli/build.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum { TRIES = 8 };

/* The whole name of the table command. */
static const char *sub_name(const struct args *a);

/* ---- requests ---- */

/* An obj_hdr and what follows it. */
struct request {
	struct obj_hdr h;
	union {
		struct table_info info;
		struct obj_ntlv second;
		struct obj_tentry entry;
	};
};

static void
put_name(struct obj_ntlv *n, const char *name)
{
	*n = (struct obj_ntlv){
	    .head = {.type = TLV_TBL_NAME, .length = sizeof(*n)},
	    .idx = 1,
	};
	snprintf(n->name, sizeof(n->name), "%s", name);
}

void
table_header(struct obj_hdr *h, unsigned op, const char *name)
{
	memset(h, 0, sizeof(*h));
	h->op.opcode = (uint16_t)op;
	h->idx = 1;
	put_name(&h->ntlv, name);
}

int
table_info(struct cli *c, const char *name, struct table_info *out,
    struct err *e)
{
	struct request q = {.info = {.type = 0}};
	size_t len = 0, want = sizeof(q.h) + sizeof(q.info);
	int r;

	table_header(&q.h, FW3_TABLE_XINFO, name);
	r = ctl_get(c->ctl, CTL_FW3, &q, want, want, &len, e);
	if (r == 0 && len < want)
		r = err_set(e, EPROTO, "the daemon's answer is too short");
	*out = q.info;
	out->tablename[sizeof(out->tablename) - 1] = '\0';
	out->algoname[sizeof(out->algoname) - 1] = '\0';
	return r;
}

int
table_make(struct cli *c, const char *name, const struct table_info *i,
    struct err *e)
{
	struct request q = {.info = *i};

	table_header(&q.h, FW3_TABLE_XCREATE, name);
	return ctl_set(c->ctl, CTL_FW3, &q, sizeof(q.h) + sizeof(q.info), e);
}

/* A request that has only a name. */
static int
simple(struct cli *c, unsigned op, const char *name, struct err *e)
{
	struct obj_hdr h;

	table_header(&h, op, name);
	return ctl_set(c->ctl, CTL_FW3, &h, sizeof(h), e);
}

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
	int r = table_info(c, name, &there, e);

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
	r = cr->flush ? simple(c, FW3_TABLE_XFLUSH, name, e) : 0;
	return r != 0 ? cli_code(r) : 0;
}

static int
create(struct cli *c, const struct args *a, struct err *e)
{
	struct create cr = {.missing = false};
	int r = read_create(a, &cr, e);

	if (r != 0 || (c->flags & CLI_TEST) != 0)
		return r;
	r = table_make(c, a->w[1].s, &cr.info, e);
	if (r == -EEXIST && cr.missing)
		return accept_existing(c, a->w[1].s, &cr, e);
	return r != 0 ? EX_OSERR : 0;
}

static int
modify(struct cli *c, const char *name, const struct table_info *i,
    struct err *e)
{
	struct request q = {.info = *i};
	int r;

	if ((c->flags & CLI_TEST) != 0)
		return 0;
	table_header(&q.h, FW3_TABLE_XMODIFY, name);
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

	if (strcmp(sub_name(a), "lock") == 0)
		i.flags = TGF_LOCKED;
	return modify(c, a->w[1].s, &i, e);
}

static int
swap(struct cli *c, const struct args *a, struct err *e)
{
	struct request q = {.info = {.type = 0}};
	int r;

	if (a->n < 4)
		return args_missing(a, "the second table", e);
	if (!tabname_valid(a->w[3].s))
		return word_err(e, EX_USAGE, &a->w[3], "table name is invalid");
	if ((c->flags & CLI_TEST) != 0)
		return 0;
	table_header(&q.h, FW3_TABLE_XSWAP, a->w[1].s);
	put_name(&q.second, a->w[3].s);
	r = ctl_set(c->ctl, CTL_FW3, &q, sizeof(q.h) + sizeof(q.second), e);
	return r == 0			   ? 0 :
	       r == -EINVAL || r == -EFBIG ? EX_USAGE :
					     EX_OSERR;
}

/* ---- showing ---- */

static void
print_numbers(struct text *t, const char *family, unsigned class,
    unsigned size, unsigned count, unsigned itemsize)
{
	text_f(t, " %salgorithm %s info\n", family,
	    class == TACLASS_RADIX ? "radix" :
	    class == TACLASS_HASH  ? "hash" :
				     "array");
	if (class == TACLASS_RADIX)
		text_f(t, "  items: %u itemsize: %u\n", count, itemsize);
	else
		text_f(t, "  size: %u items: %u itemsize: %u\n", size, count,
		    itemsize);
}

static int
show_info(struct cli *c, const struct table_info *i, bool detail)
{
	const struct ta_numbers *n = &i->ta_info;
	struct text t = {0};

	text_f(&t, "--- table(%s), set(%u) ---\n kindex: %u, type: ",
	    i->tablename, i->set, i->kidx);
	tabentry_put_type(&t, i);
	text_f(&t, "%s\n references: %u, valtype: ",
	    (i->flags & TGF_LOCKED) != 0 ? ", locked" : "", i->refcnt);
	tabentry_put_vtype(&t, i->vmask);
	text_f(&t, "%s\n algorithm: %s\n items: %u, size: %u\n",
	    (i->flags & TGF_COUNTERS) != 0 ? ", counters" : "", i->algoname,
	    i->count, i->size);
	if (i->limit != 0)
		text_f(&t, " limit: %u\n", i->limit);
	if (detail && (n->flags & TATF_DATA) != 0) {
		bool both = (n->flags & TATF_AFDATA) != 0;

		print_numbers(&t, both ? "IPv4 " : "", n->class4, n->size4,
		    n->count4, n->itemsize4);
		if (both)
			print_numbers(&t, "IPv6 ", n->class6, n->size6,
			    n->count6, n->itemsize6);
	}
	fputs(text_str(&t), c->out);
	text_fini(&t);
	return 0;
}

/* Prints the entries of one reply; returns how many, -1 if it makes no
 * sense. */
static long
print_entries(struct cli *c, const struct table_info *i, const char *at,
    size_t left)
{
	bool as_ip = (c->flags & CLI_AS_IP) != 0;
	struct text t = {0};
	long n = 0;

	for (; left >= sizeof(struct obj_tentry); n++) {
		struct obj_tentry en;
		struct table_hits hits;

		memcpy(&en, at, sizeof(en));
		if (en.head.length < sizeof(en) || en.head.length > left)
			break;
		tabentry_put(&t, i, &en, as_ip);
		if (en.head.length >= sizeof(en) + sizeof(hits) &&
		    (c->flags & CLI_ACCT) != 0) {
			memcpy(&hits, at + sizeof(en), sizeof(hits));
			text_f(&t, " %llu %llu", (unsigned long long)hits.pkts,
			    (unsigned long long)hits.bytes);
		}
		text_f(&t, "\n");
		at += en.head.length;
		left -= en.head.length;
	}
	fputs(text_str(&t), c->out);
	text_fini(&t);
	return left == 0 ? n : -1;
}

/* The entries from number 'skip' on, as many as one message holds. */
static int
list_part(struct cli *c, const struct table_info *i, uint32_t skip,
    struct obj_hdr **out, size_t *len, struct err *e)
{
	size_t room = i->size + 4096;
	struct err why = {.code = 0};

	for (int k = 0; k < TRIES; k++, room *= 2) {
		int r;

		if (room > CTL_MAX_PAYLOAD || room < i->size)
			room = CTL_MAX_PAYLOAD;
		*out = calloc(1, room);
		if (*out == NULL)
			return err_set(e, ENOMEM, "no memory for the records");
		table_header(*out, FW3_TABLE_XLIST, i->tablename);
		(*out)->op.version = 1;
		(*out)->spare = skip;
		r = ctl_get(c->ctl, CTL_FW3, *out, sizeof(**out), room, len,
		    &why);
		if (r == 0 && *len >= sizeof(**out) + sizeof(*i))
			return 0;
		free(*out);
		if (r == 0)
			return err_set(e, EPROTO,
			    "the daemon's answer is too short");
		if (r != -ENOMEM)
			break;
	}
	*e = why;
	return -why.code;
}

static int
show_entries(struct cli *c, const struct table_info *i, bool header,
    struct err *e)
{
	size_t head = sizeof(struct obj_hdr) + sizeof(struct table_info), len;
	struct obj_hdr *h;
	uint32_t seen = 0, all;
	long n;
	int r;

	if (header)
		fprintf(c->out, "--- table(%s), set(%u) ---\n", i->tablename,
		    i->set);
	do {
		r = list_part(c, i, seen, &h, &len, e);
		if (r != 0)
			return r;
		all = ((struct table_info *)(h + 1))->count;
		n = print_entries(c, i, (char *)h + head, len - head);
		free(h);
		if (n < 0)
			return err_set(e, EPROTO,
			    "the daemon's answer makes no sense");
		seen += (uint32_t)n;
	} while (n > 0 && seen < all);
	return 0;
}

static int
show_one(struct cli *c, const struct table_info *i, const char *how,
    bool header, struct err *e)
{
	if (strcmp(how, "list") == 0)
		return show_entries(c, i, header, e);
	if (strcmp(how, "flush") == 0)
		return simple(c, FW3_TABLE_XFLUSH, i->tablename, e);
	if (strcmp(how, "destroy") == 0)
		return simple(c, FW3_TABLE_XDESTROY, i->tablename, e);
	return show_info(c, i, strcmp(how, "detail") == 0);
}

int
table_fetch_list(struct cli *c, unsigned op, size_t objsize,
    struct obj_lhdr **list, size_t *n, struct err *e)
{
	size_t room = 4096, len = 0;

	for (int k = 0; k < TRIES; k++) {
		struct obj_lhdr *h = calloc(1, room);
		struct err why = {.code = 0};
		int r;

		if (h == NULL)
			return err_set(e, ENOMEM, "no memory for the list");
		h->op.opcode = (uint16_t)op;
		h->size = (uint32_t)room;
		r = ctl_get(c->ctl, CTL_FW3, h, sizeof(*h), room, &len, &why);
		if (r == 0 && len >= sizeof(*h) &&
		    (h->objsize == objsize || h->count == 0)) {
			*list = h;
			*n = (len - sizeof(*h)) / objsize;
			*n = h->count < *n ? h->count : *n;
			return 0;
		}
		room = r == -ENOMEM && len >= sizeof(*h) && h->size > room ?
		    h->size : 2 * room;
		free(h);
		if (r == 0)
			return err_set(e, EPROTO,
			    "the daemon's answer makes no sense");
		if (r != -ENOMEM || room > CTL_MAX_PAYLOAD) {
			*e = why;
			return r;
		}
	}
	return err_set(e, EAGAIN, "the list keeps growing");
}

static int
by_name(const void *a, const void *b)
{
	const struct table_info *x = a, *y = b;

	return strncmp(x->tablename, y->tablename, sizeof(x->tablename));
}

static int
all_tables(struct cli *c, const struct args *a, struct err *e)
{
	struct obj_lhdr *list;
	struct table_info *i;
	size_t n;
	int r = table_fetch_list(c, FW3_TABLES_XLIST, sizeof(*i), &list, &n, e);

	if (r != 0)
		return cli_code(r);
	i = (void *)(list + 1);
	qsort(i, n, sizeof(*i), by_name);
	for (size_t k = 0; r == 0 && k < n; k++) {
		i[k].tablename[sizeof(i->tablename) - 1] = '\0';
		i[k].algoname[sizeof(i->algoname) - 1] = '\0';
		r = show_one(c, &i[k], sub_name(a), true, e);
	}
	free(list);
	return r != 0 ? EX_OSERR : 0;
}

/* list, info, detail, flush, destroy */
static int
one_table(struct cli *c, const struct args *a, struct err *e)
{
	struct table_info i;
	bool changes = strcmp(sub_name(a), "flush") == 0 ||
		       strcmp(sub_name(a), "destroy") == 0;
	int r;

	if (changes && (c->flags & CLI_TEST) != 0)
		return 0;
	if (strcmp(a->w[1].s, "all") == 0)
		return all_tables(c, a, e);
	r = table_info(c, a->w[1].s, &i, e);
	if (r == -ESRCH && strcmp(sub_name(a), "destroy") == 0) {
		cli_warn(c, "table %s does not exist", a->w[1].s);
		e->code = 0;
		return 0;
	}
	if (r == 0)
		r = show_one(c, &i, sub_name(a), false, e);
	return r != 0 ? EX_OSERR : 0;
}

/* ---- internal ---- */

int
cmd_table_algos(struct cli *c, const struct args *a, struct err *e)
{
	struct obj_lhdr *list;
	struct algo_info *i;
	size_t n;
	int r = table_fetch_list(c, FW3_TABLES_ALIST, sizeof(*i), &list, &n, e);

	(void)a;
	if (r != 0)
		return cli_code(r);
	i = (void *)(list + 1);
	for (size_t k = 0; k < n; k++) {
		const char *type = name_of(names_table_type, i[k].type);

		i[k].algoname[sizeof(i->algoname) - 1] = '\0';
		fprintf(c->out, "--- %s ---\n type: %s\n refcount: %u\n",
		    i[k].algoname, type != NULL ? type : "unknown",
		    i[k].refcnt);
	}
	free(list);
	return 0;
}

static int
by_index(const void *a, const void *b)
{
	const struct table_value *x = a, *y = b;

	return (x->spare > y->spare) - (x->spare < y->spare);
}

int
cmd_table_values(struct cli *c, const struct args *a, struct err *e)
{
	struct text t = {0};
	struct obj_lhdr *list;
	struct table_value *v;
	size_t n;
	int r = table_fetch_list(c, FW3_TABLE_VLIST, sizeof(*v), &list, &n, e);

	(void)a;
	if (r != 0)
		return cli_code(r);
	v = (void *)(list + 1);
	qsort(v, n, sizeof(*v), by_index);
	text_f(&t, "HEADER: ");
	tabentry_put_vtype(&t, VTYPE_ALL & ~(unsigned)VTYPE_MARK);
	text_f(&t, "\n");
	for (size_t k = 0; k < n; k++) {
		text_f(&t, "[%u] refs=%u ", v[k].spare, v[k].mark);
		tabentry_put_value(&t, VTYPE_ALL & ~(unsigned)VTYPE_MARK, &v[k],
		    false);
		text_f(&t, "\n");
	}
	fputs(text_str(&t), c->out);
	text_fini(&t);
	free(list);
	return 0;
}

/* ---- the command ---- */

static const struct sub {
	const char *name;
	command_fn *run;
	bool all; /* "table all" has it */
} subs[] = {
    {"add", cmd_table_add, false},
    {"atomic", cmd_table_atomic, false},
    {"delete", cmd_table_delete, false},
    {"create", create, false},
    {"destroy", one_table, true},
    {"modify", cmd_modify, false},
    {"swap", swap, false},
    {"flush", one_table, true},
    {"info", one_table, true},
    {"detail", one_table, true},
    {"list", one_table, true},
    {"lookup", cmd_table_lookup, false},
    {"lock", lock, false},
    {"unlock", lock, false},
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

static const char *
sub_name(const struct args *a)
{
	return find_sub(&a->w[2], NULL)->name;
}

int
cmd_table(struct cli *c, const struct args *a, struct err *e)
{
	bool all = a->n > 1 && strcmp(a->w[1].s, "all") == 0;
	const struct sub *sub;
	struct args rest = *a;

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
	return sub->run(c, &rest, e);
}
