/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One port and several processes that know nothing of each other: each opens it
 * by its name, with rings of its own or with the same.  Built twice, as
 * test_nmapi.c.
 */
#include "netmap_api.h"
#include "nmapi_rig.h"

/* A process that was started before anybody had a port, so that it inherits
 * none: it runs 'work', and the two wait for each other by octets. */
struct other {
	pid_t pid;
	int up[2], down[2];
};

static void
meet(int fd)
{
	assert_int_equal(write(fd, "", 1), 1);
}

static void
await(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char c;

	assert_int_equal(poll(&p, 1, PATIENCE_S * 1000), 1);
	assert_int_equal(read(fd, &c, 1), 1);
}

static struct other
start(void (*work)(const struct other *o))
{
	struct other o;

	assert_int_equal(pipe(o.up) | pipe(o.down), 0);
	o.pid = fork();
	if (o.pid == 0) {
		alarm(PATIENCE_S);
		work(&o);
		_exit(0);
	}
	return o;
}

static void
finish(struct other *o)
{
	int st;

	assert_int_equal(waitpid(o->pid, &st, 0), o->pid);
	assert_int_equal(st, 0);
	close_all(o->up, o->down);
}

/* Ours to tell it, its to wait; and the other way round. */
static void
tell(const struct other *o)
{
	meet(o->down[1]);
}

static void
hear(const struct other *o)
{
	await(o->up[0]);
}

static void
say(const struct other *o)
{
	meet(o->up[1]);
}

static void
obey(const struct other *o)
{
	await(o->down[0]);
}

static int
try_reg(int fd, const char *name, unsigned mode, unsigned ring, uint64_t flags)
{
	struct nmreq_register r = { .nr_mode = mode,
		.nr_ringid = (uint16_t)ring, .nr_tx_rings = 2,
		.nr_rx_rings = 2, .nr_flags = flags };

	return fails(reg(fd, name, &r));
}

static void
attach_ring(struct nm *nm, const char *name, unsigned ring, uint64_t flags)
{
	struct nmreq_register r = { .nr_mode = NR_REG_ONE_NIC,
		.nr_ringid = (uint16_t)ring, .nr_tx_rings = 2,
		.nr_rx_rings = 2, .nr_flags = flags };

	*nm = (struct nm){ .fd = must_open(), .ring = ring };
	attach_as(nm, name, &r);
	assert_int_equal(r.nr_tx_rings, 2);
	assert_int_equal(r.nr_rx_rings, 2);
}

static void
sync_tx(struct nm *nm)
{
	assert_int_equal(nmapi_ioctl(nm->fd, NIOCTXSYNC, NULL), 0);
}

/* ---- rings of one's own ---- */

static void
ring_one(const struct other *o)
{
	struct nm nm;

	attach_ring(&nm, "valeM:p", 1, 0);
	say(o);
	for (int i = 0; i < 20; i++)
		if (wait_receive(&nm) != 100 + i)
			_exit(1);
	for (int i = 0; i < 20; i++)
		send_one(&nm, 4, (uint16_t)(300 + i));
	sync_tx(&nm);
	obey(o);
}

/* Both sleep and are woken; what one sends is the other's not to see. */
static void
test_rings_of_two(void **state)
{
	struct nmreq_register two = { .nr_mode = NR_REG_ALL_NIC,
		.nr_tx_rings = 2, .nr_rx_rings = 2 };
	struct other o = start(ring_one);
	struct nm ours, peer = { .fd = must_open() };

	(void)state;
	hear(&o);
	attach_ring(&ours, "valeM:p", 0, 0);
	assert_int_equal(ours.nifp->ring_ofs[1], 0);
	attach_as(&peer, "valeM:peer", &two);
	for (int i = 0; i < 20; i++) { /* by ring r to ring r */
		peer.ring = 1;
		send_one(&peer, 3, (uint16_t)(100 + i));
		peer.ring = 0;
		send_one(&peer, 3, (uint16_t)(200 + i));
		sync_tx(&peer);
		usleep(1000);
	}
	for (int i = 0; i < 20; i++)
		assert_int_equal(wait_receive(&ours), 200 + i);
	peer.ring = 1;
	for (int i = 0; i < 20; i++)
		assert_int_equal(wait_receive(&peer), 300 + i);
	assert_int_equal(receive_one(&ours), -1);
	tell(&o);
	finish(&o);
	send_one(&ours, 4, 77); /* the port is there still */
	sync_tx(&ours);
	peer.ring = 0;
	assert_int_equal(wait_receive(&peer), 77);
	detach(&ours);
	detach(&peer);
}

/* ---- who may have what ---- */

