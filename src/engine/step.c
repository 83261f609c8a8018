/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/step.h"

/* What parse found wrong, as a drop reason. */
static const enum drop_reason drop_of_bad[PKT_BAD_MAX] = {
	[PKT_BAD_SHORT_ETHER] = DROP_SHORT_ETHER,
	[PKT_BAD_SHORT_L3] = DROP_SHORT_L3,
	[PKT_BAD_SHORT_L4] = DROP_SHORT_L4,
	[PKT_BAD_TINY_FRAG] = DROP_TINY_FRAG,
	[PKT_BAD_EXT_HDR] = DROP_EXT_HDR,
	[PKT_BAD_SINGLE_FRAG] = DROP_SINGLE_FRAG,
};

/* True if the packet may go on to its out port. */
static inline bool
judge(struct step_ctx *c, const struct pkt *p)
{
	if (unlikely(p->bad != PKT_GOOD)) {
		stat_add(&c->drops[drop_of_bad[p->bad]], 1);
		return false;
	}
	if (likely(interp_run(&c->pass, p, 0) == VERDICT_ACCEPT)) {
		if (likely(!c->out_pass))
			return true;
		c->pass.out = true;
		enum verdict v = interp_run(&c->pass, p, 0);
		c->pass.out = false;
		if (v == VERDICT_ACCEPT)
			return true;
	}
	stat_add(&c->drops[DROP_RULE], 1);
	return false;
}

/* Collects the packets that go on in c->to_send; returns how many. */
static unsigned
filter(struct step_ctx *c, const struct lane *lane, unsigned n)
{
	unsigned m = 0;

	for (unsigned i = 0; i < n; i++) {
		struct pkt *p = &c->pkts[i];

		p->in_port = lane->in->number;
		p->out_port = lane->out->number;
		c->to_send[m] = p;
		m += !c->enabled || judge(c, p);
	}
	return m;
}

unsigned
step(struct step_ctx *c, struct lane *lane, unsigned max)
{
	unsigned room = port_room(lane->out), n, m, sent;

	if (room < max) {
		port_kick(lane->out);
		room = port_room(lane->out);
		max = room < max ? room : max;
	}
	lane->blocked = max == 0;
	if (max == 0 || (n = port_rx(lane->in, c->pkts, max)) == 0)
		return 0;
	parse_burst(c->pkts, n, &c->parse);
	m = filter(c, lane, n);
	sent = m > 0 ? port_tx(lane->out, lane->in, c->to_send, m) : 0;
	if (unlikely(sent < m))
		stat_add(&c->drops[DROP_TX_FULL], m - sent);
	if (lane->end != N_DROPS)
		stat_add(&c->drops[lane->end], sent);
	port_release(lane->in);
	port_kick(lane->out);
	return n;
}
