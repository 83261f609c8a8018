/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A port on an interface of the host by AF_PACKET, as its files see it.
 *
 *	port_packet.c   the name and its options, the socket, the interface
 *	packet_ring.c   receiving
 *	packet_send.c   sending
 *
 * Place      private to those files.
 * Threads    all of it is its worker's, but for opening and closing.
 */
#pragma once

#include "port/nic.h"
#include "port/port.h"
#include "port/vnet.h"

#include <sys/socket.h>

struct packet {
	struct nic_watch watch; /* of the interface */
	int fd;
	bool full;	    /* the last send found no room */
	bool losing;	    /* the ring has been full */
	bool told;	    /* that there are frames that cannot be cut */
	unsigned bound;	    /* index of the interface, 0 = none */
	unsigned n_empty;   /* calls of rx */
	uint8_t *ring;	    /* mapped: n_slots */
	size_t ring_size;
	unsigned slot_size;
	unsigned per_block; /* slots */
	unsigned n_slots;
	unsigned head;	    /* next slot to read */
	unsigned n_lent;    /* slots before it, the one being cut aside */
	uint8_t *arena;
	unsigned used;	    /* octets of it */
	struct vnet vnet;
	bool join;	    /* segments that follow each other */
	unsigned n_msgs;    /* of what is sent */
	struct vnet_out outs[PORT_BURST];
	struct iovec iov[3 * PORT_BURST]; /* two a message, one a packet */
	struct mmsghdr msgs[PORT_BURST];
};

/* Clears what a link that went down left behind, and binds to the interface if
 * it is another one by now. */
void packet_look(struct port *p);

/* ---- packet_ring.c ---- */

/* Maps a ring of at least n_slots for frames of the interface's MTU; -errno, and
 * errno says why.  And memory for frames that are longer. */
int packet_ring_open(struct packet *k, unsigned n_slots);
void packet_ring_close(struct packet *k);
/* True if there is something to receive. */
bool packet_ring_ready(const struct packet *k);
unsigned packet_rx(struct port *p, struct pkt *pkts, unsigned max);
void packet_release(struct port *p);

/* ---- packet_send.c ---- */

unsigned packet_room(struct port *p);
unsigned packet_tx(struct port *p, struct port *from, struct pkt *const *pkts,
    unsigned n);
