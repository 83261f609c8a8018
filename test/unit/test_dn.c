/* SPDX-License-Identifier: BSD-2-Clause */
#include "dn_rig.h"

#include "base/rng.h"

/* ---- delay and rate ---- */

struct expect { /* packets leave in this order, at these times */
	ns_t times[4096];
	unsigned n;
	unsigned at;
};

static void
check_next(struct rig *r, const struct held *h, void *arg)
{
	struct expect *x = arg;

	assert_true(x->at < x->n);
	assert_int_equal(x->at, rig_number(h));
	assert_int_equal(x->times[x->at], h->time);
	assert_int_equal(x->times[x->at], r->now);
	x->at++;
}

static void
delay_is_exact_to_the_nanosecond(void **state)
{
	const ns_t delay = 10 * NS_PER_MS + 1;
	static struct expect x;
	struct rng rng;
	struct rig r;

	(void)state;
	rig_init(&r, RIG_MEMORY);
	rng_init(&rng, 1);
	rig_pipe(&r, &(struct dn_link_cfg){.nr = 1, .delay = delay}, NULL,
	    NULL);
	x = (struct expect){.n = 0};
	for (unsigned i = 0; i < 4000; i++) {
		rig_run(&r, r.now + rng_u64(&rng) % 20000, check_next, &x);
		x.times[x.n++] = r.now + delay;
		assert_true(rig_send(&r, 1, 50 + i % 1400, i));
	}
	rig_run(&r, r.now + NS_PER_S, check_next, &x);
	assert_int_equal(x.n, x.at);
	rig_balance(&r, 0);
	rig_fini(&r);
}

static void
first_packet_leaves_at_once_and_the_link_owes(void **state)
{
	static struct expect x;
	struct rig r;

	(void)state;
	rig_init(&r, RIG_MEMORY);
	/* 1000 octets take 8 ms */
	rig_pipe(&r, &(struct dn_link_cfg){.nr = 1, .rate_bps = 1000000,
	    .delay = 3 * NS_PER_MS}, NULL, NULL);
	x = (struct expect){.n = 5};
	for (unsigned i = 0; i < 4; i++) {
		x.times[i] = r.now + (8 * i + 3) * NS_PER_MS;
		rig_send(&r, 1, 1000, i);
	}
	/* after a pause nothing is owed, and nothing saved */
	rig_run(&r, r.now + NS_PER_S, check_next, &x);
	x.times[4] = r.now + 3 * NS_PER_MS;
	rig_send(&r, 1, 1000, 4);
	rig_run(&r, r.now + NS_PER_S, check_next, &x);
	assert_int_equal(5, x.at);
	rig_fini(&r);
}

static void
burst_is_saved_up_while_idle(void **state)
{
	static struct expect x;
	ns_t start;
	struct rig r;

	(void)state;
	rig_init(&r, RIG_MEMORY);
	rig_pipe(&r, &(struct dn_link_cfg){.nr = 1, .rate_bps = 8000000,
	    .burst = 2500}, NULL, NULL); /* 1000 octets a ms */
	rig_run(&r, r.now + NS_PER_S, NULL, NULL);
	start = r.now;
	x = (struct expect){.n = 6};
	/* 2500 octets of credit: three packets go, which leaves a debt of 500;
	 * the others follow at the rate */
	for (unsigned i = 0; i < 6; i++) {
		x.times[i] = i < 3 ? start :
		    start + NS_PER_MS / 2 + (i - 3) * NS_PER_MS;
		rig_send(&r, 1, 1000, i);
	}
	rig_run(&r, r.now + NS_PER_S, check_next, &x);
	assert_int_equal(6, x.at);
	rig_fini(&r);
}

/* The link never rests, packets have any size: the n-th one leaves when the
 * octets before it have, rounded down to a ns. */
static void
check_sum(struct rig *r, const struct held *h, void *arg)
{
	unsigned __int128 *sum = arg; /* octets so far x 8e9 */

	assert_int_equal((uint64_t)(sum[0] / (uint64_t)sum[1]),
	    h->time - (uint64_t)sum[2]);
	sum[0] += (unsigned __int128)h->bytes * 8 * NS_PER_S;
	(void)r;
}

static void
rate_does_not_drift(void **state)
{
	static const uint64_t rates[] = {1, 333333337, 9999999967,
	    400000000000};
	struct rng rng;

	(void)state;
	rng_init(&rng, 3);
	for (unsigned k = 0; k < ARRAY_LEN(rates); k++) {
		unsigned __int128 sum[3] = {0, rates[k]};
		unsigned n = rates[k] == 1 ? 40 : 100000;
		struct rig r;

		rig_init(&r, RIG_MEMORY);
		sum[2] = r.now;
		rig_pipe(&r, &(struct dn_link_cfg){.nr = 1,
		    .rate_bps = rates[k]}, &(struct dn_fs_cfg){.limit = 300},
		    NULL);
		for (unsigned i = 0; i < 250; i++)
			rig_send(&r, 1, 64, i);
		for (unsigned i = 0; i < n; i++) {
			rig_run(&r, dn_next(r.dn), check_sum, sum);
			assert_true(rig_send(&r, 1,
			    40 + (unsigned)(rng_u64(&rng) % 1400), i));
		}
		rig_balance(&r, 0);
		rig_fini(&r);
	}
}

