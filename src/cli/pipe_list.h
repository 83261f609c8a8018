/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * 'pipe list', 'queue list', 'sched list': what a daemon answers, as text.
 *
 * Place      under cmd_pipe.c.
 * Trust      the answer is checked object by object: what is too short for its
 *            type ends the listing with an error.
 */
#pragma once

#include "base/err.h"
#include "cli/text.h"
#include "ipfw_abi.h"

/* Appends the listing of the objects in 'data'.  'verbose' adds what pipes
 * measured.  -EBADMSG with a sentence. */
int pipe_list_put(struct text *t, const void *data, size_t len, bool verbose,
    struct err *e);
