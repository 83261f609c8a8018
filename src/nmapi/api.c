/* SPDX-License-Identifier: BSD-2-Clause */
#include "nmapi/api.h"

#include "netmap_api.h"
#include "nmapi/dev.h"
#include "nmapi/epolls.h"
#include "nmapi/legacy.h"
#include "nmapi/request.h"
#include "nmapi/vfork.h"
#include "nmapi/wait.h"
#include "vale/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

/* -errno as the system calls say it. */
static int
out(int rc)
{
	if (likely(rc >= 0))
		return rc;
	errno = -rc;
	return -1;
}

/* ---- open and close ---- */

static bool
is_device(const char *path)
{
	return path != NULL && path[0] == '/' &&
	    strcmp(path, NETMAP_DEVICE) == 0;
}

int
nmapi_open(const char *path, int flags, mode_t mode)
{
	if (unlikely(is_device(path)))
		return out(dev_open(flags));
	return real()->open(path, flags, mode);
}

int
nmapi_openat(int dir, const char *path, int flags, mode_t mode)
{
	if (unlikely(is_device(path)))
		return out(dev_open(flags));
	return real()->openat(dir, path, flags, mode);
}

/* Will a change of the number 'fd' leave our tables as they are? */
static bool
is_foreign(int fd)
{
	return likely(dev_of(fd) == NULL) || vfork_is_child();
}

int
nmapi_close(int fd)
{
	epolls_forget(fd);
	if (is_foreign(fd))
		return real()->close(fd);
	return out(dev_close(fd));
}

void
nmapi_forget(unsigned first, unsigned last)
{
	unsigned n = DEV_MAX_FD - 1;

	if (__atomic_load_n(&dev_n_open, __ATOMIC_RELAXED) == 0 ||
	    vfork_is_child())
		return;
	for (unsigned fd = first; fd <= (last < n ? last : n); fd++)
		if (dev_of((int)fd) != NULL) {
			epolls_forget((int)fd);
			dev_forget((int)fd);
		}
}

static int
real_dup(int fd, int arg)
{
	(void)arg;
	return real()->dup(fd);
}

static int
real_dupfd(int fd, int arg)
{
	return real()->fcntl(fd, F_DUPFD, arg);
}

static int
real_dupfd_cloexec(int fd, int arg)
{
	return real()->fcntl(fd, F_DUPFD_CLOEXEC, arg);
}

int
nmapi_dup(int fd)
{
	if (is_foreign(fd))
		return real()->dup(fd);
	return out(dev_dup(fd, real_dup, 0));
}

/* What was open as 'to' has left its sets. */
static int
replaced(int fd, int to, int rc)
{
	if (rc >= 0 && fd != to)
		epolls_forget(to);
	return rc;
}

int
nmapi_dup2(int fd, int to)
{
	if (is_foreign(fd) && is_foreign(to))
		return replaced(fd, to, real()->dup2(fd, to));
	return replaced(fd, to, out(dev_dup2(fd, to, -1)));
}

int
nmapi_dup3(int fd, int to, int flags)
{
	if (is_foreign(fd) && is_foreign(to))
		return replaced(fd, to, real()->dup3(fd, to, flags));
	return replaced(fd, to, out(dev_dup2(fd, to, flags & O_CLOEXEC)));
}

int
nmapi_fcntl(int fd, int cmd, unsigned long arg)
{
	if (is_foreign(fd))
		return real()->fcntl(fd, cmd, arg);
	if (cmd == F_DUPFD)
		return out(dev_dup(fd, real_dupfd, (int)arg));
	if (cmd == F_DUPFD_CLOEXEC)
		return out(dev_dup(fd, real_dupfd_cloexec, (int)arg));
	return real()->fcntl(fd, cmd, arg);
}

/* ---- ioctl and memory ---- */

static bool
is_ours(unsigned long cmd)
{
	return cmd == NIOCTXSYNC || cmd == NIOCRXSYNC || cmd == NIOCCTRL ||
	    cmd == NIOCREGIF || cmd == NIOCGINFO;
}

