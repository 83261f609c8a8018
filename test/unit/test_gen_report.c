/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "tools/gen_report.h"

#include "base/ns.h"

#include <stdlib.h>
#include <string.h>

static char *text;
static size_t text_len;
static FILE *out;

static int
set_up(void **state)
{
	(void)state;
	out = open_memstream(&text, &text_len);
	return out == NULL;
}

static int
tear_down(void **state)
{
	(void)state;
	fclose(out);
	free(text);
	return 0;
}

static void
printed(const char *want)
{
	fflush(out);
	assert_string_equal(text, want);
}

static struct gen_cfg
config(enum gen_mode mode)
{
	struct gen_cfg c = {.mode = mode};

	strcpy(c.port, "valeA:1");
	return c;
}

static void
test_norm(void **state)
{
	char b[GEN_NORM_LEN];

	(void)state;
	assert_string_equal(gen_report_norm(b, 0, false), "0.000 ");
	assert_string_equal(gen_report_norm(b, 999, false), "999.000 ");
	assert_string_equal(gen_report_norm(b, 1000, false), "1.000 K");
	assert_string_equal(gen_report_norm(b, 14.88e6, false), "14.880 M");
	assert_string_equal(gen_report_norm(b, 1e15, false), "1000.000 T");
	assert_string_equal(gen_report_norm(b, 14.88e6, true), "14880000 ");
	assert_non_null(gen_report_norm(b, 1e300, true)); /* cut, not burst */
	assert_true(strlen(b) < GEN_NORM_LEN);
}

static void
test_line(void **state)
{
	struct gen_cfg c = config(GEN_TX);
	struct gen_totals d = {
	    .pkts = 2000000, .bytes = 120000000, .events = 4000};

	(void)state;
	gen_report_line(out, &c, &d, NS_PER_S / 2);
	printed("4.000 Mpps (2.000 Mpkts 1.920 Gbps in 500000 usec) "
		"500.00 avg_batch\n");
}

static void
test_line_one_burst(void **state)
{
	struct gen_cfg c = config(GEN_TX);
	struct gen_totals d = {.pkts = 7, .bytes = 420, .events = 1};

	(void)state;
	gen_report_line(out, &c, &d, NS_PER_S);
	printed("7.000 pps (7.000 pkts 3.360 Kbps in 1000000 usec) 7.00 "
		"avg_batch\n");
}

static void
test_line_empty(void **state)
{
	struct gen_cfg c = config(GEN_TX);
	struct gen_totals d = {0};

	(void)state;
	c.raw_units = true;
	gen_report_line(out, &c, &d, 0);
	printed("0 pps (0 pkts 0 bps in 0 usec) 0.00 avg_batch\n");
}

static void
test_summary(void **state)
{
	struct gen_cfg c = config(GEN_TX);
	struct gen_result r = {
	    .total = {1000, 60000, 10}, .pending = 3, .ns = NS_PER_S};

	(void)state;
	c.framing = true;
	gen_report_summary(out, &c, &r);
	printed("3 packets were left unsent.\n"
		"Sent 1000 packets 60000 bytes 10 events 60 bytes each in 1.00 "
		"seconds.\n"
		"Speed: 1.000 Kpps Bandwidth: 480.000 Kbps (raw 672.000 Kbps). "
		"Average batch: 100.00 pkts\n");
}

static void
test_nothing(void **state)
{
	struct gen_cfg c = config(GEN_RX);
	struct gen_result r = {0};

	(void)state;
	gen_report_summary(out, &c, &r);
	printed("Received nothing.\n");
}

static void
test_ping(void **state)
{
	struct gen_cfg c = config(GEN_PING);
	struct gen_rtt *t = calloc(1, sizeof(*t));
	struct gen_result r = {.requests = 3, .ns = NS_PER_S, .rtt = t};

	(void)state;
	gen_rtt_add(t, 10);
	gen_rtt_add(t, 30);
	gen_report_summary(out, &c, &r);
	printed("Sent 3 requests, received 2 replies, lost 1 in 1.00 seconds.\n"
		"RTT over 2 packets: min 10 av 20 p50 10 p90 30 p99 30 max 30 "
		"ns\n");
	free(t);
}

static void
test_json(void **state)
{
	struct gen_cfg c = config(GEN_RX);
	struct gen_result r = {
	    .total = {1000, 60000, 10}, .pending = 3, .ns = NS_PER_S / 2};

	(void)state;
	strcpy(c.port, "a\"\\\n\xff");
	gen_report_json(out, &c, &r);
	printed("{\"mode\":\"rx\",\"port\":\"a\\\"\\\\\\u000a\\u00ff\","
		"\"packets\":1000,\"bytes\":60000,\"events\":10,\"pending\":3,"
		"\"seconds\":0.500000,\"mpps\":0.002000,\"gbps\":0.000960}\n");
}

static void
test_json_ping(void **state)
{
	struct gen_cfg c = config(GEN_PING);
	struct gen_rtt *t = calloc(1, sizeof(*t));
	struct gen_result r = {.requests = 3, .rtt = t};

	(void)state;
	gen_rtt_add(t, 10);
	gen_report_json(out, &c, &r);
	fflush(out);
	assert_non_null(strstr(
	    text,
	    "\"requests\":3,\"replies\":1,\"lost\":2,\"rtt_ns\":{\"min\":10,"
	    "\"avg\":10,\"p50\":10,\"p90\":10,\"p99\":10,\"max\":10}}\n"));
	free(t);
}

static void
test_dump(void **state)
{
	uint8_t bufs[4][64] = {{0}};
	uint8_t memory[sizeof(struct netmap_ring) +
	    2 * sizeof(struct netmap_slot)]
	    __attribute__((aligned(_Alignof(struct netmap_ring)))) = {0};
	struct netmap_ring *r = (void *)memory;
	struct gen_ring g = {.ring = r,
			     .bufs = bufs[0],
			     .n_bufs = 4,
			     .stride = 64,
			     .n_slots = 2};

	(void)state;
	r->slot[1] = (struct netmap_slot){.buf_idx = 3, .len = 18};
	memcpy(bufs[3], "0123456789abcdef\0z", 18);
	gen_report_dump(out, "rx", &g, 1, 18);
	printed("rx ring 0 slot 1 [buf 3 flags 0x0000 len 18]\n"
		"    0: 30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66 "
		"0123456789abcdef\n"
		"   16: 00 7a                                           "
		".z\n");
}

int
main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_norm),
	    TEST(test_line),
	    TEST(test_line_one_burst),
	    TEST(test_line_empty),
	    TEST(test_summary),
	    TEST(test_nothing),
	    TEST(test_ping),
	    TEST(test_json),
	    TEST(test_json_ping),
	    TEST(test_dump),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
