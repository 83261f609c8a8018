/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/options.h"

#include "ipfw_abi.h"
#include "port/port.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- values of their own kinds ---- */

/* A whole decimal number within [lo, hi]. */
static int
number(const char *what, const char *text, uint64_t lo, uint64_t hi,
    uint64_t *out, struct err *e)
{
	char *end;
	unsigned long long v;

	errno = 0;
	v = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 ||
	    v < lo || v > hi)
		return err_set(e, EINVAL,
		    "%s '%s': not a number from %llu to %llu", what, text,
		    (unsigned long long)lo, (unsigned long long)hi);
	*out = v;
	return 0;
}

static int
default_rule(struct options *o, char *text, struct err *e)
{
	if (strcmp(text, "allow") == 0 || strcmp(text, "accept") == 0)
		o->engine.default_accept = true;
	else if (strcmp(text, "deny") == 0 || strcmp(text, "drop") == 0)
		o->engine.default_accept = false;
	else
		return err_set(e, EINVAL, "--default '%s': allow or deny",
		    text);
	return 0;
}

/* Adds one address, of either family. */
static int
own_address(struct me *me, const char *text, struct err *e)
{
	if (me->n4 == ME_MAX || me->n6 == ME_MAX)
		return err_set(e, EINVAL, "--me: more than %d addresses",
		    ME_MAX);
	if (inet_pton(AF_INET, text, &me->addrs4[me->n4]) == 1)
		me->n4++;
	else if (inet_pton(AF_INET6, text, me->addrs6[me->n6]) == 1)
		me->n6++;
	else
		return err_set(e, EINVAL, "--me '%s': not an address", text);
	return 0;
}

static int
own_addresses(struct options *o, char *list, struct err *e)
{
	char one[64];
	int rc = 0;

	while (rc == 0 && *list != '\0') {
		size_t n = strcspn(list, ",");

		snprintf(one, sizeof(one), "%.*s", (int)n, list);
		rc = own_address(&o->engine.me, one, e);
		list += n + (list[n] == ',');
	}
	return rc;
}

static int
verdict_format(struct options *o, char *text, struct err *e)
{
	if (strcmp(text, "text") == 0)
		o->verdict_format = VERDICT_TEXT;
	else if (strcmp(text, "json") == 0)
		o->verdict_format = VERDICT_JSON;
	else
		return err_set(e, EINVAL, "--verdicts-format '%s': text or "
		    "json", text);
	return 0;
}

static int
then(struct options *o, char *text, struct err *e)
{
	if (o->n_then == OPTIONS_THEN)
		return err_set(e, EINVAL, "--then: more than %d commands",
		    OPTIONS_THEN);
	o->then[o->n_then++] = text;
	return 0;
}

/* A processor or a range of them at *text, which moves behind it. */
static int
cpu_range(struct options *o, const char **text, struct err *e)
{
	struct engine_cfg *en = &o->engine;
	unsigned lo, hi;
	int len = 0;

	if (**text < '0' || **text > '9' ||
	    sscanf(*text, "%4u%n", &lo, &len) != 1)
		return -EINVAL;
	*text += len;
	hi = lo;
	if (**text == '-') {
		if ((*text)[1] < '0' || (*text)[1] > '9' ||
		    sscanf(*text, "-%4u%n", &hi, &len) != 1 || hi < lo)
			return -EINVAL;
		*text += len;
	}
	if (hi >= CPU_SETSIZE)
		return err_set(e, EINVAL, "--cpus: processors are 0 to %d",
		    CPU_SETSIZE - 1);
	for (; lo <= hi; lo++) {
		if (en->n_cpus == ENGINE_MAX_WORKERS)
			return err_set(e, EINVAL, "--cpus: more than %d",
			    ENGINE_MAX_WORKERS);
		en->cpus[en->n_cpus++] = (uint16_t)lo;
	}
	return 0;
}

static int
cpu_list(struct options *o, char *list, struct err *e)
{
	const char *at = list;
	int rc;

	o->engine.n_cpus = 0;
	e->text[0] = '\0';
	do {
		rc = cpu_range(o, &at, e);
	} while (rc == 0 && *at == ',' && *++at != '\0');
	if ((rc == 0 && *at != '\0') || (rc != 0 && e->text[0] == '\0'))
		return err_set(e, EINVAL, "--cpus '%s': not a list of "
		    "processors like 2,4-6", list);
	return rc;
}

/* ---- one row an option ---- */

enum kind {
	FLAG,	/* a bool becomes true */
	NUMBER, /* a whole number from lo to hi */
	TEXT,	/* the word is kept */
	READ,	/* 'read' does it */
};

#define AT(f)	  offsetof(struct options, f), sizeof(((struct options *)0)->f)
#define NOWHERE	  0, 0
#define ANY	  0, 0
#define USUAL_PRIO "10"

