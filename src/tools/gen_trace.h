/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The frames of a capture file, all in memory, in the order of the file.
 *
 * Place      pkt-gen's -P: loaded once, then read by every tx worker.
 * Trust      the file is hostile: lengths are checked, sizes are bounded.
 */
#pragma once

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum {
	GEN_TRACE_MAX_FRAMES = 1 << 20,
	GEN_TRACE_MAX_BYTES = 1 << 30,
};

struct gen_trace_frame {
	const uint8_t *octets;
	unsigned len;
};

struct gen_trace {
	struct gen_trace_frame *frames;
	unsigned n_frames; /* at least 1 */
	unsigned len_max;  /* of any frame */
	uint8_t *bytes;
};

/* Loads 'file' ("-" = standard input).  Frames of fewer than 14 or more than
 * 65535 octets, an empty file, and what capture/reader.h refuses are refused
 * (-EINVAL, or -E2BIG beyond the bounds above); -ENOENT and the like for a file
 * that cannot be opened.  On success the caller owns *out's memory. */
int gen_trace_load(const char *file, struct gen_trace *out, struct err *e);

/* Frees what gen_trace_load() filled; an empty structure is fine. */
void gen_trace_free(struct gen_trace *t);
