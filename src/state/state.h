/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of dynamic states: which flows are known, and by which rule.
 *
 * Place      rule/interp finds and installs; engine/ expires and sends
 *            keepalives; ctl/ lists and removes.  One table for all workers.
 * Life       of a state: installed -> hit (lives on) -> expired (found so by a
 *            lookup, or by state_sweep) or removed.  A limit parent lives as
 *            long as it has children, and a short while after.
 * Layout     64-octet buckets of eight short tags and indexes, chained if full;
 *            64-octet states; what a hit on IPv4 never touches in a second
 *            array.  All in one piece of memory, which is the caller's or
 *            state_create's; nothing is allocated later.  On huge pages a hit
 *            takes half the time: else each of its lines is a miss of the TLB.
 *
 *	hash -> [lock | next | 8 tags | 8 indexes] -> [...]   buckets
 *	                           '-> [state] [rest]         pools, by index
 *
 * Threads    any; each bucket has a spin lock that is held for one lookup or
 *            insertion.  Order: a bucket, then a pool or the excess; never two
 *            buckets.
 *            Children of a parent are counted with atomics.
 * Rules      a state names its rule by number and id and never by a pointer:
 *            whoever finds it looks the rule up in the ruleset at hand, and
 *            drops the state if the rule is gone.  'hint' is where it was last.
 * Time       seconds of any clock that does not jump, as an argument.
 */
#pragma once

#include "base/rng.h"
#include "packet/pkt.h"
#include "state/flow.h"
#include "state/life.h"

enum state_kind {
	STATE_FREE,
	STATE_KEEP,
	STATE_LIMIT,
	STATE_PARENT,
};

enum {
	STATE_CAPACITY_MIN = 64,
	STATE_CAPACITY_MAX = 1 << 24,
	STATE_ANY_NAME = 0, /* a lookup under this name finds every state */
};

/* What a worker's burst goes by. */
struct state_cfg {
	struct life_cfg life;
	uint32_t max;	     /* states that may exist, parents aside */
	uint32_t parent_max;
	uint32_t now_s;
};

/* The rule of a state. */
struct state_rule {
	uint32_t id;
	uint32_t hint; /* index in a ruleset, perhaps no longer */
	uint16_t num;
	bool backward; /* state_find: the packet answers the first one */
};

/* What state_install needs to know beside the packet. */
struct state_new {
	struct state_rule rule;
	uint16_t name;
	uint16_t lane;	     /* where the packet came in, for keepalives */
	uint8_t kind;	     /* STATE_KEEP or STATE_LIMIT */
	uint8_t limit_mask;  /* STATE_LIMIT: fields that a parent is about */
	uint32_t limit;	     /* STATE_LIMIT: children a parent may have */
};

/* A state as it was at one moment. */
struct state_view {
	struct flow flow; /* as its first packet went */
	struct state_rule rule;
	struct life life;
	enum state_kind kind;
	uint16_t name;
	uint16_t lane;
	uint32_t left_s;     /* 0 = expired */
	uint32_t n_children; /* of a parent */
	uint32_t bucket;
	uint64_t pkts, bytes;
	uint8_t macs[12];    /* destination and source of the first packet */
	uint8_t tags[8];     /* its VLAN tags, with their ethertypes */
	uint8_t tags_len;    /* 0, 4 or 8 */
};

struct state_table;

/* A table for at most 'capacity' states and parents together, STATE_CAPACITY_MIN
 * to _MAX.  Returns owned, NULL without memory. */
struct state_table *state_create(uint32_t capacity, struct rng *rng);
/* The same in 'memory': state_memory(capacity) zeroed octets at the beginning of
 * a cache line; borrows it. */
struct state_table *state_create_in(uint32_t capacity, struct rng *rng,
    void *memory);
size_t state_memory(uint32_t capacity);
void state_destroy(struct state_table *t);

/* ---- data path ---- */

/* The hash that find and install want in p->flow_hash. */
uint64_t state_hash(const struct state_table *t, const struct pkt *p);

enum { STATE_STEP = 32 };

/* To be called before the packets of a burst from 'at' on are looked up, for
 * at = 0, STATE_STEP, 2 * STATE_STEP and so on: puts the hashes of those that
 * come later into them, and brings what their lookups will touch into the cache,
 * buckets first and states a step later.  Packets without states are passed
 * over. */
void state_prepare(const struct state_table *t, struct pkt *pkts, unsigned n,
    unsigned at);

/* Finds the state of an IP packet under 'name'; books the packet and lets the
 * state live on.  Returns its index, 0 if there is none. */
uint32_t state_find(struct state_table *t, const struct state_cfg *cfg,
    const struct pkt *p, uint16_t name, struct state_rule *rule);

/* Makes a state for an IP packet, unless it exists already.  False if there is
 * no room, or the limit is reached: the packet is to be denied. */
bool state_install(struct state_table *t, const struct state_cfg *cfg,
    const struct pkt *p, const struct state_new *n);

/* Remembers where the rule of state 'idx' is now. */
void state_set_hint(struct state_table *t, uint32_t idx, uint32_t hint);

/* Removes state 'idx' if it still belongs to rule 'id'.  A parent with children
 * stays.  True if removed. */
bool state_remove(struct state_table *t, uint32_t idx, uint32_t id,
    uint32_t now_s);

/* ---- ticks and listings ---- */

/* Indexes that were ever in use are below this. */
uint32_t state_end(const struct state_table *t);

/* Removes what expired of the states [lo, hi). Returns how many. */
unsigned state_sweep(struct state_table *t, uint32_t lo, uint32_t hi,
    uint32_t now_s);

/* True if 'idx' seems to be an open TCP connection in the last seconds of its
 * life that came in by one of the lanes [lane, lane + n_lanes): then a
 * state_read is worth while.  Takes no lock. */
bool state_wants_keepalive(const struct state_table *t, uint32_t idx,
    uint32_t now_s, uint16_t lane, uint16_t n_lanes);

/* The rule and the kind of state 'idx' as they seem to be; STATE_FREE if there
 * is none.  Takes no lock: state_remove() and state_read() know better. */
enum state_kind state_peek(const struct state_table *t, uint32_t idx,
    struct state_rule *rule);

/* A copy of state 'idx'; false if there is none. */
bool state_read(struct state_table *t, uint32_t idx, uint32_t now_s,
    struct state_view *out);

/* The most states that hang in one of the buckets [lo, hi), lo counting from 0.
 * Takes no lock: about so many. */
uint32_t state_longest(const struct state_table *t, uint32_t lo, uint32_t hi);

/* How often there was no room: for a state (max, or the capacity), for a parent
 * (parent_max, or the capacity). */
struct state_refusals {
	uint64_t states, parents;
};
void state_refusals(const struct state_table *t, struct state_refusals *out);

/* The last packet that was refused because its limit is reached.  Of those in
 * one second the first is kept. */
struct state_excess {
	uint32_t at_s; /* now_s then; 0 = there was none */
	uint16_t rule; /* its number */
	struct flow flow;
};
void state_excess(struct state_table *t, struct state_excess *out);

/* States (parents aside), and parents, that exist, expired ones included. */
uint32_t state_count(const struct state_table *t);
uint32_t state_parent_count(const struct state_table *t);
uint32_t state_buckets(const struct state_table *t);
