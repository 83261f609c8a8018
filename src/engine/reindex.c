/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/reindex.h"

#include "base/clock.h"
#include "base/pages.h"

#include <sys/resource.h>

enum { NICE = 10, REST = 4 /* times the duration of a build */ };

/* What the index of a running kipfw is made with. */
static struct plan_cfg
settings(void)
{
	struct plan_cfg cfg = plan_defaults;

	cfg.pages = &pages_huge;
	return cfg;
}

static void *
build(void *arg)
{
	struct reindex *x = arg;
	ns_t from = clock_mono_ns();

	/* On Linux that is this thread alone: forwarding comes first. */
	setpriority(PRIO_PROCESS, 0, NICE);
	draft_build(x->draft);
	x->took_ns = clock_mono_ns() - from;
	/* Partner: the acquire in reindex_is_ready(). */
	atomic_store_explicit(&x->built, true, memory_order_release);
	return NULL;
}

bool
reindex_is_ready(const struct reindex *x)
{
	return x->draft != NULL &&
	    atomic_load_explicit(&x->built, memory_order_acquire);
}

/* Ends a build that is ready. */
static void
reap(struct reindex *x)
{
	pthread_join(x->thread, NULL);
	draft_destroy(x->draft);
	x->draft = NULL;
}

/* The plan of what was built, NULL if that failed. */
static struct plan *
adopt(struct reindex *x, const struct ruleset *next)
{
	struct plan *pl = draft_plan(x->draft, next);

	if (pl != NULL) {
		plan_note_build(pl, (uint64_t)x->took_ns);
		x->n_builds++;
	}
	x->not_before_ns = clock_mono_ns() + REST * x->took_ns;
	if (x->not_before_ns < x->started_ns + REINDEX_PAUSE_NS)
		x->not_before_ns = x->started_ns + REINDEX_PAUSE_NS;
	reap(x);
	return pl;
}

struct plan *
reindex_plan(struct reindex *x, const struct ruleset *next,
    const struct ruleset *old)
{
	struct plan_cfg cfg = settings();
	ns_t from = clock_mono_ns();
	struct plan *pl = NULL;

	x->edited_ns = from;
	if (x->draft != NULL)
		draft_follow(x->draft, old, next);
	if (reindex_is_ready(x))
		pl = adopt(x, next);
	if (pl == NULL)
		pl = plan_create_cfg(next, old, &cfg);
	if (pl != NULL && plan_is_new(pl)) {
		plan_note_build(pl, (uint64_t)(clock_mono_ns() - from));
		x->n_builds++;
	}
	return pl;
}

void
reindex_consider(struct reindex *x, const struct ruleset *rs)
{
	struct plan_cfg cfg = settings();
	ns_t now = clock_mono_ns();
	unsigned least = x->edited_ns + REINDEX_QUIET_NS > now ?
	    REINDEX_ADDED : 1;

	if (x->draft != NULL || rs->plan == NULL || now < x->not_before_ns ||
	    !plan_is_stale(rs->plan, least))
		return;
	if ((x->draft = draft_create(rs, &cfg)) == NULL)
		return;
	atomic_store_explicit(&x->built, false, memory_order_relaxed);
	x->started_ns = now;
	if (pthread_create(&x->thread, NULL, build, x) != 0) {
		draft_destroy(x->draft);
		x->draft = NULL;
		x->not_before_ns = now + REINDEX_PAUSE_NS;
	}
}

void
reindex_fini(struct reindex *x)
{
	if (x->draft != NULL)
		reap(x);
}
