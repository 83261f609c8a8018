/* SPDX-License-Identifier: BSD-2-Clause */
/* Objects of dummynet: what is refused, what is replaced, and that packets
 * outlive it. */
#include "dn_rig.h"

#include "base/rng.h"

#include <errno.h>

/* ---- refusals ---- */

static void
nonsense_is_refused_with_a_sentence(void **state)
{
	static struct dn_profile profile = {.n_samples = 1};
	static const struct dn_moment late[] = {{5, 1}, {5, 1}}, zero[] = {
	    {0, 3}}, none[] = {{3, 0}};
	const struct dn_link_cfg links[] = {
	    {.nr = 0},
	    {.nr = DN_MAX_NR},
	    {.nr = 1, .rate_bps = DN_MAX_RATE + 1},
	    {.nr = 1, .delay = DN_MAX_DELAY + 1},
	    {.nr = 1, .burst = DN_MAX_BYTES + 1},
	    {.nr = 1, .memory = RIG_MEMORY + 1},
	    {.nr = 1, .jitter = DN_MAX_DELAY + 1},
	    {.nr = 1, .jitter_kind = DN_JITTER_PARETO + 1},
	    {.nr = 1, .corrupt = DN_ONE + 1},
	    {.nr = 1, .duplicate = DN_ONE + 1},
	    {.nr = 1, .reorder = DN_ONE + 1},
	    {.nr = 1, .profile = &profile},
	    {.nr = 1, .trace = late, .n_trace = 2},
	    {.nr = 1, .trace = zero, .n_trace = 1},
	    {.nr = 1, .trace = none, .n_trace = 1},
	    {.nr = 1, .trace = none},
	    {.nr = 2}, /* no scheduler 2 */
	};
	const struct dn_fs_cfg fss[] = {
	    {.nr = 0},
	    {.nr = 3 * DN_MAX_NR},
	    {.nr = 1, .sched_nr = 2 * DN_MAX_NR},
	    {.nr = 1, .limit = DN_MAX_SLOTS + 1},
	    {.nr = 1, .limit = DN_MAX_BYTES + 1, .flags = DN_FS_BYTES},
	    {.nr = 1, .loss = {.p = DN_ONE + 1}},
	    {.nr = 1, .loss = {.h = DN_ONE + 1}},
	    {.nr = 1, .aqm = {.type = N_AQMS}},
	    {.nr = 1, .has_mask = true, .buckets = DN_MAX_BUCKETS + 1},
	};
	const struct dn_sched_cfg scheds[] = {
	    {.nr = 0, .type = DN_KEEP},
	    {.nr = DN_MAX_NR, .type = DN_KEEP},
	    {.nr = 1, .type = 99},
	    {.nr = 1, .type = 256 + SCHED_TYPE_FIFO},
	};
	struct dn_totals t;
	struct rig r;
	struct err e;

	(void)state;
	rig_init(&r, RIG_MEMORY);
	rig_pipe(&r, &(struct dn_link_cfg){.nr = 1}, NULL, NULL);
	for (unsigned i = 0; i < ARRAY_LEN(links); i++) {
		e.text[0] = '\0';
		assert_int_equal(-EINVAL,
		    dn_link_config(r.dn, &links[i], r.now, &e));
		assert_true(e.text[0] != '\0');
	}
	for (unsigned i = 0; i < ARRAY_LEN(fss); i++) {
		e.text[0] = '\0';
		assert_int_equal(-EINVAL,
		    dn_fs_config(r.dn, &fss[i], r.now, &e));
		assert_true(e.text[0] != '\0');
	}
	for (unsigned i = 0; i < ARRAY_LEN(scheds); i++) {
		e.text[0] = '\0';
		assert_int_equal(-EINVAL,
		    dn_sched_config(r.dn, &scheds[i], r.now, &e));
		assert_true(e.text[0] != '\0');
	}
	assert_int_equal(-EINVAL, dn_link_delete(r.dn, 2, r.now, &e));
	assert_int_equal(-EINVAL, dn_fs_delete(r.dn, 2, r.now, &e));
	assert_int_equal(-EINVAL, dn_link_delete(r.dn, 1u << 30, r.now, &e));
	assert_int_equal(-EINVAL, dn_fs_delete(r.dn, 1u << 30, r.now, &e));
	dn_totals(r.dn, &t);
	assert_int_equal(2, t.n_scheds);
	assert_int_equal(1, t.n_fs);
	rig_fini(&r);
}

/* ---- what a configuration is afterwards ---- */

