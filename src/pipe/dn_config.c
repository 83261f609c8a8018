/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Configuration of dummynet: objects made, replaced, deleted.
 *
 * What cannot change in place (a scheduler's type or mask, a flowset's mask,
 * law or scheduler) is taken apart and put together again:
 *
 *	packets that are due are sent -> packets that wait are collected, oldest
 *	first, each with its flowset -> streams, instances go (delay lines stay)
 *	-> the change -> packets are queued again, past limits and laws
 */
#include "pipe/dn_check.h"
#include "pipe/objects.h"

#include "pipe/flowid.h"
#include "pipe/requeue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- flowsets and their schedulers ---- */

static uint32_t
clamp(uint32_t v, const struct sched_clamp *c)
{
	if (v == 0)
		v = c->def;
	return v < c->min ? c->min : v > c->max ? c->max : v;
}

/* What the scheduler makes of the flowset's wishes. */
static struct flow_par
clamped(const struct flow_par *par, const struct sched_ops *ops)
{
	return (struct flow_par){
	    .weight = clamp(par->weight, &ops->weight),
	    .lmax = clamp(par->lmax, &ops->lmax),
	    .pri = clamp(par->pri, &ops->pri),
	};
}

/* Fits the flowset to its scheduler; it has no streams. */
static void
fit(struct flowset *fs)
{
	const struct sched *s = fs->sched;
	bool own = (s->ops->flags & SCHED_FLOWS) != 0 && fs->cfg.has_mask;

	memset(&fs->mask, 0, sizeof(fs->mask));
	if (own)
		flowid_unite(&fs->mask, &fs->cfg.mask);
	if (s->cfg.has_mask)
		flowid_unite(&fs->mask, &s->cfg.mask);
	fs->masked = own || s->cfg.has_mask;
	fs->cfg.par = clamped(&fs->par, s->ops);
	fs->aqm.rate_bps = s->wire.rate_bps;
}

static void
attach(struct flowset *fs, struct sched *s)
{
	struct flowset **at = &s->children;

	while (*at != NULL && (*at)->cfg.nr < fs->cfg.nr)
		at = &(*at)->next;
	fs->next = *at;
	*at = fs;
	fs->sched = s;
	fit(fs);
}

static void
detach(struct flowset *fs)
{
	struct flowset **at = &fs->sched->children;

	while (*at != fs)
		at = &(*at)->next;
	*at = fs->next;
	fs->sched = NULL;
}

/* ---- schedulers ---- */

/* Takes in all flowsets that have waited for this one. */
static void
attach_waiting(struct dn *dn, struct sched *s)
{
	uint32_t nr;

	for (nr = dn_next_fs(dn, 1); nr < 3 * DN_MAX_NR;
	     nr = dn_next_fs(dn, nr + 1)) {
		struct flowset *fs = dn->flowsets[nr];

		if (fs->sched == NULL && fs->cfg.sched_nr == s->cfg.nr)
			attach(fs, s);
	}
}

static void
set_sched_cfg(struct sched *s, const struct dn_sched_cfg *cfg)
{
	s->cfg = *cfg;
	s->ops = sched_find((uint8_t)cfg->type);
	s->fq_aqm = (struct aqm){.cfg = cfg->fq.aqm,
	    .ops = aqm_find(cfg->fq.aqm.type),
	    .rate_bps = s->wire.rate_bps};
}

static int
make_sched(struct dn *dn, const struct dn_sched_cfg *cfg, struct err *e)
{
	struct sched *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return err_set(e, ENOMEM, "no memory for scheduler %u",
		    cfg->nr);
	set_sched_cfg(s, cfg);
	s->link.nr = cfg->nr % DN_MAX_NR;
	s->counts.all_drops = dn->drops;
	s->counts.watch = &dn->watch;
	rng_init(&s->rng, dn->seed ^ cfg->nr * 0x9e3779b97f4a7c15ull);
	dn->scheds[cfg->nr] = s;
	dn->sched_blocks[cfg->nr / DN_BLOCK]++;
	attach_waiting(dn, s);
	return 0;
}

