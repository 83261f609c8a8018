/* SPDX-License-Identifier: BSD-2-Clause */
#include "vale/nmport.h"

#include "base/clock.h"
#include "vale/forward.h"
#include "vale/vswitch.h"
#include "vale/wake.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum {
	DEFAULT_SLOTS = 1024, /* measured; 256 is bad, 4096 helps sleepers */
};

/* An rx ring as its user's process believes it to be. */
struct rxring {
	struct netmap_ring *ring;
	struct kring *k;
	uint32_t mask;
	uint32_t head, tail; /* at the last good sync */
};

struct nmport {
	struct arena *a;
	struct vport *vp;
	struct netmap_if *nifp;
	unsigned idx, n_tx, n_rx;
	uint32_t tx_slots, rx_slots;
	size_t size; /* of this block, which ends with the txrings */
	int alive_fd, wake_fd, timer_fd, poll_fd;
	uint32_t sleep_seq;
	bool is_timer_set;
	struct rxring rx[NMPORT_MAX_RINGS];
	struct txring *tx; /* n_tx */
};

/* ---- open and close ---- */

static unsigned
round_slots(unsigned n)
{
	unsigned r = VALE_MIN_SLOTS;

	while (r < n && r < VALE_MAX_SLOTS)
		r *= 2;
	return r;
}

static void
round_sizes(struct nmport_cfg *cfg)
{
	cfg->tx_slots = round_slots(cfg->tx_slots);
	cfg->rx_slots = round_slots(cfg->rx_slots);
	if (cfg->tx_rings > NMPORT_MAX_RINGS)
		cfg->tx_rings = NMPORT_MAX_RINGS;
	if (cfg->rx_rings > NMPORT_MAX_RINGS)
		cfg->rx_rings = NMPORT_MAX_RINGS;
}

static int
complete_cfg(const struct nmport_cfg *in, struct nmport_cfg *cfg,
    struct err *e)
{
	*cfg = in != NULL ? *in : (struct nmport_cfg){ 0 };
	cfg->tx_slots = cfg->tx_slots ? cfg->tx_slots : DEFAULT_SLOTS;
	cfg->rx_slots = cfg->rx_slots ? cfg->rx_slots : DEFAULT_SLOTS;
	cfg->tx_rings = cfg->tx_rings ? cfg->tx_rings : 1;
	cfg->rx_rings = cfg->rx_rings ? cfg->rx_rings : 1;
	if (cfg->are_wishes)
		round_sizes(cfg);
	if (!slots_ok(cfg->tx_slots) || !slots_ok(cfg->rx_slots))
		return err_set(e, EINVAL,
		    "rings have %d to %d slots, a power of two",
		    VALE_MIN_SLOTS, VALE_MAX_SLOTS);
	if (cfg->tx_rings > NMPORT_MAX_RINGS ||
	    cfg->rx_rings > NMPORT_MAX_RINGS)
		return err_set(e, EINVAL, "a port has 1 to %d rings",
		    NMPORT_MAX_RINGS);
	return 0;
}

/* One descriptor to poll: the FIFO, and a timer for a sender that waits for a
 * receiver which may never move again. */
static int
open_poll(struct nmport *p, struct err *e)
{
	struct epoll_event ev = { .events = EPOLLIN };

	p->timer_fd = timerfd_create(CLOCK_MONOTONIC,
	    TFD_NONBLOCK | TFD_CLOEXEC);
	p->poll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (p->timer_fd == -1 || p->poll_fd == -1 ||
	    epoll_ctl(p->poll_fd, EPOLL_CTL_ADD, p->wake_fd, &ev) == -1 ||
	    epoll_ctl(p->poll_fd, EPOLL_CTL_ADD, p->timer_fd, &ev) == -1)
		return err_set(e, errno, "port: no descriptor to poll: %s",
		    strerror(errno));
	return 0;
}

