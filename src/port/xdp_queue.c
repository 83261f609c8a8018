/* SPDX-License-Identifier: BSD-2-Clause */
#include "port/xdp_queue.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <xdp/libxdp.h>

enum {
	SEND_BUFFER = 4 << 20, /* of what the kernel sends for us */
	POLL_BUDGET = 256,     /* packets of one busy poll */
	SOCKET_PREFER_BUSY_POLL = 69,
	SOCKET_BUSY_POLL_BUDGET = 70,
	XDP_TX_BUDGET = 9, /* option of AF_XDP: packets of one sendto() */
};

static int
make_umem(struct xdp_queue *q, const struct xdp_umem *u)
{
	const struct xsk_umem_config cfg = {
		.fill_size = q->size,
		.comp_size = q->size,
		.frame_size = XDP_FRAME_SIZE,
	};

	return xsk_umem__create(&q->umem, u->frames, u->size, &q->fill,
	    &q->comp, &cfg);
}

/* Binds with these flags.  What was made is gone if it fails. */
static int
bind_with(struct xdp_queue *q, const struct xdp_queue_cfg *cfg,
    const struct xdp_umem *u, unsigned flags)
{
	const struct xsk_socket_config sc = {
		.rx_size = q->size,
		.tx_size = q->size,
		.libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD,
		.bind_flags = (uint16_t)(flags | XDP_USE_NEED_WAKEUP),
	};
	int rc = make_umem(q, u);

	if (rc != 0)
		return rc;
	rc = xsk_socket__create(&q->xsk, cfg->name, cfg->queue, q->umem,
	    &q->rx, cfg->sends ? &q->tx : NULL, &sc);
	if (rc != 0) {
		xsk_umem__delete(q->umem);
		q->umem = NULL;
		return rc;
	}
	q->has_frags = (flags & XDP_BIND_FRAGS) != 0;
	return 0;
}

/* The ways to bind, the best first; a kernel, driver or mode that cannot do one
 * refuses it. */
static int
bind_best(struct xdp_queue *q, const struct xdp_queue_cfg *cfg,
    const struct xdp_umem *u)
{
	const unsigned frags = cfg->wants_frags ? XDP_BIND_FRAGS : 0;
	const struct {
		enum xdp_copy unless;
		unsigned flags;
	} ways[] = {
		{XDP_COPY_ALWAYS, XDP_ZEROCOPY | frags},
		{XDP_COPY_NONE, XDP_COPY | XDP_BIND_FRAGS},
		{XDP_COPY_NONE, XDP_COPY},
	};
	int rc = -EINVAL;

	for (unsigned i = 0; i < ARRAY_LEN(ways); i++) {
		if (cfg->copy == ways[i].unless)
			continue;
		rc = bind_with(q, cfg, u, ways[i].flags);
		if (rc == 0 || rc == -EBUSY || rc == -EPERM || rc == -ENODEV)
			return rc;
	}
	return rc;
}

static void
set_option(const struct xdp_queue *q, int level, int option, int value)
{
	/* Without it, it is slower, no more. */
	if (setsockopt(q->fd, level, option, &value, sizeof(value)) == -1)
		return;
}

static void
set_options(struct xdp_queue *q, const struct xdp_queue_cfg *cfg)
{
	struct xdp_options got = {0};
	socklen_t len = sizeof(got);

	set_option(q, SOL_SOCKET, SO_SNDBUFFORCE, SEND_BUFFER);
	set_option(q, SOL_XDP, XDP_TX_BUDGET, (int)q->size);
	if (cfg->busy_poll_us != 0) {
		q->busy_polls = true;
		set_option(q, SOL_SOCKET, SOCKET_PREFER_BUSY_POLL, 1);
		set_option(q, SOL_SOCKET, SO_BUSY_POLL,
		    (int)cfg->busy_poll_us);
		set_option(q, SOL_SOCKET, SOCKET_BUSY_POLL_BUDGET, POLL_BUDGET);
	}
	q->is_zero_copy = getsockopt(q->fd, SOL_XDP, XDP_OPTIONS, &got,
	    &len) == 0 && (got.flags & XDP_OPTIONS_ZEROCOPY) != 0;
}

static int
explain(const struct xdp_queue_cfg *cfg, int rc, struct err *e)
{
	switch (rc) {
	case -EPERM:
		return err_set(e, EPERM, "interface %s: no right to open an "
		    "AF_XDP socket: it takes root or CAP_NET_RAW", cfg->name);
	case -EBUSY:
		return err_set(e, EBUSY, "interface %s: queue %u is in use by "
		    "another AF_XDP socket", cfg->name, cfg->queue);
	case -ENOBUFS:
	case -ENOMEM:
		return err_set(e, ENOMEM, "interface %s: no memory that can be "
		    "locked for an AF_XDP socket (ulimit -l, or CAP_IPC_LOCK)",
		    cfg->name);
	case -EAFNOSUPPORT:
		return err_set(e, -rc, "this kernel has no AF_XDP sockets");
	case -EOPNOTSUPP:
		if (cfg->copy == XDP_COPY_NONE)
			return err_set(e, -rc, "interface %s: queue %u: its "
			    "driver cannot receive without a copy", cfg->name,
			    cfg->queue);
		break;
	}
	return err_set(e, -rc, "interface %s: queue %u: AF_XDP socket: %s",
	    cfg->name, cfg->queue, strerror(-rc));
}

int
xdp_queue_open(struct xdp_queue *q, const struct xdp_queue_cfg *cfg,
    const struct xdp_umem *u, struct err *e)
{
	int rc;

	libxdp_set_print(NULL); /* what it would say is in our error */
	memset(q, 0, sizeof(*q));
	q->fd = q->gather = -1;
	q->size = cfg->size;
	q->number = (uint16_t)cfg->queue;
	if ((rc = bind_best(q, cfg, u)) != 0)
		return explain(cfg, rc, e);
	q->fd = xsk_socket__fd(q->xsk);
	set_options(q, cfg);
	return 0;
}

void
xdp_queue_close(struct xdp_queue *q)
{
	if (q->xsk != NULL)
		xsk_socket__delete(q->xsk);
	if (q->umem != NULL)
		xsk_umem__delete(q->umem);
	q->xsk = NULL;
	q->umem = NULL;
	q->fd = -1;
}
