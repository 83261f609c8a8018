/* SPDX-License-Identifier: BSD-2-Clause */
/* Lookup tables with a million entries: load, memory, lookups in bursts. */
#include "bench/bench.h"

#include "base/clock.h"
#include "base/pages.h"
#include "base/rng.h"
#include "packet/parse.h"
#include "rule/interp.h"
#include "table/burst.h"

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
	ns_t start = bench_cpu_ns();
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
	    (double)(bench_cpu_ns() - start) / 1e9, table_count(ts, t),
	    (resident_kb() - before) / 1024);
	return t;
}

static struct table_flow
flow_key(uint32_t x)
{
	uint32_t be = __builtin_bswap32(x);
	struct table_flow f;

	memset(&f, 0, sizeof(f));
	f.family = 4;
	f.proto = 6;
	memcpy(f.src, &be, 4);
	memcpy(f.dst, &x, 4);
	f.dport = 80;
	return f;
}

/* One packet after the other. */
static uint32_t
look_each(const struct table *t, const uint32_t *x)
{
	uint32_t got = 0;

	for (unsigned i = 0; i < BURST; i++) {
		struct table_flow f;

		if (t->type == TABLE_NUMBER) {
			got += tables_number(ts, t->kidx, x[i]);
		} else if (t->type == TABLE_ADDR) {
			got += tables_ip4(
			    ts, t->kidx, __builtin_bswap32(x[i]));
		} else {
			f = flow_key(x[i]);
			got += tables_flow(ts, t->kidx, &f);
		}
	}
	return got;
}

/* The burst as a whole. */
static uint32_t
look_burst(const struct table *t, const uint32_t *x)
{
	uint32_t out[BURST], addrs[BURST], got = 0;
	struct table_flow flows[BURST];

	for (unsigned i = 0; i < BURST; i++) {
		addrs[i] = __builtin_bswap32(x[i]);
		if (t->type == TABLE_FLOW)
			flows[i] = flow_key(x[i]);
	}
	if (t->type == TABLE_NUMBER)
		tables_number_burst(ts, t->kidx, x, BURST, out);
	else if (t->type == TABLE_ADDR)
		tables_ip4_burst(ts, t->kidx, addrs, BURST, out);
	else
		tables_flow_burst(ts, t->kidx, flows, BURST, out);
	for (unsigned i = 0; i < BURST; i++)
		got += out[i];
	return got;
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

typedef uint32_t look_fn(const struct table *t, const uint32_t *x);

/* ns a lookup of keys that are there, in random order. */
static double
measure(const struct table *t, look_fn *look, struct rng *r, uint32_t *sum)
{
	uint32_t burst[BURST];
	ns_t spent = 0;

	for (unsigned i = 0; i < ROUNDS; i++) {
		ns_t start;

		for (unsigned j = 0; j < BURST; j++)
			burst[j] = keys[rng_u64(r) % N];
		start = bench_cpu_ns();
		*sum += look(t, burst);
		spent += bench_cpu_ns() - start;
	}
	return (double)spent / ((double)ROUNDS * BURST);
}

static void
report(const char *name, const char *how, double ns[TIMES])
{
	qsort(ns, TIMES, sizeof(ns[0]), by_value);
	printf("table_%s_%s_1M\t%.1f ns\t(%.1f-%.1f)\n", name, how,
	    ns[TIMES / 2], ns[0], ns[TIMES - 1]);
}

/* Both ways alternately, so that the machine's moods do not tell them apart. */
static void
lookups(const struct table *t, const char *name, look_fn *one, look_fn *all,
    const char *what)
{
	char row[2][32];
	double each[TIMES], burst[TIMES];
	uint32_t sum[2] = {0, 0};
	struct rng r[2];

	rng_init(&r[0], 9);
	rng_init(&r[1], 9);
	for (unsigned k = 0; k < TIMES; k++) {
		each[k] = measure(t, one, &r[0], &sum[0]);
		burst[k] = measure(t, all, &r[1], &sum[1]);
	}
	if (sum[0] != sum[1])
		printf("table_%s: the two ways disagree\n", name);
	snprintf(row[0], sizeof(row[0]), "%s_each", what);
	snprintf(row[1], sizeof(row[1]), "%s_burst", what);
	report(name, row[0], each);
	report(name, row[1], burst);
}

/* ---- rules that ask ---- */

static struct counter counts[2];

/* deny ip from table(T) to any, or flow table(T); then allow. */
static struct ruleset *
make_rules(const struct table *t)
{
	struct {
		struct abi_rule head;
		struct insn cmd[2];
	} raw = {.head = {.cmd_len = 2, .act_ofs = 1},
	    .cmd = {{t->type == TABLE_FLOW ? O_IP_FLOW_LOOKUP : O_IP_SRC_LOOKUP,
			 1, t->kidx},
		{O_DENY, 1, 0}}};
	struct rule *r = rule_create(&raw.head, 1, 1, 1);

	return ruleset_add(ruleset_create(true, 0), &r, 1);
}

static void
make_packets(struct pkt *pkts, const uint32_t *x)
{
	memset(pkts, 0, BURST * sizeof(*pkts));
	for (unsigned i = 0; i < BURST; i++) {
		pkts[i].flags = PKT_IP4 | PKT_L4 | PKT_PORTS;
		pkts[i].proto = 6;
		pkts[i].len = pkts[i].ip_len = 60;
		pkts[i].src4 = __builtin_bswap32(x[i]);
		pkts[i].dst4 = x[i];
		pkts[i].dport = 80;
	}
}

static uint32_t
run_rules(const struct table *t, const uint32_t *x, unsigned n_asks)
{
	static struct ruleset *rules[TABLES_MAX];
	struct ruleset **rs = &rules[t->kidx];
	static struct pkt pkts[BURST];
	struct pass pass = {.counts = counts, .tables = ts};
	uint64_t before = counts[1].pkts;

	if (*rs == NULL)
		*rs = make_rules(t);
	(*rs)->n_asks = n_asks;
	pass.rules = *rs;
	make_packets(pkts, x);
	interp_burst(&pass, pkts, BURST);
	return (uint32_t)(counts[1].pkts - before);
}

static uint32_t
rules_each(const struct table *t, const uint32_t *x)
{
	return run_rules(t, x, 0);
}

static uint32_t
rules_burst(const struct table *t, const uint32_t *x)
{
	return run_rules(t, x, 1);
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
	tables_use_pages(ts, &pages_huge);
	keys = malloc(N * sizeof(*keys));
	for (unsigned i = 0; i < N; i++)
		keys[i] = (uint32_t)rng_u64(&r);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct table *t = load(rows[i].type, rows[i].name);

		lookups(t, rows[i].name, look_each, look_burst, "lookup");
		if (t->type != TABLE_NUMBER)
			lookups(t, rows[i].name, rules_each, rules_burst,
			    "rule");
	}
	tables_destroy(ts);
	free(keys);
	return 0;
}
