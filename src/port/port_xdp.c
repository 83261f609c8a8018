/* SPDX-License-Identifier: BSD-2-Clause */
/* A network interface by AF_XDP: "xdp:IF[/QUEUE][,options]"; see xdp.h. */
#include "port/kinds.h"

#include "port/args.h"
#include "port/xdp_io.h"
#include "port/xdp_life.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	QUEUE_FRAMES = 2048, /* for each queue, and as many for sending */
	MANY_FRAMES = 1024,  /* the same if there are more than FEW queues */
	FEW = 3,
	LEAST_FRAMES = 64,
	BUSY_POLL_US = 20,
	BUSY_RETRIES = 50, /* the socket of a process that was killed ends */
	BUSY_WAIT_US = 20000, /* a little later */
};
#define LONGS_OCTETS ((size_t)XDP_LONGS * XDP_LONG_SIZE)

/* The options of the name. */
struct wishes {
	bool native, generic, skb, copy, zerocopy, busy_poll;
	uint64_t frames;
	char tx[8];
};

/* "IF[/QUEUE]" */
static int
take_head(struct xdp *x, const char *port, char *head, struct err *e)
{
	char *slash = strchr(head, '/'), *end;
	unsigned long queue;

	x->queue = XDP_ALL;
	if (slash != NULL) {
		*slash++ = '\0';
		queue = strtoul(slash, &end, 10);
		if (*slash < '0' || *slash > '9' || *end != '\0' ||
		    queue >= XDP_PROG_QUEUES)
			return err_set(e, EINVAL,
			    "port '%.60s': '%s' is no number of a queue", port,
			    slash);
		x->queue = (int)queue;
	}
	if (*head == '\0' || strlen(head) >= sizeof(x->name))
		return err_set(e, EINVAL, "port '%.60s': '%s' is no name of an "
		    "interface", port, head);
	strcpy(x->name, head);
	return 0;
}

/* "tx=HOW" */
static int
take_send(struct xdp *x, const char *port, const char *how, struct err *e)
{
	static const char *const names[] = {
		[XDP_SEND_ANY] = "",
		[XDP_SEND_SOCKET] = "socket",
		[XDP_SEND_BATCH] = "batch",
		[XDP_SEND_LIVE] = "live",
	};

	for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(how, names[i]) == 0) {
			x->send = (enum xdp_send)i;
			return 0;
		}
	}
	return err_set(e, EINVAL, "port '%.60s': tx=%s: none of socket, batch "
	    "and live", port, how);
}

static int
take_wishes(struct xdp *x, const char *port, const struct wishes *w,
    struct err *e)
{
	bool generic = w->generic || w->skb;

	if (generic && (w->native || w->zerocopy))
		return err_set(e, EINVAL, "port '%.60s': generic and %s do not "
		    "go together", port, w->native ? "native" : "zerocopy");
	if (w->zerocopy && w->copy)
		return err_set(e, EINVAL, "port '%.60s': copy and zerocopy do "
		    "not go together", port);
	x->mode = generic ? XDP_MODE_GENERIC :
	    w->native || w->zerocopy ? XDP_MODE_NATIVE : XDP_MODE_ANY;
	x->copy = w->zerocopy ? XDP_COPY_NONE :
	    w->copy ? XDP_COPY_ALWAYS : XDP_COPY_ANY;
	x->busy_poll_us = w->busy_poll ? BUSY_POLL_US : 0;
	x->n_frames = (uint32_t)w->frames;
	return take_send(x, port, w->tx, e);
}

static int
take_name(struct xdp *x, const char *name, struct err *e)
{
	char head[IF_NAMESIZE + 8];
	struct wishes w = {0};
	const struct port_arg args[] = {
		{"native", PORT_ARG_FLAG, &w.native, 0, 0, 0},
		{"generic", PORT_ARG_FLAG, &w.generic, 0, 0, 0},
		{"skb", PORT_ARG_FLAG, &w.skb, 0, 0, 0},
		{"copy", PORT_ARG_FLAG, &w.copy, 0, 0, 0},
		{"zerocopy", PORT_ARG_FLAG, &w.zerocopy, 0, 0, 0},
		{"busy-poll", PORT_ARG_FLAG, &w.busy_poll, 0, 0, 0},
		{"frames", PORT_ARG_NUMBER, &w.frames, 2 * LEAST_FRAMES,
		    XDP_FRAMES_MAX, 0},
		{"tx", PORT_ARG_TEXT, w.tx, 0, 0, sizeof(w.tx)},
		{0},
	};
	int rc = port_args(name, name + strlen(port_xdp.kind), head,
	    sizeof(head), args, e);

	if (rc != 0 || (rc = take_head(x, name, head, e)) != 0)
		return rc;
	return take_wishes(x, name, &w, e);
}

