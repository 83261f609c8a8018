/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netmap's API as a program meets it: every request, the rules of rings, and
 * every error.  Built twice: against nmapi_*(), for the sanitizers, and with
 * -DOVER_LIBC as a program of netmap's that knows nothing of us, to be run
 * with libnetmap-user.so preloaded.
 */
#include "netmap_api.h"
#include "nmapi_rig.h"

/* ---- descriptors ---- */

static void
test_descriptors(void **state)
{
	char c = 0;
	int fd = must_open(), fd2, fd3;

	(void)state;
	errno = 0;
	assert_int_equal(nm_read(fd, &c, 1), -1);
	assert_int_equal(errno, EINVAL);
	fd2 = nmapi_dup(fd);
	assert_true(fd2 > fd);
	must_register(fd, "valeD:a");
	fd3 = nmapi_fcntl(fd2, F_DUPFD_CLOEXEC, 100);
	assert_int_equal(fd3, 100);
	assert_int_equal(nmapi_ioctl(fd2, NIOCTXSYNC, NULL), 0);
	assert_int_equal(nmapi_close(fd), 0);
	assert_int_equal(nmapi_close(fd2), 0);
	assert_int_equal(nmapi_ioctl(fd3, NIOCRXSYNC, NULL), 0);
	assert_int_equal(nmapi_dup2(fd3, 101), 101);
	assert_int_equal(nmapi_close(fd3), 0);
	assert_int_equal(nmapi_ioctl(101, NIOCRXSYNC, NULL), 0);
	/* Another file takes the last number: the port is free again. */
	assert_int_equal(nmapi_dup2(0, 101), 101);
	assert_int_equal(nmapi_ioctl(101, NIOCRXSYNC, NULL), -1);
	assert_int_equal(nmapi_close(101), 0);
	fd = must_open();
	must_register(fd, "valeD:a");
	assert_int_equal(nmapi_close(fd), 0);
	errno = 0;
	assert_int_equal(nmapi_close(fd), -1);
	assert_int_equal(errno, EBADF);
}

static void
test_not_registered(void **state)
{
	struct pollfd p = { .events = POLLIN | POLLOUT };
	int fd = must_open();

	(void)state;
	assert_int_equal(fails(nmapi_ioctl(fd, NIOCTXSYNC, NULL)), ENXIO);
	assert_int_equal(fails(nmapi_ioctl(fd, NIOCRXSYNC, NULL)), ENXIO);
	assert_ptr_equal(nmapi_mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0), MAP_FAILED);
	p.fd = fd;
	assert_int_equal(nmapi_poll(&p, 1, 0), 1);
	assert_int_equal(p.revents, POLLERR);
	assert_int_equal(fails(nmapi_ioctl(fd, 0x1234, NULL)), EOPNOTSUPP);
	nmapi_close(fd);
}

/* ---- register ---- */

static void
test_register(void **state)
{
	struct nmreq_register r = { .nr_mode = NR_REG_ALL_NIC,
		.nr_tx_slots = 300, .nr_rx_slots = 512, .nr_tx_rings = 2,
		.nr_rx_rings = 3 };
	struct netmap_if *nifp;
	int fd = must_open();
	char *mem;

	(void)state;
	assert_int_equal(reg(fd, "valeD:a", &r), 0);
	assert_int_equal(r.nr_tx_slots, 512);
	assert_int_equal(r.nr_rx_slots, 512);
	assert_int_equal(r.nr_tx_rings, 2);
	assert_int_equal(r.nr_rx_rings, 3);
	assert_int_equal(r.nr_mem_id, 1);
	mem = nmapi_mmap(NULL, r.nr_memsize, PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);
	assert_ptr_not_equal(mem, MAP_FAILED);
	nifp = (void *)(mem + r.nr_offset);
	assert_string_equal(nifp->ni_name, "valeD:a");
	assert_int_equal(nifp->ni_tx_rings, 2);
	assert_int_equal(nifp->ni_host_tx_rings, 1);
	/* tx 0, tx 1, host tx, rx 0, 1, 2, host rx */
	for (int i = 0; i < 7; i++)
		assert_int_equal(nifp->ring_ofs[i] == 0, i == 2 || i == 6);
	assert_int_equal(txring(nifp, 1)->ringid, 1);
	assert_int_equal(txring(nifp, 1)->dir, 0);
	assert_int_equal(rxring(nifp, 2)->ringid, 2);
	assert_int_equal(rxring(nifp, 2)->dir, 1);
	assert_int_equal(rxring(nifp, 2)->num_slots, 512);
	assert_int_equal(fails(reg(fd, "valeD:b", &r)), EBUSY);
	nmapi_close(fd);
	/* What is mapped outlives the descriptor, if not its contents. */
	assert_true(((volatile char *)nifp)[0] <= 'v');
	assert_int_equal(nmapi_munmap(mem, r.nr_memsize), 0);
}

