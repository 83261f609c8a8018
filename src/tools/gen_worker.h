/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One thread of pkt-gen at one ring: its share of the work, its counts, and
 * how it waits.
 *
 * Place      pkt-gen.c makes one per thread, starts it, reads its counts each
 *            second and its results after the join.  The four loops are in
 *            gen_tx.c, gen_rx.c and gen_echo.c.
 * Threads    'counts' and 'stop' are shared (relaxed atomics: statistics, and a
 *            flag that is looked at every burst); the rest belongs to the
 *            worker until it is joined.
 * Waiting    64 empty syncs, then sched_yield between syncs, and after
 *            GEN_IDLE_NS without work a sleep on the port's descriptor: no CPU
 *            when idle, no system call under load.  A signal ends any sleep
 *            through stop->fd, which stays readable.
 */
#pragma once

#include "base/cdefs.h"
#include "base/ns.h"
#include "tools/gen_cfg.h"
#include "tools/gen_rtt.h"
#include "tools/gen_trace.h"
#include "vale/nmport.h"

#include <stdatomic.h>

#define GEN_IDLE_NS	 (1500 * NS_PER_US) /* without work before a sleep */
#define GEN_FLUSH_NS	 NS_PER_S	    /* for pending slots at the end */
#define GEN_SILENCE_NS	 NS_PER_S	    /* that ends rx with -W */
#define GEN_PING_LOST_NS NS_PER_S	    /* without answers: requests lost */

/* Set by a signal. */
struct gen_stop {
	atomic_uint signals; /* how many came */
	int fd;		     /* readable from the first one on */
};

/* What a report needs; written by one worker, read by the main thread. */
struct gen_counts {
	atomic_uint_fast64_t pkts;
	atomic_uint_fast64_t bytes;
	atomic_uint_fast64_t events; /* bursts */
};

struct gen_worker {
	/* set before the start */
	const struct gen_cfg *cfg;
	const struct gen_trace *trace; /* borrowed; NULL = build frames */
	struct nmport *port;	       /* borrowed */
	struct gen_stop *stop;
	int done_fd;	   /* an eventfd: += 1 at the end */
	unsigned idx;	   /* which thread, and which ring */
	uint64_t n;	   /* packets to handle; UINT64_MAX = no end */
	uint64_t rate_pps; /* share of the rate; 0 = none */
	uint64_t seed;
	int cpu; /* to run on, or GEN_CPU_ANY */

	/* the worker's own */
	unsigned tries; /* empty syncs since the last work */
	ns_t idle_ns;	/* when yielding began */
	uint64_t pkts;	/* counts before they are published */
	uint64_t bytes;
	uint64_t events;

	/* results, valid after the join */
	ns_t first_ns;
	ns_t last_ns;
	uint64_t pending;    /* tx: slots never taken by the switch */
	uint64_t requests;   /* ping */
	struct gen_rtt *rtt; /* ping; owned */
	uint64_t touched;    /* --touch: xor of what was read */
	struct err err;	     /* err.code != 0: it broke off */

	struct gen_counts counts __attribute__((aligned(CACHE_LINE)));
} __attribute__((aligned(CACHE_LINE)));

/* Thread body: pins itself, runs the loop of cfg->mode, tells done_fd.  'arg'
 * is the worker; returns NULL. */
void *gen_worker_main(void *arg);

/* The loops.  They end after worker->n packets, at a signal, or with an error
 * in worker->err. */
void gen_tx_run(struct gen_worker *w);
void gen_rx_run(struct gen_worker *w);
void gen_echo_ping(struct gen_worker *w);
void gen_echo_pong(struct gen_worker *w);

/* Adds a burst to the counts and publishes them; the worker is not idle. */
void gen_worker_count(struct gen_worker *w, unsigned pkts, uint64_t bytes);

/* There was nothing to do: waits as described above for arrivals (NMPORT_RX)
 * or room (NMPORT_TX), until 'until_ns' at the latest (0 = no limit).  Returns
 * early and often; call it in the loop. */
void gen_worker_idle(struct gen_worker *w, unsigned flags, ns_t until_ns);

/* Sleeps until 'when_ns' or a signal; only yields if that is close.  May return
 * early or some 50 us late: the schedule makes up for it. */
void gen_worker_until(struct gen_worker *w, ns_t when_ns);

/* Syncs until no slot is pending, for GEN_FLUSH_NS at most (a second signal
 * cuts it short); what is left goes to worker->pending. */
void gen_worker_flush(struct gen_worker *w);

static inline bool
gen_worker_stopped(const struct gen_worker *w)
{
	return atomic_load_explicit(&w->stop->signals, memory_order_relaxed) !=
	       0;
}
