/* SPDX-License-Identifier: BSD-2-Clause */
#include "ctl/dn_config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NS_US NS_PER_US
#define NS_MS NS_PER_MS

/* All that one request says. */
struct request {
	bool has_sched, has_link, has_fs, has_profile;
	bool has_sch_extra, has_fs_extra;
	struct dn_sched_cfg sched;
	struct dn_link_cfg link;
	struct dn_fs_cfg fs;
	struct abi_dn_extra sch_extra, fs_extra;
	struct dn_profile profile;
	char trace_name[DN_NAME_MAX + 1];
	uint32_t n_trace;	  /* moments that came so far */
	struct dn_moment *trace;  /* owned, link.n_trace of them */
	struct err *e;
};

void
dn_flow_to_wire(const struct dn_flow_id *id, struct abi_flow_id *out)
{
	*out = (struct abi_flow_id){
	    .dst = id->dst4,
	    .src = id->src4,
	    .dst_port = id->dport,
	    .src_port = id->sport,
	    .proto = id->proto,
	    .family = id->family,
	    .flow_label = id->flow6,
	};
	memcpy(out->dst6, id->dst6, sizeof(out->dst6));
	memcpy(out->src6, id->src6, sizeof(out->src6));
}

static int
mask_of(struct request *r, const struct abi_flow_id *id,
    struct dn_flow_id *out)
{
	if (id->extra != 0)
		return err_set(r->e, EOPNOTSUPP, "'mask queue' is not "
		    "implemented in this version");
	*out = (struct dn_flow_id){
	    .dst4 = id->dst,
	    .src4 = id->src,
	    .dport = id->dst_port,
	    .sport = id->src_port,
	    .proto = id->proto,
	    .family = id->family,
	    .flow6 = id->flow_label,
	};
	memcpy(out->dst6, id->dst6, sizeof(out->dst6));
	memcpy(out->src6, id->src6, sizeof(out->src6));
	return 0;
}

/* ---- schedulers ---- */

static int
read_sch(struct request *r, const void *at, size_t len)
{
	struct abi_dn_sch s;
	const struct sched_ops *ops;
	char name[sizeof(s.name) + 1] = "";

	(void)len;
	memcpy(&s, at, sizeof(s));
	memcpy(name, s.name, sizeof(s.name));
	if (r->has_sched)
		return err_set(r->e, EINVAL, "two schedulers in one request");
	r->has_sched = true;
	r->sched.nr = s.sched_nr;
	r->sched.type = s.oid.subtype != 0 ? s.oid.subtype : DN_KEEP;
	if (name[0] != '\0') {
		if ((ops = sched_by_name(name)) == NULL)
			return err_set(r->e, EINVAL, "no type of scheduler is "
			    "called '%s'", name);
		r->sched.type = ops->type;
	}
	r->sched.flags = s.flags & DN_PIPE_CMD;
	r->sched.buckets = s.buckets;
	r->sched.has_mask = (s.flags & DN_HAVE_MASK) != 0;
	return mask_of(r, &s.mask, &r->sched.mask);
}

/* ---- links ---- */

static int
read_link(struct request *r, const void *at, size_t len)
{
	struct abi_dn_link k;

	(void)len;
	memcpy(&k, at, sizeof(k));
	if (r->has_link)
		return err_set(r->e, EINVAL, "two links in one request");
	if (k.bandwidth < -1)
		return err_set(r->e, EINVAL, "bandwidth too large");
	if (k.delay < 0)
		return err_set(r->e, EINVAL, "delay %d ms is below 0", k.delay);
	r->has_link = true;
	r->link.nr = k.link_nr;
	r->link.rate_bps = k.bandwidth == -1 ? 0 : (uint64_t)k.bandwidth;
	r->link.delay = (ns_t)k.delay * NS_MS;
	r->link.burst = k.burst;
	return 0;
}

static int
read_more_link(struct request *r, const void *at, size_t len)
{
	struct abi_dn_more_link m;
	struct dn_link_cfg *l = &r->link;

	(void)len;
	memcpy(&m, at, sizeof(m));
	if (!r->has_link || m.link_nr != l->nr)
		return err_set(r->e, EINVAL, "more about link %u, which is not "
		    "in the request", m.link_nr);
	if (m.n_trace > DN_TRACE_MAX)
		return err_set(r->e, EINVAL, "a trace of %u times: %d are "
		    "possible", m.n_trace, DN_TRACE_MAX);
	l->rate_bps = m.rate;
	l->delay = m.delay;
	l->burst = m.burst;
	l->jitter = m.jitter;
	l->jitter_kind = m.jitter_kind <= DN_JITTER_PARETO ?
	    (uint8_t)m.jitter_kind : UINT8_MAX;
	l->jitter_reorder = (m.flags & 1) != 0;
	l->reorder = m.reorder;
	l->duplicate = m.duplicate;
	l->corrupt = m.corrupt;
	l->memory = m.memory;
	if (m.n_trace == 0 || r->trace != NULL)
		return 0;
	r->trace = calloc(m.n_trace, sizeof(*r->trace));
	if (r->trace == NULL)
		return err_set(r->e, ENOMEM, "no memory for a trace");
	memcpy(r->trace_name, m.trace, sizeof(m.trace));
	l->trace_name = r->trace_name;
	l->n_trace = m.n_trace;
	l->trace = r->trace;
	return 0;
}

