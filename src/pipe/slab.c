/* SPDX-License-Identifier: BSD-2-Clause */
#include "pipe/slab.h"

#include <stdlib.h>

enum {
	LINE = SLAB_LINE,
	CHUNK_LINES = SLAB_CHUNK / LINE,
	FINE_LINES = SLAB_FINE_LINES,
	N_CLASSES = SLAB_CLASSES,
};
#define NONE SLAB_NONE

struct slab *
slab_create(void *memory, size_t size)
{
	size_t n = size / SLAB_CHUNK;
	struct slab *s;

	if (n == 0 || n >= NONE)
		return NULL;
	s = calloc(1, sizeof(*s) + n * sizeof(s->chunks[0]));
	if (s == NULL)
		return NULL;
	s->memory = memory;
	s->n_chunks = (uint32_t)n;
	s->empty = NONE;
	for (unsigned i = 0; i < N_CLASSES; i++)
		s->room[i] = NONE;
	return s;
}

void
slab_destroy(struct slab *s)
{
	free(s);
}

/* The class of a size, and its lines in *lines.  Above FINE_LINES a class is a
 * quarter of an octave: (4 + k) << e. */
static inline unsigned
class_of(size_t size, unsigned *lines)
{
	unsigned n = (unsigned)((size + LINE - 1) / LINE), e, k;

	if (likely(n <= FINE_LINES)) {
		*lines = n;
		return n;
	}
	e = 29 - (unsigned)__builtin_clz(n - 1); /* 4 << e <= n - 1 < 8 << e */
	k = ((n - 1) >> e) - 4;			 /* 0 to 3, rounded up: */
	*lines = (5 + k) << e;
	return FINE_LINES + 1 + (e - 3) * 4 + k;
}

static void
unlink_chunk(struct slab *s, uint32_t *list, uint32_t i)
{
	struct slab_chunk *c = &s->chunks[i];

	if (c->prev == NONE)
		*list = c->next;
	else
		s->chunks[c->prev].next = c->next;
	if (c->next != NONE)
		s->chunks[c->next].prev = c->prev;
}

static void
push_chunk(struct slab *s, uint32_t *list, uint32_t i)
{
	struct slab_chunk *c = &s->chunks[i];

	c->next = *list;
	c->prev = NONE;
	if (c->next != NONE)
		s->chunks[c->next].prev = i;
	*list = i;
}

/* An empty chunk, NONE if there is none. */
static uint32_t
take_chunk(struct slab *s)
{
	uint32_t i = s->empty;

	if (i != NONE)
		unlink_chunk(s, &s->empty, i);
	else if (s->n_fresh < s->n_chunks)
		i = s->n_fresh++;
	else
		return NONE;
	s->n_used++;
	return i;
}

static void
give_chunk(struct slab *s, uint32_t i)
{
	s->chunks[i].total = 0;
	push_chunk(s, &s->empty, i);
	s->n_used--;
}

/* The first of 'n' empty chunks in a row, taken; NONE if there are none. */
static uint32_t
take_row(struct slab *s, uint32_t n)
{
	uint32_t run = 0, i;

	for (i = 0; i < s->n_chunks && run < n; i++)
		run = i >= s->n_fresh || s->chunks[i].total == 0 ? run + 1 : 0;
	if (run < n)
		return NONE;
	for (uint32_t k = i - n; k < i; k++) {
		if (k < s->n_fresh)
			unlink_chunk(s, &s->empty, k);
		s->chunks[k].total = 1;
		s->chunks[k].lines = 0;
	}
	if (i > s->n_fresh) {
		/* those that were passed over were empty but not listed */
		for (uint32_t k = s->n_fresh; k < i - n; k++)
			push_chunk(s, &s->empty, k);
		s->n_fresh = i;
	}
	s->chunks[i - n].row = n;
	s->n_used += n;
	return i - n;
}

static void *
alloc_row(struct slab *s, size_t size)
{
	size_t n = (size + SLAB_CHUNK - 1) / SLAB_CHUNK;
	uint32_t i;

	if (n > s->n_chunks || (i = take_row(s, (uint32_t)n)) == NONE)
		return NULL;
	return s->memory + (size_t)i * SLAB_CHUNK;
}

/* A chunk of class 'k' with room, made if there is none. */
static uint32_t
chunk_with_room(struct slab *s, unsigned k, unsigned lines)
{
	uint32_t i = s->room[k];
	struct slab_chunk *c;

	if (likely(i != NONE))
		return i;
	if ((i = take_chunk(s)) == NONE)
		return NONE;
	c = &s->chunks[i];
	c->free = NULL;
	c->used = c->fresh = 0;
	c->lines = (uint16_t)lines;
	c->total = (uint16_t)(CHUNK_LINES / lines);
	push_chunk(s, &s->room[k], i);
	return i;
}

void *
slab_alloc_slowly(struct slab *s, size_t size, size_t *got)
{
	unsigned lines, k;
	struct slab_chunk *c;
	uint32_t i;
	void *b;

	if (unlikely(size > SLAB_CHUNK)) {
		*got = slab_size(size);
		return alloc_row(s, size);
	}
	k = class_of(size, &lines);
	*got = (size_t)lines * LINE;
	if (unlikely((i = chunk_with_room(s, k, lines)) == NONE))
		return NULL;
	c = &s->chunks[i];
	if ((b = c->free) != NULL)
		c->free = *(void **)b;
	else
		b = s->memory + (size_t)i * SLAB_CHUNK +
		    (size_t)c->fresh++ * lines * LINE;
	if (unlikely(++c->used == c->total))
		unlink_chunk(s, &s->room[k], i);
	return b;
}

/* The list of its class. */
static uint32_t *
room_of(struct slab *s, const struct slab_chunk *c)
{
	unsigned lines;

	return &s->room[class_of((size_t)c->lines * LINE, &lines)];
}

static void
free_row(struct slab *s, uint32_t i)
{
	for (uint32_t n = s->chunks[i].row; n > 0; n--)
		give_chunk(s, i + n - 1);
}

void
slab_free_slowly(struct slab *s, void *block)
{
	uint32_t i = slab_chunk_of(s, block);
	struct slab_chunk *c = &s->chunks[i];

	if (unlikely(c->lines == 0)) {
		free_row(s, i);
		return;
	}
	if (unlikely(c->used == c->total))
		push_chunk(s, room_of(s, c), i);
	*(void **)block = c->free;
	c->free = block;
	if (unlikely(--c->used == 0)) {
		unlink_chunk(s, room_of(s, c), i);
		give_chunk(s, i);
	}
}

size_t
slab_size(size_t size)
{
	unsigned lines;

	if (size > SLAB_CHUNK)
		return (size + SLAB_CHUNK - 1) / SLAB_CHUNK * SLAB_CHUNK;
	class_of(size, &lines);
	return (size_t)lines * LINE;
}

size_t
slab_used(const struct slab *s)
{
	return (size_t)s->n_used * SLAB_CHUNK;
}

size_t
slab_capacity(const struct slab *s)
{
	return (size_t)s->n_chunks * SLAB_CHUNK;
}
