/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Round-trip times: a histogram of fixed size, exact minimum, mean, maximum.
 *
 * Place      pkt-gen's ping.
 * Accuracy   32 buckets to a power of two: a percentile is at most 3.2 % above
 *            the true value, whatever the values are.
 */
#pragma once

#include "base/ns.h"

enum {
	GEN_RTT_SUB_BITS = 5,
	GEN_RTT_SUB = 1 << GEN_RTT_SUB_BITS,
	GEN_RTT_BUCKETS = (64 - GEN_RTT_SUB_BITS + 1) * GEN_RTT_SUB,
};

struct gen_rtt {
	uint64_t n;
	uint64_t sum_ns;
	ns_t min_ns; /* valid if n > 0 */
	ns_t max_ns;
	uint64_t buckets[GEN_RTT_BUCKETS];
};

/* Counts one value. */
void gen_rtt_add(struct gen_rtt *r, ns_t rtt_ns);

/* Mean, 0 if there is nothing. */
ns_t gen_rtt_mean(const struct gen_rtt *r);

/* The value that 'permille' of 1000 do not exceed (upper end of its bucket,
 * never above the maximum); 0 if there is nothing.  O(buckets). */
ns_t gen_rtt_quantile(const struct gen_rtt *r, unsigned permille);
