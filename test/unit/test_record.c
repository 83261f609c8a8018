/* SPDX-License-Identifier: BSD-2-Clause */
/* What log leaves: the ring, the budget, and the lines made of it. */
#include "unit.h"

#include "frames.h"

#include "engine/log_text.h"
#include "rule/record.h"

#include <stdlib.h>

static struct frame f;
static struct record_ring *ring;
static _Atomic uint32_t left;
static struct table_value value; /* what a table gave */

static int
begin(void **state)
{
	(void)state;
	ring = record_ring_create();
	assert_non_null(ring);
	left = 0;
	memset(&value, 0, sizeof(value));
	return 0;
}

static int
end(void **state)
{
	(void)state;
	record_ring_destroy(ring);
	return 0;
}

/* Rule 100 with the action words 'act', after log and a tag. */
static struct rule *
rule_of(const void *act, unsigned n)
{
	struct rule *r = calloc(1, sizeof(*r) + (4 + n) * 4);

	r->num = 100;
	r->id = 7;
	r->n_words = (uint16_t)(4 + n);
	r->cmd[0] = (struct insn){O_LOG, 3, 0};
	r->cmd[3] = (struct insn){O_TAG, 1, 5};
	memcpy(r->cmd + 4, act, n * 4);
	return r;
}

static struct rule *
rule_op(uint8_t op, uint8_t len, uint16_t arg1)
{
	struct insn act[2] = {{op, len, arg1}, {0, 0, 0}};

	return rule_of(act, len & INSN_LEN_MASK);
}

/* Records 'p' with a limit of 'max' (0 = none). */
static void
note(const struct rule *r, const struct pkt *p, uint32_t max, unsigned flags)
{
	const struct insn_log log = {.o = {O_LOG, 3, 0}, .max_log = max};
	const struct record_at at = {
		.log = &log, .value = &value, .ifname = "valeA:f", .left = &left,
		.out = (flags & RECORD_OUT) != 0,
		.text = (flags & RECORD_TEXT) != 0,
	};

	record_packet(ring, r, p, &at);
}

static unsigned
published(void)
{
	unsigned n = 0;

	record_publish(ring, 1);
	for (; record_first(ring) != NULL; n++)
		record_done(ring);
	return n;
}

static struct pkt
tcp4(void)
{
	f_ether(&f, ETYPE_IP4);
	f_ip4(&f, PROTO_TCP, 0x0a000001, 0x0a000102, 0);
	f_tcp(&f, 1000, 80, TH_SYN);
	return f_parse(&f);
}

static void
full_ring_counts(void **state)
{
	struct rule *r = rule_op(O_DENY, 1, 0);
	struct pkt p = tcp4();

	(void)state;
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < RECORD_SLOTS + 5; i++)
			note(r, &p, 0, RECORD_TEXT);
		assert_int_equal(ring->lost, 5 * (round + 1));
		assert_null(record_first(ring)); /* nothing was published */
		assert_int_equal(published(), RECORD_SLOTS);
	}
	note(r, &p, 0, RECORD_TEXT);
	assert_int_equal(published(), 1);
	free(r);
}

static void
index_wraps(void **state)
{
	struct rule *r = rule_op(O_DENY, 1, 0);
	struct pkt p = tcp4();

	(void)state;
	ring->next = UINT32_MAX - 2;
	ring->head = ring->tail = ring->next;
	for (unsigned i = 0; i < RECORD_SLOTS + 1; i++)
		note(r, &p, 0, RECORD_TEXT);
	assert_int_equal(ring->lost, 1);
	assert_int_equal(published(), RECORD_SLOTS);
	free(r);
}

/* A burst's records carry the time of their publish. */
static void
publish_stamps(void **state)
{
	struct rule *r = rule_op(O_DENY, 1, 0);
	struct pkt p = tcp4();

	(void)state;
	assert_false(record_unpublished(ring));
	note(r, &p, 0, 0);
	assert_true(record_unpublished(ring));
	record_publish(ring, 11);
	note(r, &p, 0, 0);
	record_publish(ring, 22);
	assert_int_equal(record_first(ring)->ns, 11);
	record_done(ring);
	assert_int_equal(record_first(ring)->ns, 22);
	record_done(ring);
	assert_null(record_first(ring));
	free(r);
}

