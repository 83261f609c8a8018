/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A netmap port seen by its user: rings in shared memory and two syncs.
 *
 * Place      under kipfw's VALE port, pkt-gen, vale-ctl and the tests.  The
 *            same rings are meant for the kernel's netmap where it is loaded.
 * Life       nmport_open -> fill/read rings, sync, sleep -> nmport_close.  A
 *            process that just dies is cleaned up after by the others.
 * Threads    one thread at a time per ring and handle.  Different rings of one
 *            port, and different ports, are independent.
 * Fork       a child has the same port at the same positions: they take turns,
 *            and leave it by nmport_leave().  If one is killed in a sync the
 *            packets of that sync are lost.
 * Cost       txsync forwards in the caller: learn and look up per packet, one
 *            lock per destination and burst.  No system call unless somebody
 *            sleeps.  rxsync is a few loads and stores.
 *
 *	for (;;) {
 *		nmport_rxsync(p, 0);
 *		if (nm_ring_space(ring) == 0 && idle for long &&
 *		    nmport_sleep_begin(p, NMPORT_RX)) {
 *			poll(nmport_fd(p));
 *			nmport_sleep_end(p);
 *		}
 *		...
 *	}
 */
#pragma once

#include "base/cdefs.h"
#include "base/err.h"
#include "netmap_ring.h"

struct nmport;

/* What to ask for at open; zero means the default. */
struct nmport_cfg {
	unsigned tx_slots; /* 256 to 65536, a power of two */
	unsigned rx_slots;
	unsigned tx_rings; /* 1 to NMPORT_MAX_RINGS */
	unsigned rx_rings;
	unsigned n_extra;  /* buffers beside the rings; fewer may be had */
	unsigned one_ring; /* a monitor of this ring alone: its number + 1 */
	bool are_wishes;   /* sizes that cannot be become the next that can */
	bool knows_hdr;	   /* the user can deal with a virtio-net header */
	bool may_share;	   /* with other handles that say so, of any process */
	bool is_null;	   /* a handle of the memory: rings that nobody sees */
	bool wants_peer;   /* a pipe's end whose other one is open, or ENXIO */
};

enum {
	NMPORT_MAX_RINGS = 8,
	NMPORT_RX = 1, /* flags of nmport_sleep_begin() */
	NMPORT_TX = 2,
	NMPORT_NEW = 4, /* with them: what came before the last sync is no work */
};

/*
 * Opens the port 'name'.  What it is, the name says:
 *
 *	valeX:p     port p of switch valeX; both are made if they are not there
 *	NAME        a persistent port (nmctl.h), on a switch or not
 *	NAME{ID     master of pipe ID of NAME: "valeX:p{1", "foo{1"
 *	NAME}ID     the slave.  The first of the two makes the pipe, with its
 *	            sizes, rings of one end crossing to those of the other; the
 *	            pipe goes with the last.  NAME need not exist, nor is it made.
 *	PORT/r      a monitor: copies of what the open port or pipe end PORT
 *	PORT/t      receives (r), sends (t, slots marked NS_TXMON) or both (rt),
 *	PORT/rt     in rx ring i for ring i; what does not fit is missed.  With z
 *		    (/z = /zrt) received ones not before PORT's user takes them
 *
 * One user of a port or pipe end at a time, unless all of them may_share, and
 * whatever number of monitors: EBUSY if it is taken by a live process.  Who comes
 * to a port that is open gets it as it is, without extra buffers.  EINVAL a bad name or size, or a monitor
 * of what is not open; ENXIO no persistent port of that name; EIO a port with a header (nmctl.h) and not
 * 'knows_hdr'; ENOMEM/ENOSPC no memory; ENOSPC no free place.  On success the
 * caller owns *out.
 */
int nmport_open(const char *name, const struct nmport_cfg *cfg,
    struct nmport **out, struct err *e);

/* The same, or a port of netmap's kernel module if the name is one of its and
 * the module is there (nmkernel.h); then sizes are wishes. */
int nmport_open_any(const char *name, const struct nmport_cfg *cfg,
    struct nmport **out, struct err *e);

/* Detaches: packets still in the rings are lost, but for a pipe whose other
 * end is open; buffers go back, the list of ni_bufs_head among them; the name
 * is free again.  NULL is fine. */
void nmport_close(struct nmport *p);

/* The same for a port that others may go on using: those who inherited it by
 * fork(), or got its descriptor.  Once nobody has one any more it is detached. */
void nmport_leave(struct nmport *p);

/* Has the other end of the pipe a live user?  One system call. */
bool nmport_has_peer(const struct nmport *p);

/* A number that changes when a user comes to the other end. */
uint32_t nmport_peer_gen(const struct nmport *p);

/* Closes the pipe's end unless the other one has a user; nobody who wants_peer
 * comes in between.  True: it is closed. */
bool nmport_close_alone(struct nmport *p);

/*
 * A descriptor of the caller's that keeps the port alive, whoever has a copy,
 * and says that the rings 'on' are used: EBUSY if another descriptor says so of
 * one of them, in any process, and one of the two 'is_exclusive'.  It has a
 * place of its own, 1 to 15, for a netmap_if: nmport_if_at(); ENOMEM if all are
 * taken.  Closing the last copy ends all that.
 *
 * Who receives a copy (SCM_RIGHTS, exec) can go on with the port: nmport_adopt()
 * makes a handle of its own.  It dups 'fd'; ENOENT: that is no such descriptor,
 * or the port is gone.  Handles of one ring, of ports that may_share, take turns
 * by themselves: each sync goes on where the last one was.
 */
