/* SPDX-License-Identifier: BSD-2-Clause */
/* Answers to rejected packets, against frames that scapy made. */
#include "unit.h"

#include "packet/checksum.h"
#include "packet/parse.h"
#include "packet/proto.h"
#include "packet/reply.h"

#include "base/bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FRAME_MAX = 2048 };

/* A line of the golden file. */
struct sample {
	char name[64];
	uint8_t kind;
	uint8_t code;
	uint16_t mtu;
	uint8_t frame[FRAME_MAX], answer[FRAME_MAX];
	unsigned len, answer_len; /* 0: none */
};

static unsigned
from_hex(const char *s, uint8_t *out)
{
	unsigned n = 0, v;

	for (; sscanf(s, "%2x", &v) == 1; s += 2)
		out[n++] = (uint8_t)v;
	return n;
}

static bool
read_sample(FILE *f, struct sample *s)
{
	static char line[16384], kind[16], hex[2][2 * FRAME_MAX + 1];
	unsigned code, mtu;

	do {
		if (fgets(line, sizeof(line), f) == NULL)
			return false;
	} while (line[0] == '#');
	assert_int_equal(sscanf(line, "%63s %15s %u %u %4096s %4096s", s->name,
	    kind, &code, &mtu, hex[0], hex[1]), 6);
	s->kind = strcmp(kind, "rst") == 0 ? REPLY_RST :
	    strcmp(kind, "abort") == 0	   ? REPLY_ABORT :
					     REPLY_UNREACH;
	s->code = (uint8_t)code;
	s->mtu = (uint16_t)mtu;
	s->len = from_hex(hex[0], s->frame);
	s->answer_len = from_hex(hex[1], s->answer);
	return true;
}

/* The frame in memory of exactly its size, parsed, and its answer asked for. */
static unsigned
answer(const struct sample *s, unsigned len, uint8_t *out)
{
	static const struct parse_cfg cfg = {true, true};
	uint8_t *exact = malloc(len + (len == 0));
	struct pkt p = {.data = exact, .len = (uint16_t)len};
	unsigned n = 0;

	memcpy(exact, s->frame, len);
	parse(&p, &cfg);
	p.reply = s->kind;
	p.reply_code = s->code;
	p.reply_mtu = s->mtu;
	if (p.bad == PKT_GOOD)
		n = reply_build(&p, out);
	free(exact);
	return n;
}

/* Ones in the sum of 'n' octets and a number: what a receiver computes. */
static bool
sums_up(uint32_t sum, const uint8_t *at, unsigned n)
{
	return checksum_end(checksum_add(sum, at, n)) == 0;
}

/* The receiver's view: all checksums of the frame hold. */
static bool
valid(uint8_t *frame, unsigned len)
{
	static const struct parse_cfg cfg = {true, true};
	struct pkt p = {.data = frame, .len = (uint16_t)len};
	uint8_t *h, *l4;
	unsigned n, addrs;
	uint32_t crc;

	parse(&p, &cfg);
	h = frame + p.l3;
	l4 = frame + p.l4;
	n = len - p.l4;
	if (p.bad != PKT_GOOD || p.l3 + p.ip_len != len)
		return false;
	if ((p.flags & PKT_IP4) != 0 && !sums_up(0, h, IP4_LEN))
		return false;
	if (p.proto == PROTO_ICMP)
		return sums_up(0, l4, n);
	if (p.proto == PROTO_SCTP) {
		crc = __builtin_bswap32(get32(l4 + 8));
		memset(l4 + 8, 0, 4);
		return crc == checksum_crc32c(l4, n);
	}
	addrs = (p.flags & PKT_IP6) != 0 ? 32 : 8;
	return sums_up(checksum_add(p.proto + n, l4 - addrs, addrs), l4, n);
}

static void
golden(void **state)
{
	FILE *f = fopen("test/golden/replies.txt", "r");
	uint8_t *out = malloc(REPLY_MAX);
	static struct sample s;
	unsigned lines = 0;

	(void)state;
	assert_non_null(f);
	for (; read_sample(f, &s); lines++) {
		unsigned n = answer(&s, s.len, out);

		if (n != s.answer_len || memcmp(out, s.answer, n) != 0)
			fail_msg("%s: %u octets, wanted %u", s.name, n,
			    s.answer_len);
		if (n != 0 && !valid(out, n))
			fail_msg("%s: a checksum or length is wrong", s.name);
	}
	assert_true(lines >= 60);
	fclose(f);
	free(out);
}

/* A frame cut anywhere gives a shorter answer or none, and reads no octet
 * beyond its end. */
static void
cut_anywhere(void **state)
{
	FILE *f = fopen("test/golden/replies.txt", "r");
	uint8_t *out = malloc(REPLY_MAX);
	static struct sample s;

	(void)state;
	while (read_sample(f, &s))
		for (unsigned len = 0; len < s.len; len++) {
			unsigned n = answer(&s, len, out);

			assert_true(n <= REPLY_MAX);
			if (n != 0 && !valid(out, n))
				fail_msg("%s cut to %u", s.name, len);
		}
	fclose(f);
	free(out);
}

/* Any octet changed to the extremes: still valid or silent. */
static void
hostile_octets(void **state)
{
	static const uint8_t values[] = {0, 1, 0x0f, 0x7f, 0x80, 0xff};
	FILE *f = fopen("test/golden/replies.txt", "r");
	uint8_t *out = malloc(REPLY_MAX);
	static struct sample s;

	(void)state;
	while (read_sample(f, &s))
		for (unsigned i = 0; i < s.len && i < 100; i++)
			for (unsigned v = 0; v < ARRAY_LEN(values); v++) {
				uint8_t old = s.frame[i];
				unsigned n;

				s.frame[i] = values[v];
				n = answer(&s, s.len, out);
				if (n != 0 && !valid(out, n))
					fail_msg("%s with %u at %u", s.name,
					    values[v], i);
				s.frame[i] = old;
			}
	fclose(f);
	free(out);
}

static void
codes_for_ip6(void **state)
{
	static const uint8_t wanted[] = {0, 0, 1, 4, 1, 0, 0, 0, 1, 1, 1, 0, 0,
	    1, 1, 1};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(wanted); i++)
		assert_int_equal(reply_code6(i), wanted[i]);
	assert_int_equal(reply_code6(255), 1);
}

/* The check values of the two algorithms. */
static void
checksums(void **state)
{
	static const uint8_t rfc1071[] = {0, 1, 0xf2, 3, 0xf4, 0xf5, 0xf6,
	    0xf7};

	(void)state;
	assert_int_equal(checksum_crc32c("123456789", 9), 0xe3069283);
	assert_int_equal(checksum_crc32c("", 0), 0);
	assert_int_equal(checksum_end(checksum_add(0, rfc1071, 8)), 0x220d);
	assert_int_equal(checksum_end(checksum_add(0, "\1", 1)), 0xfeff);
	assert_int_equal(checksum_end(0xffffffff), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(hostile_octets),
		cmocka_unit_test(codes_for_ip6),
		cmocka_unit_test(checksums),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
