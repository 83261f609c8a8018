/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Work that a host leaves to its network card: checksums and segmentation.
 *
 * A host may hand over a TCP or UDP packet of up to 64 kB with one header,
 * which a card would cut into segments, and packets whose checksum holds only
 * the sum of the pseudo-header.  What is left to do is told in a header that
 * virtio laid out (struct virtio_net_hdr, little-endian).
 *
 * Place      ports of the host (port/vnet.h) use it; frames inside kipfw are
 *            finished, but for those lent whole (port.h, 'whole').
 * Trust      nothing in frame or header is believed; what does not fit is
 *            refused, and no octet outside frame[len] is touched.
 * Result     the segments are those that Linux makes, octet for octet.
 * Cost       one copy and one sum of each octet.
 *
 *	frame  | Ethernet .. IP .. TCP | payload .................... |
 *	       0     l3    l4          hdr                          end
 *	segment| the same, changed     | mss octets |
 */
#pragma once

#include "base/cdefs.h"

enum offload_flags { OFFLOAD_CSUM = 1 }; /* the checksum is unfinished */

enum offload_gso { /* the numbers are virtio's */
	OFFLOAD_WHOLE = 0, /* nothing to cut */
	OFFLOAD_TCP4 = 1,
	OFFLOAD_TCP6 = 4,
	OFFLOAD_UDP = 5,
	OFFLOAD_ECN = 0x80, /* beside TCP: the first segment has CWR */
};

struct offload {
	uint8_t flags;
	uint8_t gso;
	uint16_t hdr_len;     /* a hint */
	uint16_t gso_size;    /* payload of a segment, 'mss' */
	uint16_t csum_start;  /* from the start of the frame: l4 */
	uint16_t csum_offset; /* from csum_start */
};

enum {
	OFFLOAD_MAX_SEGMENTS = 2048, /* of a frame; more are an attack */
	OFFLOAD_MAX_FRAME = 65535 + 22, /* IP, Ethernet and two tags */
};

/* Finishes the checksum of frame[len], in place.  False: it has no such
 * place. */
bool offload_complete(uint8_t *frame, unsigned len, const struct offload *o);

/* Octets of a full segment of 'frame', which segments_begin() took; tags are
 * not counted, so that it compares with a link's MTU and its Ethernet header. */
unsigned offload_segment(const uint8_t *frame, const struct offload *o);

/* A frame that is being cut. */
struct segments {
	const uint8_t *frame;
	unsigned l3, l4, hdr, end; /* offsets, see above */
	unsigned mss;
	unsigned at;  /* of the next octet of payload; end: none is left */
	unsigned n;   /* made so far */
	bool ip6;
	bool udp;
	bool more;
};

/* Begins to cut frame[len], which the segments borrow.  False if it is not
 * what 'o' says, or cannot be cut. */
bool segments_begin(struct segments *s, const uint8_t *frame, unsigned len,
    const struct offload *o);

/* Octets of the largest segment. */
static inline unsigned
segments_max(const struct segments *s)
{
	unsigned payload = s->end - s->hdr;

	return s->hdr + (payload < s->mss ? payload : s->mss);
}

/* Writes the next segment to 'out', at most segments_max() octets.  Returns
 * its length, 0 if all were made. */
unsigned segments_next(struct segments *s, uint8_t *out);
