/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "frames.h"

#include "state/flow.h"

static struct flow_key key;

static int
setup(void **s)
{
	struct rng rng;

	(void)s;
	rng_init(&rng, 4711);
	flow_key_init(&key, &rng);
	return 0;
}

static uint64_t
hash4(uint32_t src, uint16_t sport, uint32_t dst, uint16_t dport)
{
	struct frame f;
	struct pkt p;

	f_ether(&f, ETYPE_IP4);
	f_ip4(&f, PROTO_UDP, src, dst, 0);
	f_udp(&f, sport, dport);
	p = f_parse(&f);
	return flow_hash_pkt(&key, &p);
}

static uint64_t
hash6(uint8_t src, uint16_t sport, uint8_t dst, uint16_t dport)
{
	struct frame f;
	struct pkt p;

	f_ether(&f, ETYPE_IP6);
	f_ip6(&f, PROTO_UDP, src, dst);
	f_udp(&f, sport, dport);
	p = f_parse(&f);
	return flow_hash_pkt(&key, &p);
}

static void
both_directions_are_one(void **s)
{
	(void)s;
	assert_true(hash4(1, 2, 3, 4) == hash4(3, 4, 1, 2));
	assert_true(hash4(1, 2, 1, 4) == hash4(1, 4, 1, 2));
	assert_true(hash6(1, 2, 3, 4) == hash6(3, 4, 1, 2));
	assert_true(hash6(1, 2, 1, 4) == hash6(1, 4, 1, 2));
}

static void
every_field_counts(void **s)
{
	uint64_t h = hash4(1, 2, 3, 4), g = hash6(1, 2, 3, 4);
	struct flow f = {.src4 = 1, .dst4 = 3, .proto = PROTO_UDP};
	uint64_t udp = flow_hash(&key, &f, 0);

	(void)s;
	assert_true(h != hash4(2, 2, 3, 4));
	assert_true(h != hash4(1, 3, 3, 4));
	assert_true(h != hash4(1, 2, 4, 4));
	assert_true(h != hash4(1, 2, 3, 5));
	assert_true(h != hash4(3, 2, 1, 4)); /* ports belong to their end */
	assert_true(g != hash6(2, 2, 3, 4));
	assert_true(g != hash6(1, 2, 4, 4));
	assert_true(g != hash6(3, 2, 1, 4));
	assert_true(udp != flow_hash(&key, &f, 7));
	f.proto = PROTO_TCP;
	assert_true(udp != flow_hash(&key, &f, 0));
}

/* Flows that differ in what an attacker can count up, under another key. */
static void
counting_up_spreads(void **s)
{
	static unsigned hits[1024];
	unsigned most = 0;

	(void)s;
	for (unsigned i = 0; i < 65536; i++)
		hits[hash4(0x0a000001, (uint16_t)i, 0x0a000002, 80) & 1023]++;
	for (unsigned i = 0; i < 1024; i++)
		most = hits[i] > most ? hits[i] : most;
	assert_in_range(most, 64, 128); /* 64 expected, 8 sigma above */
}

static void
mask_leaves_what_it_names(void **s)
{
	struct flow f = {.src4 = 1, .dst4 = 2, .sport = 3, .dport = 4};
	struct flow g = f;

	(void)s;
	flow_mask(&g, 1 | 8);
	assert_int_equal(g.src4, 1);
	assert_int_equal(g.dst4, 0);
	assert_int_equal(g.sport, 0);
	assert_int_equal(g.dport, 4);
	g = f;
	flow_mask(&g, 2 | 4);
	assert_int_equal(g.src4, 0);
	assert_int_equal(g.dst4, 2);
	assert_int_equal(g.sport, 3);
	assert_int_equal(g.dport, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_directions_are_one),
		cmocka_unit_test(every_field_counts),
		cmocka_unit_test(counting_up_spreads),
		cmocka_unit_test(mask_leaves_what_it_names),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