static void
test_register_refused(void **state)
{
	static const struct {
		const char *name;
		struct nmreq_register r;
		int code;
	} cases[] = {
		{ "eth99", { .nr_mode = NR_REG_ALL_NIC }, ENXIO },
		{ "", { .nr_mode = NR_REG_ALL_NIC }, ENXIO },
		{ "vale", { .nr_mode = NR_REG_ALL_NIC }, EINVAL },
		{ "valeD:a/b", { .nr_mode = NR_REG_ALL_NIC }, EINVAL },
		{ "valeD:a", { .nr_mode = NR_REG_DEFAULT }, EINVAL },
		{ "valeD:a", { .nr_mode = NR_REG_SW }, EINVAL },
		{ "valeD:a", { .nr_mode = NR_REG_NIC_SW }, EINVAL },
		{ "valeD:a", { .nr_mode = NR_REG_ONE_SW }, EINVAL },
		{ "valeD:a", { .nr_mode = NR_REG_PIPE_MASTER }, EINVAL },
		{ "valeD:a", { .nr_mode = NR_REG_NULL }, EINVAL },
		{ "valeD:a", { .nr_mode = 99 }, EINVAL },
		{ "valeD:a", { .nr_mode = NR_REG_ONE_NIC, .nr_ringid = 1 },
		    EINVAL },
		{ "valeD:a", { .nr_mode = NR_REG_ALL_NIC, .nr_mem_id = 7 },
		    EINVAL },
	};
	int fd = must_open();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct nmreq_register r = cases[i].r;

		print_message("# %zu: %s\n", i, cases[i].name);
		assert_int_equal(fails(reg(fd, cases[i].name, &r)),
		    cases[i].code);
		assert_int_equal(fails(nmapi_ioctl(fd, NIOCTXSYNC, NULL)),
		    ENXIO);
	}
	must_register(fd, "valeD:a"); /* none of them left anything */
	nmapi_close(fd);
}

static void
test_one_ring(void **state)
{
	struct nmreq_register r = { .nr_mode = NR_REG_ALL_NIC,
		.nr_tx_rings = 2, .nr_rx_rings = 2 };
	struct nm a = { .fd = must_open() }, b = { .fd = must_open() },
		  c = { .fd = must_open() };

	(void)state;
	attach_as(&a, "valeD:a", &r);
	r = (struct nmreq_register){ .nr_mode = NR_REG_ONE_NIC,
		.nr_ringid = 1 };
	attach_as(&b, "valeD:a", &r);
	assert_int_equal(r.nr_tx_rings, 2);
	assert_int_equal(b.nifp->ring_ofs[0], 0);
	assert_int_not_equal(b.nifp->ring_ofs[1], 0);
	assert_int_equal(b.nifp->ring_ofs[3], 0);
	assert_int_not_equal(b.nifp->ring_ofs[4], 0);
	assert_ptr_equal(txring(b.nifp, 1), txring(a.nifp, 1));
	r = (struct nmreq_register){ .nr_mode = NR_REG_ALL_NIC,
		.nr_flags = NR_TX_RINGS_ONLY };
	attach_as(&c, "valeD:a", &r);
	assert_int_not_equal(c.nifp->ring_ofs[0], 0);
	assert_int_equal(c.nifp->ring_ofs[3], 0);
	assert_int_equal(c.nifp->ring_ofs[4], 0);
	detach(&a);
	assert_int_equal(nmapi_ioctl(b.fd, NIOCTXSYNC, NULL), 0);
	detach(&b);
	detach(&c);
}

static void
test_exclusive(void **state)
{
	struct nmreq_register all = { .nr_mode = NR_REG_ALL_NIC },
			      one = { .nr_mode = NR_REG_ALL_NIC,
				      .nr_flags = NR_EXCLUSIVE };
	int a = must_open(), b = must_open();

	(void)state;
	assert_int_equal(reg(a, "valeD:a", &all), 0);
	assert_int_equal(fails(reg(b, "valeD:a", &one)), EBUSY);
	nmapi_close(a);
	assert_int_equal(reg(b, "valeD:a", &one), 0);
	a = must_open();
	assert_int_equal(fails(reg(a, "valeD:a", &all)), EBUSY);
	nmapi_close(b);
	assert_int_equal(reg(a, "valeD:a", &all), 0);
	nmapi_close(a);
}

static void
test_other_process_has_it(void **state)
{
	int up[2], down[2], fd = must_open(), st;
	struct nmreq_register r = { .nr_mode = NR_REG_ALL_NIC };
	char c;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(up) | pipe(down), 0);
	pid = fork();
	if (pid == 0) {
		alarm(30);
		must_register(must_open(), "valeD:theirs");
		(void)!write(up[1], "", 1);
		(void)!read(down[0], &c, 1);
		_exit(0);
	}
	assert_int_equal(read(up[0], &c, 1), 1);
	assert_int_equal(fails(reg(fd, "valeD:theirs", &r)), EBUSY);
	assert_int_equal(write(down[1], "", 1), 1);
	assert_int_equal(waitpid(pid, &st, 0), pid);
	assert_int_equal(st, 0);
	assert_int_equal(reg(fd, "valeD:theirs", &r), 0);
	nmapi_close(fd);
	close_all(up, down);
}

/* ---- the request itself ---- */

static void
test_header_refused(void **state)
{
	struct nmreq_register r = { .nr_mode = NR_REG_ALL_NIC };
	struct nmreq_header good = header(NETMAP_REQ_REGISTER, "valeD:a", &r),
			    h;
	int fd = must_open();

	(void)state;
	h = good, h.nr_version = 10;
	assert_int_equal(fails(nmapi_ioctl(fd, NIOCCTRL, &h)), EINVAL);
	h = good, h.nr_version = 16;
	assert_int_equal(fails(nmapi_ioctl(fd, NIOCCTRL, &h)), EINVAL);
	h = good, h.nr_reserved = 1;
	assert_int_equal(fails(nmapi_ioctl(fd, NIOCCTRL, &h)), EINVAL);
	h = good, h.nr_body = 0;
	assert_int_equal(fails(nmapi_ioctl(fd, NIOCCTRL, &h)), EINVAL);
	h = good, h.nr_reqtype = NETMAP_REQ_VALE_DELIF; /* has no body */
	assert_int_equal(fails(nmapi_ioctl(fd, NIOCCTRL, &h)), EINVAL);
	h = good, h.nr_reqtype = 0;
	assert_int_equal(fails(nmapi_ioctl(fd, NIOCCTRL, &h)), EINVAL);
	h = good, h.nr_reqtype = 999;
	assert_int_equal(fails(nmapi_ioctl(fd, NIOCCTRL, &h)), EINVAL);
	h = good, h.nr_body = 8; /* nothing is there */
	assert_int_equal(fails(nmapi_ioctl(fd, NIOCCTRL, &h)), EFAULT);
	assert_int_equal(fails(nmapi_ioctl(fd, NIOCCTRL, NULL)), EFAULT);
	memset(h.nr_name, 'x', sizeof(h.nr_name)); /* no end */
	h = good;
	memset(h.nr_name, 'x', sizeof(h.nr_name));
	assert_int_equal(fails(nmapi_ioctl(fd, NIOCCTRL, &h)), ENXIO);
	nmapi_close(fd);
}

