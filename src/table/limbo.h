/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What readers may still look at, until nobody does.
 *
 * Place      under table/: the writer puts away what it has replaced; whoever
 *            knows about readers (ctl/) waits for a grace period and empties it.
 * Life       limbo_reserve before an operation, so that limbo_add cannot fail
 *            -> grace period -> limbo_empty.
 * Big blocks come from outside, if somebody has said from where.
 * Threads    the writer's.
 */
#pragma once

#include "base/pages.h"

/* Frees what was put away: a block, or an index of its owner. */
typedef void limbo_fn(void *what, uint32_t arg);

struct limbo_item {
	limbo_fn *fn;
	void *what;
	uint32_t arg;
};

struct limbo {
	struct limbo_item *items; /* n of them, room for cap */
	size_t n;
	size_t cap;
	const struct pages *pages; /* NULL: big blocks are like others */
};

enum { LIMBO_BIG = 1 << 20 }; /* octets that make a block a big one */

/* Makes room for 'n' more; false without memory. */
bool limbo_reserve(struct limbo *l, size_t n);

/* Puts 'what' away; there is room. */
void limbo_add(struct limbo *l, limbo_fn *fn, void *what, uint32_t arg);

/* The same for a block that malloc gave. */
void limbo_block(struct limbo *l, void *block);

/* 'size' zeroed octets, from where big blocks come from if they are that many.
 * NULL without memory. */
void *limbo_take(const struct limbo *l, size_t size);
/* Gives such a block back at once, or puts it away; there is room. */
void limbo_give(const struct limbo *l, void *block, size_t size);
void limbo_give_later(struct limbo *l, void *block, size_t size);

/* Frees everything, in the order it came.  No reader may see it any more. */
void limbo_empty(struct limbo *l);

/* limbo_empty, and the memory of the limbo itself. */
void limbo_fini(struct limbo *l);
