/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changes to headers, with the checksums kept right (RFC 1624).
 *
 * Place      actions of rules that change a packet and let it go on.
 * Trust      parse has said where the headers lie; a frame too short for a
 *            change is left as it is.
 * Cost       two or three loads and stores; no checksum is computed anew.
 */
#pragma once

#include "packet/pkt.h"

/* The Internet checksum 'sum' (as it lies in the header) after the 16-bit word
 * 'from' became 'to' (host order). */
uint16_t rewrite_sum(uint16_t sum, uint16_t from, uint16_t to);

/* Sets the DSCP of an IPv4 or IPv6 packet; the ECN bits stay. */
void rewrite_dscp(struct pkt *p, unsigned dscp);

/* Lowers the MSS that a TCP SYN of either family announces to 'mss'.  False if
 * it announces none, or no larger one; then nothing was changed. */
bool rewrite_mss(struct pkt *p, uint16_t mss);
