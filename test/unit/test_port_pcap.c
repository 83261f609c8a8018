/* SPDX-License-Identifier: BSD-2-Clause */
/* Capture files as ports: what comes, when, under which name; what is written. */
#include "unit.h"

#include "base/clock.h"
#include "capture/reader.h"
#include "capture/writer.h"
#include "port/capture.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LEN = 100 };

static char dir[] = "/tmp/kipfw-test-pcap-XXXXXX";

/* A file of 'n' packets, 'gap' ns apart from 'first' on. */
static void
make(const char *name, unsigned n, ns_t first, ns_t gap)
{
	struct writer *w = NULL;
	uint8_t data[LEN] = {0};

	assert_int_equal(writer_create(name, 65535, &w, NULL), 0);
	for (unsigned i = 0; i < n; i++) {
		data[0] = (uint8_t)i;
		writer_put(w, &(struct writer_packet){.ns = first + i * gap,
		    .iface = writer_iface(w, "x"), .data = data, .kept = LEN,
		    .len = LEN});
	}
	assert_int_equal(writer_close(w, NULL), 0);
}

static struct port *
open_port(const char *name)
{
	struct port *p = NULL;
	struct err e = {0};

	if (port_open(name, &p, &e) != 0)
		fail_msg("%s", e.text);
	return p;
}

static void
refused(const char *name, const char *text)
{
	struct port *p = NULL;
	struct err e = {0};

	assert_true(port_open(name, &p, &e) < 0);
	assert_null(p);
	if (strstr(e.text, text) == NULL)
		fail_msg("'%s' does not say '%s'", e.text, text);
}

/* Takes all there is at once; checks the stamps. */
static unsigned
take(struct port *p, ns_t first, ns_t gap)
{
	struct pkt pkts[PORT_BURST];
	ns_t stamps[PORT_BURST];
	unsigned n, all = 0;

	while ((n = capture_rx(p, pkts, stamps, PORT_BURST, UINT64_MAX)) > 0) {
		for (unsigned i = 0; i < n; i++, all++) {
			assert_int_equal(stamps[i], first + all * gap);
			assert_int_equal(pkts[i].len, LEN);
			port_release(p);
		}
	}
	assert_true(capture_is_over(p));
	assert_int_equal(capture_next_ns(p), UINT64_MAX);
	return all;
}

static void
comes_with_stamps(void **state)
{
	struct port *p;

	(void)state;
	make("a.b.pcapng", 1000, 5 * NS_PER_S, 1000);
	p = open_port("pcap:in=a.b.pcapng");
	assert_string_equal(p->ifname, "a");
	assert_true(port_is_capture(p));
	assert_true(capture_uses("./a.b.pcapng"));
	assert_false(capture_uses("other"));
	assert_int_equal(capture_next_ns(p), 5 * NS_PER_S);
	assert_int_equal(take(p, 5 * NS_PER_S, 1000), 1000);
	assert_int_equal(p->stats.rx_pkts, 1000);
	assert_int_equal(p->stats.rx_bytes, 1000 * LEN);
	port_close(p);
	/* each pass one gap after the last packet; half as fast; a name */
	p = open_port("pcap:in=a.b.pcapng,loop=3,speed=0.5,ifname=lan");
	assert_string_equal(p->ifname, "lan");
	assert_int_equal(take(p, 5 * NS_PER_S, 2000), 3000);
	port_close(p);
	p = open_port("pcap:in=a.b.pcapng,iface=0");
	assert_string_equal(p->ifname, "a0");
	port_close(p);
	p = open_port("pcap:in=a.b.pcapng,iface=1"); /* has none of it */
	assert_int_equal(take(p, 0, 0), 0);
	port_close(p);
	make("one.pcap", 1, 7, 0);
	p = open_port("pcap:in=one.pcap,loop=4");
	assert_int_equal(take(p, 7, NS_PER_MS), 4);
	port_close(p);
}

