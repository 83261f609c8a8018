/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interface of an AF_XDP port: taken, lost, and taken again.
 *
 *	xdp_take -> WORKS <-> DOWN           (switched off and on)
 *	              |  ^
 *	              v  '------- looked for, four times a second
 *	             GONE         (removed; made again under the same name)
 *
 * Place      under port_xdp.c and xdp_io.c.
 * Threads    the port's worker; xdp_take() before it runs.
 * Cost       xdp_look(): a look at the clock, and every LOOK_NS two system
 *            calls.  Taking an interface again: some milliseconds, once.
 */
#pragma once

#include "port/xdp.h"

/* Takes the interface x->nic: program, sockets, promiscuous mode, all frames
 * at hand; says what was got.  What was taken is given back on errors: those of
 * nic.h, xdp_prog.h and xdp_queue.h. */
int xdp_take(struct port *p, struct err *e);
/* Gives everything back.  Twice is fine. */
void xdp_leave(struct xdp *x);

/* Looks at the interface if it is time, and does what its state wants. */
void xdp_look(struct port *p);
/* The same, whatever the time. */
void xdp_look_now(struct port *p);

/* Says, once an interface, that frames come which are longer than its MTU. */
void xdp_warn_merged(struct port *p);
