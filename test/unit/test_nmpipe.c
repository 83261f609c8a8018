/* SPDX-License-Identifier: BSD-2-Clause */
/* netmap pipes: what goes in at one end comes out at the other, in the same
 * buffer, whoever came first, left, or died in between. */
#include "vale_rig.h"

#include "base/clock.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static struct nmport *m, *s;

static int
setup(void **state)
{
	rig_setup(state);
	m = rig_open("valeP:x{1");
	s = rig_open("valeP:x}1");
	return 0;
}

static int
teardown(void **state)
{
	rig_check_buffers();
	nmport_close(m);
	nmport_close(s);
	return rig_teardown(state);
}

static void
names(void **state)
{
	static const struct {
		const char *name;
		int rc;
	} cases[] = {
		{ "valeP:y{1", 0 },
		{ "netmap:foo{a.b", 0 },
		{ "foo}12", 0 },
		{ "valeP:x{1", -EBUSY },
		{ "valeP:x}1", -EBUSY },
		{ "netmap:valeP:x}1", -EBUSY },
		{ "foo{", -EINVAL },
		{ "{1", -EINVAL },
		{ "valeP:{1", -EINVAL },
		{ "valeP{1", -EINVAL },
		{ "foo{1{2", -EINVAL },
		{ "foo{1}", -EINVAL },
		{ "foo:a{1", -EINVAL },
		{ "foo{a/b", -EINVAL },
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(cases); i++)
		if (rig_try_open(cases[i].name) != cases[i].rc)
			fail_msg("%s", cases[i].name);
}

/* The buffer that was filled is the one that is read: nothing is copied. */
static void
both_ways_without_a_copy(void **state)
{
	uint32_t idx[3];

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		idx[i] = rig_put(m, 2, 1, 10 + i)->buf_idx;
	assert_int_equal(nmport_txsync(m, 0), 0);
	rig_send(s, 1, 2, 77);
	assert_int_equal(nmport_rxsync(s, 0), 0);
	assert_int_equal(nm_ring_space(nmport_rxring(s, 0)), 3);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(nmport_rxring(s, 0)->slot[i].buf_idx, idx[i]);
		assert_int_equal(nmport_rxring(s, 0)->slot[i].len, 64);
		assert_int_equal(rig_get(s), 10 + i);
	}
	assert_int_equal(rig_get(s), -1);
	assert_int_equal(rig_get(m), 77);
	assert_int_equal(rig_get(m), -1);
}

static void
full_is_full_until_the_reader_reads(void **state)
{
	struct netmap_ring *r = nmport_txring(m, 0);

	(void)state;
	for (unsigned i = 0; i < 255; i++)
		rig_put(m, 2, 1, i);
	assert_int_equal(nmport_txsync(m, 0), 0);
	assert_int_equal(nm_ring_space(r), 0);
	assert_int_equal(nmport_txpending(m, 0), 0);
	usleep(120000); /* a switch would have lost patience */
	assert_int_equal(nmport_txsync(m, 0), 0);
	assert_int_equal(nm_ring_space(r), 0);
	for (unsigned i = 0; i < 1000; i++) {
		assert_int_equal(rig_get(s), i);
		assert_int_equal(nmport_txsync(m, 0), 0);
		assert_int_equal(nm_ring_space(r), 1);
		rig_send(m, 2, 1, 255 + i);
	}
}

/* A packet is handed over when its last slot is there. */
static void
whole_packets_only(void **state)
{
	struct netmap_ring *r = nmport_rxring(s, 0);

	(void)state;
	rig_put(m, 2, 1, 1);
	rig_put(m, 2, 1, 2)->flags = NS_MOREFRAG;
	assert_int_equal(nmport_txsync(m, 0), 0);
	assert_int_equal(nmport_txpending(m, 0), 1);
	assert_int_equal(nmport_rxsync(s, 0), 0);
	assert_int_equal(nm_ring_space(r), 1);
	rig_put(m, 2, 1, 3)->flags = NS_MOREFRAG;
	rig_put(m, 2, 1, 4);
	assert_int_equal(nmport_txsync(m, 0), 0);
	assert_int_equal(nmport_txpending(m, 0), 0);
	assert_int_equal(nmport_rxsync(s, 0), 0);
	assert_int_equal(nm_ring_space(r), 4);
	assert_int_equal(r->slot[1].flags & NS_MOREFRAG, NS_MOREFRAG);
	for (unsigned i = 1; i <= 4; i++)
		assert_int_equal(rig_get(s), i);
}

