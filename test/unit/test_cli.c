/* SPDX-License-Identifier: BSD-2-Clause */
/* Commands against a daemon of a few lines, which keeps rules in an array. */
#include "cli/cli.h"

#include "cli/compile.h"
#include "ipfw_abi.h"

#include <errno.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <cmocka.h>

enum { MAX_RULES = 16, DEFAULT = 65535 };

struct daemon {
	struct rule_buf rules[MAX_RULES];
	struct abi_counter counters[MAX_RULES];
	unsigned n;
	uint32_t set_mask;
	int32_t one_pass;
	int32_t out_pass; /* -1: no such sysctl */
	unsigned requests;
	int fail; /* errno for every request */
	const char *why;
	struct range_tlv last; /* of a set command */
	uint16_t last_op;
};

struct fixture {
	struct daemon d;
	struct cli c;
	char *out, *err;
	size_t out_len, err_len;
	int code;
};

/* ---- the daemon ---- */

static void
put_rule(struct daemon *d, unsigned num, unsigned set, const char *text)
{
	struct words w;
	struct err e;
	struct rule_buf *rb = &d->rules[d->n];

	assert_true(d->n < MAX_RULES);
	assert_int_equal(words_line(&w, text, &e), 0);
	assert_int_equal(compile_rule(w.w, w.n, 0, rb, &e), 0);
	words_fini(&w);
	rb->rule.rulenum = num;
	rb->rule.set = (uint8_t)set;
	d->counters[d->n] = (struct abi_counter){
	    .size = sizeof(d->counters[0]), .pcnt = num * 10, .bcnt = num * 1000,
	    .timestamp = num == DEFAULT ? 0 : 1000};
	d->n++;
}

static int
on_get(struct daemon *d, char *data, size_t room, size_t *len)
{
	struct cfg_lhdr *h = (void *)data;
	bool counters = (h->flags & CFG_COUNTERS) != 0;
	struct obj_ctlv list = {.head = {.type = TLV_RULE_LIST}};
	size_t at = sizeof(*h) + sizeof(list), need = at;

	for (unsigned k = 0; k < d->n; k++)
		need += 8 + (counters ? 24 : 0) +
			((rule_size(&d->rules[k].rule) + 7) & ~(size_t)7);
	h->size = (uint32_t)need;
	h->set_mask = d->set_mask;
	*len = sizeof(*h);
	if (need > room)
		return -ENOMEM;
	if ((h->flags & CFG_STATIC) == 0)
		return 0;
	for (unsigned k = 0; k < d->n; k++) {
		size_t size = (rule_size(&d->rules[k].rule) + 7) & ~(size_t)7;
		struct obj_tlv t = {.type = TLV_RULE_ENT,
		    .length = (uint32_t)(8 + (counters ? 24 : 0) + size)};

		memcpy(data + at, &t, 8);
		if (counters)
			memcpy(data + at + 8, &d->counters[k], 24);
		memcpy(data + at + t.length - size, &d->rules[k], size);
		at += t.length;
		list.count++;
	}
	list.head.length = (uint32_t)(at - sizeof(*h));
	memcpy(data + sizeof(*h), &list, sizeof(list));
	*len = at;
	return 0;
}

static int
on_add(struct daemon *d, char *data, size_t size)
{
	struct rule_buf *rb = &d->rules[d->n];
	struct abi_rule *r = (void *)(data + 24);

	if (r->rulenum == 0)
		r->rulenum = 100;
	memset(rb, 0, sizeof(*rb));
	memcpy(rb, r, size - 24 < sizeof(*rb) ? size - 24 : sizeof(*rb));
	d->counters[d->n] = (struct abi_counter){.size = 24};
	d->n++;
	return 0;
}

