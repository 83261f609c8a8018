/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tables from the command line to the packet: ipfw's commands through the
 * handlers, listings, and what rules that name tables do.
 */
#include "cli_rig.h"

#include "packet/parse.h"
#include "rule/interp.h"

#include <arpa/inet.h>
#include <unistd.h>

static void
lookup_of_each_type(void **state)
{
	(void)state;
	expect("table a create valtype skipto,tag", 0, "");
	expect("table a add 10.0.0.0/8 100,5 2001:db8::/32 200,6", 0,
	    "added: 10.0.0.0/8 100,5\nadded: 2001:db8::/32 200,6\n");
	expect("table a list", 0, "10.0.0.0/8 100,5\n2001:db8::/32 200,6\n");
	expect("table a lookup 10.1.2.3", 0, "10.0.0.0/8 100,5\n");
	expect("table a lookup 11.1.2.3", EX_UNAVAILABLE,
	    "ipfw: Entry 11.1.2.3 not found\n");
	/* The beginning of one command is enough. */
	expect("table a lis", 0, "10.0.0.0/8 100,5\n2001:db8::/32 200,6\n");
	expect("table a l", EX_USAGE,
	    "ipfw: word 3 \"l\": ambiguous table command\n");
	expect("table a crate", EX_USAGE, "ipfw: word 3 \"crate\": unknown "
	    "table command, did you mean \"create\"?\n");
	expect("table b create type adr", EX_USAGE, "ipfw: word 5 \"adr\": "
	    "unknown type; there are addr, iface, number, flow, mac, did you "
	    "mean \"addr\"?\n");
	expect("table b create type flow:src-ip,prto", EX_USAGE, "ipfw: word 5 "
	    "\"flow:src-ip,prto\": unknown field of flow; there are src-ip, "
	    "proto, src-port, dst-ip, dst-port, did you mean \"proto\"?\n");
	expect("table b create valtype tag,skpto", EX_USAGE, "ipfw: word 5 "
	    "\"tag,skpto\": unknown value type, did you mean \"skipto\"?\n");
	expect("table b cre", 0, "");
	expect("table b at add 1.2.3.4", 0, "added: 1.2.3.4/32 0\n");
	expect("table b fl", 0, "");
	expect("table b des", 0, "");
	assert_int_equal(run("table b list"), EX_OSERR);
	expect("table n create type number", 0, "");
	expect("table n add 80 7 443", 0, "added: 80 7\nadded: 443 0\n");
	expect("table n list", 0, "80 7\n443 0\n");
	expect("table f create type flow:src-ip,proto,dst-port", 0, "");
	expect("table f add 1.2.3.4,tcp,80 9", 0, "added: 1.2.3.4,6,80 9\n");
	expect("table f list", 0, "1.2.3.4,6,80 9\n");
	expect("table i create type iface", 0, "");
	expect("table i add em0 3", 0, "added: em0 3\n");
	expect("table m create type mac", 0, "");
	expect("table m add 02:00:00:00:00:01/40 3", 0,
	    "added: 02:00:00:00:00:01/40 3\n");
	expect("table m list", 0, "02:00:00:00:00:00/40 3\n");
	expect("table m lookup 02:00:00:00:00:77", 0,
	    "02:00:00:00:00:00/40 3\n");
	assert_int_equal(run("table all destroy"), 0);
	expect("table all list", 0, "");
}

