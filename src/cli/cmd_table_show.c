/* SPDX-License-Identifier: BSD-2-Clause */
/* table NAME list, info, detail, flush, destroy: what "table all" has as well. */
#include "cli/cmd_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum { TRIES = 8 }; /* of a table that grows meanwhile */

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
		table_msg_header(*out, FW3_TABLE_XLIST, i->tablename);
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
		return table_msg_send(c, FW3_TABLE_XFLUSH, i->tablename, e);
	if (strcmp(how, "destroy") == 0)
		return table_msg_send(c, FW3_TABLE_XDESTROY, i->tablename, e);
	return show_info(c, i, strcmp(how, "detail") == 0);
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
	int r = table_msg_list(c, FW3_TABLES_XLIST, sizeof(*i), &list, &n, e);

	if (r != 0)
		return cli_code(r);
	i = (void *)(list + 1);
	qsort(i, n, sizeof(*i), by_name);
	for (size_t k = 0; r == 0 && k < n; k++) {
		i[k].tablename[sizeof(i->tablename) - 1] = '\0';
		i[k].algoname[sizeof(i->algoname) - 1] = '\0';
		r = show_one(c, &i[k], cmd_table_verb(a), true, e);
	}
	free(list);
	return r != 0 ? EX_OSERR : 0;
}

int
cmd_table_show(struct cli *c, const struct args *a, struct err *e)
{
	struct table_info i;
	bool changes = strcmp(cmd_table_verb(a), "flush") == 0 ||
		       strcmp(cmd_table_verb(a), "destroy") == 0;
	int r;

	if (changes && (c->flags & CLI_TEST) != 0)
		return 0;
	if (strcmp(a->w[1].s, "all") == 0)
		return all_tables(c, a, e);
	r = table_msg_info(c, a->w[1].s, &i, e);
	if (r == -ESRCH && strcmp(cmd_table_verb(a), "destroy") == 0) {
		cli_warn(c, "table %s does not exist", a->w[1].s);
		e->code = 0;
		return 0;
	}
	if (r == 0)
		r = show_one(c, &i, cmd_table_verb(a), false, e);
	return r != 0 ? EX_OSERR : 0;
}
