/* SPDX-License-Identifier: BSD-2-Clause */
#include "vale/nmport_in.h"

#include "base/clock.h"
#include "vale/nmkernel.h"
#include "vale/wake.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* A pipe's receiver may keep more than half of the ring for good; its sender
 * then looks for itself. */
#define PIPE_LOOK_NS (10 * NS_PER_MS)

/* A ring has one word and one FIFO: of several handles that sleep on it only one
 * is woken, the others look for themselves. */
#define SHARED_LOOK_NS (2 * NS_PER_MS)
enum { USER_SHIFT = 18 }; /* words of different handles should be, too */

/* ---- descriptors ---- */

/* One descriptor to poll: the FIFOs of rings [lo, hi), and a timer for a sender
 * that waits for a receiver which may never move again. */
static int
open_sleeper(struct nmport *p, struct sleeper *s, unsigned lo, unsigned hi,
    struct err *e)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int rc = 0;

	s->timer_fd = timerfd_create(CLOCK_MONOTONIC,
	    TFD_NONBLOCK | TFD_CLOEXEC);
	s->poll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (s->timer_fd == -1 || s->poll_fd == -1)
		rc = -1;
	if (rc == 0)
		rc = epoll_ctl(s->poll_fd, EPOLL_CTL_ADD, s->timer_fd, &ev);
	for (unsigned i = lo; rc == 0 && i < hi; i++)
		rc = epoll_ctl(s->poll_fd, EPOLL_CTL_ADD, p->fds.wakes[i],
		    &ev);
	if (rc == -1)
		return err_set(e, errno, "port: no descriptor to poll: %s",
		    strerror(errno));
	return 0;
}

static void
close_sleeper(struct sleeper *s)
{
	if (s->poll_fd != -1)
		close(s->poll_fd);
	if (s->timer_fd != -1)
		close(s->timer_fd);
}

int
nmsleep_init(struct nmport *p, struct err *e)
{
	unsigned n = p->fds.n_wakes;
	int rc = open_sleeper(p, &p->all, 0, n, e);

	for (unsigned i = 0; rc == 0 && n > 1 && i < n; i++)
		rc = open_sleeper(p, &p->pairs[i], i, i + 1, e);
	return rc;
}

void
nmsleep_fini(struct nmport *p)
{
	close_sleeper(&p->all);
	for (unsigned i = 0; i < NMPORT_MAX_RINGS; i++)
		close_sleeper(&p->pairs[i]);
}

int
nmport_fd(const struct nmport *p)
{
	return p->kernel != NULL ? nmkernel_fd(p->kernel) : p->all.poll_fd;
}

/* Of one pair of rings, its user and the port's are the same. */
static struct sleeper *
sleeper_of(struct nmport *p, unsigned i)
{
	return p->fds.n_wakes > 1 ? &p->pairs[i] : &p->all;
}

int
nmport_ring_fd(const struct nmport *p, unsigned i)
{
	if (p->kernel != NULL)
		return nmkernel_fd(p->kernel);
	if (i >= p->fds.n_wakes)
		return -EINVAL;
	return p->fds.n_wakes > 1 ? p->pairs[i].poll_fd : p->all.poll_fd;
}

/* ---- those who wait for us ---- */

/* The head that senders see of rx ring i. */
static struct kring *
rx_kring(struct nmport *p, unsigned i, uint32_t *room)
{
	struct pipering *r = &p->pipe_rx[i];
	struct rxring *v = &p->rx[i];

	if (p->is_pipe) {
		*room = (r->head - r->other - 1) & r->mask;
		return r->k;
	}
	*room = (v->head - v->tail - 1) & v->mask;
	return v->k;
}

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

void
nmsleep_tell_waiters(struct nmport *p, unsigned i, bool is_last)
{
	uint32_t room, least = is_last && p->is_pipe ? 1 : p->rx_slots / 2;
	struct kring *k = rx_kring(p, i, &room);

	if (unlikely(has_waiters(k)) && room >= least)
		wake_waiters(p, k);
}

/* ---- sleep ---- */

/* The rings up to n of a set. */
#define EACH(i, set, n)                                                        \
	for (unsigned i = 0; i < (n); i++)                                     \
		if (((set) >> i & 1) != 0)

static bool
has_arrivals(const struct nmport *p, unsigned rings, bool is_new)
{
	EACH(i, rings, p->n_rx) {
		const struct kring *k = &p->vp->rx[i];
		const struct netmap_ring *ring =
		    p->is_pipe ? p->pipe_rx[i].ring : p->rx[i].ring;

		if (ld_seqcst(&k->tail) !=
		    ld_relaxed(is_new ? &ring->tail : &ring->cur))
			return true;
	}
	return p->is_monitor && ld_acquire(&p->vp->peer) == NO_PEER;
}

/* Of 'rings', those that wait to send, or for room. */
static unsigned
waiting_rings(const struct nmport *p, unsigned rings)
{
	unsigned waiting = 0;

	EACH(i, rings, p->n_tx)
		if (p->is_pipe || nmport_txpending(p, i) != 0)
			waiting |= 1u << i;
	return waiting;
}

/* Asks the receivers for a wake-up. */
static void
ask(struct nmport *p, unsigned rings)
{
	EACH(i, rings, p->n_tx) {
		if (p->is_pipe)
			__atomic_fetch_or(
			    &p->pipe_tx[i].k->waiters[p->idx / 64],
			    1ull << p->idx % 64, __ATOMIC_SEQ_CST);
		else
			fwd_ask_wake(&p->tx[i]);
	}
}

