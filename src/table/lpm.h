/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Longest prefix match over keys of up to 128 bits: IPv4, IPv6, MAC.
 *
 *	key bit 0      19 20    25 26    31 ...
 *	       | root     | node  | node  |
 *
 * Layout     the first 20 bits index a root, each further level takes 6 bits.
 *            A node has a bitmap of the prefixes that end in it (63 of them, as
 *            a heap) and one of its children; only what is there takes memory.
 *            A subtree with a single prefix is not built: the slot holds the
 *            prefix itself, inline if at most 24 bits of it are left.
 * Keys       left aligned: bit 0 is the highest of 'hi'.
 * Threads    one writer, any readers without locks.  A node never changes but
 *            for its slots and values, which are single words; what it is
 *            replaced by is built aside.  The replaced block goes to the limbo.
 * Values     numbers above 0; 0 means that nothing matches.
 * Cost       IPv4: at most 3 dependent reads, each of one cache line or two.
 *            Memory: a page of the root per /12 that is used, 20 MB at most,
 *            and about 30 octets a prefix.  With many prefixes the root moves
 *            into big pages, if the limbo has them.
 */
#pragma once

#include "table/limbo.h"

struct lpm;

enum {
	LPM_BURST = 64,	     /* lookups that wait for memory together */
	LPM_SLOTS = 1 << 20, /* of the root */
	LPM_ITEM_SIZE = 32,  /* octets of a prefix, about */
};

struct lpm_key {
	uint64_t hi;
	uint64_t lo;
};

struct lpm_prefix {
	struct lpm_key key; /* bits beyond 'len' are 0 */
	unsigned len;	    /* 0 to 128 */
	uint32_t value;
};

/* An empty one; 'limbo' outlives it.  Returns owned, NULL without memory. */
struct lpm *lpm_create(struct limbo *limbo);
/* Frees it at once: there are no readers.  NULL is fine. */
void lpm_destroy(struct lpm *l);

/* Reader: the value of the longest prefix that covers the key, 0 = none. */
uint32_t lpm_lookup(const struct lpm *l, struct lpm_key key);

/* Reader: out[i] = what lpm_lookup says of keys[i], for n keys.  They wait for
 * memory together, LPM_BURST at a time. */
void lpm_lookup_burst(const struct lpm *l, const struct lpm_key *keys,
    unsigned n, uint32_t *out);

/* The value of exactly this prefix, 0 = it is not there. */
uint32_t lpm_get(const struct lpm *l, struct lpm_key key, unsigned len);

/* Adds a prefix or changes its value.  0 or -ENOMEM: then nothing changed. */
int lpm_set(struct lpm *l, const struct lpm_prefix *p);

/* 0, -ENOENT or -ENOMEM. */
int lpm_delete(struct lpm *l, struct lpm_key key, unsigned len);

uint32_t lpm_count(const struct lpm *l);
/* Octets of the nodes, without the root. */
size_t lpm_bytes(const struct lpm *l);

/* Shows every prefix by address, the shorter of two at one address first. */
typedef void lpm_fn(void *arg, const struct lpm_prefix *p);
void lpm_walk(const struct lpm *l, lpm_fn *fn, void *arg);

/* 'key' with the bits beyond 'len' cleared. */
struct lpm_key lpm_mask(struct lpm_key key, unsigned len);
