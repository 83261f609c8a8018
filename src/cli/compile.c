/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/compile.h"

#include "cli/action.h"
#include "cli/build.h"
#include "cli/option.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum { SET_MAX = 31, NUM_MAX = 65534 };

static const double PROB_ONE = 0x7fffffff; /* the kernel draws 31 bits */

/* What a row can parse: an option, or one of the parts of the body. */
typedef int item_fn(struct build *b);

static int parse_head(struct build *b, struct abi_rule *r);
static int parse_prob(struct build *b);
static int parse_action(struct build *b);
static int parse_modifiers(struct build *b);
static int parse_body(struct build *b, struct abi_rule *r);
static int item_option(struct build *b);
static int assemble(struct build *b, const struct abi_rule *head,
    struct rule_buf *out);

int
compile_rule(const struct word *w, unsigned n, uint32_t log_default,
    struct rule_buf *out, struct err *e)
{
	struct tabnames names = {NULL, 0};
	int r = compile_named(w, n, log_default, out, &names, e);

	tabnames_fini(&names);
	return r;
}

int
compile_named(const struct word *w, unsigned n, uint32_t log_default,
    struct rule_buf *out, struct tabnames *names, struct err *e)
{
	struct abi_rule head = {0};
	struct words ws;
	struct build b = {.log_default = log_default, .tables = names, .e = e};
	int r = words_rule(&ws, w, n, e);

	if (r != 0)
		return r;
	b.w = ws.w;
	b.n = ws.n;
	b.to = &b.pat;
	r = parse_head(&b, &head);
	if (r == 0)
		r = parse_action(&b);
	if (r == 0)
		r = parse_modifiers(&b);
	if (r == 0)
		r = parse_body(&b, &head);
	if (r == 0)
		r = assemble(&b, &head, out);
	words_fini(&ws);
	return r;
}

/* ---- number, set, probability ---- */

static int
parse_head(struct build *b, struct abi_rule *r)
{
	const char *s = build_peek(b);
	uint32_t v;
	int error;

	if (s != NULL && isdigit((unsigned char)*s)) {
		b->i++;
		if (strspn(s, "0123456789") != strlen(s) || strlen(s) > 5 ||
		    atoi(s) > NUM_MAX)
			return build_err(b, EX_DATAERR,
			    "not a rule number (1 to %d)", NUM_MAX);
		r->rulenum = (uint32_t)atoi(s);
	}
	if (build_accept(b, "set")) {
		error = build_word(b, "the number of the set", &s);
		if (error != 0)
			return error;
		if (!number(s, SET_MAX, &v))
			return build_err(b, EX_DATAERR,
			    "not a set (0 to %d)", SET_MAX);
		r->set = (uint8_t)v;
	}
	return build_accept(b, "prob") ? parse_prob(b) : 0;
}

static int
parse_prob(struct build *b)
{
	struct insn_u32 *u;
	const char *s;
	char *end;
	double p;
	int r = build_word(b, "the probability", &s);

	if (r != 0)
		return r;
	p = strtod(s, &end);
	if (end == s || *end != '\0' || !(p > 0 && p <= 1) ||
	    (uint32_t)(p * PROB_ONE) == 0)
		return build_err(b, EX_DATAERR,
		    "not a probability (more than 0, at most 1)");
	if (p >= 1) /* always: no test */
		return 0;
	u = build_emit(b, O_PROB, 2);
	if (u == NULL)
		return EX_DATAERR;
	u->d[0] = (uint32_t)(p * PROB_ONE);
	return 0;
}

/* ---- action and modifiers ---- */

static int
unknown_action(struct build *b, const char *s)
{
	struct suggest g;
	char hint[64];

	suggest_init(&g, s);
	action_suggest(&g);
	return build_err(b, EX_USAGE, "unknown action%s",
	    suggest_text(&g, hint, sizeof(hint)));
}

static int
parse_action(struct build *b)
{
	const struct action *a;
	const char *s;
	int r;

	if (build_peek(b) != NULL && strcmp(build_peek(b), "//") == 0) {
		a = action_find("count"); /* a rule that only has a comment */
	} else {
		r = build_word(b, "the action", &s);
		if (r != 0)
			return r;
		a = action_find(s);
		if (a == NULL)
			return unknown_action(b, s);
	}
	b->to = &b->act;
	r = a->parse(b, a);
	b->to = &b->pat;
	return r;
}

