/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An rx ring as those who put packets into it see it: locked, and its geometry
 * checked, since another process wrote it.
 *
 * Place      under forward and monitor.
 * Locks      kring.lock, one at a time, for a burst; bounded waits only.
 */
#pragma once

#include "vale/layout.h"

#include <sched.h>

enum {
	KRING_SPINS = 64, /* then let the holder of the lock run */
	KRING_YIELDS = 16,
};

/* A destination's ring, locked, its geometry checked. */
struct dst {
	struct kring *k;
	struct netmap_slot *slots;
	uint32_t mask, tail, room;
	uint32_t hdr_len; /* of its packets */
	uint64_t pkts, bytes;
};

/* A counter with one writer at a time, that others read. */
static inline void
add_to(uint64_t *shared, uint64_t n)
{
	if (n != 0)
		st_relaxed(shared, ld_relaxed(shared) + n);
}

/* Bounded: spins, then lets others run, then gives up; at once if the holder is
 * 'stuck' (0 = nobody).  On failure '*seen' is the lock word. */
static inline bool
kring_lock(struct kring *k, uint64_t me, uint64_t stuck, uint64_t *seen)
{
	for (unsigned i = 0; i < KRING_SPINS + KRING_YIELDS; i++) {
		uint64_t w = ld_relaxed(&k->lock);

		if (w == 0 && cas(&k->lock, &w, me))
			return true;
		*seen = w;
		if (w == KLOCK_CLOSED || (w != 0 && w == stuck))
			return false;
		if (i < KRING_SPINS)
			cpu_relax();
		else
			sched_yield();
	}
	return false;
}

static inline void
kring_unlock(struct kring *k)
{
	st_release(&k->journal, 0ull);
	st_release(&k->lock, 0ull);
}

static inline void
dst_refresh_room(struct dst *d)
{
	d->k->head_seen = ld_acquire(&d->k->head) & d->mask;
	d->room = (d->k->head_seen - d->tail - 1) & d->mask;
}

/* Believes nothing of the geometry.  False: not a ring, or not on this switch. */
static inline bool
dst_open(uint8_t *base, unsigned port, struct kring *k, uint32_t switch_idx,
    struct dst *d)
{
	uint32_t n = k->n_slots, ofs = k->ring_ofs;

	if (!slots_ok(n) || ofs % PAGE != RING_GAP ||
	    (size_t)ofs - RING_GAP + ring_size(n) > PORT_AREA_SIZE ||
	    ld_relaxed(&k->switch_idx) != switch_idx)
		return false;
	*d = (struct dst){
		.k = k,
		.slots = at(base, port_area_ofs(port) + ofs + RING_HDR),
		.mask = n - 1,
		.tail = k->tail & (n - 1),
	};
	d->room = (k->head_seen - d->tail - 1) & d->mask;
	k->journal_by = ld_relaxed(&k->lock);
	return true;
}
