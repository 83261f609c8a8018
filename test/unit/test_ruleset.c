/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "rule/ruleset.h"

#include <stdlib.h>
#include <string.h>

/* ---- counters, each of which must come back exactly once ---- */

enum { N_COUNTERS = 4096 };

static bool taken[N_COUNTERS];
static unsigned n_taken;

static uint32_t
take(void)
{
	for (uint32_t i = 0; i < N_COUNTERS; i++)
		if (!taken[i]) {
			taken[i] = true;
			n_taken++;
			return i;
		}
	fail_msg("no counters left");
	return 0;
}

static void
gone(void *arg, uint32_t counter)
{
	assert_ptr_equal(arg, taken);
	assert_true(counter < N_COUNTERS && taken[counter]);
	taken[counter] = false;
	n_taken--;
}

/* ---- what a ruleset should be: a list ---- */

struct model_rule {
	unsigned num, set, id, counter;
};

struct model {
	struct model_rule rules[2048];
	unsigned n;
	uint32_t disabled;
};

static void
model_add(struct model *m, struct model_rule r)
{
	unsigned at = 0;

	while (m->rules[at].num <= r.num && at < m->n - 1)
		at++;
	memmove(&m->rules[at + 1], &m->rules[at],
	    (m->n - at) * sizeof(m->rules[0]));
	m->rules[at] = r;
	m->n++;
}

/* The reference's words: never the default rule; under ALL never set 31; SET and
 * RULES restrict. */
static bool
model_named(const struct model_rule *r, const struct rule_range *g)
{
	if (r->num == 65535)
		return false;
	if (g->flags == 0)
		return false;
	if ((g->flags & RANGE_ALL) != 0 && r->set == 31)
		return false;
	if ((g->flags & RANGE_SET) != 0 && r->set != g->set)
		return false;
	if ((g->flags & RANGE_RULES) != 0 && !(g->lo <= r->num &&
	    r->num <= g->hi))
		return false;
	return true;
}

static unsigned
model_delete(struct model *m, const struct rule_range *g)
{
	unsigned kept = 0, n = m->n;

	for (unsigned i = 0; i < m->n; i++)
		if (!model_named(&m->rules[i], g))
			m->rules[kept++] = m->rules[i];
	m->n = kept;
	return n - kept;
}

static void
assert_same(const struct ruleset *rs, const struct model *m)
{
	assert_int_equal(rs->n_rules, m->n);
	assert_int_equal(rs->set_disabled, m->disabled);
	for (unsigned i = 0; i < m->n; i++) {
		const struct rule *r = rs->rules[i];

		assert_int_equal(r->num, m->rules[i].num);
		assert_int_equal(r->set, m->rules[i].set);
		assert_int_equal(r->id, m->rules[i].id);
		assert_int_equal(r->counter, m->rules[i].counter);
		assert_true(r->counter < rs->n_counters);
		assert_true(taken[r->counter]);
		assert_int_equal(r->n_words, r->num == 65535 ? 1 : 2);
		assert_int_equal(rule_action(r)->opcode, O_ACCEPT);
	}
	/* Nothing lives but these rules. */
	assert_int_equal(n_taken, m->n);
}

static struct rule *
new_rule(unsigned num, unsigned set, unsigned id)
{
	struct {
		struct abi_rule head;
		struct insn cmd[2];
	} abi = {
	    .head = {.act_ofs = 1, .cmd_len = 2, .set = (uint8_t)set},
	    .cmd = {{O_IP4, 1, 0}, {O_ACCEPT, 1, 0}},
	};

	return rule_create(&abi.head, (uint16_t)num, id, take());
}

static struct ruleset *
begin(struct model *m)
{
	struct ruleset *rs = ruleset_create(true, take());

	memset(m, 0, sizeof(*m));
	m->rules[0] = (struct model_rule){65535, 31, 0, 0};
	m->n = 1;
	return rs;
}

static void
replace(struct ruleset **rs, struct ruleset *next)
{
	assert_non_null(next);
	ruleset_destroy(*rs, gone, taken);
	*rs = next;
}

static void
end(struct ruleset *rs)
{
	ruleset_destroy(rs, gone, taken);
	assert_int_equal(n_taken, 0);
}

/* ---- tests ---- */

static void
default_rule(void **state)
{
	(void)state;
	for (int accept = 0; accept < 2; accept++) {
		struct ruleset *rs = ruleset_create(accept, take());

		assert_int_equal(rs->n_rules, 1);
		assert_int_equal(rs->n_counters, 1);
		assert_int_equal(rs->rules[0]->num, 65535);
		assert_int_equal(rs->rules[0]->set, 31);
		assert_int_equal(rule_action(rs->rules[0])->opcode,
		    accept ? O_ACCEPT : O_DENY);
		assert_int_equal(ruleset_highest(rs), 0);
		assert_int_equal(ruleset_find(rs, 0), 0);
		assert_int_equal(ruleset_find(rs, 65535), 0);
		assert_int_equal(ruleset_find(rs, 100000), 0);
		end(rs);
	}
	ruleset_destroy(NULL, gone, taken);
}

