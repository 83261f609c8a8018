/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * QFQ: quick fair queueing (Checconi, Rizzo, Valente 2013): the guarantees of
 * WF2Q+ but for a constant, in a few dozen instructions whatever the number of
 * streams.
 *
 * Stamps     a stream with packets has a virtual start S and finish F = S +
 *            octets / weight.  It may be served once S <= V, and of those that
 *            may the smallest F goes first.
 * Groups     streams of like lmax / weight share a group, whose slot is the next
 *            power of two above that.  Stamps are rounded down to slots, so a
 *            group is a calendar of some slots and its own S and F are those of
 *            its first one: sorting streams becomes finding a bit.
 * Sets       each busy group is in one of four: eligible or not (S <= V), and
 *            ready or blocked by an eligible group above it that finishes
 *            before it.  Among the eligible ready ones the order of their
 *            indexes is the order of F, so the first bit is the one to serve.
 *
 * Long ones  a packet above lmax moves its stream into the group of its length,
 *            for good: so no stream gets more than its share by them.
 * Numbers    octets x 2^40 / weight in 64 bits that wrap, after 2^24 octets if
 *            all weights are 1.  So they tell before from after only if they are
 *            of about the same time, and an idle stream knows when it left.
 */
#include "pipe/ring.h"
#include "pipe/sched.h"

enum {
	FRACTION = 40,	/* bits behind the point of stamps */
	GROUPS = 30,
	SLOTS = 32,
	MIN_SHIFT = 27, /* log2 of the slot of group 0; 56 of the last: longest
			 * packet (2^16) over the least weight */
	ROUND_SHIFT = 62, /* V in rounds: a packet is below one (2^56) */
};

enum set { ER, IR, EB, IB, N_SETS }; /* Eligible/Ineligible, Ready/Blocked */

struct qfq_stream {
	struct ring link; /* must be first: in its slot */
	struct stream *stream;
	uint64_t start;
	uint64_t finish;
	uint32_t weight; /* that counts in 'weights' */
	uint32_t lmax;	 /* as configured, or the longest packet */
	uint32_t round;	 /* of V when it ran out of packets */
	uint8_t group;
};

struct group {
	uint64_t start; /* of its first slot; then + two slots is its finish */
	uint64_t finish;
	unsigned front; /* slot that 'start' is */
	uint32_t full;	/* bit n: the n-th slot after 'front' has streams */
	struct ring slot[SLOTS];
};

struct qfq {
	uint64_t v;
	uint32_t round; /* how often V has passed a quarter of its range */
	uint64_t weights; /* of all streams */
	uint32_t set[N_SETS];
	struct group group[GROUPS];
};

static bool
is_after(uint64_t a, uint64_t b)
{
	return (int64_t)(a - b) > 0;
}

static unsigned
shift_of(unsigned group)
{
	return MIN_SHIFT + group;
}

static uint64_t
round_down(uint64_t stamp, unsigned shift)
{
	return stamp & ~((UINT64_C(1) << shift) - 1);
}

/* What 'bytes' of a stream cost in virtual time. */
static uint64_t
cost(const struct qfq_stream *s, unsigned bytes)
{
	return ((uint64_t)bytes << FRACTION) / s->weight;
}

/* The first group of those in 'mask'; there is one. */
static struct group *
first_of(struct qfq *q, uint32_t mask)
{
	return &q->group[__builtin_ctz(mask)];
}

static void
set_v(struct qfq *q, uint64_t v)
{
	q->round += (v ^ q->v) >> ROUND_SHIFT != 0;
	q->v = v;
}

/* True if V has not yet reached the finish of an idle stream. */
static bool
finish_is_ahead(const struct qfq *q, const struct qfq_stream *s)
{
	return q->round - s->round < 2 && is_after(s->finish, q->v);
}

/* ---- which set a group belongs to ---- */

/* The members of a set above index 'i'. */
static uint32_t
above(uint32_t set, unsigned i)
{
	return set & ~((2u << i) - 1);
}