/* Modifiers go before the action in a fixed order: log, then tag. */
static int
parse_modifiers(struct build *b)
{
	struct section log = {.n = 0}, tag = {.n = 0};
	const struct action *m;
	const char *s;
	int r = 0;

	while (r == 0 && (s = build_peek(b)) != NULL &&
	       (m = modifier_find(s)) != NULL) {
		struct section *to = m->op == O_LOG ? &log : &tag;

		b->i++;
		if (to->n != 0)
			return build_err(b, EX_DATAERR,
			    "only one %s can be given",
			    to == &log ? "log" : "tag or untag");
		b->to = to;
		r = m->parse(b, m);
		b->to = &b->pat;
	}
	memcpy(b->mod.word, log.word, log.n * 4);
	memcpy(b->mod.word + log.n, tag.word, tag.n * 4);
	b->mod.n = log.n + tag.n;
	return r;
}

/* ---- items and blocks ---- */

static struct insn *
insn_at(struct build *b, unsigned ofs)
{
	return (struct insn *)&b->pat.word[ofs];
}

static bool
accept_not(struct build *b)
{
	return build_accept(b, "not") || build_accept(b, "!");
}

/* An item with an optional 'not'.  '*always' tells that it is no test. */
static int
parse_item(struct build *b, item_fn *item, bool *always)
{
	unsigned start = b->pat.n, at;
	bool negated = accept_not(b);
	int r;

	at = b->i;
	if (negated && accept_not(b))
		return build_err(b, EX_USAGE, "a second \"not\"");
	r = item(b);
	if (r != 0)
		return r;
	*always = b->pat.n == start;
	if (!negated)
		return 0;
	b->i = *always ? at + 1 : b->i; /* the error is at its first word */
	if (*always)
		return build_err(b, EX_DATAERR,
		    "\"not\" before what is always true never matches");
	insn_at(b, start)->len ^= INSN_NOT;
	return 0;
}

static bool
accept_open(struct build *b)
{
	return build_accept(b, "{") || build_accept(b, "(");
}

static int
parse_close(struct build *b)
{
	const char *s = build_peek(b);

	if (build_accept(b, "}") || build_accept(b, ")"))
		return 0;
	return build_err_next(b, EX_USAGE, "%s",
	    s == NULL ? "missing \"}\""
		      : "expected \"or\" or \"}\" in this block");
}

/* True, and the word is read, if "not {" comes next.  Every ipfw takes that
 * as "{ not": it negates the first member only. */
static bool
accept_not_open(struct build *b)
{
	const char *next = b->i + 1 < b->n ? b->w[b->i + 1].s : "";

	return (strcmp(next, "{") == 0 || strcmp(next, "(") == 0) &&
	       accept_not(b);
}

/* One item, or "{ item or item ... }".  A block with a member that is always
 * true is no test at all. */
static int
parse_block(struct build *b, item_fn *item)
{
	unsigned first = b->pat.n, prev = RULE_MAX_WORDS, start, at;
	bool always = false, member = false, states;
	bool negated = item == item_option && accept_not_open(b);
	int r;

	if (!accept_open(b))
		return parse_item(b, item, &member);
	do {
		if (build_peek(b) != NULL && strchr("({", *build_peek(b)))
			return build_err_next(b, EX_USAGE,
			    "a block inside a block");
		if (build_peek(b) != NULL && strchr("})", *build_peek(b)))
			return build_err_next(b, EX_USAGE,
			    "a member of the block is missing before it");
		start = b->pat.n;
		at = b->i;
		states = b->keeps || b->defers;
		r = parse_item(b, item, &member);
		if (r != 0)
			return r;
		if (states != (b->keeps || b->defers)) {
			b->i = at + 1;
			return build_err(b, EX_USAGE,
			    "what keeps states cannot stand in a block");
		}
		always = always || member;
		if (member)
			continue;
		if (negated)
			insn_at(b, start)->len ^= INSN_NOT;
		negated = false;
		if (prev < RULE_MAX_WORDS)
			insn_at(b, prev)->len |= INSN_OR;
		prev = start;
	} while (build_accept(b, "or") || build_accept(b, "|"));
	if (always)
		b->pat.n = first;
	return parse_close(b);
}

