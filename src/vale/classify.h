/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pass 1 of forwarding: what a batch of slots holds, and where each is to go.
 *
 * Place      under forward.c; over mac.
 * Result     the batch's runs, by destination, in txring.runs and .lists, or in
 *            .flood; .words has what the slots said, and was checked.  What is
 *            good for nothing is counted in .drops.
 * Cost       nearly all packets are like the one before: they cost a few loads.
 */
#pragma once

#include "vale/forward.h"

/* txring.only, if it is no port. */
enum { ONLY_NOBODY = -1, ONLY_MANY = -2 };

static inline uint64_t
word_len(uint64_t w)
{
	return w >> 32 & 0xffff;
}

static inline uint8_t *
word_data(const struct txring *t, uint64_t w)
{
	return arena_buf(t->a->base, (uint32_t)w);
}

static inline struct netmap_slot *
slot_at(struct txring *t, unsigned off)
{
	return &t->ring->slot[(t->cur + off) & t->mask];
}

/* The length of a port's virtio-net header; what cannot be is none. */
static inline uint32_t
hdr_len_of(const struct vport *vp)
{
	uint32_t len = ld_relaxed(&vp->hdr_len);

	return likely(len == 0) || (len != 10 && len != 12) ? 0 : len;
}

/* Which switch the ring sends on; NO_SWITCH: one that has no members. */
void classify_set_switch(struct txring *t, uint32_t sw_idx);

/* Who is on the switch now. */
void classify_look_around(struct txring *t);

/* Lists up to n_slots from 'cur' on; is_end: there are no more after them.
 * Returns the slots looked at (fewer if a chain goes on behind them). */
unsigned classify(struct txring *t, unsigned n_slots, bool is_end);
