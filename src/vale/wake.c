/* SPDX-License-Identifier: BSD-2-Clause */
#include "vale/wake.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct fifo_name {
	char text[48];
};

static struct fifo_name
fifo_name(unsigned port, uint32_t gen, unsigned ring)
{
	struct fifo_name n;

	snprintf(n.text, sizeof(n.text), "wake.%u.%u.%u", port, (unsigned)gen,
	    ring);
	return n;
}

/* Read and write: the owner never sees an end of file, and a waker never gets
 * SIGPIPE when the owner is gone. */
static int
fifo_open(struct arena *a, unsigned port, uint32_t gen, unsigned ring)
{
	struct stat st;
	int fd = openat(a->dir_fd, fifo_name(port, gen, ring).text,
	    O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);

	if (fd != -1 && (fstat(fd, &st) == -1 || !S_ISFIFO(st.st_mode))) {
		close(fd);
		errno = EPERM;
		return -1;
	}
	return fd;
}

int
wake_create(struct arena *a, unsigned port, uint32_t gen, unsigned ring,
    struct err *e)
{
	struct fifo_name n = fifo_name(port, gen, ring);
	int fd = -1;

	unlinkat(a->dir_fd, n.text, 0);
	if (mkfifoat(a->dir_fd, n.text, 0600) == 0)
		fd = fifo_open(a, port, gen, ring);
	if (fd == -1) {
		int code = errno;

		unlinkat(a->dir_fd, n.text, 0);
		return err_set(e, code, "%s: %s", n.text, strerror(code));
	}
	return fd;
}

int
wake_open(struct arena *a, unsigned port, uint32_t gen, unsigned ring)
{
	return fifo_open(a, port, gen, ring);
}

void
wake_unlink(struct arena *a, unsigned port, uint32_t gen)
{
	for (unsigned r = 0; r < NMPORT_MAX_RINGS; r++)
		unlinkat(a->dir_fd, fifo_name(port, gen, r).text, 0);
}

void
wake_drain(int fd)
{
	char trash[64];

	while (read(fd, trash, sizeof(trash)) == (ssize_t)sizeof(trash))
		;
}

/* The descriptor for this user of the port's place, opened once. */
static int
cached_fd(struct arena *a, unsigned port, unsigned ring)
{
	struct wake_fd *w = &a->wake_fds[port][ring];
	uint32_t gen = ld_acquire(&arena_port(a->base, port)->gen);

	if (w->fd != -1 && w->gen != gen) {
		close(w->fd);
		w->fd = -1;
	}
	if (w->fd == -1) {
		w->fd = fifo_open(a, port, gen, ring);
		w->gen = gen;
	}
	return w->fd;
}

void
wake_kick(struct arena *a, unsigned port, unsigned ring, uint32_t word)
{
	int fd;

	/* The mutex keeps a descriptor from being closed and given to another
	 * file while a second thread writes to it. */
	pthread_mutex_lock(&a->wake_mutex);
	fd = cached_fd(a, port, ring);
	if (fd != -1)
		(void)!write(fd, "", 1); /* full is as good as written */
	pthread_mutex_unlock(&a->wake_mutex);
	cas(&arena_port(a->base, port)->sleeping[ring].word, &word, 0);
}

void
wake_port(struct arena *a, unsigned port, uint32_t flags)
{
	for (unsigned r = 0; r < NMPORT_MAX_RINGS; r++)
		wake_ring(a, port, r, flags);
}
