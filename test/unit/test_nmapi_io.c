/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netmap's API at work: the rules of rings, poll() and its relatives, several
 * users of a port.  Built twice, as test_nmapi.c.
 */
#include "netmap_api.h"
#include "nmapi_rig.h"

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
	int pfd[2], go[2], st;
	struct nm a, b;
	pid_t pid;
	char c;

	(void)state;
	assert_int_equal(pipe(pfd), 0);
	assert_int_equal(pipe(go), 0);
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
		alarm(PATIENCE_S);
		attach(&a, "valeD:a");
		usleep(20000);
		send_one(&a, 0xff, 66);
		nmapi_ioctl(a.fd, NIOCTXSYNC, NULL);
		(void)!read(go[0], &c, 1); /* one event after the other */
		usleep(20000);
		(void)!write(pfd[1], "", 1);
		_exit(0);
	}
	assert_int_equal(nmapi_poll(p, 2, -1), 1);
	assert_int_equal(p[0].revents, POLLIN);
	assert_int_equal(receive_one(&b), 66);
	assert_int_equal(write(go[1], "", 1), 1);
	assert_int_equal(nmapi_poll(p, 2, -1), 1);
	assert_int_equal(p[1].revents, POLLIN);
	assert_int_equal(waitpid(pid, &st, 0), pid);
	assert_int_equal(st, 0);
	close_all(pfd, go);
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
	/* Again and again: the first may come before what it interrupts. */
	struct itimerval it = { { .tv_usec = 20000 }, { .tv_usec = 20000 } };
	const struct itimerval off = { 0 };
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
	setitimer(ITIMER_REAL, &off, NULL);
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

static int
epoll_one(int ep, int timeout_ms, struct epoll_event *got)
{
	return nmapi_epoll_pwait(ep, got, 1, timeout_ms, NULL);
}

/* An edge is what comes, not what is there. */
static void
test_epoll_edges(void **state)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET,
		.data.u64 = 11 }, got;
	int ep = epoll_create1(0);
	struct nm a, b;

	(void)state;
	attach(&a, "valeD:a");
	attach(&b, "valeD:b");
	assert_int_equal(nmapi_epoll_ctl(ep, EPOLL_CTL_ADD, b.fd, &ev), 0);
	assert_int_equal(epoll_one(ep, 0, &got), 0);
	send_one(&a, 0xff, 60);
	send_one(&a, 0xff, 61);
	nmapi_ioctl(a.fd, NIOCTXSYNC, NULL);
	assert_int_equal(epoll_one(ep, -1, &got), 1);
	assert_int_equal(got.events, EPOLLIN);
	assert_int_equal(got.data.u64, 11);
	assert_int_equal(epoll_one(ep, 50, &got), 0); /* it sleeps, too */
	assert_int_equal(receive_one(&b), 60); /* in part: no edge */
	assert_int_equal(epoll_one(ep, 0, &got), 0);
	send_one(&a, 0xff, 62); /* more: an edge */
	nmapi_ioctl(a.fd, NIOCTXSYNC, NULL);
	assert_int_equal(epoll_one(ep, -1, &got), 1);
	assert_int_equal(epoll_one(ep, 0, &got), 0);
	/* A change of the member looks once more. */
	ev.events = EPOLLIN | EPOLLOUT | EPOLLET | EPOLLONESHOT;
	assert_int_equal(nmapi_epoll_ctl(ep, EPOLL_CTL_MOD, b.fd, &ev), 0);
	assert_int_equal(epoll_one(ep, -1, &got), 1);
	assert_int_equal(got.events, EPOLLIN | EPOLLOUT);
	send_one(&a, 0xff, 63);
	nmapi_ioctl(a.fd, NIOCTXSYNC, NULL);
	assert_int_equal(epoll_one(ep, 0, &got), 0); /* the shot was fired */
	nmapi_close(ep);
	detach(&a);
	detach(&b);
}

static void *
send_later(void *arg)
{
	struct nm *a = arg;

	usleep(300000);
	send_one(a, 0xff, 64);
	nmapi_ioctl(a->fd, NIOCTXSYNC, NULL);
	return NULL;
}

