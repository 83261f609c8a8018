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

enum { SLAB_CHUNK = 1 << 16 };

struct slab;

/* Borrows 'memory', SLAB_CHUNK-aligned, as long as the slab lives.  Returns
 * owned, NULL without memory for its books. */
struct slab *slab_create(void *memory, size_t size);
void slab_destroy(struct slab *s);

/* 'size' > 0 octets, 64-aligned, not cleared; NULL if there is no room. */
void *slab_alloc(struct slab *s, size_t size);
/* The same, and in *got what it takes: slab_size(size). */
void *slab_alloc_sized(struct slab *s, size_t size, size_t *got);
void slab_free(struct slab *s, void *block);

/* What a block of 'size' octets takes. */
size_t slab_size(size_t size);

/* Octets in use (whole chunks), and at most. */
size_t slab_used(const struct slab *s);
size_t slab_capacity(const struct slab *s);