/* dn_run() that comes late sends what is due, by its own times. */
static void
late_calls_change_no_time(void **state)
{
	struct held *out[RIG_BURST];
	struct dn_sched_info info;
	struct rig r;
	unsigned n;
	ns_t start;

	(void)state;
	rig_init(&r, RIG_MEMORY);
	rig_pipe(&r, &(struct dn_link_cfg){.nr = 1, .rate_bps = 8000000},
	    NULL, NULL);
	start = r.now;
	for (unsigned i = 0; i < 10; i++)
		rig_send(&r, 1, 1000, i);
	n = dn_run(r.dn, start + 5 * NS_PER_MS + 7, out, RIG_BURST);
	assert_int_equal(6, n);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(start + i * NS_PER_MS, out[i]->time);
	dn_free(r.dn, out, n);
	assert_true(dn_sched_get(r.dn, 1 + DN_MAX_NR, start, &info));
	assert_int_equal(6, info.report.error.n);
	assert_int_equal(5 * NS_PER_MS + 7, info.report.error.max);
	rig_fini(&r);
}

/* ---- limits ---- */

static void
slots_and_octets_limit_a_queue(void **state)
{
	struct dn_fs_info info;
	struct dn_totals t;
	struct rig r;

	(void)state;
	rig_init(&r, RIG_MEMORY);
	rig_pipe(&r, &(struct dn_link_cfg){.nr = 1, .rate_bps = 1000}, NULL,
	    NULL);
	/* one on the link, 50 slots by default */
	for (unsigned i = 0; i < 60; i++)
		assert_int_equal(i < 51, rig_send(&r, 1, 100, i));
	rig_pipe(&r, &(struct dn_link_cfg){.nr = 2, .rate_bps = 1000},
	    &(struct dn_fs_cfg){.flags = DN_FS_BYTES, .limit = 1000}, NULL);
	/* octets are looked at before the packet is added, and more than the
	 * limit is too much: 11 of 100 */
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(i < 12, rig_send(&r, 2, 100, i));
	dn_totals(r.dn, &t);
	assert_int_equal(9 + 8, t.drops[DN_DROP_QUEUE_FULL]);
	assert_true(dn_fs_get(r.dn, 1 + 2 * DN_MAX_NR, &info));
	assert_int_equal(DN_DEF_SLOTS, info.cfg.limit);
	rig_balance(&r, 0);
	rig_fini(&r);
}

static void
memory_limits_a_pipe_and_all(void **state)
{
	struct dn_totals t;
	struct rig r;
	unsigned n = 0;

	(void)state;
	rig_init(&r, 64 * SLAB_CHUNK);
	rig_pipe(&r, &(struct dn_link_cfg){.nr = 1, .delay = NS_PER_S,
	    .memory = 128 * 10}, NULL, NULL);
	for (unsigned i = 0; i < 20; i++) /* 64-octet frames: 128 each */
		assert_int_equal(i < 10, rig_send(&r, 1, 50, i));
	rig_pipe(&r, &(struct dn_link_cfg){.nr = 2, .delay = NS_PER_S}, NULL,
	    NULL);
	while (rig_send(&r, 2, 50, n))
		n++;
	assert_in_range(n, 60 * SLAB_CHUNK / 128, 64 * SLAB_CHUNK / 128);
	dn_totals(r.dn, &t);
	assert_int_equal(10, t.drops[DN_DROP_MEMORY_PIPE]);
	assert_int_equal(1, t.drops[DN_DROP_MEMORY]);
	/* all of it comes back */
	rig_run(&r, r.now + 2 * NS_PER_S, NULL, NULL);
	assert_int_equal(n + 10, r.n_out);
	for (unsigned i = 0; i < n; i++)
		assert_true(rig_send(&r, 2, 50, i));
	rig_balance(&r, 0);
	rig_fini(&r);
}

