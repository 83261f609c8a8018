/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A network interface by AF_XDP: "xdp:IF[/QUEUE][,options]".
 *
 * rx lends frames out of the rx rings and gives the kernel free ones for them.
 * tx exchanges a frame with the port that lent it if both live in one UMEM,
 * else it copies.  A frame in several pieces (a large MTU) is gathered into one
 * of a few long buffers, and cut again on the way out.
 *
 * An interface that is down loses what is sent to it; one that is gone is
 * looked for every LOOK_NS and taken again.
 */
#include "port/kinds.h"

#include "base/clock.h"
#include "base/log.h"
#include "packet/partial.h"
#include "packet/proto.h"
#include "port/args.h"
#include "port/nic.h"
#include "port/xdp_prog.h"
#include "port/xdp_queue.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	MAX_QUEUES = 64,
	QUEUE_SIZE = 2048,  /* of the rings of a single queue */
	QUEUES_SIZE = 1024, /* of each of several */
	LEAST_SIZE = 64,
	REFILL = 64,	    /* frames worth an update of the fill ring */
	LONG_SIZE = 1 << 16, /* a frame in pieces, and one octet */
	N_LONG = 32,	    /* such frames lent at once */
	NONE = -1,
	HEADROOM = 256,	    /* what the kernel leaves before a frame */
	BUSY_RETRIES = 50,  /* after a process that was killed: its socket */
	BUSY_WAIT_US = 20000, /* ends a little later */
	BUSY_POLL_US = 20,
};
#define LOOK_NS (250 * NS_PER_MS)

enum state {
	WORKS,
	IS_DOWN, /* the interface is there, but nobody switched it on */
	IS_GONE, /* no interface, no sockets */
};

/* Where a lent packet lies. */
struct lent {
	uint32_t frame; /* unless it is in a long buffer */
	int in_long;	/* its number, NONE */
};

struct xdp {
	struct xdp_umem *umem;
	unsigned half;
	unsigned n_queues;
	unsigned turn;	   /* the queue that is read first */
	enum state state;
	uint32_t *free;	   /* frames that are nowhere */
	uint32_t n_free;
	uint32_t n_frames; /* all that are ours, a constant */
	unsigned pieces;   /* of the longest frame the MTU allows */
	unsigned n_lent;
	struct lent lent[PORT_BURST];
	uint8_t *longs;	   /* N_LONG + MAX_QUEUES buffers of LONG_SIZE */
	int free_longs[N_LONG + MAX_QUEUES];
	unsigned n_longs;
	uint64_t lost;	   /* by this port: down, gone, too long */
	ns_t look_at;	   /* when to look at the interface again */
	unsigned index;	   /* of the interface */
	int epoll;
	int promisc;
	char name[IF_NAMESIZE];
	int only;	   /* the queue that was asked for, NONE = all */
	enum xdp_mode mode; /* that was asked for */
	enum xdp_copy copy;
	unsigned busy_poll_us;
	struct xdp_prog prog;
	struct xdp_queue queues[MAX_QUEUES]; /* the first one sends */
};

static ns_t
now_coarse(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return (ns_t)ts.tv_sec * NS_PER_S + (ns_t)ts.tv_nsec;
}

/* ---- frames ---- */

static inline void
frame_free(struct xdp *x, uint32_t frame)
{
	if (likely(x->n_free < x->n_frames))
		x->free[x->n_free++] = frame;
}

/* The kernel has none of our frames any more: finds all that are ours. */
static void
frames_reset(struct xdp *x)
{
	x->n_free = 0;
	for (uint32_t i = 0; i < x->umem->n_frames; i++) {
		if (x->umem->owner[i] == x->half)
			frame_free(x, i);
	}
	x->n_longs = 0;
	for (int i = 0; i < N_LONG + MAX_QUEUES; i++)
		x->free_longs[x->n_longs++] = i;
}

static uint8_t *
long_buf(const struct xdp *x, int i)
{
	return x->longs + (size_t)i * LONG_SIZE;
}

/* Gives the kernel frames to receive into. */
static void
refill(struct xdp *x, struct xdp_queue *q)
{
	uint32_t want = q->size - q->n_in_rx, at;

	if (want > x->n_free)
		want = x->n_free;
	if (want < REFILL && want < q->size / 2)
		return;
	if (xsk_ring_prod__reserve(&q->fill, want, &at) != want)
		return;
	for (uint32_t i = 0; i < want; i++)
		*xsk_ring_prod__fill_addr(&q->fill, at + i) =
		    (uint64_t)x->free[--x->n_free] << XDP_FRAME_SHIFT;
	xsk_ring_prod__submit(&q->fill, want);
	q->n_in_rx += want;
}

