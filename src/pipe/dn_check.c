/* SPDX-License-Identifier: BSD-2-Clause */
#include "pipe/dn_check.h"

#include "pipe/objects.h"

#include <errno.h>

enum {
	FQ_QUANTUM = 1514,
	FQ_LIMIT = 10240,
	FQ_FLOWS = 1024,
	FQ_MAX_QUANTUM = 9000,
	FQ_MAX_LIMIT = 20480,
	FQ_MAX_FLOWS = 65536,
};

void
dn_check_complete_fq(uint32_t type, struct fq_cfg *fq)
{
	fq->aqm.type = type == SCHED_TYPE_FQ_PIE ? AQM_PIE : AQM_CODEL;
	if (fq->quantum == 0)
		fq->quantum = FQ_QUANTUM;
	if (fq->limit == 0)
		fq->limit = FQ_LIMIT;
	if (fq->flows == 0)
		fq->flows = FQ_FLOWS;
}

/* ---- schedulers ---- */

static int
check_fq(const struct sched_ops *ops, const struct fq_cfg *given,
    struct err *e)
{
	struct fq_cfg fq = *given;
	const struct aqm_ops *aqm;

	dn_check_complete_fq(ops->type, &fq);
	if ((aqm = aqm_find(fq.aqm.type)) == NULL)
		return err_set(e, EINVAL, "%s: its queue management is not "
		    "implemented", ops->name);
	if (fq.quantum > FQ_MAX_QUANTUM)
		return err_set(e, EINVAL, "quantum %u: at most %d octets",
		    fq.quantum, FQ_MAX_QUANTUM);
	if (fq.limit > FQ_MAX_LIMIT)
		return err_set(e, EINVAL, "limit %u: at most %d packets",
		    fq.limit, FQ_MAX_LIMIT);
	if (fq.flows > FQ_MAX_FLOWS)
		return err_set(e, EINVAL, "flows %u: at most %d", fq.flows,
		    FQ_MAX_FLOWS);
	if (aqm->check != NULL && aqm->check(&fq.aqm, e) != 0)
		return -EINVAL;
	return ops->check != NULL ? ops->check(&fq, e) : 0;
}

static int
check_buckets(uint32_t buckets, struct err *e)
{
	if (buckets > DN_MAX_BUCKETS)
		return err_set(e, EINVAL, "%u buckets: at most %u", buckets,
		    DN_MAX_BUCKETS);
	return 0;
}

int
dn_sched_check(const struct dn *dn, const struct dn_sched_cfg *cfg,
    struct err *e)
{
	const struct sched_ops *ops;

	(void)dn;
	if (cfg->nr == 0 || cfg->nr >= DN_MAX_NR)
		return err_set(e, EINVAL, "scheduler %u: 1 to %u are allowed",
		    cfg->nr, DN_MAX_NR - 1);
	if (cfg->has_mask && check_buckets(cfg->buckets, e) != 0)
		return -EINVAL;
	if (cfg->type == DN_KEEP)
		return 0;
	if (cfg->type > UINT8_MAX ||
	    (ops = sched_find((uint8_t)cfg->type)) == NULL)
		return err_set(e, EINVAL, "unknown type of scheduler");
	return (ops->flags & SCHED_OWN_QUEUES) != 0 ?
	    check_fq(ops, &cfg->fq, e) : 0;
}

/* ---- links ---- */

static int
check_chance(uint32_t p, const char *what, struct err *e)
{
	if (p > DN_ONE)
		return err_set(e, EINVAL, "%s: a probability is from 0 to 1",
		    what);
	return 0;
}

static int
check_jitter(const struct dn_link_cfg *c, struct err *e)
{
	if (c->jitter_kind > DN_JITTER_PARETO)
		return err_set(e, EINVAL, "unknown kind of jitter");
	if (c->jitter > DN_MAX_DELAY)
		return err_set(e, EINVAL, "jitter: at most an hour");
	if (check_chance(c->reorder, "reorder", e) != 0 ||
	    check_chance(c->duplicate, "duplicate", e) != 0 ||
	    check_chance(c->corrupt, "corrupt", e) != 0)
		return -EINVAL;
	return 0;
}

static int
check_profile(const struct dn_profile *p, struct err *e)
{
	if (p == NULL)
		return 0;
	if (p->n_samples < 2 || p->n_samples > DN_MAX_SAMPLES)
		return err_set(e, EINVAL, "profile of %u samples: 2 to %d",
		    p->n_samples, DN_MAX_SAMPLES);
	for (uint32_t i = 0; i < p->n_samples; i++) {
		if (p->samples[i] > DN_MAX_DELAY)
			return err_set(e, EINVAL, "profile: sample %u is "
			    "above an hour", i);
	}
	return 0;
}

