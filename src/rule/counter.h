/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What one worker counts for one rule.  Written by that worker alone; readers
 * take the sum over workers (engine/counters.h) and may see a packet whose
 * bytes are still to come.
 */
#pragma once

#include "base/cdefs.h"
#include "base/stat.h"

struct counter {
	uint64_t pkts;
	uint64_t bytes;
	uint64_t last_s; /* wall clock, seconds since 1970 */
	uint64_t pad;
};

/* Adds 'pkts' packets of 'bytes' octets together; called by the worker that owns
 * 'own'. */
static inline void
counter_add_many(struct counter *own, uint64_t pkts, uint64_t bytes,
    uint32_t now_s)
{
	stat_add(&own->pkts, pkts);
	stat_add(&own->bytes, bytes);
	stat_set(&own->last_s, now_s);
}

/* One packet. */
static inline void
counter_add(struct counter *own, unsigned bytes, uint32_t now_s)
{
	counter_add_many(own, 1, bytes, now_s);
}
