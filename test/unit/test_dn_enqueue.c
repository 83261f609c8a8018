/* SPDX-License-Identifier: BSD-2-Clause */
/* Packets that come in runs: all is as if they had come one by one. */
#include "dn_rig.h"

#include "base/rng.h"

enum { BURSTS = 60, MOST = 200, NR = 3, SLOW = 2000000 };

static struct rig_frame frames[MOST];
static struct pkt pkts[MOST];
static const struct pkt *ptrs[MOST];
static ns_t stamps[MOST];
static struct tag_pool tags;
static struct rng rng;

static unsigned
below(unsigned n)
{
	return (unsigned)(rng_u64(&rng) >> 33) % n;
}

/* Frames of some flows, some of them with a mark or tags, each after the one
 * before: now and then at its time. */
static unsigned
make_burst(ns_t *now)
{
	unsigned n = 1 + below(MOST);

	tag_reset(&tags);
	for (unsigned i = 0; i < n; i++) {
		unsigned len = below(2) == 0 ? 46 : 28 + below(1472);

		pkts[i] = *rig_frame(&frames[i], len, 1 + below(5), 2, 3,
		    (uint16_t)below(3));
		pkts[i].mark = below(3);
		pkts[i].fate.rule_num = (uint16_t)below(1000);
		if (below(20) == 0)
			tag_set(&tags, &pkts[i].tags, (uint16_t)below(9));
		*now += below(4) == 0 ? 0 : below(200000);
		stamps[i] = *now;
		ptrs[i] = &pkts[i];
	}
	return n;
}

static void
put_one_by_one(struct rig *r, unsigned n, struct dn_target to)
{
	uint32_t number = to.number;

	for (unsigned i = 0; i < n; i++) {
		to.number = number + i;
		dn_enqueue(r->dn, &pkts[i], &to, stamps[i]);
	}
}

/* In a few runs. */
static void
put_runs(struct rig *r, unsigned n, const struct dn_target *to)
{
	for (unsigned at = 0, k; at < n; at += k) {
		k = 1 + below(n - at);
		dn_enqueue_stamped(r->dn, ptrs + at, k, to, pkts, stamps);
	}
}

static void
same_held(struct held *a, struct held *b)
{
	assert_int_equal(a->time, b->time);
	assert_int_equal(held_number(a), held_number(b));
	assert_int_equal(a->len, b->len);
	assert_int_equal(a->bytes, b->bytes);
	assert_int_equal(a->mark, b->mark);
	assert_int_equal(a->rule_num, b->rule_num);
	assert_int_equal(a->lane, b->lane);
	assert_int_equal(a->flags, b->flags);
	assert_int_equal(a->n_tags, b->n_tags);
	assert_int_equal(held_size(a), held_size(b));
	assert_memory_equal(a->frame, b->frame,
	    a->len + a->n_tags * sizeof(uint16_t));
}

/* What leaves both until 'now' is the same. */
static void
run_both(struct rig *a, struct rig *b, ns_t now)
{
	struct held *x[RIG_BURST], *y[RIG_BURST];
	unsigned n;

	do {
		n = dn_run(a->dn, now, x, RIG_BURST);
		assert_int_equal(n, dn_run(b->dn, now, y, RIG_BURST));
		for (unsigned i = 0; i < n; i++)
			same_held(x[i], y[i]);
		dn_free(a->dn, x, n);
		dn_free(b->dn, y, n);
		a->n_out += n;
	} while (n == RIG_BURST);
	assert_int_equal(dn_next(a->dn), dn_next(b->dn));
}

