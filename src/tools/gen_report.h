/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What pkt-gen prints: a line each second, the summary, JSON, packet dumps.
 *
 * Place      called by pkt-gen.c with plain numbers; dumps also by the loops.
 * Format     the wording of netmap's pkt-gen where it has one, so that scripts
 *            which read "pps" and "packets ... bytes" go on working.
 */
#pragma once

#include "tools/gen_cfg.h"
#include "tools/gen_ring.h"
#include "tools/gen_rtt.h"

struct gen_totals {
	uint64_t pkts;
	uint64_t bytes;
	uint64_t events; /* bursts */
};

struct gen_result {
	struct gen_totals total;   /* what was really sent or received */
	uint64_t pending;	   /* tx, pong: never taken by the switch */
	uint64_t requests;	   /* ping */
	uint64_t ns;		   /* from the first to the last */
	const struct gen_rtt *rtt; /* ping, else NULL */
};

enum { GEN_NORM_LEN = 32 };

/* "14.881 M" (or "14881000 " if 'raw'); returns buf. */
const char *gen_report_norm(char buf[GEN_NORM_LEN], double v, bool raw);

/* One line about the last 'ns'. */
void gen_report_line(FILE *to, const struct gen_cfg *cfg,
		     const struct gen_totals *delta, uint64_t ns);

/* The lines at the end. */
void gen_report_summary(FILE *to, const struct gen_cfg *cfg,
			const struct gen_result *r);

/* The same as one JSON object on one line. */
void gen_report_json(FILE *to, const struct gen_cfg *cfg,
		     const struct gen_result *r);

/* The packet in slot 'at' as hexadecimal and text, 'len' octets of it. */
void gen_report_dump(FILE *to, const char *what, const struct gen_ring *g,
		     uint32_t at, unsigned len);
