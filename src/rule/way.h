/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a packet's next candidate comes from: the plan, or the next rule.
 *
 * Place      between interp and plan.
 * Dense      when candidate after candidate is the very next rule, the plan tells
 *            nothing: more and more rules are asked without it, until one of its
 *            answers is further away again.
 * Verify     interp looks at every rule, and the way follows beside it where the
 *            plan would have led: it must come to each rule that did something,
 *            and to no rule whose key says all that did not.
 */
#pragma once

#include "rule/match.h"
#include "rule/plan.h"

#include <limits.h>

enum { WAY_LONGEST = 512 }; /* rules that are asked without the plan */

struct way {
	const struct plan *plan; /* NULL: every rule is a candidate */
	struct walk *walk; /* its key is set */
	bool began;	   /* the walk did; without a forest there is no need */
	bool trusts;	   /* a candidate whose key says all matches */
	bool known;	   /* the first index is a candidate */
	unsigned dense;	   /* how dense candidates are, doubled each time */
	unsigned left;	   /* rules that are still asked without the plan */
	unsigned missed;   /* verifying: where the plan led elsewhere, or
			    * WALK_NONE */
};

/* The plan's next rule from index 'n' on. */
static inline unsigned
way_ask(struct way *way, const struct probe *probe, unsigned n)
{
	const struct plan *pl = way->plan;
	unsigned at = WALK_NONE, next;

	if (unlikely(pl->n_probes != 0)) {
		at = plan_next_probe(pl, n, probe->done, probe->name);
		if (at == n)
			return n;
	}
	if (!way->began) {
		walk_begin(way->walk, &pl->grove);
		way->began = true;
	}
	next = plan_next(pl, way->walk, n);
	return next < at ? next : at;
}

/* The next rule to be asked from index 'n' on.  *trusted: it is a candidate, and
 * if its key says all, it matches. */
static inline unsigned
way_next(struct way *way, const struct probe *probe, unsigned n, bool *trusted)
{
	unsigned next = n;

	*trusted = false;
	if (way->left > 0) {
		way->left--;
		return n;
	}
	if (way->plan == NULL) {
		way->left = UINT_MAX; /* for good, or for 4 billion rules */
		return n;
	}
	if (!way->known)
		next = way_ask(way, probe, n);
	way->known = false;
	way->dense = next != n ? 0 : way->dense == 0 ? 1 :
	    way->dense < 4 * WAY_LONGEST ? way->dense * 2 : way->dense;
	way->left = way->dense / 4;
	*trusted = way->trusts;
	return next;
}

/* Verifying: rule 'n' did something, asked with 'probe' when the search had been
 * sent to rule 'from' last.  Notes a miss if the plan would not have come from
 * there to that rule, or would have trusted one before it. */
void way_follow(struct way *way, const struct ruleset *rs,
    const struct probe *probe, unsigned from, unsigned n);
