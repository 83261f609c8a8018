/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "frames.h"

#include "state/life.h"

static const struct life_cfg cfg = {300, 20, 1, 2, 10, 5};
static struct life life;
static struct frame f;

static uint32_t
tcp(uint8_t flags, uint32_t ack, bool rev)
{
	struct pkt p;

	f_ether(&f, ETYPE_IP4);
	f_ip4(&f, PROTO_TCP, 1, 2, 0);
	put32(f_tcp(&f, 1, 2, flags) + 8, ack);
	p = f_parse(&f);
	return life_next(&life, &cfg, &p, rev);
}

static void
open_both(void)
{
	life = (struct life){0};
	assert_int_equal(tcp(TH_SYN, 0, false), 20);
	assert_int_equal(tcp(TH_SYN | TH_ACK, 100, true), 0);
	assert_int_equal(tcp(TH_ACK, 200, false), 300);
}

static void
a_connection_opens(void **s)
{
	(void)s;
	open_both();
	assert_int_equal(life.flags & LIFE_TCP, LIFE_BOTH_SYN);
	assert_int_equal(life.ack_fwd, 200);
	assert_int_equal(life.ack_rev, 100);
}

static void
only_acks_of_both_sides_renew(void **s)
{
	(void)s;
	open_both();
	assert_int_equal(life.flags & LIFE_BOTH_ACK, 0);
	assert_int_equal(tcp(TH_ACK, 201, false), 0);
	assert_int_equal(tcp(TH_ACK, 202, false), 0);
	assert_int_equal(life.flags & LIFE_BOTH_ACK, LIFE_ACK_FWD);
	assert_int_equal(tcp(TH_ACK, 100, true), 300);
	assert_int_equal(life.flags & LIFE_BOTH_ACK, 0);
	assert_int_equal(tcp(TH_ACK, 100, true), 0);
	assert_int_equal(tcp(TH_ACK, 202, false), 300);
}

static void
an_ack_that_goes_back_is_none(void **s)
{
	(void)s;
	open_both();
	assert_int_equal(tcp(TH_ACK, 199, false), 0);
	assert_int_equal(life.ack_fwd, 200);
	assert_int_equal(tcp(TH_ACK, 99, true), 0);
	assert_int_equal(life.flags & LIFE_BOTH_ACK, 0);
	/* Across the wrap of 2^32. */
	life.ack_fwd = 0xfffffff0;
	assert_int_equal(tcp(TH_ACK, 5, false), 0);
	assert_int_equal(life.flags & LIFE_BOTH_ACK, LIFE_ACK_FWD);
	life.flags &= ~(uint32_t)LIFE_BOTH_ACK;
	assert_int_equal(tcp(TH_ACK, 0xfffffff5, false), 0);
	assert_int_equal(life.flags & LIFE_BOTH_ACK, 0);
}

static void
open_is_without_the_last_fin_and_rst(void **s)
{
	(void)s;
	assert_false(life_is_open(LIFE_SYN_FWD));
	assert_true(life_is_open(LIFE_BOTH_SYN));
	assert_true(life_is_open(LIFE_BOTH_SYN | LIFE_FIN_FWD));
	assert_true(life_is_open(LIFE_BOTH_SYN | LIFE_FIN_REV));
	assert_false(life_is_open(LIFE_BOTH_SYN | LIFE_BOTH_FIN));
	assert_false(life_is_open(LIFE_BOTH_SYN | 0x0004));
	assert_false(life_is_open(LIFE_BOTH_SYN | 0x0400));
}

static void
it_closes(void **s)
{
	(void)s;
	open_both();
	assert_int_equal(tcp(TH_FIN | TH_ACK, 201, false), 0);
	assert_int_equal(tcp(TH_ACK, 102, true), 300);
	assert_int_equal(tcp(TH_FIN | TH_ACK, 102, true), 1);
	assert_int_equal(tcp(TH_ACK, 202, false), 1);
	open_both();
	assert_int_equal(tcp(TH_FIN | TH_ACK, 101, true), 0);
	assert_int_equal(tcp(TH_ACK, 201, false), 300);
	open_both();
	assert_int_equal(tcp(TH_RST, 0, true), 2);
	assert_int_equal(tcp(TH_ACK, 300, false), 2);
}

static void
picked_up_half_way(void **s)
{
	(void)s;
	life = (struct life){0};
	assert_int_equal(tcp(TH_ACK, 1, false), 2);
	life = (struct life){0};
	assert_int_equal(tcp(TH_SYN | TH_ACK, 1, true), 2);
}

static void
closing_lives_are_below_the_keepalive(void **s)
{
	struct life_cfg c = cfg;
	struct pkt p;

	(void)s;
	c.fin_s = c.rst_s = 100;
	life = (struct life){LIFE_BOTH_SYN | LIFE_BOTH_FIN, 0, 0};
	f_ether(&f, ETYPE_IP4);
	f_ip4(&f, PROTO_TCP, 1, 2, 0);
	f_tcp(&f, 1, 2, TH_ACK);
	p = f_parse(&f);
	assert_int_equal(life_next(&life, &c, &p, false), 4);
	life = (struct life){0};
	assert_int_equal(life_next(&life, &c, &p, false), 4);
}

static void
other_protocols(void **s)
{
	static const struct { uint8_t proto; uint32_t want; } rows[] = {
		{PROTO_UDP, 10}, {PROTO_UDPLITE, 10}, {PROTO_ICMP, 5},
		{PROTO_GRE, 5}};

	(void)s;
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		struct pkt p = {.proto = rows[i].proto, .flags = PKT_IP4};

		life = (struct life){0};
		assert_int_equal(life_next(&life, &cfg, &p, i & 1),
		    rows[i].want);
		assert_int_equal(life.flags, 0);
	}
}

/* A later fragment of TCP has neither flags nor numbers. */
static void
fragments_have_no_flags(void **s)
{
	struct pkt p = {.proto = PROTO_TCP, .flags = PKT_IP4 | PKT_LATER_FRAG,
		.tcp_flags = TH_SYN};

	(void)s;
	life = (struct life){0};
	assert_int_equal(life_next(&life, &cfg, &p, false), 2);
	life.flags = LIFE_BOTH_SYN;
	assert_int_equal(life_next(&life, &cfg, &p, false), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_connection_opens),
		cmocka_unit_test(only_acks_of_both_sides_renew),
		cmocka_unit_test(an_ack_that_goes_back_is_none),
		cmocka_unit_test(open_is_without_the_last_fin_and_rst),
		cmocka_unit_test(it_closes),
		cmocka_unit_test(picked_up_half_way),
		cmocka_unit_test(closing_lives_are_below_the_keepalive),
		cmocka_unit_test(other_protocols),
		cmocka_unit_test(fragments_have_no_flags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
