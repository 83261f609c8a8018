/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pkt-gen: source, sink, ping and pong on a netmap port.
 *
 *	options -> port -> one worker thread per ring -> reports -> summary
 *
 * The main thread only reports: it sleeps between lines and until the workers
 * are done.  Signals set one flag and make one descriptor readable, which ends
 * whatever anybody sleeps on.
 */
#include "base/clock.h"
#include "tools/gen_cfg.h"
#include "tools/gen_flow.h"
#include "tools/gen_report.h"
#include "tools/gen_trace.h"
#include "tools/gen_worker.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sysexits.h>
#include <unistd.h>

#ifndef KIPFW_VERSION
#define KIPFW_VERSION "unknown"
#endif

struct run {
	struct gen_cfg cfg;
	struct gen_trace trace;
	struct nmport *port;
	int done_fd; /* counts workers that have ended */
	struct gen_worker workers[NMPORT_MAX_RINGS];
	pthread_t threads[NMPORT_MAX_RINGS];
};

/* Static because a signal handler has no argument. */
static struct gen_stop stop = {.fd = -1};

static void
on_signal(int sig)
{
	uint64_t one = 1;
	int saved = errno;

	(void)sig;
	atomic_fetch_add(&stop.signals, 1);
	/* It cannot fill up: 2^64 - 2 signals are needed. */
	if (write(stop.fd, &one, sizeof(one)) == -1) {
	}
	errno = saved;
}

static int
catch_signals(void)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction sa = {.sa_handler = on_signal};

	stop.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (stop.fd == -1)
		return -errno;
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		if (sigaction(signals[i], &sa, NULL) == -1)
			return -errno;
	return 0;
}

/* The sysexits code that fits an errno. */
static int
exit_code(int code)
{
	switch (code) {
	case EINVAL:
		return EX_USAGE;
	case ENOENT:
	case E2BIG:
		return EX_NOINPUT;
	case EACCES:
	case EPERM:
		return EX_NOPERM;
	case EBUSY:
	case ENOSPC:
	case ENXIO:
		return EX_UNAVAILABLE;
	default:
		return EX_OSERR;
	}
}

static int
complain(const struct err *e)
{
	fprintf(stderr, "pkt-gen: %s\n", e->text);
	return exit_code(e->code);
}

/* Sleeps up to 'ns' or until 'fd' is readable or a signal comes. */
static void
sleep_ns(int fd, ns_t ns)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	struct timespec ts = {
	    .tv_sec = (time_t)(ns / NS_PER_S),
	    .tv_nsec = (long)(ns % NS_PER_S),
	};

	(void)ppoll(&p, 1, &ts, NULL);
}

/* ---- before ---- */

/* What only the open port can say: do the frames fit its buffers? */
static int
check_buffers(const struct run *r, struct err *e)
{
	const struct gen_cfg *c = &r->cfg;
	const struct netmap_ring *ring = nmport_txring(r->port, 0);
	unsigned len = c->trace_file != NULL ? r->trace.len_max : c->len;

	if (ring == NULL || c->mode == GEN_RX || c->mode == GEN_PONG)
		return 0;
	if (len <= ring->nr_buf_size)
		return 0;
	if (c->trace_file != NULL)
		return err_set(
		    e, EINVAL,
		    "-P %.80s: a frame has %u octets, buffers of %s have %u",
		    c->trace_file, len, c->port, ring->nr_buf_size);
	return err_set(e, EINVAL, "-l %u: buffers of %s have %u octets", len,
		       c->port, ring->nr_buf_size);
}

static int
load_trace(struct run *r, struct err *e)
{
	struct err inner;
	int rc;

	if (r->cfg.trace_file == NULL)
		return 0;
	rc = gen_trace_load(r->cfg.trace_file, &r->trace, &inner);
	if (rc != 0)
		err_set(e, -rc, "-P %.80s: %s", r->cfg.trace_file, inner.text);
	return rc;
}

static int
open_all(struct run *r, struct err *e)
{
	struct err inner;
	int rc = load_trace(r, e);

	if (rc != 0)
		return rc;
	rc = nmport_open_any(r->cfg.port, &r->cfg.ring, &r->port,
	    &inner);
	if (rc != 0)
		return err_set(e, -rc, "-i %s", inner.text); /* names it */
	rc = check_buffers(r, e);
	if (rc != 0)
		return rc;
	r->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (r->done_fd == -1)
		return err_set(e, errno, "eventfd: %s", strerror(errno));
	return 0;
}

