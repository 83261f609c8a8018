/* SPDX-License-Identifier: BSD-2-Clause */
#include "pipe/events.h"

#include <stdlib.h>

enum { CHILDREN = 4 };

bool
events_init(struct events *ev, uint32_t max)
{
	*ev = (struct events){.max = max};
	ev->heap = calloc(max, sizeof(ev->heap[0]));
	return ev->heap != NULL;
}

void
events_fini(struct events *ev)
{
	free(ev->heap);
	ev->heap = NULL;
}

static inline void
place(struct events *ev, uint32_t i, struct event e)
{
	ev->heap[i] = e;
	*e.place = i;
}

static void
sift_up(struct events *ev, uint32_t i, struct event e)
{
	while (i > 0) {
		uint32_t up = (i - 1) / CHILDREN;

		if (ev->heap[up].at <= e.at)
			break;
		place(ev, i, ev->heap[up]);
		i = up;
	}
	place(ev, i, e);
}

/* The child of 'i' with the smallest time; 'i' has at least one. */
static inline uint32_t
least_child(const struct events *ev, uint32_t i)
{
	uint32_t first = i * CHILDREN + 1, least = first;
	uint32_t end = first + CHILDREN < ev->n ? first + CHILDREN : ev->n;

	for (uint32_t k = first + 1; k < end; k++) {
		if (ev->heap[k].at < ev->heap[least].at)
			least = k;
	}
	return least;
}

static void
sift_down(struct events *ev, uint32_t i, struct event e)
{
	while (i * CHILDREN + 1 < ev->n) {
		uint32_t down = least_child(ev, i);

		if (ev->heap[down].at >= e.at)
			break;
		place(ev, i, ev->heap[down]);
		i = down;
	}
	place(ev, i, e);
}

static void
put(struct events *ev, uint32_t i, struct event e)
{
	if (i > 0 && ev->heap[(i - 1) / CHILDREN].at > e.at)
		sift_up(ev, i, e);
	else
		sift_down(ev, i, e);
}

static void
take_out(struct events *ev, uint32_t i)
{
	*ev->heap[i].place = EVENT_NONE;
	if (i != --ev->n)
		put(ev, i, ev->heap[ev->n]);
}

void
events_set(struct events *ev, void *what, uint32_t *at_place, ns_t at)
{
	struct event e = {.at = at, .what = what, .place = at_place};

	if (at == UINT64_MAX) {
		if (*at_place != EVENT_NONE)
			take_out(ev, *at_place);
		return;
	}
	if (*at_place == EVENT_NONE)
		sift_up(ev, ev->n++, e);
	else
		put(ev, *at_place, e);
}

ns_t
events_second(const struct events *ev)
{
	return ev->n > 1 ? ev->heap[least_child(ev, 0)].at : UINT64_MAX;
}
