/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "rule/check.h"
#include "rule/rule.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A rule under construction, in memory of its exact size when checked. */
struct draft {
	struct abi_rule head;
	struct insn cmd[300];
};

static struct insn *
put(struct draft *d, unsigned op, unsigned words, unsigned arg1)
{
	struct insn *i = &d->cmd[d->head.cmd_len];

	i->opcode = (uint8_t)op;
	i->len = (uint8_t)words;
	i->arg1 = (uint16_t)arg1;
	d->head.cmd_len = (uint16_t)(d->head.cmd_len + words);
	return i;
}

static void
put_action(struct draft *d, unsigned op, unsigned arg1)
{
	d->head.act_ofs = d->head.cmd_len;
	put(d, op, 1, arg1);
}

/* Checks a copy that ends where the rule ends, so that ASan sees each step
 * beyond. */
static int
check(const struct draft *d, struct err *e)
{
	size_t size = sizeof(d->head) + d->head.cmd_len * sizeof(struct insn);
	struct abi_rule *r = malloc(size);
	int error;

	memcpy(r, d, size);
	memset(e, 0, sizeof(*e));
	error = check_rule(r, size, e);
	free(r);
	assert_int_equal(error, -e->code);
	assert_int_equal(error != 0, e->text[0] != '\0');
	return error;
}

static void
assert_refused(const struct draft *d, int code, const char *words)
{
	struct err e;

	assert_int_equal(check(d, &e), -code);
	if (strstr(e.text, words) == NULL)
		fail_msg("'%s' lacks '%s'", e.text, words);
}

static void
assert_accepted(const struct draft *d)
{
	struct err e;

	if (check(d, &e) != 0)
		fail_msg("refused: %s", e.text);
}

/* Lengths that an opcode may have: lo, lo+step, ... up to hi. */
struct lengths {
	unsigned op, lo, hi, step;
};

/* Those longer than one word, written down from the reference. */
static const struct lengths long_ones[] = {
    {O_NOP, 1, 63, 1},
    {O_IP_SRC, 2, 2, 1}, {O_IP_DST, 2, 2, 1},
    {O_IP_SRC_MASK, 3, 63, 2}, {O_IP_DST_MASK, 3, 63, 2},
    {O_IP_SRC_SET, 3, 10, 1}, {O_IP_DST_SET, 3, 10, 1},
    {O_IP_SRCPORT, 2, 31, 1}, {O_IP_DSTPORT, 2, 31, 1},
    {O_MACADDR2, 7, 7, 1}, {O_MAC_TYPE, 2, 31, 1},
    {O_RECV, 6, 6, 1}, {O_XMIT, 6, 6, 1}, {O_VIA, 6, 6, 1},
    {O_IPLEN, 1, 31, 1}, {O_IPID, 1, 31, 1}, {O_IPTTL, 1, 31, 1},
    {O_TCPWIN, 1, 31, 1}, {O_TCPDATALEN, 1, 31, 1}, {O_TCPMSS, 1, 31, 1},
    {O_TCPSEQ, 2, 2, 1}, {O_TCPACK, 2, 2, 1}, {O_ICMPTYPE, 2, 2, 1},
    {O_PROB, 2, 2, 1}, {O_LOG, 3, 3, 1},
    {O_REJECT, 1, 2, 1}, {O_FORWARD_IP, 5, 5, 1},
    {O_FORWARD_IP6, 8, 8, 1},
    {O_IP6_SRC, 5, 5, 1}, {O_IP6_DST, 5, 5, 1},
    {O_IP6_SRC_MASK, 9, 57, 8}, {O_IP6_DST_MASK, 9, 57, 8},
    {O_FLOW6ID, 3, 63, 1}, {O_ICMP6TYPE, 8, 8, 1}, {O_DSCP, 3, 3, 1},
    {O_LIMIT, 2, 2, 1},
    {O_TAGGED, 1, 31, 1}, {O_SETMARK, 2, 2, 1}, {O_MARK, 3, 3, 1},
    {O_IP_SRC_LOOKUP, 1, 2, 1}, {O_IP_DST_LOOKUP, 1, 3, 1},
    {O_IP_FLOW_LOOKUP, 1, 2, 1}, {O_MAC_SRC_LOOKUP, 1, 2, 1},
    {O_MAC_DST_LOOKUP, 1, 2, 1}, {O_TABLE_LOOKUP, 3, 6, 3},
};

