/* SPDX-License-Identifier: BSD-2-Clause */
#include "pipe/objects.h"

#include "pipe/flowid.h"

#include <string.h>

enum {
	SWEEP_MEMBERS = 64,	/* looked at, each time */
	MAX_TURNS = 64,		/* made up for, if nobody came in time */
	STATE_ALIGN = 16,
};

/* ---- the table and the lists ---- */

static struct member *
lookup(const struct dn *dn, const void *owner, const struct dn_flow_id *id,
    uint64_t hash)
{
	struct member *m = dn->table[hash & dn->table_mask];

	while (m != NULL && (m->hash != hash || m->owner != owner ||
	    !flowid_equal(&m->id, id)))
		m = m->hash_next;
	return m;
}

static void
link_dynamic(struct dn *dn, struct member *m)
{
	m->all_prev = NULL;
	m->all_next = dn->dynamic;
	if (m->all_next != NULL)
		m->all_next->all_prev = m;
	dn->dynamic = m;
}

static void
unlink_dynamic(struct dn *dn, struct member *m)
{
	if (dn->hand == m)
		dn->hand = m->all_next;
	if (m->all_prev != NULL)
		m->all_prev->all_next = m->all_next;
	else
		dn->dynamic = m->all_next;
	if (m->all_next != NULL)
		m->all_next->all_prev = m->all_prev;
}

static void
add(struct dn *dn, struct members *of, struct member *m)
{
	struct member **bucket = &dn->table[m->hash & dn->table_mask];

	m->hash_next = *bucket;
	*bucket = m;
	m->prev = NULL;
	m->next = of->first;
	if (m->next != NULL)
		m->next->prev = m;
	of->first = m;
	of->n++;
	if (m->dynamic)
		link_dynamic(dn, m);
}

static void
take_out(struct dn *dn, struct members *of, struct member *m)
{
	struct member **at = &dn->table[m->hash & dn->table_mask];

	while (*at != m)
		at = &(*at)->hash_next;
	*at = m->hash_next;
	if (m->prev != NULL)
		m->prev->next = m->next;
	else
		of->first = m->next;
	if (m->next != NULL)
		m->next->prev = m->prev;
	of->n--;
	if (m->dynamic)
		unlink_dynamic(dn, m);
}

/* ---- making them ---- */

static size_t
align(size_t size)
{
	return (size + STATE_ALIGN - 1) / STATE_ALIGN * STATE_ALIGN;
}

size_t
members_inst_size(const struct sched_ops *ops, const struct fq_cfg *fq)
{
	return align(sizeof(struct dn_inst)) + ops->inst_size +
	    (ops->inst_more != NULL ? ops->inst_more(fq) : 0);
}

static struct dn_inst *
make_inst(struct dn *dn, struct sched *s, const struct dn_flow_id *id,
    uint64_t hash, ns_t now)
{
	size_t size = members_inst_size(s->ops, &s->cfg.fq);
	bool is_fq = (s->ops->flags & SCHED_OWN_QUEUES) != 0;
	struct dn_inst *in;

	if (dn->n_insts == dn->events.max ||
	    (in = slab_alloc(dn->slab, size)) == NULL)
		return NULL;
	memset(in, 0, size);
	in->m = (struct member){.owner = s, .hash = hash, .id = *id,
	    .used = now, .is_inst = true, .dynamic = s->cfg.has_mask};
	in->sched = s;
	in->event = EVENT_NONE;
	in->pub = (struct inst){
	    .sched = (uint8_t *)in + align(sizeof(*in)),
	    .fq = is_fq ? &s->cfg.fq : NULL,
	    .fq_aqm = is_fq ? &s->fq_aqm : NULL,
	    .counts = &s->counts,
	    .slab = dn->slab,
	    .rng = &s->rng,
	};
	if (s->ops->inst_init != NULL)
		s->ops->inst_init(&in->pub, now);
	add(dn, &s->insts, &in->m);
	dn->n_insts++;
	if (!s->cfg.has_mask)
		s->only = in;
	return in;
}

static struct dn_inst *
find_inst(struct dn *dn, struct sched *s, const struct pkt *p, uint64_t hash,
    ns_t now)
{
	struct dn_flow_id id = {0};
	struct dn_inst *in;

	if (s->cfg.has_mask) {
		flowid_of(p, &id);
		flowid_mask(&id, &s->cfg.mask);
	}
	if (hash == 0)
		hash = flowid_hash(&id, dn->key, s->cfg.nr);
	in = (struct dn_inst *)(void *)lookup(dn, s, &id, hash);
	return in != NULL ? in : make_inst(dn, s, &id, hash, now);
}

struct dn_inst *
members_only(struct dn *dn, struct sched *s, ns_t now)
{
	return s->only != NULL ? s->only : find_inst(dn, s, NULL, 0, now);
}

