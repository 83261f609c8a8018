/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The four loops of pkt-gen against a port of our own making.
 *
 * The nmport_* functions are defined here, so the archive's are not linked.
 * The port's far end is a script: it takes packets, refuses to, or returns
 * them, and may rewrite free slots' buffers as a swapping switch would.
 */
#include "unit.h"

#include "tools/gen_worker.h"

#include "tools/gen_frame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SLOTS = 256, BUF = 128, N_BUFS = 2 * SLOTS + 2 };

/* The rings are the memory of one, with SLOTS slots; buffers lie behind them;
 * both rings share one set. */
#define RING_SIZE \
	(sizeof(struct netmap_ring) + SLOTS * sizeof(struct netmap_slot))

static struct nmport {
	uint8_t tx_memory[RING_SIZE] __attribute__((aligned(256)));
	uint8_t rx_memory[RING_SIZE] __attribute__((aligned(256)));
	uint8_t bufs[N_BUFS][BUF] __attribute__((aligned(64)));
	/* tx side: [taken, head) is pending */
	uint32_t taken;
	uint64_t n_taken; /* packets the far end took */
	uint64_t bytes_taken;
	uint64_t n_syncs;
	uint32_t last_sum; /* of the last frame */
	void (*check)(const uint8_t *octets, unsigned len, uint64_t nth);
	unsigned take_max; /* per sync; 0 = a far end that is stuck */
	/* rx side */
	uint32_t free_from; /* slots the user gave back begin here */
	uint64_t to_deliver;
	bool echo;	     /* what is sent comes back */
	uint64_t drop_every; /* echo: every n-th is lost */
	uint64_t stop_after; /* raise 'stop' after that many packets */
	uint64_t sleeps;
	bool garble; /* writes nonsense to the ring that is synced */
	int fail;    /* what sync returns */
} port;

static struct netmap_ring *const tx_ring = (void *)port.tx_memory;
static struct netmap_ring *const rx_ring = (void *)port.rx_memory;

static struct gen_stop stop;
static struct gen_cfg cfg;
static struct gen_worker *worker;

static uint32_t
distance(uint32_t from, uint32_t to)
{
	return (to + SLOTS - from) % SLOTS;
}

static void
raise_stop(void)
{
	uint64_t one = 1;

	atomic_fetch_add(&stop.signals, 1);
	assert_int_equal(write(stop.fd, &one, sizeof(one)), sizeof(one));
}

/* Puts a packet in the rx ring, if there is room. */
static bool
deliver(const uint8_t *octets, unsigned len)
{
	struct netmap_ring *r = rx_ring;
	struct netmap_slot *s = &r->slot[r->tail];

	if (nm_ring_next(r, r->tail) == port.free_from)
		return false;
	memcpy(nm_buf(r, s->buf_idx), octets, len);
	s->len = (uint16_t)len;
	s->flags = 0;
	r->tail = nm_ring_next(r, r->tail);
	return true;
}

struct netmap_ring *
nmport_txring(const struct nmport *p, unsigned i)
{
	(void)p;
	return i == 0 ? tx_ring : NULL;
}

struct netmap_ring *
nmport_rxring(const struct nmport *p, unsigned i)
{
	(void)p;
	return i == 0 ? rx_ring : NULL;
}

static void
take_one(struct netmap_slot *s)
{
	uint8_t *data = nm_buf(tx_ring, s->buf_idx);

	assert_in_range(s->len, 14, BUF);
	if (port.check != NULL)
		port.check(data, s->len, port.n_taken);
	port.n_taken++;
	port.bytes_taken += s->len;
	port.last_sum = data[41] + 256u * data[40];
	if (port.echo &&
	    (port.drop_every == 0 || port.n_taken % port.drop_every != 0))
		deliver(data, s->len);
	memset(data, 0xee, BUF); /* another's packet lay in it */
	if (port.n_taken == port.stop_after)
		raise_stop();
}

uint32_t
nmport_n_bufs(const struct nmport *p)
{
	(void)p;
	return N_BUFS;
}

/* What another program could write; the tail alone moves on, and leaves the
 * ring every other time. */
