/* SPDX-License-Identifier: BSD-2-Clause */
/* Monitors see what a port or a pipe's end sends and receives, and disturb
 * nobody. */
#include "vale_rig.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

static struct nmport *a, *b;

static int
setup(void **state)
{
	rig_setup(state);
	a = rig_open("valeM:a");
	b = rig_open("valeM:b");
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
names(void **state)
{
	static const struct {
		const char *name;
		int rc;
	} cases[] = {
		{ "valeM:a/r", 0 },
		{ "valeM:a/t", 0 },
		{ "valeM:a/rt", 0 },
		{ "netmap:valeM:b/tr", 0 },
		{ "valeM:a/z", 0 },
		{ "valeM:a/zr", 0 },
		{ "valeM:a/", -EINVAL },
		{ "valeM:a/x", -EINVAL },
		{ "valeM:a/r/t", -EINVAL },
		{ "valeM:nobody/r", -EINVAL },
		{ "valeM:a{1/r", -EINVAL },
		{ "/r", -EINVAL },
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(cases); i++)
		if (rig_try_open(cases[i].name) != cases[i].rc)
			fail_msg("%s", cases[i].name);
}

static unsigned
flags_of_next(struct nmport *m)
{
	struct netmap_ring *r = nmport_rxring(m, 0);

	if (nm_ring_space(r) == 0)
		assert_int_equal(nmport_rxsync(m, 0), 0);
	assert_true(nm_ring_space(r) > 0);
	return r->slot[r->cur].flags;
}

/* Sent ones before anybody has them, received ones when they arrive. */
static void
sees_both_ways(void **state)
{
	struct nmport *t = rig_open("valeM:a/t"), *r = rig_open("valeM:a/r"),
		      *rt = rig_open("valeM:a/rt"), *z = rig_open("valeM:a/zr");

	(void)state;
	rig_send(a, 0xff, 1, 1);
	rig_send(b, 0xff, 2, 2);
	assert_int_equal(flags_of_next(t), NS_TXMON);
	assert_int_equal(rig_get(t), 1);
	assert_int_equal(rig_get(t), -1);
	assert_int_equal(flags_of_next(r) & NS_TXMON, 0);
	assert_int_equal(rig_get(r), 2); /* a has not looked yet */
	assert_int_equal(rig_get(z), -1); /* which this one waits for */
	assert_int_equal(rig_get(a), 2);
	assert_int_equal(rig_get(r), -1); /* and once is enough */
	assert_int_equal(rig_get(z), 2);
	nmport_close(z);
	assert_int_equal(flags_of_next(rt), NS_TXMON);
	assert_int_equal(rig_get(rt), 1);
	assert_int_equal(flags_of_next(rt) & NS_TXMON, 0);
	assert_int_equal(rig_get(rt), 2);
	assert_int_equal(rig_get(b), 1); /* undisturbed */
	rig_put(t, 0xff, 1, 9);
	assert_int_equal(nmport_txsync(t, 0), -EIO);
	nmport_close(t);
	rig_send(a, 0xff, 1, 3);
	assert_int_equal(rig_get(rt), 3);
	nmport_close(r);
	nmport_close(rt);
	rig_send(a, 0xff, 1, 4);
	assert_int_equal(rig_get(b), 3);
	assert_int_equal(rig_get(b), 4);
}

/* What has no room is missed and counted; the port does not wait. */
static void
misses_what_does_not_fit(void **state)
{
	struct nmport *t = rig_open("valeM:a/t");
	struct arena_info *l;
	bool found = false;

	(void)state;
	for (unsigned i = 0; i < 300; i++) {
		rig_send(a, 0xff, 1, i);
		assert_int_equal(rig_get(b), i);
	}
	for (unsigned i = 0; i < 255; i++)
		assert_int_equal(rig_get(t), i);
	assert_int_equal(rig_get(t), -1);
	rig_send(a, 0xff, 1, 1000);
	assert_int_equal(rig_get(t), 1000);
	l = rig_list();
	for (unsigned i = 0; i < l->n_ports; i++)
		if (l->ports[i].port.kind == VPORT_MONITOR) {
			found = true;
			assert_int_equal(l->ports[i].port.rx_pkts, 256);
			assert_int_equal(l->ports[i].port
				.rx_drops[VDROP_RING_FULL], 45);
		}
	assert_true(found);
	free(l);
	nmport_close(t);
}

/* Slots that say nothing good, and data that lies elsewhere. */
static void
odd_slots(void **state)
{
	struct nmport *t = rig_open("valeM:a/t");
	struct netmap_slot *s;
	uint8_t frame[64];
	uint32_t idx;

	(void)state;
	rig_frame(frame, 0xff, 1, 42);
	s = rig_put(a, 0xff, 1, 1);
	s->flags = NS_INDIRECT;
	s->ptr = (uintptr_t)frame;
	s = rig_put(a, 0xff, 1, 2);
	s->flags = NS_INDIRECT;
	s->ptr = 8;
	s = rig_put_len(a, 0xff, 1, 3, 5000);
	s = rig_put(a, 0xff, 1, 4);
	idx = s->buf_idx;
	s->buf_idx = 0xffffffff;
	rig_put(a, 0xff, 1, 5)->flags = NS_MOREFRAG;
	rig_put(a, 0xff, 1, 6);
	assert_int_equal(nmport_txsync(a, 0), 0);
	s->buf_idx = idx;
	assert_int_equal(rig_get(t), 42);
	assert_int_equal(flags_of_next(t), NS_MOREFRAG | NS_TXMON);
	assert_int_equal(rig_get(t), 5);
	assert_int_equal(rig_get(t), 6);
	assert_int_equal(rig_get(t), -1);
	nmport_close(t);
}

static void
of_pipes(void **state)
{
	struct nmport *m = rig_open("valeM:a{1"), *s = rig_open("valeM:a}1");
	struct nmport *r = rig_open("valeM:a}1/r"), *t = rig_open("valeM:a{1/t");

	(void)state;
	rig_send(m, 2, 1, 1);
	rig_send(s, 2, 1, 2);
	assert_int_equal(rig_get(t), 1);
	assert_int_equal(rig_get(r), 1);
	assert_int_equal(rig_get(s), 1);
	assert_int_equal(rig_get(r), -1);
	assert_int_equal(rig_get(m), 2);
	nmport_close(s);
	assert_int_equal(nmport_rxsync(r, 0), -EIO);
	rig_send(m, 2, 1, 3);
	assert_int_equal(rig_get(t), 3);
	nmport_close(m);
	nmport_close(r);
	nmport_close(t);
}

/* Rings one by one, and one of them alone. */
static void
of_several_rings(void **state)
{
	struct nmport_cfg cfg = { .tx_slots = 256, .rx_slots = 512,
		.tx_rings = 3, .rx_rings = 2 };
	struct nmport *p = rig_open_cfg("valeM:p", &cfg), *all, *one;
	struct nmport_info i;

	(void)state;
	all = rig_open_cfg("valeM:p/t", NULL);
	one = rig_open_cfg("valeM:p/t", &(struct nmport_cfg){ .one_ring = 2 });
	nmport_get_info(all, &i);
	assert_int_equal(i.rx_rings, 3);
	assert_int_equal(i.rx_slots, 512);
	assert_true(i.is_monitor);
	cfg = (struct nmport_cfg){ .one_ring = 4 };
	assert_int_equal(nmport_open("valeM:p/t", &cfg, &p, NULL), -EINVAL);
	for (unsigned k = 0; k < 3; k++) {
		struct netmap_ring *r = nmport_txring(p, k);

		rig_frame(nm_buf(r, r->slot[0].buf_idx), 0xff, 1, k);
		r->slot[0].len = 64;
		r->head = r->cur = 1;
		assert_int_equal(nmport_txsync(p, k), 0);
		assert_int_equal(nmport_rxsync(all, k), 0);
		assert_int_equal(nm_ring_space(nmport_rxring(all, k)), 1);
		assert_int_equal(nmport_rxsync(one, k), 0);
		assert_int_equal(nm_ring_space(nmport_rxring(one, k)), k == 1);
	}
	nmport_close(p);
	nmport_close(all);
	nmport_close(one);
}

static int
is_readable(struct nmport *p)
{
	struct pollfd pfd = { .fd = nmport_fd(p), .events = POLLIN };

	return poll(&pfd, 1, 0);
}

/* It sleeps until something comes, or its port goes. */
static void
sleeps(void **state)
{
	struct nmport *p = rig_open("valeM:p"), *t = rig_open("valeM:p/rt");

	(void)state;
	assert_true(nmport_sleep_begin(t, NMPORT_RX));
	assert_int_equal(is_readable(t), 0);
	rig_send(p, 0xff, 1, 1);
	assert_int_equal(is_readable(t), 1);
	nmport_sleep_end(t);
	assert_int_equal(rig_get(t), 1);
	assert_true(nmport_sleep_begin(t, NMPORT_RX));
	rig_send(p, 0xff, 1, 2);
	nmport_sleep_end(t);
	assert_int_equal(rig_get(t), 2);
	assert_true(nmport_sleep_begin(t, NMPORT_RX));
	assert_int_equal(is_readable(t), 0);
	nmport_close(p);
	assert_int_equal(is_readable(t), 1);
	nmport_sleep_end(t);
	assert_false(nmport_sleep_begin(t, NMPORT_RX));
	assert_int_equal(nmport_rxsync(t, 0), -EIO);
	/* The port comes back; its monitor has to be opened anew. */
	p = rig_open("valeM:p");
	rig_send(p, 0xff, 1, 3);
	assert_int_equal(nmport_rxsync(t, 0), -EIO);
	nmport_close(p);
	nmport_close(t);
}

/* The one who watches is killed, or the one who is watched. */
static void
deaths(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 20; round++) {
		struct nmport *t = round % 2 ? NULL : rig_open("valeM:a/rt");
		int status, fds[2];
		char c;
		pid_t pid;

		assert_int_equal(pipe(fds), 0);
		pid = fork();
		if (pid == 0) {
			struct nmport *p =
			    rig_open(round % 2 ? "valeM:a/rt" : "valeM:k");

			(void)!write(fds[1], "", 1);
			for (unsigned i = 0;; i++) {
				if (round % 2)
					rig_get(p);
				else if (nm_ring_space(nmport_txring(p, 0)))
					rig_send(p, 0xff, 9, i);
			}
		}
		assert_int_equal(read(fds[0], &c, 1), 1);
		for (unsigned i = 0; i < 100 + 400 * round; i++) {
			rig_send(a, 0xff, 1, i);
			while (rig_get(b) >= 0)
				;
			while (rig_get(a) >= 0)
				;
		}
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		close(fds[0]);
		close(fds[1]);
		rig_check_buffers();
		nmport_close(t);
	}
	rig_send(a, 0xff, 1, 5);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(names),
		T(sees_both_ways),
		T(misses_what_does_not_fit),
		T(odd_slots),
		T(of_pipes),
		T(of_several_rings),
		T(sleeps),
		T(deaths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
