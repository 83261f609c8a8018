/* SPDX-License-Identifier: BSD-2-Clause */
/* Segments are joined only if cutting the result gives them back. */
#include "unit.h"

#include "frames.h"

#include "base/rng.h"
#include "packet/checksum.h"
#include "packet/join.h"

#include <stdlib.h>

enum { N = 200, STRIDE = 2048 };

static uint8_t store[N][STRIDE];
static struct pkt pkts[N];
static struct pkt *ptrs[N];
static unsigned n_pkts;
static struct rng rng;

static unsigned
chance(unsigned n)
{
	return (unsigned)(rng_u64(&rng) % n);
}

/* Appends the segments of a TCP packet of so many octets, as Linux cuts it. */
static void
add(bool six, bool vlan, unsigned size, unsigned mss, unsigned flags,
    uint32_t seq, unsigned id)
{
	static uint8_t whole[70000];
	struct segments s;
	struct offload o;
	struct frame f;
	uint8_t *tcp;
	unsigned etype = six ? ETYPE_IP6 : ETYPE_IP4, len;

	f_ether(&f, (uint16_t)(vlan ? ETYPE_VLAN : etype));
	if (vlan)
		f_vlan(&f, 7, (uint16_t)etype);
	if (six)
		f_ip6(&f, PROTO_TCP, 1, 2);
	else
		put16(f_ip4(&f, PROTO_TCP, 1, 2, 0x4000) + 4, (uint16_t)id);
	tcp = f_tcp(&f, 1000, 80, (uint8_t)flags);
	put32(tcp + 4, seq);
	tcp[12] = 0x80;
	memcpy(f_add(&f, 12), "\1\1\x08\x0a" "stamps!!", 12);
	memcpy(whole, f.b, f.len);
	for (unsigned i = 0; i < size; i++)
		whole[f.len + i] = (uint8_t)rng_u64(&rng);
	len = f.len + size;
	tcp = whole + (tcp - f.b);
	if (six)
		put16(whole + f.l3 + 4, (uint16_t)(32 + size));
	else
		put16(whole + f.l3 + 2, (uint16_t)(52 + size));
	put16(tcp + 16, (uint16_t)~checksum_end(checksum_add(
	    PROTO_TCP + 32 + size, tcp - (six ? 32 : 8), six ? 32 : 8)));
	o = (struct offload){.flags = OFFLOAD_CSUM, .gso = six ? OFFLOAD_TCP6 :
	    OFFLOAD_TCP4, .gso_size = (uint16_t)mss,
	    .csum_start = (uint16_t)(tcp - whole), .csum_offset = 16};
	assert_true(segments_begin(&s, whole, len, &o));
	while (n_pkts < N &&
	    (len = segments_next(&s, store[n_pkts])) != 0) {
		pkts[n_pkts].data = store[n_pkts];
		pkts[n_pkts].len = (uint16_t)len;
		ptrs[n_pkts] = &pkts[n_pkts];
		n_pkts++;
	}
}

/* Cuts what pkts[at, at + k) were joined to and compares. */
static void
comes_back(const struct join *j, unsigned at, unsigned k)
{
	static uint8_t whole[UINT16_MAX + 1], out[STRIDE];
	unsigned len = j->hdr, n;
	struct segments s;

	memcpy(whole, j->head, j->hdr);
	for (unsigned i = at; i < at + k; i++) {
		n = ptrs[i]->len - j->hdr;
		assert_true(len + n <= UINT16_MAX);
		memcpy(whole + len, ptrs[i]->data + j->hdr, n);
		len += n;
	}
	assert_true(segments_begin(&s, whole, len, &j->work));
	for (unsigned i = at; i < at + k; i++) {
		assert_int_equal(segments_next(&s, out), ptrs[i]->len);
		assert_memory_equal(out, ptrs[i]->data, ptrs[i]->len);
	}
	assert_int_equal(segments_next(&s, out), 0);
}

/* The run at 'at' has 'k' packets, and is what it was when it is cut. */
static void
run_is(unsigned at, unsigned k)
{
	struct join j;

	assert_int_equal(join_run(&j, ptrs + at, n_pkts - at), k);
	if (k > 1)
		comes_back(&j, at, k);
}

static void
joins_what_was_cut(void **state)
{
	(void)state;
	for (unsigned v = 0; v < 4; v++) {
		n_pkts = 0;
		add(v & 1, v & 2, 14480, 1448, TH_ACK | TH_PUSH, 1, 0xfffc);
		run_is(0, 10);
		run_is(9, 1);
		n_pkts = 0;
		add(v & 1, v & 2, 14481, 1448, TH_ACK, 0xffffff00, 3);
		run_is(0, 11);
		run_is(4, 7);
		n_pkts = 0;
		add(v & 1, v & 2, 65000, 1448, TH_ACK, 1, 2);
		add(v & 1, v & 2, 14480, 1448, TH_ACK, 65001, 47);
		run_is(0, 45);
		run_is(45, 10);
	}
}

