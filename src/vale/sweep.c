/* SPDX-License-Identifier: BSD-2-Clause */
#include "vale/sweep.h"

#include "base/clock.h"
#include "vale/extra.h"
#include "vale/journal.h"
#include "vale/monitor.h"
#include "vale/turn.h"
#include "vale/wake.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

enum {
	CLOSE_PATIENCE_US = 5000, /* a burst takes microseconds */
};

static uint64_t
sweeper_word(void)
{
	return klock_word(KLOCK_SWEEPER, 0, 0, 0);
}

/* The geometry of a port, bounded; what cannot be is 'no rings'. */
struct geometry {
	uint32_t n_tx, n_rx, tx_slots, rx_slots;
};

static struct geometry
geometry_of(struct arena *a, const struct vport *vp)
{
	struct geometry g = { vp->n_tx, vp->n_rx, vp->tx_slots, vp->rx_slots };

	if (g.n_tx <= NMPORT_MAX_RINGS && g.n_rx <= NMPORT_MAX_RINGS &&
	    slots_ok(g.tx_slots) && slots_ok(g.rx_slots))
		return g;
	arena_hdr(a->base)->suspect = 1;
	return (struct geometry){ 0 };
}

static struct netmap_slot *
tx_slots_of(struct arena *a, unsigned port, const struct geometry *g,
    unsigned ring)
{
	return at(a->base, port_area_ofs(port) +
		tx_ring_ofs(g->tx_slots, ring) + RING_HDR);
}

static struct netmap_slot *
rx_slots_of(struct arena *a, unsigned port, const struct geometry *g,
    unsigned ring)
{
	return at(a->base, port_area_ofs(port) +
		rx_ring_ofs(g->n_tx, g->tx_slots, g->rx_slots, ring) +
		RING_HDR);
}

bool
sweep_each_slot(struct arena *a, unsigned port,
    bool (*fn)(struct arena *a, uint32_t buf_idx, void *arg), void *arg)
{
	struct vport *vp = arena_port(a->base, port);
	struct geometry g = { 0 };

	if (vp->state != VPORT_FREE && vp->state != VPORT_IDLE &&
	    vp->kind != VPORT_SLAVE)
		g = geometry_of(a, vp);
	for (unsigned r = 0; r < g.n_tx + g.n_rx; r++) {
		bool is_tx = r < g.n_tx;
		struct netmap_slot *s = is_tx ? tx_slots_of(a, port, &g, r) :
						rx_slots_of(a, port, &g,
						    r - g.n_tx);

		for (uint32_t i = 0; i < (is_tx ? g.tx_slots : g.rx_slots); i++)
			if (!fn(a, ld_relaxed(&s[i].buf_idx), arg))
				return false;
	}
	return true;
}

/* Of a port that processes share: does the one live that is at this ring, as
 * lock words have it? */
static bool
is_at_ring(struct vport *vp, unsigned ring)
{
	bool is_rx = (ring & ~(NMPORT_MAX_RINGS - 1u)) ==
	    monitor_ring(MONITOR_LATE, 0);

	return turn_is_held(ld_acquire(
	    &vp->turns[!is_rx][ring % NMPORT_MAX_RINGS].lock));
}

bool
sweep_holder_is_alive(struct arena *a, uint64_t lock_word)
{
	unsigned port = (unsigned)(lock_word >> 48) - 1;
	struct vport *vp;

	if (port >= VALE_MAX_PORTS)
		return false; /* a sweeper that died, or garbage */
	vp = arena_port(a->base, port);
	return ld_acquire(&vp->state) == VPORT_LIVE &&
	    (ld_relaxed(&vp->gen) & 0xffff) == (lock_word >> 24 & 0xffff) &&
	    arena_is_alive(a, port) &&
	    (!vp->is_shared || is_at_ring(vp, lock_word >> 40 & 0xff));
}

/* The slot of the dead sender that the journal speaks of, or NULL. */
static struct netmap_slot *
journal_slot(struct arena *a, uint64_t by, uint32_t pos)
{
	unsigned port = (unsigned)(by >> 48) - 1, ring = by >> 40 & 0xff;
	struct geometry g;

	if (port >= VALE_MAX_PORTS ||
	    arena_port(a->base, port)->state == VPORT_FREE)
		return NULL;
	g = geometry_of(a, arena_port(a->base, port));
	if (ring >= g.n_tx || pos >= g.tx_slots)
		return NULL;
	return tx_slots_of(a, port, &g, ring) + pos;
}

