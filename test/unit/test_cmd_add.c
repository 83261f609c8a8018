/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rules of a file: sent together, and with the output, the errors and the rules
 * of sending them one by one.  The commands go through the real handlers.
 */
#include "cli_rig.h"

#include "base/rng.h"

#include <errno.h>
#include <unistd.h>

static unsigned n_adds; /* requests */
static bool one_rule;	/* more than one is refused, as the original does */

static int
carry(void *arg, uint32_t optname, uint32_t dir, void *data, size_t len,
    size_t room, size_t *reply_len, struct err *why)
{
	const struct fw3_hdr *h = data;
	const struct obj_ctlv *l = (const void *)(h + 1);

	if (optname == CTL_FW3 && h->opcode == FW3_XADD) {
		n_adds++;
		if (l->head.type == TLV_TBLNAME_LIST)
			l = (const void *)((const char *)l + l->head.length);
		if (one_rule && l->count > 1)
			return -ENOTSUP;
	}
	return ctl_local_transport(arg, optname, dir, data, len, room,
	    reply_len, why);
}

static int
setup(void **state)
{
	n_adds = 0;
	one_rule = false;
	rig_transport = carry;
	rig_flags = CLI_FORCE;
	return rig_setup(state);
}

static int
run_file(const char *lines)
{
	char path[] = "/tmp/kipfw-test-XXXXXX";
	FILE *f = fdopen(mkstemp(path), "w");
	int code;

	assert_non_null(f);
	fputs(lines, f);
	fclose(f);
	code = run(path);
	unlink(path);
	return code;
}

static void
expect_file(const char *lines, int code, const char *want, unsigned requests)
{
	int got;

	n_adds = 0;
	got = run_file(lines);
	assert_string_equal(text, want);
	assert_int_equal(got, code);
	assert_int_equal(n_adds, requests);
}

static void
together(void **state)
{
	(void)state;
	expect_file("add allow ip from any to any\n\n# a comment\n"
	       "add 500 set 3 deny tcp from any to any 80 // web\n"
	       "-q add 500 count icmp from any to any\n"
	       "-S add count log udp from table(a) to table(b)\n",
	    0, "00100 allow ip from any to any\n"
	    "00500 deny tcp from any to any 80 // web\n"
	    "00600 set 0 count log udp from table(a) to table(b)\n", 1);
	run("list");
	assert_string_equal(text, "00100 allow ip from any to any\n"
	    "00500 deny tcp from any to any 80 // web\n"
	    "00500 count icmp from any to any\n"
	    "00600 count log udp from table(a) to table(b)\n"
	    "65535 allow ip from any to any\n");
}

/* A list must be in the order of numbers: going back starts another. */
static void
out_of_order(void **state)
{
	(void)state;
	expect_file("add 20 allow in\nadd 30 allow in\nadd 10 allow in\n"
	       "add 15 allow in\nadd allow in\n",
	    0, "00020 allow in\n00030 allow in\n00010 allow in\n"
	    "00015 allow in\n00130 allow in\n", 2);
}

static void
between_commands(void **state)
{
	(void)state;
	expect_file("add 10 allow in\nadd 20 allow in\nlist 10\nadd 30 allow in\n"
	       "delete 10\nadd 10 deny in\n-n add 40 deny in\n"
	       "table 1 create\ntable 1 add 1.2.3.4\nlist 10\n",
	    0, "00010 allow in\n00020 allow in\n00010 allow in\n"
	    "00030 allow in\n00010 deny in\n00040 deny in\n"
	    "added: 1.2.3.4/32 0\n00010 deny in\n", 3);
}

