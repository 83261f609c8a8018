/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "control_rig.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void
add(unsigned num, unsigned set)
{
	assert_ok(msg_add(&num, 1, set));
}

static unsigned
touched(struct message m)
{
	assert_int_equal(call(&m), 0);
	return ((struct range_hdr *)(void *)m.data)->range.new_set;
}

/* ---- dispatch ---- */

static void
what_is_not_known(void **state)
{
	struct message m = msg_fw3(FW3_XADD);

	(void)state;
	m.optname = 99;
	assert_call(m, ENOPROTOOPT, "option 99");
	m.optname = 125;
	assert_call(m, ENOPROTOOPT, "option 125");
	for (unsigned o = 100; o <= 124; o++) {
		m.optname = o;
		if (o != CTL_FW3 && o != CTL_DUMMYNET3)
			assert_call(m, EOPNOTSUPP, "FreeBSD 8");
	}
	assert_call(msg_fw3(0), EOPNOTSUPP, "operation 0");
	assert_call(msg_fw3(85), EOPNOTSUPP, "operation 85");
	assert_call(msg_fw3(65535), EOPNOTSUPP, "operation 65535");
	m = msg_fw3(FW3_XGET);
	m.dir = 2;
	assert_call(m, EINVAL, "direction 2");
	m = msg_get(CFG_STATIC, 0, 0, 4096);
	m.dir = CTL_DIR_SET;
	assert_call(m, EINVAL, "operation 97 answers");
	m.dir = CTL_DIR_GET;
	((struct fw3_hdr *)(void *)m.data)->version = 1;
	assert_call(m, EOPNOTSUPP, "version 1");
	for (m.len = 0; m.len < 8; m.len++)
		assert_call(m, EINVAL, "octets");
}

/* Cut anywhere, a request about a table is refused and changes nothing. */
static void
table_requests_cut_short(void **state)
{
	static const unsigned ops[] = {FW3_TABLE_XADD, FW3_TABLE_XDEL,
	    FW3_TABLE_XLIST, FW3_TABLE_XDESTROY, FW3_TABLE_XINFO,
	    FW3_TABLE_XFLUSH, FW3_TABLE_XCREATE, FW3_TABLE_XMODIFY,
	    FW3_TABLE_XFIND, FW3_TABLE_XSWAP};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
		for (size_t len = 8; len < 320; len++) {
			struct message m = msg_fw3(ops[i]);
			unsigned char zeros[320] = {0};

			msg_put(&m, zeros, len - 8);
			if (ops[i] == FW3_TABLE_XLIST || len > 8)
				assert_int_not_equal(call(&m), 0);
		}
	}
}

/* ---- add ---- */

static void
add_numbers(void **state)
{
	unsigned zero = 0, high = 65534;
	struct message m = msg_add(&zero, 1, 0);

	(void)state;
	assert_int_equal(call(&m), 0);
	assert_int_equal(msg_rule(&m, 0)->rulenum, 100);
	assert_int_equal(msg_rule(&m, 0)->id, 1);
	add(50, 0);
	add(50, 0);
	m = msg_add(&zero, 1, 0);
	assert_int_equal(call(&m), 0);
	assert_int_equal(msg_rule(&m, 0)->rulenum, 200);
	assert_int_equal(msg_rule(&m, 0)->id, 4);
	assert_string_equal(numbers(), "50 50 100 200");
	assert_true(en->rules->rules[0]->id < en->rules->rules[1]->id);
	knob_set(&en->knobs.autoinc_step, 7);
	add(0, 0);
	assert_string_equal(numbers(), "50 50 100 200 207");
	add(high, 0);
	add(0, 0);
	assert_string_equal(numbers(), "50 50 100 200 207 65534 65534");
	high = 65535;
	assert_call(msg_add(&high, 1, 0), EINVAL, "65535");
	assert_int_equal(knob_get(&en->knobs.static_count), 8);
}

static void
add_by_set_has_no_reply(void **state)
{
	unsigned num = 5;
	struct message m = msg_add(&num, 1, 0);

	(void)state;
	m.dir = CTL_DIR_SET;
	assert_int_equal(call(&m), 0);
	assert_string_equal(numbers(), "5");
}

