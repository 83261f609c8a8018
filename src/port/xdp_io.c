/* SPDX-License-Identifier: BSD-2-Clause */
#include "port/xdp_io.h"

#include "packet/partial.h"
#include "packet/proto.h"
#include "port/kinds.h"
#include "port/xdp_life.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

enum { REFILL = 64 }; /* frames worth an update of the fill ring */

void
xdp_refill(struct xdp *x, struct xdp_queue *q)
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

/* ---- receiving ---- */

/* Drops what came and is no packet. */
static void
refuse(struct port *p)
{
	stat_add(&p->stats.rx_lost, 1);
}

/* The long buffer 'i' holds a frame of 'len' octets, more than the link takes:
 * begins to cut it, if that can be. */
static void
begin_cut(struct port *p, const struct xdp_queue *q, int i, unsigned len)
{
	struct xdp *x = p->priv;
	struct offload o;

	if (x->cutter != NULL && len < XDP_LONG_SIZE &&
	    partial_merged(xdp_long(x, i), len, x->nic.now.mtu, &o) &&
	    vnet_take(x->cutter, xdp_long(x, i), len, &o, false)) {
		x->cutting = i;
		x->cutting_queue = q->number;
		return;
	}
	x->free_longs[x->n_free_longs++] = i;
	xdp_warn_merged(p);
	refuse(p);
}

/* Up to max segments of the frame that is being cut. */
static unsigned
give_cut(struct xdp *x, struct pkt *pkts, struct xdp_lent *lent, unsigned max)
{
	unsigned n = vnet_give(x->cutter, pkts, max);

	for (unsigned i = 0; i < n; i++)
		lent[i] = (struct xdp_lent){.in_long = XDP_CUT,
		    .queue = x->cutting_queue};
	if (vnet_is_idle(x->cutter)) { /* segments lie elsewhere */
		x->free_longs[x->n_free_longs++] = x->cutting;
		x->cutting = XDP_NONE;
	}
	return n;
}

/* Begins a frame in pieces; false if there is no buffer now. */
static bool
gather_begin(struct xdp *x, struct xdp_queue *q)
{
	if (x->n_free_longs == 0)
		return false;
	q->gather = x->free_longs[--x->n_free_longs];
	q->gathered = 0;
	return true;
}

/* Adds a piece to the frame that the queue gathers; true if the frame is whole
 * then, and a packet. */
static bool
gather(struct port *p, struct xdp_queue *q, const struct xdp_desc *d,
    struct pkt *pkt, struct xdp_lent *l)
{
	struct xdp *x = p->priv;
	uint8_t *buf = xdp_long(x, q->gather);
	int i = q->gather;

	if (q->gathered + d->len < XDP_LONG_SIZE)
		memcpy(buf + q->gathered, x->umem->frames + d->addr, d->len);
	q->gathered += d->len;
	xdp_free(x, (uint32_t)(d->addr >> XDP_FRAME_SHIFT));
	if ((d->options & XDP_DESC_MORE) != 0)
		return false;
	q->gather = XDP_NONE;
	if (q->gathered > x->max_len) {
		begin_cut(p, q, i, q->gathered);
		return false;
	}
	*l = (struct xdp_lent){.in_long = (int16_t)i, .queue = q->number};
	pkt->data = buf;
	pkt->len = (uint16_t)q->gathered;
	return true;
}

/* Takes a frame that lies in one piece. */
static inline void
take(struct xdp *x, const struct xdp_queue *q, const struct xdp_desc *d,
    struct pkt *pkt, struct xdp_lent *l)
{
	uint32_t frame = (uint32_t)(d->addr >> XDP_FRAME_SHIFT);

	pkt->data = x->umem->frames + d->addr;
	__builtin_prefetch(pkt->data);
	pkt->len = (uint16_t)d->len;
	*l = (struct xdp_lent){frame, XDP_NONE, q->number};
}

/* Reads up to max packets of one queue. */
static unsigned
queue_rx(struct port *p, struct xdp_queue *q, struct pkt *pkts,
    struct xdp_lent *lent, unsigned max)
{
	struct xdp *x = p->priv;
	uint32_t at, i, n_got = 0;
	uint32_t n = xsk_ring_cons__peek(&q->rx, max, &at);

