/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a worker's thread runs, and what an urgent one owes. */
#include "unit.h"

#include "engine/thread.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

#define MINUTE (60 * NS_PER_S)

/* A thread that is on the processor whenever it does not pause, for a minute,
 * asked every 'step'; each pause lasts 'late' longer.  Returns what it used. */
static ns_t
busy_minute(struct thread_debt *d, ns_t *now, ns_t *used, ns_t step, ns_t late)
{
	ns_t from = *used, end = *now + MINUTE;

	while (*now < end) {
		ns_t owed = *now >= d->next_look ?
		    thread_debt_owed(d, *now, *used) : 0;

		if (owed != 0) {
			assert_true(owed >= THREAD_PAUSE_NS);
			*now += owed + late;
		} else {
			*now += step;
			*used += step;
		}
	}
	return *used - from;
}

/* Whatever the steps, the others get their share, and not much more. */
static void
others_get_their_share(void **state)
{
	static const ns_t steps[] = {100, 7777, 50000, 3 * NS_PER_MS};
	ns_t most = MINUTE * THREAD_SHARE / (THREAD_SHARE + 1);

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		for (ns_t late = 0; late <= 40000; late += 40000) {
			struct thread_debt d;
			ns_t now = 5, used = 3, on;

			thread_debt_begin(&d, now, used);
			on = busy_minute(&d, &now, &used, steps[i], late);
			assert_in_range(on, most - most / 100,
			    most + 2 * steps[i] + NS_PER_MS);
		}
	}
}

/* Long sleeps are not saved up. */
static void
a_sleep_is_soon_forgotten(void **state)
{
	struct thread_debt d;
	ns_t now = 0, used = 0, on;

	(void)state;
	thread_debt_begin(&d, now, used);
	now += MINUTE;
	assert_int_equal(thread_debt_owed(&d, now, used), 0);
	for (on = 0; thread_debt_owed(&d, now, used) == 0; on += 1000) {
		now += 1000;
		used += 1000;
	}
	assert_in_range(on, THREAD_SHARE * THREAD_PAUSE_NS,
	    THREAD_SHARE * (THREAD_PAUSE_NS + THREAD_SAVED_NS) + 2000);
}

/* Nothing is owed before the time to look. */
static void
looks_are_never_late(void **state)
{
	struct thread_debt d;
	ns_t now = 0, used = 0;

	(void)state;
	thread_debt_begin(&d, now, used);
	for (unsigned i = 0; i < 1000; i++) {
		struct thread_debt before = d;
		ns_t gap = d.next_look - now;

		now += gap - 1;
		used += gap - 1;
		assert_int_equal(thread_debt_owed(&before, now, used), 0);
		now++;
		used++;
		now += thread_debt_owed(&d, now, used);
		assert_true(d.next_look >= now);
	}
}

static void *
where_am_i(void *arg)
{
	struct thread_cfg *at = arg;
	struct sched_param param;

	at->cpu = sched_getcpu();
	at->priority = sched_getscheduler(0) == SCHED_FIFO &&
	    sched_getparam(0, &param) == 0 ? param.sched_priority : 0;
	return NULL;
}

static void
runs_where_it_is_told(void **state)
{
	struct thread_cfg cfg = {.cpu = sched_getcpu()}, at;
	struct err e;
	pthread_t t;

	(void)state;
	assert_int_equal(thread_start(&cfg, &t, where_am_i, &at, &e), 0);
	pthread_join(t, NULL);
	assert_int_equal(at.cpu, cfg.cpu);
	assert_int_equal(at.priority, 0);
	cfg.cpu = CPU_SETSIZE - 1;
	assert_int_equal(thread_start(&cfg, &t, where_am_i, &at, &e), -EINVAL);
	assert_string_equal(e.text,
	    "processor 1023: not there, or not for us");
}

/* Urgent where we may, refused with a reason where not. */
static void
is_urgent_or_refused(void **state)
{
	struct thread_cfg cfg = {.cpu = -1, .priority = 7}, at;
	struct err e;
	pthread_t t;
	int rc = thread_start(&cfg, &t, where_am_i, &at, &e);

	(void)state;
	if (rc == 0) {
		pthread_join(t, NULL);
		assert_int_equal(at.priority, 7);
	} else {
		assert_int_equal(rc, -EPERM);
		assert_non_null(strstr(e.text, "CAP_SYS_NICE"));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(others_get_their_share),
		cmocka_unit_test(a_sleep_is_soon_forgotten),
		cmocka_unit_test(looks_are_never_late),
		cmocka_unit_test(runs_where_it_is_told),
		cmocka_unit_test(is_urgent_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
