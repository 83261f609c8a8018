/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RED and GRED, watched packet by packet: the average against a second one with
 * doubles, from the paper; each verdict against count * p > R, where p follows
 * from that average and R is the coin that was thrown.  Then what the paper says
 * about the gaps between drops, by numbers.
 */
#define aqm_red aqm_red_inside
#define aqm_gred aqm_gred_inside
#include "pipe/aqm_red.c"
#undef aqm_red
#undef aqm_gred

#include "aqm_rig.h"

struct watch {
	struct side real;
	double avg;
	ns_t empty_since;
	bool by_bytes;
	unsigned certain; /* verdicts that were compared */
	unsigned drops;
	unsigned idle;	  /* arrivals that found the queue empty */
	double highest;	  /* average */
};

/* The part of packets to drop, from the papers. */
static double
law(const struct aqm_cfg *c, double avg)
{
	double min = c->min_th, max = c->max_th;
	double max_p = (double)c->max_p / AQM_FRACTION;

	if (avg < min)
		return 0;
	if (avg < max)
		return max_p * (avg - min) / (max - min);
	if (c->type == AQM_GRED && avg < 2 * max)
		return max_p + (1 - max_p) * (avg - max) / max;
	return 1;
}

static void
follow_average(struct watch *w, const struct load *l, ns_t now)
{
	const struct real *r = w->real.self;
	double w_q = (double)r->aqm.cfg.w_q / AQM_FRACTION;
	double m;

	if (r->q.len != 0) {
		w->avg += w_q * ((double)(w->by_bytes ? r->q.bytes : r->q.len) -
		    w->avg);
		return;
	}
	w->idle++;
	/* whole packets of 512 octets that would have gone meanwhile */
	m = floor((double)(now - w->empty_since) /
	    floor(512 * 8e9 / (double)l->rate_bps));
	w->avg *= pow(1 - w_q, m);
	w->empty_since += (ns_t)(m * floor(512 * 8e9 / (double)l->rate_bps));
}

static void
watch_enqueue(struct side *s, const struct load *l, unsigned id, ns_t now)
{
	struct watch *w = s->self;
	struct real *r = w->real.self;
	struct red *red = (struct red *)(void *)r->state;
	double coin = (double)red->coin / AQM_FRACTION, p, sure;
	int64_t count = red->count;
	bool dropped;

	follow_average(w, l, now);
	w->real.enqueue(&w->real, l, id, now);
	s->len = w->real.len;
	dropped = s->out[id].fate == DROPPED;
	w->drops += dropped;
	w->highest = w->avg > w->highest ? w->avg : w->highest;
	/* 2^-16 of rounding a packet, for 1 / w_q packets or so */
	assert_true(fabs((double)red->avg / AQM_FRACTION - w->avg) <
	    2. / r->aqm.cfg.w_q + 1e-3 * w->avg);
	p = law(&r->aqm.cfg, w->avg);
	if (fabs(p - law(&r->aqm.cfg, w->avg - 0.05)) > 0.5 ||
	    fabs(p - law(&r->aqm.cfg, w->avg + 0.05)) > 0.5 ||
	    fabs(w->avg - r->aqm.cfg.min_th) < 0.05)
		return; /* at a threshold, rounding decides */
	if (p < 1 && w->by_bytes)
		p *= l->pkts[id].bytes / 1500.;
	sure = p >= 1 ? 1 : p == 0 || count + 1 == 0 ? -1 :
	    (double)(count + 1) * p - coin;
	if (fabs(sure) < 0.01 + 0.02 * p * (double)(count + 1))
		return; /* rounding decides */
	w->certain++;
	if (dropped != (sure > 0))
		fail_msg("packet %u: average %g, part %g, count %lld, coin %g: "
		    "%s", id, w->avg, p, (long long)count, coin,
		    dropped ? "dropped" : "kept");
}

static unsigned
watch_dequeue(struct side *s, const struct load *l, ns_t now)
{
	struct watch *w = s->self;
	unsigned id = w->real.dequeue(&w->real, l, now);

	s->len = w->real.len;
	if (s->len == 0)
		w->empty_since = now;
	return id;
}

static struct watch
watched(unsigned seed, double load, unsigned phases, const struct aqm_cfg *cfg,
    bool by_bytes)
{
	struct side s = {.enqueue = watch_enqueue, .dequeue = watch_dequeue};
	struct watch w = {.by_bytes = by_bytes};
	static struct real r;
	struct load l;
	struct rng rng;

	rng_init(&rng, seed);
	load_init(&l, &rng, 40000, 100000000, load, phases);
	real_init(&w.real, &r, cfg, &l, by_bytes ? 1000000 : 1000, by_bytes);
	s.self = &w;
	s.out = calloc(l.n, sizeof(*s.out));
	w.real.out = s.out;
	run_side(&s, &l);
	assert_int_equal(w.drops, r.counts.drops[DN_DROP_AQM]);
	assert_true(w.certain > l.n * 9 / 10);
	real_fini(&w.real);
	free(l.pkts);
	return w;
}

static const struct aqm_cfg usual = {.type = AQM_RED, .w_q = 131,
    .max_p = 6554, .min_th = 5, .max_th = 20};

static void
average_and_verdicts_are_those_of_the_paper(void **state)
{
	struct aqm_cfg c = usual;

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		c.w_q = 131u << i;
		assert_true(watched(i, 1.1, 1, &c, false).drops > 100);
		assert_true(watched(10 + i, 2, 50, &c, false).idle > 100);
	}
}

