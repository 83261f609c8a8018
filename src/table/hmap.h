/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hash map from keys of one size to numbers, that readers need no lock for.
 *
 * Layout     entries live in chunks that never move; each has an index above 0.
 *            An open-addressed array of words (hash, index) finds them; it is
 *            rebuilt aside when it is half full.
 * Hash       keyed with a seed, so that whoever sends packets cannot know what
 *            collides.
 * Threads    one writer, any readers.  An entry that is deleted, and its index,
 *            come back only when the limbo is emptied.
 * Cost       a hit: one read of the array, one of the entry; 16 to 32 octets an
 *            entry beside its key, more for flows, whose entries are a cache
 *            line each.  Large arrays and entries beyond 32768 come in big
 *            pages, if the limbo has them.
 */
#pragma once

#include "table/limbo.h"

struct hmap;

enum { HMAP_BURST = 64 }; /* searches that wait for memory together */

/* Keys of 'key_size' octets, a multiple of 4.  'limbo' outlives the map.
 * Returns owned, NULL without memory. */
struct hmap *hmap_create(struct limbo *limbo, size_t key_size,
    const uint64_t seed[2]);
/* Frees it at once: there are no readers.  NULL is fine. */
void hmap_destroy(struct hmap *h);

/* Reader: index of the key's entry, 0 if it is not there. */
uint32_t hmap_find(const struct hmap *h, const void *key);
/* Reader: values[i] = that of the entry of the i-th of 'n' keys that lie one
 * after the other, 0 if it is not there.  They wait for memory together. */
void hmap_find_burst(const struct hmap *h, const void *keys, unsigned n,
    uint32_t *values);
/* Reader: key and value of an entry; the value is one relaxed word. */
const void *hmap_key(const struct hmap *h, uint32_t idx);
uint32_t hmap_value(const struct hmap *h, uint32_t idx);

/* Adds a key that is not there; *idx is its entry.  0, -ENOMEM, -ENOSPC. */
int hmap_add(struct hmap *h, const void *key, uint32_t value, uint32_t *idx);
void hmap_set_value(struct hmap *h, uint32_t idx, uint32_t value);
/* Takes an entry out.  The caller has reserved a place in the limbo. */
void hmap_delete(struct hmap *h, uint32_t idx);

uint32_t hmap_count(const struct hmap *h);
/* Octets of an entry and its cell; cells. */
size_t hmap_item_size(const struct hmap *h);
uint32_t hmap_slots(const struct hmap *h);

/* Shows every entry, in no order. */
typedef void hmap_fn(void *arg, uint32_t idx);
void hmap_walk(const struct hmap *h, hmap_fn *fn, void *arg);
