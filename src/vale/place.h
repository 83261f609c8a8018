/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Filling a place of the arena with a port: its area, its rings, its buffers.
 *
 * Place      under vswitch, nmpipe and monitor, which say what port it is.
 * Locks      the caller holds the arena's slow lock throughout.
 * Death      at any instruction; the states of vswitch.h say what the sweep
 *            makes of what is left.
 */
#pragma once

#include "vale/arena.h"

/* What holds a port alive, and what wakes its rings' users. */
struct place_fds {
	int alive;
	int wakes[NMPORT_MAX_RINGS];
	unsigned n_wakes;
	bool has_joined; /* a port that others had open */
};

/* A port to be; what place_populate() needs. */
struct place {
	struct arena *a;
	const char *name;
	const struct nmport_cfg *cfg; /* complete, checked */
	enum vport_kind kind;
	unsigned port, sw, peer; /* NO_SWITCH, NO_PEER */
	struct vport *vp;
	unsigned n_extra; /* extra buffers found */
	struct place_fds *fds;
};

/* Defaults for zeros; -EINVAL for sizes that cannot be. */
int place_complete_cfg(struct nmport_cfg *cfg, struct err *e);

/* The port of this name, open or idle; NO_PEER. */
unsigned place_find(struct arena *a, const char *name);

/* The first free place at or after 'from'; t->port, t->vp.  ENOSPC. */
int place_find_free(struct place *t, unsigned from, struct err *e);

/* Offset of ring i (tx rings first) in an area of this shape. */
size_t place_ring_ofs(const struct nmport_cfg *cfg, unsigned i);

/* Declares the place FILLING: from here on a sweep would find it. */
void place_begin(struct place *t);

/* Opens the descriptors of a user: alive lock and FIFOs, one for each pair of
 * rings.  On failure none is open. */
int place_open_fds(struct place *t, struct err *e);
void place_close_fds(struct place_fds *fds);

/* The FIFOs of a port that is open, of this shape. */
int place_open_wakes(struct arena *a, unsigned port, struct place_fds *fds,
    const struct nmport_cfg *cfg, struct err *e);

/* One more user of the live port t->port, whose shape '*cfg' becomes.  EBUSY:
 * its users do not share it, or do not ask for sharing. */
int place_join(struct place *t, struct nmport_cfg *cfg, struct err *e);

/* The netmap_if, and extra buffers that are still free. */
void place_fill_if(struct place *t, struct pool_cursor *c);

/* Interface, rings, extra buffers; every slot names a buffer that is still
 * free: so places that are filled together share a cursor.  A pipe's slave gets
 * no slots. */
int place_fill(struct place *t, struct pool_cursor *c, struct err *e);

/* Takes the buffers that the slots name.  After it the place is MARKING. */
void place_take_buffers(struct place *t);

/* Opens the rings to senders and declares the port LIVE. */
void place_go_live(struct place *t);

/* All of it.  On failure the place is free again (or idle). */
int place_populate(struct place *t, struct err *e);
