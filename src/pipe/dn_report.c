/* SPDX-License-Identifier: BSD-2-Clause */
/* What dummynet says about itself. */
#include "pipe/objects.h"

/* Memory of a frame of 64 octets, and what it counts. */
enum { SMALL_HELD = 128, SMALL_BYTES = 50 };

/* ---- one scheduler ---- */

/* What rate x delay asks for; 0 if the rate is unlimited. */
static uint64_t
bandwidth_delay(const struct dn_link_cfg *l)
{
	/* rate / 8 < 2^36 and delay < 2^42 ns: by way of double */
	return (uint64_t)((double)l->rate_bps / 8 * ((double)l->delay / 1e9));
}

/* True if some queue of the scheduler holds less than 'bytes'; slots are
 * counted as 1500 octets each. */
static bool
queue_is_short(const struct sched *s, uint64_t bytes)
{
	enum { SLOT_BYTES = 1500 };

	for (const struct flowset *fs = s->children; fs != NULL; fs = fs->next) {
		bool by_bytes = (fs->cfg.flags & DN_FS_BYTES) != 0;

		if (fs->cfg.limit * (by_bytes ? 1 : SLOT_BYTES) < bytes)
			return true;
	}
	return false;
}

static void
report_needs(const struct dn *dn, const struct sched *s, struct dn_report *r)
{
	uint64_t limit = s->link.memory != 0 ? s->link.memory :
					       slab_capacity(dn->slab);

	r->memory_limit = s->link.memory;
	r->bdp_bytes = bandwidth_delay(&s->link);
	r->bdp_memory = r->bdp_bytes / SMALL_BYTES * SMALL_HELD;
	r->queue_short = queue_is_short(s, r->bdp_bytes);
	r->memory_short = r->bdp_memory > limit;
}

/* The last full second, as of 'now'. */
static void
report_second(const struct sched *s, ns_t now, struct dn_report *r)
{
	const struct meter *m = &s->meter;
	ns_t since = now - m->second;

	if (since < NS_PER_S) {
		r->second_pps = m->last_pkts;
		r->second_bps = m->last_bytes * 8;
	} else if (since < 2 * NS_PER_S) {
		r->second_pps = s->out_pkts - m->pkts;
		r->second_bps = (s->out_bytes - m->bytes) * 8;
	}
}

static void
report(const struct dn *dn, const struct sched *s, ns_t now,
    struct dn_report *r)
{
	*r = (struct dn_report){
	    .in_pkts = s->in_pkts,
	    .in_bytes = s->in_bytes,
	    .out_pkts = s->out_pkts,
	    .out_bytes = s->out_bytes,
	    .since = s->since == 0 ? 0 : now - s->since,
	    .line_pkts = s->line_pkts,
	    .counts = s->counts,
	    .error = {
		.n = s->late.n,
		.p50 = lateness_quantile(&s->late, 500),
		.p99 = lateness_quantile(&s->late, 990),
		.p999 = lateness_quantile(&s->late, 999),
		.max = s->late.max,
	    },
	    .duplicated = s->duplicated,
	    .corrupted = s->corrupted,
	    .reordered = s->reordered,
	};
	report_second(s, now, r);
	report_needs(dn, s, r);
}

static void
sched_info(const struct dn *dn, const struct sched *s, ns_t now,
    struct dn_sched_info *out)
{
	out->cfg = s->cfg;
	out->ops = s->ops;
	out->link = s->link;
	out->has_link = s->has_link;
	out->n_instances = s->insts.n;
	out->n_children = dn_children(dn, s->cfg.nr, NULL, 0);
	report(dn, s, now, &out->report);
}

bool
dn_sched_get(const struct dn *dn, uint32_t nr, ns_t now,
    struct dn_sched_info *out)
{
	if (nr >= 2 * DN_MAX_NR || dn->scheds[nr] == NULL)
		return false;
	sched_info(dn, dn->scheds[nr], now, out);
	return true;
}

void
dn_each_sched(const struct dn *dn, uint32_t lo, uint32_t hi, ns_t now,
    dn_sched_fn *fn, void *arg)
{
	struct dn_sched_info info;

	for (uint32_t nr = dn_next_sched(dn, lo);
	     nr <= hi && nr < 2 * DN_MAX_NR; nr = dn_next_sched(dn, nr + 1)) {
		dn_sched_get(dn, nr, now, &info);
		fn(arg, &info);
	}
}

/* ---- flowsets ---- */

bool
dn_fs_get(const struct dn *dn, uint32_t nr, struct dn_fs_info *out)
{
	const struct flowset *fs;

	if (nr >= 3 * DN_MAX_NR || (fs = dn->flowsets[nr]) == NULL)
		return false;
	out->cfg = fs->cfg;
	out->n_flows = fs->streams.n;
	out->linked = fs->sched != NULL;
	out->no_sched = fs->no_sched;
	return true;
}

void
dn_each_fs(const struct dn *dn, uint32_t lo, uint32_t hi, dn_fs_fn *fn,
    void *arg)
{
	struct dn_fs_info info;

	for (uint32_t nr = dn_next_fs(dn, lo); nr <= hi && nr < 3 * DN_MAX_NR;
	     nr = dn_next_fs(dn, nr + 1)) {
		dn_fs_get(dn, nr, &info);
		fn(arg, &info);
	}
}

