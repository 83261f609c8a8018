/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames out of a capture, one by one, for 'ipfw test --pcap'.
 *
 * Place      daemon/: ipfw itself knows no capture files; see cli.h.
 * Life       frames_open -> frames_next until it says that there is no more
 *            -> frames_close.
 */
#pragma once

#include "cli/frame.h"

/* 0 with *out, which the caller owns, or a sysexits code. */
int frames_open(const char *path, void **out, struct err *e);
void frames_close(void *capture);

/* The next frame, as far as it was kept.  1, 0 after the last one, or -1 with
 * 'e'. */
int frames_next(void *capture, struct frame *f, struct err *e);
