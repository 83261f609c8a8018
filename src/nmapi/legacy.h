/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The request of old programs, struct nmreq, as today's header and body.
 *
 * An old program counts memory in 32 bits, ours has more: it is told as much
 * as it can count, and gets all.
 */
#pragma once

#include "netmap_api.h"

#define LEGACY_MAX_MEMSIZE 0xfffff000u

/* Any body. */
union legacy_body {
	struct nmreq_register reg;
	struct nmreq_port_info_get info;
	struct nmreq_vale_attach attach;
	struct nmreq_vale_detach detach;
	struct nmreq_vale_list list;
	struct nmreq_port_hdr hdr;
	struct nmreq_vale_newif newif;
	struct nmreq_vale_polling polling;
	struct nmreq_pools_info pools;
	struct nmreq_sync_kloop_start kloop;
};

/* 'old' under NIOCREGIF or NIOCGINFO as a header and body.  -EINVAL: a version
 * or command that nobody speaks; -ENOBUFS: no room for a pipe's name. */
int legacy_read(const struct nmreq *old, unsigned long cmd,
    struct nmreq_header *hdr, union legacy_body *body);

/* What was answered, in the old words. */
void legacy_write(const struct nmreq_header *hdr,
    const union legacy_body *body, struct nmreq *old);
