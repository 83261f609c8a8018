/* SPDX-License-Identifier: BSD-2-Clause */
/* Changes to headers: the new value, and a checksum that still holds. */
#include "unit.h"

#include "frames.h"

#include "packet/checksum.h"
#include "packet/rewrite.h"

#include <stdlib.h>

static struct frame f;

/* A SYN of either family with these TCP options, checksum right. */
static struct pkt
syn(bool six, const void *options, unsigned n, unsigned payload)
{
	uint8_t *tcp;
	uint32_t sum;
	unsigned addrs = six ? 32 : 8;
	struct pkt p;

	f_ether(&f, six ? ETYPE_IP6 : ETYPE_IP4);
	if (six)
		f_ip6(&f, PROTO_TCP, 1, 2);
	else
		f_ip4(&f, PROTO_TCP, 0x0a000001, 0x0a000002, 0);
	tcp = f_tcp(&f, 1000, 80, TH_SYN);
	tcp[12] = (uint8_t)((20 + n) / 4 << 4);
	memcpy(f_add(&f, n), options, n);
	memset(f_add(&f, payload), 0x5a, payload);
	p = f_parse(&f);
	sum = checksum_add(PROTO_TCP + n + 20 + payload, tcp - addrs, addrs);
	put16(tcp + 16, checksum_end(checksum_add(sum, tcp,
	    20 + n + payload)));
	return p;
}

static bool
valid(const struct pkt *p)
{
	unsigned addrs = (p->flags & PKT_IP6) != 0 ? 32 : 8;
	unsigned n = (unsigned)p->len - p->l4;
	const uint8_t *tcp = p->data + p->l4;

	return checksum_end(checksum_add(
	    checksum_add(PROTO_TCP + n, tcp - addrs, addrs), tcp, n)) == 0;
}

/* The MSS at every place it can stand, even and odd, in both families. */
static void
mss_anywhere(void **state)
{
	static const uint16_t values[] = {0, 1, 536, 1399, 1400, 1401, 1460,
	    0x8000, 0xfffe, 0xffff};

	(void)state;
	for (unsigned at = 0; at <= 36; at++)
		for (unsigned v = 0; v < ARRAY_LEN(values); v++) {
			uint8_t o[40];
			struct pkt p;
			uint8_t *mss;
			bool want = values[v] > 1400;

			memset(o, 1, sizeof(o)); /* NOPs */
			o[at] = 2;
			o[at + 1] = 4;
			put16(o + at + 2, values[v]);
			p = syn(v % 2 != 0, o, sizeof(o), v);
			mss = p.data + p.l4 + 20 + at + 2;
			assert_true(valid(&p));
			assert_int_equal(rewrite_mss(&p, 1400), want);
			assert_int_equal(get16(mss), want ? 1400 : values[v]);
			assert_true(valid(&p));
			assert_false(rewrite_mss(&p, 1400));
		}
}

/* Octets that must not be taken for an MSS, nor read beyond the frame. */
static void
mss_nowhere(void **state)
{
	static const struct {
		uint8_t octets[8];
		unsigned n;
	} rows[] = {
		{{0}, 0},
		{{0, 2, 4, 0xff, 0xff, 0, 0, 0}, 8}, /* behind the end */
		{{2, 3, 0xff, 0xff}, 4},
		{{2, 5, 0xff, 0xff, 0xff, 0, 0, 0}, 8},
		{{2, 0, 0xff, 0xff}, 4},
		{{8, 1, 2, 4, 0xff, 0xff, 0, 0}, 8},
		{{1, 1, 2, 4}, 4}, /* the value would be payload */
		{{1, 1, 1, 2}, 4},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct pkt p = syn(false, rows[i].octets, rows[i].n, 8);
		uint8_t *before = malloc(p.len);

		memcpy(before, p.data, p.len);
		assert_false(rewrite_mss(&p, 1));
		assert_memory_equal(before, p.data, p.len);
		free(before);
	}
}

static void
only_syns(void **state)
{
	static const uint8_t o[4] = {2, 4, 0xff, 0xff};
	struct pkt p = syn(false, o, 4, 0);

	(void)state;
	p.data[p.l4 + 13] = TH_ACK;
	p = f_parse(&f);
	assert_false(rewrite_mss(&p, 1));
	p.data[p.l4 + 13] = TH_SYN | TH_ACK;
	p = f_parse(&f);
	assert_true(rewrite_mss(&p, 1));
	p = syn(false, o, 4, 0);
	p.data[p.l3 + 9] = PROTO_UDP;
	p = f_parse(&f);
	assert_false(rewrite_mss(&p, 1));
	p = syn(false, o, 4, 0);
	put16(p.data + p.l3 + 6, 0x0010); /* a later fragment */
	p = f_parse(&f);
	assert_false(rewrite_mss(&p, 1));
}

/* A header that claims more than the frame has. */
static void
cut_short(void **state)
{
	static const uint8_t o[8] = {1, 1, 1, 1, 2, 4, 0xff, 0xff};

	(void)state;
	for (unsigned cut = 1; cut <= 8; cut++) {
		struct pkt p = syn(false, o, 8, 0);
		unsigned len = p.len - cut;
		uint8_t *exact = malloc(len);

		memcpy(exact, p.data, len);
		p.data = exact;
		p.len = (uint16_t)len;
		assert_false(rewrite_mss(&p, 1));
		free(exact);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mss_anywhere),
		cmocka_unit_test(mss_nowhere),
		cmocka_unit_test(only_syns),
		cmocka_unit_test(cut_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