/* Takes back the frames that were sent. */
static void
reclaim(struct xdp *x)
{
	struct xdp_queue *q = &x->queues[0];
	uint32_t at, n = xsk_ring_cons__peek(&q->comp, q->size, &at);

	for (uint32_t i = 0; i < n; i++) {
		uint64_t addr = *xsk_ring_cons__comp_addr(&q->comp, at + i);

		if (likely(addr < x->umem->size))
			frame_free(x, (uint32_t)(addr >> XDP_FRAME_SHIFT));
	}
	if (n > 0)
		xsk_ring_cons__release(&q->comp, n);
}

/* ---- receiving ---- */

/* Adds a piece to the frame that the queue gathers; true if that was the last
 * one and the frame fits. */
static bool
gather(struct xdp *x, struct xdp_queue *q, const struct xdp_desc *d,
    struct pkt *pkt, struct lent *l)
{
	bool more = (d->options & XDP_DESC_MORE) != 0;
	int i = (int)((q->gather - x->longs) / LONG_SIZE);

	if (q->gathered + (uint64_t)d->len < LONG_SIZE) {
		memcpy(q->gather + q->gathered, x->umem->frames + d->addr,
		    d->len);
		q->gathered += d->len;
	} else {
		q->gathered = LONG_SIZE; /* nothing more fits */
	}
	frame_free(x, (uint32_t)(d->addr >> XDP_FRAME_SHIFT));
	if (more)
		return false;
	if (q->gathered == LONG_SIZE) {
		x->lost++;
		x->free_longs[x->n_longs++] = i;
		q->gather = NULL;
		return false;
	}
	*l = (struct lent){.in_long = i};
	pkt->data = q->gather;
	pkt->len = (uint16_t)q->gathered;
	q->gather = NULL;
	return true;
}

/* Begins a frame in pieces; false if there is no buffer now. */
static bool
gather_begin(struct xdp *x, struct xdp_queue *q)
{
	if (x->n_longs == 0)
		return false;
	q->gather = long_buf(x, x->free_longs[--x->n_longs]);
	q->gathered = 0;
	return true;
}

/* Reads up to max packets of one queue. */
static unsigned
queue_rx(struct xdp *x, struct xdp_queue *q, struct pkt *pkts,
    struct lent *lent, unsigned max)
{
	uint32_t at, i, n_got = 0;
	uint32_t n = xsk_ring_cons__peek(&q->rx, max, &at);

	for (i = 0; i < n; i++) {
		const struct xdp_desc d = *xsk_ring_cons__rx_desc(&q->rx,
		    at + i);

		if (unlikely(d.addr >= x->umem->size ||
		    d.len > x->umem->size - d.addr)) {
			x->lost++;
			continue;
		}
		if (unlikely((d.options & XDP_DESC_MORE) != 0 ||
		    q->gather != NULL)) {
			if (q->gather == NULL && !gather_begin(x, q))
				break;
			n_got += gather(x, q, &d, &pkts[n_got], &lent[n_got]);
			continue;
		}
		pkts[n_got].data = x->umem->frames + d.addr;
		__builtin_prefetch(pkts[n_got].data);
		pkts[n_got].len = (uint16_t)d.len;
		lent[n_got++] = (struct lent){
		    (uint32_t)(d.addr >> XDP_FRAME_SHIFT), NONE};
	}
	if (i < n)
		xsk_ring_cons__cancel(&q->rx, n - i);
	if (i > 0)
		xsk_ring_cons__release(&q->rx, i);
	q->n_in_rx -= i;
	return n_got;
}

/* The driver sleeps until it is told that there are frames to fill, or polls
 * only when we ask. */
static void
wake_rx(struct xdp_queue *q, bool is_empty)
{
	if (unlikely((q->busy_polls && is_empty) ||
	    xsk_ring_prod__needs_wakeup(&q->fill)))
		recvfrom(q->fd, NULL, 0, MSG_DONTWAIT, NULL, NULL);
}

static void look(struct port *p);

