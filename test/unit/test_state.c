/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "frames.h"

#include "state/state.h"

#include <pthread.h>

static struct state_table *t;
static struct state_cfg cfg;
static struct frame f;
static struct state_rule found;

static int
setup(void **s)
{
	struct rng rng;

	(void)s;
	rng_init(&rng, 99);
	t = state_create(1024, &rng);
	cfg = (struct state_cfg){{300, 20, 1, 1, 10, 5}, 1000, 1000, 5000};
	return 0;
}

static int
teardown(void **s)
{
	(void)s;
	state_destroy(t);
	return 0;
}

static struct pkt
udp(struct frame *to, uint32_t src, uint16_t sport, uint32_t dst,
    uint16_t dport)
{
	struct pkt p;

	f_ether(to, ETYPE_IP4);
	f_ip4(to, PROTO_UDP, src, dst, 0);
	f_udp(to, sport, dport);
	p = f_parse(to);
	p.flow_hash = state_hash(t, &p);
	return p;
}

static struct state_new
keep(uint32_t id, uint16_t name)
{
	return (struct state_new){.rule = {id, 3, 100, false}, .name = name,
		.kind = STATE_KEEP, .lane = 9};
}

static struct state_new
limit(uint32_t id, unsigned mask, uint32_t n)
{
	return (struct state_new){.rule = {id, 3, 100, false}, .name = 1,
		.kind = STATE_LIMIT, .limit_mask = (uint8_t)mask, .limit = n};
}

static bool
install(struct pkt *p, struct state_new n)
{
	return state_install(t, &cfg, p, &n);
}

static uint32_t
find(const struct pkt *p, uint16_t name)
{
	return state_find(t, &cfg, p, name, &found);
}

static void
both_directions_find_it(void **s)
{
	struct frame g;
	struct pkt p = udp(&f, 1, 10, 2, 20), r = udp(&g, 2, 20, 1, 10);
	struct pkt o = udp(&g, 1, 20, 2, 10);
	struct state_view v;
	uint32_t idx;

	(void)s;
	assert_int_equal(find(&p, 0), 0);
	assert_true(install(&p, keep(7, 1)));
	r = udp(&g, 2, 20, 1, 10);
	idx = find(&r, 1);
	assert_int_not_equal(idx, 0);
	assert_int_equal(found.id, 7);
	assert_int_equal(found.num, 100);
	assert_int_equal(found.hint, 3);
	assert_int_equal(find(&p, 1), idx);
	assert_true(state_read(t, idx, cfg.now_s, &v));
	assert_int_equal(v.pkts, 3); /* the one that made it counts */
	assert_int_equal(v.bytes, 3 * 28);
	assert_int_equal(v.left_s, 10);
	assert_int_equal(v.lane, 9);
	assert_memory_equal(v.macs, f.b, 12);
	assert_int_equal(find(&o, 0), 0);
	state_set_hint(t, idx, 5);
	find(&p, 1);
	assert_int_equal(found.hint, 5);
}

static void
names_part_states(void **s)
{
	struct pkt p = udp(&f, 1, 10, 2, 20);
	uint32_t a, b;

	(void)s;
	assert_true(install(&p, keep(7, 1)));
	assert_int_equal(find(&p, 2), 0);
	assert_true(install(&p, keep(8, 2)));
	assert_true(install(&p, keep(9, 2))); /* there is one: fine */
	assert_int_equal(state_count(t), 2);
	a = find(&p, 1);
	b = find(&p, 2);
	assert_int_not_equal(a, b);
	assert_int_equal(found.id, 8);
	assert_int_not_equal(find(&p, STATE_ANY_NAME), 0);
}

static void
ip6_compares_whole_addresses(void **s)
{
	struct pkt p;

	(void)s;
	f_ether(&f, ETYPE_IP6);
	f_vlan(&f, 7, ETYPE_IP6);
	put16(f.b + 12, ETYPE_VLAN);
	f_ip6(&f, PROTO_UDP, 1, 2);
	f_udp(&f, 5, 6);
	p = f_parse(&f);
	p.flow_hash = state_hash(t, &p);
	assert_true(install(&p, keep(7, 1)));
	assert_int_not_equal(find(&p, 1), 0);
	f.b[f.l3 + 23] = 2; /* the same hash on purpose */
	assert_int_equal(find(&p, 1), 0);
}

