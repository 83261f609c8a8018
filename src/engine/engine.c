/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/engine.h"

#include "base/clock.h"
#include "base/hugemem.h"
#include "base/log.h"
#include "base/rcu.h"
#include "engine/reindex.h"
#include "engine/trial.h"
#include "engine/virtual.h"
#include "engine/worker.h"
#include "port/capture.h"
#include "port/kinds.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	MAX_PORTS = 2 * WORKER_MAX_LANES,
	MAX_RETIRED = 8,
	NO_LANE = 0xffff,
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

static void
rule_gone(void *arg, uint32_t counter)
{
	counters_free(arg, counter);
}

/* The ruleset in use, as its only writer sees it. */
static struct ruleset *
current(const struct engine *en)
{
	return atomic_load_explicit(&en->shared.rules, memory_order_relaxed);
}

/* The first ruleset: only rule 65535. */
static int
first_rules(struct engine *en, bool accept, struct err *e)
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

/* The states, under a key that nobody can guess, whatever the seed is. */
static int
make_states(struct engine *en, uint32_t capacity, struct err *e)
{
	struct state_table *t = NULL;
	struct rng rng;
	int rc;

	if (capacity == 0)
		capacity = ENGINE_STATES;
	if ((rc = keys_draw(&en->shared.keys, &rng, sizeof(rng), "the states",
		e)) != 0)
		return rc;
	en->state_octets = state_memory(capacity);
	en->state_memory = hugemem_alloc(en->state_octets);
	if (en->state_memory != NULL)
		t = state_create_in(capacity, &rng, en->state_memory);
	if (t == NULL)
		return err_set(e, ENOMEM, "no memory for the states");
	en->shared.states = t;
	knob_set(&en->shared.knobs.dyn_buckets, state_buckets(t));
	knob_set(&en->shared.knobs.curr_dyn_buckets, state_buckets(t));
	return 0;
}

/* The lane from the infinite source to nowhere, on worker 0. */
static int
source_lane(struct engine *en, const struct engine_cfg *cfg, struct err *e)
{
	char name[PORT_NAME_LEN];
	struct lane *l = &en->workers[0].source;
	int rc;

	snprintf(name, sizeof(name), "source:%s",
	    cfg->source_pcap != NULL ? cfg->source_pcap : "");
	if ((rc = port_open(name, &en->source, e)) != 0 ||
	    (rc = port_open("sink:", &en->sink, e)) != 0)
		return rc;
	*l = (struct lane){.in = en->source, .out = en->sink,
	    .end = DROP_SOURCE_END, .id = NO_LANE};
	return 0;
}

