/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Monitors: ports that get a copy of what another port sends or receives.
 *
 * Place      beside vswitch (attach), under nmport's syncs (copying).
 * When       the monitored port's own threads copy: what it sends at its
 *            txsync, before it goes anywhere; what it receives at its rxsync,
 *            before its user sees it.  Ring i goes to rx ring i.
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

/* Whose lock words are those of ring 'ring' that shows what goes 'way': no ring
 * of forward's has such a number. */
enum { MONITOR_RING = 0x80, MONITOR_WAY_SHIFT = 4 };
static inline unsigned
monitor_ring(unsigned way, unsigned ring)
{
	return MONITOR_RING | way << MONITOR_WAY_SHIFT | ring;
}

/* Attaches a monitor of the port 'n' names.  '*cfg' is completed: zero slots
 * become those of the watched port, and the number of rings is its own.
 * Returns the place; -errno as nmport_open(). */
int monitor_attach(struct arena *a, const struct pname *n,
    struct nmport_cfg *cfg, struct place_fds *fds, struct err *e);

/* The port leaves: its monitors are told, and it is taken from the list of
 * whom it watches.  Slow lock held. */
void monitor_forget(struct arena *a, unsigned port);

/* Copies slots [from, to) of the ring to the monitors of its port that watch
 * 'way' (NMPORT_RX, NMPORT_TX). */
void monitor_copy(struct arena *a, unsigned port, unsigned way, unsigned ring,
    const struct netmap_slot *slots, uint32_t mask, uint32_t from, uint32_t to);