static void
time_ends_states(void **s)
{
	struct pkt p = udp(&f, 1, 10, 2, 20);

	(void)s;
	assert_true(install(&p, keep(7, 1)));
	cfg.now_s += 9;
	assert_int_not_equal(find(&p, 1), 0); /* and lives 10 s more */
	cfg.now_s += 10;
	assert_int_equal(find(&p, 1), 0);
	assert_int_equal(state_count(t), 0); /* gone at once */
	assert_true(install(&p, keep(7, 1)));
	assert_int_equal(state_sweep(t, 0, state_end(t), cfg.now_s + 9), 0);
	assert_int_equal(state_sweep(t, 0, state_end(t), cfg.now_s + 10), 1);
	assert_int_equal(state_count(t), 0);
	/* Across the wrap of the clock. */
	cfg.now_s = 0xfffffffc;
	assert_true(install(&p, keep(7, 1)));
	cfg.now_s = 3;
	assert_int_not_equal(find(&p, 1), 0);
	cfg.now_s = 13;
	assert_int_equal(find(&p, 1), 0);
}

static void
caps_are_hard(void **s)
{
	(void)s;
	cfg.max = 10;
	for (unsigned i = 0; i < 12; i++) {
		struct pkt p = udp(&f, i, 1, 2, 3);

		assert_int_equal(install(&p, keep(7, 1)), i < 10);
	}
	assert_int_equal(state_count(t), 10);
	assert_int_equal(state_sweep(t, 0, state_end(t), cfg.now_s + 11), 10);
	/* The capacity is one as well, and everything comes back. */
	cfg.max = 1 << 20;
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 1100; i++) {
			struct pkt p = udp(&f, i, 1, 2, 3);

			assert_int_equal(install(&p, keep(7, 1)), i < 1024);
		}
		assert_int_equal(state_count(t), 1024);
		assert_int_equal(state_sweep(t, 0, state_end(t),
		    cfg.now_s + 11), 1024);
		assert_int_equal(state_count(t), 0);
	}
}

/* Many states in one bucket: the chain grows and shrinks. */
static void
full_buckets_chain(void **s)
{
	uint32_t idx[100];

	(void)s;
	for (unsigned round = 0; round < 30; round++) {
		for (unsigned i = 0; i < 100; i++) {
			struct pkt p = udp(&f, i + 1, 1, 2, 3);

			p.flow_hash = (uint64_t)i << 48;
			assert_true(install(&p, keep(i + 1, 1)));
			idx[i] = find(&p, 1);
			assert_int_equal(found.id, i + 1);
		}
		for (unsigned i = 0; i < 100; i++) {
			struct pkt p = udp(&f, i + 1, 1, 2, 3);

			p.flow_hash = (uint64_t)i << 48;
			assert_int_equal(find(&p, 1), idx[i]);
			assert_false(state_remove(t, idx[i], i + 2, 0));
			assert_true(state_remove(t, idx[i], i + 1, 0));
			assert_int_equal(find(&p, 1), 0);
		}
	}
}

static void
limits_count_children(void **s)
{
	struct pkt p;
	uint32_t idx;
	struct state_view v;

	(void)s;
	for (unsigned i = 0; i < 4; i++) {
		p = udp(&f, 1, (uint16_t)i, 2, 20);
		assert_int_equal(install(&p, limit(7, 1, 2)), i < 2);
	}
	p = udp(&f, 9, 0, 2, 20); /* another source: another parent */
	assert_true(install(&p, limit(7, 1, 2)));
	p = udp(&f, 1, 3, 2, 20); /* another rule as well */
	assert_true(install(&p, limit(8, 1, 2)));
	assert_int_equal(state_count(t), 4);
	assert_int_equal(state_parent_count(t), 3);
	p = udp(&f, 1, 0, 2, 20); /* it exists: fine, and no second child */
	assert_true(install(&p, limit(7, 1, 2)));
	idx = find(&p, 1);
	assert_true(state_remove(t, idx, 7, cfg.now_s));
	p = udp(&f, 1, 2, 2, 20);
	assert_true(install(&p, limit(7, 1, 2)));
	p = udp(&f, 1, 5, 2, 20);
	assert_false(install(&p, limit(7, 1, 2)));
	/* A parent with children stays, and is found by no packet. */
	for (idx = 1; idx < state_end(t); idx++)
		if (state_read(t, idx, cfg.now_s, &v) &&
		    v.kind == STATE_PARENT && v.rule.id == 7 &&
		    v.flow.src4 == __builtin_bswap32(1))
			break;
	assert_int_equal(v.n_children, 2);
	assert_int_equal(v.flow.dport, 0);
	assert_false(state_remove(t, idx, 7, cfg.now_s));
}