	for (i = 0; i < n && x->cutting == XDP_NONE; i++) {
		const struct xdp_desc d = *xsk_ring_cons__rx_desc(&q->rx,
		    at + i);
		bool in_pieces = (d.options & XDP_DESC_MORE) != 0 ||
		    q->gather != XDP_NONE || d.len > x->max_len;

		if (unlikely(d.addr >= x->umem->size ||
			d.len > x->umem->size - d.addr)) {
			refuse(p);
			continue;
		}
		if (likely(!in_pieces)) {
			take(x, q, &d, &pkts[n_got], &lent[n_got]);
			n_got++;
			continue;
		}
		if (q->gather == XDP_NONE && !gather_begin(x, q))
			break;
		n_got += gather(p, q, &d, &pkts[n_got], &lent[n_got]);
	}
	if (unlikely(x->cutting != XDP_NONE))
		n_got += give_cut(x, pkts + n_got, lent + n_got, max - n_got);
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

unsigned
xdp_rx(struct port *p, struct pkt *pkts, unsigned max)
{
	struct xdp *x = p->priv;
	uint64_t bytes = 0;
	unsigned n = 0;

	if (unlikely(x->cutting != XDP_NONE))
		n = give_cut(x, pkts, x->lent, max);
	for (unsigned i = 0; i < x->n_queues && n < max &&
	     x->cutting == XDP_NONE; i++) {
		struct xdp_queue *q = &x->queues[x->turn];
		unsigned got;

		xdp_refill(x, q);
		got = queue_rx(p, q, pkts + n, x->lent + n, max - n);
		wake_rx(q, got == 0);
		n += got;
		x->turn = x->turn + 1 < x->n_queues ? x->turn + 1 : 0;
	}
	for (unsigned i = 0; i < n; i++) {
		partial_finish(pkts[i].data, pkts[i].len);
		pkts[i].slot = &x->lent[i];
		bytes += pkts[i].len;
	}
	x->n_lent = n;
	if (n == 0)
		xdp_look(p);
	stat_add(&p->stats.rx_pkts, n);
	stat_add(&p->stats.rx_bytes, bytes);
	return n;
}

void
xdp_release(struct port *p)
{
	struct xdp *x = p->priv;

	for (unsigned i = 0; i < x->n_lent; i++) {
		if (likely(x->lent[i].in_long == XDP_NONE))
			xdp_free(x, x->lent[i].frame);
		else if (x->lent[i].in_long != XDP_CUT)
			x->free_longs[x->n_free_longs++] = x->lent[i].in_long;
	}
	x->n_lent = 0;
	if (x->cutter != NULL)
		vnet_recycle(x->cutter);
	xdp_look(p);
}

/* ---- sending ---- */

/* Takes back the frames that were sent. */
static void
reclaim(struct xdp *x)
{
	struct xdp_queue *q = &x->queues[0];
	uint32_t at, n = xsk_ring_cons__peek(&q->comp, q->size, &at);

	for (uint32_t i = 0; i < n; i++) {
		uint64_t addr = *xsk_ring_cons__comp_addr(&q->comp, at + i);

		if (likely(addr < x->umem->size))
			xdp_free(x, (uint32_t)(addr >> XDP_FRAME_SHIFT));
	}
	if (n > 0)
		xsk_ring_cons__release(&q->comp, n);
}

/* Descriptors that the kernel has not taken yet. */
unsigned
xdp_pending(struct port *p)
{
	struct xdp *x = p->priv;
	const struct xsk_ring_prod *tx = &x->queues[0].tx;

	if (x->state != XDP_WORKS)
		return 0;
	return tx->cached_prod - __atomic_load_n(tx->consumer,
	    __ATOMIC_ACQUIRE);
}

unsigned
xdp_room(struct port *p)
{
	struct xdp *x = p->priv;
	uint32_t room;

	if (unlikely(x->state != XDP_WORKS))
		return PORT_BURST; /* where there is no link, all is lost */
	if (x->n_free < PORT_BURST * x->pieces)
		reclaim(x);
	room = xsk_prod_nb_free(&x->queues[0].tx, PORT_BURST * x->pieces);
	if (room > x->n_free)
		room = x->n_free;
	return room / x->pieces;
}

/* Sends the frame itself, and gives the lender a free one for it. */
static inline bool
swap(struct xdp *x, struct xdp *from, const struct pkt *pkt,
    struct xdp_desc *d)
{
	struct xdp_lent *l = pkt->slot;
	size_t at = (size_t)(pkt->data - x->umem->frames);
	uint32_t ours;

