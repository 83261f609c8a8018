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

/* The time 't', or that of the packet in front where none may overtake. */
static inline ns_t
line_in_order(const struct line *l, ns_t t)
{
	return t < l->last && l->head != NULL ? l->last : t;
}

/* For the functions below: packets that overtake. */
void line_add_heap(struct line *l, struct held *h);
struct held *line_take_either(struct line *l, ns_t until);

/* Adds a packet that leaves at h->time: takes it. */
static inline void
line_add(struct line *l, struct held *h)
{
	struct held **recent = &l->recent[l->n_added % LINE_AHEAD];

	h->seq = l->seq++;
	l->len++;
	if (unlikely(h->time < l->last && l->head != NULL)) {
		line_add_heap(l, h);
		return;
	}
	h->next = NULL;
	h->ahead = NULL;
	if (l->head == NULL)
		l->head = h;
	else
		l->tail->next = h;
	if (l->n_added - l->n_taken >= LINE_AHEAD)
		(*recent)->ahead = h;
	*recent = h;
	l->n_added++;
	l->tail = h;
	l->last = h->time;
}

/* The time of the first one; UINT64_MAX if there is none. */
static inline ns_t
line_next(const struct line *l)
{
	ns_t t = l->head != NULL ? l->head->time : UINT64_MAX;

	if (unlikely(l->heap != NULL) && l->heap->time < t)
		t = l->heap->time;
	return t;
}

/* Takes the head of the list, which has one. */
static inline struct held *
line_take_list(struct line *l)
{
	struct held *h = l->head;

	l->head = h->next;
	if (h->ahead != NULL) {
		__builtin_prefetch(h->ahead, 1);
		__builtin_prefetch((const char *)h->ahead + CACHE_LINE);
	}
	l->n_taken++;
	l->len--;
	return h;
}

/* The first one if its time is at or before 'until', else NULL.  Owned. */
static inline struct held *
line_take(struct line *l, ns_t until)
{
	if (unlikely(l->heap != NULL))
		return line_take_either(l, until);
	return l->head != NULL && l->head->time <= until ? line_take_list(l) :
							   NULL;
}