static struct lengths
lengths_of(unsigned op)
{
	for (size_t i = 0; i < ARRAY_LEN(long_ones); i++)
		if (long_ones[i].op == op)
			return long_ones[i];
	return (struct lengths){op, 1, 1, 1};
}

/* Gives an instruction of that length the content that fits it. */
static void
fill(struct insn *i, unsigned words)
{
	switch (i->opcode) {
	case O_IP_SRC_SET:
	case O_IP_DST_SET:
		i->arg1 = (uint16_t)(words > 2 ? (words - 2) * 32 : 1);
		break;
	case O_LIMIT:
		memcpy(i + 1, "\0\1\2", 4); /* 2 of a source */
		break;
	case O_FLOW6ID:
		i->arg1 = (uint16_t)(words - 2);
		break;
	case O_FORWARD_IP:
	case O_FORWARD_IP6:
		i[words > 4 ? (i->opcode == O_FORWARD_IP ? 2 : 6) : 0].arg1 |=
		    words > 4;
		break;
	case O_REJECT:
		i->arg1 = 4;
		break;
	case O_SKIPTO:
	case O_CALLRETURN:
	case O_TAG:
	case O_TAGGED:
		i->arg1 = 1;
		break;
	case O_SETDSCP:
	case O_SETMARK:
	case O_MARK:
		i->arg1 = 0x8000;
		break;
	case O_RECV:
	case O_XMIT:
	case O_VIA:
		memcpy(i + 2, "em0", 4);
		break;
	default:
		break;
	}
}

/* A rule with just this instruction, and an action if it is none. */
static struct draft
rule_of(unsigned op, unsigned words)
{
	struct draft d = {0};

	if (insn_table[op].kind == INSN_ACTION) {
		fill(put(&d, op, words, 0), words);
	} else {
		fill(put(&d, op, words, 0), words);
		put_action(&d, O_ACCEPT, 0);
		if (insn_table[op].kind == INSN_MODIFIER)
			d.head.act_ofs = 0;
	}
	return d;
}

/* Every row of insn.def in every length from 0 to 63. */
static void
each_opcode_in_each_length(void **state)
{
	(void)state;
	for (unsigned op = 0; op < O_LAST; op++) {
		struct lengths l = lengths_of(op);

		if (insn_table[op].refusal != NULL ||
		    insn_table[op].kind == INSN_NONE ||
		    op == O_EXTERNAL_ACTION || op == O_EXTERNAL_DATA)
			continue;
		for (unsigned words = 1; words <= INSN_MAX_WORDS; words++) {
			struct draft d = rule_of(op, words);
			bool fits = words >= l.lo && words <= l.hi &&
			    (words - l.lo) % l.step == 0;
			struct err e;

			if ((check(&d, &e) == 0) != fits)
				fail_msg("%s with %u words: %s",
				    insn_table[op].name, words, e.text);
			if (!fits && strstr(e.text, insn_table[op].name) ==
			    NULL)
				fail_msg("'%s' does not name %s", e.text,
				    insn_table[op].name);
		}
	}
}

static void
unsupported_ones_say_why(void **state)
{
	(void)state;
	for (unsigned op = 0; op < O_LAST; op++) {
		struct draft d = {0};

		if (insn_table[op].refusal == NULL)
			continue;
		put(&d, op, insn_table[op].min_words, 0);
		if (insn_table[op].kind != INSN_ACTION)
			put_action(&d, O_ACCEPT, 0);
		assert_refused(&d, EOPNOTSUPP, insn_table[op].refusal);
		assert_refused(&d, EOPNOTSUPP, insn_table[op].name);
	}
}