static void
test_options(void **state)
{
	struct nmreq_register r = { .nr_mode = NR_REG_ALL_NIC };
	struct nmreq_header h = header(NETMAP_REQ_REGISTER, "valeD:a", &r);
	struct nmreq_opt_offsets o[2] = { 0 };
	struct nmreq_option many[100] = { 0 };
	int fd = must_open();

	(void)state;
	h.nr_options = (uintptr_t)&o[0];
	o[0].nro_opt.nro_reqtype = 1234;
	assert_int_equal(fails(nmapi_ioctl(fd, NIOCCTRL, &h)), EOPNOTSUPP);
	assert_int_equal(o[0].nro_opt.nro_status, EOPNOTSUPP);
	o[0].nro_opt.nro_reqtype = NETMAP_REQ_OPT_OFFSETS;
	assert_int_equal(fails(nmapi_ioctl(fd, NIOCCTRL, &h)), EOPNOTSUPP);
	o[0].nro_opt.nro_next = (uintptr_t)&o[1];
	o[1].nro_opt.nro_reqtype = NETMAP_REQ_OPT_OFFSETS;
	assert_int_equal(fails(nmapi_ioctl(fd, NIOCCTRL, &h)), EINVAL);
	assert_int_equal(o[0].nro_opt.nro_status, EINVAL);
	assert_int_equal(o[1].nro_opt.nro_status, EINVAL);
	o[1].nro_opt.nro_reqtype = 0;
	assert_int_equal(fails(nmapi_ioctl(fd, NIOCCTRL, &h)), EINVAL);
	/* A list that bites its tail. */
	o[0].nro_opt.nro_reqtype = NETMAP_REQ_OPT_MAX + 1;
	o[0].nro_opt.nro_next = (uintptr_t)&o[0];
	assert_int_equal(fails(nmapi_ioctl(fd, NIOCCTRL, &h)), EMSGSIZE);
	o[0].nro_opt.nro_next = 16; /* nothing there */
	assert_int_equal(fails(nmapi_ioctl(fd, NIOCCTRL, &h)), EFAULT);
	/* The last one takes the room that the others left. */
	for (int i = 0; i < 99; i++) {
		many[i].nro_reqtype = NETMAP_REQ_OPT_MAX;
		many[i].nro_next = (uintptr_t)&many[i + 1];
	}
	many[99].nro_reqtype = NETMAP_REQ_OPT_SYNC_KLOOP_EVENTFDS;
	many[99].nro_size = 1000;
	h.nr_options = (uintptr_t)many;
	assert_int_equal(fails(nmapi_ioctl(fd, NIOCCTRL, &h)), EMSGSIZE);
	h.nr_options = 0;
	assert_int_equal(nmapi_ioctl(fd, NIOCCTRL, &h), 0);
	nmapi_close(fd);
}

static void
test_info(void **state)
{
	struct nmreq_port_info_get i = { 0 };
	struct nmreq_register r = { .nr_mode = NR_REG_ALL_NIC,
		.nr_tx_rings = 3, .nr_rx_slots = 4096 };
	int fd = must_open(), fd2 = must_open();

	(void)state;
	assert_int_equal(ask(fd, NETMAP_REQ_PORT_INFO_GET, "", &i), 0);
	assert_true(i.nr_memsize != 0 && i.nr_mem_id == 1);
	assert_int_equal(ask(fd, NETMAP_REQ_PORT_INFO_GET, "valeD:x", &i), 0);
	assert_int_equal(i.nr_tx_slots, 1024);
	assert_int_equal(i.nr_tx_rings, 1);
	assert_int_equal(reg(fd2, "valeD:x", &r), 0);
	assert_int_equal(ask(fd, NETMAP_REQ_PORT_INFO_GET, "valeD:x", &i), 0);
	assert_int_equal(i.nr_tx_rings, 3);
	assert_int_equal(i.nr_rx_slots, 4096);
	assert_int_equal(fails(ask(fd, NETMAP_REQ_PORT_INFO_GET, "eth99", &i)),
	    ENXIO);
	i.nr_mem_id = 9;
	assert_int_equal(fails(ask(fd, NETMAP_REQ_PORT_INFO_GET, "", &i)),
	    EINVAL);
	nmapi_close(fd);
	nmapi_close(fd2);
}

