/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * QFQ from inside.
 *
 * Sets       what it keeps up to date bit by bit (which group is eligible, which
 *            is blocked by whom, which slots have streams) against the
 *            definitions, worked out anew after each of many random operations.
 * Service    streams that always wait against the paper's bounds of the fluid
 *            system, with s the stream's slot in octets: behind by at most
 *            3 s + 2 L_max * share in any interval (B-WFI), and ahead, since
 *            the beginning, by at most s + L: what started at V + s at most.
 */
#define sched_qfq sched_qfq_inside
#include "pipe/sched_qfq.c"
#undef sched_qfq

#include "unit.h"

#include "base/rng.h"

#include <stdlib.h>
#include <string.h>

enum { MANY = 10000, MEMORY = 128 << 20 };

struct one { /* a stream with all that is its */
	struct stream st;
	struct flow_par par;
	struct qfq_stream own;
	bool there;
};

struct world {
	struct inst si;
	struct qfq q;
	struct queue_counts counts;
	uint64_t all_drops[N_DN_DROPS];
	struct slab *slab;
	void *memory;
	struct rng rng;
	unsigned n;		/* streams */
	uint32_t max_weight;
	unsigned max_bytes;
	struct one *ones;
	unsigned seen;		/* sets that were not empty, a bit each */
};

static uint32_t
below(struct world *w, uint32_t n)
{
	return (uint32_t)(rng_u64(&w->rng) % n);
}

/* Weights and lengths of all sizes: as likely below 2 as above half. */
static uint32_t
any(struct world *w, uint32_t max)
{
	uint32_t v = 1 + below(w, max);

	return 1 + (v >> below(w, 17)) % max;
}

static void
draw_par(struct world *w, struct one *o)
{
	/* many heavy ones and few light ones, who block those in their turn */
	o->par.weight = below(w, 16) == 0 ? any(w, w->max_weight) :
	    w->max_weight;
	o->par.lmax = below(w, 4) == 0 ? any(w, 2000) : 1500;
}

static void
come(struct world *w, struct one *o)
{
	if (o->there)
		return;
	memset(o, 0, sizeof(*o));
	draw_par(w, o);
	o->st.par = &o->par;
	o->st.sched = &o->own;
	queue_init(&o->st.q, &(struct queue_cfg){.limit = 50,
	    .counts = &w->counts, .slab = w->slab}, 0);
	sched_qfq_inside.stream_init(&w->si, &o->st, 0);
	o->there = true;
}

static void
go(struct world *w, struct one *o)
{
	struct held *h;

	if (!o->there)
		return;
	while ((h = queue_take(&o->st.q)) != NULL)
		queue_drop(&o->st.q, h, DN_DROP_DELETED);
	sched_qfq_inside.stream_fini(&w->si, &o->st, 0);
	o->there = false;
}

static void
set_up(struct world *w, unsigned seed, unsigned n, uint64_t v)
{
	memset(w, 0, sizeof(*w));
	rng_init(&w->rng, seed);
	w->memory = aligned_alloc(SLAB_CHUNK, MEMORY);
	w->slab = slab_create(w->memory, MEMORY);
	w->counts.all_drops = w->all_drops;
	w->si = (struct inst){.sched = &w->q, .counts = &w->counts,
	    .slab = w->slab};
	sched_qfq_inside.inst_init(&w->si, 0);
	w->q.v = v;
	w->n = n;
	w->max_weight = 65536;
	w->max_bytes = 1500;
	w->ones = calloc(n, sizeof(*w->ones));
	for (unsigned i = 0; i < n; i++)
		come(w, &w->ones[i]);
}

static void
tear_down(struct world *w)
{
	for (unsigned i = 0; i < w->n; i++)
		go(w, &w->ones[i]);
	assert_int_equal(0, w->q.weights);
	assert_int_equal(0, w->counts.queued_pkts);
	slab_destroy(w->slab);
	free(w->memory);
	free(w->ones);
}

static void
put(struct world *w, struct one *o, unsigned bytes)
{
	struct held *h = slab_alloc(w->slab, sizeof(*h));

	assert_non_null(h);
	*h = (struct held){.bytes = (uint16_t)bytes, .blocks = 1};
	sched_qfq_inside.enqueue(&w->si, &o->st, h, 0);
}

