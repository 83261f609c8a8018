/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An interface of the host by AF_PACKET: what AF_XDP cannot have, and what
 * comes with segmentation left.
 *
 * rx reads a ring that the kernel writes (TPACKET_V2: each frame is there at
 * once, where blocks of V3 are handed over up to milliseconds late).  A slot
 * holds what a wire carries; a longer frame, with segmentation left, waits in
 * the socket's queue in the same order and is read from there, into memory that
 * is used again each burst: a ring of 64 kB a slot would be in no cache.  tx is
 * one sendmmsg a burst, straight from where the frames lie.  virtio's header
 * says on both ways what is left to do.
 *
 *	slot:  | tpacket2_hdr, sockaddr_ll | .. vnet header | frame ... |
 *	                                             tp_mac ^
 *	arena: | vnet header | long frame |..| vnet header | long frame |.. free
 *
 * The interface may go down, up, away and come back; then the socket is bound
 * anew.  The host's own stack sees what comes in, too.
 */
#include "port/kinds.h"

#include "base/bytes.h"
#include "base/log.h"
#include "packet/proto.h"
#include "port/args.h"
#include "port/nic.h"
#include "port/vnet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	SLOT_HEAD = 128,   /* most that the kernel puts before a frame */
	SLOT_ODD = 64,	   /* slots are odd multiples of it, so that they do
			    * not share sets of the caches */
	MTU_LEAST = 1950,
	MTU_MOST = 9216,
	BLOCK = 1 << 18,
	SLOTS = 1024,
	SLOTS_MIN = 32,
	SLOTS_MAX = 65536,
	SOCKBUF = 16 << 20, /* long frames that wait, each way */
	HDR = sizeof(struct offload),
	FRAME_MAX = 65536 + 64, /* a long frame */
	LEAD = 32,		/* before one: vnet header, a tag */
	ARENA = 512 << 10,	/* long frames of a burst */
	LOOK_EVERY = 4096, /* empty calls of rx between two looks at the news */
};

struct packet {
	struct nic_watch watch; /* of the interface */
	int fd;
	bool full;	    /* the last send found no room */
	bool losing;	    /* the ring has been full */
	bool told;	    /* that there are frames that cannot be cut */
	unsigned bound;	    /* index of the interface, 0 = none */
	unsigned n_empty;   /* calls of rx */
	uint8_t *ring;	    /* mapped: n_slots */
	size_t ring_size;
	unsigned slot_size;
	unsigned per_block; /* slots */
	unsigned n_slots;
	unsigned head;	    /* next slot to read */
	unsigned n_lent;    /* slots before it, the one being cut aside */
	uint8_t *arena;
	unsigned used;	    /* octets of it */
	struct vnet vnet;
	bool join;	    /* segments that follow each other */
	unsigned n_msgs;    /* of what is sent */
	struct vnet_out outs[PORT_BURST];
	struct iovec iov[3 * PORT_BURST]; /* two a message, one a packet */
	struct mmsghdr msgs[PORT_BURST];
};

static int
fail(struct port *p, const char *what, struct err *e)
{
	if (errno == EPERM)
		return err_set(e, EPERM, "port '%s': %s: this needs the "
		    "capability CAP_NET_RAW", p->name, what);
	return err_set(e, errno, "port '%s': %s: %s", p->name, what,
	    strerror(errno));
}

/* ---- life ---- */

static int
set_option(struct packet *k, int option, int value)
{
	return setsockopt(k->fd, SOL_PACKET, option, &value, sizeof(value));
}

/* Room for the frames of a link with this MTU. */
static unsigned
slot_size(unsigned mtu)
{
	unsigned n;

	if (mtu < MTU_LEAST)
		mtu = MTU_LEAST;
	if (mtu > MTU_MOST)
		mtu = MTU_MOST;
	n = (SLOT_HEAD + mtu + SLOT_ODD - 1) / SLOT_ODD;
	return (n | 1) * SLOT_ODD;
}

