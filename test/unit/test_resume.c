/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the search goes on for packets that were kept, and what becomes of
 * them. */
#include <stdlib.h>

#include "step_rig.h"

#include "engine/resume.h"

static struct frame f;

/* A UDP packet that was kept by rule (num, id). */
static struct pkt
kept(uint16_t num, uint32_t id)
{
	struct pkt p;

	f_ether(&f, ETYPE_IP4);
	f_ip4(&f, PROTO_UDP, 1, 2, 0);
	f_udp(&f, 1, 9);
	p = f_parse(&f);
	p.verdict = VERDICT_PIPE;
	p.fate = (struct pkt_fate){.rule_num = num, .rule_id = id};
	return p;
}

static void
at_the_rule_after(void **state)
{
	struct rig *g = rig_open(true);
	uint32_t a, b;

	(void)state;
	a = rig_action(g, 100, O_COUNT, 0);
	b = rig_action(g, 100, O_COUNT, 0);
	rig_action(g, 200, O_COUNT, 0);
	assert_int_equal(resume_at(g->rs, &(struct pkt_fate){0}), 0);
	assert_int_equal(resume_at(g->rs,
	    &(struct pkt_fate){a, 100, 0}), 1);
	assert_int_equal(resume_at(g->rs,
	    &(struct pkt_fate){b, 100, 0}), 2);
	assert_int_equal(resume_at(g->rs,
	    &(struct pkt_fate){UINT32_MAX, 100, 0}), 2);
	assert_int_equal(resume_at(g->rs,
	    &(struct pkt_fate){9, 65534, 0}), 3);
	assert_int_equal(resume_at(g->rs,
	    &(struct pkt_fate){UINT32_MAX, 65535, 0}), 3);
	rig_close(g);
}

/* The rule is gone: what came after it is what comes next, a rule that was
 * added again under its number as well. */
static void
after_a_rule_that_is_gone(void **state)
{
	struct rig *g = rig_open(true);
	uint32_t a, b;

	(void)state;
	a = rig_action(g, 100, O_COUNT, 0);
	b = rig_action(g, 200, O_COUNT, 0);
	rig_delete(g, 100);
	assert_int_equal(resume_at(g->rs,
	    &(struct pkt_fate){a, 100, 0}), 0);
	rig_action(g, 200, O_COUNT, 0);
	rig_delete(g, 200);
	assert_int_equal(resume_at(g->rs,
	    &(struct pkt_fate){b, 200, 0}), 0);
	rig_action(g, 200, O_COUNT, 0);
	assert_int_equal(resume_at(g->rs,
	    &(struct pkt_fate){b, 200, 0}), 0);
	rig_close(g);
}

static void
goes_on_and_out(void **state)
{
	struct rig *g = rig_open(true);
	uint32_t before = rig_action(g, 100, O_COUNT, 0);
	uint32_t after = rig_action(g, 200, O_COUNT, 0);
	struct pkt p = kept(100, before), *held[] = {&p};
	uint8_t got[2048];

	(void)state;
	resume_burst(&g->c, &g->lane, held, 1, false);
	assert_int_equal(rig_count(g, before), 0);
	assert_int_equal(rig_count(g, after), 1);
	assert_int_equal(mem_queue_get(g->out, got, sizeof(got)), f.len);
	assert_memory_equal(got, f.b, f.len);
	rig_close(g);
}

static void
is_denied_answered_turned_round(void **state)
{
	struct rig *g = rig_open(true);
	const struct insn_sa fwd = {.o = {O_FORWARD_IP, 5, 0}, .addr = 1};
	uint32_t deny = rig_action(g, 100, O_REJECT, 3);
	uint32_t turn = rig_rule(g, 200, &fwd.o, 0, 5);
	struct pkt p = kept(0, 0), q = kept(100, deny);
	struct pkt *held[] = {&p, &q};
	uint8_t got[2048];

	(void)state;
	g->c.reply_limit = 0;
	resume_burst(&g->c, &g->lane, held, 2, false);
	assert_int_equal(g->c.drops[DROP_RULE], 1);
	assert_int_equal(rig_count(g, deny), 1);
	assert_int_equal(rig_count(g, turn), 1);
	assert_int_equal(mem_queue_get(g->out, got, sizeof(got)), 0);
	assert_int_equal(mem_queue_get(g->in, got, sizeof(got)), f.len);
	rig_close(g);
}

/* VERDICT_ACCEPT asks no more rules of its pass; the pass on the way out is
 * another one, for packets that were kept on the way in. */
static void
passes(void **state)
{
	struct rig *g = rig_open(true);
	const struct insn out[] = {{O_IN, 1 | INSN_NOT, 0}, {O_COUNT, 1, 0}};
	uint32_t in_out = rig_action(g, 100, O_COUNT, 0);
	uint32_t only_out = rig_rule(g, 200, out, 1, 2);
	struct pkt p = kept(0, 0), *held[] = {&p};

	(void)state;
	p.verdict = VERDICT_ACCEPT;
	resume_burst(&g->c, &g->lane, held, 1, false);
	assert_int_equal(rig_count(g, in_out), 0);
	g->c.out_pass = true;
	resume_burst(&g->c, &g->lane, held, 1, false);
	assert_int_equal(rig_count(g, in_out), 1);
	assert_int_equal(rig_count(g, only_out), 1);
	p.verdict = VERDICT_PIPE;
	resume_burst(&g->c, &g->lane, held, 1, true);
	assert_int_equal(rig_count(g, in_out), 2);
	assert_int_equal(rig_count(g, only_out), 2);
	p.verdict = VERDICT_PIPE;
	assert_true(resume_run(&g->c, &g->lane, &p, false));
	assert_int_equal(p.verdict, VERDICT_ACCEPT);
	assert_int_equal(rig_count(g, only_out), 3);
	assert_false(g->c.pass.out);
	rig_close(g);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(at_the_rule_after),
		cmocka_unit_test(after_a_rule_that_is_gone),
		cmocka_unit_test(goes_on_and_out),
		cmocka_unit_test(is_denied_answered_turned_round),
		cmocka_unit_test(passes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
