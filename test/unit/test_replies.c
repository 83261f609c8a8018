/* SPDX-License-Identifier: BSD-2-Clause */
/* Sending answers: limits and room. */
#include "unit.h"

#include "frames.h"

#include "engine/replies.h"
#include "port/mem.h"

static struct frame f;
static struct replies r;
static struct port *port;
static struct mem_queue *q;
static struct pkt p;

static int
begin(void **state)
{
	struct err e = {0};

	(void)state;
	memset(&r, 0, sizeof(r));
	q = mem_queue_open("mem:replies");
	assert_int_equal(port_open("mem:replies", &port, &e), 0);
	f_ether(&f, ETYPE_IP4);
	f_ip4(&f, PROTO_UDP, 0x0a000001, 0x0a000102, 0);
	f_udp(&f, 53, 5353);
	p = f_parse(&f);
	p.reply = REPLY_UNREACH;
	return 0;
}

static int
end(void **state)
{
	(void)state;
	port_close(port);
	mem_queue_close(q);
	return 0;
}

/* Asks for 'n' answers at 'now'; returns how many came. */
static unsigned
ask(unsigned n, uint32_t limit, ns_t now)
{
	uint8_t got[2048];
	unsigned came = 0;

	for (unsigned i = 0; i < n; i++)
		replies_note(&r, &p);
	replies_send(&r, port, limit, now);
	assert_int_equal(r.n_asked, 0);
	while (mem_queue_get(q, got, sizeof(got)) != 0)
		came++;
	return came;
}

static void
one_answer(void **state)
{
	uint8_t got[2048];

	(void)state;
	replies_note(&r, &p);
	replies_send(&r, port, 1, 5 * NS_PER_S);
	assert_int_equal(mem_queue_get(q, got, sizeof(got)), 70);
	assert_memory_equal(got, f.b + 6, 6);
	assert_memory_equal(got + 6, f.b, 6);
	assert_int_equal(get32(got + 30), 0x0a000001);
	assert_int_equal(got[34], 3);
	assert_int_equal(r.stats.sent, 1);
	assert_int_equal(port->stats.tx_pkts, 1);
}

static void
so_many_a_second(void **state)
{
	ns_t now = 100 * NS_PER_S;

	(void)state;
	assert_int_equal(ask(20, 10, now), 10);
	assert_int_equal(r.stats.limited, 10);
	assert_int_equal(ask(20, 10, now), 0);
	assert_int_equal(ask(20, 10, now + NS_PER_S / 10 - 1), 0);
	assert_int_equal(ask(20, 10, now + NS_PER_S / 10), 1);
	/* A long silence earns one second's worth. */
	assert_int_equal(ask(20, 10, now + 1000 * NS_PER_S), 10);
	assert_int_equal(r.stats.sent, 21);
	assert_int_equal(r.stats.limited, 100 - 21);
}

/* Silence costs nothing. */
static void
no_answer_no_cost(void **state)
{
	(void)state;
	p.data[0] = 0xff;
	assert_int_equal(ask(20, 10, NS_PER_S), 0);
	assert_int_equal(r.stats.limited, 0);
	p.data[0] = 2;
	assert_int_equal(ask(20, 10, NS_PER_S), 10);
}

static void
no_limit(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(ask(REPLY_BURST, 0, i), REPLY_BURST);
	assert_int_equal(ask(REPLY_BURST + 5, 0, 0), REPLY_BURST);
	assert_int_equal(r.stats.limited, 5);
}

static void
no_room(void **state)
{
	unsigned room;

	(void)state;
	while ((room = port_room(port)) > 3)
		assert_true(mem_queue_put(q, f.b, f.len));
	for (unsigned i = 0; i < 5; i++)
		replies_note(&r, &p);
	replies_send(&r, port, 0, 0);
	assert_int_equal(r.stats.sent, room);
	assert_int_equal(r.stats.no_room, 5 - room);
	replies_note(&r, &p);
	replies_send(&r, port, 0, 0);
	assert_int_equal(r.stats.no_room, 6 - room);
}

int
main(void)
{
#define T(t) cmocka_unit_test_setup_teardown(t, begin, end)
	const struct CMUnitTest tests[] = {
		T(one_answer),
		T(so_many_a_second),
		T(no_answer_no_cost),
		T(no_limit),
		T(no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
