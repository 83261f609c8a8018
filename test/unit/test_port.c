/* SPDX-License-Identifier: BSD-2-Clause */
/* The kinds of port that live in one process: mem, sink, source. */
#include "unit.h"

#include "port/kinds.h"
#include "port/mem.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct pkt pkts[PORT_BURST];

static struct port *
opened(const char *name)
{
	struct port *p = NULL;
	struct err e = {0};

	if (port_open(name, &p, &e) != 0)
		fail_msg("%s: %s", name, e.text);
	return p;
}

static void
refused(const char *name, int code, const char *words)
{
	struct port *p = (struct port *)&pkts;
	struct err e = {0};

	assert_int_equal(port_open(name, &p, &e), -code);
	assert_ptr_equal(p, &pkts); /* untouched */
	if (strstr(e.text, words) == NULL)
		fail_msg("'%s' lacks '%s'", e.text, words);
}

static void
names(void **state)
{
	char longest[PORT_NAME_LEN + 1];
	struct port *p;

	(void)state;
	refused("", EINVAL, "must begin with");
	refused("eth0", EINVAL, "'eth0'");
	refused("mem:", EINVAL, "a name must follow");
	memset(longest, 'x', sizeof(longest));
	memcpy(longest, "mem:", 4);
	longest[PORT_NAME_LEN] = '\0';
	refused(longest, ENAMETOOLONG, "longer than 1023");
	longest[PORT_NAME_LEN - 1] = '\0';
	p = opened(longest);
	assert_int_equal(strlen(p->ifname), PORT_IFNAME_LEN - 1);
	port_close(p);
	p = opened("mem:a");
	assert_string_equal(p->ifname, "a");
	port_close(p);
	p = opened("sink:");
	assert_string_equal(p->ifname, "sink:");
	port_close(p);
	port_close(NULL);
}

/* What is sent to a mem: port is received from its namesake, in order. */
static void
mem_loops(void **state)
{
	struct port *in = opened("mem:q"), *out = opened("mem:q");
	struct mem_queue *q = mem_queue_open("mem:q");
	struct pkt *to_send[PORT_BURST];
	uint8_t frame[64] = {0};
	unsigned room = port_room(out), n = 0;

	(void)state;
	for (unsigned i = 0; i < PORT_BURST; i++) {
		pkts[i].data = frame;
		pkts[i].len = (uint16_t)(14 + i % 40);
		to_send[i] = &pkts[i];
	}
	while (port_room(out) > 0)
		n += port_tx(out, in, to_send, PORT_BURST);
	assert_int_equal(n, room);
	assert_int_equal(port_tx(out, in, to_send, 1), 0);
	assert_false(mem_queue_put(q, frame, 64));
	assert_int_equal(port_rx(in, pkts, 10), 10);
	assert_int_equal(pkts[3].len, 17);
	assert_int_equal(port_room(out), 0); /* lent is not free yet */
	port_release(in);
	assert_int_equal(port_room(out), 10);
	assert_true(mem_queue_put(q, frame, 64));
	assert_int_equal(in->stats.rx_pkts, 10);
	assert_int_equal(out->stats.tx_pkts, room);
	assert_false(mem_queue_put(q, frame, 3000));
	assert_int_equal(mem_queue_get(q, frame, sizeof(frame)), 24);
	mem_queue_close(q);
	port_close(in);
	port_close(out);
}

static void
mem_sleeps_when_empty(void **state)
{
	struct port *p = opened("mem:s");
	struct mem_queue *q = mem_queue_open("mem:s");

	(void)state;
	assert_true(p->ops->sleep_begin(p, PORT_RX));
	p->ops->sleep_end(p);
	assert_false(p->ops->sleep_begin(p, PORT_TX)); /* there is room */
	assert_true(mem_queue_put(q, "x", 1));
	assert_false(p->ops->sleep_begin(p, PORT_RX));
	mem_queue_close(q);
	port_close(p);
}

