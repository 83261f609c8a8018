/* SPDX-License-Identifier: BSD-2-Clause */
/* The request behind 'ipfw test': what it answers, what it refuses, and that it
 * leaves no trace.  test/oracle compares with what packets really meet. */
#include "unit.h"

#include "control_rig.h"

#include "cli/cli.h"

#include <errno.h>

/* ---- requests ---- */

static void
ipfw(char *line)
{
	char name[] = "ipfw", *argv[] = {name, line, NULL};
	FILE *null = fopen("/dev/null", "w");
	struct cli c = {.ctl = ctl_client_wrap(ctl_local_transport, control),
	    .in = stdin, .out = null, .err = stderr, .prog = name,
	    .flags = CLI_FORCE, .set = -1};

	assert_int_equal(cli_main(&c, 2, argv), 0);
	ctl_client_close(c.ctl);
	fclose(null);
}

#define IPFW(text) ipfw((char[]){text})

/* A question about a packet in words, with room for 'n_steps' in the answer. */
static struct message
ask(const char *packet, unsigned flags, unsigned n_steps)
{
	static struct frame f;
	struct message m = msg_fw3(FW3_TRIAL);
	struct trial_req *q = (void *)m.data;
	struct words ws;
	size_t reply = sizeof(struct trial_reply) +
	    n_steps * sizeof(struct trial_step);
	struct err e;

	assert_int_equal(words_line(&ws, packet, &e), 0);
	if (frame_read(&f, ws.w, ws.n, &e) != 0)
		fail_msg("%s", e.text);
	words_fini(&ws);
	q->flags = flags | (f.way.out ? TRIAL_OUT : 0);
	memcpy(q->in_if, f.way.in_if, sizeof(q->in_if));
	memcpy(q->out_if, f.way.out_if, sizeof(q->out_if));
	q->frame_len = f.len;
	memcpy(m.data + sizeof(*q), f.octets, f.len);
	m.len = sizeof(*q) + f.len;
	if (m.len < reply)
		m.len = reply;
	assert_true(m.len <= sizeof(m.data));
	return m;
}

static const struct trial_reply *
reply(const struct message *m)
{
	return (const void *)m->data;
}

/* What the steps are, a letter each, "*" behind those of another rule. */
static const char *
steps(const struct message *m)
{
	static const char letters[] = "?omphkdinltuarw";
	const struct trial_step *s = (const void *)(m->data +
	    sizeof(struct trial_reply));
	static char text[64];
	unsigned n = reply(m)->n_steps;

	assert_int_equal(m->len, sizeof(struct trial_reply) + n * sizeof(*s));
	for (unsigned i = 0; i < n && i < 63; i++)
		text[i] = letters[s[i].what];
	text[n] = '\0';
	return text;
}

static void
assert_end(const char *packet, enum trial_end end, unsigned rule,
    const char *way)
{
	struct message m = ask(packet, TRIAL_STEPS, 40);

	assert_ok(m);
	assert_int_equal(call(&m), 0);
	assert_int_equal(reply(&m)->end, end);
	assert_int_equal(reply(&m)->rule, rule);
	assert_string_equal(steps(&m), way);
}

/* ---- tests ---- */

static void
test_ends(void **state)
{
	(void)state;
	IPFW("add 100 count tag 3 ip from any to any");
	IPFW("add 200 deny tcp from any to any 80");
	IPFW("add 300 allow udp from any to any keep-state");
	IPFW("add 400 pipe 1 tcp from any to any 81");
	IPFW("add 410 pipe 2 tcp from any to any 82");
	IPFW("add 420 queue 1 tcp from any to any 83");
	IPFW("add 500 divert 7 tcp from any to any 84");
	IPFW("add 600 reset tcp from any to any 85");
	IPFW("add 700 skipto 900 tcp from any to any 86");
	IPFW("add 800 fwd 1.2.3.4 tcp from any to any 86");
	IPFW("add 900 check-state :any");
	assert_end("tcp to 1.2.3.4 80", TRIAL_DENY, 200, "taa");
	assert_end("udp", TRIAL_ACCEPT, 300, "tamka");
	assert_end("tcp dst-port 81", TRIAL_ACCEPT, 400, "tamma");
	assert_end("tcp dst-port 82", TRIAL_DENY, 410, "tammma");
	assert_end("tcp dst-port 83", TRIAL_DENY, 420, "tammmma");
	assert_end("tcp dst-port 84", TRIAL_DENY, 500, "tammmmma");
	assert_end("tcp dst-port 85", TRIAL_DENY, 600, "tammmmmma");
	assert_end("tcp dst-port 86", TRIAL_ACCEPT, 65535, "tammmmmmmama");
}

