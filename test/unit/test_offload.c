/* SPDX-License-Identifier: BSD-2-Clause */
/* Finished checksums, and segments against frames that are built one by one:
 * the reference knows nothing of cutting. */
#include "unit.h"

#include "base/bytes.h"
#include "base/rng.h"
#include "packet/checksum.h"
#include "packet/offload.h"
#include "packet/proto.h"

#include <stdlib.h>
#include <string.h>

enum { MAX = OFFLOAD_MAX_FRAME };

/* What frames are made of. */
struct kind {
	const char *name;
	unsigned n_tags;
	bool six;
	bool udp;
	unsigned options; /* octets of IPv4's or TCP's options */
	bool ext;	  /* a destination options header */
	unsigned gso;
};

static const struct kind kinds[] = {
	{"tcp4", 0, false, false, 0, false, OFFLOAD_TCP4},
	{"tcp4 options", 0, false, false, 12, false, OFFLOAD_TCP4},
	{"tcp4 vlan", 1, false, false, 12, false, OFFLOAD_TCP4},
	{"tcp4 ecn", 0, false, false, 12, false, OFFLOAD_TCP4 | OFFLOAD_ECN},
	{"tcp6", 0, true, false, 12, false, OFFLOAD_TCP6},
	{"tcp6 qinq ext", 2, true, false, 20, true, OFFLOAD_TCP6},
	{"udp4", 0, false, true, 0, false, OFFLOAD_UDP},
	{"udp6 vlan ext", 1, true, true, 0, true, OFFLOAD_UDP},
};

static uint8_t payload[1 << 16];

static uint8_t *
add(uint8_t **at, unsigned n)
{
	uint8_t *h = *at;

	memset(h, 0, n);
	*at += n;
	return h;
}

static uint32_t
plain_sum(uint32_t sum, const uint8_t *at, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sum += i % 2 == 0 ? (uint32_t)at[i] << 8 : at[i];
	return sum;
}

