/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/pipe_report.h"

#include "cli/quantity.h"
#include "ipfw_abi.h"

#include <string.h>

typedef unsigned long long ull;

/* Why packets ended, in the order of drops[]. */
static const char *const reasons[] = {
#define DN_DROP(name, words) words,
#include "pipe/dn_drop.def"
};

/* Three digits of a time are enough here. */
static void
put_time(struct text *t, const char *what, uint64_t ns)
{
	uint64_t unit = 1;

	while (ns / unit >= 1000)
		unit *= 10;
	text_f(t, " %s ", what);
	quantity_put_time(t, ns / unit * unit);
}

static void
put_rate(struct text *t, const struct abi_dn_more_report *r)
{
	double s = (double)r->since / 1e9;

	text_f(t, "\tin %llu pkts %llu bytes, out %llu pkts %llu bytes\n",
	    (ull)r->in_pkts, (ull)r->in_bytes, (ull)r->out_pkts,
	    (ull)r->out_bytes);
	text_f(t, "\trate %.6g Mbit/s %llu pps over the last second",
	    (double)r->second_bps / 1e6, (ull)r->second_pps);
	if (s > 0)
		text_f(t, ", %.6g Mbit/s %.6g pps in %.3f s",
		    (double)r->out_bytes * 8 / s / 1e6,
		    (double)r->out_pkts / s, s);
	text_f(t, "\n");
}

static void
put_held(struct text *t, const struct abi_dn_more_report *r)
{
	text_f(t, "\tqueued %llu pkts %llu bytes (peak %llu pkts), "
	    "on the line %llu pkts, memory %llu", (ull)r->queued_pkts,
	    (ull)r->queued_bytes, (ull)r->peak_pkts, (ull)r->line_pkts,
	    (ull)r->memory);
	if (r->memory_limit != 0)
		text_f(t, " of %llu", (ull)r->memory_limit);
	text_f(t, "\n");
}

static void
put_errors(struct text *t, const struct abi_dn_more_report *r)
{
	if (r->error_n == 0)
		return;
	text_f(t, "\tlate by");
	put_time(t, "p50", r->error_p50);
	put_time(t, "p99", r->error_p99);
	put_time(t, "p99.9", r->error_p999);
	put_time(t, "max", r->error_max);
	text_f(t, " (%llu pkts)\n", (ull)r->error_n);
}

static void
put_changes(struct text *t, const struct abi_dn_more_report *r)
{
	if ((r->marked | r->duplicated | r->corrupted | r->reordered) == 0)
		return;
	text_f(t, "\tmarked %llu, duplicated %llu, corrupted %llu, reordered "
	    "%llu\n", (ull)r->marked, (ull)r->duplicated, (ull)r->corrupted,
	    (ull)r->reordered);
}

static void
put_drops(struct text *t, const struct abi_dn_more_report *r, const void *at,
    size_t len)
{
	const char *p = (const char *)at + sizeof(*r);
	size_t n = (len - sizeof(*r)) / sizeof(uint64_t);
	bool any = false;

	n = n < r->n_drops ? n : r->n_drops;
	for (size_t i = 0; i < n && i < ARRAY_LEN(reasons); i++) {
		uint64_t v;

		memcpy(&v, p + i * sizeof(v), sizeof(v));
		if (v == 0)
			continue;
		text_f(t, "%s %s %llu", any ? "," : "\tdropped:", reasons[i],
		    (ull)v);
		any = true;
	}
	if (any)
		text_f(t, "\n");
}

static void
put_warnings(struct text *t, const struct abi_dn_more_report *r)
{
	if ((r->flags & 1) != 0)
		text_f(t, "\twarning: rate x delay is %llu bytes, more than "
		    "the queue holds\n", (ull)r->bdp_bytes);
	if ((r->flags & 2) != 0)
		text_f(t, "\twarning: rate x delay may take %llu bytes of "
		    "memory, more than there is\n", (ull)r->bdp_memory);
}

void
pipe_report_put(struct text *t, const void *at, size_t len, bool verbose)
{
	struct abi_dn_more_report r;

	memcpy(&r, at, sizeof(r));
	put_warnings(t, &r);
	if (!verbose)
		return;
	put_rate(t, &r);
	put_held(t, &r);
	put_errors(t, &r);
	put_changes(t, &r);
	put_drops(t, &r, at, len);
}
