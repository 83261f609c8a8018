/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * table NAME add, delete, atomic, lookup: what is in a table.
 *
 * Lines of a file that add to one table one after the other go to the daemon
 * together; the results, and an error with its line, are as if they had gone
 * alone.
 */
#include "cli/cmd_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum { BATCH_MAX = 65536 }; /* entries a message: 8 MB */

/* Entries of one table on their way. */
struct table_batch {
	struct table_info info; /* tablename empty: nothing known yet */
	unsigned flags;	    /* CLI_* that the lines had */
	bool add;
	bool atomic;
	unsigned n;
	unsigned cap;
	struct obj_tentry *entries;
	unsigned *lines; /* of the file, by entry */
};

static bool
grow(struct table_batch *b)
{
	unsigned cap = b->cap == 0 ? 16 : 2 * b->cap;
	struct obj_tentry *entries;
	unsigned *lines;

	if (b->n < b->cap)
		return true;
	entries = realloc(b->entries, cap * sizeof(*entries));
	if (entries == NULL)
		return false;
	b->entries = entries;
	lines = realloc(b->lines, cap * sizeof(*lines));
	if (lines == NULL)
		return false;
	b->lines = lines;
	b->cap = cap;
	return true;
}

/* Reads one key, at word '*k', and the value that add may have behind it. */
static int
read_entry(const struct table_info *info, const struct args *a, unsigned *k,
    bool add, struct obj_tentry *en, struct err *e)
{
	int r = tabentry_key(info, &a->w[(*k)++], en, e);

	if (r == 0 && add && *k < a->n)
		r = tabentry_value(info, &a->w[(*k)++], &en->v, e);
	return r;
}

/* Makes the table that the entries from word 'k' on fit into, if they do. */
static int
make_for(struct cli *c, const struct args *a, unsigned k, struct err *e)
{
	struct table_info fresh = {.vmask = VTYPE_LEGACY,
	    .type = tabentry_guess(a->w[k].s)};
	const char *name = a->w[1].s;
	int r = 0;

	while (r == 0 && k < a->n) {
		struct obj_tentry en = {.subtype = 0};

		r = read_entry(&fresh, a, &k, true, &en, e);
	}
	if (r != 0)
		return r;
	if ((c->flags & CLI_QUIET) == 0)
		cli_warn(c, "DEPRECATED: inserting data into non-existent "
			    "table %s. (auto-created)", name);
	return table_msg_create(c, name, &fresh, e) != 0 ? EX_OSERR : 0;
}

/* Finds out about the table; add makes it if it is not there. */
static int
begin(struct cli *c, struct table_batch *b, const struct args *a, unsigned k,
    struct err *e)
{
	const char *name = a->w[1].s;
	struct err why = {.code = 0};
	int r = table_msg_info(c, name, &b->info, &why);

	if (r == 0)
		return 0;
	b->info.tablename[0] = '\0';
	if (r != -ESRCH || !b->add) {
		*e = why;
		return r == -ESRCH ? EX_OSERR : cli_code(r);
	}
	r = make_for(c, a, k, e);
	if (r != 0)
		return r;
	r = table_msg_info(c, name, &b->info, e);
	return r != 0 ? EX_OSERR : 0;
}

/* ---- results ---- */

static void
print_results(struct cli *c, const struct table_batch *b, int error)
{
	static const char *const words[] = {"ignored", "added", "updated",
	    "deleted", "limit", "notfound", "exists", "error"};
	struct text t = {0};

	for (unsigned i = 0; i < b->n; i++) {
		unsigned result = b->entries[i].result;
		bool done = result == TR_ADDED || result == TR_UPDATED ||
			    result == TR_DELETED;

		text_f(&t, "%s%s: ",
		    result < ARRAY_LEN(words) ? words[result] : "unknown",
		    error != 0 && b->atomic && done ? "(reverted)" : "");
		tabentry_put(&t, &b->info, &b->entries[i],
		    (b->flags & CLI_AS_IP) != 0);
		text_f(&t, "\n");
	}
	fputs(text_str(&t), c->out);
	text_fini(&t);
}

