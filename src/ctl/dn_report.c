/* SPDX-License-Identifier: BSD-2-Clause */
#include "ctl/dn_report.h"

#include "ctl/dn_config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CHILDREN = 4096 };

struct range {
	uint32_t lo;
	uint32_t hi;
};

/* The answer as it grows. */
struct answer {
	const struct dn *dn;
	ns_t now;
	uint8_t what; /* DN_LINK, DN_SCH, DN_FS */
	bool more;    /* kipfw's own objects too */
	char *at;     /* NULL: only measured */
	size_t len;   /* octets so far, also those for which there is no room */
	size_t room;
	bool cut;     /* something did not fit */
	unsigned n_ranges;
	const struct range *ranges;
	uint32_t *children; /* room for MAX_CHILDREN */
};

/* Adds an object of 'size' octets, all of it or nothing; its dn_id is made
 * here. */
static void
put(struct answer *a, uint8_t type, uint8_t subtype, uint32_t id, void *obj,
    size_t size)
{
	struct dn_id head = {(uint16_t)size, type, subtype, id};

	if (a->at != NULL) {
		a->cut = a->cut || size > a->room - a->len;
		if (a->cut)
			return;
		memcpy(a->at + a->len, obj, size);
		memcpy(a->at + a->len, &head, sizeof(head));
	}
	a->len += size;
}

static int32_t
int_of(uint64_t v)
{
	return v > INT32_MAX ? INT32_MAX : (int32_t)v;
}

/* ---- links ---- */

static void
put_more_link(struct answer *a, uint32_t nr, const struct dn_link_cfg *c)
{
	struct abi_dn_more_link m = {
	    .link_nr = nr,
	    .flags = c->jitter_reorder,
	    .rate = c->rate_bps,
	    .delay = c->delay,
	    .burst = c->burst,
	    .jitter = c->jitter,
	    .jitter_kind = c->jitter_kind,
	    .reorder = c->reorder,
	    .duplicate = c->duplicate,
	    .corrupt = c->corrupt,
	    .memory = c->memory,
	    .n_trace = c->n_trace,
	};

	if (c->trace_name != NULL)
		memcpy(m.trace, c->trace_name, strnlen(c->trace_name,
		    sizeof(m.trace) - 1));
	put(a, DN_MORE_LINK, 0, nr, &m, sizeof(m));
}

static void
put_profile(struct answer *a, uint32_t nr, const struct dn_profile *p)
{
	struct abi_dn_profile w = {
	    .link_nr = nr,
	    .loss_level = int_of(p->loss_level),
	    .samples_no = int_of(p->n_samples),
	};

	memcpy(w.name, p->name, sizeof(w.name));
	for (uint32_t i = 0; i < p->n_samples; i++)
		w.samples[i] = int_of(p->samples[i] / NS_PER_MS);
	put(a, DN_PROFILE, DN_PROFILE_MS, nr, &w,
	    offsetof(struct abi_dn_profile, samples) +
		p->n_samples * sizeof(w.samples[0]));
}

static void
put_link(struct answer *a, const struct dn_sched_info *s)
{
	const struct dn_link_cfg *c = &s->link;
	struct abi_dn_link k = {
	    .link_nr = s->cfg.nr,
	    .bandwidth = int_of(c->rate_bps),
	    .delay = int_of(c->delay / NS_PER_MS),
	    .burst = c->burst,
	};

	put(a, DN_LINK, 0, s->cfg.nr, &k, sizeof(k));
	if (a->more)
		put_more_link(a, s->cfg.nr, c);
	if (c->profile != NULL)
		put_profile(a, s->cfg.nr, c->profile);
}

/* ---- flowsets ---- */

static void
put_aqm(struct answer *a, uint8_t subtype, uint32_t nr, const char *name,
    const struct aqm_cfg *c, const struct fq_cfg *fq)
{
	struct abi_dn_extra x = {.nr = nr,
	    .par = {(int64_t)(c->target / NS_PER_US)}};
	int64_t *rest;

	strcpy(x.name, name);
	if (c->type == AQM_CODEL) {
		x.par[1] = (int64_t)(c->interval / NS_PER_US);
		x.par[2] = c->flags;
		rest = x.par + 3;
	} else {
		x.par[1] = (int64_t)(c->tupdate / NS_PER_US);
		x.par[2] = (int64_t)(c->max_burst / NS_PER_US);
		x.par[3] = c->max_ecnth;
		x.par[4] = c->alpha;
		x.par[5] = c->beta;
		x.par[6] = c->flags;
		rest = x.par + 7;
	}
	if (fq != NULL) {
		rest[0] = fq->quantum;
		rest[1] = fq->limit;
		rest[2] = fq->flows;
	}
	put(a, DN_TEXT, subtype, nr, &x, sizeof(x));
}