static void
configuration_replaces_all(void **state)
{
	struct dn_sched_info s;
	struct dn_fs_info f;
	struct rig r;
	uint32_t kids[4];

	(void)state;
	rig_init(&r, RIG_MEMORY);
	rig_pipe(&r, &(struct dn_link_cfg){.nr = 3, .rate_bps = 5000,
	    .delay = 7, .burst = 9}, &(struct dn_fs_cfg){.limit = 9,
	    .loss = {.p = 5}}, &(struct dn_flow_id){.dst4 = 255});
	assert_true(dn_sched_get(r.dn, 3 + DN_MAX_NR, r.now, &s));
	assert_int_equal(SCHED_TYPE_FIFO, s.cfg.type);
	assert_true(s.cfg.has_mask);
	assert_int_equal(64, s.cfg.buckets);
	assert_int_equal(5000, s.link.rate_bps);
	assert_true(dn_sched_get(r.dn, 3, r.now, &s));
	assert_int_equal(SCHED_TYPE_WF2Q, s.cfg.type);
	assert_false(s.cfg.has_mask);
	assert_int_equal(7, s.link.delay);
	rig_pipe(&r, &(struct dn_link_cfg){.nr = 3}, NULL, NULL);
	assert_true(dn_sched_get(r.dn, 3 + DN_MAX_NR, r.now, &s));
	assert_false(s.cfg.has_mask);
	assert_int_equal(0, s.link.rate_bps + s.link.delay + s.link.burst);
	assert_true(dn_fs_get(r.dn, 3 + 2 * DN_MAX_NR, &f));
	assert_int_equal(DN_DEF_SLOTS, f.cfg.limit);
	assert_int_equal(0, f.cfg.loss.p);
	/* weights stay, and are clamped as the scheduler wants them */
	rig_ok(dn_fs_config(r.dn, &(struct dn_fs_cfg){.nr = 8, .sched_nr = 3,
	    .par = {.weight = 200, .lmax = 1500}}, r.now, NULL), NULL);
	rig_ok(dn_fs_config(r.dn, &(struct dn_fs_cfg){.nr = 7, .sched_nr = 3,
	    .par = {DN_KEEP, DN_KEEP, DN_KEEP}}, r.now, NULL), NULL);
	assert_true(dn_fs_get(r.dn, 8, &f));
	assert_int_equal(100, f.cfg.par.weight);
	assert_true(dn_fs_get(r.dn, 7, &f));
	assert_int_equal(1, f.cfg.par.weight);
	rig_ok(dn_fs_config(r.dn, &(struct dn_fs_cfg){.nr = 8,
	    .par = {DN_KEEP, 0, DN_KEEP}}, r.now, NULL), NULL);
	assert_true(dn_fs_get(r.dn, 8, &f));
	assert_int_equal(100, f.cfg.par.weight);
	assert_int_equal(0, f.cfg.par.lmax);
	assert_int_equal(3, f.cfg.sched_nr);
	assert_int_equal(2, dn_children(r.dn, 3, kids, 4));
	assert_int_equal(7, kids[0]);
	assert_int_equal(8, kids[1]);
	rig_fini(&r);
}

/* ---- live ---- */

struct order {
	uint32_t next;
	ns_t last;
};

static void
check_order(struct rig *r, const struct held *h, void *arg)
{
	struct order *o = arg;

	(void)r;
	assert_int_equal(o->next++, rig_number(h));
	assert_true(h->time >= o->last);
	o->last = h->time;
}

static void
rate_and_delay_change_under_packets(void **state)
{
	struct order o = {0};
	struct rig r;
	ns_t start;

	(void)state;
	rig_init(&r, RIG_MEMORY);
	rig_pipe(&r, &(struct dn_link_cfg){.nr = 1, .rate_bps = 1}, NULL,
	    NULL);
	for (unsigned i = 0; i < 40; i++)
		assert_true(rig_send(&r, 1, 1000, i));
	/* the first one went; the second waits for 8000 s */
	rig_run(&r, r.now + NS_PER_S, check_order, &o);
	assert_int_equal(1, o.next);
	start = r.now;
	rig_pipe(&r, &(struct dn_link_cfg){.nr = 1, .rate_bps = 8000000,
	    .delay = 50 * NS_PER_MS}, NULL, NULL);
	/* what it owes is 7999 bits, at the new rate */
	assert_int_equal(start + 7999 * 125, dn_next(r.dn));
	rig_run(&r, start + 20 * NS_PER_MS, check_order, &o);
	/* on the line are 20, whose time stays; none overtakes them */
	rig_pipe(&r, &(struct dn_link_cfg){.nr = 1}, NULL, NULL);
	for (unsigned i = 40; i < 60; i++)
		assert_true(rig_send(&r, 1, 1000, i));
	rig_run(&r, start + 49 * NS_PER_MS, check_order, &o);
	assert_int_equal(1, o.next);
	rig_run(&r, start + NS_PER_S, check_order, &o);
	assert_int_equal(60, o.next);
	assert_int_equal(start + 7999 * 125 + 69 * NS_PER_MS, o.last);
	rig_balance(&r, 0);
	rig_fini(&r);
}

