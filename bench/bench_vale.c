/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two processes over one switch: packets per second from port to port.
 *
 * Build      cc -O3 -std=gnu11 -D_GNU_SOURCE -DNDEBUG -Iinclude -Isrc
 *              bench/bench_vale.c src/vale/[a-z]*.c src/base/err.c
 *              -o /tmp/bench_vale -lpthread
 * Use        bench_vale [-r slots] [-b burst] [-n windows] [-c core,core]
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

struct shared {
	uint32_t ping LINE2;
	uint32_t pong LINE2;
	uint64_t received LINE2;
	uint64_t sum;
	uint32_t stop LINE2;
};

enum { MAX_WINDOWS = 99 };

static unsigned slots = 0, burst = 256, n_windows = 15, cores[2] = { 0, 1 };
static struct shared *sh;
static char names[2][32];

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
		uint32_t cur, space;

		nmport_rxsync(p, 0);
		space = nm_ring_space(r);
		if (space == 0) {
			sched_yield();
			continue;
		}
		space = space > burst ? burst : space;
		n += space;
		for (cur = r->cur; space > 0; space--) {
			const struct netmap_slot *s = &r->slot[cur];
			uint64_t w[8];

			__builtin_prefetch(nm_buf(r,
			    r->slot[(cur + 16) & (r->num_slots - 1)].buf_idx));
			memcpy(w, nm_buf(r, s->buf_idx), sizeof(w));
			for (unsigned i = 0; i < 8; i++)
				sum ^= w[i];
			sum += s->len;
			cur = nm_ring_next(r, cur);
		}
		r->head = r->cur = cur;
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

		n = n > burst ? burst : n;
		if (n < burst && nmport_txpending(p, 0) != 0)
			sched_yield();
		for (uint32_t i = 0; i < n; i++) {
			struct netmap_slot *s = &r->slot[cur];

			__builtin_prefetch(
			    nm_buf(r, r->slot[(cur + 16) & mask].buf_idx), 1);
			memcpy(nm_buf(r, s->buf_idx), frame, len);
			s->len = (uint16_t)len;
			s->flags = 0;
			cur = (cur + 1) & mask;
		}
		r->head = r->cur = cur;
		nmport_txsync(p, 0);
	}
}

/* ---- probe ---- */

static double
probe_ns(void)
{
	uint32_t i, n = 20000;
	ns_t start;
	pid_t pid;

	sh->ping = sh->pong = 0;
	pid = fork();
	if (pid == 0) {
		pin(cores[1]);
		for (i = 1; i <= n; i++) {
			while (ld_acquire(&sh->ping) != i)
				if (cores[0] == cores[1])
					sched_yield();
			st_release(&sh->pong, i);
		}
		_exit(0);
	}
	start = clock_mono_ns();
	for (i = 1; i <= n; i++) {
		if (i == 1001)
			start = clock_mono_ns();
		st_release(&sh->ping, i);
		while (ld_acquire(&sh->pong) != i)
			if (cores[0] == cores[1])
				sched_yield();
	}
	start = clock_mono_ns() - start;
	waitpid(pid, NULL, 0);
	return (double)start / (n - 1000);
}

/* ---- one line of the report ---- */

static int
cmp(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Windows as the sender's parent sees them; returns Mpps sorted. */
static void
watch(double *mpps)
{
	struct timespec nap = { .tv_nsec = 50 * 1000 * 1000 };

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
		p = open_port(names[0]);
		send_until_stop(p, frame, len);
		nmport_close(p);
		exit(0);
	}
	return pid;
}

static void
line(const char *what, unsigned len, bool is_unicast)
{
	uint8_t frame[VALE_BUF_SIZE] = { 0 };
	double m[MAX_WINDOWS], before = probe_ns(), mid;
	pid_t rx, tx;

	memset(frame, is_unicast ? 2 : 0xff, 6);
	frame[6] = 2;
	memset(sh, 0, sizeof(*sh));
	rx = fork();
	if (rx == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
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
	printf("%-28s %4u B  %6.1f [%5.1f..%5.1f] Mpps  %6.1f ns/packet  "
	       "%6.1f Gbit/s   probe %.0f/%.0f ns\n",
	    what, len, mid, m[0], m[n_windows - 1], 1e3 / mid,
	    mid * len * 8 / 1e3, before, probe_ns());
	fflush(stdout);
}

int
main(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "r:b:n:c:")) != -1) {
		if (c == 'r')
			slots = (unsigned)atoi(optarg);
		else if (c == 'b')
			burst = (unsigned)atoi(optarg);
		else if (c == 'n')
			n_windows = (unsigned)atoi(optarg) % MAX_WINDOWS | 1;
		else if (c != 'c' ||
		    sscanf(optarg, "%u,%u", &cores[0], &cores[1]) != 2)
			return 64;
	}
	sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (sh == MAP_FAILED)
		return 71;
	for (unsigned i = 0; i < 2; i++)
		snprintf(names[i], sizeof(names[i]), "valeb%d:%u",
		    (int)getpid() % 100000, i);
	pin(cores[0]);
	line("unicast, unknown address", 64, true);
	line("broadcast to one", 64, false);
	line("broadcast to one", 1500, false);
	return 0;
}
