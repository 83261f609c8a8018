/* SPDX-License-Identifier: BSD-2-Clause */
#include "port/xdp_life.h"

#include "base/log.h"
#include "packet/proto.h"
#include "port/nic_xdp.h"
#include "port/xdp_io.h"

#include <errno.h>
#include <linux/if_xdp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	QUEUE_SIZE = 2048, /* most entries of a ring */
	LEAST_SIZE = 4,
	HEADROOM = 256,	   /* what the kernel leaves before a frame */
	HEADERS = ETHER_LEN + 2 * VLAN_LEN, /* beside the MTU */
};
#define LOOK_NS (250 * NS_PER_MS)

/* ---- giving back ---- */

/* The kernel has none of our frames any more: finds all that are ours. */
static void
reset_frames(struct xdp *x)
{
	x->n_free = 0;
	for (uint32_t i = 0; i < x->umem->n_frames; i++) {
		if (x->umem->owner[i] == x->half)
			xdp_free(x, i);
	}
	for (x->n_free_longs = 0; x->n_free_longs < XDP_LONGS;
	     x->n_free_longs++)
		x->free_longs[x->n_free_longs] = (int)x->n_free_longs;
	x->cutting = XDP_NONE;
	if (x->cutter != NULL)
		vnet_forget(x->cutter);
}

/* In generic mode, what a neighbour has not cut, or the stack has merged, comes
 * as it is. */
static int
get_cutter(struct xdp *x, struct err *e)
{
	if (x->prog.mode != XDP_MODE_GENERIC || x->cutter != NULL)
		return 0;
	x->cutter = calloc(1, sizeof(*x->cutter));
	if (x->cutter == NULL || vnet_init(x->cutter) != 0)
		return err_set(e, ENOMEM, "interface %s: no memory", x->name);
	return 0;
}

void
xdp_leave(struct xdp *x)
{
	xdp_prog_detach(&x->prog);
	xdp_batch_close(&x->batch);
	xdp_batch_close(&x->live);
	x->is_live = false;
	for (unsigned i = 0; i < x->n_queues; i++)
		xdp_queue_close(&x->queues[i]);
	x->n_queues = x->turn = 0;
	x->ring_lost = 0;
	if (x->promisc >= 0)
		close(x->promisc);
	x->promisc = XDP_NONE;
}

/* ---- taking ---- */

static int
open_queue(struct xdp *x, unsigned queue, unsigned size, struct err *e)
{
	struct xdp_queue *q = &x->queues[x->n_queues];
	struct epoll_event ev = {.events = EPOLLIN};
	bool must_copy = x->prog.mode == XDP_MODE_GENERIC &&
	    x->copy == XDP_COPY_ANY;
	const struct xdp_queue_cfg cfg = {
		.name = x->name,
		.queue = queue,
		.size = size,
		.sends = x->n_queues == 0,
		.wants_frags = x->max_len + HEADROOM > XDP_FRAME_SIZE,
		.copy = must_copy ? XDP_COPY_ALWAYS : x->copy,
		.busy_poll_us = x->busy_poll_us,
	};
	int rc = xdp_queue_open(q, &cfg, x->umem, e);

	if (rc != 0)
		return rc;
	x->n_queues++;
	xdp_refill(x, q);
	if (epoll_ctl(x->epoll, EPOLL_CTL_ADD, q->fd, &ev) == -1)
		return err_set(e, errno, "interface %s: epoll: %s", x->name,
		    strerror(errno));
	return xdp_prog_add(&x->prog, queue, q->fd, e);
}

/* Entries of each ring, so that the frames suffice for all and for sending. */
static unsigned
ring_size(const struct xdp *x, unsigned n_queues)
{
	unsigned size = LEAST_SIZE;

	while (size * 2 * (n_queues + 1) <= x->n_frames && size < QUEUE_SIZE)
		size *= 2;
	return size;
}

static void
set_mtu(struct xdp *x, unsigned mtu)
{
	x->nic.now.mtu = mtu;
	x->max_len = mtu + HEADERS < XDP_LONG_SIZE ? mtu + HEADERS :
						     XDP_LONG_SIZE - 1;
	x->pieces = (x->max_len + XDP_FRAME_SIZE - 1) / XDP_FRAME_SIZE;
}

