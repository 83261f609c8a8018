/* SPDX-License-Identifier: BSD-2-Clause */
#include "rule/walk.h"

#include "rule/block_fit.h"

/* Blocks of packets of this family are long. */
static inline bool
is_long(const struct walk *w)
{
	return (w->key.meta & KEY_IP6) != 0;
}

static inline unsigned
words_of(const struct walk *w)
{
	return is_long(w) ? BLOCK_LONG : BLOCK_SHORT;
}

/* Compares the windows of 'n' leaves from leaf 'at' on. */
static inline void
compare(struct walk *w, const struct forest *f, unsigned at, unsigned n)
{
	if (is_long(w))
		f->scan->masks6(w->leaves + at, n, &w->key, w->masks + at);
	else
		f->scan->masks(w->leaves + at, n, &w->key, w->masks + at);
}

static inline void
add_leaf(struct walk *w, const struct forest *f, const struct node *n)
{
	/* Whether a leaf is empty is a matter of chance: no branch. */
	w->leaves[w->n_leaves] = (struct leaf){
	    .blocks = f->words + (size_t)n->at * BLOCK_LANES,
	    .n_blocks = n->n,
	};
	w->n_leaves += n->n != 0;
}

/* The leaf of added rules, behind all others. */
static inline void
add_last(struct walk *w, const struct grove *g)
{
	w->n_old = w->n_leaves;
	w->leaves[w->n_leaves] = g->added[is_long(w)];
	w->n_leaves += g->added[is_long(w)].n_blocks != 0;
}

void
walk_begin(struct walk *w, const struct grove *g)
{
	const struct forest *f = g->forest;
	const struct family *fam = &f->families[forest_family(&w->key)];
	struct point p = forest_point(&w->key);

	w->n_leaves = 0;
	w->from = 0;
	for (unsigned i = 0; i < fam->n_roots; i++) {
		const struct node *n = &fam->roots[i];

		while (n->dim != DIM_LEAF)
			n = &f->nodes[n->at + (p.at[n->dim] >> n->shift & n->n)];
		add_leaf(w, f, n);
	}
	add_last(w, g);
	compare(w, f, 0, w->n_leaves);
}

/* ---- candidates ---- */

/* The index of the rule in a lane of a leaf. */
static inline uint32_t
index_at(const struct walk *w, const struct grove *g, unsigned leaf,
    unsigned lane)
{
	uint32_t slot = w->leaves[leaf].blocks[lane / BLOCK_LANES *
	    words_of(w) + lane % BLOCK_LANES];

	return g->order == NULL || leaf >= w->n_old ? slot : g->order[slot];
}

/* Moves a leaf's window on, over all blocks that are before 'from'. */
static void
move_window(struct walk *w, const struct grove *g, unsigned leaf,
    unsigned from)
{
	struct leaf *l = &w->leaves[leaf];
	unsigned lo = l->at + BLOCK_WINDOW, hi = l->n_blocks;

	/* The last block that begins at or before 'from'. */
	while (hi - lo > 1) {
		unsigned mid = lo + (hi - lo) / 2;

		if (index_at(w, g, leaf, mid * BLOCK_LANES) > from)
			hi = mid;
		else
			lo = mid;
	}
	l->at = lo;
	compare(w, g->forest, leaf, 1);
}

/* Forgets those of many candidates that are in blocks before 'from'. */
static void
skip_blocks(struct walk *w, const struct grove *g, unsigned leaf,
    unsigned from)
{
	const struct leaf *l = &w->leaves[leaf];
	unsigned b = 0, end = l->n_blocks - l->at;

	end = end < BLOCK_WINDOW ? end : BLOCK_WINDOW;
	while (b + 1 < end &&
	    index_at(w, g, leaf, (l->at + b + 1) * BLOCK_LANES) <= from)
		b++;
	w->masks[leaf] &= UINT64_MAX << b * BLOCK_LANES;
}

/* A leaf's first candidate at or after 'from'; WALK_NONE also if there is
 * certainly none before 'best'. */
static inline unsigned
head(struct walk *w, const struct grove *g, unsigned leaf, unsigned from,
    unsigned best)
{
	struct leaf *l = &w->leaves[leaf];

	for (;;) {
		unsigned next = l->at + BLOCK_WINDOW, passed = 0;

		while (w->masks[leaf] != 0) {
			unsigned lane = l->at * BLOCK_LANES +
			    (unsigned)__builtin_ctzll(w->masks[leaf]);
			unsigned i = index_at(w, g, leaf, lane);

			if (i >= from)
				return i;
			w->masks[leaf] &= w->masks[leaf] - 1;
			if (unlikely(++passed == BLOCK_LANES))
				skip_blocks(w, g, leaf, from);
		}
		if (likely(next >= l->n_blocks) ||
		    index_at(w, g, leaf, next * BLOCK_LANES) > best)
			return WALK_NONE;
		move_window(w, g, leaf, from);
	}
}

