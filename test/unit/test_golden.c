/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The golden corpora: rules with their text and bytecode, and refusals.
 *
 * A rule must compile to the bytecode in the file and print as the file says;
 * what was printed must print itself, and its bytecode must not change again.
 */
#include "cli/compile.h"
#include "cli/print.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LINE = 2048, PARTS = 3, NUMBER = 6 /* "00000 " */ };

static struct tabnames tables; /* of the rule compiled last */

static int
compile(const char *s, struct rule_buf *rb, struct err *e)
{
	struct words w;
	int r;

	tabnames_fini(&tables);
	assert_int_equal(words_line(&w, s, e), 0);
	r = compile_named(w.w, w.n, 0, rb, &tables, e);
	words_fini(&w);
	return r;
}

/* The rule without its number and the newline; owned. */
static char *
print(const struct rule_buf *rb)
{
	struct print_opt opt = {.tables = &tables, .names = rb->names,
	    .n_names = rb->n_names};
	struct text t = {0};
	char *s;

	print_rule(&t, &rb->rule, rule_size(&rb->rule), NULL, &opt);
	assert_false(t.failed);
	assert_int_equal(t.s[t.len - 1], '\n');
	t.s[t.len - 1] = '\0';
	s = strdup(t.s + NUMBER);
	text_fini(&t);
	return s;
}

/* Cuts at " => "; returns the number of parts. */
static int
split(char *line, char *part[PARTS])
{
	int n = 0;

	while (line != NULL && n < PARTS) {
		char *next = strstr(line, " => ");

		part[n++] = line;
		if (next != NULL) {
			*next = '\0';
			next += 4;
		}
		line = next;
	}
	return n;
}

static void
check_code(const struct rule_buf *rb, const char *hex)
{
	char *copy = strdup(hex), *save = NULL;
	unsigned n = 0, act = 0;

	for (char *s = strtok_r(copy, " ", &save); s != NULL;
	     s = strtok_r(NULL, " ", &save)) {
		if (strcmp(s, "/") == 0) {
			act = n;
			continue;
		}
		assert_true(n < rb->rule.cmd_len);
		assert_int_equal(rb->cmd[n], strtoul(s, NULL, 16));
		n++;
	}
	assert_int_equal(rb->rule.cmd_len, n);
	assert_int_equal(rb->rule.act_ofs, act);
	free(copy);
}

static void
check_rule(char *part[], int n)
{
	struct rule_buf a, b, c;
	struct err e = {.text = ""};
	char *once, *twice;

	if (compile(part[0], &a, &e) != 0)
		fail_msg("%s: %s", part[0], e.text);
	once = print(&a);
	assert_string_equal(once, part[1]);
	if (n > 2)
		check_code(&a, part[2]);
	if (compile(once, &b, &e) != 0)
		fail_msg("%s, printed as %s: %s", part[0], once, e.text);
	twice = print(&b);
	assert_string_equal(twice, once);
	assert_int_equal(compile(twice, &c, &e), 0);
	assert_int_equal(b.rule.cmd_len, c.rule.cmd_len);
	assert_memory_equal(b.cmd, c.cmd, b.rule.cmd_len * 4);
	free(once);
	free(twice);
}

static void
check_refusal(char *part[], int n)
{
	struct rule_buf rb = {.rule = {.id = 77}};
	struct err e = {.text = ""};
	char *text;
	int code = (int)strtol(part[1], &text, 10);
	int r = compile(part[0], &rb, &e);

	(void)n;
	assert_string_equal(e.text, text + 1);
	assert_int_equal(r, code);
	assert_true(e.pos > 0);
	assert_int_equal(rb.rule.id, 77); /* untouched */
}

static unsigned
each_line(const char *path, void (*check)(char *part[], int n))
{
	FILE *f = fopen(path, "r");
	char line[LINE], *part[PARTS];
	unsigned n = 0;
	int parts;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '\0' || line[0] == '#')
			continue;
		parts = split(line, part);
		assert_true(parts >= 2);
		check(part, parts);
		n++;
	}
	fclose(f);
	tabnames_fini(&tables);
	return n;
}

static void
rules(void **state)
{
	(void)state;
	assert_true(each_line("test/golden/rules.txt", check_rule) >= 600);
}

static void
refusals(void **state)
{
	(void)state;
	assert_true(each_line("test/golden/errors.txt", check_refusal) >= 200);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rules),
	    cmocka_unit_test(refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
