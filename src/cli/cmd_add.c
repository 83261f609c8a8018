/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * add: rules are compiled here and sent to the daemon, which gives them their
 * numbers.
 *
 * Lines of a file that add rules one after the other go to the daemon together;
 * the output, and an error with its line, are as if they had gone alone.  A
 * list is added as a whole or not at all: one that is refused is sent again in
 * halves, until the rule at fault stands alone and those before it are added.
 */
#include "cli/cmd.h"

#include "cli/compile.h"
#include "cli/print.h"
#include "cli/refused.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum { BATCH_MAX = 1024, NAMES_MAX = 8192 };

/* A rule that waits. */
struct queued {
	size_t at;	/* in the batch's rules */
	size_t size;
	unsigned line;	/* of the file */
	unsigned flags; /* CLI_* that the line had */
	uint8_t n_names; /* that it mentions, by index, tables aside */
	uint16_t names[RULE_MAX_NAMES];
	struct refusable refusable;
};

/* Rules on their way, as a request has them: behind the names that they
 * mention by index. */
struct rule_batch {
	struct queued queue[BATCH_MAX];
	unsigned n;
	unsigned last;	      /* number that the last of them asks for */
	unsigned char *rules; /* each 8-aligned */
	size_t len;
	size_t cap;
	struct tabnames tables;
	struct obj_ntlv *names; /* of states and external actions */
	unsigned n_names;
	bool asked; /* the rest is known */
	int64_t log_limit;
	int64_t out_pass; /* -1: the daemon has none */
};

struct rule_batch *
rule_batch_create(void)
{
	return calloc(1, sizeof(struct rule_batch));
}

/* Forgets the rules and all that was found out for them. */
static void
clear(struct rule_batch *b)
{
	tabnames_fini(&b->tables);
	b->n = b->last = b->n_names = 0;
	b->len = 0;
	b->asked = false;
}

void
rule_batch_destroy(struct rule_batch *b)
{
	if (b == NULL)
		return;
	clear(b);
	free(b->rules);
	free(b->names);
	free(b);
}

/* ---- what the daemon is set to ---- */

static int
take_knob(void *arg, const struct ctl_sysctl *s)
{
	struct rule_batch *b = arg;
	int32_t v;

	if (s->len != sizeof(v))
		return 0;
	memcpy(&v, s->data, sizeof(v));
	if (strcmp(s->name, "net.inet.ip.fw.verbose_limit") == 0)
		b->log_limit = v;
	else if (strcmp(s->name, "net.inet.ip.fw.out_pass") == 0)
		b->out_pass = v;
	return 0;
}

/* Asks once a batch: what changes these knobs also ends it. */
static void
ask(struct cli *c, struct rule_batch *b)
{
	if (b->asked)
		return;
	b->asked = true;
	b->log_limit = 0;
	b->out_pass = -1;
	ctl_sysctl_walk(c->ctl, take_knob, b, NULL);
}

/* True if a "log" of the rule leaves its amount to the daemon. */
static bool
wants_log_default(const struct args *a)
{
	bool log = false;

	for (unsigned k = 1; k < a->n && strcmp(a->w[k].s, "//") != 0; k++) {
		if (strcmp(a->w[k].s, "logamount") == 0)
			return false;
		log = log || strcmp(a->w[k].s, "log") == 0;
	}
	return log;
}

static uint32_t
log_default(struct cli *c, struct rule_batch *b, const struct args *a)
{
	if ((c->flags & CLI_TEST) != 0 || !wants_log_default(a))
		return 0;
	ask(c, b);
	return b->log_limit > 0 ? (uint32_t)b->log_limit : 0;
}

/* ---- into the batch ---- */

