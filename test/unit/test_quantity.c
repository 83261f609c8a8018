/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/quantity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

/* A word and what it means; ok == false: it is refused. */
struct row {
	const char *s;
	bool ok;
	uint64_t value;
};

typedef const char *read_fn(const char *s, uint64_t *out);

static void
check_rows(read_fn *read, const struct row *t, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t v = 0;
		const char *why = read(t[i].s, &v);

		if ((why == NULL) != t[i].ok)
			fail_msg("'%s': %s", t[i].s,
			    why != NULL ? why : "accepted");
		if (t[i].ok && v != t[i].value)
			fail_msg("'%s' is %llu", t[i].s, (unsigned long long)v);
	}
}

static void
rates(void **state)
{
	static const struct row t[] = {
	    {"0", true, 0},
	    {"300", true, 300},
	    {"10Mbit/s", true, 10000000},
	    {"1.5Gbit/s", true, 1500000000},
	    {"400Gbit/s", true, 400000000000},
	    {"300KByte/s", true, 2400000},
	    {"1MBytes/s", true, 8000000},
	    {"2Bps", true, 16},
	    {"2bps", true, 2},
	    {"64k", true, 64000},
	    {"0.5bit/s", false, 0},
	    {"1XX", false, 0},
	    {"-1", false, 0},
	    {"", false, 0},
	    {"Mbit/s", false, 0},
	    {"99999999999999999999", false, 0},
	    {"18446744073709551615G", false, 0},
	};

	(void)state;
	check_rows(quantity_rate, t, sizeof(t) / sizeof(t[0]));
}

static void
times(void **state)
{
	static const struct row t[] = {
	    {"0", true, 0},
	    {"20", true, 20000000},
	    {"0.3", true, 300000},
	    {"1ns", true, 1},
	    {"1.5us", true, 1500},
	    {"100ms", true, 100000000},
	    {"2s", true, 2000000000},
	    {"2m", true, 120000000000},
	    {"0.1ns", false, 0},
	    {"0.0000001", false, 0},
	    {"1h", false, 0},
	    {"-5", false, 0},
	    {"5 ms", false, 0},
	    {"18446744074s", false, 0},
	};

	(void)state;
	check_rows(quantity_time, t, sizeof(t) / sizeof(t[0]));
}

static void
octets(void **state)
{
	static const struct row t[] = {
	    {"0", true, 0},
	    {"4096", true, 4096},
	    {"10K", true, 10240},
	    {"1.5KB", true, 1536},
	    {"2Mbytes", true, 2 << 20},
	    {"500B", true, 500},
	    {"1.5", false, 0},
	    {"10Q", false, 0},
	};

	(void)state;
	check_rows(quantity_bytes, t, sizeof(t) / sizeof(t[0]));
}

static void
queues(void **state)
{
	uint64_t n;
	bool bytes;

	(void)state;
	assert_null(quantity_queue("30", &n, &bytes));
	assert_int_equal(n, 30);
	assert_false(bytes);
	assert_null(quantity_queue("30slots", &n, &bytes));
	assert_false(bytes);
	assert_null(quantity_queue("10KB", &n, &bytes));
	assert_int_equal(n, 10240);
	assert_true(bytes);
	assert_null(quantity_queue("500B", &n, &bytes));
	assert_int_equal(n, 500);
	assert_true(bytes);
	assert_non_null(quantity_queue("2.5", &n, &bytes));
	assert_non_null(quantity_queue("ten", &n, &bytes));
}

static void
parts(void **state)
{
	uint32_t p;

	(void)state;
	assert_null(quantity_part("0", 0x7fffffff, &p));
	assert_int_equal(p, 0);
	assert_null(quantity_part("1", 0x7fffffff, &p));
	assert_int_equal(p, 0x7fffffff);
	assert_null(quantity_part("0.1", 65536, &p));
	assert_int_equal(p, 6553); /* cut, as the original does */
	assert_null(quantity_part("50%", 1000, &p));
	assert_int_equal(p, 500);
	assert_null(quantity_part("100%", 1000, &p));
	assert_int_equal(p, 1000);
	assert_non_null(quantity_part("1.1", 1000, &p));
	assert_non_null(quantity_part("100.1%", 1000, &p));
	assert_non_null(quantity_part("-0.1", 1000, &p));
	assert_non_null(quantity_part("0.5x", 1000, &p));
}

static void
shown_times(void **state)
{
	static const struct {
		uint64_t ns;
		const char *s;
	} t[] = {
	    {0, "0ms"}, {1, "1ns"}, {300000, "300us"}, {5000000, "5ms"},
	    {1500000000, "1.5s"}, {1500001, "1500.001us"}, {1501, "1.501us"},
	    {120000000000, "120s"},
	};
	struct text out = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		text_reset(&out);
		quantity_put_time(&out, t[i].ns);
		assert_string_equal(text_str(&out), t[i].s);
	}
	text_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rates),
	    cmocka_unit_test(times),
	    cmocka_unit_test(octets),
	    cmocka_unit_test(queues),
	    cmocka_unit_test(parts),
	    cmocka_unit_test(shown_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
