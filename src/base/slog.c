/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/slog.h"

#include <syslog.h>

void
slog_open(const char *name)
{
	openlog(name, LOG_NDELAY | LOG_PID, LOG_AUTHPRIV);
}

void
slog_line(const char *line)
{
	syslog(LOG_INFO, "%s", line);
}