static int
check_trace(const struct dn_link_cfg *c, struct err *e)
{
	if (c->trace == NULL)
		return 0;
	if (c->n_trace == 0 || c->n_trace > DN_TRACE_MAX)
		return err_set(e, EINVAL, "trace of %u moments: 1 to %u",
		    c->n_trace, DN_TRACE_MAX);
	for (uint32_t i = 0; i < c->n_trace; i++) {
		const struct dn_moment *m = &c->trace[i];

		if (m->n == 0 || m->n > DN_TRACE_MAX / 2)
			return err_set(e, EINVAL, "trace: %u deliveries at %u "
			    "ms", m->n, m->ms);
		if (i > 0 && m->ms <= m[-1].ms)
			return err_set(e, EINVAL, "trace: %u ms after %u ms",
			    m->ms, m[-1].ms);
	}
	if (c->trace[c->n_trace - 1].ms == 0)
		return err_set(e, EINVAL, "trace: it must end after 0 ms");
	return 0;
}

int
dn_link_check(const struct dn *dn, const struct dn_link_cfg *cfg,
    struct err *e)
{
	size_t all = slab_capacity(dn->slab);

	if (cfg->nr == 0 || cfg->nr >= DN_MAX_NR)
		return err_set(e, EINVAL, "pipe %u: 1 to %u are allowed",
		    cfg->nr, DN_MAX_NR - 1);
	if (cfg->rate_bps > DN_MAX_RATE)
		return err_set(e, EINVAL, "bandwidth above 400 Gbit/s");
	if (cfg->delay > DN_MAX_DELAY)
		return err_set(e, EINVAL, "delay above an hour");
	if (cfg->burst > DN_MAX_BYTES)
		return err_set(e, EINVAL, "burst above %llu octets",
		    DN_MAX_BYTES);
	if (cfg->memory > all)
		return err_set(e, EINVAL, "memory of %llu octets: all pipes "
		    "together have %zu", (unsigned long long)cfg->memory, all);
	if (check_jitter(cfg, e) != 0 || check_profile(cfg->profile, e) != 0)
		return -EINVAL;
	return check_trace(cfg, e);
}

/* ---- flowsets ---- */

static int
check_limit(const struct dn *dn, const struct dn_fs_cfg *c, struct err *e)
{
	bool by_bytes = (c->flags & DN_FS_BYTES) != 0;
	uint64_t most = by_bytes ? dn->knobs.byte_limit : dn->knobs.slot_limit;

	if (c->limit > most)
		return err_set(e, EINVAL, "queue of %llu %s: at most %llu "
		    "(sysctl net.inet.ip.dummynet.pipe_%s_limit)",
		    (unsigned long long)c->limit, by_bytes ? "octets" : "slots",
		    (unsigned long long)most, by_bytes ? "byte" : "slot");
	return 0;
}

static int
check_loss(const struct dn_loss *l, struct err *e)
{
	if (check_chance(l->p, "plr", e) != 0 ||
	    check_chance(l->k, "plr", e) != 0 ||
	    check_chance(l->h, "plr", e) != 0 ||
	    check_chance(l->r, "plr", e) != 0)
		return -EINVAL;
	return 0;
}

static int
check_aqm(const struct aqm_cfg *c, struct err *e)
{
	const struct aqm_ops *ops;

	if (c->type == AQM_DROP_TAIL)
		return 0;
	if ((ops = aqm_find(c->type)) == NULL)
		return err_set(e, EINVAL, "unknown kind of queue management");
	return ops->check != NULL ? ops->check(c, e) : 0;
}

int
dn_fs_check(const struct dn *dn, const struct dn_fs_cfg *cfg, struct err *e)
{
	if (cfg->nr == 0 || cfg->nr >= 3 * DN_MAX_NR)
		return err_set(e, EINVAL, "queue %u: 1 to %u are allowed",
		    cfg->nr, DN_MAX_NR - 1);
	if (cfg->sched_nr >= 2 * DN_MAX_NR)
		return err_set(e, EINVAL, "queue %u: there is no scheduler %u",
		    cfg->nr, cfg->sched_nr);
	if (cfg->has_mask && check_buckets(cfg->buckets, e) != 0)
		return -EINVAL;
	if (check_limit(dn, cfg, e) != 0 || check_loss(&cfg->loss, e) != 0)
		return -EINVAL;
	return check_aqm(&cfg->aqm, e);
}
