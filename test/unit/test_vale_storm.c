/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Everything at once: processes that open and close ports, pipes' ends and
 * monitors of all shapes at random, send, receive, exchange buffers between
 * them, sleep, fork, and are killed and stopped meanwhile.
 *
 * Seen to hold   what arrives, wherever, is what somebody sent, unharmed; nobody
 *                gets an error that the contract does not name; each kind of
 *                port gets packets; when all are gone each buffer there is is
 *                in exactly one place.
 * Time           VALE_STORM_MS, default 6000, more if a kind of port got nothing yet.
 * Seed           VALE_STORM_SEED; printed.
 */
#include "vale_rig.h"

#include "base/clock.h"
#include "vale/nmctl.h"

#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum {
	N_CHILDREN = 8,
	N_PORTS = 16,
	N_PIPES = 4,
	N_HELD = 5, /* of one process */
	FRAME = 96,
	N_WORDS = (FRAME - 14) / 8,
};

enum kind { PORT, PIPE, MONITOR, N_KINDS };

struct shared {
	uint32_t stop;
	uint64_t received[N_KINDS], opened[N_KINDS], forks, errors;
	char failure[300];
};

/* A port that a process has open. */
struct held {
	struct nmport *p;
	enum kind kind;
	char name[VALE_NAME_SIZE];
};

static struct shared *sh;
static uint64_t rng_state;
static struct held held[N_HELD];

static uint64_t
rng(void)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return rng_state;
}

static unsigned
below(unsigned n)
{
	return (unsigned)(rng() >> 20) % n;
}

static bool
stopped(void)
{
	return ld_relaxed(&sh->stop) != 0;
}

static void
count(uint64_t *n)
{
	__atomic_fetch_add(n, 1, __ATOMIC_RELAXED);
}

__attribute__((noreturn, format(printf, 1, 2))) static void
child_fails(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(sh->failure, sizeof(sh->failure), fmt, ap);
	va_end(ap);
	_exit(1);
}

/* ---- frames that say themselves whether they are whole ---- */

static uint64_t
word_of(uint64_t seed, unsigned i)
{
	return (seed + i) * 0x9e3779b97f4a7c15ull ^ seed >> 7;
}

static void
write_frame(uint8_t *buf)
{
	uint64_t seed = rng(), w;

	rig_frame(buf, below(4) == 0 ? 0xff : below(N_PORTS), below(N_PORTS),
	    0);
	memcpy(buf + 14, &seed, 8);
	for (unsigned i = 1; i < N_WORDS; i++) {
		w = word_of(seed, i);
		memcpy(buf + 14 + i * 8, &w, 8);
	}
}

static void
check_frame(const struct held *h, const uint8_t *buf, unsigned len)
{
	uint64_t seed, w;

	if (len != FRAME)
		child_fails("%s: a frame of %u octets", h->name, len);
	memcpy(&seed, buf + 14, 8);
	for (unsigned i = 1; i < N_WORDS; i++) {
		memcpy(&w, buf + 14 + i * 8, 8);
		if (w != word_of(seed, i))
			child_fails("%s: word %u of a frame is not what was "
			    "sent", h->name, i);
	}
}

/* ---- what a process does ---- */

static void
random_name(struct held *h)
{
	static const char *const ways[] = { "r", "t", "rt" };
	unsigned n;

	h->kind = (enum kind)(below(8) < 4 ? PORT :
		below(3) != 0		   ? PIPE :
					     MONITOR);
	if (h->kind == PORT)
		n = (unsigned)snprintf(h->name, sizeof(h->name), "valeQ:%u",
		    below(N_PORTS));
	else
		n = (unsigned)snprintf(h->name, sizeof(h->name), "valeQ:%c%c%u",
		    below(2) ? 'x' : 'y', "{}"[below(2)],
		    below(N_PIPES));
	if (h->kind == MONITOR && below(2))
		n = (unsigned)snprintf(h->name, sizeof(h->name), "valeQ:%u",
		    below(N_PORTS));
	if (h->kind == MONITOR)
		snprintf(h->name + n, sizeof(h->name) - n, "/%s",
		    ways[below(3)]);
}