/* Ends the swap that the dead holder 'word' was in, and opens the lock. */
static void
repair_ring(struct arena *a, unsigned port, unsigned ring, uint64_t word)
{
	struct kring *k = &arena_port(a->base, port)->rx[ring];
	struct geometry g = geometry_of(a, arena_port(a->base, port));
	uint64_t by = ld_relaxed(&k->journal_by);
	struct swap_note n = swap_note_decode(ld_acquire(&k->journal));
	struct netmap_slot *src = NULL, *dst;

	if (n.src_buf != 0 && by == word && ring < g.n_rx)
		src = journal_slot(a, by, n.src_pos);
	if (src != NULL) {
		dst = rx_slots_of(a, port, &g, ring);
		for (uint32_t i = 0; i < g.rx_slots; i++)
			if (dst[i].buf_idx == n.src_buf)
				src->buf_idx = n.dst_buf;
	}
	st_release(&k->journal, 0ull);
	cas(&k->lock, &word, 0ull);
}

enum { ANY_RING = 0x100 };

/* Opens every ring that ring 'by' of 'port' has locked. */
static void
repair_locks_by(struct arena *a, unsigned port, unsigned by)
{
	for (unsigned q = 0; q < VALE_MAX_PORTS; q++) {
		struct vport *vp = arena_port(a->base, q);

		if (vp->state != VPORT_LIVE && vp->state != VPORT_CLOSING)
			continue;
		for (unsigned r = 0; r < NMPORT_MAX_RINGS; r++) {
			uint64_t w = ld_acquire(&vp->rx[r].lock);

			if (w != 0 && w != KLOCK_CLOSED &&
			    (w >> 48) - 1 == port &&
			    (by == ANY_RING || (w >> 40 & 0xff) == by))
				repair_ring(a, q, r, w);
		}
	}
}

/* The same of all rings of a dead port, or of a dead sweeper. */
static void
repair_locks_of(struct arena *a, unsigned port)
{
	repair_locks_by(a, port, ANY_RING);
}

void
sweep_repair_ring_user(struct arena *a, unsigned port, unsigned ring)
{
	if (arena_lock(a, true, NULL) < 0)
		return;
	repair_locks_by(a, port, ring);
	arena_unlock(a);
}

/* Takes a ring's lock for 'word' (closed, or the sweeper's). */
static bool
seize_ring(struct arena *a, unsigned port, unsigned ring, uint64_t word)
{
	struct kring *k = &arena_port(a->base, port)->rx[ring];
	ns_t end = clock_mono_ns() + CLOSE_PATIENCE_US * NS_PER_US;

	for (;;) {
		uint64_t w = ld_acquire(&k->lock);

		if (w == word)
			return true;
		if (w == 0) {
			if (cas(&k->lock, &w, word))
				return true;
			continue;
		}
		if (!sweep_holder_is_alive(a, w))
			repair_ring(a, port, ring, w);
		else if (clock_mono_ns() > end)
			return false;
		else
			sched_yield();
	}
}

static bool
close_rings(struct arena *a, unsigned port)
{
	bool ok = true;

	for (unsigned r = 0; r < NMPORT_MAX_RINGS; r++)
		if (!seize_ring(a, port, r, KLOCK_CLOSED))
			ok = false;
	return ok;
}

static void
forget_macs(struct vswitch *sw, unsigned port)
{
	uint64_t *m = &sw->macs[0][0];

	for (unsigned i = 0; i < VALE_MAC_BUCKETS * VALE_MAC_WAYS; i++) {
		uint64_t w = ld_relaxed(&m[i]);

		if ((w & 0xffff) == port + 1)
			cas(&m[i], &w, 0ull);
	}
}

/* The switch keeps what its ports have counted. */
static void
keep_counters(struct vswitch *sw, const struct vport *vp)
{
	for (unsigned r = 0; r < NMPORT_MAX_RINGS; r++) {
		sw->gone_tx.pkts += vp->tx[r].pkts;
		sw->gone_tx.bytes += vp->tx[r].bytes;
		sw->gone_tx.copies += vp->tx[r].copies;
		sw->gone_rx_pkts += vp->rx[r].pkts;
		sw->gone_rx_bytes += vp->rx[r].bytes;
		for (unsigned d = 0; d < VDROP_N; d++) {
			sw->gone_tx.drops[d] += vp->tx[r].drops[d];
			sw->gone_rx_drops[d] += vp->rx[r].drops[d];
		}
	}
}

static void
leave_switch(struct arena *a, unsigned port)
{
	struct vport *vp = arena_port(a->base, port);
	struct vswitch *sw;

	if (vp->switch_idx >= VALE_MAX_SWITCHES)
		return;
	sw = arena_switch(a->base, vp->switch_idx);
	st_release(&sw->members[port / 64],
	    sw->members[port / 64] & ~(1ull << port % 64));
}

