/* SPDX-License-Identifier: BSD-2-Clause */
/* The kinds of port there are; one file each. */
#pragma once

#include "port/port.h"

/* "valeX:p": port p of the userspace switch valeX. */
extern const struct port_ops port_vale;
/* "netmap:IF": an interface by netmap's kernel module (vale/nmkernel.h). */
extern const struct port_ops port_netmap;
/* "xdp:IF[/QUEUE][,options]": a network interface by AF_XDP. */
extern const struct port_ops port_xdp;
/* "source:[FILE]": the classic packet, or those of a pcap file, for ever. */
extern const struct port_ops port_source;
/* "sink:": counts and forgets. */
extern const struct port_ops port_sink;
/* "mem:NAME": what is sent to it comes back by the mem: port of that name;
 * "mem:A>B" receives from A and sends to B. */
extern const struct port_ops port_mem;
/* "packet:IF[,options]": an interface of the host, by AF_PACKET. */
extern const struct port_ops port_packet;
/* "tap:NAME[,options]": the other end of an interface of the host. */
extern const struct port_ops port_tap;
/* "pcap:in=FILE,out=FILE": capture files; see port/capture.h. */
extern const struct port_ops port_pcap;
