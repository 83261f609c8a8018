/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lookup tables: named sets of keys with values, which rules ask.
 *
 * Place      rule/interp reads them by index (the u16 in an instruction), ctl/
 *            changes them; names are for ctl/ alone.
 * Life       tables_create -> tables_add, table_set, ... -> tables_destroy.
 *            A change takes effect for readers at once, entry by entry; what
 *            they may still look at lies in tables_limbo(), which the writer
 *            empties after a grace period, before a table's index comes back.
 * Values     a lookup gives an index; equal values share one, counted.  0 is no
 *            match, and its value is all zeros.
 * Threads    readers: any, no locks, nothing allocated.  One writer.
 * Cost       lpm.h and hmap.h; one more read to get from a table's index to it.
 */
#pragma once

#include "base/err.h"
#include "ipfw_abi.h"
#include "table/limbo.h"

enum {
	TABLES_MAX = 4096, /* indexes 1 to TABLES_MAX - 1 */
};

/* The key of a flow table; what the table does not look at is 0. */
struct table_flow {
	uint8_t src[16]; /* IPv4: the first four octets */
	uint8_t dst[16];
	uint16_t sport; /* host order */
	uint16_t dport;
	uint8_t proto;
	uint8_t family; /* 4, 6; 0 if no address is looked at */
	uint16_t zero;
};

struct table_key {
	uint8_t family; /* addr: 4 or 6 */
	uint8_t len;	/* addr, mac: bits of the prefix */
	union {
		uint8_t addr[16];
		uint8_t mac[6];
		uint32_t number;
		char iface[16]; /* zeros behind it */
		struct table_flow flow;
	};
};

struct table_entry {
	struct table_key key;
	uint32_t value; /* index */
	uint64_t pkts;	/* of a table with counters */
	uint64_t bytes;
};

/* What stays as long as a table; the writer's. */
struct table {
	uint16_t kidx;
	uint8_t type;	/* TABLE_* */
	uint8_t fields; /* flow: FLOW_* */
	uint8_t set;
	bool locked;
	bool counters; /* one a table entry */
	bool exact;    /* addr: takes prefixes of these lengths only */
	uint8_t mask4;
	uint8_t mask6;
	uint32_t vmask;
	uint32_t limit; /* 0 = none */
	char name[64];
	char algo[64];
};

struct tables;

/* ---- readers: 0 if the table is not there, of another type, or has no such
 * key; else the index of the value ---- */

uint32_t tables_ip4(const struct tables *ts, unsigned kidx, uint32_t addr);
uint32_t tables_ip6(const struct tables *ts, unsigned kidx,
    const uint8_t addr[16]);
uint32_t tables_number(const struct tables *ts, unsigned kidx, uint32_t key);
/* A name of at most 15 octets; longer ones are in no table. */
uint32_t tables_iface(const struct tables *ts, unsigned kidx,
    const char *name);
uint32_t tables_mac(const struct tables *ts, unsigned kidx,
    const uint8_t mac[6]);
/* 'flow' has everything; the table takes the fields it has. */
uint32_t tables_flow(const struct tables *ts, unsigned kidx,
    const struct table_flow *flow);

/* The value behind an index. */
const struct table_value *tables_value(const struct tables *ts, uint32_t idx);

/* Counts a packet on an entry, if its table has counters. */
void tables_count(const struct tables *ts, uint32_t idx, unsigned bytes);

/* ---- the writer: all tables ---- */

/* 'seed' is secret: it keys the hashes.  Returns owned, NULL without memory. */
struct tables *tables_create(const uint64_t seed[2]);
/* There are no readers any more.  NULL is fine. */
void tables_destroy(struct tables *ts);

/* Before the first table: where their big blocks come from.  Borrows 'pages'. */
void tables_use_pages(struct tables *ts, const struct pages *pages);

struct limbo *tables_limbo(struct tables *ts);

/* A table like 'like', whose kidx is not looked at.  The caller knows that the
 * name is free.  0, -EINVAL, -ENOMEM, -ENOSPC. */
int tables_add(struct tables *ts, const struct table *like,
    struct table **out, struct err *e);
/* Takes a table away from readers and frees it.  Nothing but -ENOMEM. */
int tables_remove(struct tables *ts, struct table *t, struct err *e);
/* Exchanges what is in two tables of one type, with the options of their
 * algorithm; each keeps its limit, which must hold the other's entries. */
int tables_swap(struct tables *ts, struct table *a, struct table *b,
    struct err *e);

/* By name, by index; NULL if there is none. */
struct table *tables_find(const struct tables *ts, const char *name,
    unsigned set);
struct table *tables_at(const struct tables *ts, unsigned kidx);

/* A reference to a value, of its own if 'unique'; 0 without memory. */
uint32_t tables_value_ref(struct tables *ts, const struct table_value *v,
    bool unique);
/* Gives 'n' references back; the limbo has room.  0 is fine. */
void tables_value_put(struct tables *ts, uint32_t idx);

/* Shows each value in use, with its references. */
typedef void tables_value_fn(void *arg, uint32_t idx, uint32_t refs,
    const struct table_value *v);
void tables_walk_values(const struct tables *ts, tables_value_fn *fn,
    void *arg);

/* ---- the writer: one table ---- */

/* Clears what a key has beyond what its table looks at. -EINVAL if it is no key
 * of this table. */
int table_key_fit(const struct table *t, struct table_key *k, struct err *e);

/* Sets a key to a value, taking the reference.  *old is the value before, whose
 * reference is now the caller's, or 0.  0 or -ENOMEM, -ENOSPC. */
int table_set(struct tables *ts, struct table *t, const struct table_key *k,
    uint32_t value, uint32_t *old);
/* Removes a key; *old as above.  0, -ENOENT, -ENOMEM. */
int table_delete(struct tables *ts, struct table *t, const struct table_key *k,
    uint32_t *old);
/* Value of exactly this key, 0 if it is not there. */
uint32_t table_get(const struct tables *ts, const struct table *t,
    const struct table_key *k);
/* The entry that a lookup of this key finds, for prefixes the covering one. */
bool table_find(const struct tables *ts, const struct table *t,
    const struct table_key *k, struct table_entry *out);
int table_flush(struct tables *ts, struct table *t, struct err *e);

uint32_t table_count(const struct tables *ts, const struct table *t);
/* Entries of IPv4; of addr tables only. */
uint32_t table_count4(const struct tables *ts, const struct table *t);
/* Octets of an entry, about, and the slots that lead to entries. */
size_t table_item_size(const struct tables *ts, const struct table *t);
uint32_t table_slots(const struct tables *ts, const struct table *t);

/* All entries, sorted, in an array the caller frees; *n of them.  NULL without
 * memory, or if there are none. */
struct table_entry *table_entries(const struct tables *ts,
    const struct table *t, uint32_t *n);
