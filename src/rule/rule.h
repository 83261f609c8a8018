/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One rule as the daemon keeps it: checked bytecode and its place in the order.
 *
 * Life       rule_create (from checked bytecode) -> shared by the rulesets of a
 *            history (ruleset.h), which hold one reference together -> freed
 *            with the last reference.  Nothing in it ever changes; another set
 *            makes a copy.
 * Copies     rule_copy gives the same rule in another set.  It counts in the
 *            same slot: a copy keeps the rule that owns the slot alive, and the
 *            slot is free only when the owner and all its copies are gone.
 * Threads    immutable once in a published ruleset; references are counted by
 *            the control thread alone.
 */
#pragma once

#include "base/err.h"
#include "ipfw_abi.h"
#include "rule/insn.h"

enum {
	RULE_DEFAULT = 65535, /* number of the last rule */
	SET_DEFAULT = 31,     /* the set that flush spares */
	N_SETS = 32,
};

struct rule {
	uint16_t num;	  /* 1 to 65535 */
	uint8_t set;	  /* 0 to 31 */
	uint8_t flags;	  /* RULE_NOOPT of the ABI */
	uint16_t n_words; /* of cmd */
	uint16_t act_ofs; /* words from cmd to the action part */
	bool stateful;	  /* has instructions about states */
	bool keeps;	  /* its action keeps or copies packets */
	bool delays;	  /* its action is a pipe or a queue */
	bool measures;	  /* it looks at what tells segments apart: lengths,
			   * IP ids, TCP's numbers; or it draws lots */
	bool asks;	  /* has instructions that a burst asks of a table */
	bool keyed;	  /* a packet that its key fits matches: rule/key */
	uint16_t rest_src; /* where it asks what its key leaves: rule/key */
	uint16_t rest_dst;
	uint32_t id;	  /* unique for ever; (num, id) is the order */
	uint32_t counter; /* index into the counters of every worker */
	unsigned refs;	  /* control thread only */
	struct rule *owner; /* of the counter; NULL = this rule itself */
	struct insn cmd[]; /* n_words */
};

/* Told of each counter that no rule uses any more: it is free again. */
typedef void rule_gone_fn(void *arg, uint32_t counter);

/* The rule at 'r', which check_rule() accepted, under number 'num' and 'id',
 * counting in 'counter'.  Returns owned (one reference), NULL without
 * memory. */
struct rule *rule_create(const struct abi_rule *r, uint16_t num, uint32_t id,
    uint32_t counter);

/* The same rule in another set.  Returns owned, NULL without memory. */
struct rule *rule_copy(struct rule *r, uint8_t set);

/* One more reference to 'r'; returns it. */
struct rule *rule_ref(struct rule *r);

/* Drops a reference; the last one frees the rule.  NULL is fine. */
void rule_put(struct rule *r, rule_gone_fn *gone, void *arg);

/* The first instruction of the action part. */
static inline const struct insn *
rule_action(const struct rule *r)
{
	return r->cmd + r->act_ofs;
}

/* Its 'log', which stands first among the modifiers or nowhere; NULL without
 * one. */
static inline const struct insn_log *
rule_log(const struct rule *r)
{
	const struct insn *i = rule_action(r);

	return i->opcode == O_LOG ?
	    (const struct insn_log *)(const void *)i : NULL;
}

/* True if its action is an external one: two instructions of one word. */
static inline bool
rule_eaction(const struct rule *r)
{
	const struct insn *last = r->cmd + r->n_words - 1, *i;

	if (last->opcode != O_EXTERNAL_DATA || r->n_words < 2 ||
	    last[-1].opcode != O_EXTERNAL_ACTION)
		return false;
	/* An address at the end of a longer action may look like that. */
	for (i = rule_action(r); i < last - 1; i = insn_next(i))
		;
	return i == last - 1;
}

/* True if its action is 'reass'. */
static inline bool
rule_reass(const struct rule *r)
{
	const struct insn *last = r->cmd + r->n_words - 1, *i;

	if (last->opcode != O_REASS || last->len != 1)
		return false;
	/* A number at the end of a longer action may look like that. */
	for (i = rule_action(r); i < last; i = insn_next(i))
		;
	return i == last;
}
