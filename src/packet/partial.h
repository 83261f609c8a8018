/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checksums that a sender left to its network card: finished here.
 *
 * Place      ports that take frames from a neighbour on the same host (veth,
 *            virtio) and are not told which ones are unfinished.
 * What       Linux leaves the sum of the pseudo-header in the checksum of a TCP
 *            or UDP packet that a card is to finish.  A packet that has it
 *            there, and whose checksum is wrong as it stands, gets the right
 *            one; any other is left alone, whatever its checksum says.
 *            An SCTP packet with a checksum of 0 gets its CRC32c.  The same in
 *            tunnels: IP in IP, GRE, VXLAN and Geneve on their usual ports; a
 *            checksum of the tunnel's own counts on that and is right already.
 * Not seen   other tunnels; fragments and packets with a routing header on its
 *            way never need it.
 * Cost       a look at the headers, about 6 ns; the sum only if that fits, which
 *            one finished packet in 65,535 does by chance.
 */
#pragma once

#include "base/cdefs.h"
#include "packet/offload.h"

/* Looks at frame[len], and finishes its checksum if it is unfinished; true if
 * it did.  No octet beyond 'len' is touched. */
bool partial_finish(uint8_t *frame, unsigned len);

/* Looks whether frame[len] is a TCP packet whose checksum is unfinished, as those
 * are that are longer than a link's 'mtu' since nobody has cut them, or somebody
 * has merged them.  True: *o says how to cut it into segments that fit, of which
 * the original's number is not known. */
bool partial_merged(const uint8_t *frame, unsigned len, unsigned mtu,
    struct offload *o);