static void
open_one(struct held *h)
{
	struct nmport_cfg cfg = {
		.tx_slots = 256u << below(3),
		.rx_slots = 256u << below(3),
		.tx_rings = 1 + below(3),
		.rx_rings = 1 + below(3),
		.n_extra = below(3) == 0 ? below(300) : 0,
	};
	struct err e = { 0 };
	int rc;

	random_name(h);
	rc = nmport_open(h->name, &cfg, &h->p, &e);
	if (rc == 0) {
		count(&sh->opened[h->kind]);
		return;
	}
	h->p = NULL;
	count(&sh->errors);
	if (rc != -EBUSY && (h->kind != MONITOR || rc != -EINVAL))
		child_fails("%s: %s (%d)", h->name, e.text, rc);
}

static void
send_some(struct held *h)
{
	unsigned ring = below(3);
	struct netmap_ring *r = nmport_txring(h->p, ring);

	if (r == NULL || h->kind == MONITOR)
		return;
	nmport_txsync(h->p, ring);
	for (unsigned n = below(64); n > 0 && nm_ring_space(r) > 0; n--) {
		struct netmap_slot *s = &r->slot[r->cur];

		write_frame(nm_buf(r, s->buf_idx));
		s->len = FRAME;
		s->flags = 0;
		r->head = r->cur = nm_ring_next(r, r->cur);
	}
	if (nmport_txsync(h->p, ring) != 0)
		child_fails("%s: txsync", h->name);
}

static void
receive_all(struct held *h)
{
	struct netmap_ring *r;

	for (unsigned i = 0; (r = nmport_rxring(h->p, i)) != NULL; i++) {
		int rc = nmport_rxsync(h->p, i);

		if (rc != 0 && (h->kind != MONITOR || rc != -EIO))
			child_fails("%s: rxsync %d", h->name, rc);
		while (nm_ring_space(r) > 0) {
			struct netmap_slot *s = &r->slot[r->cur];

			check_frame(h, nm_buf(r, s->buf_idx), s->len);
			count(&sh->received[h->kind]);
			r->head = r->cur = nm_ring_next(r, r->cur);
		}
		nmport_rxsync(h->p, i);
	}
}

/* By exchange of buffers, as kipfw does. */
static void
forward(struct held *from, struct held *to)
{
	struct netmap_ring *rx = nmport_rxring(from->p, 0);
	struct netmap_ring *tx = nmport_txring(to->p, 0);

	if (from == to || to->kind == MONITOR || from->kind == MONITOR)
		return;
	nmport_rxsync(from->p, 0);
	while (nm_ring_space(rx) > 0 && nm_ring_space(tx) > 0) {
		struct netmap_slot *s = &rx->slot[rx->cur];
		struct netmap_slot *d = &tx->slot[tx->cur];
		uint32_t buf_idx = d->buf_idx;

		check_frame(from, nm_buf(rx, s->buf_idx), s->len);
		d->buf_idx = s->buf_idx;
		s->buf_idx = buf_idx;
		d->len = s->len;
		d->flags = s->flags = NS_BUF_CHANGED;
		rx->head = rx->cur = nm_ring_next(rx, rx->cur);
		tx->head = tx->cur = nm_ring_next(tx, tx->cur);
	}
	nmport_rxsync(from->p, 0);
	nmport_txsync(to->p, 0);
}

/* The first extra buffer changes places with that of the next slot to fill. */
static void
use_extra(struct held *h)
{
	struct netmap_if *nifp = nmport_if(h->p);
	struct netmap_ring *r = nmport_txring(h->p, 0);
	uint32_t first = nifp->ni_bufs_head, old, next;

	if (first == 0 || h->kind == MONITOR || nm_ring_space(r) == 0)
		return;
	old = r->slot[r->cur].buf_idx;
	memcpy(&next, nm_buf(r, first), 4);
	r->slot[r->cur].buf_idx = first;
	r->slot[r->cur].flags = NS_BUF_CHANGED;
	memcpy(nm_buf(r, old), &next, 4);
	nifp->ni_bufs_head = old;
}

