/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The packet path in one thread: infinite source -> rules -> nowhere, and its
 * parts alone.  The same step() that a worker runs.
 */
#include "bench/bench.h"

#include "base/bytes.h"
#include "engine/step.h"
#include "packet/proto.h"
#include "rule/plan.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

enum { TRACE_LEN = 1 << 20, FRAME = 64, MAX_RULES = 1 << 17 };

static uint8_t *trace; /* TRACE_LEN frames, FRAME octets each */
static struct counter counts[MAX_RULES];
static struct step_ctx ctx;
static const struct me nobody;

/* Distinct headers, so that neither caches nor branches learn them. */
static void
make_trace(void)
{
	struct rng r;

	rng_init(&r, 1);
	trace = calloc(TRACE_LEN, FRAME);
	for (unsigned i = 0; i < TRACE_LEN; i++) {
		uint8_t *f = trace + (size_t)i * FRAME, *ip = f + ETHER_LEN;
		uint64_t x = rng_u64(&r), y = rng_u64(&r);

		put16(f + 12, ETYPE_IP4);
		ip[0] = 0x45;
		put16(ip + 2, FRAME - ETHER_LEN);
		ip[8] = 64;
		ip[9] = x & 1 ? PROTO_TCP : PROTO_UDP;
		put32(ip + 12, (uint32_t)(x >> 32));
		put32(ip + 16, (uint32_t)y);
		put32(ip + 20, (uint32_t)(y >> 32));
		ip[20 + 13] = TH_ACK;
	}
}

/* ---- ports over the trace ---- */

static unsigned trace_next;

static unsigned
trace_rx(struct port *p, struct pkt *pkts, unsigned max)
{
	(void)p;
	for (unsigned i = 0; i < max; i++) {
		pkts[i].data = trace + (size_t)trace_next * FRAME;
		pkts[i].len = FRAME;
		trace_next = (trace_next + 1) % TRACE_LEN;
	}
	return max;
}

static void
nothing(struct port *p)
{
	(void)p;
}

static const struct port_ops trace_ops = {
	.kind = "trace:", .rx = trace_rx, .release = nothing,
};

/* ---- rules ---- */

static struct rule *
make_rule(unsigned num, const uint32_t *words, unsigned n_words,
    unsigned act_ofs)
{
	struct rule *r = calloc(1, sizeof(*r) + n_words * 4);

	r->num = (uint16_t)num;
	r->n_words = (uint16_t)n_words;
	r->act_ofs = (uint16_t)act_ofs;
	r->counter = num == RULE_DEFAULT ? 0 : num;
	memcpy(r->cmd, words, n_words * 4);
	return r;
}

/* n - 1 rules that never match (deny ip from 240.0.0.x to any), then allow. */
static struct ruleset *
make_rules(unsigned n)
{
	struct ruleset *rs = calloc(1, sizeof(*rs) + n * sizeof(rs->rules[0]));
	struct {
		struct insn_u32 src;
		struct insn act;
	} deny = {{{O_IP_SRC, 2, 0}, {0}}, {O_DENY, 1, 0}};
	struct insn allow = {O_ACCEPT, 1, 0};
	uint32_t w[4];

	rs->n_rules = n;
	for (unsigned i = 0; i + 1 < n; i++) {
		deny.src.d[0] = htonl(0xf0000000u + i);
		memcpy(w, &deny, sizeof(deny));
		rs->rules[i] = make_rule(i + 1, w, 3, 2);
	}
	memcpy(w, &allow, sizeof(allow));
	rs->rules[n - 1] = make_rule(RULE_DEFAULT, w, 1, 0);
	rs->plan = plan_create(rs, NULL);
	return rs;
}

static unsigned
one_step(void *arg)
{
	return step(&ctx, arg, PORT_BURST);
}

/* ---- parts ---- */

static unsigned
parse_part(void *arg)
{
	trace_rx(NULL, ctx.pkts, PORT_BURST);
	parse_burst(ctx.pkts, PORT_BURST, &ctx.parse);
	return *(unsigned *)arg;
}

static unsigned
counter_part(void *arg)
{
	for (unsigned i = 0; i < PORT_BURST; i++)
		counter_add(&counts[i * 7 % MAX_RULES], 50, 1);
	return *(unsigned *)arg;
}

static void
source_rows(const char *what, struct lane *lane)
{
	static const unsigned sizes[] = {1, 10, 100, 1000, 10000, 65000};
	char name[80];

	for (unsigned i = 0; i < ARRAY_LEN(sizes); i++) {
		ctx.pass.rules = make_rules(sizes[i]);
		snprintf(name, sizeof(name), "%s, %u rule%s", what, sizes[i],
		    sizes[i] == 1 ? "" : "s");
		bench(name, one_step, lane);
	}
}

int
main(void)
{
	struct port *source, *sink;
	static struct port traced = {.ops = &trace_ops, .ifname = "trace"};
	unsigned burst = PORT_BURST;
	struct rng rng;

	if (port_open("source:", &source, NULL) != 0 ||
	    port_open("sink:", &sink, NULL) != 0)
		return 1;
	make_trace();
	rng_init(&rng, 1);
	ctx.pass.counts = counts;
	ctx.pass.rng = &rng;
	ctx.pass.tags = &ctx.tags;
	ctx.pass.me = &nobody;
	ctx.enabled = true;
	if (defrag_create(NULL, &ctx.defrag, NULL) != 0)
		abort();

	source_rows("infinite source, the classic packet",
	    &(struct lane){.in = source, .out = sink, .end = DROP_SOURCE_END});
	source_rows("infinite source, 1 M distinct headers",
	    &(struct lane){.in = &traced, .out = sink, .end = DROP_SOURCE_END});
	bench("parse alone, 1 M distinct headers", parse_part, &burst);
	bench("counters alone, 1,024 rules", counter_part, &burst);
	return 0;
}
