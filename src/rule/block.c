/* SPDX-License-Identifier: BSD-2-Clause */
#include "rule/block.h"

#include <immintrin.h>

enum row { SLOT, SRC, SRC_MASK, DST, DST_MASK, META, META_MASK, LO, HI,
	SRC2, SRC2_MASK, DST2, DST2_MASK, N_ROWS };

_Static_assert(sizeof(struct rule_key) ==
	(N_ROWS - 1) * sizeof(uint32_t) &&
    offsetof(struct rule_key, ports_hi) == (HI - 1) * sizeof(uint32_t) &&
    offsetof(struct rule_key, dst2_mask) == (DST2_MASK - 1) * sizeof(uint32_t),
    "rows are the members of rule_key");
_Static_assert((int)BLOCK_LONG == N_ROWS * BLOCK_LANES, "rows of a block");

/* ---- one block against one packet: eight bits ---- */

__attribute__((target("avx2"))) static inline unsigned
fit_avx2(const uint32_t *block, const struct pkt_key *k, bool is_long)
{
#define ROW(r) _mm256_load_si256((const __m256i *)(const void *)(block + (r) * 8))
#define DIFF(word, r) _mm256_and_si256(_mm256_xor_si256( \
	_mm256_set1_epi32((int)(word)), ROW(r)), ROW((r) + 1))
	__m256i ports = _mm256_set1_epi32((int)k->ports), bad, in;

	bad = _mm256_or_si256(DIFF(k->src, SRC), DIFF(k->dst, DST));
	bad = _mm256_or_si256(bad, DIFF(k->meta, META));
	if (is_long)
		bad = _mm256_or_si256(bad, _mm256_or_si256(
		    DIFF(k->src2, SRC2), DIFF(k->dst2, DST2)));
	in = _mm256_min_epu16(_mm256_max_epu16(ports, ROW(LO)), ROW(HI));
	bad = _mm256_or_si256(bad, _mm256_xor_si256(in, ports));
	return (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(
	    _mm256_cmpeq_epi32(bad, _mm256_setzero_si256())));
#undef DIFF
#undef ROW
}

__attribute__((target("sse4.1"))) static inline unsigned
fit4_sse41(const uint32_t *half, const struct pkt_key *k, bool is_long)
{
#define ROW(r) _mm_load_si128((const __m128i *)(const void *)(half + (r) * 8))
#define DIFF(word, r) _mm_and_si128(_mm_xor_si128( \
	_mm_set1_epi32((int)(word)), ROW(r)), ROW((r) + 1))
	__m128i ports = _mm_set1_epi32((int)k->ports), bad, in;

	bad = _mm_or_si128(DIFF(k->src, SRC), DIFF(k->dst, DST));
	bad = _mm_or_si128(bad, DIFF(k->meta, META));
	if (is_long)
		bad = _mm_or_si128(bad, _mm_or_si128(
		    DIFF(k->src2, SRC2), DIFF(k->dst2, DST2)));
	in = _mm_min_epu16(_mm_max_epu16(ports, ROW(LO)), ROW(HI));
	bad = _mm_or_si128(bad, _mm_xor_si128(in, ports));
	return (unsigned)_mm_movemask_ps(_mm_castsi128_ps(
	    _mm_cmpeq_epi32(bad, _mm_setzero_si128())));
#undef DIFF
#undef ROW
}

__attribute__((target("sse4.1"))) static inline unsigned
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

/* ---- scans over a comparison ---- */

#define SCAN_ONE(name, attr, fit, is_long, words)                              \
	attr static unsigned first_##name(const uint32_t *blocks,              \
	    unsigned n_blocks, const struct pkt_key *k, unsigned from)         \
	{                                                                      \
		unsigned b = from / BLOCK_LANES, bits;                         \
                                                                               \
		if (unlikely(b >= n_blocks))                                   \
			return n_blocks * BLOCK_LANES;                         \
		bits = fit(blocks + (size_t)b * (words), k, is_long) &         \
		    ~0u << from % BLOCK_LANES;                                 \
		while (bits == 0) {                                            \
			if (unlikely(++b == n_blocks))                         \
				return n_blocks * BLOCK_LANES;                 \
			bits = fit(blocks + (size_t)b * (words), k, is_long);  \
		}                                                              \
		return b * BLOCK_LANES + (unsigned)__builtin_ctz(bits);        \
	}                                                                      \
                                                                               \
	attr static void masks_##name(const struct leaf *leaves, unsigned n,   \
	    const struct pkt_key *k, uint64_t *masks)                          \
	{                                                                      \
		for (unsigned i = 0; i < n; i++) {                             \
			const struct leaf *l = &leaves[i];                     \
			unsigned left = l->n_blocks - l->at;                   \
			const uint32_t *at = l->blocks +                       \
			    (size_t)l->at * (words);                           \
			uint64_t m = 0;                                        \
                                                                               \
			left = left < BLOCK_WINDOW ? left : BLOCK_WINDOW;      \
			for (unsigned b = 0; b < left; b++)                    \
				m |= (uint64_t)fit(at + b * (words), k,        \
				    is_long) << (b * BLOCK_LANES);             \
			masks[i] = m;                                          \
		}                                                              \
	}

#define SCAN(name, attr)                                                       \
	SCAN_ONE(name, attr, fit_##name, false, BLOCK_SHORT)                   \
	SCAN_ONE(name##_6, attr, fit_##name, true, BLOCK_LONG)

SCAN(avx2, __attribute__((target("avx2"))))
SCAN(sse41, __attribute__((target("sse4.1"))))
SCAN(c, )

const struct block_scan *
block_scans(void)
{
#define WAY(name) {#name, first_##name, first_##name##_6, masks_##name, \
	masks_##name##_6}
	static const struct block_scan all[] = {
		WAY(avx2), WAY(sse41), WAY(c), {NULL, NULL, NULL, NULL, NULL},
	};
#undef WAY

	if (__builtin_cpu_supports("avx2"))
		return all;
	return __builtin_cpu_supports("sse4.1") ? all + 1 : all + 2;
}

/* ---- writing ---- */

void
block_set(uint32_t *block, unsigned words, unsigned lane, uint32_t slot,
    const struct rule_key *key)
{
	const uint32_t *k = (const uint32_t *)key;

	block[lane] = slot;
	for (unsigned at = BLOCK_LANES; at < words; at += BLOCK_LANES)
		block[at + lane] = *k++;
}

void
block_end(uint32_t *block, unsigned words, unsigned lane)
{
	/* Of both families is no packet. */
	static const struct rule_key none = {.meta = KEY_IP4 | KEY_IP6,
		.meta_mask = KEY_IP4 | KEY_IP6, .ports_hi = 0xffffffff};

	for (; lane < BLOCK_LANES; lane++)
		block_set(block, words, lane, BLOCK_NO_SLOT, &none);
}
