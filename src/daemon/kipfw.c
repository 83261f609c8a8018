/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kipfw: the daemon.  Opens everything, loads the rules, then forwards until it
 * is told to end; if anything cannot be had it says so and nothing runs.
 */
#include "base/err.h"
#include "base/log.h"
#include "base/sched.h"
#include "cli/cli.h"
#include "ctl/client.h"
#include "ctl/control.h"
#include "ctl/server.h"
#include "daemon/diverter.h"
#include "daemon/logger.h"
#include "daemon/offline.h"
#include "daemon/options.h"
#include "daemon/replay.h"
#include "engine/engine.h"

#include <errno.h>
#include <event2/event.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sysexits.h>

enum {
	TENDS_PER_S = 10,
	FINISHED = 2, /* looks in a row that find nothing to do: the end */
};

struct daemon {
	struct options opt;
	struct engine *engine;
	struct control *control;
	struct event_base *base;
	struct event *sigint, *sigterm;
	struct server *server;
	struct logger *logger;
	struct event *tender; /* calls engine_tend(), TENDS_PER_S times a second */
	unsigned n_tends;
	unsigned n_finished;
	struct diverter *diverter;
	bool quiet_end; /* what is wrong has been told */
};

/* Rulesets come and go by hundreds of kilobytes while rules are loaded: keep
 * what was freed instead of giving it back and faulting it in again. */
static void
keep_memory(void)
{
	mallopt(M_MMAP_THRESHOLD, 64 << 20);
	mallopt(M_TRIM_THRESHOLD, 64 << 20);
	mallopt(M_TOP_PAD, 1 << 20);
}

/* With --realtime, a page once here stays: no worker waits for a disk.  Pages are
 * still had when they are first touched, for most are never. */
static void
lock_memory(void)
{
	if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == -1)
		log_msg(LOG_WARN, "--realtime: memory is not locked (%s): CAP_IPC_LOCK or "
		    "a higher 'ulimit -l' would do it", strerror(errno));
}

static void
on_signal(evutil_socket_t sig, short what, void *arg)
{
	(void)sig, (void)what;
	event_base_loopbreak(arg);
}

static void
on_tend(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;

	(void)fd, (void)what;
	engine_tend(d->engine);
	if (++d->n_tends % TENDS_PER_S == 0)
		control_tend(d->control);
	if (d->opt.stay || !engine_is_finished(d->engine)) {
		d->n_finished = 0;
	} else if (++d->n_finished == FINISHED) {
		puts("kipfw: the captures are over");
		event_base_loopbreak(d->base);
	}
}

static int
start_tender(struct daemon *d, struct err *e)
{
	static const struct timeval tick = {.tv_usec = 1000000 / TENDS_PER_S};

	d->tender = event_new(d->base, -1, EV_PERSIST, on_tend, d);
	if (d->tender == NULL || event_add(d->tender, &tick) == -1)
		return err_set(e, ENOMEM, "no memory for a timer");
	return 0;
}

/* The engine with its ports, and who controls it. */
static int
open_ports(struct daemon *d, struct err *e)
{
	int rc = engine_create(&d->opt.engine, &d->engine, e);

	for (unsigned i = 0; rc == 0 && i < d->opt.n_ports; i += 2)
		rc = engine_add_pair(d->engine, d->opt.ports[i],
		    d->opt.ports[i + 1], e);
	if (rc == 0)
		knob_set(&engine_knobs(d->engine)->out_pass, d->opt.out_pass);
	if (rc == 0 && d->opt.engine.is_virtual)
		rc = engine_virtual_begin(d->engine, e);
	if (rc == 0 && (d->control = control_create(d->engine)) == NULL)
		rc = err_set(e, ENOMEM, "no memory to control it");
	return rc;
}

static int
open_control(struct daemon *d, struct err *e)
{
	const struct server_cfg cfg = {
		.port = d->opt.port,
		.unix_path = d->opt.socket,
	};

	if ((d->base = event_base_new()) == NULL)
		return err_set(e, ENOMEM, "no memory for the control socket");
	d->sigint = evsignal_new(d->base, SIGINT, on_signal, d->base);
	d->sigterm = evsignal_new(d->base, SIGTERM, on_signal, d->base);
	if (d->sigint == NULL || event_add(d->sigint, NULL) != 0 ||
	    d->sigterm == NULL || event_add(d->sigterm, NULL) != 0)
		return err_set(e, ENOMEM, "cannot watch for signals");
	return server_create(d->base, d->control, d->engine, &cfg, &d->server,
	    e);
}