static int
open_all(struct xdp *x, struct err *e)
{
	unsigned first = x->queue == XDP_ALL ? 0 : (unsigned)x->queue;
	unsigned n = x->queue == XDP_ALL ? x->nic.now.n_queues : 1;
	int rc = xdp_prog_attach(&x->prog, x->name, x->nic.now.index, x->mode, e);

	if (n > XDP_MAX_QUEUES)
		n = XDP_MAX_QUEUES;
	for (unsigned i = 0; rc == 0 && i < n; i++)
		rc = open_queue(x, first + i, ring_size(x, n), e);
	return rc;
}

/* A socket that copies can be left aside for bursts. */
static int
open_batch(struct xdp *x, struct err *e)
{
	if (x->send == XDP_SEND_SOCKET)
		return 0;
	if (!x->queues[0].is_zero_copy &&
	    xdp_batch_open(&x->batch, x->umem, x->nic.now.index))
		return 0;
	if (x->send == XDP_SEND_ANY)
		return 0;
	return err_set(e, EOPNOTSUPP, "interface %s: tx=%s: %s", x->name,
	    x->send == XDP_SEND_LIVE ? "live" : "batch", x->queues[0].is_zero_copy ? "only where the kernel would copy" :
	    "not with this kernel and these rights");
}

static int
open_live(struct xdp *x, struct err *e)
{
	struct err why = {0};
	struct nic_xdp can;
	int rc;

	if (x->send != XDP_SEND_LIVE)
		return 0;
	if ((rc = nic_xdp_look(x->nic.now.index, &can)) != 0)
		return err_set(e, -rc, "interface %s: tx=live: the kernel does "
		    "not tell what the interface can: it wants Linux 6.3",
		    x->name);
	if ((rc = xdp_live_open(&x->live, x->umem, x->nic.now.index, &why)) != 0)
		return err_set(e, -rc, "interface %s: tx=live: %s", x->name,
		    why.text);
	return 0;
}

/* Live frames are lost, and nobody tells, if the interface cannot send what is
 * redirected to it. */
static bool
can_live(const struct xdp *x)
{
	struct nic_xdp can;

	return nic_xdp_look(x->nic.now.index, &can) == 0 &&
	    (can.features & NIC_XDP_XMIT) != 0;
}

/* The interface begins or ceases to take live frames. */
static void
look_live(struct port *p, bool tell)
{
	struct xdp *x = p->priv;
	bool can;

	if (x->live.prog < 0)
		return;
	can = can_live(x);
	if (can == x->is_live && !tell)
		return;
	x->is_live = can;
	if (can)
		log_msg(LOG_INFO, "%s: sends live frames", p->name);
	else
		log_msg(LOG_WARN, "%s: the interface takes no live frames: "
		    "batches instead%s", p->name,
		    strcmp(x->nic.driver, "veth") != 0 ? "" :
		    "; mended by: ethtool -K PEER gro on");
}

/* What a neighbour or a card does that AF_XDP cannot see, and what mends it. */
static void
tell_limits(const struct port *p)
{
	const struct xdp *x = p->priv;
	bool is_veth = strcmp(x->nic.driver, "veth") == 0;

	if (x->prog.has_tags || (!is_veth && !x->nic.takes_tags))
		return;
	log_msg(is_veth ? LOG_INFO : LOG_WARN, "%s: %s VLAN tags beside frames, "
	    "which is not understood; mended by: ethtool -K %s %s", p->name,
	    is_veth ? "its veth peer may leave" : "its card leaves",
	    is_veth ? "PEER" : x->name, is_veth ? "txvlan off" : "rxvlan off");
}

static void
tell(const struct port *p)
{
	const struct xdp *x = p->priv;

	log_msg(LOG_INFO, "%s: %s mode, %s, %u queue%s, mtu %u%s%s", p->name,
	    x->prog.mode == XDP_MODE_NATIVE ? "native" : "generic",
	    x->queues[0].is_zero_copy ? "zero-copy" : "copy", x->n_queues,
	    x->n_queues == 1 ? "" : "s", x->nic.now.mtu,
	    x->batch.prog >= 0 ? ", sends batches" : "",
	    x->nic.now.is_up ? "" : ", the interface is down");
	tell_limits(p);
}

