/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The way on for packets that were kept back: by a pipe, a queue, a divert
 * listener, reassembly.
 *
 * Place      whoever kept a packet calls this from the worker of its lane, when
 *            no burst is under way there (a packet lives in c->pkts meanwhile).
 * Keeping    a verdict that needs more (interp.h) comes with p->fate: the rule
 *            that gave it.  Who keeps the packet copies the frame and the
 *            struct pkt, and sets p->data to the copy; nothing else in it
 *            points anywhere but tags, which live as long as their burst.
 * Going on   FreeBSD's order: at the first rule whose (number, id) is above
 *            that of the fate.  So it is the rule after, and when that rule is
 *            gone the one that took its place; a number added again has a new
 *            id and is not missed.
 * Verdict    p->verdict says how: VERDICT_ACCEPT asks no more rules of the pass
 *            (one_pass), everything else goes on searching.
 * Threads    one worker, with the ruleset of its round (worker's refresh()).
 */
#pragma once

#include "engine/step.h"

/* The index of the rule at which the search goes on.  A fate of all zeros
 * means the first one; an id of UINT32_MAX means the next number. */
unsigned resume_at(const struct ruleset *rs, const struct pkt_fate *fate);

/* Goes on with one good, parsed packet of 'lane' whose p->fate is set; 'out'
 * tells which pass kept it.  Evaluates it on the way out as well, if it is
 * allowed there and that is wanted.  Sets p->verdict (and p->fate, if it is
 * kept again) and sends nothing; returns true if the last pass was the one on
 * the way out. */
bool resume_run(struct step_ctx *c, const struct lane *lane, struct pkt *p,
    bool out);

/* Goes on with held[n], n <= PORT_BURST, kept in this pass, and sees to them
 * like step(): sent, turned round, answered, kept again or dropped.  Frames are
 * copied; held and their frames are the caller's again afterwards.  The caller
 * has reset c->tags, or knows that their tags are alive. */
void resume_burst(struct step_ctx *c, struct lane *lane,
    struct pkt *const *held, unsigned n, bool out);
