/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One packet's candidates: the leaves of a forest that it comes to, merged in
 * the order of the rules.
 *
 * Place      rule/plan hands it out; rule/interp asks it for one rule after the
 *            other.
 * Life       walk_begin -> walk_next, any number -> forgotten; in a burst,
 *            walk_firsts, and walk_found for those who need more than that.
 * Invariant  walk_next(from) is the first rule at or after 'from' that the
 *            packet's key fits; 'from' may go back.
 * Shape      a window of eight blocks a leaf is compared at once and kept as a
 *            mask; nearly all leaves are one window.  Slots become indexes only
 *            when a candidate is found.
 * Bursts     walk_firsts goes down all trees for all packets level by level and
 *            asks memory for the next level meanwhile: worth it as soon as the
 *            forest is bigger than the cache.
 */
#pragma once

#include "rule/forest.h"

enum {
	WALK_LEAVES = FOREST_ROOTS + 1, /* and the rules added since */
	WALK_BURST = 16,
};
#define WALK_NONE UINT32_MAX

/* A forest, and how its slots are to be read today. */
struct grove {
	const struct forest *forest;
	const uint32_t *order; /* slot -> index; NULL: they are the same */
	bool ahead;	       /* bursts ask memory for what they come to */
	struct leaf added[2];  /* slots are indexes; [1] is of long blocks */
};

struct walk {
	struct pkt_key key;
	unsigned n_leaves;
	unsigned n_old;	 /* the first ones: their slots go through 'order' */
	unsigned from;	 /* candidates before it may be forgotten */
	struct leaf leaves[WALK_LEAVES];
	uint64_t masks[WALK_LEAVES];
};

/* Looks up where the candidates of a packet are whose key is set. */
void walk_begin(struct walk *w, const struct grove *g);

/* The leaves that the packets of a burst come to, one a tree. */
struct finds {
	struct node at[WALK_BURST][FOREST_ROOTS + 1];
};

/* For keys[n], n <= WALK_BURST, together: their leaves in *found, and in hits[i]
 * the first candidate of each, its index as 'slot'; WALK_NONE if there is
 * none. */
void walk_firsts(const struct pkt_key *keys, unsigned n, const struct grove *g,
    struct finds *found, struct hit *hits);

/* As walk_begin() for a packet whose leaves walk_firsts() found at 'found'. */
void walk_found(struct walk *w, const struct grove *g,
    const struct node *found);

/* The first candidate's index at or after 'from', or WALK_NONE. */
unsigned walk_next(struct walk *w, const struct grove *g, unsigned from);