static void
budget(void **state)
{
	struct rule *r = rule_op(O_DENY, 1, 0);
	struct pkt p = tcp4();

	(void)state;
	left = 3;
	for (unsigned i = 0; i < 9; i++)
		note(r, &p, 3, RECORD_TEXT);
	record_publish(ring, 1);
	for (unsigned i = 0; i < 3; i++) {
		const struct record *got = record_first(ring);

		assert_int_equal((got->flags & RECORD_LAST) != 0, i == 2);
		assert_int_equal(got->max_log, 3);
		record_done(ring);
	}
	assert_null(record_first(ring));
	assert_int_equal(ring->lost, 0);
	/* A capture without lines knows no limit. */
	note(r, &p, 3, 0);
	assert_int_equal(published(), 1);
	/* A full ring takes nothing of it. */
	left = 2;
	for (unsigned i = 0; i < RECORD_SLOTS; i++)
		note(r, &p, 0, RECORD_TEXT);
	note(r, &p, 2, RECORD_TEXT);
	assert_int_equal(left, 2);
	assert_int_equal(ring->lost, 1);
	free(r);
}

static void
keeps_the_head_of_the_frame(void **state)
{
	static const unsigned lens[] = {0, 1, RECORD_SNAP - 1, RECORD_SNAP,
	    RECORD_SNAP + 1, 2048};
	struct rule *r = rule_op(O_DENY, 1, 0);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
		uint8_t *exact = malloc(lens[i] + 1);
		struct pkt p = {.data = exact, .len = (uint16_t)lens[i]};
		const struct record *got;

		memset(exact, 0x5a, lens[i] + 1);
		note(r, &p, 0, 0);
		record_publish(ring, 1);
		got = record_first(ring);
		assert_int_equal(got->len, lens[i]);
		assert_int_equal(got->kept,
		    lens[i] < RECORD_SNAP ? lens[i] : RECORD_SNAP);
		assert_memory_equal(got->frame, exact, got->kept);
		record_done(ring);
		free(exact);
	}
	free(r);
}

/* The line of what was recorded. */
static const char *
line_of(struct rule *r, struct pkt p, unsigned flags)
{
	static char text[LOG_TEXT_MAX];

	note(r, &p, 0, RECORD_TEXT | flags);
	record_publish(ring, 1);
	log_text(record_first(ring), text, sizeof(text));
	record_done(ring);
	free(r);
	return text;
}

#define ACTION(words, op, len, arg1)                                           \
	assert_string_equal(line_of(rule_op(op, len, arg1), tcp4(), 0),        \
	    "ipfw: 100 " words " TCP 10.0.0.1:1000 10.0.1.2:80 in via valeA:f")

static void
actions(void **state)
{
	struct insn_sa sa = {.o = {O_FORWARD_IP, 5, 0}, .port = 0};
	struct insn_sa6 sa6 = {.o = {O_FORWARD_IP6, 8, 0}, .port = 443,
	    .addr6 = {0x20, 1, [15] = 9}};

	(void)state;
	ACTION("Accept", O_ACCEPT, 1, 0);
	ACTION("Deny", O_DENY, 1, 0);
	ACTION("Count", O_COUNT, 1, 0);
	ACTION("Reset", O_REJECT, 1, REJECT_RST);
	ACTION("Reset", O_UNREACH6, 1, REJECT_RST);
	ACTION("Abort", O_REJECT, 1, REJECT_ABORT);
	ACTION("Reject", O_REJECT, 1, 1);
	ACTION("Unreach 1", O_UNREACH6, 1, 1);
	ACTION("Unreach 13", O_REJECT, 1, 13);
	ACTION("SkipTo 500", O_SKIPTO, 1, 500);
	ACTION("Call 500", O_CALLRETURN, 1, 500);
	ACTION("Return", O_CALLRETURN, 1 | INSN_NOT, 0);
	ACTION("Pipe 3", O_PIPE, 1, 3);
	ACTION("Queue 4", O_QUEUE, 1, 4);
	ACTION("SetDscp 46", O_SETDSCP, 1, 0x8000 | 46);
	ACTION("UNKNOWN", O_NETGRAPH, 1, 1);
	ACTION("UNKNOWN", 250, 1, 1);
	sa.addr = __builtin_bswap32(0x01020304);
	assert_string_equal(line_of(rule_of(&sa, 5), tcp4(), RECORD_OUT),
	    "ipfw: 100 Forward to 1.2.3.4 TCP 10.0.0.1:1000 10.0.1.2:80 out "
	    "via valeA:f");
	assert_string_equal(line_of(rule_of(&sa6, 8), tcp4(), 0),
	    "ipfw: 100 Forward to [2001::9]:443 TCP 10.0.0.1:1000 10.0.1.2:80 "
	    "in via valeA:f");
}

