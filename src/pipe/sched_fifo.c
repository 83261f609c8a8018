/* SPDX-License-Identifier: BSD-2-Clause */
/* FIFO: one stream an instance, first come, first served. */
#include "pipe/sched.h"

struct fifo {
	struct stream *only;
};

static void
fifo_stream_init(struct inst *si, struct stream *st, ns_t now)
{
	struct fifo *f = si->sched;

	(void)now;
	f->only = st;
}

static void
fifo_stream_fini(struct inst *si, struct stream *st, ns_t now)
{
	struct fifo *f = si->sched;

	(void)st;
	(void)now;
	f->only = NULL;
}

static bool
fifo_enqueue(struct inst *si, struct stream *st, struct held *h, ns_t now)
{
	(void)si;
	return queue_admit(&st->q, h, now);
}

static struct held *
fifo_dequeue(struct inst *si, ns_t now)
{
	struct fifo *f = si->sched;

	return f->only != NULL ? queue_pop(&f->only->q, now) : NULL;
}

extern const struct sched_ops sched_fifo;
const struct sched_ops sched_fifo = {
	.type = SCHED_TYPE_FIFO,
	.flags = SCHED_DIRECT,
	.name = "FIFO",
	.inst_size = sizeof(struct fifo),
	.weight = {.max = UINT32_MAX - 1},
	.lmax = {.max = UINT32_MAX - 1},
	.pri = {.max = UINT32_MAX - 1},
	.stream_init = fifo_stream_init,
	.stream_fini = fifo_stream_fini,
	.enqueue = fifo_enqueue,
	.dequeue = fifo_dequeue,
};
