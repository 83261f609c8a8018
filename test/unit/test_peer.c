/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "ctl/peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Both ends of a loopback connection: [0] ours, [1] the peer's. */
static void
tcp_pair(int fds[2])
{
	struct sockaddr_in sin = {
	    .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(sin);
	int l = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(l, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(listen(l, 1), 0);
	assert_int_equal(getsockname(l, (struct sockaddr *)&sin, &len), 0);
	fds[1] = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fds[1], (struct sockaddr *)&sin, len), 0);
	fds[0] = accept(l, NULL, NULL);
	assert_int_not_equal(fds[0], -1);
	close(l);
}

static void
tcp_peer(void **state)
{
	uid_t uid = 4711;
	struct err e;
	int fds[2];

	(void)state;
	tcp_pair(fds);
	assert_int_equal(peer_uid(fds[0], &uid, &e), 0);
	assert_int_equal(uid, geteuid());
	/* Half closed, it still waits for answers. */
	uid = 4711;
	shutdown(fds[1], SHUT_WR);
	usleep(100 * 1000);
	assert_int_equal(peer_uid(fds[0], &uid, &e), 0);
	assert_int_equal(uid, geteuid());
	close(fds[0]);
	close(fds[1]);
}

/* The kernel shows a socket without a process as root's. */
static void
tcp_peer_gone(void **state)
{
	uid_t uid = 4711;
	struct err e;
	int fds[2];

	(void)state;
	tcp_pair(fds);
	close(fds[1]);
	assert_int_equal(peer_uid(fds[0], &uid, &e), -EACCES);
	assert_int_equal(uid, 4711);
	assert_non_null(strstr(e.text, "127.0.0.1:"));
	close(fds[0]);
}

/* In a child that becomes another user: the uid of a connection of its own. */
static int
other_uid(void)
{
	uid_t uid = 0;
	int fds[2];

	if (setresuid(65534, 65534, 65534) != 0)
		return 2;
	tcp_pair(fds);
	return peer_uid(fds[0], &uid, NULL) != 0 || uid != 65534;
}

static void
tcp_peer_of_another_user(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	if (geteuid() != 0)
		skip();
	pid = fork();
	if (pid == 0)
		_exit(other_uid());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
unix_peer(void **state)
{
	uid_t uid = 4711;
	struct err e;
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(peer_uid(fds[0], &uid, &e), 0);
	assert_int_equal(uid, geteuid());
	close(fds[0]);
	close(fds[1]);
}

static void
no_peer(void **state)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct err e;
	uid_t uid;

	(void)state;
	assert_int_equal(peer_uid(fd, &uid, &e), -EACCES);
	close(fd);
	assert_int_equal(peer_uid(-1, &uid, &e), -EACCES);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(tcp_peer),
	    cmocka_unit_test(tcp_peer_gone),
	    cmocka_unit_test(tcp_peer_of_another_user),
	    cmocka_unit_test(unix_peer),
	    cmocka_unit_test(no_peer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
