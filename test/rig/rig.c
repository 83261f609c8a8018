/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The whole of kipfw without threads, sockets and clocks, for tests written in
 * other languages: commands on stdin, answers on stdout.
 *
 *	reset accept|deny [ADDR...]  begins anew: what rule 65535 does, and the
 *	                             addresses of 'me'
 *	ipfw ARGS                    an ipfw command line
 *	send PORT HEX...             frames that arrive at port 'em0' or 'em1',
 *	                             one burst
 *	counts                       "NUMBER PACKETS OCTETS" of each rule
 *	opcodes                      names of those that the rules consist of
 *	clock SECONDS                time passes
 *
 * Answers    "CODE OUT ERR\n", then OUT octets and ERR octets.  For ipfw these
 *            are its exit code and what it wrote.  For the others OUT has a line
 *            "PORT HEX" for each frame sent and "drop REASON COUNT" for each
 *            reason that packets ended for.
 * Path       engine, control and cli are those of the daemon; only ports, the
 *            worker's thread and the clock are stand-ins.  Every frame lies in
 *            memory of exactly its length, so that ASan sees a step beyond it.
 */
#include "cli/cli.h"
#include "ctl/control.h"
#include "engine/engine.h"
#include "port/port.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

enum { MAX_FRAME = 2112, MAX_STATES = 4096, N_PORTS = 2 };
enum { BEGIN_S = 1000000, PATIENCE_S = 10 /* of processor time */ };

static time_t now_s = BEGIN_S;
static struct engine *engine;
static struct control *control;
static FILE *out; /* of the answer */

static void
fail(const char *what)
{
	fprintf(stderr, "rig: %s\n", what);
	exit(2);
}

/* ---- the clock, in place of libc's ---- */

int
clock_gettime(clockid_t id, struct timespec *ts)
{
	(void)id;
	*ts = (struct timespec){.tv_sec = now_s};
	return 0;
}

time_t
time(time_t *t)
{
	if (t != NULL)
		*t = now_s;
	return now_s;
}

/* ---- ports, in place of port.c: what arrives is put there, what leaves is
 * written into the answer ---- */

struct arrivals {
	unsigned n;
	uint8_t *frames[PORT_BURST];
	uint16_t lens[PORT_BURST];
};

static struct port *ports[N_PORTS];

static unsigned
rig_rx(struct port *p, struct pkt *pkts, unsigned max)
{
	struct arrivals *a = p->priv;
	unsigned n = a->n < max ? a->n : max;

	for (unsigned i = 0; i < n; i++) {
		pkts[i].data = a->frames[i];
		pkts[i].len = a->lens[i];
	}
	p->stats.rx_pkts += n;
	return n;
}

static void
rig_release(struct port *p)
{
	struct arrivals *a = p->priv;

	while (a->n > 0)
		free(a->frames[--a->n]);
}

static unsigned
rig_room(struct port *p)
{
	(void)p;
	return PORT_BURST;
}

static unsigned
rig_tx(struct port *p, struct port *from, struct pkt *const *pkts, unsigned n)
{
	(void)from;
	for (unsigned i = 0; i < n; i++) {
		fprintf(out, "%s ", p->ifname);
		for (unsigned k = 0; k < pkts[i]->len; k++)
			fprintf(out, "%02x", pkts[i]->data[k]);
		fputc('\n', out);
	}
	p->stats.tx_pkts += n;
	return n;
}

static void
rig_kick(struct port *p)
{
	(void)p;
}

static bool
rig_sleep_begin(struct port *p, unsigned flags)
{
	(void)p, (void)flags;
	return false;
}

static const struct port_ops rig_ops = {
	.kind = "rig:",
	.help = "",
	.rx = rig_rx,
	.release = rig_release,
	.room = rig_room,
	.tx = rig_tx,
	.kick = rig_kick,
	.pending = port_none_pending,
	.sleep_begin = rig_sleep_begin,
	.sleep_end = rig_kick,
};

const struct port_ops *const port_kinds[] = {&rig_ops, NULL};

unsigned
port_none_pending(struct port *p)
{
	(void)p;
	return 0;
}

int
port_open(const char *name, struct port **opened, struct err *e)
{
	struct port *p = calloc(1, sizeof(*p));

	(void)e;
	if (p == NULL || (p->priv = calloc(1, sizeof(struct arrivals))) == NULL)
		fail("no memory");
	p->ops = &rig_ops;
	p->fd = -1;
	snprintf(p->name, sizeof(p->name), "%s", name);
	snprintf(p->ifname, sizeof(p->ifname), "%.15s", name);
	for (unsigned i = 0; i < N_PORTS; i++) {
		if (strcmp(name, i == 0 ? "em0" : "em1") == 0)
			ports[i] = p;
	}
	*opened = p;
	return 0;
}

void
port_close(struct port *p)
{
	if (p == NULL)
		return;
	free(p->priv);
	free(p);
}

/* ---- commands ---- */

static void
add_me(struct me *me, const char *addr)
{
	if (inet_pton(AF_INET, addr, &me->addrs4[me->n4]) == 1)
		me->n4++;
	else if (inet_pton(AF_INET6, addr, me->addrs6[me->n6]) == 1)
		me->n6++;
	else
		fail("reset: not an address");
}

