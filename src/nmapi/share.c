/* SPDX-License-Identifier: BSD-2-Clause */
#include "nmapi/share.h"

#include "nmapi/hostif.h"
#include "nmapi/quiet.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	NIFP_SIZE = 256, /* header, 8 rings and a host ring each way */
	NIFP_PLACES = 16, /* in the page before the rings; 0 is the port's */
	SYNC_TRIES = 100, /* whoever syncs a ring is done soon, or stopped */
};
_Static_assert(sizeof(struct netmap_if) +
	2 * (NMPORT_MAX_RINGS + 1) * sizeof(ssize_t) <= NIFP_SIZE, "nifp");

static struct share *list;
static __thread uint32_t own_tid;

/* ---- locks that name their holder ---- */

static bool
is_dead(uint32_t tid)
{
	return kill((pid_t)tid, 0) == -1 && errno == ESRCH;
}

static bool
try_lock(uint32_t *lock)
{
	uint32_t seen = 0;

	if (unlikely(own_tid == 0))
		own_tid = (uint32_t)syscall(SYS_gettid);
	for (;;) {
		if (__atomic_compare_exchange_n(lock, &seen, own_tid, false,
			__ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return true;
		/* A process may die in the middle; threads do not. */
		if (seen == 0 || !is_dead(seen))
			return false;
	}
}

static void
lock_wait(uint32_t *lock)
{
	while (!try_lock(lock))
		sched_yield();
}

static void
unlock(uint32_t *lock)
{
	__atomic_store_n(lock, 0, __ATOMIC_RELEASE);
}

static uint32_t *
lock_of(const struct share *s, unsigned dir, unsigned i)
{
	return s->locks[dir][i];
}

static void
lock_all(struct share *s)
{
	for (unsigned d = 0; d < SHARE_DIRS; d++)
		for (unsigned i = 0; i < NMPORT_MAX_RINGS; i++)
			lock_wait(lock_of(s, d, i));
}

static void
unlock_all(struct share *s)
{
	for (unsigned d = 0; d < SHARE_DIRS; d++)
		for (unsigned i = 0; i < NMPORT_MAX_RINGS; i++)
			unlock(lock_of(s, d, i));
}

/* ---- get and put ---- */

static void
kick_others(const struct share *s)
{
	const uint64_t one = 1;

	for (struct share_sleeper *o = s->sleepers; o != NULL; o = o->next)
		(void)!write(o->efd, &one, sizeof(one));
}

static struct share *
alloc_share(void)
{
	size_t size = SHARE_DIRS * sizeof(*((struct share *)0)->locks) +
	    CACHE_LINE;
	struct share *s;
	char *m;

	for (s = list; s != NULL; s = s->next)
		if (s->n_users == 0)
			return s;
	s = calloc(1, sizeof(*s));
	m = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s == NULL || m == MAP_FAILED) {
		free(s);
		return NULL;
	}
	s->nifps = (uint32_t *)(void *)m;
	s->locks = (void *)(m + CACHE_LINE);
	pthread_mutex_init(&s->sleep_mutex, NULL);
	s->next = list;
	list = s;
	return s;
}

static void
fill_share(struct share *s, struct nmport *nm, const char *name)
{
	struct nmport_info i;

	nmport_get_info(nm, &i);
	s->is_pipe = i.is_pipe;
	s->n_rings[SHARE_TX] = i.tx_rings;
	s->n_rings[SHARE_RX] = i.rx_rings;
	memset(s->n_on, 0, sizeof(s->n_on));
	memset(s->is_excl, 0, sizeof(s->is_excl));
	strncpy(s->name, name, sizeof(s->name) - 1);
	__atomic_store_n(s->nifps, 1, __ATOMIC_RELAXED);
	s->n_users = 1;
	__atomic_store_n(&s->nm, nm, __ATOMIC_RELEASE);
}

/* A name that is none of a port may be an interface's; so may what a monitor
 * asks for. */
static int
open_port(const char *name, const struct nmport_cfg *cfg, struct nmport **out,
    struct err *e)
{
	char port[HOSTIF_NAME_SIZE];
	int rc = nmport_open(name, cfg, out, e);

	if ((rc != -ENXIO && rc != -EINVAL) || !hostif_port(name, port))
		return rc;
	return hostif_open(port, cfg, out, e);
}

int
share_get(const char *name, const struct nmport_cfg *cfg, bool new,
    struct share **out, struct err *e)
{
	struct nmport *nm;
	struct share *s;
	int rc;

	for (s = list; s != NULL && !new; s = s->next)
		if (s->n_users != 0 && strcmp(s->name, name) == 0) {
			s->n_users++;
			*out = s;
			return 0;
		}
	s = alloc_share();
	if (s == NULL)
		return err_set(e, ENOMEM, "%s: no memory", name);
	rc = open_port(name, cfg, &nm, e);
	if (rc < 0)
		return rc;
	fill_share(s, nm, name);
	*out = s;
	return 0;
}

int
share_adopt(int fd, struct share **out, struct err *e)
{
	struct share *s = alloc_share();
	struct nmport *nm;
	int rc;

	if (s == NULL)
		return err_set(e, ENOMEM, "port: no memory");
	rc = nmport_adopt(fd, &nm, e);
	if (rc < 0)
		return rc;
	/* No name of a port begins so: it is never found by name. */
	fill_share(s, nm, "/adopted");
	*out = s;
	return 0;
}

void
share_put(struct share *s)
{
	struct nmport *nm = s->nm;

	if (--s->n_users != 0)
		return;
	pthread_mutex_lock(&s->sleep_mutex);
	lock_all(s);
	__atomic_store_n(&s->nm, NULL, __ATOMIC_RELEASE);
	unlock_all(s);
	kick_others(s);
	pthread_mutex_unlock(&s->sleep_mutex);
	nmport_leave(nm);
}

int
share_claim(struct share *s, const struct share_rings *on, bool excl)
{
	for (unsigned d = 0; d < SHARE_DIRS; d++)
		for (unsigned i = on->lo[d]; i < on->hi[d]; i++)
			if (s->is_excl[d][i] || (excl && s->n_on[d][i] != 0))
				return -EBUSY;
	for (unsigned d = 0; d < SHARE_DIRS; d++)
		for (unsigned i = on->lo[d]; i < on->hi[d]; i++) {
			s->n_on[d][i]++;
			s->is_excl[d][i] = excl;
		}
	return 0;
}

void
share_unclaim(struct share *s, const struct share_rings *on, bool excl)
{
	for (unsigned d = 0; d < SHARE_DIRS; d++)
		for (unsigned i = on->lo[d]; i < on->hi[d]; i++) {
			s->n_on[d][i]--;
			if (excl)
				s->is_excl[d][i] = false;
		}
}

/* ---- what a descriptor shows its program ---- */

struct netmap_ring *
share_ring(const struct share *s, unsigned dir, unsigned i)
{
	return dir == SHARE_TX ? nmport_txring(s->nm, i) :
				 nmport_rxring(s->nm, i);
}

/* Offset entries in netmap's order: tx, host tx, rx, host rx; 0 = not ours.
 * There are no host rings, but programs count one of each. */
static void
fill_nifp(const struct share *s, const struct share_rings *on,
    struct netmap_if *nifp)
{
	ssize_t *ofs = nifp->ring_ofs;

	*nifp = *nmport_if(s->nm);
	if (strcspn(s->name, ":{}/") == strlen(s->name)) /* an interface's */
		memcpy(nifp->ni_name, s->name, NM_IFNAMSIZ - 1);
	nifp->ni_tx_rings = s->n_rings[SHARE_TX];
	nifp->ni_rx_rings = s->n_rings[SHARE_RX];
	nifp->ni_host_tx_rings = nifp->ni_host_rx_rings = 1;
	nifp->ni_bufs_head = 0;
	for (unsigned d = 0; d < SHARE_DIRS; d++) {
		for (unsigned i = 0; i < s->n_rings[d]; i++)
			*ofs++ = i < on->lo[d] || i >= on->hi[d] ? 0 :
			    (char *)share_ring(s, d, i) - (char *)nifp;
		*ofs++ = 0;
	}
}

int
share_nifp_get(struct share *s, const struct share_rings *on,
    struct netmap_if **out)
{
	uint32_t used = __atomic_load_n(s->nifps, __ATOMIC_RELAXED);
	unsigned i;

	do {
		i = (unsigned)__builtin_ctz(~used);
		if (i >= NIFP_PLACES)
			return -ENOMEM;
	} while (!__atomic_compare_exchange_n(s->nifps, &used, used | 1u << i,
	    false, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	*out = (void *)((char *)nmport_if(s->nm) + i * NIFP_SIZE);
	fill_nifp(s, on, *out);
	return 0;
}

void
share_nifp_put(struct share *s, struct netmap_if *nifp)
{
	size_t i = (size_t)((char *)nifp - (char *)nmport_if(s->nm)) /
	    NIFP_SIZE;

	__atomic_and_fetch(s->nifps, ~(1u << i), __ATOMIC_RELAXED);
}

/* ---- sync ---- */

int
share_sync(struct share *s, unsigned dir, unsigned i, struct share_sync *what)
{
	uint32_t *lock = lock_of(s, dir, i);
	const struct netmap_ring *r;
	struct nmport *nm;
	int rc = -ENXIO;

	for (int tries = 0; unlikely(!try_lock(lock)); tries++) {
		if (tries == SYNC_TRIES)
			return 0;
		sched_yield();
	}
	nm = __atomic_load_n(&s->nm, __ATOMIC_RELAXED);
	if (likely(nm != NULL)) {
		rc = dir == SHARE_TX ? nmport_txsync(nm, i) :
				       nmport_rxsync(nm, i);
		r = share_ring(s, dir, i);
		what->ready |= r->cur != r->tail;
		what->pending |= dir == SHARE_TX && nmport_txpending(nm, i);
	}
	unlock(lock);
	return rc;
}

/* ---- sleep ---- */

/* Asks for a wake-up for all that sleep: the port knows only one sleeper. */
static bool
arm(struct share *s)
{
	struct nmport_rings on = { 0, 0 };
	unsigned flags = 0;
	bool ok = false;

	for (struct share_sleeper *o = s->sleepers; o != NULL; o = o->next) {
		flags |= o->flags;
		on.tx |= o->rings.tx;
		on.rx |= o->rings.rx;
	}
	lock_all(s);
	if (s->nm != NULL)
		ok = nmport_sleep_on(s->nm, flags, on);
	unlock_all(s);
	return ok;
}

bool
share_sleep_begin(struct share *s, struct share_sleeper *sl, int *fd)
{
	sigset_t old;
	bool ok;

	quiet_lock(&s->sleep_mutex, &old);
	sl->next = s->sleepers;
	s->sleepers = sl;
	ok = arm(s);
	if (ok) {
		*fd = nmport_fd(s->nm);
	} else {
		s->sleepers = sl->next;
		kick_others(s); /* nobody is armed any more */
	}
	quiet_unlock(&s->sleep_mutex, &old);
	return ok;
}

void
share_sleep_end(struct share *s, struct share_sleeper *sl)
{
	struct share_sleeper **p = &s->sleepers;
	uint64_t trash;
	sigset_t old;

	quiet_lock(&s->sleep_mutex, &old);
	while (*p != sl)
		p = &(*p)->next;
	*p = sl->next;
	if (s->nm != NULL)
		nmport_sleep_end(s->nm);
	kick_others(s);
	quiet_unlock(&s->sleep_mutex, &old);
	(void)!read(sl->efd, &trash, sizeof(trash));
}

void
share_forked(void)
{
	own_tid = 0;
	for (struct share *s = list; s != NULL; s = s->next) {
		pthread_mutex_init(&s->sleep_mutex, NULL);
		s->sleepers = NULL;
	}
}
