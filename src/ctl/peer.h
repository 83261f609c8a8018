/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who is at the other end of a local connection.
 *
 * A unix socket knows (SO_PEERCRED).  A loopback TCP connection has no owner,
 * but both its ends are sockets of this machine: the kernel tells whose the
 * other end is (sock_diag, or /proc/net/tcp where that is missing).
 *
 * Trap       a socket that its process has closed, or that is in TIME_WAIT, is
 *            shown as owned by uid 0.  Such a one has no inode number any more;
 *            without one the owner is unknown, and that is an error.
 */
#pragma once

#include "base/err.h"

#include <sys/types.h>

/* The uid behind the connected socket 'fd' (unix or IPv4 TCP).  -EACCES if it
 * cannot be told.  Does not block. */
int peer_uid(int fd, uid_t *uid, struct err *e);
