/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What 'log' leaves of a packet, on its way from a worker to who writes it down.
 *
 * Place      rule/interp fills records; engine_log_drain() hands them to the
 *            control thread, which makes lines and captures of them.
 * Ring       one a worker, one writer, one reader.  A record is filled in place
 *            and becomes visible with the burst's publish, which also stamps
 *            it: one look at the clock per burst that logged something.
 * Limits     a rule with a logamount takes from a budget that all workers share
 *            (pass.log_left, by counter); a full ring costs no budget, and
 *            what it could not take is counted.
 * Cost       a copy of RECORD_SNAP octets at most; no allocation, no system
 *            call.
 */
#pragma once

#include "base/stat.h"
#include "ipfw_abi.h"
#include "packet/pkt.h"
#include "rule/rule.h"

#include <stdatomic.h>

enum {
	RECORD_SNAP = 256,  /* octets of the frame that are kept */
	RECORD_SLOTS = 1024,
	RECORD_ACT_WORDS = 8, /* as long as fwd to an IPv6 address */
	RECORD_IFNAME = 16,
};

enum record_flags {
	RECORD_OUT = 0x1,  /* met on the way out */
	RECORD_TEXT = 0x2, /* wants a line, not only a capture */
	RECORD_LAST = 0x4, /* took the last of the rule's budget */
	RECORD_CAPTURE = 0x8, /* goes into a capture */
};

struct record {
	uint64_t ns;	  /* wall clock */
	uint32_t rule_id;
	uint32_t max_log; /* the rule's logamount */
	uint16_t rule;	  /* its number */
	uint16_t len;	  /* of the frame */
	uint16_t kept;	  /* octets of it in 'frame' */
	uint16_t flags;	  /* RECORD_* */
	uint32_t mark;	  /* the packet's */
	struct insn act[RECORD_ACT_WORDS]; /* the action, zeros behind it;
					    * tablearg is what it stood for */
	char ifname[RECORD_IFNAME];	   /* ends with a zero */
	uint8_t frame[RECORD_SNAP];
};

struct record_ring {
	_Atomic uint32_t head __attribute__((aligned(CACHE_LINE))); /* worker */
	uint32_t next;	  /* worker: filled up to here, not published */
	uint64_t lost;	  /* worker: no slot was free */
	_Atomic uint32_t tail __attribute__((aligned(CACHE_LINE))); /* reader */
	struct record slots[RECORD_SLOTS];
};

/* An empty ring.  Returns owned, NULL without memory. */
struct record_ring *record_ring_create(void);
void record_ring_destroy(struct record_ring *g);

/* What a record tells beside the packet. */
struct record_at {
	const struct insn_log *log; /* of the rule */
	const struct table_value *value; /* what tablearg stands for */
	const char *ifname;	    /* where the packet is looked at */
	bool out;
	bool text;		    /* a line is wanted: the limit applies */
	bool capture;
	_Atomic uint32_t *left;	    /* the rule's budget */
};

/* Leaves a record of 'p', which rule 'r' matched. */
void record_packet(struct record_ring *g, const struct rule *r,
    const struct pkt *p, const struct record_at *at);

/* True if records wait for record_publish(). */
static inline bool
record_unpublished(const struct record_ring *g)
{
	return g->next != atomic_load_explicit(&g->head, memory_order_relaxed);
}

/* Stamps what was recorded since the last time and shows it to the reader. */
void record_publish(struct record_ring *g, uint64_t now_ns);

/* The reader's oldest record, NULL if there is none; record_done() gives its
 * slot back. */
const struct record *record_first(struct record_ring *g);
void record_done(struct record_ring *g);
