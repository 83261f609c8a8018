/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A held packet: what waits in a queue or on a delay line.
 *
 * Place      made by dn_enqueue(), handed on by schedulers and AQMs, given back
 *            to the engine by dn_run().
 * Life       held_new -> a queue -> a delay line -> dn_run -> dn_free; or
 *            dropped with a reason on the way.  Exactly one owner at a time.
 * Layout     the header, the frame, the tags; one block of a slab.
 *
 *	| struct held (56) | frame, len octets | n_tags x uint16_t |
 *
 * Memory     a multiple of 64 octets: a frame of up to 72 takes 128.
 * Threads    the worker that owns the dummynet.
 */
#pragma once

#include "base/cdefs.h"
#include "base/copy.h"
#include "base/ns.h"
#include "packet/pkt.h"
#include "packet/tag.h"

enum held_flags {
	HELD_IP4 = 0x01,
	HELD_IP6 = 0x02,
	HELD_OUT = 0x04,   /* matched in the pass on the way out */
	HELD_GO_ON = 0x08, /* one_pass was 0: the rules after its rule follow */
	HELD_LOST = 0x10,  /* takes its time, then is dropped (profile) */
};

enum {
	HELD_TAGS = 64, /* most tags that a packet keeps */
	HELD_NUMBERS = 1 << 24, /* dn_target.number is kept modulo this */
};

struct held {
	struct held *next; /* in a queue, on a delay line, in a free list */
	union {
		struct held *ahead; /* on a line: what to fetch meanwhile */
		struct held *child; /* in a heap */
	};
	ns_t time;	  /* in a queue: when it came; on a line: when it leaves */
	uint32_t rule_id; /* of the rule that sent it here */
	uint32_t mark;
	union {
		uint32_t hash; /* in a queue: of its addresses, protocol and
				* ports, keyed; if the scheduler asks for it */
		uint32_t seq;  /* in a heap: order among equal times */
	};
	uint16_t rule_num;
	uint16_t len;	  /* octets of the frame */
	uint16_t bytes;	  /* what rates and queues count: without Ethernet */
	uint16_t lane;	  /* engine's lane that it goes on along */
	uint16_t blocks;  /* memory it takes, in units of 64 octets */
	uint8_t l3;	  /* offset of the IP header */
	uint8_t flags;	  /* HELD_* */
	uint8_t n_tags;
	uint8_t number[3]; /* dn_target.number, lowest octet first */
	uint8_t frame[];
};
_Static_assert(sizeof(struct held) == 56, "header of a held packet");

/* The tags, behind the frame; may be unaligned, so copy them out. */
static inline uint8_t *
held_tags(struct held *h)
{
	return h->frame + h->len;
}

static inline uint32_t
held_number(const struct held *h)
{
	return (uint32_t)h->number[0] | (uint32_t)h->number[1] << 8 |
	    (uint32_t)h->number[2] << 16;
}

static inline void
held_set_number(struct held *h, uint32_t number)
{
	h->number[0] = (uint8_t)number;
	h->number[1] = (uint8_t)(number >> 8);
	h->number[2] = (uint8_t)(number >> 16);
}

/* Octets of memory that it takes. */
static inline unsigned
held_size(const struct held *h)
{
	return h->blocks * 64u;
}

struct slab;

/* Octets that a packet without tags needs. */
static inline size_t
held_need(const struct pkt *p)
{
	return sizeof(struct held) + p->len;
}

/* Makes a copy of packet 'p', but for its tags, of a block of 'size' octets. */
static inline void
held_fill(struct held *h, size_t size, const struct pkt *p)
{
	h->rule_id = p->fate.rule_id;
	h->mark = p->mark;
	h->hash = 0;
	h->rule_num = p->fate.rule_num;
	h->len = p->len;
	h->bytes = p->l3 <= p->len ? (uint16_t)(p->len - p->l3) : 0;
	h->lane = 0;
	h->blocks = (uint16_t)(size / 64);
	h->l3 = p->l3;
	h->flags = p->flags & (PKT_IP4 | PKT_IP6); /* HELD_* of the same name */
	h->n_tags = 0;
	copy_frame(h->frame, p->data, p->len);
}
_Static_assert((int)HELD_IP4 == (int)PKT_IP4 && (int)HELD_IP6 == (int)PKT_IP6,
    "families");

/* A copy of packet 'p' (frame, mark, tags out of 'tags' (may be NULL), fate);
 * flags only of its family, lane 0.  NULL if there is no room. */
struct held *held_new(struct slab *slab, const struct pkt *p,
    const struct tag_pool *tags);

/* A second one just like it, NULL if there is no room. */
struct held *held_copy(struct slab *slab, const struct held *h);

/* Turns ECT(0) and ECT(1) into CE, the IPv4 checksum with it.  False if the
 * packet is not IP or its sender does not know ECN: then it is to be dropped.
 * True without a change if it is CE already. */
bool held_mark_ce(struct held *h);
