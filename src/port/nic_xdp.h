/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the driver of an interface can do with frames of XDP programs now.
 *
 * A veth end takes frames that programs redirect to it while the other end
 * polls: as long as GRO is on there, or a program of its own.
 *
 * Place      under xdp_life.c.
 * Cost       some system calls, by generic netlink; never per packet.
 * Kernel     Linux 6.3 tells; older ones say nothing.
 */
#pragma once

#include <stdint.h>

enum {
	NIC_XDP_XMIT = 1 << 2, /* it sends what is redirected to it */
};

/* The features of interface 'index', bits as in linux/netdev.h.  -ENOENT: this
 * kernel does not tell; -ENODEV. */
int nic_xdp_features(unsigned index, uint64_t *features);
