/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keys of sixteen packets side by side: rows of one word of each, so that a
 * rule is compared with all of them at once.
 *
 * Place      filled from the packets' metadata by those that look at bursts:
 *            rule/sieve, rule/interp.
 * Meaning    what key_of_pkt() says of each packet; and of IPv6 addresses the fold
 *            of what is behind the first word, for rules that ask for all of it.
 * Lanes      there are always ROWS packets to be read; what is said of the lanes
 *            that are none is not looked at.  The words of IPv6 are undefined in
 *            lanes of other packets: rules that ask for them ask for IPv6, too.
 * Cost       4 packets are turned at once, with what every x86-64 has: 11
 *            instructions a packet, 8 more for IPv6.
 */
#pragma once

#include "rule/key.h"

#include <emmintrin.h>

enum { ROWS = 16 }; /* packets */

/* Words of IPv6. */
enum rows_six {
	ROWS_SRC2,     /* pkt_key.src2 */
	ROWS_SRC_FOLD, /* rows_fold() of the rest of the address */
	ROWS_DST2,
	ROWS_DST_FOLD,
	N_ROWS_SIX
};

struct rows {
	_Alignas(CACHE_LINE) uint32_t src[ROWS];
	uint32_t dst[ROWS];
	uint32_t meta[ROWS];
	uint32_t ports[ROWS];
	uint32_t bytes[ROWS]; /* pkt_count_bytes() */
	uint32_t six[N_ROWS_SIX][ROWS];
	const uint8_t *ip[ROWS]; /* IPv6: the header */
};

/* Four words of four packets, turned: row n has word n of each. */
struct turned {
	__m128i row[4];
};

static inline struct turned
rows_turn(__m128i a, __m128i b, __m128i c, __m128i d)
{
	__m128i ab = _mm_unpacklo_epi32(a, b), cd = _mm_unpacklo_epi32(c, d);
	__m128i ab2 = _mm_unpackhi_epi32(a, b), cd2 = _mm_unpackhi_epi32(c, d);

	return (struct turned){{_mm_unpacklo_epi64(ab, cd),
	    _mm_unpackhi_epi64(ab, cd), _mm_unpacklo_epi64(ab2, cd2),
	    _mm_unpackhi_epi64(ab2, cd2)}};
}

/* Sixteen octets at 'offset' of each of four packets. */
static inline struct turned
rows_load(struct pkt *const pkts[4], size_t offset)
{
	__m128i v[4];

	for (unsigned i = 0; i < 4; i++)
		v[i] = _mm_loadu_si128((const __m128i *)(const void *)
		    ((const char *)pkts[i] + offset));
	return rows_turn(v[0], v[1], v[2], v[3]);
}

_Static_assert(offsetof(struct pkt, len) == 16 &&
	offsetof(struct pkt, flags) == 19 && offsetof(struct pkt, bad) == 20 &&
	offsetof(struct pkt, proto) == 21 &&
	offsetof(struct pkt, tcp_flags) == 22 && offsetof(struct pkt, l3) == 23 &&
	offsetof(struct pkt, ip_len) == 30 && offsetof(struct pkt, src4) == 32 &&
	offsetof(struct pkt, dst4) == 36 && offsetof(struct pkt, dport) == 40 &&
	offsetof(struct pkt, sport) == 42,
    "words that are turned");

/* key_of_pkt().meta from the words 'len' to 'flags' and 'bad' to 'l3'. */
static inline __m128i
rows_meta(__m128i word0, __m128i word1, __m128i out)
{
#define ALL(x) _mm_set1_epi32(x)
	const __m128i looked = ALL((TH_RST | TH_ACK | TH_SYN) << 16);
	__m128i proto = _mm_and_si128(_mm_srli_epi32(word1, 8), ALL(0xff));
	__m128i has_l4 = _mm_srai_epi32(_mm_slli_epi32(word0, 3), 31);
	__m128i tcp = _mm_and_si128(has_l4,
	    _mm_cmpeq_epi32(proto, ALL(PROTO_TCP)));
	__m128i syn = _mm_cmpeq_epi32(_mm_and_si128(word1, looked),
	    ALL(TH_SYN << 16));
	__m128i of_tcp = _mm_or_si128(_mm_andnot_si128(syn, ALL(KEY_ESTAB)),
	    _mm_or_si128(ALL(KEY_TCP), _mm_and_si128(word1, ALL(0xff0000))));
	__m128i family = _mm_and_si128(_mm_srli_epi32(word0, 16),
	    ALL(KEY_IP4 | KEY_IP6));
	__m128i ports = _mm_and_si128(_mm_srli_epi32(word0, 19),
	    ALL(KEY_PORTS));

	return _mm_or_si128(_mm_or_si128(_mm_or_si128(proto, out),
	    _mm_or_si128(family, ports)), _mm_and_si128(tcp, of_tcp));
#undef ALL
}

