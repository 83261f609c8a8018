/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptors of ours in epoll sets: a list beside the kernel's.
 *
 * Semantics  epoll(7)'s.  An edge is slots that became the program's since the
 *            last event was reported; adding and changing a member is one, too.
 *            A set that contains one of ours cannot itself be polled for it.
 * Threads    any; one mutex around the list.
 * Cost       nothing of ours in any set: one load and one branch.
 */
#pragma once

#include "base/cdefs.h"
#include "base/ns.h"

#include <signal.h>
#include <sys/epoll.h>

/* As epoll_ctl(2) for 'fd' of ours; -errno. */
int epolls_ctl(int ep, int op, int fd, const struct epoll_event *ev);

/* As epoll_pwait(2); -EAGAIN: nothing of ours is in 'ep', ask the kernel. */
int epolls_wait(int ep, struct epoll_event *evs, int max, ns_t timeout_ns,
    const sigset_t *mask);

/* 'fd', a set or a member, is closed. */
void epolls_forget(int fd);

/* Around a fork(), in the thread that forks: parent and child. */
void epolls_before_fork(void);
void epolls_after_fork(void);
