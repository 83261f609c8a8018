/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The action 'reass': keeps fragments, and goes on with what they make up.
 *
 * Place      fate_collect() hands over the fragments of a burst; when the burst
 *            has been seen to, defrag_finish() goes on with the packets that
 *            have become complete: a run through the rules after the last
 *            fragment's, of the whole, and its verdict for every fragment.
 * A wire     The whole is for the rules' eyes: it may be longer than a port's
 *            buffer and the next link's frames.  What goes on, back, or to a
 *            listener are fragments, in order and no longer than they came, cut
 *            out of the whole (packet/reass.h), so that what rules change in it
 *            arrives.
 * Order      such a packet leaves after the burst that completed it.
 * Threads    one worker.
 */
#pragma once

#include "base/err.h"
#include "packet/pkt.h"
#include "packet/reass.h"

struct lane;
struct step_ctx;
struct keys;

enum { DEFRAG_DONE = 256 }; /* packets complete in a burst: PORT_BURST */

struct defrag {
	struct reass *reass;
	struct reass_cfg cfg;
	unsigned n_done;
	struct {
		struct pkt last; /* the fragment that completed it */
		unsigned packet;
		bool out;	 /* pass it was kept in */
	} done[DEFRAG_DONE];
	uint8_t whole[REASS_WHOLE_MAX];
};

/* Memory for a worker, under one of 'keys' (NULL: the system's). */
int defrag_create(struct keys *keys, struct defrag **out, struct err *e);
/* NULL is fine. */
void defrag_destroy(struct defrag *d);

/* Keeps a copy of 'p', which has VERDICT_REASS and its fate, in the pass that
 * c->pass.out tells. */
void defrag_take(struct step_ctx *c, const struct pkt *p);

/* Goes on with what is complete, in its lane; uses c->pkts. */
void defrag_finish(struct step_ctx *c, struct lane *lane);
