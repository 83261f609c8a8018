/* SPDX-License-Identifier: BSD-2-Clause */
#include "state/state.h"

#include "packet/proto.h"
#include "state/state_layout.h"

#include <emmintrin.h>
#include <string.h>

/* ---- pools ---- */

/* A free index of a pool whose list runs through next_free of 'rests' or next
 * of the buckets; 0 = none. */
static uint32_t
pool_get(struct state_table *t, struct pool *p)
{
	uint32_t idx;

	lock(&p->lock);
	idx = p->free;
	if (idx != 0)
		p->free = p == &t->pool ? t->rests[idx].next_free :
					  t->heads[idx].next;
	else if (p->end < p->max)
		STORE(p->end, (idx = p->end) + 1);
	unlock(&p->lock);
	return idx;
}

static void
pool_put(struct state_table *t, struct pool *p, uint32_t idx)
{
	lock(&p->lock);
	if (p == &t->pool)
		t->rests[idx].next_free = p->free;
	else
		STORE(t->heads[idx].next, p->free);
	p->free = idx;
	unlock(&p->lock);
}

/* ---- counts, with their hard caps ---- */

static bool
count_up(uint32_t *count, uint32_t max)
{
	if (__atomic_add_fetch(count, 1, __ATOMIC_RELAXED) <= max)
		return true;
	__atomic_sub_fetch(count, 1, __ATOMIC_RELAXED);
	return false;
}

static void
count_down(uint32_t *count)
{
	__atomic_sub_fetch(count, 1, __ATOMIC_RELAXED);
}

/* ---- keys ---- */

static inline uint16_t
tag_of(uint64_t hash)
{
	return (uint16_t)(hash >> 48 | 1);
}

enum direction { OTHER, FORWARD, BACKWARD };

/* What a lookup is for. */
struct want {
	uint64_t hash;
	uint64_t addrs;	    /* src4, dst4 from the low end */
	uint32_t ports;	    /* dport, sport from the low end */
	uint32_t parent_of; /* rule id: the parent of its states; 0 = a state */
	uint16_t name;
	uint8_t proto;
	bool is6;
	const uint8_t *src6, *dst6; /* IPv6 */
	enum direction dir; /* set by it */
};

static inline uint64_t
pair_of_addrs(uint32_t src, uint32_t dst)
{
	return (uint64_t)dst << 32 | src;
}

static inline uint32_t
pair_of_ports(uint16_t dport, uint16_t sport)
{
	return (uint32_t)sport << 16 | dport;
}

/* A packet's state under a name.  The addresses of IPv6 are compared where they
 * lie: a frame that changes meanwhile at worst does not find its state. */
static inline struct want
want_of_pkt(const struct pkt *p, uint16_t name)
{
	return (struct want){
	    .hash = p->flow_hash,
	    .addrs = pair_of_addrs(p->src4, p->dst4),
	    .ports = pair_of_ports(p->dport, p->sport),
	    .name = name,
	    .proto = p->proto,
	    .is6 = (p->flags & PKT_IP6) != 0,
	    .src6 = p->data + p->l3 + 8,
	    .dst6 = p->data + p->l3 + 24,
	};
}

/* The same of a flow, which is borrowed. */
static struct want
want_of_flow(const struct flow *f, uint64_t hash, uint16_t name)
{
	return (struct want){
	    .hash = hash,
	    .addrs = pair_of_addrs(f->src4, f->dst4),
	    .ports = pair_of_ports(f->dport, f->sport),
	    .name = name,
	    .proto = f->proto,
	    .is6 = f->is6,
	    .src6 = f->src6,
	    .dst6 = f->dst6,
	};
}

static bool
same6(const void *a, const void *b)
{
	return memcmp(a, b, 16) == 0;
}

static __attribute__((noinline)) enum direction
direction6(const struct rest *r, const struct want *w, bool fwd, bool rev)
{
	if (fwd && same6(r->src6, w->src6) && same6(r->dst6, w->dst6))
		return FORWARD;
	return rev && same6(r->src6, w->dst6) && same6(r->dst6, w->src6) ?
	    BACKWARD : OTHER;
}

