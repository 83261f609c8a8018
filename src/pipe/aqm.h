/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Active queue management: one file a law (aqm_*.c), one row each in aqm.c.
 *
 * Place      called by queue_admit() and queue_pop(), so by every scheduler.
 * Time       'now' never goes back; it is the exact time of the event, not of
 *            the worker's loop.
 * Memory     'state_size' octets a queue, cleared before init; no other.
 * Numbers    thresholds in queue units (packets or octets), probabilities and
 *            gains in the fixed point that is named.
 *
 * How a law is written: fill a struct aqm_ops, add its row to aqm_table[].
 *	enqueue  looks at a packet that is not in the queue yet.  It says KEEP,
 *	         DROP, or MARK (dropped if it cannot be marked).  NULL = KEEP.
 *	         The queue's limit is checked after it, by the caller.
 *	dequeue  takes packets out with queue_take(), drops with queue_drop(.,
 *	         DN_DROP_AQM), marks with queue_mark(), returns the one to send or
 *	         NULL once the queue is empty.  NULL = queue_take().
 */
#pragma once

#include "base/err.h"
#include "pipe/queue.h"

enum aqm_type { /* CoDel and PIE: numbers of the control interface */
	AQM_DROP_TAIL = 0,
	AQM_CODEL = 1,
	AQM_PIE = 2,
	AQM_RED = 3,
	AQM_GRED = 4,
	N_AQMS
};

enum aqm_verdict { AQM_KEEP, AQM_DROP, AQM_MARK };

enum aqm_flags {
	AQM_ECN = 1,	 /* mark rather than drop, where the packet can be */
	AQM_CAPDROP = 2, /* PIE, as the bits below; the control's numbers */
	AQM_ONOFF = 4,
	AQM_DEPRATE = 8, /* estimate the departure rate; else use time stamps */
	AQM_DERAND = 16,
};

enum { AQM_SCALE = 1 << 13, AQM_FRACTION = 1 << 16 };

struct aqm_cfg {
	uint8_t type;	 /* enum aqm_type */
	uint8_t flags;	 /* AQM_* */
	/* CoDel, PIE */
	ns_t target;
	ns_t interval;	 /* CoDel */
	ns_t tupdate;	 /* PIE */
	ns_t max_burst;	 /* PIE */
	uint32_t max_ecnth; /* PIE, x AQM_SCALE */
	uint32_t alpha;	    /* PIE, x AQM_SCALE */
	uint32_t beta;	    /* PIE, x AQM_SCALE */
	/* RED, GRED */
	uint32_t w_q;	 /* x AQM_FRACTION */
	uint32_t max_p;	 /* x AQM_FRACTION */
	uint32_t min_th; /* queue units */
	uint32_t max_th;
};

/* What a queue's law works from; shared by all queues of a flowset (or of an
 * FQ scheduler), lives longer than they. */
struct aqm {
	const struct aqm_ops *ops;
	struct aqm_cfg cfg;
	uint64_t rate_bps; /* of the link, 0 = unlimited; may change */
};

struct aqm_ops {
	uint8_t type;
	const char *name; /* as reports show it: "CoDel" */
	uint16_t state_size;
	/* Defaults for what is 0 or unset is the caller's; this one refuses
	 * nonsense with a sentence.  NULL = anything goes. */
	int (*check)(const struct aqm_cfg *cfg, struct err *e);
	void (*init)(struct queue *q, ns_t now); /* NULL = cleared is enough */
	enum aqm_verdict (*enqueue)(struct queue *q, const struct held *h,
	    ns_t now);
	struct held *(*dequeue)(struct queue *q, ns_t now);
};

/* The law of a type; NULL if there is none (drop-tail has none). */
const struct aqm_ops *aqm_find(uint8_t type);

/* One row a law, ended by NULL; each extern in its own file. */
extern const struct aqm_ops *const aqm_table[];