static int
on_range(struct daemon *d, char *data)
{
	struct range_hdr h;
	uint32_t touched = 0;

	memcpy(&h, data, sizeof(h));
	d->last = h.range;
	d->last_op = h.op.opcode;
	for (unsigned k = 0; k < d->n; k++)
		touched += (h.range.flags & RANGE_RULES) != 0 &&
			   d->rules[k].rule.rulenum >= h.range.start_rule &&
			   d->rules[k].rule.rulenum <= h.range.end_rule;
	h.range.new_set = touched;
	memcpy(data, &h, sizeof(h));
	return 0;
}

static size_t
put_sysctl(char *to, const char *name, const void *data, size_t len,
    uint32_t flags)
{
	struct dn_sysctl h = {.namelen = (uint32_t)strlen(name) + 1,
	    .flags = flags, .datalen = (uint32_t)len};

	h.blocklen = (uint32_t)(sizeof(h) + len + h.namelen + 3) & ~3u;
	memcpy(to, &h, sizeof(h));
	memcpy(to + sizeof(h), data, len);
	memcpy(to + sizeof(h) + len, name, h.namelen);
	return h.blocklen;
}

static int
on_sysctls(struct daemon *d, char *data, size_t room, size_t *len)
{
	struct dn_id *id = (void *)data;
	const uint64_t big = UINT64_C(1) << 40;
	char table[512] = {0};
	size_t at = 0, need;

	at += put_sysctl(table + at, "net.inet.ip.fw.one_pass", &d->one_pass, 4,
	    2);
	at += put_sysctl(table + at, "kipfw.big", &big, 8, 1 | 5 << 2);
	at += put_sysctl(table + at, "kipfw.text", "a\033b", 4, 1 | 6 << 2);
	if (d->out_pass >= 0)
		at += put_sysctl(table + at, "net.inet.ip.fw.out_pass",
		    &d->out_pass, 4, 2);
	need = sizeof(*id) + at + sizeof(struct dn_sysctl);
	if (room < need) {
		id->id = (uint32_t)need;
		*len = sizeof(*id);
		return 0;
	}
	memcpy(data + sizeof(*id), table, need - sizeof(*id));
	*len = need;
	return 0;
}

static int
serve(void *arg, uint32_t optname, uint32_t dir, void *data, size_t len,
    size_t room, size_t *reply_len, struct err *why)
{
	struct daemon *d = arg;
	uint16_t op;

	d->requests++;
	*reply_len = 0;
	if (d->fail != 0)
		return d->why != NULL ? err_set(why, d->fail, "%s", d->why)
				      : -d->fail;
	memcpy(&op, data, sizeof(op));
	*reply_len = len;
	if (optname == CTL_DUMMYNET3 && dir == CTL_DIR_GET)
		return on_sysctls(d, data, room, reply_len);
	if (optname == CTL_DUMMYNET3) {
		memcpy(&d->one_pass, (char *)data + 24, 4);
		return 0;
	}
	switch (op) {
	case FW3_XGET:
		return on_get(d, data, room, reply_len);
	case FW3_XADD:
		return on_add(d, data, len);
	default:
		return on_range(d, data);
	}
}

/* ---- running commands ---- */

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->d.set_mask = UINT32_MAX;
	f->d.out_pass = -1;
	put_rule(&f->d, 100, 0, "allow tcp from any to any 80");
	put_rule(&f->d, 200, 3, "deny in");
	put_rule(&f->d, DEFAULT, 31, "allow ip from any to any");
	f->c.ctl = ctl_client_wrap(serve, &f->d);
	f->c.prog = "ipfw";
	f->c.flags = CLI_FORCE;
	f->c.set = -1;
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	ctl_client_close(f->c.ctl);
	free(f->out);
	free(f->err);
	free(f);
	return 0;
}