static int
explain(const struct table_batch *b, int error, const struct err *why,
    struct err *e)
{
	static const struct {
		int error;
		const char *text;
	} known[] = {
	    {EEXIST, "record already exists"},
	    {EFBIG, "limit hit"},
	    {ESRCH, "table not found"},
	    {ENOENT, "record not found"},
	    {EACCES, "table is locked"},
	};
	const char *text = why->text;

	for (size_t k = 0; k < ARRAY_LEN(known); k++)
		if (known[k].error == -error)
			text = known[k].text;
	err_set(e, -error, "%s record failed: %s",
	    b->add ? "Adding" : "Deleting", text);
	return EX_OSERR;
}

/* ---- sending ---- */

/* The message: header, list, entries. */
static void *
make_message(const struct table_batch *b, size_t *len)
{
	struct obj_hdr *h;
	struct obj_ctlv *l;

	*len = sizeof(*h) + sizeof(*l) + b->n * sizeof(b->entries[0]);
	h = calloc(1, *len);
	if (h == NULL)
		return NULL;
	table_msg_header(h, b->add ? FW3_TABLE_XADD : FW3_TABLE_XDEL,
	    b->info.tablename);
	h->op.version = 1;
	h->ntlv.type = b->info.type;
	l = (void *)(h + 1);
	l->head.type = TLV_TBLENT_LIST;
	l->head.length = (uint32_t)(*len - sizeof(*h));
	l->count = b->n;
	l->flags = b->atomic ? CTF_ATOMIC : 0;
	memcpy(l + 1, b->entries, b->n * sizeof(b->entries[0]));
	return h;
}

static int
send_batch(struct cli *c, struct table_batch *b, struct err *e)
{
	struct err why = {.code = 0};
	size_t len, got = 0;
	unsigned char *m = make_message(b, &len);
	int r;

	if (m == NULL) {
		err_set(e, ENOMEM, "no memory for %u records", b->n);
		return EX_OSERR;
	}
	r = ctl_get(c->ctl, CTL_FW3, m, len, len, &got, &why);
	if (got == len)
		memcpy(b->entries,
		    m + sizeof(struct obj_hdr) + sizeof(struct obj_ctlv),
		    b->n * sizeof(b->entries[0]));
	free(m);
	/* -q: what is gone already need not be deleted. */
	if (r == -ENOENT && !b->add && (b->flags & CLI_QUIET) != 0)
		r = 0;
	if ((b->flags & CLI_QUIET) == 0 && got == len)
		print_results(c, b, r);
	return r == 0 ? 0 : explain(b, r, &why, e);
}

/* The line of the entry at which the daemon stopped. */
static unsigned
failed_line(const struct table_batch *b)
{
	for (unsigned i = 0; i < b->n; i++)
		if (b->entries[i].result == TR_IGNORED ||
		    b->entries[i].result >= TR_LIMIT)
			return b->lines[i];
	return b->n > 0 ? b->lines[b->n - 1] : 0;
}

struct table_batch *
table_batch_create(void)
{
	return calloc(1, sizeof(struct table_batch));
}

void
table_batch_destroy(struct table_batch *b)
{
	if (b == NULL)
		return;
	free(b->entries);
	free(b->lines);
	free(b);
}

int
table_batch_send(struct cli *c, struct table_batch *b, unsigned *line,
    struct err *e)
{
	int r;

	if (b == NULL || b->n == 0)
		return 0;
	r = send_batch(c, b, e);
	if (r != 0)
		*line = failed_line(b);
	b->n = 0;
	b->info.tablename[0] = '\0';
	return r;
}

bool
table_batch_takes(const struct cli *own, const struct table_batch *b,
    const struct args *a)
{
	return b != NULL && a->n > 3 && strcmp(a->w[0].s, "table") == 0 &&
	       strcmp(a->w[2].s, "add") == 0 &&
	       (b->n == 0 || (b->n < BATCH_MAX && b->flags == own->flags &&
				 strcmp(a->w[1].s, b->info.tablename) == 0));
}

/* ---- commands ---- */

