/* SPDX-License-Identifier: BSD-2-Clause */
/* A port's user: sizes, sleeping and waking, and threads on both ends. */
#include "vale_rig.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>

static struct nmport *a, *b;

static int
setup(void **state)
{
	rig_setup(state);
	a = rig_open("valeT:a");
	b = rig_open("valeT:b");
	return 0;
}

static int
teardown(void **state)
{
	rig_check_buffers();
	nmport_close(a);
	nmport_close(b);
	return rig_teardown(state);
}

static void
sizes(void **state)
{
	static const struct {
		struct nmport_cfg cfg;
		int rc;
	} cases[] = {
		{ { 0 }, 0 },
		{ { .tx_slots = 256, .rx_slots = 65536 }, 0 },
		{ { .tx_slots = 65536, .rx_slots = 256 }, 0 },
		{ { .tx_slots = 128 }, -EINVAL },
		{ { .tx_slots = 255 }, -EINVAL },
		{ { .tx_slots = 257 }, -EINVAL },
		{ { .rx_slots = 131072 }, -EINVAL },
		{ { .rx_slots = 65537 }, -EINVAL },
		{ { .rx_slots = 0xffffffff }, -EINVAL },
		{ { .tx_rings = 8, .rx_rings = 8, .tx_slots = 256 }, 0 },
		{ { .tx_rings = 9 }, -EINVAL },
		{ { .rx_rings = 9 }, -EINVAL },
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		struct nmport *p = NULL;
		struct err e = { 0 };

		if (nmport_open("valeT:s", &cases[i].cfg, &p, &e) !=
		    cases[i].rc)
			fail_msg("case %u: %s", i, e.text);
		nmport_close(p);
	}
	nmport_close(NULL);
	assert_true(nmport_same_arena(a, b));
}

/* The largest ring, filled to the brim and emptied. */
static void
largest_ring(void **state)
{
	struct nmport_cfg cfg = { .tx_slots = 65536, .rx_slots = 65536 };
	struct nmport *x = rig_open_cfg("valeU:x", &cfg);
	struct nmport *y = rig_open_cfg("valeU:y", &cfg);

	(void)state;
	for (unsigned i = 0; i < 65535; i++)
		rig_put(x, 2, 1, i);
	assert_int_equal(nm_ring_space(nmport_txring(x, 0)), 0);
	assert_int_equal(nmport_txsync(x, 0), 0);
	assert_int_equal(nmport_txpending(x, 0), 0);
	rig_put(x, 2, 1, 65535);
	assert_int_equal(nmport_txsync(x, 0), 0);
	assert_int_equal(nmport_txpending(x, 0), 1);
	for (unsigned i = 0; i < 65535; i++)
		assert_int_equal(rig_get(y), i);
	assert_int_equal(nmport_txsync(x, 0), 0);
	assert_int_equal(rig_get(y), 65535);
	nmport_close(x);
	nmport_close(y);
}

/* Ring i of the sender feeds ring i of the receiver. */
static void
several_rings(void **state)
{
	struct nmport_cfg cfg = { .tx_slots = 256, .rx_slots = 256,
		.tx_rings = 3, .rx_rings = 2 };
	struct nmport *x = rig_open_cfg("valeU:x", &cfg);
	struct nmport *y = rig_open_cfg("valeU:y", &cfg);

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct netmap_ring *r = nmport_txring(x, i);

		rig_frame(nm_buf(r, r->slot[0].buf_idx), 2, 1, i);
		r->slot[0].len = 64;
		r->head = r->cur = 1;
		assert_int_equal(nmport_txsync(x, i), 0);
	}
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(nmport_rxsync(y, i), 0);
		assert_int_equal(nm_ring_space(nmport_rxring(y, i)), 2 - i);
	}
	assert_int_equal(nmport_txsync(x, 3), -EINVAL);
	assert_int_equal(nmport_rxsync(y, 2), -EINVAL);
	assert_int_equal(nmport_txpending(x, 3), 0);
	nmport_close(x);
	nmport_close(y);
}

/* ---- sleeping ---- */

static int
is_readable(struct nmport *p, int timeout_ms)
{
	struct pollfd pfd = { .fd = nmport_fd(p), .events = POLLIN };

	return poll(&pfd, 1, timeout_ms);
}

