/* SPDX-License-Identifier: BSD-2-Clause */
/* The engine with real workers over memory ports. */
#include "unit.h"

#include "frames.h"

#include "base/clock.h"
#include "base/rcu.h"
#include "engine/engine.h"
#include "engine/trial.h"
#include "port/mem.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static struct frame f;

/* An engine between mem:a and 'b', running. */
static struct engine *
start(bool accept, unsigned workers, const char *b)
{
	const struct engine_cfg cfg = {
		.default_accept = accept, .n_workers = workers, .seed = 1,
	};
	struct engine *en = NULL;
	struct err e = {0};

	assert_int_equal(engine_create(&cfg, &en, &e), 0);
	assert_int_equal(engine_add_pair(en, "mem:a", b, &e), 0);
	assert_int_equal(engine_start(en, &e), 0);
	return en;
}

/* Publishes; from here on no worker uses the rules before. */
static void
publish(struct engine *en, struct ruleset *next)
{
	engine_publish(en, next);
	rcu_wait();
}

/* For what takes milliseconds on a machine that has nothing else to do. */
#define PATIENCE_NS (60 * NS_PER_S)

/* Waits for the engine to have received 'n'. */
static bool
wait_rx(struct engine *en, uint64_t n)
{
	ns_t end = clock_mono_ns() + PATIENCE_NS;
	struct engine_totals t;

	do {
		engine_totals(en, &t);
		if (t.rx_pkts >= n)
			return true;
		usleep(200);
	} while (clock_mono_ns() < end);
	return false;
}

static void
udp(uint16_t dport)
{
	f_ether(&f, ETYPE_IP4);
	f_ip4(&f, PROTO_UDP, 1, 2, 0);
	f_udp(&f, 1, dport);
	f_parse(&f);
}

/* Publishes: deny udp to port 'dport', as rule 'num'. */
static void
deny_port(struct engine *en, uint16_t num, uint16_t dport, uint32_t *counter)
{
	struct {
		struct abi_rule r;
		struct insn_u16 port;
		struct insn act;
	} r = {
		.r = {.act_ofs = 2, .cmd_len = 3},
		.port = {{O_IP_DSTPORT, 2, 0}, {dport, dport}},
		.act = {O_DENY, 1, 0},
	};
	struct rule *rule;
	struct ruleset *rs;

	assert_int_equal(counters_alloc(engine_counters(en), counter, NULL),
	    0);
	rule = rule_create(&r.r, num, num, *counter);
	assert_non_null(rule);
	rs = ruleset_add(engine_rules(en), &rule, 1);
	assert_non_null(rs);
	publish(en, rs);
}

/* What a rule denies goes nowhere. */
static void
denies(void **state)
{
	struct engine *en;
	struct mem_queue *a = mem_queue_open("mem:a");
	struct mem_queue *b = mem_queue_open("mem:b");
	struct engine_totals t;
	uint8_t got[2048];
	uint32_t counter;

	(void)state;
	en = start(true, 1, "mem:b");
	deny_port(en, 10, 9, &counter);
	udp(9);
	assert_true(mem_queue_put(a, f.b, f.len));
	assert_true(wait_rx(en, 1));
	engine_stop(en);
	engine_totals(en, &t);
	assert_int_equal(t.rx_pkts, 1);
	assert_int_equal(t.tx_pkts, 0);
	assert_int_equal(t.drops[DROP_RULE], 1);
	assert_int_equal(mem_queue_get(b, got, sizeof(got)), 0);
	engine_destroy(en);
	mem_queue_close(a);
	mem_queue_close(b);
}

/* The answer to a rejected packet goes back into mem:a, whence the engine gets
 * it like any packet. */
