/* SPDX-License-Identifier: BSD-2-Clause */
/* The data path of dummynet, from a rule into a queue: dn.c is behind it. */
#include "pipe/dn.h"

#include "pipe/flowid.h"
#include "pipe/model.h"
#include "pipe/objects.h"

enum { AHEAD = 32 }; /* packets whose flows are fetched at once */

/* Packets that come by one flowset. */
struct run {
	struct dn *dn;
	struct flowset *fs;
	const struct dn_target *to;
	const struct pkt *first; /* stamps[p - first] is when p came; */
	const ns_t *stamps;	 /* NULL: */
	ns_t now;		 /* they all come now */
};

static inline ns_t
when(const struct run *r, const struct pkt *p)
{
	return r->stamps != NULL ? r->stamps[p - r->first] : r->now;
}

static inline uint32_t
number(const struct run *r, const struct pkt *p)
{
	return r->to->number +
	    (r->stamps != NULL ? (uint32_t)(p - r->first) : 0);
}

/* ---- any packet ---- */

/* Counts a packet that is not even copied; 'st' may be NULL. */
static bool
refuse(const struct run *r, struct dn_stream *st, const struct pkt *p,
    enum dn_drop why)
{
	const struct dn_watch *w = &r->dn->watch;

	if (unlikely(w->fn != NULL))
		w->fn(w->arg, number(r, p) % HELD_NUMBERS, why);
	stat_add(&r->dn->drops[why], 1);
	if (r->fs != NULL && r->fs->sched != NULL)
		stat_add(&r->fs->sched->counts.drops[why], 1);
	else if (r->fs != NULL)
		r->fs->no_sched++;
	if (st != NULL)
		st->pub.q.drops++;
	return false;
}

static inline uint8_t
flags_of(const struct dn_target *to)
{
	return (uint8_t)((to->out ? HELD_OUT : 0) |
	    (to->go_on ? HELD_GO_ON : 0));
}

/* A copy of the packet within the limits; NULL and *why if there is none. */
static struct held *
hold(const struct run *r, const struct pkt *p, enum dn_drop *why)
{
	struct sched *s = r->fs->sched;
	struct slab *slab = r->dn->slab;
	struct held *h = held_new(slab, p, r->to->tags);

	if (unlikely(h == NULL)) {
		*why = DN_DROP_MEMORY;
		return NULL;
	}
	if (unlikely(s->link.memory != 0 &&
	    s->counts.memory + held_size(h) > s->link.memory)) {
		slab_free(slab, h);
		*why = DN_DROP_MEMORY_PIPE;
		return NULL;
	}
	h->time = when(r, p);
	h->lane = r->to->lane;
	held_set_number(h, number(r, p));
	h->flags |= flags_of(r->to);
	if ((s->ops->flags & SCHED_HASH) != 0)
		h->hash = flowid_hash_pkt(p, r->dn->key);
	stat_add(&s->counts.memory, held_size(h));
	return h;
}

/* Books packets that came for the stream. */
static inline void
came(struct dn_stream *st, unsigned n, uint64_t bytes, ns_t first, ns_t last)
{
	struct sched *s = st->inst->sched;

	if (unlikely(s->since == 0))
		s->since = s->meter.second = first;
	stat_add(&s->in_pkts, n);
	stat_add(&s->in_bytes, bytes);
	st->pkts += n;
	st->bytes += bytes;
	st->m.used = last;
}

/* Gives a packet to its stream. */
static bool
give(const struct run *r, struct dn_stream *st, const struct pkt *p)
{
	enum dn_drop why = DN_DROP_MEMORY;
	ns_t now = when(r, p);
	struct held *h;

	if (unlikely(st == NULL))
		return refuse(r, NULL, p, DN_DROP_FLOWS);
	came(st, 1, p->l3 <= p->len ? (unsigned)p->len - p->l3 : 0, now, now);
	if (model_loses(&r->fs->cfg.loss, &st->bad, &r->fs->sched->rng))
		return refuse(r, st, p, DN_DROP_LOSS);
	h = hold(r, p, &why);
	if (unlikely(h == NULL))
		return refuse(r, st, p, why);
	return dn_put(r->dn, st, h, now);
}

/* ---- packets that find their link free ---- */

/* True if the queue is only for packets that have to wait for the link, and
 * that one has nothing but a rate and a delay. */
static bool
is_plain(const struct flowset *fs, const struct dn_stream *st)
{
	const struct sched *s = st->inst->sched;
	const struct dn_loss *l = &fs->cfg.loss;

	return (s->ops->flags & SCHED_DIRECT) != 0 &&
	    st->pub.q.aqm == NULL && !l->gilbert_elliott && l->p == 0 &&
	    s->link.memory == 0 && s->wire.trace == NULL &&
	    s->profile == NULL && !s->disturbs;
}

static inline bool
is_free(struct dn *dn, struct dn_inst *in, ns_t now)
{
	if (in->busy && in->serve_at <= now)
		dn_serve(dn, in, now);
	return !in->busy &&
	    link_ready(&in->link, &in->sched->wire, now) <= now;
}

