/* SPDX-License-Identifier: BSD-2-Clause */
/* What lookups and new states would come to.  test/oracle compares millions of
 * these answers with what then happens; here are the borders. */
#include "unit.h"

#include "frames.h"

#include "state/state_would.h"

enum { RULE = 7, NAME = 4097, OTHER = 4098, CAPACITY = 64 };

static struct state_table *table;
static struct state_cfg cfg;
static struct frame frame;

static int
setup(void **s)
{
	struct rng rng;

	(void)s;
	rng_init(&rng, 3);
	table = state_create(CAPACITY, &rng);
	cfg = (struct state_cfg){.life = {300, 20, 1, 1, 10, 5}, .max = 1000,
	    .parent_max = 1000, .now_s = 100};
	return table == NULL;
}

static int
teardown(void **s)
{
	(void)s;
	state_destroy(table);
	return 0;
}

/* UDP from host 'from' to host 'to'. */
static struct pkt
udp(unsigned from, unsigned to)
{
	static const struct parse_cfg parse_cfg;
	struct pkt p;

	f_ether(&frame, ETYPE_IP4);
	f_ip4(&frame, PROTO_UDP, 0x0a000000 + from, 0x0a000000 + to, 0);
	put16(f_add(&frame, 8), 9);
	put16(frame.b + frame.l3 + 2, 28);
	p = (struct pkt){.data = frame.b, .len = (uint16_t)frame.len};
	parse(&p, &parse_cfg);
	assert_int_equal(p.bad, PKT_GOOD);
	p.sport = p.dport = 9;
	p.flow_hash = state_hash(table, &p);
	return p;
}

static struct state_new
keep(uint16_t name)
{
	return (struct state_new){.rule = {.id = RULE, .num = 1}, .name = name,
	    .kind = STATE_KEEP};
}

static struct state_new
limit(uint32_t most)
{
	return (struct state_new){.rule = {.id = RULE, .num = 1}, .name = NAME,
	    .kind = STATE_LIMIT, .limit_mask = 1, .limit = most};
}

static enum state_chance
would(struct pkt p, struct state_new n)
{
	struct state_would w = {.states = 0};

	return state_would_install(table, &cfg, &p, &n, &w);
}

static void
make(struct pkt p, struct state_new n)
{
	assert_true(state_install(table, &cfg, &p, &n));
}

/* By name, both ways, as long as it lives. */
static void
test_look(void **state)
{
	struct state_would w = {.states = 0};
	struct state_rule rule;
	struct pkt p = udp(1, 2), q;

	(void)state;
	assert_int_equal(state_look(table, &p, NAME, 100, &w, &rule), 0);
	make(p, keep(NAME));
	assert_int_not_equal(state_look(table, &p, NAME, 100, &w, &rule), 0);
	assert_int_equal(rule.id, RULE);
	assert_false(rule.backward);
	assert_int_not_equal(state_look(table, &p, STATE_ANY_NAME, 100, &w,
	    &rule), 0);
	assert_int_equal(state_look(table, &p, OTHER, 100, &w, &rule), 0);
	q = udp(2, 1);
	assert_int_not_equal(state_look(table, &q, NAME, 109, &w, &rule), 0);
	assert_true(rule.backward);
	assert_int_equal(w.n_gone, 0);
	assert_int_equal(state_look(table, &q, NAME, 110, &w, &rule), 0);
	assert_int_equal(w.n_gone, 1);
	assert_int_equal(state_count(table), 1);
}

/* What would be removed is not found any more, and leaves room. */
static void
test_remove(void **state)
{
	struct state_would w = {.states = 0};
	struct state_new n = keep(NAME);
	struct state_rule rule;
	struct pkt p = udp(1, 2);
	uint32_t idx;

	(void)state;
	make(p, n);
	cfg.max = 1;
	assert_int_equal(would(udp(3, 4), n), STATE_NO_ROOM);
	idx = state_look(table, &p, NAME, 100, &w, &rule);
	state_would_remove(table, idx, &w);
	assert_int_equal(state_look(table, &p, NAME, 100, &w, &rule), 0);
	assert_int_equal(state_would_install(table, &cfg, &p, &n, &w),
	    STATE_WOULD_BE_MADE);
	assert_int_equal(w.states, 1);
	assert_int_equal(state_count(table), 1);
}

static void
test_room(void **state)
{
	(void)state;
	assert_int_equal(would(udp(1, 2), keep(NAME)), STATE_WOULD_BE_MADE);
	make(udp(1, 2), keep(NAME));
	assert_int_equal(would(udp(1, 2), keep(NAME)), STATE_IS_THERE);
	assert_int_equal(would(udp(2, 1), keep(NAME)), STATE_IS_THERE);
	assert_int_equal(would(udp(1, 2), keep(OTHER)), STATE_WOULD_BE_MADE);
	cfg.max = 1;
	assert_int_equal(would(udp(1, 3), keep(NAME)), STATE_NO_ROOM);
	cfg.now_s += 10; /* its own old one makes room, another's does not */
	assert_int_equal(would(udp(1, 2), keep(NAME)), STATE_WOULD_BE_MADE);
	assert_int_equal(would(udp(1, 3), keep(NAME)), STATE_NO_ROOM);
	cfg.max = 1000;
	for (unsigned i = 3; state_count(table) < CAPACITY; i++) {
		assert_int_equal(would(udp(1, i), keep(NAME)),
		    STATE_WOULD_BE_MADE);
		make(udp(1, i), keep(NAME));
	}
	assert_int_equal(would(udp(1, 200), keep(NAME)), STATE_NO_ROOM);
}

static void
test_limit(void **state)
{
	(void)state;
	assert_int_equal(would(udp(1, 2), limit(0)), STATE_IS_LIMITED);
	assert_int_equal(would(udp(1, 2), limit(1)), STATE_WOULD_BE_MADE);
	make(udp(1, 2), limit(1));
	assert_int_equal(would(udp(1, 2), limit(1)), STATE_IS_THERE);
	assert_int_equal(would(udp(1, 3), limit(1)), STATE_IS_LIMITED);
	assert_int_equal(would(udp(1, 3), limit(2)), STATE_WOULD_BE_MADE);
	assert_int_equal(would(udp(3, 1), limit(1)), STATE_WOULD_BE_MADE);
	cfg.parent_max = 1;
	assert_int_equal(would(udp(3, 1), limit(1)), STATE_NO_ROOM);
	assert_int_equal(state_count(table), 1);
	assert_int_equal(state_parent_count(table), 1);
	cfg.now_s += 10; /* its own old one is no child any more */
	assert_int_equal(would(udp(1, 2), limit(1)), STATE_WOULD_BE_MADE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_look, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_remove, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_room, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_limit, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
