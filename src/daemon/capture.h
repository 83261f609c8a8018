/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets out of a capture, pcap or pcapng, of Ethernet or of bare IP.
 *
 * Place      daemon/, for 'ipfw test --pcap': ipfw itself is not linked with
 *            libpcap, whose many libraries make a program start slowly.
 * Life       capture_open -> capture_next until it says that there is no more
 *            -> capture_close.
 */
#pragma once

#include "cli/frame.h"

/* 0 with *out, an owned struct capture, or a sysexits code. */
int capture_open(const char *path, void **out, struct err *e);
void capture_close(void *capture);

/* The next frame; packets that were captured without an Ethernet header get
 * one.  1, 0 after the last one, or -1 with 'e'. */
int capture_next(void *capture, struct frame *f, struct err *e);
