/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The algorithms of tables: FreeBSD's names and options.
 *
 * Place      a table is created with one, or gets its type's default.
 * Beneath    there are two structures, whatever the name: tries for addr and
 *            mac, hashes for the others.  addr:hash is a trie that takes
 *            prefixes of one length for each family, which is what it finds.
 */
#pragma once

#include "base/err.h"
#include "table/table.h"

struct algo {
	const char *name;
	uint8_t type; /* TABLE_* */
	bool is_default;
};

/* Ends with a row without name. */
extern const struct algo algo_list[];

/* The one a type has if none is named; NULL for no type. */
const struct algo *algo_default(uint8_t type);

/* True if "NAME" or "NAME OPTIONS" is this one. */
bool algo_is(const struct algo *a, const char *text);

/* Gives a new table the algorithm "NAME[ OPTIONS]" and, if it has none yet, the
 * type that goes with it.  0, -EOPNOTSUPP, -EINVAL. */
int algo_set(struct table *t, const char *text, struct err *e);
