/* SPDX-License-Identifier: BSD-2-Clause */
#include "vale/vswitch.h"

#include "vale/sweep.h"
#include "vale/wake.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* Everything attach needs between its steps. */
struct attach {
	struct arena *a;
	const char *name;
	const struct nmport_cfg *cfg;
	unsigned port, sw;
	struct vport *vp;
	int alive_fd, wake_fd;
};

/* "valeX:p" -> length of "valeX", or -EINVAL. */
static int
check_name(const char *name, struct err *e)
{
	const char *colon = strchr(name, ':');
	size_t n = colon == NULL ? 0 : (size_t)(colon - name);

	if (strncmp(name, "vale", 4) != 0 || colon == NULL || colon[1] == '\0')
		return err_set(e, EINVAL, "%.40s: want valeX:port", name);
	if (n >= VALE_SW_NAME_SIZE || strlen(name) >= VALE_NAME_SIZE)
		return err_set(e, EINVAL,
		    "%.40s: longer than %d (switch %d) octets", name,
		    VALE_NAME_SIZE - 1, VALE_SW_NAME_SIZE - 1);
	for (const char *c = name; *c != '\0'; c++)
		if (!isalnum((unsigned char)*c) && c != colon &&
		    strchr("_-.", *c) == NULL)
			return err_set(e, EINVAL,
			    "%.40s: bad character in a port name", name);
	return (int)n;
}

/* Finds the port of this name, and a free place for a new one. */
static int
find_place(struct attach *t, struct err *e)
{
	t->port = VALE_MAX_PORTS;
	for (unsigned p = VALE_MAX_PORTS; p-- > 0;) {
		struct vport *vp = arena_port(t->a->base, p);

		if (vp->state == VPORT_FREE)
			t->port = p;
		else if (vp->state == VPORT_LIVE &&
		    strncmp(vp->name, t->name, VALE_NAME_SIZE) == 0)
			return err_set(e, EBUSY,
			    "%s: in use by process %u", t->name, vp->pid);
	}
	if (t->port == VALE_MAX_PORTS)
		return err_set(e, ENOSPC, "%s: all %d ports are in use",
		    t->name, VALE_MAX_PORTS);
	t->vp = arena_port(t->a->base, t->port);
	return 0;
}

static int
find_switch(struct attach *t, size_t name_len, struct err *e)
{
	unsigned free_idx = VALE_MAX_SWITCHES;
	struct vswitch *sw;

	for (t->sw = 0; t->sw < VALE_MAX_SWITCHES; t->sw++) {
		sw = arena_switch(t->a->base, t->sw);
		if (sw->name[0] == '\0') {
			if (free_idx == VALE_MAX_SWITCHES)
				free_idx = t->sw;
		} else if (strncmp(sw->name, t->name, name_len) == 0 &&
		    sw->name[name_len] == '\0') {
			return 0;
		}
	}
	if (free_idx == VALE_MAX_SWITCHES)
		return err_set(e, ENOSPC, "%s: all %d switches are in use",
		    t->name, VALE_MAX_SWITCHES);
	t->sw = free_idx;
	sw = arena_switch(t->a->base, t->sw);
	memset(sw, 0, sizeof(*sw));
	memcpy(sw->name, t->name, name_len);
	return 0;
}

/* From here on a sweep would find the port and take it apart. */
static void
begin_filling(struct attach *t)
{
	struct vport *vp = t->vp;
	uint32_t gen = ++arena_hdr(t->a->base)->gen;

	for (unsigned r = 0; r < NMPORT_MAX_RINGS; r++)
		st_release(&vp->rx[r].lock, KLOCK_CLOSED);
	vp->switch_idx = t->sw;
	vp->n_tx = t->cfg->tx_rings;
	st_relaxed(&vp->n_rx, t->cfg->rx_rings); /* senders look */
	vp->tx_slots = t->cfg->tx_slots;
	vp->rx_slots = t->cfg->rx_slots;
	vp->pid = (uint32_t)getpid();
	strncpy(vp->name, t->name, sizeof(vp->name) - 1);
	vp->name[sizeof(vp->name) - 1] = '\0';
	st_release(&vp->sleeping, 0u);
	memset(vp->tx, 0, sizeof(vp->tx));
	st_release(&vp->gen, gen);
	st_release(&vp->state, (uint32_t)VPORT_FILLING);
}