static void
sleeper_is_woken_once_by_an_arrival(void **state)
{
	(void)state;
	assert_true(nmport_sleep_begin(b, NMPORT_RX));
	assert_int_equal(is_readable(b, 0), 0);
	rig_send(a, 2, 1, 1);
	assert_int_equal(is_readable(b, 0), 1);
	nmport_sleep_end(b);
	assert_int_equal(is_readable(b, 0), 0);
	/* Awake: nobody pays for a wake-up. */
	rig_send(a, 2, 1, 2);
	assert_int_equal(is_readable(b, 0), 0);
	/* There is work: no sleep. */
	assert_false(nmport_sleep_begin(b, NMPORT_RX));
	assert_int_equal(rig_get(b), 1);
	assert_false(nmport_sleep_begin(b, NMPORT_RX | NMPORT_TX));
	assert_int_equal(rig_get(b), 2);
	assert_true(nmport_sleep_begin(b, NMPORT_RX));
	nmport_sleep_end(b);
}

static void
nothing_to_wait_for(void **state)
{
	(void)state;
	assert_false(nmport_sleep_begin(b, 0));
	assert_false(nmport_sleep_begin(b, NMPORT_TX)); /* nothing pending */
	assert_true(nmport_sleep_begin(b, NMPORT_RX | NMPORT_TX));
	nmport_sleep_end(b);
}

/* Whether the sender fell asleep at a full ring: its patience may have ended. */
static bool
sleeps_at_full_ring(void)
{
	for (unsigned i = 0; i < 255; i++)
		rig_put(a, 2, 1, i);
	assert_int_equal(nmport_txsync(a, 0), 0);
	rig_send(a, 2, 1, 255);
	assert_int_equal(nmport_txpending(a, 0), 1);
	return nmport_sleep_begin(a, NMPORT_TX);
}

/* One who waits for room is not woken by arrivals, only by half a ring. */
static void
sender_is_woken_at_half_empty(void **state)
{
	(void)state;
	for (unsigned n = 0; !sleeps_at_full_ring(); n++) {
		assert_true(n < 100);
		nmport_close(a);
		nmport_close(b);
		a = rig_open("valeT:a");
		b = rig_open("valeT:b");
	}
	rig_send(b, 1, 2, 0);
	for (unsigned i = 0; i < 128; i++)
		assert_int_equal(rig_get(b), i);
	assert_int_equal(is_readable(a, 0), 1);
	nmport_sleep_end(a);
	assert_int_equal(nmport_txsync(a, 0), 0);
	assert_int_equal(nmport_txpending(a, 0), 0);
}

/* The receiver never moves: the sender's descriptor says so by itself. */
static void
sender_is_woken_when_patience_ends(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 255; i++)
		rig_put(a, 2, 1, i);
	assert_int_equal(nmport_txsync(a, 0), 0);
	rig_send(a, 2, 1, 255);
	for (unsigned i = 0; nmport_txpending(a, 0) != 0; i++) {
		assert_true(i < 10);
		if (nmport_sleep_begin(a, NMPORT_TX)) {
			assert_int_equal(is_readable(a, 10000), 1);
			nmport_sleep_end(a);
		}
		assert_int_equal(nmport_txsync(a, 0), 0);
	}
	assert_int_equal(is_readable(a, 0), 0);
}

/* ---- two threads, each asleep whenever it can be: no wake-up is lost ---- */

enum { N_PKTS = 60000, WATCHDOG_S = 60 };

static void
sleep_for(struct nmport *p, unsigned flags)
{
	if (nmport_sleep_begin(p, flags)) {
		if (is_readable(p, WATCHDOG_S * 1000) != 1)
			abort(); /* a wake-up was lost */
		nmport_sleep_end(p);
	}
}

static uint64_t
given_up(void)
{
	struct arena_info *i = rig_list();
	uint64_t n = rig_find(i, "valeT:a")->tx.drops[VDROP_RING_FULL];

	free(i);
	return n;
}

/* A receiver that the machine does not let run for so long that the sender
 * gives up packets gets its last one again: else it would wait for it. */
static uint32_t got_last, n_again;

static void *
send_all(void *arg)
{
	struct netmap_ring *r = nmport_txring(a, 0);
	unsigned i = 0;

	while (i < N_PKTS || nmport_txpending(a, 0) != 0) {
		for (unsigned k = i % 7; k < 8 && i < N_PKTS &&
		     nm_ring_space(r) > 0; k++)
			rig_put(a, 2, 1, i++);
		nmport_txsync(a, 0);
		if (nm_ring_space(r) == 0 || i == N_PKTS)
			sleep_for(a, NMPORT_TX);
	}
	while (given_up() != 0 && !ld_acquire(&got_last)) {
		usleep(10000);
		if (nm_ring_space(r) > 0) {
			rig_put(a, 2, 1, N_PKTS - 1);
			n_again++;
		}
		nmport_txsync(a, 0);
	}
	return arg;
}

