/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An open /dev/netmap: what one descriptor, and its dups, stand for.
 *
 * Place      over share; under the requests, the waiting and preload.c.
 * Life       dev_open -> dev_register -> sync, poll, map -> closed when its
 *            last number is.  Until it is registered its number is that of
 *            /dev/null; then it becomes the one whose lock keeps the port
 *            alive, so dup(), fork(), exec() and SCM_RIGHTS keep it as well.
 * Threads    any.  Opening, registering and closing hold one mutex; the rest
 *            takes no lock but a ring's.  Blocks are used again, never freed.
 * Invariant  dev_of(fd) is not NULL for exactly our numbers.
 */
#pragma once

#include "netmap_api.h"
#include "nmapi/share.h"

enum { DEV_MAX_FD = 65536 };

struct dev {
	struct dev *next;
	unsigned n_fds;	     /* numbers of this process; 0: free block */
	struct share *share; /* NULL until registered */
	struct share_rings on;
	bool tx_poll; /* poll() sends whatever is asked for */
	bool rx_poll; /* poll() receives whatever is asked for */
	struct netmap_if *nifp;
	bool has_extra; /* nifp has the list of the port's extra buffers */
	int efd; /* of one who sleeps */
	bool is_excl;
	struct nm_csb_atok *atok; /* CSB mode, or NULL (kloop.h) */
	struct nm_csb_ktoa *ktoa;
	unsigned loop; /* DEV_LOOP_*, atomic */
	int loop_efd;  /* of the loop's, while it runs */
};
enum { DEV_LOOP_RUNS = 1, DEV_LOOP_ENDS = 2 };

/* What is asked for with a port; filled in with what it got. */
struct dev_reg {
	const char *name; /* in nmport_open()'s language */
	struct nmport_cfg cfg;
	struct share_rings on; /* in: clipped to what there is */
	int one_ring;	       /* >= 0: only this one of each direction */
	bool is_new;	       /* never shares a port: a monitor */
	bool no_tx, no_rx;     /* nothing of this direction */
	bool is_excl, tx_poll, rx_poll;
};

extern struct dev *dev_table[DEV_MAX_FD];
extern unsigned dev_n_open; /* numbers in use: 0 lets everything through */

/* The device behind 'fd', or NULL.  O(1), no lock. */
static inline struct dev *
dev_of(int fd)
{
	if (likely(__atomic_load_n(&dev_n_open, __ATOMIC_RELAXED) == 0) ||
	    (unsigned)fd >= DEV_MAX_FD)
		return NULL;
	return __atomic_load_n(&dev_table[fd], __ATOMIC_ACQUIRE);
}

/* A number for a new device; 'flags' as open()'s.  -errno. */
int dev_open(int flags);

/* Around work of our own that uses descriptors which are not to be adopted. */
void dev_enter(void);
void dev_leave(void);

/* The device of a port that another process handed us as 'fd' (nmport_adopt),
 * or NULL if it is nothing of ours. */
struct dev *dev_adopt(int fd);

/* Binds 'd' to a port.  -EBUSY: it has one, or the port or a ring is taken;
 * -EINVAL: no such ring; else nmport_open()'s. */
int dev_register(struct dev *d, struct dev_reg *reg, struct err *e);

/* As if it had not been registered. */
void dev_unregister(struct dev *d);

/* The calling thread is in the loop of 'd', which stays until it ends; closing
 * the last number asks it to (DEV_LOOP_ENDS).  -ENXIO: no port; -EINVAL: no CSB mode; -EBUSY: another
 * thread is. */
int dev_begin_loop(struct dev *d);
void dev_end_loop(struct dev *d);

/* Asks the loop, or the next one, to end; true while it runs. */
bool dev_ask_loop_to_end(struct dev *d);

/* As the system calls for a number of ours; -errno. */
int dev_close(int fd);
int dev_dup(int fd, int (*dup)(int fd, int arg), int arg);
int dev_dup2(int fd, int to, int flags);

/* Another file is about to take the number 'fd': forgets it. */
void dev_forget(int fd);

/* Syncs the rings of a direction (SHARE_*).  -ENXIO if not registered; rings
 * that were refused are put back, and reported with -EINVAL.  DEV_FULL: tx,
 * and what a ring holds cannot go on for now, so no ring has room. */
enum { DEV_FULL = 1 };
int dev_sync(struct dev *d, unsigned dir);

/* What poll() finds for 'events', after the syncs that they ask for; are there
 * slots '*pending' that it wants sent? */
short dev_poll(struct dev *d, short events, bool *pending);

/* Numbers that change with what arrives (share_arrived()), rx and tx. */
void dev_edges(struct dev *d, uint32_t edges[SHARE_DIRS]);

/* Leaves of 'found' what has an edge: a number that is not in 'seen'. */
short dev_new_events(struct dev *d, short found,
    const uint32_t seen[SHARE_DIRS]);

/* Prepares to sleep for 'events', and for what is pending; 'is_new': what is
 * there already is none.  Returns 0: there is
 * work, look again; 1: poll fds[0] and fds[1] for input and call
 * dev_sleep_end(); 2: nothing will ever come, do not call it.  'sl' lives on
 * the caller's stack. */
int dev_sleep_begin(struct dev *d, short events, bool pending, bool is_new,
    struct share_sleeper *sl, int fds[2]);
void dev_sleep_end(struct dev *d, struct share_sleeper *sl);

/* The shared memory, kept mapped until dev_unmap(); its size in '*size'.
 * NULL if 'd' has no port. */
void *dev_map(struct dev *d, size_t *size);

/* True if 'addr' came from dev_map(): given back, not to be unmapped. */
bool dev_unmap(const void *addr);
