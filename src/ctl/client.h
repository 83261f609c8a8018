/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A client of kipfw's control socket: one get or set after the other.
 *
 * Place      under cli/.  kipfw itself uses the same client for '-f FILE',
 *            over a transport that calls the handlers directly.
 * Life       ctl_client_open or _wrap -> any number of gets and sets -> close.
 *            The connection is made at the first request.
 * Threads    one at a time.
 */
#pragma once

#include "base/cdefs.h"
#include "base/err.h"

struct ctl_client;

/* Carries one request.  'data' holds 'len' octets of the request and has room
 * for 'room' >= len.  For a get, sets *reply_len and fills 'data'.  Returns 0
 * or -errno; -ENOMEM for a get may come with data: a header telling the size
 * needed.  'why' (may be NULL) is filled if the other side sent a sentence. */
typedef int ctl_transport_fn(void *arg, uint32_t optname, uint32_t dir,
    void *data, size_t len, size_t room, size_t *reply_len, struct err *why);

/* Will speak to 'host' (a name or address for TCP; a path that starts with '/'
 * for a unix socket) and 'port'.  Nothing is connected yet.  Returns owned, or
 * NULL without memory. */
struct ctl_client *ctl_client_open(const char *host, uint16_t port);

/* The same over any transport; borrows 'arg' until close. */
struct ctl_client *ctl_client_wrap(ctl_transport_fn *fn, void *arg);

void ctl_client_close(struct ctl_client *c);

/* get: sends 'len' octets of 'data', receives up to 'room' octets into it. */
int ctl_get(struct ctl_client *c, uint32_t optname, void *data, size_t len,
    size_t room, size_t *reply_len, struct err *e);

/* set: sends 'len' octets. */
int ctl_set(struct ctl_client *c, uint32_t optname, const void *data,
    size_t len, struct err *e);

/* After a request: true if the other side answered it, be it with an error, so
 * that what it did is known; false if the way to it failed. */
bool ctl_client_answered(const struct ctl_client *c);

/* After a request: true if a list of rules may be sent, which is added as a
 * whole or not at all.  The original daemon takes one rule at a time. */
bool ctl_client_takes_lists(const struct ctl_client *c);

/* ---- sysctls, which travel as CTL_DUMMYNET3 ---- */

struct ctl_sysctl { /* borrowed from the reply */
	const char *name;
	const void *data; /* unaligned */
	size_t len;
	uint32_t flags; /* access in the low two bits (1 = read only), type << 2 */
};

/* Called for each entry; a value other than 0 ends the walk. */
typedef int ctl_sysctl_fn(void *arg, const struct ctl_sysctl *s);

/* Fetches all sysctls and shows them to 'fn' in the server's order.  Returns 0,
 * what 'fn' returned, or -errno. */
int ctl_sysctl_walk(struct ctl_client *c, ctl_sysctl_fn *fn, void *arg,
    struct err *e);

/* Sets one; the original takes 32-bit values only. */
int ctl_sysctl_set(struct ctl_client *c, const char *name, const void *data,
    size_t len, struct err *e);
