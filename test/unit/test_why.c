/* SPDX-License-Identifier: BSD-2-Clause */
/* Why tests do not match: every test has its words.  What they are is in
 * test/golden/trial.txt. */
#include "unit.h"

#include "cli/why.h"

#include <string.h>

static struct trial_reply reply;
static struct text text;

static const char *
why(unsigned opcode, unsigned value)
{
	static uint32_t words[INSN_MAX_WORDS];
	struct insn *i = (void *)words;

	i->opcode = (uint8_t)opcode;
	i->len = insn_table[opcode].min_words;
	text_reset(&text);
	why_not(&text, i, &reply, false, value);
	return text_str(&text);
}

/* A packet that every test can be asked of. */
static void
test_every_opcode(void **state)
{
	(void)state;
	for (unsigned op = 0; op < O_LAST; op++) {
		const struct insn_info *info = &insn_table[op];

		if (info->kind != INSN_MATCH || info->refusal != NULL ||
		    op == O_PROB)
			continue;
		reply.facts.flags = TRIAL_IP4 | TRIAL_L4 | TRIAL_PORTS;
		reply.facts.proto = 6;
		if (strcmp(why(op, 1), "packet has another") == 0)
			fail_msg("%s has no words in cli/why.c", info->name);
		reply.facts.flags = 0;
		assert_string_not_equal(why(op, 1), "");
	}
	text_fini(&text);
}

/* Another kind of packet than the one that is asked for. */
static void
test_kinds(void **state)
{
	(void)state;
	reply.facts = (struct trial_facts){.flags = TRIAL_IP6 | TRIAL_L4,
	    .proto = 58};
	assert_string_equal(why(O_IP_SRC, 0), "packet is IPv6");
	assert_string_equal(why(O_TCPFLAGS, 0), "packet is icmp6");
	assert_string_equal(why(O_IP_DSTPORT, 0), "packet is icmp6");
	assert_string_equal(why(O_ICMPTYPE, 0), "packet is icmp6");
	reply.facts.flags = TRIAL_IP4 | TRIAL_FRAG | TRIAL_LATER_FRAG;
	reply.facts.proto = 6;
	assert_string_equal(why(O_ESTAB, 0), "packet is a later fragment");
	reply.facts.flags = 0;
	reply.facts.ethertype = 0x0806;
	assert_string_equal(why(O_PROTO, 0), "packet is not IP but arp");
	assert_string_equal(why(O_TAGGED, 0), "packet has no tag");
	assert_string_equal(why(O_MARK, 16), "packet has 0x10");
	text_fini(&text);
}

/* The packet itself, as one line begins. */
static void
test_packet(void **state)
{
	struct trial_facts f = {.flags = TRIAL_IP6 | TRIAL_L4 | TRIAL_PORTS,
	    .proto = 6, .tcp_flags = 0x12, .sport = 1, .dport = 2,
	    .src = {[15] = 1}, .dst = {[15] = 2}};

	(void)state;
	why_packet(&text, &f);
	assert_string_equal(text_str(&text), "tcp [::1]:1 > [::2]:2 syn,ack");
	text_reset(&text);
	f.bad = 3;
	why_packet(&text, &f);
	assert_string_equal(text_str(&text), "broken packet");
	text_fini(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_opcode),
	    cmocka_unit_test(test_kinds),
	    cmocka_unit_test(test_packet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
