/* SPDX-License-Identifier: BSD-2-Clause */
/* Unfinished checksums: finished exactly if a card would have, else nothing. */
#include "unit.h"

#include "frames.h"

#include "base/rng.h"
#include "packet/checksum.h"
#include "packet/partial.h"

#include <stdlib.h>

static struct frame f;

/* What a test frame is made of. */
struct shape {
	bool six;
	bool udp;
	unsigned tags;	  /* VLAN */
	unsigned more;	  /* IPv4 options, IPv6 hop-by-hop: 8 octets each */
	unsigned payload; /* octets */
	unsigned pad;	  /* behind the IP packet */
};

static unsigned l4, l4_len, field; /* of the last frame made */

/* Sum of the pseudo-header, as a host leaves it in the packet. */
static uint16_t
pseudo(const struct shape *s)
{
	unsigned addrs = s->six ? 32 : 8;
	const uint8_t *from = f.b + f.l3 + (s->six ? 8 : 12);
	uint32_t sum = (s->udp ? PROTO_UDP : PROTO_TCP) + l4_len;

	return (uint16_t)~checksum_end(checksum_add(sum, from, addrs));
}

/* The checksum that a receiver wants. */
static uint16_t
right(const struct shape *s)
{
	uint16_t sum;

	put16(f.b + field, 0);
	sum = checksum_end(checksum_add((uint32_t)pseudo(s), f.b + l4,
	    l4_len));
	return sum == 0 && s->udp ? 0xffff : sum;
}

static void
ip4(const struct shape *s)
{
	uint8_t *h = f_ip4(&f, s->udp ? PROTO_UDP : PROTO_TCP, 0x0a090001,
	    0xc0a8fe02, 0x4000);

	h[0] = (uint8_t)(0x45 + s->more * 2);
	memset(f_add(&f, s->more * 8), 1, s->more * 8);
}

static void
ip6(const struct shape *s)
{
	uint8_t upper = s->udp ? PROTO_UDP : PROTO_TCP;
	static const uint8_t ext[] = {PROTO_HOPOPTS, PROTO_ROUTING,
	    PROTO_DSTOPTS};

	f_ip6(&f, s->more > 0 ? ext[0] : upper, 1, 2);
	for (unsigned i = 0; i < s->more; i++) {
		uint8_t *h = f_add(&f, 8);

		h[0] = i + 1 < s->more ? ext[i + 1] : upper;
	}
}

static void
make(const struct shape *s, uint64_t seed)
{
	struct rng r;
	uint8_t *at;

	rng_init(&r, seed);
	f_ether(&f, s->tags > 0 ? ETYPE_QINQ : s->six ? ETYPE_IP6 : ETYPE_IP4);
	for (unsigned i = 0; i < s->tags; i++)
		f_vlan(&f, 7, i + 1 < s->tags ? ETYPE_VLAN :
		    s->six ? ETYPE_IP6 : ETYPE_IP4);
	if (s->six)
		ip6(s);
	else
		ip4(s);
	l4 = f.len;
	field = l4 + (s->udp ? 6 : 16);
	if (s->udp)
		f_udp(&f, 1000, 53);
	else
		f_tcp(&f, 1000, 80, TH_ACK);
	at = f_add(&f, s->payload);
	for (unsigned i = 0; i < s->payload; i++)
		at[i] = (uint8_t)rng_u64(&r);
	l4_len = f.len - l4;
	if (s->udp)
		put16(f.b + l4 + 4, (uint16_t)l4_len);
	f_parse(&f);
	memset(f_add(&f, s->pad), 0xee, s->pad);
}

/* Calls it on a copy without an octet to spare; the frame becomes what the copy
 * is then. */
static bool
finish(unsigned len)
{
	uint8_t *copy = malloc(len > 0 ? len : 1);
	bool did;

	memcpy(copy, f.b, len);
	did = partial_finish(copy, len);
	memcpy(f.b, copy, len);
	free(copy);
	return did;
}

static void
check(const struct shape *s, uint64_t seed)
{
	struct frame want;
	uint16_t sum, left;

	make(s, seed);
	sum = right(s);
	left = pseudo(s);
	put16(f.b + field, sum);
	want = f;
	assert_false(finish(f.len)); /* finished: not touched */
	assert_memory_equal(f.b, want.b, f.len);
	put16(f.b + field, left);
	assert_int_equal(finish(f.len), left != sum);
	assert_memory_equal(f.b, want.b, f.len);
}

