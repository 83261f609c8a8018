/* SPDX-License-Identifier: BSD-2-Clause */
/* The data path of dummynet; dn_config.c and dn_report.c are for control. */
#include "pipe/dn.h"

#include "pipe/flowid.h"
#include "pipe/model.h"
#include "pipe/objects.h"

#include <errno.h>
#include <stdlib.h>

enum {
	MIN_TABLE = 64,
	MAX_TABLE = 1 << 20,
	TABLE_SHARE = 4096, /* octets of memory a bucket of the table */
	INST_SHARE = 512,   /* an instance takes more */
	MAX_INSTS = 1 << 20,
	DEF_HASH_SIZE = 64,
	AHEAD = 32,	    /* packets whose flows are fetched at once */
};

const char *const dn_drop_text[N_DN_DROPS] = {
#define DN_DROP(name, text) [DN_DROP_##name] = text,
#include "pipe/dn_drop.def"
};

static size_t
table_size(size_t memory)
{
	size_t n = MIN_TABLE;

	while (n < MAX_TABLE && n < memory / TABLE_SHARE)
		n *= 2;
	return n;
}

int
dn_create(const struct dn_cfg *cfg, struct dn **out, struct err *e)
{
	size_t insts = cfg->memory_size / INST_SHARE, n_table =
	    table_size(cfg->memory_size);
	struct dn *dn = calloc(1, sizeof(*dn));

	if (dn == NULL)
		return err_set(e, ENOMEM, "no memory for dummynet");
	dn->seed = cfg->seed;
	dn->key = cfg->hash_key;
	dn->exact = cfg->exact;
	dn->knobs = (struct dn_knobs){
	    .slot_limit = DN_MAX_SLOTS,
	    .byte_limit = DN_MAX_BYTES,
	    .hash_size = DEF_HASH_SIZE,
	    .expire = true,
	    .expire_after = NS_PER_S,
	};
	dn->table_mask = n_table - 1;
	dn->table = calloc(n_table, sizeof(dn->table[0]));
	dn->scheds = calloc(2 * DN_MAX_NR, sizeof(dn->scheds[0]));
	dn->flowsets = calloc(3 * DN_MAX_NR, sizeof(dn->flowsets[0]));
	dn->slab = slab_create(cfg->memory, cfg->memory_size);
	if (!events_init(&dn->events,
	    (uint32_t)(insts < MAX_INSTS ? insts : MAX_INSTS)) ||
	    dn->table == NULL || dn->scheds == NULL || dn->flowsets == NULL ||
	    dn->slab == NULL) {
		dn_destroy(dn);
		return err_set(e, ENOMEM, "no memory for dummynet");
	}
	*out = dn;
	return 0;
}

void
dn_destroy(struct dn *dn)
{
	if (dn == NULL)
		return;
	if (dn->scheds != NULL && dn->flowsets != NULL && dn->slab != NULL)
		dn_flush(dn, 0);
	events_fini(&dn->events);
	slab_destroy(dn->slab);
	free(dn->flowsets);
	free(dn->scheds);
	free(dn->table);
	free(dn);
}

struct dn_knobs *
dn_knobs(struct dn *dn)
{
	return &dn->knobs;
}

/* ---- from the link to the delay line ---- */

/* A time before the one of the packet in front, where none may overtake. */
static inline ns_t
in_order(const struct line *l, ns_t t)
{
	return t < l->last && l->head != NULL ? l->last : t;
}

/* When a packet that left the link at 'left' leaves the line, by chance. */
static ns_t
disturbed_time(struct dn_inst *in, ns_t left)
{
	struct sched *s = in->sched;
	const struct dn_link_cfg *c = &s->link;
	int64_t delay;

	if (model_chance(c->reorder, &s->rng)) {
		stat_add(&s->reordered, 1);
		return left;
	}
	delay = (int64_t)c->delay +
	    model_jitter(c->jitter_kind, c->jitter, &s->rng);
	if (delay < 0)
		delay = 0;
	return c->jitter_reorder ? left + (ns_t)delay :
	    in_order(&in->line, left + (ns_t)delay);
}