static int
scribble(struct nmport *p, struct netmap_ring *r)
{
	r->num_slots = 0;
	r->nr_buf_size = 0xffffff00;
	r->buf_ofs = INT64_MAX;
	for (unsigned i = 0; i < SLOTS; i++) {
		r->slot[i].buf_idx = 0xffff0000u + i;
		r->slot[i].len = 0xffff;
	}
	r->tail = p->n_syncs % 2 != 0 ? 0x80000000u : (r->head + 100) % SLOTS;
	p->taken = tx_ring->head;
	if (++p->n_syncs == 20)
		raise_stop();
	return 0;
}

int
nmport_txsync(struct nmport *p, unsigned ring)
{
	struct netmap_ring *r = tx_ring;
	unsigned n = p->take_max;

	assert_int_equal(ring, 0);
	if (p->fail != 0 || p->garble)
		return p->fail != 0 ? p->fail : scribble(p, r);
	p->n_syncs++;
	for (; p->taken != r->head && n > 0; n--) {
		take_one(&r->slot[p->taken]);
		p->taken = nm_ring_next(r, p->taken);
	}
	r->tail = (p->taken + SLOTS - 1) % SLOTS;
	return 0;
}

int
nmport_rxsync(struct nmport *p, unsigned ring)
{
	static const uint8_t octets[60];

	assert_int_equal(ring, 0);
	if (p->fail != 0 || p->garble)
		return p->fail != 0 ? p->fail : scribble(p, rx_ring);
	p->n_syncs++;
	p->free_from = rx_ring->head;
	while (p->to_deliver > 0 && deliver(octets, sizeof(octets)))
		p->to_deliver--;
	if (p->stop_after != 0 && p->to_deliver == 0 && !p->echo) {
		p->stop_after = 0;
		raise_stop();
	}
	return 0;
}

unsigned
nmport_txpending(const struct nmport *p, unsigned ring)
{
	(void)ring;
	return distance(p->taken, tx_ring->head);
}

int
nmport_fd(const struct nmport *p)
{
	(void)p;
	return -1;
}

bool
nmport_sleep_begin(struct nmport *p, unsigned flags)
{
	assert_true(flags != 0);
	p->sleeps++;
	/* A far end that moves has room by now; one that scribbles does so
	 * again. */
	return !p->garble && ((flags & NMPORT_TX) == 0 || p->take_max == 0);
}

void
nmport_sleep_end(struct nmport *p)
{
	(void)p;
}

static void
set_up_ring(struct netmap_ring *r, uint32_t first_buf)
{
	r->buf_ofs = (uint8_t *)port.bufs - (uint8_t *)r;
	r->nr_buf_size = BUF;
	r->num_slots = SLOTS;
	for (uint32_t i = 0; i < SLOTS; i++)
		r->slot[i].buf_idx = first_buf + i;
}

static int
set_up(void **state)
{
	(void)state;
	memset(&port, 0, sizeof(port));
	set_up_ring(tx_ring, 2);
	set_up_ring(rx_ring, 2 + SLOTS);
	tx_ring->tail = SLOTS - 1;
	port.take_max = SLOTS;
	memset(&cfg, 0, sizeof(cfg));
	cfg = (struct gen_cfg){.mode = GEN_TX,
			       .len = 60,
			       .burst = 100,
			       .af = AF_INET,
			       .cpu = GEN_CPU_ANY,
			       .cpus = 1,
			       .threads = 1};
	gen_range_parse("10.0.0.1", &cfg.src, NULL);
	gen_range_parse("10.1.0.1", &cfg.dst, NULL);
	atomic_store(&stop.signals, 0);
	stop.fd = eventfd(0, EFD_NONBLOCK);
	worker = aligned_alloc(CACHE_LINE, sizeof(*worker));
	*worker = (struct gen_worker){.cfg = &cfg,
				      .port = &port,
				      .stop = &stop,
				      .done_fd = -1,
				      .n = UINT64_MAX,
				      .seed = 1,
				      .cpu = GEN_CPU_ANY};
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	close(stop.fd);
	free(worker->rtt);
	free(worker);
	return 0;
}

