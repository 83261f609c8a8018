/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What pipes cost: per packet on the whole path, per operation of a scheduler,
 * per held packet in memory; and how exactly packets leave in real time.
 */
#include "bench/bench.h"

#include "base/bytes.h"
#include "engine/engine.h"
#include "packet/parse.h"
#include "pipe/dn.h"

#include <string.h>
#include <sys/mman.h>

enum { BURST = 256, FRAME = 64, FLOWS = 1000, DYNAMIC = 100000 };

#define MEMORY (1ull << 30)

/* ---- the whole path: source, rule, pipe, sink ---- */

static int
make_pipe(struct dn *dn, ns_t now, void *arg)
{
	const struct dn_link_cfg *link = arg;
	struct dn_sched_cfg s = {.nr = link->nr, .type = DN_KEEP,
	    .flags = DN_SCHED_PIPE};
	struct dn_fs_cfg fs = {.nr = link->nr + 2 * DN_MAX_NR,
	    .sched_nr = link->nr + DN_MAX_NR, .limit = 10000};
	int rc;

	if ((rc = dn_sched_config(dn, &s, now, NULL)) != 0 ||
	    (rc = dn_link_config(dn, link, now, NULL)) != 0)
		return rc;
	return dn_fs_config(dn, &fs, now, NULL);
}

static unsigned
one_round(void *arg)
{
	engine_round(arg);
	return BURST;
}

/* An engine with one rule in front of a source; 'link' NULL: allow. */
static struct engine *
engine_with(struct dn_link_cfg *link)
{
	const struct engine_cfg cfg = {.default_accept = true, .seed = 1};
	struct {
		struct abi_rule r;
		struct insn proto;
		struct insn act;
	} r = {
	    .r = {.act_ofs = 1, .cmd_len = 2},
	    .proto = {O_PROTO, 1, 17},
	    .act = {link != NULL ? O_PIPE : O_ACCEPT, 1, 1},
	};
	struct engine *en;
	uint32_t counter;
	struct rule *rule;
	struct err e;

	if (engine_create(&cfg, &en, &e) != 0 ||
	    engine_add_pair(en, "source:", "sink:", &e) != 0) {
		printf("bench_pipe: %s\n", e.text);
		exit(1);
	}
	counters_alloc(engine_counters(en), &counter, NULL);
	rule = rule_create(&r.r, 100, 1, counter);
	engine_publish(en, ruleset_add(engine_rules(en), &rule, 1));
	if (link != NULL)
		engine_dn_call(en, make_pipe, link);
	return en;
}

static int
totals_of(struct dn *dn, ns_t now, void *arg)
{
	(void)now;
	dn_totals(dn, arg);
	return 0;
}

static double
path(const char *name, struct dn_link_cfg *link, double without)
{
	struct engine *en = engine_with(link);
	ns_t from = clock_mono_ns();
	struct dn_totals t;
	double ns;

	/* until as many leave as come */
	while (link != NULL && clock_mono_ns() - from < 3 * link->delay)
		one_round(en);
	ns = bench(name, one_round, en);
	if (link != NULL) {
		engine_dn_call(en, totals_of, &t);
		printf("    above no pipe %.1f ns; %llu held in %llu MB: %.0f "
		       "octets each; %llu lost\n", ns - without,
		    (unsigned long long)t.held_pkts,
		    (unsigned long long)(t.memory >> 20),
		    (double)t.memory / (double)(t.held_pkts + 1),
		    (unsigned long long)(t.drops[DN_DROP_QUEUE_FULL] +
			t.drops[DN_DROP_MEMORY]));
	}
	engine_destroy(en);
	return ns;
}

