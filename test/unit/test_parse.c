/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "frames.h"

#include "base/rng.h"

#include <stdlib.h>

static struct frame f;

static void
udp4(void **state)
{
	struct pkt p;

	(void)state;
	f_ether(&f, ETYPE_IP4);
	f_ip4(&f, PROTO_UDP, 0x0a000001, 0x0a000002, 0);
	f_udp(&f, 53, 1024);
	f_add(&f, 10);
	p = f_parse(&f);
	assert_int_equal(p.bad, PKT_GOOD);
	assert_int_equal(p.flags, PKT_IP4 | PKT_L4 | PKT_PORTS);
	assert_int_equal(p.l3, 14);
	assert_int_equal(p.l4, 34);
	assert_int_equal(p.proto, PROTO_UDP);
	assert_int_equal(p.ip_len, 38);
	assert_int_equal(p.sport, 53);
	assert_int_equal(p.dport, 1024);
	assert_int_equal(p.src4, raw32("\x0a\0\0\1"));
	assert_int_equal(p.dst4, raw32("\x0a\0\0\2"));
	assert_int_equal(pkt_count_bytes(&p), 38);
}

/* A padded frame counts its IP length; a cut one what is there. */
static void
counted_bytes(void **state)
{
	struct pkt p;

	(void)state;
	f_ether(&f, ETYPE_IP4);
	f_ip4(&f, 99, 1, 2, 0);
	p = f_parse(&f);
	p.len = 60;
	assert_int_equal(pkt_count_bytes(&p), 20);
	put16(f.b + f.l3 + 2, 1000);
	parse(&p, &(struct parse_cfg){true, true});
	assert_int_equal(pkt_count_bytes(&p), 46);
	f_ether(&f, ETYPE_ARP);
	f_add(&f, 46);
	p = f_parse(&f);
	assert_int_equal(p.flags, 0);
	assert_int_equal(pkt_count_bytes(&p), 0);
}

static void
vlan_tags(void **state)
{
	struct pkt p;

	(void)state;
	f_ether(&f, ETYPE_QINQ);
	f_vlan(&f, 7, ETYPE_VLAN);
	f_vlan(&f, 8, ETYPE_IP4);
	f_ip4(&f, PROTO_TCP, 1, 2, 0);
	f_tcp(&f, 1, 80, TH_SYN);
	p = f_parse(&f);
	assert_int_equal(p.flags, PKT_VLAN | PKT_IP4 | PKT_L4 | PKT_PORTS);
	assert_int_equal(p.etype, ETYPE_QINQ);
	assert_int_equal(p.l3, 22);
	assert_int_equal(p.tcp_flags, TH_SYN);
	/* A third tag is not looked through. */
	f_ether(&f, ETYPE_VLAN);
	f_vlan(&f, 1, ETYPE_VLAN);
	f_vlan(&f, 2, ETYPE_VLAN);
	f_vlan(&f, 3, ETYPE_IP4);
	f_ip4(&f, PROTO_TCP, 1, 2, 0);
	p = f_parse(&f);
	assert_int_equal(p.flags, PKT_VLAN);
}

static void
fragments4(void **state)
{
	struct pkt p;

	(void)state;
	f_ether(&f, ETYPE_IP4);
	f_ip4(&f, PROTO_UDP, 1, 2, 0x2000); /* first: more fragments */
	f_udp(&f, 5, 6);
	p = f_parse(&f);
	assert_int_equal(p.flags, PKT_IP4 | PKT_FRAG | PKT_L4 | PKT_PORTS);
	assert_int_equal(p.frag, PKT_FRAG_MF);
	put16(f.b + f.l3 + 6, 0x2010); /* later */
	p = f_parse(&f);
	assert_int_equal(p.flags, PKT_IP4 | PKT_FRAG | PKT_LATER_FRAG);
	assert_int_equal(p.frag, PKT_FRAG_MF | PKT_FRAG_OFFSET);
	assert_int_equal(p.sport, 0);
	put16(f.b + f.l3 + 6, 0x4000); /* whole, do not fragment */
	p = f_parse(&f);
	assert_int_equal(p.flags, PKT_IP4 | PKT_L4 | PKT_PORTS);
	assert_int_equal(p.frag, PKT_FRAG_DF);
	put16(f.b + f.l3 + 6, 0x8000); /* reserved bit */
	p = f_parse(&f);
	assert_int_equal(p.flags, PKT_IP4 | PKT_L4 | PKT_PORTS);
	assert_int_equal(p.frag, PKT_FRAG_RF);
	put16(f.b + f.l3 + 6, 1); /* overlaps the TCP header */
	f.b[f.l3 + 9] = PROTO_TCP;
	p = f_parse(&f);
	assert_int_equal(p.bad, PKT_BAD_TINY_FRAG);
	f.b[f.l3 + 9] = PROTO_UDP; /* only TCP has a header that long */
	p = f_parse(&f);
	assert_int_equal(p.bad, PKT_GOOD);
	f.b[f.l3 + 9] = PROTO_TCP;
	put16(f.b + f.l3 + 6, 3);
	p = f_parse(&f);
	assert_int_equal(p.bad, PKT_GOOD);
}

