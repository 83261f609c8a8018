/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What it costs to match: parse, rules and counters of generated rule sets of 1
 * to 65,000 rules against a million different headers, with the index and with
 * the linear interpreter in turn; the index itself; and changes under load.
 *
 *	bench_match           everything, about half a minute of CPU
 *	bench_match -q        only the sizes up to 1,000
 *	bench_match -s        only packets with states
 *	bench_match -p FAMILY RULES N [6]
 *	                      N packets of the uniform trace and no clock, IPv6 if
 *	                      asked: for callgrind, which counts instructions
 */
#include "bench/bench.h"

#include "base/hugemem.h"
#include "engine/engine.h"
#include "packet/parse.h"
#include "rule/interp.h"
#include "rule/plan.h"
#include "test/oracle/genrules.h"

#include <string.h>
#include <unistd.h>

enum {
	FRAMES = 1 << 20,
	BURST = 256,
	STRIDE4 = 64,
	STRIDE6 = 128,
	MAX_RULES = 65000,
	N_SIZES = 6,
	RUNS = 5,
	WARM_BURSTS = 256,
	SEED = 7,
};
#define RUN_NS	   (8 * NS_PER_MS)
#define LINEAR_NS  (4 * NS_PER_MS)

static const unsigned sizes[N_SIZES] = {1, 10, 100, 1000, 10000, MAX_RULES};
static unsigned n_sizes = N_SIZES;

static struct gen_rule filters[MAX_RULES];
static uint8_t *frames;
static uint8_t lens[FRAMES];
static size_t stride;
static unsigned next_frame;
static struct tag_pool tags;
static struct rng rng;
static const struct me nobody;
static struct pkt pkts[BURST];

/* As the engine makes it: counters and the index on huge pages. */
static struct plan_cfg plan_cfg;
static struct pass pass = {
    .rng = &rng, .tags = &tags, .me = &nobody,
    .in_if = "in", .out_if = "out", .now_s = 1,
};

/* ---- one burst ---- */

static unsigned
burst(void *arg)
{
	static const struct parse_cfg cfg;

	(void)arg;
	for (unsigned i = 0; i < BURST; i++) {
		unsigned k = next_frame + i;

		pkts[i].data = frames + k * stride;
		pkts[i].len = lens[k];
	}
	next_frame = (next_frame + BURST) % FRAMES;
	parse_burst(pkts, BURST, &cfg);
	interp_burst(&pass, pkts, BURST);
	return BURST;
}

/* Median ns per packet; where a burst alone takes long, of fewer runs. */
static double
measure(ns_t run_ns, unsigned warm_bursts)
{
	ns_t start = bench_cpu_ns(), now = start;
	double ns[RUNS];
	unsigned n_runs = 0;

	for (unsigned i = 0; i < warm_bursts; i++)
		burst(NULL);
	do {
		ns_t from = bench_cpu_ns();
		uint64_t n = 0;

		do {
			n += burst(NULL);
			now = bench_cpu_ns();
		} while (now - from < run_ns);
		ns[n_runs++] = (double)(now - from) / (double)n;
	} while (n_runs < RUNS && now - start < 4 * RUNS * run_ns);
	qsort(ns, n_runs, sizeof(ns[0]), bench_cmp);
	return ns[n_runs / 2];
}

/* ---- rule sets ---- */

static void
ignore(void *arg, uint32_t counter)
{
	(void)arg, (void)counter;
}

static struct rule *
make_rule(const struct gen_rule *f, unsigned num, uint32_t id,
    uint32_t counter)
{
	struct gen_code code;

	gen_emit(f, num, &code);
	return rule_create(&code.head, (uint16_t)num, id, counter);
}

