/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What time it is for the engine: the machine's clocks, or a virtual one.
 *
 * Place      everything in engine/ and above it that wants to know a time asks
 *            here; whoever has no virtual clock (NULL) gets the machine's.
 * Virtual    one clock: its time is ns since 1970, monotonic and wall clock in
 *            one.  engine/virtual.c alone moves it.
 * Bursts     packets of a burst came at stamps[i], for c->pkts[i]; without
 *            stamps there is one packet at a time, and its time is 'now'.
 * Numbers    of packets count from 0, in the order in which they are evaluated;
 *            that of c->pkts[i] is number + i if there are stamps.
 */
#pragma once

#include "base/clock.h"
#include "base/ns.h"

struct verdicts;

struct vtime {
	ns_t now;
	const ns_t *stamps;
	uint32_t number;
	struct verdicts *verdicts; /* NULL: nobody wants them */
};

static inline ns_t
vtime_mono_ns(const struct vtime *v)
{
	return __builtin_expect(v == NULL, 1) ? clock_mono_ns() : v->now;
}

static inline uint32_t
vtime_mono_s(const struct vtime *v)
{
	return __builtin_expect(v == NULL, 1) ? clock_mono_s() :
						(uint32_t)(v->now / NS_PER_S);
}

static inline uint64_t
vtime_wall_ns(const struct vtime *v)
{
	return __builtin_expect(v == NULL, 1) ? clock_wall_ns() : v->now;
}

static inline uint32_t
vtime_wall_s(const struct vtime *v)
{
	return __builtin_expect(v == NULL, 1) ? clock_wall_s() :
						(uint32_t)(v->now / NS_PER_S);
}