static void
add_list_at_once(void **state)
{
	static const unsigned nums[] = {10, 10, 0, 200, 0};
	static const unsigned unsorted[] = {10, 9};
	struct message m = msg_add(nums, 5, 3);
	unsigned before;

	(void)state;
	before = en->published;
	assert_int_equal(call(&m), 0);
	assert_int_equal(en->published, before + 1);
	assert_string_equal(numbers(), "10 10 110 200 300");
	assert_int_equal(msg_rule(&m, 2)->rulenum, 110);
	assert_int_equal(msg_rule(&m, 4)->rulenum, 300);
	assert_int_equal(msg_rule(&m, 4)->id, 5);
	assert_call(msg_add(unsorted, 2, 0), EINVAL, "not sorted");
	assert_call(msg_add(nums, 0, 0), EINVAL, "number of rules");
	/* One bad rule, and none is added. */
	m = msg_add(nums, 5, 0);
	msg_rule(&m, 3)->set = 32;
	assert_call(m, EINVAL, "rule 4 of 5: set 32");
	m = msg_add(nums, 5, 0);
	((struct insn *)(void *)(msg_rule(&m, 4) + 1))->opcode = O_SETFIB;
	assert_call(m, EOPNOTSUPP, "rule 5 of 5: SETFIB at word 0 needs");
	assert_string_equal(numbers(), "10 10 110 200 300");
	m = msg_add(nums, 1, 0);
	assert_int_equal(call(&m), 0);
	assert_int_equal(msg_rule(&m, 0)->id, 6);
}

/* A request cut at any octet, or with any length in its lists, changes nothing
 * and is refused. */
static void
add_cut_short(void **state)
{
	static const unsigned nums[] = {1, 2, 3};
	struct message m = msg_add(nums, 3, 0);
	struct obj_ctlv *l = (struct obj_ctlv *)(void *)(m.data + 8);
	uint32_t good = l->head.length;
	size_t len = m.len;

	(void)state;
	for (size_t n = 8; n < len; n++) {
		m.len = n;
		assert_call(m, EINVAL, "malformed");
	}
	m.len = len + 8;
	assert_call(m, EINVAL, "does not end it");
	m.len = len;
	for (uint32_t n = 0; n < good + 40; n++) {
		l->head.length = n;
		if (n != good)
			assert_call(m, EINVAL, "malformed");
	}
	l->head.length = ~0u;
	assert_call(m, EINVAL, "malformed");
	l->head.length = good;
	for (uint32_t n = 0; n < 6; n++) {
		l->count = n;
		if (n != 3)
			assert_call(m, EINVAL, "malformed");
	}
	l->count = ~0u;
	assert_call(m, EINVAL, "malformed");
	l->count = 3;
	msg_rule(&m, 2)->cmd_len = 4;
	assert_call(m, EINVAL, "rule 3 of 3");
	/* A rule that would be fine if its words were there. */
	msg_rule(&m, 2)->act_ofs = 3;
	*((struct insn *)(void *)(msg_rule(&m, 2) + 1) + 1) =
	    (struct insn){O_IP4, 1, 0};
	assert_call(m, EINVAL, "rule 3 of 3: malformed request to add rules: "
	    "a rule is cut short");
	msg_rule(&m, 2)->cmd_len = 65535;
	assert_call(m, EINVAL, "rule 3 of 3");
	assert_string_equal(numbers(), "");
	assert_int_equal(en->published, 0);
}

static void
add_with_names(void **state)
{
	unsigned num = 7;
	struct message plain = msg_add(&num, 1, 0), m = msg_fw3(FW3_XADD);
	struct obj_ctlv names = {.head = {TLV_TBLNAME_LIST, 0, 16}};
	struct obj_ctlv *l;

	(void)state;
	l = msg_put(&m, &names, sizeof(names));
	msg_put(&m, plain.data + 8, plain.len - 8);
	assert_ok(m);
	l->count = 1;
	assert_call(m, EINVAL, "malformed");
	l->count = 0;
	l->head.length = 24;
	assert_call(m, EINVAL, "malformed");
	m = msg_fw3(FW3_XADD);
	msg_put(&m, &names, sizeof(names));
	assert_call(m, EINVAL, "list is missing");
	assert_string_equal(numbers(), "7");
}

