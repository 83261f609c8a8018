/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a worker does for the states beside packets: takes over the settings,
 * and clears away, a bounded piece a round, what expired; then it measures the
 * buckets.
 *
 * Threads    each worker has one; worker 0 alone clears.
 * Cost       once a second all states and buckets are looked at, some ns each.
 */
#pragma once

#include "engine/knobs.h"
#include "state/state.h"

enum {
	TICK_STATES = 4096, /* looked at in one round */
	TICK_BUCKETS = 4096,
};

struct tick {
	uint32_t swept_s;  /* second that the last sweep began in */
	uint32_t at;	   /* next index to look at; 0 = not at states */
	uint32_t bucket;   /* next bucket to measure, from 1; 0 = not at them */
	uint32_t longest;  /* of the buckets measured */
};

/* True in the middle of a sweep. */
static inline bool
tick_is_on(const struct tick *tick)
{
	return (tick->at | tick->bucket) != 0;
}

/* Copies the dyn_* knobs. */
void tick_settings(struct state_cfg *cfg, const struct knobs *k,
    uint32_t now_s);

/* A piece of the sweep, if one is due: over the states, then over the buckets,
 * whose greatest length goes into the knobs. */
void tick_sweep(struct tick *tick, struct state_table *states,
    struct knobs *k, uint32_t now_s);
