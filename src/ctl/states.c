/* SPDX-License-Identifier: BSD-2-Clause */
#include "ctl/states.h"


#include <stdlib.h>
#include <string.h>

enum { LAST = 1 }; /* flag of the last TLV */

struct entry {
	struct obj_tlv head;
	struct abi_state s;
};

/* Index of the rule of a state, orphans included; ruleset_end() if it is gone. */
static unsigned
rule_of(const struct ruleset *rs, const struct state_rule *r)
{
	return ruleset_find_rule(rs, r->num, r->id, r->hint);
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

/* The rule that state 'i' is listed with, NULL if it is not listed: a deleted
 * rule's states are, its parents are not. */
static const struct rule *
listed(const struct ruleset *rs, struct state_view *v)
{
	unsigned n = rule_of(rs, &v->rule);

	if (n >= ruleset_end(rs) ||
	    (n >= rs->n_rules && v->kind == STATE_PARENT))
		return NULL;
	if (n >= rs->n_rules)
		v->life.flags |= LIFE_ORPHANED;
	return rs->rules[n];
}

size_t
ctl_states_put(struct engine *en, unsigned char *at, size_t room,
    uint32_t *from)
{
	struct state_table *t = engine_states(en);
	uint32_t now_s = engine_now_s(en), end = state_end(t);
	struct entry *e = NULL;
	struct state_view v;
	uint32_t i = *from == 0 ? 1 : *from;
	size_t n = 0;

	for (; i < end && room - n >= sizeof(*e); i++) {
		const struct rule *r;

		if (!state_read(t, i, now_s, &v) ||
		    (r = listed(engine_rules(en), &v)) == NULL)
			continue;
		e = (void *)(at + n);
		fill(e, &v, r);
		n += sizeof(*e);
	}
	if (e != NULL)
		e->head.flags = LAST;
	*from = i < end ? i : 0;
	return n;
}

/* True if a range of states names those of rule 'r'.  Unlike a range of rules it
 * means all with RANGE_ALL. */
static bool
is_in(const struct rule *r, const struct rule_range *g)
{
	return (g->flags & RANGE_ALL) != 0 || rule_in_range(r, g);
}

/* Removes what 'g' names, or with NULL what has no rule; the parents, which
 * must have no children, if 'parents'. */
static unsigned
remove_some(struct engine *en, const struct rule_range *g, bool parents)
{
	const struct ruleset *rs = engine_rules(en);
	struct state_table *t = engine_states(en);
	uint32_t now_s = engine_now_s(en), end = state_end(t);
	unsigned n = 0;

	for (uint32_t i = 1; i < end; i++) {
		struct state_rule rule;
		enum state_kind kind = state_peek(t, i, &rule);
		unsigned k;

		if (kind == STATE_FREE || (kind == STATE_PARENT) != parents)
			continue;
		k = rule_of(rs, &rule);
		if (g == NULL ? k >= ruleset_end(rs) :
			k < ruleset_end(rs) && is_in(rs->rules[k], g))
			n += state_remove(t, i, rule.id, now_s);
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

bool *
ctl_states_rules(struct engine *en)
{
	const struct ruleset *rs = engine_rules(en);
	struct state_table *t = engine_states(en);
	bool *has = calloc(ruleset_end(rs) + 1u, sizeof(*has));
	uint32_t end = state_end(t);

	for (uint32_t i = 1; has != NULL && i < end; i++) {
		struct state_rule rule;
		enum state_kind kind = state_peek(t, i, &rule);

		if (kind == STATE_KEEP || kind == STATE_LIMIT)
			has[rule_of(rs, &rule)] = true;
	}
	return has;
}

void
ctl_states_tell(struct engine *en)
{
	struct knobs *k = engine_knobs(en);

	knob_set(&k->dyn_count, state_count(engine_states(en)));
	knob_set(&k->dyn_parent_count,
	    state_parent_count(engine_states(en)));
}
