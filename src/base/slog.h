/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * syslog(3), apart from base/log because both have names that begin with LOG_.
 */
#pragma once

/* Lines go out under this name from now on; 'name' is borrowed for ever. */
void slog_open(const char *name);

/* One line of the packet log: facility authpriv, level info. */
void slog_line(const char *line);