static void
answers(void **state)
{
	struct mem_queue *a = mem_queue_open("mem:a");
	struct engine *en = start(true, 1, "sink:");
	struct {
		struct abi_rule r;
		struct insn_u16 port;
		struct insn act;
	} r = {
		.r = {.act_ofs = 2, .cmd_len = 3},
		.port = {{O_IP_DSTPORT, 2, 0}, {9, 9}},
		.act = {O_REJECT, 1, 3},
	};
	struct engine_totals t;
	struct rule *rule;
	uint32_t counter;

	(void)state;
	counters_alloc(engine_counters(en), &counter, NULL);
	rule = rule_create(&r.r, 5, 5, counter);
	publish(en, ruleset_add(engine_rules(en), &rule, 1));
	f_ether(&f, ETYPE_IP4);
	f_ip4(&f, PROTO_UDP, 0x0a000001, 0x0a000002, 0);
	f_udp(&f, 1, 9);
	f_parse(&f);
	assert_true(mem_queue_put(a, f.b, f.len));
	assert_true(wait_rx(en, 2));
	engine_stop(en);
	engine_totals(en, &t);
	assert_int_equal(t.replies.sent, 1);
	assert_int_equal(t.drops[DROP_RULE], 1);
	assert_int_equal(t.rx_pkts, 2);
	assert_int_equal(t.tx_pkts, 2);
	engine_destroy(en);
	mem_queue_close(a);
}

/* fwd turns packets round as they are; what comes back into mem:a is turned
 * round again, so it counts more than once. */
static void
turns_round(void **state)
{
	struct mem_queue *a = mem_queue_open("mem:a");
	struct engine *en = start(true, 1, "sink:");
	struct {
		struct abi_rule r;
		struct insn_sa act;
	} r = {
		.r = {.cmd_len = 5},
		.act = {.o = {O_FORWARD_IP, 5, 0}, .addr = 1},
	};
	struct engine_totals t;
	struct rule *rule;
	uint8_t got[2048];
	uint32_t counter;

	(void)state;
	counters_alloc(engine_counters(en), &counter, NULL);
	rule = rule_create(&r.r, 5, 5, counter);
	publish(en, ruleset_add(engine_rules(en), &rule, 1));
	udp(9);
	assert_true(mem_queue_put(a, f.b, f.len));
	assert_true(wait_rx(en, 3));
	engine_stop(en);
	engine_totals(en, &t);
	assert_int_equal(t.tx_pkts, t.rx_pkts);
	assert_int_equal(t.drops[DROP_RULE], 0);
	assert_int_equal(t.drops[DROP_TX_FULL], 0);
	assert_int_equal(mem_queue_get(a, got, sizeof(got)), f.len);
	assert_memory_equal(got, f.b, f.len);
	assert_int_equal(mem_queue_get(a, got, sizeof(got)), 0);
	engine_destroy(en);
	mem_queue_close(a);
}

static void
see(void *arg, const struct record *r)
{
	assert_int_equal(r->rule, 5);
	assert_string_equal(r->ifname, "a");
	(*(unsigned *)arg)++;
}

/* What a rule logs can be drained, in portions. */
static void
logs(void **state)
{
	struct mem_queue *a = mem_queue_open("mem:a");
	struct engine *en = start(true, 1, "sink:");
	struct {
		struct abi_rule r;
		struct insn_log log;
		struct insn act;
	} r = {
		.r = {.cmd_len = 4},
		.log = {.o = {O_LOG, 3, 0}},
		.act = {O_DENY, 1, 0},
	};
	unsigned seen = 0;
	struct rule *rule;
	uint32_t counter;
	uint64_t lost = 7;

	(void)state;
	counters_alloc(engine_counters(en), &counter, NULL);
	rule = rule_create(&r.r, 5, 5, counter);
	publish(en, ruleset_add(engine_rules(en), &rule, 1));
	udp(9);
	for (unsigned i = 0; i < 5; i++)
		assert_true(mem_queue_put(a, f.b, f.len));
	assert_true(wait_rx(en, 5));
	engine_stop(en);
	assert_int_equal(engine_log_drain(en, 2, see, &seen, &lost), 2);
	assert_int_equal(engine_log_drain(en, 9, see, &seen, NULL), 3);
	assert_int_equal(engine_log_drain(en, 9, see, &seen, NULL), 0);
	assert_int_equal(seen, 5);
	assert_int_equal(lost, 0);
	engine_destroy(en);
	mem_queue_close(a);
}

