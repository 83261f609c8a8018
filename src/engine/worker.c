/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/worker.h"

#include "base/clock.h"
#include "base/rcu.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
	SPINS = 8,		/* empty rounds before the first yield */
	CLOCK_EVERY = 16,	/* yields between two looks at the clock */
	NO_FD_POLL_MS = 1,	/* longest sleep beside a port without one */
	POLL_MS = 1000,
};
#define IDLE_NS (200 * NS_PER_US) /* without work this long: sleep */

int
worker_init(struct worker *w, unsigned index, struct shared *shared,
    struct counter *own, uint64_t seed, struct err *e)
{
	memset(w, 0, sizeof(*w));
	w->shared = shared;
	w->index = index;
	w->doorbell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (w->doorbell == -1)
		return err_set(e, errno, "worker %u: eventfd: %s", index,
		    strerror(errno));
	if ((w->log = record_ring_create()) == NULL)
		return err_set(e, ENOMEM, "worker %u: no memory for its log",
		    index);
	rng_init(&w->rng, seed + index);
	w->ctx.pass.log_left = shared->log_left;
	w->ctx.pass.counts = own;
	w->ctx.pass.rng = &w->rng;
	w->ctx.pass.tags = &w->ctx.tags;
	w->ctx.pass.check = &w->ctx.check;
	w->ctx.pass.me = &shared->me;
	w->ctx.pass.tables = shared->tables;
	w->ctx.pass.states = shared->states;
	w->ctx.pass.state_cfg = &w->state_cfg;
	return 0;
}

void
worker_fini(struct worker *w)
{
	if (w->doorbell > 0)
		close(w->doorbell);
	record_ring_destroy(w->log);
}

void
worker_divert(struct worker *w, struct diverts *d)
{
	w->diverts = d;
	w->divert = &d->ways[w->index];
	w->ctx.pass.divert = &w->divert->out;
}

void
worker_ring(struct worker *w)
{
	uint64_t one = 1;

	if (write(w->doorbell, &one, sizeof(one)) == -1)
		return; /* EAGAIN: it rings already */
}

/* Reads everything that may change between two bursts. */
static void
refresh(struct worker *w)
{
	struct step_ctx *c = &w->ctx;
	struct knobs *k = &w->shared->knobs;

	c->pass.rules = atomic_load_explicit(&w->shared->rules,
	    memory_order_acquire);
	c->pass.now_s = clock_wall_s();
	tick_settings(&w->state_cfg, k, clock_mono_s());
	c->pass.log_text = knob_get(&k->verbose) != 0;
	c->pass.log =
	    c->pass.log_text || w->shared->log_capture ? w->log : NULL;
	c->pass.match = (enum match_mode)knob_get(&k->match);
	c->enabled = knob_get(&k->enable) != 0;
	c->out_pass = knob_get(&k->out_pass) != 0;
	c->reply_limit = knob_get(&k->reply_limit);
	c->parse.deny_unknown_exthdrs = knob_get(&k->deny_unknown_exthdrs);
	c->parse.permit_single_frag6 = knob_get(&k->permit_single_frag6);
}

/* What the states want, a bounded piece a round. */
static void
look_after_states(struct worker *w)
{
	struct state_table *states = w->shared->states;
	uint32_t now_s = w->state_cfg.now_s;

	if (w->index == 0)
		tick_sweep(&w->tick, states, now_s);
	if (knob_get(&w->shared->knobs.dyn_keepalive) != 0)
		keepalives_run(&w->keepalives, states, w->lanes, w->n_lanes,
		    now_s);
	else
		w->keepalives.at = 0;
}

/* True in the middle of looking after the states: no time to sleep. */
static bool
is_looking(const struct worker *w)
{
	return w->tick.at != 0 || w->keepalives.at != 0;
}

/* What goes to divert listeners, and comes back from them.  Returns packets
 * that came back. */
static unsigned
exchange(struct worker *w)
{
	unsigned n = diverts_resume(&w->ctx, w->divert, w->lanes, w->n_lanes);

	diverts_publish(w->diverts, w->divert);
	return n;
}

