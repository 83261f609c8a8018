/* SPDX-License-Identifier: BSD-2-Clause */
#include "ctl/unixsock.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 16 };

static int
open_socket(int type)
{
	return socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/* Frees the path if a dead server left its socket there. */
static int
remove_stale(const struct sockaddr_un *sun, int type, struct err *e)
{
	const char *path = sun->sun_path;
	struct stat st;
	int fd, error;

	if (lstat(path, &st) == -1)
		return errno == ENOENT ?
		    0 :
		    err_set(e, errno, "%s: %s", path, strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return err_set(e, EEXIST, "%s: exists and is no socket", path);
	fd = open_socket(type);
	if (fd == -1)
		return err_set(e, errno, "unix socket: %s", strerror(errno));
	error = connect(fd, (const struct sockaddr *)sun, sizeof(*sun)) == -1 ?
	    errno :
	    0;
	close(fd);
	if (error != ECONNREFUSED)
		return err_set(
		    e, EADDRINUSE, "%s: another server is there", path);
	if (unlink(path) == -1)
		return err_set(e, errno, "%s: %s", path, strerror(errno));
	return 0;
}

int
unixsock_open(struct unixsock *u, const char *path, struct err *e)
{
	return unixsock_open_type(u, path, SOCK_STREAM, e);
}

int
unixsock_open_type(struct unixsock *u, const char *path, int type,
    struct err *e)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	struct stat st;
	int error;

	u->fd = -1;
	if (strlen(path) >= sizeof(sun.sun_path))
		return err_set(e, ENAMETOOLONG,
		    "%.40s...: longer than %zu "
		    "characters",
		    path, sizeof(sun.sun_path) - 1);
	memcpy(sun.sun_path, path, strlen(path) + 1);
	memcpy(u->path, path, strlen(path) + 1);
	error = remove_stale(&sun, type, e);
	if (error != 0)
		return error;
	u->fd = open_socket(type);
	/* The mode is set before the path exists: no moment is open to all. */
	if (u->fd == -1 || fchmod(u->fd, 0600) == -1 ||
	    bind(u->fd, (struct sockaddr *)&sun, sizeof(sun)) == -1) {
		error = err_set(e, errno, "%s: %s", u->path, strerror(errno));
		goto err_fd;
	}
	if (listen(u->fd, BACKLOG) == -1 || lstat(path, &st) == -1) {
		error = err_set(e, errno, "%s: %s", u->path, strerror(errno));
		unlink(path);
		goto err_fd;
	}
	u->dev = st.st_dev;
	u->ino = st.st_ino;
	u->made = st.st_mtim;
	return 0;
err_fd:
	if (u->fd != -1)
		close(u->fd);
	u->fd = -1;
	return error;
}

static bool
is_ours(const struct unixsock *u, const struct stat *st)
{
	return st->st_dev == u->dev && st->st_ino == u->ino &&
	    st->st_mtim.tv_sec == u->made.tv_sec &&
	    st->st_mtim.tv_nsec == u->made.tv_nsec;
}

void
unixsock_close(struct unixsock *u)
{
	struct stat st;

	if (u->fd == -1)
		return;
	if (lstat(u->path, &st) == 0 && is_ours(u, &st))
		unlink(u->path);
	close(u->fd);
	u->fd = -1;
}