/* Runs the commands of -f through the same door as those of a socket. */
static int
load_rules(struct daemon *d, struct err *e)
{
	struct ctl_client *c;
	int rc;

	if (d->opt.rules_file == NULL)
		return 0;
	if ((c = ctl_client_wrap(ctl_local_transport, d->control)) == NULL)
		return err_set(e, ENOMEM, "no memory to load rules");
	rc = cli_run_file(c, d->opt.rules_file, stderr, e);
	ctl_client_close(c);
	return rc == 0 ? 0 : -EINVAL;
}

static void
say_hello(const struct daemon *d)
{
	for (unsigned i = 0; i < d->opt.n_ports; i += 2)
		printf("kipfw: %s <-> %s\n", d->opt.ports[i],
		    d->opt.ports[i + 1]);
	printf("kipfw: %u rules, control on 127.0.0.1:%u, source on %u%s%s\n",
	    engine_rules(d->engine)->n_rules, d->opt.port, d->opt.port + 1,
	    d->opt.socket != NULL ? ", socket " : "",
	    d->opt.socket != NULL ? d->opt.socket : "");
	fflush(stdout);
}

/* Answers to rejected packets, if there were any. */
static void
say_replies(const struct reply_stats *r)
{
	if ((r->sent | r->limited | r->no_room) != 0)
		printf("kipfw: %llu answers sent, %llu over the limit, "
		    "%llu without room\n", (unsigned long long)r->sent,
		    (unsigned long long)r->limited,
		    (unsigned long long)r->no_room);
}

/* Keepalives, if there were any. */
static void
say_keepalives(const struct keepalive_stats *k)
{
	if ((k->sent | k->no_room) != 0)
		printf("kipfw: %llu keepalives sent, %llu without room\n",
		    (unsigned long long)k->sent,
		    (unsigned long long)k->no_room);
}

/* Packets of divert and tee, if there were any. */
static void
say_diverts(const struct divert_stats *s)
{
	if ((s->handed | s->tees_lost | s->resumed) != 0)
		printf("kipfw: %llu packets to divert listeners, %llu given "
		    "back, %llu copies lost\n", (unsigned long long)s->handed,
		    (unsigned long long)s->resumed,
		    (unsigned long long)s->tees_lost);
}

static void
say_totals(const struct daemon *d)
{
	struct engine_totals t;
	uint64_t dropped = 0;

	engine_totals(d->engine, &t);
	for (unsigned i = 0; i < N_DROPS; i++) {
		if (i != DROP_SOURCE_END)
			dropped += t.drops[i];
	}
	printf("kipfw: received %llu, sent %llu, dropped %llu\n",
	    (unsigned long long)t.rx_pkts, (unsigned long long)t.tx_pkts,
	    (unsigned long long)dropped);
	for (unsigned i = 0; i < N_DROPS; i++) {
		if (t.drops[i] != 0)
			printf("kipfw: %12llu %s\n",
			    (unsigned long long)t.drops[i], drop_text[i]);
	}
	if (t.rx_lost != 0)
		printf("kipfw: %12llu came faster than they could be received, "
		    "or broken\n", (unsigned long long)t.rx_lost);
	say_replies(&t.replies);
	say_keepalives(&t.keepalives);
	say_diverts(&t.diverts);
}

static void
clean_up(struct daemon *d)
{
	if (d->server != NULL)
		server_destroy(d->server);
	if (d->engine != NULL)
		engine_stop(d->engine);
	diverter_destroy(d->diverter);
	logger_destroy(d->logger);
	control_destroy(d->control);
	if (d->tender != NULL)
		event_free(d->tender);
	if (d->sigint != NULL)
		event_free(d->sigint);
	if (d->sigterm != NULL)
		event_free(d->sigterm);
	if (d->base != NULL)
		event_base_free(d->base);
	engine_destroy(d->engine);
}