void
sweep_leave(struct arena *a, unsigned port)
{
	struct vport *vp = arena_port(a->base, port);
	unsigned sw = vp->switch_idx;

	leave_switch(a, port);
	st_release(&vp->switch_idx, (uint32_t)NO_SWITCH);
	for (unsigned r = 0; r < NMPORT_MAX_RINGS; r++)
		st_release(&vp->rx[r].switch_idx, (uint32_t)NO_SWITCH);
	if (sw < VALE_MAX_SWITCHES)
		forget_macs(arena_switch(a->base, sw), port);
}

static void
free_place(struct arena *a, unsigned port)
{
	struct vport *vp = arena_port(a->base, port);

	wake_unlink(a, port, vp->gen);
	vp->pid = 0;
	st_release(&vp->state,
	    (uint32_t)(vp->is_persistent ? VPORT_IDLE : VPORT_FREE));
}

static bool
add_slot(struct arena *a, uint32_t buf_idx, void *arg)
{
	giveback_add(arg, a, buf_idx);
	return true;
}

static void
free_buffers(struct arena *a, unsigned port)
{
	struct vport *vp = arena_port(a->base, port);
	bool all_taken = vp->state == VPORT_FREEING;
	struct giveback g;

	giveback_begin(&g);
	sweep_each_slot(a, port, add_slot, &g);
	extra_collect(a, port, &g);
	giveback_keep_held(&g, a, port);
	if (all_taken && g.is_odd)
		arena_hdr(a->base)->suspect = 1;
	giveback_end(&g, a);
	vp->n_extra = 0;
	if (all_taken && vp->switch_idx < VALE_MAX_SWITCHES) {
		forget_macs(arena_switch(a->base, vp->switch_idx), port);
		keep_counters(arena_switch(a->base, vp->switch_idx), vp);
	}
}

bool
sweep_port(struct arena *a, unsigned port)
{
	struct vport *vp = arena_port(a->base, port);

	leave_switch(a, port);
	switch ((enum vport_state)vp->state) {
	case VPORT_FREE:
	case VPORT_IDLE:
		return true;
	case VPORT_LIVE:
		monitor_forget(a, port);
		st_release(&vp->state, (uint32_t)VPORT_CLOSING);
		/* fallthrough */
	case VPORT_CLOSING:
		repair_locks_of(a, port);
		if (!close_rings(a, port))
			return false;
		st_release(&vp->state, (uint32_t)VPORT_FREEING);
		/* fallthrough */
	case VPORT_FREEING:
	case VPORT_MARKING:
		free_buffers(a, port);
		/* fallthrough */
	case VPORT_FILLING:
		free_place(a, port);
		return true;
	}
	/* Garbage in the state: nothing about the place can be believed. */
	arena_hdr(a->base)->suspect = 1;
	vp->is_persistent = 0;
	free_place(a, port);
	return true;
}

/* The other end of a live pipe, or NO_PEER. */
static unsigned
peer_of(struct arena *a, unsigned port)
{
	struct vport *vp = arena_port(a->base, port), *other;
	unsigned peer = vp->peer;

	if (peer >= VALE_MAX_PORTS)
		return NO_PEER;
	other = arena_port(a->base, peer);
	return other->state == VPORT_LIVE && other->peer == port &&
		       other->kind == (uint32_t)VPORT_MASTER +
			       VPORT_SLAVE - vp->kind ?
		   peer :
		   NO_PEER;
}

void
sweep_pipe_end(struct arena *a, unsigned port)
{
	struct vport *vp = arena_port(a->base, port);

	monitor_forget(a, port);
	extra_give(a, port);
	wake_unlink(a, port, vp->gen);
	vp->pid = 0;
	vp->has_user = 0;
	if (vp->peer < VALE_MAX_PORTS) /* who may want to know */
		wake_port(a, vp->peer, NMPORT_RX | NMPORT_TX);
}

/* A pipe stays as long as one end is used.  True: both ends are gone. */
static bool
sweep_pipe(struct arena *a, unsigned port)
{
	unsigned peer = peer_of(a, port);

	if (arena_is_alive(a, port))
		return false;
	if (peer != NO_PEER && arena_is_alive(a, peer)) {
		if (arena_port(a->base, port)->has_user)
			sweep_pipe_end(a, port);
		return false;
	}
	return sweep_port(a, port) &&
	    (peer == NO_PEER || sweep_port(a, peer));
}

/* Takes the port apart if it has to go. */
static bool
sweep_if_dead(struct arena *a, unsigned port)
{
	const struct vport *vp = arena_port(a->base, port);

	if (vp->state != VPORT_LIVE)
		return sweep_port(a, port);
	if (vp->kind == VPORT_MASTER || vp->kind == VPORT_SLAVE)
		return sweep_pipe(a, port);
	return !arena_is_alive(a, port) && sweep_port(a, port);
}

