/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The system calls that a netmap program makes, with /dev/netmap among what
 * they know.  Each does what its namesake does, errno included, and leaves
 * everything that is not ours to libc.
 *
 * Place      the top of nmapi/.  preload*.c gives these the names of libc's
 *            functions, in libnetmap-user.so only; tests call them directly.
 * Threads    any.
 * Cost       while no /dev/netmap is open: one load and one branch more.
 */
#pragma once

#include "nmapi/real.h"

int nmapi_open(const char *path, int flags, mode_t mode);
int nmapi_openat(int dir, const char *path, int flags, mode_t mode);
int nmapi_close(int fd);
int nmapi_dup(int fd);
int nmapi_dup2(int fd, int to);
int nmapi_dup3(int fd, int to, int flags);
int nmapi_fcntl(int fd, int cmd, unsigned long arg);

/* Numbers from first to last are about to be closed by somebody else. */
void nmapi_forget(unsigned first, unsigned last);

int nmapi_ioctl(int fd, unsigned long cmd, void *arg);
void *nmapi_mmap(void *addr, size_t size, int prot, int flags, int fd,
    off_t ofs);
int nmapi_munmap(void *addr, size_t size);

/* Pages are locked as they are touched, or all that ports could ever use would
 * be taken from the system at once. */
int nmapi_mlockall(int flags);

/* netmap's device can be neither read nor written: EINVAL if 'fd' is one. */
bool nmapi_refuses_io(int fd);

int nmapi_poll(struct pollfd *fds, nfds_t n, int timeout_ms);
int nmapi_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
    const sigset_t *mask);
int nmapi_select(int n, fd_set *in, fd_set *out, fd_set *err,
    struct timeval *timeout);
int nmapi_pselect(int n, fd_set *in, fd_set *out, fd_set *err,
    const struct timespec *timeout, const sigset_t *mask);

int nmapi_epoll_ctl(int ep, int op, int fd, struct epoll_event *ev);
int nmapi_epoll_pwait(int ep, struct epoll_event *evs, int max, int timeout_ms,
    const sigset_t *mask);