static unsigned
xdp_rx(struct port *p, struct pkt *pkts, unsigned max)
{
	struct xdp *x = p->priv;
	uint64_t bytes = 0;
	unsigned n = 0;

	for (unsigned i = 0; i < x->n_queues && n < max; i++) {
		struct xdp_queue *q = &x->queues[x->turn];
		unsigned got;

		refill(x, q);
		got = queue_rx(x, q, pkts + n, x->lent + n, max - n);
		wake_rx(q, got == 0);
		n += got;
		x->turn = x->turn + 1 < x->n_queues ? x->turn + 1 : 0;
	}
	if (n == 0) {
		look(p);
		return 0;
	}
	for (unsigned i = 0; i < n; i++) {
		partial_finish(pkts[i].data, pkts[i].len);
		pkts[i].slot = &x->lent[i];
		bytes += pkts[i].len;
	}
	x->n_lent = n;
	stat_add(&p->stats.rx_pkts, n);
	stat_add(&p->stats.rx_bytes, bytes);
	return n;
}

static void
xdp_release(struct port *p)
{
	struct xdp *x = p->priv;

	for (unsigned i = 0; i < x->n_lent; i++) {
		if (likely(x->lent[i].in_long == NONE))
			frame_free(x, x->lent[i].frame);
		else
			x->free_longs[x->n_longs++] = x->lent[i].in_long;
	}
	x->n_lent = 0;
}

/* ---- sending ---- */

/* Descriptors that the kernel has not taken yet. */
static unsigned
xdp_pending(struct port *p)
{
	struct xdp *x = p->priv;
	const struct xsk_ring_prod *tx = &x->queues[0].tx;

	if (x->state != WORKS)
		return 0;
	return tx->cached_prod - __atomic_load_n(tx->consumer,
	    __ATOMIC_ACQUIRE);
}

static unsigned
xdp_room(struct port *p)
{
	struct xdp *x = p->priv;
	uint32_t room;

	if (unlikely(x->state != WORKS))
		return PORT_BURST; /* where there is no link, all is lost */
	if (x->n_free < PORT_BURST * x->pieces)
		reclaim(x);
	room = xsk_prod_nb_free(&x->queues[0].tx, PORT_BURST * x->pieces);
	if (room > x->n_free)
		room = x->n_free;
	return room / x->pieces;
}

/* Sends the frame itself, and gives the lender a free one for it. */
static bool
swap(struct xdp *x, struct xdp *from, const struct pkt *pkt,
    struct xdp_desc *d)
{
	struct lent *l = pkt->slot;
	size_t at = (size_t)(pkt->data - x->umem->frames);
	uint32_t ours;

	if (unlikely(l->in_long != NONE || at >> XDP_FRAME_SHIFT != l->frame ||
	    (at & (XDP_FRAME_SIZE - 1)) + pkt->len > XDP_FRAME_SIZE))
		return false;
	ours = x->free[--x->n_free];
	*d = (struct xdp_desc){.addr = at, .len = pkt->len};
	x->umem->owner[l->frame] = (uint8_t)x->half;
	x->umem->owner[ours] = (uint8_t)from->half;
	l->frame = ours;
	return true;
}

/* Copies the frame into as many of ours as it takes, up to n; they are there.
 * Returns how many, 0 if they were not enough. */
static unsigned
copy(struct xdp *x, const struct pkt *pkt, uint32_t at, unsigned n)
{
	unsigned wants = (pkt->len + XDP_FRAME_SIZE - 1u) / XDP_FRAME_SIZE;
	unsigned left = pkt->len;

	if (wants > n)
		return 0;
	for (unsigned i = 0; i < wants; i++) {
		struct xdp_desc *d = xsk_ring_prod__tx_desc(&x->queues[0].tx,
		    at + i);
		uint32_t frame = x->free[--x->n_free];
		unsigned len = left < XDP_FRAME_SIZE ? left : XDP_FRAME_SIZE;

		memcpy(xdp_frame(x->umem, frame),
		    pkt->data + i * XDP_FRAME_SIZE, len);
		left -= len;
		*d = (struct xdp_desc){
		    .addr = (uint64_t)frame << XDP_FRAME_SHIFT, .len = len,
		    .options = left > 0 ? XDP_DESC_MORE : 0};
	}
	return wants;
}

/* Frames that cannot go out: shorter than a header, or longer than the socket
 * can send. */
static bool
cannot_go(const struct xdp *x, const struct pkt *pkt)
{
	return pkt->len < ETHER_LEN ||
	    (pkt->len > XDP_FRAME_SIZE && !x->queues[0].has_frags);
}

