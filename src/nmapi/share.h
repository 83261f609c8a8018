/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A netmap port as the descriptors of this process share it.
 *
 * Place      over vale/nmport, under dev.  netmap lets any number of
 *            descriptors stand for one port, or for some of its rings.  Those of
 *            a process have one nmport, other processes have theirs: what
 *            counts for all, who uses which ring, is in locks of the
 *            descriptors (nmport_claim()).
 * Life       share_get -> sync, sleep -> share_put; the last one leaves the
 *            port.  The block itself is used again and never unmapped, so a
 *            thread that is late finds a port without nmport, no hole.
 * Threads    get and put under the control mutex (dev.h); the rest by any, of
 *            several processes after fork(): rings are locked by a word in
 *            memory that children share, which names the thread that has it.
 * Cost       one compare-and-swap a sync.
 */
#pragma once

#include "base/err.h"
#include "vale/nmport.h"

#include <pthread.h>

enum { SHARE_TX = 0, SHARE_RX = 1, SHARE_DIRS = 2 };

/* [lo, hi) of both directions. */
struct share_rings {
	unsigned lo[SHARE_DIRS], hi[SHARE_DIRS];
};

/* Somebody asleep; on the sleeper's stack. */
struct share_sleeper {
	struct share_sleeper *next;
	unsigned flags; /* NMPORT_* */
	struct nmport_rings rings;
	int efd; /* one is added to it to wake the sleeper */
};

struct share {
	struct share *next;
	struct nmport *nm; /* NULL: not in use */
	char name[64];
	unsigned n_users;	       /* descriptors of this process */
	unsigned n_rings[SHARE_DIRS];
	bool is_pipe;
	/* What came, as this process's syncs saw it; with the ring's lock. */
	struct {
		uint32_t tail, n;
	} seen[SHARE_DIRS][NMPORT_MAX_RINGS];
	uint64_t (*locks)[NMPORT_MAX_RINGS][CACHE_LINE / 8]; /* [SHARE_DIRS] */
	pthread_mutex_t sleep_mutex;
	struct share_sleeper *sleepers;
};

/* The port 'name', opened as 'cfg' says if this process does not have it, or if
 * it is to be a 'new' one.  Errors are nmport_open()'s, and hostif_open()'s:
 * -EAGAIN for an interface of the host that nobody carries packets of. */
int share_get(const char *name, const struct nmport_cfg *cfg, bool new,
    struct share **out, struct err *e);

/* The port that 'fd', received from another process, stands for
 * (nmport_adopt()), and the place of its netmap_if. */
int share_adopt(int fd, struct share **out, unsigned *place, struct err *e);
void share_put(struct share *s);

/* A descriptor that stands for the rings 'on' (nmport_claim()), owned by the
 * caller, and what it shows its program of them.  EBUSY: somebody has one of
 * the rings, and one of the two is exclusive; ENOMEM: too many descriptors. */
int share_claim(struct share *s, const struct share_rings *on, bool excl,
    struct netmap_if **nifp);

/* The netmap_if of an adopted descriptor, and the rings that it shows. */
struct netmap_if *share_shown(const struct share *s, unsigned place,
    struct share_rings *on);

struct netmap_ring *share_ring(const struct share *s, unsigned dir, unsigned i);

/* What a sync found. */
struct share_sync {
	bool ready;   /* there are slots for the program from cur on */
	bool pending; /* tx: there are slots that could not go on */
};

/* One sync of a ring, after that of another thread; a ring whose holder does
 * not get on is left to it: 0.  Adds to '*what'.  -EINVAL as nmport's, -ENXIO:
 * the port has been left meanwhile. */
int share_sync(struct share *s, unsigned dir, unsigned i,
    struct share_sync *what);

/* A number that changes when slots become the program's: packets to read, or
 * room to send.  As of the last sync. */
uint32_t share_arrived(const struct share *s, unsigned dir, unsigned i);

/* As nmport_sleep_on() for one of several sleepers; after true, poll '*fd' and
 * sl->efd, then call share_sleep_end(). */
bool share_sleep_begin(struct share *s, struct share_sleeper *sl, int *fd);
void share_sleep_end(struct share *s, struct share_sleeper *sl);

/* For the child of a fork(): nobody else sleeps here. */
void share_forked(void);
