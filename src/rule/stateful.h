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