/* In order, whatever is missing. */
static void *
receive_all(void *arg)
{
	uint64_t *n = arg;
	int64_t tag = -1, last = -1;

	while (last != N_PKTS - 1) {
		tag = rig_get(b);
		if (tag < 0)
			sleep_for(b, NMPORT_RX);
		else if (tag <= last)
			abort();
		if (tag < 0)
			continue;
		last = tag;
		(*n)++;
	}
	st_release(&got_last, 1u);
	return arg;
}

static void
no_wake_up_is_lost(void **state)
{
	uint64_t n_got = 0, n_dropped;
	pthread_t tx, rx;

	(void)state;
	got_last = n_again = 0;
	assert_int_equal(pthread_create(&rx, NULL, receive_all, &n_got), 0);
	assert_int_equal(pthread_create(&tx, NULL, send_all, NULL), 0);
	pthread_join(tx, NULL);
	pthread_join(rx, NULL);
	do {
		assert_int_equal(nmport_txsync(a, 0), 0);
		while (rig_get(b) >= 0)
			n_got++;
	} while (nmport_txpending(a, 0) != 0);
	n_dropped = given_up();
	if (n_dropped != 0)
		print_message("# %llu given up, the last sent %u times more\n",
		    (unsigned long long)n_dropped, n_again);
	assert_int_equal(n_got + n_dropped, N_PKTS + n_again);
}

/* Ping-pong: every single packet finds its receiver asleep. */
static void *
echo(void *arg)
{
	for (unsigned n = 0; n < 2000;) {
		int64_t tag = rig_get(b);

		if (tag < 0) {
			sleep_for(b, NMPORT_RX);
			continue;
		}
		rig_send(b, 1, 2, (uint32_t)tag + 1);
		n++;
	}
	return arg;
}

static void
ping_pong(void **state)
{
	pthread_t t;

	(void)state;
	assert_int_equal(pthread_create(&t, NULL, echo, NULL), 0);
	for (unsigned n = 0; n < 2000; n++) {
		int64_t tag;

		rig_send(a, 2, 1, n);
		while ((tag = rig_get(a)) < 0)
			sleep_for(a, NMPORT_RX);
		assert_int_equal(tag, n + 1);
	}
	pthread_join(t, NULL);
}

/* ---- threads come and go while others send ---- */

static uint32_t stop;

static void *
come_and_go(void *arg)
{
	struct nmport_cfg cfg = { .tx_slots = 256, .rx_slots = 256 };
	const char *name = arg;

	while (!ld_relaxed(&stop)) {
		struct nmport *p;
		struct err e;

		if (nmport_open(name, &cfg, &p, &e) < 0)
			abort();
		for (unsigned i = 0; i < 20; i++) {
			rig_put(p, i % 3 ? 0xff : 2, 30, i);
			nmport_txsync(p, 0);
			rig_get(p);
		}
		nmport_close(p);
	}
	return NULL;
}

static void
others_come_and_go(void **state)
{
	static char names[2][16] = { "valeT:x", "valeT:y" };
	struct arena_info *i;
	pthread_t t[2];

	(void)state;
	stop = 0;
	for (unsigned n = 0; n < 2; n++)
		assert_int_equal(pthread_create(&t[n], NULL, come_and_go,
		    names[n]), 0);
	for (unsigned n = 0; n < 20000; n++) {
		if (nm_ring_space(nmport_txring(a, 0)) > 0)
			rig_put(a, n % 5 ? 2 : 0xff, 1, n);
		nmport_txsync(a, 0);
		rig_get(b);
		rig_get(a);
		if (n % 1000 == 0) {
			i = rig_list();
			free(i);
		}
	}
	st_relaxed(&stop, 1u);
	for (unsigned n = 0; n < 2; n++)
		pthread_join(t[n], NULL);
}

/* ---- one ring's user alone ---- */

static int
is_ring_readable(struct nmport *p, unsigned ring)
{
	struct pollfd pfd = { .fd = nmport_ring_fd(p, ring),
		.events = POLLIN };

	return poll(&pfd, 1, 0);
}

static void
send_on(struct nmport *p, unsigned ring)
{
	struct netmap_ring *r = nmport_txring(p, ring);

	rig_frame(nm_buf(r, r->slot[r->cur].buf_idx), 0xff, 1, 0);
	r->slot[r->cur].len = 64;
	r->head = r->cur = nm_ring_next(r, r->cur);
	assert_int_equal(nmport_txsync(p, ring), 0);
}

