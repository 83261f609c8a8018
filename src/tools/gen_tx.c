/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tx: writes a burst of frames into free slots, then one sync.
 *
 * A free slot may hold any buffer, since the switch swaps them; every frame is
 * therefore written in full each time.  The first line of the buffer 16 slots
 * ahead is fetched for writing while this one is filled.
 */
#include "tools/gen_worker.h"

#include "base/clock.h"
#include "tools/gen_frame.h"
#include "tools/gen_rate.h"
#include "tools/gen_report.h"

#include <errno.h>

enum { AHEAD = 16 };

/* What there is to do per packet; a constant in each copy of fill_as(). */
enum kind { FIXED, WALK4, VARYING, SIZES, TRACE };

struct tx {
	struct gen_worker *w;
	enum kind kind;
	struct gen_ring ring;
	struct gen_frame *frame; /* owned; NULL with a trace */
	struct gen_flow flow;
	const struct gen_trace *trace;
	unsigned next_frame; /* of the trace */
	uint64_t seed;	     /* of random sizes */
	struct gen_rate rate;
};

static enum kind
kind_of(const struct gen_frame *f, const struct gen_flow *w)
{
	if (f->len_min != 0)
		return SIZES;
	if (f->fixed)
		return FIXED;
	if (f->is_v6 || f->headers_only || w->macs_vary || w->random_src ||
	    w->random_dst)
		return VARYING;
	return WALK4;
}

/* Tells the compiler what kind_of() found: a walk over IPv4 flows is the
 * common case and takes half the time without the tests for the others. */
static inline void
assume_walk4(struct gen_frame *f, struct gen_flow *w)
{
	f->is_v6 = f->headers_only = false;
	w->macs_vary = w->random_src = w->random_dst = false;
}

/* The next frame of the file. */
static inline unsigned
write_trace(struct tx *t, uint8_t *dst)
{
	const struct gen_trace_frame *from = &t->trace->frames[t->next_frame];

	if (++t->next_frame == t->trace->n_frames)
		t->next_frame = 0;
	memcpy(dst, from->octets, from->len);
	return from->len;
}

static inline unsigned
random_size(struct tx *t, const struct gen_frame *f)
{
	uint64_t span = f->len_max - f->len_min + 1;

	return f->len_min +
	       (unsigned)((gen_flow_draw(&t->seed) >> 32) * span >> 32);
}

/* Fills 'n' slots from cur on and moves head and cur; returns the octets.
 * Ring, frame and flow are copied to locals for the burst: a store to a buffer could
 * otherwise change them for all the compiler knows. */
static inline __attribute__((always_inline)) uint64_t
fill_as(struct tx *t, unsigned n, enum kind kind)
{
	const struct gen_ring g = t->ring;
	uint32_t at = g.cur, ahead = (at + AHEAD) % g.n_slots;
	struct gen_frame f = kind == TRACE ? (struct gen_frame){0} : *t->frame;
	struct gen_flow flow = t->flow;
	bool dump = t->w->cfg->dump;
	uint64_t bytes = 0;

	if (kind == WALK4)
		assume_walk4(&f, &flow);
	for (unsigned i = 0; i < n; i++) {
		struct netmap_slot *slot = &g.ring->slot[at];
		uint8_t *dst = gen_ring_buf(&g, at);
		unsigned len = f.len_max;

		gen_ring_prefetch(&g, ahead);
		if (kind == TRACE) {
			len = write_trace(t, dst);
		} else {
			if (kind == SIZES)
				len = random_size(t, &f);
			gen_frame_copy(&f, dst, len);
		}
		if (kind == WALK4 || kind == VARYING || kind == SIZES) {
			gen_frame_patch(&f, &flow, dst, len);
			gen_flow_next(&flow);
		}
		slot->len = (uint16_t)len;
		slot->flags = 0;
		bytes += len;
		if (unlikely(dump))
			gen_report_dump(stdout, "tx", &t->ring, at, len);
		at = gen_ring_next(&g, at);
		ahead = gen_ring_next(&g, ahead);
	}
	t->flow = flow;
	gen_ring_move(&t->ring, at);
	return bytes;
}

