/* SPDX-License-Identifier: BSD-2-Clause */
#include "table/limbo.h"

#include <assert.h>
#include <stdlib.h>

bool
limbo_reserve(struct limbo *l, size_t n)
{
	struct limbo_item *items;
	size_t cap = l->cap * 2;

	if (l->cap - l->n >= n)
		return true;
	if (cap < l->n + n)
		cap = l->n + n;
	items = realloc(l->items, cap * sizeof(*items));
	if (items == NULL)
		return false;
	l->items = items;
	l->cap = cap;
	return true;
}

void
limbo_add(struct limbo *l, limbo_fn *fn, void *what, uint32_t arg)
{
	assert(l->n < l->cap);
	l->items[l->n++] = (struct limbo_item){fn, what, arg};
}

static void
free_block(void *what, uint32_t arg)
{
	(void)arg;
	free(what);
}

void
limbo_block(struct limbo *l, void *block)
{
	limbo_add(l, free_block, block, 0);
}

static bool
is_big(const struct limbo *l, size_t size)
{
	return l->pages != NULL && size >= LIMBO_BIG;
}

static uint32_t
units(size_t size)
{
	return (uint32_t)((size + PAGES_UNIT - 1) / PAGES_UNIT);
}

void *
limbo_take(const struct limbo *l, size_t size)
{
	return is_big(l, size) ? l->pages->take(size) : calloc(1, size);
}

void
limbo_give(const struct limbo *l, void *block, size_t size)
{
	if (block != NULL && is_big(l, size))
		l->pages->give(block, units(size));
	else
		free(block);
}

void
limbo_give_later(struct limbo *l, void *block, size_t size)
{
	if (is_big(l, size))
		limbo_add(l, l->pages->give, block, units(size));
	else
		limbo_block(l, block);
}

void
limbo_empty(struct limbo *l)
{
	for (size_t i = 0; i < l->n; i++)
		l->items[i].fn(l->items[i].what, l->items[i].arg);
	l->n = 0;
	if (l->cap > 4096) { /* a large load is over: do not keep its room */
		free(l->items);
		l->items = NULL;
		l->cap = 0;
	}
}

void
limbo_fini(struct limbo *l)
{
	limbo_empty(l);
	free(l->items);
	l->items = NULL;
	l->cap = 0;
}
