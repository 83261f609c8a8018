/* SPDX-License-Identifier: BSD-2-Clause */
/* What stands between a pipe and an interface: frames go both ways whole, and
 * it ends when the pipe's other end has no user any more. */
#include "vale_rig.h"

#include "base/clock.h"
#include "port/mem.h"
#include "tools/uplink.h"
#include "vale/nmport.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

enum { PATIENCE_S = 30 };

static struct uplink *u;
static pthread_t thread;
static struct mem_queue *from_wire, *to_wire;

static void *
run(void *arg)
{
	(void)arg;
	uplink_run(u);
	return NULL;
}

static struct nmport *
open_program(void)
{
	const struct nmport_cfg cfg = { .wants_peer = true };
	struct nmport *p = NULL;
	struct err e = { 0 };

	assert_int_equal(nmport_open("if{nic", &cfg, &p, &e), 0);
	return p;
}

static int
setup(void **state)
{
	struct err e = { 0 };

	rig_setup(state);
	from_wire = mem_queue_open("mem:in");
	to_wire = mem_queue_open("mem:out");
	assert_int_equal(uplink_open("if}nic", "mem:in>out", 2, &u, &e), 0);
	assert_int_equal(pthread_create(&thread, NULL, run, NULL), 0);
	return 0;
}

static int
teardown(void **state)
{
	pthread_join(thread, NULL);
	uplink_close(u);
	mem_queue_close(from_wire);
	mem_queue_close(to_wire);
	return rig_teardown(state);
}

/* As many slots in the ring as that, in time. */
static void
wait_slots(struct nmport *p, unsigned ring, uint32_t n)
{
	ns_t end = clock_mono_ns() + PATIENCE_S * NS_PER_S;

	do {
		assert_int_equal(nmport_rxsync(p, ring), 0);
		assert_true(clock_mono_ns() < end);
		sched_yield();
	} while (nm_ring_space(nmport_rxring(p, ring)) < n);
}

static unsigned
wait_frame(uint8_t *frame, unsigned size)
{
	ns_t end = clock_mono_ns() + PATIENCE_S * NS_PER_S;
	unsigned n;

	while ((n = mem_queue_get(to_wire, frame, size)) == 0) {
		assert_true(clock_mono_ns() < end);
		sched_yield();
	}
	return n;
}

static void
both_ways(void **state)
{
	struct nmport *p = open_program();
	struct netmap_ring *rx = nmport_rxring(p, 0);
	struct netmap_ring *tx = nmport_txring(p, 1);
	uint8_t frame[2112] = { 0 };

	(void)state;
	for (unsigned i = 0; i < 500; i++) {
		memset(frame, (int)i, 60);
		assert_true(mem_queue_put(from_wire, frame, 60));
	}
	wait_slots(p, 0, 500);
	for (unsigned i = 0; i < 500; i++) {
		assert_int_equal(rx->slot[i].len, 60);
		assert_int_equal(*nm_buf(rx, rx->slot[i].buf_idx), (uint8_t)i);
	}
	rx->head = rx->cur = 500;
	for (unsigned i = 0; i < 300; i++) {
		memset(nm_buf(tx, tx->slot[i].buf_idx), (int)i, 64);
		tx->slot[i].len = 64;
	}
	tx->head = tx->cur = 300;
	assert_int_equal(nmport_txsync(p, 1), 0);
	for (unsigned i = 0; i < 300; i++) {
		assert_int_equal(wait_frame(frame, sizeof(frame)), 64);
		assert_int_equal(frame[63], (uint8_t)i);
	}
	nmport_close(p);
}