static void
unknown_and_partial_ones(void **state)
{
	struct draft d = {0};

	(void)state;
	put(&d, O_LAST, 1, 0);
	put_action(&d, O_ACCEPT, 0);
	assert_refused(&d, EINVAL, "opcode 100 at word 0");
	d.cmd[0].opcode = 255;
	assert_refused(&d, EINVAL, "opcode 255 at word 0");
	d.cmd[0].opcode = O_LIMIT_PARENT;
	assert_refused(&d, EINVAL, "LIMIT_PARENT at word 0");
	d.cmd[0].opcode = O_FORWARD_MAC;
	assert_refused(&d, EINVAL, "FORWARD_MAC at word 0");
}

static void
head_limits(void **state)
{
	struct draft d = {0};
	struct err e;

	(void)state;
	put_action(&d, O_ACCEPT, 0);
	assert_accepted(&d);
	for (size_t size = 0; size < 20; size++)
		assert_int_equal(check_rule(&d.head, size, &e), -EINVAL);
	d.head.rulenum = 65534;
	assert_accepted(&d);
	d.head.rulenum = 65535;
	assert_refused(&d, EINVAL, "65535");
	d.head.rulenum = 65536 + 5;
	assert_refused(&d, EINVAL, "65541");
	d.head.rulenum = 0;
	d.head.set = 31;
	assert_accepted(&d);
	d.head.set = 32;
	assert_refused(&d, EINVAL, "set 32");
	d.head.set = 0;
	d.head.act_ofs = 1;
	assert_refused(&d, EINVAL, "action at word 1");
	d.head.act_ofs = 0;
	d.head.cmd_len = 0;
	assert_refused(&d, EINVAL, "0 words");
}

static void
most_words(void **state)
{
	struct draft d = {0};

	(void)state;
	for (unsigned i = 0; i < 254; i++)
		put(&d, O_LAYER2, 1, 0);
	put_action(&d, O_ACCEPT, 0);
	assert_int_equal(d.head.cmd_len, RULE_MAX_WORDS);
	assert_accepted(&d);
	d.head.cmd_len = 254;
	put(&d, O_LAYER2, 1, 0);
	put_action(&d, O_ACCEPT, 0);
	assert_refused(&d, EINVAL, "256 words");
}

static void
action_stands_last(void **state)
{
	struct draft d = {0};

	(void)state;
	put(&d, O_IN, 1, 0);
	put(&d, O_COUNT, 1, 0);
	put(&d, O_ACCEPT, 1, 0);
	d.head.act_ofs = 2;
	assert_refused(&d, EINVAL, "COUNT at word 1 stands before");
	d.head.act_ofs = 1;
	assert_refused(&d, EINVAL, "COUNT at word 1 is an action and not");
	d.cmd[1].opcode = O_IP4;
	assert_refused(&d, EINVAL, "IP4 at word 1 stands in the action");
	d.cmd[1].opcode = O_NOP;
	assert_refused(&d, EINVAL, "NOP at word 1 stands in the action");
	d.cmd[2].opcode = O_IP4;
	d.head.act_ofs = 2;
	assert_refused(&d, EINVAL, "IP4 at word 2 stands in the action");
}

static void
action_part_begins_with_an_instruction(void **state)
{
	struct draft d = {0};

	(void)state;
	put(&d, O_IP_SRC, 2, 0);
	put_action(&d, O_ACCEPT, 0);
	d.head.act_ofs = 1;
	assert_refused(&d, EINVAL, "begins within an instruction");
	d.head.act_ofs = 2;
	d.head.cmd_len = 2;
	assert_refused(&d, EINVAL, "action at word 2");
}

static void
instruction_ends_within_the_rule(void **state)
{
	struct draft d = {0};

	(void)state;
	put(&d, O_NOP, 2, 0);
	put_action(&d, O_ACCEPT, 0);
	for (unsigned len = 0; len < 64; len++) {
		struct err e;

		d.cmd[0].len = (uint8_t)len;
		d.cmd[1] = (struct insn){O_IN, 1, 0};
		/* One word is an empty comment, and O_IN follows. */
		assert_int_equal(check(&d, &e),
		    len == 1 || len == 2 ? (len == 1 ? 0 : -EINVAL) : -EINVAL);
	}
	d.cmd[0] = (struct insn){O_NOP, 1, 0};
	d.cmd[2].len = 0;
	assert_refused(&d, EINVAL, "ACCEPT at word 2 does not end");
	d.cmd[2].len = 2;
	assert_refused(&d, EINVAL, "ACCEPT at word 2 does not end");
}