int
nmapi_ioctl(int fd, unsigned long cmd, void *arg)
{
	struct dev *d = dev_of(fd);
	int rc;

	if (d == NULL && unlikely(is_ours(cmd)))
		d = dev_adopt(fd);
	if (d == NULL)
		return real()->ioctl(fd, cmd, arg);
	dev_enter();
	rc = request_run(d, cmd, arg);
	dev_leave();
	return out(rc);
}

/* Does somebody ask for all of the memory, as counted in 64 bits or in 32?  Then
 * the descriptor may have been handed to us. */
static bool
is_region(size_t size)
{
	return size == ARENA_SIZE || size == LEGACY_MAX_MEMSIZE;
}

/* All of the memory wherever that is possible: programs of old count it in 32
 * bits and ask for less than they use. */
void *
nmapi_mmap(void *addr, size_t size, int prot, int flags, int fd, off_t ofs)
{
	struct dev *d = fd < 0 ? NULL : dev_of(fd);
	size_t whole;
	void *p;

	if (d == NULL && fd >= 0 && unlikely(is_region(size)))
		d = dev_adopt(fd);
	if (likely(d == NULL))
		return real()->mmap(addr, size, prot, flags, fd, ofs);
	if (d->share == NULL || (flags & (MAP_FIXED | MAP_ANONYMOUS)) != 0) {
		errno = EINVAL;
		return MAP_FAILED;
	}
	p = dev_map(d, &whole);
	if (p != NULL && ofs == 0 && size != 0 && size <= whole)
		return p;
	if (p != NULL)
		dev_unmap(p);
	errno = p != NULL ? EINVAL : ENOMEM;
	return MAP_FAILED;
}

int
nmapi_munmap(void *addr, size_t size)
{
	if (unlikely(dev_unmap(addr)))
		return 0;
	return real()->munmap(addr, size);
}

int
nmapi_mlockall(int flags)
{
	return real()->mlockall(flags | MCL_ONFAULT);
}

bool
nmapi_refuses_io(int fd)
{
	if (likely(dev_of(fd) == NULL))
		return false;
	errno = EINVAL;
	return true;
}

/* ---- poll ---- */

static ns_t
ns_of_ms(int ms)
{
	return ms < 0 ? WAIT_FOREVER : (ns_t)ms * NS_PER_MS;
}

static ns_t
ns_of(const struct timespec *ts)
{
	return ts == NULL ? WAIT_FOREVER :
	    (ns_t)ts->tv_sec * NS_PER_S + (ns_t)ts->tv_nsec;
}

static bool
is_bad(const struct timespec *ts)
{
	return ts != NULL && (ts->tv_sec < 0 || ts->tv_nsec < 0 ||
	    ts->tv_nsec >= (long)NS_PER_S);
}

int
nmapi_poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
	if (likely(__atomic_load_n(&dev_n_open, __ATOMIC_RELAXED) == 0) ||
	    !wait_has_ours(fds, n))
		return real()->poll(fds, n, timeout_ms);
	return out(wait_poll(fds, n, ns_of_ms(timeout_ms), NULL));
}

int
nmapi_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
    const sigset_t *mask)
{
	if (likely(__atomic_load_n(&dev_n_open, __ATOMIC_RELAXED) == 0) ||
	    !wait_has_ours(fds, n))
		return real()->ppoll(fds, n, timeout, mask);
	if (is_bad(timeout))
		return out(-EINVAL);
	return out(wait_poll(fds, n, ns_of(timeout), mask));
}

/* ---- select ---- */

static bool
is_set(int fd, const fd_set *set)
{
	return set != NULL && FD_ISSET(fd, set);
}

/* The three sets as an array; returns how many are in it, and whether one of
 * them is ours. */
static nfds_t
from_sets(int n, const fd_set *in, const fd_set *outs, const fd_set *err,
    struct pollfd *fds, bool *has_ours)
{
	nfds_t k = 0;

