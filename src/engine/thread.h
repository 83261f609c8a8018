/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a worker's thread runs and how urgently, and the pauses that an urgent
 * one owes to the others.
 *
 * Place      engine_cfg says it, worker.c starts its thread by it.
 * Urgent     SCHED_FIFO: no ordinary thread takes the processor away, which is
 *            what makes an emulated delay late by milliseconds now and then.
 *            The worker's loop does not change, so it may spin as long as a
 *            packet is due soon: for good, at some 15,000 packets a second.
 * Guard      it owes the other threads of its processor a nanosecond off it for
 *            each THREAD_SHARE on it, by the scheduler's own account, and pays
 *            when that makes THREAD_PAUSE_NS: 50 us a millisecond.  What it
 *            sleeps for want of work counts, but is not saved up for long.  So
 *            they have 5 % whatever happens, and the kernel's throttle
 *            (sched_rt_runtime_us, 95 %), which would stop the worker for 50 ms
 *            a second, does not strike.
 */
#pragma once

#include "base/err.h"
#include "base/ns.h"

#include <pthread.h>
#include <stdbool.h>

enum { THREAD_SHARE = 14 };
#define THREAD_PAUSE_NS (50 * NS_PER_US)
#define THREAD_SAVED_NS (4 * THREAD_PAUSE_NS)

struct thread_cfg {
	int priority; /* of SCHED_FIFO, 1 to 99; 0: an ordinary thread */
	int cpu;      /* it stays there; -1: anywhere */
};

/* Starts 'fn' with 'arg'.  -EPERM: no such priority for us; -EINVAL: no such
 * processor, or none for us; both with a sentence. */
int thread_start(const struct thread_cfg *cfg, pthread_t *out,
    void *(*fn)(void *), void *arg, struct err *e);

/* The account of an urgent thread.  Times are of the monotonic clock ('now') and
 * of the processor's time that the thread has used ('used'). */
struct thread_debt {
	ns_t since;	 /* this account's begin */
	ns_t used_since; /* what had been used then */
	ns_t next_look;	 /* before that, nothing can be owed */
};

void thread_debt_begin(struct thread_debt *d, ns_t now, ns_t used);

/* How long the thread has to sleep now: 0, or THREAD_PAUSE_NS and more.  To be
 * asked from d->next_look on, which it moves. */
ns_t thread_debt_owed(struct thread_debt *d, ns_t now, ns_t used);