static void
init_rings(struct nmport *p)
{
	for (unsigned i = 0; i < p->n_tx; i++)
		fwd_init(&p->tx[i], p->a, p->idx, i, nmport_txring(p, i),
		    p->tx_slots);
	for (unsigned i = 0; i < p->n_rx; i++) {
		struct rxring *r = &p->rx[i];

		r->ring = nmport_rxring(p, i);
		r->k = &p->vp->rx[i];
		r->mask = p->rx_slots - 1;
	}
}

/* Everything but the attached port; takes nothing. */
static void
destroy(struct nmport *p)
{
	if (p->poll_fd != -1)
		close(p->poll_fd);
	if (p->timer_fd != -1)
		close(p->timer_fd);
	if (p->wake_fd != -1)
		close(p->wake_fd);
	arena_put(p->a);
	munmap(p, p->size);
}

/* Where a child of fork() sees the same positions as its parent. */
static struct nmport *
alloc_port(const struct nmport_cfg *cfg)
{
	size_t tx_ofs = ALIGN_UP(sizeof(struct nmport), CACHE_LINE);
	size_t size = tx_ofs + cfg->tx_rings * sizeof(struct txring);
	struct nmport *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	p->size = size;
	p->tx = (struct txring *)(void *)((char *)p + tx_ofs);
	p->n_tx = cfg->tx_rings;
	p->n_rx = cfg->rx_rings;
	p->tx_slots = cfg->tx_slots;
	p->rx_slots = cfg->rx_slots;
	p->alive_fd = p->wake_fd = p->timer_fd = p->poll_fd = -1;
	return p;
}

int
nmport_open(const char *name, const struct nmport_cfg *in, struct nmport **out,
    struct err *e)
{
	struct nmport_cfg cfg;
	struct nmport *p;
	int rc = complete_cfg(in, &cfg, e);

	if (rc < 0)
		return rc;
	p = alloc_port(&cfg);
	if (p == NULL)
		return err_set(e, ENOMEM, "%s: no memory", name);
	rc = arena_get(&p->a, e);
	if (rc < 0)
		goto err_port;
	rc = vswitch_attach(p->a, name, &cfg, &p->alive_fd, &p->wake_fd, e);
	if (rc < 0)
		goto err_port;
	p->idx = (unsigned)rc;
	p->vp = arena_port(p->a->base, p->idx);
	p->nifp = at(p->a->base, port_area_ofs(p->idx));
	rc = open_poll(p, e);
	if (rc < 0)
		goto err_attached;
	init_rings(p);
	*out = p;
	return 0;
err_attached:
	vswitch_detach(p->a, p->idx, p->alive_fd);
err_port:
	destroy(p);
	return rc;
}

void
nmport_close(struct nmport *p)
{
	if (p == NULL)
		return;
	vswitch_detach(p->a, p->idx, p->alive_fd);
	destroy(p);
}

void
nmport_leave(struct nmport *p)
{
	if (p == NULL)
		return;
	close(p->alive_fd);
	vswitch_try_sweep(p->a); /* takes the port back if it is dead now */
	destroy(p);
}

/* ---- handing over ---- */

/* A file offset belongs to the open file description, so it travels with the
 * lock that keeps the port alive: tag, generation, port. */
#define ALIVE_TAG      ((off_t)0x6b << 48)
#define ALIVE_TAG_MASK ((off_t)0x7fff << 48)

int
nmport_alive_fd(const struct nmport *p)
{
	lseek(p->alive_fd, ALIVE_TAG | (off_t)p->vp->gen << 16 | p->idx,
	    SEEK_SET);
	return p->alive_fd;
}

/* Is 'fd' the arena's file, marked by nmport_alive_fd()?  Then the port. */
static int
find_handed(const struct arena *a, int fd, uint32_t *gen)
{
	struct stat st, ours;
	off_t tag = lseek(fd, 0, SEEK_CUR);
	unsigned idx = tag & 0xffff;
	const struct vport *vp;

	if (tag == -1 || (tag & ALIVE_TAG_MASK) != ALIVE_TAG ||
	    fstat(fd, &st) == -1 || fstat(a->fd, &ours) == -1 ||
	    st.st_dev != ours.st_dev || st.st_ino != ours.st_ino ||
	    idx >= VALE_MAX_PORTS)
		return -ENOENT;
	*gen = (uint32_t)(tag >> 16);
	vp = arena_port(a->base, idx);
	if (ld_acquire(&vp->state) != VPORT_LIVE || vp->gen != *gen)
		return -ENOENT;
	return (int)idx;
}