/* Into mem:a and out by sink:; with the out pass on, a second look denies. */
static void
forwards_and_looks_twice(void **state)
{
	struct mem_queue *a = mem_queue_open("mem:a");
	struct engine *en = start(true, 1, "sink:");
	struct {
		struct abi_rule r;
		struct insn out, act;
	} r = {
		.r = {.act_ofs = 1, .cmd_len = 2},
		.out = {O_IN, 1 | INSN_NOT, 0},
		.act = {O_DENY, 1, 0},
	};
	struct engine_totals t;
	struct rule *rule;
	uint32_t counter;

	(void)state;
	counters_alloc(engine_counters(en), &counter, NULL);
	rule = rule_create(&r.r, 5, 5, counter);
	publish(en, ruleset_add(engine_rules(en), &rule, 1));
	udp(9);
	assert_true(mem_queue_put(a, f.b, f.len));
	assert_true(wait_rx(en, 1));
	rcu_wait(); /* tx is counted after rx */
	engine_totals(en, &t);
	assert_int_equal(t.tx_pkts, 1);
	assert_int_equal(t.drops[DROP_RULE], 0);
	knob_set(&engine_knobs(en)->out_pass, 1);
	rcu_wait(); /* the burst under way */
	assert_true(mem_queue_put(a, f.b, f.len));
	assert_true(wait_rx(en, 2));
	engine_stop(en);
	engine_totals(en, &t);
	assert_int_equal(t.tx_pkts, 1);
	assert_int_equal(t.drops[DROP_RULE], 1);
	engine_destroy(en);
	mem_queue_close(a);
}

/* keep-state in a running engine: the reply passes, time ends the state. */
static void
keeps_states(void **state)
{
	struct engine *en;
	struct mem_queue *a = mem_queue_open("mem:a");
	struct {
		struct abi_rule r;
		struct insn probe;
		struct insn_u16 port;
		struct insn keep, act;
	} r = {
		.r = {.act_ofs = 4, .cmd_len = 5},
		.probe = {O_PROBE_STATE, 1, 1},
		.port = {{O_IP_DSTPORT, 2, 0}, {53, 53}},
		.keep = {O_KEEP_STATE, 1, 1},
		.act = {O_ACCEPT, 1, 0},
	};
	struct engine_totals t;
	struct rule *rule;
	uint32_t counter;
	ns_t end;

	(void)state;
	en = start(false, 1, "sink:");
	counters_alloc(engine_counters(en), &counter, NULL);
	rule = rule_create(&r.r, 10, 10, counter);
	publish(en, ruleset_add(engine_rules(en), &rule, 1));
	rcu_wait(); /* the burst under way */
	udp(53);
	assert_true(mem_queue_put(a, f.b, f.len));
	assert_true(wait_rx(en, 1));
	/* The reply leaves it one second to live. */
	knob_set(&engine_knobs(en)->dyn_udp_lifetime, 1);
	f_ether(&f, ETYPE_IP4);
	f_ip4(&f, PROTO_UDP, 2, 1, 0);
	f_udp(&f, 53, 1);
	f_parse(&f);
	assert_true(mem_queue_put(a, f.b, f.len));
	assert_true(wait_rx(en, 2));
	end = clock_mono_ns() + PATIENCE_NS;
	while (state_count(engine_states(en)) != 0 && clock_mono_ns() < end)
		usleep(1000);
	assert_int_equal(state_count(engine_states(en)), 0);
	engine_stop(en);
	engine_totals(en, &t);
	assert_int_equal(t.tx_pkts, 2);
	assert_int_equal(t.drops[DROP_RULE], 0);
	engine_destroy(en);
	mem_queue_close(a);
}

enum { N_FLOWS = 100, ROUNDS = 40 };

/* Flow 'i', there or back, into a queue. */
static void
put_flow(struct mem_queue *q, uint32_t i, bool back)
{
	f_ether(&f, ETYPE_IP4);
	f_ip4(&f, PROTO_UDP, back ? 9 : i, back ? i : 9, 0);
	f_udp(&f, back ? 53 : 1, back ? 1 : 53);
	f_parse(&f);
	while (!mem_queue_put(q, f.b, f.len))
		usleep(100);
}

/* Two workers on the two directions of connections see the same states, at the
 * same time, and lose no count. */
