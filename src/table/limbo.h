/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What readers may still look at, until nobody does.
 *
 * Place      under table/: the writer puts away what it has replaced; whoever
 *            knows about readers (ctl/) waits for a grace period and empties it.
 * Life       limbo_reserve before an operation, so that limbo_add cannot fail
 *            -> grace period -> limbo_empty.
 * Threads    the writer's.
 */
#pragma once

#include "base/cdefs.h"

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
};

/* Makes room for 'n' more; false without memory. */
bool limbo_reserve(struct limbo *l, size_t n);

/* Puts 'what' away; there is room. */
void limbo_add(struct limbo *l, limbo_fn *fn, void *what, uint32_t arg);

/* The same for a block that malloc gave. */
void limbo_block(struct limbo *l, void *block);

/* Frees everything, in the order it came.  No reader may see it any more. */
void limbo_empty(struct limbo *l);

/* limbo_empty, and the memory of the limbo itself. */
void limbo_fini(struct limbo *l);
