/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A packet in words becomes a frame:
 * "in recv em0 tcp from 10.0.0.1 4000 to 10.0.0.2 22 setup".
 *
 * Place      cli/: what 'ipfw test' sends to the rules.  ipfw(8) has the words.
 * Form       those of a rule's body and options, each with one value; what is
 *            not said has a default.  Contradictions are errors that name the
 *            word.
 * Result     lengths and checksums are right, so that the frame can also be
 *            sent; nothing else looks at them.
 */
#pragma once

#include "base/err.h"
#include "cli/words.h"

enum { FRAME_MAX = 65535, FRAME_IF = 16 };

/* The way of a packet, beside its octets. */
struct frame_way {
	bool out;
	char in_if[FRAME_IF]; /* "" = not said */
	char out_if[FRAME_IF];
};

struct frame {
	struct frame_way way;
	uint64_t ns; /* of a capture: since 1970 */
	unsigned len;
	uint8_t octets[FRAME_MAX];
};

/* Reads w[n], or returns a sysexits code; only a frame that was read to the end
 * is of any use. */
int frame_read(struct frame *f, const struct word *w, unsigned n,
    struct err *e);

/* Only 'in', 'out', 'recv' and 'xmit', for packets that come otherwise. */
int frame_read_way(struct frame_way *way, const struct word *w, unsigned n,
    struct err *e);
