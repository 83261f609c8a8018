/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waking the user of a ring that sleeps: one word in shared memory and one
 * FIFO for each pair of rings of a port.
 *
 * Place      under nmport and forward; over arena.
 * Protocol   the sleeper stores its word (sequence and what it waits for),
 *            looks once more, and polls its FIFO.  A waker that has made work
 *            visible loads the word; if it is set, it writes one octet and
 *            only then clears the word it saw.  In this order a waker that is
 *            killed in between costs a second octet, never a lost wake-up.
 * Cost       nobody sleeps: one load.  Somebody does: about 10 us, once.
 * Threads    any.
 */
#pragma once

#include "vale/arena.h"

/* Creates the FIFO of a ring pair (removing what a dead predecessor left) and
 * returns its descriptor, or -errno.  unlink removes those of all rings. */
int wake_create(struct arena *a, unsigned port, uint32_t gen, unsigned ring,
    struct err *e);
void wake_unlink(struct arena *a, unsigned port, uint32_t gen);

/* Another descriptor of a FIFO that exists; -1 and errno. */
int wake_open(struct arena *a, unsigned port, uint32_t gen, unsigned ring);

/* Empties the FIFO. */
void wake_drain(int fd);

/* Writes the octet; use wake_ring(). */
void wake_kick(struct arena *a, unsigned port, unsigned ring, uint32_t word);

/* Wakes the user of the ring if it sleeps for one of 'flags'.  The caller's
 * reason to wake was stored with sequential consistency before. */
static inline void
wake_ring(struct arena *a, unsigned port, unsigned ring, uint32_t flags)
{
	uint32_t word =
	    ld_seqcst(&arena_port(a->base, port)->sleeping[ring].word);

	if (unlikely((word & flags) != 0))
		wake_kick(a, port, ring, word);
}

/* The same for all rings of the port. */
void wake_port(struct arena *a, unsigned port, uint32_t flags);