static int
read_trace(struct request *r, const void *at, size_t len)
{
	const char *p = (const char *)at + sizeof(struct abi_dn_more_trace);
	struct abi_dn_more_trace t;
	size_t n = (len - sizeof(t)) / sizeof(struct dn_moment);

	memcpy(&t, at, sizeof(t));
	if (r->trace == NULL || t.first != r->n_trace ||
	    n > r->link.n_trace - r->n_trace)
		return err_set(r->e, EINVAL, "the pieces of a trace do not fit "
		    "together");
	memcpy(r->trace + t.first, p, n * sizeof(struct dn_moment));
	r->n_trace += (uint32_t)n;
	return 0;
}

static int
read_profile(struct request *r, const void *at, size_t len)
{
	size_t head = offsetof(struct abi_dn_profile, samples);
	struct abi_dn_profile p;
	ns_t unit;

	memcpy(&p, at, len < sizeof(p) ? len : sizeof(p));
	if (p.samples_no < 0 || p.samples_no > DN_SAMPLES_MAX ||
	    (size_t)p.samples_no * sizeof(p.samples[0]) > len - head)
		return err_set(r->e, EINVAL, "a profile of %d samples in %zu "
		    "octets", p.samples_no, len);
	unit = p.oid.subtype == DN_PROFILE_US ? NS_US : NS_MS;
	memcpy(r->profile.name, p.name, sizeof(r->profile.name));
	r->profile.name[sizeof(r->profile.name) - 1] = '\0';
	r->profile.n_samples = (uint32_t)p.samples_no;
	r->profile.loss_level = p.loss_level < 0 ? 0 : (uint32_t)p.loss_level;
	for (int i = 0; i < p.samples_no; i++) {
		if (p.samples[i] < 0)
			return err_set(r->e, EINVAL, "sample %d of the profile "
			    "is below 0", i);
		r->profile.samples[i] = (ns_t)p.samples[i] * unit;
	}
	r->has_profile = p.samples_no > 0;
	return 0;
}

/* ---- flowsets ---- */

static uint32_t
par_of(int32_t v)
{
	return v < 0 ? DN_KEEP : (uint32_t)v;
}

static void
read_red(struct request *r, const struct abi_dn_fs *f)
{
	struct aqm_cfg *a = &r->fs.aqm;

	a->type = (f->flags & DN_IS_GRED) != 0 ? AQM_GRED : AQM_RED;
	a->flags = (f->flags & DN_IS_ECN) != 0 ? AQM_ECN : 0;
	a->w_q = (uint32_t)f->w_q;
	a->max_p = (uint32_t)f->max_p;
	a->min_th = (uint32_t)f->min_th;
	a->max_th = (uint32_t)f->max_th;
}

static int
read_fs(struct request *r, const void *at, size_t len)
{
	struct dn_fs_cfg *c = &r->fs;
	struct abi_dn_fs f;

	(void)len;
	memcpy(&f, at, sizeof(f));
	if (r->has_fs)
		return err_set(r->e, EINVAL, "two flowsets in one request");
	if (f.qsize < 0)
		return err_set(r->e, EINVAL, "queue size %d is below 0",
		    f.qsize);
	if ((f.flags & DN_IS_RED) != 0 && (f.w_q < 0 || f.max_p < 0 ||
	    f.min_th < 0 || f.max_th < 0))
		return err_set(r->e, EINVAL, "a parameter of RED is below 0");
	r->has_fs = true;
	c->nr = f.fs_nr;
	c->sched_nr = f.sched_nr;
	c->flags = f.flags & (DN_NOERROR | DN_QSIZE_BYTES);
	c->limit = (uint64_t)f.qsize;
	c->loss = (struct dn_loss){.p = f.plr < 0 ? 0 : (uint32_t)f.plr};
	c->buckets = f.buckets;
	c->has_mask = (f.flags & DN_HAVE_MASK) != 0;
	c->par = (struct flow_par){par_of(f.par[0]), par_of(f.par[1]),
	    par_of(f.par[2])};
	c->aqm = (struct aqm_cfg){.type = AQM_DROP_TAIL};
	if ((f.flags & DN_IS_RED) != 0)
		read_red(r, &f);
	return mask_of(r, &f.mask, &c->mask);
}