static void
directions_on_two_workers(void **state)
{
	const struct engine_cfg cfg = {.n_workers = 2, .seed = 1};
	struct mem_queue *a = mem_queue_open("mem:a"),
			 *b = mem_queue_open("mem:b");
	struct {
		struct abi_rule r;
		struct insn probe;
		struct insn_u16 port;
		struct insn keep, act;
	} r = {
		.r = {.act_ofs = 4, .cmd_len = 5},
		.probe = {O_PROBE_STATE, 1, 1},
		.port = {{O_IP_DSTPORT, 2, 0}, {53, 53}},
		.keep = {O_KEEP_STATE, 1, 1},
		.act = {O_ACCEPT, 1, 0},
	};
	struct engine *en = NULL;
	struct engine_totals totals;
	struct state_view v;
	struct rule *rule;
	uint32_t counter;
	unsigned n = 0;

	(void)state;
	assert_int_equal(engine_create(&cfg, &en, NULL), 0);
	assert_int_equal(engine_add_pair(en, "mem:a", "sink:", NULL), 0);
	assert_int_equal(engine_add_pair(en, "mem:b", "sink:", NULL), 0);
	knob_set(&engine_knobs(en)->dyn_udp_lifetime, 1000);
	counters_alloc(engine_counters(en), &counter, NULL);
	rule = rule_create(&r.r, 10, 10, counter);
	publish(en, ruleset_add(engine_rules(en), &rule, 1));
	assert_int_equal(engine_start(en, NULL), 0);
	put_flow(b, 1, true); /* no state yet */
	/* What is received is not decided yet. */
	for (ns_t end = clock_mono_ns() + PATIENCE_NS;;) {
		engine_totals(en, &totals);
		if (totals.drops[DROP_RULE] == 1 || clock_mono_ns() > end)
			break;
		usleep(1000);
	}
	assert_int_equal(totals.drops[DROP_RULE], 1);
	for (uint32_t i = 1; i <= N_FLOWS; i++)
		put_flow(a, i, false);
	for (ns_t end = clock_mono_ns() + PATIENCE_NS;
	     state_count(engine_states(en)) < N_FLOWS &&
	     clock_mono_ns() < end;)
		usleep(1000);
	for (unsigned k = 0; k < ROUNDS; k++)
		for (uint32_t i = 1; i <= N_FLOWS; i++) {
			put_flow(a, i, false);
			put_flow(b, i, true);
		}
	assert_true(wait_rx(en, 1 + N_FLOWS * (1 + 2 * ROUNDS)));
	engine_stop(en);
	engine_totals(en, &totals);
	assert_int_equal(totals.drops[DROP_RULE], 1);
	assert_int_equal(totals.tx_pkts, N_FLOWS * (1 + 2 * ROUNDS));
	for (uint32_t i = 1; i < state_end(engine_states(en)); i++)
		if (state_read(engine_states(en), i, 0, &v)) {
			assert_int_equal(v.pkts, 1 + 2 * ROUNDS);
			n++;
		}
	assert_int_equal(n, N_FLOWS);
	engine_destroy(en);
	mem_queue_close(a);
	mem_queue_close(b);
}

/* The length of the buckets is measured while states are there. */
static void
lengths_are_told(void **state)
{
	struct mem_queue *a = mem_queue_open("mem:a");
	struct engine *en = start(true, 1, "sink:");
	const struct state_cfg cfg = {{300, 20, 1, 1, 1000, 5}, 9, 9,
		clock_mono_s()};
	const struct state_new new = {.rule = {0, 0, 65535, false}, .name = 1,
		.kind = STATE_KEEP};
	ns_t limit = clock_mono_ns() + PATIENCE_NS;
	struct pkt p;

	(void)state;
	assert_int_equal(knob_get(&engine_knobs(en)->curr_max_length), 0);
	udp(9);
	p = f_parse(&f);
	p.flow_hash = state_hash(engine_states(en), &p);
	assert_true(state_install(engine_states(en), &cfg, &p, &new));
	while (knob_get(&engine_knobs(en)->curr_max_length) != 1 &&
	       clock_mono_ns() < limit)
		usleep(1000);
	assert_int_equal(knob_get(&engine_knobs(en)->curr_max_length), 1);
	engine_destroy(en);
	mem_queue_close(a);
}

