/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The octets of a file, unpacked if it is a gzip file.
 *
 * Place      under capture/reader.
 * gzip       is told by its first two octets; several members, as 'cat' joins
 *            them, are one stream.  What follows the last one is ignored, as by
 *            gzip itself.
 * Memory     64 kB and what zlib takes; a small file that unpacks to much costs
 *            time, never memory.
 * Threads    one.
 */
#pragma once

#include "base/cdefs.h"
#include "base/err.h"

struct stream;

/* -errno with a sentence that names the file. */
int stream_open(const char *path, struct stream **out, struct err *e);
void stream_close(struct stream *s);

/* Up to 'size' > 0 octets to 'to'; fewer does not mean the end.  Returns how
 * many, 0 at the end, -errno. */
long stream_read(struct stream *s, void *to, size_t size, struct err *e);

/* Back to the first octet.  -ESPIPE: a pipe. */
int stream_rewind(struct stream *s, struct err *e);
