/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One of the two firewalls of a world.
 *
 * Place      world.c makes two, changes both and compares them.
 * Life       zeroed -> side_open (the default rule, empty tables, no states) ->
 *            changes and bursts -> side_close -> side_open ... -> side_fini.
 */
#pragma once

#include "engine/step.h"
#include "rule/plan.h"
#include "test/oracle/recipe.h"
#include "test/oracle/traffic.h"

enum {
	SIDE_BURST = 64,
	SIDE_COUNTERS = 8192,
	SIDE_ROUNDS = 4, /* that a packet is kept by somebody and comes back */
	SIDE_KEYS = 1024, /* entries that a world may make */
	SIDE_SENT = SIDE_BURST * (TRAFFIC_FRAME + 8 + 16) * 6 +
	    4 * REPLY_BURST * (REPLY_MAX + 8),
};

struct side {
	bool indexed;
	bool verify; /* look at every rule, and ask the index about each */
	struct match_check check;
	struct lookup_use lookup_use;
	struct plan_cfg plan_cfg; /* small limits make small sets a forest */
	unsigned scan;		  /* way to compare blocks, if there is one */
	unsigned draft_late;	  /* changes that a draft is behind; 0 = none */
	unsigned draft_age;
	struct draft *draft;
	struct step_ctx ctx;
	struct ruleset *rules;
	uint32_t next_id;
	unsigned n_free; /* counters */
	uint32_t free[SIDE_COUNTERS];
	struct counter counts[SIDE_COUNTERS];
	_Atomic uint32_t log_left[SIDE_COUNTERS];
	struct tables *tables;
	struct pipes *pipes;
	struct table *tabs[N_TABS + 1]; /* by index */
	unsigned n_keys;
	struct {
		unsigned tab;
		struct table_key key;
	} keys[SIDE_KEYS]; /* that were ever set */
	struct state_table *states;
	struct state_cfg state_cfg;
	struct rng rng;
	struct record_ring *log;
	struct port ports[2];
	struct lane lanes[2]; /* there and back */
	unsigned n_rx;	      /* frames that the next burst is to receive */
	unsigned lens[SIDE_BURST];
	uint8_t frames[SIDE_BURST][TRAFFIC_FRAME];
	size_t n_sent;
	uint8_t sent[SIDE_SENT]; /* port, length, octets; one after another */
};

/* The default rule alone.  'seed' keys states and chance.  False without
 * memory. */
bool side_open(struct side *s, bool indexed, uint64_t seed, bool accept,
    unsigned max_states);
void side_close(struct side *s);
void side_fini(struct side *s);

/* Makes 'next' (NULL: no memory, ignored) what packets meet. */
void side_publish(struct side *s, struct ruleset *next);

/* Adds 'n' rules at once. */
void side_add(struct side *s, const struct recipe *recipes, unsigned n);

/* Receives frames[n_rx] on the lane; what is diverted, or sent through a pipe,
 * comes back. */
void side_burst(struct side *s, unsigned lane);

/* One change of a table: sets the key, or deletes it if 'v' is NULL. */
void side_table(struct side *s, unsigned tab, const struct table_key *k,
    const struct table_value *v);
/* Deletes all its entries. */
void side_empty(struct side *s, unsigned tab);
