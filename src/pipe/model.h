/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a network does to packets by chance: loss, jitter, damage.
 *
 * Chance     every function draws from the generator it is given, and only if
 *            it has to: without a model no number is drawn.
 */
#pragma once

#include "base/rng.h"
#include "pipe/dn.h"

/* True with the probability p / DN_ONE; draws only if 0 < p < DN_ONE. */
static inline bool
model_chance(uint32_t p, struct rng *rng)
{
	return p != 0 && (p >= DN_ONE || rng_31(rng) < p);
}

/* True if the next packet of a flow is lost.  '*bad' is the state of the
 * Gilbert-Elliott chain, false at first: the packet is judged in the state that
 * it finds, then the chain moves. */
bool model_loses(const struct dn_loss *l, bool *bad, struct rng *rng);

/* How much later (or earlier) than its delay a packet leaves, in ns.  Uniform:
 * within +- jitter.  Normal: standard deviation jitter, the sum of twelve
 * uniform numbers, so never beyond six of them.  Pareto: shape 3, moved and
 * scaled to mean 0 and standard deviation jitter; from -0.58 of it up. */
int64_t model_jitter(uint8_t kind, ns_t jitter, struct rng *rng);

/* Turns one bit behind the Ethernet header, if there is one. */
void model_corrupt(struct held *h, struct rng *rng);