static void
what_does_not_exist_drops(void **state)
{
	struct rig_frame f;
	struct dn_totals t;
	struct rig r;

	(void)state;
	rig_init(&r, RIG_MEMORY);
	assert_false(rig_send(&r, 1, 100, 0));
	rig_ok(dn_fs_config(r.dn, &(struct dn_fs_cfg){.nr = 7, .sched_nr = 5},
	    r.now, NULL), NULL);
	rig_frame(&f, 100, 1, 2, 3, 4);
	assert_false(rig_put(&r, &f.p, 7, true));
	dn_totals(r.dn, &t);
	assert_int_equal(2, t.drops[DN_DROP_NO_TARGET]);
	/* it goes on as soon as the scheduler is there */
	rig_pipe(&r, &(struct dn_link_cfg){.nr = 5}, NULL, NULL);
	assert_true(rig_put(&r, &f.p, 7, true));
	rig_run(&r, r.now + 1, NULL, NULL);
	assert_int_equal(1, r.n_out);
	rig_balance(&r, 0);
	rig_fini(&r);
}

/* ---- masks ---- */

/* A mask on a pipe: each flow has the rate for itself. */
static void
pipe_mask_makes_pipes(void **state)
{
	const struct dn_flow_id mask = {.src4 = 0xff}; /* low 8 bits */
	struct dn_sched_info info;
	struct rig_frame f;
	struct rig r;
	ns_t start;

	(void)state;
	rig_init(&r, RIG_MEMORY);
	rig_pipe(&r, &(struct dn_link_cfg){.nr = 1, .rate_bps = 8000000}, NULL,
	    &mask);
	start = r.now;
	for (unsigned i = 0; i < 100; i++) {
		/* ten hosts; bits above the low 8 make no difference */
		uint32_t src = 0x0a000000 + (i % 10) + ((i / 10 % 2) << 8);

		rig_frame(&f, 1000, src, 2, 3, 4);
		assert_true(rig_put(&r, &f.p, 1, false));
	}
	assert_true(dn_sched_get(r.dn, 1 + DN_MAX_NR, r.now, &info));
	assert_int_equal(10, info.n_instances);
	rig_run(&r, start + 5 * NS_PER_MS, NULL, NULL);
	assert_int_equal(10 * 6, r.n_out); /* each: at 0, 1, ... 5 ms */
	rig_run(&r, start + 20 * NS_PER_MS, NULL, NULL);
	assert_int_equal(100, r.n_out);
	rig_balance(&r, 0);
	rig_fini(&r);
}

static void
add_len(void *arg, const struct dn_flow_info *f)
{
	unsigned *n = arg;

	n[0]++;
	n[1] += f->len;
	n[2] += (unsigned)f->drops;
	n[3] += (unsigned)f->pkts;
}

/* A mask on a queue: flows have queues of their own and share the pipe. */
static void
queue_mask_makes_queues(void **state)
{
	struct dn_fs_cfg q = {.nr = 9, .sched_nr = 1, .limit = 10,
	    .has_mask = true, .mask = {.sport = 0xffff}};
	unsigned sums[4] = {0};
	struct rig_frame f;
	struct rig r;

	(void)state;
	rig_init(&r, RIG_MEMORY);
	rig_pipe(&r, &(struct dn_link_cfg){.nr = 1, .rate_bps = 8000000}, NULL,
	    NULL);
	rig_ok(dn_fs_config(r.dn, &q, r.now, NULL), NULL);
	for (unsigned i = 0; i < 4 * 12; i++) {
		rig_frame(&f, 1000, 1, 2, (uint16_t)(i % 4), 4);
		rig_put(&r, &f.p, 9, true);
	}
	dn_each_flow(r.dn, 9, add_len, sums);
	assert_int_equal(4, sums[0]);
	assert_int_equal(40, sums[1]); /* one has gone, 7 did not fit */
	assert_int_equal(7, sums[2]);
	assert_int_equal(48, sums[3]);
	rig_run(&r, r.now + 10 * NS_PER_MS, NULL, NULL);
	assert_int_equal(11, r.n_out); /* the rate of one pipe */
	rig_run(&r, r.now + NS_PER_S / 2, NULL, NULL);
	rig_balance(&r, 0);
	rig_fini(&r);
}

static void
idle_flows_expire(void **state)
{
	const struct dn_flow_id mask = {.src4 = 0xffffffff};
	struct dn_totals t;
	struct rig_frame f;
	struct rig r;

	(void)state;
	rig_init(&r, RIG_MEMORY);
	rig_pipe(&r, &(struct dn_link_cfg){.nr = 1, .delay = NS_PER_MS}, NULL,
	    &mask);
	for (uint32_t i = 0; i < 20000; i++) {
		rig_frame(&f, 60, i, 2, 3, 4);
		assert_true(rig_put(&r, &f.p, 1, false));
	}
	dn_totals(r.dn, &t);
	assert_int_equal(20000, t.n_flows);
	assert_int_equal(20000, t.n_instances);
	rig_run(&r, r.now + NS_PER_S, NULL, NULL);
	for (unsigned i = 0; i < 3000; i++) { /* 1 ms each */
		struct held *out[1];

		r.now += NS_PER_MS;
		assert_int_equal(0, dn_run(r.dn, r.now, out, 1));
	}
	dn_totals(r.dn, &t);
	assert_int_equal(0, t.n_flows);
	assert_int_equal(0, t.n_instances);
	assert_int_equal(0, t.memory);
	rig_fini(&r);
}