struct nmport_rings {
	unsigned tx, rx; /* bit = ring */
};
int nmport_claim(const struct nmport *p, struct nmport_rings on,
    bool is_exclusive, unsigned *place);
int nmport_adopt(int fd, struct nmport **out, unsigned *place, struct err *e);

/* Place 0 is the port's own. */
enum { NMPORT_IF_PLACES = 16, NMPORT_IF_SIZE = 256 };
struct netmap_if *nmport_if_at(const struct nmport *p, unsigned place);

/* The shared memory that holds rings and buffers of this port and of all ports
 * of its arena, as mapped here; borrowed until close.  Not to be mapped a second
 * time: rings of a pipe's slave end would be missing. */
uint8_t *nmport_region(const struct nmport *p, size_t *size);

/* What a port is and where it lies in memory; all but hdr_len are constant
 * while it is open. */
struct nmport_info {
	uint64_t mem_size; /* of the mapping that all ports of a user share */
	uint64_t if_ofs;   /* of the netmap_if in it */
	unsigned mem_id;   /* 1: one memory for all */
	unsigned tx_rings, rx_rings, tx_slots, rx_slots;
	unsigned n_extra; /* extra buffers had at open */
	unsigned hdr_len; /* of the virtio-net header, 0 = none */
	unsigned switch_idx, port_idx; /* as nmctl_next() says */
	bool is_pipe, is_monitor;
};
void nmport_get_info(const struct nmport *p, struct nmport_info *i);

/* Rings, borrowed until close; NULL if there is no such ring. */
struct netmap_ring *nmport_txring(const struct nmport *p, unsigned i);
struct netmap_ring *nmport_rxring(const struct nmport *p, unsigned i);
struct netmap_if *nmport_if(const struct nmport *p);

/* Forwards the slots that head has passed, and refreshes tail.  A slot stays
 * pending while its destination is full and moves; call again.  A destination
 * that has not moved for 100 ms costs its packets at once, until it moves.  A
 * head outside [old head, tail], or a cur outside [head, tail], is refused with
 * -EINVAL, nothing is sent and the ring is put back to its last good state.
 * On a pipe the slots become the other end's at once, whole packets only, and
 * come back when it returns them; there is no time limit.  A monitor's fails
 * with -EIO.  With NR_TIMESTAMP in the ring's flags 'ts' is set.  Returns 0. */
int nmport_txsync(struct nmport *p, unsigned ring);

/* Returns the slots that head has passed to the senders, and lets tail grow
 * over what has arrived.  Errors as for nmport_txsync(), and -EIO from a monitor
 * whose port was closed: it has to be opened anew. */
int nmport_rxsync(struct nmport *p, unsigned ring);

/* Slots handed to txsync that are still pending on ring 'ring'.  On a pipe: the
 * slots of a packet that is not complete. */
unsigned nmport_txpending(const struct nmport *p, unsigned ring);

/* A descriptor for poll(): readable after a wake-up.  Owned by the port. */
int nmport_fd(const struct nmport *p);

/* Says 'wake me' for arrivals (NMPORT_RX) and/or for pending slots that can go
 * on (NMPORT_TX), then looks once more.  True: nothing to do now, and
 * poll(nmport_fd()) returns when there is, without a time-out: a full
 * destination wakes us once half of it is free, and after 100 ms at the latest.
 * False: there is work, or nothing to wait for (NMPORT_TX alone and no slot
 * pending); nothing was armed.  After true, call nmport_sleep_end() whatever
 * poll() said.  On a pipe NMPORT_TX waits for room, and is false if there is
 * some.  On a monitor the sleep ends when its port goes. */
bool nmport_sleep_begin(struct nmport *p, unsigned flags);

/* The same for some rings. */
bool nmport_sleep_on(struct nmport *p, unsigned flags, struct nmport_rings on);
void nmport_sleep_end(struct nmport *p);

/* The same for the user of tx ring i and rx ring i alone, where there are such;
 * users of different rings may sleep at once, in threads of their own.  Not
 * together with nmport_sleep_begin(). */
int nmport_ring_fd(const struct nmport *p, unsigned i);
bool nmport_ring_sleep_begin(struct nmport *p, unsigned i, unsigned flags);
void nmport_ring_sleep_end(struct nmport *p, unsigned i);

/* True if buffers of 'a' may be exchanged with buffers of 'b' (swap buf_idx
 * and set NS_BUF_CHANGED in both slots): they lie in the same arena. */
bool nmport_same_arena(const struct nmport *a, const struct nmport *b);

/* How many buffers the arena has: a buf_idx read from a slot is good if it is
 * below this.  Constant for the life of the port. */
uint32_t nmport_n_bufs(const struct nmport *p);

/* ---- helpers over rings, as netmap programs know them ---- */

static inline uint8_t *
nm_buf(const struct netmap_ring *r, uint32_t buf_idx)
{
	return (uint8_t *)(uintptr_t)r + r->buf_ofs +
	    (size_t)buf_idx * r->nr_buf_size;
}

static inline uint32_t
nm_ring_next(const struct netmap_ring *r, uint32_t i)
{
	return unlikely(i + 1 == r->num_slots) ? 0 : i + 1;
}

/* Slots from cur to tail: packets to read, or slots to fill. */
static inline uint32_t
nm_ring_space(const struct netmap_ring *r)
{
	int n = (int)(r->tail - r->cur);

	return (uint32_t)(n < 0 ? n + (int)r->num_slots : n);
}
