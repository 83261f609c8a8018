/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/resume.h"

#include "engine/fate.h"

unsigned
resume_at(const struct ruleset *rs, const struct pkt_fate *fate)
{
	if (fate->rule_id == UINT32_MAX)
		return ruleset_find(rs, fate->rule_num + 1u);
	return ruleset_after(rs, fate->rule_num, fate->rule_id);
}

/* What the pass that kept the packet says in the end. */
static void
search_on(struct step_ctx *c, struct pkt *p, bool out)
{
	if (!c->enabled)
		p->verdict = VERDICT_ACCEPT;
	if (p->verdict == VERDICT_ACCEPT)
		return;
	c->pass.out = out;
	p->reply = REPLY_NONE;
	p->verdict = (uint8_t)interp_run(&c->pass, p,
	    resume_at(c->pass.rules, &p->fate));
	c->pass.out = false;
}

bool
resume_run(struct step_ctx *c, const struct lane *lane, struct pkt *p, bool out)
{
	fate_lane(c, lane);
	search_on(c, p, out);
	if (out || !c->out_pass || p->verdict != VERDICT_ACCEPT)
		return out;
	c->pass.out = true;
	c->pass.diverted = 0; /* it was the pass on the way in */
	p->verdict = (uint8_t)interp_run(&c->pass, p, 0);
	c->pass.out = false;
	return true;
}

void
resume_burst(struct step_ctx *c, struct lane *lane, struct pkt *const *held,
    unsigned n, bool out)
{
	unsigned m;

	fate_lane(c, lane);
	for (unsigned i = 0; i < n; i++) {
		c->pkts[i] = *held[i];
		if (likely(held[i]->bad == PKT_GOOD))
			search_on(c, &c->pkts[i], out);
	}
	c->pass.out = out;
	m = fate_collect(c, n);
	c->pass.out = false;
	if (!out && c->out_pass)
		m = fate_look_again(c, m);
	fate_send(c, lane, &c->none, m);
	if (c->defrag->n_done != 0)
		defrag_finish(c, lane);
	port_kick(lane->out);
}