/* Only what comes before a time, and no more than asked for. */
static void
comes_in_part(void **state)
{
	struct pkt pkts[PORT_BURST];
	ns_t stamps[PORT_BURST];
	struct port *p;

	(void)state;
	make("part.pcap", 100, 1000, 10);
	p = open_port("pcap:in=part.pcap");
	assert_int_equal(capture_rx(p, pkts, stamps, 256, 1000), 0);
	assert_int_equal(capture_rx(p, pkts, stamps, 256, 1001), 1);
	port_release(p);
	assert_int_equal(capture_rx(p, pkts, stamps, 7, UINT64_MAX), 7);
	assert_int_equal(stamps[6], 1070);
	port_release(p);
	assert_int_equal(capture_rx(p, pkts, stamps, 256, 1100), 2);
	assert_false(capture_is_over(p));
	port_close(p);
}

/* The stamp and the length of the i-th packet of the next test; every 13th comes
 * late, every 17th was cut, every 29th is too long to come. */
enum { MANY = 20000, LONG = 29 };

static ns_t
stamp_of(unsigned i)
{
	return 1000 + i / 3 * 10 - (i % 13 == 0 ? 500 : 0) * (i > 200);
}

static ns_t
later(ns_t a, ns_t b)
{
	return a > b ? a : b;
}

static uint32_t
len_of(unsigned i)
{
	return i % LONG == LONG - 1 ? 65536 : 60 + i % 40;
}

/* Bursts of any size, up to any time: each packet lies there, as the file has it,
 * until the release, and has the latest stamp so far. */
static void
take_bursts(bool virtual)
{
	struct pkt pkts[PORT_BURST];
	ns_t stamps[PORT_BURST], shown = 0;
	struct writer *w = NULL;
	unsigned at = 0, burst = 0;
	const ns_t clock = 0;
	uint8_t data[128];
	struct port *p;

	memset(data, 0, sizeof(data));
	assert_int_equal(writer_create("many.pcapng", 128, &w, NULL), 0);
	for (unsigned i = 0; i < MANY; i++) {
		memcpy(data, &i, sizeof(i));
		memcpy(data + 48, &i, sizeof(i));
		writer_put(w, &(struct writer_packet){.ns = stamp_of(i),
		    .iface = writer_iface(w, "x"), .data = data,
		    .kept = i % 17 == 0 ? 55 : 60 + i % 40,
		    .len = len_of(i)});
	}
	assert_int_equal(writer_close(w, NULL), 0);
	p = open_port("pcap:in=many.pcapng");
	if (virtual)
		assert_int_equal(capture_set_clock(p, &clock, NULL), 0);
	while (!capture_is_over(p)) {
		ns_t next = capture_next_ns(p);
		ns_t before = burst % 3 == 0 ? UINT64_MAX : next + burst % 90;
		unsigned n = capture_rx(p, pkts, stamps, 1 + burst % 77,
		    before);

		for (unsigned i = 0; i < n; i++, at++) {
			unsigned a, b;

			if (at % LONG == LONG - 1)
				shown = later(shown, stamp_of(at++));
			shown = later(shown, stamp_of(at));
			memcpy(&a, pkts[i].data, sizeof(a));
			memcpy(&b, pkts[i].data + 48, sizeof(b));
			assert_int_equal(a, at);
			assert_int_equal(b, at);
			assert_int_equal(pkts[i].len, len_of(at));
			assert_int_equal(stamps[i], shown);
			assert_true(shown < before);
		}
		assert_true(n == 0 || stamps[0] == next);
		port_release(p);
		burst++;
	}
	assert_int_equal(at, MANY);
	port_close(p);
}

static void
comes_in_bursts(void **state)
{
	(void)state;
	take_bursts(false);
	take_bursts(true);
}