static void
results_and_errors(void **state)
{
	(void)state;
	run("table a create limit 2");
	expect("table a add 1.1.1.1 1", 0, "added: 1.1.1.1/32 1\n");
	expect("table a add 1.1.1.1 1", EX_OSERR,
	    "exists: 1.1.1.1/32 1\n"
	    "ipfw: Adding record failed: record already exists\n");
	expect("-q table a add 1.1.1.1 2", 0, "");
	expect("table a list", 0, "1.1.1.1/32 2\n");
	expect("table a atomic add 2.2.2.2 2 3.3.3.3 3", EX_OSERR,
	    "added(reverted): 2.2.2.2/32 2\nlimit: 3.3.3.3/32 3\n"
	    "ipfw: Adding record failed: limit hit\n");
	expect("table a list", 0, "1.1.1.1/32 2\n");
	expect("table a atomic delete 1.1.1.1 9.9.9.9", EX_OSERR,
	    "deleted(reverted): 1.1.1.1/32 2\nnotfound: 9.9.9.9/32 0\n"
	    "ipfw: Deleting record failed: record not found\n");
	expect("table a list", 0, "1.1.1.1/32 2\n");
	expect("-q table a delete 9.9.9.9", 0, "");
	run("table a lock");
	assert_int_equal(run("table a add 5.5.5.5"), EX_OSERR);
	assert_int_equal(run("table a flush"), EX_OSERR);
	run("table a unlock");
	expect("table a flush", 0, "");
	expect("table a list", 0, "");
	expect("table a create", EX_OSERR, "ipfw: table a exists\n");
	expect("table a create limit 2 missing", 0, "");
	expect("table a create type number missing", EX_SOFTWARE,
	    "ipfw: The existing table is not compatible with one you are "
	    "creating.\n");
	assert_int_equal(run("table b lo"), EX_USAGE);
	assert_int_equal(run("table a/b list"), EX_USAGE);
	assert_int_equal(run("table a add 10.0.0.0/33"), EX_DATAERR);
	assert_int_equal(run("table a swap zz"), EX_OSERR);
	/* What is refused makes no table. */
	expect("table nn add 10.0.0.0/33", EX_DATAERR, "ipfw: word 4 "
	    "\"10.0.0.0/33\": the length after '/' is not 0 to 32\n");
	assert_int_equal(run("table nn add 80 7 em0 8"), EX_DATAERR);
	assert_int_equal(run("table nn add 80 x"), EX_OSERR);
	assert_int_equal(run("table nn list"), EX_OSERR);
	expect("table nn add 80 7", 0,
	    "ipfw: DEPRECATED: inserting data into non-existent table nn. "
	    "(auto-created)\nadded: 80 7\n");
}

static void
algorithms(void **state)
{
	(void)state;
	expect("table h create algo addr:hash masks=/24,/64 limit 3", 0, "");
	assert_int_equal(run("table h add 10.1.1.0/24 5 2001:db8::/64 6"), 0);
	expect("table h add 10.1.0.0/16 7", EX_OSERR,
	    "error: 10.1.0.0/16 7\nipfw: Adding record failed: table h takes "
	    "prefixes of length 24, not 16\n");
	assert_int_equal(run("table h add 10.1.1.1"), EX_OSERR);
	assert_int_equal(run("table h add 2001:db8::/65"), EX_OSERR);
	assert_int_equal(run("table h delete 10.1.1.1"), EX_OSERR);
	expect("table h lookup 10.1.1.77", 0, "10.1.1.0/24 5\n");
	expect("table h lookup 10.1.2.77", EX_UNAVAILABLE,
	    "ipfw: Entry 10.1.2.77 not found\n");
	expect("table h lookup 2001:db8::9", 0, "2001:db8::/64 6\n");
	expect("table h info", 0,
	    "--- table(h), set(0) ---\n kindex: 1, type: addr\n"
	    " references: 0, valtype: legacy\n"
	    " algorithm: addr:hash masks=/24,/64\n items: 2, size: 536\n"
	    " limit: 3\n");
	run("table h detail");
	assert_non_null(strstr(text, " IPv4 algorithm hash info\n"
				     "  size: 1048576 items: 1 itemsize: "));
	assert_non_null(strstr(text, " IPv6 algorithm hash info\n"));
	expect("table g create algo addr:hash limit 3", 0, "");
	run("table g info");
	assert_non_null(strstr(text, " algorithm: addr:hash\n"));
	expect("table g add 1.1.1.1/31", EX_OSERR,
	    "error: 1.1.1.1/31 0\nipfw: Adding record failed: table g takes "
	    "prefixes of length 32, not 31\n");
	/* The masks go with what they let in. */
	expect("table g swap h", 0, "");
	expect("table g list", 0, "10.1.1.0/24 5\n2001:db8::/64 6\n");
	assert_int_equal(run("table g add 10.1.2.0/24"), 0);
	assert_int_equal(run("table h add 10.1.2.1"), 0);
	run("table r create limit 3");
	assert_int_equal(run("table r swap g"), EX_USAGE);
	run("table r detail");
	assert_non_null(strstr(text, " IPv6 algorithm radix info\n  items: 0"));

	run("table n create type number algo number:array");
	run("table n detail");
	assert_non_null(strstr(text, " algorithm array info\n  size: "));
	expect("table i create algo iface:array", 0, "");
	run("table i info");
	assert_non_null(strstr(text, "type: iface\n"));
	expect("table f create type flow:proto,dst-port algo flow:hash", 0, "");
	run("table f detail");
	assert_non_null(strstr(text, "type: flow:proto,dst-port\n"));
	assert_non_null(strstr(text, " algorithm hash info\n  size: 64"));
	expect("internal talist", 0,
	    "--- addr:radix ---\n type: addr\n refcount: 1\n"
	    "--- addr:hash ---\n type: addr\n refcount: 2\n"
	    "--- iface:array ---\n type: iface\n refcount: 1\n"
	    "--- number:array ---\n type: number\n refcount: 1\n"
	    "--- flow:hash ---\n type: flow\n refcount: 1\n"
	    "--- mac:radix ---\n type: mac\n refcount: 0\n");
}