/* Whom a limit turned away first in a second is remembered. */
static void
excess_is_remembered(void **s)
{
	struct state_excess x;
	struct pkt p = udp(&f, 1, 10, 2, 20);

	(void)s;
	cfg.now_s = 700;
	assert_true(install(&p, limit(7, 1, 1)));
	state_excess(t, &x);
	assert_int_equal(x.at_s, 0);
	for (uint16_t i = 0; i < 3; i++) {
		p = udp(&f, 1, 11 + i, 2, 20);
		cfg.now_s = 700 + i / 2;
		assert_false(install(&p, limit(7, 1, 1)));
		state_excess(t, &x);
		assert_int_equal(x.at_s, cfg.now_s);
		assert_int_equal(x.rule, limit(7, 1, 1).rule.num);
		assert_int_equal(x.flow.sport, i < 2 ? 11 : 13);
		assert_int_equal(x.flow.src4, __builtin_bswap32(1));
	}
	/* A cap is not a limit. */
	cfg.now_s = 709;
	cfg.max = 1;
	p = udp(&f, 5, 1, 2, 20);
	assert_false(install(&p, limit(7, 1, 1)));
	state_excess(t, &x);
	assert_int_equal(x.at_s, 701);
}

static void
parents_linger(void **s)
{
	struct pkt p = udp(&f, 1, 10, 2, 20);

	(void)s;
	assert_true(install(&p, limit(7, 1, 1)));
	/* The child goes after 10 s, the parent 5 s later. */
	cfg.now_s += 10;
	state_sweep(t, 0, state_end(t), cfg.now_s);
	assert_int_equal(state_count(t), 0);
	assert_int_equal(state_parent_count(t), 1);
	state_sweep(t, 0, state_end(t), cfg.now_s + 4);
	assert_int_equal(state_parent_count(t), 1);
	state_sweep(t, 0, state_end(t), cfg.now_s + 5);
	assert_int_equal(state_parent_count(t), 0);
	/* No parent, no child. */
	cfg.parent_max = 0;
	assert_false(install(&p, limit(7, 1, 1)));
	/* No child: the parent is free of it again. */
	cfg.parent_max = 10;
	cfg.max = 0;
	assert_false(install(&p, limit(7, 1, 1)));
	cfg.max = 1;
	assert_true(install(&p, limit(7, 1, 1)));
}

/* A TCP packet of one flow, looked up. */
static uint32_t
tcp(uint32_t src, uint32_t dst, uint8_t flags, uint32_t ack)
{
	struct pkt p;

	f_ether(&f, ETYPE_IP4);
	f_ip4(&f, PROTO_TCP, src, dst, 0);
	put32(f_tcp(&f, 10, 10, flags) + 8, ack);
	p = f_parse(&f);
	p.flow_hash = state_hash(t, &p);
	if (flags == TH_SYN)
		assert_true(install(&p, keep(7, 1)));
	return find(&p, 1);
}

static void
keepalives_are_for_the_last_seconds(void **s)
{
	uint32_t idx = tcp(1, 2, TH_SYN, 0);

	(void)s;
	assert_false(state_wants_keepalive(t, idx, cfg.now_s + 1, 0, 64));
	assert_int_equal(tcp(2, 1, TH_SYN | TH_ACK, 5), idx);
	assert_int_equal(tcp(1, 2, TH_ACK, 6), idx);
	assert_false(state_wants_keepalive(t, idx, cfg.now_s + 280, 0, 64));
	assert_true(state_wants_keepalive(t, idx, cfg.now_s + 281, 0, 64));
	assert_true(state_wants_keepalive(t, idx, cfg.now_s + 299, 0, 64));
	assert_false(state_wants_keepalive(t, idx, cfg.now_s + 300, 0, 64));
	/* It came in by lane 9. */
	assert_true(state_wants_keepalive(t, idx, cfg.now_s + 299, 9, 1));
	assert_false(state_wants_keepalive(t, idx, cfg.now_s + 299, 10, 64));
	assert_int_equal(tcp(2, 1, TH_FIN | TH_ACK, 5), idx);
	assert_true(state_wants_keepalive(t, idx, cfg.now_s + 299, 0, 64));
	assert_int_equal(tcp(1, 2, TH_RST, 0), idx);
	assert_false(state_wants_keepalive(t, idx, cfg.now_s, 0, 64));
}

