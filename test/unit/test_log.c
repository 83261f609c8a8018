/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "base/log.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static int real_stderr, ends[2];

static int
begin(void **state)
{
	(void)state;
	real_stderr = dup(STDERR_FILENO);
	assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
	dup2(ends[1], STDERR_FILENO);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	dup2(real_stderr, STDERR_FILENO);
	close(real_stderr);
	close(ends[0]);
	close(ends[1]);
	log_set_level(LOG_INFO);
	return 0;
}

static const char *
written(void)
{
	static char text[2048];
	ssize_t n = read(ends[0], text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void
one_line_each(void **state)
{
	(void)state;
	log_msg(LOG_WARN, "control: %s: %d", "x", 7);
	assert_string_equal(written(), "kipfw: warn: control: x: 7\n");
	log_msg(LOG_ERROR, "a\nb\x1b[c");
	assert_string_equal(written(), "kipfw: error: a?b?[c\n");
}

static void
levels(void **state)
{
	(void)state;
	log_msg(LOG_DEBUG, "no");
	assert_string_equal(written(), "");
	log_set_level(LOG_DEBUG);
	log_msg(LOG_DEBUG, "yes");
	assert_string_equal(written(), "kipfw: debug: yes\n");
	log_set_level(LOG_ERROR);
	log_msg(LOG_WARN, "no");
	assert_string_equal(written(), "");
}

static void
long_lines_are_cut(void **state)
{
	char text[1000];
	const char *line;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	log_msg(LOG_INFO, "%s", text);
	line = written();
	assert_int_equal(strlen(line), 511);
	assert_int_equal(line[510], '\n');
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(one_line_each, begin, end),
	    cmocka_unit_test_setup_teardown(levels, begin, end),
	    cmocka_unit_test_setup_teardown(long_lines_are_cut, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
