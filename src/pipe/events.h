/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What happens next: instances by the time of their next event.
 *
 * Structure  a heap of four children a node, with the keys in it, so that a
 *            look at the children is one line of the cache.
 * Life       as big as it may ever get from the start; pages when touched.
 * Cost       O(log n); with one instance a store.
 */
#pragma once

#include "base/cdefs.h"
#include "base/ns.h"

enum { EVENT_NONE = UINT32_MAX };

struct event {
	ns_t at;
	void *what;
	uint32_t *place; /* where its owner keeps its index */
};

struct events {
	uint32_t n;
	uint32_t max;
	struct event *heap;
};

/* Room for 'max'; false without memory. */
bool events_init(struct events *ev, uint32_t max);
void events_fini(struct events *ev);

/* Sets the time of 'what', whose index is *place (EVENT_NONE: not yet in);
 * UINT64_MAX takes it out.  There is room: the caller counts its objects. */
void events_set(struct events *ev, void *what, uint32_t *place, ns_t at);

/* The earliest, NULL if there is none. */
static inline const struct event *
events_first(const struct events *ev)
{
	return ev->n > 0 ? &ev->heap[0] : NULL;
}

/* The time of the one after it, UINT64_MAX if there is none. */
ns_t events_second(const struct events *ev);