/* Each way in which an answer says more than its end. */
static void
test_flags(void **state)
{
	struct message m;

	(void)state;
	IPFW("add 100 pipe 2 ip from any to any");
	m = ask("tcp", 0, 0);
	assert_int_equal(call(&m), 0);
	assert_int_equal(reply(&m)->flags, TRIAL_PIPED | TRIAL_NO_PIPE);
	assert_int_equal(reply(&m)->to, 2);
	assert_string_equal(reply(&m)->why, "there is no such pipe");
	assert_string_equal(reply(&m)->in_if, "em0");
	assert_string_equal(reply(&m)->out_if, "em1");
	m = ask("out tcp", 0, 0);
	assert_int_equal(call(&m), 0);
	assert_int_equal(reply(&m)->flags,
	    TRIAL_PIPED | TRIAL_NO_PIPE | TRIAL_NO_OUT);
	knob_set(&en->knobs.enable, 0);
	m = ask("tcp", 0, 0);
	assert_int_equal(call(&m), 0);
	assert_int_equal(reply(&m)->flags, TRIAL_FW_OFF);
	assert_int_equal(reply(&m)->end, TRIAL_ACCEPT);
	assert_int_equal(reply(&m)->rule, 0);
}

static void
test_facts(void **state)
{
	const struct trial_facts *f;
	struct message m = ask("tcp from 10.0.0.1 1 to 10.0.0.2 2 setup ttl 7 "
	    "ipid 9 tos 0x12 tcpwin 5 tcpseq 6 tcpack 8 tcpmss 1400 "
	    "payload abc vlan 3", 0, 0);

	(void)state;
	assert_int_equal(call(&m), 0);
	f = &reply(&m)->facts;
	assert_int_equal(f->flags, TRIAL_IP4 | TRIAL_L4 | TRIAL_PORTS |
	    TRIAL_VLAN);
	assert_int_equal(f->proto, 6);
	assert_int_equal(f->tcp_flags, 2);
	assert_int_equal(f->ttl, 7);
	assert_int_equal(f->ip_id, 9);
	assert_int_equal(f->tos, 0x12);
	assert_int_equal(f->tcp_win, 5);
	assert_int_equal(f->tcp_seq, 6);
	assert_int_equal(f->tcp_ack, 8);
	assert_int_equal(f->tcp_mss, 1400);
	assert_int_equal(f->tcp_data, 3);
	assert_int_equal(f->ip_len, 47);
	assert_int_equal(f->frame_len, 65);
	assert_int_equal(f->sport, 1);
	assert_int_equal(f->dport, 2);
	assert_memory_equal(f->src, "\x0a\0\0\x01", 4);
	assert_memory_equal(f->dst, "\x0a\0\0\x02", 4);
	assert_int_equal(f->ethertype, 0x8100);
	m = ask("ip6 flow-id 9 ttl 4", 0, 0);
	assert_int_equal(call(&m), 0);
	assert_int_equal(f->flags, TRIAL_IP6);
	assert_int_equal(f->flow_label, 9);
	assert_int_equal(f->ttl, 4);
}

/* Broken packets come to no rule. */
static void
test_bad(void **state)
{
	struct message m = ask("tcp", TRIAL_STEPS, 8);
	struct trial_req *q = (void *)m.data;

	(void)state;
	q->frame_len = 40;
	assert_int_equal(call(&m), 0);
	assert_int_equal(reply(&m)->end, TRIAL_BAD);
	assert_int_equal(reply(&m)->n_steps, 0);
	assert_int_equal(reply(&m)->rule, 0);
	assert_non_null(strstr(reply(&m)->why, "cut short"));
}

/* 'prob' ends as it is told, or as chance has it. */
static void
test_prob(void **state)
{
	static const enum trial_end ends[] = {
	    [TRIAL_PROB_YES] = TRIAL_DENY, [TRIAL_PROB_NO] = TRIAL_ACCEPT};
	unsigned denied = 0;

	(void)state;
	IPFW("add 100 prob 0.5 deny ip from any to any");
	for (unsigned k = 0; k < 2; k++) {
		struct message m = ask("tcp", 0, 0);

		((struct trial_req *)(void *)m.data)->prob = k;
		assert_int_equal(call(&m), 0);
		assert_int_equal(reply(&m)->end, ends[k]);
	}
	for (unsigned k = 0; k < 64; k++) {
		struct message m = ask("tcp", 0, 0);

		((struct trial_req *)(void *)m.data)->prob = TRIAL_PROB_DRAW;
		((struct trial_req *)(void *)m.data)->seed = k;
		assert_int_equal(call(&m), 0);
		denied += reply(&m)->end == TRIAL_DENY;
	}
	assert_in_range(denied, 16, 48);
}

