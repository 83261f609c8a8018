/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A command as words, each with its position for error messages.
 *
 * Place      cli/: between argv (or a line of a file) and the commands.
 * Life       words_argv or words_line -> words_fini; the words live in memory
 *            of their own, what they were made from may go.
 * Positions  count from 1, as the user wrote them; words that were glued
 *            ("{tcp", "!in") share the position of the word they came from.
 */
#pragma once

#include "base/cdefs.h"
#include "base/err.h"

struct word {
	const char *s;
	int pos;
};

struct words {
	struct word *w; /* n of them */
	unsigned n;
	char *mem;
};

/* From separate arguments: a word that ends in ',' is joined with the next. */
int words_argv(struct words *ws, int argc, char *const argv[], struct err *e);

/* From one line: split on blanks, blanks after ',' vanish, '#' starts a
 * comment.  An empty line gives no words. */
int words_line(struct words *ws, const char *line, struct err *e);

/* For rules: cuts glued braces and '!' from words, up to a comment.  Braces
 * that belong to a word, as in 10.0.0.0/24{1,5}, stay. */
int words_rule(struct words *out, const struct word *w, unsigned n,
    struct err *e);

void words_fini(struct words *ws);

/* Fills 'e' with 'word 5 "fro": ' and the sentence; returns 'exitcode'. */
int word_err(struct err *e, int exitcode, const struct word *w, const char *fmt,
    ...) __attribute__((format(printf, 4, 5)));

/* "a, b, c": the names in 'buf', which is returned.  Each of the n rows, 'size'
 * octets long, begins with its name. */
const char *words_of_rows(const void *rows, size_t n, size_t size, char *buf,
    size_t room);

/* Words of a command; w[0] names it. */
struct args {
	const struct word *w;
	unsigned n;
};

/* EX_USAGE, naming what is missing after the last word. */
int args_missing(const struct args *a, const char *what, struct err *e);

/* EX_USAGE if there are more than 'n' words, naming the first of them; or 0. */
int args_end(const struct args *a, unsigned n, struct err *e);

/* A whole decimal number of at most 'max'. */
bool args_number(const char *s, unsigned max, unsigned *value);
