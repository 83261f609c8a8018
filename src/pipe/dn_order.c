/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When packets may come ahead of calls to dn_run().
 *
 * Each queue, link and line works with exact times, so a call that comes late
 * changes nothing that depends on times alone.  What depends on more than that:
 * numbers that several draw from one generator, in the order of the calls; limits
 * on memory, which packets give back when they are taken; and members that are
 * idle, which are looked for once in DN_SWEEP_EVERY.
 */
#include "pipe/dn.h"

#include "pipe/model.h"
#include "pipe/objects.h"

static bool
draws(uint32_t p)
{
	return p != 0 && p < DN_ONE;
}

static bool
sched_is_strict(const struct sched *s)
{
	return s->disturbs || s->profile != NULL || s->link.memory != 0 ||
	    s->fq_aqm.ops != NULL;
}

static bool
flowset_is_strict(const struct flowset *fs)
{
	const struct dn_loss *l = &fs->cfg.loss;

	return fs->aqm.ops != NULL || l->gilbert_elliott || draws(l->p);
}

enum dn_order
dn_order(const struct dn *dn)
{
	enum dn_order order = DN_ORDER_FREE;

	for (uint32_t nr = dn_next_sched(dn, 1); nr < 2 * DN_MAX_NR;
	     nr = dn_next_sched(dn, nr + 1)) {
		if (sched_is_strict(dn->scheds[nr]))
			return DN_ORDER_STRICT;
		if (dn->scheds[nr]->cfg.has_mask)
			order = DN_ORDER_GRID;
	}
	for (uint32_t nr = dn_next_fs(dn, 1); nr < 3 * DN_MAX_NR;
	     nr = dn_next_fs(dn, nr + 1)) {
		if (flowset_is_strict(dn->flowsets[nr]))
			return DN_ORDER_STRICT;
		if (dn->flowsets[nr]->masked)
			order = DN_ORDER_GRID;
	}
	return order;
}

ns_t
dn_ahead(const struct dn *dn, enum dn_order order, ns_t now)
{
	/* A packet that is not yet taken takes room that would be free. */
	if (order == DN_ORDER_STRICT ||
	    slab_used(dn->slab) > slab_capacity(dn->slab) / 4 * 3)
		return now;
	return order == DN_ORDER_FREE ? UINT64_MAX :
	    (now / DN_SWEEP_EVERY + 1) * DN_SWEEP_EVERY;
}