/* A reader that exchanges a buffer gives it to the sender. */
static void
buffers_are_exchanged_through_it(void **state)
{
	struct netmap_ring *tx = nmport_txring(s, 0), *rx = nmport_rxring(s, 0);
	struct netmap_slot *in = &rx->slot[0], *out = &tx->slot[0];
	uint32_t mine = in->buf_idx, theirs = out->buf_idx;

	(void)state;
	rig_send(m, 2, 1, 5);
	assert_int_equal(nmport_rxsync(s, 0), 0);
	in->buf_idx = theirs;
	in->flags = out->flags = NS_BUF_CHANGED;
	out->buf_idx = mine;
	out->len = in->len;
	rx->head = rx->cur = 1;
	tx->head = tx->cur = 1;
	assert_int_equal(nmport_rxsync(s, 0), 0);
	assert_int_equal(nmport_txsync(s, 0), 0);
	assert_int_equal(nmport_txsync(m, 0), 0);
	assert_int_equal(nmport_txring(m, 0)->slot[0].buf_idx, theirs);
	assert_int_equal(nmport_txring(m, 0)->slot[0].flags, NS_BUF_CHANGED);
	assert_int_equal(rig_get(m), 5);
}

static void
the_first_end_makes_the_shape(void **state)
{
	struct nmport_cfg cfg = { .tx_slots = 256, .rx_slots = 512,
		.tx_rings = 2, .rx_rings = 3 };
	struct nmport *b = rig_open_cfg("bar}7", &cfg), *a;
	struct nmport_info i;

	(void)state;
	cfg = (struct nmport_cfg){ .tx_slots = 4096, .rx_rings = 8 };
	a = rig_open_cfg("bar{7", &cfg);
	nmport_get_info(a, &i);
	assert_int_equal(i.tx_rings, 3);
	assert_int_equal(i.rx_rings, 2);
	assert_int_equal(i.tx_slots, 512);
	assert_int_equal(i.rx_slots, 256);
	assert_true(i.is_pipe);
	for (unsigned r = 0; r < 3; r++) {
		struct netmap_ring *t = nmport_txring(a, r);

		t->slot[0].len = (uint16_t)(100 + r);
		t->head = t->cur = 1;
		assert_int_equal(nmport_txsync(a, r), 0);
		assert_int_equal(nmport_rxsync(b, r), 0);
		assert_int_equal(nm_ring_space(nmport_rxring(b, r)), 1);
		assert_int_equal(nmport_rxring(b, r)->slot[0].len, 100 + r);
	}
	assert_null(nmport_txring(a, 3));
	assert_int_equal(nmport_txsync(a, 3), -EINVAL);
	nmport_close(a);
	nmport_close(b);
}

/* What is in the pipe stays in it while one end is open. */
static void
an_end_leaves_and_comes_back(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 10; i++)
		rig_send(m, 2, 1, i);
	assert_int_equal(rig_get(s), 0);
	assert_int_equal(rig_get(s), 1);
	nmport_close(s);
	for (unsigned i = 10; i < 20; i++)
		rig_send(m, 2, 1, i);
	rig_check_buffers();
	s = rig_open("valeP:x}1");
	for (unsigned i = 2; i < 20; i++)
		assert_int_equal(rig_get(s), i);
	for (unsigned i = 20; i < 30; i++)
		rig_send(m, 2, 1, i);
	nmport_close(m);
	for (unsigned i = 20; i < 25; i++)
		assert_int_equal(rig_get(s), i);
	m = rig_open("valeP:x{1");
	rig_send(m, 2, 1, 30);
	for (unsigned i = 25; i <= 30; i++)
		assert_int_equal(rig_get(s), i);
	/* Both gone: the next one is new, and empty. */
	rig_send(m, 2, 1, 31);
	nmport_close(m);
	nmport_close(s);
	rig_check_buffers();
	s = rig_open("valeP:x}1");
	m = rig_open("valeP:x{1");
	assert_int_equal(rig_get(s), -1);
}

