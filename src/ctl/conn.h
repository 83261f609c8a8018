/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One connection of a client: requests in, replies out, in order.
 *
 * Place      under server.h, which has checked who it is; requests go to
 *            control.h.
 * Life       conn_create -> requests -> conn_destroy, or it ends itself (peer
 *            gone, nonsense, too slow) and tells its owner, who then destroys.
 * Threads    the control thread; callbacks of libevent.
 * Memory     a request is held as far as it has arrived, CTL_MAX_PAYLOAD at
 *            most; what a header claims allocates nothing.  While a reply waits
 *            for the client to read, no further request is read or performed.
 * Time       a request must arrive whole within a time limit from its first
 *            octet, and its reply must move on within the same limit.  After
 *            some requests in a row the other connections get their turn.
 */
#pragma once

#include "ctl/control.h"

struct event_base;
struct conn;

/* The connection is over: destroy it. */
typedef void conn_over_fn(void *arg);

/* Serves 'fd' (taken, also on failure).  'over' is called once at most, from
 * the event loop.  Returns owned, NULL without memory. */
struct conn *conn_create(struct event_base *base, int fd,
    struct control *control, unsigned limit_ms, conn_over_fn *over, void *arg);
void conn_destroy(struct conn *c);
