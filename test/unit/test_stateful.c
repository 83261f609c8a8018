/* SPDX-License-Identifier: BSD-2-Clause */
/* Rules that keep states: reference, section D and pitfalls 5, 18, 28 to 34. */
#include "unit.h"

#include "frames.h"

#include "rule/check.h"
#include "rule/stateful.h"

enum { DENY_ALL = 9 }; /* counter of the default rule */

static struct counter counts[16];
static struct rng rng;
static struct tag_pool tags;
static struct me me;
static struct state_cfg cfg;
static struct ruleset *rules;
static uint32_t next_id;
static struct frame frame;
static struct pass pass = {.counts = counts, .rng = &rng, .tags = &tags,
    .me = &me, .in_if = "a", .out_if = "b", .state_cfg = &cfg, .now_s = 77};

static void
gone(void *arg, uint32_t counter)
{
	(void)arg, (void)counter;
}

static int
setup(void **s)
{
	(void)s;
	rng_init(&rng, 5);
	memset(counts, 0, sizeof(counts));
	cfg = (struct state_cfg){{300, 20, 1, 1, 10, 5}, 1000, 1000, 5000};
	pass.states = state_create(1024, &rng);
	rules = ruleset_create(false, DENY_ALL);
	pass.rules = rules;
	next_id = 1;
	return 0;
}

static int
teardown(void **s)
{
	(void)s;
	ruleset_destroy(rules, gone, NULL);
	state_destroy(pass.states);
	return 0;
}

static void
replace(struct ruleset *next)
{
	ruleset_destroy(rules, gone, NULL);
	pass.rules = rules = next;
}

/* ---- rules, word by word ---- */

#define I(op, arg) ((uint32_t)(op) | 1u << 8 | (uint32_t)(arg) << 16)
#define I2(op, arg) ((uint32_t)(op) | 2u << 8 | (uint32_t)(arg) << 16)
#define LIMIT_WORD(mask, n) ((uint32_t)(mask) << 8 | (uint32_t)(n) << 16)

/* Adds rule 'num' that counts in 'counter', whose action is at w[act_ofs]. */
static void
add_rule(unsigned num, uint32_t counter, const uint32_t *w, unsigned n,
    unsigned act_ofs)
{
	struct {
		struct abi_rule r;
		uint32_t cmd[32];
	} a = {.r = {.rulenum = num, .cmd_len = (uint16_t)n,
	    .act_ofs = (uint16_t)act_ofs}};
	struct err e = {0};
	struct rule *r;

	memcpy(a.cmd, w, n * 4);
	if (check_rule(&a.r, sizeof(a), &e) != 0)
		fail_msg("%s", e.text);
	r = rule_create(&a.r, (uint16_t)num, next_id++, counter);
	replace(ruleset_add(rules, &r, 1));
}

/* The same of one word, the last. */
static void
add_n(unsigned num, uint32_t counter, const uint32_t *w, unsigned n)
{
	add_rule(num, counter, w, n, n - 1);
}

#define ADD(num, counter, ...)                                                 \
	add_n(num, counter, (const uint32_t[]){__VA_ARGS__},                   \
	    sizeof((const uint32_t[]){__VA_ARGS__}) / 4)

static void
delete(uint16_t num)
{
	struct rule_range g = {.flags = RANGE_RULES, .lo = num, .hi = num};
	unsigned n;

	replace(ruleset_delete(rules, &g, &n));
	assert_int_equal(n, 1);
}

static enum verdict
udp(uint32_t src, uint16_t sport, uint32_t dst, uint16_t dport)
{
	struct pkt p;

	f_ether(&frame, ETYPE_IP4);
	f_ip4(&frame, PROTO_UDP, src, dst, 0);
	f_udp(&frame, sport, dport);
	p = f_parse(&frame);
	interp_burst(&pass, &p, 1);
	return (enum verdict)p.verdict;
}

static void
counted(unsigned counter, unsigned pkts)
{
	assert_int_equal(counts[counter].pkts, pkts);
}

#define IN	  I(O_IN, 0)
#define TO_80	  I2(O_IP_DSTPORT, 0), 80u | 80u << 16
#define PROBE(n)  I(O_PROBE_STATE, n)
#define KEEP(n)	  I(O_KEEP_STATE, n)
#define ALLOW	  I(O_ACCEPT, 0)
#define DENY	  I(O_DENY, 0)
#define COUNT	  I(O_COUNT, 0)

/* ---- tests ---- */

