/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A worker: a thread that moves bursts along its lanes and sleeps when idle.
 *
 * Place      engine.c makes them; step.c is what they do.
 * Life       worker_init -> lanes added -> worker_start -> worker_join.
 * Pipes      worker 0 has them; while packets are held there it sleeps until
 *            kipfw.pipe_spin microseconds before the next one leaves, and spins
 *            from then on.
 * Waiting    busy: no system call at all.  Out of work: a short spin, then
 *            sched_yield, so that a neighbour on the same core gets on; after
 *            IDLE_NS it sleeps in poll on its ports and its doorbell, off-line
 *            for RCU, and costs nothing.  If work always takes longer to come
 *            than that, it sleeps ever sooner: packets now and then should not
 *            cost 200 us each.
 * Urgent     with a real-time priority it does the same, and pauses (thread.h).
 */
#pragma once

#include "engine/diverts.h"
#include "engine/keepalives.h"
#include "engine/keys.h"
#include "engine/pipes.h"
#include "engine/step.h"
#include "engine/thread.h"
#include "engine/tick.h"
#include "engine/vtime.h"

#include <pthread.h>
#include <stdatomic.h>

/* What all workers of an engine share; they only read it. */
struct shared {
	_Atomic(struct ruleset *) rules; /* rcu: ctl writes, read per burst */
	struct knobs knobs;
	struct me me;		    /* constant */
	struct state_table *states; /* constant pointer */
	bool log_capture;	    /* constant: 'log' captures packets */
	struct keys keys;	    /* control */
	struct vtime *vtime;	    /* constant; NULL: the machine's clocks */
	_Atomic uint32_t *log_left; /* by rule counter */
	struct tables *tables;	    /* see table.h */
	_Atomic int source_users;   /* > 0: the infinite source runs */
	_Atomic bool stop;
};

struct worker {
	struct shared *shared;
	unsigned index;
	unsigned n_lanes;	/* even: lanes 2k and 2k+1 are twins, */
	struct lane lanes[WORKER_MAX_LANES]; /* there and back */
	struct lane source;	/* only worker 0 has one */
	ns_t idle_ns;		/* without work this long it sleeps */
	int doorbell;		/* eventfd: stop, or the source was started */
	bool running;
	struct thread_cfg thread_cfg;
	struct thread_debt debt; /* of an urgent thread */
	pthread_t thread;
	struct rng rng;
	struct state_cfg state_cfg;
	struct lookup_use lookup_use;
	struct tick tick;
	struct keepalives keepalives;
	struct record_ring *log;
	struct diverts *diverts;   /* NULL: nobody can listen */
	struct divert_way *divert; /* its own there */
	struct pipe_door *door;	   /* to the pipes */
	struct step_ctx ctx;
};

/* Prepares the worker; borrows 'shared' and 'own', its counters. */
int worker_init(struct worker *w, unsigned index, struct shared *shared,
    struct counter *own, uint64_t seed, struct err *e);
void worker_fini(struct worker *w);

/* Lets programs listen to what it diverts; before it starts.  Borrows 'd'. */
void worker_divert(struct worker *w, struct diverts *d);

/* Its door to the pipes; before it starts.  Borrows 'd'. */
void worker_pipes(struct worker *w, struct pipe_door *d);

/* Starts its thread, as w->thread_cfg says (an ordinary one after
 * worker_init()). */
int worker_start(struct worker *w, struct err *e);
/* Reads everything that may change between two bursts. */
void worker_refresh(struct worker *w);
/* What its thread does all the time: one burst a lane.  Returns packets moved. */
unsigned worker_round(struct worker *w);
/* Wakes it if it sleeps. */
void worker_ring(struct worker *w);
/* Waits for the end of a worker that was told to stop. */
void worker_join(struct worker *w);
