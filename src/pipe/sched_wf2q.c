/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * WF2Q+: worst-case fair weighted fair queueing (Bennett and Zhang 1997).
 *
 * Each backlogged stream has a virtual start S and finish F = S + length /
 * weight of its head.  Of those that may have started in a fluid system (S <=
 * V) the one that finishes first is served.  V grows by length / sum of weights
 * when a packet has been sent, which is when the next one is asked for, and
 * leaps to the smallest S if nobody may have started.
 *
 *	WAITING   S > V, ordered by S           --. V grows
 *	ELIGIBLE  S <= V, ordered by F          <-'
 *	IDLE      no packets but F > V: the fluid system still serves it, so its
 *	          weight counts and a new packet starts at F; ordered by F
 *	OUT       forgotten: a new packet starts at V
 *
 * When no packet is left the fluid system is done as well, and everybody is OUT
 * at once: they are IDLE of an epoch that is over.
 *
 * Numbers: octets x 2^20 / weight in 64 bits that wrap; with weights from 1 to
 * 100 and packets of 64 KiB all of them lie within 2^36 of V.
 */
#include "pipe/pheap.h"
#include "pipe/sched.h"

enum { SHIFT = 20 };

enum where { OUT, WAITING, ELIGIBLE, IDLE };

struct wf2q_stream {
	struct pnode node;
	uint64_t start;
	uint64_t finish;
	struct stream *stream;
	enum where where;
	uint32_t epoch; /* IDLE: the one it became that in */
};

struct wf2q {
	uint64_t v;
	uint64_t weights; /* of all that are not OUT */
	uint64_t sending; /* octets of the packet that V does not have yet */
	struct pheap waiting;
	struct pheap eligible;
	struct pheap idle;
	uint32_t epoch;
};

/* The stream whose first member the node is. */
static struct wf2q_stream *
of_node(struct pnode *n)
{
	return (struct wf2q_stream *)(void *)n;
}

static void
put(struct pheap *h, struct wf2q_stream *s, enum where where, uint64_t key)
{
	s->where = where;
	s->node.key = key;
	pheap_insert(h, &s->node);
}

/* Where a stream with packets belongs. */
static void
put_busy(struct wf2q *w, struct wf2q_stream *s)
{
	unsigned bytes = queue_head_bytes(&s->stream->q);

	s->finish = s->start +
	    ((uint64_t)bytes << SHIFT) / s->stream->par->weight;
	if (pheap_less(w->v, s->start))
		put(&w->waiting, s, WAITING, s->start);
	else
		put(&w->eligible, s, ELIGIBLE, s->finish);
}

/* Where a stream without packets belongs. */
static void
put_idle(struct wf2q *w, struct wf2q_stream *s)
{
	if (pheap_less(w->v, s->finish)) {
		put(&w->idle, s, IDLE, s->finish);
		s->epoch = w->epoch;
	} else {
		s->where = OUT;
		w->weights -= s->stream->par->weight;
	}
}

/* Where it is, after a look at the epoch. */
static enum where
look(const struct wf2q *w, struct wf2q_stream *s)
{
	if (s->where == IDLE && s->epoch != w->epoch)
		s->where = OUT;
	return s->where;
}

static void
take_out(struct wf2q *w, struct wf2q_stream *s)
{
	switch (s->where) {
	case WAITING:
		pheap_remove(&w->waiting, &s->node);
		break;
	case ELIGIBLE:
		pheap_remove(&w->eligible, &s->node);
		break;
	case IDLE:
		pheap_remove(&w->idle, &s->node);
		break;
	case OUT:
		return;
	}
	s->where = OUT;
}

static void
wf2q_stream_init(struct inst *si, struct stream *st, ns_t now)
{
	struct wf2q_stream *s = st->sched;

	(void)si;
	(void)now;
	s->stream = st;
}

static void
wf2q_stream_fini(struct inst *si, struct stream *st, ns_t now)
{
	struct wf2q_stream *s = st->sched;
	struct wf2q *w = si->sched;

	(void)now;
	if (look(w, s) == OUT)
		return;
	w->weights -= st->par->weight;
	take_out(w, s);
}

