/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes down what rules with 'log' leave: lines to standard error, or syslog;
 * packets to a capture file.
 *
 * Place      on the control thread; looks ten times a second for records.
 * Bounds     at most LOGGER_BATCH records each time, so that commands are
 *            answered while packets flood the log; the rest is lost, counted,
 *            and told in a line of its own.
 */
#pragma once

#include "engine/engine.h"

struct event_base;
struct logger;

enum { LOGGER_BATCH = 4096 };

struct logger_cfg {
	bool syslog;	  /* lines go there, not to standard error */
	const char *pcap; /* capture file, NULL = none */
};

/* Watches the log of 'en', which outlives it.  'base' may be NULL: then only
 * logger_run() looks. */
int logger_create(struct event_base *base, struct engine *en,
    const struct logger_cfg *cfg, struct logger **out, struct err *e);

/* Writes down what there is now. */
void logger_run(struct logger *l);

/* Writes down the rest, and ends.  NULL is fine. */
void logger_destroy(struct logger *l);
