/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scans over blocks of rules against key_fits(), each way that this machine has.
 */
#include "unit.h"

#include "keys.h"

#include "rule/block.h"

#include <stdlib.h>

enum { MAX_RULES = 90 };

static struct rule_key keys[MAX_RULES];
static _Alignas(BLOCK_ALIGN) uint32_t room[MAX_RULES / BLOCK_LANES + 1]
					  [BLOCK_LONG];

static const uint32_t *
fill(unsigned n, unsigned words)
{
	uint32_t *b = room[0];

	for (unsigned i = 0; i < n; i++) {
		keys[i] = key_random(MIXED);
		if (words == BLOCK_SHORT) /* no place for them */
			keys[i].src2_mask = keys[i].dst2_mask =
			    keys[i].rest_mask = 0;
		block_set(b + i / BLOCK_LANES * words, words, i % BLOCK_LANES,
		    i * 2, &keys[i]);
	}
	if (n % BLOCK_LANES != 0)
		block_end(b + n / BLOCK_LANES * words, words, n % BLOCK_LANES);
	return b;
}

static unsigned
first_fit(unsigned n, const struct pkt_key *k, unsigned from)
{
	while (from < n && !key_fits(&keys[from], k))
		from++;
	return from < n ? from : blocks_of(n) * BLOCK_LANES;
}

static void
check_masks(const uint32_t *b, unsigned n, unsigned words,
    const struct block_scan *s, const struct pkt_key *k)
{
	unsigned at = key_draw(blocks_of(n));
	struct leaf l[2] = {{b, blocks_of(n), at}, {b, 1, 0}};
	uint64_t m[2];

	if (words == BLOCK_LONG)
		s->masks6(l, 2, k, m);
	else
		s->masks(l, 2, k, m);
	for (unsigned i = 0; i < 64; i++) {
		unsigned r = at * BLOCK_LANES + i;
		bool first = i < n && i < BLOCK_LANES;

		assert_int_equal(m[0] >> i & 1, r < n &&
		    key_fits(&keys[r], k));
		assert_int_equal(m[1] >> i & 1, first && key_fits(&keys[i], k));
	}
}

static void
check_scan(const struct block_scan *s, unsigned words)
{
	for (unsigned round = 0; round < 2000; round++) {
		unsigned n = 1 + key_draw(MAX_RULES);
		const uint32_t *b = fill(n, words);
		struct pkt_key k = key_packet(&keys[key_draw(n)]);
		unsigned from = key_draw(n + BLOCK_LANES);
		unsigned at = words == BLOCK_LONG ?
		    s->first6(b, blocks_of(n), &k, from) :
		    s->first(b, blocks_of(n), &k, from);

		assert_int_equal(at, first_fit(n, &k, from));
		check_masks(b, n, words, s, &k);
	}
}

static void
scans_find_what_fits(void **state)
{
	(void)state;
	for (const struct block_scan *s = block_scans(); s->name != NULL; s++) {
		check_scan(s, BLOCK_SHORT);
		check_scan(s, BLOCK_LONG);
	}
}

static void
slots_are_the_first_row(void **state)
{
	const uint32_t *b = fill(11, BLOCK_SHORT);

	(void)state;
	for (unsigned i = 0; i < 11; i++)
		assert_int_equal(b[i / BLOCK_LANES * BLOCK_SHORT +
		    i % BLOCK_LANES], i * 2);
	assert_int_equal(b[BLOCK_SHORT + 3], BLOCK_NO_SLOT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scans_find_what_fits),
		cmocka_unit_test(slots_are_the_first_row),
	};

	rng_init(&keys_rng, 3);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
