/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtual time: captures through rules and a pipe, from the page cache, with
 * what leaves written away.
 */
#include "bench/bench.h"

#include "base/clock.h"
#include "capture/writer.h"
#include "engine/engine.h"
#include "engine/virtual.h"
#include "pipe/dn.h"
#include "test/oracle/genrules.h"

#include <string.h>
#include <unistd.h>

enum {
	N_RULES = 1000,
	PACKETS = 1 << 20,
	RUNS = 5,
	SEED = 7,
	GAP_NS = 1000, /* of the capture: 1 Mpps */
};

static struct gen_rule filters[N_RULES];
static uint8_t frames[(size_t)PACKETS * GEN_LEN4], lens[PACKETS];
static char dir[] = "/tmp/kipfw-bench.XXXXXX";
static char in[64];

static void
give_up(const char *why)
{
	printf("bench_replay: %s\n", why);
	exit(1);
}

/* The capture of one family's rules. */
static void
make_capture(enum gen_family family, enum gen_trace trace)
{
	struct writer *w;
	struct err e = {0};

	gen_rules(filters, N_RULES, family, GEN_IP4, SEED);
	gen_frames(frames, GEN_LEN4, lens, PACKETS, trace, filters, N_RULES,
	    SEED);
	if (writer_create(in, 65535, &w, &e) != 0)
		give_up(e.text);
	writer_iface(w, "in");
	for (unsigned i = 0; i < PACKETS; i++)
		writer_put(w, &(struct writer_packet){
		    .ns = 1700000000 * NS_PER_S + (ns_t)i * GAP_NS,
		    .data = frames + (size_t)i * GEN_LEN4, .kept = lens[i],
		    .len = lens[i]});
	if (writer_close(w, &e) != 0)
		give_up(e.text);
}

static int
make_pipe(struct dn *dn, ns_t now, void *arg)
{
	struct dn_link_cfg link = {.nr = 1, .delay = 10 * NS_PER_MS};
	struct dn_sched_cfg s = {.nr = 1, .type = DN_KEEP,
	    .flags = DN_SCHED_PIPE};
	struct dn_fs_cfg fs = {.nr = 1 + 2 * DN_MAX_NR,
	    .sched_nr = 1 + DN_MAX_NR};
	int rc;

	(void)arg;
	if ((rc = dn_sched_config(dn, &s, now, NULL)) != 0 ||
	    (rc = dn_link_config(dn, &link, now, NULL)) != 0)
		return rc;
	return dn_fs_config(dn, &fs, now, NULL);
}

/* A rule of the set; what it would allow goes through the pipe, if there is
 * one. */
static struct rule *
make_rule(struct engine *en, unsigned i, bool pipe)
{
	struct gen_code code;
	struct insn *act;
	uint32_t counter;

	gen_emit(&filters[i], i + 1, &code);
	act = (struct insn *)(void *)&code.w[code.head.act_ofs];
	if (pipe)
		*act = (struct insn){O_PIPE, 1, 1};
	counters_alloc(engine_counters(en), &counter, NULL);
	return rule_create(&code.head, (uint16_t)(i + 1), i + 1, counter);
}

static struct engine *
make_engine(unsigned n_rules, bool pipe, const char *out)
{
	const struct engine_cfg cfg = {.default_accept = true, .seed = 1,
	    .is_virtual = true};
	struct rule *rules[N_RULES];
	struct engine *en;
	struct err e = {0};
	char name[2][128];

	snprintf(name[0], sizeof(name[0]), "pcap:in=%s", in);
	snprintf(name[1], sizeof(name[1]), "pcap:out=%s", out);
	if (engine_create(&cfg, &en, &e) != 0 ||
	    engine_add_pair(en, name[0], name[1], &e) != 0 ||
	    engine_virtual_begin(en, &e) != 0)
		give_up(e.text);
	if (pipe)
		engine_dn_call(en, make_pipe, NULL);
	for (unsigned i = 0; i < n_rules; i++)
		rules[i] = make_rule(en, i, pipe);
	if (n_rules > 0)
		engine_publish(en, ruleset_add(engine_rules(en), rules,
		    n_rules));
	return en;
}

/* CPU time of one journey, ns per packet; real time in *real. */
static double
journey(unsigned n_rules, bool pipe, const char *out, double *passed,
    double *real)
{
	struct engine *en = make_engine(n_rules, pipe, out);
	const struct virtual_cfg cfg = {.burst = 0};
	struct engine_totals t;
	ns_t from = bench_cpu_ns(), began = clock_mono_ns(), took;

	if (engine_virtual_run(en, &cfg, NULL) != 0)
		give_up("it did not end well");
	took = bench_cpu_ns() - from;
	*real = (double)(clock_mono_ns() - began) / PACKETS;
	engine_totals(en, &t);
	if (t.rx_pkts != PACKETS || engine_captures_failed(en))
		give_up("packets are missing");
	*passed = (double)t.tx_pkts / PACKETS;
	engine_destroy(en);
	return (double)took / PACKETS;
}

static void
row(const char *name, unsigned n_rules, bool pipe, const char *out)
{
	double ns[RUNS], passed = 0, real, best = 1e9;

	for (unsigned i = 0; i < RUNS; i++) {
		ns[i] = journey(n_rules, pipe, out, &passed, &real);
		best = real < best ? real : best;
	}
	qsort(ns, RUNS, sizeof(ns[0]), bench_cmp);
	printf("%-44s %7.1f (%.1f-%.1f) ns/packet, real at best %.1f: "
	       "%.2f Mpps, %.0f %% pass\n", name, ns[RUNS / 2], ns[0],
	    ns[RUNS - 1], best, 1e3 / best, 100 * passed);
	fflush(stdout);
}

/* A few journeys through rules of one family: for callgrind, and for comparing
 * two programs in turn. */
static void
only_one(const char *family, bool pipe)
{
	char name[80];
	unsigned f = 0;

	while (f < N_GEN_REAL && strcmp(gen_names[f], family) != 0)
		f++;
	if (f == N_GEN_REAL)
		give_up("no such family of rules");
	make_capture((enum gen_family)f, GEN_ZIPF);
	snprintf(name, sizeof(name), "%s%s", family, pipe ? ", pipe" : "");
	row(name, N_RULES, pipe, "/dev/null");
}

static void
all_of_them(void)
{
	char name[80];

	make_capture(GEN_FW, GEN_ZIPF);
	row("replay, no rules", 0, false, "/dev/null");
	for (unsigned f = 0; f < N_GEN_REAL; f++) {
		make_capture((enum gen_family)f, GEN_ZIPF);
		snprintf(name, sizeof(name), "replay, 1,000 rules of %s",
		    gen_names[f]);
		row(name, N_RULES, false, "/dev/null");
		snprintf(name, sizeof(name), "replay, 1,000 rules of %s, pipe",
		    gen_names[f]);
		row(name, N_RULES, true, "/dev/null");
		if (access("/dev/shm", W_OK) != 0)
			continue;
		strcat(name, ", tmpfs");
		row(name, N_RULES, true, "/dev/shm/kipfw-bench.pcapng");
		unlink("/dev/shm/kipfw-bench.pcapng");
	}
}

int
main(int argc, char **argv)
{
	if (mkdtemp(dir) == NULL)
		give_up("no folder for captures");
	snprintf(in, sizeof(in), "%s/in.pcapng", dir);
	if (argc > 1) /* FAMILY [pipe] */
		only_one(argv[1], argc > 2);
	else
		all_of_them();
	unlink(in);
	return rmdir(dir);
}
