/* SPDX-License-Identifier: BSD-2-Clause */
#include "rule/block.h"

#include "rule/block_fit.h"

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

SCAN(avx2, BLOCK_AVX2)
SCAN(sse41, BLOCK_SSE41)
SCAN(c, BLOCK_C)

const struct block_scan *
block_scans(void)
{
#define WAY(name, way) {#name, way, first_##name, first_##name##_6, \
	masks_##name, masks_##name##_6}
	static const struct block_scan all[] = {
		WAY(avx2, BLOCK_WAY_AVX2), WAY(sse41, BLOCK_WAY_SSE41),
		WAY(c, BLOCK_WAY_C), {.name = NULL},
	};
#undef WAY

	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2"))
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