static void
paths(void)
{
	double without = path("one rule, no pipe", NULL, 0);

	path("pipe, delay 10 ms, unlimited",
	    &(struct dn_link_cfg){.nr = 1, .delay = 10 * NS_PER_MS}, without);
	path("pipe, delay 100 ms, unlimited",
	    &(struct dn_link_cfg){.nr = 1, .delay = 100 * NS_PER_MS}, without);
	path("pipe, delay 10 ms, 10 Gbit/s",
	    &(struct dn_link_cfg){.nr = 1, .delay = 10 * NS_PER_MS,
		.rate_bps = 10000000000}, without);
	path("pipe, delay 100 ms, 10 Gbit/s",
	    &(struct dn_link_cfg){.nr = 1, .delay = 100 * NS_PER_MS,
		.rate_bps = 10000000000}, without);
}

/* ---- schedulers: virtual time, FLOWS flows that always wait ---- */

struct load {
	struct dn *dn;
	void *memory;
	ns_t now;
	uint32_t flow;
	uint32_t n_flows;
	unsigned nr;
	bool queue;
	struct rng rng;
	uint8_t frame[FRAME];
	struct pkt p;
	struct pkt pkts[BURST];
	const struct pkt *ptrs[BURST];
};

static void
load_init(struct load *l)
{
	static const struct parse_cfg cfg;
	struct dn_cfg dc = {.memory_size = MEMORY, .seed = 1, .hash_key = 99};

	memset(l, 0, sizeof(*l));
	l->memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	dc.memory = (void *)(((uintptr_t)l->memory + SLAB_CHUNK - 1) &
	    ~(uintptr_t)(SLAB_CHUNK - 1));
	dc.memory_size -= SLAB_CHUNK;
	madvise(l->memory, MEMORY, MADV_HUGEPAGE); /* as the engine does */
	if (l->memory == MAP_FAILED || dn_create(&dc, &l->dn, NULL) != 0)
		exit(1);
	l->now = NS_PER_S;
	rng_init(&l->rng, 1);
	put16(l->frame + 12, 0x0800);
	l->frame[14] = 0x45;
	l->frame[23] = 17;
	put16(l->frame + 16, FRAME - 14);
	l->p.data = l->frame;
	l->p.len = FRAME;
	parse(&l->p, &cfg);
}

static void
load_fini(struct load *l)
{
	dn_destroy(l->dn);
	munmap(l->memory, MEMORY);
}

static void
send(struct load *l, uint32_t flow)
{
	l->p.src4 = flow * 0x9e3779b1u;
	dn_enqueue(l->dn, &l->p, &(struct dn_target){.nr = (uint16_t)l->nr,
	    .queue = l->queue}, l->now);
}

/* The link sends one packet a ns; each gives way to a new one, so all flows
 * keep their backlog. */
static unsigned
churn(void *arg)
{
	struct held *out[BURST];
	struct load *l = arg;
	unsigned n;

	l->now += BURST;
	n = dn_run(l->dn, l->now, out, BURST);
	for (unsigned i = 0; i < n; i++) {
		uint32_t src;

		memcpy(&src, out[i]->frame + 26, sizeof(src));
		l->p.src4 = src;
		dn_enqueue(l->dn, &l->p, &(struct dn_target){
		    .nr = (uint16_t)l->nr, .queue = l->queue}, l->now);
	}
	dn_free(l->dn, out, n);
	return n > 0 ? n : 1;
}

