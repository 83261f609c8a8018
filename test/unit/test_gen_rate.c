/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "tools/gen_rate.h"

#include <limits.h>

static void
test_no_rate(void **state)
{
	struct gen_rate r;

	(void)state;
	gen_rate_init(&r, 0, 512, 1000);
	assert_int_equal(gen_rate_due(&r, 512, 1000), 512);
	gen_rate_sent(&r, 512);
	assert_int_equal(gen_rate_due(&r, 3, 1000), 3);
}

/* One packet a second: the first at once, then one at each full second. */
static void
test_one_a_second(void **state)
{
	struct gen_rate r;
	ns_t start = 12345;

	(void)state;
	gen_rate_init(&r, 1, 512, start);
	assert_int_equal(gen_rate_due(&r, 512, start), 1);
	gen_rate_sent(&r, 1);
	for (unsigned k = 1; k < 5; k++) {
		assert_int_equal(gen_rate_when(&r, 512), start + k * NS_PER_S);
		assert_int_equal(
		    gen_rate_due(&r, 512, start + k * NS_PER_S - 1), 0);
		assert_int_equal(gen_rate_due(&r, 512, start + k * NS_PER_S),
				 1);
		gen_rate_sent(&r, 1);
	}
}

/* Whoever sends what is due, at any pace of looking, keeps the rate exactly
 * and never exceeds it. */
static void
keep_rate(uint64_t pps, ns_t step_ns)
{
	struct gen_rate r;
	uint64_t sent = 0;

	gen_rate_init(&r, pps, 512, 0);
	for (ns_t now = 0; now < NS_PER_S; now += step_ns) {
		unsigned n;

		while ((n = gen_rate_due(&r, 512, now)) > 0) {
			gen_rate_sent(&r, n);
			sent += n;
		}
		assert_true(sent <=
			    (unsigned __int128)now * pps / NS_PER_S + 1);
	}
	assert_in_range(sent,
			pps - (pps / 10000 > 512 ? 512 : pps / 10000) -
			    (unsigned __int128)pps * step_ns / NS_PER_S - 1,
			pps);
}

static void
test_keeps_rate(void **state)
{
	static const uint64_t rates[] = {2,	3,	 999,	  10000,
					 33333, 1000000, 14880952};
	static const ns_t steps[] = {9973, 100000, 7000001};

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++)
		for (size_t k = 0; k < sizeof(steps) / sizeof(steps[0]); k++)
			keep_rate(rates[i], steps[k]);
}

/* At 'when' a chunk is due, one nanosecond before it is not. */
static void
test_when_is_exact(void **state)
{
	static const uint64_t rates[] = {
	    1, 3, 7777, 20001, 1234567, 99999999, 1000000000000ull};

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		struct gen_rate r;

		gen_rate_init(&r, rates[i], 512, 5000);
		gen_rate_sent(&r, 1000);
		for (unsigned want = 1; want <= 512; want *= 2) {
			ns_t when = gen_rate_when(&r, want);

			assert_true(gen_rate_due(&r, want, when) > 0);
			assert_int_equal(gen_rate_due(&r, want, when - 1), 0);
		}
	}
}

/* The last packets of a run are fewer than a chunk and still leave. */
static void
test_rest_of_a_chunk(void **state)
{
	struct gen_rate r;

	(void)state;
	gen_rate_init(&r, 1000000, 512, 0);
	assert_int_equal(r.chunk, 100);
	assert_int_equal(gen_rate_due(&r, 512, 50000), 0);
	assert_int_equal(gen_rate_due(&r, 7, 50000), 7);
	assert_int_equal(gen_rate_due(&r, 512, 99000), 100);
}

/* A long stall is not made up for, but for the last 100 ms of it; after that
 * the schedule goes on from there. */
static void
test_debt(void **state)
{
	struct gen_rate r;
	ns_t now = 3600 * NS_PER_S;
	uint64_t sent = 0;
	unsigned n;

	(void)state;
	gen_rate_init(&r, 1000, 64, 0);
	while ((n = gen_rate_due(&r, 64, now)) > 0) {
		gen_rate_sent(&r, n);
		sent += n;
	}
	assert_int_equal(sent, 101);
	assert_int_equal(gen_rate_when(&r, 64), now + NS_PER_MS);
}

/* Numbers at the end of their range. */
static void
test_no_overflow(void **state)
{
	struct gen_rate r;
	ns_t now = UINT64_MAX / 2;

	(void)state;
	gen_rate_init(&r, 1000000000000ull, UINT_MAX, 0);
	r.sent = UINT64_MAX / 2;
	assert_int_equal(gen_rate_due(&r, UINT_MAX, NS_PER_S), 0);
	gen_rate_init(&r, 1000000000000ull, UINT_MAX, 0);
	assert_true(gen_rate_due(&r, UINT_MAX, now) > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_no_rate),
	    cmocka_unit_test(test_one_a_second),
	    cmocka_unit_test(test_keeps_rate),
	    cmocka_unit_test(test_when_is_exact),
	    cmocka_unit_test(test_rest_of_a_chunk),
	    cmocka_unit_test(test_debt),
	    cmocka_unit_test(test_no_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
