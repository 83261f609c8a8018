/* SPDX-License-Identifier: BSD-2-Clause */
#include "nmapi/kloop.h"

#include "nmapi/real.h"
#include "nmapi/user.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	MAX_RINGS = SHARE_DIRS * NMPORT_MAX_RINGS,
	MAX_SLEEP_US = 1000000,
	LOOK_MS = 3000, /* the longest sleep */
};
_Static_assert((int)MAX_RINGS <= (int)OPTION_MAX_EVENTFDS, "a pair of them a ring");

/* A ring of the loop's. */
struct entry {
	unsigned dir, ring;
	struct nm_csb_atok *atok;
	struct nm_csb_ktoa *ktoa;
	uint32_t head, cur, tail; /* at the last sync */
	int irqfd, ioeventfd;	  /* or < 0 */
	bool pending;
};

struct loop {
	struct dev *d;
	struct share *s;
	unsigned n;
	bool sleeps; /* until somebody writes an eventfd */
	uint32_t sleep_us;
	struct entry entries[MAX_RINGS];
};

/* ---- the two arrays ---- */

static unsigned
n_rings(const struct dev *d)
{
	return d->on.hi[SHARE_TX] - d->on.lo[SHARE_TX] + d->on.hi[SHARE_RX] -
	    d->on.lo[SHARE_RX];
}

static void
list_rings(struct loop *l)
{
	struct dev *d = l->d;

	for (unsigned dir = 0; dir < SHARE_DIRS; dir++)
		for (unsigned i = d->on.lo[dir]; i < d->on.hi[dir]; i++) {
			l->entries[l->n] = (struct entry){ .dir = dir,
				.ring = i,
				.atok = d->atok + l->n,
				.ktoa = d->ktoa + l->n,
				.irqfd = -1,
				.ioeventfd = -1 };
			l->n++;
		}
}

static int
check_memory(const struct options *o, unsigned n)
{
	struct nm_csb_atok atok[MAX_RINGS];
	const struct nm_csb_ktoa none[MAX_RINGS] = { 0 };

	if (o->csb.csb_atok % sizeof(*atok) != 0 ||
	    o->csb.csb_ktoa % sizeof(*none) != 0 || o->csb.csb_atok == 0 ||
	    o->csb.csb_ktoa == 0)
		return -EINVAL;
	if (user_copyin(atok, o->csb.csb_atok, n * sizeof(*atok)) < 0)
		return -EFAULT;
	return user_copyout(o->csb.csb_ktoa, none, n * sizeof(*none));
}

static void
begin_csb(struct loop *l)
{
	for (unsigned i = 0; i < l->n; i++) {
		struct entry *n = &l->entries[i];
		const struct netmap_ring *r = share_ring(l->s, n->dir,
		    n->ring);

		n->atok->head = r->head;
		n->atok->cur = r->cur;
		n->atok->appl_need_kick = 1;
		n->atok->sync_flags = 1;
		n->ktoa->hwcur = r->head;
		n->ktoa->hwtail = r->tail;
		n->ktoa->kern_need_kick = 1;
	}
}

int
kloop_enable(struct dev *d, const struct options *o, struct err *e)
{
	struct loop l = { .d = d, .s = d->share };
	int rc;

	if (d->share == NULL)
		return err_set(e, ENXIO, "descriptor: has no port");
	if (!o->has_csb)
		return err_set(e, EINVAL, "no arrays for positions");
	if (__atomic_load_n(&d->loop, __ATOMIC_ACQUIRE) & DEV_LOOP_RUNS)
		return err_set(e, EBUSY, "descriptor: its loop runs");
	if (n_rings(d) == 0)
		return 0;
	if (!d->is_excl)
		return err_set(e, EINVAL, "CSB mode is for NR_EXCLUSIVE");
	rc = check_memory(o, n_rings(d));
	if (rc < 0)
		return err_set(e, -rc, "CSB: %s", strerror(-rc));
	d->atok = (void *)(uintptr_t)o->csb.csb_atok;
	d->ktoa = (void *)(uintptr_t)o->csb.csb_ktoa;
	list_rings(&l);
	begin_csb(&l);
	return 0;
}

/* ---- one ring ---- */

static void
signal_program(const struct entry *n)
{
	const uint64_t one = 1;

	if (n->irqfd >= 0 &&
	    __atomic_load_n(&n->atok->appl_need_kick, __ATOMIC_ACQUIRE) != 0)
		(void)!real()->write(n->irqfd, &one, sizeof(one));
}

/* The program writes cur before head, and reads hwtail before hwcur. */
static bool
read_positions(const struct entry *n, uint32_t *head, uint32_t *cur)
{
	*head = __atomic_load_n(&n->atok->head, __ATOMIC_ACQUIRE);
	*cur = __atomic_load_n(&n->atok->cur, __ATOMIC_ACQUIRE);
	return *head != n->head || *cur != n->cur;
}

