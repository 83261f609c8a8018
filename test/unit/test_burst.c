/* SPDX-License-Identifier: BSD-2-Clause */
/* Lookups in bursts against the same lookups one by one, in tables so large
 * that their structures have moved into big blocks. */
#include "unit.h"

#include "base/rng.h"
#include "table/burst.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOAD = 80000, MAX = 200 };

static const uint64_t seed[2] = {0x1234, 0x5678};

/* ---- big blocks that are counted ---- */

static unsigned taken, given;
static uint64_t owed; /* units */
static unsigned fail_from; /* takes from this one on fail; 0 = none */

static void *
take(size_t size)
{
	if (fail_from != 0 && taken >= fail_from)
		return NULL;
	taken++;
	owed += (size + PAGES_UNIT - 1) / PAGES_UNIT;
	return calloc(1, size);
}

static void
give(void *block, uint32_t units)
{
	owed -= units;
	given++;
	free(block);
}

static const struct pages counted = {take, give};

/* ---- random keys, some of them in the table ---- */

static struct rng rng;

/* One of LOAD keys, or with 'any' maybe one that is not there. */
static struct table_key
some_key(const struct table *t, bool any)
{
	uint64_t x = rng_u64(&rng) % LOAD * 0x9e3779b97f4a7c15;
	struct table_key k;

	if (any && rng_u64(&rng) % 2)
		x = rng_u64(&rng);
	memset(&k, 0, sizeof(k));
	switch (t->type) {
	case TABLE_NUMBER:
		k.number = (uint32_t)(x >> 32);
		break;
	case TABLE_FLOW:
		k.flow.family = x & 1 ? 4 : 6;
		k.flow.proto = 17;
		memcpy(k.flow.src, &x, k.flow.family == 4 ? 4 : 8);
		k.flow.dport = (uint16_t)(x >> 40);
		break;
	default:
		k.family = t->type == TABLE_MAC ? 0 : x & 1 ? 4 : 6;
		k.len = t->type == TABLE_MAC ? 48 : k.family == 4 ? 32 : 128;
		memcpy(k.addr, &x, k.family == 4 ? 4 :
		    t->type == TABLE_MAC ? 6 : 8);
		if (!any) /* beginnings of various lengths */
			k.len = (uint8_t)(k.len - rng_u64(&rng) % 16);
	}
	return k;
}

static struct table *
make(struct tables *ts, uint8_t type, uint8_t fields)
{
	struct table like = {.type = type, .fields = fields,
	    .vmask = VTYPE_LEGACY}, *t = NULL;

	snprintf(like.name, sizeof(like.name), "t%u", type);
	assert_int_equal(tables_add(ts, &like, &t, NULL), 0);
	return t;
}

static void
load(struct tables *ts, struct table *t)
{
	for (unsigned i = 0; i < LOAD; i++) {
		struct table_value v = {.tag = i % 1000 + 1};
		struct table_key k = some_key(t, false);
		uint32_t old;

		assert_int_equal(table_key_fit(t, &k, NULL), 0);
		assert_int_equal(table_set(ts, t, &k,
		    tables_value_ref(ts, &v, false), &old), 0);
		tables_value_put(ts, old);
		if (i % 1000 == 0)
			limbo_empty(tables_limbo(ts));
	}
}

/* ---- both ways ---- */

static uint32_t
one(const struct tables *ts, const struct table *t, unsigned kidx,
    const struct table_key *k)
{
	uint32_t addr;

	switch (t->type) {
	case TABLE_NUMBER:
		return tables_number(ts, kidx, k->number);
	case TABLE_FLOW:
		return tables_flow(ts, kidx, &k->flow);
	case TABLE_MAC:
		return tables_mac(ts, kidx, k->mac);
	default:
		memcpy(&addr, k->addr, 4);
		return k->family == 4 ? tables_ip4(ts, kidx, addr) :
					tables_ip6(ts, kidx, k->addr);
	}
}

static void
all(const struct tables *ts, const struct table *t, unsigned kidx,
    const struct table_key *keys, unsigned n, uint32_t *out)
{
	static const uint8_t *octets[MAX];
	static uint32_t numbers[MAX];
	static struct table_flow flows[MAX];

	for (unsigned i = 0; i < n; i++) {
		octets[i] = keys[i].addr;
		memcpy(&numbers[i], keys[i].addr, 4);
		flows[i] = keys[i].flow;
	}
	if (t->type == TABLE_NUMBER)
		tables_number_burst(ts, kidx, numbers, n, out);
	else if (t->type == TABLE_FLOW)
		tables_flow_burst(ts, kidx, flows, n, out);
	else if (t->type == TABLE_MAC)
		tables_mac_burst(ts, kidx, octets, n, out);
	else if (keys[0].family == 4)
		tables_ip4_burst(ts, kidx, numbers, n, out);
	else
		tables_ip6_burst(ts, kidx, octets, n, out);
}

