/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ports of netmap's kernel module, under the same functions as ours.
 *
 * Place      beside nmport, which calls these where a port is the kernel's.
 * Which      "netmap:NAME" (NAME-2 its ring 2, NAME^ its host rings), and
 *            valeX:p, if /dev/netmap is there; KIPFW_VALE=user keeps valeX:p
 *            ours all the same, KIPFW_VALE=kernel insists.
 * Differs    a sync is a system call, and all rings of the port are synced at
 *            once.  The switch of the kernel drops what does not fit.  Buffers
 *            are exchanged between ports whose memory has the same number.
 */
#pragma once

#include "vale/nmport.h"

struct nmkernel;

/* Is this port the kernel's?  Opens and closes /dev/netmap to find out. */
bool nmkernel_has(const char *name);

/* Registers it and maps its memory; '*cfg' holds wishes, and then what there
 * is.  -errno as netmap has it: ENXIO no such interface, EBUSY, .... */
int nmkernel_open(const char *name, struct nmport_cfg *cfg,
    struct nmkernel **out, struct err *e);
void nmkernel_close(struct nmkernel *k);

struct netmap_if *nmkernel_if(const struct nmkernel *k);
struct netmap_ring *nmkernel_ring(const struct nmkernel *k, bool is_rx,
    unsigned i);

/* 0 or -errno; all rings of the direction. */
int nmkernel_sync(struct nmkernel *k, bool is_rx);

/* For poll(): readable when something has come. */
int nmkernel_fd(const struct nmkernel *k);

unsigned nmkernel_mem_id(const struct nmkernel *k);
uint32_t nmkernel_n_bufs(const struct nmkernel *k);
