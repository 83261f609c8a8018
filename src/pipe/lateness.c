/* SPDX-License-Identifier: BSD-2-Clause */
#include "pipe/lateness.h"

/* The greatest number of a step. */
static ns_t
bin_end(unsigned bin)
{
	unsigned e = bin / LATENESS_STEPS, k = bin % LATENESS_STEPS;

	return e == 0 ? k : ((ns_t)(LATENESS_STEPS + k + 1) << (e - 1)) - 1;
}

ns_t
lateness_quantile(const struct lateness *l, unsigned permille)
{
	uint64_t want = (l->n * permille + 999) / 1000, sum = 0;

	for (unsigned i = 0; i < LATENESS_BINS && want > 0; i++) {
		if ((sum += l->bins[i]) >= want)
			return bin_end(i) < l->max ? bin_end(i) : l->max;
	}
	return l->max;
}