static void
not_and_or(void **state)
{
	struct draft d = {0};

	(void)state;
	put(&d, O_IN, 1, 0);
	put(&d, O_IP4, 1, 0);
	put_action(&d, O_ACCEPT, 0);
	d.cmd[0].len = 1 | INSN_OR;
	assert_accepted(&d);
	d.cmd[0].len = 1 | INSN_OR | INSN_NOT;
	d.cmd[1].len = 1 | INSN_NOT;
	assert_accepted(&d);
	d.cmd[1].len = 1 | INSN_OR;
	assert_refused(&d, EINVAL, "ACCEPT at word 2 stands where an or");
	d.cmd[1] = (struct insn){O_NOP, 1, 0};
	assert_refused(&d, EINVAL, "NOP at word 1 stands where an or");
	d.cmd[0].len = 1;
	d.cmd[1].len = 1 | INSN_OR;
	assert_refused(&d, EINVAL, "NOP at word 1 takes neither");
	d.cmd[1].len = 1;
	d.cmd[2].len = 1 | INSN_NOT;
	assert_refused(&d, EINVAL, "ACCEPT at word 2 takes neither");
	d.cmd[2].len = 1 | INSN_OR;
	assert_refused(&d, EINVAL, "ACCEPT at word 2 takes neither");
}

/* arg1 has only the bits that mean something. */
static void
arg1_bits(void **state)
{
	static const struct {
		unsigned op, good, bad;
	} t[] = {
	    {O_PROTO, 255, 256},      {O_IPVER, 15, 16},
	    {O_IPPRECEDENCE, 7 << 5, 1}, {O_FRAG, 0xe1e1, 0x10},
	    {O_FRAG, 0xe1e1, 0x1000}, {O_IPOPT, 0x0f0f, 0x1000},
	    {O_TCPOPTS, 0x1f1f, 0x20}, {O_TCPFLAGS, 0xffff, 0},
	    {O_IPTOS, 0xffff, 0},     {O_EXT_HDR, 0xff, 0x100},
	    {O_IN, 0, 1},	      {O_LAYER2, 0, 1},
	    {O_ESTAB, 0, 0x8000},     {O_IPTTL, 255, 0},
	    {O_IPLEN, 65535, 0},      {O_IP4, 0, 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct draft d = rule_of(t[i].op, 1);

		d.cmd[0].arg1 = (uint16_t)t[i].good;
		assert_accepted(&d);
		if (t[i].bad == 0)
			continue;
		d.cmd[0].arg1 = (uint16_t)t[i].bad;
		assert_refused(&d, EINVAL, "bits without a meaning");
	}
}

static void
actions_take_no_argument(void **state)
{
	static const unsigned ops[] = {O_ACCEPT, O_DENY, O_COUNT};
	struct draft d = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
		d.head.cmd_len = 0;
		put_action(&d, ops[i], 0);
		assert_accepted(&d);
		d.cmd[0].arg1 = 1;
		assert_refused(&d, EINVAL, "bits without a meaning");
	}
	d.head.cmd_len = 0;
	put_action(&d, O_SKIPTO, 65535);
	assert_accepted(&d);
	d.cmd[0].arg1 = TABLEARG;
	assert_accepted(&d);
}

/* 'untag' and 'return' are their opcodes negated; both may not be in a block. */
static void
negated_by_design(void **state)
{
	struct draft d = {0};

	(void)state;
	put_action(&d, O_CALLRETURN, TABLEARG);
	assert_accepted(&d);
	d.cmd[0].len |= INSN_NOT;
	assert_accepted(&d);
	d.cmd[0].arg1 = 7;
	assert_refused(&d, EINVAL, "bits without a meaning");
	d.cmd[0].len = 1;
	assert_accepted(&d);
	d.cmd[0].len |= INSN_OR;
	assert_refused(&d, EINVAL, "takes neither");
	d.head.cmd_len = 0;
	put(&d, O_TAG, 1, 5);
	put(&d, O_ACCEPT, 1, 0);
	assert_accepted(&d);
	d.cmd[0].len |= INSN_NOT;
	assert_accepted(&d);
	d.cmd[0].len |= INSN_OR;
	assert_refused(&d, EINVAL, "takes neither");
	d.head.cmd_len = 0;
	d.cmd[0].len = 1;
	put_action(&d, O_SETDSCP, 0x8000 | 63);
	assert_accepted(&d);
	d.cmd[0].arg1 = 0x8040;
	assert_refused(&d, EINVAL, "bits without a meaning");
	d.cmd[0].arg1 = 0;
	assert_accepted(&d);
}

