/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/pipe_reader.h"

#include <stdlib.h>
#include <sysexits.h>

const struct word *
pipe_argument(struct pipe_reader *r, const char *what)
{
	if (r->w < r->end)
		return r->w++;
	word_err(r->e, EX_USAGE, r->key, "%s is expected after it", what);
	return NULL;
}

int
pipe_judged(struct pipe_reader *r, const struct word *w, const char *why)
{
	return why == NULL ? 0 : word_err(r->e, EX_DATAERR, w, "%s", why);
}

int
pipe_read_u32(struct pipe_reader *r, const char *what, uint32_t max, uint32_t *out)
{
	const struct word *w = pipe_argument(r, what);
	char *end;
	unsigned long v;

	if (w == NULL)
		return EX_USAGE;
	v = strtoul(w->s, &end, 0);
	if (w->s[0] < '0' || w->s[0] > '9' || *end != '\0')
		return pipe_judged(r, w, "a number is expected");
	if (v > max)
		return word_err(r->e, EX_DATAERR, w, "at most %u is possible",
		    max);
	*out = (uint32_t)v;
	return 0;
}
