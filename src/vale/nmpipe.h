/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netmap pipes: two ends whose rings are each other's, and nothing is copied.
 *
 * Place      beside vswitch (attach), under nmport's syncs.
 * Slots      the two netmap_rings of a direction, the sender's and the
 *            receiver's, have one array of slots: it lies in the master's area,
 *            and the slave's process maps the same pages behind the headers of
 *            its own rings.  So a sync hands over positions, and what a slot
 *            says is the same on both sides; exchanging a buffer in it is
 *            giving it to the other end.
 *
 *	           tail-1 <-+    receiver's   +-> head      sender's
 *	   ......rrrrrrrrrrrr|sssssssssssssss|fffffffff...
 *	         r: receiver's, until its head passes them
 *	         f: the sender's to fill
 *
 * Life       the first end makes both places; each may be left and opened again
 *            while the other is used, and finds its rings where they were.
 * Death      leaves nothing to repair: buffers belong to the array, positions
 *            are one word each.
 * Trust      the other end's positions are believed within the range they can
 *            be in; its slots are as good as it wrote them.
 * Threads    one at a time a ring.  No locks.
 */
#pragma once

#include "vale/place.h"
#include "vale/pname.h"

/* Opens the end 'n' says.  '*cfg' becomes what the pipe has.  Returns the
 * place; -errno as nmport_open(). */
int nmpipe_attach(struct arena *a, const struct pname *n,
    struct nmport_cfg *cfg, struct place_fds *fds, struct err *e);

/* Shows the slots to this process, if 'port' is a slave, and takes them away
 * again. */
int nmpipe_map(struct arena *a, unsigned port, struct err *e);
void nmpipe_unmap(struct arena *a, unsigned port);

/* One ring as its end sees it; private memory. */
struct pipering {
	struct netmap_ring *ring;
	struct kring *k; /* of the receiving end: head and tail of both */
	uint32_t mask;
	uint32_t head;	/* the user's, at the last good sync */
	uint32_t other; /* the other end's: its head (tx), its tail (rx) */
	uint32_t sent;	/* tx: what the receiver was told */
};

/* Positions as the two ends left them; start tells the user, and is for its
 * first handle only.  resume: as another handle of this end left them. */
void nmpipe_init_tx(struct pipering *r, struct arena *a, unsigned port,
    unsigned i, struct netmap_ring *ring);
void nmpipe_init_rx(struct pipering *r, struct arena *a, unsigned port,
    unsigned i, struct netmap_ring *ring);

void nmpipe_start(const struct pipering *r, bool is_tx);
void nmpipe_resume_tx(struct pipering *r);
void nmpipe_resume_rx(struct pipering *r);

/* The syncs, after head and cur were checked: head is r->head's successor. */
void nmpipe_txsync(struct pipering *r, struct arena *a, unsigned port,
    unsigned i, uint32_t head);
void nmpipe_rxsync(struct pipering *r, uint32_t head);

/* Room for the sender, as of now; 'is_new': more than at the last sync. */
bool nmpipe_has_room(const struct pipering *r, bool is_new);
