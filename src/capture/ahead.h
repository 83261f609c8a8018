/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A thread that reads a capture ahead: what it reads, unpacks and finds packets
 * in is in memory when it is wanted.
 *
 * Place      port/port_pcap, in virtual time.
 * Life       ahead_start -> ahead_next, ahead_release, ahead_rewind -> ahead_stop,
 *            then capture_close().  Between start and stop the reader is its.
 * Order      the packets, and the end or the error behind them, are those that
 *            capture_next() would tell.
 * Memory     AHEAD_BATCHES windows onto the file, of which a fourth is touched.
 * Threads    one asks.
 */
#pragma once

#include "capture/reader.h"

enum {
	AHEAD_BATCHES = 4,
	AHEAD_PACKETS = 2048, /* most in a batch */
};

struct ahead;

/* Goes on behind what capture_next() has told, whose packets stay where they
 * are until the next ahead_rewind().  -errno and a sentence. */
int ahead_start(struct capture_reader *r, struct ahead **out, struct err *e);
/* NULL is fine. */
void ahead_stop(struct ahead *a);

/* The next packets, an enum capture_got or -errno with a sentence: with
 * CAPTURE_PACKET (*out)[*n], *n > 0, which stay until they are released; else *n
 * is 0.  CAPTURE_WAIT: too many are not released yet. */
int ahead_next(struct ahead *a, const struct capture_packet **out, unsigned *n,
    struct err *e);

/* Nothing is looked at any more that was told before the last ahead_next(), and
 * with 'all' what that one told. */
void ahead_release(struct ahead *a, bool all);

/* After the end only: begins again with the first packet; releases all. */
int ahead_rewind(struct ahead *a, struct err *e);