/* One name and a rule that mentions 'idx'. */
static struct message
msg_setmss(uint16_t type, const char *name, uint16_t idx)
{
	struct {
		struct obj_ctlv list;
		struct obj_ntlv name;
	} n = {
	    .list = {.head = {TLV_TBLNAME_LIST, 0, sizeof(n)}, .count = 1},
	    .name = {.head = {type, 0, sizeof(n.name)}, .idx = 3},
	};
	struct {
		struct obj_ctlv list;
		struct abi_rule head;
		struct insn cmd[2];
	} r = {
	    .list = {.head = {TLV_RULE_LIST, 0, sizeof(r)}, .count = 1},
	    .head = {.cmd_len = 2, .rulenum = 10},
	    .cmd = {{O_EXTERNAL_ACTION, 1, idx}, {O_EXTERNAL_DATA, 1, 1400}},
	};
	struct message m = msg_fw3(FW3_XADD);

	snprintf(n.name.name, sizeof(n.name.name), "%s", name);
	msg_put(&m, &n, sizeof(n));
	msg_put(&m, &r, sizeof(r));
	return m;
}

static void
names_of_actions(void **state)
{
	static const char endless[] = "tcp-setmss-with-a-name-that-takes-all-"
	    "of-the-room-there-is-in-the-TLV";
	struct message m;
	const struct obj_ctlv *l;
	const struct obj_ntlv *n;
	unsigned nums[] = {20};

	(void)state;
	m = msg_setmss(TLV_EACTION, "nptv6", 3);
	assert_call(m, EOPNOTSUPP, "'nptv6' is unknown");
	assert_call(msg_setmss(TLV_EACTION, "", 3), EOPNOTSUPP, "unknown");
	assert_call(msg_setmss(TLV_EACTION, endless, 3), EOPNOTSUPP,
	    "unknown");
	assert_call(msg_setmss(TLV_TBL_NAME, "tcp-setmss", 3), EINVAL,
	    "index 3");
	assert_call(msg_setmss(TLV_EACTION, "tcp-setmss", 4), EINVAL,
	    "index 4");
	m = msg_setmss(TLV_EACTION, "tcp-setmss", 3);
	m.data[8 + 16 + 4] = 72; /* the name's length */
	assert_call(m, EINVAL, "length of a name");
	m = msg_setmss(TLV_EACTION, "tcp-setmss", 3);
	m.data[8 + 8] = 2; /* two names, one there */
	assert_call(m, EINVAL, "length of a list");
	m.data[8 + 8 + 3] = 0x80;
	assert_call(m, EINVAL, "length of a list");
	assert_string_equal(numbers(), "");
	assert_ok(msg_setmss(TLV_EACTION, "tcp-setmss", 3));
	assert_ok(msg_add(nums, 1, 0));
	m = msg_get(CFG_STATIC, 0, 0, 4096);
	assert_int_equal(call(&m), 0);
	l = (const void *)(m.data + sizeof(struct cfg_lhdr));
	n = (const void *)(l + 1);
	assert_int_equal(l->head.type, TLV_TBLNAME_LIST);
	assert_int_equal(l->head.length, sizeof(*l) + sizeof(*n));
	assert_int_equal(n->head.type, TLV_EACTION);
	assert_string_equal(n->name, "tcp-setmss");
	assert_int_equal(n->idx, en->rules->rules[0]->cmd[0].arg1);
	assert_int_equal(((const struct obj_ctlv *)(n + 1))->head.type,
	    TLV_RULE_LIST);
	/* Where no rule needs it, there is no list. */
	m = msg_get(CFG_STATIC, 20, 20, 4096);
	assert_int_equal(call(&m), 0);
	l = (const void *)(m.data + sizeof(struct cfg_lhdr));
	assert_int_equal(l->head.type, TLV_RULE_LIST);
}

static void
add_that_needs_the_out_pass(void **state)
{
	unsigned num = 7;
	struct message m = msg_add(&num, 1, 0);

	(void)state;
	*(struct insn *)(void *)(msg_rule(&m, 0) + 1) =
	    (struct insn){O_IN, 1 | INSN_NOT, 0};
	assert_call(m, 0, "rule 7 can match only on the out pass");
	knob_set(&en->knobs.out_pass, 1);
	assert_ok(m);
	assert_string_equal(last.text, "");
}

static void
no_counters_left(void **state)
{
	unsigned nums[3] = {1, 2, 3};
	uint32_t idx;

	(void)state;
	while (counters_alloc(en->counters, &idx, NULL) == 0)
		;
	counters_free(en->counters, idx);
	assert_call(msg_add(nums, 3, 0), ENOSPC, "");
	assert_string_equal(numbers(), "");
	/* What the failed list had taken is free again. */
	assert_ok(msg_add(nums, 1, 0));
}

/* ---- ranges and sets ---- */

