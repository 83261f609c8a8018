/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Quantities with units, as dummynet's commands take and show them.
 *
 * Place      under pipe_config.c and pipe_list.c.
 * Exactness  decimals are read digit by digit: 0.3ms is 300000 ns, not the
 *            nearest fraction of two.  What does not fit is refused, never cut.
 * Errors     the readers return NULL, or a sentence that says what is wrong
 *            with the whole of 's'.
 */
#pragma once

#include "cli/text.h"

/* "10Mbit/s", "1.5GBytes/s", "64K" -> bit/s.  The unit may be missing: bit/s. */
const char *quantity_rate(const char *s, uint64_t *bps);

/* "20", "1.5s", "300us" -> ns.  A bare number is ms. */
const char *quantity_time(const char *s, uint64_t *ns);

/* "4096", "10K", "2MB" (powers of 1024) -> octets. */
const char *quantity_bytes(const char *s, uint64_t *bytes);

/* A queue: "30" or "30slots", "10K", "500B", "2Mbytes"; *in_bytes tells. */
const char *quantity_queue(const char *s, uint64_t *n, bool *in_bytes);

/* "0.05", "5%" -> part of 'one', cut down; 0 to one. */
const char *quantity_part(const char *s, uint32_t one, uint32_t *part);

/* A number from 0 to 'max' -> times 'scale', rounded: factors as alpha. */
const char *quantity_scaled(const char *s, double max, uint32_t scale,
    uint32_t *value);

/* "5ms", "1.5s", "300us", "20ns": the largest unit that shows it exactly. */
void quantity_put_time(struct text *t, uint64_t ns);
