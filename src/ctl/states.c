/* SPDX-License-Identifier: BSD-2-Clause */
#include "ctl/states.h"

#include "base/clock.h"

#include <string.h>

enum { LAST = 1 }; /* flag of the last TLV */

struct entry {
	struct obj_tlv head;
	struct abi_state s;
};

/* The rule of a state; NULL if it is gone. */
static const struct rule *
rule_of(const struct ruleset *rs, const struct state_view *v)
{
	unsigned n = ruleset_find_rule(
	    rs, v->rule.num, v->rule.id, v->rule.hint);

	return n < rs->n_rules ? rs->rules[n] : NULL;
}

size_t
ctl_states_size(struct engine *en)
{
	struct state_table *t = engine_states(en);

	return ((size_t)state_count(t) + state_parent_count(t)) *
	    sizeof(struct entry);
}

static void
fill_id(struct abi_flow_id *id, const struct flow *f)
{
	id->src_port = f->sport;
	id->dst_port = f->dport;
	id->proto = f->proto;
	id->family = f->is6 ? 6 : 4;
	if (f->is6) {
		memcpy(id->src6, f->src6, sizeof(id->src6));
		memcpy(id->dst6, f->dst6, sizeof(id->dst6));
	} else {
		id->src = __builtin_bswap32(f->src4);
		id->dst = __builtin_bswap32(f->dst4);
	}
}

static void
fill(struct entry *en, const struct state_view *v, const struct rule *r)
{
	static const uint16_t type_of[] = {
	    [STATE_KEEP] = O_KEEP_STATE,
	    [STATE_LIMIT] = O_LIMIT,
	    [STATE_PARENT] = O_LIMIT_PARENT,
	};

	*en = (struct entry){
	    .head = {.type = TLV_DYN_ENT, .length = sizeof(*en)},
	    .s = {.rule = r->num, .set = r->set, .name = v->name,
		.pkts = v->pkts, .bytes = v->bytes, .expire_s = v->left_s,
		.bucket = v->bucket, .state = v->life.flags,
		.ack_fwd = v->life.ack_fwd, .ack_rev = v->life.ack_rev,
		.type = type_of[v->kind],
		.count = (uint16_t)(v->n_children < UINT16_MAX ?
			v->n_children : UINT16_MAX)},
	};
	fill_id(&en->s.id, &v->flow);
}

size_t
ctl_states_put(struct engine *en, unsigned char *at, size_t room)
{
	struct state_table *t = engine_states(en);
	uint32_t now_s = clock_mono_s(), end = state_end(t);
	struct entry *e = NULL;
	struct state_view v;
	size_t n = 0;

	for (uint32_t i = 1; i < end && room - n >= sizeof(*e); i++) {
		const struct rule *r;

		if (!state_read(t, i, now_s, &v) ||
		    (r = rule_of(engine_rules(en), &v)) == NULL)
			continue;
		e = (void *)(at + n);
		fill(e, &v, r);
		n += sizeof(*e);
	}
	if (e != NULL)
		e->head.flags = LAST;
	return n;
}

/* Removes what 'g' names, or with NULL what has no rule; the parents, which
 * must have no children, if 'parents'. */
static unsigned
remove_some(struct engine *en, const struct rule_range *g, bool parents)
{
	struct state_table *t = engine_states(en);
	uint32_t now_s = clock_mono_s(), end = state_end(t);
	struct state_view v;
	unsigned n = 0;

	for (uint32_t i = 1; i < end; i++) {
		const struct rule *r;

		if (!state_read(t, i, now_s, &v) ||
		    (v.kind == STATE_PARENT) != parents)
			continue;
		r = rule_of(engine_rules(en), &v);
		if (g == NULL ? r == NULL : r != NULL && rule_in_range(r, g))
			n += state_remove(t, i, v.rule.id, now_s);
	}
	return n;
}

unsigned
ctl_states_remove(struct engine *en, const struct rule_range *g)
{
	unsigned n = remove_some(en, g, false);

	remove_some(en, g, true);
	return n;
}

void
ctl_states_bury(struct engine *en)
{
	remove_some(en, NULL, false);
	remove_some(en, NULL, true);
}

void
ctl_states_tell(struct engine *en)
{
	struct knobs *k = engine_knobs(en);

	knob_set(&k->dyn_count, state_count(engine_states(en)));
	knob_set(&k->dyn_parent_count,
	    state_parent_count(engine_states(en)));
}
