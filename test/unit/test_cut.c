/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Boxes of keys, the children that they go to, and which cut is the best.
 */
#include "unit.h"

#include "rule/cut.h"

#include <arpa/inet.h>

static struct rule_key
any_key(void)
{
	return (struct rule_key){.ports_hi = 0xffffffff};
}

static void
boxes_of_keys(void **state)
{
	struct rule_key k = any_key();
	struct box b;

	(void)state;
	k.src = htonl(0x0a000100);
	k.src_mask = htonl(0xffffff00);
	k.dst = htonl(0x0a000001);
	k.dst_mask = htonl(0xff0000ff); /* a hole: its leading ones count */
	k.ports_lo = 22;
	k.ports_hi = 0xffff0000 | 80;
	k.meta = KEY_TCP;
	k.meta_mask = KEY_TCP;
	cut_box(&k, false, &b);
	assert_int_equal(b.lo[DIM_SRC], 0x0a000100);
	assert_int_equal(b.hi[DIM_SRC], 0x0a0001ff);
	assert_int_equal(b.lo[DIM_DST], 0x0a000000);
	assert_int_equal(b.hi[DIM_DST], 0x0affffff);
	assert_int_equal(b.lo[DIM_DPORT], 22);
	assert_int_equal(b.hi[DIM_DPORT], 80);
	assert_int_equal(b.hi[DIM_SPORT], 65535);
	assert_int_equal(b.lo[DIM_PROTO], PROTO_TCP);
	assert_int_equal(b.hi[DIM_PROTO], PROTO_TCP);
	assert_int_equal(b.hi[DIM_SRC_REST] | b.hi[DIM_DST_REST], 0);
}

static void
boxes_of_keys6(void **state)
{
	struct rule_key k = any_key();
	struct box b;

	(void)state;
	k.src = htonl(0x20010db8);
	k.src_mask = ~0u;
	k.src2 = htonl(0x00010000);
	k.src2_mask = htonl(0xffff0000); /* a /48 */
	k.rest = htons(0x1200);
	k.rest_mask = htons(0xff00);
	cut_box(&k, true, &b);
	assert_int_equal(b.lo[DIM_SRC], 0x20010db800010000);
	assert_int_equal(b.hi[DIM_SRC], 0x20010db80001ffff);
	assert_int_equal(b.lo[DIM_DST], 0);
	assert_int_equal(b.hi[DIM_DST], UINT64_MAX);
	assert_int_equal(b.lo[DIM_DST_REST], 0x1200);
	assert_int_equal(b.hi[DIM_DST_REST], 0x12ff);
	assert_int_equal(b.hi[DIM_SRC_REST], 0xffff);
}

/* Both ends are in: a range that ends where a child begins is in that, too. */
static void
children_of_ranges(void **state)
{
	static const struct {
		unsigned lo, hi, first, last;
	} t[] = {{0, 65535, 0, 15}, {0, 4095, 0, 0}, {4095, 4096, 0, 1},
	    {4096, 4096, 1, 1}, {8192, 12288, 2, 3}, {65535, 65535, 15, 15}};
	struct cut c = {.dim = DIM_DPORT, .shift = 12, .bits = 4};
	struct rule_key any = any_key();
	struct box node;

	(void)state;
	cut_box(&any, false, &node);
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct range rule = {t[i].lo, t[i].hi};
		unsigned first, last;

		cut_children(&rule, &node, &c, &first, &last);
		assert_int_equal(first, t[i].first);
		assert_int_equal(last, t[i].last);
	}
}

/* Rules of one port each are cut by ports; who wants all of them costs copies, of
 * which there may be too few. */
static void
best_cuts(void **state)
{
	enum { N = 64 };
	struct range ranges[FOREST_DIMS][N];
	struct boxes boxes;
	struct box node;
	uint32_t slots[N];
	struct refs r = {slots, N};
	struct rule_key any = any_key();

	(void)state;
	cut_box(&any, false, &node);
	for (unsigned d = 0; d < FOREST_DIMS; d++)
		boxes.in[d] = ranges[d];
	for (unsigned wide = 0; wide < 2; wide++) {
		struct cut best = {.cost = N};
		struct box shrunk = node;

		for (unsigned i = 0; i < N; i++) {
			slots[i] = i;
			for (unsigned d = 0; d < FOREST_DIMS; d++)
				ranges[d][i] = (struct range){
				    node.lo[d], node.hi[d]};
			ranges[DIM_DPORT][i] = wide ?
			    (struct range){0, 65535 - i} : (struct range){i, i};
		}
		cut_shrink(&boxes, &r, &shrunk);
		assert_int_equal(shrunk.hi[DIM_DPORT], wide ? 65535 : N - 1);
		for (unsigned d = 0; d < FOREST_DIMS; d++)
			cut_try(&boxes, &r, &shrunk, (enum dim)d, N, &best);
		assert_int_equal(best.bits, wide ? 0 : 6);
		if (!wide)
			assert_int_equal(best.dim, DIM_DPORT);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(boxes_of_keys),
		cmocka_unit_test(boxes_of_keys6),
		cmocka_unit_test(children_of_ranges),
		cmocka_unit_test(best_cuts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
