/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a program asks of /dev/netmap by ioctl(): one handler a request.
 *
 * Place      over dev, user and option; under api.
 * Trust      headers, bodies and options are read once, into our own memory,
 *            and checked there.
 * Errors     -errno as netmap(4) has them; the sentence behind one goes to
 *            stderr if NETMAP_VERBOSE is set.
 */
#pragma once

#include "nmapi/dev.h"

/* NIOCCTRL, NIOCREGIF, NIOCGINFO, NIOCTXSYNC, NIOCRXSYNC with the argument at
 * 'arg'.  -EOPNOTSUPP: no request of netmap's. */
int request_run(struct dev *d, unsigned long cmd, void *arg);
