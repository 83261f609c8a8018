/* SPDX-License-Identifier: BSD-2-Clause */
/* What became of all packets, added up over ports, workers and pipes. */
#include "engine/engine_in.h"

#include <string.h>

/* What became of diverted packets outside of the workers. */
static void
divert_totals(const struct diverts *d, struct engine_totals *out)
{
	out->diverts.tees_lost = stat_get(&d->tees_lost);
	for (unsigned i = 0; i < N_DROPS; i++)
		out->drops[i] += stat_get(&d->drops[i]);
	for (unsigned i = 0; i < d->n_ways; i++) {
		const struct divert_way *w = &d->ways[i];

		out->diverts.handed += stat_get(&w->out.handed);
		out->diverts.tees_lost += stat_get(&w->out.tees_lost);
		out->diverts.resumed += stat_get(&w->resumed);
	}
}

static void
pipe_totals(const struct dn *dn, struct engine_totals *out)
{
	struct dn_flow_totals t;

	dn_flow_totals(dn, &t);
	out->drops[DROP_PIPE] += t.drops;
	out->pipes.in = t.in_pkts;
	out->pipes.out = t.out_pkts;
}

/* Fragments that reassembly dropped. */
static void
frag_totals(struct reass *r, struct engine_totals *out)
{
	const struct reass_stats *s = reass_stats(r);

	out->drops[DROP_FRAG_BAD] += stat_get(&s->bad);
	out->drops[DROP_FRAG_COVERED] += stat_get(&s->covered);
	out->drops[DROP_FRAG_LIMIT] += stat_get(&s->limit);
	out->drops[DROP_FRAG_LATE] += stat_get(&s->late);
}

void
engine_totals(const struct engine *en, struct engine_totals *out)
{
	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < en->n_ports; i++) {
		out->rx_pkts += stat_get(&en->ports[i]->stats.rx_pkts);
		out->tx_pkts += stat_get(&en->ports[i]->stats.tx_pkts);
		out->rx_lost += stat_get(&en->ports[i]->stats.rx_lost);
		out->drops[DROP_LINK] +=
		    stat_get(&en->ports[i]->stats.tx_lost);
	}
	for (unsigned i = 0; i < en->n_workers; i++) {
		const struct step_ctx *c = &en->workers[i].ctx;

		for (unsigned d = 0; d < N_DROPS; d++)
			out->drops[d] += stat_get(&c->drops[d]);
		const struct keepalive_stats *k =
		    &en->workers[i].keepalives.stats;

		out->keepalives.sent += stat_get(&k->sent);
		out->keepalives.no_room += stat_get(&k->no_room);
		frag_totals(c->defrag->reass, out);
		out->replies.sent += stat_get(&c->replies.stats.sent);
		out->replies.limited += stat_get(&c->replies.stats.limited);
		out->replies.no_room += stat_get(&c->replies.stats.no_room);
	}
	if (en->diverts != NULL)
		divert_totals(en->diverts, out);
	out->drops[DROP_PIPE_RING] += pipes_lost(en->pipes);
	pipe_totals(en->pipes->dn, out);
}
