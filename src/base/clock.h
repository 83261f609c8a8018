/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine's clocks.  Only engine/, ctl/, daemon/, vale/ and tools/ read
 * them, once per burst; about 30 ns a call.
 */
#pragma once

#include "base/ns.h"

#include <time.h>

/* Monotonic time in ns since boot. */
static inline ns_t
clock_mono_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (ns_t)ts.tv_sec * NS_PER_S + (ns_t)ts.tv_nsec;
}

/* Processor time that the calling thread has used; a system call. */
static inline ns_t
clock_thread_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (ns_t)ts.tv_sec * NS_PER_S + (ns_t)ts.tv_nsec;
}

/* Seconds of the monotonic clock, some ms behind; a few ns a call. */
static inline uint32_t
clock_mono_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return (uint32_t)ts.tv_sec;
}

/* Wall clock in ns since 1970, for what is logged. */
static inline uint64_t
clock_wall_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* Wall clock in seconds since 1970, as rule time stamps show it. */
static inline uint32_t
clock_wall_s(void)
{
	return (uint32_t)time(NULL);
}
