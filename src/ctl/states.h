/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dynamic states as clients see them: listed, removed, counted.
 *
 * Threads    the control thread, while workers go on; a list is no snapshot.
 * Cost       removing and looking up rules pass once or twice over all states
 *            that ever were, about 10 ns each.
 */
#pragma once

#include "engine/engine.h"
#include "ipfw_abi.h"

/* Octets that a list of all states takes now, without its header. */
size_t ctl_states_size(struct engine *en);

/* Writes the states whose rules exist from index *from on, at most 'room' octets
 * of them; *from becomes where to go on, 0 after the last.  Returns the octets
 * written.  Several calls show each state once that lives on between them. */
size_t ctl_states_put(struct engine *en, unsigned char *at, size_t room,
    uint32_t *from);

/* Removes the states of the rules in a range.  Returns how many. */
unsigned ctl_states_remove(struct engine *en, const struct rule_range *g);

/* Removes the states of rules that are gone. */
void ctl_states_bury(struct engine *en);

/* Which rules and orphans, by index, have states.  Returns owned, NULL without
 * memory. */
bool *ctl_states_rules(struct engine *en);

/* Sets the sysctls that count states. */
void ctl_states_tell(struct engine *en);
