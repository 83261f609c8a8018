/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An engine without packets, for tests of what stands above it: it holds a
 * ruleset, counters and knobs, and counts what it is told.  Defines engine.h's
 * functions, so that the real engine is not linked.  Include it once a program.
 */
#pragma once

#include "base/clock.h"
#include "engine/engine.h"
#include "engine/trial.h"
#include "pipe/dn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct engine {
	struct ruleset *rules;
	struct counters *counters;
	struct knobs knobs;
	struct tables *tables;
	struct state_table *states;
	struct state_cfg states_cfg;
	_Atomic int source; /* users of the infinite source */
	unsigned published; /* rulesets */
	void *dn_memory;
	struct dn *dn; /* a real one; its clock stands at fake_now */
};

enum { FAKE_DN_MEMORY = 1 << 20 };

static ns_t fake_now = NS_PER_S;

static inline void
fake_gone(void *arg, uint32_t counter)
{
	counters_free(((struct engine *)arg)->counters, counter);
}

static inline struct engine *
fake_create(void)
{
	struct engine *en = calloc(1, sizeof(*en));
	uint32_t idx = 0;
	struct rng rng;

	en->counters = counters_create(1);
	counters_alloc(en->counters, &idx, NULL);
	en->rules = ruleset_create(true, idx);
	knobs_init(&en->knobs);
	en->states_cfg = (struct state_cfg){.life = {300, 20, 1, 1, 10, 5},
	    .max = 512, .parent_max = 64, .now_s = 1};
	en->tables = tables_create((const uint64_t[2]){1, 2});
	rng_init(&rng, 1);
	en->states = state_create(1024, &rng);
	en->dn_memory = aligned_alloc(SLAB_CHUNK, FAKE_DN_MEMORY);
	dn_create(&(struct dn_cfg){.memory = en->dn_memory,
	    .memory_size = FAKE_DN_MEMORY, .seed = 1, .hash_key = 2}, &en->dn,
	    NULL);
	return en;
}

static inline void
fake_destroy(struct engine *en)
{
	ruleset_destroy(en->rules, fake_gone, en);
	counters_destroy(en->counters);
	tables_destroy(en->tables);
	state_destroy(en->states);
	dn_destroy(en->dn);
	free(en->dn_memory);
	free(en);
}

const struct ruleset *
engine_rules(const struct engine *en)
{
	return en->rules;
}

void
engine_publish(struct engine *en, struct ruleset *next)
{
	ruleset_destroy(en->rules, fake_gone, en);
	en->rules = next;
	knob_set(&en->knobs.static_count, next->n_rules);
	en->published++;
}

void
engine_plan_stats(const struct engine *en, struct plan_stats *out,
    uint64_t *n_builds, bool *is_building)
{
	*out = (struct plan_stats){.n_rules = en->rules->n_rules, .flat = true,
		.scan = "none", .bytes = 7};
	*n_builds = 3;
	*is_building = true;
}

struct counters *
engine_counters(struct engine *en)
{
	return en->counters;
}

struct knobs *
engine_knobs(struct engine *en)
{
	return &en->knobs;
}

struct tables *
engine_tables(const struct engine *en)
{
	return en->tables;
}

void
engine_settle_tables(struct engine *en)
{
	limbo_empty(tables_limbo(en->tables));
}

uint32_t
engine_now_s(const struct engine *en)
{
	(void)en;
	return clock_mono_s();
}

struct state_table *
engine_states(struct engine *en)
{
	return en->states;
}

void
engine_source(struct engine *en, int delta)
{
	en->source += delta;
}

int
engine_dn_call(struct engine *en, engine_dn_fn *fn, void *arg)
{
	return fn(en->dn, fake_now, arg);
}

const char *
engine_port_name(const struct engine *en, unsigned i)
{
	static const char *const names[] = {"valeA:f", "valeB:f"};

	(void)en;
	return i < 2 ? names[i] : NULL;
}

static bool
fake_pipe(void *arg, uint16_t nr, bool is_queue)
{
	(void)arg;
	return nr == 1 && !is_queue;
}

/* Interfaces em0 and em1; pipe 1 exists. */
int
engine_trial(struct engine *en, struct trial *t, bool any_if, struct err *e)
{
	static const struct me nobody = {.n4 = 0};

	if (t->in_if[0] == '\0')
		memcpy(t->in_if, "em0", 4);
	if (!any_if && strcmp(t->in_if, "em0") != 0)
		return err_set(e, ENODEV, "no port is called %s", t->in_if);
	if (t->out_if[0] == '\0')
		memcpy(t->out_if, "em1", 4);
	t->pass = (struct pass){.rules = en->rules, .me = &nobody,
	    .tables = en->tables, .states = en->states,
	    .state_cfg = &en->states_cfg, .in_if = t->in_if,
	    .out_if = t->out_if};
	t->enabled = knob_get(&en->knobs.enable) != 0;
	t->one_pass = knob_get(&en->knobs.one_pass) != 0;
	t->out_pass = knob_get(&en->knobs.out_pass) != 0;
	t->has_pipe = fake_pipe;
	return 0;
}

int
engine_trial_at(struct engine *en, struct trial *t, uint32_t now_s,
    struct err *e)
{
	(void)t, (void)e;
	en->states_cfg.now_s = now_s;
	return 0;
}