static void
gentle_red_has_a_second_slope(void **state)
{
	struct aqm_cfg c = usual;
	struct watch w;

	(void)state;
	c.type = AQM_GRED;
	w = watched(20, 1.4, 1, &c, false);
	assert_true(w.highest > 21 && w.highest < 40);
	w = watched(21, 5, 20, &c, false);
	assert_true(w.highest > 30);
}

static void
octets_count_if_the_queue_counts_them(void **state)
{
	struct aqm_cfg c = usual;

	(void)state;
	c.min_th = 5000;
	c.max_th = 20000;
	assert_true(watched(30, 1.1, 1, &c, true).drops > 100);
	c.type = AQM_GRED;
	assert_true(watched(31, 2, 50, &c, true).drops > 100);
}

/* A queue that was full of packets and then idle for long lets a burst in. */
static void
the_average_decays_while_idle(void **state)
{
	static struct real r;
	struct load l = {.rate_bps = 100000000};
	struct arrival a = {0, 1000, false};
	struct aqm_cfg c = usual;
	struct side s;
	ns_t now = NS_PER_S;

	(void)state;
	c.w_q = 6554; /* a tenth */
	real_init(&s, &r, &c, &l, 1000, false);
	for (unsigned i = 0; i < 200; i++)
		queue_admit(&r.q, real_packet(&r, &a, i, now), now);
	while (r.q.len > 0) {
		now += 80000;
		slab_free(r.q.slab, queue_pop(&r.q, now));
	}
	assert_true(r.counts.drops[DN_DROP_AQM] > 0);
	assert_true(((struct red *)(void *)r.state)->avg > 10 << SCALE);
	now += 100 * 40960; /* a hundred packets of 512 octets */
	assert_true(queue_admit(&r.q, real_packet(&r, &a, 0, now), now));
	/* 0.9^100 = 0.00003 */
	assert_true(((struct red *)(void *)r.state)->avg < 1 << (SCALE - 8));
	slab_free(r.q.slab, queue_pop(&r.q, now));
	real_fini(&s);
}

/* ---- gaps ---- */

/* At a steady average with part p the gaps between drops are spread evenly over
 * 1 to 1 / p: so each is as frequent as another, within 5 sigma. */
static void
gaps_are_spread_evenly(void **state)
{
	enum { GAP = 20, DROPS = 20000 };
	unsigned gaps[GAP + 2] = {0}, gap = 0, n = 0;
	static struct real r;
	struct load l = {.rate_bps = 100000000};
	struct arrival a = {0, 1000, false};
	struct aqm_cfg c = {.type = AQM_RED, .w_q = AQM_FRACTION,
	    .max_p = 2 * AQM_FRACTION / GAP + 1, .min_th = 10, .max_th = 20};
	double fair = (double)DROPS / GAP, sigma = sqrt(fair);
	struct side s;

	(void)state;
	real_init(&s, &r, &c, &l, 1000, false);
	r.q.open = true; /* 15 packets: half way, so p is half of max_p */
	for (unsigned i = 0; i < 15; i++)
		queue_admit(&r.q, real_packet(&r, &a, i, 1), 1);
	r.q.open = false;
	for (unsigned i = 0; n <= DROPS; i++) {
		gap++;
		if (queue_admit(&r.q, real_packet(&r, &a, i, 1), 1)) {
			slab_free(r.q.slab, queue_pop(&r.q, 1));
			continue;
		}
		assert_true(gap <= GAP + 1 || n == 0);
		gaps[n++ == 0 ? 0 : gap]++;
		gap = 0;
	}
	for (unsigned i = 1; i <= GAP; i++)
		assert_true(fabs(gaps[i] - fair) < 5 * sigma);
	while (r.q.len > 0)
		slab_free(r.q.slab, queue_pop(&r.q, 1));
	real_fini(&s);
}

static void
ecn_marks_in_place_of_drops(void **state)
{
	struct side a;
	static struct real r;
	struct aqm_cfg c = usual;
	struct load l;
	struct rng rng;

	(void)state;
	c.flags = AQM_ECN;
	rng_init(&rng, 60);
	load_init(&l, &rng, 40000, 100000000, 1.2, 1);
	real_init(&a, &r, &c, &l, 1000, false);
	run_side(&a, &l);
	assert_true(r.counts.marks > 100);
	assert_true(r.counts.drops[DN_DROP_AQM] > 100);
	assert_int_equal(r.counts.marks, count_fate(&a, &l, MARKED));
	for (unsigned i = 0; i < l.n; i++)
		assert_true(a.out[i].fate !=
		    (l.pkts[i].ect ? DROPPED : MARKED));
	real_fini(&a);
	free(l.pkts);
}

static void
nonsense_is_refused(void **state)
{
	struct aqm_cfg c = usual;
	struct err e;

	(void)state;
	c.w_q = 0;
	assert_true(red_check(&c, &e) < 0);
	c = usual;
	c.min_th = c.max_th;
	assert_true(red_check(&c, &e) < 0);
	c.flags = AQM_ECN;
	assert_int_equal(0, red_check(&c, &e));
	c.max_p = AQM_FRACTION + 1;
	assert_true(red_check(&c, &e) < 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(average_and_verdicts_are_those_of_the_paper),
	    cmocka_unit_test(gentle_red_has_a_second_slope),
	    cmocka_unit_test(octets_count_if_the_queue_counts_them),
	    cmocka_unit_test(the_average_decays_while_idle),
	    cmocka_unit_test(gaps_are_spread_evenly),
	    cmocka_unit_test(ecn_marks_in_place_of_drops),
	    cmocka_unit_test(nonsense_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
