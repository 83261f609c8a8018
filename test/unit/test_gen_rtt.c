/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "tools/gen_rtt.h"

#include <string.h>

static struct gen_rtt rtt;

static int
reset(void **state)
{
	(void)state;
	memset(&rtt, 0, sizeof(rtt));
	return 0;
}

static void
test_empty(void **state)
{
	(void)state;
	assert_int_equal(gen_rtt_mean(&rtt), 0);
	assert_int_equal(gen_rtt_quantile(&rtt, 500), 0);
}

static void
test_one(void **state)
{
	(void)state;
	gen_rtt_add(&rtt, 12345);
	assert_int_equal(rtt.min_ns, 12345);
	assert_int_equal(rtt.max_ns, 12345);
	assert_int_equal(gen_rtt_mean(&rtt), 12345);
	/* Never above the maximum, whatever the bucket's end is. */
	assert_int_equal(gen_rtt_quantile(&rtt, 0), 12345);
	assert_int_equal(gen_rtt_quantile(&rtt, 1000), 12345);
}

/* 1 .. 1000: quantiles are known; the histogram may be 3.2 % above. */
static void
test_quantiles(void **state)
{
	(void)state;
	for (ns_t v = 1; v <= 1000; v++)
		gen_rtt_add(&rtt, v * 1000);
	for (unsigned q = 1; q <= 1000; q += 37) {
		ns_t got = gen_rtt_quantile(&rtt, q);

		assert_in_range(got, q * 1000, q * 1032);
	}
	assert_int_equal(gen_rtt_mean(&rtt), 500500);
}

/* Every power of two and its neighbours fall into buckets whose end is at most
 * 1/32 above. */
static void
test_buckets(void **state)
{
	(void)state;
	for (unsigned bit = 0; bit < 64; bit++)
		for (int d = -1; d <= 1; d++) {
			ns_t v = (1ull << bit) + (ns_t)(int64_t)d;
			ns_t got;

			reset(NULL);
			gen_rtt_add(&rtt, v);
			rtt.max_ns = UINT64_MAX; /* no help from the cap */
			got = gen_rtt_quantile(&rtt, 500);
			assert_true(got >= v && got - v <= v / 32);
		}
}

/* Half of three is two of them, not one. */
static void
test_rank(void **state)
{
	(void)state;
	gen_rtt_add(&rtt, 10);
	gen_rtt_add(&rtt, 20);
	gen_rtt_add(&rtt, 30);
	assert_int_equal(gen_rtt_quantile(&rtt, 333), 10);
	assert_int_equal(gen_rtt_quantile(&rtt, 334), 20);
	assert_int_equal(gen_rtt_quantile(&rtt, 500), 20);
}

static void
test_extremes(void **state)
{
	(void)state;
	gen_rtt_add(&rtt, 0);
	gen_rtt_add(&rtt, UINT64_MAX);
	assert_int_equal(rtt.min_ns, 0);
	assert_true(gen_rtt_quantile(&rtt, 1000) == UINT64_MAX);
	assert_int_equal(gen_rtt_quantile(&rtt, 500), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_empty, reset),
	    cmocka_unit_test_setup(test_one, reset),
	    cmocka_unit_test_setup(test_quantiles, reset),
	    cmocka_unit_test_setup(test_buckets, reset),
	    cmocka_unit_test_setup(test_rank, reset),
	    cmocka_unit_test_setup(test_extremes, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