static void
test_other_requests(void **state)
{
	struct nmreq_pools_info p = { 0 };
	struct nmreq_port_hdr h = { 0 };
	struct nmreq_vale_polling v = { 0 };
	struct nmreq_sync_kloop_start k = { 0 };
	int fd = must_open();

	(void)state;
	must_register(fd, "valeD:a");
	assert_int_equal(ask(fd, NETMAP_REQ_POOLS_INFO_GET, "valeD:a", &p), 0);
	assert_true(p.nr_memsize >= p.nr_buf_pool_offset +
	    (uint64_t)p.nr_buf_pool_objtotal * p.nr_buf_pool_objsize);
	assert_int_equal(fails(ask(fd, NETMAP_REQ_POOLS_INFO_GET, "", &p)),
	    ENXIO);
	assert_int_equal(ask(fd, NETMAP_REQ_PORT_HDR_SET, "valeD:a", &h), 0);
	assert_int_equal(fails(ask(fd, NETMAP_REQ_PORT_HDR_SET, "valeD:z",
	    &h)), ENXIO);
	h.nr_hdr_len = 11;
	assert_int_equal(fails(ask(fd, NETMAP_REQ_PORT_HDR_SET, "valeD:a",
	    &h)), EINVAL);
	h.nr_hdr_len = 12;
	assert_int_equal(ask(fd, NETMAP_REQ_PORT_HDR_SET, "valeD:a", &h), 0);
	h.nr_hdr_len = 0;
	assert_int_equal(ask(fd, NETMAP_REQ_PORT_HDR_GET, "valeD:a", &h), 0);
	assert_int_equal(h.nr_hdr_len, 12);
	assert_int_equal(fails(ask(fd, NETMAP_REQ_VALE_POLLING_ENABLE,
	    "valeD:a", &v)), EOPNOTSUPP);
	assert_int_equal(fails(ask(fd, NETMAP_REQ_SYNC_KLOOP_START, "", &k)),
	    EINVAL);
	assert_int_equal(fails(ask(fd, NETMAP_REQ_CSB_ENABLE, "", NULL)),
	    EINVAL);
	nmapi_close(fd);
	fd = must_open();
	assert_int_equal(fails(ask(fd, NETMAP_REQ_SYNC_KLOOP_STOP, "", NULL)),
	    ENXIO);
	nmapi_close(fd);
}

static void
test_list(void **state)
{
	struct nmreq_vale_list l = { 0 };
	struct nmreq_header h;
	char seen[128] = "";
	int a = must_open(), b = must_open(), c = must_open(), n = 0;

	(void)state;
	must_register(a, "valeD:a");
	must_register(b, "valeE:b");
	must_register(c, "valeD:c");
	for (;;) {
		h = header(NETMAP_REQ_VALE_LIST, "", &l);
		if (nmapi_ioctl(a, NIOCCTRL, &h) == -1)
			break;
		strcat(strcat(seen, h.nr_name), " ");
		l.nr_port_idx++;
		assert_true(++n <= 3);
	}
	assert_int_equal(errno, ENOENT);
	assert_string_equal(seen, "valeD:a valeD:c valeE:b ");
	assert_int_equal(ask(a, NETMAP_REQ_VALE_LIST, "valeE:b", &l), 0);
	assert_int_equal(l.nr_bridge_idx, 1);
	assert_int_equal(fails(ask(a, NETMAP_REQ_VALE_LIST, "valeZ:b", &l)),
	    ENOENT);
	assert_int_equal(fails(ask(a, NETMAP_REQ_VALE_LIST, "eth0", &l)),
	    EINVAL);
	nmapi_close(a);
	nmapi_close(b);
	nmapi_close(c);
}

/* ---- the request of old ---- */

static void
test_legacy(void **state)
{
	static const unsigned versions[] = { 11, 12, 13, 14, 16 };
	struct nmreq q;
	int fd;

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		fd = must_open();
		q = (struct nmreq){ .nr_version = versions[i],
			.nr_name = "valeD:a", .nr_flags = NR_REG_ALL_NIC };
		assert_int_equal(nmapi_ioctl(fd, NIOCREGIF, &q), 0);
		assert_int_equal(q.nr_tx_slots, 1024);
		assert_int_equal(q.nr_arg2, 1);
		assert_int_not_equal(q.nr_memsize, 0);
		nmapi_close(fd);
	}
	fd = must_open();
	q.nr_version = 10;
	assert_int_equal(fails(nmapi_ioctl(fd, NIOCREGIF, &q)), EINVAL);
	q.nr_version = 11;
	q.nr_cmd = NETMAP_PT_HOST_CREATE;
	assert_int_equal(fails(nmapi_ioctl(fd, NIOCREGIF, &q)), EINVAL);
	q = (struct nmreq){ .nr_version = 11, .nr_name = "valeD:a" };
	assert_int_equal(nmapi_ioctl(fd, NIOCGINFO, &q), 0);
	assert_int_equal(q.nr_rx_slots, 1024);
	/* A ring's number in the old place; there is only one. */
	q.nr_ringid = NETMAP_HW_RING | 1;
	assert_int_equal(fails(nmapi_ioctl(fd, NIOCREGIF, &q)), EINVAL);
	q.nr_ringid = NETMAP_SW_RING;
	assert_int_equal(fails(nmapi_ioctl(fd, NIOCREGIF, &q)), EINVAL);
	q.nr_ringid = NETMAP_HW_RING | NETMAP_NO_TX_POLL;
	assert_int_equal(nmapi_ioctl(fd, NIOCREGIF, &q), 0);
	q = (struct nmreq){ .nr_version = 11, .nr_cmd = NETMAP_BDG_LIST };
	assert_int_equal(nmapi_ioctl(fd, NIOCGINFO, &q), 0);
	assert_string_equal(q.nr_name, "valeD:a");
	nmapi_close(fd);
}

/* ---- rings ---- */

static void
test_send(void **state)
{
	struct nm a, b;

	(void)state;
	attach(&a, "valeD:a");
	attach(&b, "valeD:b");
	send_one(&a, 0xff, 100);
	assert_int_equal(nmapi_ioctl(a.fd, NIOCTXSYNC, NULL), 0);
	assert_int_equal(rxring(b.nifp, 0)->tail, 0); /* until it asks */
	assert_int_equal(nmapi_ioctl(b.fd, NIOCRXSYNC, NULL), 0);
	assert_int_equal(receive_one(&b), 100);
	assert_int_equal(receive_one(&b), -1);
	detach(&a);
	detach(&b);
}