/* Takes one and says how long it is; 0 if there was none, rightly. */
static unsigned
get(struct world *w)
{
	bool waits = w->counts.queued_pkts != 0;
	struct held *h = sched_qfq_inside.dequeue(&w->si, 0);
	unsigned bytes = h != NULL ? h->bytes : 0;

	assert_int_equal(waits, h != NULL);
	if (h != NULL)
		slab_free(w->slab, h);
	return bytes;
}

/* ---- the definitions ---- */

/* The group's slots: full ones are those with streams, the first is full, and
 * all its streams are of this group. */
static void
check_slots(struct world *w, unsigned i)
{
	struct group *g = &w->q.group[i];

	for (unsigned n = 0; n < SLOTS; n++) {
		struct ring *slot = slot_at(g, n);

		assert_int_equal(g->full >> n & 1, !ring_is_empty(slot));
		for (struct ring *r = slot->next; r != slot; r = r->next) {
			struct qfq_stream *s = (struct qfq_stream *)(void *)r;

			assert_int_equal(i, s->group);
			assert_true(s->stream->q.len > 0);
		}
	}
	assert_true(g->full == 0 || (g->full & 1) != 0);
	assert_true(g->full == 0 ||
	    g->finish - g->start == UINT64_C(2) << shift_of(i));
}

/* In which set a group must be: a blocked one finishes after an eligible ready
 * one above it. */
static unsigned
must_be(struct world *w, unsigned i)
{
	const struct group *g = w->q.group;
	bool blocked = false, late = is_after(g[i].start, w->q.v);

	for (unsigned k = i + 1; k < GROUPS; k++)
		blocked |= (w->q.set[ER] >> k & 1) != 0 &&
		    is_after(g[i].finish, g[k].finish);
	return blocked ? (late ? IB : EB) : late ? IR : ER;
}

static void
check_sets(struct world *w)
{
	for (unsigned i = 0; i < GROUPS; i++) {
		unsigned in = 0, n = 0;

		check_slots(w, i);
		for (unsigned set = 0; set < N_SETS; set++) {
			if ((w->q.set[set] >> i & 1) != 0) {
				in = set;
				n++;
				w->seen |= 1u << set;
			}
		}
		assert_int_equal(w->q.group[i].full != 0, n);
		if (n != 0 && in != must_be(w, i))
			fail_msg("group %u is in set %u, not %u", i, in,
			    must_be(w, i));
	}
	assert_true(w->q.set[ER] != 0 || w->counts.queued_pkts == 0);
}

/* ---- random operations ---- */

static void
operate(struct world *w)
{
	struct one *o = &w->ones[below(w, w->n)];
	unsigned what = below(w, 1000);

	if (what == 0) {
		go(w, o);
	} else if (what == 1) {
		come(w, o);
	} else if (what == 2 && o->there) {
		draw_par(w, o);
		sched_qfq_inside.par_changed(&w->si, &o->st, NULL);
	} else if (what < 600 && o->there) {
		for (unsigned n = any(w, 8); n > 0; n--)
			put(w, o, any(w, w->max_bytes));
	} else {
		get(w);
	}
}

static void
operate_often(unsigned seed, unsigned streams, uint32_t max_weight,
    unsigned max_bytes)
{
	enum { OPERATIONS = 30000 };
	static struct world w;

	/* V wraps soon */
	set_up(&w, seed, streams, UINT64_MAX - (UINT64_C(1) << 50));
	w.max_bytes = max_bytes;
	w.max_weight = max_weight;
	for (unsigned i = 0; i < OPERATIONS; i++) {
		operate(&w);
		check_sets(&w);
	}
	while (w.counts.queued_pkts != 0) {
		get(&w);
		check_sets(&w);
	}
	get(&w);
	tear_down(&w);
}

static void
sets_are_what_they_are_defined_to_be(void **state)
{
	(void)state;
	operate_often(1, 20, 8, 1500);
	operate_often(2, 200, 65536, 1500);
}

static void
sets_are_right_with_jumbo_packets(void **state)
{
	(void)state;
	operate_often(3, 20, 65536, 65535);
	operate_often(4, 200, 8, 9000);
}

