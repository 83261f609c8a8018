/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * 'ipfw test': a daemon is asked what would become of a packet, and its answer
 * printed.
 *
 * Place      cmd_test.c reads the command and brings the packets.
 * Life       a struct trial_view: filled by trial_ask, for each packet anew ->
 *            printed -> trial_view_fini.
 * Hostile    of the answer nothing is trusted but what was checked here.
 */
#pragma once

#include "cli/frame.h"
#include "cli/rulebook.h"

struct trial_opt {
	uint32_t prob; /* TRIAL_PROB_* */
	uint64_t seed;
	bool any_if;   /* interfaces need not be ports: there is no daemon */
	bool steps;    /* they are wanted */
	bool at;       /* it is now_s: no packets but ours pass there */
	bool remember; /* and later packets meet this one's states */
	uint32_t now_s;
	unsigned near; /* also rules that so many words keep from matching */
	bool all;      /* also all others */
};

struct trial_view {
	struct trial_reply *r; /* owned; its steps behind it */
	const struct trial_step *steps;
	unsigned n_steps;
	const struct rulebook *book;
	bool offline;
};

/* Asks about one packet; 'book', fetched before, is fetched again if it does not have the rules
 * of the answer.  0 or a sysexits code. */
int trial_ask(struct cli *c, const struct trial_opt *o,
    const struct frame_way *way, const void *octets, unsigned len,
    struct rulebook *book, struct trial_view *v, struct err *e);

void trial_view_fini(struct trial_view *v);

/* True if the packet goes on. */
bool trial_is_accepted(const struct trial_view *v);

/* ---- trial_print.c: for humans ---- */

/* The packet, the rules on its way, what became of it. */
void trial_print(struct text *t, const struct trial_view *v,
    const struct trial_opt *o);

/* The packet and what became of it, in one line. */
void trial_print_line(struct text *t, const struct trial_view *v,
    unsigned number);

/* True if a rule that does not match is to be shown. */
bool trial_is_shown(const struct trial_step *s, const struct trial_opt *o);

/* "goes on at 02000", of a step that is a rule's action. */
void trial_print_act(struct text *t, const struct trial_view *v,
    const struct trial_step *s);

/* The test that failed and why. */
void trial_print_miss(struct text *t, const struct trial_view *v,
    const struct trial_step *s, bool out);

/* ---- trial_json.c: for machines ---- */

/* One object, '\n' at its end. */
void trial_print_json(struct text *t, const struct trial_view *v,
    const struct trial_opt *o, unsigned number);