/* Two packets in a row are one if all is as if they had been. */
static void
joins_across(void **state)
{
	(void)state;
	n_pkts = 0;
	add(false, false, 2000, 1000, TH_ACK, 500, 8);
	add(false, false, 2000, 1000, TH_ACK, 2500, 10);
	run_is(0, 4);
	n_pkts = 0;
	add(false, false, 70 * 600, 600, TH_ACK, 500, 8);
	add(false, false, 70 * 600, 600, TH_ACK, 500 + 70 * 600, 78);
	run_is(0, JOIN_MAX);
	n_pkts = 0;
	add(true, false, 30 * 1400, 1400, TH_ACK, 500, 8);
	add(true, false, 30 * 1400, 1400, TH_ACK, 500 + 30 * 1400, 8);
	run_is(0, (UINT16_MAX - 14 - 40 - 32) / 1400);
}

/* Makes both checksums of an IPv4 frame right again. */
static void
mend(uint8_t *frame, unsigned len)
{
	uint8_t *tcp = frame + 34;

	put16(frame + 24, 0);
	put16(frame + 24, checksum_end(checksum_add(0, frame + 14, 20)));
	put16(tcp + 16, 0);
	put16(tcp + 16, checksum_end(checksum_add(checksum_add(PROTO_TCP +
	    len - 34, tcp - 8, 8), tcp, len - 34)));
}

/* One octet of the second of two frames, in a frame that is good or broken. */
static void
differs(unsigned at, unsigned x, bool good)
{
	struct join j;

	n_pkts = 0;
	add(false, false, 2000, 1000, TH_ACK, 500, 8);
	store[1][at] ^= (uint8_t)x;
	if (good)
		mend(store[1], pkts[1].len);
	if (join_run(&j, ptrs, n_pkts) != 1)
		fail_msg("octet %u, changed by %#x: joined", at, x);
}

/* A sum of zero has two forms, and Linux writes only one. */
static void
zero_sum(uint16_t form, unsigned k)
{
	uint8_t *tcp = store[1] + 34;
	uint32_t word;

	n_pkts = 0;
	add(false, false, 2000, 1000, TH_ACK, 500, 8);
	word = (uint32_t)get16(tcp + 32) + get16(tcp + 16);
	put16(tcp + 32, (uint16_t)((word & 0xffff) + (word >> 16)));
	put16(tcp + 16, form);
	run_is(0, k);
}

static void
keeps_apart(void **state)
{
	(void)state;
	for (unsigned at = 0; at < 1066; at++)
		differs(at, 1 + chance(255), false);
	for (unsigned at = 0; at < 66; at++)
		if (at != 24 && at != 25 && at != 50 && at != 51)
			differs(at, at == 47 ? 2 : 1 + chance(255), true);
	zero_sum(0, 1);
	zero_sum(0xffff, 2);
	n_pkts = 0;
	add(false, false, 2000, 1000, TH_ACK, 500, 8);
	store[0][50] ^= 1; /* the first is broken, too late to trust it */
	run_is(0, 1);
	for (unsigned flags = 0; flags < 256; flags++) {
		n_pkts = 0;
		add(false, false, 3000, 1000, flags, 500, 8);
		/* Only the last segment has FIN. */
		run_is(0, (flags & ~9u) != TH_ACK ? 1 :
			  (flags & TH_FIN) != 0 ? 2 : 3);
	}
	n_pkts = 0;
	add(false, false, 2000, 1000, TH_ACK, 500, 8);
	pkts[1].len--; /* shorter than its IP header says */
	run_is(0, 1);
	n_pkts = 0;
	add(false, false, 1000, 1000, TH_ACK, 500, 8);
	add(false, false, 1001, 1001, TH_ACK, 1500, 9);
	run_is(0, 1); /* longer than the one before */
	n_pkts = 0;
	add(false, false, 1500, 1000, TH_ACK, 500, 8);
	add(false, false, 1000, 1000, TH_ACK, 2500, 10);
	run_is(0, 2); /* a gap behind a short one */
	n_pkts = 1;
	run_is(0, 1);
}

/* Broken and mixed streams: whatever is joined comes back. */
static void
any_stream(void **state)
{
	unsigned joined = 0;

	(void)state;
	for (unsigned round = 0; round < 300; round++) {
		struct join j;
		uint32_t seq = (uint32_t)rng_u64(&rng);
		unsigned id = chance(1 << 16), mss = 100 + chance(1300);
		bool six = chance(2), vlan = chance(2);

		n_pkts = 0;
		while (n_pkts < N) {
			unsigned size = 1 + chance(10000);

			add(six, vlan, size, mss, chance(5) == 0 ? chance(256) :
			    TH_ACK, seq, id);
			seq += chance(8) == 0 ? 1 : size;
			id = chance(8) == 0 ? id : id + (size + mss - 1) / mss;
		}
		for (unsigned i = chance(12); i > 0; i--) {
			unsigned k = chance(N);

			store[k][chance(pkts[k].len)] ^= 1 << chance(8);
		}
		for (unsigned at = 0, k; at < n_pkts; at += k) {
			k = join_run(&j, ptrs + at, n_pkts - at);
			if (k > 1)
				comes_back(&j, at, k);
			joined += k > 1;
		}
	}
	assert_true(joined > 1000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(joins_what_was_cut),
		cmocka_unit_test(joins_across),
		cmocka_unit_test(keeps_apart),
		cmocka_unit_test(any_stream),
	};

	rng_init(&rng, 11);
	return cmocka_run_group_tests_name("join", tests, NULL, NULL);
}
