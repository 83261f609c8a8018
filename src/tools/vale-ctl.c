/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vale-ctl: what is on the userspace switches, persistent ports, and how a
 * switch treats full rings.
 *
 * The options are those of the kernel's vale-ctl; what has no meaning here is
 * refused with the errno that netmap would give, and a sentence.
 */
#include "vale/nmctl.h"
#include "vale/vswitch.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static const struct {
	const char *word, *text;
} drop_names[] = {
#define VDROP(name, word, text) { word, text },
#include "vale/vdrop.def"
#undef VDROP
};

struct options {
	bool sweep, verbose;
	const char *flow;   /* "wait", "drop" or NULL */
	char command;	    /* of those with a port's name, or 0 */
	const char *name;   /* which is this */
	const char *config; /* -C */
	const char *mem_id; /* -m */
	char **names;	    /* switches, to list or to set */
	int n_names;
};

static void
usage(FILE *f)
{
	fputs("usage: vale-ctl [-lv] [valeX | valeX:p ...]  list switches and "
	      "ports\n"
	      "       vale-ctl -g name                      what a port is "
	      "like\n"
	      "       vale-ctl -n name [-C x,y,z,w] [-m 1]  create a persistent "
	      "port\n"
	      "       vale-ctl -r name                      remove it\n"
	      "       vale-ctl -a valeX:name                attach it to a "
	      "switch\n"
	      "       vale-ctl -d valeX:name                detach it\n"
	      "       vale-ctl -s                           clean up after dead "
	      "programs\n"
	      "       vale-ctl -F wait|drop valeX ...       what a full ring "
	      "does to senders\n"
	      "       vale-ctl --help | --version\n"
	      "\n"
	      "  -l  list (the default)    -v  with the reasons of drops in "
	      "words\n"
	      "  -C  tx slots,rx slots,tx rings,rx rings\n"
	      "  -h valeX:if, -p and -P valeX:p are known, and refused\n"
	      "  KIPFW_SHM=directory       another arena than "
	      "/dev/shm/kipfw-<uid>\n",
	    f);
}

static int
exit_code(int rc)
{
	switch (-rc) {
	case EPERM:
	case EACCES:
		return EX_NOPERM;
	case ENOENT:
	case ENXIO:
		return EX_NOINPUT;
	case EINVAL:
		return EX_DATAERR;
	case EEXIST:
		return EX_CANTCREAT;
	case EOPNOTSUPP:
		return EX_UNAVAILABLE;
	case EBUSY:
		return EX_TEMPFAIL;
	default:
		return EX_OSERR;
	}
}

/* ---- listing ---- */

static bool
is_wanted(const struct options *o, const char *name)
{
	for (int i = 0; i < o->n_names; i++)
		if (strcmp(o->names[i], name) == 0)
			return true;
	return o->n_names == 0;
}

static uint64_t
sum(const uint64_t *drops)
{
	uint64_t n = 0;

	for (unsigned d = 0; d < VDROP_N; d++)
		n += drops[d];
	return n;
}

static void
print_drops(const char *way, const uint64_t *drops, bool in_words)
{
	for (unsigned d = 0; d < VDROP_N; d++) {
		if (drops[d] == 0)
			continue;
		printf("    %s drop %-12s %12llu", way, drop_names[d].word,
		    (unsigned long long)drops[d]);
		printf(in_words ? "  %s\n" : "\n", drop_names[d].text);
	}
}

static void
print_counts(const struct vport_info *p)
{
	printf(" %12llu %15llu %10llu %12llu %15llu %10llu\n",
	    (unsigned long long)p->tx.pkts, (unsigned long long)p->tx.bytes,
	    (unsigned long long)sum(p->tx.drops),
	    (unsigned long long)p->rx_pkts, (unsigned long long)p->rx_bytes,
	    (unsigned long long)sum(p->rx_drops));
}

static void
print_port(const struct vport_info *p, bool verbose)
{
	char rings[60];

	if (p->is_idle) {
		printf("  %-20s %8s %15s\n", p->name, "-", "persistent");
		return;
	}
	snprintf(rings, sizeof(rings), "%ux%u/%ux%u", p->n_tx, p->tx_slots,
	    p->n_rx, p->rx_slots);
	printf("  %-20s %8u %15s", p->name, p->pid, rings);
	print_counts(p);
	if (p->n_extra != 0)
		printf("    %u extra buffers\n", p->n_extra);
	if (p->hdr_len != 0)
		printf("    virtio-net header of %u octets\n", p->hdr_len);
	if (p->is_closing)
		printf("    closing: a stopped program is inside its ring\n");
	print_drops("tx", p->tx.drops, verbose);
	print_drops("rx", p->rx_drops, verbose);
}

static void
print_heading(void)
{
	printf("  %-20s %8s %15s %12s %15s %10s %12s %15s %10s\n", "port",
	    "pid", "tx/rx rings", "tx packets", "tx bytes", "tx drops",
	    "rx packets", "rx bytes", "rx drops");
}

