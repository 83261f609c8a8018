/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether the two sides of a world did the same. */
#pragma once

#include "test/oracle/side.h"

enum { COMPARE_TEXT = 256 };

/* What the last burst did.  NULL: the same; else what was not, in 'text'.
 * Empties the logs. */
const char *compare_burst(struct side *a, struct side *b,
    char text[COMPARE_TEXT]);

/* Each state and each entry of a table. */
const char *compare_deep(struct side *a, struct side *b,
    char text[COMPARE_TEXT]);
