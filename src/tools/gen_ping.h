/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a ping carries, and how a pong turns a frame round.
 *
 *	UDP payload:  0  sequence number, 32 bits
 *		      4  seconds, 32 bits       } of the sender's clock
 *		      8  nanoseconds, 32 bits   }
 *
 * Place      pkt-gen's ping and pong; no rings and no clocks here.
 * Layout     that of netmap's pkt-gen, in the machine's byte order, so that
 *            either side may be the original.
 * Trust      replies come off a wire.  The time on it is for others to read:
 *            ping takes the time from its own table by sequence number, counts
 *            each number once, and ignores what it never sent.
 */
#pragma once

#include "base/ns.h"
#include "tools/gen_frame.h"

enum { GEN_PING_LEN = 12, GEN_PING_WINDOW = 65536 };

/* Requests on their way, by the low 16 bits of their sequence number. */
struct gen_ping {
	uint32_t next_seq;
	ns_t sent_ns[GEN_PING_WINDOW]; /* 0 = answered, lost or never sent */
};

/* Stamps the frame at 'frame' (just written by gen_frame_write with payload of
 * at least GEN_PING_LEN) with the next number and the time, corrects the UDP
 * checksum, and remembers it. */
void gen_ping_stamp(struct gen_ping *p, const struct gen_frame *f,
		    uint8_t *frame, ns_t now_ns);

/* Is this frame the answer to one of ours?  True fills *rtt_ns, and the same
 * number will not be accepted again. */
bool
gen_ping_match(struct gen_ping *p, const struct gen_frame *f,
	       const uint8_t *frame, unsigned len, ns_t now_ns, ns_t *rtt_ns);

/* Gives up all requests under way: late answers no longer count. */
void gen_ping_forget(struct gen_ping *p);

/* Swaps source and destination of the frame in place: MAC addresses, IP
 * addresses, UDP or TCP ports as far as they are there; checksums stay right.
 * A group address never becomes a source: 'own_mac' takes its place. */
void gen_ping_turn(uint8_t *frame, unsigned len, uint64_t own_mac);