static int
map_ring(struct port *p, struct packet *k, unsigned n_slots, struct err *e)
{
	struct tpacket_req req = {.tp_block_size = BLOCK};

	k->slot_size = slot_size(k->watch.now.mtu);
	k->per_block = BLOCK / k->slot_size;
	req.tp_frame_size = k->slot_size;
	req.tp_block_nr = (n_slots + k->per_block - 1) / k->per_block;
	req.tp_frame_nr = req.tp_block_nr * k->per_block;
	if (setsockopt(k->fd, SOL_PACKET, PACKET_RX_RING, &req,
		sizeof(req)) == -1)
		return fail(p, "ring", e);
	k->n_slots = req.tp_frame_nr;
	k->ring_size = (size_t)req.tp_block_nr * BLOCK;
	k->ring = mmap(NULL, k->ring_size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_POPULATE, k->fd, 0);
	if (k->ring == MAP_FAILED) {
		k->ring = NULL;
		return fail(p, "ring", e);
	}
	return 0;
}

/* Ties the socket to the interface as it is now. */
static bool
tie(struct packet *k)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET,
	    .sll_protocol = htons(ETH_P_ALL),
	    .sll_ifindex = (int)k->watch.now.index};
	struct packet_mreq promisc = {.mr_ifindex = to.sll_ifindex,
	    .mr_type = PACKET_MR_PROMISC};

	k->bound = 0;
	if (bind(k->fd, (void *)&to, sizeof(to)) == -1 ||
	    setsockopt(k->fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promisc,
		sizeof(promisc)) == -1)
		return false;
	k->bound = k->watch.now.index;
	return true;
}

/* Without CAP_NET_ADMIN the buffer stays as it is. */
static void
enlarge(struct packet *k, int which)
{
	int size = SOCKBUF;

	if (setsockopt(k->fd, SOL_SOCKET, which, &size, sizeof(size)) == -1)
		return;
}

static int
open_socket(struct port *p, struct packet *k, uint64_t n_slots, bool qdisc,
    struct err *e)
{
	int rc;

	/* Protocol 0: nothing comes before it is bound. */
	k->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (k->fd == -1)
		return fail(p, "socket", e);
	if (set_option(k, PACKET_VERSION, TPACKET_V2) == -1 ||
	    set_option(k, PACKET_VNET_HDR, 1) == -1 ||
	    set_option(k, PACKET_IGNORE_OUTGOING, 1) == -1 ||
	    set_option(k, PACKET_RESERVE, 2 * VLAN_LEN) == -1 ||
	    set_option(k, PACKET_COPY_THRESH, 1) == -1 ||
	    set_option(k, PACKET_QDISC_BYPASS, !qdisc) == -1)
		return fail(p, "socket", e);
	enlarge(k, SO_SNDBUFFORCE);
	enlarge(k, SO_RCVBUFFORCE);
	if ((rc = map_ring(p, k, (unsigned)n_slots, e)) != 0)
		return rc;
	return tie(k) ? 0 : fail(p, "bind", e);
}

static void
packet_close(struct port *p)
{
	struct packet *k = p->priv;

	if (k->ring != NULL)
		munmap(k->ring, k->ring_size);
	if (k->fd != -1)
		close(k->fd);
	nic_watch_close(&k->watch);
	vnet_fini(&k->vnet);
	free(k->arena);
	free(k);
}

static int
packet_open(struct port *p, const char *name, struct err *e)
{
	char ifname[IFNAMSIZ];
	uint64_t n_slots = SLOTS;
	bool segments = false, qdisc = false;
	const struct port_arg args[] = {
		{"slots", PORT_ARG_NUMBER, &n_slots, SLOTS_MIN, SLOTS_MAX, 0},
		{"segments", PORT_ARG_FLAG, &segments, 0, 0, 0},
		{"qdisc", PORT_ARG_FLAG, &qdisc, 0, 0, 0},
		{0},
	};
	struct packet *k;
	struct nic nic;
	int rc = port_args(name, name + strlen(port_packet.kind), ifname,
	    sizeof(ifname), args, e);

	if (rc != 0)
		return rc;
	if ((k = calloc(1, sizeof(*k))) == NULL)
		return err_set(e, ENOMEM, "port '%s': no memory", name);
	k->fd = k->watch.fd = -1;
	p->priv = k;
	if (vnet_init(&k->vnet) != 0 || (k->arena = malloc(ARENA)) == NULL)
		rc = err_set(e, ENOMEM, "port '%s': no memory", name);
	else if ((rc = nic_watch_open(&k->watch, ifname, &nic, e)) == 0)
		rc = open_socket(p, k, n_slots, qdisc, e);
	if (rc != 0) {
		packet_close(p);
		return rc;
	}
	p->fd = k->fd;
	p->interface = true;
	p->index = nic.now.index;
	p->peer = nic.peer;
	p->can_whole = k->join = !segments;
	if (!k->watch.now.is_up)
		log_msg(LOG_WARN, "%s: the interface is down", name);
	return 0;
}

