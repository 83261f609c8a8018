/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rx: counts what arrives; reads the data only if asked to.
 */
#include "tools/gen_worker.h"

#include "base/clock.h"
#include "tools/gen_report.h"

#include <errno.h>
#include <string.h>

enum { AHEAD = 16 };

struct rx {
	struct gen_worker *w;
	struct gen_ring ring;
};

/* Exclusive or of the first line of a packet: a stand-in for a reader. */
static uint64_t
touch(const uint8_t *data)
{
	uint64_t words[8];

	memcpy(words, data, sizeof(words));
	return words[0] ^ words[1] ^ words[2] ^ words[3] ^ words[4] ^ words[5] ^
	       words[6] ^ words[7];
}

/* Looks into the packets at [at, at + n): -X and --touch. */
static void
look_into(struct rx *r, uint32_t at, unsigned n)
{
	const struct gen_ring *g = &r->ring;
	uint32_t ahead = (at + AHEAD) % g->n_slots;

	for (unsigned i = 0; i < n; i++) {
		unsigned len = g->ring->slot[at].len;

		gen_ring_prefetch(g, ahead);
		if (r->w->cfg->touch)
			r->w->touched ^= touch(gen_ring_buf(g, at));
		if (r->w->cfg->dump)
			gen_report_dump(stdout, "rx", g, at,
					len < g->stride ? len : g->stride);
		at = gen_ring_next(g, at);
		ahead = gen_ring_next(g, ahead);
	}
}

/* Takes up to 'max' packets off the ring.  A frame of several slots counts
 * once, at its last slot.  Returns the packets. */
static unsigned
take(struct rx *r, unsigned max)
{
	const struct gen_ring g = r->ring;
	unsigned space = gen_ring_space(&g), slots = 0, pkts = 0;
	uint32_t at = g.cur;
	uint64_t bytes = 0;

	for (; slots < space && pkts < max; slots++) {
		const struct netmap_slot *slot = &g.ring->slot[at];

		bytes += slot->len;
		pkts += (slot->flags & NS_MOREFRAG) == 0;
		at = gen_ring_next(&g, at);
	}
	if (unlikely(r->w->cfg->touch || r->w->cfg->dump))
		look_into(r, g.cur, slots);
	gen_ring_move(&r->ring, at);
	if (slots > 0)
		gen_worker_count(r->w, pkts, bytes);
	return slots;
}

/* Packets that may still be taken, 'burst' at most. */
static unsigned
want(const struct rx *r)
{
	uint64_t left = r->w->n - r->w->pkts;

	return left < r->w->cfg->burst ? (unsigned)left : r->w->cfg->burst;
}

/* One turn.  False ends the loop. */
static bool
step(struct rx *r)
{
	struct gen_worker *w = r->w;
	bool ends_silent = w->cfg->stop_when_silent && w->events > 0;
	int rc = nmport_rxsync(w->port, w->idx);

	if (rc != 0) {
		err_set(&w->err, -rc, "rxsync refused ring %u", w->idx);
		return false;
	}
	if (take(r, want(r)) > 0) {
		w->last_ns = clock_mono_ns();
		if (w->first_ns == 0)
			w->first_ns = w->last_ns;
		return true;
	}
	if (ends_silent && clock_mono_ns() - w->last_ns >= GEN_SILENCE_NS)
		return false;
	gen_worker_idle(w, NMPORT_RX,
			ends_silent ? w->last_ns + GEN_SILENCE_NS : 0);
	return true;
}

/* After a signal: what has arrived already is counted, but no more than one
 * ring of it, for the senders may go on. */
static void
drain(struct rx *r)
{
	unsigned left = r->ring.n_slots;

	while (left > 0 && want(r) > 0 &&
	       nmport_rxsync(r->w->port, r->w->idx) == 0) {
		unsigned max = want(r);
		unsigned n = take(r, max < left ? max : left);

		if (n == 0)
			return;
		r->w->last_ns = clock_mono_ns();
		left -= n < left ? n : left;
	}
}

void
gen_rx_run(struct gen_worker *w)
{
	struct rx r = {.w = w};

	gen_ring_init(&r.ring, w->port, nmport_rxring(w->port, w->idx));
	if (r.ring.ring == NULL) {
		err_set(&w->err, ENXIO, "%s has no rx ring %u", w->cfg->port,
			w->idx);
		return;
	}
	while (w->pkts < w->n && !gen_worker_stopped(w))
		if (!step(&r))
			break;
	if (w->err.code == 0)
		drain(&r);
	/* Hands the last burst's slots back. */
	nmport_rxsync(w->port, w->idx);
}
