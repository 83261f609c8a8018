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

/* Programs lock their memory before they open ports; there are gigabytes of
 * ours that nobody has touched. */
static void
test_locked_memory(void **state)
{
	struct statvfs v0, v1;
	struct nm a;

	(void)state;
	if (nmapi_mlockall(MCL_CURRENT | MCL_FUTURE) == -1)
		assert_true(errno == EPERM || errno == ENOMEM);
	assert_int_equal(statvfs(shm_dir, &v0), 0);
	attach(&a, "valeD:a");
	assert_int_equal(statvfs(shm_dir, &v1), 0);
	assert_true((v0.f_bfree - v1.f_bfree) * v1.f_bsize < 1u << 30);
	detach(&a);
	munlockall();
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

/* Memory and extra buffers, and no ring. */
static void
test_null_port(void **state)
{
	struct nmreq_register r = { .nr_mode = NR_REG_NULL, .nr_mem_id = 1,
		.nr_tx_rings = 10, .nr_rx_rings = 5, .nr_tx_slots = 256,
		.nr_rx_slots = 100, .nr_extra_bufs = 3 };
	struct nm nm = { .fd = must_open() }, port;
	struct pollfd p = { .fd = nm.fd, .events = POLLIN | POLLOUT };
	uint32_t idx, n = 0;

	(void)state;
	attach(&port, "valeD:a");
	attach_as(&nm, "any", &r);
	assert_int_equal(r.nr_tx_rings, 10);
	assert_int_equal(r.nr_rx_rings, 5);
	assert_int_equal(r.nr_rx_slots, 100);
	assert_int_equal(r.nr_extra_bufs, 3);
	assert_int_equal(nm.nifp->ni_tx_rings, 10);
	for (unsigned i = 0; i < 17; i++)
		assert_int_equal(nm.nifp->ring_ofs[i], 0);
	for (idx = nm.nifp->ni_bufs_head; idx != 0; n++)
		memcpy(&idx, buffer(txring(port.nifp, 0), idx), sizeof(idx));
	assert_int_equal(n, 3);
	assert_int_equal(nmapi_ioctl(nm.fd, NIOCTXSYNC, NULL), 0);
	assert_int_equal(nmapi_ioctl(nm.fd, NIOCRXSYNC, NULL), 0);
	assert_int_equal(nmapi_poll(&p, 1, 10), 0);
	detach(&nm);
	detach(&port);
	nm.fd = must_open();
	r.nr_mem_id = 0;
	assert_int_equal(fails(reg(nm.fd, "any", &r)), EINVAL);
	r = (struct nmreq_register){ .nr_mode = NR_REG_NULL, .nr_mem_id = 1 };
	assert_int_equal(reg(nm.fd, "any", &r), 0);
	assert_int_equal(r.nr_tx_rings + r.nr_rx_slots, 0);
	nmapi_close(nm.fd);
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

/* ---- pipes, monitors, buffers, ports that stay ---- */

static void
test_pipe(void **state)
{
	struct nmreq_register r = { .nr_mode = NR_REG_NIC_SW };
	struct pollfd p = { .events = POLLOUT };
	unsigned sent = 0;
	struct nm a, b;
	int fd = must_open();

	(void)state;
	assert_int_equal(fails(reg(fd, "pp{1", &r)), EINVAL);
	nmapi_close(fd);
	attach(&a, "pp{1");
	attach(&b, "pp}1");
	p.fd = a.fd;
	while (nmapi_poll(&p, 1, 0) == 1) {
		send_one(&a, 0x22, 60);
		assert_true(++sent < 5000);
	}
	assert_int_equal(sent, 1023);
	assert_int_equal(nmapi_poll(&p, 1, 20), 0); /* full: it sleeps */
	for (unsigned i = 0; i < sent; i++)
		assert_int_equal(wait_receive(&b), 60);
	assert_int_equal(nmapi_ioctl(b.fd, NIOCRXSYNC, NULL), 0);
	assert_int_equal(nmapi_poll(&p, 1, 1000), 1);
	send_one(&b, 0x22, 61); /* and back */
	assert_int_equal(nmapi_ioctl(b.fd, NIOCTXSYNC, NULL), 0);
	assert_int_equal(wait_receive(&a), 61);
	detach(&a);
	detach(&b);
}

/* The old request has a number for a pipe, and a mode for its end. */
static void
test_legacy_pipe(void **state)
{
	struct nmreq q = { .nr_version = 14, .nr_name = "pp",
		.nr_ringid = 7, .nr_flags = NR_REG_PIPE_MASTER };
	struct nmreq_register r = { .nr_mode = NR_REG_ALL_NIC };
	int fd = must_open(), fd2 = must_open();

	(void)state;
	assert_int_equal(nmapi_ioctl(fd, NIOCREGIF, &q), 0);
	assert_int_equal(fails(reg(fd2, "pp{7/x", &r)), EINVAL);
	assert_int_equal(reg(fd2, "pp}7", &r), 0);
	nmapi_close(fd);
	nmapi_close(fd2);
}

static void
test_monitor(void **state)
{
	struct nmreq_register tx = { .nr_mode = NR_REG_ALL_NIC,
		.nr_flags = NR_MONITOR_TX },
			      z = { .nr_mode = NR_REG_ALL_NIC,
		.nr_flags = NR_ZCOPY_MON };
	struct nm a, m = { .fd = must_open() }, m2 = { .fd = must_open() };

	(void)state;
	assert_int_equal(fails(reg(m.fd, "valeD:a", &tx)), EINVAL);
	attach(&a, "valeD:a");
	attach_as(&m, "valeD:a", &tx);
	attach_as(&m2, "valeD:a", &z);
	send_one(&a, 0xff, 81);
	assert_int_equal(nmapi_ioctl(a.fd, NIOCTXSYNC, NULL), 0);
	assert_int_equal(wait_receive(&m), 81);
	assert_int_equal(wait_receive(&m2), 81);
	assert_true(rxring(m.nifp, 0)->slot[0].flags & NS_TXMON);
	send_one(&m, 0xff, 60); /* cannot */
	assert_int_equal(nmapi_ioctl(m.fd, NIOCTXSYNC, NULL), 0);
	assert_int_equal(nmapi_ioctl(a.fd, NIOCRXSYNC, NULL), 0);
	assert_int_equal(receive_one(&a), -1);
	detach(&m);
	detach(&m2);
	detach(&a);
}

static void
test_extra_buffers(void **state)
{
	struct nmreq_register r = { .nr_mode = NR_REG_ALL_NIC,
		.nr_extra_bufs = 20 };
	struct nmreq_register r2 = r;
	struct nm a = { .fd = must_open() }, b = { .fd = must_open() };
	struct netmap_ring *ring;
	unsigned n = 0;

	(void)state;
	attach_as(&a, "valeD:a", &r);
	assert_int_equal(r.nr_extra_bufs, 20);
	attach_as(&b, "valeD:a", &r2); /* the first one's */
	assert_int_equal(r2.nr_extra_bufs, 0);
	assert_int_equal(b.nifp->ni_bufs_head, 0);
	ring = txring(a.nifp, 0);
	for (uint32_t i = a.nifp->ni_bufs_head; i != 0; n++) {
		assert_true(n < 20 && i >= 2);
		i = *(uint32_t *)(void *)buffer(ring, i);
	}
	assert_int_equal(n, 20);
	detach(&a);
	detach(&b);
}

static void
test_persistent(void **state)
{
	struct nmreq_vale_newif n = { .nr_tx_slots = 512, .nr_rx_rings = 2 };
	struct nmreq_vale_attach at = { .reg.nr_mode = NR_REG_ALL_NIC };
	struct nmreq_vale_detach de = { 0 };
	struct nmreq_register r = { .nr_mode = NR_REG_ALL_NIC };
	int fd = must_open(), fd2 = must_open();

	(void)state;
	assert_int_equal(fails(reg(fd2, "per", &r)), ENXIO);
	assert_int_equal(ask(fd, NETMAP_REQ_VALE_NEWIF, "per", &n), 0);
	assert_int_equal(n.nr_tx_slots, 512);
	assert_int_equal(n.nr_rx_slots, 1024);
	assert_int_equal(n.nr_rx_rings, 2);
	assert_int_equal(fails(ask(fd, NETMAP_REQ_VALE_NEWIF, "per", &n)),
	    EEXIST);
	assert_int_equal(ask(fd, NETMAP_REQ_VALE_ATTACH, "valeD:per", &at), 0);
	assert_int_equal(fails(ask(fd, NETMAP_REQ_VALE_ATTACH, "valeD:per",
	    &at)), EBUSY);
	assert_int_equal(fails(ask(fd, NETMAP_REQ_VALE_DELIF, "per", NULL)),
	    EBUSY);
	assert_int_equal(reg(fd2, "valeD:per", &r), 0);
	assert_int_equal(r.nr_rx_rings, 2);
	assert_int_equal(ask(fd, NETMAP_REQ_VALE_DETACH, "valeD:per", &de), 0);
	assert_int_equal(fails(ask(fd, NETMAP_REQ_VALE_DETACH, "valeD:per",
	    &de)), ENXIO);
	assert_int_equal(fails(ask(fd, NETMAP_REQ_VALE_DELIF, "per", NULL)),
	    EBUSY);
	nmapi_close(fd2);
	assert_int_equal(ask(fd, NETMAP_REQ_VALE_DELIF, "per", NULL), 0);
	assert_int_equal(fails(ask(fd, NETMAP_REQ_VALE_DELIF, "per", NULL)),
	    ENXIO);
	nmapi_close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_not_registered),
		cmocka_unit_test(test_register),
		cmocka_unit_test(test_locked_memory),
		cmocka_unit_test(test_register_refused),
		cmocka_unit_test(test_one_ring),
		cmocka_unit_test(test_exclusive),
		cmocka_unit_test(test_null_port),
		cmocka_unit_test(test_header_refused),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_info),
		cmocka_unit_test(test_other_requests),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_legacy),
		cmocka_unit_test(test_pipe),
		cmocka_unit_test(test_legacy_pipe),
		cmocka_unit_test(test_monitor),
		cmocka_unit_test(test_extra_buffers),
		cmocka_unit_test(test_persistent),
	};

	return cmocka_run_group_tests_name("nmapi", tests, setup, teardown);
}
