/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/step.h"

#include "engine/fate.h"
#include "engine/vtime.h"

/* With the firewall switched off everything goes on. */
static unsigned
collect_all(struct step_ctx *c, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		c->to_send[i] = &c->pkts[i];
	return n;
}

unsigned
step_filter(struct step_ctx *c, const struct lane *lane, unsigned n)
{
	unsigned m;

	if (unlikely(!c->enabled))
		return collect_all(c, n);
	fate_lane(c, lane);
	tag_reset(&c->tags);
	parse_burst(c->pkts, n, &c->parse);
	interp_burst(&c->pass, c->pkts, n);
	m = fate_collect(c, n);
	return unlikely(c->out_pass) ? fate_look_again(c, m) : m;
}

unsigned
step(struct step_ctx *c, struct lane *lane, unsigned max)
{
	unsigned room = port_room(lane->out), n;

	if (room < max || port_pending(lane->out) != 0) {
		port_kick(lane->out);
		room = port_room(lane->out);
		max = room < max ? room : max;
	}
	lane->blocked = max == 0;
	if (lane->whole) /* what is kept must be what a wire would carry */
		c->whole = lane->in->whole =
		    !ruleset_wants_segments(c->pass.rules);
	if (max == 0 || (n = port_rx(lane->in, c->pkts, max)) == 0)
		return 0;
	c->now_ns = unlikely(c->timed) ? vtime_mono_ns(c->vtime) : 0;
	fate_send(c, lane, lane->in, step_filter(c, lane, n));
	c->whole = false;
	if (unlikely(c->defrag->n_done != 0))
		defrag_finish(c, lane);
	port_release(lane->in);
	port_kick(lane->out);
	return n;
}