/* Every length short of the headers: bad, or a frame without a family, and
 * never a byte read behind the end (the copy is exactly as long). */
static void
truncated4(void **state)
{
	const struct parse_cfg cfg = {true, true};

	(void)state;
	f_ether(&f, ETYPE_VLAN);
	f_vlan(&f, 9, ETYPE_IP4);
	f_ip4(&f, PROTO_TCP, 1, 2, 0);
	f_tcp(&f, 1, 2, TH_ACK);
	f_parse(&f);
	for (unsigned len = 0; len <= f.len; len++) {
		uint8_t *cut = malloc(len + 1); /* never size 0 */
		struct pkt p = {.data = cut + 1, .len = (uint16_t)len};

		memcpy(cut + 1, f.b, len);
		parse(&p, &cfg);
		if (len < 14)
			assert_int_equal(p.bad, PKT_BAD_SHORT_ETHER);
		else if (len < 38)
			assert_int_equal(p.flags & PKT_IP, 0);
		else if (len < 58)
			assert_int_equal(p.bad, PKT_BAD_SHORT_L4);
		else
			assert_int_equal(p.bad, PKT_GOOD);
		assert_true(p.l3 <= len);
		free(cut);
	}
}

/* An extension header, then UDP, cut at every length. */
static void
truncated6(void **state)
{
	const struct parse_cfg cfg = {true, true};

	(void)state;
	f_ether(&f, ETYPE_IP6);
	f_ip6(&f, PROTO_AH, 1, 2);
	f_add(&f, 12)[1] = 1;
	f.b[f.len - 12] = PROTO_UDP;
	f_udp(&f, 1, 2);
	f_parse(&f);
	for (unsigned len = 14; len <= f.len; len++) {
		uint8_t *cut = malloc(len);
		struct pkt p = {.data = cut, .len = (uint16_t)len};

		memcpy(cut, f.b, len);
		parse(&p, &cfg);
		if (len < 54)
			assert_int_equal(p.flags & PKT_IP, 0);
		else if (len < f.len)
			assert_int_equal(p.bad, PKT_BAD_SHORT_L4);
		else
			assert_int_equal(p.bad, PKT_GOOD);
		free(cut);
	}
}

/* Headers that end exactly where the frame ends are whole. */
static void
just_long_enough(void **state)
{
	struct pkt p;

	(void)state;
	f_ether(&f, ETYPE_IP6);
	f_ip6(&f, PROTO_NONE, 1, 2);
	p = f_parse(&f);
	assert_int_equal(p.flags, PKT_IP6);
	assert_int_equal(p.src4, raw32("\x20\x01\x0d\xb8"));
	assert_int_equal(p.dst4, raw32("\x20\x01\x0d\xb8"));
	f.b[f.l3 + 8] = 0xfe;
	f.b[f.l3 + 24] = 0xff;
	p = f_parse(&f);
	assert_int_equal(p.src4, raw32("\xfe\x01\x0d\xb8"));
	assert_int_equal(p.dst4, raw32("\xff\x01\x0d\xb8"));
	f_ether(&f, ETYPE_IP6);
	f_ip6(&f, PROTO_DSTOPTS, 1, 2);
	f_add(&f, 8)[0] = PROTO_NONE;
	p = f_parse(&f);
	assert_int_equal(p.bad, PKT_GOOD);
	f.b[f.l3 + 41] = 1; /* 16 octets, 8 are there */
	p = f_parse(&f);
	assert_int_equal(p.bad, PKT_BAD_SHORT_L4);
	f_ether(&f, ETYPE_IP6);
	f_ip6(&f, PROTO_ESP, 1, 2);
	f_add(&f, 4);
	p = f_parse(&f);
	assert_int_equal(p.bad, PKT_GOOD);
	assert_int_equal(p.ext, PKT_EXT_ESP);
	p.len--;
	parse(&p, &(struct parse_cfg){true, true});
	assert_int_equal(p.bad, PKT_BAD_SHORT_L4);
	f_ether(&f, ETYPE_VLAN);
	f_vlan(&f, 3, ETYPE_ARP);
	p = f_parse(&f);
	assert_int_equal(p.flags, PKT_VLAN);
	f_ether(&f, ETYPE_ARP);
	p = f_parse(&f);
	assert_int_equal(p.bad, PKT_GOOD);
}