/* What the process that had the port before knew, from what is in memory.
 * Slots it had not sent yet are sent by us. */
static void
resume_rings(struct nmport *p)
{
	for (unsigned i = 0; i < p->n_tx; i++)
		p->tx[i].cur = p->tx[i].head =
		    (ld_relaxed(&p->tx[i].ring->tail) + 1) & p->tx[i].mask;
	for (unsigned i = 0; i < p->n_rx; i++) {
		p->rx[i].head = ld_relaxed(&p->rx[i].k->head) & p->rx[i].mask;
		p->rx[i].tail = ld_relaxed(&p->rx[i].ring->tail) &
		    p->rx[i].mask;
	}
}

static int
adopt(struct arena *a, int fd, struct nmport **out, struct err *e)
{
	struct nmport_cfg cfg;
	struct nmport *p;
	struct vport *vp;
	uint32_t gen = 0;
	int rc, idx = find_handed(a, fd, &gen);

	if (idx < 0)
		return err_set(e, ENOENT, "descriptor: not of a live port");
	vp = arena_port(a->base, (unsigned)idx);
	cfg = (struct nmport_cfg){
		.tx_slots = vp->tx_slots,
		.rx_slots = vp->rx_slots,
		.tx_rings = vp->n_tx,
		.rx_rings = vp->n_rx,
	};
	rc = complete_cfg(&cfg, &cfg, e);
	if (rc < 0)
		return rc;
	p = alloc_port(&cfg);
	if (p == NULL)
		return err_set(e, ENOMEM, "port: no memory");
	p->idx = (unsigned)idx;
	p->vp = vp;
	p->alive_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	p->wake_fd = wake_open(a, p->idx, gen);
	if (p->alive_fd == -1 || p->wake_fd == -1)
		rc = err_set(e, errno, "port: %s", strerror(errno));
	else
		rc = open_poll(p, e);
	if (rc < 0) {
		if (p->alive_fd != -1)
			close(p->alive_fd);
		destroy(p);
		return rc;
	}
	p->a = a;
	p->nifp = at(a->base, port_area_ofs(p->idx));
	init_rings(p);
	resume_rings(p);
	*out = p;
	return 0;
}

int
nmport_adopt(int fd, struct nmport **out, struct err *e)
{
	struct arena *a;
	int rc = arena_get(&a, e);

	if (rc < 0)
		return rc;
	rc = adopt(a, fd, out, e);
	if (rc < 0)
		arena_put(a);
	return rc;
}

uint8_t *
nmport_region(const struct nmport *p, size_t *size)
{
	*size = ARENA_SIZE;
	return p->a->base;
}

void
nmport_get_info(const struct nmport *p, struct nmport_info *i)
{
	*i = (struct nmport_info){
		.mem_size = ARENA_SIZE,
		.if_ofs = port_area_ofs(p->idx),
		.mem_id = 1,
		.tx_rings = p->n_tx,
		.rx_rings = p->n_rx,
		.tx_slots = p->tx_slots,
		.rx_slots = p->rx_slots,
		.switch_idx = p->vp->switch_idx,
		.port_idx = p->idx,
	};
}

void *
nmport_mem(const struct nmport *p)
{
	return p->a->base;
}

/* The offsets are computed, not read: shared memory is not believed. */
struct netmap_ring *
nmport_txring(const struct nmport *p, unsigned i)
{
	if (i >= p->n_tx)
		return NULL;
	return at(p->a->base, port_area_ofs(p->idx) +
		tx_ring_ofs(p->tx_slots, i));
}

struct netmap_ring *
nmport_rxring(const struct nmport *p, unsigned i)
{
	if (i >= p->n_rx)
		return NULL;
	return at(p->a->base, port_area_ofs(p->idx) +
		rx_ring_ofs(p->n_tx, p->tx_slots, p->rx_slots, i));
}

