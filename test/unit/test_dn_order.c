/* SPDX-License-Identifier: BSD-2-Clause */
/* When packets may come ahead of dn_run(), and what is told of dropped ones. */
#include "dn_rig.h"

static void
order_is(const struct dn_link_cfg *link, const struct dn_fs_cfg *fs,
    const struct dn_flow_id *mask, enum dn_order want)
{
	struct rig r;
	struct dn_link_cfg l = *link;

	rig_init(&r, RIG_MEMORY);
	assert_int_equal(dn_order(r.dn), DN_ORDER_FREE);
	l.nr = 7;
	rig_pipe(&r, &l, fs, mask);
	assert_int_equal(dn_order(r.dn), want);
	rig_fini(&r);
}

static void
orders(void **state)
{
	const struct dn_link_cfg plain = {.rate_bps = 1000000, .delay = 5};
	const struct dn_flow_id mask = {.src4 = 0xff, .family = 4};

	(void)state;
	order_is(&plain, NULL, NULL, DN_ORDER_FREE);
	order_is(&plain, NULL, &mask, DN_ORDER_GRID);
	order_is(&(struct dn_link_cfg){.duplicate = DN_ONE / 2}, NULL, NULL,
	    DN_ORDER_STRICT);
	order_is(&(struct dn_link_cfg){.corrupt = 1}, NULL, NULL,
	    DN_ORDER_STRICT);
	order_is(&(struct dn_link_cfg){.jitter_kind = DN_JITTER_UNIFORM,
	    .jitter = 1, .delay = 9}, NULL, &mask, DN_ORDER_STRICT);
	order_is(&(struct dn_link_cfg){.memory = 1 << 20}, NULL, NULL,
	    DN_ORDER_STRICT);
	order_is(&plain, &(struct dn_fs_cfg){.loss.p = 1}, NULL,
	    DN_ORDER_STRICT);
	order_is(&plain, &(struct dn_fs_cfg){.loss.p = DN_ONE}, NULL,
	    DN_ORDER_FREE); /* always: nothing is drawn */
	order_is(&plain, &(struct dn_fs_cfg){.aqm = {.type = AQM_CODEL,
	    .target = 1, .interval = 2}}, NULL, DN_ORDER_STRICT);
}

static void
ahead(void **state)
{
	enum { MEMORY = 4 << 20, LEN = 1400 };
	struct rig r;
	unsigned n = 0;

	(void)state;
	rig_init(&r, MEMORY);
	rig_pipe(&r, &(struct dn_link_cfg){.nr = 1, .delay = NS_PER_S}, NULL,
	    NULL);
	assert_int_equal(dn_ahead(r.dn, DN_ORDER_STRICT, 77), 77);
	assert_int_equal(dn_ahead(r.dn, DN_ORDER_FREE, 77), UINT64_MAX);
	assert_int_equal(dn_ahead(r.dn, DN_ORDER_GRID, 77), NS_PER_MS);
	assert_int_equal(dn_ahead(r.dn, DN_ORDER_GRID, NS_PER_MS),
	    2 * NS_PER_MS);
	/* Not when room is short: it would be free, had some been taken. */
	while (dn_ahead(r.dn, DN_ORDER_FREE, r.now) == UINT64_MAX) {
		assert_true(rig_send(&r, 1, LEN, n));
		assert_true(++n < MEMORY / LEN);
	}
	assert_int_equal(dn_ahead(r.dn, DN_ORDER_FREE, r.now), r.now);
	assert_true(n > MEMORY / 4 * 2 / LEN);
	rig_fini(&r);
}

struct dropped {
	unsigned n;
	uint32_t number;
	enum dn_drop why;
};

static void
note(void *arg, uint32_t number, enum dn_drop why)
{
	struct dropped *d = arg;

	d->n++;
	d->number = number;
	d->why = why;
}

static bool
send(struct rig *r, unsigned nr, uint32_t number)
{
	struct rig_frame f;

	return dn_enqueue(r->dn, rig_frame(&f, 100, 1, 2, 3, 4),
	    &(struct dn_target){.nr = (uint16_t)nr, .number = number}, r->now);
}

static void
drops_are_told(void **state)
{
	struct dropped d = {0};
	struct held *out[4];
	struct rig r;

	(void)state;
	rig_init(&r, RIG_MEMORY);
	rig_pipe(&r, &(struct dn_link_cfg){.nr = 1, .rate_bps = 1000},
	    &(struct dn_fs_cfg){.limit = 1}, NULL);
	rig_pipe(&r, &(struct dn_link_cfg){.nr = 2},
	    &(struct dn_fs_cfg){.loss.p = DN_ONE}, NULL);
	dn_watch(r.dn, note, &d);
	assert_true(send(&r, 1, 0xab123456)); /* leaves */
	assert_true(send(&r, 1, 1)); /* waits */
	assert_int_equal(d.n, 0);
	assert_false(send(&r, 1, HELD_NUMBERS + 2));
	assert_int_equal(d.n, 1);
	assert_int_equal(d.number, 2);
	assert_int_equal(d.why, DN_DROP_QUEUE_FULL);
	assert_false(send(&r, 2, HELD_NUMBERS + 3));
	assert_int_equal(d.n, 2);
	assert_int_equal(d.number, 3);
	assert_int_equal(d.why, DN_DROP_LOSS);
	assert_false(send(&r, 9, 4));
	assert_int_equal(d.n, 3);
	assert_int_equal(d.number, 4);
	assert_int_equal(d.why, DN_DROP_NO_TARGET);
	assert_int_equal(dn_run(r.dn, r.now, out, 4), 1);
	assert_int_equal(held_number(out[0]), 0x123456);
	dn_free(r.dn, out, 1);
	dn_watch(r.dn, NULL, NULL);
	assert_false(send(&r, 1, 5));
	assert_int_equal(d.n, 3);
	rig_fini(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(orders),
		cmocka_unit_test(ahead),
		cmocka_unit_test(drops_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
