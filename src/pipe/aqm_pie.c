/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PIE: proportional integral controller enhanced (RFC 8033).
 *
 * Every tupdate a drop probability follows the queueing delay and its trend;
 * packets are dropped (or marked) at random as they come.  There is no timer:
 * what came due since the last packet is made up for at the next one, when the
 * queue is still as it was.
 *
 * Delay      how long the packet that left last had waited (ts), or the queue's
 *            octets over the rate at which they leave (dre).
 * Options    capdrop: the probability grows slowly once it is high.  derand:
 *            neither long gaps nor runs of drops.  onoff: sleeps until the queue
 *            is a third full.
 */
#include "pipe/aqm.h"

#include <errno.h>

enum {
	MEASURE_BYTES = 1 << 14, /* a departure rate is taken over so many */
	MIN_PACKETS_BYTES = 2 * 1500, /* a queue of two packets is none */
	CATCH_UP = 4096, /* updates made up for; then it has long decayed */
};

struct pie {
	double prob;
	double accu;	  /* of the probabilities since the last drop */
	ns_t delay;	  /* now */
	ns_t delay_old;	  /* at the last update */
	ns_t next_update;
	ns_t burst;	  /* left of it: nobody is dropped */
	double avg_time;  /* ns that MEASURE_BYTES take to leave, 0 = unknown */
	ns_t measure_from;
	uint64_t measured; /* octets since then */
	bool measuring;
	bool active;
};

/* ---- the probability ---- */

/* The steps are smaller where the probability is small (RFC 8033, 5.2). */
static double
tuned(double step, double prob)
{
	static const struct {
		double below;
		double divisor;
	} rows[] = {
	    {0.000001, 2048}, {0.00001, 512}, {0.0001, 128}, {0.001, 32},
	    {0.01, 8}, {0.1, 2},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (prob < rows[i].below)
			return step / rows[i].divisor;
	}
	return step;
}

static double
seconds(ns_t t)
{
	return (double)t / (double)NS_PER_S;
}

static void
update_prob(struct pie *p, const struct aqm_cfg *c)
{
	double step = (double)c->alpha / AQM_SCALE *
	    (seconds(p->delay) - seconds(c->target)) +
	    (double)c->beta / AQM_SCALE *
	    (seconds(p->delay) - seconds(p->delay_old));

	step = tuned(step, p->prob);
	if ((c->flags & AQM_CAPDROP) != 0 && p->prob >= 0.1 && step > 0.02)
		step = 0.02;
	p->prob += step;
	if (p->delay == 0 && p->delay_old == 0)
		p->prob *= 0.98;
	if (p->prob < 0)
		p->prob = 0;
	else if (p->prob > 1)
		p->prob = 1;
}

static void
update(struct pie *p, const struct aqm_cfg *c)
{
	bool calm = p->delay < c->target / 2 && p->delay_old < c->target / 2;

	update_prob(p, c);
	p->delay_old = p->delay;
	p->burst -= p->burst < c->tupdate ? p->burst : c->tupdate;
	if (p->prob == 0 && calm) {
		p->burst = c->max_burst;
		if ((c->flags & AQM_ONOFF) != 0 && p->delay == 0)
			p->active = false;
	}
}

/* The delay that new packets meet. */
static void
measure_delay(struct queue *q, struct pie *p)
{
	if (q->len == 0)
		p->delay = 0;
	else if ((q->aqm->cfg.flags & AQM_DEPRATE) != 0)
		p->delay = (ns_t)((double)q->bytes * p->avg_time /
		    MEASURE_BYTES);
}

/* All updates that came due before or at 'now'. */
static void
catch_up(struct queue *q, struct pie *p, ns_t now)
{
	const struct aqm_cfg *c = &q->aqm->cfg;

	if (!p->active || now < p->next_update)
		return;
	measure_delay(q, p);
	for (unsigned n = 0; now >= p->next_update && p->active; n++) {
		if (n == CATCH_UP) {
			p->next_update = now + c->tupdate;
			return;
		}
		update(p, c);
		p->next_update += c->tupdate;
	}
}

/* ---- packets ---- */