/* The slot of a leaf's first candidate; WALK_NONE if there is none.  '*slow'
 * becomes true if the leaf has more than one window. */
static inline unsigned
first_slot(const struct walk *w, unsigned leaf, bool *slow)
{
	const struct leaf *l = &w->leaves[leaf];
	uint64_t m = w->masks[leaf];
	unsigned lane = l->at * BLOCK_LANES +
	    (m != 0 ? (unsigned)__builtin_ctzll(m) : 0);
	unsigned slot = l->blocks[lane / BLOCK_LANES * words_of(w) +
	    lane % BLOCK_LANES];

	*slow |= l->at + BLOCK_WINDOW < l->n_blocks;
	return m != 0 ? slot : WALK_NONE;
}

/* The common case, without a branch on what only the packet knows: each leaf is
 * one window, and the first candidate of all is not before 'from'.  False if
 * not.  Only the least slot is looked up in the order. */
static inline bool
first_of_all(const struct walk *w, const struct grove *g, unsigned from,
    unsigned *best)
{
	unsigned least = WALK_NONE;
	bool slow = false;

	for (unsigned i = 0; i < w->n_old; i++) {
		unsigned slot = first_slot(w, i, &slow);

		least = slot < least ? slot : least;
	}
	if (g->order != NULL && least != WALK_NONE)
		least = g->order[least];
	for (unsigned i = w->n_old; i < w->n_leaves; i++) {
		unsigned at = first_slot(w, i, &slow);

		least = at < least ? at : least;
	}
	*best = least;
	return !slow && least >= from;
}

/* Goes back to the beginning of each leaf. */
static void
rewind_all(struct walk *w, const struct grove *g)
{
	for (unsigned i = 0; i < w->n_leaves; i++)
		w->leaves[i].at = 0;
	compare(w, g->forest, 0, w->n_leaves);
}

unsigned
walk_next(struct walk *w, const struct grove *g, unsigned from)
{
	unsigned best = WALK_NONE;

	if (unlikely(from < w->from))
		rewind_all(w, g);
	w->from = from;
	if (likely(first_of_all(w, g, from, &best)))
		return best;
	best = WALK_NONE;
	for (unsigned i = 0; i < w->n_leaves; i++) {
		unsigned h = head(w, g, i, from, best);

		best = h < best ? h : best;
	}
	return best;
}

/* ---- bursts ---- */

/* A place in a tree on the way down. */
struct place {
	const struct node *node;   /* asked for, not yet looked at */
	const struct point *point; /* of its packet */
	struct node *found;	   /* where the leaf is noted */
};

/* As a whole, not member by member. */
static inline struct node
load(const struct node *from)
{
	struct node n;

	memcpy(&n, from, sizeof(n));
	return n;
}

static inline const struct node *
child_of(const struct node *nodes, struct node n, const struct point *p)
{
	return &nodes[n.at + (p->at[n.dim] >> n.shift & n.n)];
}

/* One level down for each place that is not at a leaf yet; asks for the next
 * one.  Returns how many are left. */
static inline __attribute__((always_inline)) unsigned
descend(struct place *places, unsigned n, const struct node *nodes,
    const bool ahead)
{
	unsigned left = 0;

	for (unsigned i = 0; i < n; i++) {
		struct place p = places[i];
		struct node at = load(p.node);

		memcpy(p.found, &at, sizeof(at));
		p.node = child_of(nodes, at, p.point);
		/* Behind a leaf this is anywhere: it does no harm, a branch
		 * that nobody can predict would. */
		if (ahead)
			__builtin_prefetch(p.node);
		places[left] = p;
		left += at.dim != DIM_LEAF;
	}
	return left;
}

/* Takes all packets down all trees. */
static inline __attribute__((always_inline)) void
find_leaves(const struct pkt_key *keys, unsigned n, const struct forest *f,
    struct finds *found, const bool ahead)
{
	struct place places[WALK_BURST * FOREST_ROOTS];
	struct point points[WALK_BURST];
	unsigned left = 0;

	for (unsigned i = 0; i < n; i++) {
		const struct family *fam =
		    &f->families[forest_family(&keys[i])];

		points[i] = forest_point(&keys[i]);
		for (unsigned k = 0; k < fam->n_roots; k++) {
			struct node root = load(&fam->roots[k]);

			memcpy(&found->at[i][k], &root, sizeof(root));
			places[left] = (struct place){
			    child_of(f->nodes, root, &points[i]), &points[i],
			    &found->at[i][k]};
			if (ahead)
				__builtin_prefetch(places[left].node);
			left += root.dim != DIM_LEAF;
		}
	}
	while (left > 0)
		left = descend(places, left, f->nodes, ahead);
}