static void
delete_range(void **state)
{
	struct message m = msg_range(FW3_XDEL, RANGE_RULES, 20, 30, 0, 0);

	(void)state;
	for (unsigned i = 1; i <= 5; i++)
		add(i * 10, i == 3 ? 31 : i);
	add(20, 0);
	assert_int_equal(call(&m), 0);
	assert_int_equal(((struct range_hdr *)(void *)m.data)->range.new_set,
	    3);
	assert_string_equal(numbers(), "10 40 50");
	m = msg_range(FW3_XDEL, RANGE_RULES, 20, 20, 0, 0);
	assert_int_equal(call(&m), 0);
	assert_int_equal(((struct range_hdr *)(void *)m.data)->range.new_set,
	    0);
	assert_ok(msg_range(FW3_XDEL, RANGE_SET, 0, 0, 4, 0));
	assert_string_equal(numbers(), "10 50");
	assert_ok(msg_range(FW3_XDEL, RANGE_DYNAMIC | RANGE_ALL, 0, 0, 0, 0));
	assert_string_equal(numbers(), "10 50");
	add(60, 31);
	assert_ok(msg_range(FW3_XDEL, RANGE_ALL, 0, 0, 0, 0));
	assert_string_equal(numbers(), "60");
	assert_ok(msg_range(FW3_XDEL, RANGE_SET, 0, 0, 31, 0));
	assert_string_equal(numbers(), "");
}

static void
malformed_ranges(void **state)
{
	static const unsigned ops[] = {FW3_XDEL, FW3_XZERO, FW3_XRESETLOG,
	    FW3_XMOVE, FW3_SET_SWAP, FW3_SET_MOVE, FW3_SET_ENABLE};

	(void)state;
	add(5, 0);
	for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
		struct message m = msg_range(ops[i], RANGE_ALL, 0, 0, 0, 0);
		struct range_hdr *h = (struct range_hdr *)(void *)m.data;

		for (m.len = 8; m.len < 32; m.len++)
			assert_call(m, EINVAL, "octets");
		m.len = 40;
		assert_call(m, EINVAL, "malformed");
		m.len = 32;
		h->range.head.length = 25;
		assert_call(m, EINVAL, "malformed");
		h->range.head.length = 24;
		h->range.head.type = TLV_RULE_LIST;
		assert_call(m, EINVAL, "malformed");
		if (ops[i] == FW3_SET_ENABLE)
			continue;
		assert_call(msg_range(ops[i], RANGE_ALL, 0, 0, 32, 0), EINVAL,
		    "set 32");
		assert_call(msg_range(ops[i], RANGE_ALL, 0, 0, 0, 256), EINVAL,
		    "set 256");
	}
	for (size_t i = 0; i < 4; i++) {
		assert_call(msg_range(ops[i], 0, 0, 0, 0, 0), EINVAL, "flags");
		assert_call(msg_range(ops[i], RANGE_DEFAULT | RANGE_ALL, 0, 0,
		    0, 0), EINVAL, "flags 0x102");
		assert_call(msg_range(ops[i], RANGE_RULES, 6, 5, 0, 0), EINVAL,
		    "6-5");
	}
	assert_string_equal(numbers(), "5");
	assert_int_equal(en->published, 1);
}

static void
set_count(unsigned rule, uint64_t n)
{
	struct counter *own = counters_of(en->counters, 0);

	own[en->rules->rules[rule]->counter].pkts += n;
	own[en->rules->rules[rule]->counter].last_s = 1700000000;
}

static uint64_t
count_of(unsigned rule)
{
	struct count n;

	counters_read(en->counters, en->rules->rules[rule]->counter, &n);
	return n.pkts;
}

static void
zero(void **state)
{
	(void)state;
	add(10, 0);
	add(20, 31);
	add(30, 5);
	for (unsigned i = 0; i < 4; i++)
		set_count(i, 9);
	assert_int_equal(touched(msg_range(FW3_XRESETLOG, RANGE_ALL, 0, 0, 0,
	    0)), 3);
	assert_int_equal(count_of(0), 9);
	assert_int_equal(touched(msg_range(FW3_XZERO, RANGE_RULES, 10, 10, 0,
	    0)), 1);
	assert_int_equal(count_of(0), 0);
	assert_int_equal(count_of(1), 9);
	assert_int_equal(touched(msg_range(FW3_XZERO, RANGE_RULES, 11, 19, 0,
	    0)), 0);
	assert_int_equal(touched(msg_range(FW3_XZERO, RANGE_ALL | RANGE_SET,
	    0, 0, 5, 0)), 1);
	assert_int_equal(count_of(2), 0);
	assert_int_equal(count_of(3), 9);
	/* All means the default rule, and spares set 31 otherwise. */
	assert_int_equal(touched(msg_range(FW3_XZERO, RANGE_ALL, 0, 0, 0, 0)),
	    3);
	assert_int_equal(count_of(3), 0);
	assert_int_equal(count_of(1), 9);
	assert_int_equal(touched(msg_range(FW3_XZERO, RANGE_RULES, 65535,
	    65535, 0, 0)), 1);
}

