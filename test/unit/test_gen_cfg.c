/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "tools/gen_cfg.h"

#include "tools/gen_frame.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

enum { MAX_WORDS = 64 };

/* Splits 'line' at blanks and parses it after "pkt-gen". */
static int
parse(const char *line, struct gen_cfg *c, struct err *e)
{
	static char copy[512];
	char *argv[MAX_WORDS + 1], *rest = copy, *word;
	static char name[] = "pkt-gen";
	int argc = 0;

	assert_true(strlen(line) < sizeof(copy));
	strcpy(copy, line);
	argv[argc++] = name;
	while ((word = strsep(&rest, " ")) != NULL)
		if (*word != '\0' && argc < MAX_WORDS)
			argv[argc++] = word;
	argv[argc] = NULL;
	return gen_cfg_parse(argc, argv, c, e);
}

static struct gen_cfg
good(const char *line)
{
	struct gen_cfg c;
	struct err e = {0};

	if (parse(line, &c, &e) != GEN_CFG_RUN)
		fail_msg("%s: %s", line, e.text);
	return c;
}

static void
test_defaults(void **state)
{
	struct gen_cfg c = good("-i valeA:1");

	(void)state;
	assert_string_equal(c.port, "valeA:1");
	assert_int_equal(c.mode, GEN_RX);
	assert_int_equal(c.n, 0);
	assert_int_equal(c.len, 60);
	assert_int_equal(c.len_min, 0);
	assert_int_equal(c.burst, 512);
	assert_int_equal(c.af, AF_INET);
	assert_int_equal(c.src.lo, 0x0a000001);
	assert_int_equal(c.dst.lo, 0x0a010001);
	assert_true(c.dst_mac.lo == 0xffffffffffffull);
	assert_true(c.src_mac.lo >> 40 == 2); /* local, unicast */
	assert_int_equal(c.rate_pps, 0);
	assert_int_equal(c.wait_s, 0);
	assert_int_equal(c.report_ms, 1000);
	assert_int_equal(c.cpu, GEN_CPU_ANY);
	assert_true(c.cpus >= 1);
	assert_int_equal(c.threads, 1);
	assert_null(c.trace_file);
}

static void
test_all(void **state)
{
	struct gen_cfg c =
	    good("-i v -f tx -n 1.5M -l 1514 -l 64 -b 32 -R 2K "
		 "-w 3 -T 500 -a 0 -c 1 -XNBWrvv -C 512,1024,2,4 "
		 "--json --touch --seed 9 -s 10.0.0.1:5-10.0.0.2:6 "
		 "-d 1.2.3.4 -S 02:00:00:00:00:01 "
		 "-D 02:00:00:00:00:02-02:00:00:00:00:03");

	(void)state;
	assert_int_equal(c.mode, GEN_TX);
	assert_int_equal(c.n, 1500000);
	assert_int_equal(c.len, 1514);
	assert_int_equal(c.len_min, 64);
	assert_int_equal(c.burst, 32);
	assert_int_equal(c.rate_pps, 2000);
	assert_int_equal(c.wait_s, 3);
	assert_int_equal(c.report_ms, 500);
	assert_int_equal(c.cpu, 0);
	assert_int_equal(c.cpus, 1);
	assert_true(c.dump && c.raw_units && c.framing && c.stop_when_silent);
	assert_true(c.headers_only && c.json && c.touch);
	assert_int_equal(c.verbose, 2);
	assert_int_equal(c.seed, 9);
	assert_int_equal(c.ring.tx_slots, 512);
	assert_int_equal(c.ring.rx_slots, 1024);
	assert_int_equal(c.ring.tx_rings, 2);
	assert_int_equal(c.ring.rx_rings, 4);
	assert_int_equal(c.src.port_hi, 6);
	assert_true(c.dst_mac.hi == 0x020000000003ull);
}

static void
test_families(void **state)
{
	struct gen_cfg c = good("-i v -f tx -6");

	(void)state;
	assert_int_equal(c.af, AF_INET6);
	assert_int_equal(c.len, GEN_HDR6_LEN);
	assert_int_equal(c.src.af, AF_INET6);
	c = good("-i v -f tx -d fd00::5");
	assert_int_equal(c.af, AF_INET6);
	assert_int_equal(c.src.af, AF_INET6);
	c = good("-i v -f ping -6");
	assert_int_equal(c.len, 74);
	assert_int_equal(c.burst, 1);
	c = good("-i v -f ping");
	assert_int_equal(c.len, 60);
}

static void
test_random(void **state)
{
	struct gen_cfg c = good("-i v -f tx -z -Z -d 10.0.0.0-10.0.0.255");

	(void)state;
	assert_int_equal(c.src.lo, 0);
	assert_int_equal(c.src.hi, UINT32_MAX);
	assert_int_equal(c.src.port_hi, 65535);
	assert_int_equal(c.dst.lo, 0x0a000000);
	assert_int_equal(c.dst.hi, 0x0a0000ff);
	assert_int_equal(c.dst.port_lo, 0);
}

static void
test_rings(void **state)
{
	struct gen_cfg c = good("-i v -C 2048");

	(void)state;
	assert_int_equal(c.ring.tx_slots, 2048);
	assert_int_equal(c.ring.rx_slots, 2048);
	c = good("-i v -C 0,256,3");
	assert_int_equal(c.ring.tx_slots, 0);
	assert_int_equal(c.ring.rx_slots, 256);
	assert_int_equal(c.ring.tx_rings, 3);
	assert_int_equal(c.ring.rx_rings, 3);
	c = good("-i v -p 4");
	assert_int_equal(c.ring.rx_rings, 4);
	assert_int_equal(c.ring.tx_rings, 0);
	c = good("-i v -f tx -p 4");
	assert_int_equal(c.ring.tx_rings, 4);
}