/* Exactly n packets, whatever the far end's pace. */
static void
test_tx_counts(void **state)
{
	static const unsigned paces[] = {1, 7, 255, 256};

	for (size_t i = 0; i < ARRAY_LEN(paces); i++) {
		if (i > 0) {
			tear_down(state);
			set_up(state);
		}
		port.take_max = paces[i];
		worker->n = 10001;
		gen_tx_run(worker);
		assert_int_equal(worker->err.code, 0);
		assert_int_equal(port.n_taken, 10001);
		assert_int_equal(port.bytes_taken, 10001 * 60);
		assert_int_equal(worker->pkts, 10001);
		assert_int_equal(worker->bytes, 10001 * 60);
		assert_int_equal(worker->pending, 0);
		assert_int_equal(atomic_load(&worker->counts.pkts), 10001);
		assert_true(worker->last_ns >= worker->first_ns);
	}
}

/* One sync per burst. */
static void
test_tx_syncs(void **state)
{
	(void)state;
	worker->n = 100 * 100;
	gen_tx_run(worker);
	assert_in_range(port.n_syncs, 100, 102);
}

/* Buffers that others have written are written anew each time. */
static void
test_tx_rewrites(void **state)
{
	(void)state;
	worker->n = 3 * SLOTS;
	gen_tx_run(worker);
	assert_int_not_equal(port.last_sum, 0xeeee);
	assert_int_not_equal(port.last_sum, 0);
}

/* A far end that never takes anything: the slots are reported as pending, and
 * the end comes within the flush's time. */
static void
test_tx_stuck(void **state)
{
	(void)state;
	port.take_max = 0;
	worker->n = 10;
	gen_tx_run(worker);
	assert_int_equal(worker->pkts, 10);
	assert_int_equal(worker->pending, 10);
	assert_int_equal(port.n_taken, 0);
	assert_true(worker->last_ns - worker->first_ns >= GEN_FLUSH_NS);
}

static void
test_tx_stops(void **state)
{
	(void)state;
	port.stop_after = 1000;
	gen_tx_run(worker);
	assert_in_range(port.n_taken, 1000, 1000 + SLOTS);
	assert_int_equal(worker->pkts, port.n_taken);
}

static void
test_tx_random_sizes(void **state)
{
	(void)state;
	cfg.len = 100;
	cfg.len_min = 61;
	worker->n = 10000;
	gen_tx_run(worker);
	assert_int_equal(worker->bytes, port.bytes_taken);
	assert_in_range(worker->bytes, 79 * 10000, 82 * 10000);
}

/* Packet number 'nth' of a walk over 5 ports and 3 addresses. */
static void
check_walk4(const uint8_t *o, unsigned len, uint64_t nth)
{
	uint64_t sum = gen_be16(17 + len - 34);

	assert_int_equal(o[35], 1 + nth % 5);
	assert_int_equal(o[29], 1 + nth / 5 % 3);
	assert_int_equal(gen_frame_sum(o + 14, 20), 0xffff);
	sum += gen_frame_sum(o + 26, 8) + gen_frame_sum(o + 34, len - 34u);
	assert_int_equal(gen_fold(sum), 0xffff);
}

static void
check_walk6(const uint8_t *o, unsigned len, uint64_t nth)
{
	uint64_t sum = gen_be16(17 + len - 54);

	assert_int_equal(o[55], 1 + nth % 5);
	assert_int_equal(o[37], 1 + nth / 5 % 3);
	sum += gen_frame_sum(o + 22, 32) + gen_frame_sum(o + 54, len - 54u);
	assert_int_equal(gen_fold(sum), 0xffff);
}

/* The walk goes on from burst to burst, in each way of filling slots. */
static void
test_tx_walk(void **state)
{
	(void)state;
	gen_range_parse("10.0.0.1:1-10.0.0.3:5", &cfg.src, NULL);
	port.check = check_walk4;
	worker->n = 1001;
	gen_tx_run(worker);
	assert_int_equal(port.n_taken, 1001);
}