static void
exclusive_one(const struct other *o)
{
	struct nm nm;

	attach_ring(&nm, "valeM:p", 1, NR_EXCLUSIVE);
	say(o);
	obey(o);
	_exit(1); /* it is killed before */
}

static void
test_exclusive(void **state)
{
	struct other o = start(exclusive_one);
	int fd = must_open(), st;

	(void)state;
	hear(&o);
	assert_int_equal(try_reg(fd, "valeM:p", NR_REG_ALL_NIC, 0, 0), EBUSY);
	assert_int_equal(try_reg(fd, "valeM:p", NR_REG_ONE_NIC, 1, 0), EBUSY);
	assert_int_equal(try_reg(fd, "valeM:p", NR_REG_ONE_NIC, 0,
	    NR_EXCLUSIVE), 0);
	assert_int_equal(kill(o.pid, SIGKILL), 0);
	assert_int_equal(waitpid(o.pid, &st, 0), o.pid);
	close_all(o.up, o.down);
	o.pid = must_open();
	assert_int_equal(try_reg(o.pid, "valeM:p", NR_REG_ALL_NIC, 0, 0),
	    EBUSY); /* ring 0 is ours, exclusively */
	assert_int_equal(try_reg(o.pid, "valeM:p", NR_REG_ONE_NIC, 1, 0), 0);
	nmapi_close(fd);
	fd = must_open();
	assert_int_equal(try_reg(fd, "valeM:p", NR_REG_ONE_NIC, 0,
	    NR_EXCLUSIVE), 0);
	nmapi_close(fd);
	nmapi_close(o.pid);
}

/* ---- the same rings ---- */

/* Sends and receives in turns with its sibling, by the same ring. */
static void
same_rings(const struct other *o)
{
	struct nm nm;

	attach(&nm, "valeM:p");
	say(o);
	for (int i = 0; i < 50; i++) {
		obey(o);
		send_one(&nm, 4, (uint16_t)(500 + i));
		sync_tx(&nm);
		if (wait_receive(&nm) != 600 + i)
			_exit(1);
		say(o);
	}
}

static void
test_same_rings(void **state)
{
	struct other o = start(same_rings);
	struct nm ours, peer;

	(void)state;
	attach(&ours, "valeM:p");
	attach(&peer, "valeM:peer");
	hear(&o);
	for (int i = 0; i < 50; i++) {
		send_one(&ours, 4, (uint16_t)(400 + i));
		sync_tx(&ours);
		assert_int_equal(wait_receive(&peer), 400 + i);
		send_one(&peer, 3, (uint16_t)(600 + i));
		sync_tx(&peer);
		tell(&o);
		assert_int_equal(wait_receive(&peer), 500 + i);
		hear(&o);
		send_one(&peer, 3, (uint16_t)(700 + i));
		sync_tx(&peer);
		assert_int_equal(wait_receive(&ours), 700 + i);
	}
	finish(&o);
	detach(&ours);
	detach(&peer);
}

/* Sleeps on the ring of its sibling, and is woken with it; takes what is there
 * when it is told so. */
static void
sleeps(const struct other *o)
{
	struct nm nm;
	struct pollfd p = { .events = POLLIN };

	attach(&nm, "valeM:p");
	p.fd = nm.fd;
	for (int i = 0; i < 5; i++) {
		say(o);
		if (nmapi_poll(&p, 1, PATIENCE_S * 1000) != 1 ||
		    p.revents != POLLIN)
			_exit(1);
		say(o);
		obey(o);
		while (receive_one(&nm) >= 0)
			;
		if (nmapi_ioctl(nm.fd, NIOCRXSYNC, NULL) != 0)
			_exit(2);
	}
	say(o);
}

static void
test_both_sleep(void **state)
{
	struct other o[2] = { start(sleeps), start(sleeps) };
	struct nm peer;

	(void)state;
	attach(&peer, "valeM:peer");
	for (int i = 0; i < 5; i++) {
		hear(&o[0]);
		hear(&o[1]);
		usleep(5000); /* most likely they sleep by now */
		send_one(&peer, 3, 60);
		sync_tx(&peer);
		hear(&o[0]);
		hear(&o[1]);
		tell(&o[i % 2]); /* takes it */
		hear(&o[i % 2]);
		tell(&o[1 - i % 2]); /* finds nothing */
		hear(&o[1 - i % 2]);
		meet(o[0].up[1]); /* what the next round waits for */
		meet(o[1].up[1]);
	}
	finish(&o[0]);
	finish(&o[1]);
	detach(&peer);
}

/* ---- pipes, persistent ports, and death at work ---- */

