/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * FQ-CoDel and FQ-PIE on the virtual clock: equal parts for unequal flows, no
 * waiting for sparse ones, one limit for all, RFC 8290's two lists.
 */
#include "dn_rig.h"

#include "base/rng.h"

enum { QUEUE = 10, MAX_FLOWS = 32, RATE = 100000000, BULK = 1500 };

static const uint32_t types[] = {SCHED_TYPE_FQ_CODEL, SCHED_TYPE_FQ_PIE};

struct bench {
	struct rig r;
	uint64_t bytes[MAX_FLOWS];
	ns_t came[MAX_FLOWS]; /* of a sparse flow: its last packet */
	ns_t longest;	      /* wait of a sparse packet */
	uint32_t order[1024]; /* numbers of packets as they left */
	unsigned n;
	unsigned sparse;      /* flows from this one on are sparse */
};

static struct bench b;

static void
configure(uint32_t type, const struct fq_cfg *fq)
{
	struct dn_sched_cfg s = {.nr = 1, .type = type, .fq = *fq};
	struct err e;

	s.fq.aqm = type == SCHED_TYPE_FQ_CODEL ?
	    (struct aqm_cfg){.target = 5 * NS_PER_MS,
		.interval = 100 * NS_PER_MS} :
	    (struct aqm_cfg){.target = 15 * NS_PER_MS,
		.tupdate = 15 * NS_PER_MS, .max_burst = 150 * NS_PER_MS,
		.alpha = AQM_SCALE / 8, .beta = AQM_SCALE * 5 / 4,
		.flags = AQM_CAPDROP | AQM_DERAND};
	rig_ok(dn_sched_config(b.r.dn, &s, b.r.now, &e), &e);
}

static void
set_up(uint32_t type, uint64_t rate, const struct fq_cfg *fq)
{
	memset(&b, 0, sizeof(b));
	b.sparse = MAX_FLOWS;
	rig_init(&b.r, RIG_MEMORY);
	rig_pipe(&b.r, &(struct dn_link_cfg){.nr = 1, .rate_bps = rate}, NULL,
	    NULL);
	configure(type, fq);
	rig_ok(dn_fs_config(b.r.dn, &(struct dn_fs_cfg){.nr = QUEUE,
	    .sched_nr = 1}, b.r.now, NULL), NULL);
}

static void
tear_down(void)
{
	rig_balance(&b.r, 0);
	rig_fini(&b.r);
}

/* The flow is in the source port, a number in the IP identification. */
static void
put(unsigned flow, unsigned bytes, unsigned number)
{
	struct rig_frame f;

	rig_frame(&f, bytes, 0x0a000001, 0x0a000002, (uint16_t)flow, 9);
	put16(f.b + 18, (uint16_t)number);
	rig_put(&b.r, &f.p, QUEUE, true);
}

static void
note(struct rig *r, const struct held *h, void *arg)
{
	uint32_t flow = get16(h->frame + 34), number = get16(h->frame + 18);

	(void)r;
	(void)arg;
	b.bytes[flow] += h->bytes;
	if (flow >= b.sparse && h->time - b.came[flow] > b.longest)
		b.longest = h->time - b.came[flow];
	if (b.n < ARRAY_LEN(b.order))
		b.order[b.n++] = flow << 16 | number;
}

/* ---- equal parts ---- */

/* 'n' flows, each of i + 1 times its part of the link, for a while; packets of
 * unequal sizes. */
static void
overload(unsigned n, ns_t how_long)
{
	ns_t next[MAX_FLOWS] = {0}, end = b.r.now + how_long;
	unsigned number = 0;

	for (unsigned i = 0; i < n; i++)
		next[i] = b.r.now + i;
	for (;;) {
		unsigned k = 0, bytes;

		for (unsigned i = 1; i < n; i++)
			k = next[i] < next[k] ? i : k;
		if (next[k] >= end)
			break;
		rig_run(&b.r, next[k], note, NULL);
		bytes = 200 + 1300 * (k % 4) / 3;
		put(k, bytes, number++);
		/* the slowest 1.2 times its part, the others up to n times */
		next[k] += (ns_t)(bytes * 8e9 / RATE * n / (1.2 + k));
	}
}

static double
jain(const uint64_t *x, unsigned n)
{
	double sum = 0, squares = 0;

	for (unsigned i = 0; i < n; i++) {
		sum += (double)x[i];
		squares += (double)x[i] * (double)x[i];
	}
	return sum * sum / (n * squares);
}

static void
unequal_flows_get_equal_parts(void **state)
{
	enum { N = 16 };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(types); i++) {
		uint64_t all = 0;

		set_up(types[i], RATE, &(struct fq_cfg){0});
		overload(N, NS_PER_S / 2);
		memset(b.bytes, 0, sizeof(b.bytes));
		overload(N, 2 * NS_PER_S);
		assert_true(jain(b.bytes, N) >= 0.99);
		for (unsigned k = 0; k < N; k++)
			all += b.bytes[k];
		/* and the link is full */
		assert_true((double)all > 2. * RATE / 8 * 0.9999);
		tear_down();
	}
}

