/* SPDX-License-Identifier: BSD-2-Clause */
#include "rule/forest.h"

#include <stdlib.h>
#include <string.h>

enum {
	MAX_BITS = 12,	      /* of one cut */
	NARROW_IP4 = 12,      /* prefixes at least this long are narrow */
	NARROW_IP6 = 24,
	SMALL_TREE = 24,	      /* so few rules need no tree of their own */
	NODES_A_RULE = 8,     /* more of them, and nothing is cut any more */
	WORDS_A_GROUP = BLOCK_LANES, /* unit of node.at in leaves */
};

/* The values that a rule wants, or a node covers, in each dimension. */
struct box {
	uint64_t lo[FOREST_DIMS];
	uint64_t hi[FOREST_DIMS];
};

/* A forest in the making. */
struct build {
	const struct rule_key *keys;
	struct box *boxes; /* of each rule, in this family */
	unsigned words;	   /* of a block of this family */
	struct forest *f;
	uint32_t max_nodes;
	uint32_t room_nodes;
	uint32_t n_groups; /* of words, in use */
	uint32_t room_groups;
	bool failed;
};

/* Rules of a node: slots in ascending order. */
struct refs {
	const uint32_t *slots;
	unsigned n;
};

/* How a node could be cut. */
struct cut {
	enum dim dim;
	unsigned shift;
	unsigned bits;
	uint64_t base; /* where child 0 begins */
	uint64_t refs; /* rules in all children */
	double cost;
};

/* ---- keys to boxes ---- */

/* The values under a mask, of 'bits' bits: exact if the mask is a prefix, else
 * those that share its leading ones. */
static void
range_of_mask(uint64_t value, uint64_t mask, unsigned bits, uint64_t *lo,
    uint64_t *hi)
{
	uint64_t all = bits == 64 ? UINT64_MAX : (1ull << bits) - 1;
	uint64_t clear = ~mask & all;
	uint64_t below = clear == 0 ? 0 :
	    UINT64_MAX >> __builtin_clzll(clear);

	*lo = value & ~below;
	*hi = (value & ~below) | below;
}

static void
range_of_addr(uint32_t v, uint32_t m, uint32_t v2, uint32_t m2, bool ip6,
    uint64_t *lo, uint64_t *hi)
{
	uint64_t value = __builtin_bswap32(v), mask = __builtin_bswap32(m);

	if (ip6) {
		value = value << 32 | __builtin_bswap32(v2);
		mask = mask << 32 | __builtin_bswap32(m2);
	}
	range_of_mask(value, mask, ip6 ? 64 : 32, lo, hi);
}

/* Packets that are not IPv6 have 0 there, and nothing is cut. */
static void
range_of_rest(const struct rule_key *k, bool ip6, unsigned shift, uint64_t *lo,
    uint64_t *hi)
{
	uint16_t value = __builtin_bswap16((uint16_t)(k->rest >> shift));
	uint16_t mask = __builtin_bswap16((uint16_t)(k->rest_mask >> shift));

	*lo = *hi = 0;
	if (ip6)
		range_of_mask(value, mask, 16, lo, hi);
}

static void
box_of_key(const struct rule_key *k, bool ip6, struct box *b)
{
	bool tcp = (k->meta & k->meta_mask & KEY_TCP) != 0;
	bool proto = (k->meta_mask & 0xff) == 0xff;

	range_of_addr(k->src, k->src_mask, k->src2, k->src2_mask, ip6,
	    &b->lo[DIM_SRC], &b->hi[DIM_SRC]);
	range_of_addr(k->dst, k->dst_mask, k->dst2, k->dst2_mask, ip6,
	    &b->lo[DIM_DST], &b->hi[DIM_DST]);
	b->lo[DIM_SPORT] = k->ports_lo >> 16;
	b->hi[DIM_SPORT] = k->ports_hi >> 16;
	b->lo[DIM_DPORT] = k->ports_lo & 0xffff;
	b->hi[DIM_DPORT] = k->ports_hi & 0xffff;
	b->lo[DIM_PROTO] = proto ? k->meta & 0xff : tcp ? PROTO_TCP : 0;
	b->hi[DIM_PROTO] = proto ? k->meta & 0xff : tcp ? PROTO_TCP : 0xff;
	range_of_rest(k, ip6, 16, &b->lo[DIM_SRC_REST], &b->hi[DIM_SRC_REST]);
	range_of_rest(k, ip6, 0, &b->lo[DIM_DST_REST], &b->hi[DIM_DST_REST]);
}