static void
automatic_numbers(void **state)
{
	(void)state;
	assert_int_equal(ruleset_auto_num(0, 100), 100);
	assert_int_equal(ruleset_auto_num(150, 100), 250);
	assert_int_equal(ruleset_auto_num(65434, 100), 65534);
	assert_int_equal(ruleset_auto_num(65435, 100), 65435);
	assert_int_equal(ruleset_auto_num(65534, 1), 65534);
	assert_int_equal(ruleset_auto_num(65533, 1), 65534);
	assert_int_equal(ruleset_auto_num(0, 1000), 1000);
}

static void
finds_by_number(void **state)
{
	static const unsigned nums[] = {5, 5, 9, 100, 100, 100, 65534};
	struct model m;
	struct ruleset *rs = begin(&m);

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(nums); i++) {
		struct rule *r = new_rule(nums[i], 0, i + 1);

		replace(&rs, ruleset_add(rs, &r, 1));
	}
	for (unsigned n = 0; n < 65540; n++) {
		unsigned i = 0;

		while (i < ARRAY_LEN(nums) && nums[i] < n)
			i++;
		if (ruleset_find(rs, n) != i)
			fail_msg("%u found at %u", n, ruleset_find(rs, n));
	}
	assert_int_equal(ruleset_highest(rs), 65534);
	end(rs);
}

static void
adds_lists_in_order(void **state)
{
	struct model m;
	struct ruleset *rs = begin(&m);
	struct rule *add[4] = {
	    new_rule(300, 0, 1), new_rule(100, 0, 2),
	    new_rule(300, 0, 3), new_rule(200, 0, 4),
	};
	static const unsigned ids[] = {2, 5, 4, 1, 3, 0};
	struct rule *later;

	(void)state;
	replace(&rs, ruleset_add(rs, add, 4));
	later = new_rule(100, 0, 5);
	replace(&rs, ruleset_add(rs, &later, 1));
	assert_int_equal(rs->n_rules, 6);
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(rs->rules[i]->id, ids[i]);
	end(rs);
}

/* A rule of these two instructions. */
static struct rule *
rule_of(unsigned id, uint8_t match, uint8_t action)
{
	struct {
		struct abi_rule head;
		struct insn cmd[2];
	} abi = {
	    .head = {.act_ofs = 1, .cmd_len = 2},
	    .cmd = {{match, 1, 0}, {action, 1, 0}},
	};

	return rule_create(&abi.head, (uint16_t)(10 * id), id, take());
}

/* Which rules make segments of packets, through edits and copies. */
static void
segments_where_they_matter(void **state)
{
	static const struct {
		uint8_t match, action;
		bool wants; /* with the rules before it */
	} rules[] = {
	    {O_IPLEN, O_ACCEPT, false}, {O_IP4, O_REASS, true},
	    {O_IP4, O_PIPE, true}, {O_IP4, O_QUEUE, true},
	    {O_IP4, O_ACCEPT, true}};
	struct rule_range gone = {.flags = RANGE_RULES, .lo = 10, .hi = 20};
	struct model m;
	struct ruleset *rs = begin(&m);
	unsigned n;

	(void)state;
	assert_false(ruleset_wants_segments(rs));
	for (unsigned i = 0; i < ARRAY_LEN(rules); i++) {
		struct rule *r = rule_of(i + 1, rules[i].match,
		    rules[i].action);

		replace(&rs, ruleset_add(rs, &r, 1));
		assert_int_equal(ruleset_wants_segments(rs), rules[i].wants);
	}
	replace(&rs, ruleset_delete(rs, &gone, &n));
	assert_false(ruleset_wants_segments(rs)); /* pipes alone */
	for (unsigned i = 0; i < 5; i++) {
		static const uint8_t ops[] = {O_IPLEN, O_TCPDATALEN, O_IPID,
		    O_TCPSEQ, O_PROB};
		struct rule *r = rule_of(1, ops[i], O_COUNT);

		replace(&rs, ruleset_add(rs, &r, 1));
		assert_true(ruleset_wants_segments(rs));
		replace(&rs, ruleset_move_set(rs, 0, 7, false));
		assert_true(ruleset_wants_segments(rs));
		gone.hi = 10;
		replace(&rs, ruleset_delete(rs, &gone, &n));
		assert_int_equal(n, 1);
		assert_false(ruleset_wants_segments(rs));
	}
	end(rs);
}

