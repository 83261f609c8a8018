/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables against plain lists; values, swaps, and readers while one writes. */
#include "unit.h"

#include "base/rcu.h"
#include "base/rng.h"
#include "table/table.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t seed[2] = {0x1234, 0x5678};

static struct table *
make(struct tables *ts, const char *name, uint8_t type)
{
	struct table like = {.type = type, .fields = FLOW_ALL,
	    .vmask = VTYPE_LEGACY}, *t = NULL;

	strcpy(like.name, name);
	assert_int_equal(tables_add(ts, &like, &t, NULL), 0);
	return t;
}

static uint32_t
value(struct tables *ts, uint32_t tag)
{
	return tables_value_ref(ts, &(struct table_value){.tag = tag}, false);
}

static void
set(struct tables *ts, struct table *t, const struct table_key *k,
    uint32_t tag)
{
	uint32_t old;

	assert_int_equal(table_set(ts, t, k, value(ts, tag), &old), 0);
	tables_value_put(ts, old);
}

static uint32_t
tag_of(struct tables *ts, uint32_t idx)
{
	return tables_value(ts, idx)->tag;
}

static void
count_value(void *arg, uint32_t idx, uint32_t refs,
    const struct table_value *v)
{
	(void)idx, (void)v;
	*(unsigned *)arg += refs;
}

static unsigned
references(struct tables *ts)
{
	unsigned n = 0;

	tables_walk_values(ts, count_value, &n);
	return n;
}

/* ---- hashes ---- */

enum { KEYS = 3000 };

static struct table_key
key_of(uint8_t type, unsigned i)
{
	struct table_key k;

	memset(&k, 0, sizeof(k));
	if (type == TABLE_NUMBER) {
		k.number = i * 7919;
	} else if (type == TABLE_IFACE) {
		snprintf(k.iface, sizeof(k.iface), "if%u", i);
	} else {
		k.flow.family = i % 2 ? 4 : 6;
		memcpy(k.flow.src, &i, sizeof(i));
		k.flow.dport = (uint16_t)i;
		k.flow.proto = 6;
	}
	return k;
}

static uint32_t
look(struct tables *ts, struct table *t, const struct table_key *k)
{
	if (t->type == TABLE_NUMBER)
		return tables_number(ts, t->kidx, k->number);
	if (t->type == TABLE_IFACE)
		return tables_iface(ts, t->kidx, k->iface);
	return tables_flow(ts, t->kidx, &k->flow);
}

static void
hash_against_list(uint8_t type)
{
	struct tables *ts = tables_create(seed);
	struct table *t = make(ts, "t", type);
	static uint32_t tags[KEYS];
	unsigned n = 0;
	struct rng r;

	memset(tags, 0, sizeof(tags));
	rng_init(&r, type);
	for (unsigned i = 0; i < 100000; i++) {
		unsigned at = (unsigned)(rng_u64(&r) % KEYS), what = i % 3;
		struct table_key k = key_of(type, at);
		uint32_t old = 0;

		if (what == 0) {
			n += tags[at] == 0;
			tags[at] = (uint32_t)(rng_u64(&r) % 50) + 1;
			set(ts, t, &k, tags[at]);
		} else if (what == 1 && rng_u64(&r) % 2) {
			assert_int_equal(table_delete(ts, t, &k, &old),
			    tags[at] != 0 ? 0 : -ENOENT);
			assert_int_equal(tag_of(ts, old), tags[at]);
			tables_value_put(ts, old);
			n -= tags[at] != 0;
			tags[at] = 0;
		}
		assert_int_equal(tag_of(ts, look(ts, t, &k)), tags[at]);
		assert_int_equal(table_count(ts, t), n);
		if (i % 100 == 0)
			limbo_empty(tables_limbo(ts));
	}
	assert_int_equal(references(ts), n);
	assert_int_equal(table_flush(ts, t, NULL), 0);
	assert_int_equal(references(ts), 0);
	assert_int_equal(table_count(ts, t), 0);
	tables_destroy(ts);
}