/* Asks for what is compared of the first blocks of a packet's leaves. */
static inline void
fetch_blocks(const struct forest *f, const struct node *found, unsigned n,
    bool is_long)
{
	for (unsigned k = 0; k < n; k++) {
		const char *at = (const char *)(f->words +
		    (size_t)found[k].at * BLOCK_LANES);

		for (unsigned i = 1; i < BLOCK_SHORT / 16; i++)
			__builtin_prefetch(at + i * CACHE_LINE);
		for (unsigned i = BLOCK_SHORT / 16;
		     is_long && i < BLOCK_LONG / 16; i++)
			__builtin_prefetch(at + i * CACHE_LINE);
	}
}

/* A rule that fits, while better ones are looked for. */
struct best {
	const uint32_t *at; /* its lane in the row of slots */
	uint32_t slot;
};

static const uint32_t nothing[2 * BLOCK_LANES] = {WALK_NONE};

/* Looks through the blocks of a leaf, the first of them in any case, as long as
 * there may be a rule before the best one. */
#define BETTER(name, attr, fit)                                                \
	attr static inline __attribute__((always_inline)) struct best          \
	better_##name(const uint32_t *block, unsigned n_blocks,                \
	    const struct pkt_key *k, struct best best, const bool is_long)     \
	{                                                                      \
		unsigned words = is_long ? BLOCK_LONG : BLOCK_SHORT;           \
                                                                               \
		for (;;) {                                                     \
			unsigned bits = fit(block, k, is_long);                \
			const uint32_t *at = bits == 0 ? nothing :             \
			    block + __builtin_ctz(bits);                       \
                                                                               \
			best = *at < best.slot ? (struct best){at, *at} : best;\
			if (likely(n_blocks <= 1) || bits != 0)                \
				return best;                                   \
			n_blocks--;                                            \
			block += words;                                        \
			if (*block >= best.slot)                               \
				return best;                                   \
		}                                                              \
	}                                                                      \
                                                                               \
	attr static inline __attribute__((always_inline)) struct hit           \
	hit_##name(const struct pkt_key *k, const struct grove *g,             \
	    const struct node *found, unsigned n, const bool is_long)          \
	{                                                                      \
		const struct forest *f = g->forest;                            \
		const struct leaf *added = &g->added[is_long];                 \
		struct best b = {nothing, WALK_NONE};                          \
                                                                               \
		for (unsigned i = 0; i < n; i++)                               \
			b = better_##name(f->words +                           \
			    (size_t)found[i].at * BLOCK_LANES, found[i].n, k,  \
			    b, is_long);                                       \
		if (g->order != NULL && b.slot != WALK_NONE)                   \
			b.slot = g->order[b.slot];                             \
		if (added->n_blocks != 0)                                      \
			b = better_##name(added->blocks, added->n_blocks, k,   \
			    b, is_long);                                       \
		return (struct hit){b.slot, b.at[BLOCK_LANES]};                \
	}                                                                      \
                                                                               \
	attr static void firsts_##name(const struct pkt_key *keys, unsigned n, \
	    const struct grove *g, struct finds *found, struct hit *hits)      \
	{                                                                      \
		const struct forest *f = g->forest;                            \
                                                                               \
		if (g->ahead)                                                  \
			find_leaves(keys, n, f, found, true);                  \
		else                                                           \
			find_leaves(keys, n, f, found, false);                 \
		for (unsigned i = 0; g->ahead && i < n; i++)                   \
			fetch_blocks(f, found->at[i], roots_of(f, &keys[i]),   \
			    (keys[i].meta & KEY_IP6) != 0);                    \
		for (unsigned i = 0; i < n; i++)                               \
			hits[i] = (keys[i].meta & KEY_IP6) == 0 ?              \
			    hit_##name(&keys[i], g, found->at[i],              \
				roots_of(f, &keys[i]), false) :                \
			    hit_##name(&keys[i], g, found->at[i],              \
				roots_of(f, &keys[i]), true);                  \
	}

static inline unsigned
roots_of(const struct forest *f, const struct pkt_key *k)
{
	return f->families[forest_family(k)].n_roots;
}

BETTER(avx2, BLOCK_AVX2, fit_avx2)
BETTER(sse41, BLOCK_SSE41, fit_sse41)
BETTER(c, BLOCK_C, fit_c)

void
walk_firsts(const struct pkt_key *keys, unsigned n, const struct grove *g,
    struct finds *found, struct hit *hits)
{
	switch (g->forest->scan->way) {
	case BLOCK_WAY_AVX2:
		firsts_avx2(keys, n, g, found, hits);
		break;
	case BLOCK_WAY_SSE41:
		firsts_sse41(keys, n, g, found, hits);
		break;
	case BLOCK_WAY_C:
		firsts_c(keys, n, g, found, hits);
		break;
	}
}

void
walk_found(struct walk *w, const struct grove *g, const struct node *found)
{
	const struct forest *f = g->forest;
	unsigned n_roots = roots_of(f, &w->key);

	w->n_leaves = 0;
	w->from = 0;
	for (unsigned k = 0; k < n_roots; k++)
		add_leaf(w, f, &found[k]);
	add_last(w, g);
	compare(w, f, 0, w->n_leaves);
}
