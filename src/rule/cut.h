/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cuts: into which equal parts could a node of a forest be divided, and what is that
 * worth?
 *
 * Place      rule/forest asks for the best one at each node.
 * Boxes      a rule is the ranges that it wants in each dimension; a node those that
 *            it covers.
 * Cut        some bits of one dimension, below those that all rules of the node
 *            share, are the number of the child.
 * Cost       a try is linear in the rules of the node; 12 of them a node or so.
 */
#pragma once

#include "rule/forest.h"

enum { CUT_BITS = 12 }; /* of one cut */

/* The values that a rule wants, or a node covers, in each dimension. */
struct box {
	uint64_t lo[FOREST_DIMS];
	uint64_t hi[FOREST_DIMS];
};

/* Those of many rules, dimension by dimension: a try looks at one of them. */
struct range {
	uint64_t lo, hi;
};
struct boxes {
	struct range *in[FOREST_DIMS]; /* a range for each slot */
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

/* What 'k' wants, in a family. */
void cut_box(const struct rule_key *k, bool ip6, struct box *b);

/* Shrinks the box of a node to what its rules cover. */
void cut_shrink(const struct boxes *boxes, const struct refs *r,
    struct box *node);

/* Counts the rules of each child in n_in[], which has room for one more. */
void cut_count(const struct boxes *boxes, const struct refs *r,
    const struct box *node, const struct cut *c, uint32_t *n_in);

/* Tries cuts of dimension 'dim' that need the right to 'budget' copies at most; the
 * best one, if it is better than *best, is there afterwards. */
void cut_try(const struct boxes *boxes, const struct refs *r,
    const struct box *node, enum dim dim, uint64_t budget, struct cut *best);

static inline uint64_t
cut_max(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static inline uint64_t
cut_min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Bits that a number takes. */
static inline unsigned
cut_width(uint64_t x)
{
	return x == 0 ? 0 : 64 - (unsigned)__builtin_clzll(x);
}

/* The children [*first, *last] that a rule goes to, by its range of that dimension. */
static inline void
cut_children(const struct range *rule, const struct box *node,
    const struct cut *c, unsigned *first, unsigned *last)
{
	uint64_t lo = cut_max(rule->lo, node->lo[c->dim]);
	uint64_t hi = cut_min(rule->hi, node->hi[c->dim]);

	*first = (unsigned)((lo - c->base) >> c->shift);
	*last = (unsigned)((hi - c->base) >> c->shift);
}