static void
fill_red(struct abi_dn_fs *f, const struct aqm_cfg *c)
{
	if (c->type != AQM_RED && c->type != AQM_GRED)
		return;
	f->flags |= DN_IS_RED | (c->type == AQM_GRED ? DN_IS_GRED : 0) |
	    ((c->flags & AQM_ECN) != 0 ? DN_IS_ECN : 0);
	f->w_q = int_of(c->w_q);
	f->max_p = int_of(c->max_p);
	f->min_th = int_of(c->min_th);
	f->max_th = int_of(c->max_th);
}

static void
put_more_fs(struct answer *a, const struct dn_fs_cfg *c)
{
	struct abi_dn_more_fs m = {
	    .fs_nr = c->nr,
	    .flags = c->loss.gilbert_elliott,
	    .qsize = c->limit,
	    .loss = {c->loss.k, c->loss.p, c->loss.h, c->loss.r},
	};

	put(a, DN_MORE_FS, 0, c->nr, &m, sizeof(m));
}

static void
put_fs(struct answer *a, const struct dn_fs_info *i)
{
	const struct dn_fs_cfg *c = &i->cfg;
	bool aqm = c->aqm.type == AQM_CODEL || c->aqm.type == AQM_PIE;
	struct abi_dn_fs f = {
	    .fs_nr = c->nr,
	    .flags = c->flags | (c->has_mask ? DN_HAVE_MASK | DN_QHT_HASH : 0),
	    .qsize = int_of(c->limit),
	    .plr = int_of(c->loss.p),
	    .buckets = c->buckets,
	    .sched_nr = c->sched_nr,
	    .par = {int_of(c->par.weight), int_of(c->par.lmax),
		int_of(c->par.pri)},
	};

	fill_red(&f, &c->aqm);
	f.flags |= aqm && a->more ? DN_IS_AQM : 0;
	dn_flow_to_wire(&c->mask, &f.mask);
	put(a, DN_FS, 0, i->n_flows, &f, sizeof(f));
	if (!a->more)
		return;
	put_more_fs(a, c);
	if (aqm)
		put_aqm(a, DN_AQM_PARAMS, c->nr,
		    c->aqm.type == AQM_CODEL ? "codel" : "pie", &c->aqm, NULL);
}

/* A dn_flow_fn. */
static void
put_flow(void *arg, const struct dn_flow_info *i)
{
	struct abi_dn_flow f = {
	    .tot_pkts = i->pkts,
	    .tot_bytes = i->bytes,
	    .length = i->len,
	    .len_bytes = (uint32_t)int_of(i->len_bytes),
	    .drops = (uint32_t)int_of(i->drops),
	};

	dn_flow_to_wire(&i->id, &f.fid);
	put(arg, DN_FLOW, 0, i->bucket, &f, sizeof(f));
}

/* ---- schedulers ---- */

static void
put_report(struct answer *a, uint32_t nr, const struct dn_report *r)
{
	union {
		struct abi_dn_more_report w;
		char room[sizeof(struct abi_dn_more_report) +
		    N_DN_DROPS * sizeof(uint64_t)];
	} o = {.w = {
	    .nr = nr,
	    .flags = (r->queue_short ? 1 : 0) | (r->memory_short ? 2 : 0),
	    .in_pkts = r->in_pkts, .in_bytes = r->in_bytes,
	    .out_pkts = r->out_pkts, .out_bytes = r->out_bytes,
	    .second_bps = r->second_bps, .second_pps = r->second_pps,
	    .since = r->since,
	    .queued_pkts = r->counts.queued_pkts,
	    .queued_bytes = r->counts.queued_bytes,
	    .peak_pkts = r->counts.peak_pkts,
	    .line_pkts = r->line_pkts,
	    .memory = r->counts.memory, .memory_limit = r->memory_limit,
	    .bdp_bytes = r->bdp_bytes, .bdp_memory = r->bdp_memory,
	    .error_n = r->error.n, .error_p50 = r->error.p50,
	    .error_p99 = r->error.p99, .error_p999 = r->error.p999,
	    .error_max = r->error.max,
	    .marked = r->counts.marks, .duplicated = r->duplicated,
	    .corrupted = r->corrupted, .reordered = r->reordered,
	    .n_drops = N_DN_DROPS,
	}};

	memcpy(o.room + sizeof(o.w), r->counts.drops, sizeof(r->counts.drops));
	put(a, DN_MORE_REPORT, 0, nr, &o, sizeof(o));
}

static void
put_children(struct answer *a, uint32_t nr)
{
	struct {
		struct dn_id id;
		uint32_t nrs[MAX_CHILDREN];
	} o;
	unsigned n = dn_children(a->dn, nr, a->children, MAX_CHILDREN), m = 0;

	n = n < MAX_CHILDREN ? n : MAX_CHILDREN;
	while (n-- > 0) { /* the latest first, as ever */
		if (a->children[n] < DN_FIRST_PIPE)
			o.nrs[m++] = a->children[n];
	}
	put(a, DN_TEXT, 0, nr, &o, sizeof(o.id) + m * sizeof(o.nrs[0]));
}

