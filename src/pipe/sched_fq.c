/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * FQ-CoDel (RFC 8290) and FQ-PIE: packets are spread by hash over many queues
 * that take turns by deficit, each with its own law; new flows go first, once.
 *
 * Limits     one for all packets.  Past it the longest queue loses half of its
 *            packets, at most 64, from its head: one search for many drops.
 */
#include "pipe/ring.h"
#include "pipe/sched.h"

enum { BATCH = 64 };

struct flow {
	struct ring link; /* must be first: new, old or none */
	struct queue q;
	int64_t deficit;
};

struct fq {
	struct ring fresh; /* flows that had no packet until now */
	struct ring old;
	uint32_t n_flows;
	uint32_t n_pkts;
	size_t stride; /* octets from flow to flow */
	/* the flows follow, each with its law's state behind it */
};

static size_t
state_size(const struct aqm_ops *ops)
{
	size_t size = ops != NULL ? ops->state_size : 0;

	return (size + 15) & ~(size_t)15;
}

static size_t
flow_size(const struct aqm_ops *ops)
{
	return ((sizeof(struct flow) + 15) & ~(size_t)15) + state_size(ops);
}

static struct flow *
flow_at(struct fq *f, uint32_t i)
{
	return (struct flow *)(void *)((char *)f + sizeof(*f) + i * f->stride);
}

static size_t
fq_inst_more(const struct fq_cfg *cfg)
{
	return cfg->flows * flow_size(aqm_find(cfg->aqm.type));
}

static void
fq_inst_init(struct inst *si, ns_t now)
{
	struct fq *f = si->sched;
	const struct aqm_ops *ops = si->fq_aqm->ops;

	ring_init(&f->fresh);
	ring_init(&f->old);
	f->n_flows = si->fq->flows;
	f->n_pkts = 0;
	f->stride = flow_size(ops);
	for (uint32_t i = 0; i < f->n_flows; i++) {
		struct flow *w = flow_at(f, i);

		ring_init(&w->link);
		queue_init(&w->q, &(struct queue_cfg){
		    /* never reached: shed() comes before */
		    .limit = (uint64_t)si->fq->limit + 1,
		    .aqm = si->fq_aqm,
		    .aqm_state = (char *)w + f->stride - state_size(ops),
		    .counts = si->counts,
		    .slab = si->slab,
		    .rng = si->rng,
		}, now);
	}
}

/* Drops half of the longest queue, in octets, from its head. */
static void
shed(struct fq *f)
{
	struct flow *longest = flow_at(f, 0);
	unsigned n;

	for (uint32_t i = 1; i < f->n_flows; i++) {
		if (flow_at(f, i)->q.bytes > longest->q.bytes)
			longest = flow_at(f, i);
	}
	n = (longest->q.len + 1) / 2;
	n = n < BATCH ? n : BATCH;
	f->n_pkts -= n;
	while (n-- > 0)
		queue_drop(&longest->q, queue_take(&longest->q),
		    DN_DROP_QUEUE_FULL);
}

static bool
fq_enqueue(struct inst *si, struct stream *st, struct held *h, ns_t now)
{
	struct fq *f = si->sched;
	struct flow *w = flow_at(f,
	    (uint32_t)((uint64_t)h->hash * f->n_flows >> 32));
	unsigned before = w->q.len;

	(void)st;
	if (!queue_admit(&w->q, h, now))
		return false;
	f->n_pkts += w->q.len - before;
	if (ring_is_empty(&w->link)) {
		w->deficit = si->fq->quantum;
		ring_append(&f->fresh, &w->link);
	}
	if (f->n_pkts > si->fq->limit)
		shed(f);
	return true;
}

/* To the end of the old ones. */
static void
grow_old(struct fq *f, struct flow *w)
{
	ring_remove(&w->link);
	ring_append(&f->old, &w->link);
}

/* The next packet of a flow; what its law drops counts no more. */
static struct held *
pop(struct fq *f, struct flow *w, ns_t now)
{
	unsigned before = w->q.len;
	struct held *h = queue_pop(&w->q, now);

	f->n_pkts -= before - w->q.len;
	return h;
}

static struct held *
fq_dequeue(struct inst *si, ns_t now)
{
	struct fq *f = si->sched;

	for (;;) {
		bool fresh = !ring_is_empty(&f->fresh);
		struct ring *list = fresh ? &f->fresh : &f->old;
		struct flow *w = (struct flow *)(void *)list->next;
		struct held *h;

		if (ring_is_empty(list))
			return NULL;
		if (w->deficit <= 0) {
			w->deficit += si->fq->quantum;
			grow_old(f, w);
			continue;
		}
		if ((h = pop(f, w, now)) != NULL) {
			w->deficit -= h->bytes;
			return h;
		}
		/* An empty new flow waits a round as an old one, so that it
		 * cannot be new again and again. */
		if (fresh && !ring_is_empty(&f->old))
			grow_old(f, w);
		else
			ring_remove(&w->link);
	}
}

static struct held *
fq_drain(struct inst *si)
{
	struct fq *f = si->sched;
	struct ring *lists[] = {&f->fresh, &f->old};

	for (unsigned i = 0; i < ARRAY_LEN(lists); i++) {
		while (!ring_is_empty(lists[i])) {
			struct flow *w = (struct flow *)(void *)lists[i]->next;
			struct held *h = queue_take(&w->q);

			if (h != NULL) {
				f->n_pkts--;
				return h;
			}
			ring_remove(&w->link);
		}
	}
	return NULL;
}

/* Two rows that differ in the law that the configuration names. */
#define FQ_OPS(number, string)                                                 \
	{                                                                      \
		.type = (number), .flags = SCHED_HASH | SCHED_OWN_QUEUES,      \
		.name = (string), .inst_size = sizeof(struct fq),              \
		.weight = {.max = UINT32_MAX - 1},                             \
		.lmax = {.max = UINT32_MAX - 1},                               \
		.pri = {.max = UINT32_MAX - 1}, .inst_more = fq_inst_more,     \
		.inst_init = fq_inst_init, .enqueue = fq_enqueue,              \
		.dequeue = fq_dequeue, .drain = fq_drain,                      \
	}

extern const struct sched_ops sched_fq_codel, sched_fq_pie;
const struct sched_ops sched_fq_codel = FQ_OPS(SCHED_TYPE_FQ_CODEL, "FQ_CODEL");
const struct sched_ops sched_fq_pie = FQ_OPS(SCHED_TYPE_FQ_PIE, "FQ_PIE");
