/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is in a table: keys of one type and the numbers they lead to.
 *
 * Place      under table.c, which gives contents names and values a meaning.
 *            addr and mac are prefixes (lpm.h), the others hashes (hmap.h).
 * Life       content_create -> changes -> content_retire or _destroy.
 * Threads    one writer, any readers.
 */
#pragma once

#include "table/hmap.h"
#include "table/lpm.h"
#include "table/table.h"

struct content {
	uint8_t type;
	uint8_t fields;
	bool large;	  /* any thread: has or had CONTENT_LARGE keys */
	struct lpm *v4;	  /* addr; made with the first prefix of the family */
	struct lpm *v6;	  /* addr, mac; likewise */
	struct hmap *map; /* the others */
};

enum { CONTENT_LARGE = 4096 };

struct content *content_create(uint8_t type, uint8_t fields,
    struct limbo *limbo, const uint64_t seed[2]);
/* At once: there are no readers. */
void content_destroy(struct content *c);
/* When the limbo is emptied, which has room. */
void content_retire(struct content *c, struct limbo *limbo);

/* The value of exactly this key, 0 if it is not there. */
uint32_t content_get(const struct content *c, const struct table_key *k);
/* 0, -ENOMEM, -ENOSPC */
int content_set(struct content *c, const struct table_key *k, uint32_t value,
    struct limbo *limbo);
/* 0, -ENOENT, -ENOMEM */
int content_delete(struct content *c, const struct table_key *k,
    struct limbo *limbo);

uint32_t content_count(const struct content *c);
/* Octets of an entry, about; slots that lead to entries. */
size_t content_item_size(const struct content *c);
uint32_t content_slots(const struct content *c);

typedef void content_fn(void *arg, const struct table_key *k, uint32_t value);
void content_walk(const struct content *c, content_fn *fn, void *arg);

/* Reader: what is in a table, NULL if there is none of this type. */
const struct content *tables_content(const struct tables *ts, unsigned kidx,
    uint8_t type);

/* ---- keys as their structures take them ---- */

/* Clears what a table with these fields does not look at. */
void content_fit_flow(struct table_flow *f, unsigned fields);

static inline uint64_t
content_be64(const uint8_t *p)
{
	uint64_t v;

	__builtin_memcpy(&v, p, sizeof(v));
	return __builtin_bswap64(v);
}

static inline struct lpm_key
content_key6(const uint8_t *p)
{
	return (struct lpm_key){content_be64(p), content_be64(p + 8)};
}

static inline struct lpm_key
content_key4(uint32_t addr)
{
	return (struct lpm_key){(uint64_t)__builtin_bswap32(addr) << 32, 0};
}

static inline struct lpm_key
content_key_mac(const uint8_t *p)
{
	uint8_t wide[8] = {p[0], p[1], p[2], p[3], p[4], p[5]};

	return (struct lpm_key){content_be64(wide), 0};
}
