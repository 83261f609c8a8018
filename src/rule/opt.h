/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Walks over the options of IPv4 and TCP headers.
 *
 * Trust      options are bounded by the frame's private length, read octet by
 *            octet; a malformed option ends the walk.
 */
#pragma once

#include "packet/pkt.h"

struct opt_tcp {
	uint8_t seen; /* TCPOPT_* */
	uint16_t mss; /* valid with TCPOPT_MSS */
};

/* IPOPT_* bits of the options of an IPv4 packet. */
unsigned opt_ip4(const struct pkt *p);

/* The options of a TCP packet that has PKT_L4. */
void opt_tcp(const struct pkt *p, struct opt_tcp *out);
