/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/gen_cfg.h"

#include "tools/gen_frame.h"
#include "tools/gen_num.h"
#include "tools/gen_settle.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

enum { REPORT_MS_DEFAULT = 1000 };

#define RATE_MAX 1000000000000ull /* the bound of gen_rate */

enum kind {
	FLAG,	/* a bool becomes true */
	NUMBER, /* digits within [lo, hi] */
	SCALED, /* the same with K, M, G */
	TEXT,	/* 'set' reads it */
	REFUSE, /* known to netmap's pkt-gen, not to this one; help = why */
};

struct option_row {
	int letter;
	const char *word; /* long name or NULL */
	const char *value;
	const char *help;
	enum kind kind;
	size_t offset; /* of the field in struct gen_cfg, and its size */
	size_t size;
	uint64_t lo, hi;
	int (*set)(struct gen_reading *r, const char *text, struct err *e);
};

static int set_port(struct gen_reading *r, const char *text, struct err *e);
static int set_mode(struct gen_reading *r, const char *text, struct err *e);
static int set_len(struct gen_reading *r, const char *text, struct err *e);
static int set_src(struct gen_reading *r, const char *text, struct err *e);
static int set_dst(struct gen_reading *r, const char *text, struct err *e);
static int set_src_mac(struct gen_reading *r, const char *text, struct err *e);
static int set_dst_mac(struct gen_reading *r, const char *text, struct err *e);
static int set_rings(struct gen_reading *r, const char *text, struct err *e);
static int set_trace(struct gen_reading *r, const char *text, struct err *e);
static int set_frags(struct gen_reading *r, const char *text, struct err *e);
static int set_vnet(struct gen_reading *r, const char *text, struct err *e);

#define FIELD(f) offsetof(struct gen_cfg, f), sizeof(((struct gen_cfg *)0)->f)
#define NONE	 0, 0, 0, 0