static void
all_shapes(void **state)
{
	static const unsigned payloads[] = {0, 1, 2, 3, 7, 8, 31, 32, 33, 63,
	    64, 65, 100, 1399, 1460};
	struct shape s;

	(void)state;
	for (unsigned i = 0; i < 2 * 2 * 3 * 4 * 2 * ARRAY_LEN(payloads); i++) {
		unsigned n = i;

		s.six = n % 2, n /= 2;
		s.udp = n % 2, n /= 2;
		s.tags = n % 3, n /= 3;
		s.more = n % 4, n /= 4;
		s.pad = n % 2 * 13, n /= 2;
		s.payload = payloads[n];
		for (uint64_t seed = 1; seed <= 8; seed++)
			check(&s, seed);
	}
}

/* Of all values that the field can have, only the one left by a host means that
 * there is something to do. */
static void
all_values(void **state)
{
	static const struct shape shapes[] = {
	    {.payload = 9}, {.six = true, .payload = 9},
	    {.udp = true, .payload = 4}, {.six = true, .udp = true}};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(shapes); i++) {
		uint16_t left, sum;

		make(&shapes[i], 3);
		left = pseudo(&shapes[i]);
		sum = right(&shapes[i]);
		assert_int_not_equal(left, sum);
		for (unsigned v = 0; v <= 0xffff; v++) {
			put16(f.b + field, (uint16_t)v);
			assert_int_equal(partial_finish(f.b, f.len), v == left);
			assert_int_equal(get16(f.b + field),
			    v == left ? sum : v);
		}
	}
}

/* A packet that has the number by chance, and is right, stays: every sum that
 * the rest can have is tried. */
static void
by_chance(void **state)
{
	struct shape s = {.payload = 2};
	unsigned n = 0, zeros = 0;

	(void)state;
	for (int kind = 0; kind < 4; kind++) {
		s.six = kind & 1;
		s.udp = kind & 2;
		make(&s, 1);
		for (unsigned v = 0; v <= 0xffff; v++) {
			uint16_t sum;

			put16(f.b + f.len - 2, (uint16_t)v);
			sum = right(&s);
			put16(f.b + field, pseudo(&s));
			zeros += sum == 0 || sum == 0xffff;
			if (sum == pseudo(&s)) {
				assert_false(partial_finish(f.b, f.len));
				n++;
			} else {
				assert_true(partial_finish(f.b, f.len));
			}
			assert_int_equal(get16(f.b + field), sum);
		}
	}
	assert_in_range(n, 4, 8);
	assert_in_range(zeros, 4, 8);
}

/* 0 and 0xffff are the same number to who adds. */
static void
two_zeros(void **state)
{
	struct shape s = {.payload = 2};

	(void)state;
	make(&s, 1);
	/* addresses that make the sum of the pseudo-header 0xffff */
	put32(f.b + f.l3 + 12, 0);
	put32(f.b + f.l3 + 16, 0xffff - PROTO_TCP - l4_len);
	assert_int_equal(pseudo(&s), 0xffff);
	put16(f.b + f.len - 2, 0);
	put16(f.b + f.len - 2, right(&s)); /* the rest adds to 0xffff */
	assert_int_equal(right(&s), 0);
	put16(f.b + field, 0xffff);
	assert_false(partial_finish(f.b, f.len));
	assert_int_equal(get16(f.b + field), 0xffff);
}

/* Frames cut short anywhere, and headers that lie, are left alone. */
static void
cut_anywhere(void **state)
{
	struct shape s = {.payload = 5};

	(void)state;
	for (unsigned kind = 0; kind < 4 * 3 * 3; kind++) {
		s.six = kind % 2;
		s.udp = kind / 2 % 2;
		s.tags = kind / 4 % 3;
		s.more = kind / 12;
		make(&s, 2);
		put16(f.b + field, pseudo(&s));
		for (unsigned len = 0; len < f.len; len++)
			assert_false(finish(len));
		assert_true(finish(f.len));
	}
}

