/* SPDX-License-Identifier: BSD-2-Clause */
/* Where rules are after an edit, against a search by number and id. */
#include "unit.h"

#include "base/rng.h"
#include "rule/edit.h"

#include <stdlib.h>

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

static struct ruleset *
with_more(struct ruleset *rs, unsigned n)
{
	struct rule *r[8];

	for (unsigned i = 0; i < n; i++) {
		struct {
			struct abi_rule head;
			struct insn act;
		} d = {.head.cmd_len = 1, .act = {O_COUNT, 1, 0}};

		r[i] = rule_create(&d.head, (uint16_t)(1 + draw(30)), next_id++,
		    0);
	}
	return ruleset_add(rs, r, n);
}

static void
check(const struct ruleset *old, const struct ruleset *new)
{
	bool *was = calloc(new->n_rules, sizeof(*was));
	uint32_t *added = calloc(new->n_rules, sizeof(*added));
	unsigned n_gone = 0, k = 0;
	struct edit e;

	assert_int_equal(edit_init(&e, old, new), 0);
	for (unsigned i = 0; i < old->n_rules; i++) {
		uint32_t at = edit_map(&e, i);
		const struct rule *r = old->rules[i], *s;
		unsigned there = ruleset_find_rule(new, r->num, r->id, 0);

		if ((at & EDIT_GONE) == 0) {
			assert_int_equal(at, there);
			was[at] = true;
			continue;
		}
		n_gone++;
		assert_int_equal(there, new->n_rules);
		s = new->rules[at & ~EDIT_GONE];
		assert_true(s->num > r->num ||
		    (s->num == r->num && s->id > r->id));
	}
	assert_int_equal(e.n_gone, n_gone);
	edit_added(&e, added);
	for (unsigned i = 0; i < new->n_rules; i++)
		if (!was[i])
			assert_int_equal(added[k++], i);
	assert_int_equal(e.n_added, k);
	edit_fini(&e);
	free(was);
	free(added);
}

static void
maps_are_right(void **state)
{
	struct ruleset *rs = ruleset_create(true, 0), *next;
	struct rule_range g = {.flags = RANGE_RULES};
	unsigned gone;

	(void)state;
	for (unsigned round = 0; round < 3000; round++) {
		g.lo = (uint16_t)(1 + draw(30));
		g.hi = (uint16_t)(g.lo + draw(rs->n_rules > 60 ? 20 : 3));
		if (draw(3) == 0)
			next = ruleset_delete(rs, &g, &gone);
		else if (draw(5) == 0)
			next = ruleset_move(rs, &g, (uint8_t)draw(4));
		else
			next = with_more(rs, 1 + draw(8));
		check(rs, next);
		check(next, next);
		ruleset_destroy(rs, ignore, NULL);
		rs = next;
	}
	ruleset_destroy(rs, ignore, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(maps_are_right),
	};

	rng_init(&rng, 2);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
