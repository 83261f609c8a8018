/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A growing string: what the printers write into.
 *
 * Place      cli/ only; the program writes it out in one piece.
 * Life       text_init (or {0}) -> any number of text_f -> text_fini.
 * Invariant  's' is NULL (empty) or ends in \0 at s[len]; without memory
 *            'failed' is set and the rest is lost.
 */
#pragma once

#include "base/cdefs.h"

struct text {
	char *s;
	size_t len; /* octets before the \0 */
	size_t cap;
	bool failed;
};

/* Appends formatted text. */
void text_f(struct text *t, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Appends at most 'max' octets of 's', up to its first \0; control characters
 * become '?', so that what a daemon sends cannot move a terminal's cursor. */
void text_safe(struct text *t, const char *s, size_t max);

/* The string, "" if empty.  Valid until the next call. */
const char *text_str(const struct text *t);

/* Empties it and keeps the memory. */
void text_reset(struct text *t);

void text_fini(struct text *t);