static void
same_books(struct rig *a, struct rig *b, ns_t now)
{
	struct dn_sched_info x, y;
	struct dn_totals t, u;

	memset(&t, 0, sizeof(t));
	memset(&u, 0, sizeof(u));
	dn_totals(a->dn, &t);
	dn_totals(b->dn, &u);
	assert_memory_equal(&t, &u, sizeof(t));
	assert_true(dn_sched_get(a->dn, NR + DN_MAX_NR, now, &x));
	assert_true(dn_sched_get(b->dn, NR + DN_MAX_NR, now, &y));
	assert_int_equal(x.report.in_pkts, y.report.in_pkts);
	assert_int_equal(x.report.in_bytes, y.report.in_bytes);
	assert_int_equal(x.report.out_pkts, y.report.out_pkts);
	assert_int_equal(x.report.out_bytes, y.report.out_bytes);
	assert_int_equal(x.report.second_pps, y.report.second_pps);
	assert_int_equal(x.report.since, y.report.since);
	assert_int_equal(x.report.line_pkts, y.report.line_pkts);
	assert_int_equal(x.report.duplicated, y.report.duplicated);
	assert_int_equal(x.report.counts.memory, y.report.counts.memory);
	assert_int_equal(x.report.counts.peak_pkts, y.report.counts.peak_pkts);
	assert_memory_equal(x.report.counts.drops, y.report.counts.drops,
	    sizeof(x.report.counts.drops));
}

/* The flow of the only stream, or the sum of them. */
static void
add_flow(void *arg, const struct dn_flow_info *info)
{
	uint64_t *sum = arg;

	*sum = *sum * 31 + info->pkts;
	*sum = *sum * 31 + info->bytes;
	*sum = *sum * 31 + info->drops;
	*sum = *sum * 31 + info->len;
}

static uint64_t
flows_of(const struct rig *r)
{
	uint64_t sum = 0;

	dn_each_flow(r->dn, NR + DN_MAX_NR, add_flow, &sum);
	dn_each_flow(r->dn, NR + 2 * DN_MAX_NR, add_flow, &sum);
	dn_each_instance(r->dn, NR + DN_MAX_NR, add_flow, &sum);
	return sum;
}

static void
compare(const struct dn_link_cfg *link, const struct dn_fs_cfg *fs,
    const struct dn_flow_id *mask, size_t memory)
{
	struct dn_link_cfg l = *link;
	struct rig a, b;
	ns_t now;

	l.nr = NR;
	rng_init(&rng, 5);
	rig_init(&a, memory);
	rig_init(&b, memory);
	rig_pipe(&a, &l, fs, mask);
	rig_pipe(&b, &l, fs, mask);
	now = a.now;
	for (unsigned i = 0; i < BURSTS; i++) {
		struct dn_target to = {.nr = NR, .out = below(2) == 0,
		    .go_on = below(2) == 0, .lane = (uint16_t)below(9),
		    .number = below(1u << 24),
		    .tags = below(9) == 0 ? NULL : &tags};
		unsigned n = make_burst(&now);

		put_one_by_one(&a, n, to);
		put_runs(&b, n, &to);
		run_both(&a, &b, now);
		same_books(&a, &b, now);
		assert_int_equal(flows_of(&a), flows_of(&b));
		now += below(8) == 0 ? NS_PER_S : 0;
	}
	run_both(&a, &b, now + 3600 * NS_PER_S);
	same_books(&a, &b, now + 3600 * NS_PER_S);
	assert_true(a.n_out > 100);
	rig_fini(&a);
	rig_fini(&b);
}

static void
unlimited(void **state)
{
	(void)state;
	compare(&(struct dn_link_cfg){0}, NULL, NULL, RIG_MEMORY);
	compare(&(struct dn_link_cfg){.delay = 10 * NS_PER_MS}, NULL, NULL,
	    RIG_MEMORY);
}

/* Some wait, some do not; queues of packets and octets, saved up time, RED. */
static void
limited(void **state)
{
	static const uint64_t rates[] = {SLOW, 20 * SLOW, 30 * SLOW};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(rates); i++) {
		struct dn_link_cfg l = {.rate_bps = rates[i],
		    .delay = NS_PER_MS};
		struct dn_fs_cfg fs = {.limit = 20};

		compare(&l, NULL, NULL, RIG_MEMORY);
		l.burst = 20000;
		compare(&l, &fs, NULL, RIG_MEMORY);
		fs.limit = 9000;
		fs.flags = DN_FS_BYTES;
		compare(&l, &fs, NULL, RIG_MEMORY);
		fs.aqm = (struct aqm_cfg){.type = AQM_CODEL,
		    .target = 5 * NS_PER_MS, .interval = 100 * NS_PER_MS};
		compare(&l, &fs, NULL, RIG_MEMORY);
		/* RED counts those that find nothing waiting, too. */
		fs = (struct dn_fs_cfg){.limit = 50, .aqm = {.type = AQM_RED,
		    .w_q = AQM_FRACTION / 2, .max_p = AQM_FRACTION / 2,
		    .min_th = 1, .max_th = 10}};
		compare(&l, &fs, NULL, RIG_MEMORY);
	}
}