	if (unlikely(l->in_long != XDP_NONE ||
		at >> XDP_FRAME_SHIFT != l->frame ||
		(at & (XDP_FRAME_SIZE - 1)) + pkt->len > XDP_FRAME_SIZE))
		return false;
	ours = x->free[--x->n_free];
	*d = (struct xdp_desc){.addr = at, .len = pkt->len};
	x->umem->owner[l->frame] = (uint8_t)x->half;
	x->umem->owner[ours] = (uint8_t)from->half;
	l->frame = ours;
	return true;
}

/* Copies the frame into as many of ours as it takes, from descriptor 'at' on;
 * up to n are there.  Returns how many, 0 if those were not enough. */
static unsigned
copy(struct xdp *x, const struct pkt *pkt, uint32_t at, unsigned n)
{
	unsigned wants = (pkt->len + XDP_FRAME_SIZE - 1u) / XDP_FRAME_SIZE;
	unsigned left = pkt->len;

	if (wants > n)
		return 0;
	for (unsigned i = 0; i < wants; i++) {
		uint32_t frame = x->free[--x->n_free];
		unsigned len = left < XDP_FRAME_SIZE ? left : XDP_FRAME_SIZE;

		memcpy(xdp_frame(x->umem, frame),
		    pkt->data + i * XDP_FRAME_SIZE, len);
		left -= len;
		*xsk_ring_prod__tx_desc(&x->queues[0].tx, at + i) =
		    (struct xdp_desc){
			.addr = (uint64_t)frame << XDP_FRAME_SHIFT,
			.len = len,
			.options = left > 0 ? XDP_DESC_MORE : 0,
		    };
	}
	return wants;
}

/* Whether frames of that port lie in our memory, or a copy is wanted. */
static bool
shares(const struct xdp *x, const struct port *from)
{
	const struct xdp *lender = from->priv;

	return from->ops == &port_xdp && lender->umem == x->umem;
}

/* Frames that cannot go out: shorter than a header, longer than the MTU allows
 * or than the socket can send. */
static bool
cannot_go(const struct xdp *x, const struct pkt *pkt)
{
	return pkt->len < ETHER_LEN || pkt->len > x->max_len ||
	    (pkt->len > XDP_FRAME_SIZE && !x->queues[0].has_frags);
}

/* A batch has no frames in pieces, nor longer ones than its program takes. */
static bool
all_short(const struct xdp_batch *b, struct pkt *const *pkts, unsigned n)
{
	unsigned longest = 0;

	for (unsigned i = 0; i < n; i++)
		longest = pkts[i]->len > longest ? pkts[i]->len : longest;
	return longest <= b->max_len;
}

/* Where the batch's program finds the frame: where it lies, or a copy in one of
 * our free frames, which is free again when the batch has left. */
static inline uint32_t
place(const struct xdp *x, const struct xdp_batch *b, bool share,
    const struct pkt *pkt)
{
	size_t at = (size_t)(pkt->data - x->umem->frames);
	uint32_t frame;

	if (likely(share && at < x->umem->size))
		return (uint32_t)at;
	frame = x->free[x->n_free - 1 - b->list->n];
	memcpy(xdp_frame(x->umem, frame), pkt->data, pkt->len);
	return frame << XDP_FRAME_SHIFT;
}

/* Sends all of it, within the call. */
static unsigned
tx_batch(struct port *p, struct xdp_batch *b, struct port *from,
    struct pkt *const *pkts, unsigned n)
{
	struct xdp *x = p->priv;
	bool share = shares(x, from);
	uint64_t bytes = 0;
	unsigned sent = 0;

