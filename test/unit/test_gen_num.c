/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "tools/gen_num.h"

#include <errno.h>

/* The value of 'text' within [0, max], or -1. */
static int64_t
whole(const char *text, uint64_t max)
{
	uint64_t v = 77;

	if (gen_num_parse(text, 0, max, &v, NULL) == 0)
		return (int64_t)v;
	assert_int_equal(v, 77); /* untouched by a failure */
	return -1;
}

static int64_t
scaled(const char *text)
{
	uint64_t v = 77;

	if (gen_num_scaled(text, 0, INT64_MAX, &v, NULL) == 0)
		return (int64_t)v;
	assert_int_equal(v, 77);
	return -1;
}

static void
test_whole(void **state)
{
	(void)state;
	assert_int_equal(whole("0", 9), 0);
	assert_int_equal(whole("9", 9), 9);
	assert_int_equal(whole("10", 9), -1);
	assert_int_equal(whole("007", 9), 7);
	assert_int_equal(whole("", 9), -1);
	assert_int_equal(whole("-1", 9), -1);
	assert_int_equal(whole("+1", 9), -1);
	assert_int_equal(whole(" 1", 9), -1);
	assert_int_equal(whole("1 ", 9), -1);
	assert_int_equal(whole("1x", 9), -1);
	assert_int_equal(whole("0x1", 9), -1);
	assert_int_equal(whole("1K", 9999), -1);
	assert_int_equal(whole("1.0", 9), -1);
}

static void
test_no_wrap(void **state)
{
	uint64_t v = 0;

	(void)state;
	assert_int_equal(
	    gen_num_parse("18446744073709551615", 0, UINT64_MAX, &v, NULL), 0);
	assert_true(v == UINT64_MAX);
	assert_int_equal(
	    gen_num_parse("18446744073709551616", 0, UINT64_MAX, &v, NULL),
	    -ERANGE);
	assert_int_equal(
	    gen_num_scaled("18446744073709551615K", 0, UINT64_MAX, &v, NULL),
	    -ERANGE);
	assert_int_equal(gen_num_scaled("99999999999999999999999999", 0,
					UINT64_MAX, &v, NULL),
			 -ERANGE);
}

static void
test_scaled(void **state)
{
	(void)state;
	assert_int_equal(scaled("12"), 12);
	assert_int_equal(scaled("1K"), 1000);
	assert_int_equal(scaled("1k"), 1000);
	assert_int_equal(scaled("3M"), 3000000);
	assert_int_equal(scaled("2G"), 2000000000);
	assert_int_equal(scaled("14.88M"), 14880000);
	assert_int_equal(scaled("1.5"), -1);
	assert_int_equal(scaled("1.50K"), 1500);
	assert_int_equal(scaled("1.0"), 1);
	assert_int_equal(scaled("1.0005K"), -1);
	assert_int_equal(scaled("1."), -1);
	assert_int_equal(scaled(".5K"), -1);
	assert_int_equal(scaled("1KK"), -1);
	assert_int_equal(scaled("1T"), -1);
	assert_int_equal(scaled("K"), -1);
}

static void
test_sentences(void **state)
{
	struct err e;
	uint64_t v;

	(void)state;
	assert_int_equal(gen_num_parse("5", 60, 100, &v, &e), -ERANGE);
	assert_string_equal(e.text, "must be a number from 60 to 100");
	assert_int_equal(gen_num_parse("x", 1, UINT64_MAX, &v, &e), -EINVAL);
	assert_string_equal(e.text, "must be a number from 1");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_whole),
	    cmocka_unit_test(test_no_wrap),
	    cmocka_unit_test(test_scaled),
	    cmocka_unit_test(test_sentences),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
