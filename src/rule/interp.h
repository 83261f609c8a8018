/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interpreter: one rule against one packet, one opcode after the other.
 *
 * Place      engine/ runs it over a burst; every faster matcher is checked
 *            against it.  It is the definition of what a rule means.
 * Trust      rules passed check; packets passed parse.  The frame may change
 *            under our feet (shared memory), so each length that decides an
 *            access is either private or read once and compared with p->len.
 * Semantics  FreeBSD 14's.  A test that does not apply to a packet fails, so
 *            its negation matches (reference, pitfall 8).
 * Cost       linear in the rules that are looked at; about 2 ns an opcode.
 */
#pragma once

#include "base/rng.h"
#include "packet/pkt.h"
#include "packet/tag.h"
#include "rule/counter.h"
#include "rule/me.h"
#include "rule/record.h"
#include "rule/ruleset.h"
#include "table/table.h"
#include "state/state.h"

enum {
	IFNAME_LEN = 16,
	CALL_DEPTH = 16, /* as in FreeBSD */
};

enum verdict {
	VERDICT_ACCEPT,
	VERDICT_DENY,
	VERDICT_BOUNCE, /* back out of the port it came in by */
	/* The engine sees to these and goes on at the rule after; p->fate. */
	VERDICT_PIPE,	/* to pipe fate.to */
	VERDICT_QUEUE,	/* to queue fate.to */
	VERDICT_DIVERT, /* to the listener of port fate.to */
	VERDICT_REASS,	/* to reassembly */
};

/* Where candidates come from. */
enum match_mode {
	MATCH_INDEX,  /* the ruleset's plan, if it has one */
	MATCH_LINEAR, /* every rule is one */
	MATCH_VERIFY, /* every rule, and beside it the plan is followed: whether
		       * it leads to each that did something (rule/way), and
		       * would have given the same verdict */
};

/* What MATCH_VERIFY saw; written by one worker. */
struct match_check {
	uint64_t pkts;
	uint64_t differences; /* packets that the plan would have led elsewhere */
	uint64_t rule;	      /* number of the last rule where it would have */
};

/* What became of a packet, for who wants to know; 0 is no rule. */
struct note {
	uint16_t rule;	/* number of the last one that acted on it */
	uint16_t found; /* of the one whose state it has */
	uint16_t made;	/* of the one that made a state for it */
};

/* What a rule can know beside the packet; one a worker. */
struct pass {
	const struct ruleset *rules; /* rcu: for the length of a burst */
	struct counter *counts;	     /* this worker's, by rule counter */
	struct rng *rng;	     /* for prob */
	struct tag_pool *tags;	     /* reset before each burst */
	const struct me *me;	     /* own addresses */
	const struct tables *tables; /* what lookups ask */
	struct lookup_use *lookup_use; /* this worker's; NULL = not told */
	struct state_table *states;  /* of all workers; NULL = none are kept */
	const struct state_cfg *state_cfg;
	uint16_t lane;		     /* of this burst, for keepalives */
	const char *in_if;	     /* where this burst came in */
	const char *out_if;	     /* where it would leave */
	uint32_t now_s;		     /* wall clock */
	enum match_mode match;
	struct match_check *check;   /* for MATCH_VERIFY */
	struct note *note;	     /* of the packet at hand; NULL = nobody asks */
	bool out;		     /* the pass on the way out */
	bool log_text;		     /* 'log' makes lines: limits apply */
	bool log_text_only;	     /* nobody captures what is logged */
	struct record_ring *log;     /* NULL: nobody reads what is logged */
	struct divert *divert;	     /* NULL: nobody can listen */
	uint8_t diverted;	     /* DIVERTED_* these packets were, 0 = not */
	_Atomic uint32_t *log_left;  /* of all workers, by rule counter */
};

/* True if every pattern of the rule matches; draws from pass->rng as it
 * meets O_PROB. */
bool interp_match(const struct pass *pass, const struct rule *r,
    const struct pkt *p);

/* The fate of a packet (and the answer to a rejected one in p->reply): looks at
 * rules in order from index 'first', counts, changes the packet, jumps, until
 * one decides.  Always ends: only call goes back, at most CALL_DEPTH deep, and
 * states, STATE_JUMPS times. */
enum verdict interp_run(const struct pass *pass, struct pkt *p,
    unsigned first);

/* The fates of pkts[n], from the first rule on, in p->verdict.  Packets that
 * parse found bad are passed over. */
void interp_burst(const struct pass *pass, struct pkt *pkts, unsigned n);