static void
wake(struct queue *q, struct pie *p, ns_t now)
{
	const struct aqm_cfg *c = &q->aqm->cfg;
	uint64_t third = q->limit / 3;

	if ((c->flags & AQM_ONOFF) != 0 &&
	    (q->by_bytes ? q->bytes : q->len) < third)
		return;
	p->active = true;
	p->prob = p->accu = 0;
	p->delay_old = 0;
	p->burst = c->max_burst;
	p->measuring = false;
	p->avg_time = 0;
	p->next_update = now + c->tupdate;
}

/* The coin; with derand not before 0.85 of a drop has added up, and surely at
 * 8.5. */
static bool
tossed(struct queue *q, struct pie *p)
{
	bool derand = (q->aqm->cfg.flags & AQM_DERAND) != 0;
	double coin;

	if (derand) {
		p->accu = p->prob == 0 ? 0 : p->accu + p->prob;
		if (p->accu < 0.85)
			return false;
		if (p->accu >= 8.5)
			return true;
	}
	coin = (double)(rng_u64(q->rng) >> 11) / (double)(UINT64_C(1) << 53);
	return coin < p->prob;
}

static enum aqm_verdict
pie_enqueue(struct queue *q, const struct held *h, ns_t now)
{
	struct pie *p = q->aqm_state;
	const struct aqm_cfg *c = &q->aqm->cfg;

	(void)h;
	if (!p->active)
		wake(q, p, now);
	catch_up(q, p, now);
	if (!p->active || p->burst > 0 ||
	    (p->delay_old < c->target / 2 && p->prob < 0.2) ||
	    q->bytes <= MIN_PACKETS_BYTES)
		return AQM_KEEP;
	if (!tossed(q, p))
		return AQM_KEEP;
	p->accu = 0;
	return (c->flags & AQM_ECN) != 0 &&
	    p->prob * AQM_SCALE < c->max_ecnth ? AQM_MARK : AQM_DROP;
}

/* How long MEASURE_BYTES take to leave, while there are that many. */
static void
measure_rate(struct pie *p, unsigned bytes, uint64_t left, ns_t now)
{
	double took;

	if (!p->measuring) {
		if (left < MEASURE_BYTES)
			return;
		p->measuring = true;
		p->measure_from = now;
		p->measured = 0;
		return;
	}
	p->measured += bytes;
	if (p->measured < MEASURE_BYTES)
		return;
	took = (double)(now - p->measure_from) * MEASURE_BYTES /
	    (double)p->measured;
	p->avg_time = p->avg_time == 0 ? took :
	    p->avg_time * 0.75 + took * 0.25;
	p->measuring = left >= MEASURE_BYTES;
	p->measure_from = now;
	p->measured = 0;
}

static struct held *
pie_dequeue(struct queue *q, ns_t now)
{
	struct pie *p = q->aqm_state;
	struct held *h;

	catch_up(q, p, now);
	if ((h = queue_take(q)) == NULL)
		return NULL;
	if ((q->aqm->cfg.flags & AQM_DEPRATE) != 0)
		measure_rate(p, h->bytes, q->bytes, now);
	else
		p->delay = now - h->time;
	return h;
}

static int
pie_check(const struct aqm_cfg *c, struct err *e)
{
	if (c->target == 0 || c->tupdate == 0)
		return err_set(e, EINVAL, "pie: target and tupdate must be "
		    "above 0");
	if (c->target > 3600 * NS_PER_S || c->tupdate > 3600 * NS_PER_S ||
	    c->max_burst > 3600 * NS_PER_S)
		return err_set(e, EINVAL, "pie: times of an hour at most");
	if (c->alpha > 7 * AQM_SCALE || c->beta > 7 * AQM_SCALE)
		return err_set(e, EINVAL, "pie: alpha and beta are at most 7");
	if (c->max_ecnth > AQM_SCALE)
		return err_set(e, EINVAL, "pie: max_ecnth is at most 1");
	return 0;
}

extern const struct aqm_ops aqm_pie;
const struct aqm_ops aqm_pie = {
	.type = AQM_PIE,
	.name = "PIE",
	.state_size = sizeof(struct pie),
	.check = pie_check,
	.enqueue = pie_enqueue,
	.dequeue = pie_dequeue,
};