static int
read_more_fs(struct request *r, const void *at, size_t len)
{
	struct abi_dn_more_fs m;

	(void)len;
	memcpy(&m, at, sizeof(m));
	if (!r->has_fs || m.fs_nr != r->fs.nr)
		return err_set(r->e, EINVAL, "more about flowset %u, which is "
		    "not in the request", m.fs_nr);
	if (m.qsize != 0)
		r->fs.limit = m.qsize;
	r->fs.loss = (struct dn_loss){
	    .gilbert_elliott = (m.flags & 1) != 0,
	    .k = m.loss[0],
	    .p = m.loss[1],
	    .h = m.loss[2],
	    .r = m.loss[3],
	};
	return 0;
}

/* ---- CoDel, PIE, FQ-CoDel, FQ-PIE ---- */

enum { PIE_PARS = 7, CODEL_PARS = 3 };

static const struct extra_defaults {
	const char *name;
	uint8_t type;
	bool fq;
	int64_t par[DN_EXTRA_PARS];
} extra_defaults[] = {
    {"codel", AQM_CODEL, false, {5000, 100000, 0}},
    {"pie", AQM_PIE, false,
	{15000, 15000, 150000, DN_EXTRA_SCALE / 10, DN_EXTRA_SCALE / 8,
	    DN_EXTRA_SCALE * 5 / 4,
	    DN_EXTRA_CAPDROP | DN_EXTRA_DEPRATE | DN_EXTRA_DERAND}},
    {"fq_codel", AQM_CODEL, true,
	{5000, 100000, DN_EXTRA_ECN, 1514, 10240, 1024}},
    {"fq_pie", AQM_PIE, true,
	{15000, 15000, 150000, DN_EXTRA_SCALE / 10, DN_EXTRA_SCALE / 8,
	    DN_EXTRA_SCALE * 5 / 4, DN_EXTRA_CAPDROP | DN_EXTRA_DERAND, 1514,
	    10240, 1024}},
};

static const struct extra_defaults *
extra_find(const struct abi_dn_extra *x)
{
	char name[sizeof(x->name) + 1] = "";

	memcpy(name, x->name, sizeof(x->name));
	for (size_t i = 0; i < ARRAY_LEN(extra_defaults); i++)
		if (strcasecmp(name, extra_defaults[i].name) == 0)
			return &extra_defaults[i];
	return NULL;
}

static int
read_text(struct request *r, const void *at, size_t len)
{
	struct abi_dn_extra x;
	const struct extra_defaults *d;

	if (len < sizeof(x))
		return err_set(r->e, EINVAL, "parameters of %zu octets: %zu "
		    "are expected", len, sizeof(x));
	memcpy(&x, at, sizeof(x));
	if ((d = extra_find(&x)) == NULL)
		return err_set(r->e, EINVAL, "no queue management is called "
		    "'%.16s'", x.name);
	for (unsigned i = 0; i < DN_EXTRA_PARS; i++) {
		if (x.par[i] < 0)
			x.par[i] = d->par[i];
		if (x.par[i] > INT32_MAX)
			return err_set(r->e, EINVAL, "parameter %u of %s is too "
			    "big", i + 1, d->name);
	}
	if (d->fq != (x.oid.subtype == DN_SCH_PARAMS))
		return err_set(r->e, EINVAL, "%s is for %s", d->name,
		    d->fq ? "schedulers" : "queues");
	if (d->fq) {
		r->sch_extra = x;
		r->has_sch_extra = true;
	} else {
		r->fs_extra = x;
		r->has_fs_extra = true;
	}
	return 0;
}

static uint8_t
aqm_flags(int64_t f)
{
	return (uint8_t)(f & (DN_EXTRA_ECN | DN_EXTRA_CAPDROP |
	    DN_EXTRA_ONOFF | DN_EXTRA_DEPRATE | DN_EXTRA_DERAND));
}

_Static_assert((int)AQM_ECN == (int)DN_EXTRA_ECN &&
	(int)AQM_CAPDROP == (int)DN_EXTRA_CAPDROP &&
	(int)AQM_ONOFF == (int)DN_EXTRA_ONOFF &&
	(int)AQM_DEPRATE == (int)DN_EXTRA_DEPRATE &&
	(int)AQM_DERAND == (int)DN_EXTRA_DERAND &&
	(int)AQM_SCALE == (int)DN_EXTRA_SCALE, "numbers of AQMs");