/* The flowset that a stream of a scheduler without flowsets is booked on: its
 * own, if that is there. */
static struct flowset *
home(const struct dn *dn, const struct sched *s, struct flowset *fs)
{
	struct flowset *own = dn->flowsets[s->cfg.nr + DN_MAX_NR];

	return own != NULL && own->sched == s ? own : fs;
}

static void
queue_cfg(struct flowset *fs, struct queue_cfg *cfg)
{
	cfg->limit = fs->cfg.limit;
	cfg->by_bytes = (fs->cfg.flags & DN_FS_BYTES) != 0;
	cfg->aqm = fs->aqm.ops != NULL ? &fs->aqm : NULL;
	cfg->counts = &fs->sched->counts;
	cfg->rng = &fs->sched->rng;
}

static struct dn_stream *
make_stream(struct dn *dn, struct flowset *fs, struct dn_inst *in,
    const struct dn_flow_id *id, uint64_t hash, ns_t now)
{
	const struct sched_ops *ops = fs->sched->ops;
	size_t own = align(sizeof(struct dn_stream)), state = fs->aqm.ops ==
	    NULL ? 0 : align(fs->aqm.ops->state_size);
	struct dn_stream *st = slab_alloc(dn->slab,
	    own + state + ops->stream_size);
	struct queue_cfg cfg = {.slab = dn->slab};

	if (st == NULL)
		return NULL;
	memset(st, 0, own + state + ops->stream_size);
	st->m = (struct member){.owner = fs, .hash = hash, .id = *id,
	    .used = now, .dynamic = fs->masked};
	st->fs = fs;
	st->inst = in;
	queue_cfg(fs, &cfg);
	cfg.aqm_state = (uint8_t *)st + own;
	queue_init(&st->pub.q, &cfg, now);
	st->pub.par = &fs->cfg.par;
	st->pub.sched = (uint8_t *)st + own + state;
	in->n_streams++;
	dn->n_streams++;
	add(dn, &fs->streams, &st->m);
	if (ops->stream_init != NULL)
		ops->stream_init(&in->pub, &st->pub, now);
	return st;
}

/* A stream of a scheduler that has one an instance. */
static struct dn_stream *
find_only(struct dn *dn, struct flowset *fs, const struct pkt *p, uint64_t hash,
    ns_t now)
{
	struct sched *s = fs->sched;
	struct dn_inst *in = s->only;

	if (in == NULL && (in = find_inst(dn, s, p, hash, now)) == NULL)
		return NULL;
	if (unlikely(in->only == NULL)) {
		fs = home(dn, s, fs);
		in->only = make_stream(dn, fs, in, &in->m.id,
		    flowid_hash(&in->m.id, dn->key, ~(uint64_t)fs->cfg.nr),
		    now);
	}
	return in->only;
}

/* A stream of a scheduler with flowsets. */
static struct dn_stream *
find_stream(struct dn *dn, struct flowset *fs, const struct pkt *p,
    uint64_t hash, ns_t now)
{
	struct dn_flow_id id = {0};
	struct member *m;
	struct dn_inst *in;

	if (fs->masked) {
		flowid_of(p, &id);
		flowid_mask(&id, &fs->mask);
	}
	if (hash == 0)
		hash = flowid_hash(&id, dn->key, ~(uint64_t)fs->cfg.nr);
	if ((m = lookup(dn, fs, &id, hash)) != NULL)
		return (struct dn_stream *)(void *)m;
	if ((in = fs->sched->only) == NULL &&
	    (in = find_inst(dn, fs->sched, p, 0, now)) == NULL)
		return NULL;
	return make_stream(dn, fs, in, &id, hash, now);
}

uint64_t
members_hash(struct dn *dn, const struct flowset *fs, const struct pkt *p)
{
	bool flows = (fs->sched->ops->flags & SCHED_FLOWS) != 0;
	struct dn_flow_id id;

	flowid_of(p, &id);
	flowid_mask(&id, &fs->mask);
	return flowid_hash(&id, dn->key, flows ? ~(uint64_t)fs->cfg.nr :
						 fs->sched->cfg.nr);
}

void
members_fetch(const struct dn *dn, const struct flowset *fs, uint64_t hash)
{
	const char *m = (const char *)dn->table[hash & dn->table_mask];
	size_t size = (fs->sched->ops->flags & SCHED_FLOWS) != 0 ?
	    sizeof(struct dn_stream) + fs->sched->ops->stream_size :
	    sizeof(struct dn_inst);

	if (m == NULL)
		return;
	for (size_t at = 0; at < size; at += CACHE_LINE)
		__builtin_prefetch(m + at, 1);
}