/* Asleep with an unread frame, which is no news, until another comes. */
static void
test_epoll_edge_wakes(void **state)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET }, got;
	int ep = epoll_create1(0);
	struct timeval user, sys, limit = { .tv_usec = 100000 };
	struct rusage before, after;
	struct nm a, b;
	pthread_t t;

	(void)state;
	attach(&a, "valeD:a");
	attach(&b, "valeD:b");
	assert_int_equal(nmapi_epoll_ctl(ep, EPOLL_CTL_ADD, b.fd, &ev), 0);
	send_one(&a, 0xff, 60);
	nmapi_ioctl(a.fd, NIOCTXSYNC, NULL);
	assert_int_equal(epoll_one(ep, -1, &got), 1);
	getrusage(RUSAGE_THREAD, &before);
	assert_int_equal(pthread_create(&t, NULL, send_later, &a), 0);
	assert_int_equal(epoll_one(ep, 60000, &got), 1);
	pthread_join(t, NULL);
	getrusage(RUSAGE_THREAD, &after);
	/* It slept: spinning would have been most of the time. */
	timersub(&after.ru_utime, &before.ru_utime, &user);
	timersub(&after.ru_stime, &before.ru_stime, &sys);
	timeradd(&user, &sys, &sys);
	assert_true(timercmp(&sys, &limit, <));
	assert_int_equal(receive_one(&b), 60);
	assert_int_equal(receive_one(&b), 64);
	nmapi_close(ep);
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
		alarm(PATIENCE_S);
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
		alarm(PATIENCE_S);
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

	if (nmapi_poll(&p, 1, PATIENCE_S * 1000) == 1)
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

/* What the child of a vfork() closes is still its parent's. */
static void
test_vfork(void **state)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u32 = 7 };
	struct pollfd p = { .fd = must_open(), .events = POLLIN };
	int ep = epoll_create1(0), other = open("/dev/null", O_RDONLY), st;
	pid_t pid;

	(void)state;
	must_register(p.fd, "vale0:a");
	assert_int_equal(nmapi_epoll_ctl(ep, EPOLL_CTL_ADD, p.fd, &ev), 0);
	pid = vfork();
	if (pid == 0) {
		nmapi_close(p.fd);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &st, 0), pid);
	assert_int_equal(nmapi_poll(&p, 1, 0), 0);
	pid = vfork();
	if (pid == 0) {
		nmapi_dup2(other, p.fd);
		nmapi_close(ep);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &st, 0), pid);
	assert_int_equal(nmapi_poll(&p, 1, 0), 0);
	assert_int_equal(fails(nmapi_epoll_ctl(ep, EPOLL_CTL_ADD, p.fd, &ev)),
	    EEXIST);
	nmapi_close(p.fd);
	close(other);
	nmapi_close(ep);
}

/* A number that another file takes leaves its set. */
static void
test_epoll_replaced(void **state)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int fd = must_open(), ep = epoll_create1(0);
	int other = open("/dev/null", O_RDONLY);

	(void)state;
	must_register(fd, "vale0:a");
	assert_int_equal(nmapi_epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev), 0);
	assert_int_equal(nmapi_dup2(other, fd), fd);
	assert_int_equal(nmapi_epoll_pwait(ep, &ev, 1, 0, NULL), 0);
	nmapi_close(fd);
	close(other);
	nmapi_close(ep);
}

static volatile sig_atomic_t n_handled;

static void
open_and_close(int sig)
{
	int fd = nmapi_open("/dev/netmap", O_RDWR, 0);

	(void)sig;
	if (fd >= 0)
		nmapi_close(fd);
	n_handled++;
}

/* Handlers may open and close, whatever they have interrupted. */
static void
test_handlers(void **state)
{
	const struct sigaction on = { .sa_handler = open_and_close,
		.sa_flags = SA_RESTART };
	const struct itimerval often = { { 0, 50 }, { 0, 50 } }, never = { 0 };
	struct sigaction old;

	(void)state;
	assert_int_equal(sigaction(SIGALRM, &on, &old), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
	/* A slow machine meets more of them on its way, not less. */
	for (int i = 0; i < 20000 && n_handled < 3000; i++)
		nmapi_close(must_open());
	assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
	assert_true(n_handled > 0);
	assert_int_equal(sigaction(SIGALRM, &old, NULL), 0);
}

struct churn {
	int fd, stop;
};

static void *
change_a_set(void *arg)
{
	struct churn *c = arg;
	struct epoll_event ev = { .events = EPOLLIN };
	int ep = epoll_create1(0);

	while (!__atomic_load_n(&c->stop, __ATOMIC_RELAXED)) {
		nmapi_epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &ev);
		nmapi_epoll_ctl(ep, EPOLL_CTL_DEL, c->fd, NULL);
	}
	nmapi_close(ep);
	return NULL;
}

