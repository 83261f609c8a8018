/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A forest of small cut trees over the keys of many rules: which few of them
 * are worth a comparison for a packet?
 *
 * Place      rule/plan builds one over a ruleset of more than PLAN_FLAT rules
 *            and keeps it while the rules change a little; rule/walk reads it.
 * Life       forest_build -> immutable -> forest_destroy.  Pure: any thread.
 * Slots      rules are named by their place in the array that was built from.
 * Shape      for each family of packets up to MAX_ROOTS trees: one for each
 *            answer to "narrow source?  narrow destination?", and a leaf of the
 *            rules that no cut can tell apart.  A rule is in one tree of each
 *            family that it may match.
 *
 *	root [cut: dst, bits 12 to 21] --- child --- child --- ... (1024)
 *	         |                             '- leaf: blocks of eight rules
 *	     [cut: dport, bits 8 to 15] ...        in their order
 *
 * Cuts       take some bits of one dimension (source, destination, both ports,
 *            protocol) as the index of a child.  An IPv6 address is cut on its
 *            first 64 bits, and on what keys know of the others.  Where all rules of a node share leading bits, those
 *            are passed over: who differs there fits none of them anyway.
 * Invariant  every rule that a packet's key fits is in one of the leaves that
 *            the packet comes to.
 * Bounds     a rule that is wider than a child is in several.  Each tree may
 *            hold FOREST_COPIES rules a rule, and that right is divided among
 *            children; a node that has used it up is a (long) leaf.  So size and
 *            time to build are linear in the rules, whatever they are.
 */
#pragma once

#include "base/pages.h"
#include "rule/block.h"

enum {
	FOREST_ROOTS = 5,    /* trees of a family */
	FOREST_FAMILIES = 3, /* by KEY_IP4 and KEY_IP6: neither, IPv4, IPv6 */
	FOREST_DIMS = 7,
	FOREST_LEAF = 8,    /* rules that are no longer cut */
	FOREST_COPIES = 4,
	FOREST_DEPTH = 24,
	FOREST_MAX_RULES = 1 << 18,
	FOREST_PAGES = 512 << 10, /* octets that are worth pages */
};

enum dim { DIM_SRC, DIM_DST, DIM_SPORT, DIM_DPORT, DIM_PROTO,
	DIM_SRC_REST, DIM_DST_REST, DIM_LEAF = FOREST_DIMS };

/* A cut: the child of a value v is nodes[at + (v >> shift & n)].  A leaf: 'n'
 * blocks from word at * BLOCK_LANES on. */
struct node {
	uint32_t at;
	uint8_t dim; /* enum dim */
	uint8_t shift;
	uint16_t n;
};

struct family {
	unsigned n_roots;
	struct node roots[FOREST_ROOTS];
};

/* What there is to see of it. */
struct forest_stats {
	uint32_t n_rules;
	uint32_t n_nodes;
	uint32_t n_leaves; /* not those without rules */
	uint32_t n_refs;   /* rules in leaves */
	uint32_t max_depth;
	uint32_t max_leaf; /* rules */
	uint64_t bytes;
};

struct forest {
	const struct block_scan *scan;
	struct family families[FOREST_FAMILIES];
	struct node *nodes;
	uint32_t *words; /* of the leaves; owned; the nodes lie behind */
	const struct pages *pages; /* where they come from; NULL: malloc */
	bool is_fit; /* one block has both; while it is built, they have two */
	struct forest_stats stats;
};

/* A packet's place in each dimension. */
struct point {
	uint64_t at[FOREST_DIMS + 1]; /* and 0 at DIM_LEAF */
};

/* The forest over 'n' <= FOREST_MAX_RULES rules' keys; a big one lies in pages of
 * 'pages' (NULL: malloc's memory).  Returns owned, NULL without memory.  About
 * n log n. */
struct forest *forest_build(const struct rule_key *keys, unsigned n,
    const struct pages *pages);
void forest_destroy(struct forest *f);

static inline unsigned
forest_family(const struct pkt_key *k)
{
	return (k->meta & (KEY_IP4 | KEY_IP6)) / KEY_IP4;
}

static inline struct point
forest_point(const struct pkt_key *k)
{
	struct point p = {.at = {
		[DIM_SRC] = __builtin_bswap32(k->src),
		[DIM_DST] = __builtin_bswap32(k->dst),
		[DIM_SPORT] = k->ports >> 16,
		[DIM_DPORT] = k->ports & 0xffff,
		[DIM_PROTO] = k->meta & 0xff,
	}};

	if ((k->meta & KEY_IP6) != 0) {
		p.at[DIM_SRC] = p.at[DIM_SRC] << 32 |
		    __builtin_bswap32(k->src2);
		p.at[DIM_DST] = p.at[DIM_DST] << 32 |
		    __builtin_bswap32(k->dst2);
		p.at[DIM_SRC_REST] = __builtin_bswap32(k->rest) & 0xffff;
		p.at[DIM_DST_REST] = __builtin_bswap32(k->rest) >> 16;
	}
	return p;
}

_Static_assert(sizeof(struct node) == 8, "a node is one word");
