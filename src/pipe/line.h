/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A delay line: packets in the order of the times at which they leave.
 *
 * Place      one behind each link; dn.c adds what the link has sent.
 * Structure  a list, as long as each packet leaves no earlier than the one
 *            before it.  A packet that overtakes goes into a pairing heap
 *            beside it; the line's head is the earlier of the two heads.
 * Order      equal times: as they were added.
 * Cost       O(1) for those in order, O(log n) amortised for the others.  A
 *            long line lies in memory, not in the cache: each packet names the
 *            one AHEAD places behind it, to be fetched when this one leaves.
 */
#pragma once

#include "pipe/held.h"

enum { LINE_AHEAD = 8 };

struct line {
	struct held *head;
	struct held *tail;
	struct held *heap;   /* those that overtake */
	ns_t last;	     /* time of the tail, of the last one ever added */
	uint32_t seq;
	uint32_t len;	     /* packets, both kinds */
	uint32_t n_added;    /* to the list, ever; wraps */
	uint32_t n_taken;
	struct held *recent[LINE_AHEAD]; /* the last ones added to the list; of
					  * these, the ones not yet taken */
};

/* Adds a packet that leaves at h->time: takes it. */
void line_add(struct line *l, struct held *h);

/* The time of the first one; UINT64_MAX if there is none. */
static inline ns_t
line_next(const struct line *l)
{
	ns_t t = l->head != NULL ? l->head->time : UINT64_MAX;

	if (unlikely(l->heap != NULL) && l->heap->time < t)
		t = l->heap->time;
	return t;
}

/* The first one if its time is at or before 'until', else NULL.  Owned. */
struct held *line_take(struct line *l, ns_t until);