/* Which way the flow goes in the state 'idx', if it is the state's. */
static inline enum direction
direction(const struct state_table *t, uint32_t idx, const struct want *w)
{
	const struct state *s = &t->states[idx];
	uint64_t addrs = pair_of_addrs(s->src4, s->dst4);
	uint32_t ports = pair_of_ports(s->dport, s->sport);
	bool fwd = addrs == w->addrs && ports == w->ports;
	bool rev = addrs == (w->addrs << 32 | w->addrs >> 32) &&
	    ports == (w->ports << 16 | w->ports >> 16);

	if (!(fwd || rev) || s->proto != w->proto ||
	    ((s->flags & IS_IP6) != 0) != w->is6)
		return OTHER;
	if (unlikely(w->is6))
		return direction6(&t->rests[idx], w, fwd, rev);
	return fwd ? FORWARD : BACKWARD;
}

/* Bits of the slots of 'b' with this tag. */
static inline unsigned
slots_with(const struct bucket *b, uint16_t tag)
{
	uint64_t lo = __atomic_load_n(
	    (const uint64_t *)(const void *)&b->tag[0], __ATOMIC_RELAXED);
	uint64_t hi = __atomic_load_n(
	    (const uint64_t *)(const void *)&b->tag[4], __ATOMIC_RELAXED);
	__m128i eq = _mm_cmpeq_epi16(
	    _mm_set_epi64x((long long)hi, (long long)lo),
	    _mm_set1_epi16((short)tag));

	return (unsigned)_mm_movemask_epi8(
	    _mm_packs_epi16(eq, _mm_setzero_si128()));
}

/* ---- a bucket under its lock ---- */

/* Gives up one child of a parent.  The new end is written first: a parent
 * without children whose end is past may be gone at once. */
static void
release_parent(struct state_table *t, uint32_t idx, uint32_t now_s)
{
	struct state *parent = &t->states[idx];

	STORE(parent->expire_s, now_s + LOAD(parent->linger_s));
	__atomic_sub_fetch(&parent->n_children, 1, __ATOMIC_RELEASE);
}

void
state_unlink(struct state_table *t, const struct place *at, uint32_t now_s)
{
	struct bucket *b = at->b;
	uint32_t idx = b->idx[at->slot];
	struct state *s = &t->states[idx];

	STORE(b->tag[at->slot], 0);
	STORE(b->idx[at->slot], 0);
	if (s->kind == STATE_LIMIT)
		release_parent(t, s->parent, now_s);
	count_down(s->kind == STATE_PARENT ? &t->n_parents : &t->n_states);
	STORE(s->kind, STATE_FREE);
	pool_put(t, &t->pool, idx);
	if (at->before == NULL)
		return;
	for (unsigned i = 0; i < SLOTS; i++)
		if (b->idx[i] != 0)
			return;
	idx = at->before->next;
	STORE(at->before->next, b->next);
	pool_put(t, &t->chained, idx);
}

static inline bool
is_wanted(const struct state_table *t, uint32_t idx, struct want *w)
{
	const struct state *s = &t->states[idx];

	w->dir = direction(t, idx, w);
	if (w->dir == OTHER)
		return false;
	if (unlikely(w->parent_of != 0))
		return s->kind == STATE_PARENT && w->dir == FORWARD &&
		    s->rule_id == w->parent_of && s->name == w->name;
	return s->kind != STATE_PARENT &&
	    (w->name == STATE_ANY_NAME || s->name == w->name);
}

/* The next state that is wanted from 'at' on; false at the end of the chain.
 * Fills 'at'. */
static inline bool
search(struct state_table *t, struct want *w, struct place *at)
{
	uint16_t tag = tag_of(w->hash);

	for (;;) {
		unsigned slots = slots_with(at->b, tag);

		for (; slots != 0; slots &= slots - 1) {
			at->slot = (unsigned)__builtin_ctz(slots);
			if (is_wanted(t, at->b->idx[at->slot], w))
				return true;
		}
		if (at->b->next == 0)
			return false;
		at->before = at->b;
		at->b = &t->heads[at->b->next];
	}
}

/* The live state that is wanted, 0 = none; what is over is unlinked. */
static inline uint32_t
lookup(struct state_table *t, struct bucket *head, struct want *w,
    uint32_t now_s)
{
	struct place at = {.b = head};

	while (search(t, w, &at)) {
		uint32_t idx = at.b->idx[at.slot];

		if (likely(!is_over(&t->states[idx], now_s)))
			return idx;
		state_unlink(t, &at, now_s);
		at = (struct place){.b = head};
	}
	return 0;
}

