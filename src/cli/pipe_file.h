/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files that describe a link: delay profiles and Mahimahi traces.
 *
 * Place      under pipe_config.c.
 * Profile    lines 'name X', 'bw R', 'loss-level L', 'samples N'; a line 'delay
 *            prob' or 'prob delay' says how the pairs after it are meant: a
 *            point of the curve of a delay's probability, ms.  '#' comments.
 * Trace      one number a line, ascending: at that ms the link delivers one
 *            packet of 1500 octets.  The last one is the length of the trace.
 * Errors     EX_NOINPUT or EX_DATAERR with 'FILE, line N: ...' in 'e'.
 */
#pragma once

#include "base/err.h"
#include "ipfw_abi.h"

struct moment {
	uint32_t ms;
	uint32_t n; /* deliveries at that time */
};

struct trace {
	char name[DN_NAME_MAX]; /* of the file, without its folders */
	uint32_t n;
	uint32_t room;
	struct moment moments[];
};

/* *profile is owned by the caller; *rate is set if the file has a 'bw'. */
int pipe_profile_load(const char *path, struct abi_dn_profile **profile,
    uint64_t *rate, struct err *e);

int pipe_trace_load(const char *path, struct trace **trace, struct err *e);
