/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netmap's shared-memory layout: interface, rings and slots, byte for byte.
 *
 * A program that knows netmap's rings can read and write these structures;
 * the layout was checked against netmap's sys/net/netmap.h (NETMAP_API 14).
 *
 *	head  first slot that belongs to the user (written by the user)
 *	cur   wake-up point, head <= cur <= tail  (written by the user)
 *	tail  first slot that belongs to the port (written by sync only)
 *
 *	TX: slots [head, tail) are free to fill;  sync sends what head passed.
 *	RX: slots [head, tail) hold packets;      sync returns what head passed.
 *
 * Indexes count 0 .. num_slots-1 and wrap; one slot always stays unused.
 */
#pragma once

#include <stdint.h>
#include <sys/time.h>
#include <sys/types.h>

#define NM_IFNAMSIZ 16

struct netmap_slot {
	uint32_t buf_idx; /* which buffer; 0 and 1 are never given out */
	uint16_t len;	  /* octets in the buffer, Ethernet header included */
	uint16_t flags;	  /* NS_* */
	uint64_t ptr;	  /* address of the data if NS_INDIRECT */
};

#define NS_BUF_CHANGED 0x0001 /* buf_idx was changed: re-read, re-fill */
#define NS_REPORT      0x0002 /* report this slot as soon as it is sent */
#define NS_FORWARD     0x0004
#define NS_NO_LEARN    0x0008 /* do not learn the source address */
#define NS_INDIRECT    0x0010 /* data is at ptr, not in the buffer */
#define NS_MOREFRAG    0x0020 /* the packet goes on in the next slot */
#define NS_TXMON       0x0040 /* monitors: sent by the monitored port */
#define NS_RFRAGS(s)   (((s)->flags >> 8) & 0xff) /* rx of VALE: slots left */

#define NR_TIMESTAMP 0x0002 /* netmap_ring.flags: set 'ts' at each sync */
#define NR_FORWARD   0x0004 /* of real interfaces: NS_FORWARD is meant */

struct netmap_ring {
	int64_t buf_ofs;      /* from this ring to buffer 0, in octets */
	uint32_t num_slots;   /* 256 to 65536 */
	uint32_t nr_buf_size; /* octets from one buffer to the next */
	uint16_t ringid;
	uint16_t dir; /* 0 tx, 1 rx */
	uint32_t head;
	uint32_t cur;
	uint32_t tail;
	uint32_t flags;
	struct timeval ts; /* time of the last sync, if anybody asks for it */
	uint64_t offset_mask;
	uint64_t buf_align;
	uint8_t sem[128] __attribute__((aligned(128)));
	struct netmap_slot slot[];
};

struct netmap_if {
	char ni_name[NM_IFNAMSIZ];
	uint32_t ni_version;
	uint32_t ni_flags;
	uint32_t ni_tx_rings;
	uint32_t ni_rx_rings;
	uint32_t ni_bufs_head; /* first extra buffer, linked by its first u32 */
	uint32_t ni_host_tx_rings;
	uint32_t ni_host_rx_rings;
	uint32_t ni_spare1[3];
	ssize_t ring_ofs[]; /* from this struct: tx, host tx, rx, host rx */
};

_Static_assert(sizeof(struct netmap_slot) == 16, "netmap slot ABI");
_Static_assert(sizeof(struct netmap_ring) == 256, "netmap ring ABI");
_Static_assert(sizeof(struct netmap_if) == 56, "netmap if ABI");
