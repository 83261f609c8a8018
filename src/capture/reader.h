/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads a capture file packet after packet: pcap and pcapng, plain or gzip.
 *
 * Place      port/port_pcap, and whoever else wants packets of a file.
 * Why        libpcap does not tell which interface of a pcapng file a packet
 *            is of, refuses files whose interfaces differ, and copies each
 *            packet.  Both formats are small.
 * pcap       both orders of octets, stamps in us and ns.
 * pcapng     any number of sections, each in its own order; interfaces with
 *            their own resolution and offset of stamps; enhanced, simple and
 *            obsolete packet blocks.  Other blocks and options are skipped.  A
 *            simple packet block has no stamp: it has that of the one before.
 * Frames     are Ethernet.  Captures without it ("any": Linux cooked, both
 *            versions; raw IP; BSD loopback) get a header made up in place:
 *            from 02:00:00:00:00:01, or who the capture says sent it, to
 *            02:00:00:00:00:02.  Other link types are refused.
 * Memory     READER_BUF octets whatever the file says; packets are read where
 *            they lie.  They are lent until capture_release(), so up to then
 *            only what is in the buffer can be had.
 * Trust      the file is hostile: every length is compared with what is there.
 * Threads    one.
 * Reference  IETF drafts pcap and pcapng (opsawg).
 */
#pragma once

#include "base/cdefs.h"
#include "base/err.h"
#include "base/ns.h"

enum {
	READER_BUF = 1 << 19,
	READER_SNAP = 1 << 18, /* octets of a packet; more is a damaged file */
	READER_IFACES = 1 << 16,
	READER_ANY = -1,
	READER_NAME = 16,
};

struct capture_reader;

struct capture_packet {
	uint8_t *data;
	uint32_t kept; /* octets at 'data' */
	uint32_t len;  /* of the frame on its link, >= kept */
	uint32_t iface;
	ns_t ns;       /* since 1970 */
};

enum capture_got {
	CAPTURE_END,
	CAPTURE_PACKET,
	CAPTURE_WAIT, /* the next one is not in memory: release first */
};

/* Opens a file of which packets of interface 'iface' (its number in its section;
 * 0 in a pcap file), or READER_ANY, are wanted.  -errno and a sentence. */
int capture_open(const char *path, int iface, struct capture_reader **out,
    struct err *e);
void capture_close(struct capture_reader *r);

/* The next packet, an enum capture_got.  -errno with a sentence that names file
 * and octet: the file ends there. */
int capture_next(struct capture_reader *r, struct capture_packet *out,
    struct err *e);

/* As capture_next(), and with CAPTURE_PACKET *n of them, up to 'max' > 0, in
 * out[]: as many as can be had without much ado. */
int capture_next_run(struct capture_reader *r, struct capture_packet *out,
    unsigned max, unsigned *n, struct err *e);

/* No packet is looked at any more. */
void capture_release(struct capture_reader *r);

/* The next packet, for who wants no other meanwhile: releases those before.
 * CAPTURE_PACKET, CAPTURE_END or -errno. */
int capture_next_alone(struct capture_reader *r, struct capture_packet *out,
    struct err *e);

/* Begins again with the first packet; implies capture_release(). */
int capture_rewind(struct capture_reader *r, struct err *e);

/* The name of an interface that a packet was of, "" if the file has none. */
const char *capture_ifname(const struct capture_reader *r, uint32_t iface);