/* log_left as XGET shows it for the rule 10. */
static uint32_t
shown_left(void)
{
	struct message m = msg_get(CFG_STATIC, 10, 10, 4096);
	const struct insn_log *l;

	assert_int_equal(call(&m), 0);
	l = (const void *)(m.data + sizeof(struct cfg_lhdr) +
	    sizeof(struct obj_ctlv) + sizeof(struct obj_tlv) +
	    sizeof(struct abi_rule) + 4);
	assert_int_equal(l->o.opcode, O_LOG);
	assert_int_equal(l->max_log, 10);
	return l->log_left;
}

/* What a rule may log survives other edits; resetlog and zero restore it. */
static void
log_budget(void **state)
{
	struct {
		struct abi_rule head;
		struct insn ip;
		struct insn_log log;
		struct insn act;
		uint32_t pad;
	} r = {
	    .head = {.act_ofs = 1, .cmd_len = 5, .rulenum = 10},
	    .ip = {O_IP4, 1, 0},
	    .log = {.o = {O_LOG, 3, 0}, .max_log = 10, .log_left = 77},
	    .act = {O_COUNT, 1, 0},
	};
	struct obj_ctlv l = {
	    .head = {TLV_RULE_LIST, 0, sizeof(l) + sizeof(r)},
	    .count = 1,
	};
	struct message m = msg_fw3(FW3_XADD);
	_Atomic uint32_t *left = counters_log_left(en->counters);

	(void)state;
	msg_put(&m, &l, sizeof(l));
	msg_put(&m, &r, sizeof(r));
	assert_ok(m);
	left += en->rules->rules[0]->counter;
	assert_int_equal(shown_left(), 10);
	*left = 4;
	add(5, 0);
	assert_ok(msg_range(FW3_XMOVE, RANGE_RULES, 10, 10, 0, 3));
	assert_int_equal(shown_left(), 4);
	assert_ok(msg_range(FW3_XRESETLOG, RANGE_RULES, 5, 9, 0, 0));
	assert_int_equal(shown_left(), 4);
	assert_ok(msg_range(FW3_XRESETLOG, RANGE_RULES, 10, 10, 0, 0));
	assert_int_equal(shown_left(), 10);
	*left = 0;
	assert_ok(msg_range(FW3_XZERO, RANGE_ALL, 0, 0, 0, 0));
	assert_int_equal(shown_left(), 10);
	/* The next rule with this counter starts afresh. */
	assert_ok(msg_range(FW3_XDEL, RANGE_RULES, 10, 10, 0, 0));
	add(10, 0);
	assert_int_equal(*left, 0);
}

/* Sets of the rules, as text. */
static const char *
sets(void)
{
	static char text[256];
	size_t n = 0;

	for (unsigned i = 0; i + 1 < en->rules->n_rules; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%u",
		    i > 0 ? " " : "", en->rules->rules[i]->set);
	return text;
}

static void
set_changes(void **state)
{
	(void)state;
	for (unsigned i = 1; i <= 4; i++)
		add(i, i);
	set_count(1, 5);
	assert_ok(msg_range(FW3_SET_SWAP, 0, 0, 0, 2, 3));
	assert_string_equal(sets(), "1 3 2 4");
	assert_int_equal(count_of(1), 5);
	assert_ok(msg_range(FW3_SET_MOVE, 0, 0, 0, 3, 2));
	assert_string_equal(sets(), "1 2 2 4");
	assert_ok(msg_range(FW3_XMOVE, RANGE_RULES, 1, 2, 0, 31));
	assert_string_equal(sets(), "31 31 2 4");
	assert_ok(msg_range(FW3_SET_ENABLE, 0, 0, 0, ~0u, 1u << 4));
	assert_int_equal(en->rules->set_disabled, ~(1u << 31 | 1u << 4));
	assert_ok(msg_range(FW3_SET_ENABLE, 0, 0, 0, 0, ~0u));
	assert_int_equal(en->rules->set_disabled, 0);
	assert_int_equal(count_of(1), 5);
}

