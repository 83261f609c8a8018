/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IPv4 reassembly in bounded memory, and the way back to fragments.
 *
 * Place      the action 'reass'; engine/defrag drives it, one for each worker.
 * Life       reass_add() copies a fragment; the one that completes a packet
 *            takes it out of the table: reass_whole() builds it, reass_cut()
 *            gives its fragments, reass_free() ends it.
 * Which      fragments belong together if lane, VLAN tags, addresses, protocol
 *            and id are the same.
 * Semantics  FreeBSD's ip_reass: all but the last carry a multiple of 8 octets
 *            and at least one; what is there already stays and the later
 *            fragment is trimmed, to nothing if need be; fragments that follow
 *            are trimmed as well; ECN's CE is not lost and not mixed with
 *            not-ECT.  Beside that, a fragment that disagrees about where the
 *            packet ends is refused.
 * Fragments  Those that reass_cut() gives are made of the whole: between the
 *            bounds that arrived, under the headers that arrived, in order,
 *            without overlaps.  So what the rules saw and changed is what the
 *            receiver puts together, whatever overlapped; and no fragment is
 *            longer than it came.
 * Bounds     REASS_PACKETS, REASS_FRAGS copies of REASS_BUF octets, and the
 *            limits of struct reass_cfg.  Where one is hit the oldest packet
 *            goes, so that nobody can shut others out by sending halves.
 * Trust      the copy is what is checked; the frame may change meanwhile.
 * Cost       a copy a fragment, two a packet; the list of its fragments is
 *            walked for each.
 */
#pragma once

#include "base/rng.h"
#include "base/stat.h"
#include "packet/pkt.h"

enum {
	REASS_PACKETS = 512,
	REASS_FRAGS = 1024,
	REASS_BUF = 2112,	/* octets of a frame that can be kept */
	REASS_PER_PACKET = 64,	/* highest max_frags */
	REASS_WHOLE_MAX = 65535, /* octets of a whole frame */
};

/* Settings; the sysctls net.inet.ip.maxfrag*, fragttl. */
struct reass_cfg {
	uint32_t max_packets; /* being reassembled; at most REASS_PACKETS */
	uint32_t max_frags;   /* of a packet; at most REASS_PER_PACKET */
	uint32_t ttl_s;	      /* from the first fragment that came */
};

/* Fragments that went no further; written by the worker, read by anybody. */
struct reass_stats {
	uint64_t bad;	  /* impossible length, offset, end or ECN */
	uint64_t covered; /* all their octets were there, or came again */
	uint64_t limit;	  /* went because of a limit */
	uint64_t late;	  /* of packets that were not complete in time */
};

struct reass;

/* An empty table; its hash draws a key.  Returns owned, NULL without memory. */
struct reass *reass_create(struct rng *rng);
void reass_destroy(struct reass *r);

struct reass_stats *reass_stats(struct reass *r);

/* Takes a copy of 'p', an IPv4 fragment that parse found good.  Returns the
 * packet that it completes, which is no longer in the table, or 0. */
unsigned reass_add(struct reass *r, const struct reass_cfg *cfg,
    const struct pkt *p, uint16_t lane, uint32_t now_s);

/* How many fragments a complete packet has. */
unsigned reass_n_frags(const struct reass *r, unsigned packet);

/* Builds the whole of a complete packet, with the headers of its first fragment,
 * in buf; returns the length of the frame. */
unsigned reass_whole(const struct reass *r, unsigned packet,
    uint8_t buf[REASS_WHOLE_MAX]);

/* Sets data and len of pkts[reass_n_frags()] to the fragments of 'whole', which
 * reass_whole() built; rules may have changed its octets since.  Their memory is
 * the table's until reass_free(). */
void reass_cut(struct reass *r, unsigned packet, const struct pkt *whole,
    struct pkt *pkts);

/* Forgets a complete packet. */
void reass_free(struct reass *r, unsigned packet);

/* Drops the packets whose time is over. */
void reass_expire(struct reass *r, const struct reass_cfg *cfg, uint32_t now_s);
