/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packet schedulers: one file each (sched_*.c), one row each in sched.c.  A
 * scheduler is written from this header (and queue.h) alone.
 *
 * Place      dn.c calls enqueue when a packet came for a stream (the packets
 *            of one flow), and dequeue each time the link can send; what that
 *            returns goes onto the link.
 * Instance   one link's worth of scheduling.  Its streams come and go:
 *            stream_init before the first packet, stream_fini when it has been
 *            idle, was deleted or reconfigured.
 * Time       'now' is the exact time of the event and never goes back within an
 *            instance.
 * Memory     'inst_size' (+ inst_more) and 'stream_size' octets, cleared; no
 *            other, and no function of the system.
 * Invariant  work conserving: dequeue returns NULL only if nothing waits.
 *            A stream's packets leave in the order they came.
 * Cost       goals per packet, 1,000 backlogged flows: RR 60 ns, QFQ 100,
 *            WF2Q+ 250, FQ-CoDel 120.
 */
#pragma once

#include "base/err.h"
#include "pipe/aqm.h"
#include "pipe/queue.h"

enum sched_type { /* numbers of the control interface */
	SCHED_TYPE_FIFO = 1,
	SCHED_TYPE_WF2Q = 2,
	SCHED_TYPE_RR = 3,
	SCHED_TYPE_QFQ = 4,
	SCHED_TYPE_PRIO = 5,
	SCHED_TYPE_FQ_CODEL = 6,
	SCHED_TYPE_FQ_PIE = 7,
};

enum sched_flags {
	SCHED_FLOWS = 1, /* serves several flowsets; without: one flowset of
			  * its own, and one stream an instance */
	SCHED_HASH = 2,	 /* wants held.hash */
	SCHED_DIRECT = 8, /* a packet that finds the instance idle and the
			   * link free may pass it by */
	SCHED_OWN_QUEUES = 4, /* packets wait in its own queues, never in the
			       * stream's: 'drain' is needed */
};

/* What a flowset asks of its scheduler, clamped to the scheduler's ranges. */
struct flow_par {
	uint32_t weight;
	uint32_t lmax; /* quantum or longest packet, octets */
	uint32_t pri;
};

/* Parameters of the FQ schedulers. */
struct fq_cfg {
	struct aqm_cfg aqm;
	uint32_t quantum; /* octets */
	uint32_t limit;	  /* packets in all queues */
	uint32_t flows;	  /* queues */
};

struct sched_clamp { /* 0 in the configuration becomes 'def' */
	uint32_t def;
	uint32_t min;
	uint32_t max;
};

struct stream { /* a flow's packets, as a scheduler sees them */
	struct queue q;
	const struct flow_par *par; /* may change: par_changed tells */
	void *sched;		    /* stream_size octets of the scheduler */
};

struct inst { /* and of its instance */
	void *sched;		 /* its octets */
	const struct fq_cfg *fq; /* NULL unless it has OWN_QUEUES */
	const struct aqm *fq_aqm;  /* for its queues; likewise */
	struct queue_counts *counts; /* for queues of its own (queue_cfg) */
	struct slab *slab;
	struct rng *rng;
};

struct sched_ops {
	uint8_t type;
	uint8_t flags;	      /* SCHED_* */
	const char *name;     /* as typed and shown, upper case: "WF2Q+" */
	uint32_t inst_size;
	uint32_t stream_size;
	struct sched_clamp weight, lmax, pri;
	/* More octets of an instance, after inst_size.  NULL = none. */
	size_t (*inst_more)(const struct fq_cfg *fq);
	/* Refuses nonsense with a sentence.  NULL = nothing to check. */
	int (*check)(const struct fq_cfg *fq, struct err *e);

	void (*inst_init)(struct inst *si, ns_t now); /* all may be NULL */
	void (*stream_init)(struct inst *si, struct stream *st, ns_t now);
	/* Forgets the stream.  Its queue has just been emptied, also if the
	 * scheduler still has it among its busy ones. */
	void (*stream_fini)(struct inst *si, struct stream *st, ns_t now);
	/* st->par has just changed; the stream may be busy. */
	void (*par_changed)(struct inst *si, struct stream *st,
	    const struct flow_par *old);

	/* Takes the packet.  True: it waits (queue_admit() said so). */
	bool (*enqueue)(struct inst *si, struct stream *st, struct held *h,
	    ns_t now);
	/* The packet to send now, owned; NULL if none is left. */
	struct held *(*dequeue)(struct inst *si, ns_t now);
	/* OWN_QUEUES: any one packet, past all laws; NULL if none is left. */
	struct held *(*drain)(struct inst *si);
};

/* By number or by name (any case); NULL if there is none. */
const struct sched_ops *sched_find(uint8_t type);
const struct sched_ops *sched_by_name(const char *name);

/* One row a scheduler, ended by NULL. */
extern const struct sched_ops *const sched_table[];
