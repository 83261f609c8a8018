/* SPDX-License-Identifier: BSD-2-Clause */
/* What a link does to packets beside its rate and delay. */
#include "dn_rig.h"

#include "base/rng.h"

enum { N = 20000 };

struct seen {
	unsigned n;
	unsigned out_of_order;
	unsigned twice;
	unsigned changed;
	uint32_t last;
	ns_t earliest; /* delays */
	ns_t latest;
	double sum;
	ns_t sent[N];
	uint8_t got[N];
};

static struct seen seen;

static void
look(struct rig *r, const struct held *h, void *arg)
{
	uint32_t number = rig_number(h);
	ns_t delay;

	(void)arg;
	assert_int_equal(r->now, h->time);
	seen.n++;
	if (number >= N) { /* a turned bit */
		seen.changed++;
		return;
	}
	delay = h->time - seen.sent[number];
	seen.out_of_order += seen.n > 1 && number < seen.last;
	seen.twice += seen.got[number]++ > 0;
	seen.last = number;
	seen.sum += (double)delay;
	seen.earliest = delay < seen.earliest ? delay : seen.earliest;
	seen.latest = delay > seen.latest ? delay : seen.latest;
}

/* N packets, one each 'gap'. */
static void
run(struct rig *r, const struct dn_link_cfg *link, const struct dn_fs_cfg *fs,
    ns_t gap)
{
	rig_init(r, RIG_MEMORY);
	memset(&seen, 0, sizeof(seen));
	seen.earliest = UINT64_MAX;
	rig_pipe(r, link, fs, NULL);
	for (uint32_t i = 0; i < N; i++) {
		rig_run(r, r->now + gap, look, NULL);
		seen.sent[i] = r->now;
		rig_send(r, link->nr, 100, i);
	}
	rig_run(r, r->now + 60 * NS_PER_S, look, NULL);
}

static void
assert_about(double got, double want, double part)
{
	if (got < want * (1 - part) || got > want * (1 + part))
		fail_msg("%g is not about %g", got, want);
}

static void
jitter_without_overtaking(void **state)
{
	struct rig r;

	(void)state;
	run(&r, &(struct dn_link_cfg){.nr = 1, .delay = 10 * NS_PER_MS,
	    .jitter = 2 * NS_PER_MS, .jitter_kind = DN_JITTER_UNIFORM}, NULL,
	    NS_PER_MS / 10);
	assert_int_equal(N, seen.n);
	assert_int_equal(0, seen.out_of_order + seen.twice + seen.changed);
	assert_true(seen.earliest >= 8 * NS_PER_MS);
	assert_true(seen.latest <= 12 * NS_PER_MS);
	rig_balance(&r, 0);
	rig_fini(&r);
}

static void
jitter_with_overtaking(void **state)
{
	struct rig r;

	(void)state;
	run(&r, &(struct dn_link_cfg){.nr = 1, .delay = 10 * NS_PER_MS,
	    .jitter = 2 * NS_PER_MS, .jitter_kind = DN_JITTER_NORMAL,
	    .jitter_reorder = true}, NULL, NS_PER_MS / 10);
	assert_int_equal(N, seen.n);
	assert_true(seen.out_of_order > N / 4);
	assert_about(seen.sum / N, 10e6, 0.01);
	assert_true(seen.earliest < 5 * NS_PER_MS);
	assert_true(seen.latest > 15 * NS_PER_MS);
	rig_balance(&r, 0);
	rig_fini(&r);
	/* more jitter than delay: nothing leaves before it came */
	run(&r, &(struct dn_link_cfg){.nr = 1, .delay = NS_PER_MS,
	    .jitter = 2 * NS_PER_MS, .jitter_kind = DN_JITTER_NORMAL,
	    .jitter_reorder = true}, NULL, NS_PER_MS);
	assert_int_equal(N, seen.n);
	assert_int_equal(0, seen.earliest);
	rig_fini(&r);
}

static void
reordering_skips_the_delay(void **state)
{
	struct dn_sched_info info;
	struct rig r;
	unsigned at_once = 0;

	(void)state;
	run(&r, &(struct dn_link_cfg){.nr = 1, .delay = 10 * NS_PER_MS,
	    .reorder = DN_ONE / 4}, NULL, NS_PER_MS);
	assert_int_equal(N, seen.n);
	assert_int_equal(0, seen.earliest);
	assert_int_equal(10 * NS_PER_MS, seen.latest);
	dn_sched_get(r.dn, 1 + DN_MAX_NR, r.now, &info);
	at_once = (unsigned)info.report.reordered;
	assert_about(at_once, N / 4.0, 0.05);
	assert_about(seen.sum, (N - at_once) * 10e6, 1e-9);
	rig_fini(&r);
}

static void
duplicates_and_turned_bits(void **state)
{
	struct dn_sched_info info;
	struct rig r;

	(void)state;
	run(&r, &(struct dn_link_cfg){.nr = 1, .delay = NS_PER_MS,
	    .duplicate = DN_ONE / 10}, NULL, NS_PER_MS / 10);
	dn_sched_get(r.dn, 1 + DN_MAX_NR, r.now, &info);
	assert_about(seen.twice, N / 10.0, 0.1);
	assert_int_equal(seen.twice, info.report.duplicated);
	assert_int_equal(N + seen.twice, seen.n);
	assert_int_equal(0, info.report.counts.memory);
	rig_balance(&r, seen.twice);
	rig_fini(&r);
	run(&r, &(struct dn_link_cfg){.nr = 1, .corrupt = DN_ONE}, NULL,
	    NS_PER_MS / 10);
	/* all of them; 32 of 800 bits are the number's, 18 of which make it
	 * too great, if N < 2^14.3 */
	dn_sched_get(r.dn, 1 + DN_MAX_NR, r.now, &info);
	assert_int_equal(N, info.report.corrupted);
	assert_about(seen.changed, N * 17.5 / 800, 0.2);
	rig_fini(&r);
}

