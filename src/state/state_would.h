/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What lookups and new states would come to, while nothing is changed: no state
 * is booked, made or removed.
 *
 * Place      rule/explain asks these where the interpreter asks state.h.
 * Threads    any; takes a bucket's lock for one look.
 * Invariant  with a table that nobody changes, the answer is what state_find()
 *            and state_install() would give; test/oracle compares.
 */
#pragma once

#include "state/state.h"

enum { STATE_WOULD_GO = 64 };

/* What a packet would have changed already if it were in earnest; zeroed at
 * first.  Lookups remove what is over on their way. */
struct state_would {
	uint32_t states, parents; /* made */
	uint32_t states_gone, parents_gone;
	unsigned n_gone;
	uint32_t gone[STATE_WOULD_GO]; /* what is removed; more are forgotten */
};

enum state_chance {
	STATE_WOULD_BE_MADE,
	STATE_IS_THERE,
	STATE_NO_ROOM,
	STATE_IS_LIMITED,
};

/* The live state of an IP packet under 'name' that a lookup would come to;
 * p->flow_hash is set.  0 if there is none. */
uint32_t state_look(struct state_table *t, const struct pkt *p, uint16_t name,
    uint32_t now_s, struct state_would *w, struct state_rule *rule);

/* What state_remove() would do. */
void state_would_remove(const struct state_table *t, uint32_t idx,
    struct state_would *w);

/* What state_install() would do. */
enum state_chance state_would_install(struct state_table *t,
    const struct state_cfg *cfg, const struct pkt *p,
    const struct state_new *n, struct state_would *w);
