/* SPDX-License-Identifier: BSD-2-Clause */
/* The data path of dummynet, from a queue on: dn_enqueue.c is before it.
 * dn_config.c and dn_report.c are for control. */
#include "pipe/dn.h"

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
	    line_in_order(&in->line, left + (ns_t)delay);
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
	h->time = line_in_order(&in->line, left + s->link.delay);
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

/* ---- a packet for a queue ---- */

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
		if (!dn->exact)
			lateness_add(&s->late, now - h->time);
		bytes += h->bytes;
		out[n++] = h;
	}
	if (dn->exact) /* none of them is late */
		lateness_add_many(&s->late, 0, n);
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