/* A draw costs the link its time; those above the level are lost. */
static void
profile_takes_time_and_packets(void **state)
{
	static struct dn_profile p = {.n_samples = 100, .loss_level = 90};
	struct dn_totals t;
	struct rig r;
	ns_t first;

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		p.samples[i] = i * NS_PER_MS / 10;
	run(&r, &(struct dn_link_cfg){.nr = 1, .rate_bps = 800000,
	    .profile = &p}, &(struct dn_fs_cfg){.limit = N}, 1);
	first = seen.sent[0];
	rig_run(&r, r.now + 300 * NS_PER_S, look, NULL);
	dn_totals(r.dn, &t);
	assert_int_equal(N, seen.n + t.drops[DN_DROP_PROFILE]);
	assert_about((double)t.drops[DN_DROP_PROFILE], N / 10.0, 0.08);
	/* each took 1 ms and 4.95 ms on average */
	assert_about((double)(seen.latest + seen.sent[N - 1] - first),
	    N * 5.95e6, 0.03);
	rig_balance(&r, 0);
	rig_fini(&r);
}

static void
trace_paces_a_pipe(void **state)
{
	/* two deliveries at 5 ms, one at 20 ms, again and again: 30 packets of
	 * 100 + 4 octets fit into two of 1504, 14 into one */
	static const struct dn_moment m[] = {{5, 2}, {20, 1}};
	struct dn_sched_info info;
	struct rig r;
	ns_t start;

	(void)state;
	rig_init(&r, RIG_MEMORY);
	memset(&seen, 0, sizeof(seen));
	start = r.now;
	rig_pipe(&r, &(struct dn_link_cfg){.nr = 1, .trace = m, .n_trace = 2,
	    .trace_name = "lte"}, &(struct dn_fs_cfg){.limit = 1000}, NULL);
	for (uint32_t i = 0; i < 200; i++) {
		seen.sent[i] = start;
		assert_true(rig_send(&r, 1, 100, i));
	}
	rig_run(&r, start + 5 * NS_PER_MS - 1, look, NULL);
	assert_int_equal(0, seen.n);
	rig_run(&r, start + 5 * NS_PER_MS, look, NULL);
	assert_int_equal(28, seen.n); /* 2 x 1504 / 104 = 28.9 */
	rig_run(&r, start + 20 * NS_PER_MS - 1, look, NULL);
	assert_int_equal(28, seen.n);
	rig_run(&r, start + 20 * NS_PER_MS, look, NULL);
	assert_int_equal(43, seen.n); /* 3 x 1504 / 104 = 43.4 */
	rig_run(&r, start + 25 * NS_PER_MS, look, NULL);
	assert_int_equal(72, seen.n); /* 5 x 1504 / 104 = 72.3 */
	assert_int_equal(0, seen.out_of_order);
	assert_true(dn_sched_get(r.dn, 1, r.now, &info));
	assert_string_equal("lte", info.link.trace_name);
	/* without a trace, live: they leave at once, but behind the one that
	 * waits for the rest of it to be delivered at 40 ms */
	rig_pipe(&r, &(struct dn_link_cfg){.nr = 1},
	    &(struct dn_fs_cfg){.limit = 1000}, NULL);
	rig_run(&r, start + 40 * NS_PER_MS - 1, look, NULL);
	assert_int_equal(72, seen.n);
	rig_run(&r, start + 40 * NS_PER_MS, look, NULL);
	assert_int_equal(200, seen.n);
	rig_balance(&r, 0);
	rig_fini(&r);
}

static void
loss_before_the_queue(void **state)
{
	struct dn_totals t;
	struct rig r;

	(void)state;
	run(&r, &(struct dn_link_cfg){.nr = 1, .delay = NS_PER_MS},
	    &(struct dn_fs_cfg){.loss = {.p = DN_ONE / 10}}, NS_PER_MS / 10);
	dn_totals(r.dn, &t);
	assert_about((double)t.drops[DN_DROP_LOSS], N / 10.0, 0.08);
	assert_int_equal(N - t.drops[DN_DROP_LOSS], seen.n);
	rig_balance(&r, 0);
	rig_fini(&r);
}

/* The same seed, the same fate. */
static void
chance_repeats(void **state)
{
	const struct dn_link_cfg link = {.nr = 1, .delay = NS_PER_MS,
	    .jitter = NS_PER_MS, .jitter_kind = DN_JITTER_PARETO,
	    .jitter_reorder = true};
	const struct dn_fs_cfg fs = {.loss = {.gilbert_elliott = true,
	    .p = DN_ONE / 20, .r = DN_ONE / 4, .h = DN_ONE / 2}};
	static struct seen first;
	struct rig r;

	(void)state;
	run(&r, &link, &fs, NS_PER_MS / 10);
	first = seen;
	rig_fini(&r);
	run(&r, &link, &fs, NS_PER_MS / 10);
	assert_memory_equal(first.got, seen.got, sizeof(seen.got));
	assert_true(first.sum == seen.sum);
	rig_fini(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(jitter_without_overtaking),
	    cmocka_unit_test(jitter_with_overtaking),
	    cmocka_unit_test(reordering_skips_the_delay),
	    cmocka_unit_test(duplicates_and_turned_bits),
	    cmocka_unit_test(profile_takes_time_and_packets),
	    cmocka_unit_test(trace_paces_a_pipe),
	    cmocka_unit_test(loss_before_the_queue),
	    cmocka_unit_test(chance_repeats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