/* ---- sparse flows ---- */

static void
sparse_flows_do_not_wait(void **state)
{
	enum { BUSY = 8, SPARSE = 4, QUANTUM = 1514 };
	const ns_t packet = BULK * 8 * NS_PER_S / RATE;
	struct rng rng;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(types); i++) {
		set_up(types[i], RATE, &(struct fq_cfg){.quantum = QUANTUM});
		b.sparse = BUSY;
		rng_init(&rng, i);
		for (unsigned k = 0; k < 20000; k++) {
			unsigned s = BUSY + k / 50 % SPARSE;

			rig_run(&b.r, b.r.now + packet * 2 / 3, note, NULL);
			put(k % BUSY, BULK, k);
			if (k % 50 != 0)
				continue;
			rig_run(&b.r, b.r.now + rng_u64(&rng) % 1000, note,
			    NULL);
			b.came[s] = b.r.now;
			put(s, 100, k);
		}
		assert_true(b.bytes[BUSY] > 5000);
		/* the packet on the link, and sparse ones before it */
		assert_true(b.longest > 0);
		assert_true(b.longest <= packet + SPARSE * packet / 15);
		assert_true(b.longest < BUSY * QUANTUM * 8 * NS_PER_S / RATE);
		tear_down();
	}
}

/* ---- the lists ---- */

static void
expect_order(const char *want)
{
	char got[64] = "";

	for (unsigned i = 0; i < b.n && i < 20; i++)
		sprintf(got + strlen(got), "%c%u ", 'a' + b.order[i] / 65536,
		    b.order[i] % 65536);
	assert_string_equal(want, got);
}

/* Packets of one quantum, 1 ms each.  'a' waits; 'b' comes while a1 is sent and
 * is new: it goes first, once.  It comes again just after that and takes its
 * turn among the old ones, however often it is empty in between. */
static void
a_flow_is_new_but_once(void **state)
{
	ns_t start;

	(void)state;
	set_up(SCHED_TYPE_FQ_CODEL, 8000000, &(struct fq_cfg){
	    .quantum = 1000});
	start = b.r.now;
	for (unsigned i = 0; i < 6; i++)
		put(0, 1000, i);
	for (unsigned i = 0; i < 4; i++) {
		rig_run(&b.r, start + (1 + i) * NS_PER_MS + NS_PER_MS / 2, note,
		    NULL);
		put(1, 1000, i);
	}
	rig_run(&b.r, start + 20 * NS_PER_MS, note, NULL);
	/* b1 is served in b's first turn as an old one, which comes at once:
	 * a's deficit is spent */
	expect_order("a0 a1 b0 b1 a2 b2 a3 b3 a4 a5 ");
	tear_down();
}

/* A new one that is empty waits for a round like an old one, though it could
 * have sent more: 'b' comes again just after that, and all of a's three packets
 * go first. */
static void
an_empty_new_flow_grows_old(void **state)
{
	ns_t start;

	(void)state;
	set_up(SCHED_TYPE_FQ_CODEL, 8000000, &(struct fq_cfg){
	    .quantum = 3000});
	start = b.r.now;
	for (unsigned i = 0; i < 9; i++)
		put(0, 1000, i);
	rig_run(&b.r, start + NS_PER_MS / 2, note, NULL);
	put(1, 100, 0);
	rig_run(&b.r, start + 3 * NS_PER_MS + NS_PER_MS / 2, note, NULL);
	put(1, 100, 1);
	rig_run(&b.r, start + 20 * NS_PER_MS, note, NULL);
	expect_order("a0 a1 a2 b0 a3 a4 a5 b1 a6 a7 a8 ");
	tear_down();
}

/* Two new ones share: deficits are in octets, not in packets. */
static void
deficits_count_octets(void **state)
{
	ns_t start;

	(void)state;
	set_up(SCHED_TYPE_FQ_CODEL, 8000000, &(struct fq_cfg){
	    .quantum = 1000});
	start = b.r.now;
	for (unsigned i = 0; i < 3; i++)
		put(0, 1000, i);
	for (unsigned i = 0; i < 8; i++)
		put(1, 250, i);
	rig_run(&b.r, start + 20 * NS_PER_MS, note, NULL);
	expect_order("a0 b0 b1 b2 b3 a1 b4 b5 b6 b7 a2 ");
	tear_down();
}

/* ---- the limit ---- */