static inline struct bucket *
head_of(struct state_table *t, uint64_t hash)
{
	return &t->heads[(uint32_t)hash & t->mask];
}

/* ---- the data path ---- */

uint64_t
state_hash(const struct state_table *t, const struct pkt *p)
{
	return flow_hash_pkt(&t->key, p);
}

static inline bool
has_flow(const struct pkt *p)
{
	return p->bad == PKT_GOOD && (p->flags & PKT_IP) != 0;
}

/* The first step, for the packets [lo, hi). */
static void
fetch_buckets(const struct state_table *t, struct pkt *pkts, unsigned lo,
    unsigned hi)
{
	for (unsigned i = lo; i < hi; i++) {
		uint64_t hash;

		if (!has_flow(&pkts[i]))
			continue;
		hash = flow_hash_pkt(&t->key, &pkts[i]);
		pkts[i].flow_hash = hash;
		__builtin_prefetch(&t->heads[(uint32_t)hash & t->mask], 1);
	}
}

/* The second one. */
static void
fetch_states(const struct state_table *t, const struct pkt *pkts, unsigned lo,
    unsigned hi)
{
	for (unsigned i = lo; i < hi; i++) {
		uint64_t hash = pkts[i].flow_hash;
		const struct bucket *b = &t->heads[(uint32_t)hash & t->mask];
		unsigned slots;

		if (!has_flow(&pkts[i]))
			continue;
		slots = slots_with(b, tag_of(hash));
		for (; slots != 0; slots &= slots - 1) {
			uint32_t idx = LOAD(b->idx[__builtin_ctz(slots)]);

			__builtin_prefetch(&t->states[idx], 1);
			if ((pkts[i].flags & PKT_IP6) != 0)
				__builtin_prefetch(&t->rests[idx]);
		}
	}
}

static inline unsigned
least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

void
state_prepare(const struct state_table *t, struct pkt *pkts, unsigned n,
    unsigned at)
{
	unsigned ahead = at + 2 * STATE_STEP; /* has its buckets but for 0 */

	fetch_buckets(t, pkts, at == 0 ? 0 : least(ahead, n),
	    least(ahead + STATE_STEP, n));
	fetch_states(t, pkts, at == 0 ? 0 : least(at + STATE_STEP, n),
	    least(ahead, n));
}

/* Books a packet in its state.  What does not change is not written. */
static inline void
book(struct state *s, const struct state_cfg *cfg, const struct pkt *p,
    bool rev)
{
	uint32_t more_s;

	s->pkts++;
	s->bytes += pkt_count_bytes(p);
	if (p->proto == PROTO_TCP) {
		struct life l = {s->flags, s->ack_fwd, s->ack_rev};

		more_s = life_next_tcp(&l, &cfg->life, p, rev);
		STORE(s->flags, l.flags);
		s->ack_fwd = l.ack_fwd;
		s->ack_rev = l.ack_rev;
	} else {
		more_s = life_next(NULL, &cfg->life, p, rev);
	}
	if (more_s != 0 && s->expire_s != cfg->now_s + more_s)
		STORE(s->expire_s, cfg->now_s + more_s);
}

/* A live state of an IPv4 packet in the bucket itself, which is nearly always
 * where it is; 0 = look closer. */
static inline uint32_t
find_near(const struct state_table *t, const struct bucket *b,
    const struct pkt *p, uint16_t name, uint32_t now_s, bool *rev)
{
	uint64_t to = pair_of_addrs(p->src4, p->dst4);
	uint32_t ports = pair_of_ports(p->dport, p->sport);
	unsigned slots = slots_with(b, tag_of(p->flow_hash));

	for (; slots != 0; slots &= slots - 1) {
		uint32_t idx = b->idx[__builtin_ctz(slots)];
		const struct state *s = &t->states[idx];
		uint64_t addrs = pair_of_addrs(s->src4, s->dst4);
		uint32_t of_s = pair_of_ports(s->dport, s->sport);
		bool fwd = addrs == to && of_s == ports;

		if (!fwd && (addrs != (to << 32 | to >> 32) ||
			of_s != (ports << 16 | ports >> 16)))
			continue;
		if (s->proto != p->proto || (s->flags & IS_IP6) != 0 ||
		    s->kind == STATE_PARENT ||
		    (name != STATE_ANY_NAME && s->name != name) ||
		    is_expired(s->expire_s, now_s))
			continue;
		*rev = !fwd;
		return idx;
	}
	return 0;
}

