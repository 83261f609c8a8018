/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static _Atomic int max_level = LOG_INFO;

static const char *const level_names[] = {
    [LOG_ERROR] = "error",
    [LOG_WARN] = "warn",
    [LOG_INFO] = "info",
    [LOG_DEBUG] = "debug",
};

void
log_set_level(enum log_level level)
{
	atomic_store_explicit(&max_level, (int)level, memory_order_relaxed);
}

/* A name or address out of a message must not start a line of its own. */
static void
flatten(char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			*s = '?';
}

/* Ends the line, which has room for that, and writes it. */
static void
finish(char *line)
{
	size_t n;

	flatten(line);
	n = strlen(line);
	line[n] = '\n';
	/* There is nobody to tell if standard error is gone. */
	if (write(STDERR_FILENO, line, n + 1) == -1)
		return;
}

void
log_msg(enum log_level level, const char *fmt, ...)
{
	char line[512];
	va_list ap;
	size_t n;

	if ((int)level > atomic_load_explicit(&max_level, memory_order_relaxed))
		return;
	n = (size_t)snprintf(
	    line, sizeof(line) - 1, "kipfw: %s: ", level_names[level]);
	va_start(ap, fmt);
	vsnprintf(line + n, sizeof(line) - 1 - n, fmt, ap);
	va_end(ap);
	finish(line);
}

void
log_line(const char *text)
{
	char line[512];

	snprintf(line, sizeof(line) - 1, "%s", text);
	finish(line);
}
