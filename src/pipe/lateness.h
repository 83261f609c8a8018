/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How late packets left: a histogram in steps of 1/8 of an octave.
 *
 * Cost       some ns a packet, 2.5 KB.
 */
#pragma once

#include "base/ns.h"
#include "base/stat.h"

#include <stdint.h>

enum { LATENESS_OCTAVES = 40, LATENESS_STEPS = 8 };

struct lateness {
	uint64_t n;
	ns_t max;
	uint64_t bins[LATENESS_OCTAVES * LATENESS_STEPS];
};

void lateness_add(struct lateness *l, ns_t late);

/* The upper end of the step that the 'permille' * n / 1000-th of them, in
 * order, lies in; never more than the greatest.  0 if there are none. */
ns_t lateness_quantile(const struct lateness *l, unsigned permille);
