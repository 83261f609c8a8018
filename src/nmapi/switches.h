/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests about switches and persistent ports, without a port of one's own.
 *
 * Errors are those of vale(4): -ENXIO no such port, -ENOENT the end of the
 * list or no such switch, -EBUSY in use, -EEXIST there already, -EINVAL a name
 * that is none.
 */
#pragma once

#include "netmap_api.h"
#include "base/err.h"
#include "vale/vswitch.h"

/* The port of this name; '*info' (may be NULL) is filled if there is one. */
int switches_find(const char *name, struct vport_info *info, struct err *e);

/* With a name: its indexes; else the first port from the indexes on. */
int switches_list(char name[NETMAP_REQ_IFNAMSIZ], struct nmreq_vale_list *l,
    struct err *e);

int switches_attach(const char *name, struct nmreq_vale_attach *a,
    struct err *e);
int switches_detach(const char *name, struct nmreq_vale_detach *d,
    struct err *e);
int switches_newif(const char *name, struct nmreq_vale_newif *n,
    struct err *e);
int switches_delif(const char *name, struct err *e);
