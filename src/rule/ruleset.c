/* SPDX-License-Identifier: BSD-2-Clause */
#include "rule/ruleset.h"

#include "base/sizes.h"
#include "rule/plan.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* What dies with a ruleset that has a successor: the rules which that one does
 * not have. */
struct estate {
	bool superseded;
	unsigned n;
	struct rule **rules; /* NULL if there are none */
};

/* Room for 'n' rules, none in it yet. */
static struct ruleset *
alloc(unsigned n, uint32_t set_disabled)
{
	struct ruleset *rs;

	rs = malloc(size_class(sizeof(*rs) + n * sizeof(rs->rules[0])));
	if (rs == NULL)
		return NULL;
	rs->estate = calloc(1, sizeof(*rs->estate));
	if (rs->estate == NULL) {
		free(rs);
		return NULL;
	}
	rs->set_disabled = set_disabled;
	rs->n_rules = 0;
	rs->n_orphans = 0;
	rs->n_counters = 0;
	rs->plan = NULL;
	rs->stateful = false;
	rs->keeps = rs->delays = rs->measures = false;
	rs->n_asks = 0;
	return rs;
}

/* Room for a successor of 'rs' with 'n' rules and its orphans, while up to
 * 'n_left' rules of 'rs' are left out. */
static struct ruleset *
alloc_next(const struct ruleset *rs, unsigned n, unsigned n_left)
{
	struct rule **left = NULL;
	struct ruleset *next;

	assert(!rs->estate->superseded);
	next = alloc(n + rs->n_orphans, rs->set_disabled);
	if (next == NULL)
		return NULL;
	if (n_left > 0) {
		left = malloc(n_left * sizeof(struct rule *));
		if (left == NULL) {
			free(next->estate);
			free(next);
			return NULL;
		}
	}
	rs->estate->superseded = true;
	rs->estate->rules = left;
	return next;
}

static void
leave_out(const struct ruleset *rs, struct rule *r)
{
	rs->estate->rules[rs->estate->n++] = r;
}

/* Notes what a rule asks of tables, as far as there is room. */
static void
add_asks(struct ruleset *rs, const struct rule *r)
{
	const struct insn *end = r->cmd + r->act_ofs;
	struct lookup_ask ask;
	unsigned k;

	for (const struct insn *i = r->cmd; i < end; i = insn_next(i)) {
		if (rs->n_asks == LOOKUP_ASKS || !lookup_ask_of(i, &ask))
			continue;
		for (k = 0; k < rs->n_asks; k++)
			if (rs->asks[k].kidx == ask.kidx &&
			    rs->asks[k].key == ask.key)
				break;
		if (k == rs->n_asks)
			rs->asks[rs->n_asks++] = ask;
	}
}

/* What a ruleset knows about its rules, as the one before it knew it. */
static void
inherit(struct ruleset *next, const struct ruleset *rs)
{
	next->n_counters = rs->n_counters;
	next->stateful = rs->stateful;
	next->keeps = rs->keeps;
	next->delays = rs->delays;
	next->measures = rs->measures;
	next->n_asks = rs->n_asks;
	memcpy(next->asks, rs->asks, sizeof(rs->asks));
}

static void
add_manners(struct ruleset *rs, const struct rule *r)
{
	rs->keeps = rs->keeps || r->keeps;
	rs->delays = rs->delays || r->delays;
	rs->measures = rs->measures || r->measures;
}

static void
append(struct ruleset *rs, struct rule *r)
{
	rs->rules[rs->n_rules++] = r;
	if (rs->n_counters <= r->counter)
		rs->n_counters = r->counter + 1;
	rs->stateful = rs->stateful || r->stateful;
	add_manners(rs, r);
	if (r->asks)
		add_asks(rs, r);
}

/* Appends the rules [lo, hi) of 'from' without looking at them. */
static void
append_run(
    struct ruleset *rs, const struct ruleset *from, unsigned lo, unsigned hi)
{
	memcpy(&rs->rules[rs->n_rules], &from->rules[lo],
	    (hi - lo) * sizeof(struct rule *));
	rs->n_rules += hi - lo;
}

/* An orphan, behind the last rule. */
static void
append_orphan(struct ruleset *rs, struct rule *r)
{
	rs->rules[rs->n_rules + rs->n_orphans++] = r;
	add_manners(rs, r);
	if (rs->n_counters <= r->counter)
		rs->n_counters = r->counter + 1;
}

/* The orphans of 'from', when all rules are there. */
static void
append_orphans(struct ruleset *rs, const struct ruleset *from)
{
	for (unsigned i = from->n_rules; i < ruleset_end(from); i++)
		append_orphan(rs, from->rules[i]);
}

