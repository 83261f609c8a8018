/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/gen_worker.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { SPIN_TRIES = 4, SPIN_PAUSES = 8 };

/* A sleep costs more than it saves if it is shorter than this. */
#define SLEEP_LEAST_NS (20 * NS_PER_US)
/* Threads that share a port cannot share its wake-up: they look this often. */
#define SHARED_NAP_NS (200 * NS_PER_US)

static bool
pin(struct gen_worker *w)
{
	cpu_set_t set;
	int rc;

	if (w->cpu == GEN_CPU_ANY)
		return true;
	CPU_ZERO(&set);
	CPU_SET(w->cpu, &set);
	rc = pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
	if (rc != 0)
		err_set(&w->err, rc, "-a: cannot run on CPU %d: %s", w->cpu,
			strerror(rc));
	return rc == 0;
}

void *
gen_worker_main(void *arg)
{
	static void (*const loops[])(struct gen_worker *) = {
	    [GEN_RX] = gen_rx_run,
	    [GEN_TX] = gen_tx_run,
	    [GEN_PING] = gen_echo_ping,
	    [GEN_PONG] = gen_echo_pong,
	};
	struct gen_worker *w = arg;
	uint64_t one = 1;

	/* Sleeps of a rate schedule end within microseconds, not 50. */
	prctl(PR_SET_TIMERSLACK, 1000);
	if (pin(w))
		loops[w->cfg->mode](w);
	while (write(w->done_fd, &one, sizeof(one)) == -1 && errno == EINTR)
		;
	return NULL;
}

void
gen_worker_count(struct gen_worker *w, unsigned pkts, uint64_t bytes)
{
	w->pkts += pkts;
	w->bytes += bytes;
	w->events++;
	w->tries = 0;
	atomic_store_explicit(&w->counts.pkts, w->pkts, memory_order_relaxed);
	atomic_store_explicit(&w->counts.bytes, w->bytes, memory_order_relaxed);
	atomic_store_explicit(&w->counts.events, w->events,
			      memory_order_relaxed);
}

/* poll() for the stop descriptor and, if 'fd' is not -1, for that one. */
static void
sleep_on(const struct gen_worker *w, int fd, ns_t until_ns)
{
	struct pollfd fds[2] = {
	    {.fd = w->stop->fd, .events = POLLIN},
	    {.fd = fd, .events = POLLIN},
	};
	struct timespec ts = {0};

	if (until_ns != 0) {
		ns_t now_ns = clock_mono_ns();
		ns_t left_ns = until_ns > now_ns ? until_ns - now_ns : 0;

		ts.tv_sec = (time_t)(left_ns / NS_PER_S);
		ts.tv_nsec = (long)(left_ns % NS_PER_S);
	}
	/* Interrupted or timed out: the caller's loop looks again anyway. */
	(void)ppoll(fds, 2, until_ns != 0 ? &ts : NULL, NULL);
}

void
gen_worker_idle(struct gen_worker *w, unsigned flags, ns_t until_ns)
{
	ns_t now_ns;

	if (w->tries++ < SPIN_TRIES) {
		for (int i = 0; i < SPIN_PAUSES; i++)
			cpu_relax();
		return;
	}
	now_ns = clock_mono_ns();
	if (w->tries == SPIN_TRIES + 1)
		w->idle_ns = now_ns;
	if (now_ns - w->idle_ns < GEN_IDLE_NS) {
		sched_yield();
	} else if (w->cfg->threads > 1) {
		ns_t nap_ns = now_ns + SHARED_NAP_NS;

		sleep_on(w, -1,
			 until_ns != 0 && until_ns < nap_ns ? until_ns
							    : nap_ns);
	} else if (nmport_sleep_begin(w->port, flags)) {
		sleep_on(w, nmport_fd(w->port), until_ns);
		nmport_sleep_end(w->port);
	}
}

void
gen_worker_until(struct gen_worker *w, ns_t when_ns)
{
	ns_t now_ns = clock_mono_ns();

	if (when_ns > now_ns + SLEEP_LEAST_NS)
		sleep_on(w, -1, when_ns);
	else if (when_ns > now_ns)
		sched_yield();
}

void
gen_worker_flush(struct gen_worker *w)
{
	ns_t end_ns = clock_mono_ns() + GEN_FLUSH_NS;
	unsigned signals = atomic_load(&w->stop->signals);

	w->tries = 0;
	for (;;) {
		ns_t now_ns = clock_mono_ns();

		if (nmport_txsync(w->port, w->idx) != 0 ||
		    nmport_txpending(w->port, w->idx) == 0 ||
		    now_ns >= end_ns ||
		    atomic_load(&w->stop->signals) > signals)
			break;
		/* After a signal stop->fd ends every sleep at once. */
		if (signals > 0)
			sched_yield();
		else
			gen_worker_idle(w, NMPORT_TX, now_ns + NS_PER_MS);
	}
	w->pending = nmport_txpending(w->port, w->idx);
}
