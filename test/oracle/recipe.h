/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A random rule as bytecode: every opcode that the daemon accepts, over the
 * values of a vocabulary.
 *
 * Place      world makes rules of it; check_rule() accepts each one.
 * Calls      a rule that calls backwards can make a packet's way exponentially
 *            long, as in FreeBSD, so the caller says which calls may be.
 */
#pragma once

#include "ipfw_abi.h"
#include "rule/insn.h"
#include "test/oracle/vocab.h"

struct recipe {
	struct abi_rule head; /* rulenum: drawn from the vocabulary */
	uint32_t w[RULE_MAX_WORDS + 1];
	bool prob;   /* it draws from the packet's chance */
};

enum recipe_calls {
	CALLS_NONE,
	CALLS_FORWARD, /* to a higher number */
	CALLS_ANY,
};

/* What a rule may be made of; decided once a world. */
struct recipe_style {
	unsigned max_tests;	/* 1 to 4 */
	unsigned deciding_1_in; /* how rare accept, deny, ... are */
	unsigned keeps_1_in;	/* and rules that make states */
	bool states, tables, probs, answers, pipes;
	bool plain; /* most rules ask what a key can say, accept or deny */
};

void recipe_style_draw(struct recipe_style *s, struct chance *c);

void recipe_rule(struct recipe *d, const struct vocab *v, struct chance *c,
    const struct recipe_style *s, enum recipe_calls calls);

/* A random value of a table. */
struct table_value recipe_value(const struct vocab *v, struct chance *c);
