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

enum {
	OPT_DEFAULT = 256,
	OPT_OUT_PASS,
	OPT_SOURCE,
	OPT_PACKET,
	OPT_SEED,
	OPT_ME,
	OPT_STATES,
	OPT_SYSLOG,
	OPT_LOG_PCAP,
	OPT_DIVERT,
	OPT_VIRTUAL,
	OPT_VERDICTS,
	OPT_VERDICTS_FORMAT,
	OPT_THEN,
	OPT_STAY,
	OPT_REALTIME,
	OPT_CPUS,
};

static const struct option longs[] = {
	{"file", required_argument, NULL, 'f'},
	{"port", required_argument, NULL, 'p'},
	{"socket", required_argument, NULL, 'S'},
	{"workers", required_argument, NULL, 'w'},
	{"default", required_argument, NULL, OPT_DEFAULT},
	{"out-pass", no_argument, NULL, OPT_OUT_PASS},
	{"source", required_argument, NULL, OPT_SOURCE},
	{"source-packet", required_argument, NULL, OPT_PACKET},
	{"seed", required_argument, NULL, OPT_SEED},
	{"me", required_argument, NULL, OPT_ME},
	{"states", required_argument, NULL, OPT_STATES},
	{"syslog", no_argument, NULL, OPT_SYSLOG},
	{"log-pcap", required_argument, NULL, OPT_LOG_PCAP},
	{"divert", required_argument, NULL, OPT_DIVERT},
	{"virtual", no_argument, NULL, OPT_VIRTUAL},
	{"verdicts", required_argument, NULL, OPT_VERDICTS},
	{"verdicts-format", required_argument, NULL, OPT_VERDICTS_FORMAT},
	{"then", required_argument, NULL, OPT_THEN},
	{"stay", no_argument, NULL, OPT_STAY},
	{"realtime", optional_argument, NULL, OPT_REALTIME},
	{"cpus", required_argument, NULL, OPT_CPUS},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{NULL, 0, NULL, 0},
};

static const char help_text[] =
    "usage: kipfw [options] PORT PORT [PORT PORT ...]\n"
    "Filters packets between pairs of ports with ipfw's rules; the command\n"
    "ipfw controls it.  Without ports only the infinite source is there.\n"
    "\n"
    "  -f, --file FILE        load the ipfw commands of FILE at start\n"
    "  -p, --port N           control on 127.0.0.1:N (IPFW_PORT, or 5555); the\n"
    "                         infinite source is started at N + 1\n"
    "  -S, --socket PATH      control on a unix socket as well\n"
    "  -w, --workers N        threads that move packets (1)\n"
    "      --cpus LIST        processors they stay on, 2,4-6 for example\n"
    "      --realtime[=PRIO]  nothing ordinary takes the processor from them:\n"
    "                         precise delays; SCHED_FIFO, priority 1 to 99 (10)\n"
    "      --default WHAT     rule 65535: allow or deny (allow)\n"
    "      --out-pass         evaluate packets a second time on their way out\n"
    "      --source N         packets a burst of the infinite source (256)\n"
    "      --source-packet F  packets it sends: those of the capture F\n"
    "      --me ADDR[,ADDR]   the addresses that me and me6 stand for (none)\n"
    "      --states N         room for so many dynamic states (1048576)\n"
    "      --syslog           what rules log goes to syslog, not to standard error\n"
    "      --log-pcap FILE    capture the packets that rules log, as pcapng\n"
    "      --divert PATH      a socket for programs that divert and tee feed\n"
    "      --seed N           seed of everything random\n"
    "      --virtual          time is that of the captures, see pcap:\n"
    "      --verdicts FILE    what became of each packet (with --virtual)\n"
    "      --verdicts-format F  text or json (json if FILE ends in .json[l])\n"
    "      --then COMMAND     an ipfw command at the end, 'show' for example\n"
    "      --stay             do not end when all captures are over\n"
    "  -h, --help             this text\n"
    "  -V, --version          the version\n"
    "\n"
    "Ports:\n";