/* Nobody can tell afterwards that something was asked. */
static void
test_no_trace(void **state)
{
	const struct table *t;
	struct count n;

	(void)state;
	IPFW("table web create type number counters");
	IPFW("table web add 80");
	IPFW("add 100 count log ip from any to any lookup dst-port web");
	IPFW("add 200 allow tcp from any to any limit src-addr 1");
	assert_end("tcp dst-port 80", TRIAL_ACCEPT, 200, "laka");
	assert_int_equal(state_count(en->states), 0);
	assert_int_equal(state_parent_count(en->states), 0);
	for (unsigned i = 0; i < en->rules->n_rules; i++) {
		counters_read(en->counters, en->rules->rules[i]->counter, &n);
		assert_int_equal(n.pkts, 0);
		assert_int_equal(n.last_s, 0);
	}
	t = tables_find(en->tables, "web", 0);
	assert_non_null(t);
	{
		struct table_key key = {.number = 80};
		struct table_entry entry;

		assert_true(table_find(en->tables, t, &key, &entry));
		assert_int_equal(entry.pkts, 0);
	}
}

/* A state that is there is found, and stays as it is. */
static void
test_states(void **state)
{
	static struct trial t;
	struct state_new new = {.kind = STATE_KEEP};
	struct state_view before, after;
	struct message m = ask("tcp from 10.0.0.1 1 to 10.0.0.2 2", 0, 0);

	(void)state;
	IPFW("add 100 check-state");
	IPFW("add 200 allow tcp from any to any setup keep-state");
	new.rule = (struct state_rule){en->rules->rules[1]->id, 1, 200, false};
	new.name = rule_action(en->rules->rules[0])->arg1;
	t.pkt = (struct pkt){.data = m.data + sizeof(struct trial_req),
	    .len = (uint16_t)((struct trial_req *)(void *)m.data)->frame_len};
	parse(&t.pkt, &t.parse);
	t.pkt.flow_hash = state_hash(en->states, &t.pkt);
	assert_true(state_install(en->states, &en->states_cfg, &t.pkt, &new));
	assert_true(state_read(en->states, 1, 1, &before));
	assert_end("tcp from 10.0.0.1 1 to 10.0.0.2 2", TRIAL_ACCEPT, 200,
	    "ha");
	assert_end("tcp from 10.0.0.2 2 to 10.0.0.1 1 established",
	    TRIAL_ACCEPT, 200, "ha");
	assert_true(state_read(en->states, 1, 1, &after));
	assert_int_equal(after.pkts, before.pkts);
	assert_int_equal(after.bytes, before.bytes);
	assert_int_equal(after.left_s, before.left_s);
	assert_memory_equal(&after.life, &before.life, sizeof(after.life));
	assert_end("tcp from 10.0.0.2 2 to 10.0.0.1 3 established",
	    TRIAL_ACCEPT, 65535, "mma");
	en->states_cfg.now_s += 1000; /* it is over, and stays */
	assert_end("tcp from 10.0.0.1 1 to 10.0.0.2 2", TRIAL_ACCEPT, 200,
	    "mka");
	assert_int_equal(state_count(en->states), 1);
}

/* Asks as of that second, in earnest; the rule that decides. */
static unsigned
remember(const char *packet, uint32_t now_s)
{
	struct message m = ask(packet, TRIAL_AT | TRIAL_REMEMBER, 0);

	((struct trial_req *)(void *)m.data)->now_s = now_s;
	assert_int_equal(call(&m), 0);
	return reply(&m)->rule;
}

/* In earnest, states are made and live on by what meets them; limits count. */
static void
test_remembered(void **state)
{
	(void)state;
	IPFW("add 100 check-state");
	IPFW("add 200 allow udp from 10.0.0.1 to any keep-state");
	IPFW("add 300 allow udp from 10.0.0.3 to any limit src-addr 1");
	IPFW("add 400 deny ip from any to any");
	assert_int_equal(remember("udp from 10.0.0.2 2 to 10.0.0.1 1", 10),
	    400);
	assert_int_equal(state_count(en->states), 0);
	assert_int_equal(remember("udp from 10.0.0.1 1 to 10.0.0.2 2", 10),
	    200);
	assert_int_equal(state_count(en->states), 1);
	for (uint32_t at = 12; at < 60; at += 4)
		assert_int_equal(remember("udp from 10.0.0.2 2 to 10.0.0.1 1",
		    at), 200);
	assert_end("udp from 10.0.0.2 2 to 10.0.0.1 1", TRIAL_ACCEPT, 200,
	    "ha"); /* a dry one sees it, too */
	assert_int_equal(remember("udp from 10.0.0.2 2 to 10.0.0.1 1", 80),
	    400);
	assert_int_equal(state_count(en->states), 0);
	assert_int_equal(remember("udp from 10.0.0.3 1 to 10.0.0.2 2", 80),
	    300);
	assert_int_equal(remember("udp from 10.0.0.3 9 to 10.0.0.2 2", 80),
	    300); /* which denies it */
	assert_int_equal(state_count(en->states), 1);
	assert_end("udp from 10.0.0.3 9 to 10.0.0.2 2", TRIAL_DENY, 300,
	    "mmk");
}

