/* SPDX-License-Identifier: BSD-2-Clause */
#include "pipe/model.h"

bool
model_loses(const struct dn_loss *l, bool *bad, struct rng *rng)
{
	bool lost;

	if (!l->gilbert_elliott)
		return model_chance(l->p, rng);
	lost = model_chance(*bad ? l->h : l->k, rng);
	if (model_chance(*bad ? l->r : l->p, rng))
		*bad = !*bad;
	return lost;
}

/* In [0, 1), 53 bits. */
static double
unit(struct rng *rng)
{
	return (double)(rng_u64(rng) >> 11) * 0x1p-53;
}

/* Sum of twelve uniform 16-bit numbers around 0: variance 1. */
static double
normal(struct rng *rng)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < 3; i++) {
		uint64_t r = rng_u64(rng);

		sum += (uint32_t)(r & 0xffff) + (uint32_t)(r >> 16 & 0xffff) +
		    (uint32_t)(r >> 32 & 0xffff) + (uint32_t)(r >> 48);
	}
	return ((double)sum + 6) / 65536 - 6;
}

/* The cube root of u in (0, 1], by Newton's method; the pure core has no
 * libm.  Starts above the root, so it falls until it is there. */
static double
cube_root(double u)
{
	double x = 1;

	for (unsigned i = 0; i < 60; i++) {
		double next = (2 * x + u / (x * x)) / 3;

		if (next >= x)
			break;
		x = next;
	}
	return x;
}

/* (1 - u)^(-1/3) has mean 3/2 and variance 3/4. */
static double
pareto(struct rng *rng)
{
	const double deviation = 0.86602540378443865;

	return (1 / cube_root(1 - unit(rng)) - 1.5) / deviation;
}

int64_t
model_jitter(uint8_t kind, ns_t jitter, struct rng *rng)
{
	double x = 0, j = (double)jitter;

	switch ((enum dn_jitter_kind)kind) {
	case DN_JITTER_NONE:
		return 0;
	case DN_JITTER_UNIFORM:
		x = 2 * unit(rng) - 1;
		break;
	case DN_JITTER_NORMAL:
		x = normal(rng);
		break;
	case DN_JITTER_PARETO:
		x = pareto(rng);
		break;
	}
	/* |x| < 2^18 (pareto, 53 bits) and jitter <= an hour: below 2^60. */
	return (int64_t)(x * j);
}

void
model_corrupt(struct held *h, struct rng *rng)
{
	unsigned bit;

	if (h->bytes == 0)
		return;
	bit = (unsigned)(rng_u64(rng) >> 32) % (h->bytes * 8u);
	h->frame[h->l3 + bit / 8] ^= (uint8_t)(1u << bit % 8);
}
