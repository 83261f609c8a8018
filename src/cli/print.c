/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/print.h"

#include "cli/action.h"
#include "cli/option.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The instructions of one part of a rule, checked for their lengths. */
struct part {
	const struct insn **insn;
	bool *done; /* printed already */
	unsigned n;
	bool broken; /* an instruction that does not fit ended the walk */
};

/* A rule while it is printed. */
struct page {
	struct text *t;
	const struct print_opt *opt;
	struct part pat;
	struct part act;
	struct show show;
};

static void print_head(struct page *p, const struct abi_rule *r,
    const struct abi_counter *c);
static void print_action(struct page *p);
static void print_body(struct page *p);
static void print_options(struct page *p);
static void print_comments(struct page *p);

static bool
part_init(struct part *part, const struct insn *from, unsigned words)
{
	const struct insn *end = from + words;

	part->insn = calloc(words + 1, sizeof(*part->insn));
	part->done = calloc(words + 1, sizeof(*part->done));
	if (part->insn == NULL || part->done == NULL)
		return false;
	for (; from < end; from = insn_next(from)) {
		if (insn_words(from) == 0 ||
		    insn_words(from) > (size_t)(end - from)) {
			part->broken = true;
			return true;
		}
		part->insn[part->n++] = from;
	}
	return true;
}

static void
part_fini(struct part *part)
{
	free(part->insn);
	free(part->done);
}

/* check-state is written alone. */
static bool
lacks_body(const struct part *act)
{
	return act->n > 0 && act->insn[act->n - 1]->opcode == O_CHECK_STATE;
}

static bool
probes(const struct part *pat)
{
	for (unsigned k = 0; k < pat->n; k++)
		if (pat->insn[k]->opcode == O_PROBE_STATE)
			return true;
	return false;
}

int
digits(uint64_t v)
{
	int n = 1;

	for (; v > 9; v /= 10)
		n++;
	return n;
}

void
print_rule(struct text *t, const struct abi_rule *r, size_t size,
    const struct abi_counter *counter, const struct print_opt *opt)
{
	struct page p = {.t = t, .opt = opt};
	const struct insn *cmd = (const struct insn *)(r + 1);
	unsigned words = r->cmd_len, split = r->act_ofs;

	p.show.tables = opt->tables;
	p.show.names = opt->names;
	p.show.n_names = opt->n_names;
	p.show.resolve = (opt->flags & PRINT_RESOLVE) != 0;
	if (size < sizeof(*r)) {
		text_f(t, "[rule of %zu octets]\n", size);
		return;
	}
	if (words > (size - sizeof(*r)) / 4)
		words = (unsigned)((size - sizeof(*r)) / 4);
	if (split > words)
		split = words;
	if (part_init(&p.pat, cmd, split) &&
	    part_init(&p.act, cmd + split, words - split)) {
		p.show.probes = probes(&p.pat);
		print_head(&p, r, counter);
		print_action(&p);
		if ((opt->flags & PRINT_COMMENT) == 0) {
			bool bare = (r->flags & RULE_JUSTOPTS) != 0 ||
				    ((r->flags & RULE_NOOPT) != 0 &&
					(opt->flags & PRINT_COMPACT) != 0);

			if ((!bare || p.pat.n == 0) && !lacks_body(&p.act))
				print_body(&p);
			print_options(&p);
		}
		print_comments(&p);
	} else {
		t->failed = true;
	}
	part_fini(&p.pat);
	part_fini(&p.act);
}

/* ---- number, counters, time, set, probability ---- */

static void
print_time(struct page *p, const struct abi_counter *c)
{
	time_t when = c->timestamp;
	char buf[64] = "";
	struct tm tm;

	if ((p->opt->flags & PRINT_EPOCH) != 0)
		text_f(p->t, "%10u ", c->timestamp);
	else if (c->timestamp != 0 && localtime_r(&when, &tm) != NULL &&
		 strftime(buf, sizeof(buf), "%a %b %e %H:%M:%S %Y", &tm) > 0)
		text_f(p->t, "%s ", buf);
	else /* no blank behind it, as FreeBSD prints it */
		text_f(p->t, "%24s", "");
}

/* The shortest decimals, at least six, that are read back as 'd'. */
static void
print_prob(struct text *t, uint32_t d)
{
	double p = (double)d / 0x7fffffff;
	char buf[32];

	for (int prec = 6; prec <= 12; prec++) {
		snprintf(buf, sizeof(buf), "%.*f", prec, p);
		if ((uint32_t)(strtod(buf, NULL) * 0x7fffffff) == d)
			break;
	}
	text_f(t, "prob %s ", buf);
}

