/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TCP segments that follow each other, sent as one packet that is to be cut.
 *
 * The opposite of packet/offload's segments: what receivers' cards do (GRO), at
 * the way out to a host, where a packet costs a system call and a walk through
 * the host's stack, whatever its size.
 *
 * Place      ports whose other side takes packets with segmentation left.
 * Exact      cutting the result gives the segments again, octet for octet: only
 *            those are joined whose headers differ in what cutting sets, and
 *            whose checksums are right.
 * Cost       a frame that begins no run: a look at its header; one that is
 *            joined: the sum of its octets.  Nothing is copied but a header.
 */
#pragma once

#include "packet/offload.h"
#include "packet/pkt.h"

enum {
	JOIN_MAX = 64,	 /* segments */
	JOIN_HEAD = 192, /* octets of headers */
};

struct join {
	unsigned hdr;	     /* octets of head; each segment's payload follows
			      * so many octets of its own */
	unsigned mss;	     /* payload of each but the last */
	struct offload work; /* what is left to do */
	uint8_t head[JOIN_HEAD];
};

/* How many of pkts[n], n >= 1, from the first one on, are segments that can
 * leave as one packet; 1 = no others.  With 2 or more, 'j' says how: its head,
 * then the payloads.  Of the packets, only 'data' and 'len' are looked at. */
unsigned join_run(struct join *j, struct pkt *const *pkts, unsigned n);