static void
test_tx_walk_sizes(void **state)
{
	cfg.len = 100;
	cfg.len_min = 60;
	test_tx_walk(state);
}

static void
test_tx_walk_macs(void **state)
{
	gen_macs_parse("02:00:00:00:00:01-02:00:00:00:00:09", &cfg.src_mac,
		       NULL);
	test_tx_walk(state);
}

static void
test_tx_walk6(void **state)
{
	(void)state;
	cfg.af = AF_INET6;
	cfg.len = 77;
	gen_range_parse("[fd00::1]:1-[fd00::3]:5", &cfg.src, NULL);
	gen_range_parse("fd00:1::1", &cfg.dst, NULL);
	port.check = check_walk6;
	worker->n = 1001;
	gen_tx_run(worker);
	assert_int_equal(port.n_taken, 1001);
}

static void
test_tx_trace(void **state)
{
	static const uint8_t octets[30];
	static struct gen_trace_frame frames[3] = {
	    {octets, 14}, {octets, 20}, {octets, 30}};
	static const struct gen_trace trace = {
	    .frames = frames, .n_frames = 3, .len_max = 30};

	(void)state;
	worker->trace = &trace;
	worker->n = 3001;
	gen_tx_run(worker);
	assert_int_equal(port.bytes_taken, 1000 * 64 + 14);
	assert_int_equal(worker->bytes, port.bytes_taken);
}

static void
test_tx_rate(void **state)
{
	(void)state;
	worker->n = 101;
	worker->rate_pps = 1000;
	gen_tx_run(worker);
	assert_int_equal(port.n_taken, 101);
	/* Never faster; how much slower is the machine's affair. */
	assert_true(worker->last_ns - worker->first_ns >= 100 * NS_PER_MS);
}

static void
test_sync_error(void **state)
{
	static void (*const loops[])(struct gen_worker *) = {
	    gen_tx_run, gen_rx_run, gen_echo_ping, gen_echo_pong};

	for (size_t i = 0; i < ARRAY_LEN(loops); i++) {
		if (i > 0) {
			tear_down(state);
			set_up(state);
		}
		port.fail = -EINVAL;
		loops[i](worker);
		assert_int_equal(worker->err.code, EINVAL);
	}
}

/* Whatever others write to the rings, all accesses stay within the buffers. */
static void
test_garbage_in_rings(void **state)
{
	static void (*const loops[])(struct gen_worker *) = {
	    gen_tx_run, gen_rx_run, gen_echo_ping, gen_echo_pong};
	static uint8_t behind[BUF];

	for (size_t i = 0; i < ARRAY_LEN(loops); i++) {
		if (i > 0) {
			tear_down(state);
			set_up(state);
		}
		memset(port.bufs, 0x55, sizeof(port.bufs));
		memset(behind, 0x55, sizeof(behind));
		port.garble = cfg.touch = true;
		loops[i](worker);
		assert_int_equal(worker->err.code, 0);
		assert_memory_equal(port.bufs[N_BUFS - 1], behind, BUF);
	}
}

static void
test_no_ring(void **state)
{
	(void)state;
	worker->idx = 1;
	gen_tx_run(worker);
	assert_int_equal(worker->err.code, ENXIO);
	worker->err.code = 0;
	gen_rx_run(worker);
	assert_int_equal(worker->err.code, ENXIO);
}

static void
test_rx_counts(void **state)
{
	(void)state;
	port.to_deliver = 10007;
	worker->n = 10001;
	cfg.touch = true;
	gen_rx_run(worker);
	assert_int_equal(worker->pkts, 10001);
	assert_int_equal(worker->bytes, 10001 * 60);
	assert_true(worker->first_ns != 0);
}

/* A signal: what lies in the ring is still counted. */
static void
test_rx_drains(void **state)
{
	(void)state;
	cfg.burst = 1;
	port.to_deliver = 100;
	port.stop_after = 1;
	gen_rx_run(worker);
	assert_int_equal(worker->pkts, 100);
}

