/* SPDX-License-Identifier: BSD-2-Clause */
/* Stories of packets, in the order in which packets came, and their lines. */
#include "unit.h"

#include "daemon/verdict_file.h"
#include "engine/step.h"
#include "engine/verdicts.h"
#include "engine/vtime.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST = 5000 };

static struct told {
	uint64_t next; /* number of the next one to be told */
	unsigned ends[5];
	struct packet_story last;
} told;
static struct step_ctx c;
static struct vtime vtime;

static void
hear(void *arg, uint64_t number, const struct packet_story *s)
{
	struct told *t = arg;

	assert_int_equal(number, ++t->next);
	t->ends[s->end]++;
	t->last = *s;
}

static struct verdicts *
begin(void)
{
	struct verdicts *v = verdicts_create(hear, &told);

	assert_non_null(v);
	memset(&told, 0, sizeof(told));
	vtime = (struct vtime){.verdicts = v};
	c.vtime = &vtime;
	return v;
}

/* Packet 'number' came, and rule 'rule' said so. */
static void
comes(struct verdicts *v, uint32_t number, uint16_t rule,
    enum verdict verdict, uint16_t to)
{
	struct pkt p = {.verdict = (uint8_t)verdict, .fate.to = to};

	assert_true(verdicts_begin(v, number, "a"));
	vtime.number = number;
	*verdicts_note(v) = (struct note){.rule = rule};
	if (verdict == VERDICT_ACCEPT)
		verdicts_pass(&c);
	else
		verdicts_see_off(&c, &p);
	verdicts_tell(v, false);
}

static void
told_at_once(void **state)
{
	struct verdicts *v = begin();

	(void)state;
	comes(v, 0, 100, VERDICT_ACCEPT, 0);
	assert_int_equal(told.next, 1);
	assert_int_equal(told.last.note.rule, 100);
	assert_int_equal(told.last.left, 0);
	comes(v, 1, 200, VERDICT_DENY, 0);
	assert_string_equal(told.last.why, drop_text[DROP_RULE]);
	comes(v, 2, 300, VERDICT_BOUNCE, 0);
	comes(v, 3, 400, VERDICT_REASS, 0);
	assert_int_equal(told.last.reass, 400);
	comes(v, 4, 500, VERDICT_DIVERT, 9);
	assert_int_equal(told.next, 5);
	assert_int_equal(told.ends[END_PASS], 1);
	assert_int_equal(told.ends[END_DROP], 2);
	assert_int_equal(told.ends[END_BACK], 1);
	assert_int_equal(told.ends[END_KEPT], 1);
	verdicts_destroy(v);
}

/* One that a pipe holds holds the others back; more than there was room for. */
static void
told_in_order(void **state)
{
	struct verdicts *v = begin();

	(void)state;
	comes(v, 0, 100, VERDICT_QUEUE, 7);
	for (uint32_t i = 1; i < MOST; i++)
		comes(v, i, 200, i == 3 ? VERDICT_PIPE : VERDICT_ACCEPT, 8);
	assert_int_equal(told.next, 0);
	vtime.now = 12345;
	vtime.number = 0;
	*verdicts_note(v) = (struct note){0};
	verdicts_pass(&c);
	verdicts_pass(&c); /* a copy */
	verdicts_tell(v, false);
	assert_int_equal(told.next, 3);
	verdicts_pipe_drop(v, 3, DN_DROP_QUEUE_FULL);
	verdicts_pipe_drop(v, 3, DN_DROP_AQM); /* too late */
	verdicts_tell(v, false);
	assert_int_equal(told.next, MOST);
	comes(v, MOST, 100, VERDICT_PIPE, 7);
	verdicts_tell(v, true);
	assert_int_equal(told.next, MOST + 1);
	assert_int_equal(told.ends[END_HELD], 1);
	assert_int_equal(told.ends[END_DROP], 1);
	verdicts_pass(&c); /* told already: nothing */
	verdicts_destroy(v);
}