/* filters[n] as a ruleset without an index. */
static struct ruleset *
make_rules(unsigned n)
{
	struct ruleset *first = ruleset_create(false, 0), *rs;
	struct rule **add = calloc(n, sizeof(struct rule *));

	for (unsigned i = 0; i < n; i++)
		add[i] = make_rule(&filters[i], i + 1, i + 1, i + 1);
	rs = ruleset_add(first, add, n);
	ruleset_destroy(first, ignore, NULL);
	free(add);
	return rs;
}

struct built {
	double ms;
	double mb;
};

/* Gives 'rs' its index. */
static struct built
build_index(struct ruleset *rs)
{
	ns_t from = bench_cpu_ns();
	struct plan_stats s = {.bytes = 0};
	struct built b;

	rs->plan = plan_create_cfg(rs, NULL, &plan_cfg);
	b.ms = (double)(bench_cpu_ns() - from) / 1e6;
	if (rs->plan != NULL)
		plan_stats(rs->plan, &s);
	b.mb = (double)s.bytes / 1e6;
	return b;
}

/* ---- the table ---- */

struct cell {
	double index, linear; /* ns per packet */
};

static struct cell cells4[N_GEN_REAL][N_SIZES][N_GEN_TRACES];
static struct cell cells6[N_GEN_REAL][N_SIZES][N_GEN_TRACES];
static struct built built[N_GEN_REAL][N_SIZES];

static struct cell
measure_cell(struct ruleset *rs, enum gen_trace kind, unsigned n)
{
	struct plan *plan = rs->plan;
	struct cell c;

	gen_frames(frames, stride, lens, FRAMES, kind, filters, n, SEED);
	next_frame = 0;
	pass.rules = rs;
	c.index = measure(RUN_NS, WARM_BURSTS);
	c.linear = 0;
	if (kind == GEN_UNIFORM) { /* the others take long, and tell no more */
		rs->plan = NULL;
		c.linear = measure(LINEAR_NS, 1);
		rs->plan = plan;
	}
	return c;
}

/* One family, all sizes; 'n_traces' of the traces. */
static void
measure_family(enum gen_family family, enum gen_af af,
    struct cell to[N_SIZES][N_GEN_TRACES], struct built *b,
    unsigned n_traces)
{
	stride = af == GEN_IP4 ? STRIDE4 : STRIDE6;
	for (unsigned s = 0; s < n_sizes; s++) {
		struct ruleset *rs;
		struct built one;

		gen_rules(filters, sizes[s], family, af, SEED);
		rs = make_rules(sizes[s]);
		one = build_index(rs);
		if (b != NULL)
			b[s] = one;
		for (unsigned t = 0; t < n_traces; t++)
			to[s][t] = measure_cell(rs, t, sizes[s]);
		ruleset_destroy(rs, ignore, NULL);
	}
}

static void
print_head(const char *what)
{
	printf("%-28s", what);
	for (unsigned s = 0; s < n_sizes; s++)
		printf(" %9u", sizes[s]);
	printf("\n");
}

static void
print_cells(const char *af, struct cell (*c)[N_SIZES][N_GEN_TRACES],
    unsigned n_traces)
{
	for (unsigned f = 0; f < N_GEN_REAL; f++)
		for (unsigned t = 0; t < n_traces; t++) {
			char name[40];

			snprintf(name, sizeof(name), "%s %s, %s", af,
			    gen_names[f], gen_trace_names[t]);
			printf("%-28s", name);
			for (unsigned s = 0; s < n_sizes; s++)
				printf(" %9.1f", c[f][s][t].index);
			printf("\n");
			if (t != GEN_UNIFORM)
				continue;
			printf("%-28s", "  rule by rule");
			for (unsigned s = 0; s < n_sizes; s++)
				printf(" %9.1f", c[f][s][t].linear);
			printf("\n");
		}
	fflush(stdout);
}

/* ---- the summary, for README and history ---- */

enum summary { MEAN, LINEAR, WORST, CROSS, IP6, N_SUMMARY };

