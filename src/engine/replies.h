/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sends the answers to rejected packets back out of the port they came in by.
 *
 * Place      step() notes the packets of a burst and sends at its end, before
 *            the ingress port takes their buffers back.
 * Bounds     REPLY_BURST answers a burst, sysctl kipfw.reply_limit a second and
 *            worker, and what room the port has; what exceeds them is counted.
 * Threads    one worker.
 */
#pragma once

#include "base/ns.h"
#include "base/stat.h"
#include "engine/engine.h"
#include "packet/reply.h"
#include "port/port.h"

enum { REPLY_BURST = 32 };

struct replies {
	struct reply_stats stats;
	unsigned n_asked;
	const struct pkt *asked[REPLY_BURST]; /* of this burst */
	ns_t credit; /* in ns: an answer costs a second / limit */
	ns_t last;   /* when credit was added */
	struct port none; /* where answers come from: no arena, so that a
			   * port copies them */
	struct pkt pkts[REPLY_BURST];
	uint8_t frames[REPLY_BURST][REPLY_MAX];
};

/* The packet, whose 'reply' is set, wants an answer. */
static inline void
replies_note(struct replies *r, const struct pkt *p)
{
	if (r->n_asked < REPLY_BURST)
		r->asked[r->n_asked++] = p;
	else
		stat_add(&r->stats.limited, 1);
}

/* Answers what was noted by 'to', at most 'limit' a second (0: any number). */
void replies_send(struct replies *r, struct port *to, uint32_t limit, ns_t now);