/* Each transport header that is known, one octet short and whole. */
static void
transport_headers(void **state)
{
	static const struct {
		uint8_t proto, need4, need6;
	} l4[] = {{PROTO_TCP, 20, 20}, {PROTO_UDP, 8, 8},
	    {PROTO_UDPLITE, 8, 8}, {PROTO_SCTP, 12, 12}, {PROTO_ICMP, 4, 0},
	    {PROTO_ICMP6, 0, 8}, {PROTO_PIM, 0, 4}, {PROTO_CARP, 0, 36}};

	(void)state;
	for (unsigned i = 0; i < 2 * ARRAY_LEN(l4); i++) {
		bool six = i % 2;
		unsigned need = six ? l4[i / 2].need6 : l4[i / 2].need4;
		struct pkt p;

		f_ether(&f, six ? ETYPE_IP6 : ETYPE_IP4);
		if (six)
			f_ip6(&f, l4[i / 2].proto, 1, 2);
		else
			f_ip4(&f, l4[i / 2].proto, 1, 2, 0);
		f_add(&f, need != 0 ? need - 1 : 60);
		p = f_parse(&f);
		assert_int_equal(p.flags & PKT_L4, 0);
		if (need == 0)
			continue;
		assert_int_equal(p.bad, PKT_BAD_SHORT_L4);
		f_add(&f, 1);
		p = f_parse(&f);
		assert_int_equal(p.flags & PKT_L4, PKT_L4);
		assert_int_equal(p.bad, PKT_GOOD);
	}
}

static void
burst(void **state)
{
	const struct parse_cfg cfg = {true, true};
	struct pkt pkts[21];

	(void)state;
	f_ether(&f, ETYPE_IP4);
	f_ip4(&f, PROTO_UDP, 1, 2, 0);
	f_udp(&f, 1, 77);
	f_parse(&f);
	memset(pkts, 0, sizeof(pkts));
	for (unsigned i = 0; i < 20; i++) {
		pkts[i].data = f.b;
		pkts[i].len = (uint16_t)f.len;
	}
	parse_burst(pkts, 20, &cfg);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(pkts[i].dport, 77);
	assert_int_equal(pkts[20].l3, 0);
}

static void
header_nonsense4(void **state)
{
	struct pkt p;

	(void)state;
	f_ether(&f, ETYPE_IP4);
	f_ip4(&f, PROTO_UDP, 1, 2, 0);
	f_udp(&f, 1, 2);
	f.b[f.l3] = 0x44; /* header of 16 octets */
	p = f_parse(&f);
	assert_int_equal(p.bad, PKT_BAD_SHORT_L3);
	f.b[f.l3] = 0x4f; /* of 60, but the frame ends */
	p = f_parse(&f);
	assert_int_equal(p.bad, PKT_BAD_SHORT_L3);
	f.b[f.l3] = 0x65; /* version 6 behind IPv4's ethertype */
	p = f_parse(&f);
	assert_int_equal(p.bad, PKT_GOOD);
	assert_int_equal(p.flags, 0);
}