/* A frame of three slots is one packet. */
static void
test_rx_several_slots(void **state)
{
	(void)state;
	port.to_deliver = 0;
	for (unsigned i = 0; i < 6; i++) {
		deliver((const uint8_t *)"fragment of a frame", 15);
		rx_ring->slot[i].flags = i % 3 < 2 ? NS_MOREFRAG : 0;
	}
	worker->n = 2;
	gen_rx_run(worker);
	assert_int_equal(worker->pkts, 2);
	assert_int_equal(worker->bytes, 6 * 15);
}

/* -W: ends after a second without packets, which is not counted as time. */
static void
test_rx_silence(void **state)
{
	(void)state;
	port.to_deliver = 5;
	cfg.stop_when_silent = true;
	gen_rx_run(worker);
	assert_int_equal(worker->pkts, 5);
	assert_true(worker->last_ns - worker->first_ns < GEN_SILENCE_NS);
	assert_true(port.sleeps > 0); /* it did not spin all that time */
}

static void
test_ping(void **state)
{
	(void)state;
	cfg.mode = GEN_PING;
	port.echo = true;
	worker->n = 1001;
	cfg.burst = 10;
	gen_echo_ping(worker);
	assert_int_equal(worker->requests, 1001);
	assert_int_equal(worker->rtt->n, 1001);
	assert_int_equal(worker->pkts, 1001);
}

/* Every fourth answer is lost: a second each, then it goes on. */
static void
test_ping_loss(void **state)
{
	(void)state;
	cfg.mode = GEN_PING;
	port.echo = true;
	port.drop_every = 4;
	worker->n = 7;
	gen_echo_ping(worker);
	assert_int_equal(worker->requests, 7);
	assert_int_equal(worker->rtt->n, 6);
}

static void
test_pong(void **state)
{
	(void)state;
	cfg.mode = GEN_PONG;
	port.to_deliver = 5000;
	port.take_max = 100;
	worker->n = 4999;
	gen_echo_pong(worker);
	assert_int_equal(worker->pkts, 4999);
	assert_int_equal(port.n_taken, 4999);
	assert_int_equal(port.bytes_taken, 4999 * 60);
}

/* Every buffer is still in exactly one slot. */
static void
test_pong_keeps_buffers(void **state)
{
	unsigned seen[N_BUFS] = {0};

	test_pong(state);
	for (unsigned i = 0; i < SLOTS; i++) {
		seen[tx_ring->slot[i].buf_idx]++;
		seen[rx_ring->slot[i].buf_idx]++;
	}
	for (unsigned i = 2; i < N_BUFS; i++)
		assert_int_equal(seen[i], 1);
}

/* The thread body tells when it is done, and says what it cannot do. */
static void
test_main(void **state)
{
	uint64_t n = 0;

	(void)state;
	worker->done_fd = eventfd(0, EFD_NONBLOCK);
	worker->n = 5;
	assert_null(gen_worker_main(worker));
	assert_int_equal(read(worker->done_fd, &n, sizeof(n)), sizeof(n));
	assert_int_equal(n, 1);
	assert_int_equal(worker->pkts, 5);
	worker->cpu = 1023; /* a set holds it, the machine does not have it */
	assert_null(gen_worker_main(worker));
	assert_int_equal(worker->err.code, EINVAL);
	close(worker->done_fd);
}

int
main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(test_tx_counts),
	    TEST(test_tx_syncs),
	    TEST(test_tx_rewrites),
	    TEST(test_tx_stuck),
	    TEST(test_tx_stops),
	    TEST(test_tx_random_sizes),
	    TEST(test_tx_walk),
	    TEST(test_tx_walk_sizes),
	    TEST(test_tx_walk_macs),
	    TEST(test_tx_walk6),
	    TEST(test_tx_trace),
	    TEST(test_tx_rate),
	    TEST(test_sync_error),
	    TEST(test_garbage_in_rings),
	    TEST(test_no_ring),
	    TEST(test_rx_counts),
	    TEST(test_rx_drains),
	    TEST(test_rx_several_slots),
	    TEST(test_rx_silence),
	    TEST(test_ping),
	    TEST(test_ping_loss),
	    TEST(test_pong),
	    TEST(test_pong_keeps_buffers),
	    TEST(test_main),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
