/* SPDX-License-Identifier: BSD-2-Clause */
#include "vale/place.h"

#include "vale/extra.h"
#include "vale/sweep.h"
#include "vale/wake.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

enum {
	DEFAULT_SLOTS = 1024, /* measured; 256 is bad, 4096 helps sleepers */
};

static unsigned
round_slots(unsigned n)
{
	unsigned r = VALE_MIN_SLOTS;

	while (r < n && r < VALE_MAX_SLOTS)
		r *= 2;
	return r;
}

static void
round_sizes(struct nmport_cfg *cfg)
{
	cfg->tx_slots = round_slots(cfg->tx_slots);
	cfg->rx_slots = round_slots(cfg->rx_slots);
	if (cfg->tx_rings > NMPORT_MAX_RINGS)
		cfg->tx_rings = NMPORT_MAX_RINGS;
	if (cfg->rx_rings > NMPORT_MAX_RINGS)
		cfg->rx_rings = NMPORT_MAX_RINGS;
}

int
place_complete_cfg(struct nmport_cfg *cfg, struct err *e)
{
	cfg->tx_slots = cfg->tx_slots ? cfg->tx_slots : DEFAULT_SLOTS;
	cfg->rx_slots = cfg->rx_slots ? cfg->rx_slots : DEFAULT_SLOTS;
	cfg->tx_rings = cfg->tx_rings ? cfg->tx_rings : 1;
	cfg->rx_rings = cfg->rx_rings ? cfg->rx_rings : 1;
	if (cfg->are_wishes)
		round_sizes(cfg);
	if (!slots_ok(cfg->tx_slots) || !slots_ok(cfg->rx_slots))
		return err_set(e, EINVAL,
		    "rings have %d to %d slots, a power of two",
		    VALE_MIN_SLOTS, VALE_MAX_SLOTS);
	if (cfg->tx_rings > NMPORT_MAX_RINGS ||
	    cfg->rx_rings > NMPORT_MAX_RINGS)
		return err_set(e, EINVAL, "a port has 1 to %d rings",
		    NMPORT_MAX_RINGS);
	return 0;
}

unsigned
place_find(struct arena *a, const char *name)
{
	for (unsigned p = 0; p < VALE_MAX_PORTS; p++) {
		const struct vport *vp = arena_port(a->base, p);

		if ((vp->state == VPORT_LIVE || vp->state == VPORT_IDLE) &&
		    strncmp(vp->name, name, VALE_NAME_SIZE) == 0)
			return p;
	}
	return NO_PEER;
}

int
place_find_free(struct place *t, unsigned from, struct err *e)
{
	for (t->port = from; t->port < VALE_N_PLACES; t->port++) {
		t->vp = arena_port(t->a->base, t->port);
		/* Who was killed while it attached may have given up the slow
		 * lock, and not yet what says that it lives. */
		if (t->vp->state == VPORT_FREE &&
		    !arena_is_alive(t->a, t->port)) {
			t->vp->is_persistent = 0;
			return 0;
		}
	}
	return err_set(e, ENOSPC, "%s: all %d ports are in use", t->name,
	    VALE_N_PLACES);
}

/* A name may be cut in the middle by a death; nothing follows from it. */
static void
set_name(struct vport *vp, const char *name)
{
	strncpy(vp->name, name, sizeof(vp->name) - 1);
	vp->name[sizeof(vp->name) - 1] = '\0';
}

void
place_begin(struct place *t)
{
	struct vport *vp = t->vp;
	uint32_t gen = ++arena_hdr(t->a->base)->gen;

	for (unsigned r = 0; r < NMPORT_MAX_RINGS; r++) {
		st_release(&vp->rx[r].lock, KLOCK_CLOSED);
		st_release(&vp->sleeping[r].word, 0u);
	}
	st_relaxed(&vp->switch_idx, t->sw); /* senders look at it, */
	st_relaxed(&vp->n_rx, t->cfg->rx_rings); /* and at this */
	vp->kind = t->kind;
	vp->peer = t->peer;
	vp->peer_gen = vp->one_ring = 0;
	vp->n_tx = t->cfg->tx_rings;
	vp->tx_slots = t->cfg->tx_slots;
	vp->rx_slots = t->cfg->rx_slots;
	vp->n_extra = 0;
	vp->has_user = 0;
	vp->is_shared = t->cfg->may_share;
	memset(vp->turns, 0, sizeof(vp->turns));
	vp->pid = (uint32_t)getpid();
	set_name(vp, t->name);
	memset(vp->tx, 0, sizeof(vp->tx));
	memset(vp->watchers, 0, sizeof(vp->watchers));
	st_relaxed(&vp->watched, 0u);
	if (!vp->is_persistent)
		st_relaxed(&vp->hdr_len, 0u);
	st_release(&vp->gen, gen);
	st_release(&vp->state, (uint32_t)VPORT_FILLING);
}

