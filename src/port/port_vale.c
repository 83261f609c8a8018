/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A port of a VALE switch, or the end of a netmap pipe, over one pair of netmap
 * rings.
 *
 * rx lends the slots [head, head + lent) of the receive ring and release moves
 * head over them.  tx exchanges buffers with the slots it is given if both
 * ports live in one arena, else it copies the frame.  A frame in several slots
 * is more than the rules could look at: each of its slots is lent with length
 * 0, which nothing lets pass.
 *
 * An interface of the host, by netmap's kernel module, hands over what the stack
 * of a neighbour left to a card: checksums are finished here; of segments and
 * VLAN tags we say who leaves them.
 */
#include "port/kinds.h"

#include "base/log.h"
#include "packet/partial.h"
#include "port/nic.h"
#include "vale/nmkernel.h"
#include "vale/nmport.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One ring.  What decides an access is kept here: the ring itself lies in
 * memory that others can write. */
struct side {
	struct netmap_ring *ring;
	uint32_t n_slots;
	uint32_t head;
};

struct vale {
	struct nmport *nm;
	struct side rx;
	struct side tx;
	uint8_t *bufs;	   /* buffer 0 */
	uint32_t stride;   /* from one buffer to the next */
	uint32_t n_bufs;
	unsigned lent;	   /* slots that rx handed out */
	bool in_chain;	   /* the last of them was not the end of its frame */
	bool is_nic;	   /* an interface of the host's */
	bool has_warned;   /* of frames in several slots */
};

static void
side_init(struct side *s, struct netmap_ring *r)
{
	s->ring = r;
	s->n_slots = r->num_slots;
	s->head = r->head;
}

/* Slots from head to the ring's tail; a tail out of range counts as none. */
static unsigned
side_space(const struct side *s)
{
	uint32_t tail = *(volatile uint32_t *)&s->ring->tail;

	if (unlikely(tail >= s->n_slots))
		return 0;
	return tail >= s->head ? tail - s->head : tail + s->n_slots - s->head;
}

static uint32_t
side_next(const struct side *s, uint32_t k)
{
	return unlikely(k + 1 == s->n_slots) ? 0 : k + 1;
}

static void
side_move(struct side *s, uint32_t head)
{
	s->head = s->ring->head = s->ring->cur = head;
}

/* The memory of a slot's buffer; a bad index leads to buffer 0, which nobody
 * uses. */
static uint8_t *
buf_of(const struct vale *v, const struct netmap_slot *s)
{
	uint32_t idx = *(const volatile uint32_t *)&s->buf_idx;

	if (unlikely(idx >= v->n_bufs))
		idx = 0;
	return v->bufs + (size_t)idx * v->stride;
}

/* What the module does not hand over, and what mends it. */
static void
tell_limits(const struct port *p, const char *name, const struct nic *n)
{
	if (strcmp(n->driver, "veth") == 0)
		log_msg(LOG_INFO, "%s: segments and VLAN tags come as its veth "
		    "peer leaves them; mended by: ethtool -K PEER tso off gso "
		    "off txvlan off", p->name);
	else if (n->merges || n->takes_tags)
		log_msg(LOG_WARN, "%s: its card%s%s, which is not understood; "
		    "mended by: ethtool -K %s%s%s", p->name,
		    n->merges ? " merges segments" : "",
		    n->takes_tags ? " takes VLAN tags out" : "",
		    name, n->merges ? " gro off lro off" : "",
		    n->takes_tags ? " rxvlan off" : "");
}

/* "netmap:IF", "netmap:IF-ring", by the kernel's module: is it an interface? */
static bool
is_nic(const struct port *p, const char *name)
{
	char nic[IF_NAMESIZE] = "";
	struct nic n;
	struct err e;
	size_t len;

	if (p->ops != &port_netmap || !nmkernel_has(name))
		return false;
	name += strlen(port_netmap.kind);
	len = strcspn(name, "-^{}/");
	if (len >= sizeof(nic) || name[len] == '{' || name[len] == '}')
		return false;
	memcpy(nic, name, len);
	if (nic_look(nic, &n, &e) != 0)
		return false;
	tell_limits(p, nic, &n);
	return true;
}

