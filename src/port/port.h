/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A port: where packets come from and go to, one small table a kind.
 *
 * Place      under engine/.  One file a kind, one row in port.c.
 * Life       port_open -> rx/release, tx/kick, sleep -> port_close.
 * Threads    one worker at a time on the rx side, one on the tx side.
 * Ownership  rx lends packets that live in the port's memory until release.
 *            tx takes packets of one rx burst; if the port shares an arena
 *            with the one they came in by, buffers are swapped, else copied.
 * Work left  hosts leave checksums and segmentation to their cards
 *            (packet/offload.h).  rx finishes them, so that rules see what a
 *            wire would carry.  Only if both ports of a lane can handle them,
 *            and the rules do with them (ruleset_wants_segments), TCP and UDP
 *            packets of up to 64 kB are lent as they came: 'whole' is set, and
 *            pkt.slot says what is left.
 * Cost       per burst, not per packet: one rx, one tx, one release, one kick.
 */
#pragma once

#include "base/cdefs.h"
#include "base/err.h"
#include "base/stat.h"
#include "packet/offload.h"
#include "packet/pkt.h"

enum {
	PORT_BURST = 256,    /* most packets rx hands out at once */
	PORT_NAME_LEN = 1024, /* paths of captures may be part of it */
	PORT_IFNAME_LEN = 16,
};

enum port_sleep { PORT_RX = 1, PORT_TX = 2 };

struct port;
struct nmport;

struct port_ops {
	const char *kind; /* how its names begin */
	const char *help; /* one line for --help */
	/* Opens what 'name' says into p->priv. */
	int (*open)(struct port *p, const char *name, struct err *e);
	void (*close)(struct port *p);
	/* Fills data, slot, len of up to max <= PORT_BURST packets. */
	unsigned (*rx)(struct port *p, struct pkt *pkts, unsigned max);
	/* Takes back what the last rx lent. */
	void (*release)(struct port *p);
	/* How many packets tx would take now. */
	unsigned (*room)(struct port *p);
	/* Takes the first packets of pkts[n]; returns how many.  'from' is the
	 * port that lent them. */
	unsigned (*tx)(struct port *p, struct port *from,
	    struct pkt *const *pkts, unsigned n);
	/* Sends what tx took, and sees what room there is. */
	void (*kick)(struct port *p);
	/* Packets that tx took and kick could not send yet: kick again. */
	unsigned (*pending)(struct port *p);
	/* As nmport_sleep_begin(): true if poll(fd) may be entered. */
	bool (*sleep_begin)(struct port *p, unsigned flags);
	void (*sleep_end)(struct port *p);
};

struct port_stats { /* written by the worker, read by anybody */
	uint64_t rx_pkts;
	uint64_t rx_bytes;
	uint64_t tx_pkts;
	uint64_t tx_bytes;
	uint64_t rx_lost; /* came, and could not be made packets */
	uint64_t tx_lost; /* taken, and refused further on: too long, link down */
};

struct port {
	const struct port_ops *ops;
	void *priv;
	struct nmport *nm; /* if it is one; for swapping buffers */
	int fd;		   /* for poll() after sleep_begin, -1 = none */
	short events;	   /* what to poll for; 0 = POLLIN */
	bool interface;	   /* ifname is one of the host's, and all of it ours */
	unsigned index;	   /* of an interface that is the end of a cable, and */
	unsigned peer;	   /* of the cable's other end, if that is here; or 0 */
	bool can_whole;	   /* lends and takes frames with work left */
	bool whole;	   /* and rx may do so: see port_offload() */
	struct port_stats stats;
	char name[PORT_NAME_LEN];
	char ifname[PORT_IFNAME_LEN]; /* what recv, xmit and via compare */
};

/* Opens the port that 'name' describes: "valeX:p", "source:", ....  -EINVAL
 * names the kinds there are.  On success *out is owned by the caller. */
int port_open(const char *name, struct port **out, struct err *e);
void port_close(struct port *p);

/* The kinds, ended by NULL. */
extern const struct port_ops *const port_kinds[];

/* ---- the table's functions, as callers write them ---- */

static inline unsigned
port_rx(struct port *p, struct pkt *pkts, unsigned max)
{
	return p->ops->rx(p, pkts, max);
}

static inline void
port_release(struct port *p)
{
	p->ops->release(p);
}

static inline unsigned
port_room(struct port *p)
{
	return p->ops->room(p);
}

static inline unsigned
port_tx(struct port *p, struct port *from, struct pkt *const *pkts, unsigned n)
{
	return p->ops->tx(p, from, pkts, n);
}

static inline void
port_kick(struct port *p)
{
	p->ops->kick(p);
}

static inline unsigned
port_pending(struct port *p)
{
	return p->ops->pending(p);
}

/* The segmentation that a packet of 'from' has left, NULL if it is finished, as
 * all are unless the two ports of a lane can both do without. */
static inline const struct offload *
port_offload(const struct port *from, const struct pkt *p)
{
	return from->whole ? p->slot : NULL;
}

/* For kinds that never have anything pending. */
unsigned port_none_pending(struct port *p);
