/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What becomes of packets after their evaluation: on, back, answered, dropped.
 *
 * Place      step() for packets that a port lent, resume for those that were
 *            kept back; both fill c->pkts, whose verdicts decide here.
 * Order      collect, perhaps look_again, send.  What fate_collect() notes
 *            (answers, packets to turn round) is sent by fate_send().
 * Threads    one worker.
 */
#pragma once

#include "engine/step.h"

/* Sets what the rules can know of a burst of this lane. */
void fate_lane(struct step_ctx *c, const struct lane *lane);

/* Books those of c->pkts[n] that do not go on, and puts the rest into
 * c->to_send.  Returns how many those are. */
unsigned fate_collect(struct step_ctx *c, unsigned n);

/* The second evaluation, on the way out, of c->to_send[n]; returns how many of
 * them are left. */
unsigned fate_look_again(struct step_ctx *c, unsigned n);

/* Sends c->to_send[n] by the lane's way out, and by its way in the answers and
 * what was turned round.  'from' lent the frames; a port without an arena
 * (c->none) if they lie in the engine's own memory.  Publishes what was
 * logged; does not kick lane->out. */
void fate_send(struct step_ctx *c, struct lane *lane, struct port *from,
    unsigned n);
