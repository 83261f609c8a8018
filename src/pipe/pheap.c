/* SPDX-License-Identifier: BSD-2-Clause */
#include "pipe/pheap.h"

/* One heap of two; the root with the greater key becomes the first child. */
static struct pnode *
meld(struct pnode *a, struct pnode *b)
{
	if (pheap_less(b->key, a->key)) {
		struct pnode *t = a;

		a = b;
		b = t;
	}
	b->next = a->child;
	if (b->next != NULL)
		b->next->prev = b;
	b->prev = a;
	a->child = b;
	return a;
}

/* One heap of a list of siblings: pairs from left to right, then all of them
 * from right to left. */
static struct pnode *
meld_siblings(struct pnode *n)
{
	struct pnode *pairs = NULL, *all;

	while (n != NULL) {
		struct pnode *a = n, *b = n->next;

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
		struct pnode *next = pairs->next;

		all = meld(all, pairs);
		pairs = next;
	}
	all->next = all->prev = NULL;
	return all;
}

void
pheap_insert(struct pheap *h, struct pnode *n)
{
	n->child = n->next = n->prev = NULL;
	h->root = h->root == NULL ? n : meld(h->root, n);
}

struct pnode *
pheap_pop(struct pheap *h)
{
	struct pnode *n = h->root;

	h->root = meld_siblings(n->child);
	return n;
}

void
pheap_remove(struct pheap *h, struct pnode *n)
{
	struct pnode *rest;

	if (n == h->root) {
		pheap_pop(h);
		return;
	}
	if (n->prev->child == n)
		n->prev->child = n->next;
	else
		n->prev->next = n->next;
	if (n->next != NULL)
		n->next->prev = n->prev;
	if ((rest = meld_siblings(n->child)) != NULL)
		h->root = meld(h->root, rest);
}
