/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Monitors: ports that get a copy of what another port sends or receives.
 *
 * Place      beside vswitch (attach), under nmport's syncs (copying).
 * When       the sender's threads copy: what a port sends at its txsync, before
 *            it goes anywhere; what it receives as it is put into its ring, so
 *            its user may be asleep.  Ring i goes to rx ring i.
 * Room       what the monitor has no room for, it misses, and counts; nobody
 *            waits.
 * Life       a monitor is a place of kind VPORT_MONITOR whose 'peer' is the
 *            watched one, which has its bit in 'watchers'.  When the watched
 *            port goes the peer becomes NO_PEER, and the monitor's rxsync fails
 *            from then on.
 * Cost       a port without monitors: one load a sync.
 */
#pragma once

#include "vale/place.h"
#include "vale/pname.h"

/* Beside NMPORT_RX and NMPORT_TX a way of its own: what a port receives, when its
 * user takes it.  So zero-copy monitors have it, though they get copies. */
enum { MONITOR_LATE = 4 };

/* Whose lock words are those of ring 'ring' that shows what goes 'way': a tx ring,
 * or of MONITOR_LATE an rx ring; no ring of forward's has such a number. */
static inline unsigned
monitor_ring(unsigned way, unsigned ring)
{
	return 0x80 | way << 4 | ring;
}

/* Attaches a monitor of the port 'n' names.  '*cfg' is completed: zero slots
 * become those of the watched port, and the number of rings is its own.
 * Returns the place; -errno as nmport_open(). */
int monitor_attach(struct arena *a, const struct pname *n,
    struct nmport_cfg *cfg, struct place_fds *fds, struct err *e);

/* The port leaves: its monitors are told, and it is taken from the list of
 * whom it watches.  Slow lock held. */
void monitor_forget(struct arena *a, unsigned port);

/* Slots [from, to) of a ring, and which ring's turn it is. */
struct monitor_view {
	unsigned port, way, ring;
	const struct netmap_slot *slots;
	uint32_t mask, from, to;
	unsigned by_port, by_ring;
};

/* Copies them to the monitors of the port that watch this way.  The lock of the
 * ring that the slots are in may be held. */
void monitor_copy(struct arena *a, const struct monitor_view *v);
