/* SPDX-License-Identifier: BSD-2-Clause */
#include "vale/nmpipe.h"

#include "vale/extra.h"
#include "vale/kring.h"
#include "vale/monitor.h"
#include "vale/sweep.h"
#include "vale/vswitch.h"
#include "vale/wake.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- attach ---- */

static struct nmport_cfg
crossed(const struct nmport_cfg *cfg)
{
	return (struct nmport_cfg){
		.tx_slots = cfg->rx_slots,
		.rx_slots = cfg->tx_slots,
		.tx_rings = cfg->rx_rings,
		.rx_rings = cfg->tx_rings,
	};
}

static struct nmport_cfg
shape_of(const struct vport *vp)
{
	return (struct nmport_cfg){
		.tx_slots = vp->tx_slots,
		.rx_slots = vp->rx_slots,
		.tx_rings = vp->n_tx,
		.rx_rings = vp->n_rx,
	};
}

/* Both places FILLING, ours with a user. */
static int
begin(struct place *own, struct place *other, struct err *e)
{
	int rc = place_find_free(own, 0, e);

	if (rc == 0)
		rc = place_find_free(other, own->port + 1, e);
	if (rc < 0)
		return rc;
	own->peer = other->port;
	other->peer = own->port;
	place_begin(own);
	own->vp->has_user = 1;
	place_begin(other);
	other->vp->pid = 0;
	return 0;
}

static int
create(struct place *own, struct place *other, struct err *e)
{
	bool is_master = own->kind == VPORT_MASTER;
	struct place *master = is_master ? own : other;
	struct place *slave = is_master ? other : own;
	struct pool_cursor c = { .next = 2 };
	int rc = begin(own, other, e);

	if (rc < 0)
		return rc;
	rc = place_open_fds(own, e);
	if (rc == 0) {
		rc = place_fill(master, &c, e);
		if (rc == 0)
			rc = place_fill(slave, &c, e);
		if (rc == 0) {
			place_take_buffers(master);
			place_take_buffers(slave);
			place_go_live(slave);
			place_go_live(master);
			return 0;
		}
		place_close_fds(own->fds);
	}
	sweep_port(own->a, own->port);
	sweep_port(own->a, other->port);
	return rc;
}

/* The pipe is there: becomes the user of one of its ends. */
static int
enter(struct place *t, struct nmport_cfg *cfg, struct err *e)
{
	struct vport *vp = t->vp = arena_port(t->a->base, t->port);
	unsigned n_extra = cfg->n_extra;
	int rc;

	if (arena_is_alive(t->a, t->port))
		return place_join(t, cfg, e);
	if (vp->has_user) /* who died after the sweep */
		sweep_pipe_end(t->a, t->port);
	vp->is_shared = cfg->may_share;
	*cfg = shape_of(vp);
	cfg->n_extra = n_extra;
	cfg->may_share = vp->is_shared;
	memset(vp->turns, 0, sizeof(vp->turns));
	vp->has_user = 1;
	st_release(&vp->gen, ++arena_hdr(t->a->base)->gen);
	for (unsigned r = 0; r < NMPORT_MAX_RINGS; r++)
		st_release(&vp->sleeping[r].word, 0u);
	rc = place_open_fds(t, e);
	if (rc < 0) {
		sweep_pipe_end(t->a, t->port);
		return rc;
	}
	vp->pid = (uint32_t)getpid();
	place_fill_if(t, &(struct pool_cursor){ 2 });
	vp->n_extra = t->n_extra;
	extra_take(t->a, t->port);
	return 0;
}

static bool
is_open(struct arena *a, const char *name)
{
	unsigned p = place_find(a, name);

	return p != NO_PEER && arena_is_alive(a, p);
}

static int
attach(struct place *own, const struct pname *n, struct nmport_cfg *cfg,
    struct err *e)
{
	char other_name[VALE_NAME_SIZE];
	struct nmport_cfg other_cfg;
	struct place other = *own;
	int rc;