static const struct option_row rows[] = {
    {'i', NULL, "port", "the port to work on, as valeA:1", TEXT, NONE,
     set_port},
    {'f', NULL, "function", "tx, rx (default), ping or pong", TEXT, NONE,
     set_mode},
    {'n', NULL, "count", "packets (ping: requests) to handle; 0 = no end",
     SCALED, FIELD(n), 0, UINT64_MAX, NULL},
    {'l', NULL, "size",
     "frame length without FCS; twice: random from second to first", TEXT, NONE,
     set_len},
    {'b', NULL, "burst", "packets per sync (default 512; ping 1)", NUMBER,
     FIELD(burst), 1, 65535, NULL},
    {'s', NULL, "addr[:port][-addr[:port]]", "source, or range of sources",
     TEXT, NONE, set_src},
    {'d', NULL, "addr[:port][-addr[:port]]",
     "destination, or range of destinations", TEXT, NONE, set_dst},
    {'S', NULL, "mac[-mac]", "source MAC address, or range", TEXT, NONE,
     set_src_mac},
    {'D', NULL, "mac[-mac]", "destination MAC address, or range", TEXT, NONE,
     set_dst_mac},
    {'4', NULL, NULL, "IPv4 (default)", FLAG, NONE, NULL},
    {'6', NULL, NULL, "IPv6", FLAG, NONE, NULL},
    {'z', NULL, NULL, "random source address and port", FLAG, FIELD(random_src),
     0, 0, NULL},
    {'Z', NULL, NULL, "random destination address and port", FLAG,
     FIELD(random_dst), 0, 0, NULL},
    {OPT_SEED, "seed", "number", "of the random addresses and sizes", NUMBER,
     FIELD(seed), 1, UINT64_MAX, NULL},
    {'P', NULL, "file", "send the frames of a capture file, over and over", TEXT,
     NONE, set_trace},
    {'r', NULL, NULL, "write only the headers of each frame", FLAG,
     FIELD(headers_only), 0, 0, NULL},
    {'R', NULL, "rate", "packets per second, as 1000, 14.88M", SCALED,
     FIELD(rate_pps), 0, RATE_MAX, NULL},
    {'w', NULL, "seconds", "wait before starting (default 0)", NUMBER,
     FIELD(wait_s), 0, 86400, NULL},
    {'W', NULL, NULL, "rx: end after a second of silence", FLAG,
     FIELD(stop_when_silent), 0, 0, NULL},
    {'T', NULL, "ms", "time between reports (default 1000); 0 = none", NUMBER,
     FIELD(report_ms), 0, 86400000, NULL},
    {'X', NULL, NULL, "dump every packet", FLAG, FIELD(dump), 0, 0, NULL},
    {OPT_TOUCH, "touch", NULL, "rx: read the first line of every packet", FLAG,
     FIELD(touch), 0, 0, NULL},
    {'N', NULL, NULL, "plain numbers, not K, M, G", FLAG, FIELD(raw_units), 0,
     0, NULL},
    {'B', NULL, NULL, "count 24 octets of framing per packet in bps", FLAG,
     FIELD(framing), 0, 0, NULL},
    {OPT_JSON, "json", NULL, "print the summary as one JSON object", FLAG,
     FIELD(json), 0, 0, NULL},
    {'a', NULL, "cpu", "run the first thread on this CPU", NUMBER, FIELD(cpu),
     0, INT_MAX, NULL},
    {'c', NULL, "cpus", "CPUs to use (default 0 = all)", NUMBER, FIELD(cpus), 0,
     INT_MAX, NULL},
    {'p', NULL, "threads", "threads, each with a ring of its own", NUMBER,
     FIELD(threads), 1, NMPORT_MAX_RINGS, NULL},
    {'C', NULL, "tx[,rx[,txrings[,rxrings]]]", "slots and rings of the port",
     TEXT, NONE, set_rings},
    {'v', NULL, NULL, "tell the size of rings and the number of flows", FLAG,
     NONE, NULL},
    {'h', NULL, NULL, NULL, FLAG, NONE, NULL},
    {OPT_HELP, "help", NULL, "this text", FLAG, NONE, NULL},
    {OPT_VERSION, "version", NULL, "the version", FLAG, NONE, NULL},
    {'F', NULL, "frags", NULL, TEXT, NONE, set_frags},
    {'H', NULL, "len", NULL, TEXT, NONE, set_vnet},
    {'M', NULL, "size", "frames of several slots are not supported", REFUSE,
     NONE, NULL},
    {'I', NULL, NULL, "indirect buffers are not supported", REFUSE, NONE, NULL},
    {'A', NULL, NULL, "the sliding mean is not supported", REFUSE, NONE, NULL},
    {'o', NULL, "options", "use the letters of the single options", REFUSE,
     NONE, NULL},
};

static const char *const modes[] = {
    [GEN_RX] = "rx",
    [GEN_TX] = "tx",
    [GEN_PING] = "ping",
    [GEN_PONG] = "pong",
};

const char *
gen_mode_name(enum gen_mode mode)
{
	return modes[mode];
}

void
gen_cfg_usage(FILE *to)
{
	fputs("usage: pkt-gen -i port [-f tx|rx|ping|pong] [options]\n", to);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct option_row *o = &rows[i];
		char left[64];

		if (o->help == NULL || o->kind == REFUSE)
			continue;
		if (o->word != NULL)
			snprintf(left, sizeof(left), "--%s %s", o->word,
				 o->value != NULL ? o->value : "");
		else
			snprintf(left, sizeof(left), "-%c %s", o->letter,
				 o->value != NULL ? o->value : "");
		fprintf(to, "  %-30s %s\n", left, o->help);
	}
}

/* ---- single options ---- */

static int
set_port(struct gen_reading *r, const char *text, struct err *e)
{
	if (text[0] == '\0' || strlen(text) >= sizeof(r->c.port))
		return err_set(e, EINVAL, "not a port name");
	strcpy(r->c.port, text);
	return 0;
}