_Static_assert(PKT_L4 << 24 << 3 == (int)(1u << 31) &&
	PKT_PORTS << 24 >> 19 == KEY_PORTS &&
	KEY_FLAGS_SHIFT == 16,
    "shifts of rows_meta()");

/* What some of the packets are. */
struct rows_seen {
	bool six; /* IPv6 */
	bool bad; /* pkt.bad */
};

/* Fills all rows but those of IPv6. */
static inline struct rows_seen
rows_fill(struct rows *r, struct pkt *const pkts[ROWS], bool pass_out)
{
#define TO(row) ((__m128i *)(void *)&r->row[i])
	__m128i out = _mm_set1_epi32(pass_out ? KEY_OUT : 0);
	__m128i six = _mm_setzero_si128(), bad = six;

	for (unsigned i = 0; i < ROWS; i += 4) {
		struct turned a = rows_load(pkts + i, 16);
		struct turned b = rows_load(pkts + i, 32);
		__m128i there = _mm_sub_epi32(_mm_and_si128(a.row[0],
		    _mm_set1_epi32(0xffff)), _mm_srli_epi32(a.row[1], 24));
		__m128i meta = rows_meta(a.row[0], a.row[1], out);

		/* The lesser one, of 16 bits each. */
		_mm_store_si128(TO(bytes), _mm_sub_epi32(there,
		    _mm_subs_epu16(there, _mm_srli_epi32(a.row[3], 16))));
		_mm_store_si128(TO(meta), meta);
		_mm_store_si128(TO(src), b.row[0]);
		_mm_store_si128(TO(dst), b.row[1]);
		_mm_store_si128(TO(ports), b.row[2]);
		six = _mm_or_si128(six, meta);
		bad = _mm_or_si128(bad, a.row[1]);
	}
	six = _mm_slli_epi32(six, 31 - 9);
	bad = _mm_cmpeq_epi8(_mm_slli_epi32(bad, 24), _mm_setzero_si128());
	return (struct rows_seen){_mm_movemask_ps(_mm_castsi128_ps(six)) != 0,
	    _mm_movemask_epi8(bad) != 0xffff};
#undef TO
}

_Static_assert(KEY_IP6 == 1 << 9, "shift of rows_fill()");

/* One word of the second to fourth one of an address. */
static inline uint32_t
rows_fold(const uint32_t w[3])
{
	return w[0] ^ (w[1] << 16 | w[1] >> 16) ^ w[2];
}

/* The same for four addresses, of their second word and of its fold. */
static inline void
rows_store6(uint32_t *second, uint32_t *fold, const __m128i at[4])
{
	struct turned t = rows_turn(at[0], at[1], at[2], at[3]);
	__m128i w = _mm_or_si128(_mm_slli_epi32(t.row[2], 16),
	    _mm_srli_epi32(t.row[2], 16));

	_mm_store_si128((__m128i *)(void *)second, t.row[1]);
	_mm_store_si128((__m128i *)(void *)fold,
	    _mm_xor_si128(_mm_xor_si128(t.row[1], t.row[3]), w));
}

/* Fills the rows of IPv6. */
static inline void
rows_fill6(struct rows *r, struct pkt *const pkts[ROWS])
{
	static const uint8_t none[IP6_LEN];

	for (unsigned i = 0; i < ROWS; i += 4) {
		__m128i src[4], dst[4];

		for (unsigned k = 0; k < 4; k++) {
			const struct pkt *p = pkts[i + k];
			const uint8_t *ip = (p->flags & PKT_IP6) != 0 ?
			    p->data + p->l3 : none;

			r->ip[i + k] = ip;
			src[k] = _mm_loadu_si128((const __m128i *)
			    (const void *)(ip + 8));
			dst[k] = _mm_loadu_si128((const __m128i *)
			    (const void *)(ip + 24));
		}
		rows_store6(&r->six[ROWS_SRC2][i], &r->six[ROWS_SRC_FOLD][i],
		    src);
		rows_store6(&r->six[ROWS_DST2][i], &r->six[ROWS_DST_FOLD][i],
		    dst);
	}
}