static void
print_head(struct page *p, const struct abi_rule *r,
    const struct abi_counter *c)
{
	text_f(p->t, "%05u ", r->rulenum);
	if (c != NULL && (p->opt->flags & PRINT_COUNTERS) != 0)
		text_f(p->t, "%*llu %*llu ", p->opt->pkts_width,
		    (unsigned long long)c->pcnt, p->opt->bytes_width,
		    (unsigned long long)c->bcnt);
	if (c != NULL && (p->opt->flags & (PRINT_TIME | PRINT_EPOCH)) != 0)
		print_time(p, c);
	if ((p->opt->flags & PRINT_SET) != 0)
		text_f(p->t, "set %u ", r->set);
	if (p->pat.n > 0 && p->pat.insn[0]->opcode == O_PROB &&
	    p->pat.insn[0]->len == 2) {
		const struct insn_u32 *prob = (const void *)p->pat.insn[0];

		print_prob(p->t, prob->d[0]);
		p->pat.done[0] = true;
	}
}

/* ---- action part ---- */

static bool
fits(const struct insn *i)
{
	return i->opcode < O_LAST &&
	       insn_words(i) >= insn_table[i->opcode].min_words &&
	       insn_words(i) <= insn_table[i->opcode].max_words;
}

static void
print_action(struct page *p)
{
	const struct part *a = &p->act;
	unsigned last = a->n;
	size_t start = p->t->len;

	for (unsigned k = 0; k < a->n && last == a->n; k++) {
		const struct action *row = action_of(a->insn[k]->opcode);

		if (row == NULL || !fits(a->insn[k]))
			continue;
		row->print(p->t, a->insn[k]);
		if (a->insn[k]->opcode == O_CHECK_STATE)
			print_state_name(p->t, a->insn[k], &p->show);
		last = k;
	}
	if (last == a->n)
		text_f(p->t, "[no action]");
	for (unsigned k = 0; k < a->n; k++) {
		const struct action *row = modifier_of(a->insn[k]->opcode);

		/* The name of an external action is its data's word. */
		if (k == last || (a->insn[k]->opcode == O_EXTERNAL_ACTION &&
				     last < a->n && fits(a->insn[k]) &&
				     a->insn[last]->opcode == O_EXTERNAL_DATA))
			continue;
		if (row != NULL && fits(a->insn[k]))
			row->print(p->t, a->insn[k]);
		else
			print_raw(p->t, a->insn[k]);
	}
	if (a->broken || start == p->t->len)
		text_f(p->t, " [malformed action]");
}

/* ---- blocks: instructions chained by 'or' ---- */

/* One past the last instruction of the block that starts at 'k'. */
static unsigned
block_end(const struct part *a, unsigned k)
{
	while (k + 1 < a->n && (a->insn[k]->len & INSN_OR) != 0)
		k++;
	return k + 1;
}

/* The row that prints an instruction.  lookup shares its opcode with a table
 * as destination. */
static const struct option *
row_of(const struct insn *i)
{
	if (i->opcode == O_IP_DST_LOOKUP && insn_words(i) == 3)
		return option_find("lookup");
	return option_of(i->opcode);
}

static enum role
role_of(const struct insn *i)
{
	const struct option *o = row_of(i);

	return o != NULL && fits(i) ? (enum role)o->role : ROLE_OPTION;
}

static void
print_insn(struct page *p, const struct insn *i, bool keyword)
{
	const struct option *o = row_of(i);
	char kw[32];

	if (i->opcode == O_PROBE_STATE && fits(i))
		return; /* keep-state implies it */
	if ((i->len & INSN_NOT) != 0 && i->opcode != O_IN)
		text_f(p->t, " not");
	if (o == NULL || !fits(i)) {
		print_raw(p->t, i);
		return;
	}
	if (keyword && !o->own_keyword)
		text_f(p->t, " %s", option_keyword(o, kw, sizeof(kw)));
	o->print(p->t, i, o, &p->show);
}

static void
print_block(struct page *p, unsigned k, bool keyword)
{
	struct part *a = &p->pat;
	unsigned end = block_end(a, k);
	bool braces = (a->insn[k]->len & INSN_OR) != 0;

	if (braces)
		text_f(p->t, " {");
	for (unsigned first = k; k < end; k++) {
		if (k != first)
			text_f(p->t, " or");
		print_insn(p, a->insn[k], keyword);
		a->done[k] = true;
	}
	if (braces)
		text_f(p->t, " }");
}

/* ---- body ---- */

static bool
is_family(const struct insn *i)
{
	return i->opcode == O_IP4 || i->opcode == O_IP6;
}

/* The first block whose members all have this role, and if 'family' one of
 * them ip4 or ip6; the number of instructions if there is none. */
