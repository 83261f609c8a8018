/* SPDX-License-Identifier: BSD-2-Clause */
/* Reassembly: what makes a packet, what does not, its bounds, and that the
 * fragments that leave make up exactly what the rules saw. */
#include "unit.h"

#include "frames.h"

#include "packet/checksum.h"
#include "packet/reass.h"

#include <stdlib.h>

enum { LANE = 3, BIG = 65536 };

static struct reass *r;
static struct reass_cfg cfg;
static struct frame f;
static uint8_t whole[REASS_WHOLE_MAX];
static struct pkt pkts[256];
static uint16_t id;

static int
begin(void **state)
{
	struct rng rng;

	(void)state;
	rng_init(&rng, 7);
	r = reass_create(&rng);
	cfg = (struct reass_cfg){REASS_PACKETS, 16, 30};
	id = 1;
	return 0;
}

static int
end(void **state)
{
	(void)state;
	reass_destroy(r);
	return 0;
}

/* A fragment: octets [off, off + len) of 'data', which count from its start. */
static struct pkt
frag(const uint8_t *data, unsigned off, unsigned len, bool more)
{
	struct pkt p;
	uint8_t *h;

	f_ether(&f, ETYPE_IP4);
	h = f_ip4(&f, PROTO_UDP, 0x0a000001, 0x0a000002,
	    (uint16_t)(off / 8 | (more ? 0x2000 : 0)));
	put16(h + 4, id);
	memcpy(f_add(&f, len), data + off, len);
	p = f_parse(&f);
	assert_int_equal(p.bad, PKT_GOOD);
	return p;
}

static unsigned
add(const uint8_t *data, unsigned off, unsigned len, bool more)
{
	struct pkt p = frag(data, off, len, more);

	return reass_add(r, &cfg, &p, LANE, 100);
}

static struct pkt
whole_of(unsigned packet)
{
	static const struct parse_cfg pc = {true, true};
	struct pkt p = {.data = whole};

	p.len = (uint16_t)reass_whole(r, packet, whole);
	parse(&p, &pc);
	assert_int_equal(p.bad, PKT_GOOD);
	return p;
}

static void
good_checksum(const struct pkt *p)
{
	assert_int_equal(checksum_end(checksum_add(0, p->data + p->l3,
	    (unsigned)p->l4 - p->l3)), 0);
}

/* Checks the fragments of a complete packet against its whole, and frees it.
 * Returns how many they were. */
static unsigned
check_cut(unsigned packet, struct pkt *w)
{
	static const struct parse_cfg pc = {true, true};
	unsigned n = reass_n_frags(r, packet), next = 0;

	memset(pkts, 0, sizeof(pkts));
	reass_cut(r, packet, w, pkts);
	for (unsigned i = 0; i < n; i++) {
		struct pkt *p = &pkts[i];
		unsigned off, len;

		parse(p, &pc);
		good_checksum(p);
		off = get16(p->data + p->l3 + 6);
		assert_int_equal((off & 0x2000) != 0, i + 1 < n);
		assert_int_equal((off & 0x1fff) * 8, next);
		len = (unsigned)p->ip_len - (p->l4 - p->l3);
		assert_int_equal(p->len, p->l3 + p->ip_len);
		assert_memory_equal(p->data + p->l4, w->data + w->l4 + next,
		    len);
		next += len;
	}
	assert_int_equal(w->l4 + next, w->len);
	reass_free(r, packet);
	return n;
}

static const uint8_t *
numbers(void)
{
	static uint8_t data[BIG];

	for (unsigned i = 0; i < BIG; i++)
		data[i] = (uint8_t)(i ^ i >> 8);
	return data;
}

static void
two_orders(void **state)
{
	const uint8_t *d = numbers();
	struct pkt w;
	unsigned k;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(i == 0 ? add(d, 0, 800, true) :
		    add(d, 800, 33, false), 0);
		k = i == 0 ? add(d, 800, 33, false) : add(d, 0, 800, true);
		assert_true(k != 0);
		w = whole_of(k);
		assert_int_equal(w.len, 34 + 833);
		assert_int_equal(w.ip_len, 20 + 833);
		assert_int_equal(w.flags & PKT_FRAG, 0);
		assert_true((w.flags & PKT_PORTS) != 0);
		assert_memory_equal(w.data + w.l4, d, 833);
		good_checksum(&w);
		assert_int_equal(check_cut(k, &w), 2);
	}
	assert_int_equal(reass_stats(r)->bad, 0);
	assert_int_equal(reass_stats(r)->covered, 0);
}

