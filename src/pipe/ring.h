/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A list whose members are in it themselves: any of them leaves in a step.
 *
 * Place      the busy streams of schedulers.
 * Invariant  a link in no list points to itself, and so does an empty list.
 */
#pragma once

#include "base/cdefs.h"

struct ring {
	struct ring *next;
	struct ring *prev;
};

static inline void
ring_init(struct ring *r)
{
	r->next = r->prev = r;
}

static inline bool
ring_is_empty(const struct ring *r)
{
	return r->next == r;
}

/* Adds 'n', which is in no list, behind all others. */
static inline void
ring_append(struct ring *list, struct ring *n)
{
	n->prev = list->prev;
	n->next = list;
	list->prev->next = n;
	list->prev = n;
}

/* Adds 'n', which is in no list, before all others. */
static inline void
ring_prepend(struct ring *list, struct ring *n)
{
	ring_append(list->next, n);
}

/* Takes 'n' out of its list, if it is in one. */
static inline void
ring_remove(struct ring *n)
{
	n->prev->next = n->next;
	n->next->prev = n->prev;
	ring_init(n);
}
