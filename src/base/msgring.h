/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A ring of messages of any length between two threads.
 *
 * Place      between a worker and the thread that serves divert sockets, one
 *            ring a direction.
 * Threads    one writer, one reader; neither waits.
 * Writer     msgring_put() gives room for a message; what was put becomes
 *            visible, all at once, with msgring_publish().
 * Reader     msgring_next() lends message after message; msgring_release()
 *            gives back the room of all that were lent.
 * Layout     a message is 8 octets with its length, and then itself, filled up
 *            to 8.  One that does not fit before the end begins at the start
 *            again, and a length of SKIP stands where it would have been.
 * Cost       a few loads and stores a message; a line moves between the two
 *            once a publish and once a release.
 */
#pragma once

#include "base/cdefs.h"

#include <stdatomic.h>

struct msgring {
	_Atomic uint64_t head __attribute__((aligned(CACHE_LINE))); /* writer */
	uint64_t next;	    /* writer: filled up to here, not published */
	uint64_t free_from; /* writer: the reader's tail as last seen */
	_Atomic uint64_t tail __attribute__((aligned(CACHE_LINE))); /* reader */
	uint64_t read;	    /* reader: lent up to here */
	uint64_t size;	    /* constant, a power of two */
	uint8_t data[] __attribute__((aligned(CACHE_LINE)));
};

/* An empty ring of 'size' octets, a power of two of at least 64.  Returns
 * owned, NULL without memory. */
struct msgring *msgring_create(size_t size);
void msgring_destroy(struct msgring *g);

/* Room for a message of 'len' octets, aligned to 8; NULL if there is none. */
void *msgring_put(struct msgring *g, uint32_t len);

/* True if messages wait for msgring_publish(). */
static inline bool
msgring_unpublished(const struct msgring *g)
{
	return g->next != atomic_load_explicit(&g->head, memory_order_relaxed);
}

/* Shows the reader what was put.  Sequentially consistent: a flag of the
 * reader's that is read next is read after it. */
void msgring_publish(struct msgring *g);

/* True if the reader has nothing to read.  Sequentially consistent, too. */
bool msgring_empty(const struct msgring *g);

/* Lends the next message, *len octets long; NULL if there is none. */
void *msgring_next(struct msgring *g, uint32_t *len);

/* Takes back what was lent. */
void msgring_release(struct msgring *g);
