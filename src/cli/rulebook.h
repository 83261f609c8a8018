/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rules of a daemon by their ids, to look up and print.
 *
 * Place      between list.h, which fetches them, and whoever is told of a rule
 *            by its id: ids are never used twice, so a rule found here is the
 *            one that was meant, whatever was changed meanwhile.
 * Life       {0} -> rulebook_fetch (any number of times) -> rulebook_fini.
 */
#pragma once

#include "cli/list.h"

struct rulebook {
	struct listing l;
	struct list_entry *rules; /* n of them, in their order */
	unsigned n;
	struct print_opt opt; /* prints them; names included */
};

/* All rules as they are now.  0 or -errno. */
int rulebook_fetch(struct cli *c, struct rulebook *b, struct err *e);

void rulebook_fini(struct rulebook *b);

/* The rule, NULL if it was not there. */
const struct list_entry *rulebook_find(const struct rulebook *b, unsigned num,
    uint32_t id);