static unsigned
xdp_tx(struct port *p, struct port *from, struct pkt *const *pkts, unsigned n)
{
	struct xdp *x = p->priv;
	struct xsk_ring_prod *tx = &x->queues[0].tx;
	struct xdp *lender = from->ops == &port_xdp ? from->priv : NULL;
	bool share = lender != NULL && lender->umem == x->umem;
	uint64_t bytes = 0;
	uint32_t at = tx->cached_prod;
	unsigned room, i, lost = 0;

	if (unlikely(x->state != WORKS)) {
		x->lost += n;
		return n;
	}
	room = xsk_prod_nb_free(tx, n * x->pieces);
	for (i = 0; i < n && room > 0 && x->n_free > 0; i++) {
		unsigned most = room < x->n_free ? room : x->n_free;
		unsigned used = 1;

		if (unlikely(cannot_go(x, pkts[i]))) {
			lost++;
			continue;
		}
		if (!share || !swap(x, lender, pkts[i],
		    xsk_ring_prod__tx_desc(tx, at)))
			used = copy(x, pkts[i], at, most);
		if (used == 0)
			break;
		at += used;
		room -= used;
		bytes += pkts[i]->len;
	}
	xsk_ring_prod__submit(tx, at - tx->cached_prod);
	tx->cached_prod = at;
	x->lost += lost;
	stat_add(&p->stats.tx_pkts, i - lost);
	stat_add(&p->stats.tx_bytes, bytes);
	return i;
}

/* Makes the kernel send.  In copy mode it does so within the call. */
static void
xdp_kick(struct port *p)
{
	struct xdp *x = p->priv;
	struct xdp_queue *q = &x->queues[0];
	unsigned left = xdp_pending(p), before;

	while (left > 0 && xsk_ring_prod__needs_wakeup(&q->tx)) {
		ssize_t rc = sendto(q->fd, NULL, 0, MSG_DONTWAIT, NULL, 0);

		if (rc == -1 && (errno == ENETDOWN || errno == ENXIO)) {
			x->look_at = 0;
			look(p);
			break;
		}
		before = left;
		left = xdp_pending(p);
		if (rc != -1 || left == before)
			break;
	}
	if (x->state == WORKS)
		reclaim(x);
}

/* ---- sleeping ---- */

static bool
xdp_sleep_begin(struct port *p, unsigned flags)
{
	struct xdp *x = p->priv;

	look(p);
	if ((flags & PORT_TX) != 0 && xdp_pending(p) == 0 && xdp_room(p) > 0)
		return false;
	for (unsigned i = 0; i < x->n_queues && (flags & PORT_RX) != 0; i++) {
		if (xsk_cons_nb_avail(&x->queues[i].rx, 1) > 0)
			return false;
	}
	/* Nothing tells when a full device has room again: look soon. */
	p->fd = flags == PORT_RX ? x->epoll : -1;
	return true;
}

static void
xdp_sleep_end(struct port *p)
{
	(void)p;
}

/* ---- coming and going ---- */

static void
bring_down(struct xdp *x)
{
	xdp_prog_detach(&x->prog);
	for (unsigned i = 0; i < x->n_queues; i++)
		xdp_queue_close(&x->queues[i]);
	x->n_queues = 0;
	x->turn = 0;
	if (x->promisc >= 0)
		close(x->promisc);
	x->promisc = -1;
	frames_reset(x);
}

static int
open_queue(struct xdp *x, unsigned queue, const struct nic *nic,
    unsigned size, struct err *e)
{
	struct xdp_queue *q = &x->queues[x->n_queues];
	struct epoll_event ev = {.events = EPOLLIN};
	const struct xdp_queue_cfg cfg = {
		.name = x->name,
		.queue = queue,
		.size = size,
		.sends = x->n_queues == 0,
		.wants_frags = nic->mtu + ETHER_LEN + 2 * VLAN_LEN + HEADROOM >
		    XDP_FRAME_SIZE,
		.copy = x->prog.mode == XDP_MODE_GENERIC &&
			x->copy == XDP_COPY_ANY ? XDP_COPY_ALWAYS : x->copy,
		.busy_poll_us = x->busy_poll_us,
	};
	int rc = xdp_queue_open(q, &cfg, x->umem, e);

	if (rc != 0)
		return rc;
	x->n_queues++;
	refill(x, q);
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

	while (size * 2 * (n_queues + 1) <= x->n_frames &&
	    size < QUEUE_SIZE)
		size *= 2;
	return size;
}