/* Did the child end by itself?  It may hang with all signals held back. */
static bool
has_ended(pid_t pid)
{
	for (int ms = 0; ms < PATIENCE_S * 1000; ms++) {
		if (waitpid(pid, NULL, WNOHANG) == pid)
			return true;
		usleep(1000);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return false;
}

/* A child can ask for its sets whatever other threads did when it was born. */
static bool wakes_stop; /* atomic */

/* A full ring is only synced: with a head behind its tail it would not even be. */
static void
send_if_room(struct nm *a)
{
	const struct netmap_ring *r = txring(a->nifp, 0);

	if (r->head != r->tail)
		send_one(a, 0xff, 60);
	nmapi_ioctl(a->fd, NIOCTXSYNC, NULL);
}

/* Wakes a sleeper as often as it can. */
static void *
wake_all_the_time(void *arg)
{
	struct nm *a = arg;

	while (!__atomic_load_n(&wakes_stop, __ATOMIC_RELAXED))
		send_if_room(a);
	return NULL;
}

static void *
sleep_all_the_time(void *arg)
{
	struct nm *b = arg;

	while (!__atomic_load_n(&wakes_stop, __ATOMIC_RELAXED))
		if (wait_receive(b) < -1)
			return b;
	return NULL;
}

/* Whatever other threads are at, the child can open, map, wake and leave. */
static void
test_fork_at_any_time(void **state)
{
	struct nm a, b, c, d;
	pthread_t t[2];
	void *slept;

	(void)state;
	attach(&a, "valeD:a");
	attach(&b, "valeD:b");
	__atomic_store_n(&wakes_stop, false, __ATOMIC_RELAXED);
	assert_int_equal(pthread_create(&t[0], NULL, wake_all_the_time, &a),
	    0);
	assert_int_equal(pthread_create(&t[1], NULL, sleep_all_the_time, &b),
	    0);
	for (int i = 0; i < 100; i++) {
		pid_t pid = fork();
		int st;

		if (pid == 0) {
			alarm(PATIENCE_S);
			attach(&c, "valeE:c");
			attach(&d, "valeE:d");
			send_one(&c, 0xff, 61);
			nmapi_ioctl(c.fd, NIOCTXSYNC, NULL);
			st = wait_receive(&d);
			detach(&c);
			detach(&d);
			_exit(st != 61);
		}
		assert_int_equal(waitpid(pid, &st, 0), pid);
		assert_int_equal(st, 0);
	}
	__atomic_store_n(&wakes_stop, true, __ATOMIC_RELAXED);
	pthread_join(t[0], NULL);
	send_if_room(&a);
	pthread_join(t[1], &slept);
	assert_null(slept);
	detach(&a);
	detach(&b);
}

static void
test_fork_epoll(void **state)
{
	struct epoll_event ev = { .events = EPOLLIN };
	struct churn c = { .fd = must_open() };
	int ep = epoll_create1(0), n_hung = 0;
	pthread_t t;

	(void)state;
	must_register(c.fd, "vale0:a");
	assert_int_equal(nmapi_epoll_ctl(ep, EPOLL_CTL_ADD, c.fd, &ev), 0);
	assert_int_equal(pthread_create(&t, NULL, change_a_set, &c), 0);
	for (int i = 0; i < 300 && n_hung == 0; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			nmapi_epoll_pwait(ep, &ev, 1, 0, NULL);
			_exit(0);
		}
		n_hung += !has_ended(pid);
	}
	__atomic_store_n(&c.stop, 1, __ATOMIC_RELAXED);
	pthread_join(t, NULL);
	assert_int_equal(n_hung, 0);
	nmapi_close(c.fd);
	nmapi_close(ep);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
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
		cmocka_unit_test(test_epoll_edges),
		cmocka_unit_test(test_epoll_edge_wakes),
		cmocka_unit_test(test_fork),
		cmocka_unit_test(test_handed_over),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_others_untouched),
		cmocka_unit_test(test_vfork),
		cmocka_unit_test(test_epoll_replaced),
		cmocka_unit_test(test_handlers),
		cmocka_unit_test(test_fork_epoll),
		cmocka_unit_test(test_fork_at_any_time),
	};

	return cmocka_run_group_tests_name("nmapi io", tests, setup, teardown);
}
