/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The engine's dummynet: packets go in by rules, and come out by the clock.
 *
 *	worker 0    fate -- pipes_take --> dn --------- pipes_round --> its lanes
 *	worker i    fate -- ring --> worker 0 --> dn --> ring ------> its lanes
 *
 * Owner      one dummynet, worker 0's; nobody else touches it.  So a pipe has
 *            one queue and one rate whoever feeds it, and what a worker sends
 *            through it stays in order.
 * Time       the clock is read when a burst comes (c->now_ns) and before packets
 *            leave; between workers the time of the burst travels along.
 * Going on   a packet leaves by its lane.  If one_pass was 0 when its rule
 *            matched, it goes on at the rule after that (resume.h), with its
 *            mark and tags.
 * No room    on the way out: packets wait there, all of them, for STUCK_NS; from
 *            then on those of that lane are dropped until there is room again.
 * Control    pipes_call() posts one function at a time.
 */
#pragma once

#include "engine/step.h"
#include "pipe/dn.h"

#include <semaphore.h>
#include <stdatomic.h>

struct msgring;
struct pipes;

/* A worker's way in and out. */
struct pipe_door {
	struct pipes *pipes;
	struct msgring *in;   /* to worker 0; NULL for worker 0 itself */
	struct msgring *back; /* from it */
	int doorbell;	      /* of the worker; borrowed */
	_Atomic bool asleep;  /* the worker says so before it looks again */
	uint64_t lost;	      /* found no room in 'in': this worker's */
};

struct pipes {
	struct dn *dn;
	struct vtime *vtime;
	void *map; /* memory of the packets, as mmap gave it */
	size_t map_size;
	unsigned n_doors;
	struct pipe_door *doors;
	/* worker 0 */
	ns_t last;		/* time that dn has seen */
	struct held *out[PORT_BURST]; /* left dn, not yet gone */
	unsigned n_out;
	unsigned at;
	ns_t stuck_since;	/* 0 = there was room */
	uint64_t lost;		/* found no room in a 'back' */
	_Atomic bool live;	/* something is configured; for anybody */
	/* control */
	_Atomic(struct pipe_call *) call;
	sem_t done;
};

/* With room for cfg->memory octets of packets (0 = PIPES_MEMORY), which take real
 * memory when they are first used. */
#define PIPES_MEMORY (1ull << 30)
struct keys;
struct pipes_cfg {
	unsigned n_workers;
	size_t memory;
	uint64_t seed;
	struct keys *keys;   /* NULL: the system's */
	struct vtime *vtime; /* NULL: the machine's clocks; borrowed */
};
int pipes_create(const struct pipes_cfg *cfg, struct pipes **out,
    struct err *e);
void pipes_destroy(struct pipes *p);

/* ---- a worker ---- */

/* True if there are pipes: without them a round costs nothing. */
static inline bool
pipes_live(const struct pipes *p)
{
	return atomic_load_explicit(&p->live, memory_order_relaxed);
}

/* Takes copies of c->piped, the packets of this pass whose verdict was PIPE or
 * QUEUE. */
void pipes_take(struct step_ctx *c);

/* Worker i, each round: shows worker 0 what it has for it, and goes on with
 * what comes back.  Returns packets that went on. */
unsigned pipes_exchange(struct step_ctx *c, struct lane *lanes,
    unsigned n_lanes);

/* Worker 0, each round: takes what others bring, does what control asks for,
 * sends what is due, by its 'lanes' and 'source'.  Returns packets moved. */
unsigned pipes_round(struct step_ctx *c, struct lane *lanes, unsigned n_lanes,
    struct lane *source);

/* Sends packets that dummynet has given back on: h[n], n <= PORT_BURST, of one
 * lane, pass and one_pass.  They are the caller's again afterwards. */
void pipes_go_on(struct step_ctx *c, struct lane *lane, struct held *const *h,
    unsigned n);

/* When worker 0 has to be awake: a time that may be past, UINT64_MAX if it has
 * not. */
ns_t pipes_next(const struct pipes *p);

/* True if that is less than 'ns' away, as of the last round. */
bool pipes_due_in(const struct pipes *p, ns_t ns);

/* Says that the worker goes to sleep; false if it must not. */
bool pipes_sleep(struct pipe_door *d);
void pipes_awake(struct pipe_door *d);

/* ---- control ---- */

/* Runs 'fn' in worker 0 and waits; 'running': that worker runs. */
int pipes_call(struct pipes *p, bool running, engine_dn_fn *fn, void *arg);

/* Packets that found no room between workers; for any thread. */
uint64_t pipes_lost(const struct pipes *p);
