/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "tools/gen_range.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

static void
test_ipv4(void **state)
{
	struct gen_range r;

	(void)state;
	assert_int_equal(gen_range_parse("10.0.0.1", &r, NULL), 0);
	assert_int_equal(r.af, AF_INET);
	assert_int_equal(r.lo, 0x0a000001);
	assert_int_equal(r.hi, 0x0a000001);
	assert_int_equal(r.port_lo, GEN_PORT_DEFAULT);
	assert_int_equal(r.port_hi, GEN_PORT_DEFAULT);

	assert_int_equal(
	    gen_range_parse("10.0.0.1:1000-10.0.0.9:2000", &r, NULL), 0);
	assert_int_equal(r.lo, 0x0a000001);
	assert_int_equal(r.hi, 0x0a000009);
	assert_int_equal(r.port_lo, 1000);
	assert_int_equal(r.port_hi, 2000);

	assert_int_equal(gen_range_parse("1.2.3.4:53-1.2.3.5", &r, NULL), 0);
	assert_int_equal(r.port_lo, 53);
	assert_int_equal(r.port_hi, 53);

	assert_int_equal(
	    gen_range_parse("0.0.0.0:0-255.255.255.255:65535", &r, NULL), 0);
	assert_int_equal(r.lo, 0);
	assert_int_equal(r.hi, 0xffffffff);
	assert_int_equal(r.port_hi, 65535);
}

static void
test_ipv6(void **state)
{
	struct gen_range r;

	(void)state;
	assert_int_equal(gen_range_parse("fd00:1:2:3::5", &r, NULL), 0);
	assert_int_equal(r.af, AF_INET6);
	assert_true(r.prefix == 0xfd00000100020003ull);
	assert_true(r.lo == 5 && r.hi == 5);
	assert_int_equal(r.port_lo, GEN_PORT_DEFAULT);

	assert_int_equal(gen_range_parse("[fd00::1]:7-[fd00::ff]:9", &r, NULL),
			 0);
	assert_true(r.lo == 1 && r.hi == 0xff);
	assert_int_equal(r.port_lo, 7);
	assert_int_equal(r.port_hi, 9);

	assert_int_equal(gen_range_parse("::1-::ffff:ffff:ffff:ffff", &r, NULL),
			 0);
	assert_true(r.hi == UINT64_MAX);
	assert_int_equal(gen_range_parse("[::1]", &r, NULL), 0);
}

/* Each refused, with this sentence, and nothing written. */
static void
test_refused(void **state)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
	    {"", "'' is not an IPv4 address"},
	    {"10.0.0", "'10.0.0' is not an IPv4 address"},
	    {"10.0.0.256", "'10.0.0.256' is not an IPv4 address"},
	    {"10.0.0.1:", "port '' is not a number from 0 to 65535"},
	    {"10.0.0.1:65536", "port '65536' is not a number from 0 to 65535"},
	    {"10.0.0.1:1x", "port '1x' is not a number from 0 to 65535"},
	    {"10.0.0.9-10.0.0.1", "the range of addresses is reversed"},
	    {"10.0.0.1:9-10.0.0.9:8", "the range of ports is reversed"},
	    {"10.0.0.1-10.0.0.9:8", "the first address has no port"},
	    {"10.0.0.1-", "'' is not an IPv4 address"},
	    {"10.0.0.1-10.0.0.2-10.0.0.3",
	     "'10.0.0.2-10.0.0.3' is not an IPv4 address"},
	    {"10.0.0.1-fd00::1", "one end is IPv4, the other IPv6"},
	    {"fd00::1-fd00:0:0:1::1", "an IPv6 range must lie within one /64"},
	    {"fd00::g", "'fd00::g' is not an IPv6 address"},
	    {"[fd00::1", "'[fd00::1' has no closing ]"},
	    {"[fd00::1]x", "'[fd00::1]x' has no closing ]"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct gen_range r = {.lo = 77};
		struct err e;

		assert_int_equal(gen_range_parse(bad[i].text, &r, &e), -EINVAL);
		assert_string_equal(e.text, bad[i].why);
		assert_int_equal(r.lo, 77);
	}
}

static void
test_too_long(void **state)
{
	char text[4096];
	struct gen_range r;
	struct gen_macs m;

	(void)state;
	memset(text, '1', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(gen_range_parse(text, &r, NULL), -EINVAL);
	assert_int_equal(gen_macs_parse(text, &m, NULL), -EINVAL);
	text[9] = '-';
	assert_int_equal(gen_range_parse(text, &r, NULL), -EINVAL);
}

static void
test_macs(void **state)
{
	static const char *const bad[] = {
	    "",
	    "02:00:00:00:00",
	    "1:2:3:4:5:6",
	    "02:00:00:00:00:0g",
	    "02-00-00-00-00-00",
	    "02:00:00:00:00:00:",
	    "02:00:00:00:00:02-02:00:00:00:00:01"};
	struct gen_macs m = {0};

	(void)state;
	assert_int_equal(gen_macs_parse("02:aB:00:00:00:fF", &m, NULL), 0);
	assert_true(m.lo == 0x02ab000000ffull && m.hi == m.lo);
	assert_int_equal(
	    gen_macs_parse("00:00:00:00:00:00-ff:ff:ff:ff:ff:ff", &m, NULL), 0);
	assert_true(m.lo == 0 && m.hi == 0xffffffffffffull);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(gen_macs_parse(bad[i], &m, NULL), -EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ipv4),    cmocka_unit_test(test_ipv6),
	    cmocka_unit_test(test_refused), cmocka_unit_test(test_too_long),
	    cmocka_unit_test(test_macs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