/* True if only the shown number of buckets differs, or nothing. */
static bool
same_sched(const struct dn_sched_cfg *a, const struct dn_sched_cfg *b)
{
	return a->type == b->type && a->has_mask == b->has_mask &&
	    memcmp(&a->mask, &b->mask, sizeof(a->mask)) == 0 &&
	    memcmp(&a->fq, &b->fq, sizeof(a->fq)) == 0;
}

/* Replaces the scheduler's insides.  One instance before and after: it keeps
 * its link and its delay line. */
static int
change_sched(struct dn *dn, struct sched *s, const struct dn_sched_cfg *cfg,
    ns_t now, struct err *e)
{
	size_t size = members_inst_size(sched_find((uint8_t)cfg->type),
	    &cfg->fq);
	void *probe = slab_alloc(dn->slab, size);
	struct link link = {0};
	struct line line = {0};
	struct requeue w;

	if (probe == NULL)
		return err_set(e, ENOMEM, "scheduler %u needs %zu octets, and "
		    "the memory of pipes is full", cfg->nr, size);
	slab_free(dn->slab, probe);
	requeue_init(&w);
	for (struct flowset *fs = s->children; fs != NULL; fs = fs->next)
		requeue_take(dn, &w, fs, now);
	if (s->only != NULL && !cfg->has_mask) {
		link = s->only->link;
		line = s->only->line;
		memset(&s->only->line, 0, sizeof(s->only->line));
	}
	members_free_insts(dn, s, now);
	set_sched_cfg(s, cfg);
	for (struct flowset *fs = s->children; fs != NULL; fs = fs->next)
		fit(fs);
	if (line.len > 0 || link.free_at > now) {
		struct dn_inst *in = members_only(dn, s, now);

		in->link = link;
		in->line = line;
		dn_arm(dn, in);
	}
	requeue_put(dn, &w, now);
	return 0;
}

static int
set_sched(struct dn *dn, const struct dn_sched_cfg *cfg, ns_t now,
    struct err *e)
{
	struct sched *s = dn->scheds[cfg->nr];

	if (s == NULL)
		return make_sched(dn, cfg, e);
	if (!same_sched(&s->cfg, cfg))
		return change_sched(dn, s, cfg, now, e);
	s->cfg.buckets = cfg->buckets;
	s->cfg.flags = cfg->flags;
	return 0;
}

/* Fills in what was left open. */
static void
complete_sched(const struct dn *dn, struct dn_sched_cfg *c)
{
	const struct sched *old = dn->scheds[c->nr];
	const struct sched_ops *ops;

	if (c->type == DN_KEEP)
		c->type = old != NULL ? old->cfg.type : SCHED_TYPE_WF2Q;
	if (c->buckets == 0)
		c->buckets = dn->knobs.hash_size;
	ops = sched_find((uint8_t)c->type);
	if ((ops->flags & SCHED_OWN_QUEUES) == 0)
		memset(&c->fq, 0, sizeof(c->fq));
	else
		dn_check_complete_fq(c->type, &c->fq);
	if (!c->has_mask)
		memset(&c->mask, 0, sizeof(c->mask));
}

int
dn_sched_config(struct dn *dn, const struct dn_sched_cfg *cfg, ns_t now,
    struct err *e)
{
	struct dn_sched_cfg base = *cfg, twin = *cfg;
	int rc = dn_sched_check(dn, cfg, e);

	if (rc != 0)
		return rc;
	if ((cfg->flags & DN_SCHED_PIPE) != 0) {
		const struct sched *old = dn->scheds[cfg->nr];

		if (old != NULL) {
			base = old->cfg;
		} else {
			base.has_mask = false;
			base.buckets = 0;
		}
	}
	complete_sched(dn, &base);
	if ((rc = set_sched(dn, &base, now, e)) != 0)
		return rc;
	twin.nr = cfg->nr + DN_MAX_NR;
	twin.type = SCHED_TYPE_FIFO;
	complete_sched(dn, &twin);
	if ((rc = set_sched(dn, &twin, now, e)) != 0 ||
	    dn->flowsets[cfg->nr + 2 * DN_MAX_NR] != NULL)
		return rc;
	return dn_fs_config(dn, &(struct dn_fs_cfg){
	    .nr = cfg->nr + 2 * DN_MAX_NR, .sched_nr = twin.nr}, now, e);
}

