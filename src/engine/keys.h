/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys of hash tables.  Nobody may guess them, so they come from the system; in
 * virtual time, which must be repeatable, from the seed.
 */
#pragma once

#include "base/cdefs.h"
#include "base/err.h"
#include "base/rng.h"

struct keys {
	bool seeded;
	struct rng rng;
};

static inline void
keys_seed(struct keys *k, uint64_t seed)
{
	k->seeded = true;
	rng_init(&k->rng, ~seed);
}

/* Fills 'key' with 'size' octets for 'what'; k may be NULL: not seeded.
 * -errno: the system has none. */
int keys_draw(struct keys *k, void *key, size_t size, const char *what,
    struct err *e);
