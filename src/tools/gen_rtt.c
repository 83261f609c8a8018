/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/gen_rtt.h"

/* Values below 32 have a bucket each; above, the five bits that follow the
 * highest one choose among the 32 buckets of its power of two. */
static unsigned
bucket_of(ns_t v)
{
	unsigned top;

	if (v < GEN_RTT_SUB)
		return (unsigned)v;
	top = 63 - (unsigned)__builtin_clzll(v);
	return (top - GEN_RTT_SUB_BITS + 1) * GEN_RTT_SUB +
	       (unsigned)(v >> (top - GEN_RTT_SUB_BITS) & (GEN_RTT_SUB - 1));
}

/* The largest value that falls in bucket 'i'. */
static ns_t
bucket_end(unsigned i)
{
	unsigned shift;
	uint64_t first;

	if (i < GEN_RTT_SUB)
		return i;
	shift = i / GEN_RTT_SUB - 1;
	first = (uint64_t)(GEN_RTT_SUB + i % GEN_RTT_SUB) << shift;
	return first + ((1ull << shift) - 1);
}

void
gen_rtt_add(struct gen_rtt *r, ns_t rtt_ns)
{
	if (r->n == 0 || rtt_ns < r->min_ns)
		r->min_ns = rtt_ns;
	if (rtt_ns > r->max_ns)
		r->max_ns = rtt_ns;
	r->n++;
	r->sum_ns += rtt_ns;
	r->buckets[bucket_of(rtt_ns)]++;
}

ns_t
gen_rtt_mean(const struct gen_rtt *r)
{
	return r->n > 0 ? r->sum_ns / r->n : 0;
}

ns_t
gen_rtt_quantile(const struct gen_rtt *r, unsigned permille)
{
	/* Rank of the wanted value, rounded up; at least the first. */
	uint64_t rank = (r->n * permille + 999) / 1000;
	uint64_t seen = 0;

	if (rank == 0)
		rank = 1;
	for (unsigned i = 0; i < GEN_RTT_BUCKETS && r->n > 0; i++) {
		seen += r->buckets[i];
		if (seen >= rank) {
			ns_t end = bucket_end(i);

			return end < r->max_ns ? end : r->max_ns;
		}
	}
	return r->max_ns;
}