static bool
mark_slot(struct arena *a, uint32_t buf_idx, void *arg)
{
	uint64_t *w, bit = 1ull << buf_idx % 64;

	(void)a;
	if (!buf_idx_ok(buf_idx))
		return false;
	w = (uint64_t *)arg + buf_idx / 64;
	if ((*w & bit) != 0)
		return false;
	*w |= bit;
	return true;
}

/* Extra buffers of all ports. */
static uint32_t
count_extra(struct arena *a)
{
	uint32_t n = 0;

	for (unsigned p = 0; p < VALE_MAX_PORTS; p++) {
		const struct vport *vp = arena_port(a->base, p);

		if (vp->state != VPORT_FREE && vp->state != VPORT_IDLE)
			n += vp->n_extra;
	}
	return n;
}

/* With all senders stopped: frees what no ring holds.  False: some program is
 * exchanging buffers right now, holds one twice, or has extra ones that nobody
 * sees. */
static bool
rebuild_pool(struct arena *a)
{
	uint64_t *bits = arena_bits(a->base);
	uint64_t *used = calloc(VALE_MAX_BUFS / 64, sizeof(*used));
	uint32_t n_extra = count_extra(a), n_used = 0;
	bool ok = used != NULL;

	for (unsigned p = 0; ok && p < VALE_MAX_PORTS; p++)
		ok = sweep_each_slot(a, p, mark_slot, used);
	for (unsigned i = 0; ok && i < VALE_MAX_BUFS / 64; i++)
		n_used += (uint32_t)__builtin_popcountll(used[i]);
	if (ok && n_extra != 0) {
		ok = n_used + n_extra + pool_n_free(a) == VALE_MAX_BUFS - 2;
	} else if (ok) {
		used[0] |= 3;
		for (unsigned i = 0; i < VALE_MAX_BUFS / 64; i++)
			bits[i] = ~used[i];
	}
	if (ok)
		arena_hdr(a->base)->suspect = 0;
	free(used);
	return ok;
}

struct check {
	uint64_t *seen;
	uint32_t n_wrong;
};

static bool
check_slot(struct arena *a, uint32_t buf_idx, void *arg)
{
	struct check *c = arg;

	if (!mark_slot(a, buf_idx, c->seen) ||
	    (arena_bits(a->base)[buf_idx / 64] >> buf_idx % 64 & 1) != 0)
		c->n_wrong++;
	return true;
}

uint32_t
sweep_count_wrong(struct arena *a)
{
	struct check c = { calloc(VALE_MAX_BUFS / 64, sizeof(*c.seen)), 0 };

	for (unsigned p = 0; c.seen != NULL && p < VALE_MAX_PORTS; p++)
		sweep_each_slot(a, p, check_slot, &c);
	free(c.seen);
	return c.n_wrong;
}

static void
audit(struct arena *a)
{
	bool ok = true;

	for (unsigned p = 0; ok && p < VALE_MAX_PORTS; p++) {
		struct vport *vp = arena_port(a->base, p);

		for (unsigned r = 0; ok && r < NMPORT_MAX_RINGS; r++)
			if (vp->state == VPORT_LIVE &&
			    ld_acquire(&vp->rx[r].lock) != KLOCK_CLOSED)
				ok = seize_ring(a, p, r, sweeper_word());
	}
	for (unsigned i = count_extra(a) != 0 ? 9 : 0; ok && i < 10; i++)
		ok = !rebuild_pool(a);
	repair_locks_of(a, KLOCK_SWEEPER);
}

/* A switch exists while some port says it is on it. */
static void
drop_empty_switches(struct arena *a)
{
	bool used[VALE_MAX_SWITCHES] = { false };

	for (unsigned p = 0; p < VALE_MAX_PORTS; p++) {
		struct vport *vp = arena_port(a->base, p);

		if (vp->state != VPORT_FREE &&
		    vp->switch_idx < VALE_MAX_SWITCHES)
			used[vp->switch_idx] = true;
	}
	for (unsigned s = 0; s < VALE_MAX_SWITCHES; s++)
		if (!used[s])
			arena_switch(a->base, s)->name[0] = '\0';
}

int
sweep_all(struct arena *a)
{
	unsigned n_left = 0, n_freed = 0;

	if (!ld_acquire(&arena_hdr(a->base)->reserved))
		return 0;
	repair_locks_of(a, KLOCK_SWEEPER);
	for (unsigned p = 0; p < VALE_MAX_PORTS; p++) {
		uint32_t state = arena_port(a->base, p)->state;

		if (state == VPORT_FREE)
			continue;
		if (state != VPORT_IDLE && sweep_if_dead(a, p))
			n_freed++;
		if (arena_port(a->base, p)->state != VPORT_FREE)
			n_left++;
	}
	drop_empty_switches(a);
	if (n_left == 0)
		arena_release_all(a);
	else if (arena_hdr(a->base)->suspect)
		audit(a);
	return (int)n_freed;
}
