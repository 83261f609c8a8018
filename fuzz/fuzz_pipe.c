/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dummynet under any configuration and any traffic, on a virtual clock.
 *
 * Input: one octet says what to do, those that it takes follow.  The fields of
 * configurations are taken as they come, so that most checks are met.  At the
 * end every packet is accounted for, and no memory is left when all is deleted.
 */
#include "base/bytes.h"
#include "packet/parse.h"
#include "pipe/dn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MEMORY = 64 * SLAB_CHUNK, FRAME = 1500, BURST = 64 };

struct input {
	const uint8_t *at;
	size_t left;
};

struct world {
	struct dn *dn;
	ns_t now;
	struct input in;
};

static uint8_t memory[MEMORY] __attribute__((aligned(SLAB_CHUNK)));

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t
octet(struct input *in)
{
	if (in->left == 0)
		return 0;
	in->left--;
	return *in->at++;
}

/* A number of any size, small ones often. */
static uint64_t
number(struct input *in)
{
	unsigned n = octet(in) % 9;
	uint64_t v = 0;

	for (unsigned i = 0; i < n; i++)
		v = v << 8 | octet(in);
	return v;
}

/* One of a few, or any. */
static uint32_t
number_of(struct input *in, uint32_t base)
{
	uint8_t x = octet(in);

	return x < 250 ? base + 1 + x % 3 : (uint32_t)number(in);
}

static void
any_mask(struct input *in, bool *has, struct dn_flow_id *m)
{
	uint8_t x = octet(in);

	*has = (x & 1) != 0;
	m->dport = (x & 2) != 0 ? 7 : 0;
	m->src4 = (x & 4) != 0 ? 3 : 0;
	m->proto = (x & 8) != 0 ? 0xff : 0;
	m->src6[3] = x;
	m->flow6 = x;
}

static struct aqm_cfg
any_aqm(struct input *in)
{
	return (struct aqm_cfg){.type = octet(in) % (N_AQMS + 1),
	    .flags = octet(in), .target = number(in), .interval = number(in),
	    .tupdate = number(in), .max_burst = number(in),
	    .max_ecnth = (uint32_t)number(in), .alpha = (uint32_t)number(in),
	    .beta = (uint32_t)number(in), .w_q = (uint32_t)number(in),
	    .max_p = (uint32_t)number(in), .min_th = (uint32_t)number(in),
	    .max_th = (uint32_t)number(in)};
}

static void
config_sched(struct world *w)
{
	struct input *in = &w->in;
	struct dn_sched_cfg c = {.nr = number_of(in, 0),
	    .type = octet(in) % 9, .flags = octet(in) % 2 * DN_SCHED_PIPE,
	    .buckets = (uint32_t)number(in)};
	struct err e;

	any_mask(in, &c.has_mask, &c.mask);
	c.fq.aqm = any_aqm(in);
	c.fq.quantum = (uint32_t)number(in);
	c.fq.limit = (uint32_t)number(in);
	c.fq.flows = octet(in);
	dn_sched_config(w->dn, &c, w->now, &e);
}

static void
config_link(struct world *w)
{
	struct input *in = &w->in;
	struct dn_moment trace[4];
	static struct dn_profile profile;
	struct dn_link_cfg c = {.nr = number_of(in, 0),
	    .rate_bps = number(in), .delay = number(in) % (NS_PER_S * 100),
	    .burst = number(in), .jitter_kind = octet(in) % 5,
	    .jitter = number(in), .jitter_reorder = octet(in) % 2,
	    .reorder = (uint32_t)number(in), .duplicate =
	    (uint32_t)number(in) % (DN_ONE / 4), .corrupt =
	    (uint32_t)number(in), .memory = number(in)};
	uint8_t x = octet(in);

	for (unsigned i = 0; i < 4; i++)
		trace[i] = (struct dn_moment){octet(in) + i * 200u, octet(in)};
	if ((x & 3) == 0) {
		c.trace = trace;
		c.n_trace = x >> 2 & 3;
	} else if ((x & 3) == 1) {
		profile.n_samples = x;
		profile.loss_level = octet(in);
		profile.samples[1] = number(in);
		c.profile = &profile;
	}
	dn_link_config(w->dn, &c, w->now, NULL);
}

