/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * WF2Q+ against the fluid system.  The worst-case fair index of the paper: in
 * any interval that ends with a packet of stream i, which always waits in it,
 * that stream gets
 *
 *	W_i >= r_i / r * W - (L_i + (L_max - L_i) * r_i / r)
 *
 * octets of the W that the link sends, with r the sum of all weights, L_i the
 * longest packet of i and L_max that of all.
 */
#include "dn_rig.h"

#include "base/rng.h"

enum { FLOWS = 12, MAX_LOG = 60000, RATE = 1000000000 };

struct event {
	ns_t at;       /* came, or began */
	uint32_t flow;
	uint32_t bytes;
};

struct log {
	struct event came[MAX_LOG];
	struct event began[MAX_LOG];
	unsigned n_came;
	unsigned n_began;
	uint32_t weights[FLOWS];
	uint32_t longest[FLOWS];
};

static struct log lg;

static void
note(struct rig *r, const struct held *h, void *arg)
{
	(void)r;
	(void)arg;
	assert_true(lg.n_began < MAX_LOG);
	lg.began[lg.n_began++] = (struct event){h->time, rig_number(h),
	    h->bytes};
}

static void
set_up(struct rig *r, struct rng *rng)
{
	rig_init(r, RIG_MEMORY);
	rig_pipe(r, &(struct dn_link_cfg){.nr = 1, .rate_bps = RATE}, NULL,
	    NULL);
	memset(&lg, 0, sizeof(lg));
	for (uint32_t i = 0; i < FLOWS; i++) {
		lg.weights[i] = 1 + (uint32_t)(rng_u64(rng) % 100);
		lg.longest[i] = 64 + (uint32_t)(rng_u64(rng) % 1436);
		rig_ok(dn_fs_config(r->dn, &(struct dn_fs_cfg){.nr = 10 + i,
		    .sched_nr = 1, .limit = 1000000,
		    .par = {.weight = lg.weights[i]}}, r->now, NULL), NULL);
	}
}

/* A packet of the flow, often of its longest. */
static void
arrive(struct rig *r, struct rng *rng, uint32_t flow)
{
	uint32_t bytes = rng_u64(rng) % 2 == 0 ? lg.longest[flow] :
	    40 + (uint32_t)(rng_u64(rng) % (lg.longest[flow] - 39));
	struct rig_frame f;

	rig_frame(&f, bytes, 1, 2, 0, (uint16_t)flow);
	assert_true(rig_put(r, &f.p, 10 + flow, true));
	assert_true(lg.n_came < MAX_LOG);
	lg.came[lg.n_came++] = (struct event){r->now, flow, bytes};
}

static double
sent_in(ns_t from, ns_t to)
{
	return (double)(to - from) * (RATE / 8e9);
}

static ns_t
end_of(const struct event *e)
{
	return e->at + (ns_t)e->bytes * 8;
}

/* The greatest lag of a flow that was seen, in octets. */
static double
worst_lag(uint32_t flow, double share)
{
	double lag = 0, least = 0, worst = 0;
	unsigned waiting = 0, at = 0;
	ns_t last = 0;

	for (unsigned i = 0; i < lg.n_began; i++) {
		const struct event *e = &lg.began[i];
		ns_t end = end_of(e);

		while (at < lg.n_came && lg.came[at].at <= e->at) {
			if (lg.came[at].flow == flow && waiting++ == 0) {
				lag = least = 0;
				last = lg.came[at].at;
			}
			at++;
		}
		if (waiting == 0)
			continue;
		lag += share * sent_in(last, end);
		last = end;
		if (e->flow == flow) {
			lag -= e->bytes;
			waiting--;
			worst = lag - least > worst ? lag - least : worst;
		}
		least = lag < least ? lag : least;
	}
	return worst;
}