static void
options4(void **state)
{
	struct pkt p;

	(void)state;
	f_ether(&f, ETYPE_IP4);
	f_ip4(&f, PROTO_UDP, 1, 2, 0)[0] = 0x47;
	f_add(&f, 8);
	f_udp(&f, 7, 8);
	p = f_parse(&f);
	assert_int_equal(p.l4, 42);
	assert_int_equal(p.dport, 8);
}

static void
extensions6(void **state)
{
	uint8_t *h;
	struct pkt p;

	(void)state;
	f_ether(&f, ETYPE_IP6);
	f_ip6(&f, PROTO_HOPOPTS, 1, 2);
	h = f_add(&f, 8);
	h[0] = PROTO_DSTOPTS;
	h = f_add(&f, 16);
	h[0] = PROTO_AH;
	h[1] = 1;
	h = f_add(&f, 24);
	h[0] = PROTO_ROUTING;
	h[1] = 4;
	h = f_add(&f, 8);
	h[0] = PROTO_TCP;
	h[2] = 2;
	f_tcp(&f, 10, 20, TH_SYN | TH_ACK);
	p = f_parse(&f);
	assert_int_equal(p.bad, PKT_GOOD);
	assert_int_equal(p.proto, PROTO_TCP);
	assert_int_equal(p.ext, PKT_EXT_HOPOPTS | PKT_EXT_DSTOPTS | PKT_EXT_AH |
	    PKT_EXT_ROUTING | PKT_EXT_RTHDR2);
	assert_int_equal(p.l4, 14 + 40 + 8 + 16 + 24 + 8);
	assert_int_equal(p.dport, 20);
	assert_int_equal(p.ip_len, 40 + 56 + 20);
}

static void
fragments6(void **state)
{
	const struct parse_cfg strict = {true, false};
	uint8_t *h;
	struct pkt p;

	(void)state;
	f_ether(&f, ETYPE_IP6);
	f_ip6(&f, PROTO_FRAGMENT, 1, 2);
	h = f_add(&f, 8);
	h[0] = PROTO_UDP;
	f_udp(&f, 3, 4);
	p = f_parse(&f); /* atomic: as if whole */
	assert_int_equal(p.flags, PKT_IP6 | PKT_L4 | PKT_PORTS);
	assert_int_equal(p.ext, PKT_EXT_FRAGMENT);
	parse(&p, &strict);
	assert_int_equal(p.bad, PKT_BAD_SINGLE_FRAG);
	put16(h + 2, 1); /* first of several */
	p = f_parse(&f);
	assert_int_equal(p.flags, PKT_IP6 | PKT_FRAG | PKT_L4 | PKT_PORTS);
	put16(h + 2, 8); /* last */
	p = f_parse(&f);
	assert_int_equal(p.flags, PKT_IP6 | PKT_FRAG | PKT_LATER_FRAG);
	assert_int_equal(p.proto, PROTO_UDP);
	assert_int_equal(p.dport, 0);
}

static void
unknown_extension6(void **state)
{
	const struct parse_cfg lax = {false, true};
	struct pkt p;

	(void)state;
	f_ether(&f, ETYPE_IP6);
	f_ip6(&f, 200, 1, 2);
	f_add(&f, 20);
	p = f_parse(&f);
	assert_int_equal(p.bad, PKT_BAD_EXT_HDR);
	parse(&p, &lax);
	assert_int_equal(p.bad, PKT_GOOD);
	assert_int_equal(p.proto, 200);
	f.b[f.l3 + 6] = PROTO_ROUTING; /* of an unknown type */
	f.b[f.l3 + 40] = PROTO_NONE;
	f.b[f.l3 + 42] = 9;
	p = f_parse(&f);
	assert_int_equal(p.bad, PKT_BAD_EXT_HDR);
	parse(&p, &lax);
	assert_int_equal(p.bad, PKT_GOOD);
	assert_int_equal(p.ext, PKT_EXT_ROUTING);
}