static void
put_sch(struct answer *a, const struct dn_sched_info *s)
{
	struct abi_dn_sch w = {
	    .sched_nr = s->cfg.nr,
	    .buckets = s->cfg.has_mask ? s->cfg.buckets : 0,
	    .flags = s->cfg.has_mask ? DN_HAVE_MASK : 0,
	};

	strcpy(w.name, s->ops->name);
	dn_flow_to_wire(&s->cfg.mask, &w.mask);
	put(a, DN_SCH, s->ops->type, s->n_instances, &w, sizeof(w));
	if (a->more && (s->ops->type == SCHED_TYPE_FQ_CODEL ||
	    s->ops->type == SCHED_TYPE_FQ_PIE))
		put_aqm(a, DN_SCH_PARAMS, s->cfg.nr, s->ops->name,
		    &s->cfg.fq.aqm, &s->cfg.fq);
	put_children(a, s->cfg.nr);
	if (a->more && s->n_children > 0)
		put_report(a, s->cfg.nr, &s->report);
	dn_each_instance(a->dn, s->cfg.nr, put_flow, a);
}

/* A dn_sched_fn: a pipe, or a scheduler. */
static void
put_sched(void *arg, const struct dn_sched_info *s)
{
	struct answer *a = arg;
	uint32_t nr = s->cfg.nr;
	struct dn_fs_info fs;

	if ((a->what == DN_LINK) != (nr > DN_FIRST_PIPE))
		return;
	put_link(a, s);
	/* One that serves queues has no flowset of its own. */
	if ((s->ops->flags & SCHED_FLOWS) == 0 &&
	    dn_fs_get(a->dn, nr + DN_FIRST_PIPE, &fs))
		put_fs(a, &fs);
	put_sch(a, s);
}

/* A dn_fs_fn. */
static void
put_queue(void *arg, const struct dn_fs_info *i)
{
	struct answer *a = arg;

	if (i->cfg.nr >= DN_FIRST_PIPE)
		return;
	put_fs(a, i);
	dn_each_flow(a->dn, i->cfg.nr, put_flow, a);
}

/* An engine_dn_fn: everything that was asked for. */
static int
collect(struct dn *dn, ns_t now, void *arg)
{
	struct answer *a = arg;
	static const struct range queues = {1, DN_FIRST_PIPE - 1},
	    pipes = {DN_FIRST_PIPE + 1, 2 * DN_FIRST_PIPE - 1};
	const struct range *r = a->n_ranges > 0 ? a->ranges :
	    a->what == DN_LINK			? &pipes :
						  &queues;
	unsigned n = a->n_ranges > 0 ? a->n_ranges : 1;

	a->dn = dn;
	a->now = now;
	a->len = sizeof(struct dn_id);
	for (; n > 0; n--, r++) {
		if (a->what == DN_FS)
			dn_each_fs(dn, r->lo, r->hi, put_queue, a);
		else
			dn_each_sched(dn, r->lo, r->hi, now, put_sched, a);
	}
	return 0;
}

/* Ranges of the request, in memory of their own. */
static int
read_ranges(struct answer *a, const struct ctl_call *call,
    const struct dn_id *id, struct range **out, struct err *e)
{
	size_t len = id->len - sizeof(*id);

	*out = NULL;
	if (id->len < sizeof(*id) || id->len > call->len ||
	    len % sizeof(struct range) != 0)
		return err_set(e, EINVAL, "dummynet request of %u octets in "
		    "%zu", id->len, call->len);
	if (len == 0)
		return 0;
	if ((*out = malloc(len)) == NULL)
		return err_set(e, ENOMEM, "no memory for the request");
	memcpy(*out, (const char *)call->data + sizeof(*id), len);
	a->ranges = *out;
	a->n_ranges = (unsigned)(len / sizeof(struct range));
	return 0;
}

/* The answer in the caller's room: measured, then written. */
static void
answer(struct engine *en, struct answer *a, struct ctl_call *call,
    const struct dn_id *asked)
{
	struct dn_id head = *asked;

	engine_dn_call(en, collect, a);
	head.len = sizeof(head);
	head.id = (uint32_t)a->len;
	call->reply_len = sizeof(head);
	if (a->n_ranges > 0 || a->len <= call->room) {
		a->at = call->data;
		a->room = call->room;
		engine_dn_call(en, collect, a);
		call->reply_len = a->len;
	}
	memcpy(call->data, &head, sizeof(head));
}

int
dn_report_get(struct engine *en, struct ctl_call *call, struct err *e)
{
	struct dn_id id;
	struct range *ranges;
	struct answer a = {0};
	int rc;

	memcpy(&id, call->data, sizeof(id));
	a.what = id.subtype;
	a.more = id.type == DN_CMD_GET_MORE;
	rc = read_ranges(&a, call, &id, &ranges, e);
	if (rc == 0) {
		a.children = malloc(MAX_CHILDREN * sizeof(*a.children));
		if (a.children == NULL)
			rc = err_set(e, ENOMEM, "no memory for the answer");
		else
			answer(en, &a, call, &id);
	}
	free(a.children);
	free(ranges);
	return rc;
}