static int
init_workers(struct engine *en, const struct engine_cfg *cfg, struct err *e)
{
	size_t size = en->n_workers * sizeof(*en->workers);
	int rc;

	size = (size + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
	if ((en->workers = aligned_alloc(CACHE_LINE, size)) == NULL)
		return err_set(e, ENOMEM, "no memory for the workers");
	memset(en->workers, 0, size);
	for (unsigned i = 0; i < en->n_workers; i++) {
		rc = worker_init(&en->workers[i], i, &en->shared,
		    counters_of(en->counters, i), cfg->seed, e);
		if (rc != 0)
			return rc;
		en->workers[i].thread_cfg = (struct thread_cfg){
			.priority = cfg->realtime,
			.cpu = cfg->n_cpus > 0 ? cfg->cpus[i % cfg->n_cpus] : -1,
		};
		worker_pipes(&en->workers[i], &en->pipes->doors[i]);
	}
	return 0;
}

static int
make_tables(struct engine *en, struct err *e)
{
	uint64_t keys[2];
	int rc = keys_draw(&en->shared.keys, keys, sizeof(keys), "tables", e);

	if (rc != 0)
		return rc;
	en->shared.tables = tables_create(keys);
	if (en->shared.tables == NULL)
		return err_set(e, ENOMEM, "no memory for the tables");
	tables_use_pages(en->shared.tables, &pages_huge);
	return 0;
}

static int
make_pipes(struct engine *en, const struct engine_cfg *cfg, struct err *e)
{
	const struct pipes_cfg pc = {
	    .n_workers = en->n_workers,
	    .memory = cfg->pipe_memory,
	    .seed = cfg->seed,
	    .keys = &en->shared.keys,
	    .vtime = en->shared.vtime,
	};

	return pipes_create(&pc, &en->pipes, e);
}

/* One clock for all, and keys that can be drawn again. */
static void
go_virtual(struct engine *en, uint64_t seed)
{
	en->n_workers = 1;
	en->shared.vtime = &en->vtime;
	keys_seed(&en->shared.keys, seed);
}

int
engine_create(const struct engine_cfg *cfg, struct engine **out, struct err *e)
{
	struct engine *en = calloc(1, sizeof(*en));
	int rc;

	if (en == NULL)
		return err_set(e, ENOMEM, "no memory for the engine");
	en->n_workers = cfg->n_workers == 0 ? 1 : cfg->n_workers;
	if (cfg->is_virtual)
		go_virtual(en, cfg->seed);
	en->shared.me = cfg->me;
	knobs_init(&en->shared.knobs);
	knob_set(&en->shared.knobs.default_to_accept, cfg->default_accept);
	if (cfg->source_burst != 0)
		knob_set(&en->shared.knobs.source_burst, cfg->source_burst);
	if ((en->counters = counters_create(en->n_workers)) == NULL) {
		rc = err_set(e, ENOMEM, "no memory for counters");
		goto err;
	}
	en->shared.log_capture = cfg->log_capture;
	en->shared.log_left = counters_log_left(en->counters);
	if ((rc = make_tables(en, e)) != 0 ||
	    (rc = first_rules(en, cfg->default_accept, e)) != 0 ||
	    (rc = make_states(en, cfg->max_states, e)) != 0 ||
	    (rc = make_pipes(en, cfg, e)) != 0 ||
	    (rc = init_workers(en, cfg, e)) != 0 ||
	    (rc = source_lane(en, cfg, e)) != 0)
		goto err;
	*out = en;
	return 0;
err:
	engine_destroy(en);
	return rc;
}

/* One interface in two ports would send back what it receives, for ever. */
static int
check_clash(const struct engine *en, const struct port *p, struct err *e)
{
	for (unsigned i = 0; p->interface && i + 1 < en->n_ports; i++) {
		const struct port *q = en->ports[i];

		if (q->interface && strcmp(p->ifname, q->ifname) == 0)
			return err_set(e, EBUSY, "port '%s': the interface is "
			    "that of '%s'", p->name, q->name);
	}
	return 0;
}

/* The port at the other end of the cable that is plugged into port i; or n_ports. */
static unsigned
other_end(const struct engine *en, unsigned i)
{
	unsigned peer = en->ports[i]->peer, k;

	for (k = 0; k < en->n_ports; k++) {
		if (peer != 0 && en->ports[k]->index == peer)
			break;
	}
	return k;
}

/* What leaves by the last port must not come back by its twin, along cables and
 * other pairs: it would go round for ever. */
static int
check_loop(const struct engine *en, struct err *e)
{
	unsigned last = en->n_ports - 1, i = last;

	for (unsigned hops = 0; hops < en->n_ports; hops++) {
		unsigned k = other_end(en, i);

		if (k == en->n_ports)
			return 0;
		if ((k ^ 1) == last)
			return err_set(e, ELOOP, "ports '%s' and '%s': a cable "
			    "(veth) joins them, and what is sent would go round "
			    "for ever; its other end belongs to a host, see 'ip "
			    "link set %s netns ...'", en->ports[i]->name,
			    en->ports[k]->name, en->ports[k]->ifname);
		i = k ^ 1;
	}
	return 0;
}

/* Opens a port and keeps it until the end. */
static int
add_port(struct engine *en, const char *name, struct port **out, struct err *e)
{
	int rc = port_open(name, out, e);

	if (rc != 0)
		return rc;
	en->ports[en->n_ports++] = *out;
	return check_clash(en, *out, e);
}

static void
add_lane(struct worker *w, struct port *in, struct port *out)
{
	unsigned id = w->index * WORKER_MAX_LANES + w->n_lanes;

	w->lanes[w->n_lanes++] = (struct lane){.in = in, .out = out,
	    .end = N_DROPS, .id = (uint16_t)id,
	    .whole = in->can_whole && out->can_whole};
}

int
engine_add_pair(struct engine *en, const char *a, const char *b, struct err *e)
{
	struct worker *w = &en->workers[en->n_ports / 2 % en->n_workers];
	struct port *pa, *pb;
	int rc;

	if (en->n_ports + 2 > MAX_PORTS || w->n_lanes + 2 > WORKER_MAX_LANES)
		return err_set(e, ENOSPC, "more than %d pairs of ports",
		    WORKER_MAX_LANES / 2);
	if ((rc = add_port(en, a, &pa, e)) != 0 ||
	    (rc = add_port(en, b, &pb, e)) != 0 ||
	    (rc = check_loop(en, e)) != 0)
		return rc;
	add_lane(w, pa, pb);
	add_lane(w, pb, pa);
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

/* Rules that were published before the start get their plan now, once. */
static void
first_plan(struct engine *en)
{
	struct ruleset *rs = current(en);

	rs->plan = reindex_plan(&en->reindex, rs, rs);
	tell_plan(en, rs->plan, 0);
	en->is_started = true;
}

int
engine_start(struct engine *en, struct err *e)
{
	first_plan(en);
	for (unsigned i = 0; i < en->n_workers; i++) {
		int rc = worker_start(&en->workers[i], e);

		if (rc != 0) {
			engine_stop(en);
			return rc;
		}
	}
	return 0;
}

void
engine_stop(struct engine *en)
{
	atomic_store(&en->shared.stop, true);
	for (unsigned i = 0; i < en->n_workers; i++)
		worker_join(&en->workers[i]);
}

unsigned
engine_round(struct engine *en)
{
	unsigned n = 0;

	for (unsigned i = 0; i < en->n_workers; i++)
		n += worker_round(&en->workers[i]);
	return n;
}

/* Frees the rulesets that were replaced; no worker may use them any more. */
static void
free_retired(struct engine *en)
{
	while (en->n_retired > 0)
		ruleset_destroy(en->retired[--en->n_retired], rule_gone,
		    en->counters);
}

void
engine_destroy(struct engine *en)
{
	if (en == NULL)
		return;
	if (en->workers != NULL) {
		engine_stop(en);
		for (unsigned i = 0; i < en->n_workers; i++)
			worker_fini(&en->workers[i]);
	}
	reindex_fini(&en->reindex);
	for (unsigned i = 0; i < en->n_ports; i++)
		port_close(en->ports[i]);
	port_close(en->source);
	port_close(en->sink);
	if (en->counters != NULL) {
		free_retired(en);
		ruleset_destroy(current(en), rule_gone, en->counters);
	}
	diverts_destroy(en->diverts);
	pipes_destroy(en->pipes);
	counters_destroy(en->counters);
	tables_destroy(en->shared.tables);
	state_destroy(en->shared.states);
	hugemem_free(en->state_memory, en->state_octets);
	free(en->workers);
	free(en);
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

/* Logs that match=verify found differences, each time there are more. */
static void
tell_differences(struct engine *en)
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
	tell_differences(en);
}

int
engine_virtual_begin(struct engine *en, struct err *e)
{
	ns_t first = UINT64_MAX;

	for (unsigned i = 0; i < en->n_ports; i++) {
		struct port *p = en->ports[i];
		ns_t t;
		int rc;

		if (p->ops == &port_sink)
			continue;
		if (!port_is_capture(p))
			return err_set(e, EINVAL, "port '%s': with --virtual "
			    "only pcap: and sink: ports, since others know no "
			    "time but the machine's", p->name);
		if ((rc = capture_set_clock(p, &en->vtime.now, e)) != 0)
			return rc;
		t = capture_next_ns(p);
		first = t < first ? t : first;
	}
	en->vtime.now = first != UINT64_MAX ? first : 0;
	return 0;
}

int
engine_virtual_run(struct engine *en, const struct virtual_cfg *cfg,
    struct err *e)
{
	int rc;

	first_plan(en);
	rc = virtual_run(&en->workers[0], &en->vtime, cfg, e);
	for (unsigned i = 0; i < en->n_ports; i++) {
		if (port_is_capture(en->ports[i]))
			capture_finish(en->ports[i]);
	}
	tell_differences(en);
	return rc;
}

void
engine_interrupt(struct engine *en)
{
	atomic_store(&en->shared.stop, true);
}

bool
engine_captures_failed(const struct engine *en)
{
	for (unsigned i = 0; i < en->n_ports; i++)
		if (port_is_capture(en->ports[i]) &&
		    capture_failed(en->ports[i]))
			return true;
	return false;
}

static int
count_held(struct dn *dn, ns_t now, void *arg)
{
	(void)now;
	*(uint64_t *)arg = dn_held(dn);
	return 0;
}

bool
engine_is_finished(struct engine *en)
{
	bool has_input = false;
	uint64_t held;

	for (unsigned i = 0; i < en->n_ports; i++) {
		const struct port *p = en->ports[i];

		if (p->ops == &port_sink)
			continue;
		if (!port_is_capture(p) || !capture_is_over(p))
			return false;
		has_input = true;
	}
	engine_dn_call(en, count_held, &held);
	return has_input && held == 0;
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

struct counters *
engine_counters(struct engine *en)
{
	return en->counters;
}

struct knobs *
engine_knobs(struct engine *en)
{
	return &en->shared.knobs;
}

struct tables *
engine_tables(const struct engine *en)
{
	return en->shared.tables;
}

void
engine_settle_tables(struct engine *en)
{
	if (tables_limbo(en->shared.tables)->n == 0)
		return;
	rcu_wait();
	limbo_empty(tables_limbo(en->shared.tables));
}

uint32_t
engine_now_s(const struct engine *en)
{
	return vtime_mono_s(en->shared.vtime);
}

struct state_table *
engine_states(struct engine *en)
{
	return en->shared.states;
}

int
engine_divert(struct engine *en, struct diverts **out, struct err *e)
{
	int rc = diverts_create(en->n_workers, &en->diverts, e);

	for (unsigned i = 0; rc == 0 && i < en->n_workers; i++)
		worker_divert(&en->workers[i], en->diverts);
	*out = en->diverts;
	return rc;
}

/* True if a program may give this back. */
static bool
may_go_on(const struct engine *en, const struct kipfw_divert *m, size_t len,
    uint16_t port)
{
	unsigned w = m->lane / WORKER_MAX_LANES;

	return m->len == len - sizeof(*m) && m->len >= KIPFW_DIVERT_MIN &&
	    m->len <= KIPFW_DIVERT_MAX && m->port == port &&
	    m->dir <= KIPFW_DIVERT_OUT && w < en->n_workers &&
	    m->lane % WORKER_MAX_LANES < en->workers[w].n_lanes;
}

int
engine_divert_back(struct engine *en, uint16_t port, const void *msg,
    size_t len)
{
	struct kipfw_divert m;

	if (len < sizeof(m))
		return -EINVAL;
	memcpy(&m, msg, sizeof(m));
	if (!may_go_on(en, &m, len, port))
		return -EINVAL;
	return diverts_give_back(en->diverts, m.lane / WORKER_MAX_LANES, msg,
	    (uint32_t)len) ? 0 : -ENOBUFS;
}

void
engine_divert_ring(struct engine *en)
{
	for (unsigned i = 0; i < en->n_workers; i++) {
		struct msgring *back = en->diverts->ways[i].back;

		if (!msgring_unpublished(back))
			continue;
		msgring_publish(back);
		worker_ring(&en->workers[i]);
	}
}

int
engine_dn_call(struct engine *en, engine_dn_fn *fn, void *arg)
{
	return pipes_call(en->pipes, en->workers[0].running, fn, arg);
}

void
engine_source(struct engine *en, int delta)
{
	atomic_fetch_add(&en->shared.source_users, delta);
	worker_ring(&en->workers[0]);
}

/* What became of diverted packets outside of the workers. */
static void
divert_totals(const struct diverts *d, struct engine_totals *out)
{
	out->diverts.tees_lost = stat_get(&d->tees_lost);
	for (unsigned i = 0; i < N_DROPS; i++)
		out->drops[i] += stat_get(&d->drops[i]);
	for (unsigned i = 0; i < d->n_ways; i++) {
		const struct divert_way *w = &d->ways[i];

		out->diverts.handed += stat_get(&w->out.handed);
		out->diverts.tees_lost += stat_get(&w->out.tees_lost);
		out->diverts.resumed += stat_get(&w->resumed);
	}
}

static void
pipe_totals(const struct dn *dn, struct engine_totals *out)
{
	struct dn_flow_totals t;

	dn_flow_totals(dn, &t);
	out->drops[DROP_PIPE] += t.drops;
	out->pipes.in = t.in_pkts;
	out->pipes.out = t.out_pkts;
}

/* Fragments that reassembly dropped. */
static void
frag_totals(struct reass *r, struct engine_totals *out)
{
	const struct reass_stats *s = reass_stats(r);

	out->drops[DROP_FRAG_BAD] += stat_get(&s->bad);
	out->drops[DROP_FRAG_COVERED] += stat_get(&s->covered);
	out->drops[DROP_FRAG_LIMIT] += stat_get(&s->limit);
	out->drops[DROP_FRAG_LATE] += stat_get(&s->late);
}

void
engine_totals(const struct engine *en, struct engine_totals *out)
{
	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < en->n_ports; i++) {
		out->rx_pkts += stat_get(&en->ports[i]->stats.rx_pkts);
		out->tx_pkts += stat_get(&en->ports[i]->stats.tx_pkts);
		out->rx_lost += stat_get(&en->ports[i]->stats.rx_lost);
		out->drops[DROP_LINK] +=
		    stat_get(&en->ports[i]->stats.tx_lost);
	}
	for (unsigned i = 0; i < en->n_workers; i++) {
		const struct step_ctx *c = &en->workers[i].ctx;

		for (unsigned d = 0; d < N_DROPS; d++)
			out->drops[d] += stat_get(&c->drops[d]);
		const struct keepalive_stats *k =
		    &en->workers[i].keepalives.stats;

		out->keepalives.sent += stat_get(&k->sent);
		out->keepalives.no_room += stat_get(&k->no_room);
		frag_totals(c->defrag->reass, out);
		out->replies.sent += stat_get(&c->replies.stats.sent);
		out->replies.limited += stat_get(&c->replies.stats.limited);
		out->replies.no_room += stat_get(&c->replies.stats.no_room);
	}
	if (en->diverts != NULL)
		divert_totals(en->diverts, out);
	out->drops[DROP_PIPE_RING] += pipes_lost(en->pipes);
	pipe_totals(en->pipes->dn, out);
}

const char *
engine_port_name(const struct engine *en, unsigned i)
{
	return i < en->n_ports ? en->ports[i]->name : NULL;
}

/* At most 'max' records of one ring. */
static unsigned
drain_one(struct record_ring *g, unsigned max, engine_log_fn *fn, void *arg)
{
	const struct record *r;
	unsigned n = 0;

	while (n < max && (r = record_first(g)) != NULL) {
		fn(arg, r);
		record_done(g);
		n++;
	}
	return n;
}

unsigned
engine_log_drain(struct engine *en, unsigned max, engine_log_fn *fn,
    void *arg, uint64_t *lost)
{
	uint64_t sum = 0;
	unsigned n = 0;

	for (unsigned i = 0; i < en->n_workers; i++) {
		n += drain_one(en->workers[i].log, max - n, fn, arg);
		sum += stat_get(&en->workers[i].log->lost);
	}
	if (lost != NULL)
		*lost = sum;
	return n;
}

/* ---- trials ---- */

static bool
fits_name(const char *wanted, const char *name)
{
	return wanted[0] == '\0' || strncmp(wanted, name, IFNAME_LEN) == 0;
}

/* Completes the names of the interfaces; false if there is no such pair. */
static bool
choose_lane(const struct engine *en, struct trial *t)
{
	for (unsigned i = 0; i < en->n_workers; i++) {
		const struct worker *w = &en->workers[i];

		for (unsigned k = 0; k < w->n_lanes; k++) {
			const struct lane *l = &w->lanes[k];

			if (!fits_name(t->in_if, l->in->ifname) ||
			    !fits_name(t->out_if, l->out->ifname))
				continue;
			memcpy(t->in_if, l->in->ifname, IFNAME_LEN);
			memcpy(t->out_if, l->out->ifname, IFNAME_LEN);
			return true;
		}
	}
	return false;
}

static int
no_lane(const struct engine *en, const struct trial *t, struct err *e)
{
	char names[128] = "";
	size_t len = 0;

	for (unsigned i = 0; i < en->n_ports && len < sizeof(names); i++)
		len += (size_t)snprintf(names + len, sizeof(names) - len,
		    "%s%s", i > 0 ? ", " : "", en->ports[i]->ifname);
	if (t->in_if[0] != '\0' && t->out_if[0] != '\0')
		return err_set(e, ENODEV, "%.16s and %.16s are no pair of "
		    "ports; there are: %s", t->in_if, t->out_if, names);
	return err_set(e, ENODEV, "no port is called %.16s; there are: %s",
	    t->in_if[0] != '\0' ? t->in_if : t->out_if, names);
}

struct pipe_question {
	uint32_t nr; /* of its flowset */
	bool linked;
};

static int
look_at_pipe(struct dn *dn, ns_t now, void *arg)
{
	struct pipe_question *q = arg;
	struct dn_fs_info info;

	(void)now;
	q->linked = dn_fs_get(dn, q->nr, &info) && info.linked;
	return 0;
}

static bool
has_pipe(void *arg, uint16_t nr, bool is_queue)
{
	struct pipe_question q = {.nr = nr + (is_queue ? 0 : 2u * DN_MAX_NR)};

	engine_dn_call(arg, look_at_pipe, &q);
	return q.linked;
}

int
engine_trial(struct engine *en, struct trial *t, bool any_if, struct err *e)
{
	struct knobs *k = &en->shared.knobs;

	if (!choose_lane(en, t) && !any_if &&
	    (t->in_if[0] != '\0' || t->out_if[0] != '\0'))
		return no_lane(en, t, e);
	tick_settings(&t->state_cfg, k, clock_mono_s());
	t->pass = (struct pass){
	    .rules = current(en),
	    .me = &en->shared.me,
	    .tables = en->shared.tables,
	    .states = en->shared.states,
	    .state_cfg = &t->state_cfg,
	    .in_if = t->in_if,
	    .out_if = t->out_if,
	};
	t->parse.deny_unknown_exthdrs = knob_get(&k->deny_unknown_exthdrs);
	t->parse.permit_single_frag6 = knob_get(&k->permit_single_frag6);
	t->enabled = knob_get(&k->enable) != 0;
	t->one_pass = knob_get(&k->one_pass) != 0;
	t->out_pass = knob_get(&k->out_pass) != 0;
	t->listeners = en->diverts != NULL ? &en->diverts->ports : NULL;
	t->has_pipe = has_pipe;
	t->arg = en;
	return 0;
}

int
engine_trial_at(struct engine *en, struct trial *t, uint32_t now_s,
    struct err *e)
{
	struct state_table *states = en->shared.states;

	if (en->is_started)
		return err_set(e, EPERM, "packets of the past are not asked "
		    "about where others pass");
	if (en->trial_s != now_s)
		state_sweep(states, 1, state_end(states), now_s);
	t->state_cfg.now_s = en->trial_s = now_s;
	return 0;
}