static void
do_reset(char *args)
{
	struct engine_cfg cfg = {.seed = 1, .max_states = MAX_STATES};
	struct err e = {0};
	char *word = strtok(args, " ");

	cfg.default_accept = word != NULL && strcmp(word, "accept") == 0;
	while ((word = strtok(NULL, " ")) != NULL)
		add_me(&cfg.me, word);
	control_destroy(control);
	engine_destroy(engine);
	now_s = BEGIN_S;
	if (engine_create(&cfg, &engine, &e) != 0 ||
	    engine_add_pair(engine, "em0", "em1", &e) != 0 ||
	    (control = control_create(engine)) == NULL)
		fail(e.text);
}

static int
do_ipfw(char *args, FILE *err)
{
	char name[] = "ipfw", *argv[] = {name, args, NULL};
	FILE *in = fmemopen(args, 1, "r"); /* no answers are asked for */
	struct cli c = {
	    .ctl = ctl_client_wrap(ctl_local_transport, control),
	    .in = in,
	    .out = out,
	    .err = err,
	    .prog = name,
	    .flags = CLI_FORCE,
	    .set = -1,
	};
	int code;

	if (c.ctl == NULL || in == NULL)
		fail("no memory");
	code = cli_main(&c, *args != '\0' ? 2 : 1, argv);
	ctl_client_close(c.ctl);
	fclose(in);
	return code;
}

static int
digit(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : (c | 0x20) - 'a' + 10;
}

static void
arrive(struct arrivals *a, const char *hex)
{
	size_t len = strlen(hex) / 2;

	if (a->n == PORT_BURST || len > MAX_FRAME)
		fail("send: too much");
	if ((a->frames[a->n] = malloc(len + (len == 0))) == NULL)
		fail("no memory");
	for (size_t i = 0; i < len; i++)
		a->frames[a->n][i] =
		    (uint8_t)(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
	a->lens[a->n++] = (uint16_t)len;
}

/* One round of the engine, and what it dropped. */
static void
run_round(void)
{
	static const char *const names[] = {
#define DROP(name, text) #name,
#include "engine/drop.def"
	};
	struct engine_totals before, after;

	engine_totals(engine, &before);
	engine_round(engine);
	engine_totals(engine, &after);
	for (unsigned i = 0; i < N_DROPS; i++) {
		if (after.drops[i] != before.drops[i])
			fprintf(out, "drop %s %u\n", names[i],
			    (unsigned)(after.drops[i] - before.drops[i]));
	}
}

static void
do_send(char *args)
{
	char *word = strtok(args, " ");
	struct port *p = NULL;

	for (unsigned i = 0; i < N_PORTS; i++) {
		if (word != NULL && strcmp(word, ports[i]->ifname) == 0)
			p = ports[i];
	}
	if (p == NULL)
		fail("send: no such port");
	while ((word = strtok(NULL, " ")) != NULL)
		arrive(p->priv, word);
	run_round();
}

/* What 'ipfw -a list' tells, without the way to it. */
static void
do_counts(void)
{
	const struct ruleset *rs = engine_rules(engine);
	struct count n;

	for (unsigned i = 0; i < rs->n_rules; i++) {
		counters_read(engine_counters(engine), rs->rules[i]->counter,
		    &n);
		fprintf(out, "%u %llu %llu\n", rs->rules[i]->num,
		    (unsigned long long)n.pkts, (unsigned long long)n.bytes);
	}
}

static void
do_opcodes(void)
{
	const struct ruleset *rs = engine_rules(engine);
	bool used[O_LAST] = {false};

	for (unsigned n = 0; n < rs->n_rules; n++) {
		const struct rule *r = rs->rules[n];
		const struct insn *i = r->cmd, *end = i + r->n_words;

		for (; i < end; i = insn_next(i))
			used[i->opcode] = true;
	}
	for (unsigned op = 0; op < O_LAST; op++) {
		if (used[op])
			fprintf(out, "%s\n", insn_table[op].name);
	}
}

static int
command(char *line, FILE *err)
{
	char *args = strchr(line, ' ');

	if (args != NULL)
		*args++ = '\0';
	else
		args = line + strlen(line);
	if (strcmp(line, "reset") == 0)
		do_reset(args);
	else if (engine == NULL)
		fail("the first command is reset");
	else if (strcmp(line, "ipfw") == 0)
		return do_ipfw(args, err);
	else if (strcmp(line, "send") == 0)
		do_send(args);
	else if (strcmp(line, "counts") == 0)
		do_counts();
	else if (strcmp(line, "opcodes") == 0)
		do_opcodes();
	else if (strcmp(line, "clock") == 0) {
		now_s += atoi(args);
		run_round();
	} else
		fail("no such command");
	return 0;
}

/* A command that computes for long runs in circles: SIGPROF ends the rig. */
static void
be_patient(void)
{
	const struct itimerval t = {.it_value = {.tv_sec = PATIENCE_S}};

	setitimer(ITIMER_PROF, &t, NULL);
}

int
main(void)
{
	char *line = NULL, *text, *errors;
	size_t room = 0, text_len, errors_len;
	ssize_t n;

	while ((n = getline(&line, &room, stdin)) > 0) {
		FILE *err = open_memstream(&errors, &errors_len);
		int code;

		if ((out = open_memstream(&text, &text_len)) == NULL ||
		    err == NULL)
			fail("no memory");
		line[n - 1] = '\0';
		be_patient();
		code = command(line, err);
		fclose(out);
		fclose(err);
		printf("%d %zu %zu\n%s%s", code, text_len, errors_len, text,
		    errors);
		fflush(stdout);
		free(text);
		free(errors);
	}
	free(line);
	control_destroy(control);
	engine_destroy(engine);
	return 0;
}