/* Can any of these rings go on?  Otherwise how long that can last. */
static bool
can_send(struct nmport *p, unsigned rings, bool is_new, ns_t *wait_ns)
{
	ns_t now = p->is_pipe ? 0 : clock_mono_ns(), w = PIPE_LOOK_NS;

	*wait_ns = 0;
	EACH(i, rings, p->n_tx) {
		if (p->is_pipe ? nmpipe_has_room(&p->pipe_tx[i], is_new) :
				 fwd_can_go_on(&p->tx[i], now, &w))
			return true;
		if (*wait_ns == 0 || w < *wait_ns)
			*wait_ns = w;
	}
	return false;
}

static void
set_timer(struct sleeper *s, ns_t wait_ns)
{
	struct itimerspec it = {
		.it_value = { .tv_sec = (time_t)(wait_ns / NS_PER_S),
		    .tv_nsec = (long)(wait_ns % NS_PER_S) },
	};

	s->is_timer_set = wait_ns != 0;
	timerfd_settime(s->timer_fd, 0, &it, NULL);
}

/* Our word for a ring in place of none or our last one; false if another handle
 * of the port has its own there. */
static bool
set_word(struct nmport *p, unsigned i, uint32_t new)
{
	uint32_t *word = &p->vp->sleeping[i].word, *ours = &p->words[i];
	uint32_t seen = ld_seqcst(word);

	for (;;) {
		if (p->is_shared && seen != 0 && seen != ld_relaxed(ours))
			return false;
		if (__atomic_compare_exchange_n(word, &seen, new, false,
			__ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
			st_relaxed(ours, new);
			return true;
		}
	}
}

/* What the users of rings sleep for.  False: not all of them will be woken. */
static bool
set_words(struct nmport *p, struct nmport_rings on, uint32_t seq)
{
	bool all = true;

	EACH(i, on.tx | on.rx, p->fds.n_wakes) {
		uint32_t flags = (on.rx >> i & 1 ? (uint32_t)NMPORT_RX : 0) |
		    (on.tx >> i & 1 ? (uint32_t)NMPORT_TX : 0);

		all &= set_word(p, i, seq << 2 | flags);
	}
	return all;
}

/* Those that are still ours; what woke us by others is theirs. */
static void
clear_words(struct nmport *p, unsigned rings, bool drain)
{
	EACH(i, rings, p->fds.n_wakes) {
		uint32_t ours = ld_relaxed(&p->words[i]);

		if (ours == 0)
			continue;
		__atomic_compare_exchange_n(&p->vp->sleeping[i].word, &ours,
		    0u, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
		st_relaxed(&p->words[i], 0u);
		if (drain)
			wake_drain(p->fds.wakes[i]);
	}
}

/* The kernel's port sleeps in poll() itself.  What a NIC has not sent yet is a
 * matter of microseconds: no sleep for that. */
static bool
begin_kernel(struct nmport *p, unsigned flags, struct nmport_rings on)
{
	bool busy = (flags & NMPORT_RX) == 0;

	nmkernel_sync(p->kernel, true);
	EACH(i, on.rx, p->n_rx) {
		const struct netmap_ring *r = nmport_rxring(p, i);

		busy |= r->cur != r->tail;
	}
	EACH(i, flags & NMPORT_TX ? on.tx : 0, p->n_tx)
		busy |= nmport_txpending(p, i) != 0;
	return !busy;
}

static bool
begin(struct nmport *p, struct sleeper *s, unsigned flags,
    struct nmport_rings on)
{
	unsigned all = (1u << p->fds.n_wakes) - 1;
	bool has_words, is_new = (flags & NMPORT_NEW) != 0;
	ns_t wait_ns = 0;

	if (unlikely(p->kernel != NULL))
		return begin_kernel(p, flags, on);
	EACH(i, on.rx | on.tx, p->n_rx)		 /* the last rxsync may have */
		nmsleep_tell_waiters(p, i, true); /* been too early for them */
	on.rx = flags & NMPORT_RX ? on.rx & all : 0;
	on.tx = flags & NMPORT_TX ? waiting_rings(p, on.tx & all) : 0;
	if ((on.rx | on.tx) == 0)
		return false;
	has_words = set_words(p, on, (p->user << USER_SHIFT) + ++s->seq);
	ask(p, on.tx);
	if ((on.rx != 0 && has_arrivals(p, on.rx, is_new)) ||
	    (on.tx != 0 && can_send(p, on.tx, is_new, &wait_ns))) {
		clear_words(p, on.rx | on.tx, false);
		return false;
	}
	if (!has_words && (wait_ns == 0 || wait_ns > SHARED_LOOK_NS))
		wait_ns = SHARED_LOOK_NS;
	if (wait_ns != 0)
		set_timer(s, wait_ns);
	return true;
}

static void
end(struct nmport *p, struct sleeper *s, unsigned rings)
{
	if (unlikely(p->kernel != NULL))
		return;
	clear_words(p, rings, true);
	if (s->is_timer_set)
		set_timer(s, 0);
}

bool
nmport_sleep_begin(struct nmport *p, unsigned flags)
{
	return begin(p, &p->all, flags, (struct nmport_rings){ ~0u, ~0u });
}

bool
nmport_sleep_on(struct nmport *p, unsigned flags, struct nmport_rings on)
{
	return begin(p, &p->all, flags, on);
}

void
nmport_sleep_end(struct nmport *p)
{
	end(p, &p->all, ~0u);
}

bool
nmport_ring_sleep_begin(struct nmport *p, unsigned i, unsigned flags)
{
	return (i < p->fds.n_wakes || p->kernel != NULL) &&
	    begin(p, sleeper_of(p, i), flags,
		(struct nmport_rings){ 1u << i, 1u << i });
}

void
nmport_ring_sleep_end(struct nmport *p, unsigned i)
{
	if (i < p->fds.n_wakes)
		end(p, sleeper_of(p, i), 1u << i);
}