/* ---- get ---- */

static void
get_everything(void **state)
{
	struct message m;
	struct cfg_lhdr *h;
	struct obj_ctlv *l;
	unsigned char *p;

	(void)state;
	add(10, 2);
	set_count(0, 77);
	assert_ok(msg_range(FW3_SET_ENABLE, 0, 0, 0, 1u << 2, 0));
	m = msg_get(CFG_STATIC | CFG_COUNTERS | CFG_STATES, 0, 0, 4096);
	assert_int_equal(call(&m), 0);
	h = (struct cfg_lhdr *)(void *)m.data;
	assert_int_equal(m.len, 32 + 16 + (8 + 24 + 16 + 8) + (8 + 24 + 24) +
	    16);
	assert_int_equal(h->size, m.len);
	assert_int_equal(h->set_mask, ~(1u << 2));
	assert_int_equal(h->flags, 7);
	l = (struct obj_ctlv *)(void *)(m.data + 32);
	assert_int_equal(l->head.type, TLV_RULE_LIST);
	assert_int_equal(l->head.length, 16 + 56 + 56);
	assert_int_equal(l->count, 2);
	p = m.data + 48;
	assert_int_equal(((struct obj_tlv *)(void *)p)->type, TLV_RULE_ENT);
	assert_int_equal(((struct obj_tlv *)(void *)p)->length, 56);
	assert_int_equal(((struct abi_counter *)(void *)(p + 8))->pcnt, 77);
	assert_int_equal(((struct abi_counter *)(void *)(p + 8))->size, 24);
	assert_int_equal(((struct abi_counter *)(void *)(p + 8))->timestamp,
	    1700000000);
	assert_int_equal(((struct abi_rule *)(void *)(p + 32))->rulenum, 10);
	assert_int_equal(((struct abi_rule *)(void *)(p + 32))->set, 2);
	assert_int_equal(((struct abi_rule *)(void *)(p + 32))->cmd_len, 2);
	assert_int_equal(p[48], O_IP4);
	assert_int_equal(p[52], O_COUNT);
	assert_int_equal(((struct abi_rule *)(void *)(p + 88))->rulenum,
	    65535);
	l = (struct obj_ctlv *)(void *)(p + 112);
	assert_int_equal(l->head.type, TLV_DYNSTATE_LIST);
	assert_int_equal(l->objsize, 128);
	assert_int_equal(l->head.length, 0);
}

/* With any room too small the header tells the size, and nothing else comes. */
static void
get_without_room(void **state)
{
	size_t need = 32 + 16 + 32 + 32;

	(void)state;
	add(10, 2);
	for (size_t room = 32; room < need; room++) {
		struct message m = msg_get(CFG_STATIC, 0, 0, room);

		assert_int_equal(call(&m), -ENOMEM);
		assert_int_equal(m.len, 32);
		assert_int_equal(((struct cfg_lhdr *)(void *)m.data)->size,
		    need);
	}
	assert_ok(msg_get(CFG_STATIC, 0, 0, need));
	assert_call(msg_get(CFG_STATIC, 0, 0, 31), EINVAL, "31 octets");
}

static unsigned
n_got(unsigned lo, unsigned hi)
{
	struct message m = msg_get(CFG_STATIC, lo, hi, 4096);

	assert_int_equal(call(&m), 0);
	return ((struct obj_ctlv *)(void *)(m.data + 32))->count;
}

static void
get_numbers(void **state)
{
	(void)state;
	for (unsigned i = 1; i <= 5; i++)
		add(i * 10, 0);
	add(30, 0);
	assert_int_equal(n_got(0, 0), 7);
	assert_int_equal(n_got(30, 0), 7);
	assert_int_equal(n_got(30, 30), 2);
	assert_int_equal(n_got(31, 39), 0);
	assert_int_equal(n_got(10, 65534), 6);
	assert_int_equal(n_got(10, 65535), 7);
	assert_int_equal(n_got(65535, 65535), 1);
	assert_int_equal(n_got(70000, ~0u), 1);
	assert_int_equal(n_got(~0u, ~0u), 1);
	assert_int_equal(n_got(40, 20), 0);
}

/* ---- lists ---- */

