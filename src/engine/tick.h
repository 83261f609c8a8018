/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a worker does for the states beside packets: takes over the settings,
 * and clears away, a bounded piece a round, what expired.
 *
 * Threads    each worker has one; worker 0 alone clears.
 * Cost       once a second all states are looked at, some ns each.
 */
#pragma once

#include "engine/knobs.h"
#include "state/state.h"

enum { TICK_STATES = 4096 }; /* looked at in one round */

struct tick {
	uint32_t swept_s; /* second that the last sweep began in */
	uint32_t at;	  /* next index to look at; 0 = between two sweeps */
};

/* Copies the dyn_* knobs. */
void tick_settings(struct state_cfg *cfg, const struct knobs *k,
    uint32_t now_s);

/* A piece of the sweep, if one is due. */
void tick_sweep(struct tick *tick, struct state_table *states,
    uint32_t now_s);
