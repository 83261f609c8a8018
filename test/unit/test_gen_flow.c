/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "tools/gen_flow.h"

static struct gen_flow
flow(const char *src, const char *dst)
{
	struct gen_range s, d;
	struct gen_flow f;

	assert_int_equal(gen_range_parse(src, &s, NULL), 0);
	assert_int_equal(gen_range_parse(dst, &d, NULL), 0);
	gen_flow_init(&f, &s, &d);
	return f;
}

static uint64_t
at(const struct gen_flow *f, unsigned axis)
{
	return f->axes[axis].cur;
}

static void
test_single(void **state)
{
	struct gen_flow f = flow("10.0.0.1:5", "10.0.0.2:6");

	(void)state;
	assert_false(f.varies);
	assert_int_equal(gen_flow_period(&f), 1);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(at(&f, GEN_SRC_PORT), 5);
		assert_int_equal(at(&f, GEN_SRC_ADDR), 0x0a000001);
		assert_int_equal(at(&f, GEN_DST_PORT), 6);
		assert_int_equal(at(&f, GEN_DST_ADDR), 0x0a000002);
		gen_flow_next(&f);
	}
}

/* The four axes count like digits, the source port the lowest; after the
 * period the walk begins anew. */
static void
test_order(void **state)
{
	struct gen_flow f =
	    flow("10.0.0.1:5-10.0.0.3:6", "10.0.0.7:65534-10.0.0.8:65535");

	(void)state;
	assert_true(f.varies);
	assert_int_equal(gen_flow_period(&f), 2 * 3 * 2 * 2);
	for (unsigned i = 0; i < 2 * 24; i++) {
		assert_int_equal(at(&f, GEN_SRC_PORT), 5 + i % 2);
		assert_int_equal(at(&f, GEN_SRC_ADDR), 0x0a000001 + i / 2 % 3);
		assert_int_equal(at(&f, GEN_DST_PORT), 65534 + i / 6 % 2);
		assert_int_equal(at(&f, GEN_DST_ADDR), 0x0a000007 + i / 12 % 2);
		gen_flow_next(&f);
	}
}

static void
test_largest(void **state)
{
	struct gen_flow f = flow("fd00::-fd00::ffff:ffff:ffff:ffff", "::1");

	(void)state;
	assert_true(gen_flow_period(&f) == UINT64_MAX);
	f.axes[GEN_SRC_ADDR].cur = UINT64_MAX;
	gen_flow_next(&f);
	assert_true(at(&f, GEN_SRC_ADDR) == 0);
}

static void
test_macs(void **state)
{
	struct gen_flow f = flow("10.0.0.1", "10.0.0.2");
	struct gen_macs s, d;

	(void)state;
	gen_macs_parse("02:00:00:00:00:01-02:00:00:00:00:03", &s, NULL);
	gen_macs_parse("02:00:00:00:00:0a-02:00:00:00:00:0b", &d, NULL);
	gen_flow_macs(&f, &s, &d);
	assert_true(f.macs_vary);
	for (unsigned i = 0; i < 12; i++) {
		assert_true(at(&f, GEN_SRC_MAC) == 0x020000000001ull + i % 3);
		assert_true(at(&f, GEN_DST_MAC) == 0x02000000000aull + i % 2);
		gen_flow_next(&f);
	}
}

/* A random side stays in its range and reaches all of it; the other side
 * walks as if it were alone. */
static void
test_random(void **state)
{
	struct gen_flow f =
	    flow("10.0.0.0:10-10.0.0.7:13", "10.0.0.9:1-10.0.0.9:3");
	unsigned addrs = 0, ports = 0;

	(void)state;
	gen_flow_random(&f, true, false, 0);
	for (unsigned i = 0; i < 1000; i++) {
		assert_in_range(at(&f, GEN_SRC_ADDR), 0x0a000000, 0x0a000007);
		assert_in_range(at(&f, GEN_SRC_PORT), 10, 13);
		addrs |= 1u << (at(&f, GEN_SRC_ADDR) & 7);
		ports |= 1u << (at(&f, GEN_SRC_PORT) - 10);
		assert_int_equal(at(&f, GEN_DST_PORT), 1 + i % 3);
		gen_flow_next(&f);
	}
	assert_int_equal(addrs, 0xff);
	assert_int_equal(ports, 0xf);
}

/* The same seed gives the same packets; another seed gives others. */
static void
test_seed(void **state)
{
	struct gen_flow a = flow("fd00::-fd00::ffff:ffff:ffff:ffff", "::1");
	struct gen_flow b = a, c = a;
	bool differs = false;

	(void)state;
	gen_flow_random(&a, true, true, 5);
	gen_flow_random(&b, true, true, 5);
	gen_flow_random(&c, true, true, 6);
	for (int i = 0; i < 10; i++) {
		assert_true(at(&a, GEN_SRC_ADDR) == at(&b, GEN_SRC_ADDR));
		differs |= at(&a, GEN_SRC_ADDR) != at(&c, GEN_SRC_ADDR);
		gen_flow_next(&a);
		gen_flow_next(&b);
		gen_flow_next(&c);
	}
	assert_true(differs);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_single),  cmocka_unit_test(test_order),
	    cmocka_unit_test(test_largest), cmocka_unit_test(test_macs),
	    cmocka_unit_test(test_random),  cmocka_unit_test(test_seed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
