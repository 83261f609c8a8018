/* SPDX-License-Identifier: BSD-2-Clause */
#include "nmapi/dev.h"

#include "netmap_api.h"
#include "nmapi/epolls.h"
#include "nmapi/hostif.h"
#include "nmapi/quiet.h"
#include "nmapi/real.h"
#include "nmapi/vfork.h"
#include "vale/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

enum { START_TRIES = 3 }; /* of what stands behind an interface */
enum { RX_EVENTS = POLLIN | POLLRDNORM, TX_EVENTS = POLLOUT | POLLWRNORM };

/* Memory that a program has mapped: its arena stays. */
struct map {
	struct map *next;
	struct arena *a;
};

struct dev *dev_table[DEV_MAX_FD];
unsigned dev_n_open;

static pthread_mutex_t ctl_mutex = PTHREAD_MUTEX_INITIALIZER;
static sigset_t ctl_mask; /* of the holder, before */
static pthread_mutex_t map_mutex = PTHREAD_MUTEX_INITIALIZER; /* leaf */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct dev *free_list;
static struct map *maps;
static unsigned n_maps;

/* Our own work opens, maps and closes files by the names that we stand in
 * front of; a thread at that is not to come in a second time. */
static __thread unsigned n_inside;

void
dev_enter(void)
{
	n_inside++;
}

void
dev_leave(void)
{
	n_inside--;
}

static void
ctl_lock(void)
{
	sigset_t old;

	quiet_lock(&ctl_mutex, &old);
	ctl_mask = old;
	dev_enter();
}

static void
ctl_unlock(void)
{
	const sigset_t old = ctl_mask;

	dev_leave();
	quiet_unlock(&ctl_mutex, &old);
}

/* ---- fork ---- */

static void
before_fork(void)
{
	ctl_lock();
	pthread_mutex_lock(&map_mutex);
	epolls_before_fork();
	arena_before_fork();
}

static void
after_fork(void)
{
	arena_after_fork();
	epolls_after_fork();
	pthread_mutex_unlock(&map_mutex);
	ctl_unlock();
}

/* The one thread of the child is the one that locked. */
static void
in_child(void)
{
	share_forked();
	after_fork();
}

static void
start(void)
{
	vfork_start();
	pthread_atfork(before_fork, after_fork, in_child);
}

/* ---- numbers ---- */

static struct dev *
alloc_dev(void)
{
	struct dev *d = free_list;

	if (d == NULL)
		return calloc(1, sizeof(*d));
	free_list = d->next;
	memset(d, 0, sizeof(*d));
	return d;
}

static void
set_number(int fd, struct dev *d)
{
	d->n_fds++;
	__atomic_store_n(&dev_table[fd], d, __ATOMIC_RELEASE);
	__atomic_add_fetch(&dev_n_open, 1, __ATOMIC_SEQ_CST);
}

/* The extra buffers that a program leaves behind go back with the port. */
static void
leave_port(struct dev *d)
{
	struct share *s = d->share;

	__atomic_store_n(&d->share, NULL, __ATOMIC_RELEASE);
	if (d->has_extra)
		nmport_if(s->nm)->ni_bufs_head = d->nifp->ni_bufs_head;
	share_put(s);
	close(d->efd);
	d->atok = NULL;
}

/* Takes the number out of the table, before somebody else can get it. */
static struct dev *
take_number(int fd)
{
	struct dev *d = dev_table[fd];

	if (d != NULL) {
		__atomic_store_n(&dev_table[fd], NULL, __ATOMIC_RELEASE);
		__atomic_sub_fetch(&dev_n_open, 1, __ATOMIC_SEQ_CST);
	}
	return d;
}

static void
end_loop(struct dev *d)
{
	const uint64_t one = 1;

	__atomic_or_fetch(&d->loop, DEV_LOOP_ENDS, __ATOMIC_SEQ_CST);
	if ((d->loop & DEV_LOOP_RUNS) != 0)
		(void)!real()->write(d->loop_efd, &one, sizeof(one));
}

/* One number less, which is closed by now: a port is left once it is dead. */
static void
drop_number(struct dev *d)
{
	if (--d->n_fds == 1 && (d->loop & DEV_LOOP_RUNS) != 0)
		end_loop(d);
	if (d->n_fds != 0)
		return;
	if (d->share != NULL)
		leave_port(d);
	d->next = free_list;
	free_list = d;
}

int
dev_open(int flags)
{
	struct dev *d;
	int fd, rc = 0;

	pthread_once(&once, start);
	fd = real()->open("/dev/null", flags & (O_ACCMODE | O_CLOEXEC));
	if (fd == -1)
		return -errno;
	ctl_lock();
	d = alloc_dev();
	if (d == NULL || fd >= DEV_MAX_FD)
		rc = d == NULL ? -ENOMEM : -EMFILE;
	else
		set_number(fd, d);
	ctl_unlock();
	if (rc < 0)
		real()->close(fd);
	return rc < 0 ? rc : fd;
}