static unsigned
find_block(const struct part *a, enum role role, bool family)
{
	for (unsigned k = 0, end; k < a->n; k = end) {
		bool all = true, has_family = false;

		end = block_end(a, k);
		for (unsigned m = k; m < end; m++) {
			all = all && role_of(a->insn[m]) == role;
			has_family = has_family || is_family(a->insn[m]);
		}
		if (all && (has_family || !family))
			return k;
	}
	return a->n;
}

static void
print_side(struct page *p, const char *word, enum role addr, enum role ports)
{
	struct part *a = &p->pat;
	unsigned k = find_block(a, addr, false), n_ports = 0;

	text_f(p->t, " %s", word);
	if (k < a->n)
		print_block(p, k, false);
	else
		text_f(p->t, " any");
	for (k = 0; k < a->n; k++)
		n_ports += role_of(a->insn[k]) == ports;
	k = find_block(a, ports, false);
	if (n_ports == 1 && k < a->n && block_end(a, k) == k + 1)
		print_block(p, k, false);
}

static void
print_body(struct page *p)
{
	struct part *a = &p->pat;
	unsigned k = find_block(a, ROLE_PROTO, true);

	if (k == a->n)
		k = find_block(a, ROLE_PROTO, false);
	if (k < a->n && a->insn[k]->opcode == O_PROTO)
		p->show.proto = (uint8_t)a->insn[k]->arg1;
	if (k < a->n)
		print_block(p, k, false);
	else
		text_f(p->t, " ip");
	print_side(p, "from", ROLE_SRC, ROLE_SRC_PORT);
	print_side(p, "to", ROLE_DST, ROLE_DST_PORT);
}

/* A comment stands at the end, alone. */
static bool
is_comment(const struct part *a, unsigned k)
{
	return a->insn[k]->opcode == O_NOP && block_end(a, k) == k + 1 &&
	       (k == 0 || (a->insn[k - 1]->len & INSN_OR) == 0);
}

static void
print_options(struct page *p)
{
	for (unsigned k = 0; k < p->pat.n; k++)
		if (!p->pat.done[k] && !is_comment(&p->pat, k))
			print_block(p, k, true);
	if (p->pat.broken)
		text_f(p->t, " [malformed options]");
}

static void
print_comments(struct page *p)
{
	bool any = false;

	for (unsigned k = 0; k < p->pat.n; k++)
		if (is_comment(&p->pat, k)) {
			print_block(p, k, true);
			any = true;
		}
	if (!any && (p->opt->flags & PRINT_COMMENT) != 0)
		text_f(p->t, " // ...");
	text_f(p->t, "\n");
}

/* ---- one test ---- */

/* The rule's words that may be read. */
static unsigned
words_in(const struct abi_rule *r, size_t size)
{
	size_t there = size < sizeof(*r) ? 0 : (size - sizeof(*r)) / 4;

	return r->cmd_len < there ? r->cmd_len : (unsigned)there;
}

const struct insn *
print_next(const struct abi_rule *r, size_t size, unsigned word,
    const struct insn *i)
{
	const struct insn *cmd = (const struct insn *)(r + 1);
	unsigned n = words_in(r, size);

	if (i != NULL) {
		if ((i->len & INSN_OR) == 0)
			return NULL;
		word = (unsigned)(insn_next(i) - cmd);
	}
	if (word >= n || insn_words(cmd + word) == 0 ||
	    insn_words(cmd + word) > n - word)
		return NULL;
	return cmd + word;
}

/* The block of the patterns that begins there. */
static void
print_test_of(struct page *p, const struct insn *at)
{
	struct part *a = &p->pat;
	unsigned k = 0, proto = find_block(a, ROLE_PROTO, false);

	if (proto < a->n && a->insn[proto]->opcode == O_PROTO)
		p->show.proto = (uint8_t)a->insn[proto]->arg1;
	while (k < a->n && a->insn[k] != at)
		k++;
	if (k < a->n)
		print_block(p, k, role_of(at) != ROLE_PROTO);
}

void
print_test(struct text *t, const struct abi_rule *r, size_t size,
    unsigned word, const struct print_opt *opt)
{
	struct page p = {.t = t, .opt = opt};
	const struct insn *cmd = (const struct insn *)(r + 1);
	unsigned words = size < sizeof(*r) ? 0 : words_in(r, size);
	unsigned split = words < r->act_ofs ? words : r->act_ofs;

	p.show = (struct show){.tables = opt->tables, .names = opt->names,
	    .n_names = opt->n_names,
	    .resolve = (opt->flags & PRINT_RESOLVE) != 0};
	if (words == 0)
		return;
	if (part_init(&p.pat, cmd, split) &&
	    part_init(&p.act, cmd + split, words - split)) {
		p.show.probes = probes(&p.pat);
		if (word >= split)
			print_action(&p);
		else
			print_test_of(&p, cmd + word);
	} else {
		t->failed = true;
	}
	part_fini(&p.pat);
	part_fini(&p.act);
}