static void
late_and_cut(void **state)
{
	static const ns_t times[] = {50, 40, 60};
	struct writer *w = NULL;
	struct pkt pkts[4];
	ns_t stamps[4];
	struct port *p;
	uint8_t data[60];

	(void)state;
	memset(data, 7, sizeof(data));
	assert_int_equal(writer_create("late.pcap", 60, &w, NULL), 0);
	for (unsigned i = 0; i < 3; i++)
		writer_put(w, &(struct writer_packet){.ns = times[i],
		    .data = data, .kept = 60, .len = i == 1 ? 70000 : 65535});
	writer_close(w, NULL);
	p = open_port("pcap:in=late.pcap");
	assert_int_equal(capture_rx(p, pkts, stamps, 4, UINT64_MAX), 2);
	assert_int_equal(stamps[1], 60);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(pkts[i].len, 65535);
		assert_int_equal(pkts[i].data[59], 7);
		for (unsigned k = 60; k < 65535; k++)
			assert_int_equal(pkts[i].data[k], 0);
	}
	port_close(p);
	assert_int_equal(writer_create("late.pcap", 60, &w, NULL), 0);
	for (unsigned i = 0; i < 3; i++)
		writer_put(w, &(struct writer_packet){.ns = times[i],
		    .data = data, .kept = 60, .len = 60});
	writer_close(w, NULL);
	p = open_port("pcap:in=late.pcap");
	assert_int_equal(capture_rx(p, pkts, stamps, 4, UINT64_MAX), 3);
	assert_int_equal(stamps[1], 50);
	assert_int_equal(stamps[2], 60);
	port_close(p);
}

/* More packets that were cut than there is room for at once. */
/* More packets that are left out than the reader's window holds, at the
 * beginning and later: the others come all the same. */
static void
many_too_long(void **state)
{
	enum { N = 3000, KEPT = 1000, FIRST = 2000, AGAIN = 2010, LAST = 2990 };
	struct writer *w = NULL;
	static uint8_t data[KEPT];
	struct pkt pkts[PORT_BURST];
	ns_t stamps[PORT_BURST];
	struct port *p;
	unsigned n, all = 0;

	(void)state;
	assert_int_equal(writer_create("long.pcap", 65535, &w, NULL), 0);
	for (unsigned i = 0; i < N; i++) {
		bool good = (i >= FIRST && i < AGAIN) || i >= LAST;

		writer_put(w, &(struct writer_packet){.ns = i,
		    .iface = writer_iface(w, "x"), .data = data, .kept = KEPT,
		    .len = good ? KEPT : 65536});
	}
	assert_int_equal(writer_close(w, NULL), 0);
	p = open_port("pcap:in=long.pcap");
	assert_int_equal(capture_next_ns(p), FIRST);
	for (; (n = capture_rx(p, pkts, stamps, 3, UINT64_MAX)) > 0; all += n) {
		assert_int_equal(pkts[0].len, KEPT);
		port_release(p);
	}
	assert_int_equal(all, AGAIN - FIRST + N - LAST);
	assert_true(capture_is_over(p));
	port_close(p);
}

static void
many_cut(void **state)
{
	struct pkt pkts[PORT_BURST];
	ns_t stamps[PORT_BURST];
	struct writer *w = NULL;
	unsigned all = 0, n;
	struct port *p;

	(void)state;
	assert_int_equal(writer_create("cut.pcap", 60, &w, NULL), 0);
	for (unsigned i = 0; i < 100; i++)
		writer_put(w, &(struct writer_packet){.data = "", .kept = 1,
		    .len = 60000});
	writer_close(w, NULL);
	p = open_port("pcap:in=cut.pcap");
	while ((n = capture_rx(p, pkts, stamps, 256, UINT64_MAX)) > 0) {
		for (unsigned i = 1; i < n; i++)
			assert_true(pkts[i].data >= pkts[i - 1].data + 60000);
		all += n;
		port_release(p);
	}
	assert_int_equal(all, 100);
	port_close(p);
}

