/* SPDX-License-Identifier: BSD-2-Clause */
#include "table/table.h"

#include "table/content.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What is interned: a value, and a number where it may not be shared. */
struct interned {
	struct table_value v;
	uint32_t owner[2]; /* a number; 0 = shared */
};

/* Packets and octets of the entries with counters, by value index. */
struct hits {
	uint64_t pkts;
	uint64_t bytes;
};

enum { HITS_CHUNK = 1024, HITS_CHUNKS = 65536 };

struct tables {
	struct content *content[TABLES_MAX]; /* readers; NULL = none */
	struct table *table[TABLES_MAX];     /* the writer's */
	bool taken[TABLES_MAX];	   /* until the grace period after a removal */
	struct hmap *values;	   /* struct interned to references */
	struct hits **hits;	   /* HITS_CHUNKS, NULL where there are none */
	uint64_t next_owner;
	uint64_t seed[2];
	struct limbo limbo;
};

/* ---- readers ---- */

const struct content *
tables_content(const struct tables *ts, unsigned kidx, uint8_t type)
{
	const struct content *c;

	if (kidx >= TABLES_MAX)
		return NULL;
	/* Partner: the release in publish(). */
	c = __atomic_load_n(&ts->content[kidx], __ATOMIC_ACQUIRE);
	return c != NULL && c->type == type ? c : NULL;
}

static inline uint32_t
lpm_find(struct lpm *const *at, struct lpm_key key)
{
	const struct lpm *l = __atomic_load_n(at, __ATOMIC_ACQUIRE);

	return l != NULL ? lpm_lookup(l, key) : 0;
}

static inline uint32_t
map_find(const struct content *c, const void *key)
{
	uint32_t idx = hmap_find(c->map, key);

	return idx != 0 ? hmap_value(c->map, idx) : 0;
}

uint32_t
tables_ip4(const struct tables *ts, unsigned kidx, uint32_t addr)
{
	const struct content *c = tables_content(ts, kidx, TABLE_ADDR);

	return c != NULL ? lpm_find(&c->v4, content_key4(addr)) : 0;
}

uint32_t
tables_ip6(const struct tables *ts, unsigned kidx, const uint8_t addr[16])
{
	const struct content *c = tables_content(ts, kidx, TABLE_ADDR);

	return c != NULL ? lpm_find(&c->v6, content_key6(addr)) : 0;
}

uint32_t
tables_mac(const struct tables *ts, unsigned kidx, const uint8_t mac[6])
{
	const struct content *c = tables_content(ts, kidx, TABLE_MAC);

	return c != NULL ? lpm_find(&c->v6, content_key_mac(mac)) : 0;
}

uint32_t
tables_number(const struct tables *ts, unsigned kidx, uint32_t key)
{
	const struct content *c = tables_content(ts, kidx, TABLE_NUMBER);

	return c != NULL ? map_find(c, &key) : 0;
}

uint32_t
tables_iface(const struct tables *ts, unsigned kidx, const char *name)
{
	const struct content *c = tables_content(ts, kidx, TABLE_IFACE);
	union {
		char name[16];
		uint32_t words[4];
	} key = {.words = {0}};
	size_t len;

	if (c == NULL || name == NULL)
		return 0;
	len = strnlen(name, sizeof(key.name));
	if (len == sizeof(key.name))
		return 0;
	memcpy(key.name, name, len);
	return map_find(c, key.words);
}

uint32_t
tables_flow(const struct tables *ts, unsigned kidx,
    const struct table_flow *flow)
{
	const struct content *c = tables_content(ts, kidx, TABLE_FLOW);
	struct table_flow f = *flow;

	if (c == NULL)
		return 0;
	if (c->fields != FLOW_ALL)
		content_fit_flow(&f, c->fields);
	return map_find(c, &f);
}

const struct table_value *
tables_value(const struct tables *ts, uint32_t idx)
{
	static const struct table_value none;
	const struct interned *i;

	if (idx == 0)
		return &none;
	i = hmap_key(ts->values, idx);
	return &i->v;
}

void
tables_count(const struct tables *ts, uint32_t idx, unsigned bytes)
{
	struct hits *chunk =
	    __atomic_load_n(&ts->hits[idx / HITS_CHUNK], __ATOMIC_ACQUIRE);
	struct hits *h;

	if (__builtin_expect(chunk == NULL, 1))
		return;
	h = &chunk[idx % HITS_CHUNK];
	__atomic_fetch_add(&h->pkts, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&h->bytes, bytes, __ATOMIC_RELAXED);
}

/* ---- all tables ---- */