/* ---- links ---- */

/* Copies of what the configuration only borrows. */
struct copies {
	struct dn_profile *profile;
	struct dn_moment *trace;
};

static void
free_copies(struct copies *c)
{
	free(c->profile);
	free(c->trace);
}

static int
copy_parts(const struct dn_link_cfg *cfg, struct copies *c, struct err *e)
{
	size_t size = cfg->n_trace * sizeof(*cfg->trace);

	*c = (struct copies){NULL, NULL};
	if (cfg->profile != NULL &&
	    (c->profile = malloc(sizeof(*c->profile))) != NULL)
		*c->profile = *cfg->profile;
	if (cfg->trace != NULL && (c->trace = malloc(size)) != NULL)
		memcpy(c->trace, cfg->trace, size);
	if ((cfg->profile == NULL || c->profile != NULL) &&
	    (cfg->trace == NULL || c->trace != NULL))
		return 0;
	free_copies(c);
	return err_set(e, ENOMEM, "no memory for link %u", cfg->nr);
}

/* What the link's arithmetic needs of its configuration. */
static struct link_cfg
wire_of(const struct dn_link_cfg *l)
{
	return (struct link_cfg){
	    .rate_bps = l->rate_bps,
	    .burst = l->rate_bps == 0 ? 0 :
		l->burst * 8 * NS_PER_S / l->rate_bps,
	    .trace = l->trace,
	    .n_trace = l->n_trace,
	};
}

/* Tells the instances, the queues' laws and the link of each about it. */
static void
tell_link(struct dn *dn, struct sched *s, const struct link_cfg *old,
    ns_t now)
{
	for (struct member *m = s->insts.first; m != NULL; m = m->next) {
		struct dn_inst *in = (struct dn_inst *)(void *)m;

		link_changed(&in->link, old, &s->wire, now);
		if (in->busy)
			in->serve_at = link_ready(&in->link, &s->wire, now);
		dn_arm(dn, in);
	}
	for (struct flowset *fs = s->children; fs != NULL; fs = fs->next)
		fs->aqm.rate_bps = s->wire.rate_bps;
	s->fq_aqm.rate_bps = s->wire.rate_bps;
}

static void
set_link(struct dn *dn, struct sched *s, const struct dn_link_cfg *cfg,
    struct copies *c, ns_t now)
{
	struct copies gone = {s->profile, s->trace};
	struct link_cfg old = s->wire;

	for (struct member *m = s->insts.first; m != NULL; m = m->next)
		dn_serve(dn, (struct dn_inst *)(void *)m, now);
	s->link = *cfg;
	s->link.profile = s->profile = c->profile;
	s->link.trace = s->trace = c->trace;
	for (unsigned i = 0; cfg->trace_name != NULL && i < DN_NAME_LEN - 1; i++)
		if ((s->trace_name[i] = cfg->trace_name[i]) == '\0')
			break;
	s->link.trace_name = cfg->trace != NULL ? s->trace_name : NULL;
	s->has_link = true;
	s->disturbs = cfg->jitter_kind != DN_JITTER_NONE || cfg->reorder != 0 ||
	    cfg->duplicate != 0 || cfg->corrupt != 0;
	s->wire = wire_of(&s->link);
	if (old.rate_bps != s->wire.rate_bps || old.trace != NULL ||
	    s->wire.trace != NULL)
		tell_link(dn, s, &old, now);
	free_copies(&gone);
}

int
dn_link_config(struct dn *dn, const struct dn_link_cfg *cfg, ns_t now,
    struct err *e)
{
	struct copies copies[2];
	int rc = dn_link_check(dn, cfg, e);

