/* SPDX-License-Identifier: BSD-2-Clause */
#include "vale/giveback.h"

#include "vale/sweep.h"

#include <stdlib.h>

void
giveback_begin(struct giveback *g)
{
	g->bits = calloc(VALE_MAX_BUFS / 64, sizeof(*g->bits));
	g->n = 0;
	g->is_odd = g->bits == NULL;
}

bool
giveback_add(struct giveback *g, struct arena *a, uint32_t buf_idx)
{
	uint64_t bit = 1ull << buf_idx % 64;

	if (g->bits == NULL || !buf_idx_ok(buf_idx) ||
	    pool_is_free(a, buf_idx) || (g->bits[buf_idx / 64] & bit) != 0) {
		g->is_odd = true;
		return false;
	}
	g->bits[buf_idx / 64] |= bit;
	g->n++;
	return true;
}

static bool
keep(struct arena *a, uint32_t buf_idx, void *arg)
{
	struct giveback *g = arg;
	uint64_t bit = 1ull << buf_idx % 64;

	(void)a;
	if (buf_idx_ok(buf_idx) && (g->bits[buf_idx / 64] & bit) != 0) {
		g->bits[buf_idx / 64] &= ~bit;
		g->n--;
		g->is_odd = true;
	}
	return true;
}

void
giveback_keep_held(struct giveback *g, struct arena *a, unsigned but)
{
	for (unsigned p = 0; g->bits != NULL && p < VALE_MAX_PORTS; p++)
		if (p != but)
			sweep_each_slot(a, p, keep, g);
}

void
giveback_end(struct giveback *g, struct arena *a)
{
	for (uint32_t i = 0; g->n != 0 && i < VALE_MAX_BUFS / 64; i++)
		for (uint64_t w = g->bits[i]; w != 0; w &= w - 1)
			pool_give(a, i * 64 + (uint32_t)__builtin_ctzll(w));
	free(g->bits);
	g->bits = NULL;
}