int
xdp_take(struct port *p, struct err *e)
{
	struct xdp *x = p->priv;
	int rc;

	reset_frames(x);
	set_mtu(x, x->nic.now.mtu);
	if ((rc = open_all(x, e)) != 0 || (rc = open_batch(x, e)) != 0 ||
	    (rc = open_live(x, e)) != 0 || (rc = get_cutter(x, e)) != 0) {
		xdp_leave(x);
		return rc;
	}
	x->promisc = nic_promisc(x->nic.now.index);
	x->state = x->nic.now.is_up ? XDP_WORKS : XDP_DOWN;
	x->has_warned = false;
	tell(p);
	look_live(p, true);
	return 0;
}

/* ---- looking ---- */

/* What the sockets lost for want of room. */
static void
count_lost(struct port *p)
{
	struct xdp *x = p->priv;
	uint64_t lost = 0;

	for (unsigned i = 0; i < x->n_queues; i++) {
		struct xdp_statistics s = {0};
		socklen_t len = sizeof(s);

		if (getsockopt(x->queues[i].fd, SOL_XDP, XDP_STATISTICS, &s,
			&len) == 0)
			lost += s.rx_dropped + s.rx_ring_full;
	}
	if (lost > x->ring_lost)
		stat_add(&p->stats.rx_lost, lost - x->ring_lost);
	x->ring_lost = lost;
}

/* It was removed, or is another one of that name. */
static void
go_away(struct port *p)
{
	struct xdp *x = p->priv;

	xdp_leave(x);
	x->state = XDP_GONE;
	log_msg(LOG_WARN, "%s: the interface is gone; waiting for it", p->name);
}

static void
come_back(struct port *p)
{
	struct xdp *x = p->priv;
	struct err e = {0};

	if (nic_look(x->name, &x->nic, &e) == 0 && xdp_take(p, &e) == 0)
		log_msg(LOG_INFO, "%s: the interface is back", p->name);
	else if (!x->has_failed)
		log_msg(LOG_WARN, "%s: %s; trying on", p->name, e.text);
	x->has_failed = x->state == XDP_GONE;
}

/* Frames of queues that nobody reads would go to the host. */
static void
renew(struct port *p)
{
	struct xdp *x = p->priv;

	log_msg(LOG_INFO, "%s: the interface has other queues", p->name);
	xdp_leave(x);
	x->state = XDP_GONE;
	come_back(p);
}

static void
go_up_or_down(struct port *p, bool is_up)
{
	struct xdp *x = p->priv;

	x->state = is_up ? XDP_WORKS : XDP_DOWN;
	log_msg(LOG_WARN, "%s: the interface is %s", p->name,
	    is_up ? "up again" : "down; waiting for it");
}

static void
look_at(struct port *p)
{
	struct xdp *x = p->priv;
	struct nic_state now;
	bool there = nic_state(x->name, &now);

	if (x->state != XDP_GONE) {
		count_lost(p);
		if (!there || now.index != x->nic.now.index)
			go_away(p);
	}
	if (!there)
		return;
	if (x->state == XDP_GONE)
		come_back(p);
	else if (now.is_up != (x->state == XDP_WORKS))
		go_up_or_down(p, now.is_up);
	else if (x->queue == XDP_ALL && now.n_queues != x->nic.now.n_queues)
		renew(p);
	else if (now.mtu != x->nic.now.mtu)
		set_mtu(x, now.mtu);
	else
		look_live(p, false);
}

static ns_t
now_coarse(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return (ns_t)ts.tv_sec * NS_PER_S + (ns_t)ts.tv_nsec;
}

void
xdp_look(struct port *p)
{
	struct xdp *x = p->priv;
	ns_t now = now_coarse();

	if (likely(now < x->look_at) || x->n_lent != 0)
		return; /* packets that are lent lie in frames we would reset */
	x->look_at = now + LOOK_NS;
	look_at(p);
}

void
xdp_look_now(struct port *p)
{
	struct xdp *x = p->priv;

	x->look_at = 0;
	xdp_look(p);
}

void
xdp_warn_merged(struct port *p)
{
	struct xdp *x = p->priv;

	if (x->has_warned)
		return;
	x->has_warned = true;
	log_msg(LOG_WARN, "%s: frames longer than its mtu of %u%s are dropped; "
	    "ended by: ethtool -K %s tso off gso off%s", p->name, x->nic.now.mtu,
	    x->cutter != NULL ? " and not TCP" : "",
	    strcmp(x->nic.driver, "veth") == 0 ? "PEER" : x->name,
	    strcmp(x->nic.driver, "veth") == 0 ? "" : " gro off lro off");
}