/* The kind of name that arg1 of an instruction stands for; 0 for none. */
static unsigned
name_type(const struct insn *i)
{
	static const struct {
		uint8_t opcode;
		uint16_t type;
	} rows[] = {
	    {O_EXTERNAL_ACTION, TLV_EACTION},
	    {O_CHECK_STATE, TLV_STATE_NAME},
	    {O_PROBE_STATE, TLV_STATE_NAME},
	    {O_KEEP_STATE, TLV_STATE_NAME},
	    {O_LIMIT, TLV_STATE_NAME},
	};

	for (size_t k = 0; k < ARRAY_LEN(rows); k++)
		if (rows[k].opcode == i->opcode)
			return rows[k].type;
	return 0;
}

/* The batch's index of a name; 0 without memory. */
static uint16_t
name_index(struct rule_batch *b, const struct obj_ntlv *name)
{
	struct obj_ntlv *n;

	for (unsigned k = 0; k < b->n_names; k++)
		if (b->names[k].head.type == name->head.type &&
		    strcmp(b->names[k].name, name->name) == 0)
			return b->names[k].idx;
	n = realloc(b->names, (b->n_names + 1) * sizeof(*n));
	if (n == NULL)
		return 0;
	b->names = n;
	n += b->n_names++;
	*n = *name;
	n->idx = (uint16_t)b->n_names;
	return n->idx;
}

/* Puts the batch's indexes of names in the place of the rule's own. */
static bool
share_names(struct rule_batch *b, struct rule_buf *rule, uint16_t *idx)
{
	struct insn *i = (struct insn *)rule->cmd;
	const struct insn *end = i + rule->rule.cmd_len;

	for (unsigned k = 0; k < rule->n_names; k++) {
		idx[k] = name_index(b, &rule->names[k]);
		if (idx[k] == 0)
			return false;
	}
	for (; i < end; i += insn_words(i)) {
		unsigned type = name_type(i), k = 0;

		while (k < rule->n_names && (rule->names[k].idx != i->arg1 ||
						rule->names[k].head.type != type))
			k++;
		if (k < rule->n_names)
			i->arg1 = idx[k];
	}
	return true;
}

static bool
append(struct cli *c, struct rule_batch *b, struct rule_buf *rule,
    const struct args *a)
{
	size_t size = (rule_size(&rule->rule) + 7) & ~(size_t)7;
	struct queued *q = &b->queue[b->n];

	if (b->len + size > b->cap) {
		size_t cap = 2 * b->cap + sizeof(*rule);
		unsigned char *p = realloc(b->rules, cap);

		if (p == NULL)
			return false;
		b->rules = p;
		b->cap = cap;
	}
	if (!share_names(b, rule, q->names))
		return false;
	memset(b->rules + b->len, 0, size);
	memcpy(b->rules + b->len, rule, rule_size(&rule->rule));
	q->at = b->len;
	q->size = size;
	q->line = c->line;
	q->flags = c->flags;
	q->n_names = (uint8_t)rule->n_names;
	refusable_note(&q->refusable, a);
	b->n++;
	b->len += size;
	b->last = rule->rule.rulenum;
	return true;
}

/* ---- the request ---- */

/* What is sent and comes back: rules behind names. */
struct add_msg {
	unsigned char *data; /* owned */
	size_t len;
	const struct obj_ntlv *names;
	unsigned n_names;
	size_t rules; /* where they begin */
};

/* The tables of the batch, and of its other names those that rules 'lo' to
 * 'hi' - 1 need: one that is refused must not fail rules without it. */
static bool
put_names(const struct rule_batch *b, unsigned lo, unsigned hi,
    struct obj_ctlv *l)
{
	struct obj_ntlv *to = (void *)(l + 1);
	bool *used = calloc(b->n_names + 1, sizeof(*used));

	if (used == NULL)
		return false;
	for (unsigned k = lo; k < hi; k++)
		for (unsigned n = 0; n < b->queue[k].n_names; n++)
			used[b->queue[k].names[n]] = true;
	for (unsigned k = 0; k < b->tables.count; k++)
		*to++ = b->tables.n[k];
	for (unsigned k = 0; k < b->n_names; k++)
		if (used[b->names[k].idx])
			*to++ = b->names[k];
	free(used);
	*l = (struct obj_ctlv){.head = {.type = TLV_TBLNAME_LIST,
	    .length = (uint32_t)((char *)to - (char *)l)},
	    .count = (uint32_t)(to - (struct obj_ntlv *)(void *)(l + 1)),
	    .objsize = sizeof(*to)};
	return true;
}

