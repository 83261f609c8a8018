/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/defrag.h"

#include "engine/fate.h"
#include "engine/keys.h"
#include "engine/resume.h"

#include <errno.h>
#include <stdlib.h>

_Static_assert((int)DEFRAG_DONE == (int)PORT_BURST &&
	(int)REASS_PER_PACKET < (int)PORT_BURST, "room for a burst");

int
defrag_create(struct keys *keys, struct defrag **out, struct err *e)
{
	struct defrag *d;
	struct rng rng;
	int rc = keys_draw(keys, &rng, sizeof(rng), "reassembly", e);

	if (rc != 0)
		return rc;
	d = calloc(1, sizeof(*d));
	if (d == NULL || (d->reass = reass_create(&rng)) == NULL) {
		free(d);
		return err_set(e, ENOMEM, "no memory for reassembly");
	}
	*out = d;
	return 0;
}

void
defrag_destroy(struct defrag *d)
{
	if (d == NULL)
		return;
	reass_destroy(d->reass);
	free(d);
}

void
defrag_take(struct step_ctx *c, const struct pkt *p)
{
	struct defrag *d = c->defrag;
	unsigned packet = reass_add(d->reass, &d->cfg, p, c->pass.lane,
	    c->now_s);

	if (packet == 0)
		return;
	d->done[d->n_done].last = *p;
	d->done[d->n_done].packet = packet;
	d->done[d->n_done++].out = c->pass.out;
}

/* The whole of a packet, with what rules have attached to its last fragment. */
static struct pkt
put_together(struct step_ctx *c, unsigned packet, const struct pkt *last)
{
	struct defrag *d = c->defrag;
	struct pkt whole = {.data = d->whole};

	whole.len = (uint16_t)reass_whole(d->reass, packet, d->whole);
	parse(&whole, &c->parse);
	whole.mark = last->mark;
	whole.tags = last->tags;
	whole.fate = last->fate;
	whole.verdict = VERDICT_REASS;
	return whole;
}

/* Fills c->pkts with the fragments, each with what was found of the whole.  The
 * answer to a rejected packet is that to the whole alone. */
static unsigned
take_apart(struct step_ctx *c, unsigned packet, const struct pkt *whole)
{
	unsigned n = reass_n_frags(c->defrag->reass, packet);

	if (whole->bad == PKT_GOOD)
		reass_cut(c->defrag->reass, packet, whole, c->pkts);
	for (unsigned i = 0; i < n; i++) {
		struct pkt *p = &c->pkts[i];

		if (whole->bad == PKT_GOOD)
			parse(p, &c->parse);
		p->bad = whole->bad;
		p->mark = whole->mark;
		p->tags = whole->tags;
		p->verdict = whole->verdict;
		p->fate = whole->fate;
		p->reply = REPLY_NONE;
	}
	return n;
}

static void
finish_one(struct step_ctx *c, struct lane *lane, unsigned packet, bool out,
    const struct pkt *last)
{
	struct pkt whole = put_together(c, packet, last);
	unsigned n, m, room;

	if (whole.bad == PKT_GOOD)
		out = resume_run(c, lane, &whole, out);
	n = take_apart(c, packet, &whole);
	c->pass.out = out;
	m = fate_collect(c, n);
	c->pass.out = false;
	if (whole.bad == PKT_GOOD && whole.verdict == VERDICT_DENY &&
	    whole.reply != REPLY_NONE)
		replies_note(&c->replies, &whole);
	if ((room = port_room(lane->out)) < m) {
		port_kick(lane->out);
		room = port_room(lane->out);
	}
	if (room < m) { /* a part of them is of no use to anybody */
		stat_add(&c->drops[DROP_TX_FULL], m);
		m = 0;
	}
	fate_send(c, lane, &c->none, m);
}

void
defrag_finish(struct step_ctx *c, struct lane *lane)
{
	struct defrag *d = c->defrag;

	for (unsigned i = 0; i < d->n_done; i++) {
		finish_one(c, lane, d->done[i].packet, d->done[i].out,
		    &d->done[i].last);
		reass_free(d->reass, d->done[i].packet);
	}
	d->n_done = 0;
	port_kick(lane->out);
}