static int
fill_ring(struct attach *t, struct pool_cursor *c, size_t ofs, unsigned ring,
    bool is_rx, struct err *e)
{
	struct netmap_ring *r = at(t->a->base, ofs);
	uint32_t n = is_rx ? t->cfg->rx_slots : t->cfg->tx_slots;

	*r = (struct netmap_ring){
		.buf_ofs = (int64_t)OFS_BUFS - (int64_t)ofs,
		.num_slots = n,
		.nr_buf_size = VALE_BUF_SIZE,
		.ringid = (uint16_t)ring,
		.dir = is_rx,
		.tail = is_rx ? 0 : n - 1,
	};
	for (uint32_t i = 0; i < n; i++) {
		struct netmap_slot s = { 0 };
		int rc = pool_find(t->a, c, &s.buf_idx, e);

		if (rc < 0)
			return rc;
		r->slot[i] = s;
	}
	return 0;
}

static size_t
ring_ofs_of(const struct attach *t, unsigned i)
{
	const struct nmport_cfg *g = t->cfg;

	return i < g->tx_rings ? tx_ring_ofs(g->tx_slots, i) :
				 rx_ring_ofs(g->tx_rings, g->tx_slots,
				     g->rx_slots, i - g->tx_rings);
}

/* Interface and rings; every slot names a buffer that is still free. */
static int
fill_area(struct attach *t, struct err *e)
{
	size_t area = port_area_ofs(t->port);
	unsigned n_rings = t->cfg->tx_rings + t->cfg->rx_rings;
	struct netmap_if *nifp = at(t->a->base, area);
	struct pool_cursor c = { .next = 2 };
	int rc = arena_reserve(t->a, area, ring_ofs_of(t, n_rings), e);

	if (rc < 0)
		return rc;
	memset(nifp, 0, sizeof(*nifp));
	memcpy(nifp->ni_name, t->name, strnlen(t->name, NM_IFNAMSIZ - 1));
	nifp->ni_version = 14;
	nifp->ni_tx_rings = t->cfg->tx_rings;
	nifp->ni_rx_rings = t->cfg->rx_rings;
	for (unsigned i = 0; i < n_rings; i++) {
		bool is_rx = i >= t->cfg->tx_rings;

		nifp->ring_ofs[i] = (ssize_t)ring_ofs_of(t, i);
		rc = fill_ring(t, &c, area + ring_ofs_of(t, i),
		    is_rx ? i - t->cfg->tx_rings : i, is_rx, e);
		if (rc < 0)
			return rc;
	}
	madvise(nifp, ring_ofs_of(t, n_rings), MADV_POPULATE_WRITE);
	return 0;
}

/* Takes the buffers of all slots, which may be what a predecessor left half
 * done: FILLING forgets, MARKING gives back. */