	if (rc != 0)
		return rc;
	if (dn->scheds[cfg->nr] == NULL && dn->scheds[cfg->nr + DN_MAX_NR] ==
	    NULL)
		return err_set(e, EINVAL, "link %u: scheduler %u does not exist",
		    cfg->nr, cfg->nr);
	if ((rc = copy_parts(cfg, &copies[0], e)) != 0)
		return rc;
	if ((rc = copy_parts(cfg, &copies[1], e)) != 0) {
		free_copies(&copies[0]);
		return rc;
	}
	for (unsigned i = 0; i < 2; i++) {
		struct sched *s = dn->scheds[cfg->nr + i * DN_MAX_NR];

		if (s != NULL)
			set_link(dn, s, cfg, &copies[i], now);
		else
			free_copies(&copies[i]);
	}
	return 0;
}

/* ---- flowsets ---- */

/* Fills in what was left open; 'old' may be NULL. */
static void
complete_fs(const struct dn *dn, const struct flowset *old,
    struct dn_fs_cfg *c)
{
	static const struct flow_par none;
	const struct flow_par *par = old != NULL ? &old->par : &none;

	if (c->sched_nr == 0 && old != NULL)
		c->sched_nr = old->cfg.sched_nr;
	if (c->limit == 0)
		c->limit = (c->flags & DN_FS_BYTES) != 0 ? DN_DEF_BYTES :
							   DN_DEF_SLOTS;
	if (c->buckets == 0 || !c->has_mask)
		c->buckets = c->has_mask ? dn->knobs.hash_size : 1;
	if (!c->has_mask)
		memset(&c->mask, 0, sizeof(c->mask));
	if (c->par.weight == DN_KEEP)
		c->par.weight = par->weight;
	if (c->par.lmax == DN_KEEP)
		c->par.lmax = par->lmax;
	if (c->par.pri == DN_KEEP)
		c->par.pri = par->pri;
}

/* True if the streams can stay as they are. */
static bool
same_streams(const struct dn_fs_cfg *a, const struct dn_fs_cfg *b)
{
	return a->sched_nr == b->sched_nr && a->has_mask == b->has_mask &&
	    memcmp(&a->mask, &b->mask, sizeof(a->mask)) == 0 &&
	    a->aqm.type == b->aqm.type;
}

/* Gives the streams their new limits and weights. */
static void
tell_streams(struct flowset *fs, const struct flow_par *old)
{
	const struct sched_ops *ops = fs->sched->ops;
	bool other = memcmp(old, &fs->cfg.par, sizeof(*old)) != 0;

	for (struct member *m = fs->streams.first; m != NULL; m = m->next) {
		struct dn_stream *st = (struct dn_stream *)(void *)m;

		st->pub.q.limit = fs->cfg.limit;
		st->pub.q.by_bytes = (fs->cfg.flags & DN_FS_BYTES) != 0;
		if (other && ops->par_changed != NULL)
			ops->par_changed(&st->inst->pub, &st->pub, old);
	}
}

static void
set_fs_cfg(struct flowset *fs, const struct dn_fs_cfg *cfg)
{
	fs->cfg = *cfg;
	fs->par = cfg->par;
	fs->aqm.cfg = cfg->aqm;
	fs->aqm.ops = aqm_find(cfg->aqm.type);
}

/* A change that leaves the streams alone. */
static void
adjust_fs(struct flowset *fs, const struct dn_fs_cfg *cfg)
{
	struct flow_par old = fs->cfg.par;

	set_fs_cfg(fs, cfg);
	if (fs->sched == NULL)
		return;
	fs->cfg.par = clamped(&fs->par, fs->sched->ops);
	tell_streams(fs, &old);
}

/* A change that makes all streams anew, perhaps elsewhere. */
static void
change_fs(struct dn *dn, struct flowset *fs, const struct dn_fs_cfg *cfg,
    ns_t now)
{
	struct sched *s;
	struct requeue w;

	requeue_init(&w);
	if (fs->sched != NULL) {
		requeue_take(dn, &w, fs, now);
		detach(fs);
	}
	set_fs_cfg(fs, cfg);
	if ((s = dn->scheds[cfg->sched_nr]) != NULL)
		attach(fs, s);
	requeue_put(dn, &w, now);
}