/* ---- room ---- */

/* Room for 'n' more nodes in a row; the first one's index. */
static uint32_t
take_nodes(struct build *b, unsigned n)
{
	struct forest *f = b->f;
	uint32_t at = f->stats.n_nodes;

	if (at + n > b->room_nodes) {
		uint32_t room = (at + n) * 2;
		struct node *more = realloc(f->nodes, room * sizeof(*more));

		if (more == NULL) {
			b->failed = true;
			return 0;
		}
		f->nodes = more;
		b->room_nodes = room;
	}
	f->stats.n_nodes += n;
	return at;
}

static void *
aligned(size_t size)
{
	return aligned_alloc(BLOCK_ALIGN * 2,
	    (size + BLOCK_ALIGN * 2 - 1) & ~(size_t)(BLOCK_ALIGN * 2 - 1));
}

/* Room for the words of some blocks; in groups of WORDS_A_GROUP. */
static uint32_t
take_groups(struct build *b, uint32_t n)
{
	struct forest *f = b->f;
	uint32_t at = b->n_groups;

	if (at + n > b->room_groups) {
		uint32_t room = (at + n) + (at + n) / 2;
		size_t unit = WORDS_A_GROUP * sizeof(uint32_t);
		uint32_t *more = aligned(room * unit);

		if (more == NULL) {
			b->failed = true;
			return 0;
		}
		if (at > 0)
			memcpy(more, f->words, at * unit);
		free(f->words);
		f->words = more;
		b->room_groups = room;
	}
	b->n_groups += n;
	return at;
}

/* ---- leaves ---- */

/* Its block, the first of all, fits no packet. */
static const struct node no_rules = {.dim = DIM_LEAF};

static void
make_no_rules(struct build *b)
{
	take_groups(b, BLOCK_LONG / WORDS_A_GROUP);
	if (!b->failed)
		block_end(b->f->words, BLOCK_LONG, 0);
}

static struct node
make_leaf(struct build *b, const struct refs *r)
{
	unsigned n_blocks = blocks_of(r->n);
	struct node leaf = {.dim = DIM_LEAF, .n = (uint16_t)n_blocks};
	struct forest_stats *s = &b->f->stats;
	uint32_t *block = NULL;

	if (r->n == 0)
		return no_rules;
	leaf.at = take_groups(b, n_blocks * (b->words / WORDS_A_GROUP));
	if (b->failed)
		return no_rules;
	for (unsigned i = 0; i < r->n; i++) {
		unsigned lane = i % BLOCK_LANES;

		block = b->f->words + (size_t)leaf.at * WORDS_A_GROUP +
		    (size_t)(i / BLOCK_LANES) * b->words;
		block_set(block, b->words, lane, r->slots[i],
		    &b->keys[r->slots[i]]);
	}
	if (r->n % BLOCK_LANES != 0)
		block_end(block, b->words, r->n % BLOCK_LANES);
	s->n_leaves++;
	s->n_refs += r->n;
	s->max_leaf = r->n > s->max_leaf ? r->n : s->max_leaf;
	return leaf;
}

/* ---- choosing a cut ---- */

