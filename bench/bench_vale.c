/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two processes over one switch, or a pipe: packets per second.
 *
 * Build      cc -O3 -std=gnu11 -D_GNU_SOURCE -DNDEBUG -Iinclude -Isrc
 *              bench/bench_vale.c src/vale/[a-z]*.c src/base/err.c
 *              -o /tmp/bench_vale -lpthread
 * Use        bench_vale [-r slots] [-b burst] [-n windows] [-w ms] [-c core,core] [-q|-p]
 * Output     packets that arrived; ns in brackets are the median cost of a full
 *            burst to the sender (filling it and txsync) and to the receiver.
 * Method     a sender and a receiver process, pinned (default core 0 and 1),
 *            warmed up 0.4 s, then windows of 50 ms counted by the receiver:
 *            median [min..max].  The sender writes a packet into each buffer
 *            it gets; the receiver reads the 64 octets of the header.  Before
 *            and after each line a core-to-core probe (a cache line's round
 *            trip) says how far apart the cores are.
 */
#include "base/clock.h"
#include "vale/layout.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Cost of full bursts as one side sees them: the median does not mind that
 * the process loses its core now and then. */
enum { N_SAMPLES = 1 << 15 };
struct samples {
	unsigned n;
	float ns[N_SAMPLES]; /* a packet */
};

struct shared {
	struct samples send, receive;
	uint32_t ping LINE2;
	uint32_t pong LINE2;
	uint64_t received LINE2;
	uint64_t sum;
	uint32_t stop LINE2;
};

enum { MAX_WINDOWS = 99 };

static unsigned slots = 0, burst = 256, n_windows = 15, window_ms = 50;
static unsigned cores[2] = { 0, 1 };
static bool is_quick; /* the first three lines only */
static bool is_probe_only; /* just the core-to-core distance, in ns */
static struct shared *sh;
static char names[2][64];

/* What is between sender and receiver. */
enum way { BARE, SWITCH, PIPE };

static void
sample(struct samples *s, ns_t ns, unsigned n_pkts)
{
	if (n_pkts == burst)
		s->ns[s->n++ % N_SAMPLES] = (float)ns / (float)n_pkts;
}

