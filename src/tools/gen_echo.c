/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ping: a burst of requests, then their answers, then the next burst.
 * pong: every packet goes back where it came from, in its own buffer.
 */
#include "tools/gen_worker.h"

#include "base/clock.h"
#include "tools/gen_frame.h"
#include "tools/gen_ping.h"
#include "tools/gen_rate.h"
#include "tools/gen_report.h"

#include <errno.h>
#include <stdlib.h>

struct ping {
	struct gen_worker *w;
	struct gen_ring tx;
	struct gen_ring rx;
	struct gen_frame *frame; /* owned */
	struct gen_flow flow;
	struct gen_ping *table; /* owned */
	struct gen_rate rate;
	unsigned under_way; /* requests without an answer yet */
	ns_t burst_ns;	    /* when the last burst left */
};

static int
get_rings(struct gen_worker *w, struct gen_ring *tx, struct gen_ring *rx)
{
	gen_ring_init(tx, w->port, nmport_txring(w->port, w->idx));
	gen_ring_init(rx, w->port, nmport_rxring(w->port, w->idx));
	if (tx->ring == NULL || rx->ring == NULL)
		return err_set(&w->err, ENXIO, "%s lacks a ring", w->cfg->port);
	w->first_ns = clock_mono_ns();
	return 0;
}

static int
start(struct ping *p, struct gen_worker *w)
{
	const struct gen_cfg *c = w->cfg;
	struct gen_frame_cfg fc = {
	    .af = c->af,
	    .len_max = c->len,
	    .src_prefix = c->src.prefix,
	    .dst_prefix = c->dst.prefix,
	};

	*p = (struct ping){.w = w};
	if (get_rings(w, &p->tx, &p->rx) != 0)
		return -ENXIO;
	gen_rate_init(&p->rate, w->rate_pps, c->burst, w->first_ns);
	gen_flow_init(&p->flow, &c->src, &c->dst);
	gen_flow_macs(&p->flow, &c->src_mac, &c->dst_mac);
	gen_flow_random(&p->flow, c->random_src, c->random_dst, w->seed);
	p->table = calloc(1, sizeof(*p->table));
	w->rtt = calloc(1, sizeof(*w->rtt));
	if (p->table == NULL || w->rtt == NULL)
		return err_set(&w->err, ENOMEM, "no memory for ping");
	return gen_frame_create(&fc, &p->flow, &p->frame, &w->err);
}

static int
send_burst(struct ping *p, unsigned n)
{
	struct gen_worker *w = p->w;
	unsigned room = gen_ring_space(&p->tx);

	if (n > room)
		n = room;
	for (unsigned i = 0; i < n; i++) {
		uint32_t at = p->tx.cur;
		struct netmap_slot *slot = &p->tx.ring->slot[at];
		uint8_t *dst = gen_ring_buf(&p->tx, at);

		p->burst_ns = clock_mono_ns();
		gen_frame_write(p->frame, &p->flow, dst, w->cfg->len);
		gen_ping_stamp(p->table, p->frame, dst, p->burst_ns);
		gen_flow_next(&p->flow);
		slot->len = (uint16_t)w->cfg->len;
		slot->flags = 0;
		if (w->cfg->dump)
			gen_report_dump(stdout, "tx", &p->tx, at, w->cfg->len);
		gen_ring_move(&p->tx, gen_ring_next(&p->tx, at));
	}
	p->under_way += n;
	w->requests += n;
	gen_rate_sent(&p->rate, n);
	return nmport_txsync(w->port, w->idx);
}

/* Reads all that has come; returns the slots. */
static unsigned
read_answers(struct ping *p)
{
	struct gen_worker *w = p->w;
	unsigned n = gen_ring_space(&p->rx), answers = 0;
	uint64_t bytes = 0;
	ns_t now_ns = n > 0 ? clock_mono_ns() : 0, rtt_ns;

	for (unsigned i = 0; i < n; i++) {
		uint32_t at = p->rx.cur;
		unsigned len = p->rx.ring->slot[at].len;
		const uint8_t *data = gen_ring_buf(&p->rx, at);

		if (len > p->rx.stride)
			len = p->rx.stride;
		if (w->cfg->dump)
			gen_report_dump(stdout, "rx", &p->rx, at, len);
		if (gen_ping_match(p->table, p->frame, data, len, now_ns,
				   &rtt_ns)) {
			gen_rtt_add(w->rtt, rtt_ns);
			bytes += len;
			answers++;
		}
		gen_ring_move(&p->rx, gen_ring_next(&p->rx, at));
	}
	p->under_way -= answers;
	if (answers > 0)
		gen_worker_count(w, answers, bytes);
	return n;
}

/* Sends if everything is answered and the schedule agrees.  Returns when to
 * look again at the latest, or 0 after sending. */