static uint64_t
max64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t
min64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Shrinks the box of a node to what its rules cover. */
static void
shrink(const struct build *b, const struct refs *r, struct box *box)
{
	struct box all;

	for (unsigned d = 0; d < FOREST_DIMS; d++) {
		all.lo[d] = UINT64_MAX;
		all.hi[d] = 0;
	}
	for (unsigned i = 0; i < r->n; i++) {
		const struct box *x = &b->boxes[r->slots[i]];

		for (unsigned d = 0; d < FOREST_DIMS; d++) {
			all.lo[d] = min64(all.lo[d], x->lo[d]);
			all.hi[d] = max64(all.hi[d], x->hi[d]);
		}
	}
	for (unsigned d = 0; d < FOREST_DIMS; d++) {
		box->lo[d] = max64(box->lo[d], all.lo[d]);
		box->hi[d] = min64(box->hi[d], all.hi[d]);
	}
}

/* The children [*first, *last] that a rule goes to. */
static inline void
children_of(const struct box *rule, const struct box *node,
    const struct cut *c, unsigned *first, unsigned *last)
{
	uint64_t lo = max64(rule->lo[c->dim], node->lo[c->dim]);
	uint64_t hi = min64(rule->hi[c->dim], node->hi[c->dim]);

	*first = (unsigned)((lo - c->base) >> c->shift);
	*last = (unsigned)((hi - c->base) >> c->shift);
}

/* Counts the rules of each child in n_in[]. */
static void
count_children(const struct build *b, const struct refs *r,
    const struct box *box, const struct cut *c, uint32_t *n_in)
{
	unsigned n = 1u << c->bits, first, last;
	uint32_t sum = 0;

	memset(n_in, 0, (n + 1) * sizeof(*n_in));
	for (unsigned i = 0; i < r->n; i++) {
		children_of(&b->boxes[r->slots[i]], box, c, &first, &last);
		n_in[first]++;
		n_in[last + 1]--;
	}
	for (unsigned i = 0; i < n; i++)
		n_in[i] = sum += n_in[i];
}

/* What a cut costs: the rules that a packet, sent by one of the rules at random,
 * meets in its child, times a price for rules in several children; copies are
 * cheap as long as there is a right to many of them. */
static void
judge(const struct build *b, const struct refs *r, const struct box *box,
    uint64_t budget, struct cut *c)
{
	uint32_t n_in[(1 << MAX_BITS) + 1];
	unsigned n = 1u << c->bits;
	double squares = 0, each = r->n;

	count_children(b, r, box, c, n_in);
	c->refs = 0;
	for (unsigned i = 0; i < n; i++) {
		c->refs += n_in[i];
		squares += (double)n_in[i] * n_in[i];
	}
	c->cost = squares / (double)c->refs *
	    (1 + ((double)c->refs / each - 1) * 2 * each / (double)budget) *
	    (1 + n / each / 32);
}

static unsigned
width64(uint64_t x)
{
	return x == 0 ? 0 : 64 - (unsigned)__builtin_clzll(x);
}

/* Tries cuts of one dimension, wide ones first, until they get worse. */
static void
try_dim(const struct build *b, const struct refs *r, const struct box *box,
    enum dim dim, uint64_t budget, struct cut *best)
{
	unsigned width = width64(box->lo[dim] ^ box->hi[dim]);
	unsigned bits = width64(r->n);
	double last = r->n * 1e6;

	if (bits > MAX_BITS)
		bits = MAX_BITS;
	if (bits > width)
		bits = width;
	for (; bits > 0; bits = bits > 2 ? bits - 2 : bits - 1) {
		struct cut c = {.dim = dim, .bits = bits,
			.shift = width - bits};

		c.base = width == 64 ? 0 :
		    box->lo[dim] >> width << width;
		judge(b, r, box, budget, &c);
		if (c.refs > budget)
			continue;
		if (c.cost < best->cost)
			*best = c;
		if (c.cost > last)
			break;
		last = c.cost;
	}
}

/* ---- growing ---- */

static struct node grow(struct build *b, const struct refs *r, struct box box,
    uint64_t budget, unsigned depth);

/* Leaves that follow each other and together fill one block are one. */
struct shared {
	uint32_t slots[FOREST_LEAF];
	unsigned n;
	unsigned from; /* first child of them */
};

