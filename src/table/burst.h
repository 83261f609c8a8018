/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lookups of many packets at once.
 *
 * Place      beside the readers of table.h: the same answers, of one table for
 *            n keys.  out[i] is the index of the value, 0 for no match.
 * Why        a large table is not in the cache, and each lookup is two to five
 *            reads that wait for each other.  Here each step is taken for 64
 *            keys before the next one, and its memory is asked for ahead.
 * Cost       of the waiting, a tenth or less; the work is that of a single
 *            lookup.  A table that is in the cache gains nothing.
 * Threads    readers: any.
 */
#pragma once

#include "table/table.h"

void tables_ip4_burst(const struct tables *ts, unsigned kidx,
    const uint32_t *addrs, unsigned n, uint32_t *out);
/* Pointers to 16 octets each. */
void tables_ip6_burst(const struct tables *ts, unsigned kidx,
    const uint8_t *const *addrs, unsigned n, uint32_t *out);
/* Pointers to 6 octets each. */
void tables_mac_burst(const struct tables *ts, unsigned kidx,
    const uint8_t *const *macs, unsigned n, uint32_t *out);
void tables_number_burst(const struct tables *ts, unsigned kidx,
    const uint32_t *keys, unsigned n, uint32_t *out);
/* Changes 'flows': what the table does not look at becomes 0. */
void tables_flow_burst(const struct tables *ts, unsigned kidx,
    struct table_flow *flows, unsigned n, uint32_t *out);

/* True if a table has so much in it that a burst is worth while. */
bool tables_is_large(const struct tables *ts, unsigned kidx, uint8_t type);