static void
the_longest_queue_loses_its_head(void **state)
{
	struct dn_sched_info s;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(types); i++) {
		set_up(types[i], 8000, &(struct fq_cfg){.limit = 20});
		for (unsigned k = 0; k < 4; k++)
			put(1 + k, 100, k);
		for (unsigned k = 0; k < 17; k++)
			put(0, 100, k);
		/* one is on the link, 20 wait */
		dn_sched_get(b.r.dn, 1, b.r.now, &s);
		assert_int_equal(20, s.report.counts.queued_pkts);
		assert_int_equal(0, s.report.counts.drops[DN_DROP_QUEUE_FULL]);
		put(0, 100, 17); /* 18 in the longest: half of them go */
		dn_sched_get(b.r.dn, 1, b.r.now, &s);
		assert_int_equal(12, s.report.counts.queued_pkts);
		assert_int_equal(9, s.report.counts.drops[DN_DROP_QUEUE_FULL]);
		rig_run(&b.r, b.r.now + NS_PER_S * 45 / 100, note, NULL);
		assert_int_equal(5, b.n);
		for (unsigned k = 0; k < 4; k++) /* the others lose none */
			assert_int_equal((1 + k) << 16 | k, b.order[k]);
		assert_int_equal(9, b.order[4]); /* and it its oldest */
		tear_down();
	}
}

static void
the_limit_is_never_passed(void **state)
{
	struct dn_sched_info s;
	uint64_t full;
	struct rng rng;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(types); i++) {
		set_up(types[i], RATE / 4, &(struct fq_cfg){.limit = 300,
		    .flows = 64});
		rng_init(&rng, 5);
		for (unsigned k = 0; k < 50000; k++) {
			put((unsigned)(rng_u64(&rng) % MAX_FLOWS),
			    40 + (unsigned)(rng_u64(&rng) % 1400), k);
			if (k % 3 == 0)
				rig_run(&b.r, b.r.now + 100000, note, NULL);
			dn_sched_get(b.r.dn, 1, b.r.now, &s);
			assert_true(s.report.counts.queued_pkts <= 300);
		}
		assert_true(s.report.counts.peak_pkts >= 290);
		assert_true(s.report.counts.peak_pkts <= 301);
		rig_run(&b.r, b.r.now + NS_PER_S, note, NULL);
		assert_int_equal(0, dn_held(b.r.dn));
		/* what laws dropped and what was sent counts no more */
		dn_sched_get(b.r.dn, 1, b.r.now, &s);
		full = s.report.counts.drops[DN_DROP_QUEUE_FULL];
		assert_true(i != 0 || s.report.counts.drops[DN_DROP_AQM] > 20);
		for (unsigned k = 0; k < 301; k++)
			put(k % MAX_FLOWS, 100, k);
		dn_sched_get(b.r.dn, 1, b.r.now, &s);
		assert_int_equal(300, s.report.counts.queued_pkts);
		assert_int_equal(full,
		    s.report.counts.drops[DN_DROP_QUEUE_FULL]);
		tear_down();
	}
}

/* ---- the end ---- */

static void
what_waits_is_dropped_with_the_pipe(void **state)
{
	struct dn_totals t;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(types); i++) {
		set_up(types[i], 8000, &(struct fq_cfg){0});
		for (unsigned k = 0; k < 100; k++)
			put(k % 7, 100, k);
		assert_int_equal(0, dn_link_delete(b.r.dn, 1, b.r.now, NULL));
		dn_totals(b.r.dn, &t);
		assert_int_equal(0, t.held_pkts);
		assert_int_equal(0, t.memory);
		/* the first one was on the line already */
		assert_int_equal(100, t.drops[DN_DROP_DELETED]);
		tear_down();
	}
}

/* A live one changes its type: the packets stay. */
static void
packets_survive_another_type(void **state)
{
	(void)state;
	set_up(SCHED_TYPE_FQ_CODEL, 8000000, &(struct fq_cfg){0});
	for (unsigned k = 0; k < 100; k++)
		put(k % 7, 100, k);
	configure(SCHED_TYPE_FQ_PIE, &(struct fq_cfg){0});
	for (unsigned k = 0; k < 100; k++)
		put(k % 7, 100, k);
	rig_ok(dn_sched_config(b.r.dn, &(struct dn_sched_cfg){.nr = 1,
	    .type = SCHED_TYPE_WF2Q}, b.r.now, NULL), NULL);
	configure(SCHED_TYPE_FQ_CODEL, &(struct fq_cfg){0});
	rig_run(&b.r, b.r.now + NS_PER_S, note, NULL);
	assert_int_equal(200, b.n);
	tear_down();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(unequal_flows_get_equal_parts),
	    cmocka_unit_test(sparse_flows_do_not_wait),
	    cmocka_unit_test(a_flow_is_new_but_once),
	    cmocka_unit_test(an_empty_new_flow_grows_old),
	    cmocka_unit_test(deficits_count_octets),
	    cmocka_unit_test(the_longest_queue_loses_its_head),
	    cmocka_unit_test(the_limit_is_never_passed),
	    cmocka_unit_test(what_waits_is_dropped_with_the_pipe),
	    cmocka_unit_test(packets_survive_another_type),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
