/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A sending schedule: packet k leaves no earlier than start + k / rate.
 *
 * Place      pkt-gen's -R.  The caller hands the time in, once per burst.
 * Accuracy   every decision is computed from the start and the number sent, so
 *            errors of sleeping do not add up.  Packets leave in chunks of at
 *            most 100 us worth, one by one below 20,000 a second.
 * Debt       whoever is late (a full ring, a lost time slice) catches up, but
 *            never for more than GEN_RATE_DEBT_NS: what is older is forgotten.
 */
#pragma once

#include "base/ns.h"

#define GEN_RATE_DEBT_NS (100 * NS_PER_MS)

struct gen_rate {
	uint64_t pps; /* 0 = as fast as it goes */
	uint64_t sent;
	ns_t start_ns;
	unsigned chunk; /* packets that leave together */
};

/* 'pps' up to 10^12; 'burst' > 0 bounds the chunk. */
void
gen_rate_init(struct gen_rate *r, uint64_t pps, unsigned burst, ns_t now_ns);

/* How many of 'want' packets may leave now: 0 until a chunk (or all of them)
 * is due. */
unsigned gen_rate_due(struct gen_rate *r, unsigned want, ns_t now_ns);

/* When gen_rate_due(want) will no longer be 0. */
ns_t gen_rate_when(const struct gen_rate *r, unsigned want);

/* 'n' packets have left. */
static inline void
gen_rate_sent(struct gen_rate *r, unsigned n)
{
	r->sent += n;
}
