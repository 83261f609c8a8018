/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The compiled ruleset: where is the next rule that may match this packet?
 *
 * Place      built by the control thread beside a ruleset, read by interp; with
 *            it, interp asks only candidates, in the same order.
 * Life       plan_create with its ruleset -> immutable -> plan_destroy after the
 *            grace period of the ruleset.
 * Threads    readers: any.
 * Invariant  plan_next() never passes over a rule that interp would match.
 * Shape      eight arrays, one a member of rule_key, in the order of the rules;
 *            eight rules are compared at once.  Which code does it is chosen at
 *            run time: AVX2, SSE4.1 or plain C.
 * Cost       about 0.3 ns a rule with AVX2; 32 octets a rule; building after a
 *            small change is a copy.
 */
#pragma once

#include "rule/key.h"
#include "rule/ruleset.h"

enum {
	PLAN_LANES = 8,	   /* rules compared at once */
	PLAN_MIN_RULES = 4, /* fewer are faster without a plan */
};

struct plan;

/* One way to scan.  Index of the first rule from 'from' on that fits. */
typedef unsigned plan_scan_fn(const struct plan *pl, const struct pkt_key *k,
    unsigned from);

struct plan {
	plan_scan_fn *scan;
	unsigned n_rules;
	unsigned n_lanes; /* n_rules rounded up to PLAN_LANES */
	uint32_t *fields[8]; /* n_lanes each, aligned; order of rule_key */
};

/* A plan for 'rs'.  If 'old' (may be NULL) has a plan, what both rulesets have
 * in common at their beginning and end is copied from it.  Returns owned; NULL
 * if there are too few rules to be worth it, or no memory: the ruleset works
 * without. */
struct plan *plan_create(const struct ruleset *rs, const struct ruleset *old);
void plan_destroy(struct plan *pl);

/* The first candidate from index 'from' on; the last rule is always one. */
static inline unsigned
plan_next(const struct plan *pl, const struct pkt_key *k, unsigned from)
{
	return pl->scan(pl, k, from);
}

/* The ways that this machine has, best first, ended by NULL; for tests. */
plan_scan_fn *const *plan_scans(void);
