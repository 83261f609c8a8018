/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Receiving and sending of an AF_XDP port: its part of the table of functions.
 *
 * rx lends frames out of the rx rings, release takes them back.  tx exchanges a
 * frame with the port that lent it if both live in one UMEM, else it copies.  A
 * frame in several pieces (a large MTU) is gathered into one of a few long
 * buffers, and cut again on the way out.
 *
 * Place      under port_xdp.c; port.h says what the functions do.
 */
#pragma once

#include "port/xdp.h"

/* Gives the kernel frames to receive into, as many as the queue may have. */
void xdp_refill(struct xdp *x, struct xdp_queue *q);

/* By which queue of the interface a packet came that xdp_rx() lent. */
static inline unsigned
xdp_queue_of(const struct pkt *pkt)
{
	return ((const struct xdp_lent *)pkt->slot)->queue;
}

unsigned xdp_rx(struct port *p, struct pkt *pkts, unsigned max);
void xdp_release(struct port *p);
unsigned xdp_room(struct port *p);
unsigned xdp_tx(struct port *p, struct port *from, struct pkt *const *pkts,
    unsigned n);
void xdp_kick(struct port *p);
unsigned xdp_pending(struct port *p);
bool xdp_sleep_begin(struct port *p, unsigned flags);
void xdp_sleep_end(struct port *p);
