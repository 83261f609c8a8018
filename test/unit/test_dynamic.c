/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dynamic rules from the command line to the packet: ipfw's commands through
 * the handlers, packets through the rules, listings of what came of it.
 */
#include "cli_rig.h"

#include "base/clock.h"
#include "engine/tick.h"
#include "packet/parse.h"
#include "rule/interp.h"

#include <arpa/inet.h>

static uint32_t now_s;

static int
setup(void **state)
{
	now_s = clock_mono_s();
	return rig_setup(state);
}

/* ---- packets ---- */

static uint8_t frame[64];
static struct tag_pool tags;
static struct counter counts[64];
static struct rng rng;
static const struct me nobody;

/* The fate of a UDP packet. */
static enum verdict
udp(const char *src, uint16_t sport, const char *dst, uint16_t dport)
{
	static const struct parse_cfg parse_cfg;
	struct state_cfg cfg;
	struct pass pass = {.rules = en->rules, .counts = counts, .rng = &rng,
	    .tags = &tags, .me = &nobody, .tables = en->tables,
	    .states = en->states, .state_cfg = &cfg,
	    .in_if = "em0", .out_if = "em1"};
	struct pkt p = {.data = frame, .len = 60};

	tick_settings(&cfg, &en->knobs, now_s);
	memset(frame, 0, sizeof(frame));
	frame[5] = 9;
	frame[12] = 8;
	frame[14] = 0x45;
	frame[17] = 46;
	frame[22] = 64;
	frame[23] = 17;
	inet_pton(AF_INET, src, frame + 26);
	inet_pton(AF_INET, dst, frame + 30);
	frame[34] = (uint8_t)(sport >> 8);
	frame[35] = (uint8_t)sport;
	frame[36] = (uint8_t)(dport >> 8);
	frame[37] = (uint8_t)dport;
	frame[39] = 26;
	tag_reset(&tags);
	parse(&p, &parse_cfg);
	assert_int_equal(p.bad, PKT_GOOD);
	return interp_run(&pass, &p, 0);
}

static enum verdict
to(uint16_t dport)
{
	return udp("10.0.0.1", 1000, "10.0.0.2", dport);
}

static enum verdict
back(uint16_t sport)
{
	return udp("10.0.0.2", sport, "10.0.0.1", 1000);
}

/* ---- tests ---- */

static void
states_go_with_their_rule(void **state)
{
	(void)state;
	run("add 100 allow udp from any to any 53 keep-state");
	run("add 200 deny ip from any to any");
	assert_int_equal(to(53), VERDICT_ACCEPT);
	run("delete 100");
	assert_int_equal(back(53), VERDICT_DENY);
	assert_int_equal(state_count(en->states), 0);
}

static void
states_can_be_kept(void **state)
{
	(void)state;
	run("sysctl net.inet.ip.fw.dyn_keep_states=1");
	run("add 50 check-state");
	run("add 100 allow udp from any to any 53 keep-state :web");
	run("add 110 allow udp from any to any 54 keep-state");
	run("add 120 allow udp from any to any 55 limit src-addr 2");
	run("add 200 deny ip from any to any");
	assert_int_equal(to(53), VERDICT_ACCEPT);
	assert_int_equal(to(55), VERDICT_ACCEPT);
	run("delete 100-120");
	assert_int_equal(en->rules->n_rules, 3);
	assert_int_equal(en->rules->n_orphans, 2); /* 110 had no states */
	/* No new ones, and no parent is shown any more. */
	assert_int_equal(udp("10.0.0.3", 1, "10.0.0.2", 53), VERDICT_DENY);
	assert_int_equal(udp("10.0.0.1", 1, "10.0.0.2", 55), VERDICT_DENY);
	expect("-D list", 0, "## Dynamic rules (2 272):\n"
	    "00100 STATE udp 10.0.0.1 1000 <-> 10.0.0.2 53 :web\n"
	    "00120 LIMIT udp 10.0.0.1 1000 <-> 10.0.0.2 55 :default\n");
	expect("-Dv list 100", 0, "## Dynamic rules:\n"
	    "00100 STATE udp 10.0.0.1 1000 <-> 10.0.0.2 53 :web state "
	    "0x00040000 ORPHANED, f_ack 0x0, r_ack 0x0\n");
	/* Through 'web' there is no way in but the orphan's. */
	run("delete 50");
	run("add 50 check-state :default");
	assert_int_equal(back(53), VERDICT_DENY);
	assert_int_equal(back(55), VERDICT_ACCEPT);
	run("add 60 check-state :any");
	assert_int_equal(back(53), VERDICT_ACCEPT);
	/* The orphans go with their states, at the next delete. */
	run("-D delete 100");
	assert_int_equal(back(53), VERDICT_DENY);
	run("delete 60");
	assert_int_equal(en->rules->n_orphans, 1);
	run("sysctl net.inet.ip.fw.dyn_keep_states=0");
	run("delete 50");
	assert_int_equal(en->rules->n_orphans, 0);
	assert_int_equal(state_count(en->states), 0);
}