static void
algorithms_that_are_none(void **state)
{
	static const char *const bad[] = {"masks=/33", "masks=/24,/129",
	    "masks=24", "masks=/", "masks=/24,", "masks=/24x",
	    "masks=/24,64", "masks=/4294967296"};
	char line[128];

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
		snprintf(line, sizeof(line), "table h create algo addr:hash %s",
		    bad[i]);
		assert_int_equal(run(line), EX_OSERR);
		assert_non_null(strstr(text, "not options of addr:hash"));
	}
	expect("table h create algo addr:hashes", EX_OSERR,
	    "ipfw: addr:hashes is no algorithm\n");
	expect("table h create type number algo addr:hash", EX_OSERR,
	    "ipfw: addr:hash is an algorithm for another type\n");
	expect("table h create algo addr:kfib", EX_OSERR,
	    "ipfw: addr:kfib needs routes, and there are none here\n");
	expect("table all list", 0, "");
	expect("table h create algo addr:hash masks=/0,/0", 0, "");
	expect("table h create algo addr:hash masks=/0,/0 missing", 0, "");
	expect("table h create algo addr:hash missing", EX_SOFTWARE,
	    "ipfw: The existing table is not compatible with one you are "
	    "creating.\n");
	expect("table h add 1.2.3.4/0 9", 0, "added: 1.2.3.4/0 9\n");
	expect("table h lookup 9.9.9.9", 0, "0.0.0.0/0 9\n");
}

/* What a list of old would take: nothing, or a head and 28 octets an entry. */
static void
old_size(void **state)
{
	struct {
		struct fw3_hdr h;
		uint32_t n;
	} q = {.h = {.opcode = FW3_TABLE_XGETSIZE}, .n = 7};
	size_t len = 0;

	(void)state;
	run("table 7 create");
	assert_int_equal(
	    ctl_get(c.ctl, CTL_FW3, &q, sizeof(q), sizeof(q), &len, NULL), 0);
	assert_int_equal(q.n, 0);
	run("table 7 add 1.1.1.1 1 2.2.2.2 2");
	q.n = 7;
	assert_int_equal(
	    ctl_get(c.ctl, CTL_FW3, &q, sizeof(q), sizeof(q), &len, NULL), 0);
	assert_int_equal(q.n, 20 + 2 * 28);
	q.n = 8;
	assert_int_equal(
	    ctl_get(c.ctl, CTL_FW3, &q, sizeof(q), sizeof(q), &len, NULL), 0);
	assert_int_equal(q.n, 0);
}

