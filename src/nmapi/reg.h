/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registering a port, and asking what it would be like.
 *
 * Names are nmport_open()'s, without a monitor's suffix: that is what the
 * flags NR_MONITOR_* and NR_ZCOPY_MON say.  A zero-copy monitor gets copies,
 * which nobody but the clock can tell.
 *
 * There is one memory for all, so every port has mem_id 1, and buffers can be
 * exchanged between any two.  There is no host stack: NR_REG_SW, NIC_SW and
 * ONE_SW are EINVAL.  NR_REG_NULL is the memory alone, with extra buffers.  Numbers of slots are rounded up to a power of two from
 * 256 to 65,536, numbers of rings bounded.
 */
#pragma once

#include "netmap_api.h"
#include "nmapi/dev.h"

/* Binds 'd' and fills in what it got.  -ENXIO: no such port, and none that can
 * be made; -EINVAL: a mode, memory or ring that is not here; -EBUSY. */
int reg_port(struct dev *d, const char *name, struct nmreq_register *r,
    struct err *e);

/* The port as it is, or would be (nmctl_info()); with an empty name the memory alone. */
int reg_info(const char *name, struct nmreq_port_info_get *i, struct err *e);

/* The memory as netmap's three pools.  A name is needed. */
int reg_pools(const char *name, struct nmreq_pools_info *p, struct err *e);
