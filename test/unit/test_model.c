/* SPDX-License-Identifier: BSD-2-Clause */
/* Chance is seeded: what these tests find they find each time.  The bounds are
 * those of 4 standard deviations. */
#include "unit.h"

#include "pipe/lateness.h"
#include "pipe/link.h"
#include "pipe/model.h"

#include <string.h>

enum { N = 1000000 };

static double
root(double x)
{
	double r = x > 1 ? x : 1;

	for (unsigned i = 0; i < 100; i++)
		r = (r + x / r) / 2;
	return r;
}

static void
assert_near(double got, double want, double tolerance)
{
	if (got < want - tolerance || got > want + tolerance)
		fail_msg("%g is not %g +- %g", got, want, tolerance);
}

static void
simple_loss(void **state)
{
	static const double ps[] = {0.001, 0.1, 0.5, 0.99};
	struct rng rng, same;
	bool bad = false;

	(void)state;
	rng_init(&rng, 11);
	for (unsigned k = 0; k < ARRAY_LEN(ps); k++) {
		struct dn_loss l = {.p = (uint32_t)(ps[k] * DN_ONE)};
		unsigned lost = 0;

		for (unsigned i = 0; i < N; i++)
			lost += model_loses(&l, &bad, &rng);
		assert_near(lost, ps[k] * N,
		    4 * root(N * ps[k] * (1 - ps[k])));
	}
	/* certainties draw nothing */
	same = rng;
	for (unsigned i = 0; i < 100; i++) {
		assert_false(model_loses(&(struct dn_loss){0}, &bad, &rng));
		assert_true(model_loses(&(struct dn_loss){.p = DN_ONE}, &bad,
		    &rng));
	}
	assert_memory_equal(&same, &rng, sizeof(rng));
}

/* K = 0.01 and H = 0.6: in the long run p / (p + r) of the time is bad, stays
 * there last 1 / r packets on average. */
static void
gilbert_elliott_loss(void **state)
{
	const double p = 0.02, r = 0.2, k = 0.01, h = 0.6;
	const struct dn_loss l = {.gilbert_elliott = true,
	    .p = (uint32_t)(p * DN_ONE), .r = (uint32_t)(r * DN_ONE),
	    .k = (uint32_t)(k * DN_ONE), .h = (uint32_t)(h * DN_ONE)};
	double share = p / (p + r), rate = share * h + (1 - share) * k;
	unsigned lost = 0, in_bad = 0, stays = 0, pairs = 0;
	bool bad = false, was_lost = false;
	double both, spread;
	struct rng rng;

	(void)state;
	rng_init(&rng, 12);
	for (unsigned i = 0; i < N; i++) {
		bool was = bad, now_lost = model_loses(&l, &bad, &rng);

		lost += now_lost;
		in_bad += was;
		stays += was && !bad;
		pairs += was_lost && now_lost;
		was_lost = now_lost;
	}
	/* neighbours correlate by 1 - p - r: more spread than a coin's */
	spread = root(N * share * (1 - share) * (2 - p - r) / (p + r));
	assert_near(in_bad, share * N, 4 * spread);
	assert_near(lost, rate * N, 4 * (spread * (h - k) + root(N * rate)));
	assert_near((double)in_bad / stays, 1 / r, 4 * root(1 - r) / r /
	    root(stays));
	/* losses come in bursts: P(lost, then lost) of the chain */
	both = share * h * ((1 - r) * h + r * k) +
	    (1 - share) * k * (p * h + (1 - p) * k);
	assert_near(pairs, both * N, 8 * root(N * both));
	assert_true(both > 5 * rate * rate);
}

static void
moments(uint8_t kind, double sigma, double *mean, double *dev, int64_t *least,
    int64_t *most)
{
	double sum = 0, squares = 0;
	struct rng rng;

	rng_init(&rng, 13 + kind);
	*least = INT64_MAX;
	*most = INT64_MIN;
	for (unsigned i = 0; i < N; i++) {
		int64_t j = model_jitter(kind, (ns_t)sigma, &rng);

		sum += (double)j;
		squares += (double)j * (double)j;
		*least = j < *least ? j : *least;
		*most = j > *most ? j : *most;
	}
	*mean = sum / N;
	*dev = root(squares / N - *mean * *mean);
}

static void
jitter_has_its_moments(void **state)
{
	const double j = 1e6;
	double mean, dev;
	int64_t least, most;

	(void)state;
	moments(DN_JITTER_UNIFORM, j, &mean, &dev, &least, &most);
	assert_near(mean, 0, 4 * j / root(3.0 * N));
	assert_near(dev, j / root(3), j * 0.002);
	assert_true(least >= -j && most <= j && least < -0.999 * j);
	moments(DN_JITTER_NORMAL, j, &mean, &dev, &least, &most);
	assert_near(mean, 0, 4 * j / root(N));
	assert_near(dev, j, j * 0.004);
	assert_true(least > -6 * j && most < 6 * j && most > 4 * j);
	moments(DN_JITTER_PARETO, j, &mean, &dev, &least, &most);
	assert_near(mean, 0, 6 * j / root(N));
	assert_near(dev, j, j * 0.1); /* the fourth moment does not exist */
	assert_near((double)least, -0.57735 * j, 0.001 * j);
	assert_true(most > 50 * j);
}

