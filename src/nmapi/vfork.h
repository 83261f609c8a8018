/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The child of a vfork(): its descriptors are its own, its memory is not.
 *
 * What it closes before it executes another program is open in its parent, so
 * it must leave the parent's tables alone.  No handler of pthread_atfork() runs
 * for it; it is told by its process id, which is kept in a page that a real
 * fork wipes.
 */
#pragma once

#include <stdbool.h>

/* Once, before there is anything in a table. */
void vfork_start(void);

/* Are we at work in our parent's memory?  One system call. */
bool vfork_is_child(void);
