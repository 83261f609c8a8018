/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The server over real sockets: it runs in a thread of its own, the tests are
 * its clients.  Waiting is bounded by PATIENCE_MS, which no good run needs.
 */
#include "unit.h"

#include "base/log.h"
#include "ctl/server.h"
#include "ctl/wire.h"
#include "ctl_message.h"
#include "fake_engine.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl/control.h"

enum { PATIENCE_MS = 60000 };

static struct engine *en;
static struct control *control;
static struct event_base *base;
static struct server *server;
static pthread_t thread;
static int stop_pipe[2];
static uint16_t port;
static char path[64];

/* ---- the server's side ---- */

static void
on_stop(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	event_base_loopbreak(arg);
}

static void *
run(void *arg)
{
	(void)arg;
	event_base_dispatch(base);
	return NULL;
}

/* Some free pair of ports. */
static void
listen_somewhere(unsigned limit_ms)
{
	struct err e;

	for (unsigned i = 0; i < 100; i++) {
		struct server_cfg cfg = {
		    .port = (uint16_t)(20000 + (getpid() * 7 + i * 131) %
			20000),
		    .unix_path = path,
		    .limit_ms = limit_ms,
		};

		port = cfg.port;
		if (server_create(base, control, en, &cfg, &server, &e) == 0)
			return;
	}
	fail_msg("no port: %s", e.text);
}

static struct event *stopper;

static void
start(unsigned limit_ms)
{
	log_set_level(LOG_ERROR);
	snprintf(path, sizeof(path), "/tmp/test_server.%d", (int)getpid());
	en = fake_create();
	control = control_create(en);
	base = event_base_new();
	listen_somewhere(limit_ms);
	assert_int_equal(pipe(stop_pipe), 0);
	stopper = event_new(base, stop_pipe[0], EV_READ, on_stop, base);
	event_add(stopper, NULL);
}

static void
go(void)
{
	assert_int_equal(pthread_create(&thread, NULL, run, NULL), 0);
}

static int
begin(void **state)
{
	(void)state;
	start(0);
	go();
	return 0;
}

/* The server listens, and does not run before go(). */
static int
begin_stopped(void **state)
{
	(void)state;
	start(0);
	return 0;
}

static int
begin_impatient(void **state)
{
	(void)state;
	start(150);
	go();
	return 0;
}

static void
stop(void)
{
	close(stop_pipe[1]);
	pthread_join(thread, NULL);
	server_destroy(server);
	server = NULL;
}

static int
end(void **state)
{
	(void)state;
	if (server != NULL)
		stop();
	event_free(stopper);
	event_base_free(base);
	close(stop_pipe[0]);
	control_destroy(control);
	fake_destroy(en);
	assert_int_equal(access(path, F_OK), -1);
	return 0;
}

/* ---- the clients' side ---- */