/* Two ports, two addresses; the same port, the same address. */
static void
test_mac_of_port(void **state)
{
	(void)state;
	assert_true(good("-i valeA:1").src_mac.lo !=
		    good("-i valeA:2").src_mac.lo);
	assert_true(good("-i valeA:1").src_mac.lo ==
		    good("-i valeA:1").src_mac.lo);
}

static void
test_help(void **state)
{
	struct gen_cfg c;

	(void)state;
	assert_int_equal(parse("-h", &c, NULL), GEN_CFG_HELP);
	assert_int_equal(parse("--help", &c, NULL), GEN_CFG_HELP);
	assert_int_equal(parse("--version", &c, NULL), GEN_CFG_VERSION);
}

/* Every refusal names the option and says why; the result is untouched. */
static void
test_refused(void **state)
{
	static const struct {
		const char *line, *why;
	} bad[] = {
	    {"", "-i: a port is needed, as valeA:1"},
	    {"-i", "-i: needs a value"},
	    {"-i v -k", "-k: no such option"},
	    {"-i v --nope", "--nope: no such option"},
	    {"-i v --seed", "--seed: needs a value"},
	    {"-i v --json=1", "--json: takes no value"},
	    {"-i v foo", "foo: not an option"},
	    {"-i v -f up", "-f up: must be tx, rx, ping or pong"},
	    {"-i v -l 12", "-l 12: must be a number from 60 to 65472"},
	    {"-i v -l 65473", "-l 65473: must be a number from 60 to 65472"},
	    {"-i v -l 100 -l 200",
	     "-l 200: the second size is above the first, 100"},
	    {"-i v -l 100 -l 80 -l 70", "-l 70: more than two sizes"},
	    {"-i v -6 -l 61", "-l 61: at least 62 are needed here"},
	    {"-i v -f ping -6 -l 73", "-l 73: at least 74 are needed here"},
	    {"-i v -f ping -l 90 -l 80", "-l: ping has one size"},
	    {"-i v -n -1", "-n -1: must be a number from 0"},
	    {"-i v -n 1e6", "-n 1e6: must be a number from 0"},
	    {"-i v -b 0", "-b 0: must be a number from 1 to 65535"},
	    {"-i v -R x", "-R x: must be a number from 0 to 1000000000000"},
	    {"-i v -R 1001G",
	     "-R 1001G: must be a number from 0 to 1000000000000"},
	    {"-i v -T 1.5", "-T 1.5: must be a number from 0 to 86400000"},
	    {"-i v -s 10.0.0.300",
	     "-s 10.0.0.300: '10.0.0.300' is not an IPv4 address"},
	    {"-i v -d 10.0.0.2-10.0.0.1", "-d 10.0.0.2-10.0.0.1: the "
					  "range of addresses is reversed"},
	    {"-i v -s fd00::1 -d 10.0.0.1", "-d: IPv4, but the other is IPv6"},
	    {"-i v -6 -s 10.0.0.1", "-s: IPv4, but the other is IPv6"},
	    {"-i v -4 -s fd00::1", "-4: there is an IPv6 address"},
	    {"-i v -4 -6", "-4 and -6 exclude each other"},
	    {"-i v -D 1:2", "-D 1:2: '1:2' is not a MAC address"},
	    {"-i v -a 9999", NULL},
	    {"-i v -c 9999", NULL},
	    {"-i v -p 9", "-p 9: must be a number from 1 to 8"},
	    {"-i v -p 2 -f ping", "-p 2: ping has one thread"},
	    {"-i v -p 2 -C 0,0,1", "-p 2: more threads than rings, 1"},
	    {"-i v -C 300",
	     "-C 300: slots must be a power of two from 256 to 65536"},
	    {"-i v -C 1,2,3,4,5",
	     "-C 1,2,3,4,5: slots must be a power of two from 256 to "
	     "65536"},
	    {"-i v -C 256,256,1,1,1",
	     "-C 256,256,1,1,1: more than four numbers"},
	    {"-i v -C 256,", "-C 256,: must be a number from 0 to 65536"},
	    {"-i v -I", "-I: indirect buffers are not supported"},
	    {"-i v -F 2", "-F 2: frames of several slots are not supported"},
	    {"-i v -H 12", "-H 12: virtio headers are not supported"},
	    {"-i v -P x", "-P: only tx sends a file"},
	    {"-i v -f tx -P x -s 10.0.0.1",
	     "-s: the frames of -P are sent as they are"},
	    {"-i v -f tx -r -6", "-r: IPv6 needs the checksum of its payload"},
	    {"-i v -f ping -r", "-r: ping needs its payload"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct gen_cfg c = {.n = 77};
		struct err e = {0};

		assert_int_equal(parse(bad[i].line, &c, &e), -EINVAL);
		if (bad[i].why != NULL)
			assert_string_equal(e.text, bad[i].why);
		assert_int_equal(c.n, 77);
	}
}

static void
test_long_name(void **state)
{
	char line[300] = "-i ";
	struct gen_cfg c;

	(void)state;
	memset(line + 3, 'x', 200);
	assert_int_equal(parse(line, &c, NULL), -EINVAL);
	line[3 + GEN_PORT_NAME_MAX - 1] = '\0';
	assert_int_equal(parse(line, &c, NULL), GEN_CFG_RUN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_defaults),
	    cmocka_unit_test(test_all),
	    cmocka_unit_test(test_families),
	    cmocka_unit_test(test_random),
	    cmocka_unit_test(test_rings),
	    cmocka_unit_test(test_mac_of_port),
	    cmocka_unit_test(test_help),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_long_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