void
options_help(void)
{
	fputs(help_text, stdout);
	for (const struct port_ops *const *k = port_kinds; *k != NULL; k++)
		printf("  %s\n", (*k)->help);
}

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
default_rule(struct options *o, const char *text, struct err *e)
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
own_addresses(struct me *me, const char *list, struct err *e)
{
	char one[64];
	int rc = 0;

	while (rc == 0 && *list != '\0') {
		size_t n = strcspn(list, ",");

		snprintf(one, sizeof(one), "%.*s", (int)n, list);
		rc = own_address(me, one, e);
		list += n + (list[n] == ',');
	}
	return rc;
}

static int
verdict_format(struct options *o, const char *text, struct err *e)
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
cpu_list(struct options *o, const char *list, struct err *e)
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

static int
one_option(struct options *o, int opt, char *text, struct err *e)
{
	uint64_t v = 0;
	int rc = 0;

	switch (opt) {
	case 'f':
		o->rules_file = text;
		break;
	case 'p':
		rc = number("--port", text, 1, 65534, &v, e);
		o->port = (uint16_t)v;
		break;
	case 'S':
		o->socket = text;
		break;
	case OPT_STATES:
		rc = number("--states", text, STATE_CAPACITY_MIN,
		    STATE_CAPACITY_MAX, &v, e);
		o->engine.max_states = (uint32_t)v;
		break;
	case 'w':
		rc = number("--workers", text, 1, ENGINE_MAX_WORKERS, &v, e);
		o->engine.n_workers = (unsigned)v;
		break;
	case OPT_DEFAULT:
		rc = default_rule(o, text, e);
		break;
	case OPT_OUT_PASS:
		o->out_pass = true;
		break;
	case OPT_SOURCE:
		rc = number("--source", text, 1, PORT_BURST, &v, e);
		o->engine.source_burst = (unsigned)v;
		break;
	case OPT_PACKET:
		o->engine.source_pcap = text;
		break;
	case OPT_SEED:
		rc = number("--seed", text, 0, UINT64_MAX, &v, e);
		o->engine.seed = v;
		break;
	case OPT_ME:
		rc = own_addresses(&o->engine.me, text, e);
		break;
	case OPT_SYSLOG:
		o->log.syslog = true;
		break;
	case OPT_LOG_PCAP:
		o->log.pcap = text;
		o->engine.log_capture = true;
		break;
	case OPT_DIVERT:
		o->divert = text;
		break;
	case OPT_VIRTUAL:
		o->engine.is_virtual = true;
		break;
	case OPT_VERDICTS:
		o->verdicts = text;
		break;
	case OPT_VERDICTS_FORMAT:
		rc = verdict_format(o, text, e);
		break;
	case OPT_THEN:
		rc = then(o, text, e);
		break;
	case OPT_REALTIME:
		rc = number("--realtime", text != NULL ? text : "10", 1, 99, &v,
		    e);
		o->engine.realtime = (int)v;
		break;
	case OPT_CPUS:
		rc = cpu_list(o, text, e);
		break;
	case OPT_STAY:
		o->stay = true;
		break;
	case 'h':
		o->help = true;
		break;
	case 'V':
		o->version = true;
		break;
	}
	return rc;
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
	int opt, rc;

	memset(o, 0, sizeof(*o));
	o->engine.default_accept = true;
	o->engine.seed = 1;
	if ((rc = env_port(o, e)) != 0)
		return rc;
	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":f:p:S:w:hV", longs, NULL)) !=
	    -1) {
		if (opt == ':')
			return err_set(e, EINVAL, "'%s' needs a value",
			    argv[optind - 1]);
		if (opt == '?')
			return unknown(argv[optind - 1], e);
		if ((rc = one_option(o, opt, optarg, e)) != 0)
			return rc;
	}
	o->ports = argv + optind;
	o->n_ports = (unsigned)(argc - optind);
	return check_together(o, e);
}
