/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/words.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static const char blanks[] = " \t\f\v\n\r";

/* Memory for 'n' words that take 'size' octets with their \0s. */
static int
reserve(struct words *ws, size_t n, size_t size, struct err *e)
{
	*ws = (struct words){0};
	ws->w = calloc(n + 1, sizeof(*ws->w));
	ws->mem = malloc(size + 1);
	if (ws->w != NULL && ws->mem != NULL)
		return 0;
	words_fini(ws);
	err_set(e, ENOMEM, "no memory for the words of the command");
	return EX_OSERR;
}

int
words_argv(struct words *ws, int argc, char *const argv[], struct err *e)
{
	size_t size = 0;
	char *to;
	bool join = false;

	for (int i = 0; i < argc; i++)
		size += strlen(argv[i]) + 1;
	if (reserve(ws, (size_t)argc, size, e) != 0)
		return EX_OSERR;
	to = ws->mem;
	for (int i = 0; i < argc; i++) {
		size_t len = strlen(argv[i]);

		if (join)
			to--; /* over the \0 of the word before */
		else
			ws->w[ws->n++] = (struct word){to, i + 1};
		memcpy(to, argv[i], len + 1);
		to += len + 1;
		join = len > 0 && argv[i][len - 1] == ',';
	}
	return 0;
}

int
words_line(struct words *ws, const char *line, struct err *e)
{
	size_t len = strcspn(line, "#");
	bool inside = false, comma = false;
	int pos = 0;
	char *to;

	if (reserve(ws, len, 2 * len, e) != 0)
		return EX_OSERR;
	to = ws->mem;
	for (size_t i = 0; i < len; i++) {
		if (strchr(blanks, line[i]) != NULL) {
			if (inside && !comma) {
				*to++ = '\0';
				inside = false;
			}
			continue;
		}
		if (!inside)
			ws->w[ws->n++] = (struct word){to, ++pos};
		inside = true;
		comma = line[i] == ',';
		*to++ = line[i];
	}
	*to = '\0';
	return 0;
}

/* How many of the brackets at the end of 's' were not opened inside it. */
static size_t
loose_closers(const char *s, size_t len)
{
	size_t loose = 0;
	int open = 0;

	for (size_t i = 0; i < len; i++) {
		if (s[i] == '{' || s[i] == '(')
			open++;
		else if (s[i] != '}' && s[i] != ')')
			loose = 0;
		else if (open > 0)
			open--;
		else
			loose++;
	}
	return loose;
}

static char *
put_word(struct words *ws, char *to, const char *s, size_t len, int pos)
{
	ws->w[ws->n++] = (struct word){to, pos};
	memcpy(to, s, len);
	to[len] = '\0';
	return to + len + 1;
}

int
words_rule(struct words *out, const struct word *w, unsigned n, struct err *e)
{
	size_t chars = 0;
	bool comment = false;
	char *to;

	for (unsigned i = 0; i < n; i++)
		chars += strlen(w[i].s) + 1;
	if (reserve(out, chars, 2 * chars, e) != 0)
		return EX_OSERR;
	to = out->mem;
	for (unsigned i = 0; i < n; i++) {
		const char *s = w[i].s;
		size_t len = strlen(s), loose;

		comment = comment || strcmp(s, "//") == 0;
		while (!comment && len > 1 && strchr("{(!", *s) != NULL) {
			to = put_word(out, to, s++, 1, w[i].pos);
			len--;
		}
		loose = comment || len < 2 ? 0 : loose_closers(s, len);
		if (loose == len)
			loose--; /* "}}": the first is a word of its own */
		len -= loose;
		to = put_word(out, to, s, len, w[i].pos);
		for (s += len; loose > 0; loose--)
			to = put_word(out, to, s++, 1, w[i].pos);
	}
	return 0;
}

void
words_fini(struct words *ws)
{
	free(ws->w);
	free(ws->mem);
	*ws = (struct words){0};
}

int
word_err(struct err *e, int exitcode, const struct word *w, const char *fmt,
    ...)
{
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	err_at(e, EINVAL, w->pos, "word %d \"%.40s\": %s", w->pos, w->s, text);
	return exitcode;
}

int
args_missing(const struct args *a, const char *what, struct err *e)
{
	const struct word *last = &a->w[a->n - 1];

	err_at(e, EINVAL, last->pos + 1, "missing %s after word %d \"%.40s\"",
	    what, last->pos, last->s);
	return EX_USAGE;
}

int
args_end(const struct args *a, unsigned n, struct err *e)
{
	return a->n <= n ? 0 :
	    word_err(e, EX_USAGE, &a->w[n], "not expected here");
}

bool
args_number(const char *s, unsigned max, unsigned *value)
{
	size_t len = strspn(s, "0123456789");
	unsigned long v;

	if (len == 0 || s[len] != '\0' || len > 9)
		return false;
	v = strtoul(s, NULL, 10);
	if (v > max)
		return false;
	*value = (unsigned)v;
	return true;
}

const char *
words_of_rows(const void *rows, size_t n, size_t size, char *buf, size_t room)
{
	size_t len = 0;

	buf[0] = '\0';
	for (size_t k = 0; k < n && len < room; k++) {
		const char *name;

		memcpy(&name, (const char *)rows + k * size, sizeof(name));
		len += (size_t)snprintf(buf + len, room - len, "%s%s",
		    k > 0 ? ", " : "", name);
	}
	return buf;
}
