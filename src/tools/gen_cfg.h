/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pkt-gen's command line as a structure of checked values.
 *
 * Place      read once at start by pkt-gen.c; everybody else only reads it.
 * Rule       options are rows of one table (letter, word, value, help, what to
 *            do); the usage text, the parser and the errors come from it.
 * Invariant  after gen_cfg_parse() returned GEN_CFG_RUN every field is within
 *            its bounds and fits the others: nobody checks again, but for
 *            what only the open port can tell (the size of its buffers).
 */
#pragma once

#include "base/err.h"
#include "tools/gen_range.h"
#include "vale/nmport.h"

#include <stdio.h>

enum gen_mode { GEN_RX, GEN_TX, GEN_PING, GEN_PONG };

enum { GEN_CFG_RUN = 0, GEN_CFG_HELP = 1, GEN_CFG_VERSION = 2 };

enum { GEN_CPU_ANY = -1, GEN_PORT_NAME_MAX = 64 };

struct gen_cfg {
	char port[GEN_PORT_NAME_MAX]; /* -i */
	enum gen_mode mode;	      /* -f */
	uint64_t n;		      /* -n; 0 = no end */
	unsigned len;		      /* -l: frame, or largest frame */
	unsigned len_min;	      /* -l twice; 0 = all the same */
	unsigned burst;		      /* -b */
	int af;			      /* of src and dst */
	struct gen_range src;	      /* -s */
	struct gen_range dst;	      /* -d */
	struct gen_macs src_mac;      /* -S */
	struct gen_macs dst_mac;      /* -D */
	bool random_src;	      /* -z */
	bool random_dst;	      /* -Z */
	uint64_t seed;		      /* --seed; 0 = from the clock */
	uint64_t rate_pps;	      /* -R; 0 = no limit */
	unsigned wait_s;	      /* -w */
	unsigned report_ms;	      /* -T; 0 = no reports */
	int cpu;		      /* -a; GEN_CPU_ANY */
	unsigned cpus;		      /* -c; at least 1 */
	unsigned threads;	      /* -p */
	struct nmport_cfg ring;	      /* -C */
	const char *trace_file;	      /* -P; NULL = none.  Borrowed from argv */
	unsigned verbose;	      /* -v */
	bool stop_when_silent;	      /* -W */
	bool dump;		      /* -X */
	bool touch;		      /* --touch */
	bool headers_only;	      /* -r */
	bool raw_units;		      /* -N */
	bool framing;		      /* -B */
	bool json;		      /* --json */
};

/* Reads the command line.  GEN_CFG_*, or -EINVAL with a sentence that begins
 * with the option: "-l 12: must be a number from 60 to 65472".  Not for more
 * than one thread at a time (getopt). */
int gen_cfg_parse(int argc, char **argv, struct gen_cfg *out, struct err *e);

/* Prints what --help prints. */
void gen_cfg_usage(FILE *to);

/* "tx", "rx", ... */
const char *gen_mode_name(enum gen_mode mode);
