/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "base/rng.h"
#include "pipe/slab.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNKS = 64 };

struct piece {
	uint8_t *at;
	size_t size;
	uint8_t mark;
};

/* No block overlaps another: each keeps the octet it was filled with. */
static void
check(const struct piece *p)
{
	for (size_t k = 0; k < p->size; k++)
		assert_int_equal(p->mark, p->at[k]);
}

static size_t
any_size(struct rng *rng)
{
	uint64_t r = rng_u64(rng);

	switch (r % 8) {
	case 0:
		return 1 + (r >> 8) % 20000;
	case 1:
		return r % 256 == 1 ? 1 + (r >> 8) % 200000 : 64;
	default:
		return 1 + (r >> 8) % 1700;
	}
}

static void
blocks_do_not_overlap(void **state)
{
	enum { PIECES = 400, OPS = 60000 };
	static struct piece pieces[PIECES];
	void *memory = aligned_alloc(SLAB_CHUNK, CHUNKS * SLAB_CHUNK);
	struct slab *s = slab_create(memory, CHUNKS * SLAB_CHUNK);
	struct rng rng;

	(void)state;
	rng_init(&rng, 5);
	memset(pieces, 0, sizeof(pieces));
	for (unsigned i = 0; i < OPS; i++) {
		struct piece *p = &pieces[rng_u64(&rng) % PIECES];

		if (p->at != NULL) {
			check(p);
			slab_free(s, p->at);
			p->at = NULL;
			continue;
		}
		p->size = any_size(&rng);
		if ((p->at = slab_alloc(s, p->size)) == NULL)
			continue;
		assert_int_equal(0, (uintptr_t)p->at % 64);
		assert_true(slab_size(p->size) >= p->size);
		p->mark = (uint8_t)i;
		memset(p->at, p->mark, p->size);
	}
	for (unsigned i = 0; i < PIECES; i++) {
		if (pieces[i].at == NULL)
			continue;
		check(&pieces[i]);
		slab_free(s, pieces[i].at);
	}
	assert_int_equal(0, slab_used(s));
	slab_destroy(s);
	free(memory);
}

static void
all_of_the_memory_serves_any_size(void **state)
{
	static const size_t sizes[] = {64, 100, 1570, 2049, 3000, 9000, 65535,
	    65536, 65537, CHUNKS * SLAB_CHUNK};
	static void *got[CHUNKS * 1024 + 1];
	void *memory = aligned_alloc(SLAB_CHUNK, CHUNKS * SLAB_CHUNK);
	struct slab *s = slab_create(memory, CHUNKS * SLAB_CHUNK);

	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		size_t per = SLAB_CHUNK / slab_size(sizes[i]), want, n = 0;
		size_t row = slab_size(sizes[i]) / SLAB_CHUNK;

		want = per > 0 ? CHUNKS * per : CHUNKS / row;
		while ((got[n] = slab_alloc(s, sizes[i])) != NULL)
			n++;
		assert_int_equal(want, n);
		while (n > 0)
			slab_free(s, got[--n]);
		assert_int_equal(0, slab_used(s));
	}
	assert_null(slab_alloc(s, CHUNKS * SLAB_CHUNK + 1));
	slab_destroy(s);
	free(memory);
}

static void
sizes_grow_by_a_quarter_at_most(void **state)
{
	(void)state;
	assert_int_equal(64, slab_size(1));
	assert_int_equal(128, slab_size(128));
	assert_int_equal(192, slab_size(129));
	assert_int_equal(2048, slab_size(2048));
	for (size_t n = 2049; n <= SLAB_CHUNK; n += 63)
		assert_in_range(slab_size(n), n, n + n / 4);
	assert_int_equal(SLAB_CHUNK, slab_size(SLAB_CHUNK));
	assert_int_equal(2 * SLAB_CHUNK, slab_size(SLAB_CHUNK + 1));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(blocks_do_not_overlap),
	    cmocka_unit_test(all_of_the_memory_serves_any_size),
	    cmocka_unit_test(sizes_grow_by_a_quarter_at_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
