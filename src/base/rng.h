/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Chance as an argument: a small seeded generator (xoshiro256**, Blackman and
 * Vigna 2018), reproducible on every machine.  Not for secrets.
 */
#pragma once

#include <stdint.h>

struct rng {
	uint64_t s[4];
};

/* Any seed will do; the same seed gives the same sequence. */
static inline void
rng_init(struct rng *r, uint64_t seed)
{
	for (int i = 0; i < 4; i++) { /* splitmix64 spreads the seed */
		uint64_t z = seed += 0x9e3779b97f4a7c15ull;

		z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
		z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
		r->s[i] = z ^ (z >> 31);
	}
}

static inline uint64_t
rng_u64(struct rng *r)
{
	uint64_t *s = r->s;
	uint64_t x = s[1] * 5, t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = s[3] << 45 | s[3] >> 19;
	return (x << 7 | x >> 57) * 9;
}

/* 0 to 2^31-1, what ipfw's prob compares with. */
static inline uint32_t
rng_31(struct rng *r)
{
	return (uint32_t)(rng_u64(r) >> 33);
}
