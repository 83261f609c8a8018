/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PIE against a second one, written from RFC 8033's description with doubles and
 * an array, and the same coins: the same packets must be dropped or marked.
 *
 * Both take the queue's state at an update for what it was at the event before.
 * Departure rate: both take the time an octet took, so that the octets by which
 * a measurement passes its 2^14 do no harm (in the RFC they do).
 */
#include "aqm_rig.h"

struct model {
	const struct aqm_cfg *c;
	unsigned limit; /* packets */
	unsigned *fifo;
	unsigned first, last;
	uint64_t bytes;
	struct rng rng;
	bool active;
	double prob, accu;
	double delay, delay_old; /* s */
	double sojourn;
	double burst;		 /* s left */
	double next;		 /* update, ns */
	double octet_time;	 /* s, 0 = unknown */
	double from;		 /* of the measurement, ns; < 0 = none */
	double measured;
	/* what happened */
	double highest;		/* probability */
	double steepest;	/* step of one above 0.1 */
	double since_drop;	/* sum of probabilities */
	double least_sum, greatest_sum; /* of that, at drops */
	unsigned drops_in_burst;
	unsigned sleeps;
};

static bool
has(const struct model *m, enum aqm_flags flag)
{
	return (m->c->flags & flag) != 0;
}

static double
s_of(ns_t t)
{
	return (double)t / 1e9;
}

static double
current_delay(const struct model *m)
{
	if (m->first == m->last)
		return 0;
	return has(m, AQM_DEPRATE) ? (double)m->bytes * m->octet_time :
				     m->sojourn;
}

/* 4.2 and 5.2 to 5.5 of the RFC. */
static void
model_update(struct model *m)
{
	double target = s_of(m->c->target), old = m->delay_old, p;

	m->delay = current_delay(m);
	p = (double)m->c->alpha / AQM_SCALE * (m->delay - target) +
	    (double)m->c->beta / AQM_SCALE * (m->delay - old);
	if (m->prob < 1e-6)
		p /= 2048;
	else if (m->prob < 1e-5)
		p /= 512;
	else if (m->prob < 1e-4)
		p /= 128;
	else if (m->prob < 1e-3)
		p /= 32;
	else if (m->prob < 1e-2)
		p /= 8;
	else if (m->prob < 1e-1)
		p /= 2;
	if (has(m, AQM_CAPDROP) && m->prob >= 0.1 && p > 0.02)
		p = 0.02;
	if (m->prob >= 0.1)
		m->steepest = fmax(m->steepest, p);
	m->prob += p;
	if (m->delay == 0 && old == 0)
		m->prob *= 0.98;
	m->prob = fmin(1, fmax(0, m->prob));
	m->highest = fmax(m->highest, m->prob);
	m->delay_old = m->delay;
	m->burst = fmax(0, m->burst - s_of(m->c->tupdate));
	if (m->prob == 0 && m->delay < target / 2 && old < target / 2) {
		m->burst = s_of(m->c->max_burst);
		if (has(m, AQM_ONOFF) && m->delay == 0) {
			m->active = false;
			m->sleeps++;
		}
	}
}

static void
updates_until(struct model *m, ns_t now)
{
	while (m->active && m->next <= (double)now) {
		model_update(m);
		m->next += (double)m->c->tupdate;
	}
}

static bool
wants_drop(struct model *m)
{
	double coin;

	if (!m->active || m->burst > 1e-12 ||
	    (m->delay_old < s_of(m->c->target) / 2 && m->prob < 0.2) ||
	    m->bytes <= 2 * 1500)
		return false;
	m->since_drop = m->prob == 0 ? 0 : m->since_drop + m->prob;
	if (has(m, AQM_DERAND)) {
		m->accu = m->prob == 0 ? 0 : m->accu + m->prob;
		if (m->accu < 0.85)
			return false;
		if (m->accu >= 8.5)
			return true;
	}
	coin = (double)(rng_u64(&m->rng) >> 11) / 9007199254740992.;
	return coin < m->prob;
}

static void
switch_on(struct model *m, ns_t now)
{
	if (m->active ||
	    (has(m, AQM_ONOFF) && 3 * (m->last - m->first) < m->limit))
		return;
	m->active = true;
	m->prob = m->accu = m->delay_old = m->octet_time = 0;
	m->from = -1;
	m->burst = s_of(m->c->max_burst);
	m->next = (double)(now + m->c->tupdate);
}

