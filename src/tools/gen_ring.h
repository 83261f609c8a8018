/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A ring as pkt-gen's loops use it: every access bounded.
 *
 * Place      between the loops of gen_tx, gen_rx, gen_echo and the rings of
 *            nmport.
 * Trust      the ring lies in memory that every program of the user can write.
 *            Its geometry is read once, right after the port was made; the
 *            position is ours, what is written to the ring is a copy of it; a
 *            tail or a buffer's number is bounded whenever it is read.
 * Invariant  cur < n_slots; gen_ring_buf() lies within the buffers.
 * Cost       one comparison a slot.
 */
#pragma once

#include "base/cdefs.h"
#include "vale/nmport.h"

struct gen_ring {
	struct netmap_ring *ring; /* borrowed; NULL if there is none */
	uint8_t *bufs;		  /* buffer 0 */
	uint32_t n_bufs;
	uint32_t stride; /* octets from one buffer to the next */
	uint32_t n_slots;
	uint32_t cur; /* first slot to read or to fill */
};

/* Takes over 'ring' of 'port', which may be NULL. */
static inline void
gen_ring_init(struct gen_ring *g, const struct nmport *port,
	      struct netmap_ring *ring)
{
	*g = (struct gen_ring){.ring = ring};
	if (ring == NULL)
		return;
	g->bufs = nm_buf(ring, 0);
	g->n_bufs = nmport_n_bufs(port);
	g->stride = ring->nr_buf_size;
	g->n_slots = ring->num_slots;
	g->cur = ring->cur;
}

/* Slots from cur to the ring's tail; a tail out of range counts as none. */
static inline uint32_t
gen_ring_space(const struct gen_ring *g)
{
	uint32_t tail = *(const volatile uint32_t *)&g->ring->tail;

	if (unlikely(tail >= g->n_slots))
		return 0;
	return tail >= g->cur ? tail - g->cur : tail + g->n_slots - g->cur;
}

static inline uint32_t
gen_ring_next(const struct gen_ring *g, uint32_t at)
{
	return unlikely(at + 1 == g->n_slots) ? 0 : at + 1;
}

/* The memory behind a buffer's number; a number that cannot be leads to buffer
 * 0, which nobody uses. */
static inline uint8_t *
gen_ring_mem(const struct gen_ring *g, uint32_t idx)
{
	return g->bufs + (size_t)(likely(idx < g->n_bufs) ? idx : 0) * g->stride;
}

/* The memory of slot 'at'. */
static inline uint8_t *
gen_ring_buf(const struct gen_ring *g, uint32_t at)
{
	return gen_ring_mem(g,
	    *(const volatile uint32_t *)&g->ring->slot[at].buf_idx);
}

/* Fetches the first line of slot 'at'; a bad number does no harm here. */
static inline void
gen_ring_prefetch(const struct gen_ring *g, uint32_t at)
{
	__builtin_prefetch(g->bufs +
	    (size_t)g->ring->slot[at].buf_idx * g->stride, 1);
}

/* What is in front of 'at' is done. */
static inline void
gen_ring_move(struct gen_ring *g, uint32_t at)
{
	g->cur = g->ring->head = g->ring->cur = at;
}