static void
end_shared(struct build *b, struct shared *s, uint32_t nodes, unsigned to,
    const uint32_t *n_in)
{
	struct node leaf = make_leaf(b, &(struct refs){s->slots, s->n});

	if (!b->failed)
		for (unsigned i = s->from; i < to; i++)
			b->f->nodes[nodes + i] = n_in[i] == 0 ? no_rules : leaf;
	s->n = 0;
	s->from = to;
}

/* Adds the rules of a small child if there is room; false if not. */
static bool
share(struct shared *s, const struct refs *r)
{
	uint32_t all[FOREST_LEAF];
	unsigned n = 0, i = 0, k = 0;
	unsigned most = s->n == 0 ? FOREST_LEAF : BLOCK_LANES;

	if (r->n == s->n &&
	    memcmp(r->slots, s->slots, r->n * sizeof(*r->slots)) == 0)
		return true;
	while (i < s->n || k < r->n) {
		uint32_t x = i < s->n ? s->slots[i] : UINT32_MAX;
		uint32_t y = k < r->n ? r->slots[k] : UINT32_MAX;

		if (n == most)
			return false;
		all[n++] = x < y ? x : y;
		i += x <= y;
		k += y <= x;
	}
	memcpy(s->slots, all, n * sizeof(*all));
	s->n = n;
	return true;
}

/* Makes the children of a cut from their rules: child i has n_in[i] of them,
 * after those of the children before it. */
static void
grow_children(struct build *b, const struct cut *c, const struct box *box,
    const uint32_t *n_in, const uint32_t *slots, uint32_t nodes,
    uint64_t budget, unsigned depth)
{
	unsigned n = 1u << c->bits;
	struct shared s = {.n = 0, .from = 0};

	for (unsigned i = 0; i < n && !b->failed; slots += n_in[i], i++) {
		struct refs r = {slots, n_in[i]};
		struct box child = *box;
		struct node made;

		if (r.n <= FOREST_LEAF) {
			if (!share(&s, &r)) {
				end_shared(b, &s, nodes, i, n_in);
				share(&s, &r);
			}
			continue;
		}
		end_shared(b, &s, nodes, i, n_in);
		child.lo[c->dim] = c->base + ((uint64_t)i << c->shift);
		child.hi[c->dim] = child.lo[c->dim] + ((1ull << c->shift) - 1);
		child.lo[c->dim] = max64(child.lo[c->dim], box->lo[c->dim]);
		child.hi[c->dim] = min64(child.hi[c->dim], box->hi[c->dim]);
		made = grow(b, &r, child, budget * r.n / c->refs, depth + 1);
		if (!b->failed)
			b->f->nodes[nodes + i] = made;
		s.from = i + 1;
	}
	end_shared(b, &s, nodes, n, n_in);
}

/* Deals the rules of a node out to its children, in order. */
static void
deal(const struct build *b, const struct refs *r, const struct box *box,
    const struct cut *c, const uint32_t *n_in, uint32_t *slots)
{
	uint32_t at[1 << MAX_BITS], sum = 0;
	unsigned first, last;

	for (unsigned i = 0; i < 1u << c->bits; i++) {
		at[i] = sum;
		sum += n_in[i];
	}
	for (unsigned i = 0; i < r->n; i++) {
		children_of(&b->boxes[r->slots[i]], box, c, &first, &last);
		for (unsigned k = first; k <= last; k++)
			slots[at[k]++] = r->slots[i];
	}
}

/* Cuts a node. */
static struct node
cut_node(struct build *b, const struct refs *r, const struct box *box,
    const struct cut *c, uint64_t budget, unsigned depth)
{
	unsigned n = 1u << c->bits;
	uint32_t *n_in = malloc((n + 1 + c->refs) * sizeof(*n_in));
	struct node node = {.dim = (uint8_t)c->dim, .n = (uint16_t)(n - 1),
		.shift = (uint8_t)c->shift};

	if (n_in == NULL) {
		b->failed = true;
		return no_rules;
	}
	count_children(b, r, box, c, n_in);
	deal(b, r, box, c, n_in, n_in + n + 1);
	node.at = take_nodes(b, n);
	if (!b->failed)
		grow_children(b, c, box, n_in, n_in + n + 1, node.at, budget,
		    depth);
	free(n_in);
	return node;
}

