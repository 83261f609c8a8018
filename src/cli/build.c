/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/build.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

const char *
build_peek(const struct build *b)
{
	return b->i < b->n ? b->w[b->i].s : NULL;
}

bool
build_accept(struct build *b, const char *s)
{
	if (b->i >= b->n || strcmp(b->w[b->i].s, s) != 0)
		return false;
	b->i++;
	return true;
}

int
build_word(struct build *b, const char *what, const char **s)
{
	if (b->i >= b->n)
		return build_err_next(b, EX_USAGE, "missing %s", what);
	*s = b->w[b->i++].s;
	return 0;
}

void *
build_emit(struct build *b, unsigned opcode, unsigned words)
{
	struct section *to = b->to;
	struct insn *insn;

	if (words > INSN_MAX_WORDS || words > RULE_MAX_WORDS - to->n) {
		build_err(b, EX_DATAERR, "the rule is too long");
		return NULL;
	}
	insn = (void *)&to->word[to->n];
	memset(insn, 0, words * sizeof(uint32_t));
	insn->opcode = (uint8_t)opcode;
	insn->len = (uint8_t)words;
	to->n += words;
	return insn;
}

uint16_t
build_name(struct build *b, unsigned type, const char *name)
{
	struct obj_ntlv *n = b->names;
	unsigned i;

	for (i = 0; i < b->n_names; i++)
		if (n[i].head.type == type && strcmp(n[i].name, name) == 0)
			return n[i].idx;
	if (i == RULE_MAX_NAMES || strlen(name) >= sizeof(n->name)) {
		build_err(b, EX_DATAERR, "too many or too long names");
		return 0;
	}
	n[i] = (struct obj_ntlv){
	    .head = {.type = (uint16_t)type, .length = sizeof(*n)},
	    .idx = (uint16_t)(i + 1),
	};
	memcpy(n[i].name, name, strlen(name));
	b->n_names++;
	return n[i].idx;
}

static int
fail(struct build *b, int exitcode, unsigned at, const char *text)
{
	if (b->n == 0)
		err_set(b->e, EINVAL, "%s", text);
	else if (at < b->n)
		word_err(b->e, exitcode, &b->w[at], "%s", text);
	else
		err_at(b->e, EINVAL, b->w[b->n - 1].pos + 1,
		    "%s after word %d \"%.40s\"", text, b->w[b->n - 1].pos,
		    b->w[b->n - 1].s);
	return exitcode;
}

int
build_err(struct build *b, int exitcode, const char *fmt, ...)
{
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return fail(b, exitcode, b->i > 0 ? b->i - 1 : 0, text);
}

int
build_err_next(struct build *b, int exitcode, const char *fmt, ...)
{
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return fail(b, exitcode, b->i, text);
}

bool
number_until(const char *s, const char *ends, uint32_t max, uint32_t *value,
    const char **end)
{
	unsigned long long v;
	char *stop;

	if (*s < '0' || *s > '9')
		return false;
	errno = 0;
	v = strtoull(s, &stop, 0);
	if (errno != 0 || v > max)
		return false;
	if (*stop != '\0' && strchr(ends, *stop) == NULL)
		return false;
	*value = (uint32_t)v;
	*end = stop;
	return true;
}

bool
number(const char *s, uint32_t max, uint32_t *value)
{
	const char *end;

	return number_until(s, "", max, value, &end);
}