/* Brings packets of a plain stream onto their line: up to one that has to wait,
 * or is not as simple as most.  Returns how many. */
static unsigned
pass_by(const struct run *r, struct dn_stream *st,
    const struct pkt *const *pkts, unsigned n)
{
	struct dn_inst *in = st->inst;
	struct sched *s = in->sched;
	const uint8_t flags = flags_of(r->to);
	uint64_t bytes = 0, memory = 0;
	unsigned i;

	for (i = 0; i < n; i++) {
		const struct pkt *p = pkts[i];
		ns_t now = when(r, p);
		struct held *h;
		size_t size;

		if (unlikely(p->tags != 0) || !is_free(r->dn, in, now))
			break;
		h = slab_alloc_sized(r->dn->slab, held_need(p), &size);
		if (unlikely(h == NULL))
			break;
		held_fill(h, size, p);
		h->lane = r->to->lane;
		h->flags |= flags;
		held_set_number(h, number(r, p));
		h->time = line_in_order(&in->line, s->link.delay +
		    link_send(&in->link, &s->wire, h->bytes, now, 0));
		line_add(&in->line, h);
		bytes += h->bytes;
		memory += size;
	}
	if (i == 0)
		return 0;
	came(st, i, bytes, when(r, pkts[0]), when(r, pkts[i - 1]));
	stat_add(&s->counts.memory, memory);
	stat_add(&s->line_pkts, i);
	dn_arm(r->dn, in);
	return i;
}

/* ---- runs ---- */

/* Packets of one stream. */
static void
give_all(const struct run *r, struct dn_stream *st,
    const struct pkt *const *pkts, unsigned n)
{
	bool plain = st != NULL && is_plain(r->fs, st);

	for (unsigned i = 0; i < n; i++) {
		if (plain && (i += pass_by(r, st, pkts + i, n - i)) == n)
			break;
		give(r, st, pkts[i]);
	}
}

/* Brings near what the flows of pkts[n], n <= AHEAD, lie in; tells their
 * hashes. */
static void
fetch_flows(struct dn *dn, struct flowset *fs, const struct pkt *const *pkts,
    unsigned n, uint64_t *hashes)
{
	for (unsigned i = 0; i < n; i++) {
		hashes[i] = members_hash(dn, fs, pkts[i]);
		members_fetch_bucket(dn, hashes[i]);
	}
	for (unsigned i = 0; i < n; i++)
		members_fetch(dn, fs, hashes[i]);
}

/* Packets whose flows differ. */
static void
give_masked(const struct run *r, const struct pkt *const *pkts, unsigned n)
{
	uint64_t hashes[AHEAD];

	for (unsigned i = 0; i < n; i++) {
		if (i % AHEAD == 0)
			fetch_flows(r->dn, r->fs, pkts + i,
			    n - i < AHEAD ? n - i : AHEAD, hashes);
		give(r, members_find(r->dn, r->fs, pkts[i], hashes[i % AHEAD],
		    when(r, pkts[i])), pkts[i]);
	}
}

/* The flowset of the run; false if there is none that leads anywhere. */
static bool
find_target(struct run *r)
{
	const struct dn_target *to = r->to;

	r->fs = r->dn->flowsets[to->nr + (to->queue ? 0 : 2 * DN_MAX_NR)];
	return likely(r->fs != NULL && r->fs->sched != NULL);
}

bool
dn_enqueue(struct dn *dn, const struct pkt *p, const struct dn_target *to,
    ns_t now)
{
	struct run r = {.dn = dn, .to = to, .now = now};

	stat_add(&dn->in_pkts, 1);
	if (!find_target(&r))
		return refuse(&r, NULL, p, DN_DROP_NO_TARGET);
	return give(&r, members_find(dn, r.fs, p, 0, now), p);
}

static void
enqueue(struct run *r, const struct pkt *const *pkts, unsigned n)
{
	stat_add(&r->dn->in_pkts, n);
	if (!find_target(r)) {
		for (unsigned i = 0; i < n; i++)
			refuse(r, NULL, pkts[i], DN_DROP_NO_TARGET);
	} else if (r->fs->masked) {
		give_masked(r, pkts, n);
	} else {
		give_all(r, members_find(r->dn, r->fs, pkts[0], 0,
		    when(r, pkts[0])), pkts, n);
	}
}

void
dn_enqueue_run(struct dn *dn, const struct pkt *const *pkts, unsigned n,
    const struct dn_target *to, ns_t now)
{
	struct run r = {.dn = dn, .to = to, .now = now};

	enqueue(&r, pkts, n);
}

void
dn_enqueue_stamped(struct dn *dn, const struct pkt *const *pkts, unsigned n,
    const struct dn_target *to, const struct pkt *first, const ns_t *stamps)
{
	struct run r = {.dn = dn, .to = to, .first = first, .stamps = stamps};

	enqueue(&r, pkts, n);
}
