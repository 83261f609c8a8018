/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/gen_cfg.h"

#include "tools/gen_flow.h"
#include "tools/gen_frame.h"
#include "tools/gen_num.h"
#include "tools/gen_ping.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	BURST_DEFAULT = 512,
	REPORT_MS_DEFAULT = 1000,
	/* Long options without a letter. */
	OPT_HELP = 256,
	OPT_VERSION,
	OPT_JSON,
	OPT_SEED,
	OPT_TOUCH,
	OPT_MAX,
};

#define RATE_MAX 1000000000000ull /* the bound of gen_rate */

/* How often each option was seen, and the configuration so far. */
struct reading {
	struct gen_cfg c;
	unsigned seen[OPT_MAX];
};

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
	int (*set)(struct reading *r, const char *text, struct err *e);
};

static int set_port(struct reading *r, const char *text, struct err *e);
static int set_mode(struct reading *r, const char *text, struct err *e);
static int set_len(struct reading *r, const char *text, struct err *e);
static int set_src(struct reading *r, const char *text, struct err *e);
static int set_dst(struct reading *r, const char *text, struct err *e);
static int set_src_mac(struct reading *r, const char *text, struct err *e);
static int set_dst_mac(struct reading *r, const char *text, struct err *e);
static int set_rings(struct reading *r, const char *text, struct err *e);
static int set_trace(struct reading *r, const char *text, struct err *e);
static int set_frags(struct reading *r, const char *text, struct err *e);
static int set_vnet(struct reading *r, const char *text, struct err *e);

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

static const struct {
	const char *name;
	unsigned burst;
} modes[] = {
    [GEN_RX] = {"rx", BURST_DEFAULT},
    [GEN_TX] = {"tx", BURST_DEFAULT},
    [GEN_PING] = {"ping", 1},
    [GEN_PONG] = {"pong", BURST_DEFAULT},
};

const char *
gen_mode_name(enum gen_mode mode)
{
	return modes[mode].name;
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
set_port(struct reading *r, const char *text, struct err *e)
{
	if (text[0] == '\0' || strlen(text) >= sizeof(r->c.port))
		return err_set(e, EINVAL, "not a port name");
	strcpy(r->c.port, text);
	return 0;
}

static int
set_mode(struct reading *r, const char *text, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(modes); i++)
		if (strcmp(text, modes[i].name) == 0) {
			r->c.mode = (enum gen_mode)i;
			return 0;
		}
	return err_set(e, EINVAL, "must be tx, rx, ping or pong");
}

/* The first -l is the size; a second one the least of random sizes. */
static int
set_len(struct reading *r, const char *text, struct err *e)
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
set_src(struct reading *r, const char *text, struct err *e)
{
	return gen_range_parse(text, &r->c.src, e);
}

static int
set_dst(struct reading *r, const char *text, struct err *e)
{
	return gen_range_parse(text, &r->c.dst, e);
}

static int
set_src_mac(struct reading *r, const char *text, struct err *e)
{
	return gen_macs_parse(text, &r->c.src_mac, e);
}

static int
set_dst_mac(struct reading *r, const char *text, struct err *e)
{
	return gen_macs_parse(text, &r->c.dst_mac, e);
}

static int
set_trace(struct reading *r, const char *text, struct err *e)
{
	(void)e;
	r->c.trace_file = text;
	return 0;
}

static int
set_frags(struct reading *r, const char *text, struct err *e)
{
	(void)r;
	if (strcmp(text, "1") != 0)
		return err_set(e, EINVAL,
			       "frames of several slots are not supported");
	return 0;
}

