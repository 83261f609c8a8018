/* SPDX-License-Identifier: BSD-2-Clause */
/* Control requests about dynamic states: names, lists, removal. */
#include "unit.h"

#include "base/clock.h"
#include "control_rig.h"
#include "ctl/state_names.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static unsigned
touched(struct message m)
{
	assert_int_equal(call(&m), 0);
	return ((struct range_hdr *)(void *)m.data)->range.new_set;
}

/* "allow keep-state" under the name with index 9 of the request. */
static struct message
msg_keep(unsigned num, const char *name, unsigned type)
{
	struct message m = msg_fw3(FW3_XADD);
	struct obj_ctlv l = {.head = {TLV_TBLNAME_LIST, 0, 16 + 80},
	    .count = 1};
	struct obj_ntlv n = {.head = {(uint16_t)type, 0, 80}, .idx = 9};
	struct {
		struct abi_rule head;
		struct insn cmd[4];
	} r = {
	    .head = {.act_ofs = 2, .cmd_len = 3, .rulenum = num},
	    .cmd = {{O_PROBE_STATE, 1, 9}, {O_KEEP_STATE, 1, 9},
		{O_ACCEPT, 1, 0}},
	};

	memcpy(n.name, name, strlen(name) + 1);
	msg_put(&m, &l, sizeof(l));
	msg_put(&m, &n, sizeof(n));
	l = (struct obj_ctlv){.head = {TLV_RULE_LIST, 0, 16 + 32}, .count = 1};
	msg_put(&m, &l, sizeof(l));
	msg_put(&m, &r, sizeof(r));
	return m;
}

/* A state and a table may have the same index: each is looked up among the names
 * of its kind, and the reply names the table as the request did. */
static void
names_of_two_kinds(void **state)
{
	struct message m = msg_fw3(FW3_XADD);
	struct obj_ctlv l = {.head = {TLV_TBLNAME_LIST, 0, 16 + 2 * 80},
	    .count = 2};
	struct obj_ntlv n[2] = {
	    {.head = {TLV_STATE_NAME, 0, 80}, .idx = 7, .name = "flow"},
	    {.head = {TLV_TBL_NAME, 0, 80}, .idx = 7, .name = "hosts"},
	};
	struct {
		struct abi_rule head;
		struct insn cmd[4];
	} r = {
	    .head = {.act_ofs = 3, .cmd_len = 4, .rulenum = 10},
	    .cmd = {{O_PROBE_STATE, 1, 7}, {O_IP_SRC_LOOKUP, 1, 7},
		{O_KEEP_STATE, 1, 7}, {O_ACCEPT, 1, 0}},
	};
	const struct obj_ntlv *told;
	const struct insn *cmd;

	(void)state;
	msg_put(&m, &l, sizeof(l));
	msg_put(&m, n, sizeof(n));
	l = (struct obj_ctlv){.head = {TLV_RULE_LIST, 0, 16 + 32}, .count = 1};
	msg_put(&m, &l, sizeof(l));
	msg_put(&m, &r, sizeof(r));
	assert_int_equal(call(&m), 0);
	assert_non_null(tables_find(en->tables, "hosts", 0));
	assert_null(tables_find(en->tables, "flow", 0));
	told = (const void *)(m.data + 24);
	cmd = (const void *)(m.data + 24 + 160 + 16 + 16);
	assert_int_equal(told[0].idx, cmd[0].arg1);
	assert_int_equal(told[1].idx, 7);
	assert_int_equal(cmd[1].arg1, 7);
}

