/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The actions of a rule and what may stand after them: one row each.
 *
 * Place      as option.h: found by word when compiling, by opcode when printing.
 * Order      in bytecode the modifiers (log, tag) stand before the action; in
 *            text they follow it.
 */
#pragma once

#include "cli/build.h"
#include "cli/names.h"
#include "cli/text.h"

struct action;
typedef int action_parse_fn(struct build *b, const struct action *a);
typedef void action_print_fn(struct text *t, const struct insn *i);

struct action {
	const char *names; /* the first is printed */
	uint8_t op;
	action_parse_fn *parse;
	action_print_fn *print; /* NULL: another row prints it */
	uint32_t num;		/* arg1 of plain ones */
	const struct name *table;
};

/* The row of an action or alias; NULL if there is none. */
const struct action *action_find(const char *word);

/* The row of log, tag, untag, altq; NULL if there is none. */
const struct action *modifier_find(const char *word);

/* The rows that print an opcode; NULL if there is none. */
const struct action *action_of(unsigned opcode);
const struct action *modifier_of(unsigned opcode);

/* Offers every action. */
void action_suggest(struct suggest *g);
