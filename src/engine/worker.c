/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/worker.h"

#include "base/clock.h"
#include "base/rcu.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

enum {
	SPINS = 8,		/* empty rounds before the first yield */
	CLOCK_EVERY = 16,	/* yields between two looks at the clock */
	NO_FD_POLL_MS = 1,	/* longest sleep beside a port without one */
	POLL_MS = 1000,
};
#define IDLE_NS (200 * NS_PER_US) /* without work this long: sleep */
#define IDLE_LEAST_NS (10 * NS_PER_US) /* or this, if it always takes longer */

int
worker_init(struct worker *w, unsigned index, struct shared *shared,
    struct counter *own, uint64_t seed, struct err *e)
{
	int rc;

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
	w->idle_ns = IDLE_NS;
	w->thread_cfg.cpu = -1;
	if ((rc = defrag_create(&shared->keys, &w->ctx.defrag, e)) != 0)
		return rc;
	w->ctx.vtime = shared->vtime;
	w->ctx.pass.log = w->log;
	w->ctx.pass.log_left = shared->log_left;
	w->ctx.pass.log_text_only = !shared->log_capture;
	w->ctx.pass.counts = own;
	w->ctx.pass.rng = &w->rng;
	w->ctx.pass.tags = &w->ctx.tags;
	w->ctx.pass.check = &w->ctx.check;
	w->ctx.pass.me = &shared->me;
	w->ctx.pass.tables = shared->tables;
	w->ctx.pass.lookup_use = &w->lookup_use;
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
	defrag_destroy(w->ctx.defrag);
}

void
worker_divert(struct worker *w, struct diverts *d)
{
	w->diverts = d;
	w->divert = &d->ways[w->index];
	w->ctx.pass.divert = &w->divert->out;
}

void
worker_pipes(struct worker *w, struct pipe_door *d)
{
	w->door = w->ctx.door = d;
	d->doorbell = w->doorbell;
}

void
worker_ring(struct worker *w)
{
	uint64_t one = 1;

	if (write(w->doorbell, &one, sizeof(one)) == -1)
		return; /* EAGAIN: it rings already */
}

void
worker_refresh(struct worker *w)
{
	struct step_ctx *c = &w->ctx;
	struct knobs *k = &w->shared->knobs;

	c->pass.rules = atomic_load_explicit(&w->shared->rules,
	    memory_order_acquire);
	c->pass.now_s = vtime_wall_s(c->vtime);
	tick_settings(&w->state_cfg, k, vtime_mono_s(c->vtime));
	c->pass.log_text = knob_get(&k->verbose) != 0;
	c->pass.match = (enum match_mode)knob_get(&k->match);
	c->enabled = knob_get(&k->enable) != 0;
	c->now_s = w->state_cfg.now_s;
	c->defrag->cfg = (struct reass_cfg){
	    .max_packets = knob_get(&k->maxfragpackets),
	    .max_frags = knob_get(&k->maxfragsperpacket),
	    .ttl_s = knob_get(&k->fragttl),
	};
	c->out_pass = knob_get(&k->out_pass) != 0;
	c->one_pass = knob_get(&k->one_pass) != 0;
	c->timed = pipes_live(w->door->pipes);
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
		tick_sweep(&w->tick, states, &w->shared->knobs, now_s);
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
	return tick_is_on(&w->tick) || w->keepalives.at != 0;
}

