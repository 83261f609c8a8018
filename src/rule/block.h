/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Blocks of eight rules, compared with a packet at once.
 *
 * Place      what rule/plan and the leaves of rule/forest consist of.
 * Shape      rows of eight words: row 0 the rules' slots, then one row a member
 *            of rule_key; what a rule does lies in one line with its slot.  Short
 *            blocks end before what only IPv6 addresses have; a packet that is
 *            not IPv6 needs no others.
 *
 *	slot x 8 | act x 8 | src x 8 | src_mask x 8 | ... | ports_hi x 8 [| src2 x 8 ...]
 *
 * Lanes      of the last block that no rule has never fit; their slot is
 *            BLOCK_NO_SLOT.  Slots ascend.
 * Code       AVX2, SSE4.1 or plain C, chosen at run time (block_scans()).
 * Cost       a block: about 2 ns with AVX2, twice that with SSE4.1.
 */
#pragma once

#include "rule/key.h"

enum {
	BLOCK_LANES = 8,
	BLOCK_SHORT = 10 * BLOCK_LANES, /* words of a block, for IPv4 */
	BLOCK_LONG = 16 * BLOCK_LANES, /* with second words and rest, for IPv6 */
	BLOCK_WINDOW = 8,	       /* blocks whose lanes are one mask */
	BLOCK_ALIGN = 64,
};
#define BLOCK_NO_SLOT UINT32_MAX

/* Some blocks in a row. */
struct leaf {
	const uint32_t *blocks;
	uint32_t n_blocks;
	uint32_t at; /* first block of the window that is looked at */
};

/* What was found: a rule's slot and what it does, as in its key. */
struct hit {
	uint32_t slot;
	uint32_t act;
};

enum block_way { BLOCK_WAY_AVX2, BLOCK_WAY_SSE41, BLOCK_WAY_C };

struct block_scan {
	const char *name;
	enum block_way way;
	/* Lane of the first rule from lane 'from' on that fits; n_blocks *
	 * BLOCK_LANES if none does. */
	unsigned (*first)(const uint32_t *blocks, unsigned n_blocks,
	    const struct pkt_key *k, unsigned from);
	unsigned (*first6)(const uint32_t *blocks, unsigned n_blocks,
	    const struct pkt_key *k, unsigned from);
	/* masks[i]: the lanes of leaf i's window that fit, a bit each. */
	void (*masks)(const struct leaf *leaves, unsigned n,
	    const struct pkt_key *k, uint64_t *masks);
	void (*masks6)(const struct leaf *leaves, unsigned n,
	    const struct pkt_key *k, uint64_t *masks);
};

/* The ways that this machine has, best first; ends with a NULL name. */
const struct block_scan *block_scans(void);

/* Blocks that 'n' rules take. */
static inline unsigned
blocks_of(unsigned n)
{
	return (n + BLOCK_LANES - 1) / BLOCK_LANES;
}

/* Writes rule 'key' into a lane of the block at 'block' of 'words' words. */
void block_set(uint32_t *block, unsigned words, unsigned lane, uint32_t slot,
    const struct rule_key *key);

/* Writes lanes ['lane', BLOCK_LANES), which no rule has. */
void block_end(uint32_t *block, unsigned words, unsigned lane);