static void
not_for_us(void **state)
{
	struct shape s = {.payload = 16};

	(void)state;
	make(&s, 1);
	put16(f.b + field, pseudo(&s));
	put16(f.b + f.l3 + 6, 0x2000); /* more fragments */
	assert_false(finish(f.len));
	put16(f.b + f.l3 + 6, 0x0001);
	assert_false(finish(f.len));
	put16(f.b + f.l3 + 6, 0);
	f.b[f.l3] = 0x44; /* a header of 16 octets */
	assert_false(finish(f.len));
	f.b[f.l3] = 0x45;
	f.b[f.l3 + 9] = PROTO_UDPLITE;
	assert_false(finish(f.len));
	s = (struct shape){.six = true, .more = 2, .payload = 16};
	make(&s, 1);
	put16(f.b + field, pseudo(&s));
	f.b[f.l3 + IP6_LEN + 8 + 3] = 1; /* a routing header on its way */
	assert_false(finish(f.len));
	f.b[f.l3 + IP6_LEN + 8 + 3] = 0;
	f.b[f.l3 + IP6_LEN] = PROTO_FRAGMENT;
	assert_false(finish(f.len));
	f.b[f.l3 + IP6_LEN] = PROTO_ROUTING;
	assert_true(finish(f.len));
	put16(f.b + field, pseudo(&s));
	put16(f.b + 12, ETYPE_ARP);
	assert_false(finish(f.len));
}

/* CRC32c as its definition has it, a bit at a time. */
static uint32_t
crc_of(const uint8_t *at, unsigned n)
{
	uint32_t crc = ~0u;

	for (unsigned i = 0; i < n * 8; i++) {
		unsigned bit = (crc ^ (uint32_t)(at[i / 8] >> i % 8)) & 1;

		crc = crc >> 1 ^ (bit ? 0x82f63b78u : 0);
	}
	return ~crc;
}

static void
sctp(void **state)
{
	struct shape s = {.udp = true, .payload = 41, .pad = 5};
	uint8_t *h;
	uint32_t want;

	(void)state;
	for (unsigned six = 0; six < 2; six++) {
		s.six = six;
		make(&s, 3);
		f.b[f.l3 + (six ? 6 : 9)] = PROTO_SCTP;
		h = f.b + l4;
		assert_false(finish(f.len)); /* payload is where the CRC is */
		memset(h + 8, 0, 4);
		want = crc_of(h, l4_len);
		assert_true(finish(f.len));
		assert_memory_equal(h + 8, &want, 4); /* lowest octet first */
		assert_false(finish(f.len));
	}
}

/* ---- tunnels ---- */

struct wrapping {
	uint8_t proto;	/* of the outer IP packet */
	uint16_t port;	/* of UDP, 0 = none */
	bool ether;	/* an Ethernet frame is inside, else an IP packet */
	unsigned len;	/* of the tunnel's own header */
	uint8_t head[20];
};

static const struct wrapping wrappings[] = {
	{PROTO_IPIP, 0, false, 0, {0}},
	{PROTO_GRE, 0, false, 4, {0, 0, 8, 0}},
	{PROTO_GRE, 0, true, 16, {0xb0, 0, 0x65, 0x58}},
	{PROTO_GRE, 0, true, 8, {0x20, 0, 0x65, 0x58}},
	{PROTO_UDP, 4789, true, 8, {8}},
	{PROTO_UDP, 8472, true, 8, {8}},
	{PROTO_UDP, 6081, true, 8, {0, 0, 0x65, 0x58}},
	{PROTO_UDP, 6081, false, 16, {2, 0, 8, 0}},
};

/* Puts the frame into the tunnel; 'field' moves along. */
static void
wrap(const struct wrapping *w, bool six)
{
	struct frame in = f;
	unsigned skip = w->ether ? 0 : ETHER_LEN;

	f_ether(&f, six ? ETYPE_IP6 : ETYPE_IP4);
	if (six)
		f_ip6(&f, w->proto, 1, 2);
	else
		f_ip4(&f, w->proto, 1, 2, 0x4000);
	if (w->port != 0)
		f_udp(&f, 40000, w->port);
	memcpy(f_add(&f, w->len), w->head, w->len);
	field = field - skip + f.len;
	memcpy(f_add(&f, in.len - skip), in.b + skip, in.len - skip);
	f_parse(&f);
}

/* What is left inside is finished, however deep two tunnels bring it; cut
 * frames are left alone. */
