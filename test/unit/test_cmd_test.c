/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * 'ipfw test -f FILE', word by word: test/golden/trial.txt.
 *
 * A line "rules" begins the commands of a file, up to an empty line.  A line
 * "> ARGS" is what is asked of them, as one would type it; what follows, up to an
 * empty line, is what must be printed, errors included, and "= CODE" in the end.
 */
#include "daemon/offline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <cmocka.h>

enum { MAX_ARGS = 32 };

struct golden {
	FILE *f;
	char *line;
	size_t room;
	unsigned n; /* of the line */
	unsigned n_cases;
	char rules[32]; /* path */
};

static bool
next_line(struct golden *g)
{
	ssize_t len = getline(&g->line, &g->room, g->f);

	g->n++;
	return len > 0;
}

static bool
is_empty(const struct golden *g)
{
	return g->line[0] == '\n';
}

static void
take_rules(struct golden *g)
{
	FILE *f = fopen(g->rules, "w");

	assert_non_null(f);
	while (next_line(g) && !is_empty(g))
		fputs(g->line, f);
	fclose(f);
}

/* Cuts a line at blanks; what stands between ' is one word. */
static int
cut(char *s, char *argv[MAX_ARGS])
{
	int n = 0;

	for (;;) {
		char end = ' ';

		s += strspn(s, " \n");
		if (*s == '\0')
			return n;
		if (*s == '\'') {
			end = '\'';
			s++;
		}
		assert_true(n < MAX_ARGS - 1);
		argv[n++] = s;
		s += strcspn(s, end == ' ' ? " \n" : "'");
		if (*s != '\0')
			*s++ = '\0';
	}
}

/* Runs ipfw; returns what it printed, owned. */
static char *
run(int argc, char *argv[])
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	struct cli c = {.in = stdin, .out = out, .err = out, .prog = "ipfw",
	    .flags = CLI_FORCE, .set = -1, .offline = &offline_ops};
	int code;

	assert_non_null(out);
	c.ctl = ctl_client_open("/nowhere", 1);
	assert_non_null(c.ctl);
	code = cli_main(&c, argc, argv);
	fprintf(out, "= %d\n", code);
	fclose(out);
	ctl_client_close(c.ctl);
	return text;
}

static void
check_case(struct golden *g)
{
	char *argv[MAX_ARGS + 1], *line = strdup(g->line + 1), *got;
	unsigned n = g->n;
	char want[16384] = "";
	int argc;

	argv[0] = g->rules; /* "ipfw" */
	argc = 1 + cut(line, argv + 1);
	for (int k = 1; k < argc; k++)
		if (strcmp(argv[k], "FILE") == 0)
			argv[k] = g->rules;
	while (next_line(g) && !is_empty(g)) {
		assert_true(strlen(want) + strlen(g->line) < sizeof(want));
		strcat(want, g->line);
	}
	got = run(argc, argv);
	if (strcmp(got, want) != 0)
		fail_msg("trial.txt:%u: got:\n%s", n, got);
	g->n_cases++;
	free(got);
	free(line);
}

static void
test_golden(void **state)
{
	struct golden g = {.rules = "/tmp/test_cmd_test.XXXXXX"};
	int fd = mkstemp(g.rules);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	g.f = fopen("test/golden/trial.txt", "r");
	assert_non_null(g.f);
	while (next_line(&g)) {
		if (strcmp(g.line, "rules\n") == 0)
			take_rules(&g);
		else if (g.line[0] == '>')
			check_case(&g);
		else if (g.line[0] != '#' && !is_empty(&g))
			fail_msg("trial.txt:%u: what is this?", g.n);
	}
	assert_true(g.n_cases > 20);
	fclose(g.f);
	free(g.line);
	unlink(g.rules);
}

/* An engine that no daemon stands behind asks nobody else either. */
static void
test_no_offline(void **state)
{
	char name[] = "ipfw", test[] = "test", f[] = "-f", file[] = "x",
	    tcp[] = "tcp", *argv[] = {name, test, f, file, tcp, NULL};
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	struct cli c = {.in = stdin, .out = out, .err = out, .prog = "ipfw",
	    .set = -1};

	(void)state;
	c.ctl = ctl_client_open("/nowhere", 1);
	assert_int_equal(cli_main(&c, 5, argv), EX_UNAVAILABLE);
	fclose(out);
	assert_non_null(strstr(text, "only on the command line"));
	ctl_client_close(c.ctl);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_golden),
	    cmocka_unit_test(test_no_offline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