struct tables *
tables_create(const uint64_t seed[2])
{
	struct tables *ts = calloc(1, sizeof(*ts));

	if (ts == NULL)
		return NULL;
	ts->seed[0] = seed[0];
	ts->seed[1] = seed[1];
	ts->values = hmap_create(&ts->limbo, sizeof(struct interned), seed);
	ts->hits = calloc(HITS_CHUNKS, sizeof(*ts->hits));
	if (ts->values == NULL || ts->hits == NULL) {
		tables_destroy(ts);
		return NULL;
	}
	return ts;
}

void
tables_destroy(struct tables *ts)
{
	if (ts == NULL)
		return;
	limbo_fini(&ts->limbo);
	for (unsigned i = 0; i < TABLES_MAX; i++) {
		content_destroy(ts->content[i]);
		free(ts->table[i]);
	}
	for (unsigned i = 0; ts->hits != NULL && i < HITS_CHUNKS; i++)
		free(ts->hits[i]);
	free(ts->hits);
	hmap_destroy(ts->values);
	free(ts);
}

void
tables_use_pages(struct tables *ts, const struct pages *pages)
{
	ts->limbo.pages = pages;
}

struct limbo *
tables_limbo(struct tables *ts)
{
	return &ts->limbo;
}

static void
publish(struct tables *ts, unsigned kidx, struct content *c)
{
	__atomic_store_n(&ts->content[kidx], c, __ATOMIC_RELEASE);
}

int
tables_add(struct tables *ts, const struct table *like, struct table **out,
    struct err *e)
{
	unsigned kidx = 1;
	struct content *c;
	struct table *t;

	while (kidx < TABLES_MAX && ts->taken[kidx])
		kidx++;
	if (kidx == TABLES_MAX)
		return err_set(e, ENOSPC, "there are %d tables already",
		    TABLES_MAX - 1);
	c = content_create(like->type, like->fields, &ts->limbo, ts->seed);
	t = malloc(sizeof(*t));
	if (c == NULL || t == NULL) {
		content_destroy(c);
		free(t);
		return err_set(e, ENOMEM, "no memory for a table");
	}
	*t = *like;
	t->kidx = (uint16_t)kidx;
	ts->table[kidx] = t;
	ts->taken[kidx] = true;
	publish(ts, kidx, c);
	*out = t;
	return 0;
}

static void
give_index_back(void *tables, uint32_t kidx)
{
	((struct tables *)tables)->taken[kidx] = false;
}

static void
put_value(void *tables, const struct table_key *k, uint32_t value)
{
	(void)k;
	tables_value_put(tables, value);
}

/* Puts 'next' in the place of what is in 't', which is let go. */
static int
replace(struct tables *ts, struct table *t, struct content *next,
    struct err *e)
{
	struct content *old = ts->content[t->kidx];

	if (!limbo_reserve(&ts->limbo, (size_t)content_count(old) + 2))
		return err_set(e, ENOMEM, "no memory to empty a table");
	publish(ts, t->kidx, next);
	content_walk(old, put_value, ts);
	content_retire(old, &ts->limbo);
	return 0;
}

int
tables_remove(struct tables *ts, struct table *t, struct err *e)
{
	int r = replace(ts, t, NULL, e);

	if (r != 0)
		return r;
	ts->table[t->kidx] = NULL;
	limbo_add(&ts->limbo, give_index_back, ts, t->kidx);
	free(t);
	return 0;
}

int
table_flush(struct tables *ts, struct table *t, struct err *e)
{
	struct content *fresh =
	    content_create(t->type, t->fields, &ts->limbo, ts->seed);
	int r;

	if (fresh == NULL)
		return err_set(e, ENOMEM, "no memory to empty a table");
	r = replace(ts, t, fresh, e);
	if (r != 0)
		content_destroy(fresh);
	return r;
}

/* The algorithm goes with what is in a table: its options say what fits. */
static void
swap_algos(struct table *a, struct table *b)
{
	struct table was = *a;

	a->mask4 = b->mask4;
	a->mask6 = b->mask6;
	memcpy(a->algo, b->algo, sizeof(a->algo));
	b->mask4 = was.mask4;
	b->mask6 = was.mask6;
	memcpy(b->algo, was.algo, sizeof(b->algo));
}

int
tables_swap(struct tables *ts, struct table *a, struct table *b,
    struct err *e)
{
	struct content *ca = ts->content[a->kidx], *cb = ts->content[b->kidx];

