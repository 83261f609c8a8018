/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A listening unix socket at a path that only its owner may use.
 *
 * Life       unixsock_open -> accept on fd -> unixsock_close, which removes the
 *            path if it is still this socket's.
 */
#pragma once

#include "base/err.h"

#include <sys/types.h>
#include <time.h>

struct unixsock {
	int fd; /* -1 = not open */
	dev_t dev; /* which file is ours; inode numbers come again, hence ... */
	ino_t ino;
	struct timespec made; /* ... when it was made */
	char path[108];
};

/* Listens at 'path', mode 0600.  Replaces the socket of a dead server;
 * -EADDRINUSE if one answers there, -EEXIST if it is something else. */
int unixsock_open(struct unixsock *u, const char *path, struct err *e);
/* The same for another type than SOCK_STREAM. */
int unixsock_open_type(struct unixsock *u, const char *path, int type,
    struct err *e);
void unixsock_close(struct unixsock *u);
