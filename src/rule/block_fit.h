/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One block of rules against one packet, in the three ways of rule/block.
 *
 * Place      for those who loop over blocks and want the comparison inlined, so
 *            that what is known of the packet stays in registers: block.c, walk.c.
 * Use        fit_WAY(block, key, is_long) in a function with BLOCK_WAY's target:
 *            eight bits, one a lane that fits.  With 'is_long' the other words
 *            of addresses are compared as well; then the block must be long.
 */
#pragma once

#include "rule/block.h"

#include <immintrin.h>

#define BLOCK_AVX2  __attribute__((target("avx2,bmi,bmi2")))
#define BLOCK_SSE41 __attribute__((target("sse4.1")))
#define BLOCK_C

enum row { SLOT, ACT, SRC, SRC_MASK, DST, DST_MASK, META, META_MASK, LO, HI,
	SRC2, SRC2_MASK, DST2, DST2_MASK, REST, REST_MASK, N_ROWS };

_Static_assert(sizeof(struct rule_key) ==
	(N_ROWS - 1) * sizeof(uint32_t) &&
    offsetof(struct rule_key, ports_hi) == (HI - 1) * sizeof(uint32_t) &&
    offsetof(struct rule_key, rest_mask) == (REST_MASK - 1) * sizeof(uint32_t),
    "rows are the members of rule_key");
_Static_assert((int)BLOCK_LONG == N_ROWS * BLOCK_LANES, "rows of a block");

BLOCK_AVX2 static inline unsigned
fit_avx2(const uint32_t *block, const struct pkt_key *k, bool is_long)
{
#define ROW(r) _mm256_load_si256((const __m256i *)(const void *)(block + (r) * 8))
#define DIFF(word, r) _mm256_and_si256(_mm256_xor_si256( \
	_mm256_set1_epi32((int)(word)), ROW(r)), ROW((r) + 1))
	__m256i ports = _mm256_set1_epi32((int)k->ports), bad, in;

	bad = _mm256_or_si256(DIFF(k->src, SRC), DIFF(k->dst, DST));
	bad = _mm256_or_si256(bad, DIFF(k->meta, META));
	if (is_long) {
		bad = _mm256_or_si256(bad, _mm256_or_si256(
		    DIFF(k->src2, SRC2), DIFF(k->dst2, DST2)));
		bad = _mm256_or_si256(bad, DIFF(k->rest, REST));
	}
	in = _mm256_min_epu16(_mm256_max_epu16(ports, ROW(LO)), ROW(HI));
	bad = _mm256_or_si256(bad, _mm256_xor_si256(in, ports));
	return (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(
	    _mm256_cmpeq_epi32(bad, _mm256_setzero_si256())));
#undef DIFF
#undef ROW
}

BLOCK_SSE41 static inline unsigned
fit4_sse41(const uint32_t *half, const struct pkt_key *k, bool is_long)
{
#define ROW(r) _mm_load_si128((const __m128i *)(const void *)(half + (r) * 8))
#define DIFF(word, r) _mm_and_si128(_mm_xor_si128( \
	_mm_set1_epi32((int)(word)), ROW(r)), ROW((r) + 1))
	__m128i ports = _mm_set1_epi32((int)k->ports), bad, in;

	bad = _mm_or_si128(DIFF(k->src, SRC), DIFF(k->dst, DST));
	bad = _mm_or_si128(bad, DIFF(k->meta, META));
	if (is_long) {
		bad = _mm_or_si128(bad, _mm_or_si128(
		    DIFF(k->src2, SRC2), DIFF(k->dst2, DST2)));
		bad = _mm_or_si128(bad, DIFF(k->rest, REST));
	}
	in = _mm_min_epu16(_mm_max_epu16(ports, ROW(LO)), ROW(HI));
	bad = _mm_or_si128(bad, _mm_xor_si128(in, ports));
	return (unsigned)_mm_movemask_ps(_mm_castsi128_ps(
	    _mm_cmpeq_epi32(bad, _mm_setzero_si128())));
#undef DIFF
#undef ROW
}

BLOCK_SSE41 static inline unsigned
fit_sse41(const uint32_t *block, const struct pkt_key *k, bool is_long)
{
	return fit4_sse41(block, k, is_long) |
	    fit4_sse41(block + 4, k, is_long) << 4;
}

static inline unsigned
fit_c(const uint32_t *block, const struct pkt_key *k, bool is_long)
{
	unsigned rows = is_long ? N_ROWS : SRC2;
	unsigned bits = 0;

	for (unsigned i = 0; i < BLOCK_LANES; i++) {
		struct rule_key r = {0};

		for (unsigned row = SRC; row < rows; row++)
			((uint32_t *)&r)[row - 1] =
			    block[row * BLOCK_LANES + i];
		bits |= (unsigned)key_fits(&r, k) << i;
	}
	return bits;
}