/* Rules that call each other without end are given up. */
static void
test_endless(void **state)
{
	struct message m;

	(void)state;
	for (unsigned k = 1; k <= 14; k++) {
		char text[80];

		for (unsigned i = 0; i < 3; i++) {
			snprintf(text, sizeof(text),
			    "add %u call %u ip from any to any", k * 10 + i,
			    k * 10 + 10);
			ipfw(text);
		}
		snprintf(text, sizeof(text),
		    "add %u return ip from any to any", k * 10 + 3);
		ipfw(text);
	}
	IPFW("add 150 return ip from any to any");
	m = ask("tcp", TRIAL_STEPS, 40);
	assert_int_equal(call(&m), -ENOMEM);
	assert_true(reply(&m)->size > 1000000);
	m = ask("tcp", 0, 0);
	assert_int_equal(call(&m), 0);
	assert_int_equal(reply(&m)->end, TRIAL_ENDLESS);
}

/* The size that is needed, and nothing written beyond the room. */
static void
test_room(void **state)
{
	struct message m;

	(void)state;
	for (unsigned k = 0; k < 30; k++)
		IPFW("add count ip from any to any");
	m = ask("tcp", TRIAL_STEPS, 30);
	assert_int_equal(call(&m), -ENOMEM);
	assert_int_equal(m.len, sizeof(struct trial_reply));
	assert_int_equal(reply(&m)->size, sizeof(struct trial_reply) +
	    31 * sizeof(struct trial_step));
	m = ask("tcp", TRIAL_STEPS, 31);
	assert_int_equal(call(&m), 0);
	assert_string_equal(steps(&m), "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
}

static void
test_refused(void **state)
{
	struct message m = ask("tcp", 0, 0);
	struct trial_req *q = (void *)m.data;

	(void)state;
	q->frame_len = (uint32_t)(m.len - sizeof(*q) + 1);
	assert_call(m, EINVAL, "octets: there are");
	q->frame_len = 65536;
	assert_call(m, EINVAL, "octets: there are");
	m = ask("tcp", 0, 0);
	q->prob = 3;
	assert_call(m, EINVAL, "no way for 'prob' to end");
	m = ask("tcp", 0x20, 0);
	assert_call(m, EINVAL, "unknown flags");
	m = ask("tcp", TRIAL_REMEMBER, 0);
	assert_call(m, EINVAL, "unknown flags");
	m = ask("tcp", 0, 0);
	memset(q->out_if, 'x', sizeof(q->out_if));
	assert_call(m, EINVAL, "has no end");
	m = ask("recv em9 tcp", 0, 0);
	assert_call(m, ENODEV, "no port is called em9");
	m = ask("recv em9 tcp", TRIAL_ANY_IF, 0);
	assert_ok(m);
	m = ask("tcp", 0, 0);
	m.len = sizeof(*q) - 1;
	assert_call(m, EINVAL, "needs 64");
	m.len = sizeof(*q);
	q->frame_len = 0;
	assert_call(m, EINVAL, "room for 64");
	m = ask("tcp", 0, 0);
	m.dir = CTL_DIR_SET;
	assert_call(m, EINVAL, "answers");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_ends, begin, end),
	    cmocka_unit_test_setup_teardown(test_flags, begin, end),
	    cmocka_unit_test_setup_teardown(test_facts, begin, end),
	    cmocka_unit_test_setup_teardown(test_bad, begin, end),
	    cmocka_unit_test_setup_teardown(test_prob, begin, end),
	    cmocka_unit_test_setup_teardown(test_no_trace, begin, end),
	    cmocka_unit_test_setup_teardown(test_states, begin, end),
	    cmocka_unit_test_setup_teardown(test_remembered, begin, end),
	    cmocka_unit_test_setup_teardown(test_endless, begin, end),
	    cmocka_unit_test_setup_teardown(test_room, begin, end),
	    cmocka_unit_test_setup_teardown(test_refused, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
