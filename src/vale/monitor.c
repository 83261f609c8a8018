/* SPDX-License-Identifier: BSD-2-Clause */
#include "vale/monitor.h"

#include "vale/indirect.h"
#include "vale/kring.h"
#include "vale/vswitch.h"
#include "vale/wake.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static unsigned
way_idx(unsigned way)
{
	return way == MONITOR_LATE ? 2 : way == NMPORT_TX;
}

static bool
is_open(const struct vport *vp)
{
	return vp->state == VPORT_LIVE && vp->kind != VPORT_MONITOR &&
	    (vp->kind == VPORT_SWITCH || vp->has_user);
}

static void
set_watched(struct vport *vp)
{
	uint32_t ways = 0;

	for (unsigned i = 0; i < VALE_PORT_WORDS; i++) {
		ways |= vp->watchers[0][i] != 0 ? (uint32_t)NMPORT_RX : 0;
		ways |= vp->watchers[1][i] != 0 ? (uint32_t)NMPORT_TX : 0;
		ways |= vp->watchers[2][i] != 0 ? (uint32_t)MONITOR_LATE : 0;
	}
	st_release(&vp->watched, ways);
}

static void
set_watcher(struct vport *vp, unsigned way, unsigned monitor, bool on)
{
	uint64_t *w = &vp->watchers[way_idx(way)][monitor / 64];
	uint64_t bit = 1ull << monitor % 64;

	st_release(w, on ? *w | bit : *w & ~bit);
}

/* ---- attach ---- */

/* "valeX:p/rt#7": as many monitors of a port as one likes, all by name. */
static void
monitor_name(const struct pname *n, uint32_t gen, char name[VALE_NAME_SIZE])
{
	snprintf(name, VALE_NAME_SIZE, "%.44s/%s%s#%u", n->text,
	    n->watches & NMPORT_RX ? "r" : "",
	    n->watches & NMPORT_TX ? "t" : "", (unsigned)gen);
}

/* A monitor sends nothing: its one tx ring is there for the look of it. */
static void
take_shape(const struct vport *watched, struct nmport_cfg *cfg)
{
	cfg->tx_rings = 1;
	cfg->rx_rings = watched->n_tx > watched->n_rx ? watched->n_tx :
							watched->n_rx;
	if (cfg->tx_slots == 0)
		cfg->tx_slots = watched->tx_slots;
	if (cfg->rx_slots == 0)
		cfg->rx_slots = watched->rx_slots;
}

static int
find_watched(struct arena *a, const struct pname *n, struct nmport_cfg *cfg,
    unsigned *out, struct err *e)
{
	unsigned p = place_find(a, n->text);
	struct vport *vp;

	if (p == NO_PEER && n->kind == PNAME_PLAIN) /* as it is on a switch */
		p = vswitch_find_persistent(a, n->text);
	vp = arena_port(a->base, p % VALE_MAX_PORTS);
	if (p == NO_PEER || !is_open(vp))
		return err_set(e, EINVAL, "%s: not open, nothing to monitor",
		    n->text);
	take_shape(vp, cfg);
	if (place_complete_cfg(cfg, e) < 0)
		return -EINVAL;
	if (cfg->one_ring > cfg->rx_rings)
		return err_set(e, EINVAL, "%s: has no ring %u", n->text,
		    cfg->one_ring - 1);
	*out = p;
	return 0;
}

static void
start(struct place *t, const struct pname *n)
{
	struct vport *vp = arena_port(t->a->base, t->peer);

	t->vp->peer_gen = vp->gen;
	t->vp->one_ring = t->cfg->one_ring;
	for (unsigned way = NMPORT_RX; way <= NMPORT_TX; way++)
		if (n->watches & way)
			set_watcher(vp, n->is_zcopy && way == NMPORT_RX ?
				MONITOR_LATE : way, t->port, true);
	set_watched(vp);
}

static int
attach(struct place *t, const struct pname *n, struct nmport_cfg *cfg,
    struct err *e)
{
	char name[VALE_NAME_SIZE];
	int rc = find_watched(t->a, n, cfg, &t->peer, e);

	if (rc == 0)
		rc = place_find_free(t, 0, e);
	if (rc < 0)
		return rc;
	monitor_name(n, arena_hdr(t->a->base)->gen + 1, name);
	t->name = name;
	rc = place_populate(t, e);
	if (rc == 0)
		start(t, n);
	return rc;
}

int
monitor_attach(struct arena *a, const struct pname *n, struct nmport_cfg *cfg,
    struct place_fds *fds, struct err *e)
{
	struct place t = { .a = a, .name = n->text, .cfg = cfg,
		.kind = VPORT_MONITOR, .sw = NO_SWITCH, .fds = fds };
	int rc;

