/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dummynet on a virtual clock: configuration, traffic and time from bytes.
 *
 * Input: commands, a byte each, with what they ask for behind them; what is
 * missing at the end is 0.  There are NUMBERS pipes, queues and schedulers, all
 * kinds of each.  In the end the clock runs until all packets have left.
 *
 * After each command: in + duplicated = out + dropped + held; what the flows
 * hold is what their scheduler holds; something will happen as long as a packet
 * is held.  Packets leave in the order of their times and never before those;
 * no pipe that has just taken a packet is above its memory; in the end there is
 * no packet and no memory in use.
 */
#include "base/bytes.h"
#include "packet/parse.h"
#include "pipe/dn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	NUMBERS = 3,
	MEMORY = 2 << 20,
	BURST = 64,
	MAX_SEND = 64,
	MAX_BYTES = 9000,
	MAX_COMMANDS = 200,
	MAX_STEPS = 200000, /* of the clock, in the end */
	MAX_TRACE = 8,
};

#define REQUIRE(cond)                                                          \
	do {                                                                   \
		if (!(cond)) {                                                 \
			fprintf(stderr, "line %d: %s\n", __LINE__, #cond);     \
			abort();                                               \
		}                                                              \
	} while (0)

static uint8_t memory[MEMORY] __attribute__((aligned(SLAB_CHUNK)));

struct world {
	const uint8_t *in; /* not yet read */
	size_t left;
	struct dn *dn;
	ns_t now;
	uint64_t gone;	/* duplicates that deleted pipes have made */
	ns_t last_left;
};

/* ---- bytes ---- */

static uint8_t
u8(struct world *w)
{
	if (w->left == 0)
		return 0;
	w->left--;
	return *w->in++;
}

static uint32_t
u32(struct world *w)
{
	uint32_t v = u8(w);

	v = v << 8 | u8(w);
	v = v << 8 | u8(w);
	return v << 8 | u8(w);
}

/* A number of any size: 5 bits of a byte say how many bits, or few. */
static uint64_t
sized(struct world *w)
{
	uint8_t b = u8(w);

	return b < 0xc0 ? b & 0x3f : (uint64_t)u32(w) << (b & 0x1f) >> 8;
}

/* A probability: rarely nonsense. */
static uint32_t
chance(struct world *w)
{
	uint8_t b = u8(w);

	return b == 0xff ? UINT32_MAX : b > 0xf0 ? DN_ONE : b > 0x80 ? 0 :
	    (uint32_t)b << 23;
}

static uint32_t
number(struct world *w)
{
	uint8_t b = u8(w);

	return b == 0xff ? u32(w) : 1 + b % NUMBERS;
}

/* ---- what the world knows about itself ---- */

/* The number of every scheduler: of pipes and of their FIFOs. */
static uint32_t
sched_nr(unsigned i)
{
	return 1 + i % NUMBERS + i / NUMBERS * DN_MAX_NR;
}

enum { SCHEDS = 2 * NUMBERS };

static uint64_t
duplicated(const struct world *w)
{
	struct dn_sched_info s;
	uint64_t n = 0;

	for (unsigned i = 0; i < SCHEDS; i++) {
		if (dn_sched_get(w->dn, sched_nr(i), w->now, &s))
			n += s.report.duplicated;
	}
	return n;
}

static void
add_len(void *arg, const struct dn_flow_info *f)
{
	*(uint64_t *)arg += f->len;
}

/* What the flows of a scheduler hold; FQ ones hold theirs elsewhere. */
static void
check_flows(const struct world *w, const struct dn_sched_info *s)
{
	uint32_t nrs[64];
	unsigned n = dn_children(w->dn, s->cfg.nr, nrs, 64);
	uint64_t len = 0;

	if (s->ops->drain != NULL || n > 64)
		return;
	for (unsigned i = 0; i < n; i++)
		dn_each_flow(w->dn, nrs[i], add_len, &len);
	REQUIRE(len == s->report.counts.queued_pkts);
	len = 0;
	dn_each_instance(w->dn, s->cfg.nr, add_len, &len);
	REQUIRE(len == s->report.counts.queued_pkts);
}

static void
check(const struct world *w)
{
	struct dn_flow_totals t;
	struct dn_sched_info s;
	uint64_t held = 0;

	for (unsigned i = 0; i < SCHEDS; i++) {
		if (!dn_sched_get(w->dn, sched_nr(i), w->now, &s))
			continue;
		held += s.report.counts.queued_pkts + s.report.line_pkts;
		check_flows(w, &s);
	}
	dn_flow_totals(w->dn, &t);
	REQUIRE(t.in_pkts + duplicated(w) + w->gone ==
	    t.out_pkts + t.drops + held);
	REQUIRE(held == 0 || dn_next(w->dn) != UINT64_MAX);
}

/* ---- time ---- */

/* Everything that is due now. */
static void
leave(struct world *w)
{
	struct held *out[BURST];
	unsigned n;

	do {
		n = dn_run(w->dn, w->now, out, BURST);
		for (unsigned i = 0; i < n; i++) {
			REQUIRE(out[i]->time <= w->now);
			REQUIRE(out[i]->time >= w->last_left);
			w->last_left = out[i]->time;
		}
		dn_free(w->dn, out, n);
	} while (n == BURST);
	REQUIRE(dn_next(w->dn) > w->now);
}

static void
go_on(struct world *w)
{
	w->now += sized(w);
	leave(w);
}

/* To the next thing that happens, a few times. */
static void
go_step(struct world *w)
{
	for (unsigned n = u8(w) % 64; n > 0; n--) {
		if (dn_next(w->dn) == UINT64_MAX)
			return;
		if (dn_next(w->dn) > w->now)
			w->now = dn_next(w->dn);
		leave(w);
	}
}

/* ---- packets ---- */

static void
put_ip4(uint8_t *ip, unsigned bytes, uint8_t flow)
{
	ip[0] = 0x45;
	ip[1] = flow >> 6;
	ip[8] = 64;
	ip[9] = 17;
	put16(ip + 2, (uint16_t)bytes);
	put32(ip + 12, flow & 3);
	put32(ip + 16, 9);
	put16(ip + 20, flow & 7);
	put16(ip + 24, (uint16_t)(bytes - 20));
}

static void
put_ip6(uint8_t *ip, unsigned bytes, uint8_t flow)
{
	put32(ip, 0x60000000u | (uint32_t)(flow >> 6) << 20 | (flow & 3));
	put16(ip + 4, (uint16_t)(bytes - 40));
	ip[6] = 17;
	ip[7] = 64;
	ip[23] = flow & 3;
	ip[39] = 9;
	put16(ip + 40, flow & 7);
	put16(ip + 44, (uint16_t)(bytes - 40));
}

static uint8_t frames[MAX_SEND][14 + MAX_BYTES];

static void
make_packet(struct pkt *p, uint8_t *frame, unsigned bytes, bool v6,
    uint8_t flow)
{
	static const struct parse_cfg cfg;

	memset(frame, 0, 64);
	put16(frame + 12, v6 ? 0x86dd : 0x0800);
	(v6 ? put_ip6 : put_ip4)(frame + 14, bytes, flow);
	memset(p, 0, sizeof(*p));
	p->data = frame;
	p->len = (uint16_t)(bytes + 14);
	parse(p, &cfg);
	REQUIRE(p->bad == PKT_GOOD);
}

/* No pipe is above its memory when it has just taken a packet. */
static void
send_one(struct world *w, const struct pkt *p, const struct dn_target *to)
{
	struct dn_sched_info s;

	if (!dn_enqueue(w->dn, p, to, w->now) || to->queue ||
	    !dn_sched_get(w->dn, to->nr + DN_MAX_NR, w->now, &s))
		return;
	REQUIRE(s.link.memory == 0 ||
	    s.report.counts.memory <= s.link.memory);
}

/* Some packets of some flows, of one size, to one pipe or queue; one by one or
 * all at once. */
static void
send_some(struct world *w)
{
	struct dn_target to = {.nr = (uint16_t)number(w)};
	uint8_t how = u8(w);
	unsigned n = u8(w) % MAX_SEND, bytes = 48 + (u8(w) * 36u) % 8900;
	const struct pkt *refs[MAX_SEND];
	struct pkt pkts[MAX_SEND];

	to.queue = (how & 1) != 0;
	for (unsigned i = 0; i < n; i++) {
		make_packet(&pkts[i], frames[i], bytes, (how & 4) != 0,
		    (uint8_t)((how & 2) != 0 ? how + i * 37 : how));
		refs[i] = &pkts[i];
	}
	if ((how & 8) != 0) {
		dn_enqueue_run(w->dn, refs, n, &to, w->now);
		return;
	}
	for (unsigned i = 0; i < n; i++)
		send_one(w, &pkts[i], &to);
}

/* ---- configuration ---- */

static void
read_mask(struct world *w, bool *has, struct dn_flow_id *mask)
{
	uint8_t b = u8(w);

	*has = b > 0x80;
	mask->src4 = b;
	mask->sport = u8(w);
	mask->src6[15] = b;
	mask->family = (b & 1) != 0 ? 6 : 0;
}

static void
read_aqm(struct world *w, struct aqm_cfg *c)
{
	c->type = u8(w) % (N_AQMS + 1);
	c->flags = u8(w) & 0x1f;
	c->target = sized(w) * NS_PER_US;
	c->interval = sized(w) * NS_PER_US;
	c->tupdate = sized(w) * NS_PER_US;
	c->max_burst = sized(w) * NS_PER_US;
	c->max_ecnth = (uint32_t)u8(w) << 5;
	c->alpha = (uint32_t)u8(w) << 8;
	c->beta = (uint32_t)u8(w) << 8;
	c->w_q = (uint32_t)u8(w) << u8(w) % 10;
	c->max_p = (uint32_t)u8(w) << 8;
	c->min_th = (uint32_t)sized(w);
	c->max_th = c->min_th + (uint32_t)sized(w);
}

static void
config_sched(struct world *w)
{
	struct dn_sched_cfg c = {.nr = number(w)};
	uint8_t type = u8(w);

	c.type = type == 0xff ? DN_KEEP : type % 9;
	read_mask(w, &c.has_mask, &c.mask);
	c.buckets = (uint32_t)sized(w);
	read_aqm(w, &c.fq.aqm);
	c.fq.quantum = (uint32_t)sized(w);
	c.fq.limit = (uint32_t)sized(w);
	c.fq.flows = (uint32_t)sized(w);
	dn_sched_config(w->dn, &c, w->now, NULL);
}

static void
read_trace(struct world *w, struct dn_link_cfg *c, struct dn_moment *trace)
{
	uint32_t ms = 0;

	c->n_trace = u8(w);
	if (c->n_trace == 0 || c->n_trace > MAX_TRACE)
		return;
	for (uint32_t i = 0; i < c->n_trace; i++) {
		ms += u8(w) % 16;
		trace[i] = (struct dn_moment){ms, u8(w)};
	}
	c->trace = trace;
	c->trace_name = "trace";
}

static void
read_profile(struct world *w, struct dn_link_cfg *c, struct dn_profile *p)
{
	uint8_t b = u8(w);

	if (b < 0xc0)
		return;
	p->n_samples = b & 0x1f;
	p->loss_level = u8(w) & 0x1f;
	for (uint32_t i = 0; i < p->n_samples; i++)
		p->samples[i] = sized(w);
	c->profile = p;
}

static void
read_link(struct world *w, struct dn_link_cfg *c)
{
	c->rate_bps = sized(w);
	c->delay = sized(w);
	c->burst = u8(w) > 0xc0 ? sized(w) : 0;
	c->jitter_kind = u8(w) % 5;
	c->jitter_reorder = (u8(w) & 1) != 0;
	c->jitter = sized(w);
	c->reorder = chance(w);
	c->duplicate = chance(w);
	c->corrupt = chance(w);
	c->memory = u8(w) > 0xe0 ? sized(w) : 0;
}

static void
config_link(struct world *w)
{
	static struct dn_profile profile;
	struct dn_link_cfg c = {.nr = number(w)};
	struct dn_moment trace[MAX_TRACE];

	memset(&profile, 0, sizeof(profile));
	read_link(w, &c);
	read_trace(w, &c, trace);
	read_profile(w, &c, &profile);
	dn_link_config(w->dn, &c, w->now, NULL);
}

static void
read_fs(struct world *w, struct dn_fs_cfg *c)
{
	uint8_t b = u8(w);

	c->flags = b & DN_FS_BYTES;
	c->limit = sized(w);
	if ((b & 1) != 0)
		c->loss = (struct dn_loss){(b & 2) != 0, chance(w), chance(w),
		    chance(w), chance(w)};
	c->par.weight = (b & 4) != 0 ? DN_KEEP : (uint32_t)sized(w);
	c->par.lmax = (b & 16) != 0 ? DN_KEEP : (uint32_t)sized(w);
	read_mask(w, &c->has_mask, &c->mask);
	if ((b & 32) != 0)
		read_aqm(w, &c->aqm);
}

static void
config_queue(struct world *w)
{
	struct dn_fs_cfg c = {.nr = number(w), .sched_nr = number(w)};

	read_fs(w, &c);
	dn_fs_config(w->dn, &c, w->now, NULL);
}

/* All three objects of a pipe, as a client sends them. */
static void
config_pipe(struct world *w)
{
	uint32_t nr = number(w) % DN_MAX_NR;
	struct dn_sched_cfg s = {.nr = nr, .type = DN_KEEP,
	    .flags = DN_SCHED_PIPE};
	struct dn_link_cfg k = {.nr = nr};
	struct dn_fs_cfg f = {.nr = nr + 2 * DN_MAX_NR,
	    .sched_nr = nr + DN_MAX_NR};

	read_mask(w, &s.has_mask, &s.mask);
	read_link(w, &k);
	read_fs(w, &f);
	if (dn_sched_config(w->dn, &s, w->now, NULL) == 0 &&
	    dn_link_config(w->dn, &k, w->now, NULL) == 0)
		dn_fs_config(w->dn, &f, w->now, NULL);
}

/* ---- the end of things ---- */

static void
delete_pipe(struct world *w)
{
	uint64_t before = duplicated(w);

	dn_link_delete(w->dn, number(w), w->now, NULL);
	w->gone += before - duplicated(w);
}

static void
delete_queue(struct world *w)
{
	dn_fs_delete(w->dn, number(w), w->now, NULL);
}

static void
flush(struct world *w)
{
	w->gone += duplicated(w);
	dn_flush(w->dn, w->now);
}

static void
set_knobs(struct world *w)
{
	struct dn_knobs *k = dn_knobs(w->dn);
	uint8_t b = u8(w);

	k->expire = (b & 1) != 0;
	k->expire_after = sized(w);
}

static void
run_out(struct world *w)
{
	struct dn_totals t;

	for (unsigned i = 0; dn_next(w->dn) != UINT64_MAX; i++) {
		if (i == MAX_STEPS)
			break;
		if (dn_next(w->dn) > w->now)
			w->now = dn_next(w->dn);
		leave(w);
	}
	check(w);
	flush(w);
	check(w);
	dn_totals(w->dn, &t);
	REQUIRE(t.held_pkts == 0);
	REQUIRE(t.memory == 0);
	REQUIRE(t.n_flows == 0 && t.n_instances == 0);
}

typedef void command_fn(struct world *w);

static command_fn *const commands[] = {
    send_some, send_some, send_some, send_some, go_on, go_on, go_step, go_step,
    config_pipe, config_pipe, config_sched, config_link, config_queue,
    delete_pipe, delete_queue, set_knobs,
};

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t size)
{
	struct dn_cfg cfg = {.memory = memory, .memory_size = MEMORY,
	    .seed = 1, .hash_key = 2};
	struct world w = {.in = in, .left = size, .now = 1000 * NS_PER_S};

	REQUIRE(dn_create(&cfg, &w.dn, NULL) == 0);
	for (unsigned i = 0; i < MAX_COMMANDS && w.left > 0; i++) {
		commands[u8(&w) % (sizeof(commands) / sizeof(commands[0]))](&w);
		check(&w);
	}
	run_out(&w);
	dn_destroy(w.dn);
	return 0;
}
