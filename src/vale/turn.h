/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A lock word in shared memory that names the thread which has it.
 *
 * Place      under nmport, for rings that several processes sync, and nmapi,
 *            for those that several threads do.
 * Death      a holder that is dead gives way at once: who takes its word is
 *            told so, and ends what it was in.
 * Spaces     a thread's number means nothing in another pid namespace: the word
 *            has the namespace's beside it, and such a holder counts as alive.
 * Cost       one compare-and-swap.
 */
#pragma once

#include "base/cdefs.h"

/* Takes the lock if it is free, or its holder dead: then '*from_dead'. */
bool turn_try(uint64_t *lock, bool *from_dead);
void turn_end(uint64_t *lock);

/* Is that the word of a live thread, as far as can be known? */
bool turn_is_held(uint64_t word);

/* In the child of a fork(): its thread has another number. */
void turn_forked(void);