static int
set_mode(struct gen_reading *r, const char *text, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(modes); i++)
		if (strcmp(text, modes[i]) == 0) {
			r->c.mode = (enum gen_mode)i;
			return 0;
		}
	return err_set(e, EINVAL, "must be tx, rx, ping or pong");
}

/* The first -l is the size; a second one the least of random sizes. */
static int
set_len(struct gen_reading *r, const char *text, struct err *e)
{
	uint64_t v = 0;

	if (r->seen['l'] > 2)
		return err_set(e, EINVAL, "more than two sizes");
	if (gen_num_parse(text, GEN_FRAME_MIN, GEN_FRAME_MAX, &v, e) != 0)
		return -EINVAL;
	if (r->seen['l'] == 1)
		r->c.len = (unsigned)v;
	else
		r->c.len_min = (unsigned)v;
	return 0;
}

static int
set_src(struct gen_reading *r, const char *text, struct err *e)
{
	return gen_range_parse(text, &r->c.src, e);
}

static int
set_dst(struct gen_reading *r, const char *text, struct err *e)
{
	return gen_range_parse(text, &r->c.dst, e);
}

static int
set_src_mac(struct gen_reading *r, const char *text, struct err *e)
{
	return gen_macs_parse(text, &r->c.src_mac, e);
}

static int
set_dst_mac(struct gen_reading *r, const char *text, struct err *e)
{
	return gen_macs_parse(text, &r->c.dst_mac, e);
}

static int
set_trace(struct gen_reading *r, const char *text, struct err *e)
{
	(void)e;
	r->c.trace_file = text;
	return 0;
}

static int
set_frags(struct gen_reading *r, const char *text, struct err *e)
{
	(void)r;
	if (strcmp(text, "1") != 0)
		return err_set(e, EINVAL,
			       "frames of several slots are not supported");
	return 0;
}

static int
set_vnet(struct gen_reading *r, const char *text, struct err *e)
{
	(void)r;
	if (strcmp(text, "0") != 0)
		return err_set(e, EINVAL, "virtio headers are not supported");
	return 0;
}

/* One number of -C: 0 for the default, or within the bounds of a port. */
static int
parse_ring_number(const char *text, bool is_slots, unsigned *out, struct err *e)
{
	uint64_t v = 0;

	if (gen_num_parse(text, 0, is_slots ? 65536 : NMPORT_MAX_RINGS, &v,
			  e) != 0)
		return -EINVAL;
	if (is_slots && v != 0 && (v < 256 || (v & (v - 1)) != 0))
		return err_set(
		    e, EINVAL,
		    "slots must be a power of two from 256 to 65536");
	*out = (unsigned)v;
	return 0;
}

static int
set_rings(struct gen_reading *r, const char *text, struct err *e)
{
	unsigned v[4] = {0}, n = 0;
	char copy[64], *rest = copy, *word;

	if (strlen(text) >= sizeof(copy))
		return err_set(e, EINVAL, "too long");
	strcpy(copy, text);
	while ((word = strsep(&rest, ",")) != NULL) {
		if (n == ARRAY_LEN(v))
			return err_set(e, EINVAL, "more than four numbers");
		if (parse_ring_number(word, n < 2, &v[n], e) != 0)
			return -EINVAL;
		n++;
	}
	r->c.ring = (struct nmport_cfg){
	    .tx_slots = v[0],
	    .rx_slots = n == 1 ? v[0] : v[1],
	    .tx_rings = v[2],
	    .rx_rings = n == 3 ? v[2] : v[3],
	};
	return 0;
}

/* ---- the command line ---- */

static void
store(struct gen_cfg *c, const struct option_row *o, uint64_t v)
{
	/* Fields have 1, 4 or 8 octets and the machine is little endian. */
	memcpy((char *)c + o->offset, &v, o->size);
}

static int
take(struct gen_reading *r, const struct option_row *o, const char *text,
     struct err *e)
{
	uint64_t v = 0;
	int rc = 0;

