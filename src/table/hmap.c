/* SPDX-License-Identifier: BSD-2-Clause */
#include "table/hmap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	CHUNK = 1024,	   /* entries allocated at once */
	MAX_CHUNKS = 65536, /* 64 M entries */
	FIRST_CELLS = 64,
};

/* A cell is hash << 32 | index; index 0 is empty (0) or was deleted. */
#define CELL_GONE (1ull << 32)

struct cells {
	uint32_t mask; /* size - 1 */
	uint32_t used; /* those deleted included; writer only */
	uint64_t c[];
};

struct hmap {
	struct limbo *limbo;
	size_t key_words;
	size_t entry_size; /* the value, then the key */
	uint64_t seed[2];
	struct cells *cells;
	void **chunks; /* MAX_CHUNKS, NULL if not there yet */
	uint32_t count;
	uint32_t top;	    /* indexes from here on were never used */
	uint32_t free_head; /* list of free entries, through their values */
};

/* ---- readers ---- */

static inline uint64_t
mix(uint64_t a, uint64_t b)
{
	__extension__ unsigned __int128 m = (unsigned __int128)a * b;

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static inline uint32_t
hash_of(const struct hmap *h, const uint32_t *key)
{
	uint64_t v = h->seed[0] ^ h->key_words;
	size_t i = 0;

	for (; i + 1 < h->key_words; i += 2)
		v = mix(v ^ key[i] ^ (uint64_t)key[i + 1] << 32,
		    h->seed[1]);
	if (i < h->key_words)
		v = mix(v ^ key[i], h->seed[1]);
	return (uint32_t)(mix(v ^ h->seed[1], h->seed[0]) >> 16);
}

static inline uint32_t *
entry_at(const struct hmap *h, uint32_t idx)
{
	/* Partner: the release in take_entry(); a reader got 'idx' after it. */
	unsigned char *chunk =
	    __atomic_load_n(&h->chunks[idx / CHUNK], __ATOMIC_RELAXED);

	return (uint32_t *)(void *)(chunk + idx % CHUNK * h->entry_size);
}

static inline bool
same_words(const uint32_t *a, const uint32_t *b, size_t n)
{
	uint32_t diff = 0;

	for (size_t i = 0; i < n; i++)
		diff |= a[i] ^ b[i];
	return diff == 0;
}

uint32_t
hmap_find(const struct hmap *h, const void *key)
{
	/* Partner: the release in rebuild(). */
	const struct cells *cs = __atomic_load_n(&h->cells, __ATOMIC_ACQUIRE);
	uint32_t hash = hash_of(h, key), i = hash;

	for (;; i++) {
		/* Partner: the release in put_cell(). */
		uint64_t c = __atomic_load_n(
		    &cs->c[i & cs->mask], __ATOMIC_ACQUIRE);

		if (c == 0)
			return 0;
		if ((uint32_t)(c >> 32) == hash && (uint32_t)c != 0 &&
		    same_words(entry_at(h, (uint32_t)c) + 1, key, h->key_words))
			return (uint32_t)c;
	}
}

const void *
hmap_key(const struct hmap *h, uint32_t idx)
{
	return entry_at(h, idx) + 1;
}

uint32_t
hmap_value(const struct hmap *h, uint32_t idx)
{
	return __atomic_load_n(entry_at(h, idx), __ATOMIC_RELAXED);
}

/* ---- the writer ---- */

static struct cells *
cells_alloc(uint32_t size)
{
	struct cells *cs =
	    calloc(1, sizeof(*cs) + size * sizeof(uint64_t));

	if (cs != NULL)
		cs->mask = size - 1;
	return cs;
}

struct hmap *
hmap_create(struct limbo *limbo, size_t key_size, const uint64_t seed[2])
{
	struct hmap *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return NULL;
	h->limbo = limbo;
	h->key_words = key_size / sizeof(uint32_t);
	h->entry_size = key_size + sizeof(uint32_t);
	/* Even a poor seed gives multipliers with bits all over. */
	h->seed[0] = (seed[0] ^ 0x9e3779b97f4a7c15) | 1;
	h->seed[1] = (seed[1] ^ 0xd6e8feb86659fd93) | 1;
	h->top = 1;
	h->cells = cells_alloc(FIRST_CELLS);
	h->chunks = calloc(MAX_CHUNKS, sizeof(void *));
	if (h->cells == NULL || h->chunks == NULL) {
		hmap_destroy(h);
		return NULL;
	}
	return h;
}

void
hmap_destroy(struct hmap *h)
{
	if (h == NULL)
		return;
	for (unsigned i = 0; h->chunks != NULL && i < MAX_CHUNKS &&
	     h->chunks[i] != NULL; i++)
		free(h->chunks[i]);
	free(h->chunks);
	free(h->cells);
	free(h);
}

static void
put_cell(struct cells *cs, uint32_t hash, uint32_t idx)
{
	uint32_t i = hash;

	while (cs->c[i & cs->mask] != 0)
		i++;
	cs->used++;
	__atomic_store_n(&cs->c[i & cs->mask], (uint64_t)hash << 32 | idx,
	    __ATOMIC_RELEASE);
}

/* A new array, of twice the entries' number or more; deleted cells vanish. */
static int
rebuild(struct hmap *h)
{
	struct cells *old = h->cells, *cs;
	uint32_t size = FIRST_CELLS;

	while (size < 4 * (h->count + 1))
		size *= 2;
	if (!limbo_reserve(h->limbo, 1))
		return -ENOMEM;
	cs = cells_alloc(size);
	if (cs == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i <= old->mask; i++)
		if ((uint32_t)old->c[i] != 0)
			put_cell(cs, (uint32_t)(old->c[i] >> 32),
			    (uint32_t)old->c[i]);
	__atomic_store_n(&h->cells, cs, __ATOMIC_RELEASE);
	limbo_block(h->limbo, old);
	return 0;
}

static int
take_entry(struct hmap *h, uint32_t *idx)
{
	void *chunk;

	if (h->free_head != 0) {
		*idx = h->free_head;
		h->free_head = *entry_at(h, *idx);
		return 0;
	}
	if (h->top / CHUNK == MAX_CHUNKS)
		return -ENOSPC;
	if (h->chunks[h->top / CHUNK] == NULL) {
		chunk = calloc(CHUNK, h->entry_size);
		if (chunk == NULL)
			return -ENOMEM;
		__atomic_store_n(
		    &h->chunks[h->top / CHUNK], chunk, __ATOMIC_RELEASE);
	}
	*idx = h->top++;
	return 0;
}

int
hmap_add(struct hmap *h, const void *key, uint32_t value, uint32_t *idx)
{
	uint32_t *entry;
	int r;

	if (h->cells->used >= (h->cells->mask + 1) / 2) {
		r = rebuild(h);
		if (r != 0)
			return r;
	}
	r = take_entry(h, idx);
	if (r != 0)
		return r;
	entry = entry_at(h, *idx);
	__atomic_store_n(entry, value, __ATOMIC_RELAXED);
	memcpy(entry + 1, key, h->key_words * sizeof(uint32_t));
	put_cell(h->cells, hash_of(h, key), *idx);
	h->count++;
	return 0;
}

void
hmap_set_value(struct hmap *h, uint32_t idx, uint32_t value)
{
	__atomic_store_n(entry_at(h, idx), value, __ATOMIC_RELAXED);
}

static void
free_entry(void *map, uint32_t idx)
{
	struct hmap *h = map;

	*entry_at(h, idx) = h->free_head;
	h->free_head = idx;
}

void
hmap_delete(struct hmap *h, uint32_t idx)
{
	uint32_t hash = hash_of(h, hmap_key(h, idx)), i = hash;
	uint64_t want = (uint64_t)hash << 32 | idx;

	while (h->cells->c[i & h->cells->mask] != want)
		i++;
	__atomic_store_n(
	    &h->cells->c[i & h->cells->mask], CELL_GONE, __ATOMIC_RELEASE);
	h->count--;
	limbo_add(h->limbo, free_entry, h, idx);
}

uint32_t
hmap_count(const struct hmap *h)
{
	return h->count;
}

size_t
hmap_bytes(const struct hmap *h)
{
	return (h->cells->mask + 1) * sizeof(uint64_t) +
	    (size_t)h->top * h->entry_size;
}

void
hmap_walk(const struct hmap *h, hmap_fn *fn, void *arg)
{
	for (uint32_t i = 0; i <= h->cells->mask; i++)
		if ((uint32_t)h->cells->c[i] != 0)
			fn(arg, (uint32_t)h->cells->c[i]);
}
