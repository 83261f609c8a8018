/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A port on a network interface by AF_XDP, as its files see it.
 *
 *	port_xdp.c   the name and its options, opening, the table of functions
 *	xdp_life.c   the interface: taken, lost, taken again; what is said of it
 *	xdp_io.c     receiving and sending
 *	xdp_batch.c, xdp_live.c   sending many with one call
 *	xdp_queue.c  one socket; xdp_prog.c the XDP program; xdp_umem.c memory
 *
 * Place      private to those files.
 * Threads    all of it is its worker's, but for opening and closing.
 * Frames     each of the port's n_frames is in one place: free[], a ring of a
 *            queue, lent[] or on its way out; umem->owner[] knows whose it is.
 */
#pragma once

#include "base/ns.h"
#include "port/nic.h"
#include "port/port.h"
#include "port/vnet.h"
#include "port/xdp_live.h"
#include "port/xdp_prog.h"
#include "port/xdp_queue.h"

enum {
	XDP_MAX_QUEUES = 64,
	XDP_LONG_SIZE = 1 << 16, /* a frame in pieces, and one octet */
	XDP_LONGS_LENT = 32,	 /* such frames at once */
	XDP_LONGS = XDP_LONGS_LENT + XDP_MAX_QUEUES,
	XDP_ALL = -1,  /* queues */
	XDP_NONE = -1, /* long buffer, descriptor */
	XDP_CUT = -2,  /* in the place of a long buffer: vnet's */
};

enum xdp_state {
	XDP_WORKS,
	XDP_DOWN, /* the interface is there, but nobody switched it on */
	XDP_GONE, /* no interface, no sockets */
};

enum xdp_send {
	XDP_SEND_ANY, /* in batches if the kernel allows it and would copy */
	XDP_SEND_SOCKET,
	XDP_SEND_BATCH,
	XDP_SEND_LIVE, /* as live frames while the interface can */
};

/* Where a lent packet lies. */
struct xdp_lent {
	uint32_t frame; /* unless it is in a long buffer */
	int16_t in_long; /* its number, XDP_NONE, XDP_CUT */
	uint16_t queue;	 /* of the interface, that it came in by */
};

struct xdp {
	/* to receive and send */
	enum xdp_state state;
	struct xdp_umem *umem;
	unsigned half;
	unsigned n_queues;
	unsigned turn;	   /* the queue that is read first */
	unsigned max_len;  /* of a frame, by the MTU */
	unsigned pieces;   /* of such a frame, to be sent */
	uint32_t n_free;
	uint32_t n_frames; /* a constant */
	uint32_t *free;	   /* frames that are nowhere */
	unsigned n_lent;
	struct xdp_lent lent[PORT_BURST];
	uint8_t *longs;	   /* XDP_LONGS of XDP_LONG_SIZE */
	unsigned n_free_longs;
	int free_longs[XDP_LONGS];
	struct vnet *cutter; /* of merged segments; NULL in native mode */
	int cutting;	   /* the long buffer that it cuts, XDP_NONE */
	uint16_t cutting_queue; /* that it came in by */
	struct xdp_queue queues[XDP_MAX_QUEUES]; /* the first one sends */
	struct xdp_batch batch; /* or this does, if it is open */
	struct xdp_batch live;	/* or this, while is_live */
	bool is_live;
	/* to come and go */
	struct nic nic;	   /* the interface, as it was taken */
	ns_t look_at;	   /* when to look at it again */
	uint64_t ring_lost; /* of rx_lost: what the kernel counts of sockets */
	bool has_warned;   /* of merged segments */
	bool has_failed;   /* to take it again, and said so */
	int epoll;
	int promisc;	   /* holds the interface so; XDP_NONE */
	struct xdp_prog prog;
	/* what was asked for */
	char name[IF_NAMESIZE];
	int queue;	   /* XDP_ALL */
	enum xdp_mode mode;
	enum xdp_copy copy;
	unsigned busy_poll_us; /* 0 = no */
	enum xdp_send send;
};

static inline uint8_t *
xdp_long(const struct xdp *x, int i)
{
	return x->longs + (size_t)i * XDP_LONG_SIZE;
}

/* A frame that is nowhere else. */
static inline void
xdp_free(struct xdp *x, uint32_t frame)
{
	if (likely(x->n_free < x->n_frames))
		x->free[x->n_free++] = frame;
}