/* Names of one list share their indexes with those of each rule. */
static void
names(void **state)
{
	static const char out[] =
	    "00010 allow tcp from any to any keep-state :web\n"
	    "00020 check-state :dns\n"
	    "00030 tcp-setmss 1400 tcp from any to any setup\n"
	    "00040 allow udp from table(web) to any keep-state :dns\n"
	    "00050 allow udp from table(dns) to any limit src-addr 3 :web\n"
	    "00060 check-state :any\n";
	(void)state;
	expect_file("add 10 allow tcp from any to any keep-state :web\n"
	       "add 20 check-state :dns\n"
	       "add 30 tcp-setmss 1400 tcp from any to any setup\n"
	       "add 40 allow udp from table(web) to any keep-state :dns\n"
	       "add 50 allow udp from table(dns) to any limit src-addr 3 :web\n"
	       "add 60 check-state :any\n", 0, out, 1);
	run("list 1-60");
	assert_string_equal(text, out);
}

static void
refused_by_us(void **state)
{
	(void)state;
	expect_file("add 10 allow in\nadd 20 alow in\nadd 30 allow in\n", EX_USAGE,
	    "00010 allow in\nLine 2: word 3 \"alow\": unknown action, did you "
	    "mean \"allow\"?\n", 1);
	run("list");
	assert_string_equal(text, "00010 allow in\n"
	    "65535 allow ip from any to any\n");
}

static void
refused_by_the_daemon(void **state)
{
	(void)state;
	expect_file("add 10 allow in\nadd 20 allow in\n\nadd 30 allow uid 0\n"
	       "add 40 allow in\nadd 50 allow uid 1\n", EX_UNAVAILABLE,
	    "00010 allow in\n00020 allow in\n"
	    "Line 4: word 4 \"uid\": needs sockets on this machine, and a "
	    "bump in the wire has none\n", 4);
	run("list");
	assert_string_equal(text, "00010 allow in\n00020 allow in\n"
	    "65535 allow ip from any to any\n");
	/* Before it the daemon, after it the parser: the first line counts. */
	expect_file("add 30 allow in recv 10.0.0.1\n", EX_UNAVAILABLE, "Line 1: "
	    "word 5 \"recv\": names an address, and ports here have none\n", 1);
	expect_file("add 30 allow uid 0\nadd 40 alow in\n", EX_UNAVAILABLE,
	    "Line 1: word 4 \"uid\": needs sockets on this machine, and a "
	    "bump in the wire has none\n", 1);
}

static void
the_original_takes_one(void **state)
{
	(void)state;
	one_rule = true;
	assert_int_equal(run_file("add 10 allow in\nadd 20 deny in\n"
	    "add 30 count in\n"), 0);
	assert_string_equal(text,
	    "00010 allow in\n00020 deny in\n00030 count in\n");
}

/* Default amounts of log are asked for once, warnings carry their line. */
static void
knobs(void **state)
{
	(void)state;
	run("sysctl net.inet.ip.fw.verbose_limit=7");
	expect_file("add 10 count log in\nadd 20 deny out\nadd 30 count log in\n",
	    0, "00010 count log logamount 7 in\n00020 deny out\n"
	    "Line 2: warning: rule 20 matches on the out pass only, which is "
	    "off (sysctl net.inet.ip.fw.out_pass=1)\n"
	    "00030 count log logamount 7 in\n", 1);
	expect_file("sysctl net.inet.ip.fw.verbose_limit=8\nadd 40 count log in\n"
	       "sysctl net.inet.ip.fw.verbose_limit=9\nadd 50 count log in\n",
	    0, "00040 count log logamount 8 in\n"
	    "00050 count log logamount 9 in\n", 2);
}

/* More than one list holds, and more new tables than the daemon makes for
 * one. */
static void
many(void **state)
{
	size_t room = 400000;
	char *lines = malloc(room);
	size_t n = 0;

	(void)state;
	for (unsigned i = 1; i <= 3000; i++)
		n += (size_t)snprintf(lines + n, room - n,
		    "-q add %u count ip from table(t%u) to any\n", i,
		    i < 1000 ? i : 1000);
	assert_int_equal(run_file(lines), 0);
	assert_string_equal(text, "");
	run("list");
	n = 0;
	for (const char *s = text; (s = strchr(s, '\n')) != NULL; s++)
		n++;
	assert_int_equal(n, 3001);
	assert_non_null(strstr(text, "02999 count ip from table(t1000) to"));
	assert_non_null(strstr(text, "00999 count ip from table(t999) to"));
	free(lines);
}