static void
count_flow(void *arg, const struct dn_flow_info *f)
{
	uint64_t *pkts = arg;

	pkts[0] += f->pkts;
}

static void
type_mask_and_scheduler_change_under_packets(void **state)
{
	const struct dn_flow_id by_port = {.dport = 0xffff};
	struct dn_fs_cfg q = {.nr = 9, .sched_nr = 1, .limit = 100};
	struct dn_link_cfg link = {.nr = 1, .rate_bps = 8000000,
	    .delay = 3 * NS_PER_MS};
	struct order o = {0};
	uint64_t pkts = 0;
	struct rig_frame f;
	struct rig r;

	(void)state;
	rig_init(&r, RIG_MEMORY);
	rig_pipe(&r, &link, NULL, NULL);
	link.nr = 2;
	rig_pipe(&r, &link, NULL, NULL);
	rig_ok(dn_fs_config(r.dn, &q, r.now, NULL), NULL);
	for (uint32_t i = 0; i < 90; i++) {
		rig_frame(&f, 1000, 1, 2, 0, (uint16_t)i);
		assert_true(rig_put(&r, &f.p, 9, true));
	}
	rig_run(&r, r.now + 10 * NS_PER_MS, check_order, &o);
	/* identical: nothing happens, not to counters either */
	rig_ok(dn_fs_config(r.dn, &q, r.now, NULL), NULL);
	dn_each_flow(r.dn, 9, count_flow, &pkts);
	assert_int_equal(90, pkts);
	rig_ok(dn_sched_config(r.dn, &(struct dn_sched_cfg){.nr = 1,
	    .type = SCHED_TYPE_FIFO}, r.now, NULL), NULL);
	rig_run(&r, r.now + 10 * NS_PER_MS, check_order, &o);
	rig_ok(dn_sched_config(r.dn, &(struct dn_sched_cfg){.nr = 1,
	    .type = SCHED_TYPE_WF2Q}, r.now, NULL), NULL);
	rig_run(&r, r.now + 10 * NS_PER_MS, check_order, &o);
	q.sched_nr = 2; /* its link is free: nothing is owed */
	rig_ok(dn_fs_config(r.dn, &q, r.now, NULL), NULL);
	rig_run(&r, r.now + 10 * NS_PER_MS, check_order, &o);
	/* a mask: each flow has its queue, all keep their order */
	q.has_mask = true;
	q.mask = by_port;
	rig_ok(dn_fs_config(r.dn, &q, r.now, NULL), NULL);
	rig_run(&r, r.now + 10 * NS_PER_MS, NULL, NULL);
	assert_in_range(r.n_out, 46, 50);
	/* the rate of 1000 octets a ms held all the time */
	rig_run(&r, r.now + 45 * NS_PER_MS, NULL, NULL);
	assert_int_equal(90, r.n_out);
	rig_balance(&r, 0);
	rig_fini(&r);
}

static void
deleting_drops_and_accounts(void **state)
{
	struct dn_totals t;
	struct rig_frame f;
	struct rig r;

	(void)state;
	rig_init(&r, RIG_MEMORY);
	rig_pipe(&r, &(struct dn_link_cfg){.nr = 1, .rate_bps = 8000000,
	    .delay = NS_PER_S}, NULL, &(struct dn_flow_id){.dport = 3});
	rig_ok(dn_fs_config(r.dn, &(struct dn_fs_cfg){.nr = 5, .sched_nr = 1},
	    r.now, NULL), NULL);
	for (uint32_t i = 0; i < 20; i++) {
		rig_frame(&f, 1000, 1, 2, 0, (uint16_t)i);
		assert_true(rig_put(&r, &f.p, 1, false));
		assert_true(rig_put(&r, &f.p, 5, true));
	}
	assert_int_equal(0, dn_fs_delete(r.dn, 5, r.now, NULL));
	dn_totals(r.dn, &t);
	assert_int_equal(19, t.drops[DN_DROP_DELETED]); /* one on the line */
	rig_balance(&r, 0);
	assert_int_equal(0, dn_link_delete(r.dn, 1, r.now, NULL));
	dn_totals(r.dn, &t);
	assert_int_equal(40, t.drops[DN_DROP_DELETED]);
	assert_int_equal(0, t.held_pkts + t.memory + t.n_scheds + t.n_fs);
	assert_int_equal(UINT64_MAX, dn_next(r.dn));
	rig_balance(&r, 0);
	rig_fini(&r);
}