void
place_close_fds(struct place_fds *fds)
{
	while (fds->n_wakes > 0)
		close(fds->wakes[--fds->n_wakes]);
	if (fds->alive >= 0)
		arena_unhold(fds->alive);
	fds->alive = -1;
}

int
place_open_fds(struct place *t, struct err *e)
{
	struct place_fds *fds = t->fds;
	unsigned n = t->vp->n_tx > t->vp->n_rx ? t->vp->n_tx : t->vp->n_rx;
	int rc = 0;

	fds->n_wakes = 0;
	fds->alive = arena_hold(t->a, t->port);
	if (fds->alive < 0)
		return err_set(e, -fds->alive, "%s: cannot lock the port: %s",
		    t->name, strerror(-fds->alive));
	for (unsigned r = 0; r < n && rc >= 0; r++) {
		rc = wake_create(t->a, t->port, t->vp->gen, r, e);
		if (rc >= 0)
			fds->wakes[fds->n_wakes++] = rc;
	}
	if (rc < 0) {
		wake_unlink(t->a, t->port, t->vp->gen);
		place_close_fds(fds);
		return rc;
	}
	return 0;
}

int
place_join(struct place *t, struct nmport_cfg *cfg, struct err *e)
{
	struct vport *vp = t->vp = arena_port(t->a->base, t->port);
	struct nmport_cfg is = { .tx_slots = vp->tx_slots,
		.rx_slots = vp->rx_slots, .tx_rings = vp->n_tx,
		.rx_rings = vp->n_rx, .may_share = true };
	struct place_fds *fds = t->fds;
	int rc = place_complete_cfg(&is, e);

	if (rc < 0)
		return rc;
	if (vp->state != VPORT_LIVE || !vp->is_shared || !cfg->may_share)
		return err_set(e, EBUSY, "%s: in use by process %u", t->name,
		    vp->pid);
	fds->alive = arena_hold(t->a, t->port);
	if (fds->alive < 0)
		return err_set(e, -fds->alive, "%s: cannot lock the port: %s",
		    t->name, strerror(-fds->alive));
	rc = place_open_wakes(t->a, t->port, fds, &is, e);
	if (rc < 0) {
		place_close_fds(fds);
		return rc;
	}
	*cfg = is;
	fds->has_joined = true;
	return 0;
}

int
place_open_wakes(struct arena *a, unsigned port, struct place_fds *fds,
    const struct nmport_cfg *cfg, struct err *e)
{
	unsigned n = cfg->tx_rings > cfg->rx_rings ? cfg->tx_rings :
						     cfg->rx_rings;
	uint32_t gen = ld_acquire(&arena_port(a->base, port)->gen);

	while (fds->n_wakes < n) {
		int w = wake_open(a, port, gen, fds->n_wakes);

		if (w == -1)
			return err_set(e, errno, "port: %s", strerror(errno));
		fds->wakes[fds->n_wakes++] = w;
	}
	return 0;
}

size_t
place_ring_ofs(const struct nmport_cfg *cfg, unsigned i)
{
	return i < cfg->tx_rings ? tx_ring_ofs(cfg->tx_slots, i) :
				   rx_ring_ofs(cfg->tx_rings, cfg->tx_slots,
				       cfg->rx_slots, i - cfg->tx_rings);
}

static int
fill_ring(struct place *t, struct pool_cursor *c, unsigned i, struct err *e)
{
	size_t ofs = port_area_ofs(t->port) + place_ring_ofs(t->cfg, i);
	bool is_rx = i >= t->cfg->tx_rings;
	struct netmap_ring *r = at(t->a->base, ofs);
	uint32_t n = is_rx ? t->cfg->rx_slots : t->cfg->tx_slots;

	*r = (struct netmap_ring){
		.buf_ofs = (int64_t)OFS_BUFS - (int64_t)ofs,
		.num_slots = n,
		.nr_buf_size = VALE_BUF_SIZE,
		.ringid = (uint16_t)(is_rx ? i - t->cfg->tx_rings : i),
		.dir = is_rx,
		.tail = is_rx ? 0 : n - 1,
	};
	for (uint32_t s = 0; s < n && t->kind != VPORT_SLAVE; s++) {
		struct netmap_slot slot = { 0 };
		int rc = pool_find(t->a, c, &slot.buf_idx, e);

		if (rc < 0)
			return rc;
		r->slot[s] = slot;
	}
	return 0;
}

