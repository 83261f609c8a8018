/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A pairing heap whose nodes are part of what they order: no memory of its own.
 *
 * Keys       64-bit and wrapping: all keys of a heap lie within 2^63.
 * Order      equal keys in any order.
 * Cost       insert O(1), pop and remove O(log n) amortised.
 * Reference  Fredman, Sedgewick, Sleator, Tarjan 1986.
 */
#pragma once

#include "base/cdefs.h"

struct pnode {
	uint64_t key;
	struct pnode *child; /* first of its children */
	struct pnode *next;  /* sibling */
	struct pnode *prev;  /* sibling before it, or the parent */
};

struct pheap {
	struct pnode *root; /* NULL = empty; all zero is an empty heap */
};

static inline bool
pheap_less(uint64_t a, uint64_t b)
{
	return (int64_t)(a - b) < 0;
}

/* The node with the smallest key, NULL if there is none. */
static inline struct pnode *
pheap_min(const struct pheap *h)
{
	return h->root;
}

/* Adds a node that is in no heap, with its key set. */
void pheap_insert(struct pheap *h, struct pnode *n);

/* Takes out the smallest; the heap is not empty. */
struct pnode *pheap_pop(struct pheap *h);

/* Takes out any node of this heap. */
void pheap_remove(struct pheap *h, struct pnode *n);
