/* SPDX-License-Identifier: BSD-2-Clause */
#include "table/hmap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	CHUNK = 1024,	   /* entries that lie side by side */
	FIRST_CHUNKS = 32, /* allocated one by one; then as many as fill ... */
	GROUP = 2 << 20,   /* ... so many octets */
	MAX_CHUNKS = 65536, /* 64 M entries */
	FIRST_CELLS = 64,
	SALTS = 5,	   /* one for each 16 octets of the longest key */
};

/* A cell is hash << 32 | index; index 0 is empty (0) or was deleted. */
#define CELL_GONE (1ull << 32)

struct cells {
	uint32_t mask; /* size - 1 */
	uint32_t used; /* those deleted included; writer only */
	uint64_t c[];
};

/* Several chunks in one block. */
struct group {
	struct group *next;
	void *block;
};

struct hmap {
	struct limbo *limbo;
	size_t key_words;
	size_t entry_size; /* the value, then the key */
	uint64_t seed[2];
	uint64_t salt[SALTS][2]; /* made of the seed */
	struct cells *cells;
	void **chunks; /* MAX_CHUNKS, NULL if not there yet */
	struct group *groups; /* those that chunks are part of */
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

/* Two words of a key. */
static inline uint64_t
pair(const uint32_t *key)
{
	uint64_t v;

	memcpy(&v, key, sizeof(v));
	return v;
}

/* Pairs of words are multiplied with each other, not one after the other, so
 * that a long key costs little more than a short one. */
static inline uint32_t
hash_words(const struct hmap *h, const uint32_t *key, size_t n)
{
	uint64_t v = h->seed[0] ^ n;
	size_t i = 0;

	for (; i + 4 <= n; i += 4)
		v += mix(pair(key + i) ^ h->salt[i / 4 % SALTS][0],
		    pair(key + i + 2) ^ h->salt[i / 4 % SALTS][1]);
	if (i + 2 <= n) {
		v = mix(v ^ pair(key + i), h->seed[1]);
		i += 2;
	}
	if (i < n)
		v = mix(v ^ key[i], h->seed[1]);
	return (uint32_t)(mix(v ^ h->seed[1], h->seed[0]) >> 16);
}

static inline uint32_t
hash_of(const struct hmap *h, const uint32_t *key)
{
	return hash_words(h, key, h->key_words);
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
	uint64_t diff = 0;
	size_t i = 0;

	for (; i + 2 <= n; i += 2)
		diff |= pair(a + i) ^ pair(b + i);
	if (i < n)
		diff |= a[i] ^ b[i];
	return diff == 0;
}

static inline const struct cells *
cells_get(const struct hmap *h)
{
	/* Partner: the release in rebuild(). */
	return __atomic_load_n(&h->cells, __ATOMIC_ACQUIRE);
}

/* The first index from cell *at on whose hash this is, 0 if there is none; *at
 * becomes the cell after it. */
static inline uint32_t
next_index(const struct cells *cs, uint32_t hash, uint32_t *at)
{
	for (;;) {
		/* Partner: the release in put_cell(). */
		uint64_t c = __atomic_load_n(
		    &cs->c[(*at)++ & cs->mask], __ATOMIC_ACQUIRE);

		if (c == 0)
			return 0;
		if ((uint32_t)(c >> 32) == hash && (uint32_t)c != 0)
			return (uint32_t)c;
	}
}

/* Goes on from the entry 'idx' to the one that has the key. */
static inline uint32_t
find_from(const struct hmap *h, const struct cells *cs, uint32_t hash,
    uint32_t at, uint32_t idx, const uint32_t *key, size_t words)
{
	while (idx != 0 && !same_words(entry_at(h, idx) + 1, key, words))
		idx = next_index(cs, hash, &at);
	return idx;
}

uint32_t
hmap_find(const struct hmap *h, const void *key)
{
	const struct cells *cs = cells_get(h);
	uint32_t hash = hash_of(h, key), at = hash;
	uint32_t idx = next_index(cs, hash, &at);

	return find_from(h, cs, hash, at, idx, key, h->key_words);
}

static inline __attribute__((always_inline)) void
find_some(const struct hmap *h, const uint32_t *keys, unsigned n,
    uint32_t *values, size_t words)
{
	const struct cells *cs = cells_get(h);
	uint32_t hash[HMAP_BURST], at[HMAP_BURST], idx[HMAP_BURST];

	for (unsigned i = 0; i < n; i++) {
		hash[i] = at[i] = hash_words(h, keys + i * words, words);
		__builtin_prefetch(&cs->c[hash[i] & cs->mask]);
	}
	for (unsigned i = 0; i < n; i++) {
		idx[i] = next_index(cs, hash[i], &at[i]);
		if (idx[i] != 0)
			__builtin_prefetch(entry_at(h, idx[i]));
	}
	for (unsigned i = 0; i < n; i++) {
		idx[i] = find_from(h, cs, hash[i], at[i], idx[i],
		    keys + i * words, words);
		values[i] = idx[i] != 0 ? hmap_value(h, idx[i]) : 0;
	}
}

void
hmap_find_burst(const struct hmap *h, const void *keys, unsigned n,
    uint32_t *values)
{
	const uint32_t *words = keys;

	for (unsigned i = 0; i < n; i += HMAP_BURST) {
		const uint32_t *from = words + i * h->key_words;
		unsigned m = n - i < HMAP_BURST ? n - i : HMAP_BURST;

		switch (h->key_words) {
		case 1:
			find_some(h, from, m, values + i, 1);
			break;
		case 10:
			find_some(h, from, m, values + i, 10);
			break;
		default:
			find_some(h, from, m, values + i, h->key_words);
		}
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

static size_t
cells_size(uint32_t mask)
{
	return sizeof(struct cells) + ((size_t)mask + 1) * sizeof(uint64_t);
}

static struct cells *
cells_alloc(const struct limbo *limbo, uint32_t size)
{
	struct cells *cs = limbo_take(limbo, cells_size(size - 1));

	if (cs != NULL)
		cs->mask = size - 1;
	return cs;
}

/* Chunks of a group. */
static size_t
group_chunks(const struct hmap *h)
{
	return GROUP / (CHUNK * h->entry_size);
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
	/* One that would often lie across two lines gets a line. */
	if (h->entry_size > CACHE_LINE / 2 && h->entry_size < CACHE_LINE)
		h->entry_size = CACHE_LINE;
	/* Even a poor seed gives multipliers with bits all over. */
	h->seed[0] = (seed[0] ^ 0x9e3779b97f4a7c15) | 1;
	h->seed[1] = (seed[1] ^ 0xd6e8feb86659fd93) | 1;
	for (unsigned i = 0; i < SALTS; i++) {
		h->salt[i][0] = mix(h->seed[0] + 2 * i, h->seed[1]);
		h->salt[i][1] = mix(h->seed[1] + 2 * i + 1, h->seed[0]);
	}
	h->top = 1;
	h->cells = cells_alloc(limbo, FIRST_CELLS);
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
	struct group *g;

	if (h == NULL)
		return;
	for (unsigned i = 0; h->chunks != NULL && i < FIRST_CHUNKS; i++)
		free(h->chunks[i]);
	while ((g = h->groups) != NULL) {
		h->groups = g->next;
		limbo_give(h->limbo, g->block,
		    group_chunks(h) * CHUNK * h->entry_size);
		free(g);
	}
	free(h->chunks);
	if (h->cells != NULL)
		limbo_give(h->limbo, h->cells, cells_size(h->cells->mask));
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
	cs = cells_alloc(h->limbo, size);
	if (cs == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i <= old->mask; i++)
		if ((uint32_t)old->c[i] != 0)
			put_cell(cs, (uint32_t)(old->c[i] >> 32),
			    (uint32_t)old->c[i]);
	__atomic_store_n(&h->cells, cs, __ATOMIC_RELEASE);
	limbo_give_later(h->limbo, old, cells_size(old->mask));
	return 0;
}

static void
put_chunk(struct hmap *h, size_t i, void *chunk)
{
	__atomic_store_n(&h->chunks[i], chunk, __ATOMIC_RELEASE);
}

/* Makes the chunks from 'i' on, the first one that is not there. */
static int
more_chunks(struct hmap *h, size_t i)
{
	size_t n = i < FIRST_CHUNKS ? 1 : group_chunks(h);
	size_t size = CHUNK * h->entry_size;
	struct group *g = NULL;
	char *block = i < FIRST_CHUNKS ? calloc(1, size) :
					 limbo_take(h->limbo, n * size);

	if (i >= FIRST_CHUNKS) {
		g = malloc(sizeof(*g));
		if (block == NULL || g == NULL) {
			limbo_give(h->limbo, block, n * size);
			free(g);
			return -ENOMEM;
		}
		*g = (struct group){h->groups, block};
		h->groups = g;
	}
	if (block == NULL)
		return -ENOMEM;
	for (size_t k = 0; k < n && i + k < MAX_CHUNKS; k++)
		put_chunk(h, i + k, block + k * size);
	return 0;
}

static int
take_entry(struct hmap *h, uint32_t *idx)
{
	int r;

	if (h->free_head != 0) {
		*idx = h->free_head;
		h->free_head = *entry_at(h, *idx);
		return 0;
	}
	if (h->top / CHUNK == MAX_CHUNKS)
		return -ENOSPC;
	if (h->chunks[h->top / CHUNK] == NULL) {
		r = more_chunks(h, h->top / CHUNK);
		if (r != 0)
			return r;
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
hmap_item_size(const struct hmap *h)
{
	return h->entry_size + sizeof(h->cells->c[0]);
}

uint32_t
hmap_slots(const struct hmap *h)
{
	return h->cells->mask + 1;
}

void
hmap_walk(const struct hmap *h, hmap_fn *fn, void *arg)
{
	for (uint32_t i = 0; i <= h->cells->mask; i++)
		if ((uint32_t)h->cells->c[i] != 0)
			fn(arg, (uint32_t)h->cells->c[i]);
}
