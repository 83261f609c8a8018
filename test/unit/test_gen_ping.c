/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "tools/gen_ping.h"

#include <stdlib.h>
#include <sys/socket.h>

enum { LEN = 80 };

struct fixture {
	struct gen_flow flow;
	struct gen_frame *frame;
	struct gen_ping *ping;
	uint8_t octets[LEN];
};

static struct fixture
set_up(const char *from, const char *to)
{
	struct gen_range s, d;
	struct gen_macs sm, dm;
	struct fixture x = {0};

	assert_int_equal(gen_range_parse(from, &s, NULL), 0);
	assert_int_equal(gen_range_parse(to, &d, NULL), 0);
	gen_macs_parse("02:00:00:00:00:01", &sm, NULL);
	gen_macs_parse("02:00:00:00:00:02", &dm, NULL);
	gen_flow_init(&x.flow, &s, &d);
	gen_flow_macs(&x.flow, &sm, &dm);
	struct gen_frame_cfg c = {.af = s.af,
				  .len_max = LEN,
				  .src_prefix = s.prefix,
				  .dst_prefix = d.prefix};

	assert_int_equal(gen_frame_create(&c, &x.flow, &x.frame, NULL), 0);
	x.ping = calloc(1, sizeof(*x.ping));
	return x;
}

static void
tear_down(struct fixture *x)
{
	gen_frame_destroy(x->frame);
	free(x->ping);
}

static void
stamp(struct fixture *x, ns_t now)
{
	gen_frame_write(x->frame, &x->flow, x->octets, LEN);
	gen_ping_stamp(x->ping, x->frame, x->octets, now);
}

static bool
match(struct fixture *x, unsigned len, ns_t now, ns_t *rtt)
{
	return gen_ping_match(x->ping, x->frame, x->octets, len, now, rtt);
}

/* The UDP checksum of a received frame, pseudo header included, is all ones. */
static void
check_sum(const struct fixture *x)
{
	unsigned ip = GEN_ETHER_LEN, l4 = x->frame->hdr_len - 8;
	unsigned addrs = x->frame->is_v6 ? ip + 8 : ip + 12;
	uint64_t sum = gen_be16(17 + LEN - l4);

	sum += gen_frame_sum(x->octets + addrs, l4 - addrs);
	sum += gen_frame_sum(x->octets + l4, LEN - l4);
	assert_int_equal(gen_fold(sum), 0xffff);
}

/* Request, turned round, accepted once; sums stay right all the way. */
static void
round_trip(const char *from, const char *to)
{
	struct fixture x = set_up(from, to);
	uint8_t sent[LEN];
	ns_t rtt = 0;

	for (unsigned i = 0; i < 1000; i++) {
		stamp(&x, 5 * NS_PER_S + i * 1000);
		check_sum(&x);
		memcpy(sent, x.octets, LEN);
		gen_ping_turn(x.octets, LEN, 0);
		check_sum(&x);
		assert_memory_equal(x.octets, sent + 6, 6);
		assert_memory_equal(x.octets + 6, sent, 6);
		assert_true(match(&x, LEN, 5 * NS_PER_S + i * 1000 + 77, &rtt));
		assert_int_equal(rtt, 77);
		assert_false(match(&x, LEN, 6 * NS_PER_S, &rtt));
		gen_ping_turn(x.octets, LEN, 0);
		assert_memory_equal(x.octets, sent, LEN);
	}
	tear_down(&x);
}

static void
test_round_trip(void **state)
{
	(void)state;
	round_trip("10.0.0.1:7", "10.1.0.1:9");
	round_trip("[fd00::1]:7", "[fd00:1::1]:9");
}

/* The stamp lies where netmap's pkt-gen has it: number, seconds, ns at 42. */
static void
test_layout(void **state)
{
	struct fixture x = set_up("10.0.0.1", "10.1.0.1");
	uint32_t words[3];

	(void)state;
	x.ping->next_seq = 0xfffffffe;
	stamp(&x, 3 * NS_PER_S + 999999999);
	memcpy(words, x.octets + 42, sizeof(words));
	assert_int_equal(words[0], 0xfffffffe);
	assert_int_equal(words[1], 3);
	assert_int_equal(words[2], 999999999);
	tear_down(&x);
}

/* Numbers that wrap, and answers to what was never sent or long ago. */
static void
test_foreign(void **state)
{
	struct fixture x = set_up("10.0.0.1", "10.1.0.1");
	uint32_t seq;
	ns_t rtt;

	(void)state;
	x.ping->next_seq = 0xffffffff;
	stamp(&x, 1000);
	assert_true(match(&x, LEN, 1000, &rtt));
	stamp(&x, 2000);
	memcpy(&seq, x.octets + 42, 4);
	assert_int_equal(seq, 0);
	assert_false(match(&x, 53, 2000, &rtt)); /* cut */
	assert_false(match(&x, 0, 2000, &rtt));

	seq = 1; /* the next, not sent yet */
	memcpy(x.octets + 42, &seq, 4);
	assert_false(match(&x, LEN, 2000, &rtt));
	seq = 0x10000; /* same place in the table, other number */
	memcpy(x.octets + 42, &seq, 4);
	assert_false(match(&x, LEN, 2000, &rtt));

	seq = 0;
	memcpy(x.octets + 42, &seq, 4);
	x.octets[23] = 6; /* not UDP */
	assert_false(match(&x, LEN, 2000, &rtt));
	x.octets[23] = 17;
	x.octets[12] = 0x86; /* not IPv4 */
	assert_false(match(&x, LEN, 2000, &rtt));
	x.octets[12] = 0x08;
	gen_ping_forget(x.ping);
	assert_false(match(&x, LEN, 2000, &rtt)); /* given up */
	tear_down(&x);
}

/* A clock that seems to run backwards gives 0, not 2^64 - 1. */
static void
test_backwards(void **state)
{
	struct fixture x = set_up("10.0.0.1", "10.1.0.1");
	ns_t rtt = 5;

	(void)state;
	stamp(&x, 1000);
	assert_true(match(&x, LEN, 999, &rtt));
	assert_int_equal(rtt, 0);
	tear_down(&x);
}

static void
test_group_source(void **state)
{
	static const uint8_t own[6] = {2, 0, 0, 0, 0, 9};
	uint8_t o[14] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2,
			 0,    0,    0,	   0,	 1,    0x08, 0x06};

	(void)state;
	gen_ping_turn(o, sizeof(o), 0x020000000009ull);
	assert_memory_equal(o + 6, own, 6);
	assert_int_equal(o[5], 1);
}

/* Hostile frames cut at every length, options and nonsense: nothing outside
 * [0, len) is touched. */
static void
test_cut(void **state)
{
	struct fixture x[2] = {set_up("10.0.0.1", "10.1.0.1"),
			       set_up("fd00::1", "fd00:1::1")};

	(void)state;
	for (unsigned v = 0; v < 2; v++)
		for (unsigned len = 0; len <= LEN; len++)
			for (unsigned first = 0; first < 256; first++) {
				uint8_t *o = malloc(len + 1);

				stamp(&x[v], 1000);
				memcpy(o, x[v].octets, len);
				if (len > 14)
					o[14] = (uint8_t)first;
				o[len] = 0xa5;
				gen_ping_turn(o, len, 0);
				assert_int_equal(o[len], 0xa5);
				free(o);
			}
	tear_down(&x[0]);
	tear_down(&x[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_round_trip),
	    cmocka_unit_test(test_layout),
	    cmocka_unit_test(test_foreign),
	    cmocka_unit_test(test_backwards),
	    cmocka_unit_test(test_group_source),
	    cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
