/* SPDX-License-Identifier: BSD-2-Clause */
/* Classes of sizes: never too small, never much too big, few. */
#include "unit.h"

#include "base/sizes.h"

static void
test_bounds(void **state)
{
	(void)state;
	assert_int_equal(size_class(0), 0);
	assert_int_equal(size_class(1), 64);
	assert_int_equal(size_class(64), 64);
	assert_int_equal(size_class(65), 128);
	for (size_t n = 1; n < 1 << 20; n += n / 97 + 1) {
		size_t c = size_class(n);

		assert_true(c >= n);
		assert_true(c - n <= 63 || c - n <= n / 8);
		assert_int_equal(size_class(c), c);
	}
}

static void
test_few(void **state)
{
	unsigned n_classes = 0;
	size_t last = 0;

	(void)state;
	for (size_t n = 1; n <= 1 << 20; n++)
		if (size_class(n) != last) {
			last = size_class(n);
			n_classes++;
		}
	assert_in_range(n_classes, 16, 16 * 20);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_few),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