/* Gets the first packet and falls asleep before the second is due, 20 ms after
 * 'from'; false if the machine did not let it run in time. */
static bool
sleeps_for_second(struct port *p, ns_t from)
{
	struct pkt pkts[PORT_BURST];
	unsigned first = port_rx(p, pkts, 256), second;
	bool asleep;

	port_release(p);
	second = port_rx(p, pkts, 256);
	asleep = p->ops->sleep_begin(p, PORT_RX);
	if (clock_mono_ns() - from >= 19 * NS_PER_MS)
		return false;
	assert_int_equal(first, 1);
	assert_int_equal(second, 0);
	assert_true(asleep);
	return true;
}

/* In real time packets do not come before their time; poll() tells it. */
static void
keeps_the_pace(void **state)
{
	struct pkt pkts[PORT_BURST];
	struct pollfd fd = {.events = POLLIN};
	struct port *p;
	ns_t from;

	(void)state;
	make("pace.pcap", 3, 99, 20 * NS_PER_MS);
	for (unsigned n = 0;; n++) {
		assert_true(n < 1000);
		p = open_port("pcap:in=pace.pcap");
		from = clock_mono_ns();
		if (sleeps_for_second(p, from))
			break;
		port_close(p);
	}
	fd.fd = p->fd;
	assert_int_equal(poll(&fd, 1, 60000), 1);
	p->ops->sleep_end(p);
	assert_true(clock_mono_ns() - from > 19 * NS_PER_MS);
	while (port_rx(p, pkts, 256) == 0)
		continue;
	assert_true(clock_mono_ns() - from >= 20 * NS_PER_MS);
	assert_false(capture_is_over(p));
	port_close(p);
	p = open_port("pcap:in=pace.pcap,speed=asap");
	assert_int_equal(port_rx(p, pkts, 256), 3);
	port_release(p);
	assert_int_equal(port_rx(p, pkts, 256), 0);
	assert_true(capture_is_over(p));
	assert_true(p->ops->sleep_begin(p, PORT_RX));
	port_close(p);
}

static void
writes(void **state)
{
	uint8_t data[LEN] = {1, 2, 3};
	struct pkt pkt = {.data = data, .len = LEN}, *list[] = {&pkt, &pkt};
	struct capture_reader *r = NULL;
	struct capture_packet got;
	ns_t now = 1234;
	struct port *p;

	(void)state;
	p = open_port("pcap:out=out.pcapng.gz,snap=20,ifname=wan");
	assert_int_equal(capture_set_clock(p, &now, NULL), 0);
	assert_true(capture_is_over(p));
	assert_int_equal(port_tx(p, p, list, 2), 2);
	now = 5678;
	assert_int_equal(port_tx(p, p, list, 1), 1);
	assert_int_equal(p->stats.tx_pkts, 3);
	assert_int_equal(p->stats.tx_bytes, 3 * LEN);
	assert_true(capture_finish(p));
	port_close(p);
	assert_int_equal(capture_open("out.pcapng.gz", -1, &r, NULL), 0);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(capture_next(r, &got, NULL), CAPTURE_PACKET);
		assert_int_equal(got.ns, i < 2 ? 1234 : 5678);
		assert_int_equal(got.kept, 20);
		assert_int_equal(got.len, LEN);
	}
	assert_string_equal(capture_ifname(r, 0), "wan");
	capture_release(r);
	assert_int_equal(capture_next(r, &got, NULL), CAPTURE_END);
	capture_close(r);
	/* without a file they are lost, as in a sink */
	p = open_port("pcap:in=out.pcapng.gz");
	assert_int_equal(port_tx(p, p, list, 2), 2);
	port_close(p);
}