/* Good and bad frames end where they should, with their reasons. */
static void
reasons(void **state)
{
	struct engine *en = start(false, 1, "mem:b");
	struct mem_queue *a = mem_queue_open("mem:a");
	struct engine_totals t;
	struct count n;

	(void)state;
	udp(9);
	mem_queue_put(a, f.b, f.len);	   /* by the default rule */
	mem_queue_put(a, f.b, f.len - 1); /* UDP header cut */
	mem_queue_put(a, f.b, 13);
	f.b[f.l3] = 0x41;
	mem_queue_put(a, f.b, f.len);
	assert_true(wait_rx(en, 4));
	engine_stop(en);
	engine_totals(en, &t);
	assert_int_equal(t.drops[DROP_RULE], 1);
	assert_int_equal(t.drops[DROP_SHORT_L4], 1);
	assert_int_equal(t.drops[DROP_SHORT_ETHER], 1);
	assert_int_equal(t.drops[DROP_SHORT_L3], 1);
	counters_read(engine_counters(en), engine_rules(en)->rules[0]->counter,
	    &n);
	assert_int_equal(n.pkts, 1); /* what is bad meets no rule */
	engine_destroy(en);
	mem_queue_close(a);
}

/* The source runs while somebody wants it, and counts on the rules. */
static void
source_on_and_off(void **state)
{
	struct engine *en = start(true, 1, "mem:b");
	struct count n, later;
	ns_t end = clock_mono_ns() + PATIENCE_NS;
	uint32_t c = engine_rules(en)->rules[0]->counter;

	(void)state;
	counters_read(engine_counters(en), c, &n);
	assert_int_equal(n.pkts, 0);
	engine_source(en, +1);
	do {
		usleep(1000);
		counters_read(engine_counters(en), c, &n);
	} while (n.pkts < 10000 && clock_mono_ns() < end);
	assert_true(n.pkts >= 10000);
	engine_source(en, -1);
	rcu_wait(); /* let the burst under way end */
	counters_read(engine_counters(en), c, &n);
	usleep(20000);
	counters_read(engine_counters(en), c, &later);
	assert_int_equal(n.pkts, later.pkts);
	assert_int_equal(n.bytes, n.pkts * 50);
	engine_destroy(en);
}

/* Rules come and go under full load; nothing counted is lost. */
static void
publish_under_load(void **state)
{
	struct engine *en = start(true, 2, "mem:b");
	struct rule_range g = {.flags = RANGE_RULES, .lo = 100, .hi = 100};
	static struct trial trial;
	struct engine_totals t;
	struct count n;
	uint32_t counter;
	unsigned gone;
	struct err e;

	(void)state;
	engine_source(en, +1);
	for (unsigned i = 0; i < 300; i++) {
		deny_port(en, 100, (uint16_t)(i + 1), &counter);
		engine_publish(en,
		    ruleset_delete(engine_rules(en), &g, &gone));
		assert_int_equal(gone, 1);
	}
	assert_int_equal(engine_trial_at(en, &trial, 1, &e), -EPERM);
	do { /* the worker may only just have begun */
		engine_totals(en, &t);
	} while (t.drops[DROP_SOURCE_END] == 0);
	engine_stop(en);
	engine_totals(en, &t);
	counters_read(engine_counters(en), engine_rules(en)->rules[0]->counter,
	    &n);
	assert_int_equal(n.pkts, t.drops[DROP_SOURCE_END]);
	assert_true(n.pkts > 0);
	engine_destroy(en);
}

static void
refuses_ports(void **state)
{
	const struct engine_cfg cfg = {.default_accept = true};
	struct engine *en = NULL;
	struct err e = {0};

	(void)state;
	assert_int_equal(engine_create(&cfg, &en, &e), 0);
	assert_int_equal(engine_add_pair(en, "sink:", "nothing:x", &e),
	    -EINVAL);
	assert_non_null(strstr(e.text, "nothing:x"));
	assert_int_equal(engine_add_pair(en, "source:/nonexistent.pcap",
	    "sink:", &e), -ENOENT);
	assert_non_null(strstr(e.text, "nonexistent.pcap"));
	engine_destroy(en);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(denies),
		cmocka_unit_test(answers),
		cmocka_unit_test(turns_round),
		cmocka_unit_test(logs),
		cmocka_unit_test(forwards_and_looks_twice),
		cmocka_unit_test(keeps_states),
		cmocka_unit_test(directions_on_two_workers),
		cmocka_unit_test(lengths_are_told),
		cmocka_unit_test(reasons),
		cmocka_unit_test(source_on_and_off),
		cmocka_unit_test(publish_under_load),
		cmocka_unit_test(refuses_ports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
