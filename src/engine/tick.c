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

void
tick_sweep(struct tick *tick, struct state_table *states, uint32_t now_s)
{
	uint32_t end = state_end(states), hi;

	if (tick->at == 0) {
		if (tick->swept_s == now_s)
			return;
		tick->swept_s = now_s;
		tick->at = 1;
	}
	hi = end - tick->at > TICK_STATES ? tick->at + TICK_STATES : end;
	state_sweep(states, tick->at, hi, now_s);
	tick->at = hi == end ? 0 : hi;
}