static void
every_kind_of_value(void **state)
{
	const struct table_value *v;
	const uint8_t v6[4] = {0x20, 1, 0xd, 0xb8};
	struct table *t;

	(void)state;
	run("table a create valtype pipe,fib,nat,divert,netgraph,limit,ipv4,"
	    "ipv6");
	expect("table a add 1.1.1.1 10,2,3,4000,5,6,9.8.7.6,2001:db8::1", 0,
	    "added: 1.1.1.1/32 10,2,3,4000,5,6,9.8.7.6,2001:db8::1\n");
	expect("table a list", 0,
	    "1.1.1.1/32 10,2,3,4000,5,6,9.8.7.6,2001:db8::1\n");
	expect("internal vlist", 0,
	    "HEADER: skipto,pipe,fib,nat,dscp,tag,divert,netgraph,limit,ipv4,"
	    "ipv6\n[1] refs=1 0,10,2,3,0,0,4000,5,6,9.8.7.6,2001:db8::1\n");
	t = tables_find(en->tables, "a", 0);
	v = tables_value(en->tables,
	    tables_ip4(en->tables, t->kidx, htonl(0x01010101)));
	assert_int_equal(v->pipe, 10);
	assert_int_equal(v->fib, 2);
	assert_int_equal(v->nat, 3);
	assert_int_equal(v->divert, 4000);
	assert_int_equal(v->netgraph, 5);
	assert_int_equal(v->limit, 6);
	assert_int_equal(v->nh4, 0x09080706);
	assert_memory_equal(v->nh6, v6, sizeof(v6));
	assert_int_equal(v->nh6[15], 1);
	assert_int_equal(v->tag, 0);
}

static void
rules_keep_tables(void **state)
{
	(void)state;
	expect("add skipto tablearg ip from table(a) to not table(b,7)", 0,
	    "00100 skipto tablearg ip from table(a) to not table(b,7)\n");
	expect("add count tag tablearg ip from any to any lookup dst-port n "
	       "tagged tablearg",
	    0,
	    "00200 count tag tablearg ip from any to any lookup dst-port n "
	    "tagged tablearg\n");
	expect("add count ip from any to any flow table(f) via table(i) "
	       "src-mac table(m)",
	    0,
	    "00300 count ip from any to any flow table(f) via table(i) "
	    "src-mac table(m)\n");
	expect("list 100", 0,
	    "00100 skipto tablearg ip from table(a) to not table(b,7)\n");
	expect("table a destroy", EX_OSERR,
	    "ipfw: table a is named by 1 rule\n");
	expect("add count ip from table(n) to any", EX_UNAVAILABLE,
	    "ipfw: table n is of type number, and addr is needed\n");
	/* What a refused rule made is gone again. */
	run("add count ip from table(fresh) to table(n)");
	assert_null(tables_find(en->tables, "fresh", 0));
	run("table b swap a");
	run("delete 100");
	expect("table a destroy", 0, "");
	assert_non_null(tables_find(en->tables, "b", 0));
}

/* ---- packets ---- */

static uint8_t frame[64];
static struct tag_pool tags;
static struct counter counts[64];
static struct rng rng;
static const struct me nobody;

static enum verdict
fate(const char *src, const char *dst, uint16_t dport, struct pkt *p)
{
	static const struct parse_cfg cfg;
	struct pass pass = {.rules = en->rules, .counts = counts, .rng = &rng,
	    .tags = &tags, .me = &nobody, .tables = en->tables,
	    .in_if = "em0", .out_if = "em1"};

	memset(frame, 0, sizeof(frame));
	frame[5] = 9;
	frame[6] = 2;
	frame[12] = 8;
	frame[14] = 0x45;
	frame[17] = 46;
	frame[22] = 64;
	frame[23] = 17;
	inet_pton(AF_INET, src, frame + 26);
	inet_pton(AF_INET, dst, frame + 30);
	frame[36] = (uint8_t)(dport >> 8);
	frame[37] = (uint8_t)dport;
	frame[39] = 26;
	*p = (struct pkt){.data = frame, .len = 60};
	tag_reset(&tags);
	parse(p, &cfg);
	assert_int_equal(p->bad, PKT_GOOD);
	return interp_run(&pass, p, 0);
}

