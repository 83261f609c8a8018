/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CoDel against a second one, written from RFC 8289's description with doubles
 * and an array: the same packets must be dropped or marked at the same times.
 * The only rounding that both share: times are whole ns, cut down (and intervals
 * above 4 s are whole 1,024 ns).
 */
#include "aqm_rig.h"

struct model {
	double target, interval;
	bool ecn;
	unsigned *fifo; /* ids */
	unsigned first, last;
	uint64_t bytes;
	unsigned mtu;
	double first_above, drop_next;
	uint64_t count, last_count;
	bool dropping;
};

static void
model_enqueue(struct side *s, const struct load *l, unsigned id, ns_t now)
{
	struct model *m = s->self;

	(void)now;
	m->fifo[m->last++] = id;
	m->bytes += l->pkts[id].bytes;
	s->len++;
}

/* Step one of the RFC: takes a packet, and says if it is all right to drop. */
static unsigned
take(struct side *s, const struct load *l, double now, bool *ok_to_drop)
{
	struct model *m = s->self;
	const struct arrival *a;
	unsigned id;

	*ok_to_drop = false;
	if (m->first == m->last) {
		m->first_above = 0;
		return ~0u;
	}
	id = m->fifo[m->first++];
	a = &l->pkts[id];
	m->bytes -= a->bytes;
	s->len--;
	m->mtu = a->bytes > m->mtu ? a->bytes : m->mtu;
	if (now - (double)a->at < m->target || m->bytes <= m->mtu)
		m->first_above = 0;
	else if (m->first_above == 0)
		m->first_above = now + m->interval;
	else
		*ok_to_drop = now >= m->first_above;
	return id;
}

static double
law(const struct model *m, double t)
{
	double unit = m->interval > UINT32_MAX ? 1024 : 1;

	return t + floor(m->interval / sqrt((double)m->count) / unit) * unit;
}

/* Marks it, else drops it and takes the next. */
static bool
punish(struct side *s, const struct load *l, double now, unsigned *id, bool *ok)
{
	struct model *m = s->self;

	if (m->ecn && l->pkts[*id].ect) {
		s->out[*id].fate = MARKED;
		return true;
	}
	s->out[*id] = (struct outcome){DROPPED, (ns_t)now};
	*id = take(s, l, now, ok);
	return false;
}

static unsigned
model_dequeue(struct side *s, const struct load *l, ns_t at)
{
	struct model *m = s->self;
	double now = (double)at;
	bool ok;
	unsigned id = take(s, l, now, &ok);

	if (m->dropping) {
		if (!ok)
			m->dropping = false;
		while (m->dropping && now >= m->drop_next) {
			m->count++;
			if (punish(s, l, now, &id, &ok)) {
				m->drop_next = law(m, m->drop_next);
				break;
			}
			if (!ok)
				m->dropping = false;
			else
				m->drop_next = law(m, m->drop_next);
		}
	} else if (ok) {
		uint64_t delta = m->count - m->last_count;

		punish(s, l, now, &id, &ok);
		m->dropping = true;
		m->count = delta > 1 && now - m->drop_next < 16 * m->interval ?
		    delta : 1;
		m->drop_next = law(m, now);
		m->last_count = m->count;
	}
	return id;
}

struct figures {
	unsigned dropped;
	unsigned marked;
};

static struct figures
compare(unsigned seed, uint64_t rate, double load, unsigned phases,
    const struct aqm_cfg *cfg)
{
	struct side a, b = {.enqueue = model_enqueue, .dequeue = model_dequeue};
	struct model m = {.target = (double)cfg->target,
	    .interval = (double)cfg->interval,
	    .ecn = (cfg->flags & AQM_ECN) != 0};
	static struct real r;
	struct figures f;
	struct load l;
	struct rng rng;

	rng_init(&rng, seed);
	load_init(&l, &rng, 30000, rate, load, phases);
	m.fifo = calloc(l.n, sizeof(*m.fifo));
	b.self = &m;
	real_init(&a, &r, cfg, &l, 1000000, false);
	run_side(&a, &l);
	run_side(&b, &l);
	assert_same(&a, &b, &l);
	f = (struct figures){count_fate(&a, &l, DROPPED),
	    count_fate(&a, &l, MARKED)};
	assert_int_equal(f.dropped, r.counts.drops[DN_DROP_AQM]);
	assert_int_equal(f.marked, r.counts.marks);
	for (unsigned i = 0; i < l.n; i++)
		assert_true(a.out[i].fate != MARKED || l.pkts[i].ect);
	free(m.fifo);
	free(b.out);
	free(l.pkts);
	real_fini(&a);
	return f;
}

static const struct aqm_cfg usual = {.type = AQM_CODEL,
    .target = 5 * NS_PER_MS, .interval = 100 * NS_PER_MS};

static void
drops_are_those_of_the_rfc(void **state)
{
	static const uint64_t rates[] = {1000000, 10000000, 100000000,
	    1000000000};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(rates); i++) {
		struct figures f = compare(i, rates[i], 1.3, 1, &usual);

		assert_true(f.dropped > 0);
		assert_int_equal(0, f.marked);
		f = compare(10 + i, rates[i], 2.5, 40, &usual);
		assert_true(f.dropped > 20 || i == 3);
	}
}

static void
little_load_loses_nothing(void **state)
{
	(void)state;
	assert_int_equal(0, compare(20, 100000000, 0.8, 1, &usual).dropped);
}

static void
other_targets_and_intervals(void **state)
{
	struct aqm_cfg c = usual;

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		c.target = 1000000 << i;
		c.interval = 10000000 * (i + 1);
		assert_true(compare(30 + i, 20000000, 1.5, 20, &c).dropped > 0);
	}
	/* an interval that does not fit 32 bits of ns */
	c.target = NS_PER_S;
	c.interval = 5 * NS_PER_S;
	c.interval = c.interval / 1024 * 1024;
	assert_true(compare(40, 1000000, 1.5, 1, &c).dropped > 20);
}

static void
ecn_marks_those_who_can_be_marked(void **state)
{
	struct aqm_cfg c = usual;

	(void)state;
	c.flags = AQM_ECN;
	for (unsigned i = 0; i < 4; i++) {
		struct figures f = compare(50 + i, 10000000, 1.3, 1 + 20 * i,
		    &c);

		assert_true(f.dropped > 5 && f.marked > 5);
	}
}

static void
nonsense_is_refused(void **state)
{
	struct aqm_cfg c = usual;
	struct err e;

	(void)state;
	c.target = 0;
	assert_true(aqm_find(AQM_CODEL)->check(&c, &e) < 0);
	c = usual;
	c.interval = 3601 * NS_PER_S;
	assert_true(aqm_find(AQM_CODEL)->check(&c, &e) < 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(drops_are_those_of_the_rfc),
	    cmocka_unit_test(little_load_loses_nothing),
	    cmocka_unit_test(other_targets_and_intervals),
	    cmocka_unit_test(ecn_marks_those_who_can_be_marked),
	    cmocka_unit_test(nonsense_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
