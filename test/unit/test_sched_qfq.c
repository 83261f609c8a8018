/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * QFQ against the fluid system.  The paper bounds how far a flow lags (its B-WFI)
 * by 3 s + 2 L_max * r_i / r, where s is its slot in octets: the power of two
 * above lmax / weight, times its weight, so below 2 lmax.
 */
#include "sched_rig.h"

enum { LMAX = 1500 };

static void
check_bounds(void)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < FLOWS; i++)
		sum += lg.weights[i];
	for (uint32_t i = 0; i < FLOWS; i++) {
		double share = (double)lg.weights[i] / (double)sum;
		double bound = 3 * 2 * LMAX + 2 * LMAX * share + 1;
		double lag = worst_lag(i, share);

		if (lag > bound)
			fail_msg("flow %u of weight %u in %llu lags by %g "
			    "octets: %g are allowed", i, lg.weights[i],
			    (unsigned long long)sum, lag, bound);
	}
}

/* Small weights, and weights of all sizes in many groups. */
static const uint32_t max_weights[] = {1, 10, 100, 65536};

static void
everybody_waits(void **state)
{
	struct rng rng;
	struct rig r;

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		rng_init(&rng, 100 + i);
		set_up(&r, &rng, SCHED_TYPE_QFQ,
		    max_weights[i % ARRAY_LEN(max_weights)]);
		fill(&r, &rng, 3000);
		rig_run(&r, r.now + 3000 * 40 * 8, note, NULL);
		check_bounds();
		rig_fini(&r);
	}
}

static void
streams_come_and_go(void **state)
{
	struct rng rng;
	struct rig r;

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		rng_init(&rng, 200 + i);
		set_up(&r, &rng, SCHED_TYPE_QFQ,
		    max_weights[i % ARRAY_LEN(max_weights)]);
		come_and_go(&r, &rng, 20000, 12000 * 4 / (2 + i));
		check_bounds();
		rig_balance(&r, 0);
		rig_fini(&r);
	}
}

static void
weights_change_under_packets(void **state)
{
	(void)state;
	weights_change(SCHED_TYPE_QFQ, 65536);
}

static void
queues_come_and_go_under_packets(void **state)
{
	(void)state;
	queues_come_and_go(SCHED_TYPE_QFQ, 65536);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(everybody_waits),
	    cmocka_unit_test(streams_come_and_go),
	    cmocka_unit_test(weights_change_under_packets),
	    cmocka_unit_test(queues_come_and_go_under_packets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