/* ---- the interface comes and goes ---- */

/* The interface is gone, or there is another one of its name. */
static void
rebind(struct port *p)
{
	struct packet *k = p->priv;

	if (k->watch.now.index == 0) {
		k->bound = 0;
		log_msg(LOG_WARN, "%s: the interface is gone; waiting for it",
		    p->name);
	} else if (tie(k)) {
		log_msg(LOG_INFO, "%s: the interface is back", p->name);
	}
}

/* Clears what a link that went down left behind, and binds to the interface if
 * it is another one by now. */
static void
look(struct port *p)
{
	struct packet *k = p->priv;
	int what = 0;
	socklen_t len = sizeof(what);

	getsockopt(k->fd, SOL_SOCKET, SO_ERROR, &what, &len);
	if (nic_watch_news(&k->watch) || what != 0) {
		if (k->watch.now.index != k->bound)
			rebind(p);
	}
	p->fd = k->bound != 0 ? k->fd : k->watch.fd;
}

static void
count_lost(struct port *p)
{
	struct packet *k = p->priv;
	struct tpacket_stats s;
	socklen_t len = sizeof(s);

	k->losing = false;
	if (getsockopt(k->fd, SOL_PACKET, PACKET_STATISTICS, &s, &len) == 0)
		stat_add(&p->stats.rx_lost, s.tp_drops);
}

/* ---- receive ---- */

static struct tpacket2_hdr *
slot_at(const struct packet *k, unsigned i)
{
	void *at = k->ring + (size_t)(i / k->per_block) * BLOCK +
	    (size_t)(i % k->per_block) * k->slot_size;

	return at;
}

/* Puts the VLAN tag back that the kernel has taken out. */
static uint8_t *
put_tag(const struct tpacket2_hdr *h, uint8_t *frame, struct offload *o)
{
	bool has_type = (h->tp_status & TP_STATUS_VLAN_TPID_VALID) != 0;

	memmove(frame - VLAN_LEN, frame, 12);
	frame -= VLAN_LEN;
	put16(frame + 12, has_type ? h->tp_vlan_tpid : ETYPE_VLAN);
	put16(frame + 14, h->tp_vlan_tci);
	if (o->flags != 0)
		o->csum_start = (uint16_t)(o->csum_start + VLAN_LEN);
	if (o->hdr_len != 0)
		o->hdr_len = (uint16_t)(o->hdr_len + VLAN_LEN);
	return frame;
}

/* Reads the frame that was too long for its slot; NULL if it is not there. */
static uint8_t *
read_long(struct packet *k, unsigned *len)
{
	uint8_t *frame = k->arena + k->used + LEAD;
	ssize_t n = recv(k->fd, frame - HDR, HDR + FRAME_MAX,
	    MSG_DONTWAIT | MSG_TRUNC);

	if (n < HDR + ETHER_LEN || n > HDR + FRAME_MAX)
		return NULL;
	*len = (unsigned)n - HDR;
	k->used += (LEAD + *len + CACHE_LINE - 1) & ~(CACHE_LINE - 1u);
	return frame;
}

