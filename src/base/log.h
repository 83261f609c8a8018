/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The log: one line a message, to standard error.
 *
 * Form       "what: object: reason", lower case, no full stop.
 * Level      who must act: error the operator now, warn the operator soon,
 *            info nobody (a state changed), debug a developer.
 * Threads    any; a line is written with one call.  Never a line per packet,
 *            but for those that rules with 'log' ask for (log_line).
 */
#pragma once

enum log_level {
	LOG_ERROR,
	LOG_WARN,
	LOG_INFO,
	LOG_DEBUG,
};

/* Messages above 'level' are dropped from now on; LOG_INFO at start. */
void log_set_level(enum log_level level);

void log_msg(enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Writes a line that is complete but for its end, whatever the level. */
void log_line(const char *text);