unsigned
dn_children(const struct dn *dn, uint32_t sched_nr, uint32_t *nrs,
    unsigned max)
{
	const struct flowset *fs = NULL;
	unsigned n = 0;

	if (sched_nr < 2 * DN_MAX_NR && dn->scheds[sched_nr] != NULL)
		fs = dn->scheds[sched_nr]->children;
	for (; fs != NULL; fs = fs->next) {
		if (n < max)
			nrs[n] = fs->cfg.nr;
		n++;
	}
	return n;
}

/* ---- flows ---- */

static void
flow_info(const struct dn_stream *st, uint32_t buckets,
    struct dn_flow_info *out)
{
	const struct dn_inst *in = st->inst;
	bool own = in->only == st && in->sched->ops->drain != NULL;
	const struct queue_counts *c = &in->sched->counts;

	*out = (struct dn_flow_info){
	    .id = st->m.id,
	    .bucket = (uint32_t)(st->m.hash % buckets),
	    .pkts = st->pkts,
	    .bytes = st->bytes,
	    .len = st->pub.q.len,
	    .len_bytes = st->pub.q.bytes,
	    .drops = st->pub.q.drops,
	};
	if (own && in->sched->insts.n == 1) { /* its own queues hold them */
		out->len = (uint32_t)c->queued_pkts;
		out->len_bytes = c->queued_bytes;
		out->drops += c->drops[DN_DROP_AQM] +
		    c->drops[DN_DROP_QUEUE_FULL];
	}
}

void
dn_each_flow(const struct dn *dn, uint32_t fs_nr, dn_flow_fn *fn, void *arg)
{
	const struct flowset *fs;
	struct dn_flow_info info;

	if (fs_nr >= 3 * DN_MAX_NR || (fs = dn->flowsets[fs_nr]) == NULL)
		return;
	for (const struct member *m = fs->streams.first; m != NULL;
	     m = m->next) {
		flow_info((const struct dn_stream *)(const void *)m,
		    fs->cfg.buckets, &info);
		fn(arg, &info);
	}
}

/* Adds a stream's figures to those of its instance. */
static void
add_flow(struct dn_flow_info *sum, const struct dn_flow_info *f)
{
	sum->pkts += f->pkts;
	sum->bytes += f->bytes;
	sum->len += f->len;
	sum->len_bytes += f->len_bytes;
	sum->drops += f->drops;
}

static void
inst_info(const struct sched *s, const struct dn_inst *in,
    struct dn_flow_info *out)
{
	struct dn_flow_info f;

	*out = (struct dn_flow_info){
	    .id = in->m.id,
	    .bucket = (uint32_t)(in->m.hash % s->cfg.buckets),
	};
	if (in->only != NULL) {
		flow_info(in->only, s->cfg.buckets, &f);
		add_flow(out, &f);
		return;
	}
	for (const struct flowset *fs = s->children; fs != NULL; fs = fs->next) {
		for (const struct member *m = fs->streams.first; m != NULL;
		     m = m->next) {
			const struct dn_stream *st =
			    (const struct dn_stream *)(const void *)m;

			if (st->inst != in)
				continue;
			flow_info(st, s->cfg.buckets, &f);
			add_flow(out, &f);
		}
	}
}

void
dn_each_instance(const struct dn *dn, uint32_t sched_nr, dn_flow_fn *fn,
    void *arg)
{
	const struct sched *s;
	struct dn_flow_info info;

	if (sched_nr >= 2 * DN_MAX_NR || (s = dn->scheds[sched_nr]) == NULL)
		return;
	for (const struct member *m = s->insts.first; m != NULL; m = m->next) {
		inst_info(s, (const struct dn_inst *)(const void *)m, &info);
		fn(arg, &info);
	}
}

/* ---- all together ---- */

bool
dn_is_empty(const struct dn *dn)
{
	return dn_next_sched(dn, 1) >= 2 * DN_MAX_NR &&
	    dn_next_fs(dn, 1) >= 3 * DN_MAX_NR;
}

uint64_t
dn_held(const struct dn *dn)
{
	uint64_t n = 0;

	for (uint32_t nr = dn_next_sched(dn, 1); nr < 2 * DN_MAX_NR;
	     nr = dn_next_sched(dn, nr + 1))
		n += dn->scheds[nr]->counts.queued_pkts +
		    dn->scheds[nr]->line_pkts;
	return n;
}

void
dn_watch(struct dn *dn, dn_drop_fn *fn, void *arg)
{
	dn->watch = (struct dn_watch){.fn = fn, .arg = arg};
}

void
dn_totals(const struct dn *dn, struct dn_totals *out)
{
	*out = (struct dn_totals){
	    .in_pkts = dn->in_pkts,
	    .out_pkts = dn->out_pkts,
	    .held_pkts = dn_held(dn),
	    .memory = slab_used(dn->slab),
	    .memory_size = slab_capacity(dn->slab),
	    .n_flows = dn->n_streams,
	    .n_instances = dn->n_insts,
	};
	for (unsigned i = 0; i < ARRAY_LEN(dn->fs_blocks); i++)
		out->n_fs += dn->fs_blocks[i];
	for (unsigned i = 0; i < ARRAY_LEN(dn->sched_blocks); i++)
		out->n_scheds += dn->sched_blocks[i];
	for (unsigned i = 0; i < N_DN_DROPS; i++)
		out->drops[i] = dn->drops[i];
}

void
dn_flow_totals(const struct dn *dn, struct dn_flow_totals *out)
{
	out->in_pkts = stat_get(&dn->in_pkts);
	out->out_pkts = stat_get(&dn->out_pkts);
	out->drops = 0;
	for (unsigned i = 0; i < N_DN_DROPS; i++)
		out->drops += stat_get(&dn->drops[i]);
}
