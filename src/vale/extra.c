/* SPDX-License-Identifier: BSD-2-Clause */
#include "vale/extra.h"

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

struct list {
	struct giveback *g;
	unsigned n;
};

/* Until the list leads to something that is not its own, or round. */
static bool
collect(struct arena *a, uint32_t buf_idx, void *arg)
{
	struct list *l = arg;

	if (!giveback_add(l->g, a, buf_idx))
		return false;
	l->n++;
	return true;
}

void
extra_collect(struct arena *a, unsigned port, struct giveback *g)
{
	struct vport *vp = arena_port(a->base, port);
	struct list l = { g, 0 };

	extra_each(a, port, collect, &l);
	if (l.n != vp->n_extra)
		g->is_odd = true;
}

void
extra_give(struct arena *a, unsigned port)
{
	struct giveback g;

	if (arena_port(a->base, port)->n_extra == 0)
		return;
	giveback_begin(&g);
	extra_collect(a, port, &g);
	giveback_keep_held(&g, a, NO_PEER);
	if (g.is_odd)
		arena_hdr(a->base)->suspect = 1;
	giveback_end(&g, a);
	arena_port(a->base, port)->n_extra = 0;
}