/* A frame in several slots is one on the wire. */
static void
long_frame(void **state)
{
	struct nmport *p = open_program();
	struct netmap_ring *tx = nmport_txring(p, 0);
	uint8_t frame[2112];

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		memset(nm_buf(tx, tx->slot[i].buf_idx), (int)i + 1, 600);
		tx->slot[i].len = 600;
		tx->slot[i].flags = i < 2 ? NS_MOREFRAG : 0;
	}
	tx->slot[3].len = 60;
	tx->head = tx->cur = 4;
	assert_int_equal(nmport_txsync(p, 0), 0);
	assert_int_equal(wait_frame(frame, sizeof(frame)), 1800);
	for (unsigned i = 0; i < 1800; i++)
		assert_int_equal(frame[i], i / 600 + 1);
	assert_int_equal(wait_frame(frame, sizeof(frame)), 60);
	nmport_close(p);
}

/* What has no room in the program's ring is lost; what was there stays. */
static void
full_ring(void **state)
{
	struct nmport *p = open_program();
	struct netmap_ring *rx = nmport_rxring(p, 0);
	uint32_t n = rx->num_slots - 1;
	uint8_t frame[60] = { 0 };
	ns_t end;

	(void)state;
	for (unsigned i = 0; i < n; i++) {
		frame[0] = (uint8_t)i;
		while (!mem_queue_put(from_wire, frame, 60))
			sched_yield();
	}
	wait_slots(p, 0, n);
	end = clock_mono_ns() + PATIENCE_S * NS_PER_S;
	assert_true(mem_queue_put(from_wire, frame, 60));
	while (uplink_lost(u) == 0) {
		assert_true(clock_mono_ns() < end);
		sched_yield();
	}
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(*nm_buf(rx, rx->slot[i].buf_idx), (uint8_t)i);
	rx->head = rx->cur = rx->tail;
	assert_int_equal(nmport_rxsync(p, 0), 0); /* there is room again */
	assert_true(mem_queue_put(from_wire, frame, 60));
	wait_slots(p, 0, 1);
	nmport_close(p);
}

/* A program that sleeps is woken, and one that is killed is one that left. */
static void
killed_program(void **state)
{
	uint8_t frame[60] = { 7 };
	int status, ready[2];
	pid_t child;

	(void)state;
	assert_int_equal(pipe(ready), 0);
	child = fork();
	if (child == 0) {
		struct nmport *p = NULL;
		struct pollfd pfd;

		nmport_open("if{nic", NULL, &p, NULL);
		if (p == NULL || !nmport_sleep_begin(p, NMPORT_RX))
			_exit(1);
		if (write(ready[1], "", 1) != 1)
			_exit(1);
		pfd = (struct pollfd){ .fd = nmport_fd(p), .events = POLLIN };
		poll(&pfd, 1, PATIENCE_S * 1000);
		nmport_sleep_end(p);
		nmport_rxsync(p, 0);
		if (nm_ring_space(nmport_rxring(p, 0)) != 1)
			_exit(2);
		raise(SIGKILL);
	}
	assert_int_equal(read(ready[0], frame + 1, 1), 1);
	assert_true(mem_queue_put(from_wire, frame, 60));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	pthread_join(thread, NULL);
	close(ready[0]);
	close(ready[1]);
	/* Nobody is at the other end any more. */
	assert_int_equal(nmport_open("if{nic",
	    &(struct nmport_cfg){ .wants_peer = true },
	    &(struct nmport *){ NULL }, NULL), -ENXIO);
}

static int
teardown_killed(void **state)
{
	uplink_close(u);
	mem_queue_close(from_wire);
	mem_queue_close(to_wire);
	return rig_teardown(state);
}

static void
one_at_a_pipe(void **state)
{
	struct nmport *p = open_program();
	struct uplink *other = NULL;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(uplink_open("if}nic", "mem:x", 1, &other, &e),
	    -EALREADY);
	assert_int_equal(uplink_open("of}nic", "nothing:x", 1, &other, &e),
	    -EINVAL);
	nmport_close(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(both_ways, setup, teardown),
		cmocka_unit_test_setup_teardown(long_frame, setup, teardown),
		cmocka_unit_test_setup_teardown(full_ring, setup, teardown),
		cmocka_unit_test_setup_teardown(killed_program, setup,
		    teardown_killed),
		cmocka_unit_test_setup_teardown(one_at_a_pipe, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