static int
cmp_float(const void *a, const void *b)
{
	const float *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double
median(struct samples *s)
{
	unsigned n = s->n < N_SAMPLES ? s->n : N_SAMPLES;

	qsort(s->ns, n, sizeof(s->ns[0]), cmp_float);
	return n == 0 ? 0 : (double)s->ns[n / 2];
}

static void
pin(unsigned core)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(core, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static struct nmport *
open_port(const char *name)
{
	struct nmport_cfg cfg = { .tx_slots = slots, .rx_slots = slots };
	struct nmport *p;
	struct err e;

	if (nmport_open(name, &cfg, &p, &e) < 0) {
		fprintf(stderr, "%s\n", e.text);
		exit(1);
	}
	return p;
}

static void
receive(void)
{
	struct nmport *p;
	struct netmap_ring *r;
	uint64_t sum = 0, n = 0;

	pin(cores[1]);
	p = open_port(names[1]);
	r = nmport_rxring(p, 0);
	st_release(&sh->received, 1ull);
	while (!ld_relaxed(&sh->stop)) {
		uint32_t cur, space, got;
		ns_t start = clock_mono_ns();

		nmport_rxsync(p, 0);
		space = nm_ring_space(r);
		if (space == 0) {
			sched_yield();
			continue;
		}
		got = space = space > burst ? burst : space;
		n += space;
		for (cur = r->cur; space > 0; space--) {
			const struct netmap_slot *s = &r->slot[cur];
			uint64_t w[8];

			/* Not behind what has arrived: the sender writes
			 * there, and would have to fetch the line again. */
			if (space > 16)
				__builtin_prefetch(nm_buf(r, r->slot[(cur + 16) &
				    (r->num_slots - 1)].buf_idx));
			memcpy(w, nm_buf(r, s->buf_idx), sizeof(w));
			for (unsigned i = 0; i < 8; i++)
				sum ^= w[i];
			sum += s->len;
			cur = nm_ring_next(r, cur);
		}
		r->head = r->cur = cur;
		sample(&sh->receive, clock_mono_ns() - start, got);
		st_relaxed(&sh->received, n);
	}
	sh->sum = sum;
	nmport_close(p);
	exit(0);
}

static void
send_until_stop(struct nmport *p, const uint8_t *frame, unsigned len)
{
	struct netmap_ring *r = nmport_txring(p, 0);
	uint32_t mask = r->num_slots - 1;

	while (!ld_relaxed(&sh->stop)) {
		uint32_t cur = r->cur, n = nm_ring_space(r);
		ns_t start;

		n = n > burst ? burst : n;
		if (n < burst && nmport_txpending(p, 0) != 0)
			sched_yield();
		start = clock_mono_ns();
		for (uint32_t i = 0; i < n; i++) {
			struct netmap_slot *s = &r->slot[cur];

			prefetch_write(
			    nm_buf(r, r->slot[(cur + 16) & mask].buf_idx));
			memcpy(nm_buf(r, s->buf_idx), frame, len);
			s->len = (uint16_t)len;
			s->flags = 0;
			cur = (cur + 1) & mask;
		}
		r->head = r->cur = cur;
		nmport_txsync(p, 0);
		if (nmport_txpending(p, 0) == 0)
			sample(&sh->send, clock_mono_ns() - start, n);
	}
}

/* ---- the bare hand-over: one ring, no switch, one copy ---- */

enum { BARE_SLOTS = 1024, BARE_MASK = BARE_SLOTS - 1 };

struct bare {
	uint32_t tail LINE2;
	uint32_t head LINE2;
	struct netmap_slot slot[BARE_SLOTS] LINE2;
	uint8_t buf[BARE_SLOTS][VALE_BUF_SIZE] LINE2;
};

static struct bare *bare;

static void
bare_receive(void)
{
	uint64_t sum = 0, n = 0;
	uint32_t head = 0;

	pin(cores[1]);
	st_release(&sh->received, 1ull);
	while (!ld_relaxed(&sh->stop)) {
		ns_t start = clock_mono_ns();
		uint32_t space = (ld_acquire(&bare->tail) - head) & BARE_MASK;
		uint32_t got;

		if (space == 0) {
			sched_yield();
			continue;
		}
		got = space = space > burst ? burst : space;
		n += space;
		for (; space > 0; space--, head = (head + 1) & BARE_MASK) {
			uint64_t w[8];

			__builtin_prefetch(bare->buf[(head + 16) & BARE_MASK]);
			memcpy(w, bare->buf[bare->slot[head].buf_idx],
			    sizeof(w));
			for (unsigned i = 0; i < 8; i++)
				sum ^= w[i];
		}
		st_release(&bare->head, head);
		sample(&sh->receive, clock_mono_ns() - start, got);
		st_relaxed(&sh->received, n);
	}
	sh->sum = sum;
	exit(0);
}

static void
bare_send(const uint8_t *frame, unsigned len)
{
	uint32_t tail = 0, head = 0;

	while (!ld_relaxed(&sh->stop)) {
		uint32_t n = (head - tail - 1) & BARE_MASK, put;
		ns_t start = clock_mono_ns();

		if (n < burst) {
			head = ld_acquire(&bare->head);
			n = (head - tail - 1) & BARE_MASK;
		}
		if (n == 0)
			sched_yield();
		put = n = n > burst ? burst : n;
		for (; n > 0; n--, tail = (tail + 1) & BARE_MASK) {
			prefetch_write(bare->buf[(tail + 16) & BARE_MASK]);
			prefetch_write(&bare->slot[(tail + 16) & BARE_MASK]);
			memcpy(bare->buf[tail], frame, len);
			bare->slot[tail] = (struct netmap_slot){
				.buf_idx = tail, .len = (uint16_t)len };
		}
		st_release(&bare->tail, tail);
		sample(&sh->send, clock_mono_ns() - start, put);
	}
	exit(0);
}

/* ---- probe ---- */

static int
cmp(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void
answer_probe(uint32_t n)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	pin(cores[1]);
	st_release(&sh->pong, UINT32_MAX); /* ready, on the other core */
	for (uint32_t i = 1; i <= n; i++) {
		while (ld_acquire(&sh->ping) != i)
			if (cores[0] == cores[1])
				sched_yield();
		st_release(&sh->pong, i);
	}
	_exit(0);
}

/* Round trip of a line; median of groups, as either side may lose its core. */
static double
probe_ns(void)
{
	enum { GROUPS = 41, N = 500 };
	double ns[GROUPS];
	uint32_t i = 0;
	pid_t pid;

	sh->ping = sh->pong = 0;
	pid = fork();
	if (pid == 0)
		answer_probe(GROUPS * N);
	while (ld_acquire(&sh->pong) != UINT32_MAX)
		usleep(100);
	for (unsigned g = 0; g < GROUPS; g++) {
		ns_t start = clock_mono_ns();

		for (unsigned k = 0; k < N; k++) {
			st_release(&sh->ping, ++i);
			while (ld_acquire(&sh->pong) != i)
				if (cores[0] == cores[1])
					sched_yield();
		}
		ns[g] = (double)(clock_mono_ns() - start) / N;
	}
	waitpid(pid, NULL, 0);
	qsort(ns, GROUPS, sizeof(*ns), cmp);
	return ns[GROUPS / 2];
}

/* ---- one line of the report ---- */

/* Windows as the sender's parent sees them; returns Mpps sorted. */
static void
watch(double *mpps)
{
	struct timespec nap = { .tv_nsec = window_ms * 1000000l };

	usleep(400 * 1000);
	for (unsigned i = 0; i < n_windows; i++) {
		uint64_t n = ld_relaxed(&sh->received);
		ns_t t = clock_mono_ns();

		nanosleep(&nap, NULL);
		n = ld_relaxed(&sh->received) - n;
		mpps[i] = (double)n * 1e3 / (double)(clock_mono_ns() - t);
	}
	qsort(mpps, n_windows, sizeof(*mpps), cmp);
}

static pid_t
spawn_sender(const uint8_t *frame, unsigned len)
{
	pid_t pid = fork();

	if (pid == 0) {
		struct nmport *p;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pin(cores[0]);
		if (bare != NULL)
			bare_send(frame, len);
		p = open_port(names[0]);
		send_until_stop(p, frame, len);
		nmport_close(p);
		exit(0);
	}
	return pid;
}

static void *
map_shared(size_t size)
{
	void *m = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (m == MAP_FAILED)
		exit(71);
	return m;
}

static void
set_names(enum way way)
{
	int id = (int)getpid() % 100000;

	for (unsigned i = 0; i < 2; i++)
		if (way == PIPE)
			snprintf(names[i], sizeof(names[i]), "valeb%d:p%c1",
			    id, "{}"[i]);
		else
			snprintf(names[i], sizeof(names[i]), "valeb%d:%u", id,
			    i);
}

static void
line(const char *what, unsigned len, bool is_unicast, enum way way)
{
	bool is_bare = way == BARE;
	uint8_t frame[VALE_BUF_SIZE] = { 0 };
	double m[MAX_WINDOWS], before = probe_ns(), mid;
	pid_t rx, tx;

	memset(frame, is_unicast ? 2 : 0xff, 6);
	frame[6] = 2;
	set_names(way);
	memset(sh, 0, sizeof(*sh));
	bare = is_bare ? map_shared(sizeof(*bare)) : NULL;
	rx = fork();
	if (rx == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (is_bare)
			bare_receive();
		receive();
	}
	while (ld_acquire(&sh->received) == 0)
		usleep(1000);
	tx = spawn_sender(frame, len);
	watch(m);
	st_release(&sh->stop, 1u);
	waitpid(rx, NULL, 0);
	waitpid(tx, NULL, 0);
	mid = m[n_windows / 2];
	if (is_bare)
		munmap(bare, sizeof(*bare));
	printf("%-28s %4u B  %6.1f [%5.1f..%5.1f] Mpps  %6.1f ns/packet  "
	       "(send %.1f, receive %.1f)  %6.1f Gbit/s   probe %.0f/%.0f ns\n",
	    what, len, mid, m[0], m[n_windows - 1], 1e3 / mid,
	    median(&sh->send), median(&sh->receive), mid * len * 8 / 1e3,
	    before, probe_ns());
	fflush(stdout);
}

int
main(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "r:b:n:c:w:qp")) != -1) {
		if (c == 'r')
			slots = (unsigned)atoi(optarg);
		else if (c == 'b')
			burst = (unsigned)atoi(optarg);
		else if (c == 'n')
			n_windows = (unsigned)atoi(optarg) % MAX_WINDOWS | 1;
		else if (c == 'w')
			window_ms = (unsigned)atoi(optarg) % 1000;
		else if (c == 'q')
			is_quick = true;
		else if (c == 'p')
			is_probe_only = true;
		else if (c != 'c' ||
		    sscanf(optarg, "%u,%u", &cores[0], &cores[1]) != 2)
			return 64;
	}
	sh = map_shared(sizeof(*sh));
	pin(cores[0]);
	if (is_probe_only) {
		printf("%.0f\n", probe_ns());
		return 0;
	}
	line("bare ring, one copy", 64, true, BARE);
	line("valeX: unknown address", 64, true, SWITCH);
	line("pipe", 64, true, PIPE);
	if (is_quick)
		return 0;
	line("valeX: broadcast to one", 64, false, SWITCH);
	line("bare ring, one copy", 1500, true, BARE);
	line("valeX: broadcast to one", 1500, false, SWITCH);
	line("pipe", 1500, true, PIPE);
	return 0;
}