static void
test_timestamp(void **state)
{
	struct timeval now;
	struct nm a;

	(void)state;
	attach(&a, "valeD:a");
	assert_int_equal(nmapi_ioctl(a.fd, NIOCRXSYNC, NULL), 0);
	assert_int_equal(rxring(a.nifp, 0)->ts.tv_sec, 0);
	rxring(a.nifp, 0)->flags = NR_TIMESTAMP;
	assert_int_equal(nmapi_ioctl(a.fd, NIOCRXSYNC, NULL), 0);
	gettimeofday(&now, NULL);
	assert_true(now.tv_sec - rxring(a.nifp, 0)->ts.tv_sec < 60);
	detach(&a);
}

/* Positions that cannot be: put back, by ioctl() in silence. */
static void
test_bad_positions(void **state)
{
	struct pollfd p = { .events = POLLIN };
	struct netmap_ring *r;
	struct nm a, b;

	(void)state;
	attach(&a, "valeD:a");
	attach(&b, "valeD:b");
	r = txring(a.nifp, 0);
	r->head = r->cur = r->num_slots; /* no slot */
	assert_int_equal(nmapi_ioctl(a.fd, NIOCTXSYNC, NULL), 0);
	assert_int_equal(r->head, 0);
	send_one(&a, 0xff, 60);
	r->cur = 0; /* behind head */
	p.fd = a.fd;
	assert_int_equal(nmapi_poll(&p, 1, 0), 1);
	assert_int_equal(p.revents, POLLERR);
	assert_int_equal(r->head, 0);
	r = rxring(b.nifp, 0);
	r->head = r->cur = 5; /* nothing has come */
	p.fd = b.fd;
	assert_int_equal(nmapi_poll(&p, 1, 0), 1);
	assert_int_equal(p.revents, POLLERR);
	assert_int_equal(r->head, 0);
	assert_int_equal(r->tail, 0);
	send_one(&a, 0xff, 61); /* and both work */
	assert_int_equal(nmapi_ioctl(a.fd, NIOCTXSYNC, NULL), 0);
	assert_int_equal(nmapi_poll(&p, 1, 1000), 1);
	assert_int_equal(receive_one(&b), 61);
	detach(&a);
	detach(&b);
}

/* A full receiver: the sender's ring fills, POLLOUT waits, then goes on.  What
 * has not moved for 100 ms may be dropped, so a slow machine gets less. */
static void
test_full(void **state)
{
	struct pollfd p = { .events = POLLOUT };
	unsigned sent = 0, got = 0;
	struct netmap_ring *r;
	struct nm a, b;

	(void)state;
	attach(&a, "valeD:a");
	attach(&b, "valeD:b");
	r = txring(a.nifp, 0);
	p.fd = a.fd;
	while (nmapi_poll(&p, 1, 0) == 1) {
		assert_int_equal(p.revents, POLLOUT);
		send_one(&a, 0xfe, 60); /* one destination: it waits */
		if (++sent >= 5000)
			break;
	}
	assert_true(sent >= 2046);
	do {
		assert_int_equal(nmapi_poll(&p, 1, 1000), 1);
		assert_int_equal(nmapi_ioctl(b.fd, NIOCRXSYNC, NULL), 0);
		while (receive_one(&b) == 60)
			got++;
		assert_int_equal(nmapi_ioctl(b.fd, NIOCRXSYNC, NULL), 0);
	} while (next_slot(r, r->tail) != r->head);
	assert_true(got >= 1023 && got <= sent);
	detach(&a);
	detach(&b);
}

/* ---- poll and its relatives ---- */

static void
test_poll_flags(void **state)
{
	struct nmreq_register lazy = { .nr_mode = NR_REG_ALL_NIC,
		.nr_flags = NR_NO_TX_POLL };
	struct pollfd pa = { .events = POLLIN }, pb = pa;
	struct nm a = { .fd = must_open() }, b;

	(void)state;
	attach_as(&a, "valeD:a", &lazy);
	attach(&b, "valeD:b");
	pa.fd = a.fd;
	pb.fd = b.fd;
	send_one(&a, 0xff, 60);
	assert_int_equal(nmapi_poll(&pa, 1, 0), 0); /* does not send */
	assert_int_equal(nmapi_poll(&pb, 1, 0), 0);
	pa.events = POLLOUT;
	assert_int_equal(nmapi_poll(&pa, 1, 0), 1); /* this does */
	assert_int_equal(nmapi_poll(&pb, 1, 0), 1);
	assert_int_equal(receive_one(&b), 60);
	send_one(&b, 0xff, 70);
	assert_int_equal(nmapi_poll(&pb, 1, 0), 0); /* sends by default */
	pa.events = POLLIN | POLLOUT;
	assert_int_equal(nmapi_poll(&pa, 1, 0), 1);
	assert_int_equal(pa.revents, POLLIN | POLLOUT);
	detach(&a);
	detach(&b);
}

