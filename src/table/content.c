/* SPDX-License-Identifier: BSD-2-Clause */
#include "table/content.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool
is_prefixes(const struct content *c)
{
	return c->type == TABLE_ADDR || c->type == TABLE_MAC;
}

struct content *
content_create(uint8_t type, uint8_t fields, struct limbo *limbo,
    const uint64_t seed[2])
{
	static const uint8_t key_sizes[] = {
	    [TABLE_IFACE] = 16,
	    [TABLE_NUMBER] = 4,
	    [TABLE_FLOW] = sizeof(struct table_flow),
	};
	struct content *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->type = type;
	c->fields = fields;
	if (!is_prefixes(c)) {
		c->map = hmap_create(limbo, key_sizes[type], seed);
		if (c->map == NULL) {
			free(c);
			return NULL;
		}
	}
	return c;
}

void
content_destroy(struct content *c)
{
	if (c == NULL)
		return;
	lpm_destroy(c->v4);
	lpm_destroy(c->v6);
	hmap_destroy(c->map);
	free(c);
}

static void
destroy_later(void *content, uint32_t arg)
{
	(void)arg;
	content_destroy(content);
}

void
content_retire(struct content *c, struct limbo *limbo)
{
	limbo_add(limbo, destroy_later, c, 0);
}

/* The trie that a key belongs to, and the key as it takes it. */
static struct lpm *const *
trie_of(const struct content *c, const struct table_key *k,
    struct lpm_key *out)
{
	uint32_t addr;

	if (c->type == TABLE_MAC) {
		*out = content_key_mac(k->mac);
		return &c->v6;
	}
	if (k->family == 4) {
		memcpy(&addr, k->addr, sizeof(addr));
		*out = content_key4(addr);
		return &c->v4;
	}
	*out = content_key6(k->addr);
	return &c->v6;
}

/* The key as a hash takes it. */
static const void *
hash_key(const struct table_key *k)
{
	return k->addr; /* every member of the union starts here */
}

void
content_fit_flow(struct table_flow *f, unsigned fields)
{
	if ((fields & FLOW_SRC_IP) == 0)
		memset(f->src, 0, sizeof(f->src));
	if ((fields & FLOW_DST_IP) == 0)
		memset(f->dst, 0, sizeof(f->dst));
	if ((fields & FLOW_SRC_PORT) == 0)
		f->sport = 0;
	if ((fields & FLOW_DST_PORT) == 0)
		f->dport = 0;
	if ((fields & FLOW_PROTO) == 0)
		f->proto = 0;
	if ((fields & (FLOW_SRC_IP | FLOW_DST_IP)) == 0)
		f->family = 0;
	f->zero = 0;
}

uint32_t
content_get(const struct content *c, const struct table_key *k)
{
	struct lpm *const *l;
	struct lpm_key key;
	uint32_t idx;

	if (is_prefixes(c)) {
		l = trie_of(c, k, &key);
		return *l == NULL ? 0 : lpm_get(*l, key, k->len);
	}
	idx = hmap_find(c->map, hash_key(k));
	return idx == 0 ? 0 : hmap_value(c->map, idx);
}

/* Makes the trie of a key's family if it is the first. */
static int
need_trie(struct content *c, struct lpm *const *at, struct limbo *limbo)
{
	struct lpm **mine = at == &c->v4 ? &c->v4 : &c->v6;
	struct lpm *l;

	if (*mine != NULL)
		return 0;
	l = lpm_create(limbo);
	if (l == NULL)
		return -ENOMEM;
	/* Partner: the acquire of readers in table.c. */
	__atomic_store_n(mine, l, __ATOMIC_RELEASE);
	return 0;
}

int
content_set(struct content *c, const struct table_key *k, uint32_t value,
    struct limbo *limbo)
{
	struct lpm_prefix p = {.len = k->len, .value = value};
	struct lpm *const *at;
	uint32_t idx;
	int r;

	if (!c->large && content_count(c) >= CONTENT_LARGE)
		__atomic_store_n(&c->large, true, __ATOMIC_RELAXED);
	if (is_prefixes(c)) {
		at = trie_of(c, k, &p.key);
		r = need_trie(c, at, limbo);
		return r != 0 ? r : lpm_set(*at, &p);
	}
	idx = hmap_find(c->map, hash_key(k));
	if (idx == 0)
		return hmap_add(c->map, hash_key(k), value, &idx);
	hmap_set_value(c->map, idx, value);
	return 0;
}

int
content_delete(struct content *c, const struct table_key *k,
    struct limbo *limbo)
{
	struct lpm *const *l;
	struct lpm_key key;
	uint32_t idx;

	if (is_prefixes(c)) {
		l = trie_of(c, k, &key);
		return *l == NULL ? -ENOENT : lpm_delete(*l, key, k->len);
	}
	idx = hmap_find(c->map, hash_key(k));
	if (idx == 0)
		return -ENOENT;
	if (!limbo_reserve(limbo, 1))
		return -ENOMEM;
	hmap_delete(c->map, idx);
	return 0;
}

uint32_t
content_count(const struct content *c)
{
	if (c->map != NULL)
		return hmap_count(c->map);
	return (c->v4 != NULL ? lpm_count(c->v4) : 0) +
	    (c->v6 != NULL ? lpm_count(c->v6) : 0);
}

size_t
content_item_size(const struct content *c)
{
	return c->map != NULL ? hmap_item_size(c->map) : LPM_ITEM_SIZE;
}

uint32_t
content_slots(const struct content *c)
{
	return c->map != NULL ? hmap_slots(c->map) : LPM_SLOTS;
}

/* ---- walking ---- */

struct walk {
	const struct content *c;
	content_fn *fn;
	void *arg;
	uint8_t family;
};

static void
put_be64(uint8_t *to, uint64_t v)
{
	v = __builtin_bswap64(v);
	memcpy(to, &v, sizeof(v));
}

static void
show_prefix(void *arg, const struct lpm_prefix *p)
{
	const struct walk *w = arg;
	struct table_key k;

	memset(&k, 0, sizeof(k));
	k.family = w->family;
	k.len = (uint8_t)p->len;
	put_be64(k.addr, p->key.hi);
	put_be64(k.addr + 8, p->key.lo);
	w->fn(w->arg, &k, p->value);
}

static void
show_entry(void *arg, uint32_t idx)
{
	static const uint8_t key_sizes[] = {
	    [TABLE_IFACE] = 16,
	    [TABLE_NUMBER] = 4,
	    [TABLE_FLOW] = sizeof(struct table_flow),
	};
	const struct walk *w = arg;
	struct table_key k;

	memset(&k, 0, sizeof(k));
	memcpy(k.addr, hmap_key(w->c->map, idx), 16 < key_sizes[w->c->type] ?
	    16 : key_sizes[w->c->type]);
	if (w->c->type == TABLE_FLOW)
		memcpy(&k.flow, hmap_key(w->c->map, idx), sizeof(k.flow));
	w->fn(w->arg, &k, hmap_value(w->c->map, idx));
}

void
content_walk(const struct content *c, content_fn *fn, void *arg)
{
	struct walk w = {c, fn, arg, 4};

	if (c->map != NULL)
		hmap_walk(c->map, show_entry, &w);
	if (c->v4 != NULL)
		lpm_walk(c->v4, show_prefix, &w);
	w.family = c->type == TABLE_MAC ? 0 : 6;
	if (c->v6 != NULL)
		lpm_walk(c->v6, show_prefix, &w);
}
