/* SPDX-License-Identifier: BSD-2-Clause */
#include "state/state_would.h"

#include "state/state_layout.h"

#include <string.h>

/* What is looked for. */
struct look {
	struct flow flow;
	uint16_t name;
	uint32_t parent_of; /* rule id: the parent of its states; 0 = a state */
	uint32_t now_s;
	bool backward;	  /* what was found */
	bool is_near;	  /* and hangs in the bucket itself */
};

static bool
same_end(const struct flow *a, const struct flow *b, bool src_a, bool src_b)
{
	if ((src_a ? a->src4 : a->dst4) != (src_b ? b->src4 : b->dst4) ||
	    (src_a ? a->sport : a->dport) != (src_b ? b->sport : b->dport))
		return false;
	return !a->is6 || memcmp(src_a ? a->src6 : a->dst6,
	    src_b ? b->src6 : b->dst6, sizeof(a->src6)) == 0;
}

/* True if the state, over or not, is one that is looked for. */
static bool
is_it(const struct state_table *t, uint32_t idx, struct look *l)
{
	const struct state *s = &t->states[idx];
	struct flow f = state_flow(t, idx);
	bool fwd, rev;

	if (f.proto != l->flow.proto || f.is6 != l->flow.is6)
		return false;
	fwd = same_end(&f, &l->flow, true, true) &&
	    same_end(&f, &l->flow, false, false);
	rev = same_end(&f, &l->flow, true, false) &&
	    same_end(&f, &l->flow, false, true);
	l->backward = !fwd;
	if (l->parent_of != 0)
		return fwd && s->kind == STATE_PARENT &&
		    s->rule_id == l->parent_of && s->name == l->name;
	return (fwd || rev) && s->kind != STATE_PARENT &&
	    (l->name == STATE_ANY_NAME || s->name == l->name);
}

static bool
is_gone(const struct state_would *w, uint32_t idx)
{
	for (unsigned i = 0; i < w->n_gone; i++)
		if (w->gone[i] == idx)
			return true;
	return false;
}

void
state_would_remove(const struct state_table *t, uint32_t idx,
    struct state_would *w)
{
	if (w->n_gone == STATE_WOULD_GO)
		return;
	w->gone[w->n_gone++] = idx;
	if (t->states[idx].kind == STATE_PARENT)
		w->parents_gone++;
	else
		w->states_gone++;
}

/* In the order of a lookup, which removes what is over. */
static uint32_t
look_in(const struct state_table *t, const struct bucket *head,
    struct look *l, struct state_would *w)
{
	const struct bucket *b = head;

	for (;; b = &t->heads[b->next]) {
		for (unsigned i = 0; i < SLOTS; i++) {
			uint32_t idx = b->idx[i];

			if (idx == 0 || is_gone(w, idx) || !is_it(t, idx, l))
				continue;
			l->is_near = b == head;
			if (!is_over(&t->states[idx], l->now_s))
				return idx;
			state_would_remove(t, idx, w);
		}
		if (b->next == 0)
			return 0;
	}
}

static struct bucket *
head_of(const struct state_table *t, uint64_t hash)
{
	return &t->heads[(uint32_t)hash & t->mask];
}

uint32_t
state_look(struct state_table *t, const struct pkt *p, uint16_t name,
    uint32_t now_s, struct state_would *w, struct state_rule *rule)
{
	struct bucket *head = head_of(t, p->flow_hash);
	struct look l = {.name = name, .now_s = now_s};
	const struct state_would before = *w;
	uint32_t idx;

	flow_of(p, &l.flow);
	lock(&head->lock);
	idx = look_in(t, head, &l, w);
	if (idx != 0) {
		const struct state *s = &t->states[idx];

		*rule = (struct state_rule){
		    s->rule_id, LOAD(s->hint), s->rule_num, l.backward};
	}
	unlock(&head->lock);
	/* Most hits are that quick: they leave the others where they are. */
	if (idx != 0 && l.is_near && !l.flow.is6)
		*w = before;
	return idx;
}

/* Room that is left. */
struct room {
	int64_t all; /* in the pool */
	int64_t states, parents; /* under their limits */
};

static struct room
room_now(const struct state_table *t, const struct state_cfg *cfg,
    const struct state_would *w)
{
	int64_t states = (int64_t)LOAD(t->n_states) + w->states -
	    w->states_gone;
	int64_t parents = (int64_t)LOAD(t->n_parents) + w->parents -
	    w->parents_gone;

	return (struct room){(int64_t)t->capacity - states - parents,
	    cfg->max - states, cfg->parent_max - parents};
}

/* Children that a parent has lost. */
static uint32_t
children_gone(const struct state_table *t, uint32_t parent,
    const struct state_would *w)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < w->n_gone; i++) {
		const struct state *s = &t->states[w->gone[i]];

		n += s->kind == STATE_LIMIT && s->parent == parent;
	}
	return n;
}

/* What becomes of the parent of a limited state. */
static enum state_chance
would_hold(struct state_table *t, const struct state_cfg *cfg,
    const struct flow *flow, const struct state_new *n, struct state_would *w)
{
	struct look l = {.flow = *flow, .name = n->name,
	    .parent_of = n->rule.id, .now_s = cfg->now_s};
	struct bucket *head;
	uint32_t idx, children = 0;
	struct room room;

	flow_mask(&l.flow, n->limit_mask);
	head = head_of(t, flow_hash(&t->key, &l.flow, n->rule.id));
	lock(&head->lock);
	idx = look_in(t, head, &l, w);
	if (idx != 0)
		children = LOAD(t->states[idx].n_children) -
		    children_gone(t, idx, w);
	unlock(&head->lock);
	if (idx == 0) {
		room = room_now(t, cfg, w);
		if (room.parents <= 0 || room.all <= 0)
			return STATE_NO_ROOM;
		w->parents++;
	}
	return children >= n->limit ? STATE_IS_LIMITED : STATE_WOULD_BE_MADE;
}

enum state_chance
state_would_install(struct state_table *t, const struct state_cfg *cfg,
    const struct pkt *p, const struct state_new *n, struct state_would *w)
{
	struct bucket *head = head_of(t, p->flow_hash);
	struct look l = {.name = n->name, .now_s = cfg->now_s};
	enum state_chance c = STATE_WOULD_BE_MADE;
	struct room room;
	uint32_t idx;

	flow_of(p, &l.flow);
	lock(&head->lock);
	idx = look_in(t, head, &l, w);
	unlock(&head->lock);
	if (idx != 0)
		return STATE_IS_THERE;
	if (n->kind == STATE_LIMIT)
		c = would_hold(t, cfg, &l.flow, n, w);
	if (c != STATE_WOULD_BE_MADE)
		return c;
	room = room_now(t, cfg, w);
	if (room.states <= 0 || room.all <= 0)
		return STATE_NO_ROOM;
	w->states++;
	return STATE_WOULD_BE_MADE;
}
