/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A port behind a netmap pipe: what makes netmap:eth0 the interface eth0.
 *
 *	program's rings  <-- pipe -->  uplink  <-- port -->  wire
 *	IF{nic-N                       IF}nic-N    xdp:IF
 *
 * Place      the whole work of netmap-nic, a process of its own; the library
 *            that programs are linked to starts it (nmapi/hostif.h).
 * Rings      of the pipe: one for each queue of the interface, at most 8; what
 *            comes by queue q goes to ring q modulo their number.
 * Room       what the program has no room for is lost, as on a card; what the
 *            interface has no room for stays in the program's ring.
 * Life       until nobody has the pipe's other end any more, however it went.
 * Threads    one.
 */
#pragma once

#include "base/cdefs.h"
#include "base/err.h"

struct uplink;

/* Opens the slave end 'pipe' and the port; n_rings as nmport_cfg has them.
 * -EALREADY: somebody else has that end; else port_open()'s errors. */
int uplink_open(const char *pipe, const char *port, unsigned n_rings,
    struct uplink **out, struct err *e);

/* Carries packets until the other end was open and is no more, or was not
 * opened for some seconds; then the pipe's end is closed. */
void uplink_run(struct uplink *u);

/* Packets, in both directions, that were lost for want of room or sense.  Any
 * thread. */
uint64_t uplink_lost(const struct uplink *u);

/* Closes what is open. */
void uplink_close(struct uplink *u);