/* Over the families, of one size. */
static void
summarize(unsigned s, double out[N_SUMMARY])
{
	double sum[N_SUMMARY] = {0}, worst = 0, cross = 0;

	for (unsigned f = 0; f < N_GEN_REAL; f++) {
		const struct cell *c = cells4[f][s];
		double x = c[GEN_CROSS].index / c[GEN_UNIFORM].index;

		sum[MEAN] += c[GEN_UNIFORM].index;
		sum[LINEAR] += c[GEN_UNIFORM].linear;
		sum[IP6] += cells6[f][s][GEN_UNIFORM].index;
		worst = c[GEN_UNIFORM].index > worst ? c[GEN_UNIFORM].index :
						       worst;
		cross = x > cross ? x : cross;
	}
	out[MEAN] = sum[MEAN] / N_GEN_REAL;
	out[LINEAR] = sum[LINEAR] / N_GEN_REAL;
	out[WORST] = worst / out[MEAN];
	out[CROSS] = cross;
	out[IP6] = sum[IP6] / sum[MEAN];
}

static void
print_summary(void)
{
	static const struct {
		const char *name;
		int digits;
	} rows[N_SUMMARY] = {
	    [MEAN] = {"ns per packet, mean over the families", 0},
	    [LINEAR] = {"the same, rule by rule", 0},
	    [WORST] = {"worst family / mean", 2},
	    [CROSS] = {"adversarial / uniform, worst family", 2},
	    [IP6] = {"IPv6 / IPv4", 2},
	};
	double v[N_SIZES][N_SUMMARY];

	printf("\n| rules |");
	for (unsigned s = 0; s < n_sizes; s++) {
		printf(" %u |", sizes[s]);
		summarize(s, v[s]);
	}
	printf("\n|---|");
	for (unsigned s = 0; s < n_sizes; s++)
		printf("---|");
	for (unsigned r = 0; r < N_SUMMARY; r++) {
		printf("\n| %s |", rows[r].name);
		for (unsigned s = 0; s < n_sizes; s++)
			printf(" %.*f |", rows[r].digits, v[s][r]);
	}
	for (unsigned f = 0; f < N_GEN_REAL; f++) {
		printf("\n| index of %s, MB / ms to build |", gen_names[f]);
		for (unsigned s = 0; s < n_sizes; s++)
			printf(" %.3f / %.2f |", built[f][s].mb,
			    built[f][s].ms);
	}
	printf("\n\n");
	fflush(stdout);
}

/* ---- the others, at one size ---- */

static void
measure_bad(void)
{
	static const unsigned n_rules[] = {1000, 10000};

	printf("%-28s %9s %9s %9s %9s %9s\n", "bad rules, IPv4", "uniform",
	    "by rule", "no match", "MB", "ms");
	stride = STRIDE4;
	for (unsigned f = N_GEN_REAL; f < N_GEN_FAMILIES; f++)
		for (unsigned k = 0; k < ARRAY_LEN(n_rules); k++) {
			struct cell u, x;
			struct ruleset *rs;
			struct built b;
			char name[32];

			gen_rules(filters, n_rules[k], f, GEN_IP4, SEED);
			rs = make_rules(n_rules[k]);
			b = build_index(rs);
			u = measure_cell(rs, GEN_UNIFORM, n_rules[k]);
			x = measure_cell(rs, GEN_NOTHING, n_rules[k]);
			snprintf(name, sizeof(name), "  %s, %u", gen_names[f],
			    n_rules[k]);
			printf("%-28s %9.1f %9.1f %9.1f %9.3f %9.2f\n", name,
			    u.index, u.linear, x.index, b.mb, b.ms);
			ruleset_destroy(rs, ignore, NULL);
		}
	fflush(stdout);
}

