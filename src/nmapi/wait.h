/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting for descriptors of ours and of anybody else's, mixed.
 *
 * Place      over dev; under poll, select and epoll as programs call them.
 * How        ours are synced and looked at; the others are asked by the real
 *            poll(), with the descriptors that wake our ports beside them.  A
 *            wait with nothing to do spins and yields for some microseconds
 *            before it sleeps: a wake-up costs more.
 * Cost       ours alone and ready: no system call.
 */
#pragma once

#include "base/cdefs.h"
#include "base/ns.h"

#include <poll.h>
#include <signal.h>

#define WAIT_FOREVER (~(ns_t)0)

/* As ppoll(2): -errno, or how many revents are not 0.  'mask' may be NULL. */
int wait_poll(struct pollfd *fds, nfds_t n, ns_t timeout_ns,
    const sigset_t *mask);

/* The same for some of whose descriptors only news count: 'edges' has an element
 * for each of ours in fds. */
struct wait_edge {
	bool is_edge;	  /* of such a one, */
	uint32_t seen[2]; /* by dev_edges(), what is no news */
};
int wait_news(struct pollfd *fds, const struct wait_edge *edges, nfds_t n,
    ns_t timeout_ns, const sigset_t *mask);

/* Until a tx ring of 'd' has room, or the time is over, or a signal comes. */
struct dev;
void wait_room(struct dev *d, ns_t timeout_ns);

/* Is one of them ours? */
bool wait_has_ours(const struct pollfd *fds, nfds_t n);
