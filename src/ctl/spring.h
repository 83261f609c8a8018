/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A connection that makes the infinite source run: from its first octet until
 * it ends.  Whatever it sends is dropped.
 *
 * Place      under server.h, on the control thread.
 */
#pragma once

#include "engine/engine.h"

struct event_base;
struct spring;

/* The connection is over: destroy it. */
typedef void spring_over_fn(void *arg);

/* Watches 'fd' (taken, also on failure).  Returns owned, NULL without
 * memory. */
struct spring *spring_create(struct event_base *base, int fd,
    struct engine *en, spring_over_fn *over, void *arg);
/* Stops the source if this connection had started it. */
void spring_destroy(struct spring *s);
