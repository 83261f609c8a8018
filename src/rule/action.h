/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a rule does to a packet that it matches: modifiers, then the action.
 *
 * Place      interp runs it; nothing here asks whether a rule matches.
 * Life       a trip is one packet's evaluation, on the stack of interp.
 * Semantics  FreeBSD 14's, tablearg and the bounds of jumps included.
 */
#pragma once

#include "rule/match.h"

#define NO_TARGET (~0u) /* an index that no rule has */

/* Numbers of the rules that called, the last one on top. */
struct calls {
	unsigned depth;
	uint16_t from[CALL_DEPTH];
};

/* A packet's way through the rules, as far as it came. */
struct trip {
	unsigned n;	   /* index of the rule that is looked at */
	unsigned target;   /* the rule that tablearg is carried to */
	struct answers answers; /* of tables; tablearg is among them */
	struct probe probe;
	struct calls calls;
};

static inline void
trip_init(struct trip *t, unsigned n)
{
	t->n = t->target = n;
	answers_init(&t->answers);
	t->probe = (struct probe){.done = false};
	t->calls.depth = 0;
}

/* Two actions end the tests of their rules.  tcp-setmss does its work here: a
 * packet that it does not change is none that its rule matches.  Neither is
 * IPv6 for reass.  True for other actions. */
bool action_tests(const struct rule *r, struct pkt *p);

static inline bool
action_applies(const struct rule *r, struct pkt *p)
{
	unsigned last = r->cmd[r->n_words - 1].opcode;

	return likely(last != O_EXTERNAL_DATA && last != O_REASS) ||
	    action_tests(r, p);
}

/* Where 'r', which does no more than to send to a pipe or queue that it names,
 * sends packets. */
static inline struct pkt_fate
action_fate(const struct rule *r)
{
	return (struct pkt_fate){.rule_id = r->id, .rule_num = r->num,
	    .to = rule_action(r)->arg1};
}

/* Does what stands before the action of 'r', counts, and acts.  True if that
 * decides: the verdict is in *v.  False: the search goes on at t->n.  'o' is why
 * the rule acts: MATCH or STATE_HIT. */
bool action_run(const struct pass *pass, const struct rule *r, struct pkt *p,
    struct trip *t, enum outcome o, enum verdict *v);

/* As action_run(), and 'x' is told; nothing outside of the packet happens. */
bool action_explained(const struct pass *pass, const struct rule *r,
    struct pkt *p, struct trip *t, enum outcome o, enum verdict *v,
    struct explain *x);