/* Takes the interface: program, sockets, promiscuous mode. */
static int
bring_up(struct xdp *x, const struct nic *nic, struct err *e)
{
	unsigned first = x->only == NONE ? 0 : (unsigned)x->only;
	unsigned n = x->only == NONE ? nic->n_queues : 1;
	int rc;

	if (n > MAX_QUEUES)
		n = MAX_QUEUES;
	x->index = nic->index;
	x->pieces = (nic->mtu + ETHER_LEN + 2 * VLAN_LEN + XDP_FRAME_SIZE - 1) /
	    XDP_FRAME_SIZE;
	if (x->pieces > LONG_SIZE / XDP_FRAME_SIZE)
		x->pieces = LONG_SIZE / XDP_FRAME_SIZE;
	rc = xdp_prog_attach(&x->prog, x->name, nic->index, x->mode, e);
	for (unsigned i = 0; rc == 0 && i < n; i++)
		rc = open_queue(x, first + i, nic, ring_size(x, n), e);
	if (rc != 0) {
		bring_down(x);
		return rc;
	}
	x->promisc = nic_promisc(nic->index);
	x->state = nic->is_up ? WORKS : IS_DOWN;
	return 0;
}

/* Says what was got. */
static void
tell(const struct port *p, const struct nic *nic)
{
	const struct xdp *x = p->priv;

	log_msg(LOG_INFO, "%s: %s mode, %s, %u queue%s, mtu %u%s", p->name,
	    x->prog.mode == XDP_MODE_NATIVE ? "native" : "generic",
	    x->queues[0].is_zero_copy ? "zero-copy" : "copy", x->n_queues,
	    x->n_queues == 1 ? "" : "s", nic->mtu,
	    nic->is_up ? "" : ", interface is down");
}

/* Takes an interface that is there again. */
static void
come_back(struct port *p)
{
	struct xdp *x = p->priv;
	struct err e = {0};
	struct nic nic;

	if (nic_look(x->name, &nic, &e) != 0 || bring_up(x, &nic, &e) != 0)
		return;
	log_msg(LOG_INFO, "%s: the interface is back", p->name);
	tell(p, &nic);
}

static void
go_away(struct port *p)
{
	struct xdp *x = p->priv;

	bring_down(x);
	x->state = IS_GONE;
	log_msg(LOG_WARN, "%s: the interface is gone; waiting for it", p->name);
}

/* Looks now and then at whether the interface is there and up. */
static void
look(struct port *p)
{
	struct xdp *x = p->priv;
	ns_t now = now_coarse();
	bool is_up = false;
	unsigned index;

	if (now < x->look_at || x->n_lent != 0)
		return;
	x->look_at = now + LOOK_NS;
	index = nic_alive(x->name, &is_up);
	if (x->state != IS_GONE && index != x->index)
		go_away(p);
	if (x->state == IS_GONE) {
		if (index != 0)
			come_back(p);
		return;
	}
	if (is_up == (x->state == WORKS))
		return;
	x->state = is_up ? WORKS : IS_DOWN;
	log_msg(LOG_WARN, "%s: the interface is %s", p->name,
	    is_up ? "up again" : "down; waiting for it");
}

/* ---- opening ---- */

/* "IF[/QUEUE]" */
static int
take_name(struct xdp *x, const char *port, char *head, struct err *e)
{
	char *slash = strchr(head, '/'), *end;
	unsigned long queue;

	x->only = NONE;
	if (slash != NULL) {
		*slash++ = '\0';
		queue = strtoul(slash, &end, 10);
		if (*slash < '0' || *slash > '9' || *end != '\0' ||
		    queue >= 1024)
			return err_set(e, EINVAL,
			    "port '%s': '%s' is no queue's number", port,
			    slash);
		x->only = (int)queue;
	}
	if (*head == '\0' || strlen(head) >= IF_NAMESIZE)
		return err_set(e, EINVAL, "port '%s': '%s' is no name of an "
		    "interface", port, head);
	strcpy(x->name, head);
	return 0;
}

struct wishes {
	bool native, generic, skb, copy, zerocopy, busy_poll;
	uint64_t frames;
};

static int
take_wishes(struct xdp *x, const char *port, const struct wishes *w,
    struct err *e)
{
	bool generic = w->generic || w->skb;

