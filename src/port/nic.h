/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel says of a network interface, by its name.
 *
 * Place      under the kinds of ports that use one.
 * Cost       a few system calls each; never per packet.
 * Networks   names mean interfaces of the network namespace that the process
 *            is in.
 */
#pragma once

#include "base/cdefs.h"
#include "base/err.h"

#include <net/if.h>

/* What may change while an interface is used. */
struct nic_state {
	unsigned index;
	unsigned mtu;
	unsigned n_queues; /* to receive, as ethtool -l counts; at least 1 */
	bool is_up;	   /* set up by the administrator */
};

struct nic {
	struct nic_state now;
	bool merges;	   /* segments are merged: GRO or LRO */
	bool takes_tags;   /* VLAN tags are taken out of frames */
	char driver[32];   /* "veth"; empty if it has no name */
};

/* Asks for all of it.  -ENODEV: there is no such interface; -EINVAL: it does not
 * carry Ethernet frames. */
int nic_look(const char *name, struct nic *out, struct err *e);

/* Asks for what may change; false if there is no such interface. */
bool nic_state(const char *name, struct nic_state *out);

/* Makes the interface accept frames for any address as long as the returned
 * descriptor is open.  -errno. */
int nic_promisc(unsigned index);