/* Any cuts, any order, doubles and overlaps of the same octets. */
static void
random_cuts(void **state)
{
	const uint8_t *d = numbers();
	struct rng rng;

	(void)state;
	rng_init(&rng, 11);
	cfg.max_frags = 64;
	for (unsigned round = 0; round < 3000; round++) {
		unsigned units = 2 + (unsigned)rng_u64(&rng) % 60;
		unsigned total = units * 8 - 1 - (unsigned)rng_u64(&rng) % 7;
		unsigned k = 0, tries = 0;
		struct pkt w;

		id++;
		while (k == 0 && tries++ < 5000) {
			unsigned a = (unsigned)rng_u64(&rng) % units;
			unsigned n = 1 + (unsigned)rng_u64(&rng) % 12;
			bool last = a + n >= units;

			if (a == 0 && last)
				continue; /* that would be no fragment */
			if (a == 0 && n * 8 < UDP_LEN)
				n++;
			k = add(d, a * 8, last ? total - a * 8 : n * 8, !last);
		}
		assert_true(k != 0);
		w = whole_of(k);
		assert_int_equal(w.len, 34 + total);
		assert_memory_equal(w.data + w.l4, d, total);
		check_cut(k, &w);
	}
	assert_int_equal(reass_stats(r)->bad, 0);
	assert_int_equal(reass_stats(r)->limit, 0);
	assert_true(reass_stats(r)->covered > 0);
}

/* What is there stays where a later fragment begins within it; where the later
 * one reaches into what follows, that is trimmed.  What leaves has no overlap
 * and is what the rules saw. */
static void
liars(void **state)
{
	uint8_t a[64], b[64];
	struct pkt w;
	unsigned k;

	(void)state;
	memset(a, 'a', sizeof(a));
	memset(b, 'b', sizeof(b));
	add(a, 0, 16, true);
	add(a, 32, 8, false);
	k = add(b, 8, 24, true); /* 8 to 16 is there */
	assert_true(k != 0);
	w = whole_of(k);
	assert_memory_equal(w.data + w.l4, a, 16);
	assert_memory_equal(w.data + w.l4 + 16, b, 16);
	assert_memory_equal(w.data + w.l4 + 32, a, 8);
	assert_int_equal(check_cut(k, &w), 3);

	id++;
	add(a, 24, 16, false);
	add(a, 16, 8, true);
	k = add(b, 0, 32, true); /* covers one, and half of the other */
	assert_true(k != 0);
	w = whole_of(k);
	assert_memory_equal(w.data + w.l4, b, 32);
	assert_memory_equal(w.data + w.l4 + 32, a, 8);
	assert_int_equal(check_cut(k, &w), 2);
	assert_int_equal(reass_stats(r)->covered, 1);
}

static void
impossible(void **state)
{
	const uint8_t *d = numbers();
	struct pkt p;

	(void)state;
	add(d, 0, 12, true); /* no multiple of 8 */
	assert_int_equal(reass_stats(r)->bad, 1);
	add(d, 8, 0, true); /* nothing in it */
	assert_int_equal(reass_stats(r)->bad, 2);
	add(d, 0xfff8, 8, false); /* beyond the longest packet */
	assert_int_equal(reass_stats(r)->bad, 3);
	p = frag(d, 8, 16, false); /* claims more than is there */
	put16(f.b + f.l3 + 2, 37);
	reass_add(r, &cfg, &p, LANE, 100);
	assert_int_equal(reass_stats(r)->bad, 4);
	p = frag(d, 8, 16, false); /* another header than parse saw */
	f.b[f.l3] = 0x46;
	reass_add(r, &cfg, &p, LANE, 100);
	assert_int_equal(reass_stats(r)->bad, 5);
	add(d, 64, 8, false); /* ends at 72: so nothing may go beyond */
	add(d, 72, 8, true);
	add(d, 64, 8, true);
	add(d, 72, 8, false);
	add(d, 56, 8, false);
	assert_int_equal(reass_stats(r)->bad, 9);
	id++;
	add(d, 64, 8, true); /* nor may the end be before what is there */
	add(d, 56, 8, false);
	assert_int_equal(reass_stats(r)->bad, 10);
	id++;
	f_ether(&f, ETYPE_IP4);
	f_ip4(&f, PROTO_UDP, 1, 2, 1);
	f_add(&f, 2040 - f.len);
	p = f_parse(&f);
	p.len = REASS_BUF + 1;
	reass_add(r, &cfg, &p, LANE, 100);
	assert_int_equal(reass_stats(r)->limit, 1);
}