/* Runs "ipfw ARGS", cut at blanks, or one argument if 'whole'. */
static void
run_args(struct fixture *f, const char *args, bool whole)
{
	char copy[512], *argv[64] = {(char[]){"ipfw"}}, *save = NULL;
	int argc = 1;

	free(f->out);
	free(f->err);
	f->c.out = open_memstream(&f->out, &f->out_len);
	f->c.err = open_memstream(&f->err, &f->err_len);
	snprintf(copy, sizeof(copy), "%s", args);
	if (whole)
		argv[argc++] = copy;
	else
		for (char *s = strtok_r(copy, " ", &save); s != NULL;
		     s = strtok_r(NULL, " ", &save))
			argv[argc++] = s;
	f->code = cli_main(&f->c, argc, argv);
	fclose(f->c.out);
	fclose(f->c.err);
}

static void
expect(struct fixture *f, const char *args, int code, const char *out,
    const char *err)
{
	run_args(f, args, false);
	assert_string_equal(f->err, err);
	assert_string_equal(f->out, out);
	assert_int_equal(f->code, code);
}

/* ---- tests ---- */

#define RULES                                                                  \
	"00100 allow tcp from any to any 80\n00200 deny in\n"                  \
	"65535 allow ip from any to any\n"

static void
lists(void **state)
{
	struct fixture *f = *state;

	expect(f, "list", 0, RULES, "");
	expect(f, "print", 0, RULES, "");
	expect(f, "show", 0,
	    "00100   1000   100000 allow tcp from any to any 80\n"
	    "00200   2000   200000 deny in\n"
	    "65535 655350 65535000 allow ip from any to any\n", "");
	expect(f, "-a list 100", 0,
	    "00100   1000   100000 allow tcp from any to any 80\n", "");
	expect(f, "-T list 200-300", 0, "00200       1000 deny in\n", "");
	expect(f, "-S list 200 100", 0, "00200 set 3 deny in\n"
	    "00100 set 0 allow tcp from any to any 80\n", "");
	expect(f, "set 3 list", 0, "00200 deny in\n", "");
	expect(f, "set 3 show", 0, "00200 2000 200000 deny in\n", "");
	put_rule(&f->d, 300, 0, "allow keep-state :a"); /* as the original */
	expect(f, "list 300", 0, "00300 allow keep-state\n", "");
	f->d.set_mask = ~(1u << 3);
	expect(f, "list 200", 0, "", "");
	expect(f, "-S list 200", 0, "# DISABLED 00200 set 3 deny in\n", "");
	expect(f, "list 7 100 5-6", EX_UNAVAILABLE,
	    "00100 allow tcp from any to any 80\n",
	    "ipfw: rule 7 does not exist\nipfw: no rules in range 5-6\n");
	expect(f, "list 1x", EX_USAGE, "",
	    "ipfw: word 2: invalid rule number: 1x\n");
}

/* A listing larger than the first request has room for. */
static void
long_list(void **state)
{
	struct fixture *f = *state;

	for (unsigned k = 0; k < 12; k++)
		put_rule(&f->d, 300 + k, 0, "allow ip6 from 1::,2::,3::,4::,5::,"
		    "6::,7:: to 1::,2::,3::,4::,5::,6::,7::");
	run_args(f, "list", false);
	assert_int_equal(f->code, 0);
	assert_string_equal(f->err, "");
	assert_int_equal(f->d.requests, 2);
}

static void
adds(void **state)
{
	struct fixture *f = *state;

	expect(f, "add allow ip from any to any", 0,
	    "00100 allow ip from any to any\n", "");
	expect(f, "300 add set 5 deny tcp from any to any dst-port 22", 0,
	    "00300 deny tcp from any to any 22\n", "");
	expect(f, "-q add 301 deny in", 0, "", "");
	assert_int_equal(f->d.n, 6);
	assert_int_equal(f->d.rules[4].rule.set, 5);
	f->d.requests = 0;
	expect(f, "-n add 302 deny in", 0, "00302 deny in\n", "");
	expect(f, "-n add deny ip from any to any", 0,
	    "00000 deny ip from any to any\n", "");
	expect(f, "-nq add 302 deny in", 0, "", "");
	assert_int_equal(f->d.requests, 0);
	expect(f, "-n add 302 deny inn", EX_USAGE, "",
	    "ipfw: word 5 \"inn\": unknown keyword, did you mean \"in\"?\n");
	run_args(f, "add allow ip from 1.2.3.4, 5.6.7.8 to any # no more",
	    true);
	assert_string_equal(f->out,
	    "00100 allow ip from 1.2.3.4,5.6.7.8 to any\n");
	expect(f, "add 5 allow ip from 1.2.3.4, 5.6.7.8 to any", 0,
	    "00005 allow ip from 1.2.3.4,5.6.7.8 to any\n", "");
}