static enum verdict
from(const char *src, const char *dst, uint16_t dport)
{
	struct pkt p;

	return fate(src, dst, dport, &p);
}

/* What a burst is prepared for: distinct questions, four at most, as long as a
 * rule asks them. */
static void
asks_of_rules(void **state)
{
	static struct pkt pkts[64];
	struct lookup_use use = {0, 0, 0};
	struct pass pass = {.tables = en->tables, .lookup_use = &use};
	struct table *t;

	(void)state;
	run("table a create");
	run("table n create type number");
	run("table i create type iface");
	run("add 100 count ip from table(a) to table(a)");
	run("add 200 count ip from not table(a,1) to any recv table(i)");
	assert_int_equal(en->rules->n_asks, 2);
	run("add 300 count ip from any to any lookup mark n lookup dscp n");
	assert_int_equal(en->rules->n_asks, 2);
	run("add 400 count ip from any to any lookup src-port n");
	assert_int_equal(en->rules->n_asks, 3);
	assert_int_equal(en->rules->asks[2].type, TABLE_NUMBER);
	assert_int_equal(en->rules->asks[2].key, LOOKUP_SRC_PORT);
	run("add 500 count ip from any to any src-mac table(m) flow table(f)");
	assert_int_equal(en->rules->n_asks, LOOKUP_ASKS);
	run("set disable 5");
	assert_int_equal(en->rules->n_asks, LOOKUP_ASKS);
	run("delete 100 200 400");
	assert_int_equal(en->rules->n_asks, 2);
	assert_int_equal(en->rules->asks[1].key, LOOKUP_FLOW);
	run("delete 500");
	assert_int_equal(en->rules->n_asks, 0);

	/* Nobody asks what was prepared: it pauses, and tries again. */
	run("add 100 count ip from table(a) to any");
	pass.rules = en->rules;
	lookup_burst(&pass, pkts, 64);
	assert_int_equal(use.prepared, 0); /* small */
	t = tables_find(en->tables, "a", 0);
	for (uint32_t k = 0; k < 5000; k++) {
		uint32_t old;

		table_set(en->tables, t, &(struct table_key){.family = 4,
		    .len = 32, .addr = {9, 9, (uint8_t)(k >> 8), (uint8_t)k}},
		    tables_value_ref(en->tables,
			&(struct table_value){.tag = 1}, false), &old);
	}
	for (unsigned k = 0; k < 40; k++) {
		lookup_burst(&pass, pkts, 64);
		assert_int_equal(use.prepared, k % 16 == 0 ? 64 : 0);
	}
	use.pause = 0;
	for (unsigned k = 0; k < 5; k++) {
		use.asked = 60;
		lookup_burst(&pass, pkts, 64);
		assert_int_equal(use.prepared, 64);
	}
}

static void
addresses_ports_and_interfaces(void **state)
{
	(void)state;
	run("table a create");
	run("table a add 10.0.0.0/8 1 10.1.0.0/16 2");
	run("table n create type number");
	run("table n add 53");
	run("table i create type iface");
	run("table i add em0");
	run("add deny ip from table(a,2) to any");
	assert_int_equal(from("10.1.2.3", "1.1.1.1", 9), VERDICT_DENY);
	assert_int_equal(from("10.2.2.3", "1.1.1.1", 9), VERDICT_ACCEPT);
	assert_int_equal(from("1.1.1.1", "10.1.2.3", 9), VERDICT_ACCEPT);
	run("-f flush");
	run("add deny ip from any to any lookup dst-port n recv table(i)");
	assert_int_equal(from("1.1.1.1", "2.2.2.2", 53), VERDICT_DENY);
	assert_int_equal(from("1.1.1.1", "2.2.2.2", 54), VERDICT_ACCEPT);
	run("table i delete em0");
	assert_int_equal(from("1.1.1.1", "2.2.2.2", 53), VERDICT_ACCEPT);
	run("-f flush");
	run("add deny ip from any to any not lookup dst-ip a");
	assert_int_equal(from("1.1.1.1", "10.2.2.2", 53), VERDICT_ACCEPT);
	assert_int_equal(from("10.1.1.1", "1.2.2.2", 53), VERDICT_DENY);
	run("-f flush");
	run("table m create type mac");
	run("table m add 02:00:00:00:00:00/24");
	run("add deny src-mac table(m) not dst-mac table(m)");
	assert_int_equal(from("1.1.1.1", "2.2.2.2", 1), VERDICT_DENY);
	run("-f flush");
	run("table f create type flow:src-ip,proto,dst-port");
	run("table f add 1.1.1.1,udp,7 3");
	run("add deny ip from any to any flow table(f,3)");
	assert_int_equal(from("1.1.1.1", "2.2.2.2", 7), VERDICT_DENY);
	assert_int_equal(from("1.1.1.1", "2.2.2.2", 8), VERDICT_ACCEPT);
	assert_int_equal(from("1.1.1.2", "2.2.2.2", 7), VERDICT_ACCEPT);
}

