/* SPDX-License-Identifier: BSD-2-Clause */
#include "nmapi/wait.h"

#include "base/clock.h"
#include "nmapi/dev.h"
#include "nmapi/real.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

enum { ON_STACK = 16 };
#define SPIN_NS (20 * NS_PER_US)

/* One descriptor of ours. */
struct own {
	struct dev *dev;
	struct pollfd *pfd; /* of the caller */
	const struct wait_edge *edge; /* NULL: its state counts */
	struct share_sleeper sleeper;
	bool is_armed, pending;
};

/* A wait: the caller's array, and one for the real poll() that has -1 in the
 * place of ours, and behind them two descriptors for each. */
struct wait {
	struct pollfd *fds;
	const struct wait_edge *edges; /* NULL: none */
	nfds_t n;
	unsigned n_own, n_other, n_wake;
	struct own *own;
	struct pollfd *sys; /* n + 2 * n_own */
	ns_t end;	    /* WAIT_FOREVER, 0 = only look */
	const sigset_t *mask;
};

bool
wait_has_ours(const struct pollfd *fds, nfds_t n)
{
	for (nfds_t i = 0; i < n; i++)
		if (dev_of(fds[i].fd) != NULL)
			return true;
	return false;
}

static void
split(struct wait *w)
{
	w->n_own = w->n_other = 0;
	for (nfds_t i = 0; i < w->n; i++) {
		struct dev *d = dev_of(w->fds[i].fd);

		w->sys[i] = w->fds[i];
		w->sys[i].revents = 0;
		if (d != NULL) {
			w->sys[i].fd = -1;
			w->own[w->n_own++] = (struct own){ .dev = d,
				.pfd = &w->fds[i],
				.edge = w->edges != NULL &&
					w->edges[i].is_edge ?
				    &w->edges[i] : NULL };
		} else if (w->fds[i].fd >= 0) {
			w->n_other++;
		}
	}
}

static int
look_at_own(struct wait *w)
{
	int found = 0;

	for (unsigned i = 0; i < w->n_own; i++) {
		struct own *o = &w->own[i];

		o->pfd->revents = dev_poll(o->dev, o->pfd->events,
		    &o->pending);
		if (unlikely(o->edge != NULL))
			o->pfd->revents = dev_new_events(o->dev,
			    o->pfd->revents, o->edge->seen);
		found += o->pfd->revents != 0;
	}
	return found;
}

/* Copies what the real poll() said of the others; how many it found. */
static int
take_others(struct wait *w)
{
	int found = 0;

	for (nfds_t i = 0; i < w->n; i++)
		if (w->sys[i].fd >= 0) {
			w->fds[i].revents = w->sys[i].revents;
			found += w->sys[i].revents != 0;
		} else if (w->fds[i].fd < 0) {
			w->fds[i].revents = 0;
		}
	return found;
}

static int
look_at_others(struct wait *w)
{
	if (w->n_other == 0) {
		if (w->n != w->n_own)
			take_others(w); /* clears the negative ones */
		return 0;
	}
	if (real()->poll(w->sys, w->n, 0) == -1)
		return -errno;
	return take_others(w);
}

static int
look(struct wait *w)
{
	int own = look_at_own(w), others = look_at_others(w);

	return others < 0 ? others : own + others;
}

/* ---- sleep ---- */

static void
disarm(struct wait *w)
{
	for (unsigned i = 0; i < w->n_own; i++)
		if (w->own[i].is_armed) {
			dev_sleep_end(w->own[i].dev, &w->own[i].sleeper);
			w->own[i].is_armed = false;
		}
}

/* False: one of them has work, nothing is armed. */
static bool
arm(struct wait *w)
{
	w->n_wake = 0;
	for (unsigned i = 0; i < w->n_own; i++) {
		struct own *o = &w->own[i];
		int fds[2], rc = dev_sleep_begin(o->dev, o->pfd->events,
			    o->pending, o->edge != NULL, &o->sleeper, fds);

		if (rc == 0) {
			disarm(w);
			return false;
		}
		o->is_armed = rc == 1;
		for (int k = 0; rc == 1 && k < 2; k++)
			w->sys[w->n + w->n_wake++] = (struct pollfd){
				.fd = fds[k], .events = POLLIN };
	}
	return true;
}

static int
sleep_in_poll(struct wait *w)
{
	struct timespec ts, *tsp = NULL;
	int rc;

	if (w->end != WAIT_FOREVER) {
		ns_t now = clock_mono_ns(), left = w->end > now ?
		    w->end - now : 0;

		ts.tv_sec = (time_t)(left / NS_PER_S);
		ts.tv_nsec = (long)(left % NS_PER_S);
		tsp = &ts;
	}
	rc = real()->ppoll(w->sys, w->n + w->n_wake, tsp, w->mask);
	return rc == -1 ? -errno : 0;
}

static bool
is_over(const struct wait *w)
{
	return w->end != WAIT_FOREVER && clock_mono_ns() >= w->end;
}

/* Looks, spins, sleeps, until something is found or the time is over. */
static int
run(struct wait *w)
{
	ns_t spin_end = 0;

	for (;;) {
		int rc = look(w);

		if (rc != 0 || w->end == 0)
			return rc;
		if (is_over(w))
			return 0;
		if (spin_end == 0)
			spin_end = clock_mono_ns() + SPIN_NS;
		if (clock_mono_ns() < spin_end) {
			sched_yield();
			continue;
		}
		if (!arm(w)) {
			sched_yield();
			continue;
		}
		rc = sleep_in_poll(w);
		disarm(w);
		if (rc < 0)
			return rc;
		spin_end = 1; /* long ago */
	}
}

int
wait_poll(struct pollfd *fds, nfds_t n, ns_t timeout_ns, const sigset_t *mask)
{
	return wait_news(fds, NULL, n, timeout_ns, mask);
}

int
wait_news(struct pollfd *fds, const struct wait_edge *edges, nfds_t n,
    ns_t timeout_ns, const sigset_t *mask)
{
	struct pollfd sys[3 * ON_STACK];
	struct own own[ON_STACK];
	struct wait w = { .fds = fds, .edges = edges, .n = n, .sys = sys,
		.own = own, .mask = mask };
	int rc;

	w.end = timeout_ns == WAIT_FOREVER || timeout_ns == 0 ? timeout_ns :
	    clock_mono_ns() + timeout_ns;
	if (n > ON_STACK) {
		w.sys = calloc(n, 3 * sizeof(*sys));
		w.own = calloc(n, sizeof(*own));
	}
	if (w.sys == NULL || w.own == NULL) {
		rc = -ENOMEM;
	} else {
		split(&w);
		rc = run(&w);
	}
	if (n > ON_STACK) {
		free(w.sys);
		free(w.own);
	}
	return rc;
}

void
wait_room(struct dev *d, ns_t timeout_ns)
{
	struct pollfd sys[3], pfd = { .fd = -1, .events = POLLOUT };
	struct own own = { .dev = d, .pfd = &pfd };
	struct wait w = { .fds = &pfd, .n = 1, .n_own = 1, .sys = sys,
		.own = &own, .end = clock_mono_ns() + timeout_ns };

	sys[0] = pfd;
	run(&w);
}