/* ---- body ---- */

static int
item_proto(struct build *b)
{
	return parse_proto(b, option_find("proto"));
}

static int
item_src(struct build *b)
{
	return parse_src(b, option_find("src-ip"));
}

static int
item_dst(struct build *b)
{
	return parse_dst(b, option_find("dst-ip"));
}

static int
item_src_ports(struct build *b)
{
	return parse_ports(b, option_find("src-port"));
}

static int
item_dst_ports(struct build *b)
{
	return parse_ports(b, option_find("dst-port"));
}

/* A word that is none of an option's: says what may be meant. */
static int
unknown_option(struct build *b, const char *s)
{
	struct suggest g;
	char hint[64];

	if (strcmp(s, "or") == 0 || strcmp(s, "|") == 0)
		return build_err(b, EX_USAGE,
		    "\"or\" needs a block: { a or b }");
	if (strcmp(s, "and") == 0 || strcmp(s, "&&") == 0)
		return build_err(b, EX_USAGE,
		    "what stands in a row must match together; leave it out");
	if (strcmp(s, "}") == 0 || strcmp(s, ")") == 0)
		return build_err(b, EX_USAGE, "no block is open here");
	if (strcmp(s, "from") == 0)
		return build_err(b, EX_USAGE,
		    "a protocol must stand before it, as in \"ip from\"");
	if (strcmp(s, "logamount") == 0)
		return build_err(b, EX_USAGE, "it must follow \"log\"");
	if (modifier_find(s) != NULL)
		return build_err(b, EX_USAGE,
		    "it must stand right after the action");
	suggest_init(&g, s);
	option_suggest(&g);
	suggest_try(&g, "not or from to log logamount tag untag");
	return build_err(b, EX_USAGE, "unknown keyword%s",
	    suggest_text(&g, hint, sizeof(hint)));
}

static int
item_option(struct build *b)
{
	const struct option *o;
	const char *s;
	int r = build_word(b, "the option", &s);

	if (r != 0)
		return r;
	o = option_find(s);
	return o != NULL ? o->parse(b, o) : unknown_option(b, s);
}

/* Reads the word 'key' ("from", "to"), which must come next. */
static int
expect(struct build *b, const char *key, const char *after)
{
	const char *s = build_peek(b);
	struct suggest g;
	char hint[64];

	if (s == NULL)
		return build_err_next(b, EX_USAGE, "missing \"%s\"", key);
	if (build_accept(b, key))
		return 0;
	suggest_init(&g, s);
	suggest_try(&g, key);
	suggest_text(&g, hint, sizeof(hint));
	if (g.best != NULL)
		return build_err_next(b, EX_USAGE, "unknown keyword%s", hint);
	return build_err_next(b, EX_USAGE, "expected \"%s\" after %s", key,
	    after);
}

/* True if ports (or 'any') come next, maybe after 'not'. */
static bool
ports_follow(struct build *b)
{
	unsigned at = b->i;
	const char *s;

	while (at < b->n && (strcmp(b->w[at].s, "not") == 0 ||
				strcmp(b->w[at].s, "!") == 0))
		at++;
	if (at == b->n)
		return false;
	s = b->w[at].s;
	if (strcmp(s, "to") == 0 || option_find(s) != NULL)
		return false;
	return strcmp(s, "any") == 0 || looks_like_ports(s, b->proto);
}

static int
parse_side(struct build *b, const char *key, const char *after, item_fn *addr,
    item_fn *ports)
{
	bool always;
	int r = expect(b, key, after);

	if (r == 0)
		r = parse_block(b, addr);
	if (r == 0 && ports_follow(b))
		r = parse_item(b, ports, &always);
	return r;
}

/* True if the next item, past braces and 'not', is a protocol. */
static bool
proto_follows(struct build *b)
{
	unsigned at = b->i;

	while (at < b->n && (strcmp(b->w[at].s, "not") == 0 ||
				strchr("({!", *b->w[at].s) != NULL))
		at++;
	return at < b->n && is_proto(b->w[at].s);
}

