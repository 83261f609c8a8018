/* SPDX-License-Identifier: BSD-2-Clause */
#include "nmapi/epolls.h"

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
	struct epoll_event ev; /* events 0: a shot that was fired */
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
	*m = (struct member){ .next = list, .ep = ep, .fd = fd, .ev = *ev };
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
		(*p)->ev = *ev;
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

/* Ours in 'ep' as an array for wait_poll(), which asks for the rest as one. */
static nfds_t
collect(int ep, struct pollfd *fds)
{
	sigset_t old;
	nfds_t n = 0;

	quiet_lock(&mutex, &old);
	for (const struct member *m = list; m != NULL; m = m->next)
		if (m->ep == ep && n < MAX_MEMBERS)
			fds[n++] = (struct pollfd){ .fd = m->fd,
				.events = (short)(m->ev.events &
				    (EPOLLIN | EPOLLOUT | EPOLLRDNORM |
					EPOLLWRNORM)) };
	quiet_unlock(&mutex, &old);
	return n;
}

/* What was found, with the data that the program gave. */
static int
report(int ep, const struct pollfd *fds, nfds_t n, struct epoll_event *evs,
    int max)
{
	sigset_t old;
	int k = 0;

	quiet_lock(&mutex, &old);
	for (nfds_t i = 0; i < n && k < max; i++) {
		struct member *m = *find(ep, fds[i].fd);

		if (fds[i].revents == 0 || m == NULL || m->ev.events == 0)
			continue;
		evs[k++] = (struct epoll_event){
			.events = (uint32_t)fds[i].revents,
			.data = m->ev.data,
		};
		if (m->ev.events & EPOLLONESHOT)
			m->ev.events = 0;
	}
	quiet_unlock(&mutex, &old);
	return k;
}

/* A shot that was fired asks for nothing; leave it out, or its errors would
 * end every wait. */
static nfds_t
leave_out_fired(struct pollfd *fds, nfds_t n)
{
	nfds_t k = 0;

	for (nfds_t i = 0; i < n; i++)
		if (fds[i].events != 0)
			fds[k++] = fds[i];
	return k;
}

int
epolls_wait(int ep, struct epoll_event *evs, int max, ns_t timeout_ns,
    const sigset_t *mask)
{
	struct pollfd fds[MAX_MEMBERS + 1];
	nfds_t n;
	int rc, k;

	if (likely(__atomic_load_n(&n_members, __ATOMIC_RELAXED) == 0))
		return -EAGAIN;
	n = collect(ep, fds);
	if (n == 0)
		return -EAGAIN;
	if (max <= 0)
		return -EINVAL;
	n = leave_out_fired(fds, n);
	fds[n] = (struct pollfd){ .fd = ep, .events = POLLIN };
	rc = wait_poll(fds, n + 1, timeout_ns, mask);
	if (rc <= 0)
		return rc;
	k = report(ep, fds, n, evs, max);
	if (fds[n].revents != 0 && k < max) {
		rc = real()->epoll_wait(ep, evs + k, max - k, 0);
		if (rc == -1)
			return k > 0 ? k : -errno;
		k += rc;
	}
	return k;
}