static void
take_buffers(struct attach *t)
{
	uint8_t *base = t->a->base;
	size_t area = port_area_ofs(t->port);

	st_release(&t->vp->state, (uint32_t)VPORT_MARKING);
	for (unsigned i = 0; i < t->cfg->tx_rings + t->cfg->rx_rings; i++) {
		struct netmap_ring *r = at(base, area + ring_ofs_of(t, i));
		uint32_t first = ld_relaxed(&r->slot[0].buf_idx);
		uint32_t n = i < t->cfg->tx_rings ? t->cfg->tx_slots :
						    t->cfg->rx_slots;

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

static void
open_krings(struct attach *t)
{
	for (unsigned r = 0; r < t->cfg->rx_rings; r++) {
		struct kring *k = &t->vp->rx[r];

		memset((char *)k + sizeof(k->lock), 0,
		    sizeof(*k) - sizeof(k->lock));
		k->n_slots = t->cfg->rx_slots;
		k->ring_ofs = (uint32_t)ring_ofs_of(t, t->cfg->tx_rings + r);
		k->switch_idx = t->sw;
		st_release(&k->lock, 0ull);
	}
}

static void
go_live(struct attach *t)
{
	struct vswitch *sw = arena_switch(t->a->base, t->sw);

	open_krings(t);
	st_release(&t->vp->state, (uint32_t)VPORT_LIVE);
	st_release(&sw->members[t->port / 64],
	    sw->members[t->port / 64] | 1ull << t->port % 64);
}

/* The place is found; fills it or leaves it free. */
static int
populate(struct attach *t, struct err *e)
{
	int rc;

	begin_filling(t);
	t->alive_fd = arena_hold(t->a, t->port);
	if (t->alive_fd < 0) {
		rc = err_set(e, -t->alive_fd, "%s: cannot lock the port: %s",
		    t->name, strerror(-t->alive_fd));
		goto err_place;
	}
	rc = t->wake_fd = wake_create(t->a, t->port, t->vp->gen, e);
	if (rc < 0)
		goto err_alive;
	rc = fill_area(t, e);
	if (rc < 0)
		goto err_wake;
	take_buffers(t);
	go_live(t);
	return 0;
err_wake:
	close(t->wake_fd);
err_alive:
	arena_unhold(t->alive_fd);
err_place:
	sweep_port(t->a, t->port);
	return rc;
}

int
vswitch_attach(struct arena *a, const char *name, const struct nmport_cfg *cfg,
    int *alive_fd, int *wake_fd, struct err *e)
{
	struct attach t = { .a = a, .name = name, .cfg = cfg };
	int rc, name_len = check_name(name, e);

	if (name_len < 0)
		return name_len;
	rc = arena_lock(a, true, e);
	if (rc < 0)
		return rc;
	sweep_all(a);
	rc = arena_reserve_tables(a, e);
	if (rc == 0)
		rc = find_place(&t, e);
	if (rc == 0)
		rc = find_switch(&t, (size_t)name_len, e);
	if (rc == 0)
		rc = populate(&t, e);
	if (rc < 0)
		sweep_all(a); /* gives the tables back if we were the first */
	arena_unlock(a);
	if (rc < 0)
		return rc;
	*alive_fd = t.alive_fd;
	*wake_fd = t.wake_fd;
	return (int)t.port;
}

void
vswitch_detach(struct arena *a, unsigned port, int alive_fd)
{
	int rc = arena_lock(a, true, NULL);

	/* Inside the lock, so that the next user of the place can hold it.  If
	 * the lock cannot be had, a later sweep finds the port dead. */
	arena_unhold(alive_fd);
	if (rc < 0)
		return;
	sweep_port(a, port);
	sweep_all(a);
	arena_unlock(a);
}

int
vswitch_sweep(struct arena *a, struct err *e)
{
	int rc = arena_lock(a, true, e);

	if (rc < 0)
		return rc;
	rc = sweep_all(a);
	arena_unlock(a);
	return rc;
}

void
vswitch_try_sweep(struct arena *a)
{
	if (arena_lock(a, false, NULL) < 0)
		return;
	sweep_all(a);
	arena_unlock(a);
}

bool
vswitch_holder_is_alive(struct arena *a, uint64_t lock_word)
{
	return sweep_holder_is_alive(a, lock_word);
}

int
vswitch_set_flow(struct arena *a, const char *name, bool drop_at_once,
    struct err *e)
{
	int rc = arena_lock(a, true, e);

	if (rc < 0)
		return rc;
	sweep_all(a);
	rc = -ENOENT;
	for (unsigned s = 0; arena_hdr(a->base)->reserved &&
	     s < VALE_MAX_SWITCHES; s++) {
		struct vswitch *sw = arena_switch(a->base, s);

		if (name[0] != '\0' &&
		    strncmp(sw->name, name, sizeof(sw->name)) == 0) {
			st_relaxed(&sw->drop_at_once, (uint32_t)drop_at_once);
			rc = 0;
		}
	}
	arena_unlock(a);
	if (rc < 0)
		return err_set(e, ENOENT, "%.40s: no such switch", name);
	return 0;
}