static void
schedulers(void)
{
	for (unsigned k = 0; sched_table[k] != NULL; k++) {
		const struct sched_ops *ops = sched_table[k];
		bool flows = (ops->flags & SCHED_FLOWS) != 0;
		struct dn_fs_cfg fs = {.nr = flows ? 7 : 1 + DN_MAX_NR,
		    .sched_nr = 1, .limit = 20 * FLOWS, .has_mask = true,
		    .mask = {.src4 = UINT32_MAX}, .par = {.weight = 5}};
		struct dn_sched_cfg s = {.nr = 1, .type = ops->type};
		struct dn_link_cfg link = {.nr = 1, .rate_bps = DN_MAX_RATE};
		char name[64];
		struct load l;

		load_init(&l);
		s.fq.aqm.target = NS_PER_S; /* laws that do not drop */
		s.fq.aqm.interval = 10 * NS_PER_S;
		s.fq.limit = 20480;
		s.fq.flows = 4096;
		if (dn_sched_config(l.dn, &s, l.now, NULL) != 0 ||
		    dn_link_config(l.dn, &link, l.now, NULL) != 0 ||
		    dn_fs_config(l.dn, &fs, l.now, NULL) != 0) {
			printf("%s is not configured\n", ops->name);
			load_fini(&l);
			continue;
		}
		l.nr = flows ? 7 : 0;
		l.queue = true;
		if (!flows) { /* by way of a queue on it */
			fs.nr = 7;
			l.nr = 7;
			dn_fs_config(l.dn, &fs, l.now, NULL);
		}
		for (unsigned i = 0; i < 10 * FLOWS; i++) {
			memcpy(l.frame + 26, &(uint32_t){i % FLOWS *
			    0x9e3779b1u}, 4);
			send(&l, i % FLOWS);
		}
		snprintf(name, sizeof(name), "%s, %d flows wait", ops->name,
		    FLOWS);
		bench(name, churn, &l);
		load_fini(&l);
	}
}

/* ---- dynamic queues ---- */

static unsigned
hosts(void *arg)
{
	struct held *out[BURST];
	struct load *l = arg;
	unsigned n;

	for (unsigned i = 0; i < BURST; i++) {
		l->pkts[i] = l->p;
		l->ptrs[i] = &l->pkts[i];
		l->pkts[i].src4 = (uint32_t)(rng_u64(&l->rng) % l->n_flows) *
		    0x9e3779b1u;
	}
	dn_enqueue_run(l->dn, l->ptrs, BURST, &(struct dn_target){
	    .nr = (uint16_t)l->nr, .queue = l->queue}, l->now);
	l->now += 10000;
	while ((n = dn_run(l->dn, l->now, out, BURST)) > 0)
		dn_free(l->dn, out, n);
	return BURST;
}

static void
dynamic(void)
{
	const struct dn_flow_id host = {.src4 = UINT32_MAX};
	struct dn_sched_cfg s = {.nr = 1, .type = SCHED_TYPE_WF2Q};
	struct dn_fs_cfg fs = {.nr = 7, .sched_nr = 1, .has_mask = true,
	    .mask = host};
	struct dn_link_cfg link = {.nr = 1, .rate_bps = 100000000000};
	struct dn_totals t;
	struct load l;

	load_init(&l);
	l.n_flows = DYNAMIC;
	l.nr = 7;
	l.queue = true;
	dn_knobs(l.dn)->expire = false;
	dn_sched_config(l.dn, &s, l.now, NULL);
	dn_link_config(l.dn, &link, l.now, NULL);
	dn_fs_config(l.dn, &fs, l.now, NULL);
	bench("queue mask, 100,000 hosts, WF2Q+", hosts, &l);
	dn_totals(l.dn, &t);
	printf("    %llu flows, %llu MB\n", (unsigned long long)t.n_flows,
	    (unsigned long long)(t.memory >> 20));
	load_fini(&l);

	load_init(&l);
	l.n_flows = DYNAMIC;
	l.nr = 1;
	dn_knobs(l.dn)->expire = false;
	make_pipe(l.dn, l.now, &(struct dn_link_cfg){.nr = 1,
	    .rate_bps = 10000000, .delay = NS_PER_MS});
	dn_sched_config(l.dn, &(struct dn_sched_cfg){.nr = 1, .type = DN_KEEP,
	    .flags = DN_SCHED_PIPE, .has_mask = true, .mask = host}, l.now,
	    NULL);
	bench("pipe mask, 100,000 hosts, 1 ms each", hosts, &l);
	dn_totals(l.dn, &t);
	printf("    %llu pipes, %llu MB\n", (unsigned long long)t.n_instances,
	    (unsigned long long)(t.memory >> 20));
	load_fini(&l);
}