static int
connect_tcp(uint16_t to)
{
	struct sockaddr_in sin = {
	    .sin_family = AF_INET,
	    .sin_port = htons(to),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_not_equal(fd, -1);
	assert_int_equal(connect(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	return fd;
}

static int
connect_unix(void)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(sun.sun_path, path, strlen(path) + 1);
	assert_int_equal(connect(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	return fd;
}

/* Octets received, fewer than 'len' if the server closes. */
static size_t
receive(int fd, void *to, size_t len)
{
	size_t done = 0;

	while (done < len) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		ssize_t n;

		if (poll(&p, 1, PATIENCE_MS) != 1)
			fail_msg("no answer in %u ms", PATIENCE_MS);
		n = read(fd, (char *)to + done, len - done);
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	return done;
}

static void
assert_closed(int fd)
{
	char c;

	assert_int_equal(receive(fd, &c, 1), 0);
	close(fd);
}

/* A request as it goes over the wire; returns its length. */
static size_t
pack(const struct message *m, unsigned char *to)
{
	struct wire_msg w = {
	    .optlen = (uint32_t)m->len,
	    .optname = m->optname,
	    .dir = m->dir,
	};
	struct wire_hdr h = wire_pack(&w);

	memcpy(to, &h, sizeof(h));
	memcpy(to + sizeof(h), m->data, m->len);
	return sizeof(h) + m->len;
}

static void
send_all(int fd, const void *data, size_t len)
{
	/* One who is stopped in the midst of a long one has sent a part. */
	for (size_t done = 0; done < len;) {
		ssize_t n = send(fd, (const char *)data + done, len - done,
		    MSG_NOSIGNAL);

		assert_true(n > 0);
		done += (size_t)n;
	}
}

static void
send_message(int fd, const struct message *m)
{
	unsigned char buf[9000];

	send_all(fd, buf, pack(m, buf));
}

/* The next reply; its data lands in 'm'.  Returns its errno. */
static unsigned
reply(int fd, struct message *m)
{
	struct wire_hdr h;
	struct wire_msg w;

	assert_int_equal(receive(fd, &h, sizeof(h)), sizeof(h));
	w = wire_unpack(&h);
	assert_true(w.optlen <= sizeof(m->data));
	assert_int_equal(receive(fd, m->data, w.optlen), w.optlen);
	assert_int_equal(w.dir, m->dir);
	m->len = w.optlen;
	return w.error;
}

static void
assert_serves(int fd)
{
	struct message m = msg_get(CFG_STATIC, 65535, 65535, 200);

	send_message(fd, &m);
	assert_int_equal(reply(fd, &m), 0);
	assert_int_equal(m.len, 32 + 16 + 32);
}

/* A new client is served: the server is well. */
static void
assert_well(void)
{
	int fd = connect_tcp(port);

	assert_serves(fd);
	close(fd);
}

static void
wait_for(const _Atomic int *what, int value)
{
	for (unsigned i = 0; i < PATIENCE_MS; i++) {
		if (*what == value)
			return;
		usleep(1000);
	}
	fail_msg("%d instead of %d", *what, value);
}

/* ---- tests ---- */

static void
both_sockets(void **state)
{
	unsigned num = 0;
	struct message m = msg_add(&num, 1, 0);
	int tcp = connect_tcp(port), local = connect_unix();

	(void)state;
	send_message(tcp, &m);
	assert_int_equal(reply(tcp, &m), 0);
	assert_int_equal(msg_rule(&m, 0)->rulenum, 100);
	m = msg_add(&num, 1, 0);
	send_message(local, &m);
	assert_int_equal(reply(local, &m), 0);
	assert_int_equal(msg_rule(&m, 0)->rulenum, 200);
	m = msg_add(&num, 1, 0);
	m.dir = CTL_DIR_SET;
	send_message(tcp, &m);
	assert_int_equal(reply(tcp, &m), 0);
	assert_int_equal(m.len, 0);
	assert_serves(tcp);
	close(tcp);
	close(local);
}

static void
errors_are_the_connection_s_own(void **state)
{
	struct message m = msg_fw3(85), s;
	int a = connect_tcp(port), b = connect_tcp(port);

	(void)state;
	send_message(a, &m);
	assert_int_equal(reply(a, &m), EOPNOTSUPP);
	assert_int_equal(m.len, 0);
	s = msg_dn(CTL_DIR_GET, DN_SYSCTL_GET, 0);
	s.len = 4096;
	send_message(b, &s);
	assert_int_equal(reply(b, &s), 0);
	assert_null(memmem(s.data, s.len, "lasterr", 7));
	s = msg_dn(CTL_DIR_GET, DN_SYSCTL_GET, 0);
	s.len = 4096;
	send_message(a, &s);
	assert_int_equal(reply(a, &s), 0);
	assert_non_null(memmem(s.data, s.len, "unknown operation 85", 20));
	close(a);
	close(b);
}

static void
pipelined(void **state)
{
	enum { N = 1000 };
	static unsigned char all[N * 64];
	unsigned num = 0;
	struct message m = msg_add(&num, 1, 0);
	int fd = connect_tcp(port);
	size_t len = 0;

	(void)state;
	for (unsigned i = 0; i < N; i++)
		len += pack(&m, all + len);
	send_all(fd, all, len);
	for (unsigned i = 0; i < N; i++) {
		assert_int_equal(reply(fd, &m), 0);
		assert_int_equal(msg_rule(&m, 0)->id, i + 1);
	}
	assert_int_equal(en->rules->n_rules, N + 1);
	close(fd);
}

static void
cut_at_every_octet(void **state)
{
	unsigned num = 7;
	struct message m = msg_add(&num, 1, 0);
	unsigned char buf[256];
	size_t len = pack(&m, buf);

	(void)state;
	for (size_t n = 0; n < len; n++) {
		int fd = connect_tcp(port);

		if (n > 0)
			send_all(fd, buf, n);
		shutdown(fd, SHUT_WR);
		assert_closed(fd);
	}
	assert_int_equal(en->rules->n_rules, 1);
	assert_well();
}

static void
octet_by_octet(void **state)
{
	unsigned num = 7;
	struct message m = msg_add(&num, 1, 0);
	unsigned char buf[256];
	size_t len = pack(&m, buf);
	int fd = connect_tcp(port);

	(void)state;
	for (size_t n = 0; n < len; n++) {
		send_all(fd, buf + n, 1);
		usleep(500);
	}
	assert_int_equal(reply(fd, &m), 0);
	assert_int_equal(msg_rule(&m, 0)->rulenum, 7);
	close(fd);
}

static void
half_closed(void **state)
{
	struct message m = msg_get(CFG_STATIC, 0, 0, 4096);
	int fd = connect_tcp(port);

	(void)state;
	send_message(fd, &m);
	send_message(fd, &m);
	shutdown(fd, SHUT_WR);
	assert_int_equal(reply(fd, &m), 0);
	m = msg_get(CFG_STATIC, 0, 0, 4096);
	assert_int_equal(reply(fd, &m), 0);
	assert_closed(fd);
}

static void
too_long(void **state)
{
	struct wire_msg w = {.optlen = CTL_MAX_PAYLOAD + 1, .optname = 108};
	struct message m = {.dir = CTL_DIR_GET};
	int fd;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct wire_hdr h;

		fd = connect_tcp(port);
		h = wire_pack(&w);
		send_all(fd, &h, sizeof(h));
		assert_int_equal(reply(fd, &m), EMSGSIZE);
		assert_closed(fd);
		w.optlen = ~0u;
	}
	assert_well();
}

/* The longest request there can be is taken. */
static void
as_long_as_allowed(void **state)
{
	struct wire_msg w = {.optlen = CTL_MAX_PAYLOAD, .optname = CTL_FW3};
	struct wire_hdr h = wire_pack(&w);
	struct message m = msg_get(CFG_STATIC, 0, 0, 4096);
	char *zeros = calloc(1, CTL_MAX_PAYLOAD);
	int fd = connect_tcp(port);

	(void)state;
	memcpy(zeros, m.data, 32);
	send_all(fd, &h, sizeof(h));
	send_all(fd, zeros, CTL_MAX_PAYLOAD);
	assert_int_equal(reply(fd, &m), 0);
	assert_int_equal(m.len, 32 + 16 + 32);
	close(fd);
	free(zeros);
}

static long
resident_kib(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	long pages = 0;

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%*d %ld", &pages), 1);
	fclose(f);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* A header that claims 16 MiB costs nothing until the octets come. */
static void
claims_cost_nothing(void **state)
{
	struct wire_msg w = {.optlen = CTL_MAX_PAYLOAD, .optname = 108};
	struct wire_hdr h = wire_pack(&w);
	int fds[60];
	long before = resident_kib();

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = connect_tcp(port);
		send_all(fds[i], &h, sizeof(h));
		send_all(fds[i], &h, sizeof(h));
	}
	assert_well();
	assert_true(resident_kib() - before < 60 * 1024);
	for (unsigned i = 0; i < ARRAY_LEN(fds); i++)
		close(fds[i]);
}

static void
at_most_so_many(void **state)
{
	int fds[SERVER_MAX_CONNS];

	(void)state;
	for (unsigned i = 0; i < SERVER_MAX_CONNS; i++) {
		fds[i] = connect_tcp(port);
		assert_serves(fds[i]);
	}
	assert_closed(connect_tcp(port));
	assert_closed(connect_unix());
	assert_closed(connect_tcp((uint16_t)(port + 1)));
	for (unsigned i = 0; i < SERVER_MAX_CONNS; i++)
		assert_serves(fds[i]);
	shutdown(fds[0], SHUT_WR);
	assert_closed(fds[0]);
	assert_well();
	for (unsigned i = 1; i < SERVER_MAX_CONNS; i++)
		close(fds[i]);
}

/* Who does not read replies gets no more of them, and disturbs nobody. */
static void
replies_not_read(void **state)
{
	enum { N = 4000 };
	static unsigned char one[9000];
	static const unsigned nums[100];
	struct message m = msg_add(nums, 100, 0);
	unsigned sent = 0;
	size_t len, off = 0;
	int fd = connect_tcp(port);

	(void)state;
	send_message(fd, &m);
	assert_int_equal(reply(fd, &m), 0);
	m = msg_get(CFG_STATIC, 0, 0, 8000);
	len = pack(&m, one);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	while (sent < N) {
		ssize_t n = send(fd, one + off, len - off, MSG_NOSIGNAL);

		if (n == -1)
			break;
		off += (size_t)n;
		sent += off == len;
		off = off == len ? 0 : off;
	}
	assert_true(sent < N);
	assert_well();
	for (unsigned i = 0; i < sent; i++) {
		m.dir = CTL_DIR_GET;
		assert_int_equal(reply(fd, &m), 0);
		assert_int_equal(m.len, 32 + 16 + 101 * 32);
	}
	close(fd);
}

static void
request_not_completed(void **state)
{
	unsigned char byte = 0;
	int slow = connect_tcp(port), idle = connect_tcp(port);

	(void)state;
	send_all(slow, &byte, 1);
	assert_closed(slow);
	/* Between requests there is no limit. */
	assert_serves(idle);
	usleep(300 * 1000);
	assert_serves(idle);
	close(idle);
}

static void
source_of_packets(void **state)
{
	int a = connect_tcp((uint16_t)(port + 1));
	int b = connect_tcp((uint16_t)(port + 1));

	(void)state;
	assert_well();
	assert_int_equal(en->source, 0);
	send_all(a, "x", 1);
	wait_for(&en->source, 1);
	send_all(a, "xyz", 3);
	send_all(b, "x", 1);
	wait_for(&en->source, 2);
	close(a);
	wait_for(&en->source, 1);
	shutdown(b, SHUT_WR);
	wait_for(&en->source, 0);
	close(b);
	/* The end of the server is the end of the source. */
	a = connect_tcp((uint16_t)(port + 1));
	send_all(a, "x", 1);
	wait_for(&en->source, 1);
	stop();
	assert_int_equal(en->source, 0);
	close(a);
}

/* In a child: whether another user's connection is closed unheard. */
static int
as_other_user(uint16_t to)
{
	struct sockaddr_in sin = {
	    .sin_family = AF_INET,
	    .sin_port = htons(to),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct pollfd p = {.events = POLLIN};
	char c;

	if (setresuid(65534, 65534, 65534) != 0)
		return 2;
	p.fd = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(p.fd, (struct sockaddr *)&sin, sizeof(sin)) != 0)
		return 3;
	if (send(p.fd, "x", 1, MSG_NOSIGNAL) == -1)
		return 0;
	if (poll(&p, 1, PATIENCE_MS) != 1)
		return 4;
	return read(p.fd, &c, 1) > 0;
}

static void
other_users_stay_out(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	for (unsigned i = 0; i < 2; i++) {
		pid_t pid = fork();
		int status;

		if (pid == 0)
			_exit(as_other_user((uint16_t)(port + i)));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
	assert_int_equal(en->source, 0);
	assert_well();
}

/* Requests of another user that is gone before the server looks: his sockets
 * are then shown as root's. */
static void
other_users_stay_out_when_gone(void **state)
{
	struct sockaddr_in sin = {
	    .sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	unsigned num = 66;
	struct message m = msg_add(&num, 1, 0);
	unsigned char buf[256];
	size_t len = pack(&m, buf);

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			int fd;

			if (geteuid() == 0 &&
			    setresuid(65534, 65534, 65534) != 0)
				_exit(1);
			fd = socket(AF_INET, SOCK_STREAM, 0);
			if (connect(fd, (struct sockaddr *)&sin,
			    sizeof(sin)) != 0)
				_exit(1);
			_exit(send(fd, buf, len, MSG_NOSIGNAL) !=
			    (ssize_t)len);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
	go();
	assert_well();
	assert_int_equal(en->rules->n_rules, 1);
}

static void
ports_taken(void **state)
{
	struct server_cfg cfg = {.port = port};
	struct server *second = NULL;
	struct err e;

	(void)state;
	assert_int_equal(server_create(base, control, en, &cfg, &second, &e),
	    -EADDRINUSE);
	assert_non_null(strstr(e.text, "(control): "));
	cfg.port = (uint16_t)(port - 1);
	assert_int_equal(server_create(base, control, en, &cfg, &second, &e),
	    -EADDRINUSE);
	assert_non_null(strstr(e.text, "(source): "));
	cfg.port = 65535;
	assert_int_equal(server_create(base, control, en, &cfg, &second, &e),
	    -EINVAL);
	assert_null(second);
	assert_well();
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
	    T(both_sockets),
	    T(errors_are_the_connection_s_own),
	    T(pipelined),
	    T(cut_at_every_octet),
	    T(octet_by_octet),
	    T(half_closed),
	    T(too_long),
	    T(as_long_as_allowed),
	    T(claims_cost_nothing),
	    T(at_most_so_many),
	    T(replies_not_read),
	    cmocka_unit_test_setup_teardown(request_not_completed,
		begin_impatient, end),
	    T(source_of_packets),
	    T(other_users_stay_out),
	    cmocka_unit_test_setup_teardown(other_users_stay_out_when_gone,
		begin_stopped, end),
	    T(ports_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