static void
replies_pass_without_matching(void **s)
{
	(void)s;
	ADD(100, 1, PROBE(1), TO_80, KEEP(1), ALLOW);
	assert_int_equal(udp(2, 80, 1, 10), VERDICT_DENY);
	assert_int_equal(udp(1, 10, 2, 80), VERDICT_ACCEPT);
	assert_int_equal(udp(2, 80, 1, 10), VERDICT_ACCEPT);
	assert_int_equal(udp(2, 80, 1, 11), VERDICT_DENY);
	counted(1, 2);
	counted(DENY_ALL, 2);
	assert_int_equal(state_count(pass.states), 1);
	cfg.now_s += 10;
	assert_int_equal(udp(2, 80, 1, 10), VERDICT_DENY);
}

/* Pitfall 28: only where check-state stands, or at a keep-state rule. */
static void
check_state_acts_in_its_place(void **s)
{
	(void)s;
	ADD(50, 1, IN, I2(O_IP_SRCPORT, 0), 80u | 80u << 16, DENY);
	ADD(100, 2, I(O_CHECK_STATE, 0));
	ADD(150, 3, I2(O_IP_SRCPORT, 0), 81u | 81u << 16, DENY);
	ADD(200, 4, PROBE(1), TO_80, KEEP(1), ALLOW);
	ADD(300, 5, PROBE(1), I2(O_IP_DSTPORT, 0), 81u | 81u << 16, KEEP(1),
	    ALLOW);
	assert_int_equal(udp(1, 10, 2, 80), VERDICT_ACCEPT);
	assert_int_equal(udp(2, 80, 1, 10), VERDICT_DENY);
	assert_int_equal(udp(1, 10, 2, 81), VERDICT_ACCEPT);
	assert_int_equal(udp(2, 81, 1, 10), VERDICT_ACCEPT);
	counted(1, 1);
	counted(2, 0); /* check-state itself counts nothing */
	counted(3, 0);
	counted(4, 1);
	counted(5, 2);
}

/* Pitfall 18: the state's rule decides, not the rule that looked. */
static void
a_probe_may_find_another_rules_state(void **s)
{
	(void)s;
	ADD(100, 1, PROBE(1), I(O_PROTO, PROTO_TCP), KEEP(1), DENY);
	ADD(200, 2, PROBE(1), TO_80, KEEP(1), ALLOW);
	assert_int_equal(udp(1, 10, 2, 80), VERDICT_ACCEPT);
	assert_int_equal(udp(2, 80, 1, 10), VERDICT_ACCEPT);
	counted(1, 0);
	counted(2, 2);
}

static void
a_deny_parent_keeps_denying(void **s)
{
	(void)s;
	ADD(100, 1, PROBE(1), TO_80, KEEP(1), DENY);
	ADD(200, 2, ALLOW);
	assert_int_equal(udp(1, 10, 2, 80), VERDICT_DENY);
	assert_int_equal(udp(2, 80, 1, 10), VERDICT_DENY);
	counted(1, 2);
}

/* Pitfall 29: count goes on after the parent, skipto jumps from it. */
static void
going_on_from_the_parent(void **s)
{
	(void)s;
	ADD(100, 1, I(O_CHECK_STATE, 0));
	ADD(200, 2, DENY);
	ADD(300, 3, PROBE(1), TO_80, KEEP(1), I(O_SKIPTO, 500));
	ADD(400, 4, DENY);
	ADD(500, 5, ALLOW);
	delete(200); /* the parent moves to another index */
	assert_int_equal(udp(1, 10, 2, 80), VERDICT_ACCEPT);
	ADD(200, 2, DENY);
	assert_int_equal(udp(2, 80, 1, 10), VERDICT_ACCEPT);
	counted(3, 2);
	counted(5, 2);
	counted(2, 0);
}

/* Pitfall 29: what the first packet's side sends turns round at fwd, the answers
 * go on; after a jump from the parent it is a fwd like any other. */
static void
answers_pass_a_fwd(void **s)
{
	static const struct insn_sa fwd = {
	    .o = {O_FORWARD_IP, 5, 0}, .addr = 1};
	uint32_t w[8] = {PROBE(1), I(O_PROTO, PROTO_UDP), KEEP(1)};

	(void)s;
	memcpy(w + 3, &fwd, sizeof(fwd));
	ADD(50, 1, I(O_CHECK_STATE, 1));
	add_rule(100, 2, w, 8, 3);
	assert_int_equal(udp(1, 10, 2, 80), VERDICT_BOUNCE);
	assert_int_equal(udp(1, 10, 2, 80), VERDICT_BOUNCE);
	assert_int_equal(udp(2, 80, 1, 10), VERDICT_ACCEPT);
	assert_int_equal(udp(2, 80, 1, 10), VERDICT_ACCEPT);
	counted(2, 4);
	delete(100);
	ADD(100, 3, PROBE(1), I(O_PROTO, PROTO_UDP), KEEP(1), I(O_SKIPTO, 200));
	add_rule(200, 4, w + 3, 5, 0);
	assert_int_equal(udp(1, 10, 2, 80), VERDICT_BOUNCE);
	assert_int_equal(udp(2, 80, 1, 10), VERDICT_BOUNCE);
	counted(4, 2);
}