/* ---- real time ---- */

enum { LATE_NS_MAX = 1 << 24, REAL_MS = 2000 };

/* How late a loop that only looks at the clock sees moments 1 us apart: what
 * nobody can beat. */
static void
bare_clock(struct dn_delay_error *e)
{
	static uint32_t late[REAL_MS * 1000];
	ns_t start = clock_mono_ns() + NS_PER_MS, now = 0;
	uint64_t sum = 0, n = REAL_MS * 1000;

	memset(e, 0, sizeof(*e));
	for (uint64_t i = 0; i < n; i++) {
		while (now < start + i * NS_PER_US)
			now = clock_mono_ns();
		late[i] = (uint32_t)(now - start - i * NS_PER_US);
		e->max = late[i] > e->max ? late[i] : e->max;
	}
	/* quantiles by counting, in steps of 10 ns */
	for (unsigned step = 0; step < LATE_NS_MAX / 10 && !e->p999; step++) {
		uint64_t before = sum;
		static uint32_t hist[LATE_NS_MAX / 10];

		if (step == 0)
			for (uint64_t i = 0; i < n; i++)
				hist[late[i] / 10 < LATE_NS_MAX / 10 ?
				    late[i] / 10 : LATE_NS_MAX / 10 - 1]++;
		sum += hist[step];
		if (before < n / 2 && sum >= n / 2)
			e->p50 = step * 10 + 10;
		if (before < n * 99 / 100 && sum >= n * 99 / 100)
			e->p99 = step * 10 + 10;
		if (before < n * 999 / 1000 && sum >= n * 999 / 1000)
			e->p999 = step * 10 + 10;
	}
}

/* A packet each us through a pipe of 10 ms, by the real clock, in one loop that
 * sends when it is time and takes what has left. */
static void
pipe_clock(struct dn_delay_error *e)
{
	struct held *out[BURST];
	struct dn_sched_info info;
	struct load l;
	ns_t next;

	load_init(&l);
	l.nr = 1;
	l.now = clock_mono_ns();
	make_pipe(l.dn, l.now,
	    &(struct dn_link_cfg){.nr = 1, .delay = 10 * NS_PER_MS});
	next = l.now;
	for (ns_t end = l.now + REAL_MS * NS_PER_MS; l.now < end;) {
		unsigned n;

		l.now = clock_mono_ns();
		for (; next <= l.now; next += NS_PER_US)
			send(&l, 1);
		while ((n = dn_run(l.dn, l.now, out, BURST)) > 0) {
			dn_free(l.dn, out, n);
			l.now = clock_mono_ns();
		}
	}
	dn_sched_get(l.dn, 1 + DN_MAX_NR, l.now, &info);
	*e = info.report.error;
	load_fini(&l);
}

static void
row(const char *name, const struct dn_delay_error *e)
{
	printf("%-44s p50 %.2f p99 %.1f p99.9 %.0f max %.0f us\n", name,
	    (double)e->p50 / 1e3, (double)e->p99 / 1e3, (double)e->p999 / 1e3,
	    (double)e->max / 1e3);
	fflush(stdout);
}

static void
real_time(void)
{
	struct dn_delay_error bare, pipe;

	for (unsigned i = 0; i < 3; i++) {
		bare_clock(&bare);
		row("a bare loop that looks at the clock", &bare);
		pipe_clock(&pipe);
		row("1 Mpps through 10 ms: how late", &pipe);
	}
}

int
main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (*what == '\0' || *what == 'p')
		paths();
	if (*what == '\0' || *what == 's')
		schedulers();
	if (*what == '\0' || *what == 'd')
		dynamic();
	if (*what == '\0' || *what == 'r')
		real_time();
	return 0;
}