static void
a_million_operations_lose_nothing(void **state)
{
	static struct world w;

	(void)state;
	set_up(&w, 5, 200, UINT64_MAX - (UINT64_C(1) << 54));
	w.max_bytes = 9000;
	for (unsigned i = 0; i < 1000000; i++) {
		operate(&w);
		if (i % 256 == 0)
			check_sets(&w);
	}
	while (get(&w) != 0)
		continue;
	check_sets(&w);
	tear_down(&w);
}

static void
ten_thousand_streams(void **state)
{
	static struct world w;
	unsigned n = 0;

	(void)state;
	set_up(&w, 6, MANY, 0);
	for (unsigned i = 0; i < MANY; i++) {
		put(&w, &w.ones[i], any(&w, 1500));
		put(&w, &w.ones[i], any(&w, 1500));
	}
	check_sets(&w);
	while (get(&w) != 0)
		n++;
	assert_int_equal(2 * MANY, n);
	check_sets(&w);
	tear_down(&w);
}

/* ---- V wraps ---- */

/* Two of weight 1; the second sends now and then, after the first sent 'gap'
 * octets.  Whatever that is to the range of V, 2^24 x 2 octets, the second is
 * next as soon as it comes back. */
static void
an_idle_stream_is_not_ahead(void **state)
{
	static struct world w;

	(void)state;
	for (unsigned gap = 2; gap < 40; gap += 3) {
		set_up(&w, 7, 2, 0);
		for (unsigned i = 0; i < 2; i++) {
			w.ones[i].par = (struct flow_par){1, 1500, 0};
			sched_qfq_inside.par_changed(&w.si, &w.ones[i].st, NULL);
		}
		put(&w, &w.ones[1], 1500);
		get(&w);
		for (unsigned sent = 0; sent < gap << 20; sent += 1500) {
			put(&w, &w.ones[0], 1500);
			assert_int_equal(1500, get(&w));
		}
		for (unsigned i = 0; i < 20; i++)
			put(&w, &w.ones[0], 1500);
		put(&w, &w.ones[1], 100);
		for (unsigned i = 0; get(&w) != 100; i++) {
			if (i == 6)
				fail_msg("kept waiting after %u MB", gap);
		}
		tear_down(&w);
	}
}

/* ---- service ---- */

struct account {
	double share;
	double slot;
	double got;
	double least; /* lag so far */
	double worst; /* the greatest growth of it */
	double ahead; /* of its part of what was sent, or of V's way */
};

static void
book(struct account *a, double sent, double fluid)
{
	double lag = a->share * sent - a->got;

	a->least = lag < a->least ? lag : a->least;
	a->worst = lag - a->least > a->worst ? lag - a->least : a->worst;
	a->ahead = a->got - fluid > a->ahead ? a->got - fluid : a->ahead;
}

/* How far V has gone from 0, in octets a weight. */
static double
v_way(const struct world *w)
{
	return (double)w->q.v / (double)(UINT64_C(1) << FRACTION);
}

/* Each stream always has packets of 64 octets + its number, 'depth' of them or
 * one less for a moment; n_pkts are sent.  Who idles for a moment forgets what
 * he is behind, so that the others get more than their part: then only the lead
 * over V is bounded. */
static void
serve_all(struct world *w, unsigned n_pkts, unsigned depth)
{
	struct account *all = calloc(w->n, sizeof(*all));
	double sent = 0;
	unsigned longest = 64 + w->n;

	for (unsigned i = 0; i < w->n; i++) {
		struct qfq_stream *s = &w->ones[i].own;

		all[i].share = (double)s->weight / (double)w->q.weights;
		for (unsigned k = 0; k < depth; k++)
			put(w, &w->ones[i], 64 + i);
		all[i].slot = (double)(UINT64_C(1) << shift_of(s->group)) /
		    (double)(UINT64_C(1) << FRACTION) * s->weight;
	}
	for (unsigned i = 0; i < n_pkts; i++) {
		unsigned bytes = get(w), k = bytes - 64;

		if (i % 8 == 0)
			check_sets(w);
		sent += bytes;
		all[k].got += bytes;
		put(w, &w->ones[k], bytes);
		for (unsigned m = 0; m < w->n; m++)
			book(&all[m], sent, depth > 1 ? all[m].share * sent :
			    v_way(w) * w->ones[m].own.weight);
	}
	for (unsigned i = 0; i < w->n; i++) {
		double behind = 3 * all[i].slot + 2 * longest * all[i].share;
		double ahead = all[i].slot + 64 + i;

		if ((depth > 1 && all[i].worst > behind + 1) ||
		    all[i].ahead > ahead + 1)
			fail_msg("stream %u of share %g: behind by %g of %g, "
			    "ahead by %g of %g", i, all[i].share, all[i].worst,
			    behind, all[i].ahead, ahead);
	}
	free(all);
}

