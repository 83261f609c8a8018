/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The instructions that look up or make states: probe-state (which keep-state
 * and limit put first), check-state, keep-state, limit, defer-action.
 *
 * Place      called by interp for rules that have any; the states themselves
 *            are state/'s.
 * Semantics  one lookup a packet and name: only another name looks again, and
 *            a lookup under any name (0) was one under all.  A hit goes on at
 *            the action of the rule that made the state, whether its set is on
 *            or off, without a look at its patterns.  A packet jumps at most
 *            STATE_JUMPS times, so that rules which send it to each other end.
 * No IP      frames that are not IP have no states: lookups find nothing, and
 *            keep-state lets the action run without making one.
 * Rules      a state whose rule is not in the ruleset at hand is removed.
 */
#pragma once

#include "rule/interp.h"

enum { STATE_JUMPS = 16 };

/* What a packet has looked up; zeroed before its first rule. */
struct probe {
	bool done;
	bool backward; /* what was found last began the other way */
	uint16_t name;
	unsigned jumps;
};

/* True if a lookup under 'name' is still to be done, which is then noted.
 * FreeBSD's order of questions: the first lookup always, another one only for
 * another name, none after one for all names. */
static inline bool
stateful_begin(const struct pass *pass, const struct pkt *p, uint16_t name,
    struct probe *probe)
{
	bool needed = !probe->done ||
	    (probe->name != STATE_ANY_NAME && probe->name != name);

	if (!needed || probe->jumps == STATE_JUMPS ||
	    (p->flags & PKT_IP) == 0 || pass->states == NULL)
		return false;
	probe->done = true;
	probe->name = name;
	return true;
}

/* What state the instruction 'i' (keep-state, limit) of the rule at index 'n'
 * makes. */
static inline struct state_new
stateful_new(const struct pass *pass, unsigned n, const struct insn *i,
    uint32_t tablearg)
{
	const struct rule *r = pass->rules->rules[n];
	struct state_new new = {
	    .rule = {r->id, n, r->num, false},
	    .name = i->arg1,
	    .lane = pass->lane,
	    .kind = STATE_KEEP,
	};

	if (i->opcode == O_LIMIT) {
		const struct insn_limit *l = (const void *)i;

		new.kind = STATE_LIMIT;
		new.limit_mask = l->mask;
		new.limit = l->limit != TABLEARG ? l->limit :
		    tables_value(pass->tables, tablearg)->limit;
	}
	return new;
}

/* Looks for the packet's state under 'name', if that is still to be done.  True
 * if there is one: its rule's index is in *at. */
bool stateful_probe(const struct pass *pass, const struct pkt *p,
    uint16_t name, struct probe *probe, unsigned *at);

/* Makes the state that keep-state or limit 'i' of the rule at index 'n' asks
 * for; 'limit tablearg' takes the limit of the value 'tablearg'.  False: there
 * is no room, or the limit is reached. */
bool stateful_keep(const struct pass *pass, const struct pkt *p, unsigned n,
    const struct insn *i, uint32_t tablearg);

/* To be called before packet 'at' of a burst is shown to rules, for at = 0,
 * STATE_STEP and so on: hashes the IP packets to come and brings their states
 * into the cache. */
void stateful_burst(const struct pass *pass, struct pkt *pkts, unsigned n,
    unsigned at);
