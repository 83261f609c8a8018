/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Several processes on two switches, killed and stopped at random.
 *
 *	p0, p1, p2 -> valeS -> forwarder (exchanges buffers) -> valeT -> consumer
 *	                                   p3 ----------------> valeT
 *
 * Seen to hold   every frame arrives as its sender wrote it, in the order of
 *                its sender and incarnation, none twice; after the kills the
 *                packets flow again; in the end no buffer is lost.
 * Time           VALE_STRESS_MS, default 3000, plus some for the last checks.
 * Seed           VALE_STRESS_SEED; printed.
 */
#include "vale_rig.h"

#include "base/clock.h"

#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum {
	N_PRODUCERS = 4,
	FORWARDER = N_PRODUCERS,
	CONSUMER,
	N_CHILDREN,
	CONSUMER_MAC = 200,
	MAX_INCARNATIONS = 4096,
};

struct shared {
	uint32_t stop;
	uint64_t received;
	uint32_t incarnation[N_CHILDREN];
	uint64_t last_seq[N_PRODUCERS][MAX_INCARNATIONS];
	char failure[200];
};

struct payload {
	uint32_t producer, incarnation;
	uint64_t seq;
	uint64_t body[4];
};

static struct shared *sh;
static uint64_t rng_state;

static uint64_t
rng(void)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return rng_state;
}