/* A second one on the line, if there is room for it. */
static void
duplicate(struct dn *dn, struct dn_inst *in, const struct held *h)
{
	struct sched *s = in->sched;
	struct held *twin;

	if (s->link.memory != 0 &&
	    s->counts.memory + held_size(h) > s->link.memory)
		return;
	if ((twin = held_copy(dn->slab, h)) == NULL)
		return;
	stat_add(&s->duplicated, 1);
	stat_add(&s->counts.memory, held_size(h));
	stat_add(&s->line_pkts, 1);
	line_add(&in->line, twin);
}

/* The way of a packet when the link has models. */
static void
disturb(struct dn *dn, struct dn_inst *in, struct held *h, ns_t left)
{
	struct sched *s = in->sched;

	h->time = disturbed_time(in, left);
	if (model_chance(s->link.corrupt, &s->rng)) {
		model_corrupt(h, &s->rng);
		stat_add(&s->corrupted, 1);
	}
	line_add(&in->line, h);
	if (model_chance(s->link.duplicate, &s->rng))
		duplicate(dn, in, h);
}

/* What the profile takes of the link's time; marks the packet if it is lost. */
static ns_t
profile_draw(struct sched *s, struct held *h)
{
	const struct dn_profile *p = s->profile;
	uint32_t i = (uint32_t)(((rng_u64(&s->rng) >> 32) * p->n_samples) >> 32);

	if (i >= p->loss_level)
		h->flags |= HELD_LOST;
	return p->samples[i];
}

/* Puts a packet onto the link at 't', when the link can send. */
static inline void
depart(struct dn *dn, struct dn_inst *in, struct held *h, ns_t t)
{
	struct sched *s = in->sched;
	ns_t extra = likely(s->profile == NULL) ? 0 : profile_draw(s, h);
	ns_t left = link_send(&in->link, &s->wire, h->bytes, t, extra);

	stat_add(&s->line_pkts, 1);
	if (unlikely(s->disturbs)) {
		disturb(dn, in, h, left);
		return;
	}
	h->time = in_order(&in->line, left + s->link.delay);
	line_add(&in->line, h);
}

void
dn_arm(struct dn *dn, struct dn_inst *in)
{
	ns_t next = line_next(&in->line);

	if (in->busy && in->serve_at < next)
		next = in->serve_at;
	if (likely(in->event != EVENT_NONE) &&
	    dn->events.heap[in->event].at == next)
		return;
	events_set(&dn->events, in, &in->event, next);
}

void
dn_serve(struct dn *dn, struct dn_inst *in, ns_t until)
{
	const struct sched_ops *ops = in->sched->ops;

	while (in->busy && in->serve_at <= until) {
		ns_t t = in->serve_at;
		struct held *h = ops->dequeue(&in->pub, t);

		if (h == NULL) {
			in->busy = false;
			break;
		}
		depart(dn, in, h, t);
		in->serve_at = link_next(&in->link, t);
	}
}

/* ---- from a rule into a queue ---- */

bool
dn_put(struct dn *dn, struct dn_stream *st, struct held *h, ns_t now)
{
	struct dn_inst *in = st->inst;
	struct sched *s = in->sched;
	bool ok = true;

	if (in->busy && in->serve_at <= now)
		dn_serve(dn, in, now);
	if (!in->busy && (s->ops->flags & SCHED_DIRECT) != 0 &&
	    st->pub.q.aqm == NULL &&
	    link_ready(&in->link, &s->wire, now) <= now) {
		depart(dn, in, h, now);
	} else if ((ok = s->ops->enqueue(&in->pub, &st->pub, h, now)) &&
	    !in->busy) {
		in->busy = true;
		in->serve_at = link_ready(&in->link, &s->wire, now);
		if (in->serve_at <= now)
			dn_serve(dn, in, now);
	}
	dn_arm(dn, in);
	return ok;
}