	if (w->native && generic)
		return err_set(e, EINVAL,
		    "port '%s': either native or generic", port);
	if (w->zerocopy && (w->copy || generic))
		return err_set(e, EINVAL,
		    "port '%s': either zerocopy or %s", port,
		    w->copy ? "copy" : "generic");
	x->mode = w->native || w->zerocopy ? XDP_MODE_NATIVE :
	    generic ? XDP_MODE_GENERIC : XDP_MODE_ANY;
	x->copy = w->zerocopy ? XDP_COPY_NONE :
	    w->copy ? XDP_COPY_ALWAYS : XDP_COPY_ANY;
	x->busy_poll_us = w->busy_poll ? BUSY_POLL_US : 0;
	x->n_frames = (uint32_t)w->frames;
	return 0;
}

static int
parse_name(struct xdp *x, const char *name, struct err *e)
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
		{"frames", PORT_ARG_NUMBER, &w.frames, 4 * LEAST_SIZE,
		    XDP_FRAMES_MAX, 0},
		{NULL, 0, NULL, 0, 0, 0},
	};
	int rc = port_args(name, name + strlen(port_xdp.kind), head,
	    sizeof(head), args, e);

	if (rc != 0 || (rc = take_name(x, name, head, e)) != 0)
		return rc;
	return take_wishes(x, name, &w, e);
}

static int
get_memory(struct xdp *x, unsigned n_queues, struct err *e)
{
	size_t longs = (size_t)(N_LONG + MAX_QUEUES) * LONG_SIZE;
	int rc;

	if (x->n_frames == 0)
		x->n_frames = n_queues == 1 ? 2 * QUEUE_SIZE :
		    QUEUES_SIZE * (n_queues + 1);
	if (x->n_frames / (n_queues + 1) < LEAST_SIZE)
		return err_set(e, EINVAL, "interface %s: %u frames are too few "
		    "for %u queues", x->name, x->n_frames, n_queues);
	if ((rc = xdp_umem_get(x->n_frames, &x->umem, &x->half, e)) != 0)
		return rc;
	x->free = calloc(x->n_frames, sizeof(*x->free));
	x->longs = mmap(NULL, longs, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	x->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (x->free == NULL || x->longs == MAP_FAILED || x->epoll == -1)
		return err_set(e, ENOMEM, "interface %s: no memory", x->name);
	frames_reset(x);
	return 0;
}

static void
xdp_close(struct port *p)
{
	struct xdp *x = p->priv;

	if (x->umem != NULL && x->free != NULL)
		bring_down(x);
	if (x->epoll > 0)
		close(x->epoll);
	if (x->longs != NULL && x->longs != MAP_FAILED)
		munmap(x->longs, (size_t)(N_LONG + MAX_QUEUES) * LONG_SIZE);
	free(x->free);
	if (x->umem != NULL)
		xdp_umem_put(x->umem, x->half);
	free(x);
}

static int
open_it(struct port *p, const char *name, struct err *e)
{
	struct xdp *x = p->priv;
	struct nic nic;
	int rc;

	if ((rc = parse_name(x, name, e)) != 0 ||
	    (rc = nic_look(x->name, &nic, e)) != 0)
		return rc;
	if (x->only != NONE && (unsigned)x->only >= nic.n_queues)
		return err_set(e, EINVAL, "interface %s: there is no queue %d, "
		    "but %u in all, from 0", x->name, x->only, nic.n_queues);
	rc = get_memory(x, x->only != NONE || nic.n_queues == 1 ? 1 :
	    nic.n_queues < MAX_QUEUES ? nic.n_queues : MAX_QUEUES, e);
	if (rc != 0)
		return rc;
	for (unsigned i = 0; i < BUSY_RETRIES; i++) {
		if ((rc = bring_up(x, &nic, e)) != -EBUSY)
			break;
		usleep(BUSY_WAIT_US);
	}
	if (rc == 0)
		tell(p, &nic);
	return rc;
}

static int
xdp_open(struct port *p, const char *name, struct err *e)
{
	struct xdp *x = calloc(1, sizeof(*x));
	int rc;

	if (x == NULL)
		return err_set(e, ENOMEM, "port '%s': no memory", name);
	x->prog = XDP_PROG_NONE;
	x->promisc = -1;
	p->priv = x;
	if ((rc = open_it(p, name, e)) != 0) {
		xdp_close(p);
		return rc;
	}
	p->fd = x->epoll;
	return 0;
}

const struct port_ops port_xdp = {
	.kind = "xdp:",
	.help = "xdp:IF[/QUEUE]   a network interface by AF_XDP; options: "
		"kipfw(8)",
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
