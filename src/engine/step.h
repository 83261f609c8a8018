/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The packet path: one burst from a port to its fates.
 *
 *	port rx -> parse -> interpret -> (accept) -> port tx
 *	                              '-> (deny)  -> drop, with a reason; perhaps
 *	                                             an answer by the port rx
 *
 * Place      the heart of a worker's loop; everything else waits on it.
 * Threads    one worker; nothing here is shared but the ruleset it reads.
 */
#pragma once

#include "engine/defrag.h"
#include "engine/engine.h"
#include "engine/replies.h"
#include "packet/parse.h"
#include "port/port.h"
#include "rule/interp.h"

enum { WORKER_MAX_LANES = 64 }; /* of a lane's id: worker, then its lane */

/* One direction between two ports. */
struct lane {
	struct port *in;
	struct port *out;
	enum drop_reason end; /* why packets end if 'out' is no real port */
	uint16_t id;	      /* of all workers' lanes; states remember it */
	bool whole;	      /* both ports can do without segments */
	bool blocked;	      /* last time 'out' had no room */
};

struct pipe_door;
struct vtime;

/* What a worker needs for a burst, set up before each. */
struct step_ctx {
	struct pass pass;	/* rules, counters, chance, time */
	struct parse_cfg parse;
	bool enabled;		/* net.inet.ip.fw.enable */
	bool out_pass;		/* a second evaluation on the way out */
	bool one_pass;		/* net.inet.ip.fw.one_pass */
	bool timed;		/* now_ns is wanted: there are pipes */
	ns_t now_ns;		/* when this burst came; 0 = not read yet */
	uint32_t reply_limit;	/* kipfw.reply_limit */
	struct vtime *vtime;	/* NULL: the machine's clocks */
	struct pipe_door *door;	/* to the pipes */
	struct tag_pool tags;
	struct match_check check; /* this worker's, read by anybody */
	struct replies replies;
	struct defrag *defrag;	/* what reass keeps */
	uint32_t now_s;		/* monotonic, for what is kept */
	unsigned n_bounced;	/* of this burst */
	struct pkt *bounced[PORT_BURST];
	bool whole;		/* packets of this burst may have segments left */
	unsigned n_piped;	/* to pipes and queues */
	const struct pkt *piped[PORT_BURST];
	uint64_t drops[N_DROPS]; /* this worker's, read by anybody */
	struct port none; /* lender of frames that no port owns: it has no
			   * arena, so that they are copied */
	struct pkt pkts[PORT_BURST];
	struct pkt *to_send[PORT_BURST];
	uint8_t segment[UINT16_MAX]; /* of a packet that a pipe takes */
};

/* Moves one burst of at most 'max' packets along the lane.  Returns how many
 * were received; 0 also when the way out is full (lane->blocked). */
unsigned step(struct step_ctx *c, struct lane *lane, unsigned max);

/* The middle of it: parses and evaluates c->pkts[n], which came by 'lane'.
 * Returns how many go on, in c->to_send. */
unsigned step_filter(struct step_ctx *c, const struct lane *lane, unsigned n);