	if (a->type != b->type || a->fields != b->fields ||
	    a->counters != b->counters || a->exact != b->exact)
		return err_set(e, EINVAL,
		    "tables %s and %s are of different types", a->name,
		    b->name);
	if (a->limit != b->limit &&
	    ((a->limit != 0 && content_count(cb) > a->limit) ||
		(b->limit != 0 && content_count(ca) > b->limit)))
		return err_set(e, EFBIG,
		    "tables %s and %s have limits that do not hold the other",
		    a->name, b->name);
	publish(ts, a->kidx, cb);
	publish(ts, b->kidx, ca);
	swap_algos(a, b);
	return 0;
}

struct table *
tables_find(const struct tables *ts, const char *name, unsigned set)
{
	for (unsigned i = 1; i < TABLES_MAX; i++)
		if (ts->table[i] != NULL && ts->table[i]->set == set &&
		    strcmp(ts->table[i]->name, name) == 0)
			return ts->table[i];
	return NULL;
}

struct table *
tables_at(const struct tables *ts, unsigned kidx)
{
	return kidx < TABLES_MAX ? ts->table[kidx] : NULL;
}

/* ---- values ---- */

/* Room for the counters of an index, zeroed. */
static bool
need_hits(struct tables *ts, uint32_t idx)
{
	struct hits **at = &ts->hits[idx / HITS_CHUNK], *chunk = *at;

	if (chunk == NULL) {
		chunk = calloc(HITS_CHUNK, sizeof(*chunk));
		if (chunk == NULL)
			return false;
		__atomic_store_n(at, chunk, __ATOMIC_RELEASE);
	}
	__atomic_store_n(&chunk[idx % HITS_CHUNK].pkts, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&chunk[idx % HITS_CHUNK].bytes, 0, __ATOMIC_RELAXED);
	return true;
}

uint32_t
tables_value_ref(struct tables *ts, const struct table_value *v, bool unique)
{
	uint64_t owner = unique ? ++ts->next_owner : 0;
	struct interned key = {*v, {(uint32_t)owner, (uint32_t)(owner >> 32)}};
	uint32_t idx = unique ? 0 : hmap_find(ts->values, &key);

	if (idx != 0) {
		hmap_set_value(ts->values, idx,
		    hmap_value(ts->values, idx) + 1);
		return idx;
	}
	if (!limbo_reserve(&ts->limbo, 2) ||
	    hmap_add(ts->values, &key, 1, &idx) != 0)
		return 0;
	if (unique && !need_hits(ts, idx)) {
		hmap_delete(ts->values, idx);
		return 0;
	}
	return idx;
}

void
tables_value_put(struct tables *ts, uint32_t idx)
{
	uint32_t refs;

	if (idx == 0)
		return;
	refs = hmap_value(ts->values, idx);
	if (refs > 1)
		hmap_set_value(ts->values, idx, refs - 1);
	else
		hmap_delete(ts->values, idx);
}

struct value_walk {
	const struct tables *ts;
	tables_value_fn *fn;
	void *arg;
};

static void
show_value(void *arg, uint32_t idx)
{
	const struct value_walk *w = arg;

	w->fn(w->arg, idx, hmap_value(w->ts->values, idx),
	    tables_value(w->ts, idx));
}

void
tables_walk_values(const struct tables *ts, tables_value_fn *fn, void *arg)
{
	struct value_walk w = {ts, fn, arg};

	hmap_walk(ts->values, show_value, &w);
}

/* ---- one table ---- */

/* Clears the bits of 'p' from 'len' on, 'size' octets in all. */
static void
clear_tail(uint8_t *p, unsigned size, unsigned len)
{
	for (unsigned i = 0; i < size; i++) {
		unsigned keep = len > 8 * i ? len - 8 * i : 0;

		if (keep < 8)
			p[i] = (uint8_t)(p[i] & (0xff00u >> keep));
	}
}

int
table_key_fit(const struct table *t, struct table_key *k, struct err *e)
{
	unsigned bits = 0, want;

	switch (t->type) {
	case TABLE_ADDR:
		want = k->family == 4 ? t->mask4 : t->mask6;
		if (t->exact && k->len != want)
			return err_set(e, EINVAL,
			    "table %s takes prefixes of length %u, not %u",
			    t->name, want, k->len);
		bits = k->family == 4 ? 32 : k->family == 6 ? 128 : 0;
		break;
	case TABLE_MAC:
		bits = 48;
		k->family = 0;
		break;
	case TABLE_IFACE:
		if (k->iface[0] == '\0' ||
		    strnlen(k->iface, sizeof(k->iface)) == sizeof(k->iface))
			return err_set(e, EINVAL,
			    "an interface name has 1 to 15 characters");
		clear_tail((uint8_t *)k->iface, 16,
		    (unsigned)strlen(k->iface) * 8);
		return 0;
	case TABLE_FLOW:
		content_fit_flow(&k->flow, t->fields);
		if (k->flow.family == 0 &&
		    (t->fields & (FLOW_SRC_IP | FLOW_DST_IP)) != 0)
			return err_set(e, EINVAL, "a flow without addresses");
		if (k->flow.family == 4) {
			clear_tail(k->flow.src, 16, 32);
			clear_tail(k->flow.dst, 16, 32);
		}
		return 0;
	default:
		return 0;
	}
	if (bits == 0 || k->len > bits)
		return err_set(e, EINVAL, "not a key of this table: /%u of %u",
		    k->len, bits);
	clear_tail(k->addr, 16, k->len);
	return 0;
}