/* 'log' stands first in the action part, once. */
static void
log_is_first(void **state)
{
	struct draft d = {0};

	(void)state;
	put(&d, O_LOG, 3, 0);
	put(&d, O_TAG, 1, 5);
	put(&d, O_ACCEPT, 1, 0);
	assert_accepted(&d);
	d.cmd[0].arg1 = 1;
	assert_refused(&d, EINVAL, "bits without a meaning");
	d.cmd[0].arg1 = LOGDST_SYSLOG | LOGDST_BPF;
	assert_accepted(&d);
	d.cmd[0].arg1 |= LOGDST_RTSOCK;
	assert_refused(&d, EOPNOTSUPP, "routing socket");
	d.cmd[0].arg1 = 0;
	d.cmd[0].len |= INSN_NOT;
	assert_refused(&d, EINVAL, "takes neither");
	d.head.act_ofs = 3;
	d.cmd[0].len = 3;
	assert_refused(&d, EINVAL, "LOG at word 0 stands before the action");
	memset(&d, 0, sizeof(d));
	put(&d, O_TAG, 1, 5);
	put(&d, O_LOG, 3, 0);
	put(&d, O_ACCEPT, 1, 0);
	assert_refused(&d, EINVAL, "LOG at word 1 is not the first");
	memset(&d, 0, sizeof(d));
	put(&d, O_LOG, 3, 0);
	put(&d, O_LOG, 3, 0);
	put(&d, O_ACCEPT, 1, 0);
	assert_refused(&d, EINVAL, "LOG at word 3 is not the first");
}

/* An external action and its data end the rule together. */
static void
external_action(void **state)
{
	struct draft d = {0};

	(void)state;
	put(&d, O_IP4, 1, 0);
	d.head.act_ofs = 1;
	put(&d, O_EXTERNAL_ACTION, 1, 1);
	assert_refused(&d, EINVAL, "not followed by its data");
	put(&d, O_EXTERNAL_DATA, 1, 1400);
	assert_accepted(&d);
	d.cmd[1].arg1 = 0;
	assert_refused(&d, EOPNOTSUPP, "table");
	d.cmd[1].arg1 = 1;
	put(&d, O_EXTERNAL_DATA, 1, 1400);
	assert_refused(&d, EINVAL, "not followed by its data");
	d.cmd[2].opcode = O_ACCEPT;
	d.cmd[2].arg1 = 0;
	d.head.cmd_len = 3;
	assert_refused(&d, EINVAL, "not followed by its data");
	d.head.cmd_len = 1;
	put(&d, O_EXTERNAL_DATA, 1, 1400);
	assert_refused(&d, EINVAL, "stands without its action");
	d.head.cmd_len = 1;
	put(&d, O_EXTERNAL_INSTANCE, 1, 1);
	assert_refused(&d, EOPNOTSUPP, "not implemented");
}

static void
next_hops(void **state)
{
	struct draft d = {0};

	(void)state;
	put(&d, O_FORWARD_IP, 5, 0);
	d.cmd[1].arg1 = 2; /* family */
	d.cmd[3].arg1 = 1; /* behind the address */
	assert_accepted(&d); /* tablearg */
	d.cmd[2].arg1 = 1;
	assert_accepted(&d);
	memset(&d, 0, sizeof(d));
	put(&d, O_FORWARD_IP6, 8, 0);
	d.cmd[2].arg1 = 2; /* flow */
	d.cmd[7].arg1 = 1; /* scope */
	assert_refused(&d, EINVAL, "no address");
	d.cmd[6].arg1 = 1;
	assert_accepted(&d);
}