/* Each of these is another packet. */
static void
not_the_same(void **state)
{
	const uint8_t *d = numbers();
	struct pkt p;

	(void)state;
	add(d, 0, 16, true);
	for (unsigned i = 0; i < 6; i++) {
		unsigned lane = LANE;

		p = frag(d, 16, 8, false);
		switch (i) {
		case 0:
			f.b[f.l3 + 5]++;
			break;
		case 1:
			f.b[f.l3 + 9] = PROTO_GRE;
			break;
		case 2:
			f.b[f.l3 + 12]++;
			break;
		case 3:
			f.b[f.l3 + 19]++;
			break;
		case 4:
			lane++;
			break;
		case 5:
			f_ether(&f, ETYPE_VLAN);
			f_vlan(&f, 9, ETYPE_IP4);
			f_ip4(&f, PROTO_UDP, 0x0a000001, 0x0a000002, 2);
			put16(f.b + f.l3 + 4, id);
			f_add(&f, 8);
			p = f_parse(&f);
			break;
		}
		assert_int_equal(reass_add(r, &cfg, &p, (uint16_t)lane, 100),
		    0);
	}
	assert_true(add(d, 16, 8, false) != 0);
}

static void
congestion(void **state)
{
	static const struct {
		uint8_t first, second, whole;
		bool bad;
	} rows[] = {
	    {0, 0, 0, false}, {2, 2, 2, false}, {2, 3, 3, false},
	    {3, 2, 3, false}, {1, 3, 3, false}, {2, 1, 2, false},
	    {0, 3, 0, true}, {3, 0, 0, true}, {2, 0, 0, true},
	};
	const uint8_t *d = numbers();
	unsigned bad = 0;

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct pkt p = frag(d, 0, 16, true), w;
		unsigned k;

		id++;
		p = frag(d, 0, 16, true);
		f.b[f.l3 + 1] = (uint8_t)(0xb8 | rows[i].first);
		reass_add(r, &cfg, &p, LANE, 100);
		p = frag(d, 16, 8, false);
		f.b[f.l3 + 1] = (uint8_t)(0xb8 | rows[i].second);
		k = reass_add(r, &cfg, &p, LANE, 100);
		bad += rows[i].bad;
		assert_int_equal(k == 0, rows[i].bad);
		assert_int_equal(reass_stats(r)->bad, bad);
		if (k == 0)
			continue;
		w = whole_of(k);
		assert_int_equal(w.data[w.l3 + 1], 0xb8 | rows[i].whole);
		check_cut(k, &w);
		assert_int_equal(pkts[0].data[15], 0xb8 | rows[i].first);
		assert_int_equal(pkts[1].data[15], 0xb8 | rows[i].second);
	}
}

/* Options of the first fragment, don't-fragment, and what rules change. */
static void
headers_and_changes(void **state)
{
	const uint8_t *d = numbers();
	struct pkt p, w;
	uint8_t *h;
	unsigned k;

	(void)state;
	f_ether(&f, ETYPE_VLAN);
	f_vlan(&f, 9, ETYPE_IP4);
	h = f_ip4(&f, PROTO_UDP, 0x0a000001, 0x0a000002, 0x6000);
	h[0] = 0x46;
	put16(h + 4, id);
	memset(f_add(&f, 4), 1, 4);
	memcpy(f_add(&f, 16), d, 16);
	p = f_parse(&f);
	reass_add(r, &cfg, &p, LANE, 100);
	f_ether(&f, ETYPE_VLAN);
	f_vlan(&f, 9, ETYPE_IP4);
	h = f_ip4(&f, PROTO_UDP, 0x0a000001, 0x0a000002, 2);
	h[1] = 0x02; /* of another class; ECN is its own */
	put16(h + 4, id);
	f_add(&f, 8);
	p = f_parse(&f);
	f.b[f.l3 + 1] = 0;
	k = reass_add(r, &cfg, &p, LANE, 100);
	assert_true(k != 0);
	w = whole_of(k);
	assert_int_equal(w.l4, 18 + 24);
	assert_int_equal(get16(w.data + w.l3 + 6), 0);
	w.data[w.l3 + 1] = 0x28;
	w.data[w.l4 + 20] = 0x77;
	check_cut(k, &w);
	assert_int_equal(pkts[0].l4, 18 + 24);
	assert_int_equal(pkts[1].l4, 18 + 20);
	assert_int_equal(get16(pkts[0].data + 18 + 6), 0x6000);
	assert_int_equal(pkts[0].data[18 + 1], 0x28);
	assert_int_equal(pkts[1].data[18 + 1], 0x28);
	assert_int_equal(pkts[1].data[18 + 20 + 4], 0x77);
}

