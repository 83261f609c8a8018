/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tags: numbers that rules attach to a packet for rules further down.
 *
 * Place      written and read by rule/interp while a packet is evaluated.
 * Life       a packet's list hangs on pkt.tags and lives as long as the pool is
 *            not reset: for the burst.
 * Memory     one pool a worker; when it is empty a packet gets no further tag,
 *            which tag_set() tells.
 */
#pragma once

#include "base/cdefs.h"

enum { TAG_POOL = 4096 };

struct tag {
	uint16_t value;
	uint16_t next; /* index of the next one of the packet, 0 = none */
};

struct tag_pool {
	unsigned n_used; /* tags[0] is never used */
	struct tag tags[TAG_POOL];
};

/* Forgets all tags of all packets. */
static inline void
tag_reset(struct tag_pool *pool)
{
	pool->n_used = 1;
}

/* True if the list '*head' has a tag in [lo, hi]. */
bool tag_find(const struct tag_pool *pool, uint32_t head, unsigned lo,
    unsigned hi);

/* Adds a tag to the list unless it has it.  False: the pool is empty. */
bool tag_set(struct tag_pool *pool, uint32_t *head, uint16_t value);

/* Takes a tag out of the list if it has it. */
void tag_clear(struct tag_pool *pool, uint32_t *head, uint16_t value);
