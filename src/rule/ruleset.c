/* SPDX-License-Identifier: BSD-2-Clause */
#include "rule/ruleset.h"

#include <stdlib.h>
#include <string.h>

/* Room for 'n' rules, none in it yet. */
static struct ruleset *
alloc(unsigned n, uint32_t set_disabled)
{
	struct ruleset *rs;

	rs = malloc(sizeof(*rs) + n * sizeof(rs->rules[0]));
	if (rs == NULL)
		return NULL;
	rs->set_disabled = set_disabled;
	rs->n_rules = 0;
	rs->n_counters = 0;
	return rs;
}

/* Takes the caller's reference. */
static void
append(struct ruleset *rs, struct rule *r)
{
	rs->rules[rs->n_rules++] = r;
	if (rs->n_counters <= r->counter)
		rs->n_counters = r->counter + 1;
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
		free(rs);
		return NULL;
	}
	append(rs, r);
	return rs;
}

void
ruleset_destroy(struct ruleset *rs, rule_gone_fn *gone, void *arg)
{
	if (rs == NULL)
		return;
	for (unsigned i = 0; i < rs->n_rules; i++)
		rule_put(rs->rules[i], gone, arg);
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
	struct ruleset *out = alloc(rs->n_rules + n, rs->set_disabled);
	unsigned j = 0;

	if (out == NULL)
		return NULL;
	if (n > 1)
		qsort(add, n, sizeof(struct rule *), by_order);
	for (unsigned i = 0; i < rs->n_rules; i++) {
		while (j < n && add[j]->num < rs->rules[i]->num)
			append(out, add[j++]);
		append(out, rule_ref(rs->rules[i]));
	}
	return out;
}

struct ruleset *
ruleset_delete(
    const struct ruleset *rs, const struct rule_range *g, unsigned *n_gone)
{
	struct ruleset *out = alloc(rs->n_rules, rs->set_disabled);

	if (out == NULL)
		return NULL;
	for (unsigned i = 0; i < rs->n_rules; i++)
		if (!rule_in_range(rs->rules[i], g) ||
		    rs->rules[i]->num == RULE_DEFAULT)
			append(out, rule_ref(rs->rules[i]));
	*n_gone = rs->n_rules - out->n_rules;
	return out;
}

/* Nobody waits for these counters: the rules that own them live on. */
static void
not_gone(void *arg, uint32_t counter)
{
	(void)arg;
	(void)counter;
}

/* Appends 'r' as a member of set 'set'. */
static bool
append_in_set(struct ruleset *out, struct rule *r, uint8_t set)
{
	struct rule *n;

	n = r->set == set ? rule_ref(r) : rule_copy(r, set);
	if (n == NULL)
		return false;
	append(out, n);
	return true;
}

struct ruleset *
ruleset_move(const struct ruleset *rs, const struct rule_range *g, uint8_t to)
{
	struct ruleset *out = alloc(rs->n_rules, rs->set_disabled);

	if (out == NULL)
		return NULL;
	for (unsigned i = 0; i < rs->n_rules; i++) {
		struct rule *r = rs->rules[i];
		bool moves = r->num != RULE_DEFAULT && rule_in_range(r, g);

		if (!append_in_set(out, r, moves ? to : r->set)) {
			ruleset_destroy(out, not_gone, NULL);
			return NULL;
		}
	}
	return out;
}

struct ruleset *
ruleset_move_set(const struct ruleset *rs, uint8_t from, uint8_t to, bool swap)
{
	struct ruleset *out = alloc(rs->n_rules, rs->set_disabled);

	if (out == NULL)
		return NULL;
	for (unsigned i = 0; i < rs->n_rules; i++) {
		struct rule *r = rs->rules[i];
		uint8_t set = r->set;

		if (r->num != RULE_DEFAULT && r->set == from)
			set = to;
		else if (r->num != RULE_DEFAULT && r->set == to && swap)
			set = from;
		if (!append_in_set(out, r, set)) {
			ruleset_destroy(out, not_gone, NULL);
			return NULL;
		}
	}
	return out;
}

struct ruleset *
ruleset_enable(const struct ruleset *rs, uint32_t off, uint32_t on)
{
	uint32_t disabled = (rs->set_disabled | off) & ~on;
	struct ruleset *out;

	out = alloc(rs->n_rules, disabled & ~(1u << SET_DEFAULT));
	if (out == NULL)
		return NULL;
	for (unsigned i = 0; i < rs->n_rules; i++)
		append(out, rule_ref(rs->rules[i]));
	return out;
}
