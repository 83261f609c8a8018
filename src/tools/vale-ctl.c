/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vale-ctl: what is on the userspace switches, and how they treat full rings.
 *
 * Ports come and go with the programs that use them, so the commands of the
 * kernel's vale-ctl that attach and detach are known here only to say so.
 */
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

/* Options of the kernel's vale-ctl that have no meaning here. */
static const struct {
	char letter;
	const char *why;
} foreign[] = {
	{ 'a', "a port attaches when a program opens it" },
	{ 'd', "a port detaches when its program ends" },
	{ 'g', "list the switch (-l) and look for the port" },
	{ 'n', "there are no persistent interfaces" },
	{ 'r', "there are no persistent interfaces" },
	{ 'p', "senders forward by themselves, nothing polls" },
	{ 'P', "senders forward by themselves, nothing polls" },
	{ 'C', "set the rings in the program that opens the port" },
	{ 'm', "there is one memory for all ports of a user" },
};

struct options {
	bool sweep, verbose;
	const char *flow; /* "wait", "drop" or NULL */
	char **names;	  /* switches, to list or to set */
	int n_names;
};

static void
usage(FILE *f)
{
	fputs("usage: vale-ctl [-lv] [valeX ...]      list switches and ports\n"
	      "       vale-ctl -s                     clean up after dead "
	      "programs\n"
	      "       vale-ctl -F wait|drop valeX ... what a full ring does "
	      "to senders\n"
	      "       vale-ctl --help | --version\n"
	      "\n"
	      "  -l  list (the default)    -v  with the reasons of drops in "
	      "words\n"
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
		return EX_NOINPUT;
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
	char rings[40];

	snprintf(rings, sizeof(rings), "%ux%u/%ux%u", p->n_tx, p->tx_slots,
	    p->n_rx, p->rx_slots);
	printf("  %-20s %8u %15s", p->name, p->pid, rings);
	print_counts(p);
	if (p->is_closing)
		printf("    closing: a stopped program is inside its ring\n");
	print_drops("tx", p->tx.drops, verbose);
	print_drops("rx", p->rx_drops, verbose);
}

static void
print_switch(const struct arena_info *info, unsigned s, bool verbose)
{
	const struct vswitch_info *sw = &info->switches[s];

	printf("%s: %u port%s, %u address%s, flow %s\n", sw->name, sw->n_ports,
	    sw->n_ports == 1 ? "" : "s", sw->n_macs,
	    sw->n_macs == 1 ? "" : "es", sw->drop_at_once ? "drop" : "wait");
	printf("  %-20s %8s %15s %12s %15s %10s %12s %15s %10s\n", "port",
	    "pid", "tx/rx rings", "tx packets", "tx bytes", "tx drops",
	    "rx packets", "rx bytes", "rx drops");
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

static int
run(const struct options *o)
{
	struct arena *a = NULL;
	struct err e;
	int rc = arena_get(&a, &e);

	if (rc == 0 && o->flow != NULL)
		rc = set_flow(a, o, &e);
	else if (rc == 0 && o->sweep)
		rc = sweep(a, &e);
	else if (rc == 0)
		rc = list(a, o, &e);
	arena_put(a);
	if (rc == 0)
		return EX_OK;
	fprintf(stderr, "vale-ctl: %s\n", e.text);
	return exit_code(rc);
}

static int
refuse_foreign(int letter)
{
	for (unsigned i = 0; i < ARRAY_LEN(foreign); i++)
		if (foreign[i].letter == letter) {
			fprintf(stderr,
			    "vale-ctl: -%c is not for userspace ports: %s\n",
			    letter, foreign[i].why);
			return EX_UNAVAILABLE;
		}
	usage(stderr);
	return EX_USAGE;
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

	while ((c = getopt_long(argc, argv, "a:d:g:n:r:p:P:C:m:hlvsF:", longs,
		    NULL)) != -1) {
		switch (c) {
		case 'H':
		case 'h':
			usage(stdout);
			return EX_OK;
		case 'V':
			puts("vale-ctl " KIPFW_VERSION);
			return EX_OK;
		case 'l':
			break;
		case 'v':
			o.verbose = true;
			break;
		case 's':
			o.sweep = true;
			break;
		case 'F':
			o.flow = optarg;
			break;
		default:
			return refuse_foreign(c);
		}
	}
	o.names = argv + optind;
	o.n_names = argc - optind;
	if ((o.sweep && (o.n_names != 0 || o.flow != NULL)) ||
	    (o.flow != NULL &&
		(o.n_names == 0 ||
		    (strcmp(o.flow, "wait") != 0 &&
			strcmp(o.flow, "drop") != 0)))) {
		usage(stderr);
		return EX_USAGE;
	}
	return run(&o);
}