/* True if the rule is "from A to B", or nearly: then the body is meant. */
static bool
body_follows(struct build *b)
{
	const char *s = build_peek(b);

	if (proto_follows(b))
		return true;
	return s != NULL && option_find(s) == NULL && strchr("({!", *s) == NULL &&
	       strcmp(s, "not") != 0 && b->i + 1 < b->n &&
	       strcmp(b->w[b->i + 1].s, "from") == 0;
}

static bool
is_check_state(const struct build *b)
{
	const struct insn *i = (const void *)b->act.word;

	return b->act.n > 0 && i->opcode == O_CHECK_STATE;
}

/* check-state has no body, but may have a comment. */
static int
parse_note(struct build *b)
{
	if (build_peek(b) == NULL)
		return 0;
	if (strcmp(build_peek(b), "//") == 0)
		return item_option(b);
	return build_err_next(b, EX_USAGE,
	    "check-state takes nothing but the name of states");
}

static int
parse_body(struct build *b, struct abi_rule *rule)
{
	unsigned first = b->pat.n;
	int r;

	if (is_check_state(b))
		return parse_note(b);
	if (build_peek(b) == NULL)
		return build_err_next(b, EX_USAGE,
		    "missing \"PROTO from ADDR to ADDR\" or options");
	if (body_follows(b)) {
		r = parse_block(b, item_proto);
		if (r == 0)
			r = parse_side(b, "from", "the protocol", item_src,
			    item_src_ports);
		if (r == 0)
			r = parse_side(b, "to", "the source", item_dst,
			    item_dst_ports);
		if (r != 0)
			return r;
	} else {
		rule->flags |= RULE_JUSTOPTS;
	}
	if (build_peek(b) != NULL && b->pat.n == first)
		rule->flags |= RULE_NOOPT;
	while (build_peek(b) != NULL) {
		r = parse_block(b, item_option);
		if (r != 0)
			return r;
	}
	if (b->pat.n == first && !b->keeps && !b->defers) /* "via any": all of it was no test */
		rule->flags = 0;
	return 0;
}

/* Writes the patterns in the order that FreeBSD gives them: probability, the
 * look for states, tests, what keeps states.  Returns their words. */
static unsigned
put_patterns(const struct build *b, uint32_t *to)
{
	const struct insn *first = (const void *)b->pat.word;
	unsigned prob = b->pat.n > 0 && first->opcode == O_PROB ? 2 : 0;
	unsigned n = prob;

	memcpy(to, b->pat.word, prob * 4);
	if (b->probes) {
		const struct insn probe = {O_PROBE_STATE, 1, b->probe_name};

		memcpy(to + n++, &probe, 4);
	}
	memcpy(to + n, b->pat.word + prob, (b->pat.n - prob) * 4);
	n += b->pat.n - prob;
	memcpy(to + n, b->state.word, b->state.n * 4);
	n += b->state.n;
	if (b->defers) {
		const struct insn skip = {O_SKIP_ACTION, 1, 0};

		memcpy(to + n++, &skip, 4);
	}
	return n;
}

static int
assemble(struct build *b, const struct abi_rule *head, struct rule_buf *out)
{
	unsigned n = b->pat.n + b->state.n + b->probes + b->defers + b->mod.n +
	    b->act.n;
	unsigned at;

	if (n > RULE_MAX_WORDS)
		return build_err(b, EX_DATAERR,
		    "the rule is too long: %u words of bytecode, at most %d", n,
		    RULE_MAX_WORDS);
	memset(out, 0, sizeof(*out));
	out->rule = *head;
	at = put_patterns(b, out->cmd);
	out->rule.act_ofs = (uint16_t)at;
	out->rule.cmd_len = (uint16_t)n;
	memcpy(out->cmd + at, b->mod.word, b->mod.n * 4);
	memcpy(out->cmd + at + b->mod.n, b->act.word, b->act.n * 4);
	memcpy(out->names, b->names, sizeof(out->names));
	out->n_names = b->n_names;
	return 0;
}
