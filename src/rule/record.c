/* SPDX-License-Identifier: BSD-2-Clause */
#include "rule/record.h"

#include "base/bytes.h"

#include <stdlib.h>
#include <string.h>

_Static_assert((RECORD_SLOTS & (RECORD_SLOTS - 1)) == 0, "indexes wrap");

struct record_ring *
record_ring_create(void)
{
	struct record_ring *g = aligned_alloc(CACHE_LINE, sizeof(*g));

	if (g == NULL)
		return NULL;
	/* The slots stay untouched, and without pages, until they are used. */
	memset(g, 0, offsetof(struct record_ring, slots));
	return g;
}

void
record_ring_destroy(struct record_ring *g)
{
	free(g);
}

/* Takes one of the rule's budget.  *last tells that it was the last one. */
static bool
take(_Atomic uint32_t *left, bool *last)
{
	uint32_t n = atomic_load_explicit(left, memory_order_relaxed);

	while (n != 0) {
		if (!atomic_compare_exchange_weak_explicit(left, &n, n - 1,
			memory_order_relaxed, memory_order_relaxed))
			continue;
		*last = n == 1;
		return true;
	}
	return false;
}

/* The next hop of 'fwd tablearg' is of the packet's family. */
static void
resolve_hop(struct record *r, const struct table_value *v, bool ip6)
{
	struct insn_sa *sa = (void *)r->act;
	struct insn_sa6 sa6 = {
	    .o = {O_FORWARD_IP6, 8, 0}, .port = sa->port};

	if (sa->addr != 0)
		return;
	if (ip6) {
		memcpy(sa6.addr6, v->nh6, sizeof(sa6.addr6));
		memcpy(r->act, &sa6, sizeof(sa6));
	} else {
		put32(&sa->addr, v->nh4);
	}
}

/* Puts what a table gave in the place of the action's tablearg. */
static void
resolve(struct record *r, const struct table_value *v, bool ip6)
{
	struct insn *act = r->act;

	if (act->opcode == O_FORWARD_IP) {
		resolve_hop(r, v, ip6);
		return;
	}
	if (act->arg1 != TABLEARG)
		return;
	switch (act->opcode) {
	case O_SKIPTO:
	case O_CALLRETURN:
		act->arg1 = v->skipto;
		break;
	case O_PIPE:
	case O_QUEUE:
		act->arg1 = (uint16_t)v->pipe;
		break;
	case O_DIVERT:
	case O_TEE:
		act->arg1 = v->divert;
		break;
	case O_SETDSCP:
		act->arg1 = v->dscp;
		break;
	case O_SETMARK:
		memcpy(act + 1, &v->mark, sizeof(v->mark));
		break;
	default: /* takes none */
		break;
	}
}

static void
fill(struct record *r, const struct rule *rule, const struct pkt *p,
    const struct table_value *v)
{
	const struct insn *act = rule_action(rule);
	const struct insn *end = rule->cmd + rule->n_words;
	size_t words;

	while (act->opcode == O_LOG || act->opcode == O_TAG)
		act = insn_next(act);
	words = (size_t)(end - act);
	if (words > RECORD_ACT_WORDS)
		words = RECORD_ACT_WORDS;
	memset(r->act, 0, sizeof(r->act));
	memcpy(r->act, act, words * sizeof(*act));
	resolve(r, v, (p->flags & PKT_IP6) != 0);
	r->mark = p->mark;
	r->rule = rule->num;
	r->rule_id = rule->id;
	r->len = p->len;
	r->kept = p->len < RECORD_SNAP ? p->len : RECORD_SNAP;
	memcpy(r->frame, p->data, r->kept);
}

void
record_packet(struct record_ring *g, const struct rule *rule,
    const struct pkt *p, const struct record_at *at)
{
	uint32_t tail = atomic_load_explicit(&g->tail, memory_order_acquire);
	struct record *r = &g->slots[g->next % RECORD_SLOTS];
	bool limited = at->text && at->log->max_log != 0, last = false;
	size_t n;

	/* Silence is no loss: look at the budget before the ring. */
	if (limited &&
	    atomic_load_explicit(at->left, memory_order_relaxed) == 0)
		return;
	if (g->next - tail == RECORD_SLOTS) {
		stat_add(&g->lost, 1);
		return;
	}
	if (limited && !take(at->left, &last))
		return;
	fill(r, rule, p, at->value);
	r->max_log = at->log->max_log;
	r->flags = (uint16_t)((at->out ? RECORD_OUT : 0) |
	    (at->text ? RECORD_TEXT : 0) | (last ? RECORD_LAST : 0) |
	    (at->capture ? RECORD_CAPTURE : 0));
	n = strnlen(at->ifname, RECORD_IFNAME - 1);
	memset(r->ifname, 0, sizeof(r->ifname));
	memcpy(r->ifname, at->ifname, n);
	g->next++;
}

void
record_publish(struct record_ring *g, uint64_t now_ns)
{
	uint32_t i = atomic_load_explicit(&g->head, memory_order_relaxed);

	for (; i != g->next; i++)
		g->slots[i % RECORD_SLOTS].ns = now_ns;
	/* Partner: the acquire in record_first(). */
	atomic_store_explicit(&g->head, g->next, memory_order_release);
}

const struct record *
record_first(struct record_ring *g)
{
	uint32_t tail = atomic_load_explicit(&g->tail, memory_order_relaxed);

	if (atomic_load_explicit(&g->head, memory_order_acquire) == tail)
		return NULL;
	return &g->slots[tail % RECORD_SLOTS];
}

void
record_done(struct record_ring *g)
{
	uint32_t tail = atomic_load_explicit(&g->tail, memory_order_relaxed);

	/* Partner: the acquire in record_packet(). */
	atomic_store_explicit(&g->tail, tail + 1, memory_order_release);
}