static void
add_with_state_names(void **state)
{
	struct message m = msg_keep(10, "web", TLV_STATE_NAME);
	struct obj_ntlv *n = (void *)(m.data + 24);
	struct obj_ctlv *l;
	unsigned short *arg;

	(void)state;
	assert_ok(m);
	assert_ok(msg_keep(20, "mail", TLV_STATE_NAME));
	assert_ok(msg_keep(30, "web", TLV_STATE_NAME));
	assert_int_equal(en->rules->rules[0]->cmd[0].arg1,
	    STATE_NAMES_FIRST);
	assert_int_equal(en->rules->rules[1]->cmd[1].arg1,
	    STATE_NAMES_FIRST + 1);
	assert_int_equal(en->rules->rules[2]->cmd[1].arg1,
	    STATE_NAMES_FIRST);
	assert_call(msg_keep(40, "web", TLV_TBL_NAME), EINVAL,
	    "does not tell");
	assert_call(msg_keep(40, "", TLV_STATE_NAME), EINVAL, "characters");
	assert_call(msg_keep(40, "a b", TLV_STATE_NAME), EINVAL, "character");
	n->idx = 8;
	assert_call(m, EINVAL, "index 9");
	n->idx = 0;
	assert_call(m, EINVAL, "index 0");
	n->idx = 9;
	n->head.length = 72;
	assert_call(m, EINVAL, "length of a name");
	n->head.length = 80;
	memset(n->name, 'x', sizeof(n->name));
	assert_call(m, EINVAL, "63 characters");
	assert_string_equal(numbers(), "10 20 30");
	/* The names come before the rules. */
	m = msg_get(CFG_STATIC, 0, 0, 4096);
	assert_ok(m);
	call(&m);
	l = (void *)(m.data + 32);
	assert_int_equal(l->head.type, TLV_TBLNAME_LIST);
	assert_int_equal(l->count, 2);
	n = (void *)(m.data + 48);
	assert_int_equal(n[0].idx, STATE_NAMES_FIRST);
	assert_string_equal(n[0].name, "web");
	assert_string_equal(n[1].name, "mail");
	arg = (void *)(m.data + 48 + 160 + 16 + 8 + 16 + 2);
	assert_int_equal(*arg, STATE_NAMES_FIRST);
}

/* A UDP state of the rule at index 'n', from 1.0.0.'i'. */
static void
put_state(unsigned n, unsigned i, bool limited)
{
	const struct rule *r = en->rules->rules[n];
	const struct state_cfg cfg = {{300, 20, 1, 1, 10, 5}, 100, 100,
	    clock_mono_s()};
	const struct state_new new = {.rule = {r->id, n, r->num, false}, .name = 1,
	    .kind = limited ? STATE_LIMIT : STATE_KEEP, .limit_mask = 1,
	    .limit = 5};
	unsigned char frame[64] = {2, 0, 0, 0, 0, 1};
	struct pkt p = {.data = frame, .len = 64, .flags = PKT_IP4, .l3 = 14,
	    .ip_len = 50, .proto = 17, .sport = 5, .dport = 6,
	    .src4 = htonl(0x01000000 + i), .dst4 = htonl(0x02000000)};

	p.flow_hash = state_hash(en->states, &p);
	assert_true(state_install(en->states, &cfg, &p, &new));
}

static void
states_are_listed_and_removed(void **state)
{
	struct message m;
	struct obj_ctlv *l;
	struct abi_state *s;

	(void)state;
	assert_ok(msg_keep(10, "web", TLV_STATE_NAME));
	assert_ok(msg_keep(20, "web", TLV_STATE_NAME));
	for (unsigned i = 0; i < 4; i++)
		put_state(i / 2, i, i == 3);
	m = msg_get(CFG_STATES, 0, 0, 4096);
	assert_int_equal(call(&m), 0);
	l = (void *)(m.data + 32 + 96);
	assert_int_equal(l->head.type, TLV_DYNSTATE_LIST);
	assert_int_equal(l->count, 5); /* four, and a parent */
	assert_int_equal(l->head.length, 16 + 5 * 128);
	assert_int_equal(m.len, 32 + 96 + 16 + 5 * 128);
	s = (void *)(m.data + 32 + 96 + 16 + 8);
	assert_int_equal(s->rule, 10);
	assert_int_equal(s->type, O_KEEP_STATE);
	assert_int_equal(s->name, 1);
	assert_int_equal(s->pkts, 1);
	assert_int_equal(s->bytes, 50);
	assert_int_equal(s->id.src, 0x01000000);
	assert_int_equal(s->id.dst, 0x02000000);
	assert_int_equal(s->id.src_port, 5);
	assert_int_equal(s->id.family, 4);
	assert_int_equal(((struct obj_tlv *)(void *)s)[-1].flags, 0);
	assert_int_equal(((struct obj_tlv *)(void *)(m.data + m.len -
	    128))->flags, 1);
	/* Only the states of a range, the rules stay. */
	assert_int_equal(touched(msg_range(FW3_XDEL,
	    RANGE_RULES | RANGE_DYNAMIC, 10, 10, 0, 0)), 2);
	assert_string_equal(numbers(), "10 20");
	assert_int_equal(state_count(en->states), 2);
	/* With the rule go its states, the parent included. */
	assert_int_equal(touched(msg_range(FW3_XDEL, RANGE_RULES, 20, 20, 0,
	    0)), 1);
	assert_int_equal(state_count(en->states), 0);
	assert_int_equal(state_parent_count(en->states), 0);
}

