/* SPDX-License-Identifier: BSD-2-Clause */
/* Packets in words, as parse then sees them.  What is refused is in
 * test/golden/trial.txt. */
#include "unit.h"

#include "base/bytes.h"
#include "cli/frame.h"
#include "packet/parse.h"
#include "packet/proto.h"
#include "rule/opt.h"

#include <arpa/inet.h>

static struct frame frame;
static struct pkt p;

/* Reads a packet, and parses it as a port would have brought it. */
static void
read_packet(const char *text)
{
	static const struct parse_cfg cfg = {.deny_unknown_exthdrs = true,
	    .permit_single_frag6 = true};
	struct words ws;
	struct err e;

	assert_int_equal(words_line(&ws, text, &e), 0);
	if (frame_read(&frame, ws.w, ws.n, &e) != 0)
		fail_msg("%s: %s", text, e.text);
	words_fini(&ws);
	p = (struct pkt){.data = frame.octets, .len = (uint16_t)frame.len};
	parse(&p, &cfg);
	assert_int_equal(p.bad, PKT_GOOD);
}

static uint32_t
sum_up(const uint8_t *from, unsigned n, uint32_t sum)
{
	for (unsigned i = 0; i < n; i++)
		sum += i % 2 == 0 ? (uint32_t)from[i] << 8 : from[i];
	return sum;
}

static void
assert_sum(uint32_t sum)
{
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	assert_int_equal(sum, 0xffff);
}

/* Checksums of all headers, as a receiver has them. */
static void
assert_sums(void)
{
	const uint8_t *h = p.data + p.l3;
	bool four = (p.flags & PKT_IP4) != 0;
	unsigned l4_len = p.ip_len - (p.l4 - p.l3);
	uint32_t sum = 0;

	if (four)
		assert_sum(sum_up(h, 20, 0));
	if (p.proto != PROTO_ICMP)
		sum = sum_up(h + (four ? 12 : 8), four ? 8 : 32,
		    p.proto + l4_len);
	assert_sum(sum_up(p.data + p.l4, l4_len, sum));
}

static void
test_defaults(void **state)
{
	(void)state;
	read_packet("tcp");
	assert_false(frame.way.out);
	assert_string_equal(frame.way.in_if, "");
	assert_int_equal(p.proto, PROTO_TCP);
	assert_int_equal(p.tcp_flags, TH_SYN);
	assert_int_equal(p.src4, htonl(0xc0000201));
	assert_int_equal(p.dst4, htonl(0xc0000202));
	assert_int_equal(p.sport, 49152);
	assert_int_equal(p.dport, 9);
	assert_int_equal(p.ip_len, 40);
	assert_int_equal(frame.len, 54);
	assert_sums();
	read_packet("");
	assert_int_equal(p.proto, 253);
	read_packet("setup");
	assert_int_equal(p.proto, PROTO_TCP);
	read_packet("icmptypes 3 icmpcode 1");
	assert_int_equal(p.proto, PROTO_ICMP);
	assert_int_equal(p.tcp_flags, 3);
	assert_sums();
	read_packet("ip6");
	assert_true(p.flags & PKT_IP6);
}

static void
test_way(void **state)
{
	struct frame_way way;
	struct words ws;
	struct err e;

	(void)state;
	read_packet("out recv em0 xmit em1 udp");
	assert_true(frame.way.out);
	assert_string_equal(frame.way.in_if, "em0");
	assert_string_equal(frame.way.out_if, "em1");
	assert_int_equal(words_line(&ws, "in recv x", &e), 0);
	assert_int_equal(frame_read_way(&way, ws.w, ws.n, &e), 0);
	assert_false(way.out);
	assert_string_equal(way.in_if, "x");
	words_fini(&ws);
}

