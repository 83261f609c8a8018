/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/names.h"

#include "cli/action.h"
#include "cli/option.h"
#include "rule/insn.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
tables(void **state)
{
	char buf[64];

	(void)state;
	assert_int_equal(name_find(names_tcpflags, "syn")->value, 2);
	assert_null(name_find(names_tcpflags, "sy"));
	assert_null(name_find(names_tcpflags, ""));
	assert_string_equal(name_of(names_tcpopts, TCPOPT_TS), "ts");
	assert_null(name_of(names_dscp, 1));
	assert_string_equal(name_of(names_dscp, 0), "be");
	assert_int_equal(proto_number("tcp"), 6);
	assert_int_equal(proto_number("icmp6"), 58);
	assert_int_equal(proto_number("no-such-protocol"), -1);
	assert_string_equal(proto_name(58, buf, sizeof(buf)), "ipv6-icmp");
	assert_null(proto_name(0, buf, sizeof(buf)));
	assert_null(proto_name(41, buf, sizeof(buf))); /* "ipv6" means ip6 */
	assert_null(proto_name(300, buf, sizeof(buf)));
}

static void
lists(void **state)
{
	(void)state;
	assert_true(name_in_list("one two three", "one"));
	assert_true(name_in_list("one two three", "three"));
	assert_false(name_in_list("one two three", "thre"));
	assert_false(name_in_list("one two three", "one two"));
	assert_false(name_in_list("one", ""));
	assert_false(name_in_list("", "one"));
}

static const char *
hint(const char *word, const char *list)
{
	static char buf[64];
	struct suggest g;

	suggest_init(&g, word);
	suggest_try(&g, list);
	return suggest_text(&g, buf, sizeof(buf));
}

static void
suggestions(void **state)
{
	char longest[200];

	(void)state;
	assert_string_equal(hint("fro", "to from"), ", did you mean \"from\"?");
	assert_string_equal(hint("form", "to from"), ", did you mean \"from\"?");
	assert_string_equal(hint("estblishd", "setup established"),
	    ", did you mean \"established\"?");
	assert_string_equal(hint("xyz", "to from"), "");
	assert_string_equal(hint("x", "to in"), "");
	assert_string_equal(hint("", "to in"), "");
	assert_string_equal(hint("in", "in out"), ""); /* it is the word */
	memset(longest, 'a', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	assert_string_equal(hint(longest, longest), "");
}

/* Every keyword finds its row, and no keyword stands in two rows that parse. */
static void
option_rows(void **state)
{
	(void)state;
	assert_null(option_find("nonsense"));
	assert_null(option_find(""));
	assert_int_equal(option_find("estab")->op, O_ESTAB);
	assert_ptr_equal(option_find("estab"), option_find("established"));
	for (unsigned op = 0; op < O_LAST; op++) {
		const struct option *o = option_of(op);
		char kw[32];

		if (o == NULL)
			continue;
		assert_int_equal(o->op, op);
		option_keyword(o, kw, sizeof(kw));
		assert_true(strlen(kw) > 0);
		assert_non_null(option_find(kw));
	}
}

/* What insn.def calls supported can be printed. */
static void
opcodes_print(void **state)
{
	(void)state;
	for (unsigned op = 0; op < O_LAST; op++) {
		const struct insn_info *info = &insn_table[op];

		/* An external action is printed with its data. */
		if (info->refusal != NULL || op == O_PROB ||
		    op == O_EXTERNAL_ACTION)
			continue;
		if (info->kind == INSN_MATCH || info->kind == INSN_NOTE)
			assert_non_null(option_of(op));
		else if (info->kind == INSN_ACTION)
			assert_non_null(action_of(op));
		else if (info->kind == INSN_MODIFIER)
			assert_non_null(modifier_of(op));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(tables),
	    cmocka_unit_test(lists),
	    cmocka_unit_test(suggestions),
	    cmocka_unit_test(option_rows),
	    cmocka_unit_test(opcodes_print),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