/* As in FreeBSD 'sched N config' alone makes pipe N, with its mask. */
static void
a_scheduler_comes_with_its_pipe(void **state)
{
	struct dn_sched_cfg s = {.nr = 5, .type = SCHED_TYPE_RR,
	    .has_mask = true, .mask = {.src4 = 0xff}};
	struct dn_sched_info info;
	struct dn_fs_info fs;
	struct rig r;

	(void)state;
	rig_init(&r, RIG_MEMORY);
	rig_ok(dn_sched_config(r.dn, &s, r.now, NULL), NULL);
	assert_true(rig_send(&r, 5, 100, 1));
	rig_run(&r, r.now + 1, NULL, NULL);
	assert_int_equal(1, r.n_out);
	assert_true(dn_sched_get(r.dn, 5 + DN_MAX_NR, r.now, &info));
	assert_int_equal(SCHED_TYPE_FIFO, info.cfg.type);
	assert_int_equal(0xff, info.cfg.mask.src4);
	assert_true(dn_fs_get(r.dn, 5 + 2 * DN_MAX_NR, &fs));
	assert_int_equal(5 + DN_MAX_NR, fs.cfg.sched_nr);
	assert_int_equal(DN_DEF_SLOTS, fs.cfg.limit);
	/* what is there stays */
	rig_pipe(&r, &(struct dn_link_cfg){.nr = 6}, &(struct dn_fs_cfg){
	    .limit = 7}, NULL);
	s.nr = 6;
	rig_ok(dn_sched_config(r.dn, &s, r.now, NULL), NULL);
	assert_true(dn_fs_get(r.dn, 6 + 2 * DN_MAX_NR, &fs));
	assert_int_equal(7, fs.cfg.limit);
	rig_balance(&r, 0);
	rig_fini(&r);
}

/* ---- what packets carry ---- */

static void
packets_keep_what_the_rules_gave_them(void **state)
{
	static struct tag_pool tags;
	struct held *out[1];
	struct rig_frame f;
	uint16_t tag[2];
	struct rig r;

	(void)state;
	rig_init(&r, RIG_MEMORY);
	rig_pipe(&r, &(struct dn_link_cfg){.nr = 1}, NULL, NULL);
	rig_frame(&f, 77, 1, 2, 3, 4);
	tag_reset(&tags);
	assert_true(tag_set(&tags, &f.p.tags, 11));
	assert_true(tag_set(&tags, &f.p.tags, 22));
	f.p.mark = 0xabcdef01;
	f.p.fate.rule_num = 300;
	f.p.fate.rule_id = 17;
	assert_true(dn_enqueue(r.dn, &f.p, &(struct dn_target){.nr = 1,
	    .out = true, .go_on = true, .lane = 5, .tags = &tags}, r.now));
	assert_int_equal(1, dn_run(r.dn, r.now, out, 1));
	assert_int_equal(91, out[0]->len);
	assert_int_equal(77, out[0]->bytes);
	assert_memory_equal(f.b, out[0]->frame, 91);
	assert_int_equal(0xabcdef01, out[0]->mark);
	assert_int_equal(300, out[0]->rule_num);
	assert_int_equal(17, out[0]->rule_id);
	assert_int_equal(5, out[0]->lane);
	assert_int_equal(HELD_IP4 | HELD_OUT | HELD_GO_ON, out[0]->flags);
	assert_int_equal(2, out[0]->n_tags);
	memcpy(tag, held_tags(out[0]), sizeof(tag));
	assert_int_equal(33, tag[0] + tag[1]);
	dn_free(r.dn, out, 1);
	rig_fini(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(delay_is_exact_to_the_nanosecond),
	    cmocka_unit_test(first_packet_leaves_at_once_and_the_link_owes),
	    cmocka_unit_test(burst_is_saved_up_while_idle),
	    cmocka_unit_test(rate_does_not_drift),
	    cmocka_unit_test(late_calls_change_no_time),
	    cmocka_unit_test(slots_and_octets_limit_a_queue),
	    cmocka_unit_test(memory_limits_a_pipe_and_all),
	    cmocka_unit_test(what_does_not_exist_drops),
	    cmocka_unit_test(pipe_mask_makes_pipes),
	    cmocka_unit_test(queue_mask_makes_queues),
	    cmocka_unit_test(idle_flows_expire),
	    cmocka_unit_test(a_scheduler_comes_with_its_pipe),
	    cmocka_unit_test(packets_keep_what_the_rules_gave_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