/* The tree over some rules within a box, with the right to 'budget' copies. */
static struct node
grow(struct build *b, const struct refs *r, struct box box, uint64_t budget,
    unsigned depth)
{
	struct cut best = {.cost = r->n * 0.999};
	struct forest_stats *s = &b->f->stats;

	s->max_depth = depth > s->max_depth ? depth : s->max_depth;
	if (r->n <= FOREST_LEAF || depth == FOREST_DEPTH ||
	    s->n_nodes > b->max_nodes)
		return make_leaf(b, r);
	shrink(b, r, &box);
	for (unsigned d = 0; d < FOREST_DIMS; d++)
		try_dim(b, r, &box, (enum dim)d, budget, &best);
	return best.bits == 0 ? make_leaf(b, r) :
				cut_node(b, r, &box, &best, budget, depth);
}

/* ---- the trees of a family ---- */

/* Which tree a rule goes to: bit 0 narrow source, bit 1 narrow destination, 4
 * if it asks for nothing that a cut could see. */
static unsigned
tree_of(const struct box *x, const struct box *all, bool ip6)
{
	unsigned width = ip6 ? 64 - NARROW_IP6 : 32 - NARROW_IP4;
	unsigned tree = 0, asks = 0;

	for (unsigned d = DIM_SRC; d <= DIM_DST; d++)
		if (width64(x->lo[d] ^ x->hi[d]) <= width)
			tree |= 1u << d;
	for (unsigned d = 0; d < FOREST_DIMS; d++)
		asks += x->lo[d] != all->lo[d] || x->hi[d] != all->hi[d];
	return asks == 0 ? FOREST_ROOTS - 1 : tree;
}

/* Merges two ascending lists into the first. */
static void
merge(uint32_t *a, unsigned *n_a, const uint32_t *b, unsigned n_b)
{
	unsigned i = *n_a, k = n_b, to = i + k;

	*n_a = to;
	while (k > 0)
		a[--to] = i > 0 && a[i - 1] > b[k - 1] ? a[--i] : b[--k];
}

static unsigned
longest(const unsigned *n)
{
	unsigned best = 0;

	for (unsigned t = 1; t < FOREST_ROOTS; t++)
		if (n[t] > n[best])
			best = t;
	return best;
}

/* Makes the trees from lists of rules, n[i] at slots + i * n_rules. */
static void
plant(struct build *b, struct family *fam, uint32_t *slots, unsigned *n,
    unsigned n_rules, const struct box *all)
{
	enum { WIDE = FOREST_ROOTS - 1 };
	uint32_t *wide = slots + (size_t)WIDE * n_rules;
	uint64_t budget = 64;

	for (unsigned t = 0; t < WIDE; t++)
		if (n[t] <= SMALL_TREE) {
			merge(wide, &n[WIDE], slots + (size_t)t * n_rules,
			    n[t]);
			n[t] = 0;
		}
	for (unsigned left = FOREST_ROOTS; left > 0 && !b->failed; left--) {
		unsigned t = longest(n);
		struct refs r = {slots + (size_t)t * n_rules, n[t]};
		uint32_t before = b->f->stats.n_refs;

		if (n[t] == 0)
			break;
		budget += (uint64_t)FOREST_COPIES * n[t];
		fam->roots[fam->n_roots++] = t == WIDE ? make_leaf(b, &r) :
		    grow(b, &r, *all, budget, 1);
		before = b->f->stats.n_refs - before;
		budget = before < budget ? budget - before : 0;
		n[t] = 0;
	}
}