/* The fixture's table has 256 buckets; parents count as well. */
static void
lengths_and_refusals(void **s)
{
	struct state_refusals r;
	struct pkt p;

	(void)s;
	assert_int_equal(state_longest(t, 0, state_buckets(t)), 0);
	cfg.max = 40;
	for (uint32_t i = 0; i < 50; i++) {
		p = udp(&f, i + 1, 1, 99, 2);
		p.flow_hash = 7ull << 48 | 5; /* all in one bucket */
		assert_int_equal(install(&p, keep(7, 1)), i < 40);
	}
	assert_int_equal(state_longest(t, 0, state_buckets(t)), 40);
	assert_int_equal(state_longest(t, 5, 6), 40);
	assert_int_equal(state_longest(t, 0, 5), 0);
	assert_int_equal(state_longest(t, 6, state_buckets(t)), 0);
	state_refusals(t, &r);
	assert_int_equal(r.states, 10);
	assert_int_equal(r.parents, 0);
	cfg.parent_max = 0;
	p = udp(&f, 200, 1, 99, 2);
	assert_false(install(&p, limit(7, 1, 1)));
	cfg.parent_max = 1;
	cfg.max = 100;
	assert_true(install(&p, limit(7, 1, 1)));
	p = udp(&f, 200, 2, 99, 2);
	assert_false(install(&p, limit(7, 1, 1))); /* its limit, not ours */
	state_refusals(t, &r);
	assert_int_equal(r.states, 10);
	assert_int_equal(r.parents, 1);
}

/* ---- the oracle: a list, looked through from end to end ---- */

enum { MODEL = 400 };

struct twin {
	uint32_t a, b; /* addresses; 0 = free */
	uint16_t name;
	uint32_t id, end_s, parent;
};

static struct twin twins[MODEL];
static uint32_t children[16]; /* by the address that limits count */

static void
bury(uint32_t now_s)
{
	for (unsigned i = 0; i < MODEL; i++)
		if (twins[i].a != 0 && twins[i].end_s <= now_s) {
			if (twins[i].parent != 0)
				children[twins[i].parent]--;
			twins[i].a = 0;
		}
}

static struct twin *
twin_of(uint32_t a, uint32_t b, uint16_t name)
{
	for (unsigned i = 0; i < MODEL; i++)
		if (twins[i].a != 0 && twins[i].name == name &&
		    ((twins[i].a == a && twins[i].b == b) ||
			(twins[i].a == b && twins[i].b == a)))
			return &twins[i];
	return NULL;
}

static struct twin *
twin_new(unsigned *n)
{
	struct twin *w = NULL;

	*n = 0;
	for (unsigned i = 0; i < MODEL; i++)
		if (twins[i].a == 0)
			w = &twins[i];
		else
			++*n;
	return w;
}

static bool
model_install(uint32_t a, uint32_t b, uint16_t name, uint32_t id, bool limited)
{
	struct twin *w = twin_of(a, b, name);
	unsigned n;

	if (w != NULL)
		return true;
	w = twin_new(&n);
	if (n >= cfg.max || (limited && children[a] >= 5))
		return false;
	children[a] += limited;
	*w = (struct twin){a, b, name, id, cfg.now_s + 10, limited ? a : 0};
	return true;
}

