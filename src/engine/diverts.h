/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the workers and the thread that serves divert sockets ("server").
 *
 *	worker -- divert.ring --> server -- socket --> program
 *	worker <-- back --------- server <-- socket -- program
 *
 * Life       diverts_create before the workers run -> diverts_destroy after.
 * Threads    each function says whose it is.
 * Waking     A worker that published writes to an eventfd only if the server
 *            has said that it sleeps: at most one system call a round.  The
 *            server rings the worker's doorbell after what it gave back.
 * Bounds     RING_OUT and RING_BACK octets a worker; what does not fit is
 *            dropped and counted.
 */
#pragma once

#include "base/err.h"
#include "engine/step.h"
#include "kipfw_divert.h"
#include "rule/divert.h"

struct divert_way { /* one a worker */
	struct divert out;
	struct msgring *back;
	uint64_t resumed; /* packets that went on: written by the worker */
};

struct diverts {
	struct divert_ports ports; /* the server writes, workers read */
	_Atomic bool asleep;
	int wake; /* eventfd */
	unsigned n_ways;
	struct divert_way *ways;
	uint64_t tees_lost; /* the rest is the server's */
	uint64_t drops[N_DROPS];
};

/* For so many workers.  -ENOMEM, or what the eventfd says. */
int diverts_create(unsigned n_workers, struct diverts **out, struct err *e);
void diverts_destroy(struct diverts *d);

/* ---- worker ---- */

/* Shows the server what this worker has diverted, and wakes it if it sleeps. */
void diverts_publish(struct diverts *d, struct divert_way *way);

/* Goes on with packets that were given back, at most PORT_BURST, each in its
 * lane, one of lanes[n].  Returns how many there were. */
unsigned diverts_resume(struct step_ctx *c, struct divert_way *way,
    struct lane *lanes, unsigned n);

/* ---- server ---- */

/* Somebody listens at 'port', or nobody any more. */
void diverts_listen(struct diverts *d, uint16_t port, bool on);

/* Says that the server goes to sleep, in poll on d->wake.  False: a worker has
 * something, do not sleep. */
bool diverts_sleep(struct diverts *d);
/* Awake again. */
void diverts_awake(struct diverts *d);

/* Copies a checked message for worker 'way', which msgring_publish(back) and
 * the worker's doorbell tell of.  False: no room. */
bool diverts_give_back(struct diverts *d, unsigned way, const void *msg,
    uint32_t len);
