/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "engine/counters.h"

#include <errno.h>

static void
sums_over_workers(void **state)
{
	struct counters *c = counters_create(2);
	struct count n;
	uint32_t i;

	(void)state;
	assert_non_null(c);
	assert_int_equal(counters_alloc(c, &i, NULL), 0);
	counter_add(&counters_of(c, 0)[i], 100, 5);
	counter_add(&counters_of(c, 1)[i], 50, 9);
	counters_read(c, i, &n);
	assert_int_equal(n.pkts, 2);
	assert_int_equal(n.bytes, 150);
	assert_int_equal(n.last_s, 9);
	counters_destroy(c);
}

/* Zeroing touches no worker's memory, and time stamps go with it. */
static void
zero_is_a_base(void **state)
{
	struct counters *c = counters_create(1);
	struct count n;
	uint32_t i;

	(void)state;
	counters_alloc(c, &i, NULL);
	counter_add(&counters_of(c, 0)[i], 10, 3);
	counters_zero(c, i);
	counters_read(c, i, &n);
	assert_int_equal(n.pkts, 0);
	assert_int_equal(n.bytes, 0);
	assert_int_equal(n.last_s, 0);
	assert_int_equal(counters_of(c, 0)[i].pkts, 1);
	counter_add(&counters_of(c, 0)[i], 7, 8);
	counters_read(c, i, &n);
	assert_int_equal(n.pkts, 1);
	assert_int_equal(n.bytes, 7);
	assert_int_equal(n.last_s, 8);
	counters_destroy(c);
}

static void
reused_index_starts_at_zero(void **state)
{
	struct counters *c = counters_create(1);
	struct count n;
	uint32_t i, k;

	(void)state;
	counters_alloc(c, &i, NULL);
	counters_alloc(c, &k, NULL);
	assert_int_not_equal(i, k);
	counter_add(&counters_of(c, 0)[i], 10, 3);
	counters_free(c, i);
	counters_alloc(c, &k, NULL);
	assert_int_equal(i, k);
	counters_read(c, k, &n);
	assert_int_equal(n.pkts, 0);
	counters_destroy(c);
}

static void
runs_out_with_a_sentence(void **state)
{
	struct counters *c = counters_create(1);
	struct err e = {0};
	uint32_t i;

	(void)state;
	for (unsigned n = 0; n < COUNTERS_MAX; n++)
		assert_int_equal(counters_alloc(c, &i, &e), 0);
	i = 12345;
	assert_int_equal(counters_alloc(c, &i, &e), -ENOSPC);
	assert_int_equal(i, 12345);
	assert_true(e.text[0] != '\0');
	counters_free(c, 7);
	assert_int_equal(counters_alloc(c, &i, &e), 0);
	assert_int_equal(i, 7);
	counters_destroy(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_over_workers),
		cmocka_unit_test(zero_is_a_base),
		cmocka_unit_test(reused_index_starts_at_zero),
		cmocka_unit_test(runs_out_with_a_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
