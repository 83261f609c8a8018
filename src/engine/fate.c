/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/fate.h"

#include "engine/pipes.h"
#include "engine/verdicts.h"
#include "engine/vtime.h"
#include "rule/divert.h"

void
fate_lane(struct step_ctx *c, const struct lane *lane)
{
	c->pass.in_if = lane->in->ifname;
	c->pass.out_if = lane->out->ifname;
	c->pass.lane = lane->id;
}

static void
divert(struct step_ctx *c, const struct pkt *p)
{
	switch (divert_put(c->pass.divert, &c->pass, p, &p->fate, 0)) {
	case DIVERT_HANDED:
		break;
	case DIVERT_NOBODY:
		stat_add(&c->drops[DROP_DIVERT_NOBODY], 1);
		break;
	case DIVERT_FULL:
		stat_add(&c->drops[DROP_DIVERT_FULL], 1);
		break;
	}
}

/* True if somebody wants to know what becomes of each packet. */
static inline bool
is_told(const struct step_ctx *c)
{
	return c->vtime != NULL && c->vtime->verdicts != NULL;
}

static void
drop_bad(struct step_ctx *c, const struct pkt *p)
{
	enum drop_reason why = drop_of_bad(p->bad);

	stat_add(&c->drops[why], 1);
	if (unlikely(is_told(c)))
		verdicts_drop(c, drop_text[why]);
}

/* Sees to a good packet that does not go on.  Returns 1 if it was denied. */
static unsigned
see_off(struct step_ctx *c, struct pkt *p)
{
	if (unlikely(is_told(c)))
		verdicts_see_off(c, p);
	if (p->verdict == VERDICT_PIPE || p->verdict == VERDICT_QUEUE) {
		c->piped[c->n_piped++] = p;
		return 0;
	}
	if (p->verdict == VERDICT_BOUNCE) {
		c->bounced[c->n_bounced++] = p;
		return 0;
	}
	if (p->verdict == VERDICT_DIVERT) {
		divert(c, p);
		return 0;
	}
	if (p->verdict == VERDICT_REASS) {
		defrag_take(c, p);
		return 0;
	}
	if (unlikely(p->reply != REPLY_NONE))
		replies_note(&c->replies, p);
	return 1;
}

unsigned
fate_collect(struct step_ctx *c, unsigned n)
{
	unsigned m = 0, denied = 0;

	for (unsigned i = 0; i < n; i++) {
		struct pkt *p = &c->pkts[i];
		bool good = p->bad == PKT_GOOD;

		if (unlikely(!good))
			drop_bad(c, p);
		else if (p->verdict != VERDICT_ACCEPT)
			denied += see_off(c, p);
		c->to_send[m] = p;
		m += good && p->verdict == VERDICT_ACCEPT;
	}
	if (denied > 0)
		stat_add(&c->drops[DROP_RULE], denied);
	if (c->n_piped > 0)
		pipes_take(c);
	return m;
}

unsigned
fate_look_again(struct step_ctx *c, unsigned n)
{
	unsigned m = 0, denied = 0;

	c->pass.out = true;
	c->pass.diverted = 0; /* it was the pass on the way in */
	for (unsigned i = 0; i < n; i++) {
		struct pkt *p = c->to_send[i];

		p->verdict = (uint8_t)interp_run(&c->pass, p, 0);
		c->to_send[m] = p;
		if (p->verdict == VERDICT_ACCEPT)
			m++;
		else
			denied += see_off(c, p);
	}
	if (c->n_piped > 0)
		pipes_take(c);
	c->pass.out = false;
	stat_add(&c->drops[DROP_RULE], denied);
	return m;
}

/* Sends what fwd turns round out of the port it came in by. */
static void
send_back(struct step_ctx *c, struct port *in, struct port *from)
{
	unsigned sent = port_tx(in, from, c->bounced, c->n_bounced);

	stat_add(&c->drops[DROP_TX_FULL], c->n_bounced - sent);
	c->n_bounced = 0;
	port_kick(in);
}

void
fate_send(struct step_ctx *c, struct lane *lane, struct port *from, unsigned n)
{
	unsigned sent;

	if (unlikely(c->pass.log != NULL && record_unpublished(c->pass.log)))
		record_publish(c->pass.log, vtime_wall_ns(c->vtime));
	if (unlikely(is_told(c)) && n > 0)
		verdicts_pass(c);
	sent = n > 0 ? port_tx(lane->out, from, c->to_send, n) : 0;
	if (unlikely(sent < n))
		stat_add(&c->drops[DROP_TX_FULL], n - sent);
	if (lane->end != N_DROPS)
		stat_add(&c->drops[lane->end], sent);
	if (unlikely(c->n_bounced != 0))
		send_back(c, lane->in, from);
	if (unlikely(c->replies.n_asked != 0))
		replies_send(&c->replies, lane->in, c->reply_limit,
		    vtime_mono_ns(c->vtime));
}