static void
tablearg(void **state)
{
	struct pkt p;

	(void)state;
	run("table a create valtype skipto,tag,mark");
	run("table a add 10.0.0.0/8 300,7,0x55");
	run("add 100 skipto tablearg ip from table(a) to any");
	run("add 200 deny ip from any to any");
	/* Carried over the jump, and not further. */
	run("add 300 setmark tablearg ip from any to any");
	run("add 400 deny ip from any to any mark 0");
	run("add 500 setmark tablearg ip from any to any");
	run("add 600 deny ip from any to any not mark 0");
	assert_int_equal(fate("10.9.9.9", "1.1.1.1", 1, &p), VERDICT_ACCEPT);
	assert_int_equal(from("11.9.9.9", "1.1.1.1", 1), VERDICT_DENY);
	/* Past a rule that is switched off, to the one behind it. */
	run("delete 300");
	run("add 300 set 4 deny ip6 from any to any");
	run("add 301 setmark tablearg ip from any to any");
	run("set disable 4");
	assert_int_equal(fate("10.9.9.9", "1.1.1.1", 1, &p), VERDICT_ACCEPT);
	run("set enable 4");
	assert_int_equal(fate("10.9.9.9", "1.1.1.1", 1, &p), VERDICT_DENY);
	run("-f flush");
	/* A lookup that fails later does not reset it. */
	run("add count tag tablearg src-ip table(a) not dst-ip table(a)");
	run("add deny tagged 7");
	assert_int_equal(from("10.9.9.9", "1.1.1.1", 1), VERDICT_DENY);
	assert_int_equal(from("10.9.9.9", "10.1.1.1", 1), VERDICT_ACCEPT);
}

static void
counters_of_entries(void **state)
{
	(void)state;
	run("table a create counters");
	run("table a add 10.0.0.0/8 1 11.0.0.0/8 1");
	run("add count ip from table(a) to any");
	from("10.9.9.9", "1.1.1.1", 1);
	from("10.9.9.8", "1.1.1.1", 1);
	expect("-a table a list", 0, "10.0.0.0/8 1 2 92\n11.0.0.0/8 1 0 0\n");
	expect("table a list", 0, "10.0.0.0/8 1\n11.0.0.0/8 1\n");
}

/* A packet's questions are asked once, and count each time; what a rule may
 * change about the packet is asked again. */
