/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The patterns of one rule against one packet: one opcode after the other.
 *
 * Place      interp asks it about each candidate and does what the action says.
 * Trust      rules passed check, packets passed parse.
 * Semantics  FreeBSD 14's.  A test that does not apply to a packet fails, so
 *            its negation matches (reference, pitfall 8).
 * Cost       about 2 ns an opcode.
 */
#pragma once

#include "rule/stateful.h"

enum outcome {
	NO_MATCH,
	MATCH,
	STATE_HIT,  /* go on at the action of another rule */
	STATE_FULL, /* deny */
};

/* True if every pattern of 'r' matches.  Draws from pass->rng as it meets
 * O_PROB; *a keeps what tables say. */
bool match_rule(const struct pass *pass, const struct rule *r,
    const struct pkt *p, struct answers *a);

/* As match_rule(), and tests that have to do with states: looks at the rule at
 * index *n; at a hit *n is the rule that made the state. */
enum outcome match_stateful(const struct pass *pass, const struct pkt *p,
    struct probe *probe, unsigned *n, struct answers *a);

struct explain;

/* As match_stateful(), of any rule, and changes nothing: 'x' is told what
 * happens, and what would have happened. */
enum outcome match_explained(const struct pass *pass, const struct pkt *p,
    struct probe *probe, unsigned *n, struct answers *a, struct explain *x);

/* One test of a rule, its 'not' included, without a trace; not of O_PROB. */
bool match_insn(const struct insn *i, const struct pass *pass,
    const struct pkt *p, uint32_t tablearg);