/* Counts a packet that is not even copied. */
static bool
refuse(struct dn *dn, struct flowset *fs, struct dn_stream *st,
    const struct dn_target *to, enum dn_drop why)
{
	if (unlikely(dn->watch.fn != NULL))
		dn->watch.fn(dn->watch.arg, to->number % HELD_NUMBERS, why);
	stat_add(&dn->drops[why], 1);
	if (fs != NULL && fs->sched != NULL)
		stat_add(&fs->sched->counts.drops[why], 1);
	else if (fs != NULL)
		fs->no_sched++;
	if (st != NULL)
		st->pub.q.drops++;
	return false;
}

/* A copy of the packet within the limits; NULL and *why if there is none. */
static struct held *
hold(struct dn *dn, struct sched *s, const struct pkt *p,
    const struct dn_target *to, ns_t now, enum dn_drop *why)
{
	struct held *h = held_new(dn->slab, p, to->tags);

	if (unlikely(h == NULL)) {
		*why = DN_DROP_MEMORY;
		return NULL;
	}
	if (unlikely(s->link.memory != 0 &&
	    s->counts.memory + held_size(h) > s->link.memory)) {
		slab_free(dn->slab, h);
		*why = DN_DROP_MEMORY_PIPE;
		return NULL;
	}
	h->time = now;
	h->lane = to->lane;
	held_set_number(h, to->number);
	h->flags |= (uint8_t)((to->out ? HELD_OUT : 0) |
	    (to->go_on ? HELD_GO_ON : 0));
	if ((s->ops->flags & SCHED_HASH) != 0)
		h->hash = flowid_hash_pkt(p, dn->key);
	stat_add(&s->counts.memory, held_size(h));
	return h;
}

/* Books a packet that came for the stream. */
static void
came(struct dn_stream *st, unsigned bytes, ns_t now)
{
	struct sched *s = st->inst->sched;

	if (unlikely(s->since == 0))
		s->since = s->meter.second = now;
	stat_add(&s->in_pkts, 1);
	stat_add(&s->in_bytes, bytes);
	st->pkts++;
	st->bytes += bytes;
	st->m.used = now;
}

static inline struct flowset *
target(const struct dn *dn, const struct dn_target *to)
{
	return dn->flowsets[to->nr + (to->queue ? 0 : 2 * DN_MAX_NR)];
}

/* Gives a packet that came by 'fs' to its stream. */
static inline bool
give(struct dn *dn, struct flowset *fs, struct dn_stream *st,
    const struct pkt *p, const struct dn_target *to, ns_t now)
{
	enum dn_drop why = DN_DROP_MEMORY;
	struct held *h;

	if (unlikely(st == NULL))
		return refuse(dn, fs, NULL, to, DN_DROP_FLOWS);
	came(st, p->l3 <= p->len ? (unsigned)p->len - p->l3 : 0, now);
	if (model_loses(&fs->cfg.loss, &st->bad, &fs->sched->rng))
		return refuse(dn, fs, st, to, DN_DROP_LOSS);
	h = hold(dn, fs->sched, p, to, now, &why);
	if (unlikely(h == NULL))
		return refuse(dn, fs, st, to, why);
	return dn_put(dn, st, h, now);
}