static uint16_t
plain_end(uint32_t sum)
{
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* Ethernet, tags and IP; returns where the addresses are. */
static uint8_t *
put_ip(uint8_t **at, const struct kind *k, unsigned size, unsigned id)
{
	unsigned proto = k->udp ? PROTO_UDP : PROTO_TCP;
	uint8_t *h = add(at, 12);

	memcpy(h, "\x02\1\2\3\4\5\x02\6\7\x08\x09\x0a", 12);
	for (unsigned i = 0; i < k->n_tags; i++) {
		h = add(at, 4);
		put16(h, i + 1 < k->n_tags ? ETYPE_QINQ : ETYPE_VLAN);
		put16(h + 2, (uint16_t)(0x2064 + i));
	}
	put16(add(at, 2), k->six ? ETYPE_IP6 : ETYPE_IP4);
	if (!k->six) {
		unsigned n = 20 + (k->udp ? 0 : k->options / 8 * 4);

		h = add(at, n);
		h[0] = (uint8_t)(0x40 | n / 4);
		h[1] = 0x2e;
		put16(h + 2, (uint16_t)(n + size));
		put16(h + 4, (uint16_t)id);
		put16(h + 6, 0x4000);
		h[8] = 63;
		h[9] = (uint8_t)proto;
		put32(h + 12, 0xc0a80101);
		put32(h + 16, 0x0a00fffe);
		memset(h + 20, 1, n - 20);
		put16(h + 10, (uint16_t)~plain_end(plain_sum(0, h, n)));
		return h + 12;
	}
	h = add(at, 40);
	put32(h, 0x6ab12345);
	put16(h + 4, (uint16_t)(size + (k->ext ? 16 : 0)));
	h[6] = (uint8_t)(k->ext ? PROTO_DSTOPTS : proto);
	h[7] = 3;
	for (unsigned i = 8; i < 40; i++)
		h[i] = (uint8_t)(i * 37);
	if (k->ext) {
		uint8_t *x = add(at, 16);

		x[0] = (uint8_t)proto;
		x[1] = 1;
		x[2] = 1;
		x[3] = 12;
	}
	return h + 8;
}

/* A frame of this kind with payload[from, to).  'partial': its checksum is the
 * pseudo-header's, and *o says so. */
static unsigned
build(uint8_t *f, const struct kind *k, unsigned from, unsigned to,
    unsigned flags, unsigned id, bool partial, struct offload *o)
{
	unsigned hlen = k->udp ? 8 : 20 + k->options;
	unsigned size = hlen + to - from, addrs = k->six ? 32 : 8;
	uint8_t *at = f, *ips = put_ip(&at, k, size, id);
	uint8_t *h = add(&at, hlen), *sum = h + (k->udp ? 6 : 16);
	uint32_t pseudo;

	put16(h, 4321);
	put16(h + 2, 80);
	if (k->udp) {
		put16(h + 4, (uint16_t)size);
	} else {
		put32(h + 4, 0xffff0000 + from);
		put32(h + 8, 77);
		h[12] = (uint8_t)(hlen / 4 << 4);
		h[13] = (uint8_t)flags;
		put16(h + 14, 500);
		memset(h + 20, 1, k->options);
	}
	memcpy(at, payload + from, to - from);
	pseudo = plain_sum(size + (k->udp ? PROTO_UDP : PROTO_TCP), ips, addrs);
	if (o != NULL)
		*o = (struct offload){.flags = OFFLOAD_CSUM,
		    .gso = (uint8_t)k->gso, .csum_start = (uint16_t)(h - f),
		    .csum_offset = k->udp ? 6 : 16};
	if (partial) {
		put16(sum, plain_end(pseudo));
	} else {
		uint16_t s = (uint16_t)~plain_end(plain_sum(pseudo, h, size));

		put16(sum, s == 0 ? 0xffff : s);
	}
	return (unsigned)(h - f) + size;
}

/* Flags of segment i of n of a frame with all flags that matter. */
static unsigned
flags_of(unsigned i, unsigned n)
{
	unsigned all = TH_FIN | TH_PUSH | TH_ACK | 0x40 | 0x80;

	if (i + 1 < n)
		all &= ~(unsigned)(TH_FIN | TH_PUSH);
	return i > 0 ? all & ~0x80u : all;
}

static void
cut_one(const struct kind *k, unsigned size, unsigned mss, unsigned behind)
{
	uint8_t *whole = malloc(MAX), *frame, *want = malloc(MAX), *out;
	unsigned n = size == 0 ? 1 : (size + mss - 1) / mss, len;
	struct segments s;
	struct offload o;

	len = build(whole, k, 0, size, flags_of(0, 1), 0xfffe, true, &o);
	frame = malloc(len + behind); /* no octet more, so that ASan sees */
	memcpy(frame, whole, len);
	memset(frame + len, 0xee, behind);
	o.gso_size = (uint16_t)mss;
	assert_true(segments_begin(&s, frame, len + behind, &o));
	if (size >= mss)
		assert_int_equal(offload_segment(frame, &o) + k->n_tags * 4,
		    segments_max(&s));
	out = malloc(segments_max(&s));
	for (unsigned i = 0; i < n; i++) {
		unsigned to = (i + 1) * mss < size ? (i + 1) * mss : size;
		unsigned w = build(want, k, i * mss, to, flags_of(i, n),
		    0xfffe + i, false, NULL);

		if (segments_next(&s, out) != w || memcmp(out, want, w) != 0)
			fail_msg("%s: %u octets by %u: segment %u differs",
			    k->name, size, mss, i);
	}
	assert_int_equal(segments_next(&s, out), 0);
	free(whole);
	free(frame);
	free(want);
	free(out);
}

static void
segments_are_as_built(void **state)
{
	static const unsigned sizes[] = {0, 1, 99, 1447, 1448, 1449, 2896, 2897,
	    14480, 65000 - 1};
	struct rng rng;

	(void)state;
	rng_init(&rng, 7);
	for (unsigned i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)rng_u64(&rng);
	for (unsigned k = 0; k < ARRAY_LEN(kinds); k++) {
		for (unsigned i = 0; i < ARRAY_LEN(sizes); i++)
			cut_one(&kinds[k], sizes[i], 1448, 0);
		for (unsigned i = 0; i < 200; i++)
			cut_one(&kinds[k], (unsigned)(rng_u64(&rng) % 5000),
			    1 + (unsigned)(rng_u64(&rng) % 2000) * 4 + 3,
			    (unsigned)(rng_u64(&rng) % 5));
	}
}

static void
checksums_are_completed(void **state)
{
	static uint8_t f[MAX], want[MAX];
	struct offload o;

	(void)state;
	for (unsigned k = 0; k < ARRAY_LEN(kinds); k++)
		for (unsigned n = 0; n < 300; n++) {
			unsigned len = build(f, &kinds[k], 5, 5 + n, TH_ACK, 9,
			    true, &o);

			build(want, &kinds[k], 5, 5 + n, TH_ACK, 9, false,
			    NULL);
			assert_true(offload_complete(f, len, &o));
			assert_memory_equal(f, want, len);
		}
}

/* UDP says "no checksum" with 0, so 0 is written as its twin. */
static void
no_checksum_is_zero(void **state)
{
	struct kind k = {"udp4", 0, false, true, 0, false, OFFLOAD_UDP};
	uint8_t f[100];
	struct offload o;
	unsigned len = build(f, &k, 0, 2, 0, 0, true, &o);
	uint32_t sum;

	(void)state;
	put16(f + len - 2, 0);
	sum = plain_end(plain_sum(0, f + o.csum_start, len - o.csum_start));
	put16(f + len - 2, (uint16_t)(0xffff - sum));
	assert_true(offload_complete(f, len, &o));
	assert_int_equal(get16(f + o.csum_start + 6), 0xffff);
}

/* SCTP's checksum is a CRC: of a packet in RFC 9260's form, by hand. */
static void
sctp_has_a_crc(void **state)
{
	uint8_t f[ETHER_LEN + IP4_LEN + 12 + 8] = {0}, *h = f + 34;
	struct offload o = {.flags = OFFLOAD_CSUM, .csum_start = 34,
	    .csum_offset = 8};
	uint32_t crc, got;

	(void)state;
	put16(f + 12, ETYPE_IP4);
	f[14] = 0x45;
	put16(f + 16, sizeof(f) - ETHER_LEN);
	f[23] = PROTO_SCTP;
	put16(h, 1);
	put16(h + 2, 2);
	memcpy(h + 12, "\x0b\0\0\4abcd", 8);
	crc = checksum_crc32c(h, 20);
	put32(h + 8, 0x12345678);
	assert_true(offload_complete(f, sizeof(f), &o));
	memcpy(&got, h + 8, sizeof(got));
	assert_int_equal(got, crc);
	f[23] = PROTO_UDPLITE; /* and nothing else is */
	put32(h + 8, 0);
	assert_true(offload_complete(f, sizeof(f), &o));
	assert_int_equal(get16(h + 10), 0);
}

static void
refused(const uint8_t *f, unsigned len, struct offload o, const char *why)
{
	struct segments s = {.n = 99};

	if (segments_begin(&s, f, len, &o) || s.n != 99)
		fail_msg("%s: not refused", why);
}

/* What does not fit is refused before anything is done. */
static void
lies_are_refused(void **state)
{
	uint8_t f[4000];
	struct offload good, o;
	unsigned len = build(f, &kinds[1], 0, 3000, TH_ACK, 1, true, &good);
	struct segments s;

	(void)state;
	good.gso_size = 1448;
	assert_true(segments_begin(&s, f, len, &good));
	refused(f, MAX + 1, good, "longer than can be");
	refused(f, good.csum_start + 31, good, "header cut off");
	refused(f, 0, good, "nothing");
	o = good, o.gso_size = 0;
	refused(f, len, o, "no size");
	o = good, o.gso_size = 1;
	refused(f, len, o, "too many segments");
	o = good, o.flags = 0;
	refused(f, len, o, "no checksum wanted");
	o = good, o.csum_start += 4;
	refused(f, len, o, "header elsewhere, as in a tunnel");
	o = good, o.csum_offset = 6;
	refused(f, len, o, "checksum elsewhere");
	o = good, o.gso = OFFLOAD_TCP6;
	refused(f, len, o, "other family");
	o = good, o.gso = OFFLOAD_UDP;
	refused(f, len, o, "other protocol");
	o = good, o.gso = 3;
	refused(f, len, o, "fragments of UDP");
	f[good.csum_start + 12] = 0x40;
	refused(f, len, good, "TCP header too short");
	f[good.csum_start + 12] = 0x80;
	put16(f + 20, 0x2000);
	refused(f, len, good, "a fragment");
	o = good, o.csum_start = 0xffff;
	assert_false(offload_complete(f, len, &o));
	o.csum_start = (uint16_t)(len - 1), o.csum_offset = 0;
	assert_false(offload_complete(f, len, &o));
	o.csum_start = (uint16_t)(len - 2);
	assert_true(offload_complete(f, len, &o));
}

/* The fast sum against the definition, at every length and alignment. */
static void
sums_are_sums(void **state)
{
	static uint8_t ones[70000];

	(void)state;
	memset(ones, 0xff, sizeof(ones));
	for (unsigned at = 0; at < 9; at++)
		for (unsigned n = 0; n < 400; n++) {
			assert_int_equal(
			    checksum_end(checksum_add(at, payload + at, n)),
			    (uint16_t)~plain_end(
				plain_sum(at, payload + at, n)));
			assert_int_equal(
			    checksum_end(checksum_add(0, ones + at, n)),
			    (uint16_t)~plain_end(plain_sum(0, ones + at, n)));
		}
	assert_int_equal(checksum_end(checksum_add(0, ones, 65536)), 0);
	assert_int_equal(checksum_end(checksum_add(0, payload, 65535)),
	    (uint16_t)~plain_end(plain_sum(0, payload, 65535)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(segments_are_as_built),
		cmocka_unit_test(checksums_are_completed),
		cmocka_unit_test(no_checksum_is_zero),
		cmocka_unit_test(sctp_has_a_crc),
		cmocka_unit_test(lies_are_refused),
		cmocka_unit_test(sums_are_sums),
	};

	return cmocka_run_group_tests_name("offload", tests, NULL, NULL);
}
