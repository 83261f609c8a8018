/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/words.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include <cmocka.h>

/* "word@pos word@pos", for one comparison. */
static void
check(struct words *ws, const char *want)
{
	char got[512] = "";

	for (unsigned i = 0; i < ws->n; i++) {
		size_t len = strlen(got);

		snprintf(got + len, sizeof(got) - len, "%s%s@%d",
		    i > 0 ? " " : "", ws->w[i].s, ws->w[i].pos);
	}
	assert_string_equal(got, want);
	words_fini(ws);
}

static void
check_line(const char *line, const char *want)
{
	struct words ws;

	assert_int_equal(words_line(&ws, line, NULL), 0);
	check(&ws, want);
}

static void
lines(void **state)
{
	(void)state;
	check_line("", "");
	check_line(" \t\n", "");
	check_line("# all comment", "");
	check_line("a", "a@1");
	check_line("  add  1\tb \n", "add@1 1@2 b@3");
	check_line("a,b", "a,b@1");
	check_line("a, b,  c d", "a,b,c@1 d@2");
	check_line("a , b", "a@1 ,b@2");
	check_line("a b#c", "a@1 b@2");
	check_line("a,", "a,@1");
}

static void
check_argv(char *const argv[], int argc, const char *want)
{
	struct words ws;

	assert_int_equal(words_argv(&ws, argc, argv, NULL), 0);
	check(&ws, want);
}

static void
arguments(void **state)
{
	char *plain[] = {(char[]){"add"}, (char[]){"x y"}, (char[]){"# z"}};
	char *commas[] = {(char[]){"a,"}, (char[]){"b,"}, (char[]){"c"},
	    (char[]){"d,"}};
	char *empty[] = {(char[]){""}, (char[]){"a"}};

	(void)state;
	check_argv(plain, 0, "");
	check_argv(plain, 3, "add@1 x y@2 # z@3");
	check_argv(commas, 4, "a,b,c@1 d,@4");
	check_argv(empty, 2, "@1 a@2");
}

static void
check_rule(const char *line, const char *want)
{
	struct words ws, out;

	assert_int_equal(words_line(&ws, line, NULL), 0);
	assert_int_equal(words_rule(&out, ws.w, ws.n, NULL), 0);
	words_fini(&ws);
	check(&out, want);
}

static void
braces(void **state)
{
	(void)state;
	check_rule("a b", "a@1 b@2");
	check_rule("{a or b}", "{@1 a@1 or@2 b@3 }@3");
	check_rule("(a or b)", "(@1 a@1 or@2 b@3 )@3");
	check_rule("{ a }", "{@1 a@2 }@3");
	check_rule("!in", "!@1 in@1");
	check_rule("{!a}", "{@1 !@1 a@1 }@1");
	check_rule("10.0.0.0/24{1,2}", "10.0.0.0/24{1,2}@1");
	check_rule("{10.0.0.0/24{1,2} or x}",
	    "{@1 10.0.0.0/24{1,2}@1 or@2 x@3 }@3");
	check_rule("{x or 10.0.0.0/24{1,2}}",
	    "{@1 x@1 or@2 10.0.0.0/24{1,2}@3 }@3");
	check_rule("table(1)", "table(1)@1");
	check_rule("}}", "}@1 }@1");
	check_rule("{}", "{@1 }@1");
	check_rule("a // {b} !c (d", "a@1 //@2 {b}@3 !c@4 (d@5");
}

static void
errors(void **state)
{
	struct word w = {"fro", 5};
	struct err e;

	(void)state;
	assert_int_equal(word_err(&e, EX_USAGE, &w, "no %s", "good"), EX_USAGE);
	assert_string_equal(e.text, "word 5 \"fro\": no good");
	assert_int_equal(e.pos, 5);
	assert_int_not_equal(e.code, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lines),
	    cmocka_unit_test(arguments),
	    cmocka_unit_test(braces),
	    cmocka_unit_test(errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
