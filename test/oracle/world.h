/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two firewalls that get the same rules, changes and packets: one with the index
 * and one that looks at every rule.  Whatever they do must be the same.
 *
 * Place      test/oracle/diff.c feeds it from seeds, fuzz/fuzz_match.c from
 *            inputs.
 * Life       world_create -> world_run (any number of times; each builds both
 *            firewalls anew) -> world_destroy.
 * Sides      everything twice: rules, tables, states, counters, generator, tags,
 *            log, step_ctx; with equal seeds.  Packets go through engine/step,
 *            as in a worker.
 * Compared   after each burst: verdicts, marks, frames as rewritten, what was
 *            sent where in which order (answers too), log records, drops, all
 *            counters and log budgets, the generator's state, how many states;
 *            now and then, and before every change: each state, each table with
 *            its counters.
 */
#pragma once

#include "test/oracle/chance.h"

struct world;

struct world_stats {
	uint64_t pkts;
	uint64_t updates;
	uint64_t worlds;
	uint64_t matches; /* of rules, the default rule's included */
	uint64_t states;  /* largest number in a world, summed up */
	uint64_t records;
	uint64_t answers;
	uint64_t foretold; /* packets of which engine/trial was asked first */
	uint32_t max_rules;
};

/* Returns owned, NULL without memory. */
struct world *world_create(void);
void world_destroy(struct world *w);

/* From now on every packet comes alone, and engine/trial is asked first; else
 * only of those that come alone anyway. */
void world_foretell(struct world *w);

/* Builds the two firewalls from 'c' and runs at most 'max_pkts' packets, or as
 * far as an input goes.  NULL: all was the same; else what was not, valid until
 * the next call.  Adds to 'stats'. */
const char *world_run(struct world *w, struct chance *c, uint64_t max_pkts,
    struct world_stats *stats);

/* Prints the rules at the moment of a difference, one a line, to stderr. */
void world_dump(const struct world *w);