static void
nap(struct held *h)
{
	struct pollfd pfd = { .fd = nmport_fd(h->p), .events = POLLIN };

	if (nmport_sleep_begin(h->p, 1 + below(3))) {
		poll(&pfd, 1, 2);
		nmport_sleep_end(h->p);
	}
}

/* A child goes on with what we have, and leaves it. */
static void
fork_and_wait(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (unsigned n = 0; n < 20; n++)
			for (unsigned i = 0; i < N_HELD; i++)
				if (held[i].p != NULL) {
					send_some(&held[i]);
					receive_all(&held[i]);
				}
		for (unsigned i = 0; i < N_HELD; i++)
			nmport_leave(held[i].p);
		_exit(0);
	}
	if (pid == -1)
		return;
	if (below(4) == 0) {
		usleep(below(3000));
		kill(pid, SIGKILL);
	}
	if (waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	    WEXITSTATUS(status) != 0)
		_exit(1);
	count(&sh->forks);
}

static void
act(void)
{
	struct held *h = &held[below(N_HELD)], *other = &held[below(N_HELD)];

	switch (below(24)) {
	case 0:
		nmport_close(h->p);
		h->p = NULL;
		return;
	case 1:
		if (below(20) == 0)
			fork_and_wait();
		return;
	case 2:
		if (below(200) == 0)
			_exit(0); /* without a word */
		return;
	default:
		break;
	}
	if (h->p == NULL) {
		open_one(h);
		return;
	}
	if (other->p != NULL && below(3) == 0)
		forward(h, other);
	else if (below(8) == 0)
		use_extra(h);
	else if (below(12) == 0)
		nap(h);
	else if (below(2))
		send_some(h);
	else
		receive_all(h);
}

static pid_t
spawn(void)
{
	uint64_t seed = rng();
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	rng_state = seed | 1;
	while (!stopped())
		act();
	for (unsigned i = 0; i < N_HELD; i++)
		nmport_close(held[i].p);
	_exit(0);
}

/* ---- what the parent does to them ---- */

static void
check_end(int status)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
		fail_msg("%s", sh->failure);
	if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
		fail_msg("a process ended by signal %d", WTERMSIG(status));
}

static void
reconfigure(void)
{
	unsigned port;
	struct err e;

	switch (below(4)) {
	case 0:
		nmctl_create("3", NULL, &e);
		break;
	case 1:
		nmctl_attach("valeQ:3", &port, &e);
		break;
	case 2:
		nmctl_detach("valeQ:3", &port, &e);
		break;
	case 3:
		nmctl_destroy("3", &e);
		break;
	}
}

static void
torment(pid_t *pids)
{
	unsigned i = below(N_CHILDREN);
	int status;

	switch (below(6)) {
	case 0:
		kill(pids[i], SIGSTOP);
		usleep(below(20000));
		kill(pids[i], SIGCONT);
		return;
	case 1:
		reconfigure();
		return;
	case 2:
		free(rig_list());
		return;
	default:
		break;
	}
	kill(pids[i], SIGKILL);
	assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
	check_end(status);
	pids[i] = spawn();
}

static void
replace_ended(pid_t *pids)
{
	int status;

	for (unsigned i = 0; i < N_CHILDREN; i++)
		if (waitpid(pids[i], &status, WNOHANG) == pids[i]) {
			check_end(status);
			pids[i] = spawn();
		}
}

static void
end_children(pid_t *pids)
{
	ns_t end = clock_mono_ns() + 60 * NS_PER_S;
	int status;
	pid_t pid;

	st_release(&sh->stop, 1u);
	for (unsigned i = 0; i < N_CHILDREN; i++) {
		while (waitpid(pids[i], &status, WNOHANG) == 0) {
			if (clock_mono_ns() > end) {
				kill(pids[i], SIGKILL);
				waitpid(pids[i], &status, 0);
				fail_msg("child %u does not end", i);
			}
			usleep(2000);
		}
		check_end(status);
	}
	/* What killed ones have forked comes to us, and ends soon. */
	while ((pid = waitpid(-1, &status, WNOHANG)) != -1) {
		if (clock_mono_ns() > end)
			fail_msg("a child's child does not end");
		if (pid == 0)
			usleep(2000);
	}
}