/* A million flows, each with a state that the first rule finds. */
static void
measure_states(void)
{
	static const struct abi_rule head = {.act_ofs = 0, .cmd_len = 1};
	struct {
		struct abi_rule head;
		struct insn cmd[2];
	} check = {head, {{O_CHECK_STATE, 1, 0}}},
	  keep = {{.act_ofs = 1, .cmd_len = 2},
	      {{O_KEEP_STATE, 1, 1}, {O_ACCEPT, 1, 0}}};
	struct state_cfg cfg = {{300, 300, 300, 300, 300, 300}, 1 << 21, 1, 1};
	struct gen_rule any = {.sport = {0, 65535}, .dport = {0, 65535}};
	struct ruleset *first = ruleset_create(false, 0);
	void *memory = hugemem_alloc(state_memory(1 << 21));
	struct rule *add[2] = {rule_create(&check.head, 1, 1, 1),
	    rule_create(&keep.head, 2, 2, 2)};

	stride = STRIDE4;
	gen_frames(frames, stride, lens, FRAMES, GEN_UNIFORM, &any, 1, SEED);
	pass.rules = ruleset_add(first, add, 2);
	pass.states = state_create_in(1 << 21, &rng, memory);
	pass.state_cfg = &cfg;
	next_frame = 0;
	for (unsigned i = 0; i < FRAMES / BURST; i++)
		burst(NULL);
	printf("%-28s %9.1f ns/packet\n", "check-state, 1 M flows, hit",
	    measure(4 * RUN_NS, 0));
	fflush(stdout);
	state_destroy(pass.states);
	hugemem_free(memory, state_memory(1 << 21));
	pass.states = NULL;
	ruleset_destroy(first, ignore, NULL);
	ruleset_destroy((struct ruleset *)(uintptr_t)pass.rules, ignore, NULL);
}

/* ---- changes under load ---- */

/* What the source's worker has done so far. */
static uint64_t
moved(struct engine *en)
{
	struct engine_totals t;

	engine_totals(en, &t);
	return t.drops[DROP_SOURCE_END] + t.drops[DROP_RULE];
}

/* Adds rule after rule, at most 'per_s' a second, for a second; returns how
 * many.  *rate: packets a second meanwhile. */
static double
add_for_a_second(struct engine *en, unsigned per_s, double *rate)
{
	ns_t from = clock_mono_ns(), now = from;
	uint64_t done = moved(en);
	unsigned n = 0;

	while ((now = clock_mono_ns()) - from < NS_PER_S) {
		uint32_t counter, id = 100000 + n;
		struct rule *r;

		if (per_s != 0 && n >= (now - from) * per_s / NS_PER_S) {
			usleep(100);
			continue;
		}
		if (per_s == 0 && n >= MAX_RULES / 2)
			break;
		if (counters_alloc(engine_counters(en), &counter, NULL) != 0)
			break;
		r = make_rule(&filters[n % 10000], 20000 + n % 30000, id,
		    counter);
		engine_publish(en, ruleset_add(engine_rules(en), &r, 1));
		n++;
	}
	*rate = (double)(moved(en) - done) * 1e9 / (double)(now - from);
	return n * 1e9 / (double)(now - from);
}

static double
idle_rate(struct engine *en)
{
	uint64_t from = moved(en);
	ns_t t = clock_mono_ns();

	usleep(500 * 1000);
	return (double)(moved(en) - from) * 1e9 / (double)(clock_mono_ns() - t);
}

/* The trace as a capture for the source; 'path' is filled in. */
static bool
write_capture(char *path, unsigned n)
{
	static const uint32_t head[6] = {0xa1b2c3d4, 2 | 4 << 16, 0, 0, 2048,
	    1};
	int fd = mkstemp(path);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");

	if (f == NULL)
		return false;
	fwrite(head, sizeof(head), 1, f);
	for (unsigned i = 0; i < n; i++) {
		uint32_t rec[4] = {0, 0, lens[i], lens[i]};

		fwrite(rec, sizeof(rec), 1, f);
		fwrite(frames + i * stride, lens[i], 1, f);
	}
	return fclose(f) == 0;
}

