/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A set of buffers on their way back to the pool.
 *
 * Place      under sweep and extra; slow lock held.
 * Why        what a dead program's rings and lists name need not be its own: it
 *            may have been killed between the two halves of an exchange, and
 *            the other ring may live on (a pipe's does), or it wrote nonsense.
 *            So the numbers are collected first, what some other ring holds is
 *            taken out, and the rest is given back.
 */
#pragma once

#include "vale/arena.h"

struct giveback {
	uint64_t *bits; /* VALE_MAX_BUFS; NULL: no memory, nothing goes back */
	unsigned n;
	bool is_odd; /* some number was not what it should be */
};

void giveback_begin(struct giveback *g);

/* Adds a number.  False (and odd) if it is out of range, free or in already. */
bool giveback_add(struct giveback *g, struct arena *a, uint32_t buf_idx);

/* Takes out what the rings of all ports but one hold. */
void giveback_keep_held(struct giveback *g, struct arena *a, unsigned but);

/* Gives back the rest and ends. */
void giveback_end(struct giveback *g, struct arena *a);