struct netmap_if *
nmport_if(const struct nmport *p)
{
	return p->nifp;
}

int
nmport_fd(const struct nmport *p)
{
	return p->poll_fd;
}

bool
nmport_same_arena(const struct nmport *a, const struct nmport *b)
{
	return a->a == b->a;
}

uint32_t
nmport_n_bufs(const struct nmport *p)
{
	(void)p; /* every arena has as many numbers; few are backed */
	return VALE_MAX_BUFS;
}

/* ---- syncs ---- */

/* Is lo <= x <= hi on a ring, all three in range? */
static inline bool
is_between(uint32_t lo, uint32_t x, uint32_t hi, uint32_t mask)
{
	return x <= mask && ((x - lo) & mask) <= ((hi - lo) & mask);
}

static int
refuse(struct netmap_ring *ring, uint32_t head, uint32_t tail)
{
	ring->head = ring->cur = head;
	ring->tail = tail;
	return -EINVAL;
}

int
nmport_txsync(struct nmport *p, unsigned i)
{
	struct txring *t = &p->tx[i];
	struct netmap_ring *ring;
	uint32_t head, cur, tail;

	if (i >= p->n_tx)
		return -EINVAL;
	ring = t->ring;
	head = ld_relaxed(&ring->head);
	cur = ld_relaxed(&ring->cur);
	tail = (t->cur - 1) & t->mask;
	if (!is_between(t->head, head, tail, t->mask) ||
	    !is_between(head, cur, tail, t->mask))
		return refuse(ring, t->head, tail);
	t->head = head;
	fwd_run(t);
	ring->tail = (t->cur - 1) & t->mask;
	return 0;
}

unsigned
nmport_txpending(const struct nmport *p, unsigned i)
{
	const struct txring *t = &p->tx[i];

	return i < p->n_tx ? (t->head - t->cur) & t->mask : 0;
}

/* Room again: wakes the senders that asked for it. */
static void
wake_waiters(struct nmport *p, struct kring *k)
{
	for (unsigned i = 0; i < VALE_PORT_WORDS; i++) {
		uint64_t w = ld_relaxed(&k->waiters[i]);

		if (w == 0)
			continue;
		w = __atomic_exchange_n(&k->waiters[i], 0, __ATOMIC_SEQ_CST);
		for (; w != 0; w &= w - 1)
			wake_port(p->a,
			    i * 64 + (unsigned)__builtin_ctzll(w), NMPORT_TX);
	}
}

static inline bool
has_waiters(const struct kring *k)
{
	const uint64_t *w = k->waiters;

	return (ld_seqcst(&w[0]) | ld_seqcst(&w[1]) | ld_seqcst(&w[2]) |
		   ld_seqcst(&w[3])) != 0;
}

static inline void
look_for_waiters(struct nmport *p, struct rxring *r)
{
	uint32_t room = (r->head - r->tail - 1) & r->mask;

	if (unlikely(has_waiters(r->k)) && room >= (r->mask + 1) / 2)
		wake_waiters(p, r->k);
}

/* Lets tail grow; a tail that goes back, or is no position, is ignored.
 * Fetching the new slots' lines here was tried: 1.2 of 10.6 ns a packet better
 * with the cores far apart, 1 worse with them near. */
static inline void
take_arrivals(struct rxring *r)
{
	uint32_t tail = ld_acquire(&r->k->tail);

	if (is_between(r->tail, tail, (r->head - 1) & r->mask, r->mask))
		r->tail = tail;
}

int
nmport_rxsync(struct nmport *p, unsigned i)
{
	struct rxring *r = &p->rx[i];
	struct netmap_ring *ring;
	uint32_t head, cur;

	if (i >= p->n_rx)
		return -EINVAL;
	ring = r->ring;
	head = ld_relaxed(&ring->head);
	cur = ld_relaxed(&ring->cur);
	if (!is_between(r->head, head, r->tail, r->mask) ||
	    !is_between(head, cur, r->tail, r->mask))
		return refuse(ring, r->head, r->tail);
	if (head != r->head) {
		r->head = head;
		st_release(&r->k->head, head);
	}
	take_arrivals(r);
	ring->tail = r->tail;
	look_for_waiters(p, r);
	return 0;
}

