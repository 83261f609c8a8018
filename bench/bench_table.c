/* SPDX-License-Identifier: BSD-2-Clause */
/* Lookup tables with a million entries: load, memory, lookups in bursts. */
#include "bench/bench.h"

#include "base/clock.h"
#include "base/rng.h"
#include "table/table.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { N = 1000000, BURST = 256, ROUNDS = 4000, TIMES = 9 };

static struct tables *ts;
static uint32_t *keys; /* N of them */

static size_t
resident_kb(void)
{
	unsigned long all, mine = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (f == NULL || fscanf(f, "%lu %lu", &all, &mine) != 2)
		mine = 0;
	if (f != NULL)
		fclose(f);
	return mine * (size_t)sysconf(_SC_PAGESIZE) / 1024;
}

/* Lengths as in the Internet's table: most are /24, the rest /16 to /23. */
static struct table_key
key_of(uint8_t type, uint32_t x, struct rng *r)
{
	struct table_key k;
	uint32_t be = __builtin_bswap32(x);

	memset(&k, 0, sizeof(k));
	if (type == TABLE_NUMBER) {
		k.number = x;
	} else if (type == TABLE_FLOW) {
		k.flow.family = 4;
		k.flow.proto = 6;
		memcpy(k.flow.src, &be, 4);
		memcpy(k.flow.dst, &x, 4);
		k.flow.dport = 80;
	} else {
		k.family = 4;
		k.len = rng_u64(r) % 10 < 6 ? 24 :
					      (uint8_t)(16 + rng_u64(r) % 9);
		memcpy(k.addr, &be, 4);
	}
	return k;
}

static struct table *
load(uint8_t type, const char *name)
{
	struct table like = {.type = type, .fields = FLOW_ALL}, *t = NULL;
	size_t before = resident_kb();
	ns_t start = clock_mono_ns();
	struct rng r;

	snprintf(like.name, sizeof(like.name), "%s", name);
	tables_add(ts, &like, &t, NULL);
	rng_init(&r, type);
	for (unsigned i = 0; i < N; i++) {
		struct table_value v = {.tag = i % 100};
		struct table_key k = key_of(type, keys[i], &r);
		uint32_t old;

		table_key_fit(t, &k, NULL);
		table_set(ts, t, &k, tables_value_ref(ts, &v, false), &old);
		tables_value_put(ts, old);
		if (i % 4096 == 0)
			limbo_empty(tables_limbo(ts));
	}
	limbo_empty(tables_limbo(ts));
	malloc_trim(0);
	printf("table_%s_load_1M\t%.2f s\t%u entries, %zu MB\n", name,
	    (double)(clock_mono_ns() - start) / 1e9, table_count(ts, t),
	    (resident_kb() - before) / 1024);
	return t;
}

static uint32_t
look(const struct table *t, uint32_t x)
{
	struct table_flow f;
	uint32_t be = __builtin_bswap32(x);

	if (t->type == TABLE_NUMBER)
		return tables_number(ts, t->kidx, x);
	if (t->type == TABLE_ADDR)
		return tables_ip4(ts, t->kidx, be);
	memset(&f, 0, sizeof(f));
	f.family = 4;
	f.proto = 6;
	memcpy(f.src, &be, 4);
	memcpy(f.dst, &x, 4);
	f.dport = 80;
	return tables_flow(ts, t->kidx, &f);
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Keys that are there, in random order. */
static void
lookups(const struct table *t, const char *name)
{
	volatile uint32_t sum = 0;
	double ns[TIMES];
	struct rng r;

	rng_init(&r, 9);
	for (unsigned k = 0; k < TIMES; k++) {
		uint32_t burst[BURST], got = 0;
		ns_t spent = 0;

		for (unsigned i = 0; i < ROUNDS; i++) {
			ns_t start;

			for (unsigned j = 0; j < BURST; j++)
				burst[j] = keys[rng_u64(&r) % N];
			start = clock_mono_ns();
			for (unsigned j = 0; j < BURST; j++)
				got += look(t, burst[j]);
			spent += clock_mono_ns() - start;
		}
		sum = sum + got;
		ns[k] = (double)spent / ((double)ROUNDS * BURST);
	}
	qsort(ns, TIMES, sizeof(ns[0]), by_value);
	printf("table_%s_lookup_1M\t%.1f ns\t(%.1f-%.1f)\n", name,
	    ns[TIMES / 2], ns[0], ns[TIMES - 1]);
}

int
main(void)
{
	static const struct {
		uint8_t type;
		const char *name;
	} rows[] = {
	    {TABLE_ADDR, "addr"},
	    {TABLE_NUMBER, "number"},
	    {TABLE_FLOW, "flow"},
	};
	const uint64_t seed[2] = {1, 2};
	struct rng r;

	rng_init(&r, 1);
	ts = tables_create(seed);
	keys = malloc(N * sizeof(*keys));
	for (unsigned i = 0; i < N; i++)
		keys[i] = (uint32_t)rng_u64(&r);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		lookups(load(rows[i].type, rows[i].name), rows[i].name);
	tables_destroy(ts);
	free(keys);
	return 0;
}
