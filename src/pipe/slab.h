/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Blocks of any size out of one piece of memory that was given at the start.
 *
 * Place      held packets, flows and scheduler instances of one dummynet.
 * Life       slab_create() takes over the memory; nothing is asked of the
 *            system after that.  Memory that was never used is never touched.
 * Layout     chunks of 64 KiB.  One chunk holds blocks of one size, a multiple
 *            of 64 octets up to 2 KiB and ever coarser above; a chunk whose
 *            blocks are all free serves any size again.  Bigger blocks get
 *            whole chunks in a row.
 * Reuse      what was freed last is handed out first: it is in the cache.
 * Threads    one.
 * Cost       some ns a block; a row of chunks O(chunks), for control and for
 *            the first packet of an instance.
 */
#pragma once

#include "base/cdefs.h"

enum {
	SLAB_CHUNK = 1 << 16,
	SLAB_LINE = 64,
	SLAB_FINE_LINES = 32, /* sizes up to this have a class of their own, */
	SLAB_CLASSES = SLAB_FINE_LINES + 1 + 4 * 5, /* then 4 steps an octave
						     * to 1024 */
};
#define SLAB_NONE UINT32_MAX

/* ---- for the inline functions below, and slab.c ---- */

struct slab_chunk {
	void *free;	/* its blocks that came back, linked */
	uint32_t next;	/* in a list: of its class, or of empty chunks */
	uint32_t prev;
	uint16_t used;	/* blocks handed out; 0 = in a row of chunks */
	uint16_t fresh; /* blocks ever handed out since it has this class */
	uint16_t total; /* blocks it holds; 0 = empty chunk */
	uint16_t lines; /* size of a block; 0 = in a row of chunks */
	uint32_t row;	/* its first one: how many they are */
};

struct slab {
	uint8_t *memory;
	uint32_t n_chunks;
	uint32_t n_fresh;  /* chunks from here on were never used */
	uint32_t n_used;
	uint32_t empty;	   /* list of empty ones below n_fresh */
	uint32_t room[SLAB_CLASSES]; /* list of chunks that are not full */
	struct slab_chunk chunks[];
};

void *slab_alloc_slowly(struct slab *s, size_t size, size_t *got);
void slab_free_slowly(struct slab *s, void *block);

static inline uint32_t
slab_chunk_of(const struct slab *s, const void *block)
{
	return (uint32_t)((size_t)((const uint8_t *)block - s->memory) /
	    SLAB_CHUNK);
}

/* ---- what others use ---- */

/* Borrows 'memory', SLAB_CHUNK-aligned, as long as the slab lives.  Returns
 * owned, NULL without memory for its books. */
struct slab *slab_create(void *memory, size_t size);
void slab_destroy(struct slab *s);

/* 'size' > 0 octets, 64-aligned, not cleared, and in *got what they take:
 * slab_size(size).  NULL if there is no room. */
static inline void *
slab_alloc_sized(struct slab *s, size_t size, size_t *got)
{
	size_t lines = (size + SLAB_LINE - 1) / SLAB_LINE;
	struct slab_chunk *c;
	void *b;

	if (unlikely(lines > SLAB_FINE_LINES || s->room[lines] == SLAB_NONE))
		return slab_alloc_slowly(s, size, got);
	c = &s->chunks[s->room[lines]];
	if (unlikely((b = c->free) == NULL || c->used + 1 == c->total))
		return slab_alloc_slowly(s, size, got);
	c->free = *(void **)b;
	__builtin_prefetch(c->free, 1);
	__builtin_prefetch((void *)((uintptr_t)c->free + SLAB_LINE), 1);
	c->used++;
	*got = lines * SLAB_LINE;
	return b;
}

static inline void *
slab_alloc(struct slab *s, size_t size)
{
	size_t got;

	return slab_alloc_sized(s, size, &got);
}

static inline void
slab_free(struct slab *s, void *block)
{
	struct slab_chunk *c = &s->chunks[slab_chunk_of(s, block)];

	if (unlikely(c->used <= 1 || c->used == c->total)) {
		slab_free_slowly(s, block);
		return;
	}
	*(void **)block = c->free;
	c->free = block;
	c->used--;
}

/* What a block of 'size' octets takes. */
size_t slab_size(size_t size);

/* Octets in use (whole chunks), and at most. */
size_t slab_used(const struct slab *s);
size_t slab_capacity(const struct slab *s);