/* Pipes, monitors, and persistent ports on no switch. */
static void
print_others(const struct arena_info *info, bool verbose)
{
	bool is_first = true;

	for (unsigned p = 0; p < info->n_ports; p++) {
		if (info->ports[p].switch_idx != NO_SWITCH)
			continue;
		if (is_first) {
			printf("on no switch:\n");
			print_heading();
		}
		is_first = false;
		print_port(&info->ports[p].port, verbose);
	}
}

static void
print_switch(const struct arena_info *info, unsigned s, bool verbose)
{
	const struct vswitch_info *sw = &info->switches[s];

	printf("%s: %u port%s, %u address%s, flow %s\n", sw->name, sw->n_ports,
	    sw->n_ports == 1 ? "" : "s", sw->n_macs,
	    sw->n_macs == 1 ? "" : "es", sw->drop_at_once ? "drop" : "wait");
	print_heading();
	for (unsigned p = 0; p < info->n_ports; p++)
		if (info->ports[p].switch_idx == s)
			print_port(&info->ports[p].port, verbose);
	printf("  %-20s %8s %15s", "total", "", "");
	print_counts(&sw->total);
}

static void
print_memory(const struct arena_info *info)
{
	printf("%u of %u buffers in rings", info->n_in_rings, info->n_bufs);
	if (info->n_extra != 0)
		printf(", %u extra", info->n_extra);
	if (info->suspect)
		printf(", some of them astray until a program ends");
	printf("\n");
}

static int
list(struct arena *a, const struct options *o, struct err *e)
{
	struct arena_info *info = malloc(sizeof(*info));
	int rc, n_found = 0;

	if (info == NULL)
		return err_set(e, ENOMEM, "no memory");
	rc = vswitch_list(a, info, e);
	for (unsigned s = 0; rc == 0 && s < info->n_switches; s++)
		if (is_wanted(o, info->switches[s].name)) {
			print_switch(info, s, o->verbose);
			n_found++;
		}
	if (rc == 0 && n_found < o->n_names)
		rc = err_set(e, ENOENT, "no such switch");
	if (rc == 0 && o->n_names == 0)
		print_others(info, o->verbose);
	if (rc == 0)
		print_memory(info);
	free(info);
	return rc;
}

/* ---- commands ---- */

static int
set_flow(struct arena *a, const struct options *o, struct err *e)
{
	int rc = 0;

	for (int i = 0; rc == 0 && i < o->n_names; i++)
		rc = vswitch_set_flow(a, o->names[i],
		    strcmp(o->flow, "drop") == 0, e);
	return rc;
}

static int
sweep(struct arena *a, struct err *e)
{
	int n = vswitch_sweep(a, e);

	if (n < 0)
		return n;
	printf("%d port%s of dead programs removed\n", n, n == 1 ? "" : "s");
	return 0;
}

/* ---- commands about one port ---- */

static void
print_info(const struct nmport_info *i)
{
	printf("memsize:    %llu\n", (unsigned long long)i->mem_size);
	printf("tx_slots:   %u\n", i->tx_slots);
	printf("rx_slots:   %u\n", i->rx_slots);
	printf("tx_rings:   %u\n", i->tx_rings);
	printf("rx_rings:   %u\n", i->rx_rings);
	printf("mem_id:     %u\n", i->mem_id);
	if (i->hdr_len != 0)
		printf("hdr_len:    %u\n", i->hdr_len);
}

static int
get_info(const struct options *o, struct err *e)
{
	struct nmport_info i;
	int rc = nmctl_info(o->name, &i, e);

	if (rc == 0)
		print_info(&i);
	return rc;
}

/* "x", "x,y", "x,y,z" or "x,y,z,w". */
static int
parse_config(const char *config, struct nmport_cfg *cfg, struct err *e)
{
	unsigned v[4] = { 0 };
	int n = 0, at = 0, len = 0;

	*cfg = (struct nmport_cfg){ .are_wishes = true };
	if (config == NULL)
		return 0;
	do {
		if (n == 4 || config[at] < '0' || config[at] > '9' ||
		    sscanf(config + at, "%9u%n", &v[n], &len) != 1)
			return err_set(e, EINVAL, "-C %.40s: want up to four "
			    "numbers with commas between", config);
		n++;
		at += len;
	} while (config[at++] == ',');
	if (config[at - 1] != '\0')
		return err_set(e, EINVAL, "-C %.40s: stray '%c'", config,
		    config[at - 1]);
	cfg->tx_slots = v[0];
	cfg->rx_slots = n > 1 ? v[1] : v[0];
	cfg->tx_rings = v[2];
	cfg->rx_rings = n > 3 ? v[3] : v[2];
	return 0;
}

static int
create(const struct options *o, struct err *e)
{
	struct nmport_cfg cfg;
	int rc = parse_config(o->config, &cfg, e);

	if (rc == 0 && o->mem_id != NULL && strcmp(o->mem_id, "0") != 0 &&
	    strcmp(o->mem_id, "1") != 0)
		rc = err_set(e, EINVAL, "-m %.40s: there is one memory for all "
		    "ports of a user, 1", o->mem_id);
	if (rc == 0)
		rc = nmctl_create(o->name, &cfg, e);
	return rc == 0 && o->verbose ? get_info(o, e) : rc;
}