static void
a_packet_is_told_the_same(void **state)
{
	struct insn src = {O_IP_SRC_LOOKUP, 1, 0};
	struct insn dst = {O_IP_DST_LOOKUP, 1, 0};
	struct {
		struct insn head;
		uint32_t words[2];
	} mark = {{O_IP_DST_LOOKUP, 3, 0}, {0, LOOKUP_MARK}};
	struct answers a, none;
	struct table *t, *n;
	struct pkt p;

	(void)state;
	run("table a create counters");
	run("table a add 10.0.0.0/8 7");
	run("table n create type number");
	run("table n add 5 3");
	run("add 100 count ip from table(a) to table(a) lookup mark n");
	t = tables_find(en->tables, "a", 0);
	n = tables_find(en->tables, "n", 0);
	src.arg1 = dst.arg1 = t->kidx;
	mark.head.arg1 = n->kidx;
	fate("10.9.9.9", "1.1.1.1", 1, &p);
	answers_init(&a);
	answers_init(&none);
	a.room = LOOKUP_ANSWERS;
	assert_int_not_equal(lookup_insn(&src, en->tables, &p, NULL, &a), 0);
	assert_int_equal(lookup_insn(&dst, en->tables, &p, NULL, &a), 0);
	expect("-a table a list", 0, "10.0.0.0/8 7 2 92\n");
	run("table a add 1.0.0.0/8 7");
	assert_int_not_equal(lookup_insn(&src, en->tables, &p, NULL, &a), 0);
	assert_int_equal(lookup_insn(&dst, en->tables, &p, NULL, &a), 0);
	assert_int_not_equal(lookup_insn(&dst, en->tables, &p, NULL, &none), 0);
	expect("-a table a list", 0,
	    "1.0.0.0/8 7 1 46\n10.0.0.0/8 7 3 138\n");
	assert_int_equal(lookup_insn(&mark.head, en->tables, &p, NULL, &a), 0);
	p.mark = 5;
	assert_int_not_equal(lookup_insn(&mark.head, en->tables, &p, NULL, &a),
	    0);
}

/* ---- lookup KEY:MASK ---- */

static void
lookup_with_a_mask(void **state)
{
	(void)state;
	run("table a create");
	run("table a add 10.0.0.3 7");
	run("table n create type number");
	run("table n add 16 1 0 2");
	run("add 100 deny ip from any to any lookup src-ip4:255.0.255.255 a");
	assert_int_equal(from("10.9.0.3", "1.1.1.1", 1), VERDICT_DENY);
	assert_int_equal(from("10.9.1.3", "1.1.1.1", 1), VERDICT_ACCEPT);
	assert_int_equal(from("1.1.1.1", "10.9.0.3", 1), VERDICT_ACCEPT);
	run("delete 100");
	run("add 100 deny ip from any to any lookup dst-ip6 a");
	assert_int_equal(from("1.1.1.1", "10.0.0.3", 1), VERDICT_ACCEPT);
	run("delete 100");
	run("add 100 deny ip from any to any lookup dst-port:0x10 n");
	assert_int_equal(from("1.1.1.1", "2.2.2.2", 0xff10), VERDICT_DENY);
	run("table n delete 0");
	assert_int_equal(from("1.1.1.1", "2.2.2.2", 0xff10), VERDICT_DENY);
	assert_int_equal(from("1.1.1.1", "2.2.2.2", 0xff0f), VERDICT_ACCEPT);
}

/* The number of the rule itself, which the daemon tells it. */
static void
lookup_of_the_rule(void **state)
{
	(void)state;
	run("table n create type number");
	run("table n add 200");
	expect("add 100 deny ip from any to any lookup rulenum n", 0,
	    "00100 deny ip from any to any lookup rulenum n\n");
	assert_int_equal(from("1.1.1.1", "2.2.2.2", 1), VERDICT_ACCEPT);
	run("add deny ip from any to any lookup rulenum n");
	assert_int_equal(from("1.1.1.1", "2.2.2.2", 1), VERDICT_DENY);
	run("delete 200");
	run("table n add 96");
	run("add 101 deny ip from any to any lookup rulenum:0x60 n");
	assert_int_equal(from("1.1.1.1", "2.2.2.2", 1), VERDICT_DENY);
	run("set move rule 101 to 3");
	assert_int_equal(from("1.1.1.1", "2.2.2.2", 1), VERDICT_DENY);
	expect("table a create", 0, "");
	expect("add 102 deny ip from any to any lookup rulenum a", EX_UNAVAILABLE,
	    "ipfw: table a is of type addr, and number is needed\n");
}

/* ---- files ---- */

