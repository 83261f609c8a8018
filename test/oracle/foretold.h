/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What engine/trial says of a packet, against what then becomes of it.
 *
 * Place      world.c asks before a burst of one packet, on one side only: that
 *            asking changes nothing shows in the comparison with the other.
 * Not asked  packets that are diverted or wait for fragments: the side brings
 *            them back at once.
 */
#pragma once

#include "engine/trial.h"
#include "test/oracle/compare.h"

struct foretold;

/* Returns owned, NULL without memory. */
struct foretold *foretold_create(void);
void foretold_destroy(struct foretold *f);

/* Asks what will become of the one frame that the side is about to receive. */
void foretold_ask(struct foretold *f, struct side *s, unsigned lane);

/* NULL: it came like that, or cannot be told; else what did not, in 'text'. */
const char *foretold_check(struct foretold *f, struct side *s,
    char text[COMPARE_TEXT]);

/* How many packets were checked. */
uint64_t foretold_checked(const struct foretold *f);
