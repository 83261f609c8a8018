/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a table of states lies in memory, for the files of state.h alone.
 *
 * Place      state_memory.c makes it; state.c finds and installs by packet,
 *            state_index.c reads and removes by index; state_look.c and
 *            state_would.c read without a lock.
 * Threads    what a bucket's lock guards and others read without it is written
 *            with STORE and read with LOAD.
 */
#pragma once

#include "state/state.h"

enum { SLOTS = 8, PER_BUCKET = 4, PER_CHAINED = 8 };

struct bucket {
	uint32_t lock;	     /* of the head: guards the chain and its states */
	uint32_t next;	     /* chained bucket, 0 = none */
	uint16_t tag[SLOTS]; /* never 0 in use */
	uint32_t idx[SLOTS]; /* 0 = free */
	uint32_t pad[2];
};

/* Guarded by the bucket's lock; fields that are also read without it are
 * written with atomic stores. */
struct state {
	uint32_t src4, dst4; /* in the order of struct pkt, so that each pair */
	uint16_t dport, sport; /* can be compared as one word */
	uint8_t proto;
	uint8_t kind;	    /* atomic; enum state_kind */
	uint16_t name;
	uint32_t expire_s;  /* atomic */
	uint32_t flags;	    /* atomic; LIFE_* and IS_IP6 */
	union {
		uint32_t ack_fwd;
		uint32_t linger_s; /* parent, atomic: life after a child */
	};
	uint32_t ack_rev;
	uint64_t pkts, bytes;
	uint32_t rule_id;   /* atomic */
	uint32_t hint;	    /* atomic, without the lock */
	uint16_t rule_num;  /* atomic */
	uint16_t lane;	    /* atomic */
	union {
		uint32_t parent;     /* of a limited state */
		uint32_t n_children; /* parent, atomic */
	};
};

struct rest {
	uint8_t src6[16], dst6[16];
	uint8_t macs[12];
	uint8_t tags[8];
	uint8_t tags_len;
	uint8_t pad[3];
	uint32_t bucket;    /* atomic: number of the head bucket */
	uint32_t next_free; /* guarded by the pool's lock */
};

_Static_assert(sizeof(struct bucket) == CACHE_LINE, "a bucket is one line");
_Static_assert(sizeof(struct state) == CACHE_LINE, "a state is one line");
_Static_assert(sizeof(struct rest) == CACHE_LINE, "the rest is one line");

#define IS_IP6 0x80000000u /* in flags, never shown */

/* Indexes from 1 on: those given back, then those never used. */
struct pool {
	uint32_t lock;
	uint32_t free; /* head of a list, 0 = none */
	uint32_t end;  /* atomic: never used from here on */
	uint32_t max;  /* end of all */
};

struct state_table {
	struct flow_key key;
	uint32_t capacity;
	uint32_t mask;		 /* buckets - 1 */
	struct bucket *heads;	 /* mask + 1, then the chained ones */
	struct state *states;	 /* by index */
	struct rest *rests;
	void *memory;		 /* what free() takes; NULL = not ours */
	struct pool pool __attribute__((aligned(CACHE_LINE)));
	struct pool chained;
	uint32_t n_states;	 /* atomic */
	uint32_t n_parents;	 /* atomic */
	struct state_refusals refusals; /* atomic each */
	uint32_t excess_lock;
	struct state_excess excess; /* at_s: atomic; the rest under the lock */
};

/* ---- locks and atomics ---- */

#define LOAD(x)	    __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define STORE(x, v) __atomic_store_n(&(x), (v), __ATOMIC_RELAXED)

static inline void
lock(uint32_t *l)
{
	while (unlikely(__atomic_exchange_n(l, 1, __ATOMIC_ACQUIRE) != 0))
		while (LOAD(*l) != 0)
			cpu_relax();
}

static inline void
unlock(uint32_t *l)
{
	__atomic_store_n(l, 0, __ATOMIC_RELEASE);
}

/* ---- what is in a bucket ---- */

static inline bool
is_expired(uint32_t expire_s, uint32_t now_s)
{
	return (int32_t)(expire_s - now_s) <= 0;
}

/* True if nothing holds the state any more. */
static inline bool
is_over(const struct state *s, uint32_t now_s)
{
	if (s->kind == STATE_PARENT &&
	    __atomic_load_n(&s->n_children, __ATOMIC_ACQUIRE) != 0)
		return false;
	return is_expired(LOAD(s->expire_s), now_s);
}

/* Where a state hangs. */
struct place {
	struct bucket *b;
	struct bucket *before; /* in the chain; NULL = b is the head */
	unsigned slot;
};

/* Frees the state in this place, and the chained bucket if it was the last in
 * it; the head's lock is held. */
void state_unlink(struct state_table *t, const struct place *at,
    uint32_t now_s);

/* The flow of a state, whose bucket's lock is held. */
struct flow state_flow(const struct state_table *t, uint32_t idx);