static void
test_poll_mixed(void **state)
{
	struct pollfd p[4] = { { .events = POLLIN }, { .fd = -1 },
		{ .events = POLLIN }, { .events = POLLIN } };
	int pfd[2];
	struct nm a, b;

	(void)state;
	assert_int_equal(pipe(pfd), 0);
	attach(&a, "valeD:a");
	attach(&b, "valeD:b");
	p[0].fd = a.fd;
	p[2].fd = pfd[0];
	p[3].fd = b.fd;
	p[1].revents = 77;
	assert_int_equal(nmapi_poll(p, 4, 0), 0);
	assert_int_equal(p[1].revents, 0);
	assert_int_equal(write(pfd[1], "", 1), 1);
	assert_int_equal(nmapi_poll(p, 4, -1), 1);
	assert_int_equal(p[2].revents, POLLIN);
	send_one(&a, 0xff, 60);
	assert_int_equal(nmapi_poll(p, 4, -1), 2); /* a sends, b gets */
	assert_int_equal(p[3].revents, POLLIN);
	assert_int_equal(p[0].revents, 0);
	p[2].fd = 9999; /* is nothing */
	assert_int_equal(nmapi_poll(p, 4, -1), 2);
	assert_int_equal(p[2].revents, POLLNVAL);
	close(pfd[0]);
	close(pfd[1]);
	detach(&a);
	detach(&b);
}

/* Asleep until a packet comes, or a pipe is written to; and the time-out. */
static void
test_poll_sleeps(void **state)
{
	struct pollfd p[2] = { { .events = POLLIN }, { .events = POLLIN } };
	struct timespec t0, t1;
	int pfd[2], st;
	struct nm a, b;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(pfd), 0);
	attach(&b, "valeD:b");
	p[0].fd = b.fd;
	p[1].fd = pfd[0];
	clock_gettime(CLOCK_MONOTONIC, &t0);
	assert_int_equal(nmapi_poll(p, 2, 30), 0);
	clock_gettime(CLOCK_MONOTONIC, &t1);
	assert_true((t1.tv_sec - t0.tv_sec) * 1000 +
	    (t1.tv_nsec - t0.tv_nsec) / 1000000 >= 29);
	pid = fork();
	if (pid == 0) {
		alarm(30);
		attach(&a, "valeD:a");
		usleep(20000);
		send_one(&a, 0xff, 66);
		nmapi_ioctl(a.fd, NIOCTXSYNC, NULL);
		usleep(20000);
		(void)!write(pfd[1], "", 1);
		_exit(0);
	}
	assert_int_equal(nmapi_poll(p, 2, -1), 1);
	assert_int_equal(p[0].revents, POLLIN);
	assert_int_equal(receive_one(&b), 66);
	assert_int_equal(nmapi_poll(p, 2, -1), 1);
	assert_int_equal(p[1].revents, POLLIN);
	assert_int_equal(waitpid(pid, &st, 0), pid);
	assert_int_equal(st, 0);
	close(pfd[0]);
	close(pfd[1]);
	detach(&b);
}

static void
on_alarm(int sig)
{
	(void)sig;
}

static void
test_signals(void **state)
{
	struct itimerval it = { .it_value = { .tv_usec = 20000 } };
	struct sigaction sa = { .sa_handler = on_alarm };
	struct pollfd p = { .events = POLLIN };
	struct timespec ts = { .tv_nsec = 60000000 };
	sigset_t block, none;
	struct nm a;

	(void)state;
	attach(&a, "valeD:a");
	p.fd = a.fd;
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
	assert_int_equal(fails(nmapi_poll(&p, 1, 10000)), EINTR);
	sigemptyset(&none);
	sigemptyset(&block);
	sigaddset(&block, SIGALRM);
	sigprocmask(SIG_BLOCK, &block, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
	assert_int_equal(nmapi_ppoll(&p, 1, &ts, NULL), 0); /* stays blocked */
	assert_int_equal(fails(nmapi_ppoll(&p, 1, NULL, &none)), EINTR);
	sigprocmask(SIG_UNBLOCK, &block, NULL);
	ts.tv_nsec = -1;
	assert_int_equal(fails(nmapi_ppoll(&p, 1, &ts, NULL)), EINVAL);
	detach(&a);
}

static void
test_select(void **state)
{
	struct timeval tv = { 0 };
	struct timespec ts = { 0 };
	fd_set in, out;
	int pfd[2];
	struct nm a, b;

	(void)state;
	assert_int_equal(pipe(pfd), 0);
	attach(&a, "valeD:a");
	attach(&b, "valeD:b");
	set3(&in, pfd[0], a.fd, b.fd);
	assert_int_equal(nmapi_select(200, &in, NULL, NULL, &tv), 0);
	assert_false(FD_ISSET(b.fd, &in));
	send_one(&a, 0xff, 60);
	set3(&in, pfd[0], a.fd, b.fd);
	FD_ZERO(&out);
	FD_SET(a.fd, &out);
	assert_int_equal(nmapi_select(200, &in, &out, NULL, NULL), 2);
	assert_true(FD_ISSET(b.fd, &in) && FD_ISSET(a.fd, &out));
	assert_false(FD_ISSET(a.fd, &in) || FD_ISSET(pfd[0], &in));
	assert_int_equal(receive_one(&b), 60);
	assert_int_equal(write(pfd[1], "", 1), 1);
	set3(&in, pfd[0], a.fd, b.fd);
	assert_int_equal(nmapi_pselect(200, &in, NULL, NULL, &ts, NULL), 1);
	assert_true(FD_ISSET(pfd[0], &in));
	set3(&in, 199, a.fd, b.fd); /* is nothing */
	assert_int_equal(fails(nmapi_select(200, &in, NULL, NULL, &tv)),
	    EBADF);
	close(pfd[0]);
	close(pfd[1]);
	detach(&a);
	detach(&b);
}

static void
test_epoll(void **state)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u64 = 11 }, got[4];
	int ep = epoll_create1(0), pfd[2];
	struct nm a, b;

	(void)state;
	assert_int_equal(pipe(pfd), 0);
	attach(&a, "valeD:a");
	attach(&b, "valeD:b");
	assert_int_equal(nmapi_epoll_ctl(ep, EPOLL_CTL_ADD, b.fd, &ev), 0);
	assert_int_equal(fails(nmapi_epoll_ctl(ep, EPOLL_CTL_ADD, b.fd, &ev)),
	    EEXIST);
	assert_int_equal(fails(nmapi_epoll_ctl(ep, EPOLL_CTL_MOD, a.fd, &ev)),
	    ENOENT);
	ev.data.u64 = 22;
	assert_int_equal(nmapi_epoll_ctl(ep, EPOLL_CTL_ADD, pfd[0], &ev), 0);
	assert_int_equal(nmapi_epoll_pwait(ep, got, 4, 0, NULL), 0);
	assert_int_equal(fails(nmapi_epoll_pwait(ep, got, 0, 0, NULL)),
	    EINVAL);
	send_one(&a, 0xff, 60);
	nmapi_ioctl(a.fd, NIOCTXSYNC, NULL);
	assert_int_equal(nmapi_epoll_pwait(ep, got, 4, -1, NULL), 1);
	assert_int_equal(got[0].data.u64, 11);
	assert_int_equal(got[0].events, EPOLLIN);
	assert_int_equal(write(pfd[1], "", 1), 1);
	assert_int_equal(nmapi_epoll_pwait(ep, got, 4, -1, NULL), 2);
	assert_int_equal(got[1].data.u64, 22);
	assert_int_equal(nmapi_epoll_pwait(ep, got, 1, -1, NULL), 1);
	/* Once, and then only when asked again. */
	ev = (struct epoll_event){ .events = EPOLLIN | EPOLLONESHOT,
		.data.u64 = 33 };
	assert_int_equal(nmapi_epoll_ctl(ep, EPOLL_CTL_MOD, b.fd, &ev), 0);
	assert_int_equal(nmapi_epoll_pwait(ep, got, 4, 0, NULL), 2);
	assert_int_equal(got[0].data.u64, 33);
	assert_int_equal(nmapi_epoll_pwait(ep, got, 4, 0, NULL), 1);
	assert_int_equal(nmapi_epoll_ctl(ep, EPOLL_CTL_MOD, b.fd, &ev), 0);
	assert_int_equal(nmapi_epoll_pwait(ep, got, 4, 0, NULL), 2);
	assert_int_equal(nmapi_epoll_ctl(ep, EPOLL_CTL_DEL, b.fd, NULL), 0);
	assert_int_equal(fails(nmapi_epoll_ctl(ep, EPOLL_CTL_DEL, b.fd,
	    NULL)), ENOENT);
	assert_int_equal(nmapi_epoll_pwait(ep, got, 4, 0, NULL), 1);
	nmapi_close(ep);
	close(pfd[0]);
	close(pfd[1]);
	detach(&a);
	detach(&b);
}

