/* SPDX-License-Identifier: BSD-2-Clause */
/* Who sends keepalives, when and where to; and a real engine between two
 * switches that keeps a connection alive. */
#include "vale_rig.h"

#include "frames.h"

#include "base/clock.h"
#include "base/rcu.h"
#include "engine/engine.h"
#include "engine/keepalives.h"
#include "engine/step.h"
#include "port/mem.h"

static struct frame f;

/* ---- by hand, between two queues in memory ---- */

static struct state_table *t;
static struct state_cfg cfg;
static struct mem_queue *qa, *qb;
static struct lane lanes[2];
static struct keepalives k;

static struct port *
port(const char *name)
{
	struct port *p = NULL;

	assert_int_equal(port_open(name, &p, NULL), 0);
	return p;
}

static int
begin(void **state)
{
	struct rng rng;

	(void)state;
	rng_init(&rng, 1);
	t = state_create(1 << 14, &rng);
	cfg = (struct state_cfg){{300, 20, 1, 1, 10, 5}, 1 << 14, 64, 1000};
	k = (struct keepalives){.at = 0};
	qa = mem_queue_open("mem:ka");
	qb = mem_queue_open("mem:kb");
	lanes[0] = (struct lane){.in = port("mem:ka"), .out = port("mem:kb"),
	    .id = 66};
	lanes[1] = (struct lane){.in = lanes[0].out, .out = lanes[0].in,
	    .id = 67};
	return 0;
}

static int
end(void **state)
{
	(void)state;
	port_close(lanes[0].in);
	port_close(lanes[1].in);
	mem_queue_close(qa);
	mem_queue_close(qb);
	state_destroy(t);
	return 0;
}

/* The next packet of a connection from host 'a' to host 'b'. */
static struct pkt
tcp(uint32_t a, uint32_t b, uint8_t flags, uint32_t ack)
{
	struct pkt p;

	f_ether(&f, ETYPE_IP4);
	f.b[5] = (uint8_t)b; /* a MAC each, for the switches */
	f.b[11] = (uint8_t)a;
	f_ip4(&f, PROTO_TCP, a, b, 0);
	put32(f_tcp(&f, (uint16_t)a, (uint16_t)b, flags) + 8, ack);
	p = f_parse(&f);
	if (t != NULL)
		p.flow_hash = state_hash(t, &p);
	return p;
}

/* An open connection, whose first packet came in by a lane. */
static void
connection(uint32_t a, uint32_t b, uint16_t lane)
{
	const struct state_new new = {.rule = {1, 0, 1, false}, .name = 1,
		.lane = lane, .kind = STATE_KEEP};
	struct state_rule rule;
	struct pkt p = tcp(a, b, TH_SYN, 0);

	assert_true(state_install(t, &cfg, &p, &new));
	p = tcp(b, a, TH_SYN | TH_ACK, 100 + a);
	assert_int_not_equal(state_find(t, &cfg, &p, 1, &rule), 0);
	p = tcp(a, b, TH_ACK, 200 + a);
	assert_int_not_equal(state_find(t, &cfg, &p, 1, &rule), 0);
}

/* A whole look, in pieces. */
static void
look(uint32_t now_s)
{
	do
		keepalives_run(&k, t, lanes, 2, now_s);
	while (k.at != 0);
}

/* Takes a frame; returns the host that it is for, 0 if there is none. */
static uint32_t
taken(struct mem_queue *q)
{
	uint8_t b[256];

	return mem_queue_get(q, b, sizeof(b)) == 0 ? 0 : get32(b + 30);
}

static void
each_end_is_behind_its_port(void **state)
{
	(void)state;
	connection(1, 2, 66); /* from a */
	connection(4, 3, 67); /* from b */
	connection(5, 6, 65); /* another worker's */
	connection(7, 8, 68);
	look(1285);
	assert_int_equal(taken(qa), 1);
	assert_int_equal(taken(qa), 3);
	assert_int_equal(taken(qa), 0);
	assert_int_equal(taken(qb), 2);
	assert_int_equal(taken(qb), 4);
	assert_int_equal(taken(qb), 0);
	assert_int_equal(k.stats.sent, 4);
}

static void
every_five_seconds_of_the_last_twenty(void **state)
{
	unsigned n = 0;

	(void)state;
	connection(1, 2, 66);
	for (uint32_t now = 1000; now < 1400; now++) {
		look(now);
		n += taken(qb) != 0;
		assert_int_equal(taken(qb), 0);
		if (n == 0)
			assert_true(now < 1286);
	}
	assert_int_equal(n, 3); /* 1285, 1290, 1295 */
}