static void
out_pass(void **state)
{
	static const char warning[] = "ipfw: warning: rule 9 matches on the "
	    "out pass only, which is off (sysctl net.inet.ip.fw.out_pass=1)\n";
	struct fixture *f = *state;

	expect(f, "add 9 deny out", 0, "00009 deny out\n", "");
	f->d.out_pass = 0;
	expect(f, "add 9 deny out", 0, "00009 deny out\n", warning);
	expect(f, "add 9 deny xmit em0", 0, "00009 deny xmit em0\n", warning);
	expect(f, "add 9 deny not xmit em0", 0, "00009 deny not xmit em0\n",
	    "");
	expect(f, "add 9 deny { out or frag }", 0,
	    "00009 deny { out or frag }\n", "");
	expect(f, "add 9 deny { frag or out }", 0,
	    "00009 deny { frag or out }\n", "");
	f->d.out_pass = 1;
	expect(f, "add 9 deny out", 0, "00009 deny out\n", "");
}

static void
deletes(void **state)
{
	struct fixture *f = *state;

	expect(f, "delete 100", 0, "", "");
	assert_int_equal(f->d.last_op, FW3_XDEL);
	assert_int_equal(f->d.last.flags, RANGE_RULES);
	expect(f, "delete 100 7 200", EX_UNAVAILABLE, "",
	    "ipfw: rule 7 not found\n");
	assert_int_equal(f->d.last.start_rule, 200);
	expect(f, "delete 3-9", EX_UNAVAILABLE, "",
	    "ipfw: no rules in range 3-9\n");
	expect(f, "set 3 delete 200", 0, "", "");
	assert_int_equal(f->d.last.flags, RANGE_RULES | RANGE_SET);
	assert_int_equal(f->d.last.set, 3);
	expect(f, "delete set 4", EX_UNAVAILABLE, "",
	    "ipfw: no rules in set 4\n");
	assert_int_equal(f->d.last.flags, RANGE_SET);
	f->d.requests = 0;
	expect(f, "delete", EX_USAGE, "", "ipfw: missing the number of a rule "
	    "after word 1 \"delete\"\n");
	expect(f, "delete x", EX_DATAERR, "", "ipfw: word 2 \"x\": not a rule "
	    "number or a range (1 to 65535)\n");
	expect(f, "delete 65536", EX_DATAERR, "", "ipfw: word 2 \"65536\": not "
	    "a rule number or a range (1 to 65535)\n");
	expect(f, "delete set 32", EX_DATAERR, "",
	    "ipfw: word 3 \"32\": not a set (0 to 31)\n");
	assert_int_equal(f->d.requests, 0);
}

static void
resets(void **state)
{
	struct fixture *f = *state;

	expect(f, "zero", 0, "Accounting cleared.\n", "");
	assert_int_equal(f->d.last.flags, RANGE_ALL);
	expect(f, "zero 100 8 200", EX_UNAVAILABLE, "Entry 100 cleared.\n"
	    "Entry 8 not found\nEntry 200 cleared.\n", "");
	expect(f, "resetlog", 0, "Logging counts reset.\n", "");
	assert_int_equal(f->d.last_op, FW3_XRESETLOG);
	expect(f, "resetlog 100", 0, "Entry 100 logging count reset.\n", "");
	expect(f, "-q zero 100", 0, "", "");
	expect(f, "zero x", EX_USAGE, "",
	    "ipfw: word 2 \"x\": not a rule number (1 to 65535)\n");
	expect(f, "flush", 0, "Flushed all rules.\n", "");
	assert_int_equal(f->d.last_op, FW3_XDEL);
	expect(f, "set 4 flush", 0, "Flushed all rules.\n", "");
	assert_int_equal(f->d.last.flags, RANGE_SET);
}

