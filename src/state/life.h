/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How long a state lives: lifetimes, and the machine of TCP flags behind them.
 *
 * Place      state.c calls it at each packet of a flow.
 * Machine    SYN, FIN and RST that were seen accumulate, forward in the low
 *            octet of the flags, backward in the next.
 *
 *	SYN forward only            syn_s
 *	SYN both ways, at most      ack_s, once both directions have sent an
 *	one FIN                     acknowledgement that does not go back
 *	SYN and FIN both ways       fin_s
 *	anything else: RST, or      rst_s
 *	picked up half way
 *
 * Acks       LIFE_ACK_FWD and _REV tell who has acknowledged since the state
 *            was last renewed; both together renew it and are cleared.  So one
 *            side alone cannot keep a state alive, and a keepalive asks only
 *            the side that is silent.
 * Invariant  fin_s and rst_s count as less than LIFE_KEEPALIVE_S, so that a
 *            closed connection ends before it would be kept alive.
 * Reference  FreeBSD, ip_fw_dynamic.c; ipfw(8), net.inet.ip.fw.dyn_*.
 */
#pragma once

#include "packet/pkt.h"
#include "packet/proto.h"

struct life_cfg { /* seconds; a worker's copy of the sysctls */
	uint32_t ack_s, syn_s, fin_s, rst_s, udp_s, short_s;
};

enum {
	LIFE_KEEPALIVE_S = 5,	    /* between two keepalives */
	LIFE_KEEPALIVE_LAST_S = 20, /* of the lifetime: when they are sent */
};

enum life_flags { /* of struct life; the numbers are shown by 'show -dv' */
	LIFE_SYN_FWD = 0x0002,
	LIFE_FIN_FWD = 0x0001,
	LIFE_SYN_REV = 0x0200,
	LIFE_FIN_REV = 0x0100,
	LIFE_BOTH_SYN = LIFE_SYN_FWD | LIFE_SYN_REV,
	LIFE_BOTH_FIN = LIFE_FIN_FWD | LIFE_FIN_REV,
	LIFE_TCP = 0x0707,	/* FIN, SYN, RST of both directions */
	LIFE_RST = 0x0404,
	LIFE_ACK_FWD = 0x10000, /* acknowledged since the last renewal */
	LIFE_ACK_REV = 0x20000,
	LIFE_BOTH_ACK = LIFE_ACK_FWD | LIFE_ACK_REV,
	LIFE_ORPHANED = 0x40000, /* only shown: the rule is deleted */
};

struct life {
	uint32_t flags; /* LIFE_* */
	uint32_t ack_fwd, ack_rev; /* the last numbers; 0 = none yet */
};

/* True if these flags are those of a connection that is open, perhaps half
 * closed: one that keepalives are for. */
static inline bool
life_is_open(uint32_t flags)
{
	return (flags & LIFE_BOTH_SYN) == LIFE_BOTH_SYN &&
	    (flags & LIFE_BOTH_FIN) != LIFE_BOTH_FIN &&
	    (flags & LIFE_RST) == 0;
}

/* Books a packet of a TCP flow, backward if 'rev'.  Returns the seconds that the
 * state is to live from now on; 0 = leave its end where it is. */
uint32_t life_next_tcp(struct life *l, const struct life_cfg *cfg,
    const struct pkt *p, bool rev);

/* Likewise of any flow; only TCP changes 'l'. */
static inline uint32_t
life_next(struct life *l, const struct life_cfg *cfg, const struct pkt *p,
    bool rev)
{
	switch (p->proto) {
	case PROTO_TCP:
		return life_next_tcp(l, cfg, p, rev);
	case PROTO_UDP:
	case PROTO_UDPLITE:
		return cfg->udp_s;
	default:
		return cfg->short_s;
	}
}
