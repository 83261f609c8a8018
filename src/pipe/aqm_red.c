/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RED and GRED: random early detection (Floyd and Jacobson 1993) and its gentle
 * variant (Floyd 2000).
 *
 * A slow average of the queue's length decides: below min_th nobody is dropped,
 * from there to max_th a growing part up to max_p, above it all (RED), or a part
 * that grows from max_p to all at twice max_th (GRED).  Drops are spread evenly:
 * a coin is thrown once a drop, for the number of packets until the next one.
 */
#include "pipe/aqm.h"

#include <errno.h>

enum {
	SCALE = 16,	   /* of probabilities, and of the average */
	AVG_BYTES = 512,   /* of a packet, to tell how many an idle time is */
	LONGEST_BYTES = 1500, /* a packet of that size gets its full part */
};

#define ONE (UINT64_C(1) << SCALE)

struct red {
	uint64_t avg;	/* queue units x ONE */
	ns_t empty_since; /* if it is empty; moves on with 'avg' */
	int64_t count;	/* packets since the last drop; -1: below min_th */
	uint32_t coin;	/* 0 to ONE - 1 */
};

static double
power(double base, uint64_t n)
{
	double r = 1;

	for (; n > 0; n >>= 1) {
		if ((n & 1) != 0)
			r *= base;
		base *= base;
	}
	return r;
}

/* The average after the queue was empty until 'now': as if so many packets of
 * that time had found it empty.  A rest of a packet's time is kept. */
static void
decay(struct red *r, const struct aqm *a, ns_t now)
{
	ns_t packet;
	uint64_t n;

	if (a->rate_bps == 0) { /* no time at all a packet */
		r->avg = 0;
		return;
	}
	packet = AVG_BYTES * 8 * NS_PER_S / a->rate_bps;
	packet = packet > 0 ? packet : 1;
	n = (now - r->empty_since) / packet;
	r->empty_since += n * packet;
	r->avg = (uint64_t)((double)r->avg *
	    power(1 - (double)a->cfg.w_q / ONE, n));
}

static void
update_avg(struct queue *q, struct red *r, ns_t now)
{
	uint64_t len = (q->by_bytes ? q->bytes : q->len) << SCALE;
	uint64_t w_q = q->aqm->cfg.w_q;

	if (q->len == 0)
		decay(r, q->aqm, now);
	else if (len >= r->avg)
		r->avg += (len - r->avg) * w_q >> SCALE;
	else
		r->avg -= (r->avg - len) * w_q >> SCALE;
}

/* The part of packets to drop at this average, x ONE. */
static uint64_t
part(const struct aqm_cfg *c, uint64_t avg)
{
	uint64_t min = (uint64_t)c->min_th << SCALE;
	uint64_t max = (uint64_t)c->max_th << SCALE;

	if (avg < max)
		return (uint64_t)c->max_p * ((avg - min) >> 8) /
		    ((max - min) >> 8);
	if (c->type != AQM_GRED || avg >= 2 * max)
		return ONE;
	return c->max_p + (ONE - c->max_p) * ((avg - max) >> 8) / (max >> 8);
}

static void
toss(struct queue *q, struct red *r)
{
	r->coin = (uint32_t)(rng_u64(q->rng) >> (64 - SCALE));
}

static bool
drops(struct queue *q, struct red *r, const struct held *h)
{
	const struct aqm_cfg *c = &q->aqm->cfg;
	uint64_t p;

	if (r->avg < (uint64_t)c->min_th << SCALE) {
		r->count = -1;
		return false;
	}
	p = part(c, r->avg);
	if (p >= ONE) {
		r->count = 0;
		toss(q, r);
		return true;
	}
	if (q->by_bytes)
		p = p * h->bytes / LONGEST_BYTES;
	if (++r->count == 0) {
		toss(q, r);
		return false;
	}
	if (p * (uint64_t)r->count <= r->coin)
		return false;
	r->count = 0;
	toss(q, r);
	return true;
}

static enum aqm_verdict
red_enqueue(struct queue *q, const struct held *h, ns_t now)
{
	struct red *r = q->aqm_state;

	update_avg(q, r, now);
	if (!drops(q, r, h))
		return AQM_KEEP;
	return (q->aqm->cfg.flags & AQM_ECN) != 0 ? AQM_MARK : AQM_DROP;
}

static struct held *
red_dequeue(struct queue *q, ns_t now)
{
	struct red *r = q->aqm_state;
	struct held *h = queue_take(q);

	if (q->len == 0)
		r->empty_since = now;
	return h;
}

static void
red_init(struct queue *q, ns_t now)
{
	struct red *r = q->aqm_state;

	r->count = -1;
	r->empty_since = now;
}

static int
red_check(const struct aqm_cfg *c, struct err *e)
{
	bool ecn = (c->flags & AQM_ECN) != 0;

	if (c->w_q == 0 || c->w_q > ONE)
		return err_set(e, EINVAL, "red: w_q must be above 0 and at "
		    "most 1");
	if (c->max_p > ONE)
		return err_set(e, EINVAL, "red: max_p must be from 0 to 1");
	if (c->max_th == 0 || c->max_th > INT32_MAX)
		return err_set(e, EINVAL, "red: max_th must be above 0");
	if (ecn ? c->min_th > c->max_th : c->min_th >= c->max_th)
		return err_set(e, EINVAL, "red: min_th %u must be below max_th "
		    "%u", c->min_th, c->max_th);
	return 0;
}

extern const struct aqm_ops aqm_red, aqm_gred;
const struct aqm_ops aqm_red = {
	.type = AQM_RED,
	.name = "RED",
	.state_size = sizeof(struct red),
	.check = red_check,
	.init = red_init,
	.enqueue = red_enqueue,
	.dequeue = red_dequeue,
};

const struct aqm_ops aqm_gred = {
	.type = AQM_GRED,
	.name = "GRED",
	.state_size = sizeof(struct red),
	.check = red_check,
	.init = red_init,
	.enqueue = red_enqueue,
	.dequeue = red_dequeue,
};