/* ---- sleep ---- */

static bool
has_arrivals(const struct nmport *p, unsigned rings)
{
	for (unsigned i = 0; i < p->n_rx; i++) {
		const struct rxring *r = &p->rx[i];

		if ((rings >> i & 1) != 0 &&
		    ld_seqcst(&r->k->tail) != ld_relaxed(&r->ring->cur))
			return true;
	}
	return false;
}

/* Pending slots of any ring that can go on; otherwise how long that can last
 * (0 = nothing is pending). */
static bool
can_send(struct nmport *p, unsigned rings, ns_t *wait_ns)
{
	ns_t now = 0, w;

	*wait_ns = 0;
	for (unsigned i = 0; i < p->n_tx; i++) {
		if ((rings >> i & 1) == 0)
			continue;
		if (now == 0)
			now = clock_mono_ns();
		if (fwd_can_go_on(&p->tx[i], now, &w))
			return true;
		if (*wait_ns == 0 || w < *wait_ns)
			*wait_ns = w;
	}
	return false;
}

static void
set_timer(struct nmport *p, ns_t wait_ns)
{
	struct itimerspec it = {
		.it_value = { .tv_sec = (time_t)(wait_ns / NS_PER_S),
		    .tv_nsec = (long)(wait_ns % NS_PER_S) },
	};

	p->is_timer_set = wait_ns != 0;
	timerfd_settime(p->timer_fd, 0, &it, NULL);
}

/* Of 'rings', those with slots that are still pending. */
static unsigned
pending_rings(const struct nmport *p, unsigned rings)
{
	unsigned pending = 0;

	for (unsigned i = 0; i < p->n_tx; i++)
		if ((rings >> i & 1) != 0 && nmport_txpending(p, i) != 0)
			pending |= 1u << i;
	return pending;
}

bool
nmport_sleep_begin(struct nmport *p, unsigned flags)
{
	return nmport_sleep_on(p, flags, (struct nmport_rings){ ~0u, ~0u });
}

bool
nmport_sleep_on(struct nmport *p, unsigned flags, struct nmport_rings on)
{
	ns_t wait_ns = 0;

	flags &= NMPORT_RX | NMPORT_TX;
	for (unsigned i = 0; i < p->n_rx; i++) /* the last rxsync may have */
		look_for_waiters(p, &p->rx[i]);	/* been too early for them */
	on.tx = (flags & NMPORT_TX) ? pending_rings(p, on.tx) : 0;
	if (on.tx == 0)
		flags &= ~(unsigned)NMPORT_TX;
	if (flags == 0)
		return false;
	p->sleep_seq++;
	st_seqcst(&p->vp->sleeping, p->sleep_seq << 2 | flags);
	for (unsigned i = 0; i < p->n_tx; i++)
		if ((on.tx >> i & 1) != 0)
			fwd_ask_wake(&p->tx[i]);
	if (((flags & NMPORT_RX) && has_arrivals(p, on.rx)) ||
	    (on.tx != 0 && can_send(p, on.tx, &wait_ns))) {
		st_seqcst(&p->vp->sleeping, 0u);
		return false;
	}
	if (on.tx != 0)
		set_timer(p, wait_ns);
	return true;
}

void
nmport_sleep_end(struct nmport *p)
{
	st_seqcst(&p->vp->sleeping, 0u);
	wake_drain(p->wake_fd);
	if (p->is_timer_set)
		set_timer(p, 0);
}

int
nmport_ring_fd(const struct nmport *p, unsigned i)
{
	(void)i;
	return nmport_fd(p);
}

bool
nmport_ring_sleep_begin(struct nmport *p, unsigned i, unsigned flags)
{
	(void)i;
	return nmport_sleep_begin(p, flags);
}

void
nmport_ring_sleep_end(struct nmport *p, unsigned i)
{
	(void)i;
	nmport_sleep_end(p);
}