static const struct row {
	char letter;	   /* 0 = none */
	const char *word;
	const char *value; /* NULL = none; "[=X]" may be left out */
	const char *help;  /* '\n' begins a second line */
	enum kind kind;
	size_t at, size;   /* of the field in struct options */
	uint64_t lo, hi;
	int (*read)(struct options *o, char *text, struct err *e);
} rows[] = {
    {'f', "file", "FILE", "load the ipfw commands of FILE at start", TEXT,
	AT(rules_file), ANY, NULL},
    {'p', "port", "N", "control on 127.0.0.1:N (IPFW_PORT, or 5555); the\n"
	"infinite source is started at N + 1", NUMBER, AT(port), 1, 65534,
	NULL},
    {'S', "socket", "PATH", "control on a unix socket as well", TEXT,
	AT(socket), ANY, NULL},
    {'w', "workers", "N", "threads that move packets (1)", NUMBER,
	AT(engine.n_workers), 1, ENGINE_MAX_WORKERS, NULL},
    {0, "cpus", "LIST", "processors they stay on, 2,4-6 for example", READ,
	NOWHERE, ANY, cpu_list},
    {0, "realtime", "[=PRIO]", "nothing ordinary takes the processor from "
	"them:\nprecise delays; SCHED_FIFO, priority 1 to 99 (" USUAL_PRIO ")",
	NUMBER, AT(engine.realtime), 1, 99, NULL},
    {0, "default", "WHAT", "rule 65535: allow or deny (allow)", READ, NOWHERE,
	ANY, default_rule},
    {0, "out-pass", NULL, "evaluate packets a second time on their way out",
	FLAG, AT(out_pass), ANY, NULL},
    {0, "source", "N", "packets a burst of the infinite source (256)", NUMBER,
	AT(engine.source_burst), 1, PORT_BURST, NULL},
    {0, "source-packet", "F", "packets it sends: those of the capture F",
	TEXT, AT(engine.source_pcap), ANY, NULL},
    {0, "me", "ADDR[,ADDR]", "the addresses that me and me6 stand for (none)",
	READ, NOWHERE, ANY, own_addresses},
    {0, "states", "N", "room for so many dynamic states (1048576)", NUMBER,
	AT(engine.max_states), STATE_CAPACITY_MIN, STATE_CAPACITY_MAX, NULL},
    {0, "syslog", NULL, "what rules log goes to syslog, not to standard error",
	FLAG, AT(log.syslog), ANY, NULL},
    {0, "log-pcap", "FILE", "capture the packets that rules log, as pcapng",
	TEXT, AT(log.pcap), ANY, NULL},
    {0, "divert", "PATH", "a socket for programs that divert and tee feed",
	TEXT, AT(divert), ANY, NULL},
    {0, "seed", "N", "seed of everything random", NUMBER, AT(engine.seed), 0,
	UINT64_MAX, NULL},
    {0, "virtual", NULL, "time is that of the captures, see pcap:", FLAG,
	AT(engine.is_virtual), ANY, NULL},
    {0, "verdicts", "FILE", "what became of each packet (with --virtual)",
	TEXT, AT(verdicts), ANY, NULL},
    {0, "verdicts-format", "F", "text or json (json if FILE ends in .json[l])",
	READ, NOWHERE, ANY, verdict_format},
    {0, "then", "COMMAND", "an ipfw command at the end, 'show' for example",
	READ, NOWHERE, ANY, then},
    {0, "stay", NULL, "do not end when all captures are over", FLAG, AT(stay),
	ANY, NULL},
    {'h', "help", NULL, "this text", FLAG, AT(help), ANY, NULL},
    {'V', "version", NULL, "the version", FLAG, AT(version), ANY, NULL},
};

enum { N_ROWS = ARRAY_LEN(rows), WORD = 256, COLUMN = 25 };

/* ---- --help ---- */

static void
print_row(const struct row *r)
{
	const char *end = strchr(r->help, '\n');
	char left[64];

	snprintf(left, sizeof(left), "  %c%c%c --%s%s%s",
	    r->letter != 0 ? '-' : ' ', r->letter != 0 ? r->letter : ' ',
	    r->letter != 0 ? ',' : ' ', r->word,
	    r->value != NULL && *r->value != '[' ? " " : "",
	    r->value != NULL ? r->value : "");
	if (strlen(left) + 2 > COLUMN)
		printf("%s  ", left);
	else
		printf("%-*s", COLUMN, left);
	if (end != NULL)
		printf("%.*s\n%*s%s\n", (int)(end - r->help), r->help, COLUMN,
		    "", end + 1);
	else
		printf("%s\n", r->help);
}

void
options_help(void)
{
	fputs("usage: kipfw [options] PORT PORT [PORT PORT ...]\n"
	      "Filters packets between pairs of ports with ipfw's rules; the "
	      "command\n"
	      "ipfw controls it.  Without ports only the infinite source is "
	      "there.\n\n", stdout);
	for (unsigned i = 0; i < N_ROWS; i++)
		print_row(&rows[i]);
	fputs("\nPorts:\n", stdout);
	for (const struct port_ops *const *k = port_kinds; *k != NULL; k++)
		printf("  %s\n", (*k)->help);
}

