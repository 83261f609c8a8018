/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a trie of prefixes lies in memory, for the files of lpm.h alone.
 *
 * Place      lpm.c changes it, lpm_find.c reads it meanwhile.
 * Shape      a root of 20 bits, below it nodes of 6.
 * Threads    one writer.  A slot is published whole with slot_put() and read
 *            with slot_get(); what a reader may still see goes to the limbo.
 */
#pragma once

#include "table/lpm.h"

enum {
	ROOT_BITS = 20,
	ROOT_SIZE = LPM_SLOTS,
	STRIDE = 6,
	FANOUT = 1 << STRIDE,
	KEY_BITS = 128,
	LEVELS = (KEY_BITS - ROOT_BITS) / STRIDE + 1,
	RETIRED_MAX = 3 * LEVELS, /* blocks that one change replaces */
	PAGED_COUNT = 32768,	  /* prefixes that big pages are worth for */
};

/*
 * A slot is one word: 0, a node, or a single prefix.
 *	node	pointer, low two bits 0
 *	inline	value << 32 | the 24 bits that follow << 8 | len << 2 | INLINE
 *	apart	pointer to an lpm_prefix | APART
 */
enum { INLINE = 1, APART = 2, TAGS = 3, INLINE_BITS = 24 };

/* Values stand before the node, the last one first, so that both arrays are
 * found from one pointer. */
struct node {
	uint64_t in;	  /* prefixes that end here, heap order; bit 63 is 0 */
	uint64_t ext;	  /* children */
	uint64_t child[]; /* slots, one a bit of ext */
};

struct cell {
	uint64_t slot; /* prefixes of 20 bits and more */
	uint32_t best; /* of the shorter ones, the longest */
};

struct root {
	struct cell cell[ROOT_SIZE];
};

struct lpm {
	struct limbo *limbo;
	struct root *root; /* replaced once, by one in big pages */
	uint32_t *shorts; /* heap of the shorter prefixes; writer only */
	uint32_t lo;	  /* cells [lo, hi) have been used */
	uint32_t hi;
	uint32_t count;
	bool paged; /* the root has moved into big pages */
	size_t bytes;
};

/* ---- bits ---- */

/* What baseline x86-64 has no instruction for. */
static inline unsigned
count_bits(uint64_t v)
{
	v -= v >> 1 & 0x5555555555555555;
	v = (v & 0x3333333333333333) + (v >> 2 & 0x3333333333333333);
	v = (v + (v >> 4)) & 0x0f0f0f0f0f0f0f0f;
	return (unsigned)(v * 0x0101010101010101 >> 56);
}

/* Number of bits of 'map' below bit 'n'. */
static inline unsigned
rank(uint64_t map, unsigned n)
{
	return count_bits(map & ((1ull << n) - 1));
}

/* 64 bits of the key from bit 'at' on, zeros behind its end. */
static inline uint64_t
bits_from(struct lpm_key k, unsigned at)
{
	if (at < 64)
		return at == 0 ? k.hi : k.hi << at | k.lo >> (64 - at);
	return at < KEY_BITS ? k.lo << (at - 64) : 0;
}

static inline unsigned
chunk(struct lpm_key k, unsigned depth)
{
	return (unsigned)(bits_from(k, depth) >> (64 - STRIDE));
}

static inline bool
same_key(struct lpm_key a, struct lpm_key b)
{
	return a.hi == b.hi && a.lo == b.lo;
}

/* Heap index of the first 'rel' bits of a chunk. */
static inline unsigned
heap_of(unsigned c, unsigned rel)
{
	return (1u << rel) - 1 + (c >> (STRIDE - rel));
}

/* ---- slots ---- */

static inline uint64_t
slot_get(const uint64_t *s)
{
	/* Partner: the release in slot_put(). */
	return __atomic_load_n(s, __ATOMIC_ACQUIRE);
}

static inline void
slot_put(uint64_t *s, uint64_t v)
{
	__atomic_store_n(s, v, __ATOMIC_RELEASE);
}

static inline struct node *
node_of(uint64_t s)
{
	return (struct node *)(uintptr_t)s;
}

static inline struct lpm_prefix *
apart_of(uint64_t s)
{
	return (struct lpm_prefix *)(uintptr_t)(s & ~(uint64_t)TAGS);
}

static inline uint32_t *
value_at(const struct node *n, unsigned i)
{
	return (uint32_t *)(uintptr_t)n - 1 - i;
}

static inline size_t
cell_of(struct lpm_key k)
{
	return (size_t)(k.hi >> (64 - ROOT_BITS));
}

static inline const struct root *
root_get(const struct lpm *l)
{
	/* Partner: the release in use_pages(). */
	return __atomic_load_n(&l->root, __ATOMIC_ACQUIRE);
}