/* Takes the frame of a slot. */
static bool
take(struct port *p, struct tpacket2_hdr *h)
{
	struct packet *k = p->priv;
	struct offload o;
	uint8_t *frame = (uint8_t *)h + h->tp_mac;
	unsigned len = h->tp_snaplen;

	if ((h->tp_status & TP_STATUS_LOSING) != 0)
		k->losing = true;
	if ((h->tp_status & TP_STATUS_COPY) != 0)
		frame = read_long(k, &len);
	else if (h->tp_len != len || len < ETHER_LEN)
		return false;
	if (frame == NULL)
		return false;
	memcpy(&o, frame - sizeof(o), sizeof(o));
	o.flags &= OFFLOAD_CSUM; /* beside it, only hints */
	if ((h->tp_status & TP_STATUS_VLAN_VALID) != 0) {
		frame = put_tag(h, frame, &o);
		len += VLAN_LEN;
	}
	if (vnet_take(&k->vnet, frame, len, &o, p->whole))
		return true;
	if (o.gso != OFFLOAD_WHOLE && !k->told)
		vnet_tell(p->name);
	k->told = k->told || o.gso != OFFLOAD_WHOLE;
	return false;
}

/* Takes the next frame of the ring; false if there is none. */
static bool
take_next(struct port *p)
{
	struct packet *k = p->priv;
	struct tpacket2_hdr *h = slot_at(k, k->head);
	const struct tpacket2_hdr *next;
	/* Partner: the kernel's store, after it wrote the slot. */
	uint32_t status = __atomic_load_n(&h->tp_status, __ATOMIC_ACQUIRE);

	if ((status & TP_STATUS_USER) == 0 || k->n_lent == k->n_slots ||
	    ((status & TP_STATUS_COPY) != 0 &&
		k->used + LEAD + FRAME_MAX > ARENA))
		return false;
	if (++k->head == k->n_slots)
		k->head = 0;
	k->n_lent++;
	next = slot_at(k, k->head);
	__builtin_prefetch(next);
	__builtin_prefetch((const char *)next + CACHE_LINE);
	if (!take(p, h))
		stat_add(&p->stats.rx_lost, 1);
	return true;
}

/* All slots but the one that is being cut go back to the kernel. */
static void
packet_release(struct port *p)
{
	struct packet *k = p->priv;
	unsigned keep = vnet_is_idle(&k->vnet) ? 0 : 1;

	for (; k->n_lent > keep; k->n_lent--) {
		unsigned i = (k->head + k->n_slots - k->n_lent) % k->n_slots;

		__atomic_store_n(&slot_at(k, i)->tp_status, TP_STATUS_KERNEL,
		    __ATOMIC_RELEASE);
	}
	if (keep == 0) /* else the frame that is cut may be there */
		k->used = 0;
	vnet_recycle(&k->vnet);
	if (unlikely(k->losing))
		count_lost(p);
}

static unsigned
packet_rx(struct port *p, struct pkt *pkts, unsigned max)
{
	struct packet *k = p->priv;
	uint64_t bytes = 0;
	unsigned n = 0;

	while (n < max && (!vnet_is_idle(&k->vnet) || take_next(p))) {
		unsigned got = vnet_give(&k->vnet, pkts + n, max - n);

		for (unsigned i = 0; i < got; i++)
			bytes += pkts[n + i].len;
		n += got;
		if (!vnet_is_idle(&k->vnet))
			break; /* no room for more of its segments */
	}
	if (n == 0) {
		packet_release(p); /* frames that were no good */
		if (++k->n_empty % LOOK_EVERY == 0)
			look(p);
	}
	stat_add(&p->stats.rx_pkts, n);
	stat_add(&p->stats.rx_bytes, bytes);
	return n;
}

/* ---- send ---- */

static unsigned
packet_room(struct port *p)
{
	struct packet *k = p->priv;
	struct pollfd fd = {.fd = k->fd, .events = POLLOUT};

	if (unlikely(k->full)) {
		if (poll(&fd, 1, 0) == 0)
			return 0;
		k->full = false;
	}
	return PORT_BURST;
}

/* True if no segment of a whole frame is longer than the link takes; the kernel
 * asks that only of other frames. */
static bool
fits(const struct packet *k, const struct pkt *pkt, const struct offload *o)
{
	return offload_segment(pkt->data, o) <= k->watch.now.mtu + ETHER_LEN;
}

/* Makes messages of the first of pkts[n], as many as fit the link.  Returns how
 * many packets those are. */
