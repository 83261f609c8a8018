/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "tools/gen_frame.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

static struct gen_range src, dst;

static struct gen_flow
flow(const char *from, const char *to)
{
	struct gen_flow f;
	struct gen_macs s, d;

	assert_int_equal(gen_range_parse(from, &src, NULL), 0);
	assert_int_equal(gen_range_parse(to, &dst, NULL), 0);
	gen_flow_init(&f, &src, &dst);
	gen_macs_parse("02:00:00:00:00:01", &s, NULL);
	gen_macs_parse("ff:ff:ff:ff:ff:ff", &d, NULL);
	gen_flow_macs(&f, &s, &d);
	return f;
}

static struct gen_frame *
frame(const struct gen_flow *f, unsigned len_max, unsigned len_min)
{
	struct gen_frame_cfg c = {
	    .af = src.af,
	    .len_max = len_max,
	    .len_min = len_min,
	    .src_prefix = src.prefix,
	    .dst_prefix = dst.prefix,
	};
	struct gen_frame *out = NULL;

	assert_int_equal(gen_frame_create(&c, f, &out, NULL), 0);
	return out;
}

static unsigned
word(const uint8_t *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

/* The plain definition: 16-bit words added with end-around carry. */
static unsigned
plain_sum(unsigned sum, const uint8_t *at, unsigned len)
{
	for (unsigned i = 0; i < len; i += 2) {
		sum += (unsigned)at[i] << 8;
		if (i + 1 < len)
			sum += at[i + 1];
		if (sum > 0xffff)
			sum -= 0xffff;
	}
	return sum;
}

/* A receiver's view: lengths agree with 'len', and the sum over everything
 * that a checksum covers is all ones. */
static void
check_frame(const uint8_t *o, unsigned len)
{
	bool is_v6 = word(o + 12) == 0x86dd;
	const uint8_t *ip = o + 14, *udp = ip + (is_v6 ? 40 : 20);
	unsigned udp_len = len - (unsigned)(udp - o);
	unsigned pseudo = udp_len + 17;

	if (is_v6) {
		assert_int_equal(ip[0] >> 4, 6);
		assert_int_equal(word(ip + 4), udp_len);
		pseudo = plain_sum(pseudo, ip + 8, 32);
	} else {
		assert_int_equal(word(o + 12), 0x0800);
		assert_int_equal(ip[0], 0x45);
		assert_int_equal(word(ip + 2), len - 14);
		assert_int_equal(plain_sum(0, ip, 20), 0xffff);
		pseudo = plain_sum(pseudo, ip + 12, 8);
	}
	assert_int_equal(word(udp + 4), udp_len);
	assert_int_not_equal(word(udp + 6), 0);
	assert_int_equal(plain_sum(pseudo, udp, udp_len), 0xffff);
}

/* The default frame, octet for octet.  The checksums come from scapy. */
static void
test_golden_ipv4(void **state)
{
	static const uint8_t golden[60] = {
	    0xff, 0xff, 0xff, 0xff, 0xff, 0xff,		    /* to */
	    0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 0x08, 0x00, /* from */
	    0x45, 0x10, 0x00, 0x2e, 0x00, 0x00, 0x40, 0x00, /* IPv4 */
	    0x40, 0x11, 0x26, 0xad, 10,	  0,	0,    1,    10,	  1,   0,
	    1,	  0x04, 0xd2, 0x04, 0xd2, 0x00, 0x1a, 0xf9, 0x34, /* UDP */
	    'k',  'i',	'p',  'f',  'w',  ' ',	'p',  'k',  't',  '-', 'g',
	    'e',  'n',	' ',  'k',  'i',  'p',	'f'};
	struct gen_flow f = flow("10.0.0.1", "10.1.0.1");
	struct gen_frame *t = frame(&f, 60, 0);
	uint8_t got[GEN_HEAD_LEN];

	(void)state;
	assert_true(t->fixed);
	memset(got, 0xee, sizeof(got));
	gen_frame_write(t, &f, got, 60);
	check_frame(got, 60);
	assert_memory_equal(got, golden, sizeof(golden));
	gen_frame_destroy(t);
}

static void
test_golden_ipv6(void **state)
{
	static const uint8_t golden[62] = {
	    0xff, 0xff, 0xff, 0xff, 0xff, 0xff,		    /* to */
	    0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 0x86, 0xdd, /* from */
	    0x60, 0x00, 0x00, 0x00, 0x00, 0x08, 0x11, 0x40, /* IPv6 */
	    0xfd, 0,	0,    0,    0,	  0,	0,    0,
	    0,	  0,	0,    0,    0,	  0,	0,    1, /* from */
	    0xfd, 0,	0,    1,    0,	  0,	0,    0,
	    0,	  0,	0,    0,    0,	  0,	0,    2,   /* to */
	    0x04, 0xd2, 0x00, 0x35, 0x00, 0x08, 0x00, 0xd2 /* UDP */
	};
	struct gen_flow f = flow("fd00::1", "[fd00:1::2]:53");
	struct gen_frame *t = frame(&f, 62, 0);
	uint8_t got[GEN_HEAD_LEN];

	(void)state;
	gen_frame_write(t, &f, got, 62);
	check_frame(got, 62);
	assert_memory_equal(got, golden, sizeof(golden));
	gen_frame_destroy(t);
}

/* Every packet of a walk carries the flow's addresses and right checksums. */
static void
walk(const char *from, const char *to, unsigned len)
{
	struct gen_flow f = flow(from, to);
	struct gen_frame *t = frame(&f, len, 0);
	uint8_t *got = malloc(len + 64);
	unsigned ip = 14 + (t->is_v6 ? 8 : 12), addr = t->is_v6 ? 16 : 4;

	assert_false(t->fixed);
	for (unsigned i = 0; i < 5000; i++) {
		uint32_t low;

		memset(got, (int)i, len);
		gen_frame_write(t, &f, got, len);
		check_frame(got, len);
		memcpy(&low, got + ip + addr - 4, 4);
		assert_int_equal(__builtin_bswap32(low),
				 (uint32_t)f.axes[GEN_SRC_ADDR].cur);
		memcpy(&low, got + ip + 2 * addr - 4, 4);
		assert_int_equal(__builtin_bswap32(low),
				 (uint32_t)f.axes[GEN_DST_ADDR].cur);
		assert_int_equal(word(got + ip + 2 * addr),
				 f.axes[GEN_SRC_PORT].cur);
		assert_int_equal(word(got + ip + 2 * addr + 2),
				 f.axes[GEN_DST_PORT].cur);
		gen_flow_next(&f);
	}
	free(got);
	gen_frame_destroy(t);
}

static void
test_walks(void **state)
{
	(void)state;
	walk("10.0.0.1:1-10.0.0.5:7", "1.255.255.250:9-2.0.0.9:11", 60);
	walk("10.0.0.1:1-10.0.0.5:7", "1.255.255.250:9-2.0.0.9:11", 1514);
	/* Sums that carry out of 64 bits. */
	walk("[ffff::ffff:ffff:ffff:fff0]:1-[ffff::ffff:ffff:ffff:ffff]:3",
	     "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe-"
	     "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	     64);
	walk("[fd00::fff0]:1-[fd00::1:1]:3", "[::1]:9-[::5]:11", 62);
	walk("[fd00::fff0]:1-[fd00::1:1]:3", "[::1]:9-[::5]:11", 777);
}

/* All random: what no walk reaches, all ones and 0 included. */
static void
random_side(const char *from, const char *to)
{
	struct gen_flow f = flow(from, to);
	struct gen_frame *t = frame(&f, 99, 0);
	uint8_t got[128];

	gen_flow_random(&f, true, true, 42);
	for (unsigned i = 0; i < 200000; i++) {
		gen_frame_write(t, &f, got, 99);
		check_frame(got, 99);
		gen_flow_next(&f);
	}
	gen_frame_destroy(t);
}

static void
test_random(void **state)
{
	(void)state;
	random_side("0.0.0.0:0-255.255.255.255:65535",
		    "0.0.0.0:0-255.255.255.255:65535");
	random_side("[::]:0-[::ffff:ffff:ffff:ffff]:65535",
		    "[ffff:ffff:ffff:ffff::]:0-"
		    "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
}

/* Every length from the least to past a buffer, odd ones included. */
static void
test_lengths(void **state)
{
	struct gen_flow f = flow("10.0.0.1", "10.1.0.1");
	struct gen_frame *t = frame(&f, 2112, 60);
	uint8_t got[2112 + 1];

	(void)state;
	assert_false(t->fixed);
	for (unsigned len = 60; len <= 2112; len++) {
		unsigned end = len > GEN_HEAD_LEN ? len : GEN_HEAD_LEN;

		got[end] = 0xa5;
		gen_frame_write(t, &f, got, len);
		check_frame(got, len);
		assert_int_equal(got[end], 0xa5); /* and nothing beyond */
	}
	gen_frame_destroy(t);
}

static void
test_largest(void **state)
{
	struct gen_flow f = flow("fd00::1", "fd00::2");
	struct gen_frame *t = frame(&f, GEN_FRAME_MAX, 0);
	uint8_t *got = malloc(GEN_FRAME_MAX);

	(void)state;
	gen_frame_write(t, &f, got, GEN_FRAME_MAX);
	check_frame(got, GEN_FRAME_MAX);
	free(got);
	gen_frame_destroy(t);
}

static void
test_macs(void **state)
{
	static const uint8_t want[12] = {2, 0, 0, 0, 1, 0, 2, 0, 0, 0, 0, 1};
	struct gen_flow f = flow("10.0.0.1", "10.1.0.1");
	struct gen_macs s, d;
	struct gen_frame *t;
	uint8_t got[GEN_HEAD_LEN];

	(void)state;
	gen_macs_parse("02:00:00:00:00:01", &s, NULL);
	gen_macs_parse("02:00:00:00:00:ff-02:00:00:00:01:00", &d, NULL);
	gen_flow_macs(&f, &s, &d);
	t = frame(&f, 60, 0);
	gen_flow_next(&f);
	gen_frame_write(t, &f, got, 60);
	assert_memory_equal(got, want, sizeof(want));
	check_frame(got, 60);
	gen_frame_destroy(t);
}

/* -r: the first line only, and no UDP checksum. */
static void
test_headers_only(void **state)
{
	struct gen_flow f = flow("10.0.0.1", "10.1.0.1");
	struct gen_frame_cfg c = {
	    .af = AF_INET, .len_max = 1514, .headers_only = true};
	struct gen_frame *t = NULL;
	uint8_t got[1514];

	(void)state;
	memset(got, 0x5a, sizeof(got));
	assert_int_equal(gen_frame_create(&c, &f, &t, NULL), 0);
	gen_frame_write(t, &f, got, 1514);
	assert_int_equal(plain_sum(0, got + 14, 20), 0xffff);
	assert_int_equal(word(got + 40), 0);
	for (unsigned i = GEN_HEAD_LEN; i < sizeof(got); i++)
		assert_int_equal(got[i], 0x5a);
	gen_frame_destroy(t);
}

static void
test_refused(void **state)
{
	static const struct {
		int af;
		unsigned max, min;
	} bad[] = {{AF_INET, 59, 0},
		   {AF_INET, 0, 0},
		   {AF_INET, GEN_FRAME_MAX + 1, 0},
		   {AF_INET, 100, 101},
		   {AF_INET, 100, 59},
		   {AF_INET6, 61, 0}};
	struct gen_flow f = flow("10.0.0.1", "10.1.0.1");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct gen_frame_cfg c = {.af = bad[i].af,
					  .len_max = bad[i].max,
					  .len_min = bad[i].min};
		struct gen_frame *t = NULL;

		assert_int_equal(gen_frame_create(&c, &f, &t, NULL), -EINVAL);
		assert_null(t);
	}
	gen_frame_destroy(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_golden_ipv4),
	    cmocka_unit_test(test_golden_ipv6),
	    cmocka_unit_test(test_walks),
	    cmocka_unit_test(test_random),
	    cmocka_unit_test(test_lengths),
	    cmocka_unit_test(test_largest),
	    cmocka_unit_test(test_macs),
	    cmocka_unit_test(test_headers_only),
	    cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
