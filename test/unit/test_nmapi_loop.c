/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Positions outside the rings, and the loop that syncs by them: as a hypervisor
 * and its guest would.  Built twice, as test_nmapi.c.
 */
#include "netmap_api.h"
#include "nmapi_rig.h"

#include <sys/eventfd.h>


static _Alignas(64) struct nm_csb_atok atok[2];
static _Alignas(64) struct nm_csb_ktoa ktoa[2];

static struct nmreq_opt_csb
csb_option(void)
{
	return (struct nmreq_opt_csb){
		.nro_opt.nro_reqtype = NETMAP_REQ_OPT_CSB,
		.csb_atok = (uintptr_t)atok,
		.csb_ktoa = (uintptr_t)ktoa,
	};
}

static int
ask_with(int fd, unsigned type, const char *name, void *body, void *option)
{
	struct nmreq_header h = header(type, name, body);

	h.nr_options = (uintptr_t)option;
	return nmapi_ioctl(fd, NIOCCTRL, &h);
}

/* valeC:a in CSB mode. */
static void
attach_csb(struct nm *nm)
{
	struct nmreq_register r = { .nr_mode = NR_REG_ALL_NIC,
		.nr_flags = NR_EXCLUSIVE };
	struct nmreq_opt_csb o = csb_option();

	*nm = (struct nm){ .fd = must_open() };
	assert_int_equal(ask_with(nm->fd, NETMAP_REQ_REGISTER, "valeC:a", &r,
	    &o), 0);
	assert_int_equal(o.nro_opt.nro_status, 0);
	nm->size = r.nr_memsize;
	nm->mem = nmapi_mmap(NULL, nm->size, PROT_READ | PROT_WRITE,
	    MAP_SHARED, nm->fd, 0);
	assert_ptr_not_equal(nm->mem, MAP_FAILED);
	nm->nifp = (void *)(nm->mem + r.nr_offset);
}

/* ---- the loop's thread ---- */

struct loop {
	int fd, result;
	void *option;
	pthread_t thread;
};

static void *
run(void *arg)
{
	struct nmreq_sync_kloop_start s = { .sleep_us = 100 };
	struct loop *l = arg;

	l->result = fails(ask_with(l->fd, NETMAP_REQ_SYNC_KLOOP_START,
	    "valeC:a", &s, l->option));
	return NULL;
}

static void
start(struct loop *l, int fd, void *option)
{
	*l = (struct loop){ .fd = fd, .option = option };
	assert_int_equal(pthread_create(&l->thread, NULL, run, l), 0);
}

static void
stop(struct loop *l)
{
	assert_int_equal(ask(l->fd, NETMAP_REQ_SYNC_KLOOP_STOP, "valeC:a",
	    NULL), 0);
	pthread_join(l->thread, NULL);
	assert_int_equal(l->result, 0);
}

/* ---- the program that has no system calls for it ---- */

static uint32_t
get(const uint32_t *p)
{
	return __atomic_load_n(p, __ATOMIC_SEQ_CST);
}

static void
put(unsigned i, uint32_t pos)
{
	__atomic_store_n(&atok[i].cur, pos, __ATOMIC_SEQ_CST);
	__atomic_store_n(&atok[i].head, pos, __ATOMIC_SEQ_CST);
}

/* Fills the next slot, and kicks if the loop wants it ('kick' >= 0). */
static void
send_by_csb(struct nm *nm, uint16_t len, int kick)
{
	struct netmap_ring *r = txring(nm->nifp, 0);
	uint32_t head = get(&atok[0].head);
	const uint64_t one = 1;
	char *b;

	for (int i = 0; head == get(&ktoa[0].hwtail); i++) {
		assert_true(i < PATIENCE_S * 1000);
		usleep(1000);
	}
	b = buffer(r, r->slot[head].buf_idx);
	memset(b, 0xff, 6);
	memset(b + 6, 2, 6);
	r->slot[head].len = len;
	r->slot[head].flags = 0;
	put(0, next_slot(r, head));
	if (kick >= 0 && get(&ktoa[0].kern_need_kick))
		assert_int_equal(write(kick, &one, sizeof(one)), 8);
}

/* Waits for a frame, by the eventfd if there is one. */
static int
receive_by_csb(struct nm *nm, int irq)
{
	struct netmap_ring *r = rxring(nm->nifp, 0);
	uint32_t head = get(&atok[1].head);
	struct pollfd p = { .fd = irq, .events = POLLIN };
	uint64_t n;

	for (int i = 0; head == get(&ktoa[1].hwtail); i++) {
		assert_true(i < PATIENCE_S * 1000);
		if (irq < 0) {
			usleep(1000);
		} else {
			assert_int_equal(poll(&p, 1, PATIENCE_S * 1000), 1);
			assert_int_equal(read(irq, &n, sizeof(n)), 8);
		}
	}
	put(1, next_slot(r, head));
	return r->slot[head].len;
}

/* ---- tests ---- */

static void
talk(struct nm *a, struct nm *b, const int io[2], const int irq[2])
{
	const uint64_t one = 1;

	for (int i = 0; i < 3000; i++) { /* several times around */
		send_by_csb(a, (uint16_t)(60 + i % 100), io[0]);
		assert_int_equal(wait_receive(b), 60 + i % 100);
	}
	for (int i = 0; i < 300; i++) {
		send_one(b, 0xff, (uint16_t)(60 + i % 100));
		assert_int_equal(nmapi_ioctl(b->fd, NIOCTXSYNC, NULL), 0);
		assert_int_equal(receive_by_csb(a, irq[1]), 60 + i % 100);
		if (io[1] >= 0 && get(&ktoa[1].kern_need_kick))
			assert_int_equal(write(io[1], &one, sizeof(one)), 8);
	}
}

