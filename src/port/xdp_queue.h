/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One AF_XDP socket: the four rings between a queue of an interface and us.
 *
 *	fill  --frames--> kernel --descriptors--> rx      (we read)
 *	tx    --descriptors--> kernel --frames--> comp    (we take back)
 *
 * Place      under port_xdp.c; libxdp makes the socket and maps the rings.
 * Invariant  frames in fill and rx together are n_in_rx <= size, so that
 *            received packets which nobody takes leave enough for sending.
 * Trust      descriptors are bounds-checked by whoever uses them; the rings
 *            are shared with the kernel only.
 */
#pragma once

#include "base/cdefs.h"
#include "base/err.h"
#include "port/xdp_umem.h"

#include <xdp/xsk.h>

/* Newer than the headers of Debian 12. */
enum {
	XDP_BIND_FRAGS = 1 << 4,  /* frames in several pieces */
	XDP_DESC_MORE = 1 << 0,	  /* of a descriptor: the frame goes on */
};

enum xdp_copy {
	XDP_COPY_ANY,	 /* none if the driver can, or else one */
	XDP_COPY_NONE,	 /* the card writes into our frames, or an error */
	XDP_COPY_ALWAYS, /* the kernel copies */
};

struct xdp_queue_cfg {
	const char *name;   /* of the interface */
	unsigned queue;
	unsigned size;	    /* of each ring, a power of two */
	bool sends;	    /* it has tx and comp as well */
	bool wants_frags;   /* frames may be longer than one of ours */
	enum xdp_copy copy;
	unsigned busy_poll_us; /* 0 = the driver's interrupts */
};

struct xdp_queue {
	struct xsk_ring_cons rx;
	struct xsk_ring_prod fill;
	struct xsk_ring_prod tx;
	struct xsk_ring_cons comp;
	unsigned size;
	uint16_t number;  /* of the interface */
	unsigned n_in_rx; /* frames in fill and rx */
	int fd;
	bool is_zero_copy;
	bool has_frags;	  /* frames in several pieces come and go */
	bool busy_polls;
	int gather;	   /* the port's long buffer with a frame's first */
	unsigned gathered; /* pieces, -1 = none; and their octets */
	struct xsk_umem *umem;
	struct xsk_socket *xsk;
};

/* Opens the socket and binds it to the queue.  -EBUSY: another socket has that
 * queue; -EPERM, -ENOMEM name what is missing. */
int xdp_queue_open(struct xdp_queue *q, const struct xdp_queue_cfg *cfg,
    const struct xdp_umem *u, struct err *e);
/* One that is not open (zeroed) is fine. */
void xdp_queue_close(struct xdp_queue *q);