	switch (o->kind) {
	case FLAG:
		store(&r->c, o, 1);
		return 0;
	case NUMBER:
		rc = gen_num_parse(text, o->lo, o->hi, &v, e);
		break;
	case SCALED:
		rc = gen_num_scaled(text, o->lo, o->hi, &v, e);
		break;
	case TEXT:
		return o->set(r, text, e);
	case REFUSE:
		return err_set(e, EINVAL, "%s", o->help);
	}
	if (rc == 0)
		store(&r->c, o, v);
	return rc;
}

static const struct option_row *
row_of(int letter)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].letter == letter)
			return &rows[i];
	return NULL;
}

/* Puts the option's name before what is wrong with it. */
static int
name_option(const struct option_row *o, const char *text,
	    const struct err *inner, struct err *e)
{
	char name[16];

	if (o->word != NULL)
		snprintf(name, sizeof(name), "--%s", o->word);
	else
		snprintf(name, sizeof(name), "-%c", o->letter);
	if (text == NULL)
		return err_set(e, EINVAL, "%s: %s", name, inner->text);
	return err_set(e, EINVAL, "%s %.60s: %s", name, text, inner->text);
}

/* What getopt needs, out of the table. */
static void
getopt_tables(char *letters, struct option *words)
{
	*letters++ = ':';
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct option_row *o = &rows[i];
		bool has_value = o->value != NULL;

		if (o->word != NULL) {
			*words++ = (struct option){.name = o->word,
						   .has_arg = has_value,
						   .val = o->letter};
			continue;
		}
		*letters++ = (char)o->letter;
		if (has_value)
			*letters++ = ':';
	}
	*letters = '\0';
	*words = (struct option){0};
}

/* getopt's complaint about argv[optind - 1]. */
static int
bad_option(int ch, char **argv, struct err *e)
{
	const struct option_row *o = row_of(optopt);

	if (ch == ':' && o != NULL && o->word != NULL)
		return err_set(e, EINVAL, "--%s: needs a value", o->word);
	if (ch == ':')
		return err_set(e, EINVAL, "-%c: needs a value", optopt);
	if (o != NULL && o->word != NULL)
		return err_set(e, EINVAL, "--%s: takes no value", o->word);
	if (optopt > 0 && optopt < 128)
		return err_set(e, EINVAL, "-%c: no such option", optopt);
	return err_set(e, EINVAL, "%.60s: no such option", argv[optind - 1]);
}

static int
read_options(struct gen_reading *r, int argc, char **argv, struct err *e)
{
	char letters[2 * ARRAY_LEN(rows) + 2];
	struct option words[ARRAY_LEN(rows) + 1];
	struct err inner;
	int ch;

	getopt_tables(letters, words);
	optind = 0; /* glibc: start anew */
	opterr = 0;
	while ((ch = getopt_long(argc, argv, letters, words, NULL)) != -1) {
		const struct option_row *o;

		if (ch == ':' || ch == '?')
			return bad_option(ch, argv, e);
		o = row_of(ch);
		r->seen[ch]++;
		if (take(r, o, optarg, &inner) != 0)
			return name_option(o, optarg, &inner, e);
	}
	if (optind < argc)
		return err_set(e, EINVAL, "%.60s: not an option", argv[optind]);
	return 0;
}

int
gen_cfg_parse(int argc, char **argv, struct gen_cfg *out, struct err *e)
{
	struct gen_reading r = {
	    .c = {.mode = GEN_RX,
		  .report_ms = REPORT_MS_DEFAULT,
		  .cpu = GEN_CPU_ANY,
		  .threads = 1},
	};
	int rc = read_options(&r, argc, argv, e);

	if (rc != 0)
		return rc;
	if (r.seen['h'] > 0 || r.seen[OPT_HELP] > 0)
		return GEN_CFG_HELP;
	if (r.seen[OPT_VERSION] > 0)
		return GEN_CFG_VERSION;
	rc = gen_settle(&r, e);
	if (rc == 0)
		*out = r.c;
	return rc;
}
