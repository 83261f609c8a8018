/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RR: deficit round robin (Shreedhar and Varghese 1995).
 *
 * Busy streams stand in a ring.  The one in front sends while its deficit covers
 * its head; then it gets weight x lmax octets more and goes to the end.  So two
 * streams that are busy all along never differ, each divided by its weight, by
 * more than a quantum and a packet.
 */
#include "pipe/ring.h"
#include "pipe/sched.h"

struct rr_stream {
	struct ring link; /* must be first */
	struct stream *stream;
	int64_t deficit; /* octets; below 0 if an AQM let a longer one out */
};

struct rr {
	struct ring busy;
};

static int64_t
quantum(const struct stream *st)
{
	return (int64_t)st->par->weight * st->par->lmax;
}

static void
rr_inst_init(struct inst *si, ns_t now)
{
	struct rr *rr = si->sched;

	(void)now;
	ring_init(&rr->busy);
}

static void
rr_stream_init(struct inst *si, struct stream *st, ns_t now)
{
	struct rr_stream *s = st->sched;

	(void)si;
	(void)now;
	ring_init(&s->link);
	s->stream = st;
}

static void
rr_stream_fini(struct inst *si, struct stream *st, ns_t now)
{
	struct rr_stream *s = st->sched;

	(void)si;
	(void)now;
	ring_remove(&s->link);
}

static bool
rr_enqueue(struct inst *si, struct stream *st, struct held *h, ns_t now)
{
	struct rr *rr = si->sched;
	struct rr_stream *s = st->sched;

	if (!queue_admit(&st->q, h, now))
		return false;
	if (ring_is_empty(&s->link)) {
		s->deficit = quantum(st);
		ring_append(&rr->busy, &s->link);
	}
	return true;
}

static struct held *
rr_dequeue(struct inst *si, ns_t now)
{
	struct rr *rr = si->sched;

	while (!ring_is_empty(&rr->busy)) {
		struct rr_stream *s = (struct rr_stream *)(void *)rr->busy.next;
		struct queue *q = &s->stream->q;
		struct held *h;

		if (q->len > 0 && s->deficit < (int64_t)queue_head_bytes(q)) {
			s->deficit += quantum(s->stream);
			ring_remove(&s->link);
			ring_append(&rr->busy, &s->link);
			continue;
		}
		h = queue_pop(q, now);
		if (q->len == 0)
			ring_remove(&s->link);
		if (h != NULL) {
			s->deficit -= h->bytes;
			return h;
		}
	}
	return NULL;
}

extern const struct sched_ops sched_rr;
const struct sched_ops sched_rr = {
	.type = SCHED_TYPE_RR,
	.flags = SCHED_FLOWS,
	.name = "RR",
	.inst_size = sizeof(struct rr),
	.stream_size = sizeof(struct rr_stream),
	.weight = {.def = 1, .min = 1, .max = 65536},
	.lmax = {.def = 1500, .min = 64, .max = 2048},
	.pri = {.max = UINT32_MAX - 1},
	.inst_init = rr_inst_init,
	.stream_init = rr_stream_init,
	.stream_fini = rr_stream_fini,
	.enqueue = rr_enqueue,
	.dequeue = rr_dequeue,
};