static void
port_list(void **state)
{
	struct message m = msg_fw3(FW3_XIFLIST);
	struct obj_lhdr *h = (struct obj_lhdr *)(void *)m.data;
	struct iface_info *info = (struct iface_info *)(void *)(h + 1);

	(void)state;
	m.len = 24;
	assert_int_equal(call(&m), -ENOMEM);
	assert_int_equal(m.len, 24);
	assert_int_equal(h->size, 24 + 2 * 88);
	h->size = 24 + 2 * 88 - 1;
	m.len = 4096;
	assert_int_equal(call(&m), -ENOMEM);
	h->size = 5000;
	m.len = 4096;
	assert_call(m, EINVAL, "claims room");
	h->size = 24 + 2 * 88;
	m.len = h->size;
	assert_int_equal(call(&m), 0);
	assert_int_equal(h->count, 2);
	assert_int_equal(h->objsize, 88);
	assert_string_equal(info[0].ifname, "valeA:f");
	assert_string_equal(info[1].ifname, "valeB:f");
	assert_int_equal(info[1].ifindex, 2);
	assert_int_equal(info[1].flags, 1);
	m = msg_fw3(FW3_XIFLIST);
	for (m.len = 8; m.len < 24; m.len++)
		assert_call(m, EINVAL, "octets");
}

static void
other_lists(void **state)
{
	static const unsigned empty[] = {FW3_TABLES_XLIST,
	    FW3_TABLE_VLIST};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(empty); i++) {
		struct message m = msg_fw3(empty[i]);
		struct obj_lhdr *h = (struct obj_lhdr *)(void *)m.data;

		m.len = 24;
		h->size = 24;
		assert_int_equal(call(&m), 0);
		assert_int_equal(h->count, 0);
		assert_int_equal(m.len, 24);
	}
	{
		struct message m = msg_fw3(FW3_DUMP_SOPTCODES);
		struct obj_lhdr *h = (struct obj_lhdr *)(void *)m.data;
		struct sopt_info *info = (struct sopt_info *)(void *)(h + 1);

		h->size = 4096;
		m.len = 4096;
		assert_int_equal(call(&m), 0);
		assert_int_equal(m.len, 24 + h->count * 16);
		assert_int_equal(info[0].opcode, FW3_XADD);
	}
}

/* ---- sysctl and dummynet ---- */

/* Value of a sysctl as text, NULL if it is not listed. */
static const char *
sysctl(const char *name)
{
	static char text[300];
	struct message m = msg_dn(CTL_DIR_GET, DN_SYSCTL_GET, 0);
	const char *found = NULL;
	struct dn_sysctl h;
	size_t at = 8;

	assert_int_equal(call(&m), 0);
	assert_int_equal(m.len, 8);
	m.len = ((struct dn_id *)(void *)m.data)->id;
	m.data[4] = 1; /* as the original: not the size that it was told */
	assert_int_equal(call(&m), 0);
	for (;;) {
		uint32_t value;

		assert_true(at + sizeof(h) <= m.len);
		memcpy(&h, m.data + at, sizeof(h));
		if (h.blocklen == 0)
			break;
		assert_int_equal(h.blocklen % 4, 0);
		assert_int_equal((16 + h.datalen + h.namelen + 3) & ~3u,
		    h.blocklen);
		if (strcmp((char *)m.data + at + 16 + h.datalen, name) == 0) {
			found = text;
			memcpy(&value, m.data + at + 16, 4);
			if (h.flags >> 2 == 6)
				snprintf(text, sizeof(text), "%s",
				    (char *)m.data + at + 16);
			else
				snprintf(text, sizeof(text), "%u %u", value,
				    h.flags & 3);
		}
		at += h.blocklen;
	}
	assert_int_equal(at + sizeof(h), m.len);
	return found;
}

