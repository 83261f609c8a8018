/* SPDX-License-Identifier: BSD-2-Clause */
#include "rule/walk.h"

enum { PREFETCH_LINES = 5 };

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

/* ---- bursts ---- */

/* A place in a tree on the way down. */
struct place {
	const struct node *node; /* asked for, not yet looked at */
	uint32_t walk;
	uint32_t root;
};

/* Asks for what a node leads to: the child of a point, or the first blocks of a
 * leaf.  Returns the child. */
static inline const struct node *
ask(const struct forest *f, const struct node *n, const struct point *p)
{
	const struct node *child = &f->nodes[n->at +
	    (p->at[n->dim] >> n->shift & n->n)];
	const char *blocks = (const char *)(f->words +
	    (size_t)n->at * BLOCK_LANES);
	bool is_leaf = n->dim == DIM_LEAF;
	const char *at = is_leaf ? blocks : (const char *)child;

	/* A block is five lines or more; the lines behind a child do no harm,
	 * a branch that nobody can predict would. */
	for (unsigned i = 0; i < PREFETCH_LINES; i++)
		__builtin_prefetch(at + i * CACHE_LINE);
	return child;
}

/* One level down for each place that is not at a leaf yet.  Returns how many
 * are left. */
static unsigned
descend(struct place *places, unsigned n, const struct point *points,
    struct node (*found)[FOREST_ROOTS], const struct forest *f)
{
	unsigned left = 0;

	for (unsigned i = 0; i < n; i++) {
		struct place p = places[i];
		const struct node *at = p.node;

		found[p.walk][p.root] = *at;
		p.node = ask(f, at, &points[p.walk]);
		places[left] = p;
		left += at->dim != DIM_LEAF;
	}
	return left;
}

void
walk_burst(struct walk *walks, unsigned n, const struct grove *g)
{
	struct place places[WALK_BURST * FOREST_ROOTS];
	struct node found[WALK_BURST][FOREST_ROOTS];
	struct point points[WALK_BURST];
	const struct forest *f = g->forest;
	unsigned left = 0;

	for (unsigned i = 0; i < n; i++) {
		const struct family *fam =
		    &f->families[forest_family(&walks[i].key)];

		points[i] = forest_point(&walks[i].key);
		for (unsigned k = 0; k < fam->n_roots; k++)
			places[left++] = (struct place){&fam->roots[k], i, k};
	}
	while (left > 0)
		left = descend(places, left, points, found, f);
	for (unsigned i = 0; i < n; i++) {
		struct walk *w = &walks[i];
		unsigned n_roots =
		    f->families[forest_family(&w->key)].n_roots;

		w->n_leaves = 0;
		w->from = 0;
		for (unsigned k = 0; k < n_roots; k++)
			add_leaf(w, f, &found[i][k]);
		add_last(w, g);
		compare(w, f, 0, w->n_leaves);
	}
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

/* A leaf's first candidate at or after 'from'; WALK_NONE also if there is
 * certainly none before 'best'. */
static inline unsigned
head(struct walk *w, const struct grove *g, unsigned leaf, unsigned from,
    unsigned best)
{
	struct leaf *l = &w->leaves[leaf];

	for (;;) {
		unsigned next = l->at + BLOCK_WINDOW;

		while (w->masks[leaf] != 0) {
			unsigned lane = l->at * BLOCK_LANES +
			    (unsigned)__builtin_ctzll(w->masks[leaf]);
			unsigned i = index_at(w, g, leaf, lane);

			if (i >= from)
				return i;
			w->masks[leaf] &= w->masks[leaf] - 1;
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