static void
model_enqueue(struct side *s, const struct load *l, unsigned id, ns_t now)
{
	struct model *m = s->self;
	bool full, mark;

	switch_on(m, now);
	updates_until(m, now);
	full = m->last - m->first >= m->limit;
	if (wants_drop(m)) {
		m->least_sum = fmin(m->least_sum, m->since_drop);
		m->greatest_sum = fmax(m->greatest_sum, m->since_drop);
		m->accu = m->since_drop = 0;
		mark = has(m, AQM_ECN) &&
		    m->prob < (double)m->c->max_ecnth / AQM_SCALE;
		if (!mark || (!full && !l->pkts[id].ect)) {
			s->out[id] = (struct outcome){DROPPED, now};
			return;
		}
		s->out[id].fate = MARKED;
	}
	if (full) {
		s->out[id] = (struct outcome){FULL, now};
		return;
	}
	m->fifo[m->last++] = id;
	m->bytes += l->pkts[id].bytes;
	s->len++;
}

static void
measure(struct model *m, double bytes, double now)
{
	double took;

	if (m->from >= 0) {
		m->measured += bytes;
		if (m->measured < 16384)
			return;
		took = (now - m->from) / 1e9 / m->measured;
		m->octet_time = m->octet_time == 0 ? took :
		    0.75 * m->octet_time + 0.25 * took;
		m->from = -1;
	}
	if (m->bytes >= 16384) {
		m->from = now;
		m->measured = 0;
	}
}

static unsigned
model_dequeue(struct side *s, const struct load *l, ns_t now)
{
	struct model *m = s->self;
	unsigned id;

	updates_until(m, now);
	id = m->fifo[m->first++];
	m->bytes -= l->pkts[id].bytes;
	m->sojourn = s_of(now - l->pkts[id].at);
	s->len--;
	measure(m, l->pkts[id].bytes, (double)now);
	return id;
}

struct figures {
	unsigned dropped;
	unsigned marked;
	unsigned ect_dropped;
};

/* Runs both; the model is left in *m for what it has seen. */
static struct figures
compare(unsigned seed, uint64_t rate, double load, unsigned phases,
    const struct aqm_cfg *cfg, struct model *m)
{
	struct side a, b = {.enqueue = model_enqueue, .dequeue = model_dequeue};
	static struct real r;
	struct figures f = {0};
	struct load l;
	struct rng rng;

	*m = (struct model){.c = cfg, .limit = 300, .from = -1,
	    .least_sum = INFINITY};
	rng_init(&rng, seed);
	rng_init(&m->rng, 77);
	load_init(&l, &rng, 40000, rate, load, phases);
	m->fifo = calloc(l.n, sizeof(*m->fifo));
	b.self = m;
	real_init(&a, &r, cfg, &l, m->limit, false);
	run_side(&a, &l);
	run_side(&b, &l);
	assert_same(&a, &b, &l);
	f = (struct figures){count_fate(&a, &l, DROPPED),
	    count_fate(&a, &l, MARKED), 0};
	assert_int_equal(f.dropped, r.counts.drops[DN_DROP_AQM]);
	assert_int_equal(f.marked, r.counts.marks);
	for (unsigned i = 0; i < l.n; i++) {
		assert_true(a.out[i].fate != MARKED || l.pkts[i].ect);
		f.ect_dropped += a.out[i].fate == DROPPED && l.pkts[i].ect;
		if (a.out[i].fate == DROPPED && l.pkts[i].at <
		    l.pkts[0].at + cfg->max_burst)
			m->drops_in_burst++;
	}
	free(m->fifo);
	free(b.out);
	free(l.pkts);
	real_fini(&a);
	return f;
}

static const struct aqm_cfg usual = {.type = AQM_PIE,
    .flags = AQM_CAPDROP | AQM_DEPRATE | AQM_DERAND,
    .target = 15 * NS_PER_MS, .tupdate = 15 * NS_PER_MS,
    .max_burst = 150 * NS_PER_MS, .max_ecnth = AQM_SCALE / 10,
    .alpha = AQM_SCALE / 8, .beta = AQM_SCALE * 5 / 4};

static void
drops_are_those_of_the_rfc_with_any_options(void **state)
{
	struct aqm_cfg c = usual;
	struct model m;

	(void)state;
	for (unsigned flags = 0; flags < 32; flags++) {
		c.flags = (uint8_t)flags;
		assert_true(compare(flags, 10000000, 1.3, 1, &c, &m).dropped >
		    100);
		assert_true(m.highest > 0.1);
		assert_true(compare(40 + flags, 20000000, 3, 40, &c, &m)
			.dropped > 100);
	}
}

