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

static void
heap_add(struct line *l, struct held *h)
{
	h->child = NULL;
	h->next = NULL;
	l->heap = l->heap == NULL ? h : meld(l->heap, h);
}

/* ---- the line ---- */

void
line_add(struct line *l, struct held *h)
{
	struct held **recent = &l->recent[l->n_added % LINE_AHEAD];

	h->seq = l->seq++;
	l->len++;
	if (unlikely(h->time < l->last && l->head != NULL)) {
		heap_add(l, h);
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

static inline void
fetch(const struct held *h)
{
	__builtin_prefetch(h, 1);
	__builtin_prefetch((const char *)h + CACHE_LINE);
}

static struct held *
take_list(struct line *l)
{
	struct held *h = l->head;

	l->head = h->next;
	if (h->ahead != NULL)
		fetch(h->ahead);
	l->n_taken++;
	l->len--;
	return h;
}

static struct held *
take_heap(struct line *l)
{
	struct held *h = l->heap;

	l->heap = meld_siblings(h->child);
	l->len--;
	return h;
}

struct held *
line_take(struct line *l, ns_t until)
{
	if (likely(l->heap == NULL))
		return l->head != NULL && l->head->time <= until ?
		    take_list(l) : NULL;
	if (l->head != NULL && before(l->head, l->heap))
		return l->head->time <= until ? take_list(l) : NULL;
	return l->heap->time <= until ? take_heap(l) : NULL;
}