/* tablearg is told as what the table gave, each action's own member of it. */
static void
actions_by_table(void **state)
{
	const struct insn_sa fwd = {.o = {O_FORWARD_IP, 5, 0}, .port = 53};
	const struct insn_u32 mark = {{O_SETMARK, 2, 0xffff}, {0xbeef}};

	(void)state;
	value = (struct table_value){.tag = 1, .pipe = 2, .divert = 3,
	    .skipto = 4, .nat = 5, .nh4 = 0x01020304, .dscp = 6,
	    .nh6 = {0x20, 1, [15] = 7}, .limit = 8, .mark = 9};
	ACTION("SkipTo 4", O_SKIPTO, 1, TABLEARG);
	ACTION("Call 4", O_CALLRETURN, 1, TABLEARG);
	ACTION("Return", O_CALLRETURN, 1 | INSN_NOT, 0);
	ACTION("Pipe 2", O_PIPE, 1, TABLEARG);
	ACTION("Queue 2", O_QUEUE, 1, TABLEARG);
	ACTION("Divert 3", O_DIVERT, 1, TABLEARG);
	ACTION("Tee 3", O_TEE, 1, TABLEARG);
	ACTION("SetDscp 6", O_SETDSCP, 1, TABLEARG);
	ACTION("SetMark 0x00000009", O_SETMARK, 2, TABLEARG);
	ACTION("Unreach 0", O_REJECT, 1, 0);
	assert_string_equal(line_of(rule_of(&mark, 2), tcp4(), 0),
	    "ipfw: 100 SetMark 0x0000beef TCP 10.0.0.1:1000 10.0.1.2:80 in "
	    "via valeA:f");
	assert_string_equal(line_of(rule_of(&fwd, 5), tcp4(), 0),
	    "ipfw: 100 Forward to 1.2.3.4:53 TCP 10.0.0.1:1000 10.0.1.2:80 in "
	    "via valeA:f");
	f_ether(&f, ETYPE_IP6);
	f_ip6(&f, PROTO_UDP, 1, 2);
	f_udp(&f, 5, 6);
	assert_string_equal(line_of(rule_of(&fwd, 5), f_parse(&f), 0),
	    "ipfw: 100 Forward to [2001::7]:53 UDP [2001:db8::1]:5 "
	    "[2001:db8::2]:6 in via valeA:f");
}

#define PACKET(p, words)                                                       \
	assert_string_equal(line_of(rule_op(O_DENY, 1, 0), p, 0),              \
	    "ipfw: 100 Deny " words)

static struct pkt
ip4(uint8_t proto, uint16_t off, unsigned payload)
{
	f_ether(&f, ETYPE_IP4);
	f_ip4(&f, proto, 0x0a000001, 0x0a000102, off);
	f_add(&f, payload)[0] = 3;
	return f_parse(&f);
}

static void
packets(void **state)
{
	struct pkt p;

	(void)state;
	f_ether(&f, ETYPE_ARP);
	f_add(&f, 28);
	PACKET(f_parse(&f), "MAC in via valeA:f");
	f.len = 5;
	PACKET(f_parse(&f), "MAC in via valeA:f");
	p = ip4(PROTO_UDP, 0, 8);
	PACKET(p, "UDP 10.0.0.1:768 10.0.1.2:0 in via valeA:f");
	p = ip4(PROTO_UDPLITE, 0, 8);
	PACKET(p, "UDPLite 10.0.0.1:768 10.0.1.2:0 in via valeA:f");
	p = ip4(PROTO_ICMP, 0, 8);
	PACKET(p, "ICMP:3.0 10.0.0.1 10.0.1.2 in via valeA:f");
	p = ip4(PROTO_GRE, 0, 8);
	PACKET(p, "P:47 10.0.0.1 10.0.1.2 in via valeA:f");
	p = ip4(PROTO_SCTP, 0, 12);
	PACKET(p, "P:132 10.0.0.1 10.0.1.2 in via valeA:f");
	p = ip4(PROTO_UDP, 0x2000, 16);
	PACKET(p, "UDP 10.0.0.1:768 10.0.1.2:0 in via valeA:f "
	    "(frag 4660:16@0+)");
	p = ip4(PROTO_UDP, 0x00b9, 16);
	PACKET(p, "UDP 10.0.0.1 10.0.1.2 in via valeA:f (frag 4660:16@1480)");
	p = ip4(PROTO_ICMP, 0x20b9, 16);
	PACKET(p, "ICMP 10.0.0.1 10.0.1.2 in via valeA:f "
	    "(frag 4660:16@1480+)");
	p = ip4(PROTO_UDP, 0x4000, 16); /* DF alone is no fragment */
	PACKET(p, "UDP 10.0.0.1:768 10.0.1.2:0 in via valeA:f");
	p.mark = 0x1f;
	PACKET(p, "UDP 10.0.0.1:768 10.0.1.2:0 mark:0x1f in via valeA:f");
}