int
dev_close(int fd)
{
	struct dev *d;
	int rc;

	ctl_lock();
	d = take_number(fd);
	rc = real()->close(fd) == -1 ? -errno : 0;
	if (d != NULL)
		drop_number(d);
	ctl_unlock();
	return rc;
}

void
dev_forget(int fd)
{
	struct dev *d;

	ctl_lock();
	d = (unsigned)fd < DEV_MAX_FD ? take_number(fd) : NULL;
	if (d != NULL)
		drop_number(d);
	ctl_unlock();
}

int
dev_dup(int fd, int (*dup)(int fd, int arg), int arg)
{
	struct dev *d;
	int to;

	ctl_lock();
	d = dev_table[fd];
	to = dup(fd, arg);
	if (to == -1)
		to = -errno;
	else if (to >= DEV_MAX_FD) {
		real()->close(to);
		to = -EMFILE;
	} else if (d != NULL)
		set_number(to, d);
	ctl_unlock();
	return to;
}

/* 'fd' or 'to' is ours, or both. */
int
dev_dup2(int fd, int to, int flags)
{
	struct dev *d;
	int rc;

	if (to >= DEV_MAX_FD)
		return -EMFILE;
	ctl_lock();
	d = (unsigned)fd < DEV_MAX_FD ? dev_table[fd] : NULL;
	rc = flags == -1 ? real()->dup2(fd, to) : real()->dup3(fd, to, flags);
	if (rc == -1)
		rc = -errno;
	else if (fd != to) {
		struct dev *old = take_number(to);

		if (d != NULL)
			set_number(to, d); /* first: 'old' may be the same */
		if (old != NULL)
			drop_number(old);
	}
	ctl_unlock();
	return rc;
}

/* ---- register ---- */

/* All numbers of the device become ones of 'claim'. */
static int
move_numbers(struct dev *d, int claim)
{
	unsigned left = d->n_fds;

	for (int fd = 0; left != 0 && fd < DEV_MAX_FD; fd++) {
		int cloexec;

		if (dev_table[fd] != d)
			continue;
		left--;
		cloexec = real()->fcntl(fd, F_GETFD) & FD_CLOEXEC;
		if (real()->dup3(claim, fd, cloexec ? O_CLOEXEC : 0) == -1)
			return -errno;
	}
	return 0;
}

/* Which of the port's rings 'reg' means. */
static int
choose_rings(const struct share *s, struct dev_reg *reg)
{
	const bool none[SHARE_DIRS] = { reg->no_tx, reg->no_rx };

	if (reg->one_ring >= (int)s->n_rings[SHARE_TX] &&
	    reg->one_ring >= (int)s->n_rings[SHARE_RX])
		return -EINVAL;
	for (unsigned dir = 0; dir < SHARE_DIRS; dir++) {
		unsigned one = (unsigned)reg->one_ring;

		if (one >= s->n_rings[dir]) /* then the first, as netmap */
			one = 0;
		reg->on.lo[dir] = reg->one_ring < 0 ? 0 : one;
		reg->on.hi[dir] = none[dir] ? reg->on.lo[dir] :
		    reg->one_ring < 0	    ? s->n_rings[dir] :
					      one + 1;
	}
	return 0;
}

/* Buffers beside the rings are the first descriptor's. */
static void
take_extra(struct dev *d, struct share *s)
{
	struct nmport_info i;

	nmport_get_info(s->nm, &i);
	d->has_extra = s->n_users == 1 && i.n_extra != 0 &&
	    nmport_if(s->nm)->ni_bufs_head != 0;
	if (!d->has_extra)
		return;
	d->nifp->ni_bufs_head = nmport_if(s->nm)->ni_bufs_head;
	nmport_if(s->nm)->ni_bufs_head = 0;
}

static int
open_efd(struct dev *d)
{
	d->efd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE);
	return d->efd == -1 ? -errno : 0;
}

static int
bind_share(struct dev *d, struct share *s, struct dev_reg *reg)
{
	int claim, rc = choose_rings(s, reg);

	if (rc == 0)
		rc = open_efd(d);
	if (rc < 0)
		return rc;
	claim = share_claim(s, &reg->on, reg->is_excl, &d->nifp);
	rc = claim < 0 ? claim : move_numbers(d, claim);
	if (claim >= 0)
		real()->close(claim);
	if (rc < 0) {
		close(d->efd);
		return rc;
	}
	take_extra(d, s);
	d->on = reg->on;
	d->is_excl = reg->is_excl;
	d->tx_poll = reg->tx_poll;
	d->rx_poll = reg->rx_poll;
	__atomic_store_n(&d->share, s, __ATOMIC_RELEASE);
	return 0;
}