static void
asks_before_flush(void **state)
{
	struct fixture *f = *state;

	f->c.flags = 0;
	f->c.in = fmemopen((char[]){"maybe\nn\ny\n"}, 10, "r");
	expect(f, "flush", 0, "Are you sure? [yn] Are you sure? [yn] ", "");
	assert_int_equal(f->d.requests, 0);
	expect(f, "flush", 0, "Are you sure? [yn] \nFlushed all rules.\n", "");
	assert_int_equal(f->d.requests, 1);
	expect(f, "flush", 0, "Are you sure? [yn] ", ""); /* end of input */
	fclose(f->c.in);
}

static void
sets(void **state)
{
	struct fixture *f = *state;

	run_args(f, "set show", false);
	assert_memory_equal(f->out, "enable 0 1 2", 12);
	f->d.set_mask = ~(1u << 5 | 1u << 31);
	run_args(f, "set show", false);
	assert_memory_equal(f->out, "disable 5 enable 0 1", 20);
	assert_null(strstr(f->out, "31"));
	expect(f, "set disable 1 2 enable 3", 0, "", "");
	assert_int_equal(f->d.last_op, FW3_SET_ENABLE);
	assert_int_equal(f->d.last.set, 6);
	assert_int_equal(f->d.last.new_set, 8);
	expect(f, "set swap 1 2", 0, "", "");
	assert_int_equal(f->d.last_op, FW3_SET_SWAP);
	expect(f, "set move 1 to 31", 0, "", "");
	assert_int_equal(f->d.last_op, FW3_SET_MOVE);
	assert_int_equal(f->d.last.new_set, 31);
	expect(f, "set move rule 1000 to 2", 0, "", "");
	assert_int_equal(f->d.last_op, FW3_XMOVE);
	assert_int_equal(f->d.last.start_rule, 1000);
	assert_int_equal(f->d.last.flags, RANGE_RULES);
}

static void
set_errors(void **state)
{
	struct fixture *f = *state;

	expect(f, "set", EX_USAGE, "", "ipfw: missing show, enable, disable, "
	    "swap or move after word 1 \"set\"\n");
	expect(f, "set shw", EX_USAGE, "", "ipfw: word 2 \"shw\": unknown set "
	    "command, did you mean \"show\"?\n");
	expect(f, "set enable 1 disable 1", EX_DATAERR, "", "ipfw: word 5 "
	    "\"1\": cannot enable and disable the same set\n");
	expect(f, "set swap 1", EX_USAGE, "", "ipfw: missing two sets (set "
	    "swap A B) after word 3 \"1\"\n");
	expect(f, "set swap 1 32", EX_DATAERR, "",
	    "ipfw: word 4 \"32\": not a set (0 to 31)\n");
	expect(f, "set move 1 too 2", EX_USAGE, "",
	    "ipfw: word 4 \"too\": expected \"to\"\n");
	expect(f, "set 40 list", EX_DATAERR, "",
	    "ipfw: word 2 \"40\": not a set (0 to 31)\n");
	expect(f, "set 4 add allow in", EX_USAGE, "",
	    "ipfw: bad command `add'\n");
	assert_int_equal(f->d.requests, 0);
}