/* The 17th fragment may complete a packet; if it does not, all go. */
static void
fragments_of_a_packet(void **state)
{
	const uint8_t *d = numbers();
	unsigned k = 0;

	(void)state;
	for (unsigned i = 0; i < 17; i++)
		k = add(d, i * 8, 8, i < 16);
	assert_true(k != 0);
	reass_free(r, k);
	id++;
	for (unsigned i = 0; i < 16; i++)
		assert_int_equal(add(d, i * 8, 8, true), 0);
	assert_int_equal(reass_stats(r)->limit, 0);
	assert_int_equal(add(d, 16 * 8, 8, true), 0);
	assert_int_equal(reass_stats(r)->limit, 17);
	cfg.max_frags = 0;
	id++;
	assert_int_equal(add(d, 0, 8, true), 0);
	assert_int_equal(reass_stats(r)->limit, 18);
}

/* More packets, or more fragments, than there is room for: the oldest go. */
static void
oldest_goes(void **state)
{
	const uint8_t *d = numbers();
	unsigned k;

	(void)state;
	cfg.max_packets = 2;
	for (id = 1; id <= 3; id++)
		add(d, 0, 16, true);
	assert_int_equal(reass_stats(r)->limit, 1);
	id = 3;
	k = add(d, 16, 8, false);
	assert_true(k != 0);
	reass_free(r, k);
	id = 2;
	k = add(d, 16, 8, false);
	assert_true(k != 0);
	reass_free(r, k);
	id = 1;
	assert_int_equal(add(d, 16, 8, false), 0);
	reass_expire(r, &cfg, 1000);
	assert_int_equal(reass_stats(r)->late, 1);

	cfg.max_packets = REASS_PACKETS;
	for (unsigned i = 0; i < 3 * REASS_FRAGS; i++) {
		id = (uint16_t)(10 + i / 10);
		add(d, 8 + i % 10 * 8, 8, true);
	}
	assert_int_equal(reass_stats(r)->limit, /* tens went, as few as do */
	    1 + (2 * REASS_FRAGS + 9) / 10 * 10);
	reass_expire(r, &cfg, 1000);
	assert_int_equal(reass_stats(r)->late + reass_stats(r)->limit,
	    3 * REASS_FRAGS + 2);
}

/* Memory that complete packets hold is not taken from them. */
static void
complete_ones_hold_theirs(void **state)
{
	const uint8_t *d = numbers();
	unsigned held[REASS_FRAGS / 2], n = 0;

	(void)state;
	for (id = 1; id <= REASS_PACKETS; id++) {
		add(d, 0, 16, true);
		held[n] = add(d, 16, 8, false);
		assert_true(held[n++] != 0);
	}
	assert_int_equal(add(d, 0, 16, true), 0);
	assert_int_equal(reass_stats(r)->limit, 1);
	while (n > 0) {
		struct pkt w = whole_of(held[--n]);

		check_cut(held[n], &w);
	}
	add(d, 0, 16, true);
	assert_true(add(d, 16, 8, false) != 0);
}

static void
time_is_over(void **state)
{
	const uint8_t *d = numbers();

	(void)state;
	add(d, 0, 16, true);
	reass_expire(r, &cfg, 129);
	assert_int_equal(reass_stats(r)->late, 0);
	reass_expire(r, &cfg, 130);
	assert_int_equal(reass_stats(r)->late, 1);
	assert_int_equal(add(d, 16, 8, false), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
		T(two_orders),
		T(random_cuts),
		T(liars),
		T(impossible),
		T(not_the_same),
		T(congestion),
		T(headers_and_changes),
		T(fragments_of_a_packet),
		T(oldest_goes),
		T(complete_ones_hold_theirs),
		T(time_is_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
