/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Why: the way of a packet through the rules, step by step, without any effect.
 *
 * Place      engine/trial calls interp_explain(); the interpreter, compiled a
 *            second time with a struct explain in hand, calls the rest.  So
 *            what is explained is what is done: neither loop nor tests are
 *            written twice, and the data path has no trace of this.
 * Dry        counters, entries of tables, states, logs, the worker's generator
 *            and its tags stay as they are.  States are looked up read-only;
 *            those that the packet would have made are remembered here, for the
 *            rules further down.  Unless x->in_earnest: who asks about packets
 *            one after the other, in an engine of its own, wants the states
 *            of those before.
 * Packet     a copy of the caller's: setdscp and tcp-setmss change it.
 * Threads    any that may read the ruleset, the tables and the states.
 * Bound      EXPLAIN_LOOKS rules; then the packet is given up (x->gave_up).
 */
#pragma once

#include "ipfw_abi.h"
#include "rule/match.h"
#include "state/state_would.h"

enum {
	EXPLAIN_LOOKS = 1 << 22,
	EXPLAIN_MADE = 64, /* states of one packet that are remembered */
};

struct explain {
	/* what is asked for */
	struct trial_step *steps; /* room for max_steps; NULL if that is 0 */
	unsigned max_steps;
	enum trial_prob prob;
	bool in_earnest; /* states are booked and made, for packets to come */
	/* what came of it */
	unsigned n_steps;  /* that there were, stored or not */
	unsigned n_looked; /* rules */
	bool gave_up;
	enum trial_keep refused; /* TRIAL_KEEP_FULL or _LIMITED: why the last
				  * rule denies; else 0 */
	bool either;	   /* of two states, the order of which is not known */
	uint32_t rule_id;  /* the last that acted */
	uint16_t rule;	   /* its number; 0 = none */
	struct state_would would;
	unsigned n_made;
	struct {
		uint16_t name;
		unsigned at; /* index of its rule */
	} made[EXPLAIN_MADE];
};

/* As interp_run() for one good packet, and 'x' (zeroed but for what is asked;
 * it goes on from call to call) gets the steps.  pass->tags and pass->rng are
 * the caller's own; pass->log, ->divert and ->lookup_use are NULL, and
 * ->counts and ->check are not looked at. */
enum verdict interp_explain(const struct pass *pass, struct pkt *p,
    unsigned first, struct explain *x);

/* A step that is about no instruction. */
void explain_note(struct explain *x, const struct rule *r,
    enum trial_what what);

/* ---- told by the interpreter ---- */

/* Before a rule is asked.  False: that was one too many. */
bool explain_look(struct explain *x);
/* A rule is passed over, since its set is switched off. */
void explain_off(struct explain *x, const struct pass *pass,
    const struct rule *r, const struct pkt *p);
/* An action begins: the rule counts the packet. */
void explain_act(struct explain *x, const struct rule *r,
    const struct insn *act);
/* A call or return that cannot. */
void explain_no_jump(struct explain *x, const struct rule *r,
    const struct insn *act);
/* The number that it goes by. */
void explain_arg(struct explain *x, uint32_t value, bool of_table);
/* log, tag and untag. */
void explain_modifier(struct explain *x, const struct rule *r,
    const struct insn *i, uint16_t tag);

/* ---- told by match.c ---- */

/* The rule does not match: 'i' is the last test of those that failed. */
void explain_miss(struct explain *x, const struct pass *pass,
    const struct rule *r, const struct insn *i, const struct pkt *p,
    uint32_t tablearg);
/* How 'prob' ends; 'drawn' is what chance says. */
bool explain_prob(struct explain *x, const struct rule *r,
    const struct insn *i, bool drawn);
void explain_defer(struct explain *x, const struct rule *r,
    const struct insn *i);
/* stateful_probe() and stateful_keep() without effect. */
bool explain_probe(struct explain *x, const struct pass *pass,
    const struct pkt *p, uint16_t name, struct probe *probe, unsigned *at);
bool explain_keep(struct explain *x, const struct pass *pass,
    const struct pkt *p, unsigned n, const struct insn *i, uint32_t tablearg);
