/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/msgring.h"

#include <stdlib.h>
#include <string.h>

enum { HEAD = 8 };
#define SKIP UINT32_MAX /* as a length: go on at the start */

struct msgring *
msgring_create(size_t size)
{
	struct msgring *g = aligned_alloc(CACHE_LINE, sizeof(*g) + size);

	if (g == NULL)
		return NULL;
	memset(g, 0, sizeof(*g));
	g->size = size;
	return g;
}

void
msgring_destroy(struct msgring *g)
{
	free(g);
}

/* The length that stands at a position. */
static uint32_t *
len_at(struct msgring *g, uint64_t pos)
{
	return (uint32_t *)(void *)(g->data + (pos & (g->size - 1)));
}

/* Octets of the ring that a message takes. */
static uint64_t
span(uint32_t len)
{
	return HEAD + (((uint64_t)len + 7) & ~7ull);
}

void *
msgring_put(struct msgring *g, uint32_t len)
{
	uint64_t to_end = g->size - (g->next & (g->size - 1));
	uint64_t skip = to_end < span(len) ? to_end : 0;
	uint64_t need = skip + span(len);
	uint64_t at;

	if (need > g->size)
		return NULL;
	if (g->next + need - g->free_from > g->size) {
		/* Partner: the release in msgring_release(). */
		g->free_from = atomic_load_explicit(&g->tail,
		    memory_order_acquire);
		if (g->next + need - g->free_from > g->size)
			return NULL;
	}
	if (skip != 0)
		*len_at(g, g->next) = SKIP;
	at = g->next + skip;
	*len_at(g, at) = len;
	g->next += need;
	return g->data + (at & (g->size - 1)) + HEAD;
}

void
msgring_publish(struct msgring *g)
{
	/* Partner: the loads in msgring_next() and msgring_empty(). */
	atomic_store_explicit(&g->head, g->next, memory_order_seq_cst);
}

bool
msgring_empty(const struct msgring *g)
{
	return atomic_load_explicit(&g->head, memory_order_seq_cst) == g->read;
}

void *
msgring_next(struct msgring *g, uint32_t *len)
{
	uint64_t head = atomic_load_explicit(&g->head, memory_order_acquire);
	uint64_t at;

	if (head == g->read)
		return NULL;
	if (*len_at(g, g->read) == SKIP)
		g->read += g->size - (g->read & (g->size - 1));
	at = g->read;
	*len = *len_at(g, at);
	g->read += span(*len);
	return g->data + (at & (g->size - 1)) + HEAD;
}

void
msgring_release(struct msgring *g)
{
	atomic_store_explicit(&g->tail, g->read, memory_order_release);
}
