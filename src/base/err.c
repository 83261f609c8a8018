/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>

__attribute__((format(printf, 4, 0))) static int
fill(struct err *e, int code, int pos, const char *fmt, va_list ap)
{
	if (e != NULL) {
		e->code = code;
		e->pos = pos;
		vsnprintf(e->text, sizeof(e->text), fmt, ap);
	}
	return -code;
}

int
err_set(struct err *e, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fill(e, code, -1, fmt, ap);
	va_end(ap);
	return -code;
}

int
err_at(struct err *e, int code, int pos, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fill(e, code, pos, fmt, ap);
	va_end(ap);
	return -code;
}