static void
sysctls(void **state)
{
	struct fixture *f = *state;

	expect(f, "sysctl -a", 0, "net.inet.ip.fw.one_pass: 0\n"
	    "kipfw.big: 1099511627776\t(read only)\n"
	    "kipfw.text: a?b\t(read only)\n", "");
	expect(f, "sysctl kipfw", 0,
	    "kipfw.big: 1099511627776\t(read only)\n"
	    "kipfw.text: a?b\t(read only)\n", "");
	expect(f, "sysctl net.inet.ip.fw.one_pass=7", 0, "", "");
	assert_int_equal(f->d.one_pass, 7);
	expect(f, "enable one_pass", 0, "", "");
	assert_int_equal(f->d.one_pass, 1);
	expect(f, "disable one_pass", 0, "", "");
	assert_int_equal(f->d.one_pass, 0);
	expect(f, "sysctl kipfw.big=1", EX_NOPERM, "",
	    "ipfw: word 2 \"kipfw.big=1\": can only be read\n");
	expect(f, "sysctl nope", EX_UNAVAILABLE, "", "ipfw: word 2 \"nope\": "
	    "the daemon has no sysctl \"nope\"\n");
	expect(f, "sysctl net.inet.ip.fw.one_pass=x", EX_DATAERR, "", "ipfw: "
	    "word 2 \"net.inet.ip.fw.one_pass=x\": the value is not a number "
	    "that fits\n");
	expect(f, "enable one_pas", 0, "", "ipfw: DEPRECATED: 'one_pas' matched "
	    "'one_pass' as a sub-string\n");
	expect(f, "enable onepass", EX_USAGE, "", "ipfw: word 2 \"onepass\": "
	    "unrecognized enable/disable keyword, did you mean "
	    "\"one_pass\"?\n");
}

static void
command_words(void **state)
{
	struct fixture *f = *state;

	expect(f, "lis", 0, RULES,
	    "ipfw: DEPRECATED: 'lis' matched 'list' as a sub-string\n");
	expect(f, "lsit", EX_USAGE, "",
	    "ipfw: bad command `lsit', did you mean \"list\"?\n");
	expect(f, "-c", EX_USAGE, "",
	    "ipfw: word 1 \"-c\": no command after the flags\n");
	expect(f, "-y list", EX_USAGE, "",
	    "ipfw: word 1 \"-y\": unknown flag -y\n");
	expect(f, "-s 1 list", 0, RULES, "");
	expect(f, "-- list", 0, RULES, "");
	expect(f, "pipe 1 config bw 1Mbit/s", 0, "", "");
	expect(f, "", EX_USAGE, "", "usage: ipfw [options]\n"
	    "do \"ipfw -h\" or \"man ipfw\" for details\n");
	run_args(f, "-h", false);
	assert_int_equal(f->code, 0);
	assert_non_null(strstr(f->out, "usage: ipfw"));
	f->c.prog = "dnctl";
	expect(f, "list", EX_USAGE, "", "dnctl: bad command `list'\n");
}

static void
daemon_errors(void **state)
{
	struct fixture *f = *state;

	f->d.fail = EINVAL;
	expect(f, "add allow in", EX_UNAVAILABLE, "",
	    "ipfw: Invalid argument\n");
	f->d.why = "opcode TAG is not implemented";
	expect(f, "add allow tag 1 in", EX_UNAVAILABLE, "",
	    "ipfw: opcode TAG is not implemented\n");
	f->d.fail = EPERM;
	f->d.why = NULL;
	expect(f, "list", EX_NOPERM, "", "ipfw: Operation not permitted\n");
	expect(f, "delete 1", EX_NOPERM, "",
	    "ipfw: rule 1: Operation not permitted\n");
}

/* ---- files ---- */

static char path[] = "/tmp/kipfw-test-XXXXXX";

