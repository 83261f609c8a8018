/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A queue with a law before a link of constant rate, twice: the code under test,
 * and a model that the test writes from the paper.  Both get the same packets at
 * the same times; what became of each packet, and when, is compared.
 */
#pragma once

#include "unit.h"

#include "base/bytes.h"
#include "base/rng.h"
#include "packet/checksum.h"
#include "pipe/aqm.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { AQM_MEMORY = 64 << 20, MAX_PKTS = 200000 };

enum fate { NEVER, SENT, MARKED, DROPPED, FULL };

struct arrival {
	ns_t at;
	uint16_t bytes;
	bool ect;
};

struct outcome {
	enum fate fate;
	ns_t at;
};

struct load { /* the packets of a test */
	struct arrival *pkts;
	unsigned n;
	uint64_t rate_bps;
};

/* One of the two: takes packet 'id', or says which one to send; ~0 = none.
 * Both note in out[id] what they do with packets that are not sent, or sent with
 * a mark. */
struct side {
	void (*enqueue)(struct side *s, const struct load *l, unsigned id,
	    ns_t now);
	unsigned (*dequeue)(struct side *s, const struct load *l, ns_t now);
	void *self;
	unsigned len; /* packets in the queue: kept by the side */
	struct outcome *out;
};

/* Runs all packets through one side. */
static inline void
run_side(struct side *s, const struct load *l)
{
	ns_t free_at = 0, t;
	unsigned i = 0, id;

	if (s->out == NULL)
		s->out = calloc(l->n, sizeof(*s->out));
	while (i < l->n || s->len > 0) {
		if (s->len == 0 || (i < l->n && l->pkts[i].at < free_at)) {
			s->enqueue(s, l, i, l->pkts[i].at);
			if (free_at < l->pkts[i].at)
				free_at = l->pkts[i].at;
			i++;
			continue;
		}
		t = free_at;
		if ((id = s->dequeue(s, l, t)) == ~0u)
			continue;
		if (s->out[id].fate != MARKED)
			s->out[id].fate = SENT;
		s->out[id].at = t;
		free_at = t + l->pkts[id].bytes * 8 * NS_PER_S / l->rate_bps;
	}
}

/* ---- the code under test ---- */

struct real {
	struct queue q;
	struct aqm aqm;
	struct queue_counts counts;
	uint64_t all_drops[N_DN_DROPS];
	struct rng rng;
	uint8_t state[256];
	void *memory;
	unsigned next;	  /* the first id that may still be in the queue */
	unsigned entered; /* all below have come */
};

/* A bare IPv4 header; its number is in 'rule_id'. */
static inline struct held *
real_packet(struct real *r, const struct arrival *a, unsigned id, ns_t now)
{
	struct held *h = slab_alloc(r->q.slab, sizeof(*h) + 34);
	uint8_t *ip;

	assert_non_null(h);
	*h = (struct held){.bytes = a->bytes, .len = 34, .l3 = 14,
	    .blocks = 2, .flags = HELD_IP4, .rule_id = id, .time = now};
	memset(h->frame, 0, 34);
	ip = h->frame + 14;
	ip[0] = 0x45;
	ip[1] = a->ect ? 1 + id % 2 : 0;
	put32(ip + 12, id);
	put16(ip + 10, checksum_end(checksum_add(0, ip, 20)));
	return h;
}

/* It is marked as it must be, and its checksum is right. */
static inline bool
real_is_marked(const struct held *h)
{
	const uint8_t *ip = h->frame + 14;

	assert_int_equal(0, checksum_end(checksum_add(0, ip, 20)));
	return (ip[1] & 3) == 3;
}

static inline void
real_enqueue(struct side *s, const struct load *l, unsigned id, ns_t now)
{
	struct real *r = s->self;
	uint64_t full = r->counts.drops[DN_DROP_QUEUE_FULL];
	struct held *h = real_packet(r, &l->pkts[id], id, now);

	r->entered = id + 1;
	if (!queue_admit(&r->q, h, now))
		s->out[id] = (struct outcome){
		    r->counts.drops[DN_DROP_QUEUE_FULL] > full ? FULL : DROPPED,
		    now};
	s->len = r->q.len;
}

