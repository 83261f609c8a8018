/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ports by their names, without opening them: what vale-ctl and the control
 * requests of netmap ask for.
 *
 * Place      over vswitch; under vale-ctl and the preload library.
 * Life       a persistent port is there from nmctl_create to nmctl_destroy,
 *            with or without a user, on a switch or not.  It has rings while
 *            it is open (nmport_open(), by its own name or as valeX:NAME), and
 *            gets packets while it is open and on a switch.
 * Locks      the arena's slow lock, taken inside.  Any thread.
 * Errors     -errno as netmap's own requests answer, and a sentence.
 */
#pragma once

#include "vale/nmport.h"

/* Makes the persistent port 'name' (letters, digits, "_-.", up to 15, not
 * beginning with "vale"); cfg's rings and slots (NULL or zeros: the defaults,
 * are_wishes as there) are what nmport_open() gets if it does not ask for
 * others.  EEXIST there is one; EINVAL a bad name or size; ENOSPC no place. */
int nmctl_create(const char *name, const struct nmport_cfg *cfg,
    struct err *e);

/* Removes it.  ENXIO no such port; EBUSY it is open or on a switch. */
int nmctl_destroy(const char *name, struct err *e);

/* Puts the persistent port p on switch valeX ("valeX:p"), or takes it away;
 * *port_idx is then its number.  An open port goes on being used.  EINVAL not
 * valeX:p, or no such persistent port (of real interfaces the sentence says
 * how kipfw connects them); ENXIO (detach) not on that switch; EBUSY it is on
 * a switch already, or valeX:p is a port that a program has opened. */
int nmctl_attach(const char *name, unsigned *port_idx, struct err *e);
int nmctl_detach(const char *name, unsigned *port_idx, struct err *e);

/* A port of a switch, for enumeration. */
struct nmctl_port {
	unsigned switch_idx, port_idx;
	char name[64]; /* "valeX:p" */
};

/* The first port at or after (switch_idx, port_idx), in this order; fills name
 * and numbers.  Add 1 to port_idx to go on.  ENOENT: none left. */
int nmctl_next(struct nmctl_port *p, struct err *e);

/* The numbers of the port p->name.  EINVAL not a name of a switch's port;
 * ENOENT no such switch; a switch without that port: port_idx NMCTL_NO_PORT. */
enum { NMCTL_NO_PORT = 255 }; /* as in netmap; ports are 0 to 253 */
int nmctl_find(struct nmctl_port *p, struct err *e);

/* What nmport_get_info() would say of 'name' if it was opened now, or says if
 * it is open.  if_ofs is 0.  Errors as for nmport_open(), but for EBUSY. */
int nmctl_info(const char *name, struct nmport_info *i, struct err *e);

/* The length of the virtio-net header in front of each packet of port valeX:p
 * or of a persistent port: 0, 10 or 12.  EINVAL another length; ENXIO no such
 * port.  Packets between ports of different lengths lose or get a header (of
 * zeros: nothing to be done); those that want something done are dropped. */
int nmctl_set_hdr_len(const char *name, unsigned len, struct err *e);
int nmctl_hdr_len(const char *name, unsigned *len, struct err *e);
