/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * WF2Q+ against the fluid system.  The worst-case fair index of the paper: in
 * any interval that ends with a packet of stream i, which always waits in it,
 * that stream gets
 *
 *	W_i >= r_i / r * W - (L_i + (L_max - L_i) * r_i / r)
 *
 * octets of the W that the link sends, with r the sum of all weights, L_i the
 * longest packet of i and L_max that of all.
 */
#include "sched_rig.h"

static void
check_bounds(void)
{
	uint32_t longest = 0, sum = 0;

	for (uint32_t i = 0; i < FLOWS; i++) {
		longest = lg.longest[i] > longest ? lg.longest[i] : longest;
		sum += lg.weights[i];
	}
	for (uint32_t i = 0; i < FLOWS; i++) {
		double share = (double)lg.weights[i] / sum;
		double bound = lg.longest[i] +
		    (longest - lg.longest[i]) * share + 1;
		double lag = worst_lag(i, share);

		if (lag > bound)
			fail_msg("flow %u of weight %u in %u lags by %g "
			    "octets: %g are allowed", i, lg.weights[i], sum,
			    lag, bound);
	}
}

static void
everybody_waits(void **state)
{
	double given[FLOWS] = {0}, all = 0;
	uint32_t sum = 0;
	struct rng rng;
	struct rig r;

	(void)state;
	for (unsigned seed = 0; seed < 4; seed++) {
		memset(given, 0, sizeof(given));
		all = sum = 0;
		rng_init(&rng, 100 + seed);
		set_up(&r, &rng, SCHED_TYPE_WF2Q, 100);
		fill(&r, &rng, 3000);
		/* as long as nobody runs out */
		rig_run(&r, r.now + 3000 * 40 * 8, note, NULL);
		check_bounds();
		for (unsigned i = 0; i < lg.n_began; i++) {
			given[lg.began[i].flow] += lg.began[i].bytes;
			all += lg.began[i].bytes;
		}
		for (uint32_t k = 0; k < FLOWS; k++)
			sum += lg.weights[k];
		for (uint32_t k = 0; k < FLOWS; k++) {
			double fair = all * lg.weights[k] / sum;

			/* neither ahead nor behind by more than a packet */
			assert_true(given[k] - fair <= lg.longest[k] + 1);
			assert_true(fair - given[k] <= 1501);
		}
		rig_fini(&r);
	}
}

static void
streams_come_and_go(void **state)
{
	struct rng rng;
	struct rig r;

	(void)state;
	for (unsigned seed = 0; seed < 6; seed++) {
		/* from half to twice what the link can send */
		ns_t gap = 12000 * 4 / (2 + seed);

		rng_init(&rng, 200 + seed);
		set_up(&r, &rng, SCHED_TYPE_WF2Q, 100);
		come_and_go(&r, &rng, 20000, gap);
		check_bounds();
		rig_balance(&r, 0);
		rig_fini(&r);
	}
}

static void
weights_change_under_packets(void **state)
{
	(void)state;
	weights_change(SCHED_TYPE_WF2Q, 100);
}

static void
queues_come_and_go_under_packets(void **state)
{
	(void)state;
	queues_come_and_go(SCHED_TYPE_WF2Q, 100);
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
