/* SPDX-License-Identifier: BSD-2-Clause */
/* What is seen of a table without a bucket's lock: about so. */
#include "state/state.h"

#include "state/state_layout.h"

void
state_set_hint(struct state_table *t, uint32_t idx, uint32_t hint)
{
	STORE(t->states[idx].hint, hint);
}

uint32_t
state_end(const struct state_table *t)
{
	return LOAD(t->pool.end);
}

bool
state_wants_keepalive(const struct state_table *t, uint32_t idx,
    uint32_t now_s, uint16_t lane, uint16_t n_lanes)
{
	const struct state *s = &t->states[idx];
	uint8_t kind = LOAD(s->kind);
	uint32_t left = LOAD(s->expire_s) - now_s;

	return (kind == STATE_KEEP || kind == STATE_LIMIT) &&
	    left > 0 && left < LIFE_KEEPALIVE_LAST_S &&
	    life_is_open(LOAD(s->flags)) &&
	    (unsigned)LOAD(s->lane) - lane < n_lanes;
}

enum state_kind
state_peek(const struct state_table *t, uint32_t idx, struct state_rule *rule)
{
	const struct state *s = &t->states[idx];

	*rule = (struct state_rule){
	    LOAD(s->rule_id), LOAD(s->hint), LOAD(s->rule_num), false};
	return LOAD(s->kind);
}

uint32_t
state_count(const struct state_table *t)
{
	return LOAD(t->n_states);
}

uint32_t
state_parent_count(const struct state_table *t)
{
	return LOAD(t->n_parents);
}

uint32_t
state_buckets(const struct state_table *t)
{
	return t->mask + 1;
}

uint32_t
state_longest(const struct state_table *t, uint32_t lo, uint32_t hi)
{
	enum { HOPS = 64 }; /* a chain may change under our feet */
	uint32_t longest = 0;

	for (uint32_t i = lo; i < hi; i++) {
		const struct bucket *b = &t->heads[i];
		uint32_t n = 0, next;

		for (unsigned hops = 0; hops < HOPS; hops++) {
			for (unsigned k = 0; k < SLOTS; k++)
				n += LOAD(b->idx[k]) != 0;
			if ((next = LOAD(b->next)) == 0)
				break;
			b = &t->heads[next];
		}
		if (n > longest)
			longest = n;
	}
	return longest;
}

void
state_refusals(const struct state_table *t, struct state_refusals *out)
{
	out->states = LOAD(t->refusals.states);
	out->parents = LOAD(t->refusals.parents);
}

void
state_excess(struct state_table *t, struct state_excess *out)
{
	lock(&t->excess_lock);
	*out = t->excess;
	unlock(&t->excess_lock);
}