void
place_fill_if(struct place *t, struct pool_cursor *c)
{
	struct netmap_if *nifp = at(t->a->base, port_area_ofs(t->port));
	const struct nmport_cfg *g = t->cfg;

	memset(nifp, 0, sizeof(*nifp));
	memcpy(nifp->ni_name, t->name, strnlen(t->name, NM_IFNAMSIZ - 1));
	nifp->ni_version = 14;
	nifp->ni_tx_rings = g->tx_rings;
	nifp->ni_rx_rings = g->rx_rings;
	for (unsigned i = 0; i < g->tx_rings + g->rx_rings; i++)
		nifp->ring_ofs[i] = (ssize_t)place_ring_ofs(g, i);
	t->n_extra = extra_fill(t->a, t->port, c, g->n_extra);
}

/* Backs with memory what will be written: a slave has no slots of its own. */
static int
reserve(struct place *t, struct err *e)
{
	const struct nmport_cfg *g = t->cfg;
	size_t area = port_area_ofs(t->port);
	int rc;

	if (t->kind != VPORT_SLAVE)
		return arena_reserve(t->a, area,
		    rings_end(g->tx_rings, g->tx_slots, g->rx_rings,
			g->rx_slots), e);
	rc = arena_reserve(t->a, area, PAGE, e);
	for (unsigned i = 0; rc == 0 && i < g->tx_rings + g->rx_rings; i++)
		rc = arena_reserve(t->a,
		    area + place_ring_ofs(g, i) - RING_GAP, PAGE, e);
	return rc;
}

int
place_fill(struct place *t, struct pool_cursor *c, struct err *e)
{
	const struct nmport_cfg *g = t->cfg;
	int rc = reserve(t, e);

	if (rc < 0)
		return rc;
	for (unsigned i = 0; i < g->tx_rings + g->rx_rings; i++) {
		rc = fill_ring(t, c, i, e);
		if (rc < 0)
			return rc;
	}
	place_fill_if(t, c);
	if (t->kind != VPORT_SLAVE)
		madvise(at(t->a->base, port_area_ofs(t->port)),
		    rings_end(g->tx_rings, g->tx_slots, g->rx_rings,
			g->rx_slots), MADV_POPULATE_WRITE);
	return 0;
}

/* Takes the buffers of all slots, which may be what a predecessor left half
 * done: FILLING forgets, MARKING gives back. */
void
place_take_buffers(struct place *t)
{
	const struct nmport_cfg *g = t->cfg;
	uint8_t *base = t->a->base;

	t->vp->n_extra = t->n_extra;
	st_release(&t->vp->state, (uint32_t)VPORT_MARKING);
	extra_take(t->a, t->port);
	for (unsigned i = 0; i < g->tx_rings + g->rx_rings; i++) {
		struct netmap_ring *r = at(base,
		    port_area_ofs(t->port) + place_ring_ofs(g, i));
		uint32_t n = i < g->tx_rings ? g->tx_slots : g->rx_slots;
		uint32_t first;

		if (t->kind == VPORT_SLAVE)
			return;
		first = ld_relaxed(&r->slot[0].buf_idx);
		for (uint32_t s = 0; s < n; s++)
			pool_take(t->a, ld_relaxed(&r->slot[s].buf_idx));
		/* Faults now rather than under traffic; usually one run. */
		if (first < VALE_MAX_BUFS - n &&
		    r->slot[n - 1].buf_idx - first == n - 1) {
			size_t lo = OFS_BUFS + (size_t)first * VALE_BUF_SIZE;

			lo = lo / PAGE * PAGE;
			madvise(base + lo, ALIGN_UP((size_t)n * VALE_BUF_SIZE,
			    PAGE), MADV_POPULATE_WRITE);
		}
	}
}

void
place_go_live(struct place *t)
{
	bool is_pipe = t->kind == VPORT_MASTER || t->kind == VPORT_SLAVE;

	for (unsigned r = 0; r < t->cfg->rx_rings; r++) {
		struct kring *k = &t->vp->rx[r];

		memset((char *)k + sizeof(k->lock), 0,
		    sizeof(*k) - sizeof(k->lock));
		k->n_slots = t->cfg->rx_slots;
		k->ring_ofs = (uint32_t)place_ring_ofs(t->cfg,
		    t->cfg->tx_rings + r);
		k->switch_idx = t->sw;
		/* What an end of a pipe sends locks nothing. */
		if (!is_pipe)
			st_release(&k->lock, 0ull);
	}
	st_release(&t->vp->state, (uint32_t)VPORT_LIVE);
}

int
place_populate(struct place *t, struct err *e)
{
	int rc;

	place_begin(t);
	rc = place_open_fds(t, e);
	if (rc == 0) {
		rc = place_fill(t, &(struct pool_cursor){ 2 }, e);
		if (rc == 0) {
			place_take_buffers(t);
			place_go_live(t);
			return 0;
		}
		place_close_fds(t->fds);
	}
	sweep_port(t->a, t->port);
	return rc;
}