static void
check_bounds(void)
{
	uint32_t longest = 0, sum = 0;

	for (uint32_t i = 0; i < FLOWS; i++) {
		longest = lg.longest[i] > longest ? lg.longest[i] : longest;
		sum += lg.weights[i];
	}
	for (uint32_t i = 0; i < FLOWS; i++) {
		double share = (double)lg.weights[i] / sum;
		double bound = lg.longest[i] +
		    (longest - lg.longest[i]) * share + 1;
		double lag = worst_lag(i, share);

		if (lag > bound)
			fail_msg("flow %u of weight %u in %u lags by %g "
			    "octets: %g are allowed", i, lg.weights[i], sum,
			    lag, bound);
	}
}

static void
everybody_waits(void **state)
{
	double given[FLOWS] = {0}, all = 0;
	uint32_t sum = 0;
	struct rng rng;
	struct rig r;

	(void)state;
	for (unsigned seed = 0; seed < 4; seed++) {
		memset(given, 0, sizeof(given));
		all = sum = 0;
		rng_init(&rng, 100 + seed);
		set_up(&r, &rng);
		for (unsigned i = 0; i < 3000; i++)
			for (uint32_t k = 0; k < FLOWS; k++)
				arrive(&r, &rng, k);
		/* as long as nobody runs out */
		rig_run(&r, r.now + 3000 * 40 * 8, note, NULL);
		check_bounds();
		for (unsigned i = 0; i < lg.n_began; i++) {
			given[lg.began[i].flow] += lg.began[i].bytes;
			all += lg.began[i].bytes;
		}
		for (uint32_t k = 0; k < FLOWS; k++)
			sum += lg.weights[k];
		for (uint32_t k = 0; k < FLOWS; k++) {
			double fair = all * lg.weights[k] / sum;

			/* neither ahead nor behind by more than a packet */
			assert_true(given[k] - fair <= lg.longest[k] + 1);
			assert_true(fair - given[k] <= 1501);
		}
		rig_fini(&r);
	}
}

static void
streams_come_and_go(void **state)
{
	struct rng rng;
	struct rig r;

	(void)state;
	for (unsigned seed = 0; seed < 6; seed++) {
		/* from half to twice what the link can send */
		ns_t gap = 12000 * 4 / (2 + seed);

		rng_init(&rng, 200 + seed);
		set_up(&r, &rng);
		while (lg.n_came < 20000) {
			uint32_t flow = (uint32_t)(rng_u64(&rng) % FLOWS);
			unsigned burst = 1 + (unsigned)(rng_u64(&rng) % 8);

			rig_run(&r, r.now + rng_u64(&rng) % gap, note, NULL);
			for (unsigned i = 0; i < burst; i++)
				arrive(&r, &rng, flow);
		}
		rig_run(&r, r.now + 10 * NS_PER_S, note, NULL);
		assert_int_equal(lg.n_came, lg.n_began);
		check_bounds();
		rig_balance(&r, 0);
		rig_fini(&r);
	}
}

/* The link never idles while somebody waits, whatever happens to weights. */
static void
weights_change_under_packets(void **state)
{
	struct dn_fs_cfg fs = {.sched_nr = 1, .limit = 1000000};
	uint64_t bytes = 0;
	struct rng rng;
	struct rig r;
	ns_t start;

	(void)state;
	rng_init(&rng, 300);
	set_up(&r, &rng);
	start = r.now;
	for (unsigned i = 0; i < 20000; i++)
		arrive(&r, &rng, (uint32_t)(rng_u64(&rng) % FLOWS));
	for (unsigned i = 0; i < lg.n_came; i++)
		bytes += lg.came[i].bytes;
	while (dn_next(r.dn) != UINT64_MAX) {
		fs.nr = 10 + (uint32_t)(rng_u64(&rng) % FLOWS);
		fs.par.weight = 1 + (uint32_t)(rng_u64(&rng) % 100);
		rig_ok(dn_fs_config(r.dn, &fs, r.now, NULL), NULL);
		rig_run(&r, r.now + NS_PER_MS, note, NULL);
		if (dn_held(r.dn) == 0)
			break;
	}
	assert_int_equal(lg.n_came, lg.n_began);
	assert_int_equal(start + bytes * 8,
	    end_of(&lg.began[lg.n_began - 1]));
	rig_fini(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(everybody_waits),
	    cmocka_unit_test(streams_come_and_go),
	    cmocka_unit_test(weights_change_under_packets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
