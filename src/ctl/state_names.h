/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of states: rules carry an index, clients know the name.
 *
 * Place      op_add.c turns the indexes of a request into ours, op_get.c sends
 *            the names along with the rules.
 * Life       a name keeps its index as long as a rule uses it, be it deleted
 *            and kept for its states; then the index is free for another name.
 * Invariant  0 is no name: a lookup under it finds states of every name.  No
 *            table has the index of a name, for the original's client looks
 *            names up by index alone, whatever they name.
 */
#pragma once

#include "base/err.h"
#include "ipfw_abi.h"
#include "rule/ruleset.h"
#include "table/table.h"

enum {
	STATE_NAMES_MAX = 4096,
	STATE_NAMES_FIRST = TABLES_MAX, /* index of the first */
};

struct state_names {
	unsigned n;	   /* indexes that were ever in use */
	char (*names)[64]; /* of index STATE_NAMES_FIRST + i;
			    * empty = free */
};

void state_names_fini(struct state_names *s);

/* The index of 'name', which is new or known, in *idx. */
int state_names_index(struct state_names *s, const char *name, uint16_t *idx,
    struct err *e);

/* Frees the names that no rule uses. */
void state_names_collect(struct state_names *s, const struct ruleset *rs);

/* Which names the rules, orphans included, use: used[i] for
 * names[i], STATE_NAMES_MAX of them.  Returns how many. */
unsigned state_names_used(const struct ruleset *rs, bool *used);

/* True if the instruction's arg1 is the index of a name. */
bool state_names_in(const struct insn *i);