static void
other_rates_and_targets(void **state)
{
	struct aqm_cfg c = usual;
	struct model m;

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		c.flags = i % 2 == 0 ? usual.flags : AQM_CAPDROP | AQM_DERAND;
		c.target = (1 + i) * 3 * NS_PER_MS;
		c.tupdate = (1 + i % 3) * 7 * NS_PER_MS;
		assert_true(compare(80 + i, 3000000 << i % 4, 2, 20, &c, &m)
			.dropped > 0);
	}
}

static void
a_burst_passes(void **state)
{
	struct aqm_cfg c = usual;
	struct model m;

	(void)state;
	compare(100, 10000000, 3, 1, &c, &m);
	assert_int_equal(0, m.drops_in_burst);
	c.max_burst = 0;
	compare(100, 10000000, 3, 1, &c, &m);
	c.max_burst = 150 * NS_PER_MS;
}

/* Neither a run of drops nor a long gap: between two drops the probabilities add
 * up to 0.85 at least, and to 8.5 and one more at most. */
static void
drops_are_not_all_random(void **state)
{
	struct aqm_cfg c = usual;
	struct model m;

	(void)state;
	compare(110, 10000000, 1.2, 1, &c, &m);
	assert_true(m.least_sum >= 0.85);
	assert_true(m.greatest_sum < 8.5 + 1);
	c.flags &= (uint8_t)~AQM_DERAND;
	compare(110, 10000000, 1.2, 1, &c, &m);
	assert_true(m.least_sum < 0.5);
}

static void
the_probability_does_not_leap_with_capdrop(void **state)
{
	struct aqm_cfg c = usual;
	struct model m;

	(void)state;
	compare(120, 10000000, 6, 2, &c, &m);
	assert_true(m.steepest > 0 && m.steepest <= 0.02);
	c.flags &= (uint8_t)~AQM_CAPDROP;
	compare(120, 10000000, 6, 2, &c, &m);
	assert_true(m.steepest > 0.02);
}

static void
ecn_marks_while_the_probability_is_small(void **state)
{
	struct aqm_cfg c = usual;
	struct figures f;
	struct model m;

	(void)state;
	c.flags |= AQM_ECN;
	f = compare(130, 10000000, 1.05, 1, &c, &m);
	assert_true(f.marked > 20);
	f = compare(131, 10000000, 2, 1, &c, &m);
	assert_true(f.ect_dropped > 20);
	c.max_ecnth = AQM_SCALE;
	f = compare(132, 10000000, 1.3, 1, &c, &m);
	assert_true(m.highest > 0.2 && m.highest < 1);
	assert_int_equal(0, f.ect_dropped);
}

static void
it_sleeps_while_there_is_no_queue(void **state)
{
	struct aqm_cfg c = usual;
	struct model m;

	(void)state;
	c.flags |= AQM_ONOFF;
	compare(140, 10000000, 1.5, 60, &c, &m);
	assert_true(m.sleeps > 3);
	assert_int_equal(0, compare(141, 10000000, 0.5, 1, &c, &m).dropped);
	assert_false(m.active);
}

static void
nonsense_is_refused(void **state)
{
	struct aqm_cfg c = usual;
	struct err e;

	(void)state;
	c.tupdate = 0;
	assert_true(aqm_find(AQM_PIE)->check(&c, &e) < 0);
	c = usual;
	c.alpha = 7 * AQM_SCALE + 1;
	assert_true(aqm_find(AQM_PIE)->check(&c, &e) < 0);
	c = usual;
	c.max_ecnth = AQM_SCALE + 1;
	assert_true(aqm_find(AQM_PIE)->check(&c, &e) < 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(drops_are_those_of_the_rfc_with_any_options),
	    cmocka_unit_test(other_rates_and_targets),
	    cmocka_unit_test(a_burst_passes),
	    cmocka_unit_test(drops_are_not_all_random),
	    cmocka_unit_test(the_probability_does_not_leap_with_capdrop),
	    cmocka_unit_test(ecn_marks_while_the_probability_is_small),
	    cmocka_unit_test(it_sleeps_while_there_is_no_queue),
	    cmocka_unit_test(nonsense_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
