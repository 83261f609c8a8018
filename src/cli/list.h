/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rules of a daemon as they come over the wire.
 *
 * Place      list.c prints them; trial.c looks up those that a packet met.
 * Life       list_fetch() (cmd.h) or a part of it -> list_split -> list_next ->
 *            tabnames_fini and free of what the listing owns.
 * Hostile    nothing of the reply is trusted; what does not fit ends a list.
 */
#pragma once

#include "cli/cmd.h"
#include "cli/print.h"

/* The reply, cut into what is used of it. */
struct listing {
	struct cfg_lhdr *cfg; /* owned */
	size_t len;
	const char *rules; /* TLVs, 'n_rules' said, checked one by one */
	size_t rules_len;
	const struct obj_ntlv *names; /* of states */
	unsigned n_names;
	const char *states;
	size_t states_len;
	bool counters;
	struct tabnames tables; /* that the rules name; owned */
};

/* One rule of the list, copied to aligned memory. */
struct list_entry {
	struct abi_counter counter;
	const struct abi_rule *rule;
	size_t size;
};

/* Finds the lists of rules and states in l->cfg, l->len octets. */
void list_split(struct listing *l);

/* Reads the rule at '*at', 0 at first, and steps over it; false at the end. */
bool list_next(const struct listing *l, size_t *at, struct list_entry *en);