static bool
make_add(const struct rule_batch *b, unsigned lo, unsigned hi,
    struct add_msg *m)
{
	size_t from = b->queue[lo].at;
	size_t size = b->queue[hi - 1].at + b->queue[hi - 1].size - from;
	size_t most = (b->tables.count + b->n_names) * sizeof(*b->names);
	struct fw3_hdr *h;
	struct obj_ctlv *l;

	h = calloc(1, sizeof(*h) + 2 * sizeof(*l) + most + size);
	if (h == NULL)
		return false;
	m->data = (void *)h;
	h->opcode = FW3_XADD;
	l = (void *)(h + 1);
	if (most > 0 && !put_names(b, lo, hi, l))
		return false;
	if (l->count > 0) {
		m->names = (void *)(l + 1);
		m->n_names = l->count;
		l = (void *)((unsigned char *)l + l->head.length);
	}
	*l = (struct obj_ctlv){.head = {.type = TLV_RULE_LIST,
	    .length = (uint32_t)(sizeof(*l) + size)}, .count = hi - lo};
	m->rules = (size_t)((unsigned char *)(l + 1) - m->data);
	m->len = m->rules + size;
	memcpy(l + 1, b->rules + from, size);
	return true;
}

/* ---- the answer ---- */

static bool
needs_out(const struct abi_rule *r)
{
	const struct insn *i = (const struct insn *)(r + 1);
	const struct insn *end = i + r->act_ofs;
	bool chained = false;

	for (; i < end; i = insn_next(i)) {
		bool alone = !chained && (i->len & INSN_OR) == 0;
		bool negated = (i->len & INSN_NOT) != 0;

		if (alone && ((i->opcode == O_IN && negated) ||
				 (i->opcode == O_XMIT && !negated)))
			return true;
		chained = (i->len & INSN_OR) != 0;
	}
	return false;
}

/* A rule that only the out pass can match, while there is none. */
static void
warn_out(struct cli *c, struct rule_batch *b, const struct abi_rule *sent,
    unsigned num)
{
	if (!needs_out(sent))
		return;
	ask(c, b);
	if (b->out_pass == 0)
		cli_warn(c, "warning: rule %u matches on the out pass only, "
			    "which is off (sysctl net.inet.ip.fw.out_pass=1)",
		    num);
}

static void
print_added(struct cli *c, const struct abi_rule *r, size_t size,
    const struct tabnames *tables, const struct obj_ntlv *names,
    unsigned n_names)
{
	struct print_opt opt = {.flags = list_print_flags(c), .tables = tables,
	    .names = names, .n_names = n_names};
	struct text t = {0};

	print_rule(&t, r, size, NULL, &opt);
	fputs(text_str(&t), c->out);
	text_fini(&t);
}

/* Shows what the daemon made of rules 'lo' to 'hi' - 1. */
static void
show_added(struct cli *c, struct rule_batch *b, unsigned lo, unsigned hi,
    const struct add_msg *m)
{
	struct cli own = *c; /* with the line and the flags of each */

	for (unsigned k = lo; k < hi; k++) {
		const struct queued *q = &b->queue[k];
		const struct abi_rule *r = (const void *)(m->data + m->rules +
		    q->at - b->queue[lo].at);

		own.line = q->line;
		own.flags = q->flags;
		if ((q->flags & CLI_QUIET) == 0)
			print_added(&own, r, q->size, &b->tables, m->names,
			    m->n_names);
		warn_out(&own, b, (const void *)(b->rules + q->at), r->rulenum);
	}
}

/* Sends rules 'lo' to 'hi' - 1 in one request, or in smaller ones if it is
 * refused.  Returns a sysexits code; '*line' is that of the rule at fault. */