/* ---- several users ---- */

/* Parent and child have the same descriptor and take turns. */
static void
test_fork(void **state)
{
	int st, go[2];
	struct nm a, b;
	pid_t pid;
	char c;

	(void)state;
	assert_int_equal(pipe(go), 0);
	attach(&a, "valeD:a");
	attach(&b, "valeD:b");
	send_one(&a, 0xff, 60);
	assert_int_equal(nmapi_ioctl(a.fd, NIOCTXSYNC, NULL), 0);
	pid = fork();
	if (pid == 0) {
		alarm(30);
		send_one(&a, 0xff, 61);
		nmapi_ioctl(a.fd, NIOCTXSYNC, NULL);
		(void)!read(go[0], &c, 1); /* the parent has closed its own */
		send_one(&a, 0xff, 63);
		nmapi_ioctl(a.fd, NIOCTXSYNC, NULL);
		_exit(0);
	}
	assert_int_equal(wait_receive(&b), 60);
	assert_int_equal(wait_receive(&b), 61);
	send_one(&a, 0xff, 62); /* where the child left off */
	assert_int_equal(nmapi_ioctl(a.fd, NIOCTXSYNC, NULL), 0);
	assert_int_equal(wait_receive(&b), 62);
	detach(&a);
	assert_int_equal(write(go[1], "", 1), 1);
	assert_int_equal(wait_receive(&b), 63);
	assert_int_equal(waitpid(pid, &st, 0), pid);
	assert_int_equal(st, 0);
	attach(&a, "valeD:a"); /* free again */
	detach(&a);
	detach(&b);
	close(go[0]);
	close(go[1]);
}

static void
send_fd(int sock, int fd)
{
	char c = 0, ctl[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { &c, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = ctl, .msg_controllen = sizeof(ctl) };
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);

	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(h), &fd, sizeof(fd));
	assert_int_equal(sendmsg(sock, &m, 0), 1);
}

