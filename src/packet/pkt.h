/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A packet on its way: one cache line that says where it lies and what it is.
 *
 * Place      filled by a port's rx and by packet/parse, read by rule/ and
 *            engine/, consumed by a port's tx.
 * Life       lives in the worker's burst array; the frame itself is borrowed
 *            from the port it came in by, until that port's release.
 * Threads    one worker.
 * Trust      the frame may lie in memory that another process can write: what
 *            parse read once is kept here, and offsets are only ever used with
 *            a check against 'len', which is private.
 *
 *	data ->| Ethernet, tags | IP header | TCP, UDP ... | payload |
 *	       0                l3          l4                       len
 */
#pragma once

#include "base/cdefs.h"

enum pkt_flags {
	PKT_IP4 = 0x01,
	PKT_IP6 = 0x02,
	PKT_LATER_FRAG = 0x04, /* fragment offset is not 0: no ports, no flags */
	PKT_FRAG = 0x08,       /* a fragment, the first included */
	PKT_L4 = 0x10,	       /* l4 header of a known protocol is all there */
	PKT_PORTS = 0x20,      /* TCP, UDP, UDPLite or SCTP with PKT_L4 */
	PKT_VLAN = 0x40,       /* Ethernet header has a tag */
	PKT_IP = PKT_IP4 | PKT_IP6,
};

enum pkt_frag { /* pkt.frag; the numbers are those of ipfw's frag option */
	PKT_FRAG_RF = 0x80,
	PKT_FRAG_DF = 0x40,
	PKT_FRAG_MF = 0x20,
	PKT_FRAG_OFFSET = 0x1, /* offset is not 0 */
};

enum pkt_ext { /* pkt.ext; the numbers are those of ipfw's ext6hdr option */
	PKT_EXT_FRAGMENT = 0x1,
	PKT_EXT_HOPOPTS = 0x2,
	PKT_EXT_ROUTING = 0x4,
	PKT_EXT_AH = 0x8,
	PKT_EXT_ESP = 0x10,
	PKT_EXT_DSTOPTS = 0x20,
	PKT_EXT_RTHDR0 = 0x40,
	PKT_EXT_RTHDR2 = 0x80,
};

/* Why parse says that a packet cannot be; pkt.bad. 0 is a good one. */
enum pkt_bad {
	PKT_GOOD,
	PKT_BAD_SHORT_ETHER, /* shorter than its Ethernet header */
	PKT_BAD_SHORT_L3,    /* IP header cut or nonsense */
	PKT_BAD_SHORT_L4,    /* transport header cut ("pullup failed") */
	PKT_BAD_TINY_FRAG,   /* TCP fragment with offset 1 */
	PKT_BAD_EXT_HDR,     /* IPv6 extension header unknown */
	PKT_BAD_SINGLE_FRAG, /* atomic IPv6 fragment while they are denied */
	PKT_BAD_MAX
};

/* Where a rule sent a packet, and which rule that was, so that the search can
 * go on after it. */
struct pkt_fate {
	uint32_t rule_id;
	uint16_t rule_num;
	uint16_t to; /* number of the pipe or queue, or divert port */
};

struct pkt {
	uint8_t *data; /* the frame */
	void *slot;    /* private to the port it came from */
	/* the word 'len' to 'l3', which parse writes at once */
	uint16_t len;	  /* octets of the frame, no FCS; <= the buffer */
	uint8_t verdict;  /* enum verdict, set by rule/interp */
	uint8_t flags;	  /* PKT_* */
	uint8_t bad;	  /* enum pkt_bad */
	uint8_t proto;	  /* last upper protocol, IPv4 or after extensions */
	uint8_t tcp_flags; /* or ICMP type; valid with PKT_L4 */
	uint8_t l3;	  /* offset of the IP header, or of the unknown payload */
	/* the word 'ext' to 'ip_len' */
	uint8_t ext;	  /* IPv6 extension headers seen, PKT_EXT_* */
	uint8_t frag;	  /* PKT_FRAG_* */
	uint16_t l4;	  /* IP: offset of what follows the IP headers; else 0 */
	uint16_t etype;	  /* ethertype of the header as it stands, host order */
	uint16_t ip_len;  /* IP: total length (v6: payload + 40); else 0 */
	/* the word of the addresses */
	uint32_t src4;	  /* IPv4: network order; IPv6: first word of it */
	uint32_t dst4;
	/* the word of the ports, the wire's four octets turned round */
	uint16_t dport;	  /* host order; 0 if there is none */
	uint16_t sport;
	uint32_t mark;
	uint32_t tags;	   /* head of its tag list, 0 = none */
	uint8_t reply;	   /* enum reply_kind: the answer a rule asks for */
	uint8_t reply_code; /* of ICMP */
	uint16_t reply_mtu; /* of ICMP, 0 = none */
	union {
		uint64_t flow_hash; /* while rules that keep states are asked */
		struct pkt_fate fate; /* after a verdict that needs more */
	};
};
_Static_assert(sizeof(struct pkt) == 64, "a packet is one cache line");

/* Octets that counters add: the IP length, never more than what is there; 0
 * for frames that are not IP, as ipfw has counted since 13. */
static inline unsigned
pkt_count_bytes(const struct pkt *p)
{
	unsigned there = (unsigned)p->len - p->l3;

	return p->ip_len < there ? p->ip_len : there;
}