static void
write_file(const char *text)
{
	FILE *f;

	strcpy(path + sizeof(path) - 7, "XXXXXX");
	f = fdopen(mkstemp(path), "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void
scripts(void **state)
{
	struct fixture *f = *state;
	char args[100];

	write_file("# rules\n\nadd 10 allow in # hi\n-q add 11 deny in\n"
		   "add 12 allow inn\nadd 13 allow in\n");
	snprintf(args, sizeof(args), "%s", path);
	expect(f, args, EX_USAGE, "00010 allow in\n", "Line 5: word 4 \"inn\": "
	    "unknown keyword, did you mean \"in\"?\n");
	snprintf(args, sizeof(args), "-q %s", path);
	run_args(f, args, false);
	assert_string_equal(f->out, "");
	unlink(path);
	write_file("add NUM allow in\nlist 77\n");
	snprintf(args, sizeof(args), "-p sed s/NUM/21/ %s", path);
	expect(f, args, EX_UNAVAILABLE, "00021 allow in\n",
	    "Line 2: rule 77 does not exist\n");
	snprintf(args, sizeof(args), "-p false %s", path);
	expect(f, args, EX_UNAVAILABLE, "",
	    "ipfw: preprocessor false exited with status 1\n");
	unlink(path);
	run_args(f, "/nonexistent/rules", false);
	assert_int_equal(f->code, EX_USAGE);
}

static void
files_in_process(void **state)
{
	struct fixture *f = *state;
	struct err e = {.code = 0};
	char want[200];
	FILE *out = open_memstream(&f->out, &f->out_len);

	write_file("add 10 allow in\nset disable 4\n");
	assert_int_equal(cli_run_file(f->c.ctl, path, out, &e), 0);
	assert_int_equal(e.code, 0);
	unlink(path);
	write_file("add 10 allow in\nadd alow in\n");
	assert_int_equal(cli_run_file(f->c.ctl, path, out, &e), EX_USAGE);
	snprintf(want, sizeof(want), "%s: Line 2: word 2 \"alow\": unknown "
	    "action, did you mean \"allow\"?", path);
	assert_string_equal(e.text, want);
	unlink(path);
	fclose(out);
	assert_string_equal(f->out, "00010 allow in\n00010 allow in\n");
}

/* ---- a daemon that lies ---- */

/* A number below 'n', the same ones each time; quick, for replies are long. */
static uint32_t
some(uint32_t n)
{
	static uint64_t x = 1;

	x = x * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(x >> 33) % n;
}

static int
lie(void *arg, uint32_t optname, uint32_t dir, void *data, size_t len,
    size_t room, size_t *reply_len, struct err *why)
{
	unsigned char *p = data;

	(void)arg, (void)optname, (void)dir, (void)why;
	*reply_len = some(3) == 0 ? room : some((uint32_t)room + 1);
	for (size_t k = len < 32 ? len : 32; k < *reply_len; k++) {
		uint32_t octet = some(18);

		p[k] = octet < 9 ? 0 : (unsigned char)(octet - 9);
	}
	for (size_t k = 32; k + 16 < *reply_len && k < 96; k += 8)
		if (some(2) == 0) {
			uint32_t v[2] = {3 + some(6), some(64) * 8};

			memcpy(p + k, v, 8);
		}
	return some(8) == 0 ? -(int)some(40) : 0;
}

static void
hostile_daemon(void **state)
{
	static const char *const commands[] = {"-T show", "list", "-dS list",
	    "set show", "sysctl -a", "internal iflist", "pipe show",
	    "add allow in", "delete 1", "zero"};
	struct fixture *f = *state;

	ctl_client_close(f->c.ctl);
	f->c.ctl = ctl_client_wrap(lie, NULL);
	srand(7);
	for (int k = 0; k < 1500; k++)
		run_args(f, commands[k % ARRAY_LEN(commands)], false);
}

/* Answers with these octets, in memory that ends where the room ends. */
struct canned {
	const void *data;
	size_t len;
	uint32_t need; /* for a probe of sysctls */
};

static int
recite(void *arg, uint32_t optname, uint32_t dir, void *data, size_t len,
    size_t room, size_t *reply_len, struct err *why)
{
	const struct canned *a = arg;

	(void)dir, (void)len, (void)why;
	if (optname == CTL_DUMMYNET3 && room == 8) {
		memcpy((char *)data + 4, &a->need, 4);
		*reply_len = 8;
		return 0;
	}
	*reply_len = a->len < room ? a->len : room;
	memcpy(data, a->data, *reply_len);
	return 0;
}

static void
with_canned(struct fixture *f, struct canned a, const char *args, int code,
    const char *out)
{
	struct ctl_client *daemon = f->c.ctl;

	f->c.ctl = ctl_client_wrap(recite, &a);
	run_args(f, args, false);
	assert_string_equal(f->out, out);
	assert_int_equal(f->code, code);
	ctl_client_close(f->c.ctl);
	f->c.ctl = daemon;
}

static void
lying_sizes(void **state)
{
	struct fixture *f = *state;
	uint32_t table[] = {0, 0, 1000, 20, 2, 900};
	uint32_t data[] = {0, 0, 24, 8, 2, 900, 0x6161, 0};
	struct {
		struct cfg_lhdr h;
		struct obj_ctlv list;
		struct obj_tlv tlv;
		struct abi_counter c;
		struct abi_rule r;
	} get = {.h = {.set_mask = UINT32_MAX},
	    .list = {.head = {TLV_RULE_LIST, 0, 16 + 8 + 24 + 16}, .count = 1},
	    .tlv = {TLV_RULE_ENT, 0, 8 + 24 + 16},
	    .c = {.size = 24}, .r = {.rulenum = 7, .cmd_len = 200}};
	struct {
		struct obj_lhdr h;
		struct iface_info i;
	} ifs = {.h = {.count = 1000, .size = sizeof(ifs),
		     .objsize = sizeof(ifs.i)},
	    .i = {.ifname = "em0"}};

	(void)state;
	with_canned(f, (struct canned){table, sizeof(table), sizeof(table)},
	    "sysctl -a", 0, "");
	with_canned(f, (struct canned){data, sizeof(data), sizeof(data)},
	    "sysctl -a", 0, "");
	with_canned(f, (struct canned){table, 0, 1u << 31}, "sysctl -a",
	    EX_OSERR, "");
	with_canned(f, (struct canned){&get, sizeof(get), 0}, "show", 0,
	    "00007 0 0 [no action] ip from any to any\n");
	get.c.size = 4096;
	with_canned(f, (struct canned){&get, sizeof(get), 0}, "show", 0, "");
	get.c.size = 24;
	get.tlv.length = 8 + 24 + 8; /* half a rule */
	with_canned(f, (struct canned){&get, sizeof(get), 0}, "show", 0, "");
	get.tlv.length = 1 << 20;
	with_canned(f, (struct canned){&get, sizeof(get), 0}, "show", 0, "");
	get.list.head.length = 1 << 20;
	with_canned(f, (struct canned){&get, sizeof(get), 0}, "show", 0, "");
	with_canned(f, (struct canned){&ifs, sizeof(ifs), 0},
	    "internal iflist", 0,
	    "em0 ifindex: unresolved refcount: 0 changes: 0\n");
	ifs.h.count = 0;
	with_canned(f, (struct canned){&ifs, sizeof(ifs), 0},
	    "internal iflist", 0, "");
	ifs.h.count = 1;
	ifs.h.objsize = 1;
	with_canned(f, (struct canned){&ifs, sizeof(ifs), 0},
	    "internal iflist", EX_OSERR, "");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(lists),	 TEST(long_list),     TEST(adds),
	    TEST(out_pass),	 TEST(deletes),	      TEST(resets),
	    TEST(asks_before_flush), TEST(sets),      TEST(set_errors),
	    TEST(sysctls),	 TEST(command_words), TEST(daemon_errors),
	    TEST(scripts),	 TEST(files_in_process),
	    TEST(hostile_daemon), TEST(lying_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
