/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtual time: the engine's worker, driven by the stamps of capture files.
 *
 * Loop       the next of: a second begins (states expire, keepalives leave), a
 *            packet leaves a pipe, a packet comes; at one time in this order,
 *            and packets of several ports in the order of the ports.  The clock
 *            (vtime.h) stands at that moment, to the ns, while it is seen to.
 * Bursts     packets of one port that come one after the other are evaluated as
 *            a burst, each under its own stamp, where that makes no difference:
 *            within a second, and if neither the rules (log, reass, answers)
 *            nor the pipes (dn_order(), one_pass=0) ask for one at a time.  What
 *            leaves is put in the order of time, and of arrival at one time.
 * Repeatable everything that chance decides comes from the seed, and keys of
 *            hash tables as well; one thread decides.  Those that read and
 *            write captures ahead and behind only hand over, in order.
 * Idle       seconds in which there are no states are passed over.
 * End        of time: when the files are over and nothing is held.
 */
#pragma once

#include "base/err.h"
#include "engine/verdicts.h"
#include "engine/vtime.h"

struct engine;
struct worker;

struct virtual_cfg {
	verdicts_fn *tell;  /* NULL: nobody asks */
	void *tell_arg;
	/* Called when rules may have logged, so that the log does not run over;
	 * NULL: nobody reads it. */
	void (*logged)(void *arg);
	void *logged_arg;
	unsigned burst;	    /* most packets at a time; 0 = PORT_BURST */
};

/* Runs until the end of time.  -ENOMEM; -ENOBUFS: verdicts.h. */
int virtual_run(struct worker *w, struct vtime *v,
    const struct virtual_cfg *cfg, struct err *e);
