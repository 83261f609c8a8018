/* SPDX-License-Identifier: BSD-2-Clause */
#include "nmapi/share.h"

#include "nmapi/hostif.h"
#include "nmapi/quiet.h"
#include "vale/turn.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	SYNC_TRIES = 100, /* whoever syncs a ring is done soon, or stopped */
};
_Static_assert(sizeof(struct netmap_if) + 2 * (NMPORT_MAX_RINGS + 1) *
	sizeof(ssize_t) <= NMPORT_IF_SIZE, "a host ring each way, too");

static struct share *list;

/* ---- locks that name their holder ---- */

static bool
try_lock(uint64_t *lock)
{
	bool from_dead; /* a process; the port itself sees to that */

	return turn_try(lock, &from_dead);
}

static void
lock_wait(uint64_t *lock)
{
	while (!try_lock(lock))
		sched_yield();
}

static uint64_t *
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
			turn_end(lock_of(s, d, i));
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
	size_t size = SHARE_DIRS * sizeof(*((struct share *)0)->locks);
	struct share *s;
	void *m;

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
	s->locks = m;
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
	memset(s->seen, 0, sizeof(s->seen));
	strncpy(s->name, name, sizeof(s->name) - 1);
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
	struct nmport_cfg c = *cfg;
	int rc;

	c.may_share = true;
	rc = nmport_open(c.is_null ? "null" : name, &c, out, e);
	if ((rc != -ENXIO && rc != -EINVAL) || !hostif_port(name, port))
		return rc;
	return hostif_open(port, &c, out, e);
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
share_adopt(int fd, struct share **out, unsigned *place, struct err *e)
{
	struct share *s = alloc_share();
	struct nmport *nm;
	int rc;

	if (s == NULL)
		return err_set(e, ENOMEM, "port: no memory");
	rc = nmport_adopt(fd, &nm, place, e);
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

static unsigned
mask_of(const struct share_rings *on, unsigned dir)
{
	return ((1u << on->hi[dir]) - 1) & ~((1u << on->lo[dir]) - 1);
}

int
share_claim(struct share *s, const struct share_rings *on, bool excl,
    struct netmap_if **nifp)
{
	unsigned place = 0;
	int fd = nmport_claim(s->nm, (struct nmport_rings){
		mask_of(on, SHARE_TX), mask_of(on, SHARE_RX) }, excl, &place);

	if (fd < 0)
		return fd;
	*nifp = nmport_if_at(s->nm, place);
	fill_nifp(s, on, *nifp);
	return fd;
}

struct netmap_if *
share_shown(const struct share *s, unsigned place, struct share_rings *on)
{
	struct netmap_if *nifp = nmport_if_at(s->nm, place);
	const ssize_t *ofs = nifp->ring_ofs;

	*on = (struct share_rings){ 0 };
	for (unsigned d = 0; d < SHARE_DIRS; d++, ofs++) /* and a host ring */
		for (unsigned i = 0; i < s->n_rings[d]; i++) {
			if (*ofs++ == 0)
				continue;
			if (on->hi[d] == 0)
				on->lo[d] = i;
			on->hi[d] = i + 1;
		}
	return nifp;
}

/* ---- sync ---- */

static inline void
note_tail(struct share *s, unsigned dir, unsigned i,
    const struct netmap_ring *r)
{
	uint32_t tail = __atomic_load_n(&r->tail, __ATOMIC_RELAXED);

	if (tail == s->seen[dir][i].tail)
		return;
	s->seen[dir][i].tail = tail;
	__atomic_add_fetch(&s->seen[dir][i].n, 1, __ATOMIC_RELAXED);
}

uint32_t
share_arrived(const struct share *s, unsigned dir, unsigned i)
{
	return __atomic_load_n(&s->seen[dir][i].n, __ATOMIC_RELAXED);
}

int
share_sync(struct share *s, unsigned dir, unsigned i, struct share_sync *what)
{
	uint64_t *lock = lock_of(s, dir, i);
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
		note_tail(s, dir, i, r);
		what->ready |= r->cur != r->tail;
		what->pending |= dir == SHARE_TX && nmport_txpending(nm, i);
	}
	turn_end(lock);
	return rc;
}

/* ---- sleep ---- */

/* Asks for a wake-up for all that sleep: the port knows only one sleeper. */
static bool
arm(struct share *s)
{
	struct nmport_rings on = { 0, 0 };
	unsigned flags = 0, new = NMPORT_NEW;
	bool ok = false;

	for (struct share_sleeper *o = s->sleepers; o != NULL; o = o->next) {
		flags |= o->flags & ~(unsigned)NMPORT_NEW;
		new &= o->flags;
		on.tx |= o->rings.tx;
		on.rx |= o->rings.rx;
	}
	lock_all(s);
	if (s->nm != NULL)
		ok = nmport_sleep_on(s->nm, flags | new, on);
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
	turn_forked();
	for (struct share *s = list; s != NULL; s = s->next) {
		pthread_mutex_init(&s->sleep_mutex, NULL);
		s->sleepers = NULL;
	}
}