static void
check_inside(const struct wrapping *outer, const struct wrapping *inner,
    bool six)
{
	struct shape s = {.udp = six, .payload = 21};
	struct frame want, left;
	uint16_t sum;

	make(&s, 7);
	sum = right(&s);
	put16(f.b + field, pseudo(&s));
	if (inner != NULL)
		wrap(inner, false);
	wrap(outer, six);
	left = want = f;
	put16(want.b + field, sum);
	for (unsigned len = 0; len < f.len; len++)
		assert_false(finish(len));
	assert_true(finish(f.len));
	assert_memory_equal(f.b, want.b, f.len);
	assert_false(finish(f.len));
	f = left;
	wrap(&wrappings[3], six);
	assert_int_equal(finish(f.len), inner == NULL);
}

static void
in_tunnels(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(wrappings); i++) {
		for (unsigned six = 0; six < 2; six++) {
			check_inside(&wrappings[i], NULL, six);
			for (unsigned k = 0; k < ARRAY_LEN(wrappings); k++)
				check_inside(&wrappings[i], &wrappings[k], six);
		}
	}
}

static void
no_tunnels(void **state)
{
	struct wrapping w = wrappings[3];
	struct shape s = {.payload = 21};

	(void)state;
	w.head[0] = 0x60; /* a source route */
	for (unsigned i = 0; i < 3; i++) {
		make(&s, 7);
		put16(f.b + field, pseudo(&s));
		wrap(&w, false);
		assert_false(finish(f.len));
		w = wrappings[4 + 2 * (i > 0)];
		if (i == 0)
			w.port++; /* of nobody */
		else
			w.head[0] = 0x3f; /* more options than there is */
	}
}

/* TCP packets with an unfinished checksum, and no others, can be cut, and then
 * are. */
static void
merged(void **state)
{
	struct shape s = {.payload = 1400};
	struct segments cut;
	struct offload o;
	uint16_t left;
	unsigned headers;

	(void)state;
	for (unsigned kind = 0; kind < 2 * 3 * 4; kind++) {
		s.six = kind % 2;
		s.tags = kind / 2 % 3;
		s.more = kind / 6;
		make(&s, 2);
		left = pseudo(&s);
		headers = l4 - (ETHER_LEN + s.tags * VLAN_LEN) + TCP_LEN;
		put16(f.b + field, left);
		assert_false(partial_merged(f.b, f.len, headers, &o));
		assert_true(partial_merged(f.b, f.len, headers + 500, &o));
		assert_int_equal(o.gso_size, 500);
		assert_true(segments_begin(&cut, f.b, f.len, &o));
		for (unsigned len = 0; len < f.len; len += 7) {
			uint8_t *copy = malloc(len + 1);

			memcpy(copy, f.b, len);
			assert_false(partial_merged(copy, len, 9000, &o));
			free(copy);
		}
		put16(f.b + field, (uint16_t)(left + 1));
		assert_false(partial_merged(f.b, f.len, 9000, &o));
	}
	s = (struct shape){.udp = true, .payload = 1400};
	make(&s, 2);
	put16(f.b + field, pseudo(&s));
	assert_false(partial_merged(f.b, f.len, 1000, &o));
}

/* Any octets at all: no access outside, and a change is a checksum. */
static void
noise(void **state)
{
	struct rng r;

	(void)state;
	rng_init(&r, 42);
	for (unsigned i = 0; i < 200000; i++) {
		struct shape s = {.six = i % 2, .udp = i % 3 == 0,
		    .tags = i % 5 % 3, .more = i % 7 % 4, .payload = i % 40};
		struct frame before;
		unsigned changed = 0;

		make(&s, i);
		put16(f.b + field, pseudo(&s));
		for (unsigned n = rng_u64(&r) % 6; n > 0; n--)
			f.b[rng_u64(&r) % f.len] = (uint8_t)rng_u64(&r);
		for (unsigned n = i % 3; n > 0; n--) {
			wrap(&wrappings[rng_u64(&r) % ARRAY_LEN(wrappings)],
			    i % 2);
			f.b[rng_u64(&r) % f.len] = (uint8_t)rng_u64(&r);
		}
		before = f;
		finish((unsigned)(rng_u64(&r) % (f.len + 1)));
		for (unsigned k = 0; k < f.len; k++)
			changed += f.b[k] != before.b[k];
		assert_in_range(changed, 0, 4);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_shapes),
		cmocka_unit_test(all_values),
		cmocka_unit_test(by_chance),
		cmocka_unit_test(two_zeros),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(not_for_us),
		cmocka_unit_test(sctp),
		cmocka_unit_test(in_tunnels),
		cmocka_unit_test(no_tunnels),
		cmocka_unit_test(merged),
		cmocka_unit_test(noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
