/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All rules in their order: immutable once published, replaced as a whole.
 *
 * Place      built by the control thread, read by workers through a pointer.
 * Life       ruleset_create (default rule only) -> edit -> publish -> the old
 *            one is destroyed after a grace period.
 * Edits      each edit returns a new, owned ruleset and leaves the old one for
 *            its readers; NULL means that there was no memory and nothing
 *            happened.  Old and new share rules without counting references, so
 *            history is a line: a ruleset is edited once, and destroyed when
 *            nobody reads it or one before it any more.  What an edit left out
 *            dies with the last ruleset that had it.
 * Order      by number, equal numbers in the order they were added; the default
 *            rule 65535 is always last and always there, in set 31.
 * Threads    readers: any, no locks.  Writers: the control thread.
 * Orphans    deleted rules that states still lead to may live on behind the
 *            default rule: no search meets them, no edit but a delete touches
 *            them, only ruleset_find_rule() finds them.
 * Invariant  rules[n-1] is the default rule.
 * Cost       adding copies n pointers: 10,000 rules about 3 us.  Deleting looks
 *            at each rule, a change of sets copies the rules it changes.
 */
#pragma once

#include "rule/lookup.h"
#include "rule/rule.h"

struct ruleset {
	uint32_t set_disabled;	/* bit per set; set 31 never */
	unsigned n_rules;	/* the default rule included */
	unsigned n_orphans;	/* deleted rules, behind it */
	bool stateful;		/* some rule looks up or makes states */
	bool keeps;		/* some rule is so; the three as in rule.h */
	bool delays;
	bool measures;
	unsigned n_asks;	/* what lookup_burst() asks before the rules */
	struct lookup_ask asks[LOOKUP_ASKS];
	unsigned n_counters;	/* rules' counter indexes are below this */
	struct estate *estate;	/* control thread: what dies with it */
	struct plan *plan;	/* owned; NULL = interp looks at every rule */
	struct rule *rules[];	/* sorted, and so are the orphans behind */
};

/* True if packets must be cut into their segments before these rules see them.
 * Pipes and queues take segments one by one, which their worker cuts; but if rules
 * tell segments apart, what reaches a pipe must not depend on who has cut. */
static inline bool
ruleset_wants_segments(const struct ruleset *rs)
{
	return rs->keeps || (rs->delays && rs->measures);
}

/* Beside the ABI's RANGE_* flags: the default rule may be meant as well.  Only
 * what keeps the rule (zero, resetlog) sets it. */
enum { RANGE_DEFAULT = 0x100 };

/* What a delete, zero, resetlog or move names: the ABI's range, checked. */
struct rule_range {
	uint32_t flags; /* RANGE_* of the ABI, RANGE_DEFAULT */
	uint16_t lo;	/* numbers, both included */
	uint16_t hi;
	uint8_t set;
};

/* A ruleset with only the default rule, which allows or denies and counts in
 * 'counter'.  Returns owned, NULL without memory. */
struct ruleset *ruleset_create(bool default_accept, uint32_t counter);

/* Frees it, and the rules that no later ruleset has.  NULL is fine. */
void ruleset_destroy(struct ruleset *rs, rule_gone_fn *gone, void *arg);

/* Index of the first rule with number >= num; the default rule if none.
 * O(log n). */
unsigned ruleset_find(const struct ruleset *rs, unsigned num);

/* The end of all indexes, those of orphans included. */
static inline unsigned
ruleset_end(const struct ruleset *rs)
{
	return rs->n_rules + rs->n_orphans;
}

/* Index of the rule or orphan with this number and id, ruleset_end() if there
 * is none; fast if 'hint' is right, O(log n) if not. */
unsigned ruleset_find_rule(const struct ruleset *rs, unsigned num, uint32_t id,
    uint32_t hint);

/* Index of the first rule that comes after (num, id) in the order, whether such
 * a rule is there or not; the default rule if none.  O(log n). */
unsigned ruleset_after(const struct ruleset *rs, unsigned num, uint32_t id);

/* True if the set of 'r' is switched on. */
static inline bool
ruleset_on(const struct ruleset *rs, const struct rule *r)
{
	return (rs->set_disabled >> r->set & 1) == 0;
}

/* True if the range names this rule.  The default rule is named only with
 * RANGE_DEFAULT, rules of set 31 never by RANGE_ALL; a range without any of
 * RULES, ALL and SET names nothing. */
bool rule_in_range(const struct rule *r, const struct rule_range *g);

/* The number a rule gets that is added without one, when 'highest' is the
 * highest number in use below the default rule's (0 = none): 'step' more, or
 * 'highest' again where that would reach the default rule. */
unsigned ruleset_auto_num(unsigned highest, unsigned step);

/* The highest number in use, the default rule aside; 0 if there is none. */
unsigned ruleset_highest(const struct ruleset *rs);

/* 'rs' with the 'n' rules 'add' (numbers 1 to 65534, ids above all present
 * ones), each after those with its number.  Sorts 'add' and, on success, takes
 * the caller's reference to each. */
struct ruleset *ruleset_add(const struct ruleset *rs, struct rule **add,
    unsigned n);

/* 'rs' without the rules of a range and without orphans; *n_gone tells how many
 * rules those were. */
struct ruleset *ruleset_delete(const struct ruleset *rs,
    const struct rule_range *g, unsigned *n_gone);

/* As ruleset_delete(), but what is in the range, or an orphan already, becomes
 * or stays an orphan where keep[index] is set. */
struct ruleset *ruleset_orphan(const struct ruleset *rs,
    const struct rule_range *g, const bool *keep, unsigned *n_gone);

/* 'rs' with the rules of a range moved to set 'to'. */
struct ruleset *ruleset_move(const struct ruleset *rs,
    const struct rule_range *g, uint8_t to);

/* 'rs' with all rules of set 'from' in set 'to' and, if 'swap', the other way
 * round as well.  The default rule stays where it is. */
struct ruleset *ruleset_move_set(const struct ruleset *rs, uint8_t from,
    uint8_t to, bool swap);

/* 'rs' with the sets of the mask 'off' switched off, then those of 'on'
 * switched on.  Set 31 is always on. */
struct ruleset *ruleset_enable(const struct ruleset *rs, uint32_t off,
    uint32_t on);