static int
try_register(struct dev *d, struct dev_reg *reg, struct err *e)
{
	struct share *s;
	int rc;

	ctl_lock();
	if (d->share != NULL)
		rc = err_set(e, EBUSY, "descriptor: has a port");
	else
		rc = share_get(reg->name, &reg->cfg, reg->is_new, &s, e);
	if (rc == 0) {
		rc = bind_share(d, s, reg);
		if (rc < 0)
			share_put(s);
	}
	ctl_unlock();
	return rc;
}

/* Without the lock while an interface is being taken: that may last.  If it is
 * there and gone again, it was somebody else's: once more. */
int
dev_register(struct dev *d, struct dev_reg *reg, struct err *e)
{
	int rc = try_register(d, reg, e);

	for (unsigned i = 0; rc == -EAGAIN && i < START_TRIES; i++) {
		rc = hostif_start(reg->name, e);
		if (rc == 0)
			rc = try_register(d, reg, e);
	}
	return rc == -EAGAIN ? -ENXIO : rc;
}

/* The number of a descriptor that another process registered: the claims are
 * its own already, and what it shows of the port. */
static struct dev *
bind_adopted(int fd, struct share *s, unsigned place)
{
	struct dev *d = alloc_dev();

	if (d == NULL)
		return NULL;
	if (open_efd(d) < 0) {
		d->next = free_list;
		free_list = d;
		return NULL;
	}
	d->nifp = share_shown(s, place, &d->on);
	d->tx_poll = true;
	set_number(fd, d);
	__atomic_store_n(&d->share, s, __ATOMIC_RELEASE);
	return d;
}

/* The numbers are those of /dev/null again. */
void
dev_unregister(struct dev *d)
{
	int null;

	ctl_lock();
	null = real()->open("/dev/null", O_RDWR | O_CLOEXEC, 0);
	if (null != -1) {
		move_numbers(d, null);
		real()->close(null);
	}
	leave_port(d);
	ctl_unlock();
}

int
dev_begin_loop(struct dev *d)
{
	int rc = 0;

	ctl_lock();
	if (d->share == NULL)
		rc = -ENXIO;
	else if (d->atok == NULL)
		rc = -EINVAL;
	else if (d->loop & DEV_LOOP_RUNS)
		rc = -EBUSY;
	if (rc == 0) {
		d->loop_efd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (d->loop_efd == -1)
			rc = -errno;
	}
	if (rc == 0) {
		d->n_fds++;
		__atomic_or_fetch(&d->loop, DEV_LOOP_RUNS, __ATOMIC_SEQ_CST);
	}
	ctl_unlock();
	return rc;
}

void
dev_end_loop(struct dev *d)
{
	ctl_lock();
	__atomic_store_n(&d->loop, 0, __ATOMIC_SEQ_CST);
	close(d->loop_efd);
	drop_number(d);
	ctl_unlock();
}

bool
dev_ask_loop_to_end(struct dev *d)
{
	bool runs;

	ctl_lock();
	end_loop(d);
	runs = (d->loop & DEV_LOOP_RUNS) != 0;
	ctl_unlock();
	return runs;
}

/* A plain file whose position says that it is ours?  Anything else costs one
 * system call, and only after an ioctl that nobody else has. */
struct dev *
dev_adopt(int fd)
{
	struct share *s = NULL;
	struct dev *d = NULL;
	unsigned place;

	if (n_inside != 0 || (unsigned)fd >= DEV_MAX_FD)
		return NULL;
	pthread_once(&once, start);
	ctl_lock();
	if (dev_table[fd] == NULL && share_adopt(fd, &s, &place, NULL) == 0) {
		d = bind_adopted(fd, s, place);
		if (d == NULL)
			share_put(s);
	}
	ctl_unlock();
	return d;
}

/* ---- sync and poll ---- */

static int
sync_rings(struct dev *d, struct share *s, unsigned dir,
    struct share_sync *what)
{
	int rc = 0;

	*what = (struct share_sync){ 0 };
	for (unsigned i = d->on.lo[dir]; i < d->on.hi[dir]; i++) {
		int one = share_sync(s, dir, i, what);

		if (unlikely(one < 0))
			rc = one;
	}
	return rc;
}

int
dev_sync(struct dev *d, unsigned dir)
{
	struct share *s = __atomic_load_n(&d->share, __ATOMIC_ACQUIRE);
	struct share_sync what;
	int rc;

	if (s == NULL)
		return -ENXIO;
	rc = sync_rings(d, s, dir, &what);
	if (rc == 0 && unlikely(what.pending && !what.ready))
		rc = DEV_FULL;
	return rc;
}