/* ---- anything, in any order ---- */

static void
any_mask(struct rng *rng, bool *has, struct dn_flow_id *m)
{
	memset(m, 0, sizeof(*m));
	*has = rng_u64(rng) % 2 == 0;
	m->dport = (uint16_t)(rng_u64(rng) & 7);
	m->src4 = (uint32_t)(rng_u64(rng) & 3);
}

static void
any_config(struct rig *r, struct rng *rng)
{
	static const uint64_t rates[] = {0, 1000, 1000000, 1000000000,
	    DN_MAX_RATE};
	uint32_t nr = 1 + (uint32_t)(rng_u64(rng) % 3);
	struct dn_link_cfg l = {.nr = nr, .rate_bps = rates[rng_u64(rng) % 5],
	    .delay = rng_u64(rng) % (20 * NS_PER_MS),
	    .burst = rng_u64(rng) % 3000,
	    .jitter_kind = (uint8_t)(rng_u64(rng) % 4),
	    .jitter = rng_u64(rng) % NS_PER_MS,
	    .jitter_reorder = rng_u64(rng) % 2 == 0,
	    .reorder = (uint32_t)(rng_u64(rng) % 1000000),
	    .memory = rng_u64(rng) % 3 == 0 ? 100000 : 0};
	struct dn_sched_cfg s = {.nr = nr};
	struct dn_fs_cfg f = {.nr = 10 + nr,
	    .sched_nr = 1 + (uint32_t)(rng_u64(rng) % 3),
	    .limit = 1 + rng_u64(rng) % 200,
	    .flags = rng_u64(rng) % 4 == 0 ? DN_FS_BYTES : 0,
	    .par = {.weight = (uint32_t)(rng_u64(rng) % 100)}};

	switch (rng_u64(rng) % 12) {
	case 0:
		dn_link_delete(r->dn, nr, r->now, NULL);
		break;
	case 1:
		dn_fs_delete(r->dn, 10 + nr, r->now, NULL);
		break;
	case 2:
	case 3:
		s.type = sched_table[rng_u64(rng) % 2]->type;
		any_mask(rng, &s.has_mask, &s.mask);
		dn_sched_config(r->dn, &s, r->now, NULL);
		break;
	case 4:
	case 5:
	case 6:
		any_mask(rng, &f.has_mask, &f.mask);
		dn_fs_config(r->dn, &f, r->now, NULL);
		break;
	case 7:
	case 8:
		dn_link_config(r->dn, &l, r->now, NULL);
		break;
	default:
		any_mask(rng, &s.has_mask, &s.mask);
		rig_pipe(r, &l, &(struct dn_fs_cfg){.limit = 100},
		    s.has_mask ? &s.mask : NULL);
		break;
	}
}

static void
nothing_is_lost_unaccounted(void **state)
{
	enum { OPS = 300000 };
	struct dn_totals t;
	struct rig_frame f;
	struct rng rng;
	struct rig r;

	(void)state;
	rig_init(&r, 128 * SLAB_CHUNK);
	rng_init(&rng, 21);
	for (unsigned i = 0; i < OPS; i++) {
		uint64_t x = rng_u64(&rng);
		unsigned nr = 1 + (unsigned)(x >> 8) % 3;

		if (x % 64 == 0) {
			any_config(&r, &rng);
			if (x % 512 == 0)
				rig_balance(&r, 0);
		} else if (x % 4 != 0) {
			rig_frame(&f, 40 + (unsigned)(x >> 16) % 1400,
			    (uint32_t)(x >> 32) & 3, 2, 3, (x >> 40) & 7);
			rig_put(&r, &f.p, x % 2 == 0 ? nr : 10 + nr,
			    x % 2 != 0);
		} else {
			rig_run(&r, r.now + (x >> 16) % (NS_PER_MS / 4), NULL,
			    NULL);
		}
	}
	assert_true(r.n_out > OPS / 20);
	dn_flush(r.dn, r.now);
	rig_balance(&r, 0);
	dn_totals(r.dn, &t);
	assert_int_equal(0, t.memory + t.held_pkts + t.n_flows +
	    t.n_instances);
	rig_fini(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nonsense_is_refused_with_a_sentence),
	    cmocka_unit_test(configuration_replaces_all),
	    cmocka_unit_test(rate_and_delay_change_under_packets),
	    cmocka_unit_test(type_mask_and_scheduler_change_under_packets),
	    cmocka_unit_test(deleting_drops_and_accounts),
	    cmocka_unit_test(nothing_is_lost_unaccounted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