/* ---- the buffers, counted by nothing but the layout ---- */

static void
count_ring(uint8_t *base, size_t ofs, uint32_t n_slots, uint8_t *seen)
{
	const struct netmap_ring *r = at(base, ofs);

	for (uint32_t i = 0; i < n_slots; i++) {
		uint32_t idx = r->slot[i].buf_idx;

		assert_in_range(idx, 2, VALE_MAX_BUFS - 1);
		seen[idx]++;
	}
}

static void
count_every_buffer(uint8_t *base)
{
	uint8_t *seen = calloc(VALE_MAX_BUFS, 1);
	const uint64_t *bits = arena_bits(base);

	assert_non_null(seen);
	for (unsigned p = 0; p < VALE_MAX_PORTS; p++) {
		const struct vport *vp = arena_port(base, p);
		size_t area = port_area_ofs(p);

		if (vp->state != VPORT_LIVE || vp->kind == VPORT_SLAVE)
			continue;
		assert_int_equal(vp->n_extra, 0);
		for (unsigned i = 0; i < vp->n_tx; i++)
			count_ring(base, area + tx_ring_ofs(vp->tx_slots, i),
			    vp->tx_slots, seen);
		for (unsigned i = 0; i < vp->n_rx; i++)
			count_ring(base,
			    area + rx_ring_ofs(vp->n_tx, vp->tx_slots,
				       vp->rx_slots, i),
			    vp->rx_slots, seen);
	}
	for (uint32_t i = 2; i < VALE_MAX_BUFS; i++) {
		seen[i] = (uint8_t)(seen[i] + (bits[i / 64] >> i % 64 & 1));
		if (seen[i] != 1)
			fail_msg("buffer %u is in %u places", i, seen[i]);
	}
	free(seen);
}

static ns_t
duration(void)
{
	const char *ms = getenv("VALE_STORM_MS");

	return (ns_t)(ms != NULL ? atoi(ms) : 6000) * NS_PER_MS;
}

static bool
each_kind_got(void)
{
	for (unsigned k = 0; k < N_KINDS; k++)
		if (ld_relaxed(&sh->received[k]) == 0)
			return false;
	return true;
}

static void
storm(void **state)
{
	const char *seed = getenv("VALE_STORM_SEED");
	struct nmport *own; /* keeps the arena from being made anew */
	pid_t pids[N_CHILDREN];
	unsigned n_torments = 0;
	ns_t end;

	(void)state;
	rng_state = seed != NULL ? strtoull(seed, NULL, 0) :
				   (clock_mono_ns() | 1);
	print_message("# seed %llu\n", (unsigned long long)rng_state);
	sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(sh != MAP_FAILED);
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	own = rig_open("valeK:own");
	for (unsigned i = 0; i < N_CHILDREN; i++)
		pids[i] = spawn();
	end = clock_mono_ns() + duration();
	while (clock_mono_ns() < end ||
	    (!each_kind_got() && clock_mono_ns() < end + 60 * NS_PER_S)) {
		torment(pids);
		replace_ended(pids);
		usleep(below(10000));
		n_torments++;
	}
	end_children(pids);
	print_message("# %u torments, %llu forks; opened %llu ports, %llu "
	    "ends, %llu monitors (%llu refused); got %llu, %llu, %llu "
	    "packets\n",
	    n_torments, (unsigned long long)sh->forks,
	    (unsigned long long)sh->opened[PORT],
	    (unsigned long long)sh->opened[PIPE],
	    (unsigned long long)sh->opened[MONITOR],
	    (unsigned long long)sh->errors,
	    (unsigned long long)sh->received[PORT],
	    (unsigned long long)sh->received[PIPE],
	    (unsigned long long)sh->received[MONITOR]);
	assert_true(each_kind_got());
	rig_check_buffers();
	count_every_buffer(rig_base(own));
	nmport_close(own);
	munmap(sh, sizeof(*sh));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(storm, rig_setup,
		    rig_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