static void
users_of_rings_sleep_apart(void **state)
{
	struct nmport_cfg cfg = { .tx_slots = 256, .rx_slots = 256,
		.tx_rings = 3, .rx_rings = 3 };
	struct nmport *x = rig_open_cfg("valeU:x", &cfg);
	struct nmport *y = rig_open_cfg("valeU:y", &cfg);

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		assert_true(nmport_ring_sleep_begin(y, i, NMPORT_RX));
	send_on(x, 1);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(is_ring_readable(y, i), i == 1);
	nmport_ring_sleep_end(y, 1);
	assert_int_equal(is_ring_readable(y, 1), 0);
	assert_false(nmport_ring_sleep_begin(y, 1, NMPORT_RX));
	assert_int_equal(nmport_rxsync(y, 1), 0);
	nmport_rxring(y, 1)->cur = nmport_rxring(y, 1)->tail; /* seen, held */
	assert_int_equal(nmport_rxsync(y, 1), 0);
	assert_true(nmport_ring_sleep_begin(y, 1, NMPORT_RX));
	send_on(x, 0);
	send_on(x, 2);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(is_ring_readable(y, i), i != 1);
		nmport_ring_sleep_end(y, i);
	}
	assert_int_equal(nmport_ring_fd(y, 3), -EINVAL);
	assert_false(nmport_ring_sleep_begin(y, 3, NMPORT_RX));
	nmport_close(x);
	nmport_close(y);
}

/* Of a sender of two rings, the one that waits is woken. */
static void
a_ring_that_waits_for_room(void **state)
{
	struct nmport_cfg cfg = { .tx_slots = 256, .rx_slots = 256,
		.tx_rings = 2, .rx_rings = 2 };
	struct nmport *x = rig_open_cfg("valeU:x", &cfg);
	struct nmport *y = rig_open_cfg("valeU:y", &cfg);
	struct netmap_ring *r = nmport_rxring(y, 1);

	(void)state;
	for (unsigned i = 0; i < 256; i++)
		send_on(x, 1);
	assert_int_equal(nmport_txpending(x, 1), 1);
	assert_false(nmport_ring_sleep_begin(x, 0, NMPORT_TX));
	assert_true(nmport_ring_sleep_begin(x, 0, NMPORT_RX));
	if (!nmport_ring_sleep_begin(x, 1, NMPORT_TX))
		skip(); /* a slow machine: its patience has ended */
	assert_int_equal(nmport_rxsync(y, 1), 0);
	r->head = r->cur = r->tail;
	assert_int_equal(nmport_rxsync(y, 1), 0);
	assert_int_equal(is_ring_readable(x, 1), 1);
	assert_int_equal(is_ring_readable(x, 0), 0);
	nmport_ring_sleep_end(x, 0);
	nmport_ring_sleep_end(x, 1);
	nmport_close(x);
	nmport_close(y);
}

/* ---- the flags of netmap(4) ---- */

static void
flags_of_slots(void **state)
{
	struct netmap_ring *tx = nmport_txring(a, 0), *rx = nmport_rxring(b, 0);
	static const unsigned frags[] = { 3, 2, 1, 1, 1 };

	(void)state;
	rig_put(a, 2, 1, 0)->flags = NS_MOREFRAG;
	rig_put(a, 2, 1, 1)->flags = NS_MOREFRAG;
	rig_put(a, 2, 1, 2);
	rig_put(a, 2, 1, 3)->flags = NS_REPORT;
	rig_put(a, 2, 1, 4)->flags = NS_FORWARD; /* only of interfaces */
	assert_int_equal(nmport_txsync(a, 0), 0);
	/* All sent, as NS_REPORT asks; each with another buffer now. */
	assert_int_equal(nmport_txpending(a, 0), 0);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(tx->slot[i].flags & NS_BUF_CHANGED,
		    NS_BUF_CHANGED);
	assert_int_equal(nmport_rxsync(b, 0), 0);
	assert_int_equal(nm_ring_space(rx), 5);
	for (unsigned i = 0; i < 5; i++) {
		const struct netmap_slot *s = &rx->slot[i];

		assert_int_equal(NS_RFRAGS(s), frags[i]);
		assert_int_equal(s->flags & NS_MOREFRAG,
		    frags[i] > 1 ? NS_MOREFRAG : 0);
		assert_int_equal(s->flags & (NS_REPORT | NS_FORWARD), 0);
	}
}

