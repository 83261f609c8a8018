/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kipfw --virtual: no workers, no sockets; the captures go through the engine,
 * and that is all.
 */
#pragma once

#include "daemon/logger.h"
#include "daemon/options.h"

/* Runs an engine whose rules are loaded, until the captures are over or a signal
 * comes.  Returns an exit code; what is wrong is in 'e'. */
int replay_run(struct engine *en, struct logger *logger,
    const struct options *o, struct err *e);