static void
names_are_looked_up_apart(void **s)
{
	(void)s;
	ADD(100, 1, I(O_CHECK_STATE, 2));
	ADD(200, 2, PROBE(1), TO_80, KEEP(1), COUNT);
	ADD(300, 3, PROBE(2), TO_80, KEEP(2), ALLOW);
	assert_int_equal(udp(1, 10, 2, 80), VERDICT_ACCEPT);
	assert_int_equal(state_count(pass.states), 2);
	counted(2, 1);
	counted(3, 1);
	assert_int_equal(udp(2, 80, 1, 10), VERDICT_ACCEPT);
	counted(2, 1); /* check-state :2 came first */
	counted(3, 2);
	ADD(50, 4, I(O_CHECK_STATE, 0)); /* any: the one it finds decides */
	assert_int_equal(udp(1, 10, 2, 80), VERDICT_ACCEPT);
	counted(3, 3);
}

/* Rules that send a packet to each other for ever, but for the bound. */
static void
jumps_are_bounded(void **s)
{
	(void)s;
	ADD(100, 1, PROBE(2), TO_80, KEEP(2), COUNT);
	ADD(150, 2, PROBE(1), TO_80, KEEP(1), COUNT);
	ADD(200, 3, I(O_CHECK_STATE, 2));
	ADD(300, 4, ALLOW);
	assert_int_equal(udp(1, 10, 2, 80), VERDICT_ACCEPT);
	assert_int_equal(udp(1, 10, 2, 80), VERDICT_ACCEPT);
	assert_in_range(counts[1].pkts, 3, 2 + STATE_JUMPS);
	counted(4, 2);
}

/* Pitfall 30. */
static void
full_denies_and_counts(void **s)
{
	(void)s;
	ADD(100, 1, PROBE(1), TO_80, KEEP(1), ALLOW);
	ADD(200, 2, ALLOW);
	cfg.max = 1;
	assert_int_equal(udp(1, 10, 2, 80), VERDICT_ACCEPT);
	assert_int_equal(udp(1, 11, 2, 80), VERDICT_DENY);
	counted(1, 2);
	counted(2, 0);
	assert_int_equal(udp(1, 10, 2, 80), VERDICT_ACCEPT);
}

static void
limit_denies_the_next_one(void **s)
{
	(void)s;
	ADD(100, 1, PROBE(1), TO_80, I2(O_LIMIT, 1),
	    LIMIT_WORD(LIMIT_SRC_ADDR, 2), ALLOW);
	assert_int_equal(udp(1, 10, 2, 80), VERDICT_ACCEPT);
	assert_int_equal(udp(1, 11, 2, 80), VERDICT_ACCEPT);
	assert_int_equal(udp(1, 12, 2, 80), VERDICT_DENY);
	assert_int_equal(udp(3, 12, 2, 80), VERDICT_ACCEPT);
	assert_int_equal(udp(2, 80, 1, 11), VERDICT_ACCEPT);
	counted(1, 5);
	assert_int_equal(state_parent_count(pass.states), 2);
}

/* Pitfall 5, and rules that are gone. */
static void
sets_and_deleted_rules(void **s)
{
	struct ruleset *off;

	(void)s;
	ADD(50, 2, I(O_CHECK_STATE, 0));
	ADD(100, 1, PROBE(1), TO_80, KEEP(1), ALLOW);
	ADD(200, 3, DENY);
	assert_int_equal(udp(1, 10, 2, 80), VERDICT_ACCEPT);
	off = ruleset_move(rules, &(struct rule_range){.flags = RANGE_RULES,
	    .lo = 100, .hi = 100}, 5);
	replace(off);
	replace(ruleset_enable(rules, 1u << 5, 0));
	assert_int_equal(udp(2, 80, 1, 10), VERDICT_ACCEPT);
	assert_int_equal(udp(1, 11, 2, 80), VERDICT_DENY);
	delete(100);
	assert_int_equal(udp(2, 80, 1, 10), VERDICT_DENY);
	assert_int_equal(state_count(pass.states), 0);
	/* The same number is another rule. */
	ADD(100, 1, I(O_PROTO, PROTO_TCP), ALLOW);
	assert_int_equal(udp(2, 80, 1, 10), VERDICT_DENY);
}

