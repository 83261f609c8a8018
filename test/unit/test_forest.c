/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The forest and walks through it against a list of keys: every rule that a
 * packet fits is a candidate, in order, from wherever one asks; and the bounds
 * hold for the worst rules.
 */
#include "unit.h"

#include "keys.h"

#include "rule/walk.h"

#include <stdlib.h>

static const unsigned sizes[] = {1, 2, 7, 8, 9, 17, 100, 700, 3000};

static struct rule_key *
random_keys(enum manner m, unsigned n)
{
	struct rule_key *keys = calloc(n, sizeof(*keys));

	for (unsigned i = 0; i < n; i++)
		keys[i] = key_random(m);
	return keys;
}

/* The oracle of walk_next(). */
static unsigned
next_fit(const struct rule_key *keys, unsigned n, const struct pkt_key *k,
    unsigned from)
{
	for (unsigned i = from; i < n; i++)
		if (key_fits(&keys[i], k))
			return i;
	return WALK_NONE;
}

/* All candidates in order, then from random places, back and forth. */
static void
follow_walk(struct walk *w, const struct grove *g, const struct rule_key *keys,
    unsigned n)
{
	struct pkt_key k = w->key;
	unsigned at = 0, all = 0;

	while ((at = next_fit(keys, n, &k, at)) != WALK_NONE && all++ < 50) {
		assert_int_equal(walk_next(w, g, all == 1 ? 0 : at), at);
		at++;
	}
	for (unsigned i = 0; i < 5; i++) {
		unsigned from = key_draw(n);

		assert_int_equal(walk_next(w, g, from),
		    next_fit(keys, n, &k, from));
	}
}

static void
one_forest(struct forest *f, const struct rule_key *keys, unsigned n)
{
	struct grove g = {.forest = f};
	struct pkt_key packets[WALK_BURST];
	struct finds found;
	struct walk w;
	struct hit hits[WALK_BURST];

	for (unsigned round = 0; round < 10; round++) {
		unsigned burst = 1 + key_draw(WALK_BURST);

		for (unsigned i = 0; i < burst; i++)
			packets[i] = key_packet(&keys[key_draw(n)]);
		walk_firsts(packets, burst, &g, &found, hits);
		for (unsigned i = 0; i < burst; i++) {
			assert_int_equal(hits[i].slot,
			    next_fit(keys, n, &packets[i], 0));
			assert_true(hits[i].slot == WALK_NONE ||
			    hits[i].act == keys[hits[i].slot].act);
			w.key = packets[i];
			walk_found(&w, &g, found.at[i]);
			follow_walk(&w, &g, keys, n);
			walk_begin(&w, &g);
			follow_walk(&w, &g, keys, n);
		}
	}
}

static void
every_candidate_in_order(void **state)
{
	(void)state;
	for (unsigned m = 0; m < N_MANNERS; m++)
		for (unsigned s = 0; s < ARRAY_LEN(sizes); s++) {
			struct rule_key *keys = random_keys(m, sizes[s]);
			struct forest *f = forest_build(keys, sizes[s],
			    &pages_huge);

			assert_non_null(f);
			for (const struct block_scan *scan = block_scans();
			     scan->name != NULL; scan++) {
				f->scan = scan;
				one_forest(f, keys, sizes[s]);
			}
			forest_destroy(f);
			free(keys);
		}
}

/* Copies, nodes and octets stay below what the header promises. */
static void
bounds_hold(void **state)
{
	(void)state;
	for (unsigned m = 0; m < N_MANNERS; m++)
		for (unsigned n = 10; n <= 10000; n *= 10) {
			struct rule_key *keys = random_keys(m, n);
			struct forest *f = forest_build(keys, n, NULL);
			struct forest_stats *s = &f->stats;
			/* two families with trees, one with a list */
			uint64_t copies = 2 * (FOREST_COPIES * (uint64_t)n +
			    4 * 64) + n;

			assert_in_range(s->n_refs, 1, copies);
			assert_in_range(s->max_depth, 0, FOREST_DEPTH);
			assert_in_range(s->max_leaf, 1, n);
			assert_in_range(s->bytes, 1, 20000 + n * 600ull);
			forest_destroy(f);
			free(keys);
		}
}

/* What is easy to tell apart is told apart. */
static void
leaves_are_small(void **state)
{
	enum { N = 10000 };
	struct rule_key *keys = calloc(N, sizeof(*keys));
	struct forest *f;

	(void)state;
	for (unsigned i = 0; i < N; i++)
		keys[i] = (struct rule_key){
		    .dst = __builtin_bswap32(0x0a000000 + i * 7),
		    .dst_mask = ~0u,
		    .meta = KEY_IP4,
		    .meta_mask = KEY_IP4,
		    .ports_hi = ~0u,
		};
	f = forest_build(keys, N, NULL);
	assert_in_range(f->stats.max_leaf, 1, FOREST_LEAF);
	assert_int_equal(f->stats.n_refs, N);
	assert_in_range(f->stats.max_depth, 1, 4);
	assert_in_range(f->stats.bytes, 1, 1 << 20);
	forest_destroy(f);
	free(keys);
}

/* Slots whose rules moved, or are gone, and rules that were added. */
static void
an_order_is_followed(void **state)
{
	enum { N = 1000, STEP = 3 };
	struct rule_key *keys = random_keys(MIXED, N);
	struct rule_key *now = calloc(N * STEP, sizeof(*now));
	uint32_t order[N];
	struct forest *f = forest_build(keys, N, NULL);
	struct grove g = {.forest = f, .order = order};

	(void)state;
	for (unsigned i = 0; i < N * STEP; i++)
		now[i] = (struct rule_key){.meta = KEY_IP4 | KEY_IP6,
		    .meta_mask = KEY_IP4 | KEY_IP6};
	for (unsigned i = 0; i < N; i++) {
		order[i] = i * STEP + 1;
		now[order[i]] = keys[i];
	}
	for (unsigned round = 0; round < 300; round++) {
		struct pkt_key k = key_packet(&keys[key_draw(N)]);
		struct walk w;

		w.key = k;
		walk_begin(&w, &g);
		follow_walk(&w, &g, now, N * STEP);
	}
	forest_destroy(f);
	free(keys);
	free(now);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_candidate_in_order),
		cmocka_unit_test(bounds_hold),
		cmocka_unit_test(leaves_are_small),
		cmocka_unit_test(an_order_is_followed),
	};

	rng_init(&keys_rng, 5);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
