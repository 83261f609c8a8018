/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the engine is made of, for the files of engine.h alone: engine.c builds
 * and ends it, publish.c changes its rules, totals.c adds up, ask.c sets up a
 * trial.
 */
#pragma once

#include "engine/engine.h"
#include "engine/reindex.h"
#include "engine/worker.h"

enum {
	MAX_PORTS = 2 * WORKER_MAX_LANES,
	MAX_RETIRED = 8,
};

struct engine {
	struct shared shared;
	struct vtime vtime;  /* unless it runs in real time */
	struct diverts *diverts; /* NULL: nobody can listen */
	struct pipes *pipes;
	struct counters *counters;
	unsigned n_workers;
	struct worker *workers; /* n_workers */
	unsigned n_ports;
	struct port *ports[MAX_PORTS];
	struct port *source; /* of the infinite source */
	struct port *sink;
	void *state_memory;  /* of hugemem */
	size_t state_octets;
	bool is_started; /* workers look at the rules */
	uint32_t trial_s; /* without them: the time up to which states went */
	struct reindex reindex;
	uint64_t differences; /* of match=verify, told */
	unsigned n_retired;
	struct ruleset *retired[MAX_RETIRED]; /* freed after a grace period */
};

/* The ruleset in use, as its only writer sees it. */
static inline struct ruleset *
current(const struct engine *en)
{
	return atomic_load_explicit(&en->shared.rules, memory_order_relaxed);
}

/* ---- publish.c ---- */

/* The first ruleset: only rule 65535, which accepts or denies. */
int publish_begin(struct engine *en, bool accept, struct err *e);

/* Rules that were published before the start get their plan now, once. */
void publish_start(struct engine *en);

/* Frees all rules; no worker uses them any more. */
void publish_end(struct engine *en);

/* Logs that match=verify found differences, each time there are more. */
void publish_tell_differences(struct engine *en);
