/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dummynet's configuration as it comes over the wire.
 *
 * Place      op_dn.c hands the request over; pipe/dn.h is what it becomes.
 * Trust      every object is checked: its length, its numbers, its strings.
 *            All of a request is judged before any of it is done.
 */
#pragma once

#include "engine/engine.h"
#include "ipfw_abi.h"
#include "pipe/dn.h"

/* Does what the objects in 'data' (behind the command) say: a link, a flowset, a
 * scheduler, or those of a 'pipe N config'.  -EINVAL, -ENOMEM. */
int dn_config_apply(struct engine *en, const void *data, size_t len,
    struct err *e);

/* The parts that are the same on the way out: dn_report.c. */
void dn_flow_to_wire(const struct dn_flow_id *id, struct abi_flow_id *out);