/* ---- the same as one by one, for any file ---- */

static size_t
random_line(struct rng *r, char *to, size_t room)
{
	static const char *const forms[] = {
	    "add NN allow ip from any to any\n", "add deny tcp from me to any\n",
	    "add NN count log ip from table(x) to table(y)\n",
	    "add 300 allow udp from any to any keep-state :sNN\n",
	    "-q add NN check-state :s2\n", "add 400 skipto tablearg in\n",
	    "add NN allow lookup dst-port p\n", "add NN deny out // NN\n",
	    "add NN set 5 tcp-setmss 1300 in\n", "-S add allow frag\n",
	    "add count log in\n", "\n", "list NN\n", "table x add 1.2.3.NN\n",
	    "set 5 delete NN\n", "-q zero\n", "set disable 5\n", "set show\n",
	    "add NN allow jail 1\n", "add NN allow foo\n", "delete NN\n",
	};
	static const unsigned char rare[] = {12, 14, 18, 19, 20};
	unsigned k = (unsigned)(rng_u64(r) % ARRAY_LEN(forms));
	size_t n = 0;
	unsigned v = (unsigned)(rng_u64(r) % 20) * 10;

	if (memchr(rare, (int)k, sizeof(rare)) != NULL && rng_u64(r) % 16 != 0)
		k = 3; /* what ends the file is rare */
	for (const char *s = forms[k]; *s != '\0' && n + 4 < room; s++) {
		if (strncmp(s, "NN", 2) == 0)
			n += (size_t)snprintf(to + n, room - n, "%u", v);
		else if (s == forms[k] || s[-1] != 'N' || *s != 'N')
			to[n++] = *s;
	}
	to[n] = '\0';
	return n;
}

/* Runs each line as a command of its own, up to the first that fails. */
static int
run_alone(const char *lines)
{
	char *all = NULL;
	size_t size;
	FILE *f = open_memstream(&all, &size);
	int code = 0;

	for (unsigned n = 1; *lines != '\0' && code == 0; n++) {
		size_t len = strcspn(lines, "\n");
		char line[100];

		snprintf(line, sizeof(line), "%.*s", (int)len, lines);
		lines += len + 1;
		if (len == 0)
			continue;
		code = run(line);
		for (char *s = text, *end; *s != '\0'; s = end) {
			bool error = strncmp(s, "ipfw: ", 6) == 0;

			end = strchr(s, '\n') + 1;
			if (error)
				fprintf(f, "Line %u: ", n);
			fwrite(s + 6 * error, 1, (size_t)(end - s) - 6 * error,
			    f);
		}
	}
	fclose(f);
	free(text);
	text = all;
	return code;
}

static void
as_one_by_one(void **state)
{
	struct rng r;

	(void)state;
	rng_init(&r, 4);
	for (unsigned round = 0; round < 300; round++) {
		char lines[4096], *out[2][2];
		size_t n = 0;
		int code[2];

		for (unsigned k = 0; k < 30; k++)
			n += random_line(&r, lines + n, sizeof(lines) - n);
		for (unsigned k = 0; k < 2; k++) {
			rig_teardown(NULL);
			setup(NULL);
			code[k] = k == 0 ? run_file(lines) : run_alone(lines);
			out[k][0] = strdup(text);
			run("-S list");
			out[k][1] = strdup(text);
		}
		assert_int_equal(code[0], code[1]);
		for (unsigned k = 0; k < 2; k++) {
			assert_string_equal(out[0][k], out[1][k]);
			free(out[0][k]);
			free(out[1][k]);
		}
	}
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, rig_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(together),	 TEST(out_of_order),
	    TEST(between_commands), TEST(names),
	    TEST(refused_by_us), TEST(refused_by_the_daemon),
	    TEST(the_original_takes_one), TEST(knobs),
	    TEST(many),		 TEST(as_one_by_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
