/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The dynamic states in the reply to a list: what -d prints after the rules.
 *
 * Place      list.c hands in what follows the rules.
 * Layout     TLVs of struct dyn_entry, as FreeBSD 11 to 13 lay them out; longer
 *            ones are read as far as that.  Sizes are checked, contents are
 *            printed as they are.
 */
#pragma once

#include "cli/print.h"
#include "cli/text.h"

struct state_query {
	unsigned lo, hi;     /* rule numbers, both included */
	int set;	     /* -1: any */
	bool expired;	     /* -e */
	bool verbose;	     /* -v */
	struct print_opt opt; /* widths of counters */
};

/* Number of states in 'len' octets; widens 'opt' to their counters. */
unsigned states_measure(const char *data, size_t len, struct print_opt *opt);

/* Appends a line for each state that 'q' asks for. */
void states_print(struct text *t, const char *data, size_t len,
    const struct state_query *q);
