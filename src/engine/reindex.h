/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When the rules' index is built anew, and the thread that does it.
 *
 * Place      engine_publish asks for the plan of each new ruleset; a timer of
 *            the daemon calls engine_tend.
 * Life       idle -> building (a draft, in a thread of its own) -> built -> the
 *            next publish or tick adopts it -> idle.
 * Why        a forest over 65,000 rules takes some 50 ms, and commands are to be
 *            answered in milliseconds.  Meanwhile plans go on following edits:
 *            what was added is a list beside the old forest, and the draft is
 *            told of each edit, so that it fits when it is ready.
 * Policy     REINDEX_ADDED rules beside the forest start a build, no sooner than
 *            REINDEX_PAUSE_NS after the last one began and not before four
 *            times its duration has passed since; fewer rules wait until no edit
 *            came for REINDEX_QUIET_NS.  A list that brings more than the plan
 *            takes (plan_cfg.most_added) is built at once, before it is
 *            published.
 * Threads    all functions are the control thread's.
 */
#pragma once

#include "base/ns.h"
#include "rule/plan.h"

#include <pthread.h>
#include <stdatomic.h>

enum { REINDEX_ADDED = 128 };
#define REINDEX_PAUSE_NS (150 * NS_PER_MS)
#define REINDEX_QUIET_NS (50 * NS_PER_MS)

struct reindex {
	struct draft *draft; /* NULL: idle */
	pthread_t thread;
	_Atomic bool built;
	ns_t took_ns;	   /* builder's until 'built' */
	ns_t started_ns;
	ns_t not_before_ns;
	ns_t edited_ns;
	uint64_t n_builds; /* forests, also those made at once */
};

/* The plan of 'next', which is to take the place of 'old' (they may be the same
 * rules).  NULL: it works without. */
struct plan *reindex_plan(struct reindex *x, const struct ruleset *next,
    const struct ruleset *old);

/* Starts a build if it is time.  'rs' is in force. */
void reindex_consider(struct reindex *x, const struct ruleset *rs);

/* True if something is built and waits to be adopted. */
bool reindex_is_ready(const struct reindex *x);

/* Waits for a build that is under way and forgets it. */
void reindex_fini(struct reindex *x);