static int
vale_open(struct port *p, const char *name, struct err *e)
{
	struct vale *v;
	struct nmport *nm;
	int rc = nmport_open_any(name, &(struct nmport_cfg){0}, &nm, e);

	if (rc != 0)
		return rc;
	if (nmport_rxring(nm, 1) != NULL) { /* of an interface */
		nmport_close(nm);
		return err_set(e, EINVAL, "port '%s': has several receive "
		    "rings; give it one (ethtool -L), or name one (NAME-0)",
		    name);
	}
	if ((v = calloc(1, sizeof(*v))) == NULL) {
		nmport_close(nm);
		return err_set(e, ENOMEM, "port '%s': no memory", name);
	}
	v->nm = nm;
	side_init(&v->rx, nmport_rxring(nm, 0));
	side_init(&v->tx, nmport_txring(nm, 0));
	v->bufs = nm_buf(v->rx.ring, 0);
	v->stride = v->rx.ring->nr_buf_size;
	v->n_bufs = nmport_n_bufs(nm);
	v->is_nic = is_nic(p, name);
	p->priv = v;
	p->nm = nm;
	p->fd = nmport_fd(nm);
	return 0;
}

static void
vale_close(struct port *p)
{
	struct vale *v = p->priv;

	nmport_close(v->nm);
	free(v);
}

/* The octets of the frame that the rules may see. */
static inline unsigned
len_of(struct vale *v, const struct netmap_slot *s)
{
	unsigned len = *(const volatile uint16_t *)&s->len;
	bool more = (*(const volatile uint16_t *)&s->flags & NS_MOREFRAG) != 0;

	if (unlikely(more || v->in_chain)) {
		v->in_chain = more;
		return 0;
	}
	return likely(len <= v->stride) ? len : v->stride;
}

/* What a neighbour's stack left to a card that there is not. */
static void
finish_all(struct port *p, const struct pkt *pkts, unsigned n)
{
	struct vale *v = p->priv;

	for (unsigned i = 0; i < n; i++) {
		if (likely(pkts[i].len > 0))
			partial_finish(pkts[i].data, pkts[i].len);
		else if (!v->has_warned) {
			v->has_warned = true;
			log_msg(LOG_WARN, "%s: merged segments are dropped; "
			    "ended by: ethtool -K %s gro off lro off, on veth: "
			    "ethtool -K PEER tso off gso off", p->name,
			    p->ifname);
		}
	}
}

static unsigned
vale_rx(struct port *p, struct pkt *pkts, unsigned max)
{
	struct vale *v = p->priv;
	uint64_t bytes = 0;
	uint32_t k = v->rx.head;
	unsigned n;

	if ((n = side_space(&v->rx)) < max) {
		nmport_rxsync(v->nm, 0);
		n = side_space(&v->rx);
	}
	if (n > max)
		n = max;
	for (unsigned i = 0; i < n; i++) {
		struct netmap_slot *s = &v->rx.ring->slot[k];
		unsigned len = len_of(v, s);

		pkts[i].data = buf_of(v, s);
		__builtin_prefetch(pkts[i].data);
		pkts[i].slot = s;
		pkts[i].len = (uint16_t)len;
		bytes += len;
		k = side_next(&v->rx, k);
	}
	v->lent = n;
	if (v->is_nic)
		finish_all(p, pkts, n);
	stat_add(&p->stats.rx_pkts, n);
	stat_add(&p->stats.rx_bytes, bytes);
	return n;
}

static void
vale_release(struct port *p)
{
	struct vale *v = p->priv;
	uint32_t head = v->rx.head + v->lent;

	side_move(&v->rx, head >= v->rx.n_slots ? head - v->rx.n_slots : head);
	v->lent = 0;
}