/* ---- reading ---- */

/* Puts a number into the field of a row, whose size tells its type. */
static void
put_number(void *field, size_t size, uint64_t v)
{
	uint16_t v16 = (uint16_t)v;
	uint32_t v32 = (uint32_t)v;

	memcpy(field, size == sizeof(v16) ? (void *)&v16 :
	    size == sizeof(v32)		  ? (void *)&v32 :
					    (void *)&v, size);
}

static int
one_option(struct options *o, const struct row *r, char *text, struct err *e)
{
	void *field = (char *)o + r->at;
	char name[32];
	uint64_t v = 0;
	int rc;

	switch (r->kind) {
	case FLAG:
		*(bool *)field = true;
		return 0;
	case NUMBER:
		snprintf(name, sizeof(name), "--%s", r->word);
		rc = number(name, text != NULL ? text : USUAL_PRIO, r->lo,
		    r->hi, &v, e);
		if (rc == 0)
			put_number(field, r->size, v);
		return rc;
	case TEXT:
		memcpy(field, &text, sizeof(text));
		return 0;
	case READ:
		return r->read(o, text, e);
	}
	return 0;
}

/* What getopt_long() wants to know. */
static void
getopt_tables(char *letters, struct option *words)
{
	*letters++ = ':';
	for (unsigned i = 0; i < N_ROWS; i++) {
		const struct row *r = &rows[i];

		words[i] = (struct option){r->word,
		    r->value == NULL  ? no_argument :
		    *r->value == '['  ? optional_argument :
					required_argument,
		    NULL, WORD + (int)i};
		if (r->letter != 0) {
			*letters++ = r->letter;
			if (r->value != NULL)
				*letters++ = ':';
		}
	}
	*letters = '\0';
	words[N_ROWS] = (struct option){NULL, 0, NULL, 0};
}

static const struct row *
row_of(int opt)
{
	if (opt >= WORD)
		return &rows[opt - WORD];
	for (unsigned i = 0;; i++)
		if (rows[i].letter == opt)
			return &rows[i];
}

/* The control port of the environment, or the usual one. */
static int
env_port(struct options *o, struct err *e)
{
	const char *text = getenv("IPFW_PORT");
	uint64_t v = CTL_PORT;
	int rc = text == NULL ? 0 : number("IPFW_PORT", text, 1, 65534, &v, e);

	o->port = (uint16_t)v;
	return rc;
}

/* Names the option that getopt_long() did not know: a letter, perhaps of
 * several in one word, or that word, which begins with two dashes. */
static int
unknown(const char *word, struct err *e)
{
	if (strncmp(word, "--", 2) != 0)
		return err_set(e, EINVAL, "unknown option '-%c'", optopt);
	return err_set(e, EINVAL, "unknown option '%s'", word);
}

/* What goes together. */
static int
check_together(const struct options *o, struct err *e)
{
	bool is_virtual = o->engine.is_virtual;

	if (o->n_ports % 2 != 0)
		return err_set(e, EINVAL, "%u port%s: ports come in pairs",
		    o->n_ports, o->n_ports == 1 ? "" : "s");
	if (is_virtual && o->n_ports == 0)
		return err_set(e, EINVAL, "--virtual needs pcap: ports");
	if (is_virtual && o->engine.realtime != 0)
		return err_set(e, EINVAL, "--realtime with --virtual: there is "
		    "no real time to be in");
	if (is_virtual && o->divert != NULL)
		return err_set(e, EINVAL, "--divert with --virtual: programs "
		    "that are given packets take real time");
	if (is_virtual && o->socket != NULL)
		return err_set(e, EINVAL, "--socket with --virtual: nobody "
		    "answers there; --then runs commands at the end");
	if (!is_virtual && o->verdicts != NULL)
		return err_set(e, EINVAL, "--verdicts without --virtual: in "
		    "real time packets do not wait for a line each");
	return 0;
}

int
options_parse(struct options *o, int argc, char **argv, struct err *e)
{
	struct option words[N_ROWS + 1];
	char letters[2 * N_ROWS + 2];
	int opt, rc;

	memset(o, 0, sizeof(*o));
	o->engine.default_accept = true;
	o->engine.seed = 1;
	if ((rc = env_port(o, e)) != 0)
		return rc;
	opterr = 0;
	getopt_tables(letters, words);
	while ((opt = getopt_long(argc, argv, letters, words, NULL)) != -1) {
		if (opt == ':')
			return err_set(e, EINVAL, "'%s' needs a value",
			    argv[optind - 1]);
		if (opt == '?')
			return unknown(argv[optind - 1], e);
		if ((rc = one_option(o, row_of(opt), optarg, e)) != 0)
			return rc;
	}
	o->engine.log_capture = o->log.pcap != NULL;
	o->ports = argv + optind;
	o->n_ports = (unsigned)(argc - optind);
	return check_together(o, e);
}