unsigned
worker_round(struct worker *w)
{
	unsigned n = 0;

	refresh(w);
	look_after_states(w);
	for (unsigned i = 0; i < w->n_lanes; i++)
		n += step(&w->ctx, &w->lanes[i], PORT_BURST);
	if (w->source.in != NULL &&
	    atomic_load_explicit(&w->shared->source_users,
		memory_order_relaxed) > 0)
		n += step(&w->ctx, &w->source,
		    knob_get(&w->shared->knobs.source_burst));
	if (w->diverts != NULL)
		n += exchange(w);
	return n;
}

/* What lane i's ingress port has to wait for: packets, unless they could not
 * leave; room, if the lane that leads to it (its twin) has none or has packets
 * that are still to go. */
static unsigned
wanted(const struct worker *w, unsigned i)
{
	const struct lane *to = &w->lanes[i ^ 1];
	bool waits = to->blocked || port_pending(to->out) != 0;

	return (w->lanes[i].blocked ? 0 : PORT_RX) | (waits ? PORT_TX : 0);
}

/* Arms the ports, each the ingress of one lane.  Returns the lanes done; less
 * than all of them means that there is work. */
static unsigned
arm(struct worker *w, unsigned *n_fds, struct pollfd *fds, int *timeout_ms)
{
	unsigned i;

	for (i = 0; i < w->n_lanes; i++) {
		struct port *p = w->lanes[i].in;
		unsigned flags = wanted(w, i);

		if (flags == 0)
			continue;
		if (!p->ops->sleep_begin(p, flags))
			break;
		if (p->fd == -1) {
			*timeout_ms = NO_FD_POLL_MS;
			continue;
		}
		fds[*n_fds].fd = p->fd;
		fds[(*n_fds)++].events = POLLIN;
	}
	return i;
}

static void
disarm(struct worker *w, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct port *p = w->lanes[i].in;

		if (wanted(w, i) != 0)
			p->ops->sleep_end(p);
	}
}

/* Sleeps until a port or the doorbell wants attention. */
static void
nap(struct worker *w)
{
	struct pollfd fds[WORKER_MAX_LANES + 1];
	unsigned n_fds = 1, armed;
	int timeout_ms = POLL_MS;
	uint64_t rings;

	fds[0].fd = w->doorbell;
	fds[0].events = POLLIN;
	armed = arm(w, &n_fds, fds, &timeout_ms);
	if (armed == w->n_lanes &&
	    (w->source.in == NULL ||
		atomic_load(&w->shared->source_users) <= 0)) {
		rcu_offline();
		poll(fds, n_fds, timeout_ms);
		rcu_online();
		if (fds[0].revents != 0 &&
		    read(w->doorbell, &rings, sizeof(rings)) == -1)
			rings = 0;
	}
	disarm(w, armed);
}

/* Called after each empty round: spin, then yield, then sleep. */
static void
wait_for_work(struct worker *w, unsigned *empty, ns_t *since)
{
	unsigned n = (*empty)++;

	if (n < SPINS) {
		cpu_relax();
		return;
	}
	if (n == SPINS)
		*since = clock_mono_ns();
	if (n % CLOCK_EVERY == 0 && clock_mono_ns() - *since > IDLE_NS) {
		nap(w);
		*empty = 0;
		return;
	}
	sched_yield();
}

static void *
worker_main(void *arg)
{
	struct worker *w = arg;
	unsigned empty = 0;
	ns_t since = 0;

	rcu_register();
	while (!atomic_load_explicit(&w->shared->stop, memory_order_relaxed)) {
		unsigned n = worker_round(w);

		rcu_quiescent();
		if (n > 0 || is_looking(w))
			empty = 0;
		else
			wait_for_work(w, &empty, &since);
	}
	rcu_unregister();
	return NULL;
}

int
worker_start(struct worker *w, struct err *e)
{
	int rc = pthread_create(&w->thread, NULL, worker_main, w);

	if (rc != 0)
		return err_set(e, rc, "worker %u: %s", w->index, strerror(rc));
	w->running = true;
	return 0;
}

void
worker_join(struct worker *w)
{
	if (!w->running)
		return;
	worker_ring(w);
	pthread_join(w->thread, NULL);
	w->running = false;
}