	for (unsigned i = 0; i < n; i++) {
		if (unlikely(cannot_go(x, pkts[i])))
			continue;
		xdp_batch_add(b, place(x, b, share, pkts[i]), pkts[i]->len);
		bytes += pkts[i]->len;
		if (b->list->n == b->most)
			sent += xdp_batch_send(b);
	}
	if (b->list->n > 0)
		sent += xdp_batch_send(b);
	stat_add(&p->stats.tx_pkts, sent);
	stat_add(&p->stats.tx_bytes, bytes);
	stat_add(&p->stats.tx_lost, n - sent);
	return n;
}

/* Hands as many to the socket as it has room for. */
static unsigned
tx_socket(struct port *p, struct port *from, struct pkt *const *pkts,
    unsigned n)
{
	struct xdp *x = p->priv;
	struct xsk_ring_prod *tx = &x->queues[0].tx;
	bool share = shares(x, from);
	uint64_t bytes = 0;
	uint32_t at = tx->cached_prod;
	uint32_t room = xsk_prod_nb_free(tx, n * x->pieces);
	unsigned i, lost = 0;

	for (i = 0; i < n && room > 0 && x->n_free > 0; i++) {
		unsigned used = 1;

		if (unlikely(cannot_go(x, pkts[i]))) {
			lost++;
			continue;
		}
		if (!share || !swap(x, from->priv, pkts[i],
		    xsk_ring_prod__tx_desc(tx, at)))
			used = copy(x, pkts[i], at,
			    room < x->n_free ? room : x->n_free);
		if (used == 0)
			break;
		at += used;
		room -= used;
		bytes += pkts[i]->len;
	}
	xsk_ring_prod__submit(tx, at - tx->cached_prod);
	tx->cached_prod = at;
	stat_add(&p->stats.tx_pkts, i - lost);
	stat_add(&p->stats.tx_bytes, bytes);
	stat_add(&p->stats.tx_lost, lost);
	return i;
}

/* Whether the batch can and should send these. */
static inline bool
suits(const struct xdp *x, const struct xdp_batch *b, unsigned least,
    struct pkt *const *pkts, unsigned n)
{
	return n >= least && b->prog >= 0 && x->n_free >= b->most &&
	    (x->max_len <= b->max_len || all_short(b, pkts, n));
}

unsigned
xdp_tx(struct port *p, struct port *from, struct pkt *const *pkts, unsigned n)
{
	struct xdp *x = p->priv;

	if (unlikely(x->state != XDP_WORKS)) {
		stat_add(&p->stats.tx_lost, n);
		return n;
	}
	if (n < XDP_BATCH_LEAST || xdp_pending(p) != 0)
		return tx_socket(p, from, pkts, n);
	if (x->is_live && suits(x, &x->live, XDP_LIVE_LEAST, pkts, n))
		return tx_batch(p, &x->live, from, pkts, n);
	if (suits(x, &x->batch, XDP_BATCH_LEAST, pkts, n))
		return tx_batch(p, &x->batch, from, pkts, n);
	return tx_socket(p, from, pkts, n);
}

/* In copy mode the kernel sends within the call, a bounded number. */
void
xdp_kick(struct port *p)
{
	struct xdp *x = p->priv;
	struct xdp_queue *q = &x->queues[0];
	unsigned left = xdp_pending(p), before;

	while (left > 0 && xsk_ring_prod__needs_wakeup(&q->tx)) {
		ssize_t rc = sendto(q->fd, NULL, 0, MSG_DONTWAIT, NULL, 0);

		if (rc == -1 && (errno == ENETDOWN || errno == ENXIO)) {
			xdp_look_now(p);
			return;
		}
		before = left;
		left = xdp_pending(p);
		if (rc != -1 || left == before)
			break;
	}
	if (x->state == XDP_WORKS)
		reclaim(x);
}

/* ---- sleeping ---- */

bool
xdp_sleep_begin(struct port *p, unsigned flags)
{
	struct xdp *x = p->priv;

	xdp_look(p);
	if ((flags & PORT_RX) != 0 && x->cutting != XDP_NONE)
		return false;
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

void
xdp_sleep_end(struct port *p)
{
	(void)p;
}
