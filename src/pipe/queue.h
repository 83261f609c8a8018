/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A queue of held packets, with what its queue management remembers.
 *
 * Place      every flow has one; FQ schedulers have many of their own.
 * Limits     in packets or octets (without Ethernet headers), checked before a
 *            packet is added: octets may pass the limit by one packet.
 * Counts     appending, taking and dropping keep 'counts' right; whoever moves
 *            packets with these functions need not think of it.
 * Threads    the worker that owns the dummynet.
 */
#pragma once

#include "base/rng.h"
#include "base/stat.h"
#include "pipe/held.h"
#include "pipe/slab.h"

enum dn_drop {
#define DN_DROP(name, text) DN_DROP_##name,
#include "pipe/dn_drop.def"
	N_DN_DROPS
};

/* Who wants to know which packets are dropped: by their dn_target.number, modulo
 * HELD_NUMBERS. */
struct dn_watch {
	void (*fn)(void *arg, uint32_t number, enum dn_drop why);
	void *arg;
};

/* What became of packets; one a scheduler.  Written by the worker with
 * stat_add, so that anybody may read. */
struct queue_counts {
	uint64_t queued_pkts;  /* now, in all queues */
	uint64_t queued_bytes;
	uint64_t peak_pkts;    /* most that waited at once */
	uint64_t marks;	       /* ECN */
	uint64_t drops[N_DN_DROPS];
	uint64_t memory;       /* octets of held packets, delay lines too */
	uint64_t *all_drops;   /* [N_DN_DROPS] of the dummynet; not NULL */
	const struct dn_watch *watch; /* NULL, or fn is: nobody */
};

struct aqm; /* aqm.h */

struct queue {
	struct held *head;
	struct held *tail;
	uint32_t len;	     /* packets */
	uint32_t drops;	     /* of this queue, all reasons */
	uint64_t bytes;
	uint64_t limit;	     /* packets, or octets if 'by_bytes' */
	bool by_bytes;
	bool open;	       /* lets everything in: packets that were in
				* before a reconfiguration */
	const struct aqm *aqm; /* NULL: drop-tail */
	void *aqm_state;       /* aqm->ops->state_size octets */
	struct queue_counts *counts; /* shared, of the scheduler */
	struct slab *slab;     /* where dropped packets go back to */
	struct rng *rng;       /* for the laws that toss coins */
};

/* The packet at the head stays; NULL if the queue is empty. */
static inline struct held *
queue_head(const struct queue *q)
{
	return q->head;
}

/* Octets of the packet at the head; the queue is not empty. */
static inline unsigned
queue_head_bytes(const struct queue *q)
{
	return q->head->bytes;
}

/* True if the limit lets no further packet in. */
static inline bool
queue_is_full(const struct queue *q)
{
	return q->by_bytes ? q->bytes > q->limit : q->len >= q->limit;
}

/* Adds a packet at the tail, whatever the limit: takes it. */
static inline void
queue_append(struct queue *q, struct held *h)
{
	struct queue_counts *c = q->counts;

	h->next = NULL;
	if (q->head == NULL)
		q->head = h;
	else
		q->tail->next = h;
	q->tail = h;
	q->len++;
	q->bytes += h->bytes;
	stat_add(&c->queued_bytes, h->bytes);
	stat_add(&c->queued_pkts, 1);
	if (c->queued_pkts > c->peak_pkts)
		stat_set(&c->peak_pkts, c->queued_pkts);
}

/* Takes the head out, past any AQM; NULL if the queue is empty.  Returns
 * owned. */
static inline struct held *
queue_take(struct queue *q)
{
	struct held *h = q->head;

	if (h == NULL)
		return NULL;
	q->head = h->next;
	q->len--;
	q->bytes -= h->bytes;
	stat_add(&q->counts->queued_bytes, -(uint64_t)h->bytes);
	stat_add(&q->counts->queued_pkts, (uint64_t)-1);
	return h;
}

/* Gives up a packet that is in no queue (takes it), and counts why. */
void queue_drop(struct queue *q, struct held *h, enum dn_drop why);

/* Marks the packet CE and counts it; false if it cannot be marked. */
bool queue_mark(struct queue *q, struct held *h);

/* What a scheduler does first with a packet that came: asks the AQM and the
 * limit, then appends it (true), or drops it (false).  Takes it. */
bool queue_admit(struct queue *q, struct held *h, ns_t now);

/* What a scheduler sends next from this queue: the head as the AQM lets it
 * pass.  The AQM may drop several before it; NULL if that emptied the queue.
 * So look at the head's size before, and at 'len' after.  Returns owned. */
struct held *queue_pop(struct queue *q, ns_t now);

/* Sets up an empty queue: the AQM's state lies at 'aqm_state', cleared and
 * initialised here. */
struct queue_cfg {
	uint64_t limit;
	bool by_bytes;
	const struct aqm *aqm;
	void *aqm_state;
	struct queue_counts *counts;
	struct slab *slab;
	struct rng *rng;
};
void queue_init(struct queue *q, const struct queue_cfg *cfg, ns_t now);
