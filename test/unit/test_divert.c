/* SPDX-License-Identifier: BSD-2-Clause */
/* divert, tee and diverted: what reaches the ring, and what goes on. */
#include <stdlib.h>

#include "step_rig.h"

#include "engine/diverts.h"
#include "engine/resume.h"

static struct frame f;
static struct rig *g;
static struct diverts *d;
static uint8_t got[2048];

static int
begin(void **state)
{
	struct err e = {0};

	(void)state;
	g = rig_open(true);
	assert_int_equal(diverts_create(1, &d, &e), 0);
	g->c.pass.divert = &d->ways[0].out;
	f_ether(&f, ETYPE_IP4);
	f_ip4(&f, PROTO_UDP, 1, 2, 0);
	f_udp(&f, 1, 9);
	f_parse(&f);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	diverts_destroy(d);
	rig_close(g);
	return 0;
}

/* The frame comes in by the lane. */
static void
arrive(void)
{
	assert_true(mem_queue_put(g->in, f.b, f.len));
	assert_int_equal(step(&g->c, &g->lane, PORT_BURST), 1);
	diverts_publish(d, &d->ways[0]);
}

/* What a listener would get next; NULL if nothing. */
static struct kipfw_divert *
next(void)
{
	struct kipfw_divert *m;
	uint32_t len;

	m = msgring_next(d->ways[0].out.ring, &len);
	if (m != NULL)
		assert_int_equal(len, sizeof(*m) + m->len);
	return m;
}

static bool
sent(void)
{
	return mem_queue_get(g->out, got, sizeof(got)) != 0;
}

/* Puts a message back and lets the worker go on with it. */
static void
give_back(const struct kipfw_divert *m)
{
	assert_true(diverts_give_back(d, 0, m,
	    (uint32_t)sizeof(*m) + m->len));
	msgring_publish(d->ways[0].back);
	assert_int_equal(diverts_resume(&g->c, &d->ways[0], &g->lane, 1), 1);
}

static void
divert_hands_over(void **state)
{
	const struct insn_u32 mark[] = {{{O_SETMARK, 2, 0x8000}, {77}}};
	struct kipfw_divert *m;

	(void)state;
	rig_rule(g, 50, &mark->o, 0, 2);
	rig_action(g, 100, O_DIVERT, 1000);
	diverts_listen(d, 1000, true);
	arrive();
	m = next();
	assert_non_null(m);
	assert_int_equal(m->rule, 100);
	assert_int_equal(m->port, 1000);
	assert_int_equal(m->lane, 0);
	assert_int_equal(m->dir, KIPFW_DIVERT_IN);
	assert_int_equal(m->flags, 0);
	assert_int_equal(m->mark, 77);
	assert_string_equal(m->in_if, "in");
	assert_string_equal(m->out_if, "out");
	assert_int_equal(m->len, f.len);
	assert_memory_equal(m + 1, f.b, f.len);
	assert_null(next());
	assert_false(sent());
	assert_int_equal(g->c.drops[DROP_RULE], 0);
	assert_int_equal(d->ways[0].out.handed, 1);
}

/* A divert that nobody listens to drops; at the next port likewise. */
static void
divert_to_nobody(void **state)
{
	(void)state;
	rig_action(g, 100, O_DIVERT, 1000);
	diverts_listen(d, 1000, true);
	diverts_listen(d, 1001, true);
	diverts_listen(d, 1000, false);
	arrive();
	assert_null(next());
	assert_false(sent());
	assert_int_equal(g->c.drops[DROP_DIVERT_NOBODY], 1);
	g->c.pass.divert = NULL;
	arrive();
	assert_int_equal(g->c.drops[DROP_DIVERT_NOBODY], 2);
}

/* tee goes on within the same search: a call stack survives it. */
static void
tee_copies(void **state)
{
	const struct insn back = {O_CALLRETURN, 1 | INSN_NOT, 0};
	uint32_t skipped, after;
	struct kipfw_divert *m;

	(void)state;
	rig_action(g, 100, O_CALLRETURN, 1000);
	after = rig_action(g, 200, O_COUNT, 0);
	rig_action(g, 300, O_SKIPTO, 2000);
	rig_action(g, 1000, O_TEE, 7);
	rig_rule(g, 1001, &back, 0, 1);
	skipped = rig_action(g, 1002, O_COUNT, 0);
	arrive();
	assert_true(sent());
	assert_null(next());
	diverts_listen(d, 7, true);
	arrive();
	assert_true(sent());
	m = next();
	assert_non_null(m);
	assert_int_equal(m->rule, 1000);
	assert_int_equal(m->flags, KIPFW_DIVERT_TEE);
	assert_memory_equal(m + 1, f.b, f.len);
	assert_int_equal(rig_count(g, skipped), 0);
	assert_int_equal(rig_count(g, after), 2);
	assert_int_equal(d->ways[0].out.tees_lost, 0);
}

