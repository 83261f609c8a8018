/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "base/hugemem.h"

#include <string.h>

/* Zeroed, aligned, and as long as was asked for. */
static void
it_is_memory(void **state)
{
	static const size_t sizes[] = {1, 4096, HUGEMEM_PAGE - 1, HUGEMEM_PAGE,
	    HUGEMEM_PAGE + 1, 5 * (size_t)HUGEMEM_PAGE};
	unsigned char *m[ARRAY_LEN(sizes)];

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(sizes); i++) {
		m[i] = hugemem_alloc(sizes[i]);
		assert_non_null(m[i]);
		assert_int_equal((uintptr_t)m[i] % HUGEMEM_PAGE, 0);
		assert_int_equal(m[i][0] | m[i][sizes[i] - 1], 0);
		memset(m[i], (int)i + 1, sizes[i]);
	}
	for (unsigned i = 0; i < ARRAY_LEN(sizes); i++) {
		assert_int_equal(m[i][0], i + 1);
		assert_int_equal(m[i][sizes[i] - 1], i + 1);
		hugemem_free(m[i], sizes[i]);
	}
	hugemem_free(NULL, 1);
}

static void
too_much_is_refused(void **state)
{
	(void)state;
	assert_null(hugemem_alloc(SIZE_MAX));
	assert_null(hugemem_alloc(SIZE_MAX / 2));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_memory),
		cmocka_unit_test(too_much_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
