/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How late packets left: a histogram in steps of 1/8 of an octave.
 *
 * Cost       some ns a packet, 2.5 KB.
 */
#pragma once

#include "base/cdefs.h"
#include "base/ns.h"
#include "base/stat.h"

enum {
	LATENESS_OCTAVES = 40,
	LATENESS_STEPS = 8,
	LATENESS_BINS = LATENESS_OCTAVES * LATENESS_STEPS,
};

struct lateness {
	uint64_t n;
	ns_t max;
	uint64_t bins[LATENESS_BINS];
};

/* Numbers below 8 have a step each; then eight steps an octave. */
static inline unsigned
lateness_bin(ns_t late)
{
	unsigned e, bin;

	if (late < LATENESS_STEPS)
		return (unsigned)late;
	e = 60 - (unsigned)__builtin_clzll(late); /* log2 - 3 */
	bin = (e + 1) * LATENESS_STEPS +
	    (unsigned)(late >> e & (LATENESS_STEPS - 1));
	return bin < LATENESS_BINS ? bin : LATENESS_BINS - 1;
}

/* 'n' packets that were equally late. */
static inline void
lateness_add_many(struct lateness *l, ns_t late, uint64_t n)
{
	stat_add(&l->n, n);
	stat_add(&l->bins[lateness_bin(late)], n);
	if (unlikely(late > l->max))
		stat_set(&l->max, late);
}

static inline void
lateness_add(struct lateness *l, ns_t late)
{
	lateness_add_many(l, late, 1);
}

/* The upper end of the step that the 'permille' * n / 1000-th of them, in
 * order, lies in; never more than the greatest.  0 if there are none. */
ns_t lateness_quantile(const struct lateness *l, unsigned permille);
