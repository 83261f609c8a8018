/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The listening sockets of the daemon, and who may come in.
 *
 *	127.0.0.1:port     control, always TCP, never another address
 *	127.0.0.1:port+1   a connection that sends an octet starts the infinite
 *			   source, its end stops it
 *	unix_path          control, if wanted; mode 0600
 *
 * Place      on the event loop of the control thread; requests go to control.h.
 * Life       server_create -> the loop runs -> server_destroy.
 * Who        root and the daemon's own user, on every socket; anybody else is
 *            closed with a line in the log, before an octet of his is read.
 * Limits     SERVER_MAX_CONNS at a time; see conn.h for the rest.  Nothing here
 *            blocks the loop.
 */
#pragma once

#include "base/cdefs.h"
#include "base/err.h"

struct control;
struct engine;
struct event_base;
struct server;

enum { SERVER_MAX_CONNS = 64 };

struct server_cfg {
	uint16_t port;		/* 1 to 65534; 0 = no TCP at all */
	const char *unix_path;	/* NULL = none */
	unsigned limit_ms;	/* for a request to arrive; 0 = 30 s */
};

/* Listens.  A stale unix socket of a dead server is replaced, a live one and
 * anything else at that path is refused. */
int server_create(struct event_base *base, struct control *control,
    struct engine *en, const struct server_cfg *cfg, struct server **out,
    struct err *e);

/* Closes all connections and sockets; removes the unix socket. */
void server_destroy(struct server *s);