static void
close_all(struct run *r)
{
	for (unsigned i = 0; i < r->cfg.threads; i++)
		free(r->workers[i].rtt);
	nmport_close(r->port);
	gen_trace_free(&r->trace);
	if (r->done_fd != -1)
		close(r->done_fd);
}

/* Share number 'i' of 'whole' among 'n': they differ by one at most. */
static uint64_t
share(uint64_t whole, unsigned i, unsigned n)
{
	return whole / n + (i < whole % n ? 1 : 0);
}

static void
set_up_worker(struct run *r, unsigned i, uint64_t seed)
{
	const struct gen_cfg *c = &r->cfg;
	unsigned n = c->threads;

	r->workers[i] = (struct gen_worker){
	    .cfg = c,
	    .trace = c->trace_file != NULL ? &r->trace : NULL,
	    .port = r->port,
	    .stop = &stop,
	    .done_fd = r->done_fd,
	    .idx = i,
	    .n = c->n != 0 ? share(c->n, i, n) : UINT64_MAX,
	    .rate_pps = c->rate_pps != 0 ? share(c->rate_pps, i, n) : 0,
	    .seed = seed + i,
	    .cpu = c->cpu == GEN_CPU_ANY
		       ? GEN_CPU_ANY
		       : (int)(((unsigned)c->cpu + i) % c->cpus),
	};
}

/* Starts the workers.  After a failure those that run are told to stop; the
 * number that run is returned in any case. */
static unsigned
start_workers(struct run *r, struct err *e)
{
	uint64_t seed = r->cfg.seed != 0 ? r->cfg.seed : clock_mono_ns();

	for (unsigned i = 0; i < r->cfg.threads; i++)
		set_up_worker(r, i, seed);
	for (unsigned i = 0; i < r->cfg.threads; i++) {
		int rc = pthread_create(&r->threads[i], NULL, gen_worker_main,
					&r->workers[i]);

		if (rc != 0) {
			err_set(e, rc, "thread %u: %s", i, strerror(rc));
			on_signal(0);
			return i;
		}
	}
	return r->cfg.threads;
}

/* ---- during ---- */

static struct gen_totals
read_counts(const struct run *r)
{
	struct gen_totals t = {0};

	for (unsigned i = 0; i < r->cfg.threads; i++) {
		const struct gen_counts *c = &r->workers[i].counts;

		t.pkts += atomic_load_explicit(&c->pkts, memory_order_relaxed);
		t.bytes +=
		    atomic_load_explicit(&c->bytes, memory_order_relaxed);
		t.events +=
		    atomic_load_explicit(&c->events, memory_order_relaxed);
	}
	return t;
}

/* The line about what happened since 'prev', which moves on. */
static void
report(const struct run *r, struct gen_totals *prev, ns_t ns)
{
	struct gen_totals now = read_counts(r);
	struct gen_totals d = {
	    .pkts = now.pkts - prev->pkts,
	    .bytes = now.bytes - prev->bytes,
	    .events = now.events - prev->events,
	};

	gen_report_line(stderr, &r->cfg, &d, ns);
	*prev = now;
}

/* Prints lines until 'n' workers have ended. */
static void
watch(const struct run *r, unsigned n)
{
	ns_t period_ns = r->cfg.report_ms * NS_PER_MS;
	ns_t last_ns = clock_mono_ns(), now_ns = last_ns;
	ns_t next_ns = last_ns + period_ns;
	struct gen_totals prev = {0};
	uint64_t done = 0, more;

	while (done < n) {
		ns_t left_ns = next_ns > now_ns ? next_ns - now_ns : 0;

		sleep_ns(r->done_fd,
			 period_ns != 0 ? left_ns : 3600 * NS_PER_S);
		if (read(r->done_fd, &more, sizeof(more)) == sizeof(more))
			done += more;
		now_ns = clock_mono_ns();
		if (done == n || period_ns == 0 || now_ns < next_ns)
			continue;
		report(r, &prev, now_ns - last_ns);
		last_ns = now_ns;
		/* Lines that were missed (a stopped process) are left out. */
		next_ns += (1 + (now_ns - next_ns) / period_ns) * period_ns;
	}
}

/* ---- after ---- */