static void
fill_aqm(struct aqm_cfg *a, const struct abi_dn_extra *x, uint8_t type)
{
	const int64_t *p = x->par;

	*a = (struct aqm_cfg){.type = type, .target = (ns_t)p[0] * NS_US};
	if (type == AQM_CODEL) {
		a->interval = (ns_t)p[1] * NS_US;
		a->flags = aqm_flags(p[2]);
		return;
	}
	a->tupdate = (ns_t)p[1] * NS_US;
	a->max_burst = (ns_t)p[2] * NS_US;
	a->max_ecnth = (uint32_t)p[3];
	a->alpha = (uint32_t)p[4];
	a->beta = (uint32_t)p[5];
	a->flags = aqm_flags(p[6]);
}

/* The laws' parameters to the objects they are for. */
static void
fill_extras(struct request *r)
{
	if (r->has_fs_extra && r->has_fs)
		fill_aqm(&r->fs.aqm, &r->fs_extra,
		    extra_find(&r->fs_extra)->type);
	if (r->has_sch_extra && r->has_sched) {
		uint8_t type = extra_find(&r->sch_extra)->type;
		const int64_t *p = r->sch_extra.par +
		    (type == AQM_CODEL ? CODEL_PARS : PIE_PARS);

		fill_aqm(&r->sched.fq.aqm, &r->sch_extra, type);
		r->sched.fq.quantum = (uint32_t)p[0];
		r->sched.fq.limit = (uint32_t)p[1];
		r->sched.fq.flows = (uint32_t)p[2];
	}
}

/* ---- the request ---- */

typedef int read_fn(struct request *r, const void *at, size_t len);

static const struct object {
	uint8_t type;
	size_t least; /* octets */
	read_fn *read;
} objects[] = {
    {DN_SCH, sizeof(struct abi_dn_sch), read_sch},
    {DN_LINK, sizeof(struct abi_dn_link), read_link},
    {DN_MORE_LINK, sizeof(struct abi_dn_more_link), read_more_link},
    {DN_MORE_TRACE, sizeof(struct abi_dn_more_trace), read_trace},
    {DN_FS, sizeof(struct abi_dn_fs), read_fs},
    {DN_MORE_FS, sizeof(struct abi_dn_more_fs), read_more_fs},
    {DN_PROFILE, offsetof(struct abi_dn_profile, samples), read_profile},
    {DN_TEXT, sizeof(struct dn_id), read_text},
};

static int
read_object(struct request *r, const char *at, size_t left, size_t *len)
{
	const struct object *o = objects, *end = objects + ARRAY_LEN(objects);
	struct dn_id id = {0};

	if (left >= sizeof(id))
		memcpy(&id, at, sizeof(id));
	if (id.len < sizeof(id) || id.len > left)
		return err_set(r->e, EINVAL, "an object of %u octets, %zu "
		    "before the end of the request", id.len, left);
	while (o < end && o->type != id.type)
		o++;
	if (o == end)
		return err_set(r->e, EINVAL, "unknown dummynet object %u",
		    id.type);
	if (id.len < o->least)
		return err_set(r->e, EINVAL, "dummynet object %u of %u octets: "
		    "%zu are expected", id.type, id.len, o->least);
	*len = id.len;
	return o->read(r, at, id.len);
}

static int
read_all(struct request *r, const char *at, size_t left)
{
	size_t len = 0;
	int rc;

	for (; left > 0; at += len, left -= len) {
		if ((rc = read_object(r, at, left, &len)) != 0)
			return rc;
	}
	if (r->n_trace != r->link.n_trace)
		return err_set(r->e, EINVAL, "a trace of %u times lacks %u",
		    r->link.n_trace, r->link.n_trace - r->n_trace);
	if (r->has_profile)
		r->link.profile = &r->profile;
	fill_extras(r);
	return 0;
}

/* An engine_dn_fn. */
static int
configure(struct dn *dn, ns_t now, void *arg)
{
	struct request *r = arg;
	int rc;

	if ((r->has_sched && (rc = dn_sched_check(dn, &r->sched, r->e)) != 0) ||
	    (r->has_link && (rc = dn_link_check(dn, &r->link, r->e)) != 0) ||
	    (r->has_fs && (rc = dn_fs_check(dn, &r->fs, r->e)) != 0))
		return rc;
	if ((r->has_sched &&
		(rc = dn_sched_config(dn, &r->sched, now, r->e)) != 0) ||
	    (r->has_link &&
		(rc = dn_link_config(dn, &r->link, now, r->e)) != 0) ||
	    (r->has_fs && (rc = dn_fs_config(dn, &r->fs, now, r->e)) != 0))
		return rc;
	return 0;
}

int
dn_config_apply(struct engine *en, const void *data, size_t len, struct err *e)
{
	struct request *r = calloc(1, sizeof(*r));
	int rc;

	if (r == NULL)
		return err_set(e, ENOMEM, "no memory for the request");
	r->e = e;
	rc = read_all(r, data, len);
	if (rc == 0)
		rc = engine_dn_call(en, configure, r);
	free(r->trace);
	free(r);
	return rc;
}
