/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One packet through everything that step() would do with it, in words and
 * without effect: 'ipfw test'.
 *
 * Place      ctl/op_trial.c asks; the rules are rule/explain's.  What comes
 *            before and after them is here: parse, pipes and the way on after
 *            them, the evaluation on the way out.
 * Life       calloc'ed by the caller (80 kB, no stack for that) -> the world is
 *            filled in, by engine_trial() or by hand -> trial_run -> the rest is
 *            there to read -> freed; or trial_run again.
 * Threads    one that may read the ruleset; with an engine, the control thread.
 *            Workers go on meanwhile and do not notice, but for the lock of a
 *            bucket of states.  x.in_earnest is for engines without workers.
 */
#pragma once

#include "packet/parse.h"
#include "rule/explain.h"

struct divert_ports;

/* True if there is such a pipe, or queue. */
typedef bool trial_pipe_fn(void *arg, uint16_t nr, bool is_queue);

struct trial {
	/* the world, which is borrowed */
	struct pass pass; /* rules, tables, me, states, match settings, time,
			   * names of the interfaces */
	struct parse_cfg parse;
	bool enabled, one_pass, out_pass;
	const struct divert_ports *listeners; /* NULL: nobody can listen */
	trial_pipe_fn *has_pipe; /* NULL: every one exists */
	void *arg;
	char in_if[IFNAME_LEN], out_if[IFNAME_LEN];
	/* the question */
	bool out;	/* the way out alone */
	struct rng rng; /* for TRIAL_PROB_DRAW */
	struct explain x; /* steps, max_steps, prob and in_earnest are the
			   * caller's */
	/* the answer */
	enum trial_end end;
	uint32_t flags;	  /* TRIAL_FW_OFF and so on */
	uint32_t to;	  /* pipe, queue, divert port */
	const char *why;  /* it is dropped; NULL if it is not */
	struct trial_facts facts;
	struct pkt pkt;	  /* as it is in the end */
	struct tag_pool tags;
	struct state_cfg state_cfg; /* for engine_trial() */
	uint8_t frame[UINT16_MAX];
};

/* What becomes of the frame, of 'len' <= UINT16_MAX octets. */
void trial_run(struct trial *t, const void *frame, unsigned len);

/* The same for the wire; the size and the steps are the caller's. */
void trial_reply(const struct trial *t, struct trial_reply *out);