struct dn_stream *
members_find(struct dn *dn, struct flowset *fs, const struct pkt *p,
    uint64_t hash, ns_t now)
{
	struct dn_stream *st;

	if ((fs->sched->ops->flags & SCHED_FLOWS) == 0)
		return find_only(dn, fs, p, hash, now);
	if (fs->only != NULL)
		return fs->only;
	st = find_stream(dn, fs, p, hash, now);
	if (!fs->masked)
		fs->only = st;
	return st;
}

/* ---- and their end ---- */

static void
free_stream(struct dn *dn, struct dn_stream *st, ns_t now)
{
	struct dn_inst *in = st->inst;
	const struct sched_ops *ops = in->sched->ops;
	struct held *h;

	while ((h = queue_take(&st->pub.q)) != NULL)
		queue_drop(&st->pub.q, h, DN_DROP_DELETED);
	if (in->only == st && ops->drain != NULL) {
		while ((h = ops->drain(&in->pub)) != NULL)
			queue_drop(&st->pub.q, h, DN_DROP_DELETED);
	}
	if (ops->stream_fini != NULL)
		ops->stream_fini(&in->pub, &st->pub, now);
	take_out(dn, &st->fs->streams, &st->m);
	if (in->only == st)
		in->only = NULL;
	if (st->fs->only == st)
		st->fs->only = NULL;
	in->n_streams--;
	dn->n_streams--;
	slab_free(dn->slab, st);
}

static void
end_inst(struct dn *dn, struct dn_inst *in)
{
	events_set(&dn->events, in, &in->event, UINT64_MAX);
	dn->n_insts--;
	slab_free(dn->slab, in);
}

static void
free_inst(struct dn *dn, struct dn_inst *in)
{
	struct sched *s = in->sched;

	take_out(dn, &s->insts, &in->m);
	if (s->only == in)
		s->only = NULL;
	in->busy = false;
	if (in->line.len == 0) {
		end_inst(dn, in);
		return;
	}
	in->retired = true;
	in->m.prev = NULL;
	in->m.next = s->retired != NULL ? &s->retired->m : NULL;
	if (s->retired != NULL)
		s->retired->m.prev = &in->m;
	s->retired = in;
	dn_arm(dn, in);
}

void
members_end_retired(struct dn *dn, struct dn_inst *in)
{
	if (in->m.prev != NULL)
		in->m.prev->next = in->m.next;
	else
		in->sched->retired = (struct dn_inst *)(void *)in->m.next;
	if (in->m.next != NULL)
		in->m.next->prev = in->m.prev;
	end_inst(dn, in);
}

void
members_free_streams(struct dn *dn, struct flowset *fs, ns_t now)
{
	while (fs->streams.first != NULL)
		free_stream(dn,
		    (struct dn_stream *)(void *)fs->streams.first, now);
}

void
members_free_insts(struct dn *dn, struct sched *s, ns_t now)
{
	for (struct flowset *fs = s->children; fs != NULL; fs = fs->next)
		members_free_streams(dn, fs, now);
	while (s->insts.first != NULL)
		free_inst(dn,
		    (struct dn_inst *)(void *)s->insts.first);
}

/* ---- expiry ---- */

static bool
stream_is_idle(const struct dn_stream *st)
{
	return st->pub.q.len == 0 && (st->inst->only != st || !st->inst->busy);
}

/* Nothing inside, and no credit or debt that matters. */
static bool
inst_is_idle(const struct dn_inst *in, ns_t now)
{
	return in->n_streams == 0 && !in->busy && in->line.len == 0 &&
	    (in->sched->wire.trace != NULL ||
		in->link.free_at + in->sched->wire.burst <= now);
}

static void
look_at(struct dn *dn, struct member *m, ns_t now)
{
	struct dn_stream *st = (struct dn_stream *)(void *)m;
	struct dn_inst *in = (struct dn_inst *)(void *)m;

	if (now - m->used < dn->knobs.expire_after)
		return;
	if (m->is_inst && inst_is_idle(in, now))
		free_inst(dn, in);
	else if (!m->is_inst && stream_is_idle(st))
		free_stream(dn, st, now);
}

void
members_sweep(struct dn *dn, ns_t now)
{
	unsigned n;
	ns_t turns;

	if (now < dn->sweep_at)
		return;
	/* On a grid: whether more calls come in between makes no difference. */
	turns = 1 + (now - dn->sweep_at) / DN_SWEEP_EVERY;
	n = SWEEP_MEMBERS * (unsigned)(turns < MAX_TURNS ? turns : MAX_TURNS);
	dn->sweep_at = (now / DN_SWEEP_EVERY + 1) * DN_SWEEP_EVERY;
	if (!dn->knobs.expire)
		return;
	for (unsigned i = 0; i < n && dn->dynamic != NULL; i++) {
		struct member *m = dn->hand != NULL ? dn->hand : dn->dynamic;

		dn->hand = m->all_next;
		look_at(dn, m, now);
	}
}
