/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libc's names for nmapi's functions: what makes libnetmap-user.so stand in
 * front.  Linked into that library only.
 *
 * The 64-bit names are the same functions here; the __*_chk and *_2 ones are
 * what programs built with _FORTIFY_SOURCE call.
 */
#include "nmapi/api.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>

#define EXPORT	     __attribute__((visibility("default")))
#define SAME_AS(name) __attribute__((visibility("default"), alias(#name)))

/* The third argument of open() is there only if it is looked at. */
static inline mode_t
mode_arg(int flags, va_list ap)
{
	return flags & (O_CREAT | __O_TMPFILE) ? va_arg(ap, mode_t) : 0;
}

EXPORT int open(const char *path, int flags, ...);
EXPORT int openat(int dir, const char *path, int flags, ...);
EXPORT int fcntl(int fd, int cmd, ...);
EXPORT int ioctl(int fd, unsigned long cmd, ...);
int open64(const char *path, int flags, ...) SAME_AS(open);
int openat64(int dir, const char *path, int flags, ...) SAME_AS(openat);
int fcntl64(int fd, int cmd, ...) SAME_AS(fcntl);
EXPORT int __open_2(const char *path, int flags);
EXPORT int __openat_2(int dir, const char *path, int flags);
int __open64_2(const char *path, int flags) SAME_AS(__open_2);
int __openat64_2(int dir, const char *path, int flags) SAME_AS(__openat_2);

int
open(const char *path, int flags, ...)
{
	mode_t mode;
	va_list ap;

	va_start(ap, flags);
	mode = mode_arg(flags, ap);
	va_end(ap);
	return nmapi_open(path, flags, mode);
}

int
openat(int dir, const char *path, int flags, ...)
{
	mode_t mode;
	va_list ap;

	va_start(ap, flags);
	mode = mode_arg(flags, ap);
	va_end(ap);
	return nmapi_openat(dir, path, flags, mode);
}

int
__open_2(const char *path, int flags)
{
	return nmapi_open(path, flags, 0);
}

int
__openat_2(int dir, const char *path, int flags)
{
	return nmapi_openat(dir, path, flags, 0);
}

/* An argument that is not there is a register with anything in it: the system
 * call does not look at it either. */
int
fcntl(int fd, int cmd, ...)
{
	unsigned long arg;
	va_list ap;

	va_start(ap, cmd);
	arg = va_arg(ap, unsigned long);
	va_end(ap);
	return nmapi_fcntl(fd, cmd, arg);
}

int
ioctl(int fd, unsigned long cmd, ...)
{
	void *arg;
	va_list ap;

	va_start(ap, cmd);
	arg = va_arg(ap, void *);
	va_end(ap);
	return nmapi_ioctl(fd, cmd, arg);
}

EXPORT int
close(int fd)
{
	return nmapi_close(fd);
}

EXPORT int
dup(int fd)
{
	return nmapi_dup(fd);
}

EXPORT int
dup2(int fd, int to)
{
	return nmapi_dup2(fd, to);
}

EXPORT int
dup3(int fd, int to, int flags)
{
	return nmapi_dup3(fd, to, flags);
}

/* Newer than the oldest libc that we run on, so found when called. */
EXPORT int close_range(unsigned first, unsigned last, int flags);
EXPORT void closefrom(int first);

int
close_range(unsigned first, unsigned last, int flags)
{
	int (*next)(unsigned, unsigned, int);

	*(void **)(void *)&next = dlsym(RTLD_NEXT, "close_range");
	if (next == NULL) {
		errno = ENOSYS;
		return -1;
	}
	if ((flags & 4 /* CLOSE_RANGE_CLOEXEC */) == 0)
		nmapi_forget(first, last);
	return next(first, last, flags);
}

void
closefrom(int first)
{
	void (*next)(int);

	*(void **)(void *)&next = dlsym(RTLD_NEXT, "closefrom");
	nmapi_forget((unsigned)first, ~0u);
	if (next != NULL)
		next(first);
}

EXPORT void *mmap(void *addr, size_t size, int prot, int flags, int fd,
    off_t ofs);
EXPORT int munmap(void *addr, size_t size);
void *mmap64(void *addr, size_t size, int prot, int flags, int fd, off_t ofs)
    SAME_AS(mmap);

void *
mmap(void *addr, size_t size, int prot, int flags, int fd, off_t ofs)
{
	return nmapi_mmap(addr, size, prot, flags, fd, ofs);
}

int
munmap(void *addr, size_t size)
{
	return nmapi_munmap(addr, size);
}

EXPORT int mlockall(int flags);

int
mlockall(int flags)
{
	return nmapi_mlockall(flags);
}

EXPORT ssize_t
read(int fd, void *buf, size_t n)
{
	return nmapi_refuses_io(fd) ? -1 : real()->read(fd, buf, n);
}

EXPORT ssize_t
write(int fd, const void *buf, size_t n)
{
	return nmapi_refuses_io(fd) ? -1 : real()->write(fd, buf, n);
}

EXPORT ssize_t
readv(int fd, const struct iovec *iov, int n)
{
	return nmapi_refuses_io(fd) ? -1 : real()->readv(fd, iov, n);
}

EXPORT ssize_t
writev(int fd, const struct iovec *iov, int n)
{
	return nmapi_refuses_io(fd) ? -1 : real()->writev(fd, iov, n);
}

/* A buffer smaller than what is asked for is the end, as in libc. */
EXPORT ssize_t __read_chk(int fd, void *buf, size_t n, size_t room);
EXPORT int __poll_chk(struct pollfd *fds, nfds_t n, int timeout, size_t room);
EXPORT int __ppoll_chk(struct pollfd *fds, nfds_t n,
    const struct timespec *timeout, const sigset_t *mask, size_t room);

ssize_t
__read_chk(int fd, void *buf, size_t n, size_t room)
{
	if (n > room)
		abort();
	return nmapi_refuses_io(fd) ? -1 : real()->read(fd, buf, n);
}

int
__poll_chk(struct pollfd *fds, nfds_t n, int timeout, size_t room)
{
	if (n > room / sizeof(*fds))
		abort();
	return nmapi_poll(fds, n, timeout);
}

int
__ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
    const sigset_t *mask, size_t room)
{
	if (n > room / sizeof(*fds))
		abort();
	return nmapi_ppoll(fds, n, timeout, mask);
}

EXPORT int
poll(struct pollfd *fds, nfds_t n, int timeout)
{
	return nmapi_poll(fds, n, timeout);
}

EXPORT int
ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
    const sigset_t *mask)
{
	return nmapi_ppoll(fds, n, timeout, mask);
}

EXPORT int
select(int n, fd_set *in, fd_set *out, fd_set *err, struct timeval *timeout)
{
	return nmapi_select(n, in, out, err, timeout);
}

EXPORT int
pselect(int n, fd_set *in, fd_set *out, fd_set *err,
    const struct timespec *timeout, const sigset_t *mask)
{
	return nmapi_pselect(n, in, out, err, timeout, mask);
}

EXPORT int
epoll_ctl(int ep, int op, int fd, struct epoll_event *ev)
{
	return nmapi_epoll_ctl(ep, op, fd, ev);
}

EXPORT int
epoll_wait(int ep, struct epoll_event *evs, int max, int timeout)
{
	return nmapi_epoll_pwait(ep, evs, max, timeout, NULL);
}

EXPORT int
epoll_pwait(int ep, struct epoll_event *evs, int max, int timeout,
    const sigset_t *mask)
{
	return nmapi_epoll_pwait(ep, evs, max, timeout, mask);
}