static void
measure_changes(void)
{
	enum { RULES = 10000, CAPTURE = 200000 };
	char path[] = "/tmp/bench_match.XXXXXX";
	struct engine_cfg cfg = {.source_pcap = path, .seed = 1};
	double before, during, after, n;
	struct engine *en;
	struct rule **add = calloc(RULES, sizeof(struct rule *));
	struct err e;

	stride = STRIDE4;
	gen_rules(filters, RULES, GEN_ACL, GEN_IP4, SEED);
	gen_frames(frames, stride, lens, CAPTURE, GEN_UNIFORM, filters, RULES,
	    SEED);
	if (!write_capture(path, CAPTURE) || engine_create(&cfg, &en, &e) != 0)
		return;
	unlink(path);
	for (unsigned i = 0; i < RULES; i++) {
		uint32_t counter;

		counters_alloc(engine_counters(en), &counter, NULL);
		add[i] = make_rule(&filters[i], i + 1, i + 1, counter);
	}
	engine_publish(en, ruleset_add(engine_rules(en), add, RULES));
	engine_source(en, 1);
	engine_start(en, &e);
	usleep(300 * 1000);
	before = idle_rate(en);
	n = add_for_a_second(en, 1000, &during);
	after = idle_rate(en);
	printf("%-28s %9.0f a second, forwarding at %.0f %% of its speed\n",
	    "adds at 10,000 rules", n, 200 * during / (before + after));
	before = after;
	n = add_for_a_second(en, 0, &during);
	printf("%-28s %9.0f a second, forwarding at %.0f %%\n",
	    "  as fast as it goes", n, 100 * during / before);
	engine_destroy(en);
	free(add);
}

/* ---- the whole ---- */

static int
count_only(const char *family, unsigned n, unsigned n_pkts, enum gen_af af)
{
	struct ruleset *rs;
	unsigned f = 0;

	while (f < N_GEN_FAMILIES && strcmp(gen_names[f], family) != 0)
		f++;
	if (f == N_GEN_FAMILIES || n == 0 || n > MAX_RULES)
		return 1;
	gen_rules(filters, n, f, af, SEED);
	rs = make_rules(n);
	stride = af == GEN_IP4 ? STRIDE4 : STRIDE6;
	gen_frames(frames, stride, lens, FRAMES, GEN_UNIFORM, filters, n,
	    SEED);
	build_index(rs);
	pass.rules = rs;
	for (unsigned i = 0; i < n_pkts; i += BURST)
		burst(NULL);
	return 0;
}

int
main(int argc, char **argv)
{
	frames = aligned_alloc(CACHE_LINE, (size_t)FRAMES * STRIDE6);
	rng_init(&rng, 1);
	tag_reset(&tags);
	plan_cfg = plan_defaults;
	plan_cfg.pages = &pages_huge;
	pass.counts = hugemem_alloc((MAX_RULES + 1) * sizeof(struct counter));
	if (frames == NULL || pass.counts == NULL)
		return 1;
	if (argc >= 5 && strcmp(argv[1], "-p") == 0)
		return count_only(argv[2], (unsigned)atoi(argv[3]),
		    (unsigned)atoi(argv[4]), argc > 5 ? GEN_IP6 : GEN_IP4);
	if (argc == 2 && strcmp(argv[1], "-s") == 0) {
		measure_states();
		return 0;
	}
	if (argc == 2 && strcmp(argv[1], "-q") == 0)
		n_sizes = 4;
	print_head("parse, rules, counters");
	for (unsigned f = 0; f < N_GEN_REAL; f++)
		measure_family(f, GEN_IP4, cells4[f], built[f], N_GEN_TRACES);
	print_cells("IPv4", cells4, N_GEN_TRACES);
	for (unsigned f = 0; f < N_GEN_REAL; f++)
		measure_family(f, GEN_IP6, cells6[f], NULL, 1);
	print_cells("IPv6", cells6, 1);
	if (n_sizes == N_SIZES)
		measure_bad();
	measure_states();
	measure_changes();
	print_summary();
	return 0;
}
