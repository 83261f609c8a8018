/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Commands that are refused, test/golden/refusals.txt: each with the exit code
 * and the sentence that stand there, and without any effect.
 */
#include "cli_rig.h"

enum { LINE = 512 };

/* Everything that a command could have changed; owned. */
static char *
state_of_all(void)
{
	static const char *const ask[] = {"-aS list", "set show",
	    "table all info", "table all list", "pipe show", "queue show",
	    "sched show", "sysctl net"};
	char *all = NULL;
	size_t len;
	FILE *f = open_memstream(&all, &len);

	for (size_t i = 0; i < ARRAY_LEN(ask); i++) {
		assert_int_equal(run(ask[i]), 0);
		fwrite(text, 1, text_len, f);
	}
	fclose(f);
	return all;
}

/* Runs the command of a line of the file; tells what is wrong, and returns 1. */
static unsigned
check(char *line)
{
	char want[LINE], *arrow = strstr(line, " => "), *message;
	char *before = state_of_all(), *after;
	unsigned wrong = 0;
	int code, got;

	assert_non_null(arrow);
	*arrow = '\0';
	code = (int)strtol(arrow + 4, &message, 10);
	snprintf(want, sizeof(want), "ipfw: %s\n", message + 1);
	got = run(line);
	if (strcmp(text, want) != 0 || got != code) {
		print_error("%s => %d %s", line, got, text);
		wrong = 1;
	}
	after = state_of_all();
	if (strcmp(before, after) != 0) {
		print_error("%s: had an effect:\n%s", line, after);
		wrong = 1;
	}
	free(before);
	free(after);
	return wrong;
}

static void
refusals(void **state)
{
	FILE *f = fopen("test/golden/refusals.txt", "r");
	char line[LINE];
	unsigned n = 0, wrong = 0;

	(void)state;
	assert_non_null(f);
	rig_flags = CLI_FORCE;
	expect("add 100 count ip from any to any", 0,
	    "00100 count ip from any to any\n");
	expect("add 200 set 5 count log ip from any to any", 0,
	    "00200 count log ip from any to any\n");
	expect("pipe 1 config bw 1Mbit/s", 0, "");
	expect("pipe 2 config bw 2Mbit/s", 0, "");
	expect("table t create", 0, "");
	expect("table t add 10.0.0.1 7", 0, "added: 10.0.0.1/32 7\n");
	while (fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '\0' || line[0] == '#')
			continue;
		wrong += check(line);
		n++;
	}
	fclose(f);
	assert_int_equal(wrong, 0);
	assert_true(n >= 90);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(refusals, rig_setup, rig_teardown),
	};

	return cmocka_run_group_tests_name("refusals", tests, NULL, NULL);
}