static void
random_operations_agree_with_a_list(void **s)
{
	struct rng rng;

	(void)s;
	rng_init(&rng, 20261123);
	cfg.max = 150;
	for (unsigned n = 0; n < 60000; n++) {
		uint32_t a = 1 + rng_31(&rng) % 15, b = 1 + rng_31(&rng) % 15;
		uint16_t name = (uint16_t)(1 + rng_31(&rng) % 2);
		unsigned what = rng_31(&rng) % 16;
		struct pkt p = udp(&f, a, 1, b, 1);
		struct twin *w;
		uint32_t idx;

		bury(cfg.now_s);
		/* An expired one that no lookup met may still be counted. */
		state_sweep(t, 0, state_end(t), cfg.now_s);
		if (what == 0) {
			cfg.now_s += rng_31(&rng) % 3;
			continue;
		}
		w = twin_of(a, b, name);
		if (what < 8) {
			struct state_new k = what < 5 ? keep(n, name) :
							limit(1, 1, 5);

			k.name = name;
			/* Parents have names, too: keep them apart. */
			if (what >= 5 && name != 1)
				continue;
			assert_int_equal(install(&p, k),
			    model_install(a, b, name, k.rule.id, what >= 5));
			continue;
		}
		idx = find(&p, name);
		assert_int_equal(idx != 0, w != NULL);
		if (w == NULL)
			continue;
		assert_int_equal(found.id, w->id);
		w->end_s = cfg.now_s + 10;
		if (what == 15) {
			assert_true(state_remove(t, idx, w->id, cfg.now_s));
			w->end_s = 0;
			bury(1);
		}
	}
}

/* ---- threads ---- */

static void *
hammer(void *arg)
{
	uint32_t seed = (uint32_t)(uintptr_t)arg;
	struct state_cfg own = cfg;
	struct frame g;
	struct rng rng;

	rng_init(&rng, seed);
	for (unsigned n = 0; n < 30000; n++) {
		uint32_t a = 1 + rng_31(&rng) % 40, b = 1 + rng_31(&rng) % 40;
		struct pkt p = udp(&g, a, 1, b, 1);
		struct state_new k = n & 1 ? keep(1, 1) : limit(1, 1, 20);
		struct state_rule rule = {0, 0, 0, false};
		uint32_t idx;

		own.now_s = cfg.now_s + n / 500;
		state_prepare(t, &p, 1, 0);
		idx = state_find(t, &own, &p, 1, &rule);
		if (idx == 0)
			state_install(t, &own, &p, &k);
		else
			assert_int_equal(rule.id, 1);
		if (idx != 0 && n % 16 == 0)
			state_remove(t, idx, 1, own.now_s);
		if (n % 64 == 0)
			state_sweep(t, 0, state_end(t), own.now_s);
		if (n % 512 == 0) {
			struct state_view v;

			for (uint32_t i = 1; i < state_end(t); i++) {
				state_wants_keepalive(t, i, own.now_s, 0,
				    64);
				state_read(t, i, own.now_s, &v);
			}
		}
	}
	return NULL;
}

static void
two_workers_share_it(void **s)
{
	pthread_t a, b;

	(void)s;
	pthread_create(&a, NULL, hammer, (void *)(uintptr_t)1);
	pthread_create(&b, NULL, hammer, (void *)(uintptr_t)2);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	/* Everything comes to an end, children first, then parents. */
	state_sweep(t, 0, state_end(t), cfg.now_s + 1000);
	state_sweep(t, 0, state_end(t), cfg.now_s + 2000);
	assert_int_equal(state_count(t), 0);
	assert_int_equal(state_parent_count(t), 0);
}

static void
sizes_have_borders(void **s)
{
	struct rng rng;
	struct state_table *x;

	(void)s;
	rng_init(&rng, 1);
	assert_null(state_create(STATE_CAPACITY_MIN - 1, &rng));
	assert_null(state_create(STATE_CAPACITY_MAX + 1, &rng));
	x = state_create(STATE_CAPACITY_MIN, &rng);
	assert_non_null(x);
	assert_int_equal(state_buckets(x), 16);
	state_destroy(x);
	state_destroy(NULL);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(both_directions_find_it),
		T(names_part_states),
		T(ip6_compares_whole_addresses),
		T(time_ends_states),
		T(caps_are_hard),
		T(full_buckets_chain),
		T(limits_count_children),
		T(excess_is_remembered),
		T(parents_linger),
		T(lengths_and_refusals),
		T(keepalives_are_for_the_last_seconds),
		T(random_operations_agree_with_a_list),
		T(two_workers_share_it),
		cmocka_unit_test(sizes_have_borders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