static void
pipe_ring(const struct other *o)
{
	struct nm nm;

	attach_ring(&nm, "valeM:x{1", 1, 0);
	say(o);
	if (wait_receive(&nm) != 91)
		_exit(1);
	send_one(&nm, 4, 92);
	sync_tx(&nm);
	obey(o);
}

static void
test_pipe(void **state)
{
	struct other o = start(pipe_ring);
	struct nmreq_register two = { .nr_mode = NR_REG_ALL_NIC };
	struct nm ours, peer = { .fd = must_open(), .ring = 1 };

	(void)state;
	hear(&o);
	attach_ring(&ours, "valeM:x{1", 0, 0);
	attach_as(&peer, "valeM:x}1", &two);
	send_one(&peer, 3, 91);
	sync_tx(&peer);
	assert_int_equal(wait_receive(&peer), 92);
	peer.ring = 0;
	send_one(&peer, 3, 93);
	sync_tx(&peer);
	assert_int_equal(wait_receive(&ours), 93);
	tell(&o);
	finish(&o);
	send_one(&ours, 3, 94);
	sync_tx(&ours);
	assert_int_equal(wait_receive(&peer), 94);
	detach(&ours);
	detach(&peer);
}

static void
by_own_name(const struct other *o)
{
	struct nm nm;

	obey(o);
	attach_ring(&nm, "per7", 1, 0);
	say(o);
	obey(o);
}

static void
test_persistent(void **state)
{
	struct nmreq_vale_newif new = { .nr_tx_rings = 2, .nr_rx_rings = 2 };
	struct nmreq_vale_attach at = { .reg.nr_mode = NR_REG_ALL_NIC };
	struct nmreq_vale_detach off = { 0 };
	struct other o = start(by_own_name);
	int fd = must_open();

	(void)state;
	assert_int_equal(ask(fd, NETMAP_REQ_VALE_NEWIF, "per7", &new), 0);
	assert_int_equal(ask(fd, NETMAP_REQ_VALE_ATTACH, "valeM:per7", &at),
	    0);
	tell(&o);
	hear(&o);
	assert_int_equal(try_reg(fd, "valeN:per7", NR_REG_ONE_NIC, 0, 0),
	    EBUSY); /* it is on another switch */
	assert_int_equal(try_reg(fd, "valeM:per7", NR_REG_ONE_NIC, 0, 0), 0);
	tell(&o);
	finish(&o);
	nmapi_close(fd);
	fd = must_open();
	assert_int_equal(ask(fd, NETMAP_REQ_VALE_DETACH, "valeM:per7", &off),
	    0);
	assert_int_equal(ask(fd, NETMAP_REQ_VALE_DELIF, "per7", NULL), 0);
	nmapi_close(fd);
}

/* Sends all the time by the ring that we share, until it is killed. */
static void
busy(const struct other *o)
{
	struct nm nm;

	attach(&nm, "valeM:p");
	say(o);
	for (;;) {
		struct netmap_ring *r = txring(nm.nifp, 0);

		while (r->head != r->tail)
			send_one(&nm, 4, 64);
		sync_tx(&nm);
	}
}

static void
test_killed_at_it(void **state)
{
	struct nm ours, peer;

	(void)state;
	for (int round = 0; round < 20; round++) {
		struct other o = start(busy);
		struct netmap_ring *r;

		hear(&o);
		attach(&ours, "valeM:p");
		attach(&peer, "valeM:peer");
		for (int i = 0; i < 50 + round * 37; i++)
			assert_int_equal(wait_receive(&peer), 64);
		assert_int_equal(kill(o.pid, SIGKILL), 0);
		assert_int_equal(waitpid(o.pid, NULL, 0), o.pid);
		close_all(o.up, o.down);
		/* What it left in the ring goes first, then ours. */
		r = txring(ours.nifp, 0);
		for (sync_tx(&ours); r->head == r->tail; sync_tx(&ours))
			assert_true(wait_receive(&peer) > 0);
		send_one(&ours, 4, 99);
		sync_tx(&ours);
		for (int i = 0; i < 100000; i++) {
			int len = wait_receive(&peer);

			sync_tx(&ours);
			assert_true(len > 0);
			if (len == 99)
				break;
			assert_int_equal(len, 64);
		}
		detach(&ours);
		detach(&peer);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rings_of_two),
		cmocka_unit_test(test_exclusive),
		cmocka_unit_test(test_same_rings),
		cmocka_unit_test(test_both_sleep),
		cmocka_unit_test(test_pipe),
		cmocka_unit_test(test_persistent),
		cmocka_unit_test(test_killed_at_it),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
