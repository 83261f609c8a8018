/* SPDX-License-Identifier: BSD-2-Clause */
#include "pipe/queue.h"

#include "pipe/aqm.h"

#include <string.h>

void
queue_init(struct queue *q, const struct queue_cfg *cfg, ns_t now)
{
	memset(q, 0, sizeof(*q));
	q->limit = cfg->limit;
	q->by_bytes = cfg->by_bytes;
	q->aqm = cfg->aqm;
	q->aqm_state = cfg->aqm_state;
	q->counts = cfg->counts;
	q->slab = cfg->slab;
	q->rng = cfg->rng;
	if (q->aqm == NULL)
		return;
	memset(q->aqm_state, 0, q->aqm->ops->state_size);
	if (q->aqm->ops->init != NULL)
		q->aqm->ops->init(q, now);
}

void
queue_drop(struct queue *q, struct held *h, enum dn_drop why)
{
	struct queue_counts *c = q->counts;

	stat_add(&c->drops[why], 1);
	stat_add(&c->all_drops[why], 1);
	stat_add(&c->memory, -(uint64_t)held_size(h));
	q->drops++;
	if (unlikely(c->watch != NULL && c->watch->fn != NULL))
		c->watch->fn(c->watch->arg, held_number(h), why);
	slab_free(q->slab, h);
}

bool
queue_mark(struct queue *q, struct held *h)
{
	if (!held_mark_ce(h))
		return false;
	stat_add(&q->counts->marks, 1);
	return true;
}

/* True if the law lets the packet in, marked perhaps.  A packet that will not
 * fit is not marked: it would count. */
static bool
law_admits(struct queue *q, struct held *h, ns_t now)
{
	switch (q->aqm->ops->enqueue(q, h, now)) {
	case AQM_KEEP:
		return true;
	case AQM_MARK:
		return queue_is_full(q) || queue_mark(q, h);
	case AQM_DROP:
		break;
	}
	return false;
}

bool
queue_admit(struct queue *q, struct held *h, ns_t now)
{
	bool ok = true;

	if (unlikely(q->aqm != NULL) && !q->open &&
	    q->aqm->ops->enqueue != NULL)
		ok = law_admits(q, h, now);
	if (unlikely(!ok)) {
		queue_drop(q, h, DN_DROP_AQM);
		return false;
	}
	if (queue_is_full(q) && !q->open) {
		queue_drop(q, h, DN_DROP_QUEUE_FULL);
		return false;
	}
	queue_append(q, h);
	return true;
}

struct held *
queue_pop(struct queue *q, ns_t now)
{
	if (likely(q->aqm == NULL) || q->aqm->ops->dequeue == NULL)
		return queue_take(q);
	return q->aqm->ops->dequeue(q, now);
}
