/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For tests of nmapi/: ports as a netmap program has them, in an arena of the
 * test's own, and frames one by one.
 */
#pragma once

#include "netmap_api.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifdef OVER_LIBC
#define nmapi_open	      open
#define nmapi_close	      close
#define nmapi_dup	      dup
#define nmapi_dup2	      dup2
#define nmapi_fcntl	      fcntl
#define nmapi_ioctl	      ioctl
#define nmapi_mmap	      mmap
#define nmapi_munmap	      munmap
#define nmapi_mlockall	      mlockall
#define nmapi_poll	      poll
#define nmapi_ppoll	      ppoll
#define nmapi_select	      select
#define nmapi_pselect	      pselect
#define nmapi_epoll_ctl	      epoll_ctl
#define nmapi_epoll_pwait     epoll_pwait
#define nm_read		      read
#else
#include "nmapi/api.h"
static inline ssize_t
nm_read(int fd, void *buf, size_t n)
{
	return nmapi_refuses_io(fd) ? -1 : read(fd, buf, n);
}
#endif

static char shm_dir[64];

enum { PATIENCE_S = 60 }; /* for what takes milliseconds */

static int
setup(void **state)
{
	const char *shm = getenv("TEST_SHM"); /* test/run removes what is in it */

	(void)state;
	snprintf(shm_dir, sizeof(shm_dir), "%.40s/nmapitest-XXXXXX",
	    shm != NULL ? shm : "/dev/shm");
	return mkdtemp(shm_dir) == NULL || setenv("KIPFW_SHM", shm_dir, 1);
}

static int
teardown(void **state)
{
	DIR *dir = opendir(shm_dir);
	struct dirent *d;
	int n_fifos = 0;

	(void)state;
	if (dir == NULL)
		return -1;
	while ((d = readdir(dir)) != NULL) {
		n_fifos += strncmp(d->d_name, "wake.", 5) == 0;
		if (d->d_name[0] != '.')
			unlinkat(dirfd(dir), d->d_name, 0);
	}
	closedir(dir);
	return rmdir(shm_dir) != 0 || n_fifos != 0;
}

/* The errno of a call that should have failed, 0 if it did not. */
static inline int
fails(int rc)
{
	return rc == -1 ? errno : 0;
}

static inline void
close_all(const int a[2], const int b[2])
{
	close(a[0]);
	close(a[1]);
	close(b[0]);
	close(b[1]);
}

static inline void
set3(fd_set *set, int a, int b, int c)
{
	FD_ZERO(set);
	FD_SET(a, set);
	FD_SET(b, set);
	FD_SET(c, set);
}

/* ---- requests ---- */

static inline int
must_open(void)
{
	int fd = nmapi_open("/dev/netmap", O_RDWR, 0);

	assert_true(fd >= 0);
	return fd;
}

static inline struct nmreq_header
header(unsigned type, const char *name, void *body)
{
	struct nmreq_header h = {
		.nr_version = NETMAP_API,
		.nr_reqtype = (uint16_t)type,
		.nr_body = (uintptr_t)body,
	};

	strncpy(h.nr_name, name, sizeof(h.nr_name) - 1);
	return h;
}

static inline int
ask(int fd, unsigned type, const char *name, void *body)
{
	struct nmreq_header h = header(type, name, body);

	return nmapi_ioctl(fd, NIOCCTRL, &h);
}

static inline int
reg(int fd, const char *name, struct nmreq_register *r)
{
	return ask(fd, NETMAP_REQ_REGISTER, name, r);
}

static inline void
must_register(int fd, const char *name)
{
	struct nmreq_register r = { .nr_mode = NR_REG_ALL_NIC };

	assert_int_equal(reg(fd, name, &r), 0);
}

/* ---- a port with its rings ---- */

struct nm {
	int fd;
	char *mem;
	size_t size;
	struct netmap_if *nifp;
	unsigned ring; /* that send_one() and receive_one() use */
};

static inline struct netmap_ring *
txring(struct netmap_if *nifp, unsigned i)
{
	return (void *)((char *)nifp + nifp->ring_ofs[i]);
}

static inline struct netmap_ring *
rxring(struct netmap_if *nifp, unsigned i)
{
	return (void *)((char *)nifp + nifp->ring_ofs[nifp->ni_tx_rings +
	    nifp->ni_host_tx_rings + i]);
}

/* Registers nm->fd as 'r' says and maps the memory. */
static inline void
attach_as(struct nm *nm, const char *name, struct nmreq_register *r)
{
	assert_int_equal(reg(nm->fd, name, r), 0);
	nm->size = r->nr_memsize;
	nm->mem = nmapi_mmap(NULL, nm->size, PROT_READ | PROT_WRITE,
	    MAP_SHARED, nm->fd, 0);
	assert_ptr_not_equal(nm->mem, MAP_FAILED);
	nm->nifp = (void *)(nm->mem + r->nr_offset);
}

static inline void
attach(struct nm *nm, const char *name)
{
	struct nmreq_register r = { .nr_mode = NR_REG_ALL_NIC };

	*nm = (struct nm){ .fd = must_open() };
	attach_as(nm, name, &r);
}

static inline void
detach(struct nm *nm)
{
	assert_int_equal(nmapi_munmap(nm->mem, nm->size), 0);
	assert_int_equal(nmapi_close(nm->fd), 0);
}

static inline char *
buffer(struct netmap_ring *r, uint32_t idx)
{
	return (char *)r + r->buf_ofs + (size_t)idx * r->nr_buf_size;
}

static inline uint32_t
next_slot(const struct netmap_ring *r, uint32_t i)
{
	return i + 1 == r->num_slots ? 0 : i + 1;
}

/* Fills the next slot with a frame to dd:dd:dd:dd:dd:dd; no sync. */
static inline void
send_one(struct nm *nm, int dd, uint16_t len)
{
	struct netmap_ring *r = txring(nm->nifp, nm->ring);
	struct netmap_slot *s = &r->slot[r->head];
	char *b = buffer(r, s->buf_idx);

	memset(b, 0, len);
	memset(b, dd, 6);
	memset(b + 6, 2, 6);
	s->len = len;
	s->flags = 0;
	r->head = r->cur = next_slot(r, r->head);
}

/* The length of the next frame, which is given back; -1 if there is none. */
static inline int
receive_one(struct nm *nm)
{
	struct netmap_ring *r = rxring(nm->nifp, nm->ring);
	int len;

	if (r->head == r->tail)
		return -1;
	len = r->slot[r->head].len;
	r->head = r->cur = next_slot(r, r->head);
	return len;
}

static inline int
wait_receive(struct nm *nm)
{
	struct pollfd p = { .fd = nm->fd, .events = POLLIN };

	return nmapi_poll(&p, 1, PATIENCE_S * 1000) == 1 ? receive_one(nm) : -2;
}
