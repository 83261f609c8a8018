/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ring that the kernel writes (TPACKET_V2: each frame is there at once, where
 * blocks of V3 are handed over up to milliseconds late).  A slot holds what a wire
 * carries; a longer frame, with segmentation left, waits in the socket's queue in
 * the same order and is read from there, into memory that is used again each
 * burst: a ring of 64 kB a slot would be in no cache.
 *
 *	slot:  | tpacket2_hdr, sockaddr_ll | .. vnet header | frame ... |
 *	                                             tp_mac ^
 *	arena: | vnet header | long frame |..| vnet header | long frame |.. free
 */
#include "port/packet_sock.h"

#include "base/bytes.h"
#include "packet/proto.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
	SLOT_HEAD = 128,   /* most that the kernel puts before a frame */
	SLOT_ODD = 64,	   /* slots are odd multiples of it, so that they do
			    * not share sets of the caches */
	MTU_LEAST = 1950,
	MTU_MOST = 9216,
	BLOCK = 1 << 18,
	HDR = sizeof(struct offload),
	FRAME_MAX = 65536 + 64, /* a long frame */
	LEAD = 32,		/* before one: vnet header, a tag */
	ARENA = 512 << 10,	/* long frames of a burst */
	LOOK_EVERY = 4096, /* empty calls of rx between two looks at the news */
};

/* ---- life ---- */

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

int
packet_ring_open(struct packet *k, unsigned n_slots)
{
	struct tpacket_req req = {.tp_block_size = BLOCK};

	if ((k->arena = malloc(ARENA)) == NULL)
		return -ENOMEM;
	k->slot_size = slot_size(k->watch.now.mtu);
	k->per_block = BLOCK / k->slot_size;
	req.tp_frame_size = k->slot_size;
	req.tp_block_nr = (n_slots + k->per_block - 1) / k->per_block;
	req.tp_frame_nr = req.tp_block_nr * k->per_block;
	if (setsockopt(k->fd, SOL_PACKET, PACKET_RX_RING, &req,
		sizeof(req)) == -1)
		return -errno;
	k->n_slots = req.tp_frame_nr;
	k->ring_size = (size_t)req.tp_block_nr * BLOCK;
	k->ring = mmap(NULL, k->ring_size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_POPULATE, k->fd, 0);
	if (k->ring != MAP_FAILED)
		return 0;
	k->ring = NULL;
	return -errno;
}

void
packet_ring_close(struct packet *k)
{
	if (k->ring != NULL)
		munmap(k->ring, k->ring_size);
	free(k->arena);
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

/* All slots but the one that is being cut go back to the kernel. */
void
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

unsigned
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
			packet_look(p);
	}
	stat_add(&p->stats.rx_pkts, n);
	stat_add(&p->stats.rx_bytes, bytes);
	return n;
}

bool
packet_ring_ready(const struct packet *k)
{
	const struct tpacket2_hdr *h = slot_at(k, k->head);

	return !vnet_is_idle(&k->vnet) ||
	    (__atomic_load_n(&h->tp_status, __ATOMIC_ACQUIRE) &
		TP_STATUS_USER) != 0;
}
