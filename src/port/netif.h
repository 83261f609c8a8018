/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What becomes of a network interface while it is used: gone, back, down.
 *
 * Place      ports on interfaces of the host ask it now and then.
 * Cost       netif_look() without news is one system call.
 */
#pragma once

#include "base/cdefs.h"
#include "base/err.h"

#include <net/if.h>

struct netif {
	int fd; /* of rtnetlink; readable if there is news of some interface */
	char name[IFNAMSIZ];
	unsigned index; /* 0 = there is none of this name */
	unsigned mtu;
	bool is_up;
};

/* -ENODEV: there is no such interface; -EINVAL: it is not Ethernet. */
int netif_open(struct netif *l, const char *name, struct err *e);
void netif_close(struct netif *l);

/* Reads the news; true if there was any.  Then l says what is true of the
 * interface that has the name now, or of the one that had it and has another. */
bool netif_look(struct netif *l);