static void
wf2q_par_changed(struct inst *si, struct stream *st,
    const struct flow_par *old)
{
	struct wf2q_stream *s = st->sched;
	struct wf2q *w = si->sched;
	bool busy = s->where == WAITING || s->where == ELIGIBLE;

	if (look(w, s) == OUT)
		return;
	w->weights += (uint64_t)st->par->weight - old->weight;
	if (!busy)
		return;
	take_out(w, s);
	put_busy(w, s);
}

static bool
wf2q_enqueue(struct inst *si, struct stream *st, struct held *h, ns_t now)
{
	struct wf2q_stream *s = st->sched;
	struct wf2q *w = si->sched;

	if (!queue_admit(&st->q, h, now))
		return false;
	if (s->where == WAITING || s->where == ELIGIBLE)
		return true;
	if (look(w, s) == IDLE) {
		take_out(w, s);
		s->start = s->finish;
	} else {
		w->weights += st->par->weight;
		s->start = w->v;
	}
	put_busy(w, s);
	return true;
}

/* Moves to ELIGIBLE what V has reached; V leaps if nothing else is left. */
static void
grow_eligible(struct wf2q *w)
{
	struct pnode *n = pheap_min(&w->waiting);

	if (n != NULL && pheap_min(&w->eligible) == NULL &&
	    pheap_less(w->v, n->key))
		w->v = n->key;
	while (n != NULL && !pheap_less(w->v, n->key)) {
		struct wf2q_stream *s = of_node(pheap_pop(&w->waiting));

		put(&w->eligible, s, ELIGIBLE, s->finish);
		n = pheap_min(&w->waiting);
	}
}

/* Forgets the streams that the fluid system has finished with. */
static void
shrink_idle(struct wf2q *w)
{
	struct pnode *n;

	while ((n = pheap_min(&w->idle)) != NULL && !pheap_less(w->v, n->key)) {
		struct wf2q_stream *s = of_node(pheap_pop(&w->idle));

		s->where = OUT;
		w->weights -= s->stream->par->weight;
	}
}

/* The packet before has been sent. */
static void
grow_v(struct wf2q *w)
{
	if (w->weights > 0)
		w->v += (w->sending << SHIFT) / w->weights;
	w->sending = 0;
	shrink_idle(w);
}

/* Books the service of a packet, and puts its stream where it belongs. */
static void
serve(struct wf2q *w, struct wf2q_stream *s, unsigned bytes)
{
	s->finish = s->start +
	    ((uint64_t)bytes << SHIFT) / s->stream->par->weight;
	w->sending += bytes;
	if (s->stream->q.len > 0) {
		s->start = s->finish;
		put_busy(w, s);
	} else {
		put_idle(w, s);
	}
}

/* Nobody has packets: everybody is OUT. */
static void
start_epoch(struct wf2q *w)
{
	w->idle.root = NULL;
	w->weights = 0;
	w->sending = 0;
	w->epoch++;
}

static struct held *
wf2q_dequeue(struct inst *si, ns_t now)
{
	struct wf2q *w = si->sched;

	grow_v(w);
	for (;;) {
		struct wf2q_stream *s;
		struct held *h;

		grow_eligible(w);
		if (pheap_min(&w->eligible) == NULL) {
			start_epoch(w);
			return NULL;
		}
		s = of_node(pheap_pop(&w->eligible));
		h = queue_pop(&s->stream->q, now);
		serve(w, s, h != NULL ? h->bytes : 0);
		if (h != NULL)
			return h;
	}
}

extern const struct sched_ops sched_wf2q;
const struct sched_ops sched_wf2q = {
	.type = SCHED_TYPE_WF2Q,
	.flags = SCHED_FLOWS,
	.name = "WF2Q+",
	.inst_size = sizeof(struct wf2q),
	.stream_size = sizeof(struct wf2q_stream),
	.weight = {.def = 1, .min = 1, .max = 100},
	.lmax = {.max = UINT32_MAX - 1},
	.pri = {.max = UINT32_MAX - 1},
	.stream_init = wf2q_stream_init,
	.stream_fini = wf2q_stream_fini,
	.par_changed = wf2q_par_changed,
	.enqueue = wf2q_enqueue,
	.dequeue = wf2q_dequeue,
};
