/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A benchmark's frame: warm up, repeat, and print the median with its spread.
 *
 * Time is the thread's CPU time, so that a neighbour on the machine does not
 * count; one run lasts at least RUN_NS, after a warm-up of WARM_NS.
 */
#pragma once

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>

enum { BENCH_RUNS = 9 };
#define BENCH_RUN_NS  (20 * NS_PER_MS)
#define BENCH_WARM_NS (100 * NS_PER_MS)

/* Does some work and returns how many packets it was. */
typedef unsigned bench_fn(void *arg);

static inline ns_t
bench_cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (ns_t)ts.tv_sec * NS_PER_S + (ns_t)ts.tv_nsec;
}

/* ns per packet over at least 'least' ns of CPU time. */
static inline double
bench_once(bench_fn *fn, void *arg, ns_t least)
{
	ns_t from = bench_cpu_ns(), now;
	uint64_t n = 0;

	do {
		for (int i = 0; i < 64; i++)
			n += fn(arg);
		now = bench_cpu_ns();
	} while (now - from < least);
	return (double)(now - from) / (double)n;
}

static inline int
bench_cmp(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Prints one row: name, ns per packet (median, min, max), Mpps.  Returns the
 * median. */
static inline double
bench(const char *name, bench_fn *fn, void *arg)
{
	double ns[BENCH_RUNS];

	bench_once(fn, arg, BENCH_WARM_NS);
	for (int i = 0; i < BENCH_RUNS; i++)
		ns[i] = bench_once(fn, arg, BENCH_RUN_NS);
	qsort(ns, BENCH_RUNS, sizeof(ns[0]), bench_cmp);
	printf("%-44s %7.1f (%.1f-%.1f) ns/packet %8.2f Mpps\n", name,
	    ns[BENCH_RUNS / 2], ns[0], ns[BENCH_RUNS - 1],
	    1e3 / ns[BENCH_RUNS / 2]);
	fflush(stdout);
	return ns[BENCH_RUNS / 2];
}