static void
test_words(void **state)
{
	(void)state;
	read_packet("udp from 10.0.0.1 53 to 10.0.0.2 port 54 ttl 3 tos 0x10 "
	    "ipid 77 length 100 payload abc");
	assert_int_equal(p.sport, 53);
	assert_int_equal(p.dport, 54);
	assert_int_equal(p.ip_len, 100);
	assert_int_equal(p.data[p.l3 + 8], 3);
	assert_int_equal(p.data[p.l3 + 1], 0x10);
	assert_int_equal(get16(p.data + p.l3 + 4), 77);
	assert_memory_equal(p.data + p.l4 + 8, "abc\0", 4);
	assert_sums();
	read_packet("tcp src-ip 10.0.0.1 dst-ip 10.0.0.2 src-port 1 dst-port "
	    "http tcpflags fin,ack tcpwin 5 tcpseq 6 tcpack 7 "
	    "tcpoptions sack,ts,window tcpmss 9 dscp ef ecn 1");
	assert_int_equal(p.dport, 80);
	assert_int_equal(p.tcp_flags, TH_FIN | TH_ACK);
	assert_int_equal(p.data[p.l3 + 1], 46 << 2 | 1);
	assert_sums();
	{
		struct opt_tcp o;

		opt_tcp(&p, &o);
		assert_int_equal(o.seen, 0xf);
		assert_int_equal(o.mss, 9);
	}
	read_packet("vlan 5 mac 02:00:00:00:00:09 any established");
	assert_true(p.flags & PKT_VLAN);
	assert_int_equal(p.data[5], 9);
	assert_int_equal(p.data[11], 1);
	assert_int_equal(p.tcp_flags, TH_ACK);
	read_packet("sctp to 10.0.0.1 9");
	assert_true(p.flags & PKT_PORTS);
	read_packet("mac-type arp payload 0x0001");
	assert_int_equal(p.etype, 0x0806);
	assert_int_equal(frame.len, 16);
	read_packet("gre from localhost");
	assert_int_equal(p.src4, htonl(0x7f000001));
}

static void
test_ip6(void **state)
{
	(void)state;
	read_packet("udp from 2001:db8::7 1 to 2001:db8::8 2 flow-id 5 tos 3");
	assert_int_equal(p.data[p.l3 + 8 + 15], 7);
	assert_int_equal(get32(p.data + p.l3), 0x60300005);
	assert_sums();
	read_packet("icmp6 icmp6types 135 payload 0x010203");
	assert_int_equal(p.tcp_flags, 135);
	assert_sums();
	read_packet("tcp from ::1 frag mf");
	assert_int_equal(p.flags & (PKT_FRAG | PKT_LATER_FRAG), PKT_FRAG);
	assert_true(p.flags & PKT_PORTS);
	read_packet("udp from ::1 frag");
	assert_true(p.flags & PKT_LATER_FRAG);
}

static void
test_fragments(void **state)
{
	(void)state;
	read_packet("udp frag");
	assert_true(p.flags & PKT_LATER_FRAG);
	assert_int_equal(p.frag, PKT_FRAG_OFFSET);
	read_packet("udp frag mf,offset payload abcdefgh");
	assert_int_equal(p.frag, PKT_FRAG_OFFSET | PKT_FRAG_MF);
	read_packet("tcp frag df");
	assert_int_equal(p.frag, PKT_FRAG_DF);
	assert_false(p.flags & PKT_FRAG);
}

/* From the smallest to the largest. */
static void
test_lengths(void **state)
{
	struct words ws;
	struct err e;

	(void)state;
	read_packet("udp iplen 28");
	assert_int_equal(frame.len, 42);
	read_packet("udp iplen 65521");
	assert_int_equal(frame.len, 65535);
	assert_sums();
	assert_int_equal(words_line(&ws, "udp iplen 65522", &e), 0);
	assert_int_not_equal(frame_read(&frame, ws.w, ws.n, &e), 0);
	words_fini(&ws);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_defaults),
	    cmocka_unit_test(test_way),
	    cmocka_unit_test(test_words),
	    cmocka_unit_test(test_ip6),
	    cmocka_unit_test(test_fragments),
	    cmocka_unit_test(test_lengths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