static enum set
set_of(struct qfq *q, unsigned i)
{
	const struct group *g = &q->group[i];
	uint32_t ready = above(q->set[ER], i);
	unsigned set = is_after(g->start, q->v) ? IR : ER;

	if (ready != 0 && is_after(g->finish, first_of(q, ready)->finish))
		set += EB - ER;
	return (enum set)set;
}

static void
take_out(struct qfq *q, unsigned i)
{
	for (unsigned set = 0; set < N_SETS; set++)
		q->set[set] &= ~(1u << i);
}

static void
move(struct qfq *q, uint32_t mask, enum set from, enum set to)
{
	mask &= q->set[from];
	q->set[from] &= ~mask;
	q->set[to] |= mask;
}

/* Group 'i', which was ready and finished at 'old', is not any more, or later:
 * those that it blocked are free, unless the next one above blocks them. */
static void
unblock(struct qfq *q, unsigned i, uint64_t old)
{
	uint32_t ready = above(q->set[ER], i);

	if (ready != 0 && !is_after(first_of(q, ready)->finish, old))
		return;
	move(q, (1u << i) - 1, EB, ER);
	move(q, (1u << i) - 1, IB, IR);
}

/* V has grown from 'old': groups whose slot it has passed become eligible.  All
 * below the highest bit that has changed may have. */
static void
make_eligible(struct qfq *q, uint64_t old)
{
	uint64_t changed = (old ^ q->v) >> MIN_SHIFT;
	unsigned top;
	uint32_t mask;

	if (changed == 0)
		return;
	top = 63u - (unsigned)__builtin_clzll(changed);
	mask = top >= GROUPS - 1 ? (1u << GROUPS) - 1 : (2u << top) - 1;
	move(q, mask, IR, ER);
	move(q, mask, IB, EB);
}

/* All sets anew, from the top down: after a stream left that need not have been
 * the one served. */
static void
sort_groups(struct qfq *q)
{
	uint32_t busy = 0;

	for (unsigned set = 0; set < N_SETS; set++) {
		busy |= q->set[set];
		q->set[set] = 0;
	}
	for (unsigned i = GROUPS; i-- > 0;) {
		if ((busy >> i & 1) != 0 && q->group[i].full != 0)
			q->set[set_of(q, i)] |= 1u << i;
	}
}

/* ---- a group's slots ---- */

static struct ring *
slot_at(struct group *g, unsigned n)
{
	return &g->slot[(g->front + n) % SLOTS];
}

/* Puts the stream into the slot of its start.  A stamp that is too far ahead,
 * after a packet above lmax or a change of weight, waits in the last one. */
static void
slot_insert(struct group *g, unsigned shift, struct qfq_stream *s)
{
	uint64_t n = (round_down(s->start, shift) - g->start) >> shift;

	if (is_after(g->start, s->start))
		n = 0;
	if (n > SLOTS - 2)
		n = SLOTS - 2;
	ring_append(slot_at(g, (unsigned)n), &s->link);
	g->full |= 1u << n;
}

static struct qfq_stream *
slot_head(struct group *g)
{
	return (struct qfq_stream *)(void *)slot_at(g, 0)->next;
}

/* Takes the stream out of its slot, wherever that is. */
static void
slot_remove(struct group *g, struct qfq_stream *s)
{
	struct ring *next = s->link.next;

	ring_remove(&s->link);
	if (!ring_is_empty(next))
		return;
	/* it was alone, so its neighbour is the slot itself */
	g->full &= ~(1u << ((unsigned)(next - g->slot) - g->front) % SLOTS);
}

/* Makes the group begin at its first slot that has streams; there is one. */
static void
slot_scan(struct group *g, unsigned shift)
{
	unsigned n = (unsigned)__builtin_ctz(g->full);

	g->front = (g->front + n) % SLOTS;
	g->full >>= n;
	g->start += (uint64_t)n << shift;
	g->finish = g->start + (UINT64_C(2) << shift);
}