/* How many queues it will read. */
static unsigned
n_queues(const struct xdp *x)
{
	if (x->queue != XDP_ALL)
		return 1;
	return x->nic.now.n_queues < XDP_MAX_QUEUES ? x->nic.now.n_queues :
						  XDP_MAX_QUEUES;
}

static int
get_memory(struct xdp *x, struct err *e)
{
	unsigned n = n_queues(x), want = x->n_frames, least = want;
	int rc;

	if (want == 0) {
		want = (n > FEW ? MANY_FRAMES : QUEUE_FRAMES) * (n + 1);
		least = want / 2; /* rather than to copy */
	}
	if (want / (n + 1) < LEAST_FRAMES)
		return err_set(e, EINVAL, "interface %s: frames=%u: %u queues "
		    "need at least %u", x->name, want, n,
		    LEAST_FRAMES * (n + 1));
	if ((rc = xdp_umem_get(want, least, &x->umem, &x->half, e)) != 0)
		return rc;
	x->n_frames = x->umem->n_frames / 2;
	x->free = calloc(x->n_frames, sizeof(*x->free));
	x->longs = mmap(NULL, LONGS_OCTETS, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	x->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (x->free == NULL || x->longs == MAP_FAILED || x->epoll == -1)
		return err_set(e, ENOMEM, "interface %s: no memory", x->name);
	return 0;
}

static void
xdp_close(struct port *p)
{
	struct xdp *x = p->priv;

	xdp_leave(x);
	if (x->epoll != XDP_NONE)
		close(x->epoll);
	if (x->longs != MAP_FAILED)
		munmap(x->longs, LONGS_OCTETS);
	free(x->free);
	if (x->cutter != NULL)
		vnet_fini(x->cutter);
	free(x->cutter);
	if (x->umem != NULL)
		xdp_umem_put(x->umem, x->half);
	free(x);
}

static int
open_port(struct port *p, const char *name, struct err *e)
{
	struct xdp *x = p->priv;
	int rc;

	if ((rc = take_name(x, name, e)) != 0 ||
	    (rc = nic_look(x->name, &x->nic, e)) != 0)
		return rc;
	if (x->queue != XDP_ALL && (unsigned)x->queue >= x->nic.now.n_queues)
		return err_set(e, EINVAL, "interface %s: there is no queue %d: "
		    "it has %u, from 0 on", x->name, x->queue,
		    x->nic.now.n_queues);
	if ((rc = get_memory(x, e)) != 0)
		return rc;
	rc = xdp_take(p, e);
	for (unsigned i = 0; rc == -EBUSY && i < BUSY_RETRIES; i++) {
		usleep(BUSY_WAIT_US);
		rc = xdp_take(p, e);
	}
	return rc;
}

static int
xdp_open(struct port *p, const char *name, struct err *e)
{
	struct xdp *x = calloc(1, sizeof(*x));
	int rc;

	if (x == NULL)
		return err_set(e, ENOMEM, "port '%.60s': no memory", name);
	x->prog = XDP_PROG_NONE;
	x->batch = x->live = XDP_BATCH_NONE;
	x->promisc = x->epoll = XDP_NONE;
	x->longs = MAP_FAILED;
	x->cutting = XDP_NONE;
	p->priv = x;
	if ((rc = open_port(p, name, e)) != 0) {
		xdp_close(p);
		return rc;
	}
	p->fd = x->epoll;
	p->interface = x->queue == XDP_ALL;
	p->index = x->nic.now.index;
	p->peer = x->nic.peer;
	return 0;
}

const struct port_ops port_xdp = {
	.kind = "xdp:",
	.help = "xdp:IF[/QUEUE]   a network interface by AF_XDP; its options "
		"are in kipfw(8)",
	.open = xdp_open,
	.close = xdp_close,
	.rx = xdp_rx,
	.release = xdp_release,
	.room = xdp_room,
	.tx = xdp_tx,
	.kick = xdp_kick,
	.pending = xdp_pending,
	.sleep_begin = xdp_sleep_begin,
	.sleep_end = xdp_sleep_end,
};