short
dev_poll(struct dev *d, short events, bool *pending)
{
	struct share *s = __atomic_load_n(&d->share, __ATOMIC_ACQUIRE);
	struct share_sync what;
	short found = 0;

	*pending = false;
	if (s == NULL || unlikely(d->atok != NULL))
		return POLLERR;
	if (d->tx_poll || (events & TX_EVENTS)) {
		if (sync_rings(d, s, SHARE_TX, &what) < 0)
			found |= POLLERR;
		if (what.ready)
			found |= events & TX_EVENTS;
		*pending = what.pending;
	}
	if (d->rx_poll || (events & RX_EVENTS)) {
		if (sync_rings(d, s, SHARE_RX, &what) < 0)
			found |= POLLERR;
		if (what.ready)
			found |= events & RX_EVENTS;
	}
	return found;
}

static unsigned
mask_of(const struct dev *d, unsigned dir)
{
	return ((1u << d->on.hi[dir]) - 1) & ~((1u << d->on.lo[dir]) - 1);
}

void
dev_edges(struct dev *d, uint32_t edges[SHARE_DIRS])
{
	struct share *s = __atomic_load_n(&d->share, __ATOMIC_ACQUIRE);

	edges[0] = edges[1] = 0;
	for (unsigned dir = 0; s != NULL && dir < SHARE_DIRS; dir++)
		for (unsigned i = d->on.lo[dir]; i < d->on.hi[dir]; i++)
			edges[dir] += share_arrived(s, dir, i);
}

short
dev_new_events(struct dev *d, short found, const uint32_t seen[SHARE_DIRS])
{
	uint32_t now[SHARE_DIRS];

	dev_edges(d, now);
	if (now[SHARE_RX] == seen[SHARE_RX])
		found &= ~RX_EVENTS;
	if (now[SHARE_TX] == seen[SHARE_TX])
		found &= ~TX_EVENTS;
	return found;
}

int
dev_sleep_begin(struct dev *d, short events, bool pending, bool is_new,
    struct share_sleeper *sl, int fds[2])
{
	struct share *s = __atomic_load_n(&d->share, __ATOMIC_ACQUIRE);

	if (s == NULL)
		return 0;
	*sl = (struct share_sleeper){
		.rings = { mask_of(d, SHARE_TX), mask_of(d, SHARE_RX) },
		.efd = d->efd,
	};
	if ((sl->rings.tx | sl->rings.rx) == 0)
		return 2;
	if (events & RX_EVENTS)
		sl->flags |= NMPORT_RX;
	/* A pipe's slots are never pending; who asks waits for room. */
	if (s->is_pipe ? (events & TX_EVENTS) != 0 : pending)
		sl->flags |= NMPORT_TX;
	if (sl->flags == 0)
		return 2;
	if (is_new)
		sl->flags |= NMPORT_NEW;
	if (!share_sleep_begin(s, sl, &fds[0]))
		return 0;
	fds[1] = d->efd;
	return 1;
}

void
dev_sleep_end(struct dev *d, struct share_sleeper *sl)
{
	struct share *s = __atomic_load_n(&d->share, __ATOMIC_ACQUIRE);

	if (s != NULL)
		share_sleep_end(s, sl);
}

/* ---- memory ---- */

void *
dev_map(struct dev *d, size_t *size)
{
	struct map *m = malloc(sizeof(*m));
	uint8_t *base = NULL;
	sigset_t old;

	ctl_lock();
	if (m != NULL && d->share != NULL && arena_get(&m->a, NULL) == 0) {
		base = nmport_region(d->share->nm, size);
		if (base != m->a->base) { /* KIPFW_SHM has changed */
			arena_put(m->a);
			base = NULL;
		}
	}
	ctl_unlock();
	if (base == NULL) {
		free(m);
		return NULL;
	}
	quiet_lock(&map_mutex, &old);
	m->next = maps;
	maps = m;
	__atomic_add_fetch(&n_maps, 1, __ATOMIC_RELAXED);
	quiet_unlock(&map_mutex, &old);
	return base;
}

/* Takes the mapping at 'addr' out of the list. */
static struct map *
take_map(const void *addr)
{
	struct map *m = NULL;
	sigset_t old;

	quiet_lock(&map_mutex, &old);
	for (struct map **p = &maps; *p != NULL; p = &(*p)->next)
		if ((*p)->a->base == addr) {
			m = *p;
			*p = m->next;
			__atomic_sub_fetch(&n_maps, 1, __ATOMIC_RELAXED);
			break;
		}
	quiet_unlock(&map_mutex, &old);
	return m;
}

bool
dev_unmap(const void *addr)
{
	struct map *m;

	if (likely(__atomic_load_n(&n_maps, __ATOMIC_RELAXED) == 0))
		return false;
	m = take_map(addr);
	if (m == NULL)
		return false;
	arena_put(m->a); /* may unmap it for real, and come back to us */
	free(m);
	return true;
}
