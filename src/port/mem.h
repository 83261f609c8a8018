/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The queues behind "mem:NAME" ports, for tests that put and get frames.
 *
 * Threads    open and close: one thread; put and get: one thread each.
 */
#pragma once

#include "base/cdefs.h"

struct mem_queue;

/* The queue of that name ("mem:a"), made if it is new; counted.  NULL without
 * memory. */
struct mem_queue *mem_queue_open(const char *name);
void mem_queue_close(struct mem_queue *q);

/* Appends a copy of the frame; false if it is too long or there is no room. */
bool mem_queue_put(struct mem_queue *q, const void *frame, unsigned len);

/* Takes the oldest frame; at most 'room' octets are copied.  Returns its
 * length, 0 if the queue is empty. */
unsigned mem_queue_get(struct mem_queue *q, void *frame, unsigned room);