/* Makes the group begin earlier, at 'start'. */
static void
slot_rotate(struct group *g, unsigned shift, uint64_t start)
{
	uint64_t n = (g->start - start) >> shift;

	/* The last slots are free: streams lie within a few of V. */
	if (n > (unsigned)__builtin_clz(g->full))
		n = (unsigned)__builtin_clz(g->full);
	g->full <<= n;
	g->front = (g->front - (unsigned)n) % SLOTS;
	g->start -= n << shift;
	g->finish = g->start + (UINT64_C(2) << shift);
}

/* ---- streams ---- */

/* The group whose slot is the least power of two not below lmax / weight. */
static uint8_t
group_of(uint32_t lmax, uint32_t weight)
{
	uint64_t slot = ((uint64_t)lmax << FRACTION) / weight;
	unsigned bits = 64u - (unsigned)__builtin_clzll((slot - 1) | 1);

	return (uint8_t)(bits <= MIN_SHIFT ? 0 :
	    bits - MIN_SHIFT < GROUPS ? bits - MIN_SHIFT : GROUPS - 1);
}

/* Takes on the parameters of the stream, which is in no group. */
static void
set_par(struct qfq_stream *s, const struct flow_par *par)
{
	s->weight = par->weight;
	s->lmax = par->lmax;
	s->group = group_of(s->lmax, s->weight);
}

/* Its head fits its group; a stream in no group can be made to fit. */
static bool
fits(const struct qfq_stream *s)
{
	return queue_head_bytes(&s->stream->q) <= s->lmax;
}

static void
make_fit(struct qfq_stream *s)
{
	if (likely(fits(s)))
		return;
	s->lmax = queue_head_bytes(&s->stream->q);
	s->group = group_of(s->lmax, s->weight);
}

/* Puts a stream that has a start and a packet into its group. */
static void
join(struct qfq *q, struct qfq_stream *s)
{
	struct group *g = &q->group[s->group];
	unsigned shift = shift_of(s->group);
	uint32_t busy = q->set[ER] | q->set[IR] | q->set[EB] | q->set[IB];
	uint64_t begin = round_down(s->start, shift);

	s->finish = s->start + cost(s, queue_head_bytes(&s->stream->q));
	if (g->full == 0) {
		g->start = begin;
		g->finish = begin + (UINT64_C(2) << shift);
		if (busy == 0 && is_after(begin, q->v))
			set_v(q, begin);
	} else if (is_after(g->start, s->start)) {
		slot_rotate(g, shift, begin);
	} else {
		slot_insert(g, shift, s);
		return;
	}
	take_out(q, s->group);
	slot_insert(g, shift, s);
	q->set[set_of(q, s->group)] |= 1u << s->group;
}

/* A stream that had no packet: it starts now, or where it finished. */
static void
activate(struct qfq *q, struct qfq_stream *s)
{
	make_fit(s);
	s->start = finish_is_ahead(q, s) ? s->finish : q->v;
	join(q, s);
}

/* The group's first stream has been served or has left the slot. */
static void
renew_group(struct qfq *q, unsigned i)
{
	struct group *g = &q->group[i];
	uint64_t old = g->finish;

	if (g->full != 0 && (g->full & 1) != 0)
		return;
	q->set[ER] &= ~(1u << i);
	if (g->full != 0) {
		slot_scan(g, shift_of(i));
		q->set[set_of(q, i)] |= 1u << i;
	}
	unblock(q, i, old);
}

/* The stream at the head of a group that has sent 'bytes'. */
static void
renew_stream(struct qfq *q, struct qfq_stream *s, unsigned bytes)
{
	unsigned group = s->group, shift = shift_of(group);
	struct group *g = &q->group[group];
	uint64_t before = round_down(s->start, shift);

	s->start += cost(s, bytes);
	s->finish = s->start;
	if (s->stream->q.len == 0) {
		slot_remove(g, s);
		s->round = q->round;
	} else if (unlikely(!fits(s))) {
		slot_remove(g, s);
		renew_group(q, group);
		make_fit(s);
		join(q, s);
		return;
	} else {
		s->finish += cost(s, queue_head_bytes(&s->stream->q));
		if (round_down(s->start, shift) == before)
			return;
		slot_remove(g, s);
		slot_insert(g, shift, s);
	}
	renew_group(q, group);
}

