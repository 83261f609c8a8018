/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which addresses and ports the next packet has: a walk over ranges.
 *
 *	source port    turns with every packet
 *	source addr    turns when the source port wraps
 *	dest port      turns when the source address wraps
 *	dest addr      turns when the destination port wraps
 *	MAC addresses  turn with every packet, each on its own
 *
 * Place      between gen_range (the ends) and gen_frame (the octets).
 * Order      that of netmap's pkt-gen, so that the same options give the same
 *            sequence of flows.  An axis that is random draws within its range
 *            with every packet and no longer takes part in the walk.
 * Invariant  lo <= cur <= hi on every axis.
 * Cost       a comparison and an addition for a walk, two multiplications per
 *            axis for a random side.
 */
#pragma once

#include "base/cdefs.h"
#include "tools/gen_range.h"

struct gen_axis {
	uint64_t cur;
	uint64_t lo;
	uint64_t hi;
};

enum gen_axes {
	GEN_SRC_PORT,
	GEN_SRC_ADDR,
	GEN_DST_PORT,
	GEN_DST_ADDR,
	GEN_N_WALK,
	GEN_SRC_MAC = GEN_N_WALK,
	GEN_DST_MAC,
	GEN_N_AXES
};

struct gen_flow {
	struct gen_axis axes[GEN_N_AXES];
	bool varies;	 /* any of the IP axes */
	bool macs_vary;	 /* any of the MAC axes */
	bool random_src; /* source axes are drawn, not walked */
	bool random_dst;
	uint64_t seed; /* state of the generator */
};

/* Starts at the first address and port of every range.  A random side is
 * drawn at once, so that the first packet is random too. */
void gen_flow_init(struct gen_flow *f, const struct gen_range *src,
		   const struct gen_range *dst);

/* Adds the MAC axes; without it both stay 0. */
void gen_flow_macs(struct gen_flow *f, const struct gen_macs *src,
		   const struct gen_macs *dst);

/* Draws the axes of the chosen sides at random from now on, beginning with the
 * current packet. */
void gen_flow_random(struct gen_flow *f, bool src, bool dst, uint64_t seed);

/* How many packets the walk takes to come round (without MACs and random
 * sides); UINT64_MAX if there are more than fit. */
uint64_t gen_flow_period(const struct gen_flow *f);

/* A 64-bit random number; xorshift with a multiplication at the end. */
static inline uint64_t
gen_flow_draw(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	return x * 0x2545f4914f6cdd1dull;
}

/* A random value of the axis.  The multiplication maps 64 random bits on the
 * range without a division; hi - lo + 1 may be 2^64, hence 128 bits. */
static inline void
gen_flow_draw_axis(struct gen_axis *a, uint64_t *state)
{
	unsigned __int128 size = (unsigned __int128)(a->hi - a->lo) + 1;

	a->cur = a->lo + (uint64_t)((size * (gen_flow_draw(state) >> 1)) >> 63);
}

/* Turns one axis; true if it came round. */
static inline bool
gen_flow_turn(struct gen_axis *a)
{
	bool ended = a->cur == a->hi;

	a->cur = ended ? a->lo : a->cur + 1;
	return ended;
}

/* Draws both axes of the random sides. */
static inline void
gen_flow_draw_sides(struct gen_flow *f)
{
	if (f->random_src) {
		gen_flow_draw_axis(&f->axes[GEN_SRC_PORT], &f->seed);
		gen_flow_draw_axis(&f->axes[GEN_SRC_ADDR], &f->seed);
	}
	if (f->random_dst) {
		gen_flow_draw_axis(&f->axes[GEN_DST_PORT], &f->seed);
		gen_flow_draw_axis(&f->axes[GEN_DST_ADDR], &f->seed);
	}
}

/* The walk of one side; true if both of its axes came round. */
static inline bool
gen_flow_turn_side(struct gen_axis *port, struct gen_axis *addr)
{
	return unlikely(gen_flow_turn(port)) && gen_flow_turn(addr);
}

/* Goes on to the next packet. */
static inline void
gen_flow_next(struct gen_flow *f)
{
	struct gen_axis *a = f->axes;

	if (unlikely(f->random_src || f->random_dst))
		gen_flow_draw_sides(f);
	if ((f->random_src ||
	     gen_flow_turn_side(&a[GEN_SRC_PORT], &a[GEN_SRC_ADDR])) &&
	    !f->random_dst)
		gen_flow_turn_side(&a[GEN_DST_PORT], &a[GEN_DST_ADDR]);
	if (unlikely(f->macs_vary)) {
		gen_flow_turn(&a[GEN_SRC_MAC]);
		gen_flow_turn(&a[GEN_DST_MAC]);
	}
}
