/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages between two threads: order, bounds, wrapping. */
#include "unit.h"

#include "base/msgring.h"
#include "base/rng.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>

static void
one_after_the_other(void **state)
{
	struct msgring *g = msgring_create(64);
	uint32_t len;
	char *m;

	(void)state;
	assert_null(msgring_next(g, &len));
	assert_true(msgring_empty(g));
	assert_false(msgring_unpublished(g));
	memcpy(msgring_put(g, 3), "one", 3);
	assert_true(msgring_unpublished(g));
	assert_null(msgring_next(g, &len)); /* not yet published */
	memcpy(msgring_put(g, 0), "", 0);
	msgring_publish(g);
	assert_false(msgring_unpublished(g));
	assert_false(msgring_empty(g));
	m = msgring_next(g, &len);
	assert_int_equal(len, 3);
	assert_memory_equal(m, "one", 3);
	assert_non_null(msgring_next(g, &len));
	assert_int_equal(len, 0);
	assert_null(msgring_next(g, &len));
	msgring_destroy(g);
}

static void
full_until_released(void **state)
{
	struct msgring *g = msgring_create(64);
	uint32_t len;

	(void)state;
	assert_null(msgring_put(g, 57)); /* with its length: too long */
	assert_non_null(msgring_put(g, 56));
	assert_null(msgring_put(g, 0));
	msgring_publish(g);
	assert_non_null(msgring_next(g, &len));
	assert_int_equal(len, 56);
	assert_null(msgring_put(g, 0));
	msgring_release(g);
	assert_non_null(msgring_put(g, 24));
	assert_non_null(msgring_put(g, 0));
	/* 24 octets are left before the end, none of them at the start. */
	assert_null(msgring_put(g, 24));
	assert_non_null(msgring_put(g, 16));
	assert_null(msgring_put(g, 0));
	msgring_destroy(g);
}

enum { N_MESSAGES = 200000, LONGEST = 300 };

static void *
write_all(void *arg)
{
	struct msgring *g = arg;
	struct rng rng;

	rng_init(&rng, 5);
	for (unsigned i = 0; i < N_MESSAGES; i++) {
		uint32_t len = (uint32_t)rng_u64(&rng) % LONGEST;
		uint8_t *m;

		while ((m = msgring_put(g, len)) == NULL) {
			msgring_publish(g);
			sched_yield();
		}
		memset(m, (int)i, len);
		if (i % 7 == 0)
			msgring_publish(g);
	}
	msgring_publish(g);
	return NULL;
}

/* Every message arrives, whole and in order, through a ring that wraps. */
static void
two_threads(void **state)
{
	struct msgring *g = msgring_create(1024);
	struct rng rng;
	pthread_t t;

	(void)state;
	rng_init(&rng, 5);
	assert_int_equal(pthread_create(&t, NULL, write_all, g), 0);
	for (unsigned i = 0; i < N_MESSAGES; i++) {
		uint32_t want = (uint32_t)rng_u64(&rng) % LONGEST, len;
		uint8_t *m;

		while ((m = msgring_next(g, &len)) == NULL) {
			msgring_release(g);
			sched_yield();
		}
		assert_int_equal(len, want);
		for (uint32_t k = 0; k < len; k++)
			if (m[k] != (uint8_t)i)
				fail_msg("message %u, octet %u", i, k);
		if (i % 5 == 0)
			msgring_release(g);
	}
	pthread_join(t, NULL);
	assert_true(msgring_empty(g));
	msgring_destroy(g);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_after_the_other),
		cmocka_unit_test(full_until_released),
		cmocka_unit_test(two_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