static void
sysctl_values(void **state)
{
	(void)state;
	assert_string_equal(sysctl("net.inet.ip.fw.enable"), "1 2");
	assert_string_equal(sysctl("net.inet.ip.fw.default_rule"), "65535 1");
	assert_string_equal(sysctl("net.inet.ip.fw.tables_max"), "4095 1");
	assert_call(msg_sysctl("net.inet.ip.fw.tables_sets", 1), EPERM,
	    "sysctl net.inet.ip.fw.tables_sets can only be read");
	assert_null(sysctl("nonsense"));
	assert_ok(msg_sysctl("net.inet.ip.fw.enable", 0));
	assert_string_equal(sysctl("net.inet.ip.fw.enable"), "0 2");
	assert_call(msg_sysctl("net.inet.ip.fw.enable", 2), EINVAL,
	    "0 to 1 are allowed");
	assert_call(msg_sysctl("net.inet.ip.fw.enable", ~0u), EINVAL, "0 to 1");
	assert_call(msg_sysctl("net.inet.ip.fw.autoinc_step", 0), EINVAL,
	    "1 to 1000");
	assert_ok(msg_sysctl("net.inet.ip.fw.autoinc_step", 1000));
	assert_call(msg_sysctl("net.inet.ip.fw.autoinc_step", 1001), EINVAL,
	    "1 to 1000");
	assert_call(msg_sysctl("net.inet.ip.fw.default_rule", 1), EPERM,
	    "only be read");
	assert_call(msg_sysctl("net.inet.ip.fw.static_count", 1), EPERM,
	    "only be read");
	assert_call(msg_sysctl("net.inet.ip.fw.enabl", 1), ENOENT, "no sysctl");
	assert_call(msg_sysctl("", 1), ENOENT, "no sysctl");
	add(1, 0);
	assert_string_equal(sysctl("net.inet.ip.fw.static_count"), "2 1");
}

static void
malformed_sysctls(void **state)
{
	struct message good = msg_sysctl("net.inet.ip.fw.enable", 0), m;
	struct dn_sysctl *h = (struct dn_sysctl *)(void *)(m.data + 8);

	(void)state;
	for (size_t n = 0; n < good.len; n++) {
		m = good;
		m.len = n;
		assert_call(m, EINVAL, "");
	}
	m = good;
	m.data[m.len - 1] = 'x';
	assert_call(m, EINVAL, "name");
	m = good;
	m.data[m.len - 5] = 0;
	assert_call(m, EINVAL, "name");
	m = good;
	h->namelen = ~0u;
	assert_call(m, EINVAL, "name");
	h->namelen = 0;
	assert_call(m, EINVAL, "name");
	m = good;
	h->datalen = 8;
	assert_call(m, EINVAL, "4 are wanted");
	m = good;
	m.data[4] = 0;
	assert_call(m, EINVAL, "interface");
	assert_int_equal(knob_get(&en->knobs.enable), 1);
	assert_ok(good);
	assert_int_equal(knob_get(&en->knobs.enable), 0);
}

/* The sentence of a failure can be read until the next request. */
static void
last_error(void **state)
{
	(void)state;
	assert_null(sysctl("kipfw.lasterr"));
	assert_call(msg_fw3(85), EOPNOTSUPP, "operation 85");
	assert_string_equal(sysctl("kipfw.lasterr"), "unknown operation 85");
	assert_string_equal(sysctl("kipfw.lasterr"), "unknown operation 85");
	assert_ok(msg_get(CFG_STATIC, 0, 0, 4096));
	assert_null(sysctl("kipfw.lasterr"));
}

static void
local_transport(void **state)
{
	unsigned num = 0;
	struct message m = msg_add(&num, 1, 0);
	struct err why = {0};
	size_t len = 0;
	char small[] = "\x55";

	(void)state;
	assert_int_equal(ctl_local_transport(control, CTL_FW3, CTL_DIR_GET,
	    m.data, m.len, sizeof(m.data), &len, &why), 0);
	assert_int_equal(len, m.len);
	assert_int_equal(msg_rule(&m, 0)->rulenum, 100);
	/* The reply may be longer than the request. */
	m = msg_get(CFG_STATIC, 0, 0, 32);
	assert_int_equal(ctl_local_transport(control, CTL_FW3, CTL_DIR_GET,
	    m.data, m.len, sizeof(m.data), &len, &why), 0);
	assert_int_equal(len, 32 + 16 + 32 + 32);
	assert_int_equal(ctl_local_transport(control, CTL_FW3, CTL_DIR_SET,
	    small, 1, 1, NULL, &why), -EINVAL);
	assert_string_equal(why.text, "request of 1 octets");
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
	    T(what_is_not_known),
	    T(table_requests_cut_short),
	    T(add_numbers),
	    T(add_by_set_has_no_reply),
	    T(add_list_at_once),
	    T(add_cut_short),
	    T(add_with_names),
	    T(names_of_actions),
	    T(add_that_needs_the_out_pass),
	    T(no_counters_left),
	    T(delete_range),
	    T(malformed_ranges),
	    T(zero),
	    T(log_budget),
	    T(set_changes),
	    T(get_everything),
	    T(get_without_room),
	    T(get_numbers),
	    T(port_list),
	    T(other_lists),
	    T(sysctl_values),
	    T(malformed_sysctls),
	    T(last_error),
	    T(local_transport),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