static void
weigh(struct world *w, unsigned i, uint32_t weight)
{
	w->ones[i].par = (struct flow_par){weight, 64 + i, 0};
	sched_qfq_inside.par_changed(&w->si, &w->ones[i].st, NULL);
}

/* One heavy stream among many light ones: these must not go all in a row. */
static void
a_heavy_stream_need_not_wait_for_all_light_ones(void **state)
{
	static struct world w;

	(void)state;
	set_up(&w, 9, 300, 0);
	for (unsigned i = 0; i < w.n; i++)
		weigh(&w, i, i == 299 ? 3000 : 1);
	serve_all(&w, 20000, 2);
	tear_down(&w);
}

/* And one light one among many heavy ones: when its time has come it blocks
 * them, though they are eligible. */
static void
a_light_stream_gets_its_turn_among_heavy_ones(void **state)
{
	static struct world w;

	(void)state;
	set_up(&w, 9, 300, 0);
	for (unsigned i = 0; i < w.n; i++)
		weigh(&w, i, i == 299 ? 1 : 4);
	serve_all(&w, 20000, 2);
	if (w.seen != (1u << N_SETS) - 1)
		fail_msg("only sets %x were in use", w.seen);
	tear_down(&w);
}

static void
streams_of_all_weights_are_within_the_bounds(void **state)
{
	static struct world w;

	(void)state;
	for (unsigned seed = 0; seed < 10; seed++) {
		set_up(&w, 10 + seed, 100, 0);
		for (unsigned i = 0; i < w.n; i++)
			weigh(&w, i, any(&w, seed % 2 == 0 ? 65536 : 100));
		serve_all(&w, 20000, 2);
		tear_down(&w);
	}
}

/* Streams whose only packet leaves and who come back at once are no better off
 * than if they had waited. */
static void
idling_for_a_moment_gains_nothing(void **state)
{
	static struct world w;

	(void)state;
	for (unsigned seed = 0; seed < 10; seed++) {
		set_up(&w, 30 + seed, 50, 0);
		for (unsigned i = 0; i < w.n; i++)
			weigh(&w, i, any(&w, seed % 2 == 0 ? 65536 : 100));
		serve_all(&w, 20000, 1);
		tear_down(&w);
	}
}

/* A stream's packets are longer than its lmax: it gets its share all the
 * same, and no more. */
static void
jumbo_packets_give_no_advantage(void **state)
{
	static struct world w;
	double got[2] = {0};

	(void)state;
	set_up(&w, 8, 2, 0);
	w.ones[0].par = (struct flow_par){3, 1500, 0};
	w.ones[1].par = (struct flow_par){1, 100, 0};
	for (unsigned i = 0; i < 2; i++)
		sched_qfq_inside.par_changed(&w.si, &w.ones[i].st, NULL);
	for (unsigned i = 0; i < 50; i++) {
		put(&w, &w.ones[0], 1500);
		put(&w, &w.ones[1], 9000);
	}
	for (unsigned i = 0; i < 20000; i++) {
		unsigned bytes = get(&w);
		unsigned from = bytes == 9000;

		got[from] += bytes;
		put(&w, &w.ones[from], bytes);
	}
	assert_true(got[0] / got[1] > 2.98 && got[0] / got[1] < 3.02);
	tear_down(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sets_are_what_they_are_defined_to_be),
	    cmocka_unit_test(sets_are_right_with_jumbo_packets),
	    cmocka_unit_test(a_million_operations_lose_nothing),
	    cmocka_unit_test(ten_thousand_streams),
	    cmocka_unit_test(an_idle_stream_is_not_ahead),
	    cmocka_unit_test(a_heavy_stream_need_not_wait_for_all_light_ones),
	    cmocka_unit_test(a_light_stream_gets_its_turn_among_heavy_ones),
	    cmocka_unit_test(streams_of_all_weights_are_within_the_bounds),
	    cmocka_unit_test(idling_for_a_moment_gains_nothing),
	    cmocka_unit_test(jumbo_packets_give_no_advantage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
