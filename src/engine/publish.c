/* SPDX-License-Identifier: BSD-2-Clause */
/* Rules: published, retired, indexed. */
#include "engine/engine_in.h"

#include "base/log.h"
#include "base/rcu.h"

#include <errno.h>

static void
rule_gone(void *arg, uint32_t counter)
{
	counters_free(arg, counter);
}

int
publish_begin(struct engine *en, bool accept, struct err *e)
{
	struct ruleset *rs;
	uint32_t counter;
	int rc = counters_alloc(en->counters, &counter, e);

	if (rc != 0)
		return rc;
	if ((rs = ruleset_create(accept, counter)) == NULL)
		return err_set(e, ENOMEM, "no memory for the rules");
	atomic_init(&en->shared.rules, rs);
	return 0;
}

/* Shows what packets may cost, and warns if that is much. */
static void
tell_plan(struct engine *en, const struct plan *pl, uint64_t builds_before)
{
	struct knobs *k = &en->shared.knobs;
	struct plan_stats s = {0};

	if (pl != NULL)
		plan_stats(pl, &s);
	knob_set(&k->plan_leaf, s.forest.max_leaf);
	knob_set(&k->plan_depth, s.forest.max_depth);
	knob_set(&k->plan_added, s.n_added);
	knob_set(&k->plan_builds, (uint32_t)en->reindex.n_builds);
	if (en->reindex.n_builds != builds_before &&
	    s.forest.max_leaf > ENGINE_LEAF_WARN)
		log_msg(LOG_WARN, "rules: index: %u rules cannot be told apart "
		    "by addresses, ports or protocol: packets that come to "
		    "them are compared with each", s.forest.max_leaf);
}

void
publish_start(struct engine *en)
{
	struct ruleset *rs = current(en);

	rs->plan = reindex_plan(&en->reindex, rs, rs);
	tell_plan(en, rs->plan, 0);
	en->is_started = true;
}

/* Frees the rulesets that were replaced, once no worker uses them. */
static void
free_retired(struct engine *en)
{
	while (en->n_retired > 0)
		ruleset_destroy(en->retired[--en->n_retired], rule_gone,
		    en->counters);
}

void
publish_end(struct engine *en)
{
	free_retired(en);
	ruleset_destroy(current(en), rule_gone, en->counters);
}

const struct ruleset *
engine_rules(const struct engine *en)
{
	return current(en);
}

void
engine_publish(struct engine *en, struct ruleset *next)
{
	uint64_t builds = en->reindex.n_builds;

	if (en->is_started)
		next->plan = reindex_plan(&en->reindex, next, current(en));
	en->retired[en->n_retired++] = current(en);
	/* Partner: the acquire in the worker's refresh(). */
	atomic_store_explicit(&en->shared.rules, next, memory_order_release);
	knob_set(&en->shared.knobs.static_count, next->n_rules);
	if (en->is_started)
		tell_plan(en, next->plan, builds);
	if (en->n_retired == MAX_RETIRED) {
		rcu_wait();
		free_retired(en);
	}
	reindex_consider(&en->reindex, next);
}

void
publish_tell_differences(struct engine *en)
{
	uint64_t n = 0, checked = 0, last = 0;

	for (unsigned i = 0; i < en->n_workers; i++) {
		const struct match_check *c = &en->workers[i].ctx.check;

		checked += stat_get(&c->pkts);
		n += stat_get(&c->differences);
		last = stat_get(&c->differences) > 0 ? stat_get(&c->rule) :
						       last;
	}
	knob_set(&en->shared.knobs.match_checked, (uint32_t)checked);
	knob_set(&en->shared.knobs.match_differences, (uint32_t)n);
	if (n != en->differences)
		log_msg(LOG_ERROR, "rules: index: %llu of %llu packets differ "
		    "from the linear search, last at rule %llu: "
		    "set net.inet.ip.fw.match=1 and report this",
		    (unsigned long long)n, (unsigned long long)checked,
		    (unsigned long long)last);
	en->differences = n;
}

void
engine_tend(struct engine *en)
{
	struct ruleset *next = NULL;

	if (reindex_is_ready(&en->reindex))
		next = ruleset_enable(current(en), 0, 0);
	if (next != NULL)
		engine_publish(en, next);
	else
		reindex_consider(&en->reindex, current(en));
	publish_tell_differences(en);
}

void
engine_plan_stats(const struct engine *en, struct plan_stats *out,
    uint64_t *n_builds, bool *is_building)
{
	const struct ruleset *rs = current(en);

	*out = (struct plan_stats){.n_rules = rs->n_rules, .flat = true,
		.scan = "none"};
	if (rs->plan != NULL)
		plan_stats(rs->plan, out);
	*n_builds = en->reindex.n_builds;
	*is_building = en->reindex.draft != NULL;
}
