/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside of a port's handle: shared by nmport.c (open, sync), nmsleep.c and
 * nmadopt.c.
 *
 * Place      memory of one process and its children by fork(), who then see the
 *            same positions: nothing in it may change when one of them leaves.
 *            What it says of positions and sizes is believed, the shared rings
 *            are not.
 */
#pragma once

#include "vale/forward.h"
#include "vale/nmpipe.h"
#include "vale/place.h"

/* An rx ring as its user's process believes it to be. */
struct rxring {
	struct netmap_ring *ring;
	struct kring *k;
	uint32_t mask;
	uint32_t head, tail; /* at the last good sync */
};

/* Who sleeps: the user of all rings, or of one pair. */
struct sleeper {
	int poll_fd; /* the FIFOs of its rings, and the timer */
	int timer_fd;
	uint32_t seq;
	bool is_timer_set;
};

struct nmport {
	struct nmkernel *kernel; /* has it; else NULL */
	struct arena *a;
	struct vport *vp;
	struct netmap_if *nifp;
	unsigned idx, n_tx, n_rx, n_extra;
	uint32_t tx_slots, rx_slots;
	bool is_pipe, is_monitor;
	bool is_shared; /* others may have the port, too */
	uint32_t user;	/* this handle, among all of the arena */
	struct place_fds fds;
	/* Somebody is in a sync, or died in it: of rx, of tx. */
	bool in_sync[2][NMPORT_MAX_RINGS];
	uint32_t words[NMPORT_MAX_RINGS]; /* what we wrote: vport.sleeping */
	struct sleeper all;
	struct sleeper pairs[NMPORT_MAX_RINGS]; /* of several: n_wakes */
	struct rxring rx[NMPORT_MAX_RINGS];	/* not of a pipe */
	struct pipering pipe_tx[NMPORT_MAX_RINGS];
	struct pipering pipe_rx[NMPORT_MAX_RINGS];
	struct txring tx[NMPORT_MAX_RINGS]; /* not of a pipe; the last, as only
					     * what is used has memory */
};

/* An empty handle; NULL without memory.  free closes what it has open, but
 * for the descriptor that holds the port alive. */
struct nmport *nmport_alloc(void);
void nmport_free(struct nmport *p);

/* Makes it the handle of place 'idx', which has the shape 'cfg'; fds are set.
 * Of a port that others have open (fds.has_joined) nothing is changed. */
int nmport_set_up(struct nmport *p, unsigned idx, const struct nmport_cfg *cfg,
    struct err *e);

/* Opens the descriptors to poll; nmsleep_fini() closes them. */
int nmsleep_init(struct nmport *p, struct err *e);
void nmsleep_fini(struct nmport *p);

/* Rx ring i has room again: wakes the senders that asked for it, once it is
 * worth it; 'is_last': we may not come back soon. */
void nmsleep_tell_waiters(struct nmport *p, unsigned i, bool is_last);