static void
corruption_turns_one_bit(void **state)
{
	static uint8_t room[sizeof(struct held) + 64]
	    __attribute__((aligned(8)));
	struct held *h = (struct held *)(void *)room;
	unsigned hits[50] = {0};
	struct rng rng;

	(void)state;
	rng_init(&rng, 14);
	for (unsigned i = 0; i < 50 * 8 * 100; i++) {
		unsigned bits = 0;

		memset(room, 0, sizeof(room));
		h->len = 64;
		h->l3 = 14;
		h->bytes = 50;
		model_corrupt(h, &rng);
		for (unsigned k = 0; k < 64; k++) {
			unsigned n = (unsigned)__builtin_popcount(h->frame[k]);

			assert_true(n == 0 || k >= 14);
			bits += n;
			if (k >= 14)
				hits[k - 14] += n;
		}
		assert_int_equal(1, bits);
	}
	for (unsigned k = 0; k < 50; k++)
		assert_near(hits[k], 800, 4.5 * root(800));
}

/* ---- traces ---- */

static void
trace_delivers_at_its_moments(void **state)
{
	static const struct dn_moment m[] = {{2, 1}, {5, 2}, {10, 1}};
	const struct link_cfg c = {.trace = m, .n_trace = 3};
	const ns_t start = 1000 * NS_PER_MS;
	struct link l = {0};
	ns_t t;

	(void)state;
	/* 1500 octets and their 4 fill one delivery */
	t = link_ready(&l, &c, start);
	assert_int_equal(start + 2 * NS_PER_MS, t);
	assert_int_equal(t, link_send(&l, &c, 1500, t, 0));
	t = link_next(&l, t);
	assert_int_equal(start + 5 * NS_PER_MS, t);
	/* 3000 octets need two of them: both are at 5 ms */
	assert_int_equal(t, link_send(&l, &c, 3000, t, 0));
	t = link_next(&l, t);
	assert_int_equal(start + 5 * NS_PER_MS, t); /* 4 octets are left */
	assert_int_equal(start + 10 * NS_PER_MS,
	    link_send(&l, &c, 1000, t, 0));
	/* the next round begins where this one ended; 1504 - 1000 are left */
	t = link_next(&l, t);
	assert_int_equal(start + 10 * NS_PER_MS, t);
	assert_int_equal(start + 12 * NS_PER_MS,
	    link_send(&l, &c, 1500, t, 0));
	/* what nobody waits for is gone */
	t = link_ready(&l, &c, start + 26 * NS_PER_MS);
	assert_int_equal(start + 30 * NS_PER_MS, t);
	t = link_ready(&l, &c, start + 1000000 * NS_PER_MS + 1);
	assert_int_equal(start + 1000002 * NS_PER_MS, t);
}

/* A gigabit for a second: 83 deliveries a ms, long packets, no gap. */
static void
trace_at_a_gigabit(void **state)
{
	static const struct dn_moment m[] = {{1, 83}};
	const struct link_cfg c = {.trace = m, .n_trace = 1};
	struct link l = {0};
	uint64_t bytes = 0;
	ns_t t = link_ready(&l, &c, 0), left = 0;

	(void)state;
	while (left < NS_PER_S) {
		left = link_send(&l, &c, 1446, t, 0);
		t = link_next(&l, t);
		bytes += 1450;
	}
	assert_near((double)bytes, 1000.0 * 83 * 1504, 83 * 1504);
}

static void
lateness_quantiles(void **state)
{
	static struct lateness l;

	(void)state;
	assert_int_equal(0, lateness_quantile(&l, 500));
	for (ns_t i = 1; i <= 100000; i++)
		lateness_add(&l, i);
	assert_in_range(lateness_quantile(&l, 500), 50000, 50000 * 9 / 8);
	assert_in_range(lateness_quantile(&l, 990), 99000, 100000);
	assert_int_equal(100000, lateness_quantile(&l, 1000));
	lateness_add(&l, UINT64_MAX);
	assert_int_equal(UINT64_MAX, l.max);
	memset(&l, 0, sizeof(l));
	for (ns_t i = 0; i < 8; i++)
		lateness_add(&l, i);
	assert_int_equal(3, lateness_quantile(&l, 500));
	assert_int_equal(7, lateness_quantile(&l, 999));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(simple_loss),
	    cmocka_unit_test(gilbert_elliott_loss),
	    cmocka_unit_test(jitter_has_its_moments),
	    cmocka_unit_test(corruption_turns_one_bit),
	    cmocka_unit_test(trace_delivers_at_its_moments),
	    cmocka_unit_test(trace_at_a_gigabit),
	    cmocka_unit_test(lateness_quantiles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
