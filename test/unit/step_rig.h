/* SPDX-License-Identifier: BSD-2-Clause */
/* A worker's burst without a worker: rules, a lane between two memory queues,
 * and what became of frames. */
#pragma once

#include "unit.h"

#include "frames.h"

#include "engine/step.h"
#include "port/mem.h"

enum { RIG_COUNTERS = 64 };

struct rig {
	struct step_ctx c;
	struct lane lane;
	struct counter counts[RIG_COUNTERS];
	struct ruleset *rs;
	struct rng rng;
	struct me me;
	struct mem_queue *in, *out;
	uint32_t n_rules; /* added so far: the last one's counter and id */
};

static void
rig_gone(void *arg, uint32_t counter)
{
	(void)arg, (void)counter;
}

static inline struct rig *
rig_open(bool accept)
{
	struct rig *g = aligned_alloc(CACHE_LINE,
	    (sizeof(*g) + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE);
	struct err e = {0};

	memset(g, 0, sizeof(*g));
	rng_init(&g->rng, 1);
	g->in = mem_queue_open("mem:in");
	g->out = mem_queue_open("mem:out");
	assert_int_equal(port_open("mem:in", &g->lane.in, &e), 0);
	assert_int_equal(port_open("mem:out", &g->lane.out, &e), 0);
	g->lane.end = N_DROPS;
	g->rs = ruleset_create(accept, 0);
	g->c.enabled = true;
	g->c.pass.rules = g->rs;
	g->c.pass.counts = g->counts;
	g->c.pass.rng = &g->rng;
	g->c.pass.tags = &g->c.tags;
	g->c.pass.me = &g->me;
	assert_int_equal(defrag_create(NULL, &g->c.defrag, &e), 0);
	g->c.defrag->cfg = (struct reass_cfg){
	    .max_packets = REASS_PACKETS, .max_frags = 16, .ttl_s = 30};
	g->c.now_s = 1000;
	tag_reset(&g->c.tags);
	return g;
}

static inline void
rig_close(struct rig *g)
{
	defrag_destroy(g->c.defrag);
	port_close(g->lane.in);
	port_close(g->lane.out);
	mem_queue_close(g->in);
	mem_queue_close(g->out);
	ruleset_destroy(g->rs, rig_gone, NULL);
	free(g);
}

/* Adds a rule without patterns, or with those in cmd[0, act_ofs).  Returns its
 * id, which is its counter as well. */
static inline uint32_t
rig_rule(struct rig *g, uint16_t num, const struct insn *cmd, unsigned act_ofs,
    unsigned n_words)
{
	struct {
		struct abi_rule r;
		struct insn cmd[32];
	} r = {.r = {.act_ofs = (uint16_t)act_ofs,
	    .cmd_len = (uint16_t)n_words}};
	uint32_t id = ++g->n_rules;
	struct ruleset *next;
	struct rule *rule;

	assert_true(id < RIG_COUNTERS && n_words <= 32);
	memcpy(r.cmd, cmd, n_words * sizeof(*cmd));
	rule = rule_create(&r.r, num, id, id);
	next = ruleset_add(g->rs, &rule, 1);
	assert_non_null(next);
	ruleset_destroy(g->rs, rig_gone, NULL);
	g->c.pass.rules = g->rs = next;
	return id;
}

/* A rule of one action of one word. */
static inline uint32_t
rig_action(struct rig *g, uint16_t num, uint8_t opcode, uint16_t arg)
{
	const struct insn act = {opcode, 1, arg};

	return rig_rule(g, num, &act, 0, 1);
}

static inline void
rig_delete(struct rig *g, uint16_t num)
{
	const struct rule_range r = {.flags = RANGE_RULES, .lo = num,
	    .hi = num};
	unsigned gone;
	struct ruleset *next = ruleset_delete(g->rs, &r, &gone);

	assert_non_null(next);
	ruleset_destroy(g->rs, rig_gone, NULL);
	g->c.pass.rules = g->rs = next;
}

/* How often a rule matched. */
static inline uint64_t
rig_count(const struct rig *g, uint32_t id)
{
	return g->counts[id].pkts;
}