static void
test_numbers(void **state)
{
	(void)state;
	hash_against_list(TABLE_NUMBER);
}

static void
test_flows(void **state)
{
	(void)state;
	hash_against_list(TABLE_FLOW);
}

static void
test_ifaces(void **state)
{
	(void)state;
	hash_against_list(TABLE_IFACE);
}

/* So many keys that some have the same hash of 32 bits: each is found, and
 * none in the place of another. */
static void
test_equal_hashes(void **state)
{
	enum { MANY = 400000 };
	struct tables *ts = tables_create(seed);
	struct table *t = make(ts, "n", TABLE_NUMBER);
	struct table_key k;

	(void)state;
	memset(&k, 0, sizeof(k));
	for (unsigned i = 0; i < MANY; i++) {
		k.number = i * 2654435761u;
		set(ts, t, &k, i % 251 + 1);
	}
	assert_int_equal(table_count(ts, t), MANY);
	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(tag_of(ts, tables_number(ts, t->kidx,
		    i * 2654435761u)), i % 251 + 1);
	tables_destroy(ts);
}

/* ---- keys ---- */

static struct table_key
net4(uint32_t addr, uint8_t len)
{
	struct table_key k;

	memset(&k, 0, sizeof(k));
	k.family = 4;
	k.len = len;
	addr = __builtin_bswap32(addr);
	memcpy(k.addr, &addr, 4);
	return k;
}

static void
test_addresses(void **state)
{
	struct tables *ts = tables_create(seed);
	struct table *t = make(ts, "a", TABLE_ADDR);
	struct table_key a = net4(0x0a000000, 8), b = net4(0x0a010203, 24), c;
	struct table_entry en;
	const uint8_t v6[16] = {0x20, 1, 0xd, 0xb8};
	uint32_t n;

	(void)state;
	assert_int_equal(table_key_fit(t, &b, NULL), 0);
	assert_memory_equal(b.addr, "\x0a\x01\x02", 4); /* host bits cleared */
	set(ts, t, &a, 1);
	set(ts, t, &b, 2);
	memset(&c, 0, sizeof(c));
	c.family = 6;
	c.len = 32;
	memcpy(c.addr, v6, 16);
	set(ts, t, &c, 3);
	assert_int_equal(
	    tag_of(ts, tables_ip4(ts, t->kidx, htonl(0x0a010277))), 2);
	assert_int_equal(
	    tag_of(ts, tables_ip4(ts, t->kidx, htonl(0x0a020277))), 1);
	assert_int_equal(tables_ip4(ts, t->kidx, htonl(0x0b000000)), 0);
	assert_int_equal(tag_of(ts, tables_ip6(ts, t->kidx, v6)), 3);
	assert_int_equal(tables_number(ts, t->kidx, 1), 0); /* other type */
	assert_int_equal(tables_ip4(ts, t->kidx + 1, 0), 0);
	assert_int_equal(tables_ip4(ts, 65535, 0), 0);
	c = net4(0x0a0102ff, 32);
	assert_true(table_find(ts, t, &c, &en));
	assert_int_equal(en.key.len, 24);
	c = net4(0x0b0102ff, 32);
	assert_false(table_find(ts, t, &c, &en));
	struct table_entry *all = table_entries(ts, t, &n);
	assert_int_equal(n, 3);
	assert_int_equal(all[0].key.len, 8);
	assert_int_equal(all[2].key.family, 6);
	free(all);
	c.len = 33;
	assert_int_equal(table_key_fit(t, &c, NULL), -EINVAL);
	c.family = 5;
	assert_int_equal(table_key_fit(t, &c, NULL), -EINVAL);
	tables_destroy(ts);
}

