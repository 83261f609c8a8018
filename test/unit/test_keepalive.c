/* SPDX-License-Identifier: BSD-2-Clause */
/* Keepalives octet by octet, against what a stack would make of them. */
#include "unit.h"

#include "frames.h"

#include "state/keepalive.h"

static struct state_view v;
static uint8_t out[KEEPALIVE_MAX];

/* An open connection, 10.0.0.1 port 1000 to 10.0.0.2 port 80, some seconds
 * before its end. */
static int
fresh(void **s)
{
	(void)s;
	v = (struct state_view){
	    .flow = {.src4 = __builtin_bswap32(0x0a000001),
		.dst4 = __builtin_bswap32(0x0a000002), .sport = 1000,
		.dport = 80, .proto = PROTO_TCP},
	    .life = {LIFE_BOTH_SYN, 0x80000001, 0x100},
	    .kind = STATE_KEEP,
	    .left_s = 19,
	};
	memcpy(v.macs, "\x02\0\0\0\0\x0d\x02\0\0\0\0\x05", 12);
	memset(out, 0xee, sizeof(out));
	return 0;
}

/* The sum over 'n' octets at 'at' as a receiver computes it: 0xffff. */
static uint32_t
sum(uint32_t s, const uint8_t *at, unsigned n)
{
	for (unsigned i = 0; i < n; i += 2)
		s += (uint32_t)at[i] << 8 | at[i + 1];
	while (s > 0xffff)
		s = (s & 0xffff) + (s >> 16);
	return s;
}

/* Everything that is alike in both directions. */
static const uint8_t *
check_ip4(const uint8_t *h)
{
	static const uint8_t fixed[] = {0x45, 0x10, 0, 40, 0, 0, 0x40, 0, 64,
		PROTO_TCP};

	assert_memory_equal(h, fixed, sizeof(fixed));
	assert_int_equal(sum(0, h, 20), 0xffff);
	assert_int_equal(sum(PROTO_TCP + 20, h + 12, 28), 0xffff);
	assert_int_equal(h[20 + 12], 0x50);
	assert_int_equal(h[20 + 13], TH_ACK);
	assert_int_equal(get16(h + 20 + 14), 0); /* window */
	assert_int_equal(get16(h + 20 + 18), 0); /* urgent */
	return h + 20;
}

static void
to_the_other_end(void **s)
{
	const uint8_t *h;

	(void)s;
	assert_int_equal(keepalive_build(&v, KEEPALIVE_DST, out), 54);
	assert_memory_equal(out, v.macs, 12);
	assert_int_equal(get16(out + 12), ETYPE_IP4);
	h = check_ip4(out + 14);
	assert_int_equal(get32(h - 8), 0x0a000001);
	assert_int_equal(get32(h - 4), 0x0a000002);
	assert_int_equal(get16(h), 1000);
	assert_int_equal(get16(h + 2), 80);
	assert_int_equal(get32(h + 4), 0xff);
	assert_int_equal(get32(h + 8), 0x80000001);
	assert_int_equal(out[54], 0xee);
}

static void
to_the_first_end(void **s)
{
	const uint8_t *h;

	(void)s;
	assert_int_equal(keepalive_build(&v, KEEPALIVE_SRC, out), 54);
	assert_memory_equal(out, v.macs + 6, 6);
	assert_memory_equal(out + 6, v.macs, 6);
	h = check_ip4(out + 14);
	assert_int_equal(get32(h - 8), 0x0a000002);
	assert_int_equal(get32(h - 4), 0x0a000001);
	assert_int_equal(get16(h), 80);
	assert_int_equal(get16(h + 2), 1000);
	assert_int_equal(get32(h + 4), 0x80000000);
	assert_int_equal(get32(h + 8), 0x100);
}

static void
with_tags_and_ip6(void **s)
{
	static const uint8_t tags[8] = {0x88, 0xa8, 0, 7, 0x81, 0, 0x60, 42};
	const uint8_t *h = out + 22;

	(void)s;
	v.flow.is6 = true;
	memset(v.flow.src6, 0x11, 16);
	memset(v.flow.dst6, 0x22, 16);
	memcpy(v.tags, tags, 8);
	v.tags_len = 8;
	assert_int_equal(keepalive_build(&v, KEEPALIVE_SRC, out),
	    KEEPALIVE_MAX);
	assert_memory_equal(out + 12, tags, 8);
	assert_int_equal(get16(out + 20), ETYPE_IP6);
	assert_int_equal(get32(h), 0x60000000);
	assert_int_equal(get16(h + 4), 20);
	assert_int_equal(h[6], PROTO_TCP);
	assert_int_equal(h[7], 64);
	assert_memory_equal(h + 8, v.flow.dst6, 16);
	assert_memory_equal(h + 24, v.flow.src6, 16);
	assert_int_equal(sum(PROTO_TCP + 20, h + 8, 52), 0xffff);
	assert_int_equal(get16(h + 40), 80);
	assert_int_equal(get32(h + 44), 0x80000000);
	v.tags_len = 4;
	assert_int_equal(keepalive_build(&v, KEEPALIVE_DST, out), 78);
	assert_int_equal(get16(out + 16), ETYPE_IP6);
	assert_memory_equal(out + 18 + 8, v.flow.src6, 16);
}

static void
only_silent_ends_are_asked(void **s)
{
	const unsigned both = KEEPALIVE_SRC | KEEPALIVE_DST;

	(void)s;
	assert_int_equal(keepalive_ends(&v), both);
	v.life.flags |= LIFE_ACK_FWD;
	assert_int_equal(keepalive_ends(&v), KEEPALIVE_DST);
	v.life.flags ^= LIFE_BOTH_ACK;
	assert_int_equal(keepalive_ends(&v), KEEPALIVE_SRC);
	v.life.ack_fwd = 0;
	assert_int_equal(keepalive_ends(&v), 0);
}

static void
only_open_connections_are_kept(void **s)
{
	(void)s;
	v.left_s = 0;
	assert_int_equal(keepalive_ends(&v), 0);
	v.left_s = 20;
	assert_int_equal(keepalive_ends(&v), 0);
	v.left_s = 1;
	assert_int_not_equal(keepalive_ends(&v), 0);
	v.kind = STATE_LIMIT;
	assert_int_not_equal(keepalive_ends(&v), 0);
	v.kind = STATE_PARENT;
	assert_int_equal(keepalive_ends(&v), 0);
	v.kind = STATE_KEEP;
	v.flow.proto = PROTO_UDP;
	assert_int_equal(keepalive_ends(&v), 0);
	v.flow.proto = PROTO_TCP;
	v.life.flags = LIFE_SYN_FWD;
	assert_int_equal(keepalive_ends(&v), 0);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup(f, fresh)
	const struct CMUnitTest tests[] = {
		T(to_the_other_end), T(to_the_first_end), T(with_tags_and_ip6),
		T(only_silent_ends_are_asked),
		T(only_open_connections_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