/* More states than one round looks at; the ring holds 1,024 frames. */
static void
what_has_no_room_is_counted(void **state)
{
	unsigned n = 0;

	(void)state;
	for (uint32_t i = 1; i <= 6000; i++)
		connection(i, 0x01000000 + i, 66);
	look(1285);
	while (taken(qb) != 0)
		n++;
	assert_int_equal(n, 1024);
	assert_int_equal(k.stats.sent, 2048);
	assert_int_equal(k.stats.no_room, 2 * 6000 - 2048);
	while (taken(qa) != 0)
		n++;
	assert_int_equal(n, 2048);
}

/* ---- a real engine between two switches ---- */

static void
keep_all(struct engine *en)
{
	struct {
		struct abi_rule r;
		struct insn probe, keep, act;
	} r = {
		.r = {.act_ofs = 2, .cmd_len = 3},
		.probe = {O_PROBE_STATE, 1, 1},
		.keep = {O_KEEP_STATE, 1, 1},
		.act = {O_ACCEPT, 1, 0},
	};
	struct rule *rule;
	uint32_t counter;

	assert_int_equal(
	    counters_alloc(engine_counters(en), &counter, NULL), 0);
	rule = rule_create(&r.r, 10, 10, counter);
	engine_publish(en, ruleset_add(engine_rules(en), &rule, 1));
	rcu_wait(); /* the burst under way */
}

static void
put(struct nmport *n, const struct pkt *p)
{
	struct netmap_ring *ring = nmport_txring(n, 0);
	struct netmap_slot *slot = &ring->slot[ring->head];

	memcpy(nm_buf(ring, slot->buf_idx), p->data, p->len);
	slot->len = p->len;
	ring->head = ring->cur = nm_ring_next(ring, ring->head);
	assert_int_equal(nmport_txsync(n, 0), 0);
}

/* The next frame within a minute; returns its length. */
static unsigned
get(struct nmport *n, uint8_t *out)
{
	struct netmap_ring *ring = nmport_rxring(n, 0);
	ns_t limit = clock_mono_ns() + 60 * NS_PER_S;
	unsigned len;

	while (ring->head == ring->tail) {
		if (clock_mono_ns() > limit)
			return 0;
		usleep(500);
		nmport_rxsync(n, 0);
	}
	len = ring->slot[ring->head].len;
	memcpy(out, nm_buf(ring, ring->slot[ring->head].buf_idx), len);
	ring->head = ring->cur = nm_ring_next(ring, ring->head);
	return len;
}

/* Sends a packet into 'from' and waits for it at 'to'. */
static void
pass(struct nmport *from, struct nmport *to, struct pkt p)
{
	uint8_t b[2048];

	put(from, &p);
	assert_int_equal(get(to, b), p.len);
	assert_memory_equal(b, p.data, p.len);
}

static void
a_real_engine_asks_both_ends(void **state)
{
	const struct engine_cfg ecfg = {.n_workers = 2, .seed = 1};
	struct nmport *a = rig_open("valeA:s"), *b = rig_open("valeB:d");
	struct engine *en = NULL;
	struct engine_totals totals;
	uint8_t frame[2048];

	(void)state;
	t = NULL;
	assert_int_equal(engine_create(&ecfg, &en, NULL), 0);
	/* The second worker has the lanes between the switches. */
	assert_int_equal(engine_add_pair(en, "mem:x", "mem:y", NULL), 0);
	assert_int_equal(engine_add_pair(en, "valeA:f", "valeB:f", NULL), 0);
	assert_int_equal(engine_start(en, NULL), 0);
	keep_all(en);
	pass(a, b, tcp(1, 2, TH_SYN, 0));
	pass(b, a, tcp(2, 1, TH_SYN | TH_ACK, 1001));
	/* From the last one on: nobody is asked between two of them. */
	knob_set(&engine_knobs(en)->dyn_ack_lifetime, 12);
	pass(a, b, tcp(1, 2, TH_ACK, 2001));
	assert_int_equal(get(a, frame), 54);
	assert_int_equal(frame[5], 1);
	assert_int_equal(frame[11], 2);
	assert_int_equal(get32(frame + 30), 1);
	assert_int_equal(get32(frame + 38), 2000);
	assert_int_equal(get32(frame + 42), 1001);
	assert_int_equal(get(b, frame), 54);
	assert_int_equal(frame[5], 2);
	assert_int_equal(frame[11], 1);
	assert_int_equal(get32(frame + 30), 2);
	assert_int_equal(get32(frame + 38), 1000);
	assert_int_equal(get32(frame + 42), 2001);
	engine_stop(en);
	engine_totals(en, &totals);
	assert_true(totals.keepalives.sent >= 2);
	assert_int_equal(totals.keepalives.no_room, 0);
	engine_destroy(en);
	nmport_close(a);
	nmport_close(b);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
		T(each_end_is_behind_its_port),
		T(every_five_seconds_of_the_last_twenty),
		T(what_has_no_room_is_counted),
		cmocka_unit_test_setup_teardown(a_real_engine_asks_both_ends,
		    rig_setup, rig_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
