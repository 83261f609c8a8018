/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Extra buffers: what a port has beside its rings, in a list that its user
 * keeps.
 *
 * Place      under place (making) and sweep (giving back); slow lock held.
 * List       ni_bufs_head of the netmap_if is the first buffer's number, the
 *            first word of each buffer the next one's, 0 ends it.  The user
 *            changes it at will, also by exchanging its buffers with slots'.
 * Trust      none: the list may run in circles, out of range, or over buffers
 *            of others.  What comes back is at most what was given out, none
 *            twice, nothing free, nothing that some ring holds.  If that is
 *            less than was given out the arena becomes suspect (sweep.h).
 * Gap        while a program lives, what it has taken out of its list and put
 *            nowhere is known to it alone.
 */
#pragma once

#include "vale/giveback.h"

/* Chains up to n free buffers into the port's list; does not take them.
 * Returns how many. */
unsigned extra_fill(struct arena *a, unsigned port, struct pool_cursor *c,
    unsigned n);

/* Takes the buffers of the list that extra_fill() made. */
void extra_take(struct arena *a, unsigned port);

/* Collects what the port's list holds; odd if that is not what it was given. */
void extra_collect(struct arena *a, unsigned port, struct giveback *g);

/* Gives that back, and sets the port's n_extra to 0. */
void extra_give(struct arena *a, unsigned port);

/* Calls fn for each buffer of the list, at most n_extra; stops if it says
 * false or the list does not go on.  Returns how many said true. */
unsigned extra_each(struct arena *a, unsigned port,
    bool (*fn)(struct arena *a, uint32_t buf_idx, void *arg), void *arg);
