/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/cmd.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sysexits.h>

void
cli_print_error(struct cli *c, FILE *f, const char *text)
{
	if (c->line != 0)
		fprintf(f, "Line %u: %s\n", c->line, text);
	else
		fprintf(f, "%s: %s\n", c->prog, text);
}

void
cli_warn(struct cli *c, const char *fmt, ...)
{
	char text[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fflush(c->out);
	cli_print_error(c, c->err, text);
}

int
cli_code(int error)
{
	switch (error < 0 ? -error : error) {
	case EHOSTUNREACH:
		return EX_NOHOST;
	case ENOMEM:
	case EPROTO:
		return EX_OSERR;
	case EACCES:
	case EPERM:
		return EX_NOPERM;
	default:
		return EX_UNAVAILABLE;
	}
}

bool
cli_match(struct cli *c, const char *word, const char *full)
{
	if (*word == '\0' || strncmp(word, full, strlen(word)) != 0)
		return false;
	if (strcmp(word, full) != 0)
		cli_warn(c, "DEPRECATED: '%s' matched '%s' as a sub-string",
		    word, full);
	return true;
}