static unsigned
vale_room(struct port *p)
{
	struct vale *v = p->priv;

	return side_space(&v->tx);
}

/* Gives the frame's buffer to 'out' and the one of 'out' to where the frame
 * came from; both lie in one arena. */
static inline void
swap(struct netmap_slot *out, const struct pkt *pkt)
{
	struct netmap_slot *in = pkt->slot;
	uint32_t idx = out->buf_idx;

	out->buf_idx = in->buf_idx;
	out->len = pkt->len;
	out->flags = NS_BUF_CHANGED;
	in->buf_idx = idx;
	in->flags = NS_BUF_CHANGED;
}

/* False if the frame is longer than a buffer. */
static bool
copy(const struct vale *v, struct netmap_slot *out, const struct pkt *pkt)
{
	if (unlikely(pkt->len > v->stride))
		return false;
	memcpy(buf_of(v, out), pkt->data, pkt->len);
	out->len = pkt->len;
	out->flags = 0;
	return true;
}

static unsigned
vale_tx(struct port *p, struct port *from, struct pkt *const *pkts, unsigned n)
{
	struct vale *v = p->priv;
	bool share = from->nm != NULL && nmport_same_arena(v->nm, from->nm);
	unsigned room = side_space(&v->tx);
	uint32_t k = v->tx.head;
	uint64_t bytes = 0;
	unsigned lost = 0;

	if (n > room)
		n = room;
	for (unsigned i = 0; i < n; i++) {
		struct netmap_slot *s = &v->tx.ring->slot[k];

		if (likely(share))
			swap(s, pkts[i]);
		else if (!copy(v, s, pkts[i])) {
			lost++;
			continue;
		}
		bytes += pkts[i]->len;
		k = side_next(&v->tx, k);
	}
	side_move(&v->tx, k);
	stat_add(&p->stats.tx_pkts, n - lost);
	stat_add(&p->stats.tx_bytes, bytes);
	stat_add(&p->stats.tx_lost, lost);
	return n;
}

static void
vale_kick(struct port *p)
{
	struct vale *v = p->priv;

	nmport_txsync(v->nm, 0);
}

static unsigned
vale_pending(struct port *p)
{
	struct vale *v = p->priv;

	return nmport_txpending(v->nm, 0);
}

static bool
vale_sleep_begin(struct port *p, unsigned flags)
{
	struct vale *v = p->priv;

	return nmport_sleep_begin(v->nm,
	    (flags & PORT_RX ? NMPORT_RX : 0) |
	    (flags & PORT_TX ? NMPORT_TX : 0));
}

static void
vale_sleep_end(struct port *p)
{
	struct vale *v = p->priv;

	nmport_sleep_end(v->nm);
}

/* The same over netmap's kernel module. */
const struct port_ops port_netmap = {
	.kind = "netmap:",
	.help = "netmap:IF        interface IF, by netmap's kernel module; a\n"
		"                   pipe, NAME{id or NAME}id, without it",
	.open = vale_open,
	.close = vale_close,
	.rx = vale_rx,
	.release = vale_release,
	.room = vale_room,
	.tx = vale_tx,
	.kick = vale_kick,
	.pending = vale_pending,
	.sleep_begin = vale_sleep_begin,
	.sleep_end = vale_sleep_end,
};

const struct port_ops port_vale = {
	.kind = "vale",
	.help = "valeX:p          port p of the userspace switch valeX\n"
		"  NAME{id, NAME}id  master or slave end of a netmap pipe",
	.open = vale_open,
	.close = vale_close,
	.rx = vale_rx,
	.release = vale_release,
	.room = vale_room,
	.tx = vale_tx,
	.kick = vale_kick,
	.pending = vale_pending,
	.sleep_begin = vale_sleep_begin,
	.sleep_end = vale_sleep_end,
};