/* An orphan goes soon after its last state, whatever dyn_keep_states is then. */
static void
idle_orphans_are_let_go(void **state)
{
	unsigned published;

	(void)state;
	run("sysctl net.inet.ip.fw.dyn_keep_states=1");
	run("add 100 allow udp from any to any 53 keep-state :web");
	run("add 120 allow udp from any to any 55 limit src-addr 2");
	assert_int_equal(to(53), VERDICT_ACCEPT);
	assert_int_equal(to(55), VERDICT_ACCEPT);
	control_tend(control);
	run("delete 100-120");
	assert_int_equal(en->rules->n_orphans, 2);
	run("sysctl net.inet.ip.fw.dyn_keep_states=0");
	published = en->published;
	control_tend(control);
	assert_int_equal(en->rules->n_orphans, 2);
	assert_int_equal(en->published, published);
	run("-D delete 100");
	control_tend(control);
	assert_int_equal(en->rules->n_orphans, 1);
	assert_int_equal(en->rules->rules[1]->num, 120);
	assert_int_equal(en->published, published + 1);
	assert_int_equal(state_count(en->states), 1);
	run("-D delete 120");
	control_tend(control);
	assert_int_equal(en->rules->n_orphans, 0);
	assert_int_equal(state_parent_count(en->states), 0);
}

/* What an orphan leads to: its action, and after that the last rule; skipto
 * and call go where they always went. */
static void
going_on_from_an_orphan(void **state)
{
	(void)state;
	run("sysctl net.inet.ip.fw.dyn_keep_states=1");
	run("add 50 check-state");
	run("add 100 count udp from any to any 53 record-state");
	run("add 110 skipto 400 udp from any to any 54 record-state");
	run("add 120 call 400 udp from any to any 55 record-state");
	run("add 300 deny ip from any to any");
	run("add 400 setmark 7 ip from any to any");
	run("add 500 deny ip from any to any not mark 7");
	run("add 600 deny udp from any to 10.0.0.1");
	assert_int_equal(to(53), VERDICT_DENY);
	assert_int_equal(to(54), VERDICT_ACCEPT);
	assert_int_equal(to(55), VERDICT_ACCEPT);
	assert_int_equal(state_count(en->states), 3);
	run("delete 100-120");
	assert_int_equal(en->rules->n_orphans, 3);
	assert_int_equal(back(53), VERDICT_ACCEPT); /* the default rule */
	assert_int_equal(back(54), VERDICT_DENY);
	assert_int_equal(back(55), VERDICT_DENY);
	run("add 590 return ip from any to any");
	assert_int_equal(back(54), VERDICT_DENY);
	assert_int_equal(back(55), VERDICT_DENY); /* after 120 comes 300 */
	run("set move 0 to 3");
	run("set disable 3");
	assert_int_equal(en->rules->n_orphans, 3);
	assert_int_equal(back(53), VERDICT_ACCEPT); /* nobody asks */
	run("-f flush");
	assert_int_equal(en->rules->n_rules, 1);
	assert_int_equal(back(53), VERDICT_ACCEPT);
}

/* With the default rule alone the index after an orphan is 0. */
static void
an_orphan_before_the_last_rule(void **state)
{
	(void)state;
	run("sysctl net.inet.ip.fw.dyn_keep_states=1");
	run("add 100 count udp from any to any 53 keep-state");
	assert_int_equal(to(53), VERDICT_ACCEPT);
	run("delete 100");
	run("add 10 check-state");
	assert_int_equal(en->rules->n_rules, 2);
	assert_int_equal(back(53), VERDICT_ACCEPT);
}

