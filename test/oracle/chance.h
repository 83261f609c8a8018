/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where draws come from: a seeded generator, or the octets of a fuzzer's input.
 *
 * Place      everything under test/oracle draws from one of these and from
 *            nothing else, so that a seed, or an input, tells all that happens.
 * Input      a draw takes one octet, two if more than 256 values are possible;
 *            behind the end all draws are 0 and chance_ended() is true.
 */
#pragma once

#include "base/rng.h"

#include <stdbool.h>
#include <stddef.h>

struct chance {
	struct rng rng;
	const uint8_t *at; /* of the input; NULL = the generator */
	const uint8_t *end;
};

static inline void
chance_seed(struct chance *c, uint64_t seed)
{
	*c = (struct chance){.at = NULL};
	rng_init(&c->rng, seed);
}

static inline void
chance_input(struct chance *c, const uint8_t *data, size_t size)
{
	*c = (struct chance){.at = data, .end = data + size};
}

static inline bool
chance_ended(const struct chance *c)
{
	return c->at != NULL && c->at == c->end;
}

static inline uint32_t
chance_octets(struct chance *c, unsigned n)
{
	uint32_t v = 0;

	for (; n > 0 && c->at < c->end; n--)
		v = v << 8 | *c->at++;
	return v;
}

/* 0 to n - 1. */
static inline unsigned
draw(struct chance *c, unsigned n)
{
	if (n <= 1)
		return 0;
	if (c->at == NULL)
		return (unsigned)((rng_u64(&c->rng) >> 32) * n >> 32);
	return chance_octets(c, n <= 256 ? 1 : 2) % n;
}

/* True once in 'n' times.  An input that has ended says no, so that it makes
 * plain things. */
static inline bool
once_in(struct chance *c, unsigned n)
{
	return draw(c, n) + 1 == n;
}

static inline uint32_t
draw_word(struct chance *c)
{
	return c->at == NULL ? (uint32_t)rng_u64(&c->rng) :
			       chance_octets(c, 4);
}