static bool
stopped(void)
{
	return ld_relaxed(&sh->stop) != 0;
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

/* A predecessor's last words may take a moment. */
static struct nmport *
child_open(const char *name)
{
	struct nmport_cfg cfg = { .tx_slots = 256, .rx_slots = 256 };
	struct nmport *p;
	struct err e;

	for (unsigned i = 0; i < 12000; i++) {
		int rc = nmport_open(name, &cfg, &p, &e);

		if (rc == 0)
			return p;
		if (rc != -EBUSY)
			break;
		usleep(5000);
	}
	child_fails("%s: %s", name, e.text);
}

static uint64_t
body_word(const struct payload *p, unsigned i)
{
	return (p->seq + i + 1) * 0x9e3779b97f4a7c15ull ^
	    ((uint64_t)p->producer << 32 | p->incarnation);
}

static void
write_frame(uint8_t *buf, unsigned dst, struct payload *p)
{
	rig_frame(buf, dst, 1 + p->producer, 0);
	for (unsigned i = 0; i < ARRAY_LEN(p->body); i++)
		p->body[i] = body_word(p, i);
	memcpy(buf + 14, p, sizeof(*p));
}

static void
drain(struct nmport *p)
{
	struct netmap_ring *r = nmport_rxring(p, 0);

	nmport_rxsync(p, 0);
	r->head = r->cur = r->tail;
	nmport_rxsync(p, 0);
}

/* Waits on the descriptor, a while at most: the peer may be stopped. */
static void
nap(struct nmport *p, unsigned flags)
{
	struct pollfd pfd = { .fd = nmport_fd(p), .events = POLLIN };

	if (nmport_sleep_begin(p, flags)) {
		poll(&pfd, 1, 100);
		nmport_sleep_end(p);
	}
}

static void
produce(unsigned id, uint32_t incarnation)
{
	char name[VALE_NAME_SIZE];
	struct payload pl = { .producer = id, .incarnation = incarnation };
	struct netmap_ring *r;
	struct nmport *p;

	snprintf(name, sizeof(name), "vale%c:p%u", id == 3 ? 'T' : 'S', id);
	p = child_open(name);
	r = nmport_txring(p, 0);
	while (!stopped()) {
		unsigned n = (unsigned)rng() % 64;

		for (; n > 0 && nm_ring_space(r) > 0; n--) {
			struct netmap_slot *s = &r->slot[r->cur];
			unsigned dst = rng() % 64 == 0 ? 0xff : CONSUMER_MAC;

			pl.seq++;
			write_frame(nm_buf(r, s->buf_idx), dst, &pl);
			s->len = (uint16_t)(64 + pl.seq % 1400);
			s->flags = 0;
			r->head = r->cur = nm_ring_next(r, r->cur);
		}
		nmport_txsync(p, 0);
		drain(p);
		if (nm_ring_space(r) == 0)
			nap(p, NMPORT_TX);
	}
	nmport_close(p);
}

/* Moves packets by exchanging buffers, as kipfw does. */
static unsigned
move(struct nmport *from, struct nmport *to)
{
	struct netmap_ring *rx = nmport_rxring(from, 0),
			   *tx = nmport_txring(to, 0);
	unsigned n = 0;

	nmport_rxsync(from, 0);
	while (nm_ring_space(rx) > 0 && nm_ring_space(tx) > 0) {
		struct netmap_slot *s = &rx->slot[rx->cur];
		struct netmap_slot *d = &tx->slot[tx->cur];
		uint32_t buf_idx = d->buf_idx;

		d->buf_idx = s->buf_idx;
		s->buf_idx = buf_idx;
		d->len = s->len;
		d->flags = s->flags = NS_BUF_CHANGED;
		rx->head = rx->cur = nm_ring_next(rx, rx->cur);
		tx->head = tx->cur = nm_ring_next(tx, tx->cur);
		n++;
	}
	nmport_rxsync(from, 0);
	nmport_txsync(to, 0);
	return n;
}

static void
forward(void)
{
	struct nmport *s = child_open("valeS:f"), *t = child_open("valeT:f");

	if (!nmport_same_arena(s, t))
		child_fails("two arenas");
	while (!stopped()) {
		unsigned n = move(s, t) + move(t, s);

		if (n == 0)
			nap(s, NMPORT_RX | NMPORT_TX);
		if (n == 0 && nmport_txpending(t, 0) != 0)
			nap(t, NMPORT_TX);
	}
	nmport_close(s);
	nmport_close(t);
}

static void
check_frame(const uint8_t *buf, unsigned len)
{
	struct payload p;
	uint64_t *last;

	memcpy(&p, buf + 14, sizeof(p));
	if (p.producer >= N_PRODUCERS || p.incarnation >= MAX_INCARNATIONS)
		child_fails("frame of producer %u.%u", p.producer,
		    p.incarnation);
	for (unsigned i = 0; i < ARRAY_LEN(p.body); i++)
		if (p.body[i] != body_word(&p, i))
			child_fails("frame %u.%u.%llu is not what was sent",
			    p.producer, p.incarnation,
			    (unsigned long long)p.seq);
	if (len != 64 + p.seq % 1400)
		child_fails("length %u of frame %u.%u.%llu", len, p.producer,
		    p.incarnation, (unsigned long long)p.seq);
	last = &sh->last_seq[p.producer][p.incarnation];
	if (p.seq <= *last)
		child_fails("frame %u.%u.%llu came after %llu", p.producer,
		    p.incarnation, (unsigned long long)p.seq,
		    (unsigned long long)*last);
	*last = p.seq;
}

/* Says now and then where it is, so that both switches learn it. */
static void
announce(struct nmport *p)
{
	struct netmap_ring *r = nmport_txring(p, 0);

	if (nm_ring_space(r) > 0)
		rig_put(p, 250, CONSUMER_MAC, 0);
	nmport_txsync(p, 0);
}

static void
consume(void)
{
	struct nmport *p = child_open("valeT:c");
	struct netmap_ring *r = nmport_rxring(p, 0);

	while (!stopped()) {
		unsigned n;

		announce(p);
		nmport_rxsync(p, 0);
		for (n = 0; nm_ring_space(r) > 0; n++) {
			struct netmap_slot *s = &r->slot[r->cur];

			check_frame(nm_buf(r, s->buf_idx), s->len);
			/* Counted once is counted: the next incarnation of the
			 * consumer has another ring. */
			r->head = r->cur = nm_ring_next(r, r->cur);
		}
		nmport_rxsync(p, 0);
		st_relaxed(&sh->received, ld_relaxed(&sh->received) + n);
		if (n == 0)
			nap(p, NMPORT_RX);
	}
	nmport_close(p);
}

static pid_t
spawn(unsigned id)
{
	uint32_t incarnation = ++sh->incarnation[id];
	uint64_t seed = rng();
	pid_t pid;

	pid = fork();
	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	rng_state = seed | 1;
	if (id == FORWARDER)
		forward();
	else if (id == CONSUMER)
		consume();
	else
		produce(id, incarnation);
	_exit(0);
}

/* Kills one child and starts its successor, or stops it for a while. */
static void
torment(pid_t *pids)
{
	unsigned id = (unsigned)rng() % N_CHILDREN;
	int status;

	if (rng() % 4 == 0) {
		kill(pids[id], SIGSTOP);
		usleep((unsigned)rng() % 40000);
		kill(pids[id], SIGCONT);
		return;
	}
	kill(pids[id], SIGKILL);
	assert_int_equal(waitpid(pids[id], &status, 0), pids[id]);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		fail_msg("seed: child %u ended by itself: %s", id,
		    sh->failure);
	if (sh->incarnation[id] + 1 < MAX_INCARNATIONS)
		pids[id] = spawn(id);
}

static void
wait_until_packets_flow(void)
{
	uint64_t from = ld_relaxed(&sh->received);
	ns_t end = clock_mono_ns() + 60 * NS_PER_S;

	while (ld_relaxed(&sh->received) < from + 1000) {
		if (sh->failure[0] != '\0')
			fail_msg("%s", sh->failure);
		if (clock_mono_ns() > end)
			fail_msg("wedged: %llu packets in 60 s",
			    (unsigned long long)(sh->received - from));
		usleep(2000);
	}
}

static void
end_children(pid_t *pids)
{
	ns_t end = clock_mono_ns() + 60 * NS_PER_S;
	int status;

	st_release(&sh->stop, 1u);
	for (unsigned i = 0; i < N_CHILDREN; i++) {
		pid_t pid;

		while ((pid = waitpid(pids[i], &status, WNOHANG)) == 0) {
			if (clock_mono_ns() > end) {
				kill(pids[i], SIGKILL);
				waitpid(pids[i], &status, 0);
				fail_msg("child %u does not end", i);
			}
			usleep(2000);
		}
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
			fail_msg("child %u: %s", i, sh->failure);
	}
}

static ns_t
duration(void)
{
	const char *ms = getenv("VALE_STRESS_MS");

	return (ns_t)(ms != NULL ? atoi(ms) : 3000) * NS_PER_MS;
}

static void
killed_and_stopped_at_random(void **state)
{
	const char *seed = getenv("VALE_STRESS_SEED");
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
	own = rig_open("valeK:own");
	for (unsigned i = 0; i < N_CHILDREN; i++)
		pids[i] = spawn(i);
	wait_until_packets_flow();
	for (end = clock_mono_ns() + duration(); clock_mono_ns() < end;) {
		torment(pids);
		usleep((unsigned)rng() % 15000);
		n_torments++;
	}
	wait_until_packets_flow();
	end_children(pids);
	print_message("# %u torments, %llu packets\n", n_torments,
	    (unsigned long long)sh->received);
	rig_check_buffers();
	nmport_close(own);
	munmap(sh, sizeof(*sh));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(killed_and_stopped_at_random,
		    rig_setup, rig_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
