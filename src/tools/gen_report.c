/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/gen_report.h"

#include "base/ns.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

/* Preamble, start, gap and FCS around a frame, in bits. */
enum { FRAMING_BITS = 24 * 8 };

const char *
gen_report_norm(char buf[GEN_NORM_LEN], double v, bool raw)
{
	static const char units[][2] = {"", "K", "M", "G", "T"};
	size_t i = 0;

	while (!raw && v >= 1000 && i + 1 < ARRAY_LEN(units)) {
		v /= 1000;
		i++;
	}
	snprintf(buf, GEN_NORM_LEN, raw ? "%.0f %s" : "%.3f %s", v, units[i]);
	return buf;
}

static double
per_second(double n, uint64_t ns)
{
	return ns > 0 ? n * (double)NS_PER_S / (double)ns : 0;
}

static double
bits(const struct gen_totals *t, bool framing)
{
	return 8.0 * (double)t->bytes +
	       (framing ? (double)FRAMING_BITS * (double)t->pkts : 0);
}

static double
batch(const struct gen_totals *t)
{
	return t->events > 0 ? (double)t->pkts / (double)t->events : 0;
}

void
gen_report_line(FILE *to, const struct gen_cfg *cfg, const struct gen_totals *d,
		uint64_t ns)
{
	char pps[GEN_NORM_LEN], pkts[GEN_NORM_LEN], bps[GEN_NORM_LEN];
	double b = bits(d, cfg->framing);

	fprintf(to, "%spps (%spkts %sbps in %" PRIu64 " usec) %.2f avg_batch\n",
		gen_report_norm(pps, per_second((double)d->pkts, ns),
				cfg->raw_units),
		gen_report_norm(pkts, (double)d->pkts, cfg->raw_units),
		gen_report_norm(bps, per_second(b, ns), cfg->raw_units),
		(uint64_t)(ns / NS_PER_US), batch(d));
	fflush(to);
}

static void
print_pings(FILE *to, const struct gen_result *r)
{
	const struct gen_rtt *t = r->rtt;

	fprintf(to,
		"Sent %" PRIu64 " requests, received %" PRIu64
		" replies, lost %" PRIu64 " in %.2f seconds.\n",
		r->requests, t->n, r->requests - t->n, (double)r->ns / 1e9);
	if (t->n > 0)
		fprintf(to,
			"RTT over %" PRIu64 " packets: min %" PRIu64
			" av %" PRIu64 " p50 %" PRIu64 " p90 %" PRIu64
			" p99 %" PRIu64 " max %" PRIu64 " ns\n",
			t->n, t->min_ns, gen_rtt_mean(t),
			gen_rtt_quantile(t, 500), gen_rtt_quantile(t, 900),
			gen_rtt_quantile(t, 990), t->max_ns);
}

void
gen_report_summary(FILE *to, const struct gen_cfg *cfg,
		   const struct gen_result *r)
{
	static const char *const verbs[] = {
	    [GEN_RX] = "Received",
	    [GEN_TX] = "Sent",
	    [GEN_PONG] = "Answered",
	};
	const struct gen_totals *t = &r->total;
	char pps[GEN_NORM_LEN], bps[GEN_NORM_LEN], raw[GEN_NORM_LEN];

	if (r->pending > 0)
		fprintf(to, "%" PRIu64 " packets were left unsent.\n",
			r->pending);
	if (cfg->mode == GEN_PING) {
		print_pings(to, r);
		return;
	}
	if (t->pkts == 0) {
		fprintf(to, "%s nothing.\n", verbs[cfg->mode]);
		return;
	}
	fprintf(to,
		"%s %" PRIu64 " packets %" PRIu64 " bytes %" PRIu64
		" events %" PRIu64 " bytes each in %.2f seconds.\n",
		verbs[cfg->mode], t->pkts, t->bytes, t->events,
		t->bytes / t->pkts, (double)r->ns / 1e9);
	fprintf(to,
		"Speed: %spps Bandwidth: %sbps (raw %sbps). Average batch: "
		"%.2f pkts\n",
		gen_report_norm(pps, per_second((double)t->pkts, r->ns),
				cfg->raw_units),
		gen_report_norm(bps, per_second(bits(t, false), r->ns),
				cfg->raw_units),
		gen_report_norm(raw, per_second(bits(t, cfg->framing), r->ns),
				cfg->raw_units),
		batch(t));
}

static void
print_json_string(FILE *to, const char *s)
{
	fputc('"', to);
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			fprintf(to, "\\%c", c);
		else if (c < 0x20 || c >= 0x7f)
			fprintf(to, "\\u%04x", c);
		else
			fputc(c, to);
	}
	fputc('"', to);
}

static void
print_json_rtt(FILE *to, const struct gen_result *r)
{
	const struct gen_rtt *t = r->rtt;

	fprintf(to,
		",\"requests\":%" PRIu64 ",\"replies\":%" PRIu64
		",\"lost\":%" PRIu64,
		r->requests, t->n, r->requests - t->n);
	fprintf(to,
		",\"rtt_ns\":{\"min\":%" PRIu64 ",\"avg\":%" PRIu64
		",\"p50\":%" PRIu64 ",\"p90\":%" PRIu64 ",\"p99\":%" PRIu64
		",\"max\":%" PRIu64 "}",
		t->min_ns, gen_rtt_mean(t), gen_rtt_quantile(t, 500),
		gen_rtt_quantile(t, 900), gen_rtt_quantile(t, 990), t->max_ns);
}

void
gen_report_json(FILE *to, const struct gen_cfg *cfg, const struct gen_result *r)
{
	const struct gen_totals *t = &r->total;
	double b = bits(t, cfg->framing);

	fprintf(to, "{\"mode\":\"%s\",\"port\":", gen_mode_name(cfg->mode));
	print_json_string(to, cfg->port);
	fprintf(to,
		",\"packets\":%" PRIu64 ",\"bytes\":%" PRIu64
		",\"events\":%" PRIu64 ",\"pending\":%" PRIu64
		",\"seconds\":%.6f,\"mpps\":%.6f,\"gbps\":%.6f",
		t->pkts, t->bytes, t->events, r->pending, (double)r->ns / 1e9,
		per_second((double)t->pkts, r->ns) / 1e6,
		per_second(b, r->ns) / 1e9);
	if (r->rtt != NULL)
		print_json_rtt(to, r);
	fputs("}\n", to);
}

void
gen_report_dump(FILE *to, const char *what, const struct gen_ring *g, uint32_t at,
		unsigned len)
{
	const struct netmap_slot *slot = &g->ring->slot[at];
	const uint8_t *data = gen_ring_buf(g, at);

	fprintf(to, "%s ring %u slot %u [buf %u flags 0x%04x len %u]\n", what,
		g->ring->ringid, at, slot->buf_idx, slot->flags, slot->len);
	for (unsigned row = 0; row < len; row += 16) {
		unsigned n = len - row < 16 ? len - row : 16;

		fprintf(to, "%5u: ", row);
		for (unsigned i = 0; i < 16; i++)
			if (i < n)
				fprintf(to, "%02x ", data[row + i]);
			else
				fputs("   ", to);
		for (unsigned i = 0; i < n; i++)
			fputc(isprint(data[row + i]) ? data[row + i] : '.', to);
		fputc('\n', to);
	}
}
