/* SPDX-License-Identifier: BSD-2-Clause */
/* States by their index: read, removed, swept. */
#include "state/state.h"

#include "state/state_layout.h"

#include <string.h>

/* Locks the bucket of state 'idx'; NULL if it is free. */
static struct bucket *
lock_state(struct state_table *t, uint32_t idx)
{
	uint32_t number = LOAD(t->rests[idx].bucket);
	struct bucket *head = &t->heads[number];

	if (LOAD(t->states[idx].kind) == STATE_FREE)
		return NULL;
	lock(&head->lock);
	/* It may have been another one's by the time we had the lock. */
	if (LOAD(t->states[idx].kind) != STATE_FREE &&
	    LOAD(t->rests[idx].bucket) == number)
		return head;
	unlock(&head->lock);
	return NULL;
}

/* Unlinks 'idx' from the chain that its bucket heads. */
static bool
unlink_idx(struct state_table *t, struct bucket *head, uint32_t idx,
    uint32_t now_s)
{
	struct place at = {.b = head};

	for (;;) {
		for (at.slot = 0; at.slot < SLOTS; at.slot++)
			if (at.b->idx[at.slot] == idx) {
				state_unlink(t, &at, now_s);
				return true;
			}
		if (at.b->next == 0)
			return false;
		at.before = at.b;
		at.b = &t->heads[at.b->next];
	}
}

bool
state_remove(struct state_table *t, uint32_t idx, uint32_t id, uint32_t now_s)
{
	struct state *s = &t->states[idx];
	struct bucket *head = lock_state(t, idx);
	bool gone = false;

	if (head == NULL)
		return false;
	if (s->rule_id == id &&
	    (s->kind != STATE_PARENT ||
		__atomic_load_n(&s->n_children, __ATOMIC_ACQUIRE) == 0))
		gone = unlink_idx(t, head, idx, now_s);
	unlock(&head->lock);
	return gone;
}

unsigned
state_sweep(struct state_table *t, uint32_t lo, uint32_t hi, uint32_t now_s)
{
	unsigned n = 0;

	for (uint32_t i = lo == 0 ? 1 : lo; i < hi; i++) {
		struct state *s = &t->states[i];
		struct bucket *head;

		if (LOAD(s->kind) == STATE_FREE ||
		    !is_expired(LOAD(s->expire_s), now_s))
			continue;
		head = lock_state(t, i);
		if (head == NULL)
			continue;
		if (is_over(s, now_s))
			n += unlink_idx(t, head, i, now_s);
		unlock(&head->lock);
	}
	return n;
}

struct flow
state_flow(const struct state_table *t, uint32_t idx)
{
	const struct state *s = &t->states[idx];
	struct flow f = {.src4 = s->src4, .dst4 = s->dst4, .sport = s->sport,
	    .dport = s->dport, .proto = s->proto,
	    .is6 = (s->flags & IS_IP6) != 0};

	if (f.is6) {
		memcpy(f.src6, t->rests[idx].src6, sizeof(f.src6));
		memcpy(f.dst6, t->rests[idx].dst6, sizeof(f.dst6));
	}
	return f;
}

/* Copies under the lock. */
static void
copy_out(const struct state_table *t, uint32_t idx, uint32_t now_s,
    struct state_view *v)
{
	const struct state *s = &t->states[idx];
	const struct rest *r = &t->rests[idx];
	uint32_t expire_s = LOAD(s->expire_s);

	*v = (struct state_view){
	    .flow = state_flow(t, idx),
	    .rule = {s->rule_id, LOAD(s->hint), s->rule_num, false},
	    .life = {s->flags & ~(uint32_t)IS_IP6, s->ack_fwd, s->ack_rev},
	    .kind = s->kind,
	    .name = s->name,
	    .lane = s->lane,
	    .left_s = is_expired(expire_s, now_s) ? 0 : expire_s - now_s,
	    .bucket = r->bucket,
	    .pkts = s->pkts,
	    .bytes = s->bytes,
	    .tags_len = r->tags_len,
	};
	if (s->kind == STATE_PARENT) {
		v->life = (struct life){0};
		v->n_children = LOAD(s->n_children);
	}
	memcpy(v->macs, r->macs, sizeof(v->macs));
	memcpy(v->tags, r->tags, sizeof(v->tags));
}

bool
state_read(struct state_table *t, uint32_t idx, uint32_t now_s,
    struct state_view *out)
{
	struct bucket *head = lock_state(t, idx);

	if (head == NULL)
		return false;
	copy_out(t, idx, now_s, out);
	unlock(&head->lock);
	return true;
}
