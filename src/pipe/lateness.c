/* SPDX-License-Identifier: BSD-2-Clause */
#include "pipe/lateness.h"

enum { N_BINS = LATENESS_OCTAVES * LATENESS_STEPS };

/* Numbers below 8 have a step each; then eight steps an octave. */
static inline unsigned
bin_of(ns_t late)
{
	unsigned e, bin;

	if (late < LATENESS_STEPS)
		return (unsigned)late;
	e = 60 - (unsigned)__builtin_clzll(late); /* log2 - 3 */
	bin = (e + 1) * LATENESS_STEPS +
	    (unsigned)(late >> e & (LATENESS_STEPS - 1));
	return bin < N_BINS ? bin : N_BINS - 1;
}

/* The greatest number of a step. */
static ns_t
bin_end(unsigned bin)
{
	unsigned e = bin / LATENESS_STEPS, k = bin % LATENESS_STEPS;

	return e == 0 ? k : ((ns_t)(LATENESS_STEPS + k + 1) << (e - 1)) - 1;
}

void
lateness_add(struct lateness *l, ns_t late)
{
	stat_add(&l->n, 1);
	stat_add(&l->bins[bin_of(late)], 1);
	if (late > l->max)
		stat_set(&l->max, late);
}

ns_t
lateness_quantile(const struct lateness *l, unsigned permille)
{
	uint64_t want = (l->n * permille + 999) / 1000, sum = 0;

	for (unsigned i = 0; i < N_BINS && want > 0; i++) {
		if ((sum += l->bins[i]) >= want)
			return bin_end(i) < l->max ? bin_end(i) : l->max;
	}
	return l->max;
}