static ns_t
send_or_when(struct ping *p, int *rc)
{
	struct gen_worker *w = p->w;
	uint64_t left = w->n - w->requests;
	unsigned want = left < w->cfg->burst ? (unsigned)left : w->cfg->burst;
	unsigned due;

	if (p->under_way > 0)
		return p->burst_ns + GEN_PING_LOST_NS;
	due = gen_rate_due(&p->rate, want, clock_mono_ns());
	if (due == 0)
		return gen_rate_when(&p->rate, want);
	if (gen_ring_space(&p->tx) == 0) {
		*rc = nmport_txsync(w->port, w->idx);
		return clock_mono_ns() + NS_PER_MS;
	}
	*rc = send_burst(p, due);
	return 0;
}

static int
ping_step(struct ping *p)
{
	struct gen_worker *w = p->w;
	int rc = 0;
	ns_t when_ns = send_or_when(p, &rc);

	if (rc == 0)
		rc = nmport_rxsync(w->port, w->idx);
	if (rc != 0)
		return rc;
	if (when_ns == 0) {
		w->tries = 0;
		return 0;
	}
	if (read_answers(p) > 0)
		return 0;
	if (p->under_way > 0 && clock_mono_ns() >= when_ns) {
		gen_ping_forget(p->table);
		p->under_way = 0;
		return 0;
	}
	/* Requests may still be pending in the ring. */
	if (nmport_txpending(w->port, w->idx) > 0)
		rc = nmport_txsync(w->port, w->idx);
	if (p->under_way == 0 && p->rate.pps != 0)
		gen_worker_until(w, when_ns);
	else
		gen_worker_idle(w, NMPORT_RX | NMPORT_TX, when_ns);
	return rc;
}

void
gen_echo_ping(struct gen_worker *w)
{
	struct ping p;
	int rc = start(&p, w);

	if (rc == 0) {
		while (rc == 0 && !gen_worker_stopped(w) &&
		       (w->requests < w->n || p.under_way > 0))
			rc = ping_step(&p);
		if (rc != 0)
			err_set(&w->err, -rc, "sync refused ring %u", w->idx);
		w->last_ns = clock_mono_ns();
	}
	gen_frame_destroy(p.frame);
	free(p.table);
}

/* Turns packets round by giving their buffers to the tx ring.  Returns how
 * many; less than arrived if the tx ring is full. */
static unsigned
turn_burst(struct gen_worker *w, struct gen_ring *tx, struct gen_ring *rx)
{
	unsigned n = gen_ring_space(rx), room = gen_ring_space(tx);
	uint64_t left = w->n - w->pkts, bytes = 0;

	n = n < room ? n : room;
	n = n < left ? n : (unsigned)left;
	n = n < w->cfg->burst ? n : w->cfg->burst;
	for (unsigned i = 0; i < n; i++) {
		struct netmap_slot *in = &rx->ring->slot[rx->cur];
		struct netmap_slot *out = &tx->ring->slot[tx->cur];
		uint32_t buf_idx = in->buf_idx;
		unsigned len = in->len;

		if (len > rx->stride)
			len = rx->stride;
		gen_ping_turn(gen_ring_mem(rx, buf_idx), len,
			      w->cfg->src_mac.lo);
		in->buf_idx = out->buf_idx;
		out->buf_idx = buf_idx;
		out->len = (uint16_t)len;
		in->flags = out->flags = NS_BUF_CHANGED;
		bytes += len;
		if (w->cfg->dump)
			gen_report_dump(stdout, "tx", tx, tx->cur, len);
		gen_ring_move(rx, gen_ring_next(rx, rx->cur));
		gen_ring_move(tx, gen_ring_next(tx, tx->cur));
	}
	if (n > 0)
		gen_worker_count(w, n, bytes);
	return n;
}

/* What pong waits for when it could do nothing.  With packets left that find
 * no slot it is room alone: an armed NMPORT_RX would return at once. */
static unsigned
wait_flags(const struct gen_worker *w, const struct gen_ring *rx)
{
	if (gen_ring_space(rx) > 0)
		return NMPORT_TX;
	if (nmport_txpending(w->port, w->idx) > 0)
		return NMPORT_RX | NMPORT_TX;
	return NMPORT_RX;
}

void
gen_echo_pong(struct gen_worker *w)
{
	struct gen_ring tx, rx;
	int rc = get_rings(w, &tx, &rx);

	if (rc != 0)
		return;
	while (rc == 0 && w->pkts < w->n && !gen_worker_stopped(w)) {
		unsigned n;

		rc = nmport_rxsync(w->port, w->idx);
		if (rc != 0)
			break;
		n = turn_burst(w, &tx, &rx);
		if (n > 0 || nmport_txpending(w->port, w->idx) > 0)
			rc = nmport_txsync(w->port, w->idx);
		if (n == 0)
			gen_worker_idle(w, wait_flags(w, &rx), 0);
	}
	if (rc != 0)
		err_set(&w->err, -rc, "sync refused ring %u", w->idx);
	gen_worker_flush(w);
	w->last_ns = clock_mono_ns();
}