/* Returns how many were found. */
static unsigned
compare(const struct tables *ts, const struct table *t, unsigned kidx,
    unsigned n)
{
	static struct table_key keys[MAX];
	uint32_t out[MAX + 1];
	unsigned found = 0;

	for (unsigned i = 0; i < n; i++)
		do
			keys[i] = some_key(t, true);
		while (i > 0 && keys[i].family != keys[0].family);
	memset(out, 0xee, sizeof(out));
	all(ts, t, kidx, keys, n, out);
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(out[i], one(ts, t, kidx, &keys[i]));
		found += out[i] != 0;
	}
	assert_int_equal(out[n], 0xeeeeeeee);
	return found;
}

static void
both_ways(struct tables *ts, uint8_t type, uint8_t fields)
{
	struct table *t = make(ts, type, fields);
	unsigned found = 0, asked = 0;

	assert_false(tables_is_large(ts, t->kidx, type));
	assert_int_equal(compare(ts, t, t->kidx, MAX), 0); /* empty */
	load(ts, t);
	assert_true(tables_is_large(ts, t->kidx, type));
	for (unsigned n = 1; n <= MAX; n += n < 130 ? 1 : 7, asked += n)
		found += compare(ts, t, t->kidx, n);
	assert_in_range(found, asked / 8, asked - asked / 8);
	assert_int_equal(compare(ts, t, t->kidx + 1, MAX), 0); /* no table */
	assert_int_equal(compare(ts, t, 65535, MAX), 0);
	assert_false(tables_is_large(ts, t->kidx + 1, type));
}

static void
test_types(void **state)
{
	struct tables *ts = tables_create(seed);

	(void)state;
	taken = given = fail_from = 0;
	rng_init(&rng, 11);
	tables_use_pages(ts, &counted);
	both_ways(ts, TABLE_ADDR, 0);
	assert_true(taken > 0); /* the root has moved */
	both_ways(ts, TABLE_MAC, 0);
	both_ways(ts, TABLE_NUMBER, 0);
	both_ways(ts, TABLE_FLOW, FLOW_ALL);
	tables_destroy(ts);
	assert_true(taken > 4);
	assert_int_equal(given, taken);
	assert_int_equal(owed, 0);
}

/* A table that looks at few fields gets the whole flow all the same. */
static void
test_flow_fields(void **state)
{
	struct tables *ts = tables_create(seed);
	struct table *t;
	struct table_key k;

	(void)state;
	rng_init(&rng, 12);
	t = make(ts, TABLE_FLOW, FLOW_PROTO | FLOW_DST_PORT);
	load(ts, t);
	for (unsigned n = 1; n < MAX; n += 13)
		compare(ts, t, t->kidx, n);
	k = some_key(t, false);
	k.flow.sport = 77;
	assert_int_not_equal(one(ts, t, t->kidx, &k), 0);
	tables_destroy(ts);
}

/* Without big blocks a trie stays where it is, and a hash says so. */
static void
test_no_memory(void **state)
{
	struct tables *ts = tables_create(seed);
	struct table *t;
	struct table_key k;
	unsigned full = 0;
	uint32_t old;

	(void)state;
	taken = given = 0;
	fail_from = 1; /* that is, none */
	taken = 1;
	tables_use_pages(ts, &counted);
	rng_init(&rng, 13);
	t = make(ts, TABLE_ADDR, 0);
	load(ts, t);
	compare(ts, t, t->kidx, MAX);
	t = make(ts, TABLE_NUMBER, 0);
	for (uint32_t i = 0; i < 300000; i++) {
		memset(&k, 0, sizeof(k));
		k.number = i;
		full += table_set(ts, t, &k, 1, &old) != 0;
	}
	assert_true(full > 0);
	assert_int_equal(table_count(ts, t), 300000 - full);
	compare(ts, t, t->kidx, MAX);
	tables_destroy(ts);
	assert_int_equal(given, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_types),
	    cmocka_unit_test(test_flow_fields),
	    cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