static int
receive_fd(int sock)
{
	char c, ctl[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { &c, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = ctl, .msg_controllen = sizeof(ctl) };
	int fd;

	if (recvmsg(sock, &m, 0) != 1)
		_exit(9);
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	return fd;
}

/* A process that has never seen the port gets its descriptor by a socket. */
static void
test_handed_over(void **state)
{
	struct nmreq_register r = { .nr_mode = NR_REG_ALL_NIC };
	struct nm a = { 0 }, b;
	int sock[2], st;
	pid_t pid;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sock), 0);
	pid = fork();
	if (pid == 0) {
		alarm(30);
		a.fd = receive_fd(sock[0]);
		if (read(sock[0], &r, sizeof(r)) != sizeof(r))
			_exit(8);
		a.mem = nmapi_mmap(NULL, r.nr_memsize,
		    PROT_READ | PROT_WRITE, MAP_SHARED, a.fd, 0);
		a.nifp = (void *)(a.mem + r.nr_offset);
		if (nmapi_ioctl(a.fd, NIOCRXSYNC, NULL) == -1)
			_exit(7);
		if (receive_one(&a) != 75)
			_exit(6);
		send_one(&a, 0xff, 76);
		_exit(nmapi_ioctl(a.fd, NIOCTXSYNC, NULL) == 0 ? 0 : 5);
	}
	a.fd = must_open();
	attach_as(&a, "valeD:a", &r);
	attach(&b, "valeD:b");
	for (int i = 0; i < 5; i++) { /* positions that are not 0 */
		send_one(&a, 0xff, 60);
		assert_int_equal(nmapi_ioctl(a.fd, NIOCTXSYNC, NULL), 0);
		assert_int_equal(wait_receive(&b), 60);
		send_one(&b, 0xff, 60);
		assert_int_equal(nmapi_ioctl(b.fd, NIOCTXSYNC, NULL), 0);
		assert_int_equal(wait_receive(&a), 60);
	}
	send_one(&b, 0xff, 75);
	assert_int_equal(nmapi_ioctl(b.fd, NIOCTXSYNC, NULL), 0);
	send_fd(sock[1], a.fd);
	assert_int_equal(write(sock[1], &r, sizeof(r)), sizeof(r));
	detach(&a);
	assert_int_equal(wait_receive(&b), 76);
	assert_int_equal(waitpid(pid, &st, 0), pid);
	assert_int_equal(st, 0);
	attach(&a, "valeD:a");
	detach(&a);
	detach(&b);
	close(sock[0]);
	close(sock[1]);
}

/* Two threads, a ring each, both asleep: each gets its own. */
struct sleeper {
	struct nm nm;
	int got;
};

static void *
sleep_on_ring(void *arg)
{
	struct sleeper *s = arg;
	struct pollfd p = { .fd = s->nm.fd, .events = POLLIN };

	if (nmapi_poll(&p, 1, 10000) == 1)
		s->got = receive_one(&s->nm);
	return NULL;
}

static void
test_threads(void **state)
{
	struct nmreq_register r = { .nr_tx_rings = 2, .nr_rx_rings = 2 };
	struct nmreq_register r2 = { .nr_mode = NR_REG_ALL_NIC,
		.nr_tx_rings = 2 };
	struct sleeper s[2] = { { .got = -2 }, { .got = -2 } };
	struct nm a = { .fd = must_open() };
	pthread_t t[2];

	(void)state;
	attach_as(&a, "valeD:a", &r2);
	for (unsigned i = 0; i < 2; i++) {
		r.nr_mode = NR_REG_ONE_NIC;
		r.nr_ringid = (uint16_t)i;
		s[i].nm.fd = must_open();
		s[i].nm.ring = i;
		attach_as(&s[i].nm, "valeD:b", &r);
		pthread_create(&t[i], NULL, sleep_on_ring, &s[i]);
	}
	usleep(20000);
	for (unsigned i = 2; i-- > 0;) { /* the switch keeps ring numbers */
		a.ring = i;
		send_one(&a, 0xff, (uint16_t)(70 + i));
		assert_int_equal(nmapi_ioctl(a.fd, NIOCTXSYNC, NULL), 0);
		pthread_join(t[i], NULL);
		assert_int_equal(s[i].got, 70 + (int)i);
	}
	detach(&s[0].nm);
	detach(&s[1].nm);
	detach(&a);
}

/* ---- everybody else ---- */

static void
test_others_untouched(void **state)
{
	struct pollfd p = { .events = POLLIN };
	struct timeval tv = { 0 };
	fd_set in;
	int pfd[2], fd;
	void *m;

	(void)state;
	assert_int_equal(pipe(pfd), 0);
	p.fd = pfd[0];
	assert_int_equal(nmapi_poll(&p, 1, 0), 0);
	FD_ZERO(&in);
	FD_SET(pfd[0], &in);
	assert_int_equal(nmapi_select(pfd[0] + 1, &in, NULL, NULL, &tv), 0);
	fd = nmapi_open("/dev/null", O_RDWR | O_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(nmapi_fcntl(fd, F_GETFD, 0), FD_CLOEXEC);
	assert_int_equal(fails(nmapi_ioctl(fd, NIOCTXSYNC, NULL)), ENOTTY);
	assert_int_equal(nmapi_dup2(fd, pfd[1]), pfd[1]);
	m = nmapi_mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
	    -1, 0);
	assert_ptr_not_equal(m, MAP_FAILED);
	assert_int_equal(nmapi_munmap(m, 4096), 0);
	assert_int_equal(fails(nmapi_open("/dev/netmap2", O_RDWR, 0)), ENOENT);
	assert_int_equal(nmapi_close(fd), 0);
	assert_int_equal(fails(nmapi_close(fd)), EBADF);
	close(pfd[0]);
	close(pfd[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_not_registered),
		cmocka_unit_test(test_register),
		cmocka_unit_test(test_register_refused),
		cmocka_unit_test(test_one_ring),
		cmocka_unit_test(test_exclusive),
		cmocka_unit_test(test_other_process_has_it),
		cmocka_unit_test(test_header_refused),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_info),
		cmocka_unit_test(test_other_requests),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_legacy),
		cmocka_unit_test(test_send),
		cmocka_unit_test(test_timestamp),
		cmocka_unit_test(test_bad_positions),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_poll_flags),
		cmocka_unit_test(test_poll_mixed),
		cmocka_unit_test(test_poll_sleeps),
		cmocka_unit_test(test_signals),
		cmocka_unit_test(test_select),
		cmocka_unit_test(test_epoll),
		cmocka_unit_test(test_fork),
		cmocka_unit_test(test_handed_over),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_others_untouched),
	};

	return cmocka_run_group_tests_name("nmapi", tests, setup, teardown);
}
