/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/tick.h"

void
tick_settings(struct state_cfg *cfg, const struct knobs *k, uint32_t now_s)
{
	*cfg = (struct state_cfg){
	    .life = {
		.ack_s = knob_get(&k->dyn_ack_lifetime),
		.syn_s = knob_get(&k->dyn_syn_lifetime),
		.fin_s = knob_get(&k->dyn_fin_lifetime),
		.rst_s = knob_get(&k->dyn_rst_lifetime),
		.udp_s = knob_get(&k->dyn_udp_lifetime),
		.short_s = knob_get(&k->dyn_short_lifetime),
	    },
	    .max = knob_get(&k->dyn_max),
	    .parent_max = knob_get(&k->dyn_parent_max),
	    .now_s = now_s,
	};
}

/* A piece of the states; the buckets come after the last. */
static void
sweep_states(struct tick *tick, struct state_table *states, uint32_t now_s)
{
	uint32_t end = state_end(states), hi;

	hi = end - tick->at > TICK_STATES ? tick->at + TICK_STATES : end;
	state_sweep(states, tick->at, hi, now_s);
	tick->at = hi == end ? 0 : hi;
	if (tick->at == 0)
		tick->bucket = 1;
}

/* A piece of the buckets. */
static void
measure_buckets(struct tick *tick, const struct state_table *states,
    struct knobs *k)
{
	uint32_t end = state_buckets(states), lo = tick->bucket - 1, hi, longest;

	hi = end - lo > TICK_BUCKETS ? lo + TICK_BUCKETS : end;
	if (state_count(states) + state_parent_count(states) == 0)
		hi = end; /* and their memory stays untouched */
	else if ((longest = state_longest(states, lo, hi)) > tick->longest)
		tick->longest = longest;
	tick->bucket = hi == end ? 0 : hi + 1;
	if (tick->bucket != 0)
		return;
	if (knob_get(&k->curr_max_length) != tick->longest)
		knob_set(&k->curr_max_length, tick->longest);
	tick->longest = 0;
}

void
tick_sweep(struct tick *tick, struct state_table *states, struct knobs *k,
    uint32_t now_s)
{
	if (!tick_is_on(tick)) {
		if (tick->swept_s == now_s)
			return;
		tick->swept_s = now_s;
		tick->at = 1;
	}
	if (tick->at != 0)
		sweep_states(tick, states, now_s);
	else
		measure_buckets(tick, states, k);
}
