/* SPDX-License-Identifier: BSD-2-Clause */
#include "vale/extra.h"

#include "vale/sweep.h"

#include <stdlib.h>

static struct netmap_if *
if_of(struct arena *a, unsigned port)
{
	return at(a->base, port_area_ofs(port));
}

static uint32_t *
link_of(struct arena *a, uint32_t buf_idx)
{
	return (uint32_t *)(void *)arena_buf(a->base, buf_idx);
}

unsigned
extra_fill(struct arena *a, unsigned port, struct pool_cursor *c, unsigned n)
{
	uint32_t *link = &if_of(a, port)->ni_bufs_head;
	unsigned i;

	for (i = 0; i < n; i++) {
		uint32_t buf_idx;

		if (pool_find(a, c, &buf_idx, NULL) < 0)
			break;
		*link = buf_idx;
		link = link_of(a, buf_idx);
	}
	*link = 0;
	return i;
}

unsigned
extra_each(struct arena *a, unsigned port,
    bool (*fn)(struct arena *a, uint32_t buf_idx, void *arg), void *arg)
{
	uint32_t n = arena_port(a->base, port)->n_extra, buf_idx;
	unsigned i;

	if (n == 0 || n > VALE_MAX_BUFS)
		return 0; /* then the area may not even have memory */
	buf_idx = ld_relaxed(&if_of(a, port)->ni_bufs_head);
	for (i = 0; i < n && buf_idx_ok(buf_idx); i++) {
		uint32_t next = 0;

		/* A buffer that was never used has no memory behind it, and
		 * is free: it has no successor that could be ours. */
		if (!pool_is_free(a, buf_idx))
			next = ld_relaxed(link_of(a, buf_idx));
		if (!fn(a, buf_idx, arg))
			break;
		buf_idx = next;
	}
	return i;
}

static bool
take(struct arena *a, uint32_t buf_idx, void *arg)
{
	(void)arg;
	return pool_take(a, buf_idx);
}

void
extra_take(struct arena *a, unsigned port)
{
	uint32_t n = arena_port(a->base, port)->n_extra;
	uint32_t buf_idx = if_of(a, port)->ni_bufs_head;

	/* By hand: extra_each() does not go through what is free. */
	for (uint32_t i = 0; i < n; i++) {
		uint32_t next = *link_of(a, buf_idx);

		take(a, buf_idx, NULL);
		buf_idx = next;
	}
}

/* The numbers of a list, and which of them are to be given back. */
struct returned {
	uint64_t *bits; /* VALE_MAX_BUFS */
	unsigned n;
};

static bool
collect(struct arena *a, uint32_t buf_idx, void *arg)
{
	struct returned *r = arg;
	uint64_t bit = 1ull << buf_idx % 64;

	if (pool_is_free(a, buf_idx) || (r->bits[buf_idx / 64] & bit) != 0)
		return false; /* not ours, or round in a circle */
	r->bits[buf_idx / 64] |= bit;
	r->n++;
	return true;
}

static bool
keep_if_in_ring(struct arena *a, uint32_t buf_idx, void *arg)
{
	struct returned *r = arg;
	uint64_t bit = 1ull << buf_idx % 64;

	(void)a;
	if (buf_idx_ok(buf_idx) && (r->bits[buf_idx / 64] & bit) != 0) {
		r->bits[buf_idx / 64] &= ~bit;
		r->n--;
	}
	return true;
}

static void
give_all(struct arena *a, const struct returned *r)
{
	for (uint32_t i = 0; i < VALE_MAX_BUFS / 64; i++)
		for (uint64_t w = r->bits[i]; w != 0; w &= w - 1)
			pool_give(a, i * 64 + (uint32_t)__builtin_ctzll(w));
}

void
extra_give(struct arena *a, unsigned port, bool all_taken)
{
	struct vport *vp = arena_port(a->base, port);
	struct returned r = { NULL, 0 };

	if (vp->n_extra == 0)
		return;
	r.bits = calloc(VALE_MAX_BUFS / 64, sizeof(*r.bits));
	if (r.bits != NULL) {
		extra_each(a, port, collect, &r);
		sweep_each_slot(a, keep_if_in_ring, &r);
		give_all(a, &r);
		free(r.bits);
	}
	if (all_taken && r.n != vp->n_extra)
		arena_hdr(a->base)->suspect = 1;
	vp->n_extra = 0;
}