static int
send_rules(struct cli *c, struct rule_batch *b, unsigned lo, unsigned hi,
    unsigned *line, struct err *e)
{
	unsigned half = lo + (hi - lo) / 2;
	struct err why = {.code = 0, .pos = -1, .text = ""};
	struct add_msg m = {0};
	size_t got = 0;
	int r;

	*line = b->queue[lo].line;
	if (!make_add(b, lo, hi, &m)) {
		free(m.data);
		err_set(e, ENOMEM, "no memory for a request");
		return EX_OSERR;
	}
	r = ctl_get(c->ctl, CTL_FW3, m.data, m.len, m.len, &got, &why);
	if (r == 0 && got == m.len)
		show_added(c, b, lo, hi, &m);
	free(m.data);
	if (r == 0 && got == m.len)
		return 0;
	if (r != 0 && hi - lo > 1 && ctl_client_answered(c->ctl)) {
		r = send_rules(c, b, lo, half, line, e);
		return r != 0 ? r : send_rules(c, b, half, hi, line, e);
	}
	if (r == 0)
		r = err_set(&why, EPROTO, "the daemon's answer is too short");
	refusable_explain(&b->queue[lo].refusable, &why);
	*e = why;
	return r == -EPROTO ? EX_OSERR : cli_code(r);
}

int
rule_batch_send(struct cli *c, struct rule_batch *b, unsigned *line,
    struct err *e)
{
	unsigned at;
	int r;

	if (b == NULL || b->n == 0)
		return 0;
	r = send_rules(c, b, 0, b->n, &at, e);
	if (r != 0)
		*line = at;
	clear(b);
	return r;
}

/* ---- the command ---- */

/* A daemon wants the rules of a list in the order of their numbers. */
bool
rule_batch_takes(const struct cli *c, const struct rule_batch *b,
    const struct args *a)
{
	unsigned num;

	if (b == NULL || (c->flags & CLI_TEST) != 0 || a->n < 2 ||
	    strcmp(a->w[0].s, "add") != 0)
		return false;
	if (args_number(a->w[1].s, UINT16_MAX, &num) && num != 0 &&
	    num < b->last)
		return false;
	return b->n < BATCH_MAX && b->tables.count < NAMES_MAX;
}

/* Prints what would be sent. */
static int
test_rule(struct cli *c, const struct args *a, struct err *e)
{
	struct tabnames names = {NULL, 0};
	struct rule_buf rule;
	int r = compile_named(a->w + 1, a->n - 1, 0, &rule, &names, e);

	if (r == 0 && (c->flags & CLI_QUIET) == 0)
		print_added(c, &rule.rule, rule_size(&rule.rule), &names,
		    rule.names, rule.n_names);
	tabnames_fini(&names);
	return r;
}

static int
collect(struct cli *c, const struct args *a, struct rule_batch *b,
    struct err *e)
{
	struct rule_buf rule;
	int r = compile_named(a->w + 1, a->n - 1, log_default(c, b, a), &rule,
	    &b->tables, e);

	if (r == 0 && !append(c, b, &rule, a)) {
		err_set(e, ENOMEM, "no memory for a rule");
		r = EX_OSERR;
	}
	return r;
}

int
cmd_add(struct cli *c, const struct args *a, struct err *e)
{
	struct rule_batch *b = c->rules;
	int r;

	if ((c->flags & CLI_TEST) != 0)
		return test_rule(c, a, e);
	if (b != NULL && rule_batch_takes(c, b, a)) {
		ask(c, b);
		if (ctl_client_takes_lists(c->ctl))
			return collect(c, a, b, e);
	}
	b = rule_batch_create();
	if (b == NULL) {
		err_set(e, ENOMEM, "no memory for a rule");
		return EX_OSERR;
	}
	r = collect(c, a, b, e);
	if (r == 0)
		r = rule_batch_send(c, b, &c->line, e);
	rule_batch_destroy(b);
	return r;
}
