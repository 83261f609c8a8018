/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What became of each packet, told in the order in which packets came.
 *
 * Place      virtual time, one packet at a time; fate tells what happens, the
 *            window waits until it is final.
 * Window     from the oldest packet that a pipe still holds to the newest.  It
 *            grows to VERDICTS_MAX packets, and not beyond.
 * Numbers    vtime.number, modulo HELD_NUMBERS, finds a packet again.
 * Fragments  that reass keeps are told as kept, but for the one that completed
 *            the packet, which has the fate of the whole.
 * Copies     of a pipe's duplicate have no fate of their own.
 */
#pragma once

#include "base/cdefs.h"
#include "base/ns.h"
#include "pipe/queue.h"
#include "rule/interp.h"

struct step_ctx;
struct verdicts;

enum {
	VERDICTS_MAX = 1 << 24, /* as many as HELD_NUMBERS tells apart */
};

enum packet_end {
	END_HELD, /* by a pipe or queue, so far */
	END_KEPT, /* by reass */
	END_PASS,
	END_BACK, /* turned round by fwd */
	END_DROP,
};

struct packet_story {
	ns_t came;
	ns_t left;	   /* of a pipe; 0 = it was in none */
	const char *ifname; /* where it came in */
	const char *why;   /* of END_DROP */
	struct note note;
	uint16_t pipe;	   /* or queue, the last one; 0 = none */
	uint16_t reass;	   /* rule that put it together or kept it */
	uint8_t end;	   /* enum packet_end */
	bool is_queue;
};

/* 'number' counts from 1. */
typedef void verdicts_fn(void *arg, uint64_t number,
    const struct packet_story *s);

/* Returns owned, NULL without memory. */
struct verdicts *verdicts_create(verdicts_fn *fn, void *arg);
void verdicts_destroy(struct verdicts *v);

/* A packet came; false if there is no room for its story.  Its notes are to be taken in verdicts_note(). */
bool verdicts_begin(struct verdicts *v, ns_t came, const char *ifname);
struct note *verdicts_note(struct verdicts *v);

/* Tells what is final; with 'all', what is not as well. */
void verdicts_tell(struct verdicts *v, bool all);

/* ---- what happens to the packet c->vtime->number; without c->vtime->verdicts
 * nothing ---- */

void verdicts_see_off(struct step_ctx *c, const struct pkt *p);
void verdicts_drop(struct step_ctx *c, const char *why);
void verdicts_pass(struct step_ctx *c);

/* A dn_drop_fn; 'arg' is the struct verdicts. */
void verdicts_pipe_drop(void *arg, uint32_t number, enum dn_drop why);
