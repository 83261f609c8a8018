/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/step.h"

#include "base/clock.h"

/* What parse found wrong, as a drop reason. */
static const enum drop_reason drop_of_bad[PKT_BAD_MAX] = {
	[PKT_BAD_SHORT_ETHER] = DROP_SHORT_ETHER,
	[PKT_BAD_SHORT_L3] = DROP_SHORT_L3,
	[PKT_BAD_SHORT_L4] = DROP_SHORT_L4,
	[PKT_BAD_TINY_FRAG] = DROP_TINY_FRAG,
	[PKT_BAD_EXT_HDR] = DROP_EXT_HDR,
	[PKT_BAD_SINGLE_FRAG] = DROP_SINGLE_FRAG,
};

/* Sees to a good packet that does not go on.  Returns 1 if it was denied. */
static unsigned
see_off(struct step_ctx *c, struct pkt *p)
{
	if (p->verdict == VERDICT_BOUNCE) {
		c->bounced[c->n_bounced++] = p;
		return 0;
	}
	if (unlikely(p->reply != REPLY_NONE))
		replies_note(&c->replies, p);
	return 1;
}

/* Books what does not go on; collects the rest in c->to_send.  Returns how many
 * those are. */
static unsigned
collect(struct step_ctx *c, unsigned n)
{
	unsigned m = 0, denied = 0;

	for (unsigned i = 0; i < n; i++) {
		struct pkt *p = &c->pkts[i];
		bool good = p->bad == PKT_GOOD;

		if (unlikely(!good))
			stat_add(&c->drops[drop_of_bad[p->bad]], 1);
		else if (p->verdict != VERDICT_ACCEPT)
			denied += see_off(c, p);
		c->to_send[m] = p;
		m += good && p->verdict == VERDICT_ACCEPT;
	}
	if (denied > 0)
		stat_add(&c->drops[DROP_RULE], denied);
	return m;
}

/* The second evaluation, of the packets that the first one let through. */
static unsigned
look_again(struct step_ctx *c, unsigned n)
{
	unsigned m = 0, denied = 0;

	c->pass.out = true;
	for (unsigned i = 0; i < n; i++) {
		struct pkt *p = c->to_send[i];

		p->verdict = (uint8_t)interp_run(&c->pass, p, 0);
		c->to_send[m] = p;
		if (p->verdict == VERDICT_ACCEPT)
			m++;
		else
			denied += see_off(c, p);
	}
	c->pass.out = false;
	stat_add(&c->drops[DROP_RULE], denied);
	return m;
}

/* Sends what fwd turns round out of the port it came in by. */
static void
send_back(struct step_ctx *c, struct port *in)
{
	unsigned sent = port_tx(in, in, c->bounced, c->n_bounced);

	stat_add(&c->drops[DROP_TX_FULL], c->n_bounced - sent);
	c->n_bounced = 0;
	port_kick(in);
}

/* With the firewall switched off everything goes on. */
static unsigned
collect_all(struct step_ctx *c, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		c->to_send[i] = &c->pkts[i];
	return n;
}

/* Parses and evaluates the burst; returns how many go on. */
static unsigned
filter(struct step_ctx *c, const struct lane *lane, unsigned n)
{
	unsigned m;

	if (unlikely(!c->enabled))
		return collect_all(c, n);
	c->pass.in_if = lane->in->ifname;
	c->pass.out_if = lane->out->ifname;
	c->pass.lane = lane->id;
	tag_reset(&c->tags);
	parse_burst(c->pkts, n, &c->parse);
	interp_burst(&c->pass, c->pkts, n);
	m = collect(c, n);
	return unlikely(c->out_pass) ? look_again(c, m) : m;
}

unsigned
step(struct step_ctx *c, struct lane *lane, unsigned max)
{
	unsigned room = port_room(lane->out), n, m, sent;

	if (room < max || port_pending(lane->out) != 0) {
		port_kick(lane->out);
		room = port_room(lane->out);
		max = room < max ? room : max;
	}
	lane->blocked = max == 0;
	if (max == 0 || (n = port_rx(lane->in, c->pkts, max)) == 0)
		return 0;
	m = filter(c, lane, n);
	if (unlikely(c->pass.log != NULL && record_unpublished(c->pass.log)))
		record_publish(c->pass.log, clock_wall_ns());
	sent = m > 0 ? port_tx(lane->out, lane->in, c->to_send, m) : 0;
	if (unlikely(sent < m))
		stat_add(&c->drops[DROP_TX_FULL], m - sent);
	if (lane->end != N_DROPS)
		stat_add(&c->drops[lane->end], sent);
	if (unlikely(c->n_bounced != 0))
		send_back(c, lane->in);
	if (unlikely(c->replies.n_asked != 0))
		replies_send(&c->replies, lane->in, c->reply_limit,
		    clock_mono_ns());
	port_release(lane->in);
	port_kick(lane->out);
	return n;
}
