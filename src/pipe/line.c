/* SPDX-License-Identifier: BSD-2-Clause */
#include "pipe/line.h"

/* True if 'a' leaves before 'b'. */
static inline bool
before(const struct held *a, const struct held *b)
{
	return a->time != b->time ? a->time < b->time :
	    (int32_t)(a->seq - b->seq) < 0;
}

/* ---- the heap: 'child' is the first child, 'next' the sibling ---- */

static struct held *
meld(struct held *a, struct held *b)
{
	if (before(b, a)) {
		struct held *t = a;

		a = b;
		b = t;
	}
	b->next = a->child;
	a->child = b;
	return a;
}

/* Pairs from left to right, then all of them from right to left. */
static struct held *
meld_siblings(struct held *n)
{
	struct held *pairs = NULL, *all;

	while (n != NULL) {
		struct held *a = n, *b = n->next;

		n = b != NULL ? b->next : NULL;
		if (b != NULL)
			a = meld(a, b);
		a->next = pairs;
		pairs = a;
	}
	if ((all = pairs) == NULL)
		return NULL;
	pairs = pairs->next;
	while (pairs != NULL) {
		struct held *next = pairs->next;

		all = meld(all, pairs);
		pairs = next;
	}
	return all;
}

void
line_add_heap(struct line *l, struct held *h)
{
	h->child = NULL;
	h->next = NULL;
	l->heap = l->heap == NULL ? h : meld(l->heap, h);
}

struct held *
line_take_either(struct line *l, ns_t until)
{
	struct held *h = l->heap;

	if (l->head != NULL && before(l->head, h))
		return l->head->time <= until ? line_take_list(l) : NULL;
	if (h->time > until)
		return NULL;
	l->heap = meld_siblings(h->child);
	l->len--;
	return h;
}
