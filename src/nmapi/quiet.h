/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A mutex whose holder is not interrupted.
 *
 * Place      under dev and epolls.  close(), open() and dup2() may be called
 *            by a signal handler, of an ordinary file too, and come to our
 *            mutexes: a handler that interrupts a holder would wait for ever.
 * Threads    any; the mask is the thread's own.
 * Cost       two system calls beside the mutex: control path only.
 */
#pragma once

#include <pthread.h>
#include <signal.h>

/* Locks 'm' with all signals held back; the mask from before is in '*old'. */
static inline void
quiet_lock(pthread_mutex_t *m, sigset_t *old)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, old);
	pthread_mutex_lock(m);
}

static inline void
quiet_unlock(pthread_mutex_t *m, const sigset_t *old)
{
	pthread_mutex_unlock(m);
	pthread_sigmask(SIG_SETMASK, old, NULL);
}
