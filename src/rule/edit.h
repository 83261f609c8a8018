/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the rules of a ruleset are in its successor.
 *
 * Place      rule/plan uses it to keep what it knows by the index of a rule.
 * Order      a ruleset and its successors have the same rules in the same order,
 *            by number and id; a rule that was moved to another set counts as
 *            the same.
 * Cost       quick where both begin and end alike; linear in what is between.
 */
#pragma once

#include "rule/ruleset.h"

struct edit {
	unsigned n_old;
	unsigned n_new;
	unsigned head; /* rules that both begin with */
	unsigned tail; /* and end with */
	uint32_t *between; /* new index of each old rule in between; of one that
			    * is gone, the next one's, with EDIT_GONE */
	unsigned n_gone;
	unsigned n_added;
};

#define EDIT_GONE (1u << 31)

/* From 'old' to 'new'.  0, or -ENOMEM. */
int edit_init(struct edit *e, const struct ruleset *old,
    const struct ruleset *new);
void edit_fini(struct edit *e);

/* The new index of the rule at old index 'i', perhaps with EDIT_GONE. */
static inline uint32_t
edit_map(const struct edit *e, uint32_t i)
{
	if (i < e->head)
		return i;
	if (i >= e->n_old - e->tail)
		return i + e->n_new - e->n_old;
	return e->between[i - e->head];
}

/* Writes the new indexes of rules that were added, ascending, n_added. */
void edit_added(const struct edit *e, uint32_t *at);