static void
packets6(void **state)
{
	uint8_t *h;

	(void)state;
	f_ether(&f, ETYPE_IP6);
	f_ip6(&f, PROTO_UDP, 1, 2);
	f_udp(&f, 53, 5353);
	PACKET(f_parse(&f), "UDP [2001:db8::1]:53 [2001:db8::2]:5353 "
	    "in via valeA:f");
	f_ether(&f, ETYPE_VLAN);
	f_vlan(&f, 5, ETYPE_IP6);
	f_ip6(&f, PROTO_ICMP6, 1, 2);
	f_add(&f, 8)[0] = 128;
	PACKET(f_parse(&f), "ICMPv6:128.0 [2001:db8::1] [2001:db8::2] "
	    "in via valeA:f");
	f_ether(&f, ETYPE_IP6);
	f_ip6(&f, PROTO_DSTOPTS, 1, 2);
	f_add(&f, 8)[0] = PROTO_FRAGMENT;
	h = f_add(&f, 8);
	h[0] = PROTO_TCP;
	put16(h + 2, 1480 | 1);
	put32(h + 4, 0xabcd);
	f_add(&f, 100);
	PACKET(f_parse(&f), "TCP [2001:db8::1] [2001:db8::2] in via valeA:f "
	    "(frag 0000abcd:100@1480+)");
}

/* A line that is too long is cut, and the limit has a line of its own. */
static void
borders_of_lines(void **state)
{
	struct rule *r = rule_op(O_DENY, 1, 0);
	struct pkt p = tcp4();
	char text[LOG_TEXT_MAX];

	(void)state;
	note(r, &p, 10, 0);
	record_publish(ring, 1);
	for (size_t n = 1; n < 80; n++) {
		char *exact = malloc(n);

		log_text(record_first(ring), exact, n);
		assert_true(strlen(exact) < n);
		assert_memory_equal(exact,
		    "ipfw: 100 Deny TCP 10.0.0.1:1000 10.0.1.2:80 in via "
		    "valeA:f", strlen(exact));
		free(exact);
	}
	log_text_limit(record_first(ring), text, sizeof(text));
	assert_string_equal(text, "ipfw: limit 10 reached on entry 100");
	free(r);
}

static void
sessions_beyond_a_limit(void **state)
{
	struct state_excess x = {.at_s = 1, .rule = 100, .flow = {
	    .src4 = __builtin_bswap32(0x0a000001), .sport = 1000,
	    .dst4 = __builtin_bswap32(0x0a000102), .dport = 80}};
	char text[LOG_TEXT_MAX];

	(void)state;
	log_text_excess(&x, 5, text, sizeof(text));
	assert_string_equal(text, "ipfw: 100 drop session type 40 10.0.0.1 "
	    "1000 -> 10.0.1.2 80, 5 too many entries");
	x.flow.is6 = true;
	x.flow.src6[0] = x.flow.dst6[0] = 0x20;
	memset(x.flow.dst6 + 2, 0xff, 14);
	log_text_excess(&x, UINT32_MAX, text, sizeof(text));
	assert_string_equal(text, "ipfw: 100 drop session type 40 2000:: 1000 "
	    "-> 2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff 80, 4294967295 "
	    "too many entries");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(full_ring_counts, begin, end),
		cmocka_unit_test_setup_teardown(index_wraps, begin, end),
		cmocka_unit_test_setup_teardown(publish_stamps, begin, end),
		cmocka_unit_test_setup_teardown(budget, begin, end),
		cmocka_unit_test_setup_teardown(keeps_the_head_of_the_frame,
		    begin, end),
		cmocka_unit_test_setup_teardown(actions, begin, end),
		cmocka_unit_test_setup_teardown(actions_by_table, begin, end),
		cmocka_unit_test_setup_teardown(packets, begin, end),
		cmocka_unit_test_setup_teardown(packets6, begin, end),
		cmocka_unit_test_setup_teardown(borders_of_lines, begin, end),
		cmocka_unit_test(sessions_beyond_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