/* The counter stays while any copy of the rule lives, in whatever ruleset. */
static void
copies_share_the_counter(void **state)
{
	struct model m;
	struct ruleset *rs = begin(&m), *moved, *back;
	struct rule *r = new_rule(7, 3, 1);
	uint32_t counter = r->counter;
	struct rule_range all = {.flags = RANGE_ALL};
	unsigned n;

	(void)state;
	replace(&rs, ruleset_add(rs, &r, 1));
	moved = ruleset_move_set(rs, 3, 4, false);
	back = ruleset_move_set(moved, 4, 3, false);
	assert_int_equal(moved->rules[0]->counter, counter);
	assert_int_equal(back->rules[0]->set, 3);
	ruleset_destroy(rs, gone, taken);
	ruleset_destroy(moved, gone, taken);
	assert_true(taken[counter]);
	replace(&back, ruleset_delete(back, &all, &n));
	assert_int_equal(n, 1);
	assert_false(taken[counter]);
	end(back);
}

/* What is kept when it is deleted lives on through every edit until a delete
 * that does not keep it. */
static void
orphans_live_on(void **state)
{
	struct rule_range most = {.flags = RANGE_RULES, .lo = 1, .hi = 40};
	struct rule_range none = {.flags = RANGE_RULES, .lo = 1, .hi = 1};
	bool keep[8] = {true, false, true};
	struct model m;
	struct ruleset *rs = begin(&m);
	unsigned n;

	(void)state;
	for (unsigned i = 1; i <= 5; i++) {
		struct rule *r = new_rule(10 * i, 0, i);

		replace(&rs, ruleset_add(rs, &r, 1));
	}
	replace(&rs, ruleset_orphan(rs, &most, keep, &n));
	assert_int_equal(n, 4);
	assert_int_equal(rs->n_rules, 2);
	assert_int_equal(rs->n_orphans, 2);
	assert_int_equal(n_taken, 4);
	replace(&rs, ruleset_move_set(rs, 0, 7, false));
	replace(&rs, ruleset_enable(rs, 1 << 7, 0));
	assert_int_equal(ruleset_find(rs, 10), 0);
	assert_int_equal(ruleset_highest(rs), 50);
	for (unsigned hint = 0; hint < 9; hint++) {
		assert_int_equal(ruleset_find_rule(rs, 10, 1, hint), 2);
		assert_int_equal(ruleset_find_rule(rs, 30, 3, hint), 3);
		assert_int_equal(ruleset_find_rule(rs, 20, 2, hint), 4);
		assert_int_equal(ruleset_find_rule(rs, 50, 5, hint), 0);
	}
	assert_int_equal(rs->rules[2]->set, 0); /* nothing moves them */
	assert_true(rs->rules[3]->counter < rs->n_counters);
	memset(keep, 0, sizeof(keep));
	keep[3] = true;
	replace(&rs, ruleset_orphan(rs, &none, keep, &n));
	assert_int_equal(n, 0);
	assert_int_equal(rs->n_orphans, 1);
	assert_int_equal(ruleset_find_rule(rs, 30, 3, 0), 2);
	assert_int_equal(ruleset_find_rule(rs, 10, 1, 2), 3);
	assert_int_equal(n_taken, 3);
	replace(&rs, ruleset_delete(rs, &none, &n));
	assert_int_equal(rs->n_orphans, 0);
	assert_int_equal(n_taken, 2);
	end(rs);
}

static void
default_rule_stays(void **state)
{
	struct rule_range g = {.flags = RANGE_RULES, .lo = 0, .hi = 65535};
	struct rule_range set31 = {.flags = RANGE_SET, .set = 31};
	struct rule_range all = {.flags = RANGE_ALL};
	struct model m;
	struct ruleset *rs = begin(&m);
	unsigned n = 9;

	(void)state;
	replace(&rs, ruleset_delete(rs, &g, &n));
	assert_int_equal(n, 0);
	assert_false(rule_in_range(rs->rules[0], &g));
	g.flags |= RANGE_DEFAULT;
	assert_true(rule_in_range(rs->rules[0], &g));
	replace(&rs, ruleset_delete(rs, &g, &n));
	assert_int_equal(n, 0);
	replace(&rs, ruleset_delete(rs, &set31, &n));
	assert_int_equal(n, 0);
	replace(&rs, ruleset_move(rs, &g, 5));
	replace(&rs, ruleset_move_set(rs, 31, 4, true));
	assert_int_equal(rs->rules[0]->set, 31);
	replace(&rs, ruleset_enable(rs, ~0u, 0));
	assert_int_equal(rs->set_disabled, 0x7fffffff);
	assert_true(ruleset_on(rs, rs->rules[0]));
	/* Zero of everything means the default rule, of a set only if it is
	 * in it. */
	all.flags |= RANGE_DEFAULT;
	assert_true(rule_in_range(rs->rules[0], &all));
	all.flags |= RANGE_SET;
	all.set = 0;
	assert_false(rule_in_range(rs->rules[0], &all));
	end(rs);
}