/* Positions that cannot be are refused; the other end's are not believed. */
static void
hostile_positions(void **state)
{
	struct netmap_ring *r = nmport_txring(m, 0);
	uint8_t *base = rig_base(m);
	struct nmport_info i;

	(void)state;
	r->head = r->cur = 300;
	assert_int_equal(nmport_txsync(m, 0), -EINVAL);
	assert_int_equal(r->head, 0);
	r->head = 3;
	r->cur = 2;
	assert_int_equal(nmport_txsync(m, 0), -EINVAL);
	r = nmport_rxring(s, 0);
	r->head = r->cur = 1; /* nothing has come */
	assert_int_equal(nmport_rxsync(s, 0), -EINVAL);
	assert_int_equal(r->head, 0);
	nmport_get_info(s, &i);
	for (unsigned n = 0; n < 400; n++) {
		struct kring *k = &arena_port(base, i.port_idx)->rx[0];
		uint32_t head = k->head, tail, was;

		rig_send(m, 2, 1, n);
		tail = k->tail;
		was = nmport_txring(m, 0)->tail;
		/* What was not sent cannot have come back, nor can nonsense. */
		k->head = n % 2 ? 256 + n * 2654435761u / 2 : (tail + 1) & 255;
		assert_int_equal(nmport_txsync(m, 0), 0);
		assert_int_equal(nmport_txring(m, 0)->tail, was);
		k->head = head;
		k->tail = n * 2246822519u | 256;
		assert_int_equal(nmport_rxsync(s, 0), 0);
		assert_true(r->tail < 256);
		k->tail = tail;
		assert_int_equal(rig_get(s), n);
	}
}

static int
is_readable(struct nmport *p, int timeout_ms)
{
	struct pollfd pfd = { .fd = nmport_fd(p), .events = POLLIN };

	return poll(&pfd, 1, timeout_ms);
}

static void
sleepers_are_woken(void **state)
{
	(void)state;
	assert_true(nmport_sleep_begin(s, NMPORT_RX));
	assert_int_equal(is_readable(s, 0), 0);
	rig_send(m, 2, 1, 0);
	assert_int_equal(is_readable(s, 0), 1);
	nmport_sleep_end(s);
	assert_int_equal(is_readable(s, 0), 0);
	assert_false(nmport_sleep_begin(s, NMPORT_RX));
	assert_false(nmport_sleep_begin(m, NMPORT_TX)); /* there is room */
	for (unsigned i = 1; i < 255; i++)
		rig_send(m, 2, 1, i);
	/* Waits for room: woken by half a ring, or a reader that sleeps. */
	assert_true(nmport_sleep_begin(m, NMPORT_TX));
	for (unsigned i = 0; i < 129; i++)
		assert_int_equal(rig_get(s), i);
	assert_int_equal(is_readable(m, 0), 1);
	nmport_sleep_end(m);
	assert_false(nmport_sleep_begin(m, NMPORT_TX));
}

/* The reader takes one packet and keeps the rest: the sender finds out. */
static void
a_sender_looks_for_itself(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 255; i++)
		rig_send(m, 2, 1, i);
	assert_true(nmport_sleep_begin(m, NMPORT_TX));
	assert_int_equal(rig_get(s), 0);
	assert_int_equal(is_readable(m, 10000), 1);
	nmport_sleep_end(m);
	assert_false(nmport_sleep_begin(m, NMPORT_TX));
}

/* ---- two threads that sleep whenever they can ---- */

enum { N_PKTS = 100000, WATCHDOG_S = 60 };

static void
sleep_for(struct nmport *p, unsigned flags)
{
	if (nmport_sleep_begin(p, flags)) {
		if (is_readable(p, WATCHDOG_S * 1000) != 1)
			abort(); /* a wake-up was lost */
		nmport_sleep_end(p);
	}
}

