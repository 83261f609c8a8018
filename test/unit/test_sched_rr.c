/* SPDX-License-Identifier: BSD-2-Clause */
/* RR and PRIO: each by its own rule, on the log of what was sent. */
#include "sched_rig.h"

enum { QUANTUM = 1500 };

/* While all wait: what two flows got, each by its weight, differs at no moment
 * by more than a quantum and a packet of either. */
static void
rr_within_a_quantum(void **state)
{
	double got[FLOWS] = {0};
	struct rng rng;
	struct rig r;

	(void)state;
	rng_init(&rng, 1);
	set_up(&r, &rng, SCHED_TYPE_RR, 5);
	fill(&r, &rng, 3000);
	rig_run(&r, r.now + 10 * NS_PER_MS, note, NULL);
	assert_true(lg.n_began > 500);
	for (unsigned i = 0; i < lg.n_began; i++) {
		got[lg.began[i].flow] += lg.began[i].bytes;
		for (uint32_t a = 0; a < FLOWS; a++) {
			for (uint32_t b = 0; b < FLOWS; b++) {
				double wa = lg.weights[a], wb = lg.weights[b];

				assert_true(got[a] / wa - got[b] / wb <=
				    QUANTUM + lg.longest[a] / wa +
				    lg.longest[b] / wb);
			}
		}
	}
	rig_fini(&r);
}

/* With weights from 0: nobody is sent while one of a lower weight waits. */
static void
prio_is_strict(void **state)
{
	unsigned waiting[FLOWS] = {0}, at = 0;
	struct rng rng;
	struct rig r;

	(void)state;
	rng_init(&rng, 2);
	set_up(&r, &rng, SCHED_TYPE_PRIO, 6);
	come_and_go(&r, &rng, 20000, 20000);
	for (unsigned i = 0; i < lg.n_began; i++) {
		const struct event *e = &lg.began[i];

		/* The choice is made when the packet begins: what came in that
		 * very moment may have come too late. */
		while (at < lg.n_came && lg.came[at].at < e->at)
			waiting[lg.came[at++].flow]++;
		for (uint32_t k = 0; k < FLOWS; k++) {
			if (waiting[k] > 0 && k != e->flow)
				assert_true(lg.weights[k] >=
				    lg.weights[e->flow]);
		}
		while (waiting[e->flow] == 0) {
			assert_true(at < lg.n_came);
			waiting[lg.came[at++].flow]++;
		}
		waiting[e->flow]--;
	}
	rig_fini(&r);
}

/* Equal priorities take turns. */
static void
prio_turns(void **state)
{
	unsigned n[FLOWS] = {0};
	struct rng rng;
	struct rig r;

	(void)state;
	rng_init(&rng, 3);
	set_up(&r, &rng, SCHED_TYPE_PRIO, 1);
	fill(&r, &rng, 100);
	rig_run(&r, r.now + 50 * 40 * 8, note, NULL);
	for (unsigned i = 0; i < lg.n_began; i++)
		n[lg.began[i].flow]++;
	for (uint32_t k = 1; k < FLOWS; k++)
		assert_true(n[k] + 1 >= n[0] && n[k] <= n[0] + 1);
	rig_fini(&r);
}

static void
weights_change_under_packets(void **state)
{
	(void)state;
	weights_change(SCHED_TYPE_RR, 100);
	weights_change(SCHED_TYPE_PRIO, 60);
}

static void
queues_come_and_go_under_packets(void **state)
{
	(void)state;
	queues_come_and_go(SCHED_TYPE_RR, 100);
	queues_come_and_go(SCHED_TYPE_PRIO, 60);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rr_within_a_quantum),
	    cmocka_unit_test(prio_is_strict),
	    cmocka_unit_test(prio_turns),
	    cmocka_unit_test(weights_change_under_packets),
	    cmocka_unit_test(queues_come_and_go_under_packets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