	pname_other_end(n, other_name);
	if (cfg->wants_peer && !is_open(own->a, other_name))
		return err_set(e, ENXIO, "%s: nobody is at its other end",
		    n->text);
	own->port = place_find(own->a, n->text);
	if (own->port != NO_PEER)
		return enter(own, cfg, e);
	rc = place_complete_cfg(cfg, e);
	if (rc < 0)
		return rc;
	other_cfg = crossed(cfg);
	other.name = other_name;
	other.cfg = &other_cfg;
	other.fds = NULL;
	other.kind = n->is_slave ? VPORT_MASTER : VPORT_SLAVE;
	return create(own, &other, e);
}

int
nmpipe_attach(struct arena *a, const struct pname *n, struct nmport_cfg *cfg,
    struct place_fds *fds, struct err *e)
{
	struct place t = { .a = a, .name = n->text, .cfg = cfg,
		.kind = n->is_slave ? VPORT_SLAVE : VPORT_MASTER,
		.sw = NO_SWITCH, .peer = NO_PEER, .fds = fds };
	int rc = vswitch_enter(a, e);

	if (rc < 0)
		return rc;
	rc = attach(&t, n, cfg, e);
	cfg->n_extra = t.n_extra;
	vswitch_leave(a, rc < 0);
	return rc < 0 ? rc : (int)t.port;
}

/* ---- the slave's view of the slots ---- */

/* The place that has the slots of the slave 'port'; NO_PEER if it is none. */
static unsigned
master_of(struct arena *a, unsigned port)
{
	struct vport *vp = arena_port(a->base, port);

	return vp->kind == VPORT_SLAVE ? vp->peer : NO_PEER;
}

/* Maps 'size' octets of the file from 'file_ofs' at 'ofs' of our mapping. */
static int
map_at(struct arena *a, size_t ofs, size_t file_ofs, size_t size)
{
	void *m = mmap(at(a->base, ofs), size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_FIXED | MAP_NORESERVE, a->fd, (off_t)file_ofs);

	if (m == MAP_FAILED)
		return -errno;
	madvise(m, size, MADV_DONTDUMP);
	return 0;
}

/* Each ring of the slave: from the master's slots, or back to its own. */
static int
map_all(struct arena *a, unsigned port, unsigned master, bool is_back)
{
	struct vport *vp = arena_port(a->base, port);
	struct nmport_cfg own = shape_of(vp);
	struct nmport_cfg its = crossed(&own);
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < own.tx_rings + own.rx_rings; i++) {
		bool is_rx = i >= own.tx_rings;
		unsigned there = is_rx ? i - own.tx_rings :
					 its.tx_rings + i;
		size_t size = (size_t)(is_rx ? own.rx_slots : own.tx_slots) *
		    sizeof(struct netmap_slot);
		size_t ofs = port_area_ofs(port) + place_ring_ofs(&own, i) +
		    RING_HDR;
		size_t from = port_area_ofs(master) +
		    place_ring_ofs(&its, there) + RING_HDR;

		rc = map_at(a, ofs, is_back ? ofs : from, size);
	}
	return rc;
}

int
nmpipe_map(struct arena *a, unsigned port, struct err *e)
{
	unsigned master = master_of(a, port);
	int rc;

	if (master >= VALE_MAX_PORTS)
		return 0;
	rc = map_all(a, port, master, false);
	if (rc < 0) {
		map_all(a, port, master, true);
		return err_set(e, -rc, "pipe: cannot map its slots: %s",
		    strerror(-rc));
	}
	return 0;
}

void
nmpipe_unmap(struct arena *a, unsigned port)
{
	unsigned master = master_of(a, port);

	if (master < VALE_MAX_PORTS)
		map_all(a, port, master, true);
}

/* ---- data path ---- */

static void
init(struct pipering *r, struct netmap_ring *ring, struct kring *k,
    uint32_t n_slots)
{
	*r = (struct pipering){ .ring = ring, .k = k, .mask = n_slots - 1 };
}

void
nmpipe_init_tx(struct pipering *r, struct arena *a, unsigned port, unsigned i,
    struct netmap_ring *ring)
{
	struct vport *vp = arena_port(a->base, port);