static void
by_chance(void **state)
{
	const struct dn_link_cfg l = {.rate_bps = 100 * SLOW};

	(void)state;
	compare(&l, &(struct dn_fs_cfg){.loss.p = DN_ONE / 10}, NULL,
	    RIG_MEMORY);
	compare(&(struct dn_link_cfg){.delay = NS_PER_MS,
	    .jitter_kind = DN_JITTER_UNIFORM, .jitter = NS_PER_MS / 2,
	    .jitter_reorder = true, .duplicate = DN_ONE / 20}, NULL, NULL,
	    RIG_MEMORY);
}

static void
flows(void **state)
{
	const struct dn_flow_id mask = {.src4 = 0xff, .family = 4};

	(void)state;
	compare(&(struct dn_link_cfg){.delay = NS_PER_MS}, NULL, &mask,
	    RIG_MEMORY);
	compare(&(struct dn_link_cfg){.rate_bps = 10 * SLOW}, NULL, &mask,
	    RIG_MEMORY);
}

/* Moments at which a trace delivers; memory that is short, of the pipe and of
 * all. */
static void
short_of_something(void **state)
{
	const struct dn_moment trace[] = {{1, 2}, {2, 1}, {5, 4}};

	(void)state;
	compare(&(struct dn_link_cfg){.trace = trace, .n_trace = 3,
	    .trace_name = "t"}, NULL, NULL, RIG_MEMORY);
	compare(&(struct dn_link_cfg){.delay = 20 * NS_PER_MS,
	    .memory = 30000}, NULL, NULL, RIG_MEMORY);
	compare(&(struct dn_link_cfg){.delay = 100 * NS_PER_MS}, NULL, NULL,
	    8 * SLAB_CHUNK);
}

/* All at one time, as in real time; and to where there is nothing. */
static void
at_once(void **state)
{
	struct dn_target to = {.nr = NR, .tags = &tags};
	struct dn_totals t;
	struct rig a, b;
	ns_t now;
	unsigned n;

	(void)state;
	rng_init(&rng, 6);
	rig_init(&a, RIG_MEMORY);
	rig_init(&b, RIG_MEMORY);
	now = a.now;
	n = make_burst(&now);
	dn_enqueue_run(a.dn, ptrs, n, &to, now);
	dn_totals(a.dn, &t);
	assert_int_equal(t.in_pkts, n);
	assert_int_equal(t.drops[DN_DROP_NO_TARGET], n);
	dn_enqueue_run(b.dn, ptrs, n, &to, now);
	rig_pipe(&a, &(struct dn_link_cfg){.nr = NR, .rate_bps = 9 * SLOW},
	    NULL, NULL);
	rig_pipe(&b, &(struct dn_link_cfg){.nr = NR, .rate_bps = 9 * SLOW},
	    NULL, NULL);
	for (unsigned i = 0; i < BURSTS; i++) {
		n = make_burst(&now);
		for (unsigned k = 0; k < n; k++)
			dn_enqueue(a.dn, &pkts[k], &to, now);
		dn_enqueue_run(b.dn, ptrs, n, &to, now);
		run_both(&a, &b, now);
		same_books(&a, &b, now);
	}
	rig_fini(&a);
	rig_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unlimited),
		cmocka_unit_test(limited),
		cmocka_unit_test(by_chance),
		cmocka_unit_test(flows),
		cmocka_unit_test(short_of_something),
		cmocka_unit_test(at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
