/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PRIO: strict priority.  The weight is the priority, 0 the most urgent; streams
 * of equal priority take turns, a packet each.
 */
#include "pipe/ring.h"
#include "pipe/sched.h"

enum { LEVELS = 64 };

struct prio_stream {
	struct ring link; /* must be first */
	struct stream *stream;
	unsigned level; /* the ring it stands in */
};

struct prio {
	uint64_t busy; /* bit per level that has streams */
	struct ring level[LEVELS];
};

static void
prio_inst_init(struct inst *si, ns_t now)
{
	struct prio *p = si->sched;

	(void)now;
	p->busy = 0;
	for (unsigned i = 0; i < LEVELS; i++)
		ring_init(&p->level[i]);
}

static void
prio_stream_init(struct inst *si, struct stream *st, ns_t now)
{
	struct prio_stream *s = st->sched;

	(void)si;
	(void)now;
	ring_init(&s->link);
	s->stream = st;
}

static void
join(struct prio *p, struct prio_stream *s)
{
	s->level = s->stream->par->weight;
	p->busy |= UINT64_C(1) << s->level;
	ring_append(&p->level[s->level], &s->link);
}

/* Out of its level, if it stands in one. */
static void
leave(struct prio *p, struct prio_stream *s)
{
	if (ring_is_empty(&s->link))
		return;
	ring_remove(&s->link);
	if (ring_is_empty(&p->level[s->level]))
		p->busy &= ~(UINT64_C(1) << s->level);
}

static void
prio_stream_fini(struct inst *si, struct stream *st, ns_t now)
{
	(void)now;
	leave(si->sched, st->sched);
}

static void
prio_par_changed(struct inst *si, struct stream *st, const struct flow_par *old)
{
	struct prio_stream *s = st->sched;

	if (st->par->weight == old->weight || ring_is_empty(&s->link))
		return;
	leave(si->sched, s);
	join(si->sched, s);
}

static bool
prio_enqueue(struct inst *si, struct stream *st, struct held *h, ns_t now)
{
	struct prio_stream *s = st->sched;

	if (!queue_admit(&st->q, h, now))
		return false;
	if (ring_is_empty(&s->link))
		join(si->sched, s);
	return true;
}

static struct held *
prio_dequeue(struct inst *si, ns_t now)
{
	struct prio *p = si->sched;

	while (p->busy != 0) {
		struct ring *level = &p->level[__builtin_ctzll(p->busy)];
		struct prio_stream *s = (struct prio_stream *)(void *)level->next;
		struct held *h = queue_pop(&s->stream->q, now);

		if (s->stream->q.len == 0) {
			leave(p, s);
		} else {
			ring_remove(&s->link);
			ring_append(level, &s->link);
		}
		if (h != NULL)
			return h;
	}
	return NULL;
}

extern const struct sched_ops sched_prio;
const struct sched_ops sched_prio = {
	.type = SCHED_TYPE_PRIO,
	.flags = SCHED_FLOWS,
	.name = "PRIO",
	.inst_size = sizeof(struct prio),
	.stream_size = sizeof(struct prio_stream),
	.weight = {.def = 0, .min = 0, .max = LEVELS - 1},
	.lmax = {.max = UINT32_MAX - 1},
	.pri = {.max = UINT32_MAX - 1},
	.inst_init = prio_inst_init,
	.stream_init = prio_stream_init,
	.stream_fini = prio_stream_fini,
	.par_changed = prio_par_changed,
	.enqueue = prio_enqueue,
	.dequeue = prio_dequeue,
};
