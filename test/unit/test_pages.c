/* SPDX-License-Identifier: BSD-2-Clause */
/* Big blocks: zeros, aligned, all of them writable, given back whole. */
#include "unit.h"

#include "base/pages.h"

#include <string.h>

static void
test_blocks(void **state)
{
	static const size_t sizes[] = {1, 4096, 1 << 20, (3 << 20) + 1};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(sizes); i++) {
		unsigned char *p = pages_huge.take(sizes[i]);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % CACHE_LINE, 0);
		assert_int_equal(p[0] | p[sizes[i] - 1], 0);
		memset(p, 0xff, sizes[i]);
		pages_huge.give(p,
		    (uint32_t)((sizes[i] + PAGES_UNIT - 1) / PAGES_UNIT));
	}
}

static void
test_too_much(void **state)
{
	(void)state;
	assert_null(pages_huge.take(SIZE_MAX));
	assert_null(pages_huge.take(SIZE_MAX / 2));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_blocks),
	    cmocka_unit_test(test_too_much),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