static void
sink_forgets(void **state)
{
	struct port *p = opened("sink:");
	struct pkt a = {.len = 60}, b = {.len = 100};
	struct pkt *both[] = {&a, &b};

	(void)state;
	assert_int_equal(port_room(p), PORT_BURST);
	assert_int_equal(port_tx(p, p, both, 2), 2);
	assert_int_equal(p->stats.tx_pkts, 2);
	assert_int_equal(p->stats.tx_bytes, 160);
	assert_int_equal(port_rx(p, pkts, 5), 0);
	assert_int_equal(port_pending(p), 0);
	assert_true(p->ops->sleep_begin(p, PORT_RX));
	port_close(p);
}

/* The packet of the original: 64 octets, UDP, 1.2.3.4 to 5.6.7.8. */
static void
source_classic(void **state)
{
	struct port *p = opened("source:");
	static const uint8_t ip[] = {0x45, 0, 0, 50, 0, 0, 0, 0, 64, 17,
	    0x6a, 0xa8, 1, 2, 3, 4, 5, 6, 7, 8};

	(void)state;
	for (int round = 0; round < 3; round++) {
		assert_int_equal(port_rx(p, pkts, PORT_BURST), PORT_BURST);
		for (unsigned i = 0; i < PORT_BURST; i++) {
			assert_int_equal(pkts[i].len, 64);
			assert_memory_equal(pkts[i].data + 12, "\x08\0", 2);
			assert_memory_equal(pkts[i].data + 14, ip, 20);
		}
		port_release(p);
	}
	assert_int_equal(p->stats.rx_pkts, 3 * PORT_BURST);
	assert_false(p->ops->sleep_begin(p, PORT_RX));
	port_close(p);
}

/* Writes a capture of frames of these lengths; returns its name. */
static const char *
capture(int linktype, const unsigned *lens, unsigned n)
{
	static char path[] = "/tmp/kipfw-test-XXXXXX";
	static uint8_t frame[4000];
	pcap_t *pc = pcap_open_dead(linktype, 65535);
	pcap_dumper_t *d;
	int fd;

	memcpy(path + sizeof(path) - 7, "XXXXXX", 6);
	fd = mkstemp(path);
	d = pcap_dump_fopen(pc, fdopen(fd, "w"));
	for (unsigned i = 0; i < n; i++) {
		struct pcap_pkthdr h = {.caplen = lens[i], .len = lens[i]};

		memset(frame, (int)(i + 1), sizeof(frame));
		pcap_dump((u_char *)d, &h, frame);
	}
	pcap_dump_close(d);
	pcap_close(pc);
	return path;
}

static void
source_from_a_capture(void **state)
{
	static const unsigned good[] = {60, 14, 2048}, huge[] = {60, 2049};
	char name[64];
	struct port *p;

	(void)state;
	snprintf(name, sizeof(name), "source:%s",
	    capture(DLT_EN10MB, good, 3));
	p = opened(name);
	assert_int_equal(port_rx(p, pkts, 7), 7); /* round and round */
	for (unsigned i = 0; i < 7; i++) {
		assert_int_equal(pkts[i].len, good[i % 3]);
		assert_int_equal(pkts[i].data[0], i % 3 + 1);
		assert_int_equal(pkts[i].data[pkts[i].len - 1], i % 3 + 1);
	}
	port_close(p);
	unlink(name + 7);
	snprintf(name, sizeof(name), "source:%s",
	    capture(DLT_EN10MB, huge, 2));
	refused(name, EINVAL, "packet 2 has 2049 octets");
	unlink(name + 7);
	snprintf(name, sizeof(name), "source:%s",
	    capture(DLT_IEEE802_11, good, 3));
	refused(name, EINVAL, "link type 105");
	unlink(name + 7);
	snprintf(name, sizeof(name), "source:%s",
	    capture(DLT_EN10MB, good, 0));
	refused(name, EINVAL, "no packets");
	unlink(name + 7);
	refused("source:/dev/null", EINVAL, "/dev/null:");
	refused("source:/nonexistent", ENOENT, "nonexistent");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(mem_loops),
		cmocka_unit_test(mem_sleeps_when_empty),
		cmocka_unit_test(sink_forgets),
		cmocka_unit_test(source_classic),
		cmocka_unit_test(source_from_a_capture),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