static void
reject_codes(void **state)
{
	struct draft d = {0};

	(void)state;
	put_action(&d, O_REJECT, 0);
	for (unsigned code = 0; code <= REJECT_ABORT; code++) {
		d.cmd[0].arg1 = (uint16_t)code;
		assert_accepted(&d);
	}
	d.cmd[0].arg1 = REJECT_ABORT + 1;
	assert_refused(&d, EINVAL, "bits without a meaning");
	d.cmd[0].arg1 = 0xffff;
	assert_refused(&d, EINVAL, "bits without a meaning");
	d.head.cmd_len = 0;
	put(&d, O_REJECT, 2, 4);
	d.cmd[1] = (struct insn){0x78, 0x05, 0}; /* 1400 */
	assert_accepted(&d);
	d.cmd[1].arg1 = 1;
	assert_refused(&d, EINVAL, "bits without a meaning");
	d.cmd[1].arg1 = 0;
	d.cmd[0].arg1 = 3;
	assert_refused(&d, EINVAL, "wrong length");
}

static void
ranges_go_upwards(void **state)
{
	static const unsigned ops[] = {O_IP_SRCPORT, O_IP_DSTPORT, O_MAC_TYPE,
	    O_IPLEN, O_IPID, O_IPTTL, O_TCPWIN, O_TCPDATALEN, O_TCPMSS};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
		struct draft d = rule_of(ops[i], 3);
		uint16_t pairs[4] = {0, 65535, 7, 7};

		memcpy(&d.cmd[1], pairs, sizeof(pairs));
		assert_accepted(&d);
		pairs[2] = 8;
		memcpy(&d.cmd[1], pairs, sizeof(pairs));
		assert_refused(&d, EINVAL, "ends before it begins");
		pairs[2] = 7;
		memcpy(&d.cmd[1], pairs, sizeof(pairs));
		d.cmd[0].arg1 = 1;
		assert_refused(&d, EINVAL, "bits without a meaning");
	}
}

static void
address_sets(void **state)
{
	struct draft d = {0};

	(void)state;
	for (unsigned n = 0; n <= 300; n++) {
		struct err e;
		unsigned words = 2 + (n + 31) / 32;

		memset(&d, 0, sizeof(d));
		put(&d, O_IP_SRC_SET, words, n);
		put_action(&d, O_ACCEPT, 0);
		assert_int_equal(check(&d, &e),
		    n >= 1 && n <= 256 ? 0 : -EINVAL);
		if (n < 1 || n > 256 || n % 32 == 0)
			continue;
		((uint32_t *)(void *)d.cmd)[words - 1] = 1u << (n % 32 - 1);
		assert_accepted(&d);
		((uint32_t *)(void *)d.cmd)[words - 1] = 1u << n % 32;
		assert_refused(&d, EINVAL, "bits without a meaning");
	}
	memset(&d, 0, sizeof(d));
	put(&d, O_IP_DST_SET, 4, 32);
	put_action(&d, O_ACCEPT, 0);
	assert_refused(&d, EINVAL, "wrong length");
}

static void
limits(void **state)
{
	struct draft d = rule_of(O_LIMIT, 2);
	struct insn_limit *l = (struct insn_limit *)(void *)&d.cmd[0];

	(void)state;
	l->mask = 0xf;
	l->limit = 0xffff;
	assert_accepted(&d);
	l->mask = 0x10;
	assert_refused(&d, EINVAL, "without a meaning");
	l->mask = 0;
	assert_refused(&d, EINVAL, "by no field");
	l->mask = 1;
	l->limit = 0; /* tablearg */
	assert_accepted(&d);
	l->limit = 1;
	l->o.len |= INSN_NOT;
	assert_refused(&d, EINVAL, "neither 'not' nor 'or'");
}

static void
probabilities(void **state)
{
	struct draft d = rule_of(O_PROB, 2);
	uint32_t *p = (uint32_t *)(void *)&d.cmd[1];

	(void)state;
	*p = 0x7fffffff;
	assert_accepted(&d);
	*p = 0x80000000;
	assert_refused(&d, EINVAL, "above certainty");
}

