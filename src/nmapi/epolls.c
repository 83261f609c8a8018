/* SPDX-License-Identifier: BSD-2-Clause */
#include "nmapi/epolls.h"

#include "base/clock.h"
#include "nmapi/dev.h"
#include "nmapi/quiet.h"
#include "nmapi/real.h"
#include "nmapi/vfork.h"
#include "nmapi/wait.h"

#include <errno.h>
#include <stdlib.h>

enum { MAX_MEMBERS = 64 }; /* of one set, ours */

struct member {
	struct member *next;
	int ep, fd;
	struct epoll_event ev;
	bool is_fired;	  /* EPOLLONESHOT, and it was reported */
	bool is_fresh[2]; /* EPOLLET: whatever it is, it is news; SHARE_* */
	uint32_t seen[2]; /* else what was reported: dev_edges() */
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct member *list;
static unsigned n_members;

static struct member **
find(int ep, int fd)
{
	struct member **p = &list;

	while (*p != NULL && ((*p)->ep != ep || (*p)->fd != fd))
		p = &(*p)->next;
	return p;
}

static int
add(int ep, int fd, const struct epoll_event *ev)
{
	struct member *m = malloc(sizeof(*m));

	if (m == NULL)
		return -ENOMEM;
	*m = (struct member){ .next = list, .ep = ep, .fd = fd, .ev = *ev,
		.is_fresh = { true, true } };
	list = m;
	__atomic_add_fetch(&n_members, 1, __ATOMIC_RELAXED);
	return 0;
}

static void
drop(struct member **p)
{
	struct member *m = *p;

	*p = m->next;
	free(m);
	__atomic_sub_fetch(&n_members, 1, __ATOMIC_RELAXED);
}

static void
change(struct member *m, const struct epoll_event *ev)
{
	m->ev = *ev;
	m->is_fired = false;
	m->is_fresh[0] = m->is_fresh[1] = true;
}

int
epolls_ctl(int ep, int op, int fd, const struct epoll_event *ev)
{
	struct member **p;
	sigset_t old;
	int rc = 0;

	if (op != EPOLL_CTL_DEL && ev == NULL)
		return -EFAULT;
	quiet_lock(&mutex, &old);
	p = find(ep, fd);
	if (op == EPOLL_CTL_ADD)
		rc = *p != NULL ? -EEXIST : add(ep, fd, ev);
	else if (*p == NULL)
		rc = -ENOENT;
	else if (op == EPOLL_CTL_MOD)
		change(*p, ev);
	else if (op == EPOLL_CTL_DEL)
		drop(p);
	else
		rc = -EINVAL;
	quiet_unlock(&mutex, &old);
	return rc;
}

void
epolls_forget(int fd)
{
	struct member **p = &list;
	sigset_t old;

	if (likely(__atomic_load_n(&n_members, __ATOMIC_RELAXED) == 0) ||
	    vfork_is_child())
		return;
	quiet_lock(&mutex, &old);
	while (*p != NULL)
		if ((*p)->ep == fd || (*p)->fd == fd)
			drop(p);
		else
			p = &(*p)->next;
	quiet_unlock(&mutex, &old);
}

void
epolls_before_fork(void)
{
	pthread_mutex_lock(&mutex);
}

void
epolls_after_fork(void)
{
	pthread_mutex_unlock(&mutex);
}

/* A wait for what is in a set: ours one by one, the rest as one. */
struct wait {
	nfds_t n; /* ours */
	struct pollfd fds[MAX_MEMBERS + 1];
	struct wait_edge edges[MAX_MEMBERS + 1];
};

static struct wait_edge
edge_of(const struct member *m, struct dev *d)
{
	struct wait_edge e = { .is_edge = (m->ev.events & EPOLLET) != 0 };
	uint32_t now[2];

	dev_edges(d, now);
	for (unsigned i = 0; i < 2; i++)
		e.seen[i] = m->is_fresh[i] ? now[i] - 1 : m->seen[i];
	return e;
}

/* False if nothing of ours is in 'ep'. */
static bool
collect(int ep, struct wait *w)
{
	bool is_ours = false;
	sigset_t old;

	w->n = 0;
	quiet_lock(&mutex, &old);
	for (const struct member *m = list; m != NULL; m = m->next) {
		struct dev *d = m->ep == ep ? dev_of(m->fd) : NULL;

		is_ours |= m->ep == ep;
		if (d == NULL || m->is_fired || w->n == MAX_MEMBERS)
			continue;
		w->edges[w->n] = edge_of(m, d);
		w->fds[w->n++] = (struct pollfd){ .fd = m->fd,
			.events = (short)(m->ev.events & (EPOLLIN | EPOLLOUT |
			    EPOLLRDNORM | EPOLLWRNORM)) };
	}
	quiet_unlock(&mutex, &old);
	w->fds[w->n] = (struct pollfd){ .fd = ep, .events = POLLIN };
	w->edges[w->n].is_edge = false;
	return is_ours;
}

/* Of what was found, what no other thread has reported meanwhile; it counts as
 * reported now. */
static short
take_news(struct member *m, struct dev *d, short found)
{
	const struct wait_edge e = edge_of(m, d);
	uint32_t now[2];

	found = dev_new_events(d, found, e.seen);
	dev_edges(d, now);
	for (unsigned i = 0; i < 2; i++) {
		if ((found & (i == SHARE_TX ? EPOLLOUT | EPOLLWRNORM :
					      EPOLLIN | EPOLLRDNORM)) == 0)
			continue;
		m->is_fresh[i] = false;
		m->seen[i] = now[i];
	}
	return found;
}

/* What was found, with the data that the program gave. */
static int
report(int ep, const struct wait *w, struct epoll_event *evs, int max)
{
	sigset_t old;
	int k = 0;

	quiet_lock(&mutex, &old);
	for (nfds_t i = 0; i < w->n && k < max; i++) {
		struct member *m = *find(ep, w->fds[i].fd);
		struct dev *d = dev_of(w->fds[i].fd);
		short found = w->fds[i].revents;

		if (found == 0 || m == NULL || d == NULL || m->is_fired)
			continue;
		if (m->ev.events & EPOLLET)
			found = take_news(m, d, found);
		if (found == 0)
			continue;
		evs[k++] = (struct epoll_event){ .events = (uint32_t)found,
			.data = m->ev.data };
		m->is_fired = (m->ev.events & EPOLLONESHOT) != 0;
	}
	quiet_unlock(&mutex, &old);
	return k;
}

/* 0: the time is over, or another thread was faster. */
static int
wait_once(int ep, struct wait *w, struct epoll_event *evs, int max,
    ns_t timeout_ns, const sigset_t *mask)
{
	int k, rc = wait_news(w->fds, w->edges, w->n + 1, timeout_ns, mask);

	if (rc <= 0)
		return rc;
	k = report(ep, w, evs, max);
	if (w->fds[w->n].revents != 0 && k < max) {
		rc = real()->epoll_wait(ep, evs + k, max - k, 0);
		if (rc == -1)
			return k > 0 ? k : -errno;
		k += rc;
	}
	return k;
}

int
epolls_wait(int ep, struct epoll_event *evs, int max, ns_t timeout_ns,
    const sigset_t *mask)
{
	ns_t end = timeout_ns, now = 0;
	struct wait w;
	int rc;

	if (likely(__atomic_load_n(&n_members, __ATOMIC_RELAXED) == 0) ||
	    !collect(ep, &w))
		return -EAGAIN;
	if (max <= 0)
		return -EINVAL;
	if (timeout_ns != WAIT_FOREVER && timeout_ns != 0)
		end = (now = clock_mono_ns()) + timeout_ns;
	do {
		rc = wait_once(ep, &w, evs, max, end == WAIT_FOREVER ||
			end == 0 ? end : end - now, mask);
		if (rc != 0 || end == 0)
			return rc;
		if (end != WAIT_FOREVER)
			now = clock_mono_ns();
	} while (collect(ep, &w) && now < end);
	return 0;
}
