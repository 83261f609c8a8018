/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Serves the programs that listen to diverted packets (kipfw_divert.h).
 *
 * Life       diverter_create before the engine starts -> diverter_destroy once
 *            the engine has stopped.
 * Thread     its own: neither commands nor slow programs hold up the other, and
 *            the workers only ever meet its rings (engine/diverts.h).
 * Bounds     DIVERTER_CLIENTS programs; a socket's buffer each, behind which
 *            packets are dropped and counted.
 * Trust      the socket is its owner's alone; what comes from it is checked
 *            nevertheless.
 */
#pragma once

#include "base/err.h"
#include "engine/engine.h"

enum { DIVERTER_CLIENTS = 64 };

struct diverter;

/* Listens at 'path' and serves.  Errors as for unixsock_open(). */
int diverter_create(struct engine *en, const char *path, struct diverter **out,
    struct err *e);
/* NULL is fine. */
void diverter_destroy(struct diverter *d);