static int
set_vnet(struct reading *r, const char *text, struct err *e)
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
set_rings(struct reading *r, const char *text, struct err *e)
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
take(struct reading *r, const struct option_row *o, const char *text,
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
read_options(struct reading *r, int argc, char **argv, struct err *e)
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

/* ---- defaults, and what fits together ---- */

/* A unicast MAC of our own, the same for the same port name every time. */
static uint64_t
mac_of_name(const char *name)
{
	uint64_t h = 0xcbf29ce484222325ull; /* FNV-1a */

	for (; *name != '\0'; name++)
		h = (h ^ (uint8_t)*name) * 0x100000001b3ull;
	return 0x020000000000ull | (h >> 24 & 0xffffffffffull);
}

/* A random side without a range of its own takes everything there is. */
static void
widen(struct gen_range *x)
{
	if (x->lo == x->hi) {
		x->lo = 0;
		x->hi = x->af == AF_INET ? UINT32_MAX : UINT64_MAX;
	}
	if (x->port_lo == x->port_hi) {
		x->port_lo = 0;
		x->port_hi = UINT16_MAX;
	}
}

static int
settle_addresses(struct reading *r, struct err *e)
{
	struct gen_cfg *c = &r->c;
	bool has_src = r->seen['s'] > 0, has_dst = r->seen['d'] > 0;
	bool is_v6 = r->seen['6'] > 0 || (has_src && c->src.af == AF_INET6) ||
		     (has_dst && c->dst.af == AF_INET6);

	if (r->seen['4'] > 0 && r->seen['6'] > 0)
		return err_set(e, EINVAL, "-4 and -6 exclude each other");
	if (r->seen['4'] > 0 && is_v6)
		return err_set(e, EINVAL, "-4: there is an IPv6 address");
	c->af = is_v6 ? AF_INET6 : AF_INET;
	if (!has_src)
		gen_range_parse(is_v6 ? "fd00::1" : "10.0.0.1", &c->src, e);
	if (!has_dst)
		gen_range_parse(is_v6 ? "fd00:1::1" : "10.1.0.1", &c->dst, e);
	if (c->src.af != c->af || c->dst.af != c->af)
		return err_set(e, EINVAL, "%s: IPv4, but the other is IPv6",
			       c->src.af != c->af ? "-s" : "-d");
	if (c->random_src)
		widen(&c->src);
	if (c->random_dst)
		widen(&c->dst);
	if (r->seen['S'] == 0)
		c->src_mac.lo = c->src_mac.hi = mac_of_name(c->port);
	if (r->seen['D'] == 0)
		c->dst_mac.lo = c->dst_mac.hi = 0xffffffffffffull;
	return 0;
}

static int
settle_lengths(struct reading *r, struct err *e)
{
	struct gen_cfg *c = &r->c;
	unsigned hdr = c->af == AF_INET6 ? GEN_HDR6_LEN : GEN_HDR4_LEN;
	unsigned least = c->mode == GEN_PING ? hdr + GEN_PING_LEN : hdr;

	if (least < GEN_FRAME_MIN)
		least = GEN_FRAME_MIN;
	if (r->seen['l'] == 0)
		c->len = least;
	if (c->len_min > c->len)
		return err_set(e, EINVAL,
			       "-l %u: the second size is above the first, %u",
			       c->len_min, c->len);
	if (c->len_min == c->len)
		c->len_min = 0;
	if (c->len < least || (c->len_min != 0 && c->len_min < least))
		return err_set(e, EINVAL, "-l %u: at least %u are needed here",
			       c->len < least ? c->len : c->len_min, least);
	if (c->mode == GEN_PING && c->len_min != 0)
		return err_set(e, EINVAL, "-l: ping has one size");
	if (c->headers_only && c->mode == GEN_PING)
		return err_set(e, EINVAL, "-r: ping needs its payload");
	if (c->headers_only && c->af == AF_INET6)
		return err_set(e, EINVAL,
			       "-r: IPv6 needs the checksum of its payload");
	return 0;
}

static int
settle_cpus(struct reading *r, struct err *e)
{
	struct gen_cfg *c = &r->c;
	long online = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned have = online > 0 ? (unsigned)online : 1;

	if (c->cpus > have)
		return err_set(e, EINVAL, "-c %u: there are %u CPUs", c->cpus,
			       have);
	if (c->cpu != GEN_CPU_ANY && (unsigned)c->cpu >= have)
		return err_set(e, EINVAL, "-a %d: there are CPUs 0 to %u",
			       c->cpu, have - 1);
	if (c->cpus == 0)
		c->cpus = have;
	return 0;
}

/* Each thread has a ring in the direction it works in. */
static int
settle_threads(struct reading *r, struct err *e)
{
	struct gen_cfg *c = &r->c;
	unsigned *rings =
	    c->mode == GEN_TX ? &c->ring.tx_rings : &c->ring.rx_rings;

	if (c->threads == 1)
		return 0;
	if (c->mode == GEN_PING || c->mode == GEN_PONG)
		return err_set(e, EINVAL, "-p %u: %s has one thread",
			       c->threads, gen_mode_name(c->mode));
	if (*rings == 0)
		*rings = c->threads;
	if (*rings < c->threads)
		return err_set(e, EINVAL, "-p %u: more threads than rings, %u",
			       c->threads, *rings);
	return 0;
}

/* Frames of a file are sent as they are: nothing may want to change them. */
static int
settle_trace(struct reading *r, struct err *e)
{
	static const char others[] = "lsdSD46zZr";

	if (r->c.trace_file == NULL)
		return 0;
	if (r->c.mode != GEN_TX)
		return err_set(e, EINVAL, "-P: only tx sends a file");
	for (const char *o = others; *o != '\0'; o++)
		if (r->seen[(unsigned char)*o] > 0)
			return err_set(
			    e, EINVAL,
			    "-%c: the frames of -P are sent as they are", *o);
	return 0;
}

static int
settle(struct reading *r, struct err *e)
{
	struct gen_cfg *c = &r->c;
	int rc;

	if (r->seen['i'] == 0)
		return err_set(e, EINVAL, "-i: a port is needed, as valeA:1");
	if (r->seen['b'] == 0)
		c->burst = modes[c->mode].burst;
	c->verbose = r->seen['v'];
	rc = settle_trace(r, e);
	if (rc == 0)
		rc = settle_addresses(r, e);
	if (rc == 0)
		rc = settle_lengths(r, e);
	if (rc == 0)
		rc = settle_cpus(r, e);
	if (rc == 0)
		rc = settle_threads(r, e);
	return rc;
}

int
gen_cfg_parse(int argc, char **argv, struct gen_cfg *out, struct err *e)
{
	struct reading r = {
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
	rc = settle(&r, e);
	if (rc == 0)
		*out = r.c;
	return rc;
}
