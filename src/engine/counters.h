/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Per-rule counters: each worker adds to its own, readers take the sum.
 *
 * Place      engine/ adds while it matches, ctl/ reads and zeroes.
 * Life       a rule owns one index from counters_alloc() until its last
 *            reference goes; the values survive every republish.
 * Threads    a worker writes only its own array.  The control thread never
 *            writes there: zeroing remembers the sum as the new base.
 * Memory     address space for COUNTERS_MAX a worker; pages when touched, big
 *            ones where workers count, since packets come to them at random.
 */
#pragma once

#include "base/cdefs.h"
#include "base/err.h"
#include "rule/counter.h"

enum { COUNTERS_MAX = 1 << 20 };

/* What a reader sees. */
struct count {
	uint64_t pkts;
	uint64_t bytes;
	uint32_t last_s; /* 0 if it has not matched since it was zeroed */
};

struct counters;

/* Counters for 'n_workers'.  Returns owned, NULL without memory. */
struct counters *counters_create(unsigned n_workers);
void counters_destroy(struct counters *c);

/* The array of one worker, COUNTERS_MAX long; borrowed. */
struct counter *counters_of(struct counters *c, unsigned worker);

/* A free index, zeroed, in *idx.  -ENOSPC when all are taken. */
int counters_alloc(struct counters *c, uint32_t *idx, struct err *e);
/* Gives it back.  The caller knows that no worker uses it any more. */
void counters_free(struct counters *c, uint32_t idx);

void counters_read(const struct counters *c, uint32_t idx, struct count *out);
void counters_zero(struct counters *c, uint32_t idx);

/* How many packets each rule may still log, by index: one budget that all
 * workers take from.  counters_alloc() sets it to 0.  Borrowed. */
_Atomic uint32_t *counters_log_left(struct counters *c);