struct ruleset *
ruleset_create(bool default_accept, uint32_t counter)
{
	struct {
		struct abi_rule head;
		struct insn action;
	} def = {
	    .head = {.cmd_len = 1, .set = SET_DEFAULT},
	    .action = {default_accept ? O_ACCEPT : O_DENY, 1, 0},
	};
	struct ruleset *rs;
	struct rule *r;

	rs = alloc(1, 0);
	if (rs == NULL)
		return NULL;
	r = rule_create(&def.head, RULE_DEFAULT, 0, counter);
	if (r == NULL) {
		free(rs->estate);
		free(rs);
		return NULL;
	}
	append(rs, r);
	return rs;
}

void
ruleset_destroy(struct ruleset *rs, rule_gone_fn *gone, void *arg)
{
	struct estate *estate;

	if (rs == NULL)
		return;
	estate = rs->estate;
	if (!estate->superseded)
		for (unsigned i = 0; i < ruleset_end(rs); i++)
			rule_put(rs->rules[i], gone, arg);
	for (unsigned i = 0; i < estate->n; i++)
		rule_put(estate->rules[i], gone, arg);
	free(estate->rules);
	free(estate);
	plan_destroy(rs->plan);
	free(rs);
}

unsigned
ruleset_find(const struct ruleset *rs, unsigned num)
{
	unsigned lo = 0, hi = rs->n_rules - 1;

	while (lo < hi) {
		unsigned mid = lo + (hi - lo) / 2;

		if (rs->rules[mid]->num < num)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool
is_rule(const struct rule *r, unsigned num, uint32_t id)
{
	return r->id == id && r->num == num;
}

/* The first of the rules [lo, hi) that does not stand before this one. */
static unsigned
find_between(const struct ruleset *rs, unsigned lo, unsigned hi, unsigned num,
    uint32_t id)
{
	while (lo < hi) {
		unsigned mid = lo + (hi - lo) / 2;
		const struct rule *r = rs->rules[mid];

		if (r->num < num || (r->num == num && r->id < id))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

unsigned
ruleset_find_rule(
    const struct ruleset *rs, unsigned num, uint32_t id, uint32_t hint)
{
	unsigned end = ruleset_end(rs), n;

	if (hint < end && is_rule(rs->rules[hint], num, id))
		return hint;
	n = find_between(rs, 0, rs->n_rules, num, id);
	if (n < rs->n_rules && is_rule(rs->rules[n], num, id))
		return n;
	n = find_between(rs, rs->n_rules, end, num, id);
	return n < end && is_rule(rs->rules[n], num, id) ? n : end;
}

unsigned
ruleset_after(const struct ruleset *rs, unsigned num, uint32_t id)
{
	unsigned lo = 0, hi = rs->n_rules - 1;

	while (lo < hi) {
		unsigned mid = lo + (hi - lo) / 2;
		const struct rule *r = rs->rules[mid];

		if (r->num < num || (r->num == num && r->id <= id))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

bool
rule_in_range(const struct rule *r, const struct rule_range *g)
{
	bool is_default = r->num == RULE_DEFAULT;

	if ((g->flags & (RANGE_RULES | RANGE_ALL | RANGE_SET)) == 0)
		return false;
	if (is_default && (g->flags & RANGE_DEFAULT) == 0)
		return false;
	if ((g->flags & RANGE_SET) != 0 && r->set != g->set)
		return false;
	if ((g->flags & RANGE_RULES) != 0 && (r->num < g->lo || r->num > g->hi))
		return false;
	return (g->flags & RANGE_ALL) == 0 || r->set != SET_DEFAULT ||
	    is_default;
}

unsigned
ruleset_auto_num(unsigned highest, unsigned step)
{
	return highest + step < RULE_DEFAULT ? highest + step : highest;
}

unsigned
ruleset_highest(const struct ruleset *rs)
{
	return rs->n_rules > 1 ? rs->rules[rs->n_rules - 2]->num : 0;
}

static int
by_order(const void *a, const void *b)
{
	const struct rule *const *x = a, *const *y = b;

	if ((*x)->num != (*y)->num)
		return (*x)->num < (*y)->num ? -1 : 1;
	return ((*x)->id > (*y)->id) - ((*x)->id < (*y)->id);
}

struct ruleset *
ruleset_add(const struct ruleset *rs, struct rule **add, unsigned n)
{
	struct ruleset *next = alloc_next(rs, rs->n_rules + n, 0);
	unsigned done = 0;

	if (next == NULL)
		return NULL;
	if (n > 1)
		qsort(add, n, sizeof(struct rule *), by_order);
	inherit(next, rs);
	for (unsigned i = 0; i < n; i++) {
		unsigned at = ruleset_find(rs, add[i]->num + 1u);

		append_run(next, rs, done, at);
		append(next, add[i]);
		done = at;
	}
	append_run(next, rs, done, rs->n_rules);
	append_orphans(next, rs);
	return next;
}

static bool
is_deleted(const struct rule *r, const struct rule_range *g)
{
	return r->num != RULE_DEFAULT && rule_in_range(r, g);
}

struct ruleset *
ruleset_delete(
    const struct ruleset *rs, const struct rule_range *g, unsigned *n_gone)
{
	return ruleset_orphan(rs, g, NULL, n_gone);
}

struct ruleset *
ruleset_orphan(const struct ruleset *rs, const struct rule_range *g,
    const bool *keep, unsigned *n_gone)
{
	unsigned n = 0, end = ruleset_end(rs);
	struct ruleset *next;

	for (unsigned i = 0; i < rs->n_rules; i++)
		n += is_deleted(rs->rules[i], g);
	next = alloc_next(rs, rs->n_rules, n + rs->n_orphans);
	if (next == NULL)
		return NULL;
	for (unsigned i = 0; i < rs->n_rules; i++)
		if (!is_deleted(rs->rules[i], g))
			append(next, rs->rules[i]);
	for (unsigned i = 0; i < end; i++) {
		if (i < rs->n_rules && !is_deleted(rs->rules[i], g))
			continue;
		if (keep != NULL && keep[i])
			append_orphan(next, rs->rules[i]);
		else
			leave_out(rs, rs->rules[i]);
	}
	if (next->n_orphans > 1)
		qsort(&next->rules[next->n_rules], next->n_orphans,
		    sizeof(struct rule *), by_order);
	*n_gone = n;
	return next;
}

/* Copies of some rules of a ruleset, each to take its rule's place. */
struct copies {
	struct rule **rules; /* by the rule's index; NULL = no copy */
	unsigned n;
};

/* Nobody waits for these counters: the rules that own them live on. */
static void
not_gone(void *arg, uint32_t counter)
{
	(void)arg;
	(void)counter;
}

static void
free_copies(struct copies *c, unsigned n_rules)
{
	for (unsigned i = 0; i < n_rules; i++)
		rule_put(c->rules[i], not_gone, NULL);
	free(c->rules);
}

/* A copy of rule 'i' in set 'to', unless it is there already. */
static bool
copy_to(const struct ruleset *rs, struct copies *c, unsigned i, uint8_t to)
{
	struct rule *r = rs->rules[i];

	if (r->num == RULE_DEFAULT || r->set == to)
		return true;
	c->rules[i] = rule_copy(r, to);
	c->n++;
	return c->rules[i] != NULL;
}

/* 'rs' with the copies in the place of their rules; ends 'c'. */
static struct ruleset *
with_copies(const struct ruleset *rs, struct copies *c)
{
	struct ruleset *next = alloc_next(rs, rs->n_rules, c->n);

	if (next == NULL) {
		free_copies(c, rs->n_rules);
		return NULL;
	}
	for (unsigned i = 0; i < rs->n_rules; i++) {
		append(next, c->rules[i] != NULL ? c->rules[i] : rs->rules[i]);
		if (c->rules[i] != NULL)
			leave_out(rs, rs->rules[i]);
	}
	append_orphans(next, rs);
	free(c->rules);
	return next;
}

struct ruleset *
ruleset_move(const struct ruleset *rs, const struct rule_range *g, uint8_t to)
{
	struct copies c = {.rules = calloc(rs->n_rules, sizeof(*c.rules))};

	if (c.rules == NULL)
		return NULL;
	for (unsigned i = 0; i < rs->n_rules; i++)
		if (rule_in_range(rs->rules[i], g) && !copy_to(rs, &c, i, to)) {
			free_copies(&c, rs->n_rules);
			return NULL;
		}
	return with_copies(rs, &c);
}

struct ruleset *
ruleset_move_set(const struct ruleset *rs, uint8_t from, uint8_t to, bool swap)
{
	struct copies c = {.rules = calloc(rs->n_rules, sizeof(*c.rules))};

	if (c.rules == NULL)
		return NULL;
	for (unsigned i = 0; i < rs->n_rules; i++) {
		uint8_t set = rs->rules[i]->set, want = set;

		if (set == from)
			want = to;
		else if (set == to && swap)
			want = from;
		if (!copy_to(rs, &c, i, want)) {
			free_copies(&c, rs->n_rules);
			return NULL;
		}
	}
	return with_copies(rs, &c);
}

struct ruleset *
ruleset_enable(const struct ruleset *rs, uint32_t off, uint32_t on)
{
	uint32_t disabled = (rs->set_disabled | off) & ~on;
	struct ruleset *next = alloc_next(rs, rs->n_rules, 0);

	if (next == NULL)
		return NULL;
	next->set_disabled = disabled & ~(1u << SET_DEFAULT);
	inherit(next, rs);
	append_run(next, rs, 0, rs->n_rules);
	append_orphans(next, rs);
	return next;
}
