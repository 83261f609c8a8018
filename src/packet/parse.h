/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From octets to a key: Ethernet, VLAN tags, IPv4, IPv6 with extensions, L4.
 *
 * Place      port/ rx -> parse -> rule/match.  Total: any octets give a packet.
 * Meaning    ipfw's: a frame whose ethertype is not IP has no family and is
 *            still evaluated; a frame too short for the headers it announces
 *            is bad and never reaches a rule (reference, pitfalls 10 and 11).
 *            A VLAN tag is looked through for the IP header; the ethertype
 *            that mac-type sees stays the outer one (pitfall 25).
 * Cost       about 6 ns for IPv4 from a linear ring, 9 for IPv6.
 */
#pragma once

#include "packet/pkt.h"

/* Knobs of the host that change what parse accepts; sysctls of ipfw. */
struct parse_cfg {
	bool deny_unknown_exthdrs; /* net.inet6.ip6.fw.deny_unknown_exthdrs */
	bool permit_single_frag6;  /* net.inet6.ip6.fw.permit_single_frag6 */
};

/* Fills every field that is derived from 'data' and 'len' and resets the rest
 * but data, slot and len. */
void parse(struct pkt *p, const struct parse_cfg *cfg);

/* The same for pkts[n]. */
void parse_burst(struct pkt *pkts, unsigned n, const struct parse_cfg *cfg);
