/* SPDX-License-Identifier: BSD-2-Clause */
#include "ctl/dn_sysctl.h"

#include "pipe/dn.h"

static uint32_t
count(uint64_t n)
{
	return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

/* An engine_dn_fn. */
static int
tell(struct dn *dn, ns_t now, void *arg)
{
	struct knobs *k = arg;
	struct dn_totals t;

	(void)now;
	dn_totals(dn, &t);
	knob_set(&k->dn_scheds, count(t.n_scheds));
	knob_set(&k->dn_instances, count(t.n_instances));
	knob_set(&k->dn_flowsets, count(t.n_fs));
	knob_set(&k->dn_queues, count(t.n_flows));
	return 0;
}

/* An engine_dn_fn. */
static int
apply(struct dn *dn, ns_t now, void *arg)
{
	const struct knobs *k = arg;
	struct dn_knobs *to = dn_knobs(dn);

	(void)now;
	to->hash_size = knob_get(&k->dn_hash_size);
	to->slot_limit = knob_get(&k->dn_slot_limit);
	to->byte_limit = knob_get(&k->dn_byte_limit);
	to->expire = knob_get(&k->dn_expire) != 0;
	return 0;
}

void
dn_sysctl_tell(struct engine *en)
{
	engine_dn_call(en, tell, engine_knobs(en));
}

void
dn_sysctl_apply(struct engine *en)
{
	engine_dn_call(en, apply, engine_knobs(en));
}
