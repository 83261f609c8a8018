/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel says of a network interface, by its name, now and as it changes.
 *
 * Place      under the kinds of ports that use one.
 * Cost       a few system calls each; nic_watch_news() without news is one.
 *            Never per packet.
 * Networks   names mean interfaces of the network namespace that the process
 *            is in.
 */
#pragma once

#include "base/cdefs.h"
#include "base/err.h"

#include <net/if.h>

/* What may change while an interface is used. */
struct nic_state {
	unsigned index;	   /* 0 = there is none of the name */
	unsigned mtu;
	unsigned n_queues; /* to receive, as ethtool -l counts; at least 1 */
	bool is_up;	   /* set up by the administrator */
};

struct nic {
	struct nic_state now;
	unsigned peer;	   /* index of the other end of a veth cable, if that is
			    * in this namespace, too; else 0 */
	bool merges;	   /* segments are merged: GRO or LRO */
	bool takes_tags;   /* VLAN tags are taken out of frames */
	char driver[32];   /* "veth"; empty if it has no name */
};

/* Asks for all of it.  -ENODEV: there is no such interface; -EINVAL: it is no
 * cable that carries Ethernet frames. */
int nic_look(const char *name, struct nic *out, struct err *e);

/* Asks for what may change; false if there is no such interface. */
bool nic_state(const char *name, struct nic_state *out);

/* Makes the interface accept frames for any address as long as the returned
 * descriptor is open.  -errno. */
int nic_promisc(unsigned index);

/* An interface whose fate is followed: down, gone, back. */
struct nic_watch {
	int fd; /* of rtnetlink; readable if there is news of some interface */
	char name[IFNAMSIZ];
	struct nic_state now;
};

/* Errors as of nic_look(), which 'out' is of. */
int nic_watch_open(struct nic_watch *w, const char *name, struct nic *out,
    struct err *e);
void nic_watch_close(struct nic_watch *w);

/* Reads the news; true if there was any.  Then w->now says what is true of the
 * interface that has the name now, or of the one that had it and has another. */
bool nic_watch_news(struct nic_watch *w);
