/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The arena: one user's shared memory for all switches, ports and buffers.
 *
 * Place      under vswitch and nmport; knows files, mappings, locks and
 *            buffers, not switches.
 * Files      a directory of the user alone (mode 0700): /dev/shm/kipfw-<euid>,
 *            or what KIPFW_SHM names.  In it "arena" (the memory), "lock" (the
 *            slow lock) and one FIFO a port.
 * Life       arena_get -> ... -> arena_put; one mapping a process and
 *            directory, counted.  Memory goes back when the last port goes;
 *            the sparse file itself stays.
 * Threads    everything may be called by any thread.
 * Locks      the slow lock serialises attach, detach, sweep and listing over
 *            threads (a mutex) and processes (a POSIX file lock, which dies
 *            with its process and is not inherited over fork).  A port's
 *            liveness is an open-file-description lock on one octet far
 *            behind the end of the file, so it holds as long as any process
 *            keeps the descriptor, across pid namespaces.
 * Invariant  a page of rings or buffers is backed by memory before anybody
 *            writes it: a full /dev/shm is ENOSPC at attach, never SIGBUS.
 */
#pragma once

#include "base/err.h"
#include "vale/layout.h"

#include <pthread.h>

/* A descriptor to wake the user of a ring, remembered for one user of the
 * port's place. */
struct wake_fd {
	uint32_t gen;
	int fd; /* -1 = none */
};

struct arena {
	uint8_t *base; /* of the mapping, ARENA_SIZE octets */
	int dir_fd;
	int fd;	     /* "arena"; holds no locks, asks about them */
	int lock_fd; /* "lock" */
	uint64_t dev, ino;
	unsigned n_refs;
	struct arena *next;
	pthread_mutex_t slow;
	pthread_mutex_t wake_mutex; /* wake.c */
	struct wake_fd wake_fds[VALE_MAX_PORTS][NMPORT_MAX_RINGS];
};

/* Opens or creates the arena of this user.  EPERM: the directory belongs to
 * somebody else or is open to others.  EPROTO: made by another version, and
 * used by one; if nobody uses it it is made anew.
 * ENOMEM, ENOSPC: no room to map or to create it.  Ends with arena_put(). */
int arena_get(struct arena **out, struct err *e);
void arena_put(struct arena *a);

/* Takes the slow lock.  EBUSY after some seconds, naming the process that
 * holds it (it must be stopped: a dead one holds nothing).  With 'wait' false
 * EAGAIN at once. */
int arena_lock(struct arena *a, bool wait, struct err *e);
void arena_unlock(struct arena *a);

/* Around a fork(), in the thread that forks, parent and child: whatever other
 * threads are at, the child finds no mutex locked. */
void arena_before_fork(void);
void arena_after_fork(void);

/* Liveness.  hold: opens a descriptor that says 'port is alive' until it is
 * closed, by all processes that have it, and whoever else holds it; -errno on
 * failure.  unhold: closes it and says so no longer, whoever else has a copy.
 * alive: does anybody hold it?  One system call. */
int arena_hold(struct arena *a, unsigned port);
void arena_unhold(int fd);
bool arena_is_alive(const struct arena *a, unsigned port);

/* What is used of a port: the rings, and places for a netmap_if.  claim: 'fd',
 * which holds the port, says so from now on; -EBUSY if another descriptor says
 * so and one of them is exclusive.  On failure nothing changes but that the
 * claims before it stay.  claimed: by anybody? */
enum {
	CLAIM_TX = 0,
	CLAIM_RX = 8,
	CLAIM_IF = 16, /* ... 31 */
	CLAIMS = 32,
};
int arena_claim(int fd, unsigned port, unsigned claim, bool is_exclusive);
bool arena_is_claimed(const struct arena *a, unsigned port, unsigned claim);

/* Backs [ofs, ofs + size) with memory; ENOSPC if there is none. */
int arena_reserve(struct arena *a, size_t ofs, size_t size, struct err *e);

/* The tables before the first port, and everything after the last one.  Under
 * the slow lock. */
int arena_reserve_tables(struct arena *a, struct err *e);
void arena_release_all(struct arena *a);

/* Buffer pool, under the slow lock.  A buffer is first written into a slot,
 * then taken, so that death in between leaves nothing behind. */
struct pool_cursor {
	uint32_t next; /* where to look next; starts at 2 */
};

/* Finds the next free buffer at or after the cursor and backs it with memory
 * in chunks; does not take it.  ENOSPC if there is none. */
int pool_find(struct arena *a, struct pool_cursor *c, uint32_t *buf_idx,
    struct err *e);

/* Takes or gives back a buffer.  False if it already was so, or if the number
 * is out of range: the caller then marks the arena suspect. */
bool pool_take(struct arena *a, uint32_t buf_idx);
bool pool_give(struct arena *a, uint32_t buf_idx);

/* Not taken; of a number in range. */
bool pool_is_free(struct arena *a, uint32_t buf_idx);

/* Buffers not taken. */
uint32_t pool_n_free(struct arena *a);