static void
tells_that_a_disk_is_full(void **state)
{
	static uint8_t data[60000];
	struct pkt pkt = {.data = data, .len = 60000}, *list = &pkt;
	struct port *p = open_port("pcap:out=/dev/full");
	unsigned n = 0;

	(void)state;
	while (n < 100 && port_tx(p, p, &list, 1) == 1)
		n++;
	assert_true(n < 100);
	assert_true(capture_failed(p));
	assert_int_equal(port_tx(p, p, &list, 1), 0);
	port_close(p);
	p = open_port("pcap:out=/dev/full"); /* not even for a header */
	assert_false(capture_finish(p));
	assert_true(capture_failed(p));
	port_close(p);
	p = open_port("pcap:out=/dev/full");
	assert_int_equal(port_tx(p, p, &list, 1), 1);
	assert_false(capture_finish(p));
	assert_true(capture_failed(p));
	port_close(p);
}

/* A file that ends in the middle: what is there comes, then it is told. */
static void
tells_that_a_file_is_cut(void **state)
{
	struct pkt pkts[PORT_BURST];
	struct port *p;

	(void)state;
	make("whole.pcap", 5, 0, 1);
	assert_int_equal(truncate("whole.pcap", 24 + 3 * (16 + LEN) + 50), 0);
	p = open_port("pcap:in=whole.pcap,speed=asap");
	assert_int_equal(port_rx(p, pkts, 256), 3);
	port_release(p);
	assert_int_equal(port_rx(p, pkts, 256), 0);
	assert_true(capture_is_over(p));
	assert_true(capture_failed(p));
	port_close(p);
}

static void
refuses(void **state)
{
	struct port *p, *q;
	struct err e = {0};
	ns_t now = 0;

	(void)state;
	make("r.pcap", 1, 0, 1);
	refused("pcap:", "");
	refused("pcap:ifname=x", "neither in=FILE nor out=FILE");
	refused("pcap:in=/nowhere/x", "/nowhere/x");
	refused("pcap:in=.", "directory");
	refused("pcap:out=/nowhere/x", "/nowhere/x");
	refused("pcap:in=r.pcap,speed=fast", "speed=fast");
	refused("pcap:in=r.pcap,speed=0", "speed=0");
	refused("pcap:in=r.pcap,speed=0.0001", "speed=0.0001");
	refused("pcap:in=r.pcap,iface=x", "iface=x");
	refused("pcap:in=r.pcap,iface=1", "one interface");
	refused("pcap:in=r.pcap,loop=no", "loop=no");
	refused("pcap:out=w.pcap,loop=2", "are for in=FILE");
	refused("pcap:in=r.pcap,out=r.pcap", "another one");
	p = open_port("pcap:in=r.pcap");
	refused("pcap:out=./r.pcap", "another one");
	port_close(p);
	p = open_port("pcap:out=w.pcap");
	refused("pcap:out=w.pcap", "another one");
	refused("pcap:in=w.pcap", "another one");
	port_close(p);
	p = open_port("pcap:in=r.pcap,speed=asap");
	q = open_port("pcap:in=r.pcap,loop=0");
	assert_int_equal(capture_set_clock(p, &now, &e), -EINVAL);
	assert_non_null(strstr(e.text, "speed=asap"));
	assert_int_equal(capture_set_clock(q, &now, &e), -EINVAL);
	assert_non_null(strstr(e.text, "loop=0"));
	port_close(p);
	port_close(q);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_with_stamps),
		cmocka_unit_test(comes_in_part),
		cmocka_unit_test(comes_in_bursts),
		cmocka_unit_test(late_and_cut),
		cmocka_unit_test(many_too_long),
		cmocka_unit_test(many_cut),
		cmocka_unit_test(keeps_the_pace),
		cmocka_unit_test(writes),
		cmocka_unit_test(tells_that_a_disk_is_full),
		cmocka_unit_test(tells_that_a_file_is_cut),
		cmocka_unit_test(refuses),
	};
	char clean[64];
	int rc;

	if (mkdtemp(dir) == NULL || chdir(dir) == -1)
		return 1;
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(clean, sizeof(clean), "rm -rf %s", dir);
	return system(clean) == 0 ? rc : 1;
}
