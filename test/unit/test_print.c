/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/print.h"

#include "cli/compile.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct rule_buf
rule(const char *s)
{
	struct rule_buf rb;
	struct words w;
	struct err e;

	assert_int_equal(words_line(&w, s, &e), 0);
	if (compile_rule(w.w, w.n, 0, &rb, &e) != 0)
		fail_msg("%s: %s", s, e.text);
	words_fini(&w);
	return rb;
}

static void
check(const char *s, unsigned flags, const struct abi_counter *c,
    const char *want)
{
	struct rule_buf rb = rule(s);
	struct print_opt opt = {.flags = flags, .pkts_width = 3,
	    .bytes_width = 5};
	struct text t = {0};

	print_rule(&t, &rb.rule, rule_size(&rb.rule), c, &opt);
	assert_string_equal(text_str(&t), want);
	text_fini(&t);
}

static void
columns(void **state)
{
	struct abi_counter c = {.size = sizeof(c), .pcnt = 12, .bcnt = 345,
	    .timestamp = 86400};
	struct abi_counter never = {.size = sizeof(never)};

	(void)state;
	setenv("TZ", "UTC", 1);
	check("100 allow ip from any to any", 0, NULL,
	    "00100 allow ip from any to any\n");
	check("set 7 allow in", PRINT_SET, NULL, "00000 set 7 allow in\n");
	check("1 allow in", PRINT_COUNTERS, &c, "00001  12   345 allow in\n");
	check("1 allow in", PRINT_COUNTERS, NULL, "00001 allow in\n");
	check("1 allow in", PRINT_EPOCH, &c, "00001      86400 allow in\n");
	check("1 allow in", PRINT_TIME, &c,
	    "00001 Fri Jan  2 00:00:00 1970 allow in\n");
	check("1 allow in", PRINT_TIME, &never,
	    "00001                         allow in\n");
	check("1 prob 0.5 allow in", PRINT_COUNTERS | PRINT_SET, &c,
	    "00001  12   345 set 0 prob 0.500000 allow in\n");
}

static void
compact(void **state)
{
	(void)state;
	check("allow ip from any to any in", PRINT_COMPACT, NULL,
	    "00000 allow in\n");
	check("allow ip from any to any src-ip 1.2.3.4", PRINT_COMPACT, NULL,
	    "00000 allow src-ip 1.2.3.4\n");
	check("allow tcp from any to any in", PRINT_COMPACT, NULL,
	    "00000 allow tcp from any to any in\n");
	check("allow ip from any to any", PRINT_COMPACT, NULL,
	    "00000 allow ip from any to any\n");
}

static void
comments(void **state)
{
	(void)state;
	check("allow in // hi", PRINT_COMMENT | PRINT_COMPACT, NULL,
	    "00000 allow // hi\n");
	check("allow log in", PRINT_COMMENT | PRINT_COMPACT, NULL,
	    "00000 allow log // ...\n");
}

/* A rule of these words, 'act' of them patterns, in memory of exactly its
 * size, so that the sanitizer sees any octet read past it. */
static char *
print_words(const uint32_t *w, unsigned n, unsigned act, unsigned claimed)
{
	struct abi_rule head = {.act_ofs = (uint16_t)act,
	    .cmd_len = (uint16_t)claimed, .rulenum = 1};
	struct print_opt opt = {.flags = 0};
	struct text t = {0};
	size_t size = sizeof(head) + n * 4;
	char *mem = malloc(size);

	assert_non_null(mem);
	memcpy(mem, &head, sizeof(head));
	if (n > 0)
		memcpy(mem + sizeof(head), w, n * 4);
	print_rule(&t, (const void *)mem, size, NULL, &opt);
	free(mem);
	assert_false(t.failed);
	assert_int_equal(t.s[t.len - 1], '\n');
	assert_int_equal(strlen(t.s), t.len);
	for (size_t i = 0; i + 1 < t.len; i++)
		assert_true((unsigned char)t.s[i] >= 0x20);
	return t.s;
}

static void
check_words(const uint32_t *w, unsigned n, unsigned act, const char *want)
{
	char *s = print_words(w, n, act, n);

	assert_string_equal(s, want);
	free(s);
}

static void
odd_bytecode(void **state)
{
	const uint32_t accept = 0x0000012d, unknown = 0x00050163;
	const uint32_t long_one = 0x0000033f; /* O_JAIL of 3 words */

	(void)state;
	check_words(NULL, 0, 0,
	    "00001 [no action] ip from any to any\n");
	check_words((uint32_t[]){unknown, accept}, 2, 1,
	    "00001 allow ip from any to any [opcode 99 len 1 arg 5]\n");
	check_words((uint32_t[]){0, accept}, 2, 1,
	    "00001 allow ip from any to any [malformed options]\n");
	check_words((uint32_t[]){long_one, accept}, 2, 1,
	    "00001 allow ip from any to any [malformed options]\n");
	check_words((uint32_t[]){accept}, 1, 500,
	    "00001 [no action] ip from any to any [opcode 45 len 1 arg 0]\n");
	/* A chain of 'or' that nothing ends. */
	check_words((uint32_t[]){0x0000410f, accept}, 2, 1,
	    "00001 allow ip from any to any { in }\n");
	/* keep-state as the original sends it. */
	check_words((uint32_t[]){0x00000126, 0x00000127, accept}, 3, 2,
	    "00001 allow ip from any to any keep-state\n");
	check_words((uint32_t[]){0x0000012c}, 1, 0,
	    "00001 check-state :any\n");
	/* A set of 256 addresses with a map of 32, and one of 3. */
	check_words((uint32_t[]){0x01000304, 0, 1, accept}, 4, 3, "00001 allow "
	    "ip from [opcode 4 len 3 arg 256] to any\n");
	check_words((uint32_t[]){0x00030304, 0, 1, accept}, 4, 3, "00001 allow "
	    "ip from [opcode 4 len 3 arg 3] to any\n");
}

/* Small words make lengths that fit more often than random ones. */
static uint32_t
random_word(void)
{
	uint32_t op = (uint32_t)rand() % 101, len, arg;

	if (rand() % 3 == 0)
		return (uint32_t)rand() * 2654435761u;
	len = rand() % 4 == 0 ? (uint32_t)rand() % 256
			      : (uint32_t)rand() % 10 | (rand() & 0xc0u);
	arg = rand() % 2 == 0 ? (uint32_t)rand() % 5 : (uint32_t)rand() % 65536;
	return op | len << 8 | arg << 16;
}

static void
random_bytecode(void **state)
{
	uint32_t w[64];

	(void)state;
	srand(1);
	for (int k = 0; k < 60000; k++) {
		unsigned n = (unsigned)rand() % ARRAY_LEN(w);
		unsigned act = (unsigned)rand() % (n + 2);

		for (unsigned i = 0; i < n; i++)
			w[i] = random_word();
		free(print_words(w, n, act,
		    rand() % 8 == 0 ? (unsigned)rand() % 65536 : n));
	}
}

static void
short_memory(void **state)
{
	struct abi_rule r = {.cmd_len = 9};
	struct print_opt opt = {.flags = 0};
	struct text t = {0};

	(void)state;
	print_rule(&t, &r, 5, NULL, &opt);
	assert_string_equal(text_str(&t), "[rule of 5 octets]\n");
	text_fini(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(columns),
	    cmocka_unit_test(compact),
	    cmocka_unit_test(comments),
	    cmocka_unit_test(odd_bytecode),
	    cmocka_unit_test(random_bytecode),
	    cmocka_unit_test(short_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
