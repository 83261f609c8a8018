/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines of the packet log, word for word those of FreeBSD's ipfw:
 *
 *	ipfw: 100 Deny TCP 10.0.0.1:1000 10.0.1.2:80 in via valeA:f
 *	ipfw: limit 10 reached on entry 100
 *	ipfw: 100 drop session type 40 10.0.0.1 1000 -> 10.0.1.2 80, 5 too many
 *	entries
 *
 * Place      the control thread makes them of what engine_log_drain() hands it.
 * Trust      the record holds a stranger's octets; only what parse found whole
 *            is shown, numbers as numbers.
 */
#pragma once

#include "rule/record.h"
#include "state/state.h"

enum { LOG_TEXT_MAX = 256 };

/* The line of a record, without an end of line, cut if it does not fit. */
void log_text(const struct record *r, char *buf, size_t size);

/* The line that follows a RECORD_LAST. */
void log_text_limit(const struct record *r, char *buf, size_t size);

/* The line about a packet that a 'limit' turned away, while there are 'n_states'
 * states. */
void log_text_excess(const struct state_excess *x, uint32_t n_states, char *buf,
    size_t size);
