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
#include "pipe/lateness.h"

#include <string.h>
#include <sys/mman.h>

enum { BURST = 256, FRAME = 64, FLOWS = 1000, DYNAMIC = 100000 };

#define MEMORY (1ull << 30)
#define WARM   (32u << 20) /* pages that are there before they are needed */

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

/* ---- a dummynet of its own, on virtual time ---- */

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
	madvise(l->memory, WARM, MADV_POPULATE_WRITE);
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

/* ---- schedulers alone: FLOWS streams that always wait ---- */

struct bank {
	const struct sched_ops *ops;
	struct slab *slab;
	void *memory;
	struct inst inst;
	struct aqm aqm;
	struct fq_cfg fq;
	struct flow_par par;
	struct queue_counts counts;
	uint64_t drops[N_DN_DROPS];
	struct rng rng;
	struct stream streams[FLOWS];
	ns_t now;
};

/* Takes one packet out and puts it in again at the end of its stream. */
static unsigned
turn(void *arg)
{
	struct bank *b = arg;

	for (unsigned i = 0; i < BURST; i++) {
		struct held *h = b->ops->dequeue(&b->inst, b->now);

		h->time = b->now += 10;
		b->ops->enqueue(&b->inst, &b->streams[h->mark], h, b->now);
	}
	return BURST;
}

static void *
cleared(struct bank *b, size_t size)
{
	return memset(slab_alloc(b->slab, size + 1), 0, size);
}

static void
bank_init(struct bank *b, const struct sched_ops *ops)
{
	size_t more;

	memset(b, 0, sizeof(*b));
	b->ops = ops;
	b->memory = aligned_alloc(SLAB_CHUNK, 512 * SLAB_CHUNK);
	b->slab = slab_create(b->memory, 512 * SLAB_CHUNK);
	rng_init(&b->rng, 1);
	b->counts.all_drops = b->drops;
	b->fq = (struct fq_cfg){.quantum = 1514, .limit = 20480, .flows = 1024};
	b->fq.aqm.type = ops->type == SCHED_TYPE_FQ_PIE ? AQM_PIE : AQM_CODEL;
	b->fq.aqm.target = b->fq.aqm.tupdate = NS_PER_S; /* never drops */
	b->fq.aqm.interval = 10 * NS_PER_S;
	b->aqm = (struct aqm){.ops = aqm_find(b->fq.aqm.type),
	    .cfg = b->fq.aqm};
	b->par = (struct flow_par){5, 1500, 0};
	b->inst = (struct inst){.fq = &b->fq, .fq_aqm = &b->aqm,
	    .counts = &b->counts, .slab = b->slab, .rng = &b->rng};
	more = ops->inst_more != NULL ? ops->inst_more(&b->fq) : 0;
	b->inst.sched = cleared(b, ops->inst_size + more);
	b->now = NS_PER_S;
	if (ops->inst_init != NULL)
		ops->inst_init(&b->inst, b->now);
}

static void
bank_fill(struct bank *b, struct load *l)
{
	const struct sched_ops *ops = b->ops;
	bool one = (ops->flags & SCHED_FLOWS) == 0;

	for (unsigned i = 0; i < (one ? 1 : FLOWS); i++) {
		struct stream *st = &b->streams[i];
		const struct queue_cfg q = {.limit = 1 << 20,
		    .counts = &b->counts, .slab = b->slab, .rng = &b->rng};

		queue_init(&st->q, &q, b->now);
		st->par = &b->par;
		st->sched = cleared(b, ops->stream_size);
		if (ops->stream_init != NULL)
			ops->stream_init(&b->inst, st, b->now);
	}
	for (unsigned i = 0; i < 10 * FLOWS; i++) {
		struct held *h = held_new(b->slab, &l->p, NULL);

		h->mark = one ? 0 : i % FLOWS;
		h->hash = (i % FLOWS) * 0x9e3779b1u;
		h->time = b->now;
		ops->enqueue(&b->inst, &b->streams[h->mark], h, b->now);
	}
}

static void
schedulers(void)
{
	static struct bank b;
	struct load l;
	char name[64];

	load_init(&l);
	for (unsigned k = 0; sched_table[k] != NULL; k++) {
		bank_init(&b, sched_table[k]);
		bank_fill(&b, &l);
		snprintf(name, sizeof(name), "%s, %d flows wait",
		    sched_table[k]->name, FLOWS);
		bench(name, turn, &b);
		slab_destroy(b.slab);
		free(b.memory);
	}
	load_fini(&l);
}

/* ---- dynamic queues ---- */

static void
send(struct load *l, uint32_t flow)
{
	l->p.src4 = flow * 0x9e3779b1u;
	dn_enqueue(l->dn, &l->p, &(struct dn_target){.nr = (uint16_t)l->nr,
	    .queue = l->queue}, l->now);
}

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

enum { REAL_MS = 2000 };

static void
error_of(const struct lateness *l, struct dn_delay_error *e)
{
	*e = (struct dn_delay_error){.n = l->n, .max = l->max,
	    .p50 = lateness_quantile(l, 500),
	    .p99 = lateness_quantile(l, 990),
	    .p999 = lateness_quantile(l, 999)};
}

/* How late a loop that only looks at the clock sees moments 1 us apart: what
 * nobody can beat. */
static void
bare_clock(struct dn_delay_error *e)
{
	static struct lateness late;
	ns_t now = clock_mono_ns(), next = now, end = now + REAL_MS * NS_PER_MS;

	memset(&late, 0, sizeof(late));
	for (; next < end; next += NS_PER_US) {
		while (now < next)
			now = clock_mono_ns();
		lateness_add(&late, now - next);
	}
	error_of(&late, e);
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
		if (l.now > next + NS_PER_MS) /* it had no processor */
			next = l.now;
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