unsigned
worker_round(struct worker *w)
{
	unsigned n = 0;

	worker_refresh(w);
	look_after_states(w);
	reass_expire(w->ctx.defrag->reass, &w->ctx.defrag->cfg, w->ctx.now_s);
	for (unsigned i = 0; i < w->n_lanes; i++)
		n += step(&w->ctx, &w->lanes[i], PORT_BURST);
	if (w->source.in != NULL &&
	    atomic_load_explicit(&w->shared->source_users,
		memory_order_relaxed) > 0)
		n += step(&w->ctx, &w->source,
		    knob_get(&w->shared->knobs.source_burst));
	if (w->diverts != NULL)
		n += diverts_resume(&w->ctx, w->divert, w->lanes, w->n_lanes);
	if (w->index == 0)
		n += pipes_round(&w->ctx, w->lanes, w->n_lanes, &w->source);
	else
		n += pipes_exchange(&w->ctx, w->lanes, w->n_lanes);
	if (w->diverts != NULL) /* what came out of pipes included */
		diverts_publish(w->diverts, w->divert);
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
		fds[(*n_fds)++].events = p->events != 0 ? p->events : POLLIN;
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

/* How long it may sleep for the sake of held packets; 0 = not at all. */
static ns_t
until_due(const struct worker *w)
{
	ns_t spin = knob_get(&w->shared->knobs.pipe_spin) * NS_PER_US;
	ns_t due = w->index == 0 ? pipes_next(w->door->pipes) : UINT64_MAX;
	ns_t now;

	if (due == UINT64_MAX)
		return due;
	now = clock_mono_ns() + spin;
	return due > now ? due - now : 0;
}

static void
sleep_in_poll(struct worker *w, struct pollfd *fds, unsigned n_fds,
    ns_t longest)
{
	struct timespec ts = {.tv_sec = (time_t)(longest / NS_PER_S),
	    .tv_nsec = (long)(longest % NS_PER_S)};
	ns_t from = clock_mono_ns(), slept;
	uint64_t rings;

	rcu_offline();
	ppoll(fds, n_fds, &ts, NULL);
	rcu_online();
	slept = clock_mono_ns() - from;
	if (slept < IDLE_NS)
		w->idle_ns = IDLE_NS; /* spinning would have met it */
	else if (w->idle_ns > IDLE_LEAST_NS)
		w->idle_ns /= 2;
	if (fds[0].revents != 0 &&
	    read(w->doorbell, &rings, sizeof(rings)) == -1)
		rings = 0;
}

/* Sleeps until a port, the doorbell or a packet that is due wants attention. */
static void
nap(struct worker *w)
{
	struct pollfd fds[WORKER_MAX_LANES + 1];
	unsigned n_fds = 1, armed;
	int timeout_ms = POLL_MS;
	ns_t longest = until_due(w);

	if (longest == 0)
		return;
	fds[0].fd = w->doorbell;
	fds[0].events = POLLIN;
	armed = arm(w, &n_fds, fds, &timeout_ms);
	if (longest > (ns_t)timeout_ms * NS_PER_MS)
		longest = (ns_t)timeout_ms * NS_PER_MS;
	if (armed == w->n_lanes && pipes_sleep(w->door) &&
	    (w->source.in == NULL ||
		atomic_load(&w->shared->source_users) <= 0))
		sleep_in_poll(w, fds, n_fds, longest);
	pipes_awake(w->door);
	disarm(w, armed);
}

/* True if a packet leaves so soon that nothing but spinning will do. */
static bool
due_soon(const struct worker *w)
{
	return w->index == 0 && pipes_due_in(w->door->pipes,
	    knob_get(&w->shared->knobs.pipe_spin) * NS_PER_US);
}

/* Called after each empty round: spin, then yield, then sleep. */
static void
wait_for_work(struct worker *w, unsigned *empty, ns_t *since)
{
	unsigned n = (*empty)++;

	if (due_soon(w))
		n = *empty = 0;
	if (n < SPINS) {
		cpu_relax();
		return;
	}
	if (n == SPINS)
		*since = clock_mono_ns();
	if (n % CLOCK_EVERY == 0 && clock_mono_ns() - *since > w->idle_ns) {
		nap(w);
		*empty = 0;
		return;
	}
	sched_yield();
}

/* What an urgent thread owes to those that are not. */
static void
pause_if_due(struct worker *w)
{
	ns_t now = clock_mono_ns(), owed;
	struct timespec ts;

	if (now < w->debt.next_look)
		return;
	owed = thread_debt_owed(&w->debt, now, clock_thread_ns());
	if (owed == 0)
		return;
	ts.tv_sec = (time_t)(owed / NS_PER_S);
	ts.tv_nsec = (long)(owed % NS_PER_S);
	rcu_offline();
	clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL);
	rcu_online();
}

static void *
worker_main(void *arg)
{
	struct worker *w = arg;
	unsigned empty = 0;
	ns_t since = 0;

	/* The kernel would wake it up to 50 us late, to spare itself wakes. */
	prctl(PR_SET_TIMERSLACK, 1);
	thread_debt_begin(&w->debt, clock_mono_ns(), clock_thread_ns());
	rcu_register();
	while (!atomic_load_explicit(&w->shared->stop, memory_order_relaxed)) {
		unsigned n = worker_round(w);

		rcu_quiescent();
		if (w->thread_cfg.priority > 0)
			pause_if_due(w);
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
	int rc = thread_start(&w->thread_cfg, &w->thread, worker_main, w, e);

	w->running = rc == 0;
	return rc;
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