/* Puts the keys (and values) of a command, from word 'k' on, into 'b'. */
static int
collect(struct cli *c, const struct args *a, unsigned k,
    struct table_batch *b, struct err *e)
{
	int r = 0;

	if (b->info.tablename[0] == '\0')
		r = begin(c, b, a, k, e);
	while (r == 0 && k < a->n) {
		struct obj_tentry *en;

		if (!grow(b)) {
			err_set(e, ENOMEM, "no memory for the records");
			return EX_OSERR;
		}
		en = &b->entries[b->n];
		memset(en, 0, sizeof(*en));
		en->head.length = sizeof(*en);
		en->idx = 1;
		if ((c->flags & CLI_QUIET) != 0)
			en->head.flags = TF_UPDATE;
		r = read_entry(&b->info, a, &k, b->add, en, e);
		b->lines[b->n] = c->line;
		b->n += r == 0;
	}
	return r;
}

/* One command of its own, or a part of a file's batch. */
static int
change(struct cli *c, const struct args *a, unsigned k, bool add, bool atomic,
    struct err *e)
{
	struct table_batch own = {.add = add, .atomic = atomic,
	    .flags = c->flags};
	unsigned before;
	int r;

	if (k >= a->n)
		return args_missing(a, "a key", e);
	if ((c->flags & CLI_TEST) != 0)
		return 0;
	if (c->batch != NULL && add && !atomic) {
		struct table_batch *b = c->batch;

		b->add = true;
		b->flags = c->flags;
		before = b->n;
		r = collect(c, a, k, b, e);
		if (r != 0)
			b->n = before; /* nothing of a line that is wrong */
		return r;
	}
	r = collect(c, a, k, &own, e);
	if (r == 0)
		r = send_batch(c, &own, e);
	free(own.entries);
	free(own.lines);
	return r;
}

int
cmd_table_add(struct cli *c, const struct args *a, struct err *e)
{
	return change(c, a, 3, true, false, e);
}

int
cmd_table_delete(struct cli *c, const struct args *a, struct err *e)
{
	return change(c, a, 3, false, false, e);
}

int
cmd_table_atomic(struct cli *c, const struct args *a, struct err *e)
{
	if (strcmp(a->w[1].s, "all") == 0)
		return word_err(e, EX_USAGE, &a->w[1],
		    "atomic needs the name of one table");
	if (a->n < 4)
		return args_missing(a, "add or delete", e);
	if (strcmp(a->w[3].s, "add") == 0)
		return change(c, a, 4, true, true, e);
	if (strcmp(a->w[3].s, "delete") == 0)
		return change(c, a, 4, false, true, e);
	return word_err(e, EX_USAGE, &a->w[3],
	    "atomic is only for add and delete");
}

int
cmd_table_lookup(struct cli *c, const struct args *a, struct err *e)
{
	struct {
		struct obj_hdr h;
		struct obj_tentry en;
	} q = {.en = {.idx = 1}};
	struct err why = {.code = 0};
	struct table_info info;
	struct text t = {0};
	size_t len = 0;
	int r;

	if (a->n < 4)
		return args_missing(a, "a key", e);
	r = table_msg_info(c, a->w[1].s, &info, &why);
	if (r == 0) {
		r = tabentry_key(&info, &a->w[3], &q.en, e);
		if (r != 0)
			return r;
		table_msg_header(&q.h, FW3_TABLE_XFIND, a->w[1].s);
		q.h.ntlv.type = info.type; /* the original looks at it */
		q.en.head.length = sizeof(q.en);
		r = ctl_get(c->ctl, CTL_FW3, &q, sizeof(q), sizeof(q), &len,
		    &why);
	}
	if (r == -ESRCH)
		err_set(e, ESRCH, "Table %s not found", a->w[1].s);
	else if (r == -ENOENT)
		err_set(e, ENOENT, "Entry %.80s not found", a->w[3].s);
	else if (r != 0)
		*e = why;
	if (r != 0)
		return EX_UNAVAILABLE;
	tabentry_put(&t, &info, &q.en, (c->flags & CLI_AS_IP) != 0);
	fprintf(c->out, "%s\n", text_str(&t));
	text_fini(&t);
	return 0;
}
