/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes a capture file of Ethernet frames, stamps in ns.
 *
 * Format     pcapng, with the names of interfaces and perhaps a comment beside a
 *            packet; pcap if the name of the file ends in ".pcap".  With ".gz"
 *            behind that it is packed.
 * Place      daemon/logger writes into it what rules have logged, port/port_pcap
 *            what leaves by it.
 * Life       writer_create -> writer_iface, writer_put (any number) ->
 *            writer_close.
 * Thread     one of its own writes, and packs, what the other one fills: who
 *            puts packets waits only if the disk, or the packing, is a megabyte
 *            behind.
 * Errors     the first one is kept: nothing is written behind it, and every
 *            call tells it from then on, at the latest writer_flush().
 * Threads    one puts.
 */
#pragma once

#include "base/cdefs.h"
#include "base/err.h"
#include "base/ns.h"

enum { WRITER_IFACES = 256 }; /* more names share the last one */

struct writer;

struct writer_packet {
	ns_t ns;	     /* since 1970 */
	unsigned iface;	     /* of writer_iface() */
	const void *data;
	uint32_t kept;	     /* octets at 'data' */
	uint32_t len;	     /* of the whole frame */
	const char *comment; /* NULL = none; pcap has none */
};

/* Makes (or empties) the file.  'snap' is the longest 'kept' to come. */
int writer_create(const char *path, uint32_t snap, struct writer **out,
    struct err *e);

/* The number of the interface of that name, up to 15 octets of it; a new one is
 * described in the file.  In a pcap file they are all 0. */
unsigned writer_iface(struct writer *w, const char *name);

/* Appends a packet; what fills the buffer goes to the file.  False: it cannot
 * be written. */
bool writer_put(struct writer *w, const struct writer_packet *p);

/* The same for f[n] of one interface, without comments, of each of which at most
 * 'snap' octets are kept.  Returns how many were put. */
struct writer_frame {
	const uint8_t *data;
	ns_t ns;
	uint32_t len;
};
unsigned writer_put_frames(struct writer *w, unsigned iface, uint32_t snap,
    const struct writer_frame *f, unsigned n);

/* Brings what was put to the file; a packed one keeps some back. */
bool writer_flush(struct writer *w);

/* Brings all of it to the file, and ends.  0, or -errno of the first trouble
 * there ever was, with a sentence that names the file.  NULL is fine. */
int writer_close(struct writer *w, struct err *e);