bool
dn_enqueue(struct dn *dn, const struct pkt *p, const struct dn_target *to,
    ns_t now)
{
	struct flowset *fs = target(dn, to);

	stat_add(&dn->in_pkts, 1);
	if (unlikely(fs == NULL || fs->sched == NULL))
		return refuse(dn, fs, NULL, to, DN_DROP_NO_TARGET);
	return give(dn, fs, members_find(dn, fs, p, 0, now), p, to, now);
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
enqueue_masked(struct dn *dn, struct flowset *fs,
    const struct pkt *const *pkts, unsigned n, const struct dn_target *to,
    ns_t now)
{
	uint64_t hashes[AHEAD];

	for (unsigned i = 0; i < n; i++) {
		if (i % AHEAD == 0)
			fetch_flows(dn, fs, pkts + i,
			    n - i < AHEAD ? n - i : AHEAD, hashes);
		give(dn, fs, members_find(dn, fs, pkts[i], hashes[i % AHEAD],
		    now), pkts[i], to, now);
	}
}

void
dn_enqueue_run(struct dn *dn, const struct pkt *const *pkts, unsigned n,
    const struct dn_target *to, ns_t now)
{
	struct flowset *fs = target(dn, to);
	struct dn_stream *st;

	stat_add(&dn->in_pkts, n);
	if (unlikely(fs == NULL || fs->sched == NULL)) {
		for (unsigned i = 0; i < n; i++)
			refuse(dn, fs, NULL, to, DN_DROP_NO_TARGET);
		return;
	}
	if (fs->masked) {
		enqueue_masked(dn, fs, pkts, n, to, now);
		return;
	}
	st = members_find(dn, fs, pkts[0], 0, now);
	for (unsigned i = 0; i < n; i++)
		give(dn, fs, st, pkts[i], to, now);
}

/* ---- from the delay line to the engine ---- */

/* Keeps the figures of the last second right. */
static void
measure(struct sched *s, ns_t now)
{
	struct meter *m = &s->meter;
	ns_t since = now - m->second;

	if (likely(since < NS_PER_S))
		return;
	/* the second that is over, or nothing if there was a whole one since */
	m->last_pkts = since < 2 * NS_PER_S ? s->out_pkts - m->pkts : 0;
	m->last_bytes = since < 2 * NS_PER_S ? s->out_bytes - m->bytes : 0;
	m->pkts = s->out_pkts;
	m->bytes = s->out_bytes;
	m->second += since / NS_PER_S * NS_PER_S;
}

/* Drops a packet that was to be lost, after it has had its time. */
static void
lose(struct dn *dn, struct sched *s, struct held *h)
{
	stat_add(&s->counts.drops[DN_DROP_PROFILE], 1);
	stat_add(&dn->drops[DN_DROP_PROFILE], 1);
	if (unlikely(dn->watch.fn != NULL))
		dn->watch.fn(dn->watch.arg, held_number(h), DN_DROP_PROFILE);
	slab_free(dn->slab, h);
}

/* Takes from the instance's line what is due at 'until'. */
static unsigned
leave(struct dn *dn, struct dn_inst *in, ns_t until, ns_t now,
    struct held **out, unsigned max)
{
	struct sched *s = in->sched;
	uint64_t bytes = 0, memory = 0, lost = 0;
	unsigned n = 0;
	struct held *h;

	while (n < max && (h = line_take(&in->line, until)) != NULL) {
		memory += held_size(h);
		if (unlikely((h->flags & HELD_LOST) != 0)) {
			lose(dn, s, h);
			lost++;
			continue;
		}
		lateness_add(&s->late, dn->exact ? 0 : now - h->time);
		bytes += h->bytes;
		out[n++] = h;
	}
	measure(s, now);
	stat_add(&s->counts.memory, -memory);
	stat_add(&s->line_pkts, -(n + lost));
	stat_add(&s->out_pkts, n);
	stat_add(&s->out_bytes, bytes);
	stat_add(&dn->out_pkts, n);
	return n;
}

unsigned
dn_run(struct dn *dn, ns_t now, struct held **out, unsigned max)
{
	const struct event *first;
	unsigned n = 0;

	while (n < max && (first = events_first(&dn->events)) != NULL &&
	    first->at <= now) {
		struct dn_inst *in = first->what;
		ns_t until = events_second(&dn->events);

		dn_serve(dn, in, now);
		n += leave(dn, in, until < now ? until : now, now, out + n,
		    max - n);
		if (unlikely(in->retired && in->line.len == 0))
			members_end_retired(dn, in);
		else
			dn_arm(dn, in);
	}
	members_sweep(dn, now);
	return n;
}

void
dn_free(struct dn *dn, struct held *const *held, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		slab_free(dn->slab, held[i]);
}

ns_t
dn_next(const struct dn *dn)
{
	const struct event *first = events_first(&dn->events);

	return first != NULL ? first->at : UINT64_MAX;
}