/* Random octets of every length behind each ethertype that is looked at. */
static void
any_octets(void **state)
{
	static const uint16_t etypes[] = {ETYPE_IP4, ETYPE_IP6, ETYPE_VLAN};
	const struct parse_cfg cfg = {false, true};
	struct rng r;

	(void)state;
	rng_init(&r, 42);
	for (unsigned i = 0; i < 200000; i++) {
		unsigned len = (unsigned)(rng_u64(&r) % 200);
		uint8_t *b = malloc(len + 1);
		struct pkt p = {.data = b + 1, .len = (uint16_t)len};

		for (unsigned k = 0; k < len; k++)
			b[1 + k] = (uint8_t)rng_u64(&r);
		if (len >= 15) {
			put16(b + 13, etypes[i % 3]);
			b[15] = i % 3 == 0 ? 0x45 : 0x60;
			if (len > 20 && i % 2)
				b[21] = (uint8_t[]){0, 43, 44, 60, 51}[i % 5];
		}
		parse(&p, &cfg);
		assert_true(p.l3 <= len);
		assert_true(p.bad < PKT_BAD_MAX);
		if (p.bad == PKT_GOOD)
			assert_true(p.l4 <= len);
		if (p.flags & PKT_L4)
			assert_true(p.l4 + 4u <= len);
		free(b);
	}
}

/* The short way through the parser says what the long way says: the same
 * packet behind a VLAN tag, which takes the long way. */
static void
short_way_is_the_long_way(void **state)
{
	static const uint8_t protos[] = {PROTO_TCP, PROTO_UDP, PROTO_ICMP, 47};
	static const uint16_t offs[] = {0, 0, 0x4000, 0x2000, 0x8000, 5};
	const struct parse_cfg cfg = {true, true};
	struct rng r;

	(void)state;
	rng_init(&r, 3);
	for (unsigned i = 0; i < 100000; i++) {
		uint8_t tagged[200];
		struct pkt p = {.data = f.b}, q = {.data = tagged};
		unsigned body = (unsigned)(rng_u64(&r) % 30);
		bool six = i % 3 == 0;
		uint8_t *h;

		f_ether(&f, six ? ETYPE_IP6 : ETYPE_IP4);
		if (six)
			f_ip6(&f, protos[i % 4], (uint8_t)rng_u64(&r),
			    (uint8_t)rng_u64(&r));
		else
			f_ip4(&f, protos[i % 4], (uint32_t)rng_u64(&r),
			    (uint32_t)rng_u64(&r), offs[rng_u64(&r) % 6]);
		f.b[f.l3 + 1] = (uint8_t)rng_u64(&r);
		put16(f.b + f.l3 + (six ? 4 : 2), (uint16_t)rng_u64(&r));
		if (i % 7 == 0)
			f.b[f.l3] = (uint8_t)(rng_u64(&r) % 3 +
			    (six ? 0x6f : 0x44));
		h = f_add(&f, body);
		for (unsigned k = 0; k < body; k++)
			h[k] = (uint8_t)rng_u64(&r);
		memcpy(tagged, f.b, 12);
		memcpy(tagged + 12, "\x81\0\0\1", 4);
		memcpy(tagged + 16, f.b + 12, f.len - 12);
		p.len = (uint16_t)f.len;
		q.len = (uint16_t)(f.len + 4);
		memset(&p.verdict, 0xaa, sizeof(p) - 18); /* stale */
		parse(&p, &cfg);
		parse(&q, &cfg);
		assert_int_equal(p.etype, six ? ETYPE_IP6 : ETYPE_IP4);
		assert_int_equal(p.flags, q.flags & ~PKT_VLAN);
		if (p.l4 != 0)
			assert_int_equal(p.l4, q.l4 - 4);
		q.data = p.data;
		q.len = p.len;
		q.flags = p.flags;
		q.etype = p.etype;
		q.l3 = p.l3;
		q.l4 = p.l4;
		assert_memory_equal(&p, &q, sizeof(p));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(udp4),
		cmocka_unit_test(counted_bytes),
		cmocka_unit_test(vlan_tags),
		cmocka_unit_test(fragments4),
		cmocka_unit_test(truncated4),
		cmocka_unit_test(truncated6),
		cmocka_unit_test(just_long_enough),
		cmocka_unit_test(transport_headers),
		cmocka_unit_test(burst),
		cmocka_unit_test(header_nonsense4),
		cmocka_unit_test(options4),
		cmocka_unit_test(extensions6),
		cmocka_unit_test(fragments6),
		cmocka_unit_test(unknown_extension6),
		cmocka_unit_test(any_octets),
		cmocka_unit_test(short_way_is_the_long_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