static void
flow_labels(void **state)
{
	struct draft d = rule_of(O_FLOW6ID, 4);
	uint32_t *label = (uint32_t *)(void *)&d.cmd[1];

	(void)state;
	label[1] = 0xfffff;
	assert_accepted(&d);
	label[1] = 0x100000;
	assert_refused(&d, EINVAL, "bits without a meaning");
	label[1] = 0;
	d.cmd[0].arg1 = 1;
	assert_refused(&d, EINVAL, "wrong length");
}

static void
interface_names(void **state)
{
	struct draft d = rule_of(O_RECV, 6);
	char *name = (char *)&d.cmd[2];
	uint32_t *glob = (uint32_t *)(void *)&d.cmd[1];

	(void)state;
	memcpy(name, "vale0:a23456789", 16);
	*glob = 1;
	assert_accepted(&d);
	*glob = 2;
	assert_refused(&d, EINVAL, "bits without a meaning");
	*glob = 0;
	name[15] = 'x';
	assert_refused(&d, EINVAL, "name without an end");
	memcpy(name, "a\0b", 4);
	memset(name + 4, 0, 12);
	assert_refused(&d, EINVAL, "cannot be in a name");
	memcpy(name, "a b", 4);
	assert_refused(&d, EINVAL, "cannot be in a name");
	memcpy(name, "a\x80\0", 4);
	assert_refused(&d, EINVAL, "cannot be in a name");
	memcpy(name, "\1\0\0", 4); /* a table */
	assert_accepted(&d);
	memset(name, 0, 4);
	assert_refused(&d, EOPNOTSUPP, "names an address");
}

static void
lookup_keys(void **state)
{
	struct draft d = rule_of(O_IP_DST_LOOKUP, 3);

	(void)state;
	for (uint32_t key = 0; key < 12; key++) {
		memcpy(&d.cmd[2], &key, sizeof(key));
		if (key == 4 || key == 5)
			assert_refused(&d, EOPNOTSUPP, "sockets");
		else if (key > 9)
			assert_refused(&d, EINVAL, "does not exist");
		else
			assert_accepted(&d);
	}
}

/* How long a lookup with a mask must be, by key; the others are refused. */
static void
masked_keys(void **state)
{
	static const uint8_t words[][2] = {{3, 6}, {3, 6}, {3}, {3}, {0}, {0},
	    {3}, {4}, {4}, {3}, {4}};

	(void)state;
	for (uint32_t key = 0; key < 13; key++) {
		for (unsigned n = 3; n <= 6; n++) {
			struct draft d = rule_of(O_TABLE_LOOKUP, n);

			memcpy(&d.cmd[1], &key, sizeof(key));
			if (key == 4 || key == 5)
				assert_refused(&d, EOPNOTSUPP, "sockets");
			else if (key >= ARRAY_LEN(words))
				assert_refused(&d, EINVAL, "does not exist");
			else if (n != words[key][0] && n != words[key][1])
				assert_refused(&d, EINVAL, "wrong length");
			else
				assert_accepted(&d);
		}
	}
}

static void
comments(void **state)
{
	struct draft d = rule_of(O_NOP, 3);
	char *text = (char *)&d.cmd[1];

	(void)state;
	memcpy(text, "caf\xc3\xa9 7", 8);
	assert_accepted(&d);
	text[7] = '!';
	assert_refused(&d, EINVAL, "text without an end");
	memcpy(text, "a\nb", 4);
	assert_refused(&d, EINVAL, "cannot be printed");
	memcpy(text, "a\x1b[", 4);
	assert_refused(&d, EINVAL, "cannot be printed");
	memcpy(text, "a\x7f\0", 4);
	assert_refused(&d, EINVAL, "cannot be printed");
	/* Behind the end nothing is looked at. */
	memcpy(text, "a\0\n\n\n\n\n", 8);
	assert_accepted(&d);
}

