/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The switch: forwards what a tx ring holds, in the sender's own thread.
 *
 * Place      under nmport_txsync; over vswitch, sweep and wake.
 * Passes     a batch is up to 256 slots.  Pass 1 checks each slot, learns and
 *            looks up (once per run of equal addresses), and lists runs of
 *            slots per destination.  Pass 2 takes each destination's lock once,
 *            exchanges or copies buffers, and publishes the ring's tail once.
 * One        destination: the buffers change places, nothing is copied.
 * Several    destinations (multicast, unknown): copies; who has no room misses
 *            its copy, nobody waits.
 * Full       the packet stays pending while the destination moves, and is
 *            dropped once it has not moved for FWD_PATIENCE_NS.  Packets behind
 *            it for other ports go on, at most one batch ahead.
 * Order      per sending ring and destination: kept, always.
 * Threads    a txring belongs to one thread.  Lock order: one kring at a time.
 * Sums       slots taken = delivered + dropped + pending, in packets.
 */
#pragma once

#include "base/ns.h"
#include "vale/vswitch.h"

enum {
	FWD_BATCH = 256, /* slots; also the smallest ring */
	FWD_MAX_FRAGS = 64,
};
#define FWD_PATIENCE_NS (100 * NS_PER_MS) /* with a destination that stands */
#define FWD_SUSPECT_NS	NS_PER_MS	 /* then ask whether a holder lives */

enum fwd_why { FWD_NOT_BLOCKED, FWD_FULL, FWD_LOCKED };

/* What the first pending slot waits for. */
struct fwd_blocker {
	enum fwd_why why;
	unsigned port;
	uint64_t value; /* head of the full ring, or the lock word */
	ns_t since;	/* first seen with this value */
	ns_t asked;	/* when its liveness was asked for */
};

/* Slots in a row with one fate; positions count from the batch's start. */
struct fwd_run {
	uint16_t off, n;
	uint16_t next; /* in the destination's list */
	bool is_chain; /* the n slots are one packet */
};

struct fwd_list {
	uint16_t first, last; /* FWD_NONE = empty */
};
#define FWD_NONE 0xffff

/* One tx ring as its sender sees it: private memory, and never trusts what
 * the shared ring says about positions. */
struct txring {
	struct arena *a;
	struct vport *vp;
	struct vswitch *sw;
	uint32_t switch_idx; /* the one 'sw' is for */
	uint32_t hdr_len;    /* of our packets, in this batch */
	struct netmap_ring *ring;
	struct txstat *stat;
	uint32_t mask;
	uint32_t cur;  /* first slot not done */
	uint32_t head; /* of the user, at the last good sync */
	unsigned port, ring_idx;
	uint32_t gen, lock_seq;
	struct netmap_slot *next_dst; /* where the next packet will go */
	struct fwd_blocker blocker;
	uint64_t stuck_word; /* a lock whose holder was given up */
	unsigned n_done;     /* slots behind 'cur' that are done */
	uint8_t done[FWD_BATCH]; /* by position modulo FWD_BATCH */
	/* of the batch at hand */
	unsigned n_runs, n_dsts, n_left;
	struct fwd_blocker met; /* by the first slot that stays, */
	unsigned met_off;	/* which is this one */
	enum vdrop flood_drop; /* why a copy was not made */
	uint64_t others[VALE_PORT_WORDS]; /* members but ourselves */
	int only;			  /* the one other port, or < 0 */
	uint64_t pkts, bytes, copies, drops[VDROP_N];
	struct fwd_list flood;
	struct fwd_list lists[VALE_MAX_PORTS];
	uint16_t dsts[VALE_MAX_PORTS]; /* whose list is not empty */
	struct fwd_run runs[FWD_BATCH];
	uint64_t words[FWD_BATCH]; /* checked copies of the slots */
	uint8_t left[FWD_BATCH];   /* stays pending */
	uint8_t flooded[FWD_BATCH];
};

/* Sets up ring 'ring_idx' of the port; borrows everything. */
void fwd_init(struct txring *t, struct arena *a, unsigned port,
    unsigned ring_idx, struct netmap_ring *ring, uint32_t n_slots);

/* Forwards [cur, head) as far as it goes.  A system call only to wake a
 * sleeper, or when something stands still. */
void fwd_run(struct txring *t);

/* Somebody died in fwd_run(): nothing is pending any more. */
void fwd_forget(struct txring *t);

/* Another handle of the port was at the ring: goes on where it stopped. */
void fwd_resume(struct txring *t);

/* Could fwd_run() move the first pending slot now, or give it up?  Otherwise
 * false, and '*wait_ns' is when to ask again at the latest. */
bool fwd_can_go_on(struct txring *t, ns_t now, ns_t *wait_ns);

/* Asks the receiver of the first pending slot for a wake-up. */
void fwd_ask_wake(struct txring *t);