/* Nobody is eligible: V leaps to the first start. */
static void
leap(struct qfq *q)
{
	uint32_t waiting = q->set[IR] | q->set[IB];
	uint64_t old = q->v;

	if (q->set[ER] != 0 || waiting == 0)
		return;
	if (is_after(first_of(q, waiting)->start, q->v))
		set_v(q, first_of(q, waiting)->start);
	make_eligible(q, old);
	if (q->set[ER] == 0)
		sort_groups(q);
}

static void
qfq_inst_init(struct inst *si, ns_t now)
{
	struct qfq *q = si->sched;

	(void)now;
	for (unsigned i = 0; i < GROUPS; i++) {
		for (unsigned n = 0; n < SLOTS; n++)
			ring_init(&q->group[i].slot[n]);
	}
}

static void
qfq_stream_init(struct inst *si, struct stream *st, ns_t now)
{
	struct qfq *q = si->sched;
	struct qfq_stream *s = st->sched;

	(void)now;
	ring_init(&s->link);
	s->stream = st;
	set_par(s, st->par);
	s->start = s->finish = q->v;
	s->round = q->round;
	q->weights += s->weight;
}

/* Out of its group, which need not have been about to serve it. */
static void
leave(struct qfq *q, struct qfq_stream *s)
{
	struct group *g = &q->group[s->group];

	if (ring_is_empty(&s->link))
		return;
	slot_remove(g, s);
	if (g->full != 0)
		slot_scan(g, shift_of(s->group));
	sort_groups(q);
	leap(q);
}

static void
qfq_stream_fini(struct inst *si, struct stream *st, ns_t now)
{
	struct qfq *q = si->sched;
	struct qfq_stream *s = st->sched;

	(void)now;
	leave(q, s);
	q->weights -= s->weight;
}

static void
qfq_par_changed(struct inst *si, struct stream *st, const struct flow_par *old)
{
	struct qfq *q = si->sched;
	struct qfq_stream *s = st->sched;
	bool busy = !ring_is_empty(&s->link);

	(void)old;
	leave(q, s);
	q->weights += st->par->weight - (uint64_t)s->weight;
	set_par(s, st->par);
	s->finish = q->v; /* debts are in octets / weight: forgiven */
	s->round = q->round;
	if (busy && st->q.len > 0)
		activate(q, s);
}

static bool
qfq_enqueue(struct inst *si, struct stream *st, struct held *h, ns_t now)
{
	struct qfq_stream *s = st->sched;

	if (!queue_admit(&st->q, h, now))
		return false;
	if (ring_is_empty(&s->link)) {
		activate(si->sched, s);
		leap(si->sched);
	}
	return true;
}

static struct held *
qfq_dequeue(struct inst *si, ns_t now)
{
	struct qfq *q = si->sched;

	while (q->set[ER] != 0) {
		unsigned i = (unsigned)__builtin_ctz(q->set[ER]);
		struct qfq_stream *s = slot_head(&q->group[i]);
		struct held *h = queue_pop(&s->stream->q, now);
		unsigned bytes = h != NULL ? h->bytes : 0;
		uint64_t old = q->v;

		set_v(q, q->v + ((uint64_t)bytes << FRACTION) / q->weights);
		renew_stream(q, s, bytes);
		make_eligible(q, old);
		leap(q);
		if (h != NULL)
			return h;
	}
	return NULL;
}

extern const struct sched_ops sched_qfq;
const struct sched_ops sched_qfq = {
	.type = SCHED_TYPE_QFQ,
	.flags = SCHED_FLOWS,
	.name = "QFQ",
	.inst_size = sizeof(struct qfq),
	.stream_size = sizeof(struct qfq_stream),
	.weight = {.def = 1, .min = 1, .max = 65536},
	.lmax = {.def = 1500, .min = 1, .max = 2000},
	.pri = {.max = UINT32_MAX - 1},
	.inst_init = qfq_inst_init,
	.stream_init = qfq_stream_init,
	.stream_fini = qfq_stream_fini,
	.par_changed = qfq_par_changed,
	.enqueue = qfq_enqueue,
	.dequeue = qfq_dequeue,
};
