/* SPDX-License-Identifier: BSD-2-Clause */
#include "rule/forest.h"

#include "rule/cut.h"

#include <stdlib.h>
#include <string.h>

enum {
	NARROW_IP4 = 12, /* prefixes at least this long are narrow */
	NARROW_IP6 = 24,
	SMALL_TREE = 24, /* so few rules need no tree of their own */
	NODES_A_RULE = 8, /* more of them, and nothing is cut any more */
	WORDS_A_GROUP = BLOCK_LANES, /* unit of node.at in leaves */
};

/* A forest in the making. */
struct build {
	const struct rule_key *keys;
	struct boxes boxes; /* of each rule, in this family */
	unsigned words;	   /* of a block of this family */
	struct forest *f;
	uint32_t max_nodes;
	uint32_t room_nodes;
	uint32_t n_groups; /* of words, in use */
	uint32_t room_groups;
	bool failed;
};

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
		child.lo[c->dim] = cut_max(child.lo[c->dim], box->lo[c->dim]);
		child.hi[c->dim] = cut_min(child.hi[c->dim], box->hi[c->dim]);
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
	const struct range *in = b->boxes.in[c->dim];
	uint32_t at[1 << CUT_BITS], sum = 0;
	unsigned first, last;

	for (unsigned i = 0; i < 1u << c->bits; i++) {
		at[i] = sum;
		sum += n_in[i];
	}
	for (unsigned i = 0; i < r->n; i++) {
		cut_children(&in[r->slots[i]], box, c, &first, &last);
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
	cut_count(&b->boxes, r, box, c, n_in);
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
	cut_shrink(&b->boxes, r, &box);
	for (unsigned d = 0; d < FOREST_DIMS; d++)
		cut_try(&b->boxes, r, &box, (enum dim)d, budget, &best);
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
		if (cut_width(x->lo[d] ^ x->hi[d]) <= width)
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
	struct box all, box;

	b->words = ip6 ? BLOCK_LONG : BLOCK_SHORT;
	cut_box(&any, ip6, &all);
	b->failed = b->failed || slots == NULL;
	for (unsigned i = 0; i < n_rules && !b->failed; i++) {
		unsigned t;

		if (!key_is_of(&b->keys[i], family * KEY_IP4))
			continue;
		cut_box(&b->keys[i], ip6, &box);
		for (unsigned d = 0; d < FOREST_DIMS; d++)
			b->boxes.in[d][i] =
			    (struct range){box.lo[d], box.hi[d]};
		t = family == 0 ? FOREST_ROOTS - 1 : tree_of(&box, &all, ip6);
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
	struct range *ranges = malloc(FOREST_DIMS * (size_t)n *
	    sizeof(*ranges));
	struct build b = {
		.keys = keys,
		.max_nodes = n * NODES_A_RULE + (2u << CUT_BITS),
		.f = calloc(1, sizeof(*b.f)),
	};

	b.failed = ranges == NULL || b.f == NULL;
	for (unsigned d = 0; d < FOREST_DIMS && !b.failed; d++)
		b.boxes.in[d] = ranges + (size_t)d * n;
	if (!b.failed)
		make_no_rules(&b);
	for (unsigned i = 0; i < FOREST_FAMILIES && !b.failed; i++)
		make_family(&b, i, n);
	free(ranges);
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
