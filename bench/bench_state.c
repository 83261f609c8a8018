/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What dynamic states cost: hits at 100 k to 4 M states and new ones, in bursts
 * of 256, against a rule without states.
 */
#include "bench/bench.h"

#include "base/bytes.h"
#include "base/hugemem.h"
#include "packet/proto.h"
#include "state/state.h"

#include <string.h>

enum { BURST = 256, FRAME = 64 };

struct load {
	struct state_table *t;
	struct state_cfg cfg;
	uint32_t n_flows;
	uint32_t at;	    /* flow of the next packet, when counting up */
	struct rng rng;
	uint8_t frame[FRAME];
	struct pkt pkts[BURST];
};

/* Packet 'p' of flow 'i'. */
static void
set_flow(struct load *l, struct pkt *p, uint32_t i)
{
	*p = (struct pkt){.data = l->frame, .len = FRAME, .flags = PKT_IP4,
	    .proto = PROTO_UDP, .l3 = 14, .l4 = 34, .ip_len = 50,
	    .src4 = i, .dst4 = 0x0a000001, .sport = 1000, .dport = 53};
}

static unsigned
nothing(void *arg)
{
	struct load *l = arg;

	for (unsigned i = 0; i < BURST; i++)
		set_flow(l, &l->pkts[i],
		    (uint32_t)(rng_u64(&l->rng) % l->n_flows));
	__asm__ volatile("" : : "r"(l->pkts) : "memory");
	return BURST;
}

static unsigned
hits(void *arg)
{
	struct load *l = arg;
	struct state_rule rule;

	nothing(l);
	for (unsigned i = 0; i < BURST; i++) {
		if (i % STATE_STEP == 0)
			state_prepare(l->t, l->pkts, BURST, i);
		if (state_find(l->t, &l->cfg, &l->pkts[i], 1, &rule) == 0)
			abort();
	}
	return BURST;
}

static unsigned
fresh(void *arg)
{
	const struct state_new new = {.rule = {1, 1, 1, false}, .name = 1,
	    .kind = STATE_KEEP};
	struct load *l = arg;
	struct state_rule rule;

	if (l->at + BURST > l->n_flows) { /* make room: part of the cost */
		l->cfg.now_s += 100;
		state_sweep(l->t, 0, state_end(l->t), l->cfg.now_s);
		l->at = 0;
	}
	for (unsigned i = 0; i < BURST; i++)
		set_flow(l, &l->pkts[i], l->at++);
	for (unsigned i = 0; i < BURST; i++) {
		if (i % STATE_STEP == 0)
			state_prepare(l->t, l->pkts, BURST, i);
		if (state_find(l->t, &l->cfg, &l->pkts[i], 1, &rule) != 0 ||
		    !state_install(l->t, &l->cfg, &l->pkts[i], &new))
			abort();
	}
	return BURST;
}

static void
series(uint32_t n_flows, const char *what)
{
	enum { CAPACITY = 1 << 22 };
	static struct load l;
	void *memory = hugemem_alloc(state_memory(CAPACITY));
	char name[64];

	memset(&l, 0, sizeof(l));
	rng_init(&l.rng, n_flows);
	l.cfg = (struct state_cfg){{300, 20, 1, 1, 10, 5}, 1u << 22, 1, 1000};
	l.n_flows = n_flows;
	l.t = state_create_in(CAPACITY, &l.rng, memory);
	if (memory == NULL || l.t == NULL)
		exit(1);
	for (uint32_t i = 0; i < n_flows; i += BURST) /* pages come once */
		fresh(&l);
	snprintf(name, sizeof(name), "new state, up to %s", what);
	bench(name, fresh, &l);
	l.at = n_flows; /* the first burst clears away */
	while (state_count(l.t) < n_flows - BURST || l.at > n_flows)
		fresh(&l);
	/* The last, incomplete burst of flows was never made. */
	l.n_flows = l.at;
	snprintf(name, sizeof(name), "a flow by chance, of %s", what);
	bench(name, nothing, &l);
	snprintf(name, sizeof(name), "the same, and its state");
	bench(name, hits, &l);
	state_destroy(l.t);
	hugemem_free(memory, state_memory(CAPACITY));
}

int
main(void)
{
	series(100000, "100 k");
	series(1000000, "1 M");
	series(4000000, "4 M");
	return 0;
}