static void
limit_from_a_table(void **state)
{
	(void)state;
	run("table t create valtype limit");
	run("table t add 10.0.0.0/8 2 10.9.0.0/16 1");
	expect("add 100 allow udp from table(t) to any limit src-addr tablearg",
	    0, "00100 allow udp from table(t) to any limit src-addr tablearg "
	    ":default\n");
	run("add 200 deny ip from any to any");
	assert_int_equal(udp("10.0.0.1", 1, "1.1.1.1", 9), VERDICT_ACCEPT);
	assert_int_equal(udp("10.0.0.1", 2, "1.1.1.1", 9), VERDICT_ACCEPT);
	assert_int_equal(udp("10.0.0.1", 3, "1.1.1.1", 9), VERDICT_DENY);
	assert_int_equal(udp("10.9.0.1", 1, "1.1.1.1", 9), VERDICT_ACCEPT);
	assert_int_equal(udp("10.9.0.1", 2, "1.1.1.1", 9), VERDICT_DENY);
	run("table t add 10.0.0.1 3");
	assert_int_equal(udp("10.0.0.1", 3, "1.1.1.1", 9), VERDICT_ACCEPT);
	/* No lookup, no limit: none may come. */
	run("add 50 allow udp from 11.0.0.0/8 to any limit src-addr tablearg");
	assert_int_equal(udp("11.0.0.1", 1, "1.1.1.1", 9), VERDICT_DENY);
}

static void
names_go_with_their_last_rule(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 5000; i++) {
		char line[64];

		snprintf(line, sizeof(line), "add 100 check-state :n%u", i);
		run(line);
		snprintf(line, sizeof(line), "00100 check-state :n%u\n", i);
		assert_string_equal(text, line);
		run("delete 100");
	}
	run("add 10 check-state :a");
	run("add 20 check-state :b");
	run("add 30 check-state :a");
	run("delete 10");
	run("add 10 check-state :c");
	run("delete 20");
	run("add 20 check-state :d");
	expect("list 1-100", 0, "00010 check-state :c\n00020 check-state :d\n"
	    "00030 check-state :a\n");
}

static void
buckets_are_as_they_are(void **state)
{
	(void)state;
	knob_set(&en->knobs.dyn_buckets, 256);
	expect("sysctl net.inet.ip.fw.dyn_buckets=512", EX_UNAVAILABLE,
	    "ipfw: sysctl net.inet.ip.fw.dyn_buckets is 256: the buckets "
	    "follow from the room for states: kipfw --states\n");
	assert_int_equal(run("sysctl net.inet.ip.fw.dyn_buckets=256"), 0);
	assert_int_equal(knob_get(&en->knobs.dyn_buckets), 256);
}

/* More states than one message holds: 140,000 of 128 octets. */
static void
a_long_list(void **state)
{
	enum { N = 140000, BACK = 1000 };
	bool *seen = calloc(N + 1, sizeof(*seen));
	unsigned n = 0, a, b;
	uint64_t pkts;
	char *line;

	(void)state;
	state_destroy(en->states);
	en->states = state_create(N, &rng);
	run("sysctl net.inet.ip.fw.dyn_max=200000");
	run("sysctl net.inet.ip.fw.dyn_udp_lifetime=1000");
	run("add 100 allow udp from any to any keep-state :long");
	for (unsigned i = 0; i < N; i++) {
		char src[16];

		snprintf(src, sizeof(src), "10.%u.%u.%u", i >> 16,
		    i >> 8 & 255, i & 255);
		assert_int_equal(udp(src, 7, "11.0.0.1", 9), VERDICT_ACCEPT);
	}
	for (unsigned i = 0; i < BACK; i++)
		udp("11.0.0.1", 9, "10.0.0.0", 7);
	assert_int_equal(run("-d show"), 0);
	line = strtok(text, "\n");
	assert_non_null(strstr(line, "allow udp from any to any keep-state"));
	strtok(NULL, "\n");
	assert_string_equal(strtok(NULL, "\n"),
	    "## Dynamic rules (140000 17920016):");
	while ((line = strtok(NULL, "\n")) != NULL) {
		assert_int_equal(sscanf(line, "00100 %lu %*u (%*us) STATE udp "
		    "10.%*u.%u.%u 7 <-> 11.0.0.1 9 :long", &pkts, &a, &b), 3);
		a = (unsigned)atoi(strstr(line, "udp 10.") + 7) << 16 |
		    a << 8 | b;
		assert_false(seen[a]);
		assert_int_equal(pkts, a == 0 ? 1 + BACK : 1);
		/* The widest number makes the column. */
		assert_memory_equal(line, a == 0 ? "00100 1001" : "00100    1",
		    10);
		seen[a] = true;
		n++;
	}
	assert_int_equal(n, N);
	free(seen);
	assert_int_equal(run("-D list 1"), 0);
	assert_string_equal(text, "## Dynamic rules:\n");
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, rig_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(states_go_with_their_rule),
		T(states_can_be_kept),
		T(idle_orphans_are_let_go),
		T(going_on_from_an_orphan),
		T(an_orphan_before_the_last_rule),
		T(limit_from_a_table),
		T(names_go_with_their_last_rule),
		T(buckets_are_as_they_are),
		T(a_long_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
