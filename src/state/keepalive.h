/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The frames that keep a TCP connection alive whose state is about to expire.
 *
 * Place      engine/keepalives sends them, past the rules; the answers renew
 *            the state like any packet.
 * Form       an empty segment that looks as if it came from the other end, its
 *            sequence number one below what the receiver has acknowledged: he
 *            drops it and acknowledges again.  MACs and VLAN tags are those of
 *            the first packet, turned round for the end that sent it.
 * Who        an end that has acknowledged something once, but not since the
 *            state was last renewed (life.h).
 * Reference  FreeBSD 14, ip_fw_dynamic.c: TOS 0x10, DF, TTL 64, window 0.
 */
#pragma once

#include "state/state.h"

enum keepalive_end {
	KEEPALIVE_SRC = 1, /* to the end that sent the first packet */
	KEEPALIVE_DST = 2, /* to the other one */
};

enum { KEEPALIVE_MAX = 22 + 40 + 20 }; /* two tags, IPv6, TCP */

/* The ends (KEEPALIVE_*) that are to be asked now; 0 for states that are not to
 * be kept alive. */
unsigned keepalive_ends(const struct state_view *v);

/* The frame to one end; returns its length in 'out'. */
unsigned keepalive_build(const struct state_view *v, enum keepalive_end to,
    uint8_t out[KEEPALIVE_MAX]);
