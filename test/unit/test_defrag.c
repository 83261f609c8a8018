/* SPDX-License-Identifier: BSD-2-Clause */
/* 'reass' in the packet path: one verdict for all fragments of a packet. */
#include <stdlib.h>

#include "step_rig.h"

#include "engine/diverts.h"

enum { FIRST = 64, SECOND = 24, HDRS = 34 };

static struct frame f;
static struct rig *g;
static uint8_t first[256], second[256], got[2048];

static int
begin(void **state)
{
	(void)state;
	g = rig_open(true);
	g->c.pass.now_s = 1;
	return 0;
}

static int
end(void **state)
{
	(void)state;
	rig_close(g);
	return 0;
}

/* A fragment at 'off' with 'len' octets, the first with a UDP header, in 'to'. */
static void
make(uint8_t *to, unsigned off, unsigned len, bool more)
{
	uint8_t *h;

	f_ether(&f, ETYPE_IP4);
	h = f_ip4(&f, PROTO_UDP, 0x0a000001, 0x0a000102,
	    (uint16_t)(off / 8 | (more ? 0x2000 : 0)));
	put16(h + 10, 0);
	if (off == 0) {
		f_udp(&f, 1000, 53);
		len -= UDP_LEN;
	}
	memset(f_add(&f, len), (int)off + 1, len);
	f_parse(&f);
	memcpy(to, f.b, f.len);
}

/* The two fragments come in one burst, in this order. */
static void
arrive(const uint8_t *a, unsigned a_len, const uint8_t *b, unsigned b_len)
{
	assert_true(mem_queue_put(g->in, a, HDRS + a_len));
	assert_true(mem_queue_put(g->in, b, HDRS + b_len));
	assert_int_equal(step(&g->c, &g->lane, PORT_BURST), 2);
}

static void
both(void)
{
	make(first, 0, FIRST, true);
	make(second, FIRST, SECOND, false);
	arrive(second, SECOND, first, FIRST);
}

/* Both come out, in order, unchanged but for their checksums. */
static void
come_out(struct mem_queue *q)
{
	assert_int_equal(mem_queue_get(q, got, sizeof(got)), HDRS + FIRST);
	put16(got + 24, 0);
	assert_memory_equal(got, first, HDRS + FIRST);
	assert_int_equal(mem_queue_get(q, got, sizeof(got)), HDRS + SECOND);
	put16(got + 24, 0);
	assert_memory_equal(got, second, HDRS + SECOND);
}

static void
one_verdict(void **state)
{
	struct insn port[] = {{O_IP_DSTPORT, 2, 0}, {0}, {O_COUNT, 1, 0}};
	const uint16_t range[] = {53, 53};
	uint32_t reass, before, after;

	(void)state;
	memcpy(&port[1], range, sizeof(range));
	before = rig_rule(g, 50, port, 2, 3);
	reass = rig_action(g, 100, O_REASS, 0);
	after = rig_rule(g, 200, port, 2, 3);
	both();
	come_out(g->out);
	assert_int_equal(rig_count(g, before), 1); /* the first alone */
	assert_int_equal(rig_count(g, reass), 2);
	assert_int_equal(rig_count(g, after), 1);
	assert_int_equal(g->counts[after].bytes, 20 + FIRST + SECOND);
	port[2].opcode = O_DENY;
	rig_rule(g, 300, port, 2, 3);
	both();
	assert_int_equal(mem_queue_get(g->out, got, sizeof(got)), 0);
	assert_int_equal(g->c.drops[DROP_RULE], 2);
	assert_int_equal(g->c.defrag->n_done, 0);
}

/* What is no IPv4 fragment just goes on; IPv6 is not even counted. */
static void
others_go_on(void **state)
{
	uint32_t reass, after;

	(void)state;
	reass = rig_action(g, 100, O_REASS, 0);
	after = rig_action(g, 200, O_COUNT, 0);
	f_ether(&f, ETYPE_IP4);
	f_ip4(&f, PROTO_UDP, 1, 2, 0x4000);
	f_udp(&f, 1, 2);
	f_parse(&f);
	mem_queue_put(g->in, f.b, f.len);
	f_ether(&f, ETYPE_ARP);
	f_add(&f, 28);
	mem_queue_put(g->in, f.b, f.len);
	f_ether(&f, ETYPE_IP6);
	f_ip6(&f, PROTO_FRAGMENT, 1, 2);
	f_add(&f, 8)[0] = PROTO_UDP;
	f.b[f.len - 5] = 1; /* more to come */
	f_udp(&f, 1, 2);
	f_parse(&f);
	mem_queue_put(g->in, f.b, f.len);
	assert_int_equal(step(&g->c, &g->lane, PORT_BURST), 3);
	assert_int_equal(rig_count(g, reass), 2);
	assert_int_equal(rig_count(g, after), 3);
}