static void
record_state_does_not_probe(void **s)
{
	(void)s;
	ADD(100, 1, TO_80, KEEP(1), ALLOW);
	assert_int_equal(udp(1, 10, 2, 80), VERDICT_ACCEPT);
	assert_int_equal(udp(2, 80, 1, 10), VERDICT_DENY);
	ADD(200, 2, I(O_CHECK_STATE, 1));
	assert_int_equal(udp(2, 80, 1, 10), VERDICT_ACCEPT);
	counted(1, 2);
}

/* The state is made, the action runs for the packets that find it. */
static void
defer_action_goes_on(void **s)
{
	(void)s;
	ADD(50, 3, I(O_CHECK_STATE, 1));
	ADD(100, 1, TO_80, KEEP(1), I(O_SKIP_ACTION, 0), DENY);
	ADD(200, 2, ALLOW);
	assert_int_equal(udp(1, 10, 2, 80), VERDICT_ACCEPT);
	counted(1, 0);
	assert_int_equal(udp(1, 10, 2, 80), VERDICT_DENY);
	assert_int_equal(udp(2, 80, 1, 10), VERDICT_DENY);
	counted(1, 2);
	counted(2, 1);
}

/* With prob the probe is skipped as well. */
static void
prob_comes_before_the_probe(void **s)
{
	unsigned n = 0;

	(void)s;
	ADD(50, 2, TO_80, KEEP(1), ALLOW);
	ADD(100, 1, I2(O_PROB, 0), 0x3fffffff, PROBE(1), TO_80, KEEP(1),
	    ALLOW);
	assert_int_equal(udp(1, 10, 2, 80), VERDICT_ACCEPT);
	for (unsigned i = 0; i < 1000; i++)
		n += udp(2, 80, 1, 10) == VERDICT_ACCEPT;
	assert_in_range(n, 400, 600);
}

static void
frames_without_ip_have_no_state(void **s)
{
	struct pkt p;

	(void)s;
	ADD(100, 1, PROBE(1), KEEP(1), ALLOW);
	f_ether(&frame, ETYPE_ARP);
	f_add(&frame, 28);
	p = f_parse(&frame);
	interp_burst(&pass, &p, 1);
	assert_int_equal(p.verdict, VERDICT_ACCEPT);
	assert_int_equal(state_count(pass.states), 0);
}

static void
later_fragments_are_a_flow_of_their_own(void **s)
{
	struct pkt p;

	(void)s;
	ADD(50, 2, I(O_CHECK_STATE, 1));
	ADD(100, 1, PROBE(1), TO_80, KEEP(1), ALLOW);
	assert_int_equal(udp(1, 10, 2, 80), VERDICT_ACCEPT);
	f_ether(&frame, ETYPE_IP4);
	f_ip4(&frame, PROTO_UDP, 1, 2, 100);
	f_add(&frame, 64);
	p = f_parse(&frame);
	interp_burst(&pass, &p, 1);
	assert_int_equal(p.verdict, VERDICT_DENY);
}

static void
finding_rules_by_id(void **s)
{
	(void)s;
	for (unsigned i = 0; i < 5; i++)
		ADD(100 + i / 2, 1, ALLOW); /* ids 1 to 5, numbers twice */
	for (unsigned i = 0; i < 5; i++)
		for (unsigned hint = 0; hint < 8; hint++)
			assert_int_equal(ruleset_find_rule(rules, 100 + i / 2,
			    i + 1, hint), i);
	assert_int_equal(ruleset_find_rule(rules, 100, 3, 0), 6);
	assert_int_equal(ruleset_find_rule(rules, 99, 1, 0), 6);
	assert_int_equal(ruleset_find_rule(rules, 65535, 0, 9), 5);
	assert_int_equal(ruleset_find_rule(rules, 65535, 1, 5), 6);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(replies_pass_without_matching),
		T(check_state_acts_in_its_place),
		T(a_probe_may_find_another_rules_state),
		T(a_deny_parent_keeps_denying),
		T(going_on_from_the_parent),
		T(answers_pass_a_fwd),
		T(names_are_looked_up_apart),
		T(jumps_are_bounded),
		T(full_denies_and_counts),
		T(limit_denies_the_next_one),
		T(sets_and_deleted_rules),
		T(record_state_does_not_probe),
		T(defer_action_goes_on),
		T(prob_comes_before_the_probe),
		T(frames_without_ip_have_no_state),
		T(later_fragments_are_a_flow_of_their_own),
		T(finding_rules_by_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
