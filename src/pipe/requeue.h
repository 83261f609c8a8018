/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets that wait, taken out and queued again, while what they waited in is
 * replaced.
 *
 * Place      dn_config.c, for changes that cannot be made in place.
 * Order      they come out flowset by flowset and go in by the time they came;
 *            equals keep their order.  They pass limits and laws, which they met
 *            when they came.
 * Memory     held packets stay where they are; only the books of their
 *            scheduler follow them.
 */
#pragma once

#include "pipe/objects.h"

struct requeue {
	struct held *first; /* by 'next'; 'ahead' is the flowset */
	struct held **end;
};

static inline void
requeue_init(struct requeue *w)
{
	w->first = NULL;
	w->end = &w->first;
}

/* Sends what is due until 'now', takes the packets out of all streams of the
 * flowset, and frees the streams. */
void requeue_take(struct dn *dn, struct requeue *w, struct flowset *fs,
    ns_t now);

/* Queues them again, each with its flowset, whose scheduler may be another one
 * now; drops those that have none, or no memory for a stream.  O(n log n). */
void requeue_put(struct dn *dn, struct requeue *w, ns_t now);
