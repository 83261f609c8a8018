/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Positions outside the rings (CSB), and the loop that syncs by them.
 *
 * Place      over dev; under the requests.  A hypervisor's guest has no system
 *            calls for netmap: it writes head and cur into its memory, and a
 *            thread of the hypervisor is in NETMAP_REQ_SYNC_KLOOP_START, which
 *            syncs the rings by them until NETMAP_REQ_SYNC_KLOOP_STOP.
 * Order      of entries: tx rings, rx rings, of those the descriptor has.
 * Wakes      with an ioeventfd a ring the loop sleeps until one is written or
 *            the port has news; without, 'sleep_us' between rounds.  An irqfd is
 *            written when slots became the program's and it wants to know.
 * Direct     modes (work in the context of who kicks) are accepted, and done by
 *            the loop.
 * Threads    the loop is the calling thread; one a descriptor.
 */
#pragma once

#include "nmapi/dev.h"
#include "nmapi/option.h"

/* Puts 'd' into CSB mode: its positions are what the arrays of 'o' say.
 * -EINVAL: not exclusive, or unaligned; -EFAULT; -EBUSY: the loop runs. */
int kloop_enable(struct dev *d, const struct options *o, struct err *e);

/* The loop.  -EINVAL: sleep_us beyond a second, no CSB mode, or eventfds that do
 * not fit; -EBUSY: it runs; -ENXIO: no port. */
int kloop_run(struct dev *d, uint32_t sleep_us, const struct options *o,
    struct err *e);

/* Ends it, or the next one, and waits for that.  -ENXIO: no port. */
int kloop_stop(struct dev *d, struct err *e);
