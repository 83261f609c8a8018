/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One rule as the daemon keeps it: checked bytecode and its place in the order.
 *
 * Life       rule_create (from checked bytecode) -> shared by any number of
 *            rulesets -> freed with the last reference.  Bytecode, id and
 *            counter slot never change; number and set only in a copy.
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
	uint32_t id;	  /* unique for ever; (num, id) is the order */
	uint32_t counter; /* index into the counters of every worker */
	unsigned refs;	  /* control thread only */
	struct insn cmd[]; /* n_words */
};

/* The first instruction of the action part. */
static inline const struct insn *
rule_action(const struct rule *r)
{
	return r->cmd + r->act_ofs;
}