/* The same without haste: IPv6, a chained bucket, a state that is over. */
static __attribute__((noinline)) uint32_t
find_far(struct state_table *t, struct bucket *head, const struct pkt *p,
    uint16_t name, uint32_t now_s, bool *rev)
{
	struct want w = want_of_pkt(p, name);
	uint32_t idx = lookup(t, head, &w, now_s);

	*rev = w.dir == BACKWARD;
	return idx;
}

uint32_t
state_find(struct state_table *t, const struct state_cfg *cfg,
    const struct pkt *p, uint16_t name, struct state_rule *rule)
{
	struct bucket *head = head_of(t, p->flow_hash);
	uint32_t idx = 0;
	bool rev = false;

	lock(&head->lock);
	if (likely((p->flags & PKT_IP6) == 0))
		idx = find_near(t, head, p, name, cfg->now_s, &rev);
	if (unlikely(idx == 0))
		idx = find_far(t, head, p, name, cfg->now_s, &rev);
	if (likely(idx != 0)) {
		struct state *s = &t->states[idx];

		book(s, cfg, p, rev);
		*rule = (struct state_rule){
		    s->rule_id, LOAD(s->hint), s->rule_num, rev};
	}
	unlock(&head->lock);
	return idx;
}

/* Hangs 'idx' into the chain; false if it is full and cannot grow. */
static bool
hang(struct state_table *t, struct bucket *head, uint32_t idx, uint64_t hash)
{
	struct bucket *b = head;
	uint32_t more;

	for (;; b = &t->heads[b->next]) {
		for (unsigned i = 0; i < SLOTS; i++)
			if (b->idx[i] == 0) {
				STORE(b->idx[i], idx);
				STORE(b->tag[i], tag_of(hash));
				return true;
			}
		if (b->next == 0)
			break;
	}
	more = pool_get(t, &t->chained);
	if (more == 0)
		return false;
	STORE(t->heads[more].next, 0);
	STORE(t->heads[more].idx[0], idx);
	STORE(t->heads[more].tag[0], tag_of(hash));
	STORE(b->next, more);
	return true;
}

/* A new state of this kind for a flow in the chain, all but what its first packet
 * adds; 0 if there is no room for it. */
static uint32_t
make(struct state_table *t, struct bucket *head, const struct want *w,
    const struct flow *f, const struct state_new *n, enum state_kind kind)
{
	uint32_t idx = pool_get(t, &t->pool);
	struct state *s = &t->states[idx];
	struct rest *r = &t->rests[idx];

	if (idx == 0)
		return 0;
	s->src4 = f->src4;
	s->dst4 = f->dst4;
	s->sport = f->sport;
	s->dport = f->dport;
	s->proto = f->proto;
	s->name = w->name;
	STORE(s->flags, f->is6 ? IS_IP6 : 0);
	STORE(s->ack_fwd, 0);
	s->ack_rev = 0;
	s->pkts = s->bytes = 0;
	STORE(s->rule_id, n->rule.id);
	STORE(s->hint, n->rule.hint);
	STORE(s->rule_num, n->rule.num);
	STORE(s->lane, n->lane);
	STORE(s->parent, 0);
	if (f->is6) {
		memcpy(r->src6, f->src6, sizeof(r->src6));
		memcpy(r->dst6, f->dst6, sizeof(r->dst6));
	}
	r->tags_len = 0;
	STORE(r->bucket, (uint32_t)w->hash & t->mask);
	STORE(s->kind, (uint8_t)kind);
	if (hang(t, head, idx, w->hash))
		return idx;
	STORE(s->kind, STATE_FREE);
	pool_put(t, &t->pool, idx);
	return 0;
}

/* Remembers whom a limit turned away, for the log. */
static __attribute__((noinline)) void
note_excess(struct state_table *t, const struct state_cfg *cfg,
    const struct flow *f, const struct state_new *n)
{
	if (LOAD(t->excess.at_s) == cfg->now_s)
		return;
	lock(&t->excess_lock);
	t->excess.rule = n->rule.num;
	t->excess.flow = *f;
	STORE(t->excess.at_s, cfg->now_s);
	unlock(&t->excess_lock);
}

