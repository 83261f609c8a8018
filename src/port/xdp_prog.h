/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The XDP program on an interface: frames of our queues go to our sockets.
 *
 * Place      under port_xdp.c.  A few instructions, made here: no compiler, no
 *            object file and no bpffs are wanted.
 * Life       xdp_prog_attach -> xdp_prog_add a queue -> xdp_prog_detach.  The
 *            program hangs on a bpf_link: when the process ends, however it
 *            does, the interface is as it was.
 * Frames     of queues without a socket go on to the kernel.
 * Tags       a neighbour on the same host, or a card, may hand a VLAN tag over
 *            beside the frame, where no AF_XDP socket sees it.  In native mode
 *            the program asks the driver and puts it back (Linux 6.8).
 */
#pragma once

#include "base/cdefs.h"
#include "base/err.h"

enum xdp_mode {
	XDP_MODE_ANY,	  /* native, or else generic */
	XDP_MODE_NATIVE,  /* in the driver, before there is an skb */
	XDP_MODE_GENERIC, /* in the kernel's stack: any interface */
};

enum { XDP_PROG_QUEUES = 1024 }; /* of an interface, at most */

struct xdp_prog {
	enum xdp_mode mode; /* the one that was got */
	bool has_tags;	    /* VLAN tags beside frames are put back */
	int map;	    /* queue -> socket */
	int prog;
	int link;
};

/* For a program that is not there. */
#define XDP_PROG_NONE ((struct xdp_prog){.map = -1, .prog = -1, .link = -1})

/* Loads the program and puts it on interface 'index', called 'name' in
 * messages.  -EBUSY: another program is there; -EPERM names what is missing;
 * -EOPNOTSUPP: no such mode there. */
int xdp_prog_attach(struct xdp_prog *p, const char *name, unsigned index,
    enum xdp_mode mode, struct err *e);

/* Frames of 'queue' go to the AF_XDP socket 'fd' from now on. */
int xdp_prog_add(struct xdp_prog *p, unsigned queue, int fd, struct err *e);

/* Takes it off the interface.  One that is not there is fine. */
void xdp_prog_detach(struct xdp_prog *p);