static void
test_sleeping_in_between(void **state)
{
	const int none[2] = { -1, -1 };
	struct pollfd p = { .events = POLLIN };
	struct loop l, other;
	struct nm a, b;

	(void)state;
	attach_csb(&a);
	attach(&b, "valeC:b");
	assert_int_equal(fails(nmapi_ioctl(a.fd, NIOCTXSYNC, NULL)), EBUSY);
	p.fd = a.fd;
	assert_int_equal(nmapi_poll(&p, 1, 0), 1);
	assert_int_equal(p.revents, POLLERR);
	start(&l, a.fd, NULL);
	talk(&a, &b, none, none);
	start(&other, a.fd, NULL); /* one loop is enough */
	pthread_join(other.thread, NULL);
	assert_int_equal(other.result, EBUSY);
	stop(&l);
	detach(&a);
	detach(&b);
}

struct eventfds {
	struct nmreq_option nro_opt;
	struct {
		int32_t ioeventfd, irqfd;
	} fds[2];
};

static void
test_kicks(void **state)
{
	const int io[2] = { eventfd(0, 0), eventfd(0, 0) };
	const int irq[2] = { eventfd(0, 0), eventfd(0, 0) };
	struct nmreq_opt_sync_kloop_mode mode = {
		.nro_opt.nro_reqtype = NETMAP_REQ_OPT_SYNC_KLOOP_MODE,
		.mode = NM_OPT_SYNC_KLOOP_DIRECT_TX,
	};
	struct eventfds e = {
		.nro_opt = { .nro_reqtype = NETMAP_REQ_OPT_SYNC_KLOOP_EVENTFDS,
			.nro_size = sizeof(e) },
		.fds = { { io[0], irq[0] }, { io[1], irq[1] } },
	};
	struct nmreq_sync_kloop_start s = { .sleep_us = 100 };
	struct loop l;
	struct nm a, b;

	(void)state;
	attach_csb(&a);
	attach(&b, "valeC:b");
	e.nro_opt.nro_next = (uintptr_t)&mode;
	start(&l, a.fd, &e);
	talk(&a, &b, io, irq);
	stop(&l);
	assert_int_equal(e.nro_opt.nro_status, 0);
	assert_int_equal(mode.nro_opt.nro_status, 0);
	mode.mode = 8;
	assert_int_equal(fails(ask_with(a.fd, NETMAP_REQ_SYNC_KLOOP_START,
	    "valeC:a", &s, &e)), EINVAL);
	e.nro_opt.nro_next = 0;
	e.nro_opt.nro_size -= sizeof(e.fds[0]);
	assert_int_equal(fails(ask_with(a.fd, NETMAP_REQ_SYNC_KLOOP_START,
	    "valeC:a", &s, &e)), EINVAL);
	assert_int_equal(e.nro_opt.nro_status, EINVAL);
	detach(&a);
	detach(&b);
	close_all(io, irq);
}

static void
test_refused(void **state)
{
	struct nmreq_register r = { .nr_mode = NR_REG_ALL_NIC };
	struct nmreq_sync_kloop_start s = { .sleep_us = 2000000 };
	struct nmreq_opt_csb o = csb_option();
	int fd = must_open();

	(void)state;
	assert_int_equal(fails(ask(fd, NETMAP_REQ_SYNC_KLOOP_STOP, "", NULL)),
	    ENXIO);
	assert_int_equal(fails(ask_with(fd, NETMAP_REQ_REGISTER, "valeC:a", &r,
	    &o)), EINVAL); /* not exclusive */
	assert_int_equal(o.nro_opt.nro_status, EINVAL);
	r.nr_flags = NR_EXCLUSIVE;
	o.csb_ktoa += 8;
	assert_int_equal(fails(ask_with(fd, NETMAP_REQ_REGISTER, "valeC:a", &r,
	    &o)), EINVAL); /* unaligned */
	o.csb_ktoa = 64;
	assert_int_equal(fails(ask_with(fd, NETMAP_REQ_REGISTER, "valeC:a", &r,
	    &o)), EFAULT);
	assert_int_equal(reg(fd, "valeC:a", &r), 0); /* it was not one */
	assert_int_equal(fails(ask(fd, NETMAP_REQ_SYNC_KLOOP_START, "", &s)),
	    EINVAL);
	s.sleep_us = 1;
	assert_int_equal(fails(ask(fd, NETMAP_REQ_SYNC_KLOOP_START, "", &s)),
	    EINVAL); /* no CSB mode */
	assert_int_equal(fails(ask(fd, NETMAP_REQ_CSB_ENABLE, "", NULL)),
	    EINVAL);
	o = csb_option();
	assert_int_equal(ask_with(fd, NETMAP_REQ_CSB_ENABLE, "", NULL, &o), 0);
	assert_int_equal(get(&ktoa[0].hwtail), 1023);
	nmapi_close(fd);
}

/* Whoever closes the descriptor ends its loop. */
static void
test_closed(void **state)
{
	struct loop l;
	struct nm a, b;

	(void)state;
	attach_csb(&a);
	attach(&b, "valeC:b");
	start(&l, a.fd, NULL);
	send_by_csb(&a, 99, -1);
	assert_int_equal(wait_receive(&b), 99);
	detach(&a);
	pthread_join(l.thread, NULL);
	assert_int_equal(l.result, 0);
	attach(&a, "valeC:a"); /* the port is free */
	detach(&a);
	detach(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sleeping_in_between),
		cmocka_unit_test(test_kicks),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_closed),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