/* The parent of a limited state, with one more child; 0 if it has enough of
 * them or there is no room for it. */
static uint32_t
hold_parent(struct state_table *t, const struct state_cfg *cfg,
    const struct flow *flow, const struct state_new *n)
{
	struct flow f = *flow;
	struct bucket *head;
	struct want w;
	uint32_t idx;

	flow_mask(&f, n->limit_mask);
	w = want_of_flow(&f, flow_hash(&t->key, &f, n->rule.id), n->name);
	w.parent_of = n->rule.id;
	head = head_of(t, w.hash);
	lock(&head->lock);
	idx = lookup(t, head, &w, cfg->now_s);
	if (idx == 0 && count_up(&t->n_parents, cfg->parent_max)) {
		idx = make(t, head, &w, &f, n, STATE_PARENT);
		if (idx == 0)
			count_down(&t->n_parents);
	}
	if (idx == 0)
		__atomic_add_fetch(&t->refusals.parents, 1, __ATOMIC_RELAXED);
	if (idx != 0 && LOAD(t->states[idx].n_children) >= n->limit) {
		note_excess(t, cfg, flow, n);
		idx = 0;
	} else if (idx != 0) {
		STORE(t->states[idx].linger_s, cfg->life.short_s);
		STORE(t->states[idx].expire_s,
		    cfg->now_s + cfg->life.short_s);
		__atomic_add_fetch(&t->states[idx].n_children, 1,
		    __ATOMIC_RELAXED);
	}
	unlock(&head->lock);
	return idx;
}

/* What a keepalive's frame will need. */
static void
keep_link(struct rest *r, const struct pkt *p)
{
	unsigned n = p->l3 >= ETHER_LEN ? p->l3 - (unsigned)ETHER_LEN : 0;

	memcpy(r->macs, p->data, sizeof(r->macs));
	if (n <= sizeof(r->tags)) {
		memcpy(r->tags, p->data + sizeof(r->macs), n);
		r->tags_len = (uint8_t)n;
	}
}

/* Makes the state under the head's lock, unless it exists. */
static bool
add(struct state_table *t, const struct state_cfg *cfg, const struct pkt *p,
    const struct flow *f, const struct state_new *n, uint32_t parent)
{
	struct want of_flow = want_of_flow(f, p->flow_hash, n->name);
	struct want *w = &of_flow;
	struct bucket *head = head_of(t, w->hash);
	bool there, made = false;
	uint32_t idx;

	lock(&head->lock);
	there = lookup(t, head, w, cfg->now_s) != 0;
	if (!there && count_up(&t->n_states, cfg->max)) {
		idx = make(t, head, w, f, n, n->kind);
		made = idx != 0;
		if (made) {
			STORE(t->states[idx].parent, parent);
			keep_link(&t->rests[idx], p);
			STORE(t->states[idx].expire_s, cfg->now_s + 1);
			book(&t->states[idx], cfg, p, false);
		} else {
			count_down(&t->n_states);
		}
	}
	unlock(&head->lock);
	if (!there && !made)
		__atomic_add_fetch(&t->refusals.states, 1, __ATOMIC_RELAXED);
	if (parent != 0 && !made)
		release_parent(t, parent, cfg->now_s);
	return there || made;
}

static bool
exists(struct state_table *t, const struct state_cfg *cfg, struct want *w)
{
	struct bucket *head = head_of(t, w->hash);
	bool there;

	lock(&head->lock);
	there = lookup(t, head, w, cfg->now_s) != 0;
	unlock(&head->lock);
	return there;
}

bool
state_install(struct state_table *t, const struct state_cfg *cfg,
    const struct pkt *p, const struct state_new *n)
{
	uint32_t parent = 0;
	struct flow f;

	flow_of(p, &f);
	if (n->kind == STATE_LIMIT) {
		struct want w = want_of_flow(&f, p->flow_hash, n->name);

		if (exists(t, cfg, &w))
			return true;
		parent = hold_parent(t, cfg, &f, n);
		if (parent == 0)
			return false;
	}
	return add(t, cfg, p, &f, n, parent);
}
