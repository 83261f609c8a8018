/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The libc functions beneath the ones that we stand in front of.
 *
 * Place      under everything in nmapi/ and its preload*.c.
 * Life       found by the dynamic linker when first used; constant after.
 * Threads    any; two that come first find the same addresses.
 * Cost       one load and one branch.
 */
#pragma once

#include "base/cdefs.h"

#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/types.h>
#include <sys/uio.h>

struct real {
	int (*open)(const char *, int, ...);
	int (*openat)(int, const char *, int, ...);
	int (*close)(int);
	int (*dup)(int);
	int (*dup2)(int, int);
	int (*dup3)(int, int, int);
	int (*fcntl)(int, int, ...);
	int (*ioctl)(int, unsigned long, ...);
	void *(*mmap)(void *, size_t, int, int, int, off_t);
	int (*munmap)(void *, size_t);
	int (*mlockall)(int);
	ssize_t (*read)(int, void *, size_t);
	ssize_t (*write)(int, const void *, size_t);
	ssize_t (*readv)(int, const struct iovec *, int);
	ssize_t (*writev)(int, const struct iovec *, int);
	int (*poll)(struct pollfd *, nfds_t, int);
	int (*ppoll)(struct pollfd *, nfds_t, const struct timespec *,
	    const sigset_t *);
	int (*select)(int, fd_set *, fd_set *, fd_set *, struct timeval *);
	int (*pselect)(int, fd_set *, fd_set *, fd_set *,
	    const struct timespec *, const sigset_t *);
	int (*epoll_ctl)(int, int, int, struct epoll_event *);
	int (*epoll_wait)(int, struct epoll_event *, int, int);
	int (*epoll_pwait)(int, struct epoll_event *, int, int,
	    const sigset_t *);
	bool is_found; /* written last, read first */
};
extern struct real real_table;

/* Finds them; aborts if libc has no such function. */
void real_find(void);

static inline const struct real *
real(void)
{
	if (unlikely(!__atomic_load_n(&real_table.is_found, __ATOMIC_ACQUIRE)))
		real_find();
	return &real_table;
}
