/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A scheduler with some flows behind a link of 1 Gbit/s, and a log of what came
 * and what was sent, to be compared with the fluid system.
 */
#pragma once

#include "dn_rig.h"

#include "base/rng.h"

enum { FLOWS = 12, MAX_LOG = 60000, RATE = 1000000000 };

struct event {
	ns_t at;       /* came, or began */
	uint32_t flow;
	uint32_t bytes;
};

struct log {
	struct event came[MAX_LOG];
	struct event began[MAX_LOG];
	unsigned n_came;
	unsigned n_began;
	uint32_t weights[FLOWS];
	uint32_t longest[FLOWS];
};

static struct log lg;

static inline void
note(struct rig *r, const struct held *h, void *arg)
{
	(void)r;
	(void)arg;
	assert_true(lg.n_began < MAX_LOG);
	lg.began[lg.n_began++] = (struct event){h->time, rig_number(h),
	    h->bytes};
}

/* A pipe whose scheduler serves FLOWS queues of random weights. */
static inline void
set_up(struct rig *r, struct rng *rng, uint32_t type, uint32_t max_weight)
{
	rig_init(r, RIG_MEMORY);
	rig_pipe(r, &(struct dn_link_cfg){.nr = 1, .rate_bps = RATE}, NULL,
	    NULL);
	rig_ok(dn_sched_config(r->dn, &(struct dn_sched_cfg){.nr = 1,
	    .type = type}, r->now, NULL), NULL);
	memset(&lg, 0, sizeof(lg));
	for (uint32_t i = 0; i < FLOWS; i++) {
		lg.weights[i] = 1 + (uint32_t)(rng_u64(rng) % max_weight);
		lg.longest[i] = 64 + (uint32_t)(rng_u64(rng) % 1436);
		rig_ok(dn_fs_config(r->dn, &(struct dn_fs_cfg){.nr = 10 + i,
		    .sched_nr = 1, .limit = 1000000,
		    .par = {.weight = lg.weights[i]}}, r->now, NULL), NULL);
	}
}

/* A packet of the flow: half of them as long as they get, half shorter. */
static inline void
arrive(struct rig *r, struct rng *rng, uint32_t flow)
{
	uint32_t bytes = rng_u64(rng) % 2 == 0 ? lg.longest[flow] :
	    40 + (uint32_t)(rng_u64(rng) % (lg.longest[flow] - 39));
	struct rig_frame f;

	rig_frame(&f, bytes, 1, 2, 0, (uint16_t)flow);
	assert_true(rig_put(r, &f.p, 10 + flow, true));
	assert_true(lg.n_came < MAX_LOG);
	lg.came[lg.n_came++] = (struct event){r->now, flow, bytes};
}

static inline double
sent_in(ns_t from, ns_t to)
{
	return (double)(to - from) * (RATE / 8e9);
}

static inline ns_t
end_of(const struct event *e)
{
	return e->at + (ns_t)e->bytes * 8;
}

/* Each flow has 'n' packets waiting. */
static inline void
fill(struct rig *r, struct rng *rng, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		for (uint32_t k = 0; k < FLOWS; k++)
			arrive(r, rng, k);
}

/* Packets in random bursts, from half to twice what the link can send. */
static inline void
come_and_go(struct rig *r, struct rng *rng, unsigned n, ns_t gap)
{
	while (lg.n_came < n) {
		uint32_t flow = (uint32_t)(rng_u64(rng) % FLOWS);
		unsigned burst = 1 + (unsigned)(rng_u64(rng) % 8);

		rig_run(r, r->now + rng_u64(rng) % gap, note, NULL);
		for (unsigned i = 0; i < burst; i++)
			arrive(r, rng, flow);
	}
	rig_run(r, r->now + 10 * NS_PER_S, note, NULL);
	assert_int_equal(lg.n_came, lg.n_began);
}

/* Weights change, and the link never idles while somebody waits. */
static inline void
weights_change(uint32_t type, uint32_t max_weight)
{
	struct dn_fs_cfg fs = {.sched_nr = 1, .limit = 1000000};
	uint64_t bytes = 0;
	struct rng rng;
	struct rig r;
	ns_t start;

	rng_init(&rng, 300);
	set_up(&r, &rng, type, max_weight);
	start = r.now;
	for (unsigned i = 0; i < 20000; i++)
		arrive(&r, &rng, (uint32_t)(rng_u64(&rng) % FLOWS));
	for (unsigned i = 0; i < lg.n_came; i++)
		bytes += lg.came[i].bytes;
	while (dn_next(r.dn) != UINT64_MAX && dn_held(r.dn) != 0) {
		fs.nr = 10 + (uint32_t)(rng_u64(&rng) % FLOWS);
		fs.par.weight = 1 + (uint32_t)(rng_u64(&rng) % max_weight);
		rig_ok(dn_fs_config(r.dn, &fs, r.now, NULL), NULL);
		rig_run(&r, r.now + NS_PER_MS, note, NULL);
	}
	assert_int_equal(lg.n_came, lg.n_began);
	assert_int_equal(start + bytes * 8,
	    end_of(&lg.began[lg.n_began - 1]));
	rig_fini(&r);
}

/* Queues are deleted and made again under packets: all that came has left or
 * was counted as dropped. */
static inline void
queues_come_and_go(uint32_t type, uint32_t max_weight)
{
	struct dn_fs_cfg fs = {.sched_nr = 1, .limit = 1000000};
	struct dn_totals t;
	struct rng rng;
	struct rig r;

	rng_init(&rng, 400);
	set_up(&r, &rng, type, max_weight);
	for (unsigned i = 0; i < 3000; i++) {
		uint32_t flow = (uint32_t)(rng_u64(&rng) % FLOWS);

		for (unsigned k = rng_u64(&rng) % 8; k > 0; k--)
			arrive(&r, &rng, (uint32_t)(rng_u64(&rng) % FLOWS));
		rig_run(&r, r.now + rng_u64(&rng) % 50000, note, NULL);
		if (rng_u64(&rng) % 4 != 0)
			continue;
		fs.nr = 10 + flow;
		fs.par.weight = 1 + (uint32_t)(rng_u64(&rng) % max_weight);
		rig_ok(dn_fs_delete(r.dn, fs.nr, r.now, NULL), NULL);
		rig_ok(dn_fs_config(r.dn, &fs, r.now, NULL), NULL);
	}
	rig_run(&r, r.now + 10 * NS_PER_S, note, NULL);
	dn_totals(r.dn, &t);
	assert_int_equal(t.held_pkts, 0);
	assert_int_equal(lg.n_came, lg.n_began + t.drops[DN_DROP_DELETED]);
	assert_true(t.drops[DN_DROP_DELETED] > 0);
	rig_fini(&r);
}

/* The greatest lag of a flow that was seen, in octets. */
static inline double
worst_lag(uint32_t flow, double share)
{
	double lag = 0, least = 0, worst = 0;
	unsigned waiting = 0, at = 0;
	ns_t last = 0;

	for (unsigned i = 0; i < lg.n_began; i++) {
		const struct event *e = &lg.began[i];
		ns_t end = end_of(e);

		while (at < lg.n_came && lg.came[at].at <= e->at) {
			if (lg.came[at].flow == flow && waiting++ == 0) {
				lag = least = 0;
				last = lg.came[at].at;
			}
			at++;
		}
		if (waiting == 0)
			continue;
		lag += share * sent_in(last, end);
		last = end;
		if (e->flow == flow) {
			lag -= e->bytes;
			waiting--;
			worst = lag - least > worst ? lag - least : worst;
		}
		least = lag < least ? lag : least;
	}
	return worst;
}