/* One of --then; its error has been told, and now whose it is. */
static int
run_command(struct cli *c, char *command)
{
	int rc = cli_main(c, 2, (char *[]){(char []){"ipfw"}, command, NULL});

	fflush(stdout);
	if (rc != EX_OK)
		fprintf(stderr, "kipfw: --then '%s': failed, status %d\n",
		    command, rc);
	return rc;
}

/* All of them.  Returns the exit code of the first that failed. */
static int
run_then(struct daemon *d)
{
	struct cli c = {.in = stdin, .out = stdout, .err = stderr, .set = -1,
	    .prog = "ipfw", .flags = CLI_FORCE};
	int first = EX_OK;

	if (d->opt.n_then == 0)
		return EX_OK;
	c.ctl = ctl_client_wrap(ctl_local_transport, d->control);
	if (c.ctl == NULL) {
		fprintf(stderr, "kipfw: --then: no memory\n");
		return EX_OSERR;
	}
	for (unsigned i = 0; i < d->opt.n_then; i++) {
		int rc = run_command(&c, d->opt.then[i]);

		first = first != EX_OK ? first : rc;
	}
	ctl_client_close(c.ctl);
	return first;
}

/* The last words.  Returns the exit code, if nothing was wrong before. */
static int
farewell(struct daemon *d)
{
	int rc = run_then(d);

	say_totals(d);
	d->quiet_end = true;
	return engine_captures_failed(d->engine) ? EX_IOERR : rc;
}

/* With --virtual. */
static int
run_virtual(struct daemon *d, struct err *e)
{
	int rc;

	if (open_ports(d, e) != 0)
		return EX_UNAVAILABLE;
	if (logger_create(NULL, d->engine, &d->opt.log, &d->logger, e) != 0)
		return EX_CANTCREAT;
	if (load_rules(d, e) != 0)
		return EX_DATAERR;
	rc = replay_run(d->engine, d->logger, &d->opt, e);
	logger_run(d->logger);
	if (rc != EX_OK)
		return rc;
	return farewell(d);
}

/* Brings everything up and runs.  Returns an exit code. */
static int
run(struct daemon *d, struct err *e)
{
	if (open_ports(d, e) != 0)
		return EX_UNAVAILABLE;
	if (open_control(d, e) != 0)
		return EX_UNAVAILABLE;
	if (logger_create(d->base, d->engine, &d->opt.log, &d->logger, e) != 0)
		return EX_CANTCREAT;
	if (d->opt.divert != NULL &&
	    diverter_create(d->engine, d->opt.divert, &d->diverter, e) != 0)
		return EX_CANTCREAT;
	if (start_tender(d, e) != 0)
		return EX_OSERR;
	if (load_rules(d, e) != 0)
		return EX_DATAERR;
	if (engine_start(d->engine, e) != 0)
		return EX_OSERR;
	sched_short_slices(); /* commands are answered under full load */
	say_hello(d);
	event_base_dispatch(d->base);
	engine_stop(d->engine);
	diverter_destroy(d->diverter);
	d->diverter = NULL;
	logger_run(d->logger);
	return farewell(d);
}

/* ipfw that needs an engine calls us by its own name. */
static bool
is_ipfw(const char *name)
{
	const char *slash = strrchr(name, '/');

	return strcmp(slash != NULL ? slash + 1 : name, "ipfw") == 0;
}

int
main(int argc, char **argv)
{
	static struct daemon d;
	struct err e = {0};
	int rc;

	if (argc > 0 && is_ipfw(argv[0]))
		return cli_program(argc, argv, &offline_ops);
	if (options_parse(&d.opt, argc, argv, &e) != 0) {
		fprintf(stderr, "kipfw: %s\n"
		    "usage: kipfw [options] PORT PORT [PORT PORT ...]; "
		    "kipfw --help tells more\n", e.text);
		return EX_USAGE;
	}
	if (d.opt.help) {
		options_help();
		return EX_OK;
	}
	if (d.opt.version) {
		puts("kipfw " KIPFW_VERSION);
		return EX_OK;
	}
	signal(SIGPIPE, SIG_IGN);
	keep_memory();
	if (d.opt.engine.realtime != 0)
		lock_memory();
	rc = d.opt.engine.is_virtual ? run_virtual(&d, &e) : run(&d, &e);
	if (rc != EX_OK && !d.quiet_end)
		fprintf(stderr, "kipfw: %s\n", e.text);
	clean_up(&d);
	return rc;
}