/* Runs a file of these lines. */
static int
run_file(const char *lines)
{
	char path[] = "/tmp/kipfw-tables-XXXXXX", name[] = "ipfw";
	char *argv[] = {name, path};
	FILE *f = fdopen(mkstemp(path), "w");
	int code;

	fputs(lines, f);
	fclose(f);
	free(text);
	c.out = c.err = open_memstream(&text, &text_len);
	code = cli_main(&c, 2, argv);
	fclose(c.out);
	unlink(path);
	return code;
}

/* Each line with its own flags; what fails is named by its own line. */
static void
flags_change_within_a_file(void **state)
{
	(void)state;
	assert_int_equal(run_file("table t create\n"
				  "-q table t add 1.1.1.1 1\n"
				  "-i table t add 2.2.2.2 5\n"
				  "table t add 3.3.3.3 6\n"), 0);
	assert_string_equal(text,
	    "added: 2.2.2.2/32 0.0.0.5\nadded: 3.3.3.3/32 6\n");
	assert_int_equal(run_file("-q table t add 1.1.1.1 2\n"
				  "table t add 1.1.1.1 3\n"
				  "-q table t add 4.4.4.4 4\n"
				  "-q table t add 5.5.5.5 4\n"), EX_OSERR);
	assert_non_null(strstr(text, "Line 2: Adding record failed"));
	expect("table t list", 0, "1.1.1.1/32 2\n2.2.2.2/32 5\n3.3.3.3/32 6\n");
}

static void
names_of_hosts(void **state)
{
	(void)state;
	run("table t create");
	expect("table t add localhost 7", 0, "added: 127.0.0.1/32 7\n");
	expect("table t lookup localhost", 0, "127.0.0.1/32 7\n");
	assert_int_equal(run("table t add nohost.invalid 7"), EX_NOHOST);
	assert_int_equal(run("table t add localhost/24 7"), EX_DATAERR);
	assert_int_equal(run("table t add 1.2.3.256 7"), EX_NOHOST);
	assert_int_equal(run("table t add any 7"), EX_NOHOST);
	expect("table t list", 0, "127.0.0.1/32 7\n");
	run("table f create type flow:proto,dst-port");
	expect("table f add tcp,https 1 udp,domain 2", 0,
	    "added: 6,443 1\nadded: 17,53 2\n");
}

static void
a_file_of_entries(void **state)
{
	char path[] = "/tmp/kipfw-tables-XXXXXX", line[64];
	int fd = mkstemp(path), code;
	FILE *f = fdopen(fd, "w");

	(void)state;
	fputs("table t create\n", f);
	for (unsigned i = 0; i < 70000; i++)
		fprintf(f, "table t add 10.%u.%u.%u %u\n", i >> 16, i >> 8 & 255,
		    i & 255, i);
	fputs("table t add 10.0.0.7 1\ntable t add 99.9.9.9 1\n", f);
	fclose(f);
	snprintf(line, sizeof(line), "%s", path);
	char name[] = "ipfw", *argv[] = {name, line};
	free(text);
	c.out = c.err = open_memstream(&text, &text_len);
	code = cli_main(&c, 2, argv);
	fclose(c.out);
	assert_int_equal(code, EX_OSERR);
	assert_non_null(strstr(text,
	    "Line 70002: Adding record failed: record already exists"));
	expect("table t lookup 10.1.17.111", 0, "10.1.17.111/32 69999\n");
	assert_int_equal(run("table t lookup 99.9.9.9"), EX_UNAVAILABLE);
	unlink(path);
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(lookup_of_each_type),
	    T(results_and_errors),
	    T(rules_keep_tables),
	    T(algorithms),
	    T(algorithms_that_are_none),
	    T(old_size),
	    T(every_kind_of_value),
	    T(asks_of_rules),
	    T(addresses_ports_and_interfaces),
	    T(tablearg),
	    T(counters_of_entries),
	    T(a_packet_is_told_the_same),
	    T(lookup_with_a_mask),
	    T(lookup_of_the_rule),
	    T(flags_change_within_a_file),
	    T(names_of_hosts),
	    T(a_file_of_entries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