/* In parts every state comes once, whatever the room is. */
static void
states_in_parts(void **state)
{
	unsigned n = 0;
	struct message m;

	(void)state;
	assert_ok(msg_keep(10, "web", TLV_STATE_NAME));
	for (unsigned i = 0; i < 50; i++)
		put_state(0, i, false);
	for (uint32_t from = 0, next = 1; next != 0; from = next) {
		const struct cfg_lhdr *h = (const void *)m.data;
		const struct abi_state *s =
		    (const void *)(m.data + 32 + 96 + 16 + 8);

		m = msg_get(CFG_STATES | CFG_PART, 0, 0, 32 + 96 + 16 + 400);
		((struct cfg_lhdr *)(void *)m.data)->spare = from;
		assert_int_equal(call(&m), 0);
		assert_int_equal(m.len, h->size);
		assert_int_equal(s->id.src, 0x01000000 + n);
		n += (m.len - 32 - 96 - 16) / 128;
		next = h->spare;
		assert_true(next == 0 || m.len == 32 + 96 + 16 + 3 * 128);
	}
	assert_int_equal(n, 50);
	assert_call(msg_get(CFG_STATES | CFG_STATIC | CFG_PART, 0, 0, 4096),
	    EINVAL, "without rules");
	assert_call(msg_get(CFG_STATES | CFG_PART, 0, 0, 32 + 96 + 16 + 127),
	    ENOMEM, "needs 272 octets");
	/* Beyond the end there is nothing. */
	m = msg_get(CFG_STATES | CFG_PART, 0, 0, 4096);
	((struct cfg_lhdr *)(void *)m.data)->spare = UINT32_MAX;
	assert_int_equal(call(&m), 0);
	assert_int_equal(m.len, 32 + 96 + 16);
}

/* Names that rules use by index: of external actions and of states. */
static void
objects_are_listed(void **state)
{
	struct message m = msg_fw3(FW3_DUMP_SRVOBJECTS);
	struct obj_lhdr *h = (struct obj_lhdr *)(void *)m.data;
	struct obj_ntlv *n = (struct obj_ntlv *)(void *)(h + 1);

	(void)state;
	assert_ok(msg_keep(10, "web", TLV_STATE_NAME));
	h->size = (uint32_t)(m.len = 24 + 2 * 80);
	assert_int_equal(call(&m), 0);
	assert_int_equal(h->count, 2);
	assert_int_equal(n[0].head.type, TLV_EACTION);
	assert_string_equal(n[0].name, "tcp-setmss");
	assert_int_equal(n[1].head.type, TLV_STATE_NAME);
	assert_int_equal(n[1].idx, STATE_NAMES_FIRST);
	assert_string_equal(n[1].name, "web");
	m = msg_fw3(FW3_DUMP_SRVOBJECTS);
	h->size = (uint32_t)(m.len = 24 + 80);
	assert_call(m, ENOMEM, "184 octets");
}

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(add_with_state_names),
		T(names_of_two_kinds),
		T(states_are_listed_and_removed),
		T(states_in_parts),
		T(objects_are_listed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