/* Numbers beyond what a held packet keeps of them. */
static void
numbers_wrap(void **state)
{
	struct verdicts *v = begin();

	(void)state;
	for (uint32_t i = 0; i < VERDICTS_MAX + 10u; i++)
		comes(v, i, 1, i == VERDICTS_MAX + 3u ? VERDICT_PIPE :
		    VERDICT_ACCEPT, 1);
	assert_int_equal(told.next, VERDICTS_MAX + 3);
	vtime.number = 3; /* as the held packet says it */
	verdicts_pass(&c);
	verdicts_tell(v, false);
	assert_int_equal(told.next, VERDICTS_MAX + 10);
	verdicts_destroy(v);
}

static void
lines(void **state)
{
	static const struct packet_story stories[] = {
	    {.came = 1700000000000000001, .ifname = "a", .end = END_PASS,
		.note = {.rule = 100, .found = 90}, .pipe = 3,
		.left = 1700000001200000000},
	    {.came = 999999999, .ifname = "x\"\\\n", .end = END_DROP,
		.note = {.rule = 5, .made = 4}, .is_queue = true, .pipe = 2,
		.reass = 1, .why = "queue full"},
	};
	static const char *const want[] = {
	    "1 1700000000.000000001 a pass rule 100 found 90 pipe 3 left "
	    "1700000001.200000000\n"
	    "18446744073709551615 0.999999999 x\"\\? drop rule 5 made 4 "
	    "reass 1 queue 2 why queue full\n",
	    "{\"number\":1,\"time\":\"1700000000.000000001\",\"port\":\"a\","
	    "\"verdict\":\"pass\",\"rule\":100,\"found\":90,\"pipe\":3,"
	    "\"left\":\"1700000001.200000000\"}\n"
	    "{\"number\":18446744073709551615,\"time\":\"0.999999999\","
	    "\"port\":\"x\\\"\\\\?\",\"verdict\":\"drop\",\"rule\":5,"
	    "\"made\":4,\"reass\":1,\"queue\":2,\"why\":\"queue full\"}\n",
	};
	static const char *const names[] = {"/tmp/kipfw-test-verdicts",
	    "/tmp/kipfw-test-verdicts.jsonl"};
	char path[64], got[1024];

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct verdict_file *f = NULL;
		FILE *file;

		snprintf(path, sizeof(path), "%.24s-%d%s", names[0],
		    (int)getpid(), names[i % 2] + 24);
		assert_int_equal(verdict_file_create(path, i < 2 ?
		    VERDICT_BY_NAME : i == 2 ? VERDICT_TEXT : VERDICT_JSON, &f,
		    NULL), 0);
		verdict_file_put(f, 1, &stories[0]);
		verdict_file_put(f, UINT64_MAX, &stories[1]);
		assert_int_equal(verdict_file_close(f, NULL), 0);
		file = fopen(path, "r");
		got[fread(got, 1, sizeof(got) - 1, file)] = '\0';
		fclose(file);
		unlink(path);
		assert_string_equal(got, want[i % 2]);
	}
}

static void
file_errors(void **state)
{
	const struct packet_story s = {.ifname = "a"};
	struct verdict_file *f = NULL;
	struct err e = {0};

	(void)state;
	assert_true(verdict_file_create("/nowhere/x", VERDICT_TEXT, &f, &e) <
	    0);
	assert_non_null(strstr(e.text, "/nowhere/x"));
	assert_int_equal(verdict_file_create("/dev/full", VERDICT_TEXT, &f,
	    &e), 0);
	for (unsigned i = 0; i < 100000; i++)
		verdict_file_put(f, i, &s);
	assert_true(verdict_file_close(f, &e) < 0);
	assert_non_null(strstr(e.text, "/dev/full: No space left"));
	assert_int_equal(verdict_file_close(NULL, NULL), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(told_at_once),
		cmocka_unit_test(told_in_order),
		cmocka_unit_test(numbers_wrap),
		cmocka_unit_test(lines),
		cmocka_unit_test(file_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
