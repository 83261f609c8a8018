/* SPDX-License-Identifier: BSD-2-Clause */
/* Indexes that are built by a thread while rules go on changing. */
#include "unit.h"

#include "base/clock.h"
#include "base/rng.h"
#include "engine/reindex.h"

#include <stdlib.h>
#include <unistd.h>

enum { RULES = 1500 };

static struct rng rng;
static uint32_t next_id = 1;

static unsigned
draw(unsigned n)
{
	return (unsigned)(rng_u64(&rng) % n);
}

static void
ignore(void *arg, uint32_t counter)
{
	(void)arg, (void)counter;
}

/* count ip from 10.x.x.x to any */
static struct rule *
random_rule(void)
{
	struct {
		struct abi_rule head;
		struct insn_u32 src;
		struct insn act;
	} d = {
	    .head = {.cmd_len = 3, .act_ofs = 2},
	    .src = {{O_IP_SRC, 2, 0}, {__builtin_bswap32(0x0a000000 |
		draw(4096))}},
	    .act = {O_COUNT, 1, 0},
	};

	return rule_create(&d.head, (uint16_t)(1 + draw(60000)), next_id++, 0);
}

static struct ruleset *
add(struct ruleset *rs, unsigned n)
{
	struct rule **r = calloc(n, sizeof(struct rule *));
	struct ruleset *next;

	for (unsigned i = 0; i < n; i++)
		r[i] = random_rule();
	next = ruleset_add(rs, r, n);
	free(r);
	return next;
}

/* As engine_publish does it. */
static struct ruleset *
publish(struct reindex *x, struct ruleset *rs, struct ruleset *next)
{
	next->plan = reindex_plan(x, next, rs);
	ruleset_destroy(rs, ignore, NULL);
	reindex_consider(x, next);
	return next;
}

/* The candidates of some packets are those rules that they fit. */
static void
check(const struct ruleset *rs)
{
	for (unsigned round = 0; round < 20; round++) {
		struct pkt_key k = {.meta = KEY_IP4, .src =
		    __builtin_bswap32(0x0a000000 | draw(4096))};
		struct walk w;

		plan_begin(rs->plan, &w, &k);
		for (unsigned i = 0; i < rs->n_rules; i++) {
			struct rule_key key;

			key_of_rule(rs->rules[i], &key);
			if (key_fits(&key, &k))
				assert_int_equal(plan_next(rs->plan, &w, i), i);
		}
	}
}

static unsigned
n_added(const struct ruleset *rs)
{
	struct plan_stats s;

	plan_stats(rs->plan, &s);
	return s.n_added;
}

static void
wait_ready(const struct reindex *x)
{
	while (!reindex_is_ready(x))
		usleep(100);
}

static struct ruleset *
many_rules(struct reindex *x)
{
	struct ruleset *rs = ruleset_create(true, 0);

	rs = publish(x, rs, add(rs, RULES));
	assert_int_equal(x->n_builds, 1);
	assert_int_equal(n_added(rs), 0);
	assert_null(x->draft);
	return rs;
}

static void
edits_go_on_meanwhile(void **state)
{
	struct reindex x = {.draft = NULL};
	struct ruleset *rs = many_rules(&x);
	struct rule_range g = {.flags = RANGE_RULES};
	unsigned gone;

	(void)state;
	for (unsigned round = 0; round < 20; round++) {
		uint64_t builds = x.n_builds;

		x.not_before_ns = 0;
		while (x.draft == NULL)
			rs = publish(&x, rs, add(rs, 1 + draw(60)));
		assert_in_range(n_added(rs), 1, 1000);
		for (unsigned i = 0; i < 5 && x.draft != NULL; i++) {
			g.lo = (uint16_t)draw(60000);
			g.hi = (uint16_t)(g.lo + draw(2000));
			rs = publish(&x, rs, ruleset_delete(rs, &g, &gone));
			rs = publish(&x, rs, add(rs, 1));
		}
		if (x.draft != NULL)
			wait_ready(&x);
		rs = publish(&x, rs, add(rs, 1));
		assert_true(x.n_builds > builds);
		assert_in_range(n_added(rs), 1, 20);
		/* A pause follows, unless the machine has made one: then the
		 * next has begun. */
		assert_true(x.draft != NULL || x.not_before_ns > x.started_ns);
		check(rs);
	}
	reindex_fini(&x);
	ruleset_destroy(rs, ignore, NULL);
}

/* A single rule waits until it is quiet; then it is built, too. */
static void
few_rules_wait(void **state)
{
	struct reindex x = {.draft = NULL};
	struct ruleset *rs = many_rules(&x);

	(void)state;
	x.not_before_ns = clock_mono_ns() + 3600 * NS_PER_S;
	rs = publish(&x, rs, add(rs, 1));
	x.not_before_ns = 0;
	x.edited_ns = clock_mono_ns() + 3600 * NS_PER_S;
	reindex_consider(&x, rs);
	assert_null(x.draft);
	x.edited_ns = clock_mono_ns() - 2 * REINDEX_QUIET_NS;
	reindex_consider(&x, rs);
	assert_non_null(x.draft);
	wait_ready(&x);
	rs = publish(&x, rs, ruleset_enable(rs, 0, 0));
	assert_int_equal(n_added(rs), 0);
	check(rs);
	ruleset_destroy(rs, ignore, NULL);
	reindex_fini(&x);
}

/* Ending while a build is under way. */
static void
ends_in_the_middle(void **state)
{
	struct reindex x = {.draft = NULL};
	struct ruleset *rs = many_rules(&x);

	(void)state;
	rs = publish(&x, rs, add(rs, 500));
	assert_non_null(x.draft);
	reindex_fini(&x);
	ruleset_destroy(rs, ignore, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(edits_go_on_meanwhile),
		cmocka_unit_test(few_rules_wait),
		cmocka_unit_test(ends_in_the_middle),
	};

	rng_init(&rng, 8);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