static struct gen_result
collect(const struct run *r)
{
	struct gen_result x = {0};
	ns_t first_ns = 0, last_ns = 0;

	for (unsigned i = 0; i < r->cfg.threads; i++) {
		const struct gen_worker *w = &r->workers[i];
		uint64_t mean = w->pkts > 0 ? w->bytes / w->pkts : 0;

		/* What is pending was counted when its slot was filled. */
		x.total.pkts += w->pkts - w->pending;
		x.total.bytes += w->bytes - w->pending * mean;
		x.total.events += w->events;
		x.pending += w->pending;
		x.requests += w->requests;
		if (w->rtt != NULL)
			x.rtt = w->rtt;
		if (w->first_ns != 0 &&
		    (first_ns == 0 || w->first_ns < first_ns))
			first_ns = w->first_ns;
		if (w->last_ns > last_ns)
			last_ns = w->last_ns;
	}
	x.ns = last_ns > first_ns ? last_ns - first_ns : 0;
	return x;
}

/* -v: what the port was given, and how many flows there are. */
static void
describe(FILE *to, const struct run *r)
{
	const struct netmap_ring *tx = nmport_txring(r->port, 0);
	const struct netmap_ring *rx = nmport_rxring(r->port, 0);
	struct gen_flow f;

	if (tx != NULL && rx != NULL)
		fprintf(to, "tx %u slots, rx %u slots, buffers of %u octets\n",
			tx->num_slots, rx->num_slots, tx->nr_buf_size);
	gen_flow_init(&f, &r->cfg.src, &r->cfg.dst);
	if (r->cfg.mode == GEN_TX && r->cfg.trace_file != NULL)
		fprintf(to, "%u frames in %s\n", r->trace.n_frames,
			r->cfg.trace_file);
	else if (r->cfg.mode == GEN_TX)
		fprintf(to, "%" PRIu64 " flows\n", gen_flow_period(&f));
}

static void
announce(FILE *to, const struct run *r)
{
	const struct gen_cfg *c = &r->cfg;
	static const char *const words[] = {
	    [GEN_RX] = "Receiving from",
	    [GEN_TX] = "Sending on",
	    [GEN_PING] = "Pinging on",
	    [GEN_PONG] = "Answering on",
	};

	fprintf(to, "%s %s: %u threads, %u cpus\n", words[c->mode], c->port,
		c->threads, c->cpus);
	if (c->verbose > 0)
		describe(to, r);
	fflush(to);
}

static int
finish(const struct run *r, struct err *e)
{
	struct gen_result x = collect(r);

	for (unsigned i = 0; i < r->cfg.threads; i++)
		if (r->workers[i].err.code != 0)
			*e = r->workers[i].err;
	if (e->code != 0 && x.total.events == 0)
		return complain(e);
	if (r->cfg.json)
		gen_report_json(stdout, &r->cfg, &x);
	else
		gen_report_summary(stdout, &r->cfg, &x);
	if (e->code != 0)
		return complain(e);
	/* As ping(8): no answer at all is a failure. */
	if (x.rtt != NULL && x.requests > 0 && x.rtt->n == 0)
		return EXIT_FAILURE;
	return EXIT_SUCCESS;
}

static int
run(struct run *r)
{
	struct err e = {0};
	unsigned n;
	int code;

	if (open_all(r, &e) != 0) {
		close_all(r);
		return complain(&e);
	}
	announce(r->cfg.json ? stderr : stdout, r);
	if (r->cfg.wait_s > 0)
		sleep_ns(stop.fd, r->cfg.wait_s * NS_PER_S);
	n = start_workers(r, &e);
	watch(r, n);
	for (unsigned i = 0; i < n; i++)
		pthread_join(r->threads[i], NULL);
	code = finish(r, &e);
	close_all(r);
	return fflush(stdout) == 0 ? code : EX_IOERR;
}

int
main(int argc, char **argv)
{
	static struct run r = {.done_fd = -1};
	struct err e;
	int rc = gen_cfg_parse(argc, argv, &r.cfg, &e);

	switch (rc) {
	case GEN_CFG_RUN:
		break;
	case GEN_CFG_HELP:
		gen_cfg_usage(stdout);
		return EXIT_SUCCESS;
	case GEN_CFG_VERSION:
		puts("pkt-gen " KIPFW_VERSION);
		return EXIT_SUCCESS;
	default:
		fprintf(stderr, "pkt-gen: %s\n", e.text);
		return EX_USAGE;
	}
	rc = catch_signals();
	if (rc != 0) {
		fprintf(stderr, "pkt-gen: signals: %s\n", strerror(-rc));
		return EX_OSERR;
	}
	return run(&r);
}