static void
make_family(struct build *b, unsigned family, unsigned n_rules)
{
	struct rule_key any = {.ports_hi = 0xffffffff};
	uint32_t *slots = malloc(FOREST_ROOTS * (size_t)n_rules *
	    sizeof(*slots));
	bool ip6 = family * KEY_IP4 == KEY_IP6;
	unsigned n[FOREST_ROOTS] = {0};
	struct box all;

	b->words = ip6 ? BLOCK_LONG : BLOCK_SHORT;
	box_of_key(&any, ip6, &all);
	b->failed = b->failed || slots == NULL;
	for (unsigned i = 0; i < n_rules && !b->failed; i++) {
		unsigned t;

		if (!key_is_of(&b->keys[i], family * KEY_IP4))
			continue;
		box_of_key(&b->keys[i], ip6, &b->boxes[i]);
		t = family == 0 ? FOREST_ROOTS - 1 :
				  tree_of(&b->boxes[i], &all, ip6);
		slots[(size_t)t * n_rules + n[t]++] = i;
	}
	if (!b->failed)
		plant(b, &b->f->families[family], slots, n, n_rules, &all);
	free(slots);
}

/* Room for a finished forest. */
static uint32_t *
last_room(struct forest *f, size_t size, const struct pages *pages)
{
	f->pages = size < FOREST_PAGES ? NULL : pages;
	if (f->pages != NULL)
		return f->pages->take(size);
	return aligned(size);
}

static void
give_back(struct forest *f, size_t size)
{
	if (f->pages != NULL && f->words != NULL)
		f->pages->give(f->words, (uint32_t)
		    ((size + PAGES_UNIT - 1) / PAGES_UNIT));
	else
		free(f->words);
}

/* Octets of leaves and nodes. */
static size_t
size_of(const struct forest *f)
{
	return f->stats.bytes - sizeof(*f);
}

/* Moves leaves and nodes, which were taken too much for, into one block. */
static void
fit_room(struct build *b, const struct pages *pages)
{
	struct forest *f = b->f;
	size_t leaves = (size_t)b->n_groups * WORDS_A_GROUP * sizeof(uint32_t);
	/* Whole lines, and what a walk asks for behind the last leaf. */
	size_t words = (leaves + CACHE_LINE - 1) & ~(size_t)(CACHE_LINE - 1);
	size_t nodes = f->stats.n_nodes * sizeof(struct node);
	uint32_t *to;

	f->stats.bytes = sizeof(*f) + words + nodes + sizeof(struct node);
	to = last_room(f, size_of(f), pages);
	if (to == NULL) {
		b->failed = true;
		f->pages = NULL;
		return;
	}
	memcpy(to, f->words, leaves);
	if (nodes > 0)
		memcpy((char *)to + words, f->nodes, nodes);
	free(f->words);
	free(f->nodes);
	f->words = to;
	f->nodes = (struct node *)(void *)((char *)to + words);
	f->is_fit = true;
}

struct forest *
forest_build(const struct rule_key *keys, unsigned n,
    const struct pages *pages)
{
	struct build b = {
		.keys = keys,
		.max_nodes = n * NODES_A_RULE + (2u << MAX_BITS),
		.boxes = malloc(n * sizeof(*b.boxes)),
		.f = calloc(1, sizeof(*b.f)),
	};

	b.failed = b.boxes == NULL || b.f == NULL;
	if (!b.failed)
		make_no_rules(&b);
	for (unsigned i = 0; i < FOREST_FAMILIES && !b.failed; i++)
		make_family(&b, i, n);
	free(b.boxes);
	if (!b.failed)
		fit_room(&b, pages);
	if (b.failed) {
		forest_destroy(b.f);
		return NULL;
	}
	b.f->scan = block_scans();
	b.f->stats.n_rules = n;
	return b.f;
}

void
forest_destroy(struct forest *f)
{
	if (f == NULL)
		return;
	if (!f->is_fit)
		free(f->nodes);
	give_back(f, size_of(f));
	free(f);
}
