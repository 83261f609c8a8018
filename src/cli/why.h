/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Why a test of a rule does not match a packet: "packet has 80".
 *
 * Place      trial.c prints it behind the test.  Only words: whether it matches
 *            is the daemon's to say, and what the packet has are the facts that
 *            it sent along.
 */
#pragma once

#include "cli/text.h"
#include "ipfw_abi.h"
#include "rule/insn.h"

/* Appends what the packet has in place of what 'i' asks for.  'out': it was the
 * evaluation on the way out; 'value' is the step's. */
void why_not(struct text *t, const struct insn *i,
    const struct trial_reply *r, bool out, uint32_t value);

/* "tcp 10.0.0.1:4000 > 10.0.0.2:22 syn", as short as that. */
void why_packet(struct text *t, const struct trial_facts *f);

/* A dscp by its name or number; an octet of TOS gives it. */
void why_dscp(struct text *t, unsigned tos);