static inline unsigned
real_dequeue(struct side *s, const struct load *l, ns_t now)
{
	struct real *r = s->self;
	struct held *h = queue_pop(&r->q, now);
	unsigned id = h != NULL ? h->rule_id : ~0u;

	(void)l;
	s->len = r->q.len;
	for (; r->next < r->entered && r->next != id; r->next++) {
		if (s->out[r->next].fate == NEVER)
			s->out[r->next] = (struct outcome){DROPPED, now};
	}
	if (h == NULL)
		return id;
	r->next = id + 1;
	if (real_is_marked(h))
		s->out[id].fate = MARKED;
	slab_free(r->q.slab, h);
	return id;
}

static inline void
real_init(struct side *s, struct real *r, const struct aqm_cfg *cfg,
    const struct load *l, uint64_t limit, bool by_bytes)
{
	memset(r, 0, sizeof(*r));
	r->aqm = (struct aqm){.ops = aqm_find(cfg->type), .cfg = *cfg,
	    .rate_bps = l->rate_bps};
	assert_int_equal(0, r->aqm.ops->check(cfg, NULL));
	assert_true(r->aqm.ops->state_size <= sizeof(r->state));
	rng_init(&r->rng, 77);
	r->memory = aligned_alloc(SLAB_CHUNK, AQM_MEMORY);
	r->counts.all_drops = r->all_drops;
	queue_init(&r->q, &(struct queue_cfg){.limit = limit,
	    .by_bytes = by_bytes, .aqm = &r->aqm, .aqm_state = r->state,
	    .counts = &r->counts, .rng = &r->rng,
	    .slab = slab_create(r->memory, AQM_MEMORY)}, 0);
	*s = (struct side){.enqueue = real_enqueue, .dequeue = real_dequeue,
	    .self = r};
}

static inline void
real_fini(struct side *s)
{
	struct real *r = s->self;

	assert_int_equal(0, r->q.len);
	assert_int_equal(0, r->counts.queued_pkts);
	slab_destroy(r->q.slab);
	free(r->memory);
	free(s->out);
}

/* ---- packets ---- */

/* 'n' packets of random sizes, 'load' times what the link sends on average; the
 * load changes 'phases' times, between a fifth of it and all. */
static inline void
load_init(struct load *l, struct rng *rng, unsigned n, uint64_t rate_bps,
    double load, unsigned phases)
{
	ns_t at = NS_PER_S;
	double now = load;

	l->pkts = calloc(n, sizeof(*l->pkts));
	l->n = n;
	l->rate_bps = rate_bps;
	for (unsigned i = 0; i < n; i++) {
		struct arrival *a = &l->pkts[i];
		double u = (double)((rng_u64(rng) >> 11) + 1) / 9007199254740993.;

		if (phases > 1 && i % (n / phases) == 0)
			now = load * (double)(1 + rng_u64(rng) % 5) / 5;
		a->bytes = rng_u64(rng) % 3 == 0 ? 1500 :
		    (uint16_t)(40 + rng_u64(rng) % 1400);
		a->ect = rng_u64(rng) % 2 == 0;
		at += (ns_t)(-log(u) * a->bytes * 8e9 /
		    ((double)rate_bps * now));
		a->at = at;
	}
}

/* The first packet that fared differently, ~0 if there is none. */
static inline unsigned
first_difference(const struct side *a, const struct side *b,
    const struct load *l)
{
	for (unsigned i = 0; i < l->n; i++) {
		if (a->out[i].fate != b->out[i].fate ||
		    a->out[i].at != b->out[i].at)
			return i;
	}
	return ~0u;
}

static inline void
assert_same(const struct side *a, const struct side *b, const struct load *l)
{
	unsigned i = first_difference(a, b, l);

	if (i != ~0u)
		fail_msg("packet %u: fate %d at %llu, the model says %d at %llu",
		    i, a->out[i].fate, (unsigned long long)a->out[i].at,
		    b->out[i].fate, (unsigned long long)b->out[i].at);
}

static inline unsigned
count_fate(const struct side *s, const struct load *l, enum fate fate)
{
	unsigned n = 0;

	for (unsigned i = 0; i < l->n; i++)
		n += s->out[i].fate == fate;
	return n;
}
