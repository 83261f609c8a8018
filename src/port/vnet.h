/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames of the host, with virtio's header, become the packets of a burst.
 *
 * Place      under the ports that the host's stack is behind: tap, packet.
 * Life       vnet_init -> (take -> give until it is idle) ... recycle -> fini.
 *            A frame that was taken is borrowed until it is given and, as a
 *            burst is, released; what is cut lies in memory of its own until
 *            vnet_recycle().
 * Whole      a frame with segmentation left is given as it is if the burst may
 *            have such, else as its segments, in as many bursts as it takes.
 *            Checksums are always finished: what is left of a packet without
 *            segmentation costs less than rules that would have to know.
 */
#pragma once

#include "packet/join.h"
#include "port/port.h"

#include <sys/uio.h>

struct vnet {
	uint8_t *frame;	   /* taken and not given yet; NULL = idle */
	unsigned len;
	bool cutting;
	struct segments cut;
	struct offload work; /* of 'frame' */
	uint8_t *arena;	   /* segments of this burst */
	unsigned used;	   /* octets of it */
	unsigned n_whole;  /* in this burst */
	struct offload whole[PORT_BURST];
};

enum { VNET_IOV = JOIN_MAX + 2 };

/* What leaves by one write: one packet, or several that were joined. */
struct vnet_out {
	struct join join;
	unsigned n_pkts;
	unsigned n_iov;
};

/* -ENOMEM. */
int vnet_init(struct vnet *v);
void vnet_fini(struct vnet *v);

static inline bool
vnet_is_idle(const struct vnet *v)
{
	return v->frame == NULL;
}

/* Takes frame[len], of which 'o' is left to do, while idle.  The frame is
 * changed.  False if it is no frame or not what 'o' says; then it stays idle. */
bool vnet_take(struct vnet *v, uint8_t *frame, unsigned len,
    const struct offload *o, bool whole);

/* Makes up to 'max' packets of it.  Returns how many; less than 'max' if it is
 * idle then, or has no more room until vnet_recycle(). */
unsigned vnet_give(struct vnet *v, struct pkt *pkts, unsigned max);

/* Logs that this port receives frames that nobody can cut here, and what ends
 * that; for once. */
void vnet_tell(const char *port);

/* Makes of the first of pkts[n], n >= 1, which 'from' lent, what is to be
 * written: virtio's header, then the frame, or, if 'join', a header and the
 * payloads of as many packets as can be joined.  iov[VNET_IOV] and 'out' live
 * until it is written. */
void vnet_put(struct vnet_out *out, struct iovec *iov, const struct port *from,
    struct pkt *const *pkts, unsigned n, bool join);

/* Forgets the frame that was taken; for who lost it. */
static inline void
vnet_forget(struct vnet *v)
{
	v->frame = NULL;
}

/* The burst has been released. */
void vnet_recycle(struct vnet *v);

