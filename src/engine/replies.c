/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/replies.h"

/* A second of silence earns a second's worth of answers, and no more. */
static void
earn(struct replies *r, ns_t now)
{
	ns_t since = now - r->last;

	r->last = now;
	r->credit = since >= NS_PER_S - r->credit ? NS_PER_S :
						    r->credit + since;
}

/* Builds what may be answered now; returns how many frames. */
static unsigned
build(struct replies *r, uint32_t limit)
{
	ns_t cost = limit == 0 ? 0 : NS_PER_S / limit;
	unsigned n = 0;

	for (unsigned i = 0; i < r->n_asked; i++) {
		unsigned len;

		if (r->credit < cost) {
			stat_add(&r->stats.limited, r->n_asked - i);
			break;
		}
		len = reply_build(r->asked[i], r->frames[n]);
		if (len == 0)
			continue;
		r->credit -= cost;
		r->pkts[n].data = r->frames[n];
		r->pkts[n].len = (uint16_t)len;
		n++;
	}
	return n;
}

void
replies_send(struct replies *r, struct port *to, uint32_t limit, ns_t now)
{
	struct pkt *ptrs[REPLY_BURST];
	unsigned n, sent = 0;

	earn(r, now);
	n = build(r, limit);
	r->n_asked = 0;
	if (n == 0)
		return;
	for (unsigned i = 0; i < n; i++)
		ptrs[i] = &r->pkts[i];
	if (port_room(to) > 0)
		sent = port_tx(to, &r->none, ptrs, n);
	stat_add(&r->stats.sent, sent);
	stat_add(&r->stats.no_room, n - sent);
	port_kick(to);
}