static int
destroy(const struct options *o, struct err *e)
{
	return nmctl_destroy(o->name, e);
}

static int
attach(const struct options *o, struct err *e)
{
	unsigned port;
	int rc = nmctl_attach(o->name, &port, e);

	if (rc == 0 && o->verbose)
		printf("port_index: %u\n", port);
	return rc;
}

static int
detach(const struct options *o, struct err *e)
{
	unsigned port;
	int rc = nmctl_detach(o->name, &port, e);

	if (rc == 0 && o->verbose)
		printf("port_index: %u\n", port);
	return rc;
}

static int
attach_host(const struct options *o, struct err *e)
{
	return err_set(e, EOPNOTSUPP, "-h %.64s: a userspace switch has no "
	    "host stack behind it; a tap interface joins one to it: "
	    "kipfw tap:NAME valeX:p", o->name);
}

static int
poll_port(const struct options *o, struct err *e)
{
	return err_set(e, EOPNOTSUPP, "-%c %.64s: senders forward by "
	    "themselves, nothing polls", o->command, o->name);
}

static const struct {
	char letter;
	int (*run)(const struct options *o, struct err *e);
} commands[] = {
	{ 'a', attach },      { 'd', detach },	  { 'g', get_info },
	{ 'h', attach_host }, { 'n', create },	  { 'p', poll_port },
	{ 'P', poll_port },   { 'r', destroy },
};

static int
run_command(const struct options *o, struct err *e)
{
	for (unsigned i = 0; i < ARRAY_LEN(commands); i++)
		if (commands[i].letter == o->command)
			return commands[i].run(o, e);
	return -EINVAL;
}

/* "-l valeX:p": its numbers. */
static int
show_indices(const char *name, struct err *e)
{
	struct nmctl_port p = { 0 };
	int rc;

	if (strlen(name) >= sizeof(p.name))
		return err_set(e, EINVAL, "%.64s: too long", name);
	strcpy(p.name, name);
	rc = nmctl_find(&p, e);
	if (rc == 0)
		printf("bridge_idx: %u\nport_idx:   %u\n", p.switch_idx,
		    p.port_idx);
	return rc;
}

static int
list_or_show(struct arena *a, const struct options *o, struct err *e)
{
	int rc = 0;

	if (o->n_names == 0 || strchr(o->names[0], ':') == NULL)
		return list(a, o, e);
	for (int i = 0; rc == 0 && i < o->n_names; i++)
		rc = show_indices(o->names[i], e);
	return rc;
}

static int
run(const struct options *o)
{
	struct arena *a = NULL;
	struct err e;
	int rc = arena_get(&a, &e);

	if (rc == 0 && o->command != 0)
		rc = run_command(o, &e);
	else if (rc == 0 && o->flow != NULL)
		rc = set_flow(a, o, &e);
	else if (rc == 0 && o->sweep)
		rc = sweep(a, &e);
	else if (rc == 0)
		rc = list_or_show(a, o, &e);
	arena_put(a);
	if (rc == 0)
		return EX_OK;
	fprintf(stderr, "vale-ctl: %s\n", e.text);
	return exit_code(rc);
}

/* One thing at a time, each with what it needs. */
static bool
is_sound(const struct options *o)
{
	int n = o->sweep + (o->flow != NULL) + (o->command != 0);

	if (n > 1 || ((o->sweep || o->command != 0) && o->n_names != 0))
		return false;
	if ((o->config != NULL || o->mem_id != NULL) && o->command != 'n' &&
	    o->command != 'p')
		return false;
	return o->flow == NULL || (o->n_names != 0 &&
	    (strcmp(o->flow, "wait") == 0 || strcmp(o->flow, "drop") == 0));
}

/* False: not an option of ours. */
static bool
take_option(struct options *o, int c)
{
	switch (c) {
	case 'l':
		return true;
	case 'v':
		o->verbose = true;
		return true;
	case 's':
		o->sweep = true;
		return true;
	case 'F':
		o->flow = optarg;
		return true;
	case 'C':
		o->config = optarg;
		return true;
	case 'm':
		o->mem_id = optarg;
		return true;
	case '?':
		return false;
	default:
		if (o->command != 0)
			return false;
		o->command = (char)c;
		o->name = optarg;
		return true;
	}
}

int
main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "help", no_argument, NULL, 'H' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	struct options o = { 0 };
	int c;

	while ((c = getopt_long(argc, argv, "a:d:g:h:n:r:p:P:C:m:lvsF:", longs,
		    NULL)) != -1) {
		if (c == 'H') {
			usage(stdout);
			return EX_OK;
		}
		if (c == 'V') {
			puts("vale-ctl " KIPFW_VERSION);
			return EX_OK;
		}
		if (!take_option(&o, c)) {
			usage(stderr);
			return EX_USAGE;
		}
	}
	o.names = argv + optind;
	o.n_names = argc - optind;
	if (!is_sound(&o)) {
		usage(stderr);
		return EX_USAGE;
	}
	return run(&o);
}
