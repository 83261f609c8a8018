/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Taking apart ports that leave or died, and finding lost buffers again.
 *
 * Place      under vswitch; over arena and wake.
 * Locks      the caller holds the arena's slow lock throughout.
 * Invariant  whatever instruction a process died at, after one sweep each
 *            buffer is in exactly one slot of a port, or free.
 *
 * How a swap is repaired.  A sender exchanges buffer A of its slot s with B of
 * the ring's slot d as: journal = {A, B, s}; d = A; s = B.  If it dies and the
 * journal is not empty, A is either still not in the ring (nothing happened:
 * s keeps A) or it is (s has to become B).  Doing this twice changes nothing.
 *
 * How buffers get lost all the same.  A program may exchange buffers between
 * its own rings without a journal; killed in between it leaves one buffer in
 * two slots and another in none.  Then giving back finds a buffer that is free
 * already, or in a ring that lives on (giveback.h), the arena becomes suspect, and the audit stops all senders for a
 * moment, marks what the rings hold, and frees the rest.  If all numbers it
 * read are different, it has seen every buffer in use: there are as many slots
 * as buffers in them, so one missed would be another seen twice.  Extra buffers
 * (extra.h) are seen only as far as their list goes: while a live port has any,
 * nothing is freed, and the arena stays suspect unless the numbers agree.
 *
 * Pipes (nmpipe.h) have two places, and go when neither end has a user; their
 * slots are in the master's area, and belong to no end.
 */
#pragma once

#include "vale/arena.h"

/* Reclaims dead ports and goes on with half-done ones; then the audit if the
 * arena is suspect, and gives all memory back if no port is left.  Returns the
 * number of places that became free. */
int sweep_all(struct arena *a);

/* Takes one port apart, dead or not.  False: not yet, a ring is locked by a
 * stopped process; a later sweep goes on. */
bool sweep_port(struct arena *a, unsigned port);

/* Is the owner of this lock word able to go on (it may be stopped)? */
bool sweep_holder_is_alive(struct arena *a, uint64_t lock_word);

/* Ends what ring 'ring' of a live port (as in its lock words) was in when one
 * of the processes that share the port died. */
void sweep_repair_ring_user(struct arena *a, unsigned port, unsigned ring);

/* Calls fn for every slot of the port until it returns false, then returns
 * false.  A free place has none, nor has a pipe's slave. */
bool sweep_each_slot(struct arena *a, unsigned port,
    bool (*fn)(struct arena *a, uint32_t buf_idx, void *arg), void *arg);

/* The port is no longer on its switch; if it is live it goes on being used. */
void sweep_leave(struct arena *a, unsigned port);

/* The user of one end of a pipe left, or died; the other one stays. */
void sweep_pipe_end(struct arena *a, unsigned port);

/* Slots whose buffer is out of range, free, or in another slot too: 0 when
 * nothing moves and nothing is broken. */
uint32_t sweep_count_wrong(struct arena *a);