static void
test_macs(void **state)
{
	struct tables *ts = tables_create(seed);
	struct table *t = make(ts, "m", TABLE_MAC);
	const uint8_t mac[6] = {2, 0, 0, 1, 2, 3}, other[6] = {4};
	struct table_key k;

	(void)state;
	memset(&k, 0, sizeof(k));
	memcpy(k.mac, mac, 6);
	k.len = 24;
	assert_int_equal(table_key_fit(t, &k, NULL), 0);
	assert_int_equal(k.mac[3], 0);
	set(ts, t, &k, 9);
	assert_int_equal(tag_of(ts, tables_mac(ts, t->kidx, mac)), 9);
	assert_int_equal(tables_mac(ts, t->kidx, other), 0);
	k.len = 49;
	assert_int_equal(table_key_fit(t, &k, NULL), -EINVAL);
	tables_destroy(ts);
}

static void
test_flow_fields(void **state)
{
	struct tables *ts = tables_create(seed);
	struct table like = {.type = TABLE_FLOW, .name = "f",
	    .fields = FLOW_PROTO | FLOW_DST_PORT}, *t = NULL;
	struct table_key k = key_of(TABLE_FLOW, 77);
	struct table_flow f = k.flow;

	(void)state;
	assert_int_equal(tables_add(ts, &like, &t, NULL), 0);
	assert_int_equal(table_key_fit(t, &k, NULL), 0);
	assert_int_equal(k.flow.family, 0);
	set(ts, t, &k, 5);
	f.src[3] = 99; /* not looked at */
	f.sport = 1;
	assert_int_equal(tag_of(ts, tables_flow(ts, t->kidx, &f)), 5);
	f.proto = 17;
	assert_int_equal(tables_flow(ts, t->kidx, &f), 0);
	tables_destroy(ts);
}

/* ---- values, counters, swap, indexes ---- */

static void
test_counters(void **state)
{
	struct tables *ts = tables_create(seed);
	struct table_value v = {.tag = 3};
	struct table *t = make(ts, "c", TABLE_ADDR);
	struct table_key k = net4(0x01020304, 32);
	struct table_entry en;
	uint32_t a = tables_value_ref(ts, &v, true), old;
	uint32_t b = tables_value_ref(ts, &v, true);

	(void)state;
	assert_int_not_equal(a, b); /* each its own counters */
	tables_count(ts, a, 100);
	tables_count(ts, a, 20);
	tables_count(ts, b, 1);
	assert_int_equal(table_set(ts, t, &k, a, &old), 0);
	assert_true(table_find(ts, t, &k, &en));
	assert_int_equal(en.pkts, 2);
	assert_int_equal(en.bytes, 120);
	tables_destroy(ts);
}

static void
test_swap_and_remove(void **state)
{
	struct tables *ts = tables_create(seed);
	struct table *a = make(ts, "a", TABLE_ADDR), *n;
	struct table *b = make(ts, "b", TABLE_ADDR);
	struct table_key k = net4(0x01000000, 8);
	unsigned at = a->kidx;

	(void)state;
	set(ts, a, &k, 4);
	assert_int_equal(tables_swap(ts, a, b, NULL), 0);
	assert_int_equal(tables_ip4(ts, a->kidx, htonl(0x01000001)), 0);
	assert_int_equal(
	    tag_of(ts, tables_ip4(ts, b->kidx, htonl(0x01000001))), 4);
	n = make(ts, "n", TABLE_NUMBER);
	assert_int_equal(tables_swap(ts, a, n, NULL), -EINVAL);
	a->limit = 0;
	b->limit = 1;
	assert_int_equal(tables_swap(ts, a, b, NULL), 0);
	assert_int_equal(tables_swap(ts, a, b, NULL), 0);
	assert_int_equal(tables_remove(ts, a, NULL), 0);
	assert_null(tables_find(ts, "a", 0));
	/* The index comes back only after a grace period. */
	assert_int_not_equal(make(ts, "x", TABLE_ADDR)->kidx, at);
	limbo_empty(tables_limbo(ts));
	assert_int_equal(make(ts, "y", TABLE_ADDR)->kidx, at);
	tables_destroy(ts);
}

