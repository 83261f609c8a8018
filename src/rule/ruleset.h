/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All rules in their order: immutable once published, replaced as a whole.
 *
 * Place      built by the control thread, read by workers through one pointer.
 * Life       ruleset_create (default rule only) -> copies with changes -> publish
 *            -> destroyed after a grace period.  Rules are shared by reference.
 * Order      by number, equal numbers in the order they were added; the default
 *            rule 65535 is always last and always there, in set 31.
 * Threads    readers: any, no locks.  Writers: the control thread.
 * Invariant  rules[n-1] is the default rule.
 * Cost       a change copies n pointers (65,000 rules: about 30 us).
 */
#pragma once

#include "rule/rule.h"

struct ruleset {
	uint32_t set_disabled;	/* bit per set; set 31 never */
	unsigned n_rules;	/* the default rule included */
	unsigned n_counters;	/* rules' counter indexes are below this */
	struct rule *rules[];	/* sorted */
};

/* What a delete, zero, resetlog or move names: the ABI's range, checked. */
struct rule_range {
	uint32_t flags; /* RANGE_* of the ABI */
	uint16_t lo;	/* numbers, both included */
	uint16_t hi;
	uint8_t set;
};

/* A ruleset with only the default rule, which allows or denies and counts in
 * 'counter'.  Returns
 * owned, NULL without memory. */
struct ruleset *ruleset_create(bool default_accept, uint32_t counter);

/* Told of each rule whose last reference went; its counter is free again. */
typedef void rule_gone_fn(void *arg, uint32_t counter);

/* Frees it and drops its references.  NULL is fine. */
void ruleset_destroy(struct ruleset *rs, rule_gone_fn *gone, void *arg);

/* Index of the first rule with number >= num; the default rule if none.
 * O(log n). */
unsigned ruleset_find(const struct ruleset *rs, unsigned num);

/* True if the set of 'r' is switched on. */
static inline bool
ruleset_on(const struct ruleset *rs, const struct rule *r)
{
	return (rs->set_disabled >> r->set & 1) == 0;
}

/* True if the range names this rule; ipfw's rules for sets and the default
 * rule included (reference, pitfalls 1 to 4). */
bool rule_in_range(const struct rule *r, const struct rule_range *g);