/* Whole frames, tags included, whatever is in them. */
static void
tags_and_no_ip(void **state)
{
	struct kipfw_divert *m;

	(void)state;
	rig_action(g, 100, O_DIVERT, 1000);
	diverts_listen(d, 1000, true);
	f_ether(&f, ETYPE_VLAN);
	f_vlan(&f, 5, ETYPE_ARP);
	f_add(&f, 28);
	arrive();
	m = next();
	assert_non_null(m);
	assert_int_equal(m->len, 46);
	assert_memory_equal(m + 1, f.b, f.len);
	give_back(m);
	assert_true(sent());
	assert_memory_equal(got, f.b, f.len);
}

/* A reader that does not come costs packets, not time. */
static void
full(void **state)
{
	unsigned n = 0;

	(void)state;
	rig_action(g, 50, O_TEE, 1000);
	rig_action(g, 100, O_DIVERT, 1000);
	diverts_listen(d, 1000, true);
	while (g->c.drops[DROP_DIVERT_FULL] == 0 && n++ < 100000)
		arrive();
	assert_true(n > 1000 && n < 100000);
	arrive();
	assert_int_equal(g->c.drops[DROP_DIVERT_FULL], 2);
	assert_in_range(d->ways[0].out.tees_lost, 1, 2);
}

/* Given back, it goes on at the next number, not at the next rule of the same
 * number, and 'diverted' knows it. */
static void
goes_on(void **state)
{
	const struct insn any[] = {{O_DIVERTED, 1, 3}, {O_COUNT, 1, 0}};
	const struct insn in[] = {{O_DIVERTED, 1, 1}, {O_COUNT, 1, 0}};
	const struct insn out[] = {{O_DIVERTED, 1, 2}, {O_COUNT, 1, 0}};
	const struct insn no[] = {{O_DIVERTED, 1 | INSN_NOT, 3},
	    {O_DIVERT, 1, 1000}};
	uint32_t divert, same, n_any, n_in, n_out;
	struct kipfw_divert *m;

	(void)state;
	diverts_listen(d, 1000, true);
	divert = rig_rule(g, 100, no, 1, 2);
	same = rig_action(g, 100, O_COUNT, 0);
	n_any = rig_rule(g, 200, any, 1, 2);
	n_in = rig_rule(g, 300, in, 1, 2);
	n_out = rig_rule(g, 400, out, 1, 2);
	arrive();
	m = next();
	give_back(m);
	assert_true(sent());
	assert_int_equal(rig_count(g, divert), 1);
	assert_int_equal(rig_count(g, same), 0);
	assert_int_equal(rig_count(g, n_any), 1);
	assert_int_equal(rig_count(g, n_in), 1);
	assert_int_equal(rig_count(g, n_out), 0);
	m->dir = KIPFW_DIVERT_OUT;
	give_back(m);
	assert_true(sent());
	assert_int_equal(rig_count(g, n_any), 2);
	assert_int_equal(rig_count(g, n_in), 1);
	assert_int_equal(rig_count(g, n_out), 1);
	m->rule = 0; /* from the start, as if it had not been here */
	give_back(m);
	assert_false(sent());
	assert_int_equal(rig_count(g, divert), 2);
	assert_int_equal(g->c.pass.diverted, 0);
}

/* The pass on the way out is no diverted one after one on the way in. */
static void
out_pass_is_another(void **state)
{
	const struct insn any[] = {{O_DIVERTED, 1, 3}, {O_COUNT, 1, 0}};
	uint32_t n;
	struct kipfw_divert *m;

	(void)state;
	diverts_listen(d, 1000, true);
	g->c.out_pass = true;
	n = rig_rule(g, 90, any, 1, 2);
	rig_action(g, 100, O_DIVERT, 1000);
	arrive();
	m = next();
	assert_int_equal(m->dir, KIPFW_DIVERT_IN);
	give_back(m);
	diverts_publish(d, &d->ways[0]);
	m = next();
	assert_non_null(m);
	assert_int_equal(m->dir, KIPFW_DIVERT_OUT);
	assert_int_equal(rig_count(g, n), 0);
	give_back(m);
	assert_true(sent());
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
		T(divert_hands_over),
		T(divert_to_nobody),
		T(tee_copies),
		T(tags_and_no_ip),
		T(full),
		T(goes_on),
		T(out_pass_is_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