/* A limit that does not hold what the other table has. */
static void
test_swap_and_limits(void **state)
{
	struct tables *ts = tables_create(seed);
	struct table *a = make(ts, "a", TABLE_ADDR);
	struct table *b = make(ts, "b", TABLE_ADDR);
	struct table_key k = net4(0x01000000, 8), l = net4(0x02000000, 8);

	(void)state;
	set(ts, a, &k, 4);
	set(ts, a, &l, 4);
	b->limit = 1;
	assert_int_equal(tables_swap(ts, a, b, NULL), -EFBIG);
	assert_int_equal(tables_swap(ts, b, a, NULL), -EFBIG);
	assert_int_equal(table_count(ts, a), 2);
	b->limit = 2;
	assert_int_equal(tables_swap(ts, a, b, NULL), 0);
	tables_destroy(ts);
}

/* A reader may still hold the index of a value that is gone. */
static void
test_indexes_rest(void **state)
{
	struct tables *ts = tables_create(seed);
	uint32_t gone = value(ts, 1);

	(void)state;
	assert_true(limbo_reserve(tables_limbo(ts), 1));
	tables_value_put(ts, gone);
	assert_int_not_equal(value(ts, 2), gone);
	assert_int_equal(tag_of(ts, gone), 1);
	limbo_empty(tables_limbo(ts));
	assert_int_equal(value(ts, 3), gone);
	tables_destroy(ts);
}

/* ---- readers ---- */

static struct tables *shared;
static _Atomic bool stop;

static void *
reader(void *arg)
{
	unsigned kidx = *(unsigned *)arg;

	rcu_register();
	while (!atomic_load(&stop)) {
		for (uint32_t i = 0; i < 256; i++) {
			uint32_t idx = tables_ip4(shared, kidx,
			    htonl(0x0a000000 | i * 65793));

			/* 10/8 is always there, what is more has tag 2. */
			if (tag_of(shared, idx) != 1 &&
			    tag_of(shared, idx) != 2)
				abort();
			tables_number(shared, kidx + 1, i);
			tables_count(shared, idx, 1);
		}
		rcu_quiescent();
	}
	rcu_unregister();
	return NULL;
}

static void
test_readers_while_one_writes(void **state)
{
	struct table *a, *n;
	pthread_t threads[2];
	unsigned kidx;
	struct rng r;

	(void)state;
	shared = tables_create(seed);
	a = make(shared, "a", TABLE_ADDR);
	n = make(shared, "n", TABLE_NUMBER);
	kidx = a->kidx;
	assert_int_equal(n->kidx, kidx + 1);
	set(shared, a, &(struct table_key){.family = 4, .len = 8,
	    .addr = {10}}, 1);
	rng_init(&r, 3);
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, reader, &kidx);
	for (unsigned i = 0; i < 20000; i++) {
		struct table_key k = net4(0x0a000000 |
		    (uint32_t)(rng_u64(&r) % 256) * 65793, 32);
		uint32_t old = 0;

		k.len = (uint8_t)(16 + rng_u64(&r) % 17);
		table_key_fit(a, &k, NULL);
		if (rng_u64(&r) % 2) {
			set(shared, a, &k, 2);
		} else {
			table_delete(shared, a, &k, &old);
			tables_value_put(shared, old);
		}
		k = key_of(TABLE_NUMBER, i % 300);
		if (i / 300 % 2) {
			table_delete(shared, n, &k, &old);
			tables_value_put(shared, old);
		} else {
			set(shared, n, &k, i);
		}
		if (i % 128 == 0) {
			rcu_wait();
			limbo_empty(tables_limbo(shared));
		}
	}
	atomic_store(&stop, true);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	tables_destroy(shared);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_numbers),
	    cmocka_unit_test(test_flows),
	    cmocka_unit_test(test_ifaces),
	    cmocka_unit_test(test_equal_hashes),
	    cmocka_unit_test(test_addresses),
	    cmocka_unit_test(test_macs),
	    cmocka_unit_test(test_flow_fields),
	    cmocka_unit_test(test_counters),
	    cmocka_unit_test(test_swap_and_remove),
	    cmocka_unit_test(test_swap_and_limits),
	    cmocka_unit_test(test_indexes_rest),
	    cmocka_unit_test(test_readers_while_one_writes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