	init(r, ring, &arena_port(a->base, vp->peer % VALE_MAX_PORTS)->rx[i],
	    vp->tx_slots);
	r->head = r->sent = ld_acquire(&r->k->tail) & r->mask;
	r->other = ld_acquire(&r->k->head) & r->mask;
}

void
nmpipe_init_rx(struct pipering *r, struct arena *a, unsigned port, unsigned i,
    struct netmap_ring *ring)
{
	struct vport *vp = arena_port(a->base, port);

	init(r, ring, &vp->rx[i], vp->rx_slots);
	r->head = r->other = ld_acquire(&r->k->head) & r->mask;
}

void
nmpipe_start(const struct pipering *r, bool is_tx)
{
	r->ring->head = r->ring->cur = r->head;
	r->ring->tail = is_tx ? (r->other - 1) & r->mask : r->head;
}

void
nmpipe_resume_tx(struct pipering *r)
{
	r->head = r->sent = ld_acquire(&r->k->tail) & r->mask;
	r->other = (ld_relaxed(&r->ring->tail) + 1) & r->mask;
}

void
nmpipe_resume_rx(struct pipering *r)
{
	r->head = ld_acquire(&r->k->head) & r->mask;
	r->other = ld_relaxed(&r->ring->tail) & r->mask;
}

/* What the receiver has given back. */
static inline void
take_returned(struct pipering *r)
{
	uint32_t head = ld_acquire(&r->k->head);

	if (pos_is_between(r->other, head, r->sent, r->mask))
		r->other = head;
}

/* What the other end is about to get, for its monitors. */
static void
show(const struct pipering *r, struct arena *a, unsigned port, unsigned i,
    uint32_t to)
{
	unsigned peer = arena_port(a->base, port)->peer % VALE_MAX_PORTS;
	const struct monitor_view v = { peer, NMPORT_RX, i, r->ring->slot,
		r->mask, r->sent, to, port, i };

	if (unlikely(ld_acquire(&arena_port(a->base, peer)->watched) &
		NMPORT_RX))
		monitor_copy(a, &v);
}

void
nmpipe_txsync(struct pipering *r, struct arena *a, unsigned port, unsigned i,
    uint32_t head)
{
	struct vport *vp = arena_port(a->base, port);
	uint64_t pkts = 0, bytes = 0, sum = 0;
	uint32_t sent = r->sent, mask = r->mask, pos = sent;

	while (pos != head) {
		uint64_t w = ld_relaxed(slot_word(&r->ring->slot[pos]));

		pos = (pos + 1) & mask;
		sum += w >> 32 & 0xffff;
		if (likely((w >> 48 & NS_MOREFRAG) == 0)) {
			sent = pos;
			pkts++;
			bytes = sum;
		}
	}
	r->head = head;
	if (sent != r->sent) {
		show(r, a, port, i, sent);
		st_seqcst(&r->k->tail, sent);
		r->sent = sent;
		add_to(&vp->tx[i].pkts, pkts);
		add_to(&vp->tx[i].bytes, bytes);
		wake_ring(a, vp->peer % VALE_MAX_PORTS, i, NMPORT_RX);
	}
	take_returned(r);
	r->ring->tail = (r->other - 1) & mask;
}

void
nmpipe_rxsync(struct pipering *r, uint32_t head)
{
	uint32_t tail;

	if (head != r->head) {
		r->head = head;
		st_seqcst(&r->k->head, head); /* then a waiter is looked for */
	}
	tail = ld_acquire(&r->k->tail);
	if (pos_is_between(r->other, tail, (head - 1) & r->mask, r->mask))
		r->other = tail;
	r->ring->tail = r->other;
}

bool
nmpipe_has_room(const struct pipering *r, bool is_new)
{
	uint32_t head = ld_seqcst(&r->k->head);

	if (!pos_is_between(r->other, head, r->sent, r->mask))
		head = r->other;
	if (is_new)
		return head != r->other;
	return ((head - 1) & r->mask) != ld_relaxed(&r->ring->cur);
}