static unsigned
make_messages(struct packet *k, struct port *from, struct pkt *const *pkts,
    unsigned n)
{
	unsigned most = k->watch.now.mtu + ETHER_LEN, i = 0;
	struct iovec *iov = k->iov;

	for (k->n_msgs = 0; i < n; k->n_msgs++) {
		struct vnet_out *out = &k->outs[k->n_msgs];
		struct msghdr *m = &k->msgs[k->n_msgs].msg_hdr;
		const struct offload *o = port_offload(from, pkts[i]);

		if (o != NULL && !fits(k, pkts[i], o))
			break;
		vnet_put(out, iov, from, pkts + i, n - i,
		    k->join && pkts[i]->len <= most);
		m->msg_iov = iov;
		m->msg_iovlen = out->n_iov;
		iov += out->n_iov;
		i += out->n_pkts;
	}
	return i;
}

/* Looks at why the kernel did not take a message; false if it is to be tried
 * again. */
static bool
is_refused(struct port *p)
{
	struct packet *k = p->priv;

	switch (errno) {
	case EAGAIN:
		k->full = true;
		return false;
	case ENETDOWN:
	case ENXIO:
	case ENODEV:
		look(p);
		break;
	}
	return true;
}

/* Sends the messages; returns of how many packets the kernel took or refused
 * them. */
static unsigned
send_messages(struct port *p)
{
	struct packet *k = p->priv;
	unsigned at = 0, done = 0;

	while (at < k->n_msgs) {
		int rc = sendmmsg(k->fd, k->msgs + at, k->n_msgs - at,
		    MSG_DONTWAIT);

		for (; rc > 0; rc--, at++) {
			done += k->outs[at].n_pkts;
			stat_add(&p->stats.tx_pkts, k->outs[at].n_pkts);
		}
		if (rc == 0 || errno == EINTR)
			continue;
		if (!is_refused(p))
			break;
		done += k->outs[at].n_pkts;
		stat_add(&p->stats.tx_lost, k->outs[at++].n_pkts);
	}
	return done;
}

static unsigned
packet_tx(struct port *p, struct port *from, struct pkt *const *pkts,
    unsigned n)
{
	struct packet *k = p->priv;
	uint64_t bytes = 0;
	unsigned done = 0;

	while (done < n && !k->full) {
		if (make_messages(k, from, pkts + done, n - done) > 0) {
			done += send_messages(p);
		} else {
			stat_add(&p->stats.tx_lost, 1); /* too long */
			done++;
		}
	}
	for (unsigned i = 0; i < done; i++)
		bytes += pkts[i]->len;
	stat_add(&p->stats.tx_bytes, bytes);
	return done;
}

static void
packet_kick(struct port *p)
{
	(void)p; /* tx has sent it all */
}

/* ---- sleep ---- */

static bool
packet_sleep_begin(struct port *p, unsigned flags)
{
	struct packet *k = p->priv;
	const struct tpacket2_hdr *h = slot_at(k, k->head);

	if ((flags & PORT_RX) != 0 && (!vnet_is_idle(&k->vnet) ||
		(__atomic_load_n(&h->tp_status, __ATOMIC_ACQUIRE) &
		    TP_STATUS_USER) != 0))
		return false;
	if ((flags & PORT_TX) != 0 && !k->full)
		return false;
	p->events = (short)((flags & PORT_RX ? POLLIN : 0) |
	    (flags & PORT_TX ? POLLOUT : 0));
	if (p->fd != k->fd)
		p->events = POLLIN; /* for news of the interface */
	return true;
}

static void
packet_sleep_end(struct port *p)
{
	look(p);
}

const struct port_ops port_packet = {
	.kind = "packet:",
	.help = "packet:IF        interface IF of the host, by AF_PACKET",
	.open = packet_open,
	.close = packet_close,
	.rx = packet_rx,
	.release = packet_release,
	.room = packet_room,
	.tx = packet_tx,
	.kick = packet_kick,
	.pending = port_none_pending,
	.sleep_begin = packet_sleep_begin,
	.sleep_end = packet_sleep_end,
};