	*has_ours = false;
	for (int fd = 0; fd < n; fd++) {
		short ev = 0;

		if (is_set(fd, in))
			ev |= POLLIN | POLLRDNORM;
		if (is_set(fd, outs))
			ev |= POLLOUT | POLLWRNORM;
		if (is_set(fd, err))
			ev |= POLLPRI;
		if (ev == 0)
			continue;
		fds[k++] = (struct pollfd){ .fd = fd, .events = ev };
		*has_ours |= dev_of(fd) != NULL;
	}
	return k;
}

static int
keep(int fd, fd_set *set, bool yes)
{
	if (set == NULL || !FD_ISSET(fd, set))
		return 0;
	if (!yes)
		FD_CLR(fd, set);
	return yes;
}

static int
to_sets(fd_set *in, fd_set *outs, fd_set *err, const struct pollfd *fds,
    nfds_t n)
{
	int found = 0;

	for (nfds_t i = 0; i < n; i++)
		if (fds[i].revents & POLLNVAL)
			return -EBADF;
	for (nfds_t i = 0; i < n; i++) {
		short ev = fds[i].revents;
		int fd = fds[i].fd;

		found += keep(fd, in, (ev & (POLLIN | POLLHUP | POLLERR |
		    POLLRDNORM)) != 0);
		found += keep(fd, outs, (ev & (POLLOUT | POLLERR |
		    POLLWRNORM)) != 0);
		found += keep(fd, err, (ev & POLLPRI) != 0);
	}
	return found;
}

/* -EAGAIN: none is ours, nothing was done. */
static int
select_ours(int n, fd_set *in, fd_set *outs, fd_set *err, ns_t timeout_ns,
    const sigset_t *mask)
{
	struct pollfd fds[FD_SETSIZE];
	bool has_ours;
	nfds_t k;
	int rc;

	if (n < 0 || n > FD_SETSIZE)
		return -EAGAIN;
	k = from_sets(n, in, outs, err, fds, &has_ours);
	if (!has_ours)
		return -EAGAIN;
	rc = wait_poll(fds, k, timeout_ns, mask);
	return rc < 0 ? rc : to_sets(in, outs, err, fds, k);
}

int
nmapi_select(int n, fd_set *in, fd_set *outs, fd_set *err,
    struct timeval *timeout)
{
	ns_t ns = WAIT_FOREVER;
	int rc = -EAGAIN;

	if (timeout != NULL)
		ns = timeout->tv_sec < 0 || timeout->tv_usec < 0 ? 0 :
		    (ns_t)timeout->tv_sec * NS_PER_S +
			(ns_t)timeout->tv_usec * NS_PER_US;
	if (unlikely(__atomic_load_n(&dev_n_open, __ATOMIC_RELAXED) != 0))
		rc = select_ours(n, in, outs, err, ns, NULL);
	if (likely(rc == -EAGAIN))
		return real()->select(n, in, outs, err, timeout);
	return out(rc);
}

int
nmapi_pselect(int n, fd_set *in, fd_set *outs, fd_set *err,
    const struct timespec *timeout, const sigset_t *mask)
{
	int rc = -EAGAIN;

	if (unlikely(__atomic_load_n(&dev_n_open, __ATOMIC_RELAXED) != 0) &&
	    !is_bad(timeout))
		rc = select_ours(n, in, outs, err, ns_of(timeout), mask);
	if (likely(rc == -EAGAIN))
		return real()->pselect(n, in, outs, err, timeout, mask);
	return out(rc);
}

/* ---- epoll ---- */

int
nmapi_epoll_ctl(int ep, int op, int fd, struct epoll_event *ev)
{
	if (likely(dev_of(fd) == NULL))
		return real()->epoll_ctl(ep, op, fd, ev);
	return out(epolls_ctl(ep, op, fd, ev));
}

int
nmapi_epoll_pwait(int ep, struct epoll_event *evs, int max, int timeout_ms,
    const sigset_t *mask)
{
	int rc = epolls_wait(ep, evs, max, ns_of_ms(timeout_ms), mask);

	if (likely(rc == -EAGAIN))
		return mask == NULL ?
		    real()->epoll_wait(ep, evs, max, timeout_ms) :
		    real()->epoll_pwait(ep, evs, max, timeout_ms, mask);
	return out(rc);
}
