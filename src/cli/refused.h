/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a daemon refuses in a rule, told in the words of the command line.
 *
 * Place      cmd_add.c: words are looked at when a rule is compiled, which is
 *            long before the answer where rules of a file are sent together.
 * Why        a daemon knows a rule as instructions, so it says VERREVPATH at
 *            word 0; who typed the rule wants to read which of the words that
 *            was.  Only keywords that not every daemon takes are looked for.
 */
#pragma once

#include "base/err.h"
#include "cli/cli.h"

#include <stdint.h>

enum { N_REFUSABLE = 16 };

/* Positions on the command line of the words that may be refused, 0 = none. */
struct refusable {
	uint8_t at[N_REFUSABLE];
};

/* Notes them; the first of a kind counts. */
void refusable_note(struct refusable *r, const struct args *a);

/* Rewrites an error that begins with the name of a noted word's instruction;
 * others stay as they are. */
void refusable_explain(const struct refusable *r, struct err *e);