	rc = vswitch_enter(a, e);
	if (rc < 0)
		return rc;
	rc = attach(&t, n, cfg, e);
	cfg->n_extra = t.n_extra;
	vswitch_leave(a, rc < 0);
	return rc < 0 ? rc : (int)t.port;
}

void
monitor_forget(struct arena *a, unsigned port)
{
	struct vport *vp = arena_port(a->base, port), *other;

	if (vp->kind == VPORT_MONITOR && vp->peer < VALE_MAX_PORTS) {
		other = arena_port(a->base, vp->peer);
		if (other->gen == vp->peer_gen) {
			set_watcher(other, NMPORT_RX, port, false);
			set_watcher(other, NMPORT_TX, port, false);
			set_watcher(other, MONITOR_LATE, port, false);
			set_watched(other);
		}
	}
	if (vp->watched == 0)
		return;
	st_release(&vp->watched, 0u);
	for (unsigned m = 0; m < VALE_MAX_PORTS; m++) {
		uint64_t w = vp->watchers[0][m / 64] |
		    vp->watchers[1][m / 64] | vp->watchers[2][m / 64];

		other = arena_port(a->base, m);
		if ((w >> m % 64 & 1) == 0 || other->kind != VPORT_MONITOR ||
		    other->peer != port)
			continue;
		st_seqcst(&other->peer, (uint32_t)NO_PEER);
		wake_port(a, m, NMPORT_RX);
	}
	memset(vp->watchers, 0, sizeof(vp->watchers));
}

/* ---- copying ---- */

/* One slot's frame into the ring's next slot; false if there is nothing to be
 * seen of it, or nowhere to put it. */
static bool
copy_slot(struct arena *a, struct dst *d, const struct netmap_slot *slot,
    unsigned way)
{
	struct netmap_slot s = *slot, *to = &d->slots[d->tail];
	uint32_t theirs = ld_relaxed(&to->buf_idx);
	uint64_t flags;

	if (!buf_idx_ok(s.buf_idx) || s.len > VALE_BUF_SIZE ||
	    !buf_idx_ok(theirs))
		return false;
	if (way == NMPORT_TX && (s.flags & NS_INDIRECT)) {
		if (!indirect_read(arena_buf(a->base, theirs), s.ptr, s.len))
			return false;
	} else {
		memcpy(arena_buf(a->base, theirs),
		    arena_buf(a->base, s.buf_idx), s.len);
	}
	flags = s.flags & ~(unsigned)(NS_TXMON | NS_INDIRECT);
	flags |= way == NMPORT_TX ? NS_TXMON : 0;
	st_relaxed(slot_word(to),
	    flags << 48 | (uint64_t)s.len << 32 | theirs);
	d->tail = (d->tail + 1) & d->mask;
	d->bytes += s.len;
	return true;
}

/* As many as there is room for. */
static void
copy_slots(struct arena *a, struct dst *d, const struct monitor_view *s)
{
	uint32_t n = (s->to - s->from) & s->mask, fit;

	dst_refresh_room(d);
	fit = n < d->room ? n : d->room;
	for (uint32_t i = 0; i < fit; i++)
		d->pkts += copy_slot(a, d, &s->slots[(s->from + i) & s->mask],
		    s->way);
	add_to(&d->k->drops[VDROP_RING_FULL], n - fit);
}

static void
copy_to(struct arena *a, unsigned monitor, const struct monitor_view *s)
{
	struct vport *vp = arena_port(a->base, monitor);
	struct kring *k = &vp->rx[s->ring];
	uint32_t gen = ld_relaxed(&arena_port(a->base, s->by_port)->gen), tail;
	uint64_t seen;
	struct dst d;

	if (vp->one_ring != 0 && vp->one_ring != s->ring + 1)
		return;
	if (!kring_lock(k, klock_word(s->by_port,
			       monitor_ring(s->way, s->by_ring), gen, 0), 0,
		&seen))
		return; /* our other thread was stopped in there: missed */
	if (dst_open(a->base, monitor, k, NO_SWITCH, &d)) {
		tail = d.tail;
		copy_slots(a, &d, s);
		add_to(&k->pkts, d.pkts);
		add_to(&k->bytes, d.bytes);
		if (d.tail != tail)
			st_seqcst(&k->tail, d.tail);
	}
	kring_unlock(k);
	wake_ring(a, monitor, s->ring, NMPORT_RX);
}

void
monitor_copy(struct arena *a, const struct monitor_view *v)
{
	const struct vport *vp = arena_port(a->base, v->port);

	for (unsigned i = 0; v->from != v->to && i < VALE_PORT_WORDS; i++)
		for (uint64_t w = ld_acquire(
			 &vp->watchers[way_idx(v->way)][i]);
		     w != 0; w &= w - 1)
			copy_to(a, i * 64 + (unsigned)__builtin_ctzll(w), v);
}