/* -ENXIO: the port is gone. */
static int
sync_entry(struct loop *l, struct entry *n)
{
	struct netmap_ring *r = share_ring(l->s, n->dir, n->ring);
	struct share_sync what = { 0 };
	int rc;

	read_positions(n, &n->head, &n->cur);
	__atomic_store_n(&r->head, n->head, __ATOMIC_RELAXED);
	__atomic_store_n(&r->cur, n->cur, __ATOMIC_RELAXED);
	rc = share_sync(l->s, n->dir, n->ring, &what);
	if (rc == -ENXIO)
		return rc;
	n->pending = what.pending;
	__atomic_store_n(&n->ktoa->hwcur, r->head, __ATOMIC_RELEASE);
	__atomic_store_n(&n->ktoa->hwtail, r->tail, __ATOMIC_RELEASE);
	if (n->tail != r->tail)
		signal_program(n);
	n->tail = r->tail;
	return 0;
}

/* ---- the loop ---- */

static void
want_kicks(struct loop *l, uint32_t yes)
{
	for (unsigned i = 0; i < l->n; i++)
		__atomic_store_n(&l->entries[i].ktoa->kern_need_kick, yes,
		    __ATOMIC_SEQ_CST);
}

static bool
has_moved(const struct loop *l)
{
	uint32_t head, cur;

	for (unsigned i = 0; i < l->n; i++)
		if (read_positions(&l->entries[i], &head, &cur))
			return true;
	return false;
}

/* Until the program kicks, the port has news, or it is to end. */
static void
sleep_until_kicked(struct loop *l)
{
	struct pollfd p[MAX_RINGS + 3];
	struct share_sleeper sl;
	bool pending = false;
	uint64_t trash;
	int fds[2], rc;
	nfds_t n = 0;

	for (unsigned i = 0; i < l->n; i++) {
		pending |= l->entries[i].pending;
		p[n++] = (struct pollfd){ .fd = l->entries[i].ioeventfd,
			.events = POLLIN };
	}
	rc = dev_sleep_begin(l->d, POLLIN | POLLOUT, pending, true, &sl, fds);
	if (rc == 0)
		return;
	for (int i = 0; rc == 1 && i < 2; i++)
		p[n++] = (struct pollfd){ .fd = fds[i], .events = POLLIN };
	p[n++] = (struct pollfd){ .fd = l->d->loop_efd, .events = POLLIN };
	real()->poll(p, n, LOOK_MS);
	if (rc == 1)
		dev_sleep_end(l->d, &sl);
	for (unsigned i = 0; i < l->n; i++)
		if (p[i].revents & POLLIN)
			(void)!real()->read(p[i].fd, &trash, sizeof(trash));
}

static void
pause_loop(struct loop *l)
{
	const struct timespec ts = { .tv_sec = l->sleep_us / 1000000,
		.tv_nsec = (long)(l->sleep_us % 1000000) * 1000 };

	if (!l->sleeps) {
		nanosleep(&ts, NULL);
		return;
	}
	want_kicks(l, 1);
	if (!has_moved(l))
		sleep_until_kicked(l);
	want_kicks(l, 0);
}

static void
run(struct loop *l)
{
	want_kicks(l, 0);
	while ((__atomic_load_n(&l->d->loop, __ATOMIC_ACQUIRE) &
		DEV_LOOP_ENDS) == 0) {
		for (unsigned i = 0; i < l->n; i++)
			if (sync_entry(l, &l->entries[i]) < 0)
				return;
		pause_loop(l);
	}
}

static int
take_options(struct loop *l, const struct options *o, struct err *e)
{
	if (o->has_mode && (o->mode & ~(unsigned)(NM_OPT_SYNC_KLOOP_DIRECT_TX |
				NM_OPT_SYNC_KLOOP_DIRECT_RX)) != 0)
		return err_set(e, EINVAL, "loop: mode %u", o->mode);
	if (!o->has_eventfds)
		return 0;
	if (o->n_eventfds != l->n)
		return err_set(e, EINVAL, "loop: eventfds for %u rings of %u",
		    o->n_eventfds, l->n);
	l->sleeps = true;
	for (unsigned i = 0; i < l->n; i++) {
		l->entries[i].ioeventfd = o->eventfds[i].io;
		l->entries[i].irqfd = o->eventfds[i].irq;
		l->sleeps &= o->eventfds[i].io >= 0;
	}
	if (!l->sleeps && o->has_mode && o->mode != 0)
		return err_set(e, EINVAL, "loop: a direct mode wants an "
		    "eventfd for each ring");
	return 0;
}

int
kloop_run(struct dev *d, uint32_t sleep_us, const struct options *o,
    struct err *e)
{
	struct loop l = { .d = d, .sleep_us = sleep_us };
	int rc;

	if (sleep_us > MAX_SLEEP_US)
		return err_set(e, EINVAL, "loop: sleeps of %u us", sleep_us);
	rc = dev_begin_loop(d);
	if (rc < 0)
		return err_set(e, -rc, "loop: %s", strerror(-rc));
	l.s = d->share;
	list_rings(&l);
	rc = take_options(&l, o, e);
	if (rc == 0)
		run(&l);
	dev_end_loop(d);
	return rc;
}

int
kloop_stop(struct dev *d, struct err *e)
{
	const struct timespec ms = { .tv_nsec = 1000000 };

	if (d->share == NULL)
		return err_set(e, ENXIO, "descriptor: has no port");
	while (dev_ask_loop_to_end(d))
		nanosleep(&ms, NULL);
	return 0;
}
