/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The compiled ruleset: where is the next rule that may match this packet?
 *
 * Place      built by the control thread beside a ruleset, read by interp; with
 *            it, interp asks only candidates, in the same order.
 * Life       plan_create with its ruleset -> immutable -> plan_destroy after the
 *            grace period of the ruleset.
 * Threads    readers: any.  A draft is built by any one thread.
 * Invariant  plan_next() never passes over a rule that would do anything.
 * Shape      few rules: their keys in blocks (rule/block), looked through in
 *            order, and in a sieve (rule/sieve) for bursts.  More: a forest (rule/forest) over the rules as they once
 *            were, shared by successive plans; the place of each of them today;
 *            and a leaf of the rules that were added since.
 * States     a rule may find a packet's state without matching: such rules are
 *            listed apart, and candidates as long as a lookup is to be done.
 * Updates    a plan follows its ruleset's edits at the cost of a copy of 4
 *            octets a rule.  When many rules were added, a new forest is built:
 *            as a draft, by another thread, or at once if there are more of them
 *            than plan_cfg.most_added.
 * Cost       flat: 0.25 ns a rule and packet of a burst, twice that for IPv6;
 *            forest: about the same for any number.
 */
#pragma once

#include "rule/edit.h"
#include "rule/sieve.h"
#include "rule/walk.h"

enum {
	PLAN_MIN_RULES = 4, /* fewer have one only if their keys say all */
};

/* Limits that tests make smaller. */
struct plan_cfg {
	unsigned flat;	     /* so many rules of IPv4 need no forest, with AVX2;
			      * half as many without */
	unsigned most_added; /* more of them: a new forest at once */
	unsigned bursts;     /* octets of a forest that is asked for ahead */
	const struct pages *pages; /* where big forests lie; NULL: malloc */
};
extern const struct plan_cfg plan_defaults;

/* A rule at which a packet's state may be looked up. */
struct plan_probe {
	uint32_t at; /* index */
	uint16_t name;
	uint32_t other; /* of the list's next one with another name */
};

/* A rule that was added beside the forest. */
struct added {
	uint32_t at; /* index */
	struct rule_key key;
};

struct grown; /* a forest with a count of its users */

struct plan {
	struct plan_cfg cfg;
	const struct block_scan *scan;
	unsigned n_rules;
	unsigned n_probes;
	struct plan_probe *probes; /* by index */
	bool one_name;		   /* they are all of one name, not any */
	/* few rules */
	uint32_t *flat; /* blocks; slots are indexes.  NULL: there is a forest */
	unsigned n_blocks;
	bool flat_long;
	struct sieve *sieve; /* the same for bursts */
	/* a forest */
	struct grove grove;
	struct grown *grown;
	uint32_t *order;    /* grove's, owned; NULL while all is as it was */
	struct added *added; /* rules that are not in the forest */
	unsigned n_added;
	unsigned n_gone;    /* slots whose rules are gone */
};

/* A plan for 'rs'.  If 'old' (may be NULL) has a plan, that one is followed.
 * Returns owned; NULL if there are too few rules to be worth it, or no memory:
 * the ruleset works without. */
struct plan *plan_create(const struct ruleset *rs, const struct ruleset *old);
struct plan *plan_create_cfg(const struct ruleset *rs,
    const struct ruleset *old, const struct plan_cfg *cfg);
void plan_destroy(struct plan *pl);

/* ---- candidates ---- */

/* Prepares the way of a packet of key 'k' through the plan. */
static inline void
plan_begin(const struct plan *pl, struct walk *w, const struct pkt_key *k)
{
	w->key = *k;
	if (pl->flat == NULL)
		walk_begin(w, &pl->grove);
}

/* The first candidate from index 'from' on; the last rule is always one. */
static inline unsigned
plan_next(const struct plan *pl, struct walk *w, unsigned from)
{
	unsigned n;

	if (pl->flat == NULL)
		n = walk_next(w, &pl->grove, from);
	else if (pl->flat_long)
		n = pl->scan->first6(pl->flat, pl->n_blocks, &w->key, from);
	else
		n = pl->scan->first(pl->flat, pl->n_blocks, &w->key, from);
	return n < pl->n_rules ? n : pl->n_rules - 1;
}

/* The first candidate of keys[n], n <= WALK_BURST: its index in hits[i].slot.
 * Of a plan with a forest; one without has its sieve. */
void plan_firsts(const struct plan *pl, const struct pkt_key *keys, unsigned n,
    struct finds *found, struct hit *hits);

/* True if the key of every candidate fits the packet's (but for the last rule
 * and those at which a state may be looked up).  A slot whose rule is gone stands
 * for the next rule. */
static inline bool
plan_is_exact(const struct plan *pl)
{
	return pl->n_gone == 0;
}

/* The first rule from index 'from' on at which a state may be looked up, when
 * that was 'done' already under 'name' (or not at all); WALK_NONE if none. */
unsigned plan_next_probe(const struct plan *pl, unsigned from, bool done,
    uint16_t name);

/* ---- drafts: a new forest made aside ---- */

struct draft;

/* True if a new forest would be worth its while: 'added' rules or more are not in
 * this one, or many that are have gone. */
bool plan_is_stale(const struct plan *pl, unsigned added);
/* True if nobody noted yet how long its forest took. */
bool plan_is_new(const struct plan *pl);
void plan_note_build(struct plan *pl, uint64_t took_ns);

/* What is to be built for 'rs'.  Returns owned; NULL without memory. */
struct draft *draft_create(const struct ruleset *rs,
    const struct plan_cfg *cfg);
/* Builds it; any thread, once.  Takes its time. */
void draft_build(struct draft *d);
/* Notes that 'new' has taken the place of 'old', built or not.  The control
 * thread's. */
void draft_follow(struct draft *d, const struct ruleset *old,
    const struct ruleset *new);
/* A plan from a draft that was built and followed up to 'rs'; NULL if that
 * failed.  The draft stays the caller's. */
struct plan *draft_plan(struct draft *d, const struct ruleset *rs);
void draft_destroy(struct draft *d);

/* ---- what there is to see ---- */

struct plan_stats {
	struct forest_stats forest; /* of a flat plan: only rules and bytes */
	uint32_t n_rules;
	uint32_t n_added;
	uint32_t n_gone;
	bool flat;
	bool in_bursts;
	const char *scan;
	uint64_t build_ns; /* of the forest; 0 = unknown */
	uint64_t bytes;	   /* all together */
};

void plan_stats(const struct plan *pl, struct plan_stats *out);
