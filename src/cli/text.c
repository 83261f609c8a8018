/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static bool
room_for(struct text *t, size_t more)
{
	size_t cap = t->cap != 0 ? t->cap : 128;
	char *s;

	if (t->failed)
		return false;
	while (cap - t->len <= more)
		cap *= 2;
	if (cap == t->cap)
		return true;
	s = realloc(t->s, cap);
	if (s == NULL) {
		t->failed = true;
		return false;
	}
	t->s = s;
	t->cap = cap;
	return true;
}

void
text_f(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || !room_for(t, (size_t)n))
		return;
	va_start(ap, fmt);
	vsnprintf(t->s + t->len, t->cap - t->len, fmt, ap);
	va_end(ap);
	t->len += (size_t)n;
}

void
text_safe(struct text *t, const char *s, size_t max)
{
	for (size_t i = 0; i < max && s[i] != '\0'; i++) {
		unsigned char c = (unsigned char)s[i];

		text_f(t, "%c", c < 0x20 || c == 0x7f ? '?' : c);
	}
}

const char *
text_str(const struct text *t)
{
	return t->len != 0 ? t->s : "";
}

void
text_reset(struct text *t)
{
	t->len = 0;
	t->failed = false;
}

void
text_fini(struct text *t)
{
	free(t->s);
	*t = (struct text){0};
}