static void
nothing_named(void **state)
{
	struct rule_range none = {.flags = RANGE_DEFAULT};
	struct model m;
	struct ruleset *rs = begin(&m);
	struct rule *r = new_rule(7, 3, 1);

	(void)state;
	replace(&rs, ruleset_add(rs, &r, 1));
	assert_false(rule_in_range(rs->rules[0], &none));
	assert_false(rule_in_range(rs->rules[1], &none));
	end(rs);
}

/* ---- thousands of random changes beside the list ---- */

static uint64_t seed = 0x2545f4914f6cdd1d;

static unsigned
random_below(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed % n);
}

static struct rule_range
random_range(void)
{
	struct rule_range g = {.set = (uint8_t)random_below(8)};
	unsigned a = random_below(300), b = random_below(60);

	if (g.set == 7)
		g.set = 31;
	g.flags = random_below(8);
	g.lo = (uint16_t)a;
	g.hi = random_below(20) == 0 ? 65535 : (uint16_t)(a + b);
	return g;
}

static struct ruleset *
random_add(const struct ruleset *rs, struct model *m, unsigned *id)
{
	struct rule *add[5];
	unsigned n = random_below(5) + 1, highest = m->n > 1 ?
	    m->rules[m->n - 2].num : 0;

	assert_int_equal(ruleset_highest(rs), highest);
	for (unsigned i = 0; i < n; i++) {
		unsigned num = random_below(3) == 0 ?
		    ruleset_auto_num(highest, 7) : random_below(300) + 1;
		unsigned set = random_below(8);

		set = set == 7 ? 31 : set;
		highest = num > highest ? num : highest;
		add[i] = new_rule(num, set, (*id)++);
		model_add(m, (struct model_rule){num, set, add[i]->id,
		    add[i]->counter});
	}
	return ruleset_add(rs, add, n);
}

static struct ruleset *
random_change(const struct ruleset *rs, struct model *m, unsigned *id)
{
	struct rule_range g = random_range();
	unsigned a = random_below(32), b = random_below(32), n = 0, want;
	struct ruleset *next;
	bool swap;

	switch (random_below(m->n > 1000 ? 2 : 12)) {
	case 0:
		next = ruleset_delete(rs, &g, &n);
		want = model_delete(m, &g);
		assert_int_equal(n, want);
		return next;
	case 1:
		next = ruleset_move(rs, &g, (uint8_t)a);
		for (unsigned i = 0; i < m->n; i++)
			if (model_named(&m->rules[i], &g))
				m->rules[i].set = a;
		return next;
	case 2:
		a = random_below(8);
		b = random_below(8);
		swap = random_below(2) == 0;
		next = ruleset_move_set(rs, (uint8_t)a, (uint8_t)b, swap);
		for (unsigned i = 0; i < m->n - 1; i++)
			if (m->rules[i].set == a)
				m->rules[i].set = b;
			else if (m->rules[i].set == b && swap)
				m->rules[i].set = a;
		return next;
	case 3:
		next = ruleset_enable(rs, 1u << a, 1u << b);
		if (a != 31)
			m->disabled |= 1u << a;
		m->disabled &= ~(1u << b);
		return next;
	default:
		return random_add(rs, m, id);
	}
}

static void
like_a_list(void **state)
{
	static struct model m;
	struct ruleset *rs = begin(&m), *old[4] = {NULL};
	unsigned id = 1;

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		struct ruleset *next = random_change(rs, &m, &id);

		assert_non_null(next);
		/* Some old rulesets outlive several changes, as they would
		 * with readers; all end before the comparison of counters. */
		old[i % 4] = rs;
		rs = next;
		if (i % 4 != 3)
			continue;
		for (unsigned o = 0; o < 4; o++)
			ruleset_destroy(old[o], gone, taken);
		assert_same(rs, &m);
	}
	end(rs);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(default_rule),
	    cmocka_unit_test(automatic_numbers),
	    cmocka_unit_test(finds_by_number),
	    cmocka_unit_test(adds_lists_in_order),
	    cmocka_unit_test(segments_where_they_matter),
	    cmocka_unit_test(copies_share_the_counter),
	    cmocka_unit_test(orphans_live_on),
	    cmocka_unit_test(default_rule_stays),
	    cmocka_unit_test(nothing_named),
	    cmocka_unit_test(like_a_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
