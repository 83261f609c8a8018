/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/states.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>

#include <cmocka.h>

enum { ENTRY = 128 };

static void
put(uint8_t *e, unsigned ofs, uint64_t v, unsigned size)
{
	memcpy(e + ofs, &v, size);
}

/* A state as FreeBSD 11 sends it, octet by octet from the start of its TLV. */
static void
make(uint8_t *e, unsigned rule, unsigned type, unsigned expire)
{
	memset(e, 0, ENTRY);
	put(e, 0, TLV_DYN_ENT, 2);
	put(e, 4, ENTRY, 4);
	put(e, 16, rule, 2);
	put(e, 18, 5, 1); /* set */
	put(e, 32, 7, 8);
	put(e, 40, 4200, 8);
	put(e, 48, 0x05060708, 4);
	put(e, 52, 0x01020304, 4);
	put(e, 56, 80, 2);
	put(e, 58, 1234, 2);
	put(e, 61, 6, 1);
	put(e, 63, 4, 1);
	put(e, 104, expire, 4);
	put(e, 112, 0x0202, 4);
	put(e, 116, 0x10, 4);
	put(e, 120, 0x20, 4);
	put(e, 124, type, 2);
	put(e, 126, 3, 2);
}

static void
check(const uint8_t *data, size_t len, const struct state_query *q,
    const char *want)
{
	struct text t = {0};

	states_print(&t, (const char *)data, len, q);
	assert_string_equal(text_str(&t), want);
	text_fini(&t);
}

static void
lines(void **state)
{
	struct state_query q = {.hi = 65535, .set = -1,
	    .opt = {.pkts_width = 2, .bytes_width = 5}};
	uint8_t d[3 * ENTRY];

	(void)state;
	make(d, 10, O_KEEP_STATE, 9);
	make(d + ENTRY, 20, O_LIMIT, 0);
	make(d + 2 * ENTRY, 30, O_LIMIT_PARENT, 0);
	check(d, sizeof(d), &q, "00010 STATE tcp 1.2.3.4 1234 <-> 5.6.7.8 80\n"
	    "00030 PARENT 3 tcp 1.2.3.4 1234 <-> 5.6.7.8 80\n");
	q.expired = true;
	q.lo = 20;
	q.hi = 20;
	check(d, sizeof(d), &q, "00020 LIMIT tcp 1.2.3.4 1234 <-> 5.6.7.8 80\n");
	q.lo = 10;
	q.hi = 10;
	q.opt.flags = PRINT_COUNTERS;
	q.verbose = true;
	check(d, sizeof(d), &q, "00010  7  4200 (9s) STATE tcp 1.2.3.4 1234 <-> "
	    "5.6.7.8 80 state 0x00000202 BOTH_SYN, f_ack 0x10, r_ack 0x20\n");
	q.set = 4;
	check(d, sizeof(d), &q, "");
	q = (struct state_query){.hi = 65535, .set = 5};
	d[63] = 6;
	d[64 + 15] = 1;
	put(d, 60 + 1, 250, 1);
	check(d, ENTRY, &q, "00010 STATE proto 250 :: 1234 <-> ::1 80\n");
	d[63] = 9;
	check(d, ENTRY, &q, "00010 STATE proto 250 UNKNOWN <-> UNKNOWN\n");
}

static void
measures(void **state)
{
	struct print_opt opt = {.pkts_width = 1, .bytes_width = 1};
	uint8_t d[2 * ENTRY];

	(void)state;
	make(d, 10, O_KEEP_STATE, 9);
	make(d + ENTRY, 20, O_KEEP_STATE, 9);
	assert_int_equal(states_measure((char *)d, sizeof(d), &opt), 2);
	assert_int_equal(opt.pkts_width, 1);
	assert_int_equal(opt.bytes_width, 4);
	assert_int_equal(states_measure(NULL, 0, &opt), 0);
	assert_int_equal(states_measure((char *)d, sizeof(d) - 1, &opt), 1);
	put(d, 4, 8, 4); /* too short for a state */
	assert_int_equal(states_measure((char *)d, sizeof(d), &opt), 0);
	put(d, 4, 1 << 20, 4);
	assert_int_equal(states_measure((char *)d, sizeof(d), &opt), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lines),
	    cmocka_unit_test(measures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
