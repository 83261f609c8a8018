/* SPDX-License-Identifier: BSD-2-Clause */
#include "port/vnet.h"

#include "base/log.h"
#include "packet/proto.h"

#include <errno.h>
#include <linux/virtio_net.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA = 512 << 10 }; /* a burst of segments; the caches hold it */

_Static_assert(sizeof(struct offload) == sizeof(struct virtio_net_hdr) &&
	offsetof(struct offload, gso_size) ==
	    offsetof(struct virtio_net_hdr, gso_size) &&
	offsetof(struct offload, csum_offset) ==
	    offsetof(struct virtio_net_hdr, csum_offset) &&
	(int)OFFLOAD_CSUM == VIRTIO_NET_HDR_F_NEEDS_CSUM &&
	(int)OFFLOAD_TCP4 == VIRTIO_NET_HDR_GSO_TCPV4 &&
	(int)OFFLOAD_TCP6 == VIRTIO_NET_HDR_GSO_TCPV6 &&
	(int)OFFLOAD_ECN == VIRTIO_NET_HDR_GSO_ECN,
    "an offload is virtio's header");

int
vnet_init(struct vnet *v)
{
	memset(v, 0, sizeof(*v));
	v->arena = malloc(ARENA);
	return v->arena != NULL ? 0 : -ENOMEM;
}

void
vnet_fini(struct vnet *v)
{
	free(v->arena);
}

/* True if the frame cannot be given whole: it is longer than a packet may be,
 * or no longer than a segment, which Linux would not take; or rules may change
 * what its checksum has left out (the MSS of a SYN). */
static bool
must_cut(const struct segments *s, unsigned len)
{
	return len > UINT16_MAX || s->end - s->hdr <= s->mss ||
	    (!s->udp && (s->frame[s->l4 + 13] & TH_SYN) != 0);
}

bool
vnet_take(struct vnet *v, uint8_t *frame, unsigned len,
    const struct offload *o, bool whole)
{
	v->cutting = false;
	v->work = *o;
	if (likely(o->gso == OFFLOAD_WHOLE)) {
		if (len > UINT16_MAX || ((o->flags & OFFLOAD_CSUM) != 0 &&
			!offload_complete(frame, len, o)))
			return false;
	} else {
		if (!segments_begin(&v->cut, frame, len, o))
			return false;
		v->cutting = !whole || must_cut(&v->cut, len);
	}
	v->frame = frame;
	v->len = len;
	return true;
}

static unsigned
give_segments(struct vnet *v, struct pkt *pkts, unsigned max)
{
	unsigned n = 0, room = segments_max(&v->cut);

	while (v->cut.more && n < max && v->used + room <= ARENA) {
		uint8_t *out = v->arena + v->used;
		unsigned len = segments_next(&v->cut, out);

		pkts[n].data = out;
		pkts[n].slot = NULL;
		pkts[n++].len = (uint16_t)len;
		v->used += (len + CACHE_LINE - 1) & ~(CACHE_LINE - 1u);
	}
	if (!v->cut.more)
		v->frame = NULL;
	return n;
}

unsigned
vnet_give(struct vnet *v, struct pkt *pkts, unsigned max)
{
	if (v->frame == NULL || max == 0)
		return 0;
	if (v->cutting)
		return give_segments(v, pkts, max);
	pkts->data = v->frame;
	pkts->len = (uint16_t)v->len;
	pkts->slot = NULL;
	if (v->work.gso != OFFLOAD_WHOLE) {
		v->whole[v->n_whole] = v->work;
		pkts->slot = &v->whole[v->n_whole++];
	}
	v->frame = NULL;
	return 1;
}

/* Header and payloads of packets that are one now. */
static void
put_joined(struct vnet_out *out, struct iovec *iov, struct pkt *const *pkts)
{
	unsigned hdr = out->join.hdr;

	iov[1] = (struct iovec){.iov_base = out->join.head, .iov_len = hdr};
	for (unsigned i = 0; i < out->n_pkts; i++)
		iov[2 + i] = (struct iovec){.iov_base = pkts[i]->data + hdr,
		    .iov_len = pkts[i]->len - hdr};
	out->n_iov = 2 + out->n_pkts;
}

void
vnet_put(struct vnet_out *out, struct iovec *iov, const struct port *from,
    struct pkt *const *pkts, unsigned n, bool join)
{
	const struct offload *o = port_offload(from, pkts[0]);

	iov[0] = (struct iovec){.iov_base = &out->join.work,
	    .iov_len = sizeof(out->join.work)};
	out->n_pkts = 1;
	if (o == NULL && join &&
	    (out->n_pkts = join_run(&out->join, pkts, n)) > 1) {
		put_joined(out, iov, pkts);
		return;
	}
	out->join.work = o != NULL ? *o : (struct offload){0};
	iov[1] = (struct iovec){.iov_base = pkts[0]->data,
	    .iov_len = pkts[0]->len};
	out->n_iov = 2;
}

void
vnet_tell(const char *port)
{
	log_msg(LOG_WARN, "%s: packets that are to be cut and cannot be, in "
	    "tunnels perhaps: 'ethtool -K PEER tso off gso off' where they are "
	    "made ends that", port);
}

void
vnet_recycle(struct vnet *v)
{
	v->used = 0;
	v->n_whole = 0;
}
