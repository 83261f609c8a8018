/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the control requests do: from the octets of a request to those of the
 * reply, whoever carries them.
 *
 * Place      server.h brings requests from sockets, ctl_local_transport() those
 *            of 'kipfw -f FILE'.  Below it are only rule/ and engine.h.
 * Life       control_create (borrows the engine) -> calls -> control_destroy.
 * Threads    the control thread.
 * Trust      every octet of a request is hostile.  A refused request leaves
 *            everything as it was, and says why: errno on the wire, the
 *            sentence as string sysctl 'kipfw.lasterr' of the same connection.
 *            That one exists only while there is something to say, so that
 *            clients that know nothing of it never see it.  After an add that
 *            worked it may hold a warning (err.code 0).
 * Cost       add, delete and set changes: linear in the rules, pointers only.
 */
#pragma once

#include "base/cdefs.h"
#include "base/err.h"
#include "engine/engine.h"

struct control;

/* One get or set. */
struct ctl_call {
	uint32_t optname;  /* CTL_FW3, CTL_DUMMYNET3 */
	uint32_t dir;	   /* CTL_DIR_GET, CTL_DIR_SET */
	void *data;	   /* request, then reply; aligned for uint64_t */
	size_t len;	   /* octets of the request */
	size_t room;	   /* octets there are at 'data', >= len */
	size_t reply_len;  /* set by the call; 0 for a set */
};

/* Controls 'en', which must outlive it.  Returns owned, NULL without memory. */
struct control *control_create(struct engine *en);
void control_destroy(struct control *c);

/* Performs one request.  0 or -errno; -ENOMEM may come with a reply that tells
 * the room needed.  'last' is the caller's, one a connection, zeroed at first;
 * it keeps the sentence of the last failure until the next request that is not
 * a reading of sysctls. */
int control_call(struct control *c, struct ctl_call *call, struct err *last);

/* Lets go of deleted rules whose last state is gone.  To be called about once a
 * second; does nothing unless there are such rules. */
void control_tend(struct control *c);

/* A ctl_transport_fn (client.h) whose 'control' is a struct control. */
int ctl_local_transport(void *control, uint32_t optname, uint32_t dir,
    void *data, size_t len, size_t room, size_t *reply_len, struct err *why);