int
dn_fs_config(struct dn *dn, const struct dn_fs_cfg *cfg, ns_t now,
    struct err *e)
{
	struct dn_fs_cfg c = *cfg;
	struct flowset *fs;
	int rc = dn_fs_check(dn, cfg, e);

	if (rc != 0)
		return rc;
	fs = dn->flowsets[cfg->nr];
	complete_fs(dn, fs, &c);
	if (fs != NULL && same_streams(&fs->cfg, &c)) {
		adjust_fs(fs, &c);
		return 0;
	}
	if (fs == NULL) {
		if ((fs = calloc(1, sizeof(*fs))) == NULL)
			return err_set(e, ENOMEM, "no memory for queue %u",
			    cfg->nr);
		dn->flowsets[cfg->nr] = fs;
		dn->fs_blocks[cfg->nr / DN_BLOCK]++;
	}
	change_fs(dn, fs, &c, now);
	return 0;
}

/* ---- the end ---- */

static void
delete_fs(struct dn *dn, struct flowset *fs, ns_t now)
{
	if (fs->sched != NULL) {
		members_free_streams(dn, fs, now);
		detach(fs);
	}
	dn->flowsets[fs->cfg.nr] = NULL;
	dn->fs_blocks[fs->cfg.nr / DN_BLOCK]--;
	free(fs);
}

/* Drops what is on the lines of instances, which ends those. */
static void
drop_lines(struct dn *dn, struct sched *s)
{
	while (s->retired != NULL) {
		struct dn_inst *in = s->retired;
		struct held *h;

		while ((h = line_take(&in->line, UINT64_MAX)) != NULL) {
			stat_add(&dn->drops[DN_DROP_DELETED], 1);
			slab_free(dn->slab, h);
		}
		members_end_retired(dn, in);
	}
}

static void
delete_sched(struct dn *dn, struct sched *s, ns_t now)
{
	members_free_insts(dn, s, now);
	drop_lines(dn, s);
	while (s->children != NULL)
		detach(s->children);
	dn->scheds[s->cfg.nr] = NULL;
	dn->sched_blocks[s->cfg.nr / DN_BLOCK]--;
	free(s->profile);
	free(s->trace);
	free(s);
}

int
dn_link_delete(struct dn *dn, uint32_t nr, ns_t now, struct err *e)
{
	bool any = false;

	if (nr == 0 || nr >= DN_MAX_NR)
		return err_set(e, EINVAL, "pipe %u: 1 to %u are allowed", nr,
		    DN_MAX_NR - 1);
	for (unsigned i = 0; i < 2; i++) {
		struct sched *s = dn->scheds[nr + i * DN_MAX_NR];
		struct flowset *fs = dn->flowsets[nr + (i + 1) * DN_MAX_NR];

		any = any || s != NULL;
		if (fs != NULL)
			delete_fs(dn, fs, now);
		if (s != NULL)
			delete_sched(dn, s, now);
	}
	return any ? 0 : err_set(e, EINVAL, "pipe %u does not exist", nr);
}

int
dn_fs_delete(struct dn *dn, uint32_t nr, ns_t now, struct err *e)
{
	if (nr == 0 || nr >= 3 * DN_MAX_NR || dn->flowsets[nr] == NULL)
		return err_set(e, EINVAL, "queue %u does not exist", nr);
	delete_fs(dn, dn->flowsets[nr], now);
	return 0;
}

void
dn_flush(struct dn *dn, ns_t now)
{
	uint32_t nr;

	while ((nr = dn_next_fs(dn, 1)) < 3 * DN_MAX_NR)
		delete_fs(dn, dn->flowsets[nr], now);
	while ((nr = dn_next_sched(dn, 1)) < 2 * DN_MAX_NR)
		delete_sched(dn, dn->scheds[nr], now);
}
