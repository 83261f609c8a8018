/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers to packets that a rule rejects: TCP RST, SCTP ABORT, ICMP and ICMPv6
 * "unreachable".
 *
 * Place      rule/interp asks (pkt.reply), engine/replies builds and sends.
 * Form       the frame goes back where the packet came from: MACs and addresses
 *            swapped, VLAN tags kept.  The bump has no address of its own, so
 *            the one the packet was sent to answers.
 * Silence    no answer to what must not be answered (RFC 1122, 4443, pitfall
 *            19): later fragments, multicast and broadcast of either layer, a
 *            source that is no single host, ICMP that is no query, a TCP RST,
 *            an SCTP ABORT; RST and ABORT only answer their own protocol.
 * Trust      parse has seen the packet; its octets may change meanwhile, so
 *            none decides an access.
 */
#pragma once

#include "packet/pkt.h"

enum reply_kind {
	REPLY_NONE,
	REPLY_RST,
	REPLY_ABORT,
	REPLY_UNREACH, /* ICMP for IPv4, ICMPv6 for IPv6; with a code */
};

enum {
	REPLY_TTL = 64,
	REPLY_MAX4 = 576,  /* longest IPv4 answer, RFC 1812 */
	REPLY_MAX6 = 1280, /* longest IPv6 answer, RFC 4443 */
	REPLY_MAX = 22 + REPLY_MAX6, /* two VLAN tags in front */
};

/* The answer to 'p' that p->reply, reply_code and reply_mtu ask for.  Returns
 * its length in 'out', 0 if there must be none. */
unsigned reply_build(const struct pkt *p, uint8_t out[REPLY_MAX]);

/* The ICMPv6 code that stands for an ICMP code (RFC 7915, as FreeBSD does). */
uint8_t reply_code6(unsigned code4);
