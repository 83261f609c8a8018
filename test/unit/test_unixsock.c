/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "ctl/unixsock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static char path[64];

static int
begin(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "/tmp/test_unixsock.%d", (int)getpid());
	unlink(path);
	return 0;
}

static int
connect_to(const char *to)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), error;

	memcpy(sun.sun_path, to, strlen(to) + 1);
	error = connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1 ?
	    errno : 0;
	close(fd);
	return error;
}

static void
opens_and_goes(void **state)
{
	mode_t mask = umask(0);
	struct unixsock u;
	struct stat st;
	struct err e;

	(void)state;
	assert_int_equal(unixsock_open(&u, path, &e), 0);
	umask(mask);
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(connect_to(path), 0);
	unixsock_close(&u);
	assert_int_equal(lstat(path, &st), -1);
	unixsock_close(&u);
}

static void
live_one_is_left_alone(void **state)
{
	struct unixsock u, second;
	struct err e;

	(void)state;
	assert_int_equal(unixsock_open(&u, path, &e), 0);
	assert_int_equal(unixsock_open(&second, path, &e), -EADDRINUSE);
	assert_non_null(strstr(e.text, path));
	unixsock_close(&second);
	assert_int_equal(connect_to(path), 0);
	unixsock_close(&u);
}

static void
stale_one_is_replaced(void **state)
{
	struct unixsock dead, u;
	struct err e;

	(void)state;
	assert_int_equal(unixsock_open(&dead, path, &e), 0);
	close(dead.fd);
	assert_int_equal(connect_to(path), ECONNREFUSED);
	assert_int_equal(unixsock_open(&u, path, &e), 0);
	assert_int_equal(connect_to(path), 0);
	/* The end of the dead one does not take our path away. */
	dead.fd = open("/dev/null", O_RDONLY);
	unixsock_close(&dead);
	assert_int_equal(connect_to(path), 0);
	unixsock_close(&u);
}

static void
other_things_are_left_alone(void **state)
{
	struct unixsock u;
	struct stat st;
	struct err e;

	(void)state;
	close(open(path, O_CREAT | O_WRONLY, 0600));
	assert_int_equal(unixsock_open(&u, path, &e), -EEXIST);
	assert_int_equal(u.fd, -1);
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	unlink(path);
	/* Not even a link to nowhere is followed. */
	assert_int_equal(symlink("/nowhere", path), 0);
	assert_int_equal(unixsock_open(&u, path, &e), -EEXIST);
	unlink(path);
	assert_int_equal(unixsock_open(&u, "/nowhere/at/all", &e), -ENOENT);
}

static void
length_of_a_path(void **state)
{
	char longest[109];
	struct unixsock u;
	struct err e;

	(void)state;
	memset(longest, 'x', sizeof(longest));
	memcpy(longest, "/tmp/", 5);
	longest[108] = '\0';
	assert_int_equal(unixsock_open(&u, longest, &e), -ENAMETOOLONG);
	longest[107] = '\0';
	assert_int_equal(unixsock_open(&u, longest, &e), 0);
	assert_int_equal(connect_to(longest), 0);
	unixsock_close(&u);
	assert_int_equal(access(longest, F_OK), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(opens_and_goes, begin),
	    cmocka_unit_test_setup(live_one_is_left_alone, begin),
	    cmocka_unit_test_setup(stale_one_is_replaced, begin),
	    cmocka_unit_test_setup(other_things_are_left_alone, begin),
	    cmocka_unit_test_setup(length_of_a_path, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