/* Fragments of other bursts, around a packet that is whole. */
static void
across_bursts(void **state)
{
	(void)state;
	rig_action(g, 100, O_REASS, 0);
	make(second, FIRST, SECOND, false);
	make(first, 0, FIRST, true);
	mem_queue_put(g->in, second, HDRS + SECOND);
	step(&g->c, &g->lane, PORT_BURST);
	assert_int_equal(mem_queue_get(g->out, got, sizeof(got)), 0);
	mem_queue_put(g->in, first, HDRS + FIRST);
	f_ether(&f, ETYPE_ARP);
	f_add(&f, 28);
	mem_queue_put(g->in, f.b, f.len);
	step(&g->c, &g->lane, PORT_BURST);
	assert_int_equal(mem_queue_get(g->out, got, sizeof(got)), f.len);
	come_out(g->out);
}

static void
is_answered(void **state)
{
	(void)state;
	rig_action(g, 100, O_REASS, 0);
	rig_action(g, 200, O_REJECT, 3);
	both();
	assert_int_equal(g->c.drops[DROP_RULE], 2);
	assert_int_equal(g->c.replies.stats.sent, 1);
	/* ICMP from the receiver, quoting the whole. */
	assert_true(mem_queue_get(g->in, got, sizeof(got)) > HDRS);
	assert_int_equal(get32(got + 26), 0x0a000102);
	assert_int_equal(got[34], 3);
	assert_int_equal(get16(got + 42 + 2), 20 + FIRST + SECOND);
	assert_int_equal(get16(got + 42 + 22), 53);
}

static void
is_turned_round(void **state)
{
	const struct insn_sa fwd = {.o = {O_FORWARD_IP, 5, 0}, .addr = 1};

	(void)state;
	rig_action(g, 100, O_REASS, 0);
	rig_rule(g, 200, &fwd.o, 0, 5);
	both();
	come_out(g->in);
}

/* A listener gets the fragments, which can go on; a copy is one of the whole. */
static void
is_diverted(void **state)
{
	struct diverts *d;
	struct kipfw_divert *m;
	struct err e = {0};
	uint32_t len;

	(void)state;
	assert_int_equal(diverts_create(1, &d, &e), 0);
	g->c.pass.divert = &d->ways[0].out;
	diverts_listen(d, 7, true);
	diverts_listen(d, 8, true);
	rig_action(g, 100, O_REASS, 0);
	rig_action(g, 200, O_TEE, 8);
	rig_action(g, 300, O_DIVERT, 7);
	both();
	diverts_publish(d, &d->ways[0]);
	m = msgring_next(d->ways[0].out.ring, &len);
	assert_int_equal(m->port, 8);
	assert_int_equal(m->len, HDRS + FIRST + SECOND);
	for (unsigned i = 0; i < 2; i++) {
		m = msgring_next(d->ways[0].out.ring, &len);
		assert_int_equal(m->port, 7);
		assert_int_equal(m->rule, 300);
		assert_int_equal(m->len, HDRS + (i == 0 ? FIRST : SECOND));
		diverts_give_back(d, 0, m, len);
	}
	assert_null(msgring_next(d->ways[0].out.ring, &len));
	msgring_publish(d->ways[0].back);
	assert_int_equal(diverts_resume(&g->c, &d->ways[0], &g->lane, 1), 2);
	come_out(g->out);
	diverts_destroy(d);
}

/* What rules change in the whole arrives in the fragments. */
static void
is_changed(void **state)
{
	(void)state;
	rig_action(g, 100, O_REASS, 0);
	rig_action(g, 200, O_SETDSCP, 0x8000 | 46);
	both();
	for (unsigned i = 0; i < 2; i++) {
		mem_queue_get(g->out, got, sizeof(got));
		assert_int_equal(got[15], 46 << 2);
	}
}

/* The second pass sees the whole as well; without room nothing is cut short. */
static void
out_pass_and_room(void **state)
{
	const struct insn out[] = {{O_IN, 1 | INSN_NOT, 0}, {O_COUNT, 1, 0}};
	uint32_t n;

	(void)state;
	n = rig_rule(g, 90, out, 1, 2);
	rig_action(g, 100, O_REASS, 0);
	g->c.out_pass = true;
	both();
	come_out(g->out);
	assert_int_equal(rig_count(g, n), 1);
	assert_int_equal(g->counts[n].bytes, 20 + FIRST + SECOND);
	while (port_room(g->lane.out) > 2)
		mem_queue_put(g->out, "x", 1);
	make(first, 0, FIRST, true);
	make(second, FIRST, SECOND, false);
	mem_queue_put(g->in, first, HDRS + FIRST);
	assert_int_equal(step(&g->c, &g->lane, PORT_BURST), 1);
	mem_queue_put(g->out, "x", 1);
	mem_queue_put(g->in, second, HDRS + SECOND);
	assert_int_equal(step(&g->c, &g->lane, PORT_BURST), 1);
	assert_int_equal(g->c.drops[DROP_TX_FULL], 2);
	assert_int_equal(port_room(g->lane.out), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
		T(one_verdict),
		T(others_go_on),
		T(across_bursts),
		T(is_answered),
		T(is_turned_round),
		T(is_diverted),
		T(is_changed),
		T(out_pass_and_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