static void *
send_all(void *arg)
{
	struct netmap_ring *r = nmport_txring(m, 0);
	unsigned i = 0;

	while (i < N_PKTS) {
		for (unsigned k = i % 7; k < 8 && i < N_PKTS &&
		     nm_ring_space(r) > 0; k++)
			rig_put(m, 2, 1, i++);
		nmport_txsync(m, 0);
		if (nm_ring_space(r) == 0)
			sleep_for(m, NMPORT_TX);
	}
	return arg;
}

static void
no_wake_up_is_lost(void **state)
{
	pthread_t tx;

	(void)state;
	assert_int_equal(pthread_create(&tx, NULL, send_all, NULL), 0);
	for (unsigned i = 0; i < N_PKTS;) {
		int64_t tag = rig_get(s);

		if (tag < 0)
			sleep_for(s, NMPORT_RX);
		else
			assert_int_equal(tag, i++);
	}
	pthread_join(tx, NULL);
}

/* ---- an end that dies ---- */

/* Sends forever, from another process. */
static pid_t
spawn_sender(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		struct nmport *p = rig_open("valeP:x{1");

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (unsigned i = 0;;) {
			if (nm_ring_space(nmport_txring(p, 0)) > 0)
				rig_put(p, 2, 1, i++);
			nmport_txsync(p, 0);
		}
	}
	return pid;
}

static void
killed_and_opened_again(void **state)
{
	int status;

	(void)state;
	nmport_close(m);
	for (unsigned round = 0; round < 20; round++) {
		pid_t pid = spawn_sender();
		int64_t tag = -1, last = -1;
		ns_t end = clock_mono_ns() + 20 * NS_PER_S;

		for (unsigned n = 0; n < 3000 + round * 37; n++) {
			while ((tag = rig_get(s)) < 0)
				assert_true(clock_mono_ns() < end);
			assert_int_equal(tag, last + 1);
			last = tag;
		}
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		assert_true(WIFSIGNALED(status));
		while ((tag = rig_get(s)) >= 0)
			assert_int_equal(tag, ++last);
		rig_check_buffers();
	}
	m = rig_open("valeP:x{1");
}

static void
listed_with_counters(void **state)
{
	struct arena_info *i;
	const struct vport_info *p;

	(void)state;
	rig_send(m, 2, 1, 1);
	rig_send(m, 2, 1, 2);
	i = rig_list();
	assert_int_equal(i->n_switches, 0);
	p = rig_find(i, "valeP:x{1");
	assert_non_null(p);
	assert_int_equal(p->tx.pkts, 2);
	assert_int_equal(p->tx.bytes, 128);
	p = rig_find(i, "valeP:x}1");
	assert_int_equal(p->rx_pkts, 2);
	assert_int_equal(p->rx_bytes, 128);
	free(i);
}

/* One process has both ends of many pipes, and packets go all the way round. */
static void
a_ring_of_pipes(void **state)
{
	enum { N = 40 };
	struct nmport *ends[N][2];
	char name[32];

	(void)state;
	for (unsigned i = 0; i < N * 2; i++) {
		snprintf(name, sizeof(name), "ring%c%u", "{}"[i % 2], i / 2);
		ends[i / 2][i % 2] = rig_open(name);
	}
	rig_send(ends[0][0], 2, 1, 4711);
	for (unsigned i = 0; i < N; i++) {
		assert_int_equal(rig_get(ends[i][1]), 4711);
		rig_send(ends[(i + 1) % N][0], 2, 1, 4711);
	}
	assert_int_equal(rig_get(ends[0][1]), 4711);
	rig_check_buffers();
	for (unsigned i = 0; i < N * 2; i++)
		nmport_close(ends[i / 2][i % 2]);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(names),
		T(both_ways_without_a_copy),
		T(full_is_full_until_the_reader_reads),
		T(whole_packets_only),
		T(buffers_are_exchanged_through_it),
		T(the_first_end_makes_the_shape),
		T(an_end_leaves_and_comes_back),
		T(hostile_positions),
		T(sleepers_are_woken),
		T(a_sender_looks_for_itself),
		T(no_wake_up_is_lost),
		T(killed_and_opened_again),
		T(listed_with_counters),
		T(a_ring_of_pipes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