int
table_set(struct tables *ts, struct table *t, const struct table_key *k,
    uint32_t value, uint32_t *old)
{
	*old = table_get(ts, t, k);
	/* A place for the value that the caller will give back. */
	if (!limbo_reserve(&ts->limbo, 1))
		return -ENOMEM;
	return content_set(ts->content[t->kidx], k, value, &ts->limbo);
}

int
table_delete(struct tables *ts, struct table *t, const struct table_key *k,
    uint32_t *old)
{
	*old = table_get(ts, t, k);
	return content_delete(ts->content[t->kidx], k, &ts->limbo);
}

uint32_t
table_get(const struct tables *ts, const struct table *t,
    const struct table_key *k)
{
	return content_get(ts->content[t->kidx], k);
}

/* An entry with what its counters say. */
static struct table_entry
entry_of(const struct tables *ts, const struct table_key *k, uint32_t value)
{
	struct table_entry en = {.key = *k, .value = value};
	const struct hits *chunk = ts->hits[value / HITS_CHUNK], *h;

	if (chunk != NULL) {
		h = &chunk[value % HITS_CHUNK];
		en.pkts = __atomic_load_n(&h->pkts, __ATOMIC_RELAXED);
		en.bytes = __atomic_load_n(&h->bytes, __ATOMIC_RELAXED);
	}
	return en;
}

bool
table_find(const struct tables *ts, const struct table *t,
    const struct table_key *k, struct table_entry *out)
{
	struct table_key at = *k;
	uint32_t value = table_get(ts, t, &at);

	while (value == 0 && at.len > 0 &&
	    (t->type == TABLE_ADDR || t->type == TABLE_MAC)) {
		at.len--;
		clear_tail(at.addr, 16, at.len);
		value = table_get(ts, t, &at);
	}
	if (value == 0)
		return false;
	*out = entry_of(ts, &at, value);
	return true;
}

uint32_t
table_count(const struct tables *ts, const struct table *t)
{
	return content_count(ts->content[t->kidx]);
}

uint32_t
table_count4(const struct tables *ts, const struct table *t)
{
	const struct content *c = ts->content[t->kidx];

	return c->v4 != NULL ? lpm_count(c->v4) : 0;
}

size_t
table_item_size(const struct tables *ts, const struct table *t)
{
	return content_item_size(ts->content[t->kidx]);
}

uint32_t
table_slots(const struct tables *ts, const struct table *t)
{
	return content_slots(ts->content[t->kidx]);
}

/* ---- listing ---- */

struct listing {
	const struct tables *ts;
	struct table_entry *entries;
	uint32_t n;
};

static void
append(void *arg, const struct table_key *k, uint32_t value)
{
	struct listing *l = arg;

	l->entries[l->n++] = entry_of(l->ts, k, value);
}

static int
by_number(const void *a, const void *b)
{
	const struct table_entry *x = a, *y = b;

	return (x->key.number > y->key.number) -
	    (x->key.number < y->key.number);
}

static int
by_octets(const void *a, const void *b)
{
	const struct table_entry *x = a, *y = b;

	return memcmp(&x->key.flow, &y->key.flow, sizeof(x->key.flow));
}

struct table_entry *
table_entries(const struct tables *ts, const struct table *t, uint32_t *n)
{
	const struct content *c = ts->content[t->kidx];
	struct listing l = {.ts = ts};

	*n = content_count(c);
	l.entries = malloc((*n + 1) * sizeof(*l.entries));
	if (l.entries == NULL)
		return NULL;
	content_walk(c, append, &l);
	if (c->map != NULL) /* prefixes come in order */
		qsort(l.entries, l.n, sizeof(*l.entries),
		    t->type == TABLE_NUMBER ? by_number : by_octets);
	return l.entries;
}