static void
config_fs(struct world *w)
{
	static const uint32_t bases[] = {0, DN_MAX_NR, 2 * DN_MAX_NR};
	struct input *in = &w->in;
	uint8_t x = octet(in);
	struct dn_fs_cfg c = {.nr = number_of(in, bases[x % 3]),
	    .sched_nr = number_of(in, bases[x / 3 % 2]),
	    .flags = octet(in), .limit = number(in),
	    .loss = {.gilbert_elliott = octet(in) % 2,
		.p = (uint32_t)number(in), .k = (uint32_t)number(in),
		.h = (uint32_t)number(in), .r = (uint32_t)number(in)},
	    .buckets = (uint32_t)number(in),
	    .par = {(uint32_t)number(in), (uint32_t)number(in),
		(uint32_t)number(in)}};
	struct err e;

	any_mask(in, &c.has_mask, &c.mask);
	if (octet(in) % 2 == 0)
		c.aqm = any_aqm(in);
	dn_fs_config(w->dn, &c, w->now, &e);
}

static void
traffic(struct world *w)
{
	static const struct parse_cfg cfg;
	static uint8_t frame[FRAME];
	struct input *in = &w->in;
	struct pkt p = {.data = frame};
	struct dn_target to = {.nr = (uint16_t)number_of(in, 0),
	    .queue = octet(in) % 2};
	unsigned n = 1 + octet(in) % 100, len = 14 + number(in) % (FRAME - 13);

	put16(frame + 12, octet(in) % 4 == 0 ? 0x86dd : 0x0800);
	for (unsigned i = 14; i < 80; i++)
		frame[i] = octet(in);
	for (unsigned i = 0; i < n; i++) {
		p.len = (uint16_t)len;
		frame[23]++;
		frame[29] ^= (uint8_t)i;
		parse(&p, &cfg);
		if (p.bad == PKT_GOOD)
			dn_enqueue(w->dn, &p, &to, w->now);
	}
}

static void
run(struct world *w, ns_t until)
{
	struct held *out[BURST];
	ns_t last = 0;

	for (unsigned rounds = 0; rounds < 20000; rounds++) {
		unsigned n = dn_run(w->dn, until, out, BURST);

		for (unsigned i = 0; i < n; i++) {
			if (out[i]->time > until || out[i]->time < last)
				abort();
			last = out[i]->time;
		}
		dn_free(w->dn, out, n);
		if (n < BURST)
			break;
	}
	w->now = until;
}

static void
step(struct world *w)
{
	struct input *in = &w->in;
	uint32_t nr;

	switch (octet(in) % 10) {
	case 0:
		config_sched(w);
		break;
	case 1:
		config_link(w);
		break;
	case 2:
		config_fs(w);
		break;
	case 3:
		nr = number_of(in, 0);
		dn_link_delete(w->dn, nr, w->now, NULL);
		break;
	case 4:
		nr = number_of(in, 0);
		dn_fs_delete(w->dn, nr, w->now, NULL);
		break;
	case 5:
	case 6:
		run(w, w->now + number(in) % (NS_PER_S * 10));
		break;
	default:
		traffic(w);
		break;
	}
}

static void
add_duplicates(void *arg, const struct dn_sched_info *info)
{
	uint64_t *sum = arg;

	*sum += info->report.duplicated;
}

/* Nothing is lost that is not accounted.  What duplicated and was deleted is no
 * longer known. */
static void
check(struct world *w)
{
	static struct dn_totals before;
	uint64_t in, out = 0, duplicated = 0;
	struct dn_totals t;

	dn_totals(w->dn, &t);
	dn_each_sched(w->dn, 1, UINT32_MAX, w->now, add_duplicates,
	    &duplicated);
	for (unsigned i = 0; i < N_DN_DROPS; i++)
		out += t.drops[i] - before.drops[i];
	in = t.in_pkts - before.in_pkts + duplicated;
	out += t.out_pkts - before.out_pkts + t.held_pkts;
	if (out < in)
		abort();
	dn_flush(w->dn, w->now);
	dn_totals(w->dn, &t);
	before = t;
	if (t.memory != 0 || t.held_pkts != 0 || t.n_flows != 0 ||
	    t.n_instances != 0 || dn_next(w->dn) != UINT64_MAX)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world w = {.now = NS_PER_S};
	const struct dn_cfg cfg = {.memory = memory, .memory_size = MEMORY,
	    .seed = 1, .hash_key = 2};

	/* one for all inputs, empty before each */
	if (w.dn == NULL && dn_create(&cfg, &w.dn, NULL) != 0)
		abort();
	w.in = (struct input){data, size};
	while (w.in.left > 0)
		step(&w);
	check(&w);
	return 0;
}