/* The same for copies, which keep their buffers. */
static void
flags_of_copies(void **state)
{
	struct nmport *c = rig_open("valeT:c");
	struct nmport *to[2] = { b, c };

	(void)state;
	rig_put(a, 0xff, 1, 0)->flags = NS_MOREFRAG;
	rig_put(a, 0xff, 1, 1);
	assert_int_equal(nmport_txsync(a, 0), 0);
	for (unsigned i = 0; i < 2; i++) {
		struct netmap_ring *rx = nmport_rxring(to[i], 0);

		assert_int_equal(nmport_rxsync(to[i], 0), 0);
		assert_int_equal(NS_RFRAGS(&rx->slot[0]), 2);
		assert_int_equal(NS_RFRAGS(&rx->slot[1]), 1);
		assert_int_equal(rx->slot[0].flags & NS_BUF_CHANGED, 0);
	}
	nmport_close(c);
}

static void
time_stamps_if_asked_for(void **state)
{
	struct netmap_ring *rings[] = { nmport_txring(a, 0),
		nmport_rxring(a, 0) };
	struct timeval now;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		rings[i]->ts = (struct timeval){ 7, 7 };
		nmport_txsync(a, 0);
		nmport_rxsync(a, 0);
		assert_int_equal(rings[i]->ts.tv_sec, 7);
		rings[i]->flags = NR_TIMESTAMP | NR_FORWARD;
		gettimeofday(&now, NULL);
		nmport_txsync(a, 0);
		nmport_rxsync(a, 0);
		assert_true(rings[i]->ts.tv_sec >= now.tv_sec);
		rings[i]->flags = 0;
	}
}

/* Sizes that cannot be become the next that can. */
static void
wishes(void **state)
{
	struct nmport_cfg cfg = { .tx_slots = 1, .rx_slots = 1025,
		.tx_rings = 1, .rx_rings = 16, .are_wishes = true };
	struct nmport *p = rig_open_cfg("valeT:w", &cfg);
	struct nmport_info i;

	(void)state;
	nmport_get_info(p, &i);
	assert_int_equal(i.tx_slots, 256);
	assert_int_equal(i.rx_slots, 2048);
	assert_int_equal(i.rx_rings, NMPORT_MAX_RINGS);
	assert_int_equal((uintptr_t)rig_base(p) + i.if_ofs,
	    (uintptr_t)nmport_if(p));
	assert_true(i.if_ofs < UINT32_MAX);
	nmport_close(p);
}

/* After fork both have the port; it goes with the last. */
static void
shared_by_fork(void **state)
{
	struct nmport *p = rig_open("valeT:f");
	int status, fds[2];
	pid_t pid;
	char c;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		close(fds[1]);
		(void)!read(fds[0], &c, 1); /* until the parent has left */
		rig_send(p, 0xff, 9, 77);
		nmport_leave(p);
		_exit(0);
	}
	nmport_leave(p);
	assert_int_equal(nmport_open("valeT:f", NULL, &p, NULL), -EBUSY);
	close(fds[1]);
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	assert_int_equal(rig_get(a), 77);
	p = rig_open("valeT:f");
	nmport_close(p);
	close(fds[0]);
}

/* A child that shares the port is killed anywhere in a sync; the parent goes on,
 * and no ring stays locked, no buffer is lost. */
static void
a_child_killed_in_a_sync(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 100; round++) {
		int status;
		pid_t pid = fork();
		int64_t tag;

		if (pid == 0)
			for (;;) {
				if (nm_ring_space(nmport_txring(a, 0)) > 0)
					rig_put(a, round % 2 ? 2 : 0xff, 1, 9);
				nmport_txsync(a, 0);
				nmport_rxsync(a, 0);
			}
		for (unsigned i = 0; i < 2; i++) {
			usleep(100 + round * 7);
			for (unsigned k = 0; k < 2000 && rig_get(b) >= 0; k++)
				;
		}
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		assert_int_equal(nmport_txsync(a, 0), 0);
		while (rig_get(b) >= 0)
			assert_int_equal(nmport_txsync(a, 0), 0);
		assert_int_equal(nmport_txpending(a, 0), 0);
		rig_send(a, 2, 1, 1000 + round);
		while ((tag = rig_get(b)) != 1000 + round)
			assert_int_equal(tag, 9);
		rig_check_buffers();
	}
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(sizes),
		T(largest_ring),
		T(several_rings),
		T(sleeper_is_woken_once_by_an_arrival),
		T(nothing_to_wait_for),
		T(sender_is_woken_at_half_empty),
		T(sender_is_woken_when_patience_ends),
		T(no_wake_up_is_lost),
		T(ping_pong),
		T(others_come_and_go),
		T(users_of_rings_sleep_apart),
		T(a_ring_that_waits_for_room),
		T(flags_of_slots),
		T(flags_of_copies),
		T(time_stamps_if_asked_for),
		T(wishes),
		T(shared_by_fork),
		T(a_child_killed_in_a_sync),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
