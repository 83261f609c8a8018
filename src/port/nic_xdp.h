/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the driver of an interface can do with frames of XDP programs now.
 *
 * A veth end takes frames that programs redirect to it while the other end
 * polls: as long as GRO is on there, or a program of its own.
 *
 * Place      under xdp_life.c and xdp_prog.c.
 * Cost       some system calls, by generic netlink; never per packet.
 * Kernel     Linux 6.3 tells; older ones say nothing.
 */
#pragma once

#include <stdint.h>

enum {
	NIC_XDP_XMIT = 1 << 2,	    /* it sends what is redirected to it */
	NIC_XDP_TELLS_TAG = 1 << 2, /* programs learn the tag that it took out */
};

struct nic_xdp { /* bits as in linux/netdev.h */
	uint64_t features;
	uint64_t tells; /* of a received frame; 0 before Linux 6.8 */
};

/* What interface 'index' can do.  -ENOENT: this kernel does not tell; -ENODEV. */
int nic_xdp_look(unsigned index, struct nic_xdp *out);