static uint64_t
fill(struct tx *t, unsigned n)
{
	switch (t->kind) {
	case FIXED:
		return fill_as(t, n, FIXED);
	case WALK4:
		return fill_as(t, n, WALK4);
	case VARYING:
		return fill_as(t, n, VARYING);
	case SIZES:
		return fill_as(t, n, SIZES);
	case TRACE:
		break;
	}
	return fill_as(t, n, TRACE);
}

static int
start(struct tx *t, struct gen_worker *w)
{
	const struct gen_cfg *c = w->cfg;
	struct gen_frame_cfg fc = {
	    .af = c->af,
	    .len_max = c->len,
	    .len_min = c->len_min,
	    .src_prefix = c->src.prefix,
	    .dst_prefix = c->dst.prefix,
	    .headers_only = c->headers_only,
	};

	*t = (struct tx){.w = w, .trace = w->trace, .seed = w->seed};
	gen_ring_init(&t->ring, w->port, nmport_txring(w->port, w->idx));
	if (t->ring.ring == NULL)
		return err_set(&w->err, ENXIO, "%s has no tx ring %u", c->port,
			       w->idx);
	w->first_ns = clock_mono_ns();
	gen_rate_init(&t->rate, w->rate_pps, c->burst, w->first_ns);
	t->kind = TRACE;
	if (t->trace != NULL)
		return 0;
	gen_flow_init(&t->flow, &c->src, &c->dst);
	gen_flow_macs(&t->flow, &c->src_mac, &c->dst_mac);
	gen_flow_random(&t->flow, c->random_src, c->random_dst, w->seed);
	if (gen_frame_create(&fc, &t->flow, &t->frame, &w->err) != 0)
		return -w->err.code;
	t->kind = kind_of(t->frame, &t->flow);
	return 0;
}

/* Nothing is due yet.  Slots that wait for their destination are not left
 * alone meanwhile. */
static void
wait_schedule(struct tx *t, unsigned want)
{
	struct gen_worker *w = t->w;
	ns_t when_ns = gen_rate_when(&t->rate, want);

	if (nmport_txpending(w->port, w->idx) == 0) {
		gen_worker_until(w, when_ns);
		return;
	}
	nmport_txsync(w->port, w->idx);
	gen_worker_idle(w, NMPORT_TX, when_ns);
}

/* One turn: wait for the schedule, or for room, or send a burst. */
static int
step(struct tx *t)
{
	struct gen_worker *w = t->w;
	uint64_t left = w->n - w->pkts;
	unsigned burst = w->cfg->burst;
	unsigned want = left < burst ? (unsigned)left : burst;
	unsigned room;
	int rc;

	if (t->rate.pps != 0) {
		unsigned due = gen_rate_due(&t->rate, want, clock_mono_ns());

		if (due == 0) {
			wait_schedule(t, want);
			return 0;
		}
		want = due;
	}
	room = gen_ring_space(&t->ring);
	if (room == 0) {
		rc = nmport_txsync(w->port, w->idx);
		if (rc == 0 && gen_ring_space(&t->ring) == 0)
			gen_worker_idle(w, NMPORT_TX, 0);
		return rc;
	}
	if (want > room)
		want = room;
	gen_worker_count(w, want, fill(t, want));
	gen_rate_sent(&t->rate, want);
	return nmport_txsync(w->port, w->idx);
}

void
gen_tx_run(struct gen_worker *w)
{
	struct tx t;
	int rc = start(&t, w);

	if (rc != 0)
		return;
	while (rc == 0 && w->pkts < w->n && !gen_worker_stopped(w))
		rc = step(&t);
	if (rc != 0)
		err_set(&w->err, -rc, "txsync refused ring %u", w->idx);
	gen_worker_flush(w);
	w->last_ns = clock_mono_ns();
	gen_frame_destroy(t.frame);
}