static void
needs_out(void **state)
{
	static const struct {
		struct insn i[3];
		bool out;
	} t[] = {
	    {{{O_IN, 1, 0}}, false},
	    {{{O_IN, 1 | INSN_NOT, 0}}, true},
	    {{{O_IP4, 1, 0}, {O_IN, 1 | INSN_NOT, 0}}, true},
	    {{{O_IN, 1 | INSN_OR, 0}, {O_IN, 1 | INSN_NOT, 0}}, false},
	    {{{O_IN, 1 | INSN_OR | INSN_NOT, 0}, {O_IP4, 1, 0}}, false},
	    {{{O_IN, 1 | INSN_OR | INSN_NOT, 0}, {O_IN, 1 | INSN_NOT, 0}},
		true},
	    {{{O_IP4, 1 | INSN_OR, 0}, {O_IP6, 1, 0},
		 {O_IN, 1 | INSN_NOT, 0}}, true},
	};
	struct draft d;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		memset(&d, 0, sizeof(d));
		for (unsigned n = 0; n < 3 && t[i].i[n].len != 0; n++)
			*put(&d, 0, 1, 0) = t[i].i[n];
		put_action(&d, O_ACCEPT, 0);
		assert_accepted(&d);
		assert_int_equal(check_needs_out(&d.head), t[i].out);
	}
	d = rule_of(O_XMIT, 6);
	assert_true(check_needs_out(&d.head));
	d.cmd[0].len |= INSN_NOT;
	assert_false(check_needs_out(&d.head));
	d = rule_of(O_VIA, 6);
	assert_false(check_needs_out(&d.head));
}

static uint64_t
next_random(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

/* Random words, mostly of plausible opcodes and lengths: no fault, and what is
 * accepted is a chain of whole instructions with one action at its end. */
static void
random_rules(void **state)
{
	uint64_t x = 0x9e3779b97f4a7c15;
	unsigned accepted = 0;

	(void)state;
	for (unsigned round = 0; round < 200000; round++) {
		struct draft d = {0};
		unsigned n = (unsigned)(next_random(&x) % 12) + 1, at = 0;
		struct err e;

		for (unsigned i = 0; i < n; i++) {
			uint64_t v = next_random(&x) & next_random(&x);

			memcpy(&d.cmd[i], &v, sizeof(d.cmd[i]));
			d.cmd[i].opcode = (uint8_t)(v >> 40) % (O_LAST + 1);
			d.cmd[i].len = (uint8_t)((v >> 48 & 0xc3) + 1);
			if ((v >> 56 & 3) != 0)
				d.cmd[i].arg1 = 0;
		}
		d.cmd[n - 1] = (struct insn){O_ACCEPT, 1, 0};
		d.head.cmd_len = (uint16_t)n;
		d.head.act_ofs = (uint16_t)(next_random(&x) % 4 == 0 ?
		    next_random(&x) % n : n - 1);
		if (check(&d, &e) != 0)
			continue;
		accepted++;
		while (at < d.head.act_ofs)
			at += insn_words(&d.cmd[at]);
		assert_int_equal(at, d.head.act_ofs);
		while (insn_table[d.cmd[at].opcode].kind == INSN_MODIFIER)
			at += insn_words(&d.cmd[at]);
		assert_int_equal(at + insn_words(&d.cmd[at]), n);
	}
	assert_true(accepted > 1000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_opcode_in_each_length),
	    cmocka_unit_test(unsupported_ones_say_why),
	    cmocka_unit_test(unknown_and_partial_ones),
	    cmocka_unit_test(head_limits),
	    cmocka_unit_test(most_words),
	    cmocka_unit_test(action_stands_last),
	    cmocka_unit_test(action_part_begins_with_an_instruction),
	    cmocka_unit_test(instruction_ends_within_the_rule),
	    cmocka_unit_test(not_and_or),
	    cmocka_unit_test(arg1_bits),
	    cmocka_unit_test(actions_take_no_argument),
	    cmocka_unit_test(negated_by_design),
    cmocka_unit_test(log_is_first),
    cmocka_unit_test(next_hops),
    cmocka_unit_test(reject_codes),
    cmocka_unit_test(external_action),
    cmocka_unit_test(ranges_go_upwards),
	    cmocka_unit_test(address_sets),
	    cmocka_unit_test(probabilities),
	    cmocka_unit_test(flow_labels),
	    cmocka_unit_test(interface_names),
	    cmocka_unit_test(lookup_keys),
	    cmocka_unit_test(masked_keys),
	    cmocka_unit_test(limits),
	    cmocka_unit_test(comments),
	    cmocka_unit_test(needs_out),
	    cmocka_unit_test(random_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
