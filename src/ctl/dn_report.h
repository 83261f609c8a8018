/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dummynet's objects as a list over the wire.
 *
 * Place      op_dn.c hands a DN_CMD_GET over; ipfw's 'pipe list' shows it.
 * Answer     the command's dn_id with the octets needed in its 'id', then, for
 *            each object: link, profile, flowset, scheduler, children, flows.
 *            Who asks with DN_CMD_GET_MORE gets kipfw's own objects as well.
 */
#pragma once

#include "ctl/op.h"

/* Answers the request in 'call', which is a whole dn_id at least.  Without
 * ranges and with too little room the answer is the dn_id alone; with ranges
 * as many objects as there is room for.  -EINVAL, -ENOMEM. */
int dn_report_get(struct engine *en, struct ctl_call *call, struct err *e);
