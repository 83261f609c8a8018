/* SPDX-License-Identifier: BSD-2-Clause */
#include "rule/interp.h"

#include "rule/action.h"
#include "rule/explain.h"
#include "rule/way.h"

bool
interp_match(const struct pass *pass, const struct rule *r,
    const struct pkt *p)
{
	struct answers a = {.room = 0};

	return match_rule(pass, r, p, &a);
}

/* A rule without patterns needs no look at the packet. */
static inline bool
matches(const struct pass *pass, const struct rule *r, const struct pkt *p,
    struct answers *a)
{
	return r->act_ofs == 0 || match_rule(pass, r, p, a);
}

/* What a rule was asked with: tells whether it did anything. */
struct before {
	struct probe probe;
	struct rng rng;
	uint32_t asked; /* tables */
};

static inline struct before
note(const struct pass *pass, const struct probe *probe)
{
	return (struct before){.probe = *probe, .rng = *pass->rng,
	    .asked = pass->lookup_use != NULL ? pass->lookup_use->asked : 0};
}

/* True if a rule that does not match did nothing else either: looked for no
 * state, drew no number, asked no table. */
static bool
was_idle(const struct pass *pass, const struct before *b,
    const struct probe *now)
{
	return now->done == b->probe.done && now->name == b->probe.name &&
	    now->jumps == b->probe.jumps &&
	    (pass->lookup_use == NULL || pass->lookup_use->asked == b->asked) &&
	    memcmp(&b->rng, pass->rng, sizeof(b->rng)) == 0;
}

/* A rule that a state led to acts in the place of the one that asked. */
static const struct rule *
state_rule(const struct ruleset *rs, struct trip *t)
{
	const struct rule *r = rs->rules[t->n];

	t->answers.tablearg = 0;
	/* After an orphan comes the last rule; with that alone this wraps, and
	 * wraps back. */
	if (t->n >= rs->n_rules)
		t->n = rs->n_rules - 2;
	return r;
}

/* True if all that a rule does is to accept or to deny. */
static inline bool
is_plain(const struct rule *r)
{
	unsigned act = rule_action(r)->opcode;

	return act == O_ACCEPT || act == O_DENY;
}

static inline enum verdict
plain_verdict(const struct rule *r)
{
	return rule_action(r)->opcode == O_ACCEPT ? VERDICT_ACCEPT :
						     VERDICT_DENY;
}

/* What rule t->n says to the packet. */
static inline enum outcome
ask(const struct pass *pass, const struct rule *r, const struct pkt *p,
    struct trip *t, bool trusted)
{
	if (unlikely(r->stateful))
		return match_stateful(pass, p, &t->probe, &t->n, &t->answers);
	return (trusted && r->keyed) || matches(pass, r, p, &t->answers) ?
	    MATCH : NO_MATCH;
}

static void
take_note(struct note *note, const struct rule *r, enum outcome o)
{
	note->rule = r->num;
	if (o == STATE_HIT)
		note->found = r->num;
}

/* The fate of a packet from index 'n' on.  'x', if there is one, is told what
 * happens, and nothing outside of the packet does; like 'verifies' a constant. */
static inline __attribute__((always_inline)) enum verdict
run(const struct pass *pass, struct pkt *p, unsigned n, struct way *way,
    const bool verifies, struct explain *const x)
{
	const struct ruleset *rs = pass->rules;
	struct trip t;
	unsigned from = n; /* verifying: where the search was sent last */
	bool trusted = false;
	struct before before;
	enum verdict v;

	trip_init(&t, n);
	t.answers.room = pass->match == MATCH_INDEX ? LOOKUP_ANSWERS : 0;
	for (;;) {
		const struct rule *r;
		enum outcome o;

		if (!verifies)
			t.n = way_next(way, &t.probe, t.n, &trusted);
		n = t.n;
		r = rs->rules[n];
		if (unlikely(!ruleset_on(rs, r))) {
			if (x != NULL)
				explain_off(x, pass, r, p);
			t.n++;
			continue;
		}
		if (x != NULL && !explain_look(x))
			return VERDICT_DENY;
		if (n != t.target)
			t.answers.tablearg = 0;
		t.target = NO_TARGET; /* it is for this visit alone */
		if (verifies)
			before = note(pass, &t.probe);
		o = x != NULL ? match_explained(pass, p, &t.probe, &t.n,
				    &t.answers, x) :
				ask(pass, r, p, &t, trusted);
		if (verifies && !(o == NO_MATCH &&
			was_idle(pass, &before, &t.probe))) {
			way_follow(way, rs, &before.probe, from, n);
			from = WALK_NONE;
		}
		if (unlikely(o == STATE_HIT))
			r = state_rule(rs, &t);
		if (o == NO_MATCH ||
		    (o != STATE_FULL && !action_applies(r, p))) {
			if (x != NULL && o != NO_MATCH)
				explain_note(x, r, TRIAL_IDLE);
			t.n++;
			if (verifies && from == WALK_NONE)
				from = t.n;
			continue;
		}
		if (unlikely(pass->note != NULL))
			take_note(pass->note, r, o);
		if (x != NULL) {
			if (o == STATE_FULL)
				return VERDICT_DENY;
			if (action_explained(pass, r, p, &t, o, &v, x))
				return v;
		} else if (unlikely(o == STATE_FULL) || is_plain(r)) {
			counter_add(&pass->counts[r->counter],
			    pkt_count_bytes(p), pass->now_s);
			return o == STATE_FULL ? VERDICT_DENY :
						 plain_verdict(r);
		} else if (action_run(pass, r, p, &t, o, &v)) {
			return v;
		}
		if (verifies && from == WALK_NONE)
			from = t.n;
	}
}

static inline const struct plan *
plan_of(const struct pass *pass)
{
	return likely(pass->match != MATCH_LINEAR) ? pass->rules->plan : NULL;
}

/* True if what a burst found first decides by itself; 'end' as of quick_end(). */
static inline bool
is_quick(const struct pass *pass, const struct hit *h, const struct pkt *p,
    unsigned end)
{
	return h->act != 0 && h->slot < end && ((h->act & ACT_REST) == 0 ||
	    key_rest_fits(pass->rules->rules[h->slot], p));
}

/* Where the plan leads a packet first, whose key is in 'w'.  Without a forest
 * second halves of addresses were looked at already. */
static unsigned
first_of_plan(const struct ruleset *rs, const struct plan *pl, struct walk *w,
    const struct pkt *p)
{
	unsigned at = plan_next(pl, w, 0);

	while (pl->flat != NULL && at + 1 < rs->n_rules &&
	    sieve_passes_over(pl->sieve, at, rs->rules[at], p))
		at = plan_next(pl, w, at + 1);
	return at;
}

/* True if the packet met with what 'h' would have done to it: verdict 'v', the
 * rule's counter, and where it was sent. */
static bool
is_as_found(const struct pass *pass, const struct hit *h, const struct pkt *p,
    enum verdict v)
{
	const struct rule *r = pass->rules->rules[h->slot];
	struct pkt_fate fate = action_fate(r);

	return (h->act & ~(uint32_t)(ACT_REST | ACT_FATE)) ==
		((v + 1) << ACT_COUNTER_BITS | r->counter) &&
	    ((h->act & ACT_FATE) == 0 ||
		memcmp(&fate, &p->fate, sizeof(fate)) == 0);
}

/* As run(), rule after rule; beside it the plan is followed.  'hit' is what a
 * burst found first, NULL without one; 'end' as of quick_end(). */
static __attribute__((noinline)) enum verdict
run_verified(const struct pass *pass, struct pkt *p, unsigned n,
    struct way *way, const struct hit *hit, unsigned end)
{
	const struct ruleset *rs = pass->rules;
	bool quick = hit != NULL && is_quick(pass, hit, p, end);
	enum verdict v = run(pass, p, n, way, true, NULL);

	/* A rule that was missed says more than the one found instead. */
	if (way->missed == WALK_NONE && hit != NULL &&
	    (hit->slot != first_of_plan(rs, way->plan, way->walk, p) ||
		(quick && !is_as_found(pass, hit, p, v))))
		way->missed = hit->slot;
	stat_add(&pass->check->pkts, 1);
	if (way->missed == WALK_NONE)
		return v;
	stat_add(&pass->check->differences, 1);
	stat_set(&pass->check->rule, rs->rules[way->missed]->num);
	return v;
}

/* One packet from index 'n' on, whose walk is still to begin. */
static inline __attribute__((always_inline)) enum verdict
run_one(const struct pass *pass, struct pkt *p, unsigned n)
{
	struct walk walk;
	struct way way = {.plan = plan_of(pass), .walk = &walk,
		.missed = WALK_NONE};

	if (way.plan != NULL) {
		way.began = way.plan->flat != NULL;
		way.trusts = plan_is_exact(way.plan);
		walk.key = key_of_pkt(p, pass->out);
	}
	if (unlikely(pass->match == MATCH_VERIFY) && way.plan != NULL)
		return run_verified(pass, p, n, &way, NULL, 0);
	return run(pass, p, n, &way, false, NULL);
}

enum verdict
interp_run(const struct pass *pass, struct pkt *p, unsigned first)
{
	if (pass->rules->stateful)
		stateful_burst(pass, p, 1, 0);
	return run_one(pass, p, first);
}

__attribute__((noinline, cold)) enum verdict
interp_explain(const struct pass *pass, struct pkt *p, unsigned first,
    struct explain *x)
{
	struct way way = {.plan = NULL};

	if (pass->states != NULL && (p->flags & PKT_IP) != 0)
		p->flow_hash = state_hash(pass->states, p);
	return run(pass, p, first, &way, false, x);
}

/* ---- groups: what can be found for several packets is found together ---- */

enum { TALLY_RULES = 64 }; /* so many are counted once a burst */

/* Good packets of a burst; they are decided in order. */
struct group {
	const struct plan *plan;
	unsigned end; /* quick_end() */
	unsigned n;
	struct pkt *pkts[ROWS];
	struct hit hits[ROWS];
	struct rows rows; /* if the plan is flat, else: */
	struct pkt_key keys[ROWS];
	struct finds found;
	bool tallies; /* packets are counted here first */
	uint64_t tally[TALLY_RULES]; /* by index: packets << 32 | octets */
};

_Static_assert((int)ROWS == WALK_BURST, "packets of a group");

/* Rules before this index do to a packet what their act says, and no more: no
 * state is to be looked up before them, no set is switched off, none of them is
 * gone, and nobody wants to be told which one it was. */
static unsigned
quick_end(const struct pass *pass, const struct plan *pl)
{
	if (!plan_is_exact(pl) || pass->rules->set_disabled != 0 ||
	    pass->note != NULL)
		return 0;
	return pl->n_probes > 0 ? pl->probes[0].at : pl->n_rules;
}

/* True if the rule itself will be looked at. */
static inline bool
wants_rule(const struct hit *h)
{
	return h->act == 0 || (h->act & (ACT_REST | ACT_FATE)) != 0;
}

/* Asks memory for what deciding will touch: counters, and rules behind their
 * pointers. */
static inline void
fetch(const struct pass *pass, const struct group *g)
{
	struct rule *const *rules = pass->rules->rules;

	for (unsigned i = 0; i < g->n; i++) {
		const struct hit *h = &g->hits[i];

		if (h->act != 0)
			__builtin_prefetch(&pass->counts[h->act & ACT_COUNTER],
			    1);
		if (wants_rule(h))
			__builtin_prefetch(&rules[h->slot]);
	}
	for (unsigned i = 0; i < g->n; i++) {
		const struct hit *h = &g->hits[i];

		if (!wants_rule(h))
			continue;
		__builtin_prefetch(rules[h->slot]);
		__builtin_prefetch((const char *)rules[h->slot] + CACHE_LINE);
	}
}

/* A packet that needs the interpreter. */
static enum verdict
run_hit(const struct pass *pass, struct group *g, unsigned i)
{
	const struct plan *pl = g->plan;
	struct walk walk;
	struct way way = {.plan = pl, .walk = &walk, .began = true,
		.known = true, .trusts = plan_is_exact(pl),
		.missed = WALK_NONE};
	unsigned from = g->hits[i].slot;

	walk.key = pl->flat != NULL ? key_of_pkt(g->pkts[i], pass->out) :
				      g->keys[i];
	if (pl->flat == NULL)
		walk_found(&walk, &pl->grove, g->found.at[i]);
	if (unlikely(pass->match == MATCH_VERIFY))
		return run_verified(pass, g->pkts[i], 0, &way, &g->hits[i],
		    g->end);
	if (pl->n_probes > 0 && pl->probes[0].at < from)
		from = pl->probes[0].at;
	return run(pass, g->pkts[i], from, &way, false, NULL);
}

/* A packet that what was found first decides about. */
static inline void
decide_quick(const struct pass *pass, const struct hit *h, struct pkt *p)
{
	counter_add(&pass->counts[h->act & ACT_COUNTER], pkt_count_bytes(p),
	    pass->now_s);
	p->verdict = (uint8_t)((h->act >> ACT_COUNTER_BITS & ACT_VERDICT) - 1);
	if ((h->act & ACT_FATE) != 0)
		p->fate = action_fate(pass->rules->rules[h->slot]);
}

/* A packet that is not simply accepted or denied by what was found first. */
static __attribute__((noinline)) void
decide_other(const struct pass *pass, struct group *g, unsigned i)
{
	struct hit h = g->hits[i];
	struct pkt *p = g->pkts[i];

	if (pass->match == MATCH_VERIFY || !is_quick(pass, &h, p, g->end))
		p->verdict = (uint8_t)run_hit(pass, g, i);
	else
		decide_quick(pass, &h, p);
}

/* Those that a forest was asked about. */
static void
decide_group(const struct pass *pass, struct group *g)
{
	unsigned end = pass->match == MATCH_VERIFY ? 0 : g->end;

	plan_firsts(g->plan, g->keys, g->n, &g->found, g->hits);
	if (g->plan->grove.ahead) /* few rules are in the cache */
		fetch(pass, g);
	for (unsigned i = 0; i < g->n; i++) {
		struct hit h = g->hits[i];
		struct pkt *p = g->pkts[i];

		if (likely(is_quick(pass, &h, p, end)))
			decide_quick(pass, &h, p);
		else
			decide_other(pass, g, i);
	}
	g->n = 0;
}

/* A burst in groups, by a forest. */
static void
run_groups(const struct pass *pass, struct pkt *pkts, unsigned n,
    struct group *g)
{
	bool stateful = pass->rules->stateful;

	for (unsigned i = 0; i < n; i++) {
		if (stateful && i % STATE_STEP == 0)
			stateful_burst(pass, pkts, n, i);
		if (unlikely(pkts[i].bad != PKT_GOOD))
			continue;
		g->keys[g->n] = key_of_pkt(&pkts[i], pass->out);
		g->pkts[g->n++] = &pkts[i];
		if (g->n == ROWS)
			decide_group(pass, g);
	}
	if (g->n > 0)
		decide_group(pass, g);
}

/* ---- groups without a forest ---- */

/* Counts what was tallied. */
static void
count_tally(const struct pass *pass, const struct group *g)
{
	const struct sieve *s = g->plan->sieve;

	for (unsigned i = 0; i <= s->n; i++)
		if (g->tally[i] != 0)
			counter_add_many(&pass->counts[s->acts[i] & ACT_COUNTER],
			    g->tally[i] >> 32, (uint32_t)g->tally[i],
			    pass->now_s);
}

/* The good ones of pkts[n], n <= ROWS. */
static void
take_good(struct group *g, struct pkt *pkts, unsigned n)
{
	g->n = 0;
	for (unsigned i = 0; i < n; i++)
		if (likely(pkts[i].bad == PKT_GOOD))
			g->pkts[g->n++] = &pkts[i];
}

/* The first rules of few packets, for which a sieve would not pay. */
static void
find_each(const struct pass *pass, struct group *g, uint32_t index[ROWS])
{
	struct walk w;

	for (unsigned i = 0; i < g->n; i++) {
		struct pkt *p = g->pkts[i];

		w.key = key_of_pkt(p, pass->out);
		index[i] = first_of_plan(pass->rules, g->plan, &w, p);
		g->rows.bytes[i] = pkt_count_bytes(p);
	}
}

/* Packets that a sieve is worth: it takes as long for one as for ROWS, where blocks
 * can stop at the rule that fits. */
static inline unsigned
sift_least(const struct plan *pl)
{
	return 4 + (pl->n_blocks < 8 ? pl->n_blocks : 8);
}

/* Finds the first rules of pkts[n], n <= ROWS. */
static inline void
sift(const struct pass *pass, struct group *g, struct pkt *pkts, unsigned n,
    uint32_t index[ROWS])
{
	const struct plan *pl = g->plan;

	if (likely(n == ROWS)) {
		g->n = n;
		for (unsigned i = 0; i < ROWS; i++)
			g->pkts[i] = &pkts[i];
		if (likely(sieve_firsts(pl->sieve, pl->scan->way, g->pkts,
			pass->out, &g->rows, index)))
			return;
	}
	take_good(g, pkts, n);
	if (g->n < sift_least(pl)) {
		find_each(pass, g, index);
		return;
	}
	for (unsigned i = g->n; i < ROWS; i++) /* there must be as many */
		g->pkts[i] = g->pkts[0];
	sieve_firsts(pl->sieve, pl->scan->way, g->pkts, pass->out, &g->rows,
	    index);
}

/* pkts[n], n <= ROWS. */
static void
decide_sifted(const struct pass *pass, struct group *g, struct pkt *pkts,
    unsigned n)
{
	unsigned end = pass->match == MATCH_VERIFY ? 0 : g->end;
	const struct sieve *s = g->plan->sieve;
	uint32_t index[ROWS];

	sift(pass, g, pkts, n, index);
	for (unsigned i = 0; i < g->n; i++) {
		uint32_t at = index[i];
		uint8_t verdict = s->verdicts[at];

		if (unlikely(verdict == SIEVE_ASK || at >= end)) {
			g->hits[i] = (struct hit){at, s->acts[at]};
			decide_other(pass, g, i);
			continue;
		}
		if (likely(g->tallies))
			g->tally[at] += 1ull << 32 | g->rows.bytes[i];
		else
			counter_add(&pass->counts[s->acts[at] & ACT_COUNTER],
			    g->rows.bytes[i], pass->now_s);
		g->pkts[i]->verdict = verdict;
	}
}

/* A burst in groups, by a sieve. */
static void
run_sifted(const struct pass *pass, struct pkt *pkts, unsigned n,
    struct group *g)
{
	unsigned n_rules = g->plan->n_rules;
	bool stateful = pass->rules->stateful;

	g->tallies = n_rules <= TALLY_RULES && 2 * n_rules <= n;
	if (g->tallies)
		memset(g->tally, 0, n_rules * sizeof(g->tally[0]));
	for (unsigned i = 0; i < n; i += ROWS) {
		if (stateful && i % STATE_STEP == 0)
			stateful_burst(pass, pkts, n, i);
		decide_sifted(pass, g, pkts + i, n - i < ROWS ? n - i : ROWS);
	}
	if (g->tallies)
		count_tally(pass, g);
}

_Static_assert(STATE_STEP % ROWS == 0, "states are prepared between groups");

/* A burst by its plan. */
static void
run_planned(const struct pass *pass, struct pkt *pkts, unsigned n,
    const struct plan *plan)
{
	struct group g;

	g.plan = plan;
	g.end = quick_end(pass, plan);
	g.n = 0;
	if (plan->flat != NULL)
		run_sifted(pass, pkts, n, &g);
	else
		run_groups(pass, pkts, n, &g);
}

/* ---- bursts ---- */

/* True if the first rule decides about every packet, without a look at it: the
 * default rule alone, or an 'allow ip from any to any' in front. */
static bool
first_decides(const struct ruleset *rs)
{
	const struct rule *r = rs->rules[0];

	return r->n_words == 1 && ruleset_on(rs, r) && is_plain(r);
}

static void
decide_all(const struct pass *pass, struct pkt *pkts, unsigned n)
{
	const struct rule *r = pass->rules->rules[0];

	uint64_t good = 0, bytes = 0;

	if (unlikely(pass->note != NULL))
		pass->note->rule = r->num;
	for (unsigned i = 0; i < n; i++) {
		if (unlikely(pkts[i].bad != PKT_GOOD))
			continue;
		good++;
		bytes += pkt_count_bytes(&pkts[i]);
		pkts[i].verdict = (uint8_t)plain_verdict(r);
	}
	if (good > 0)
		counter_add_many(&pass->counts[r->counter], good, bytes,
		    pass->now_s);
}

/* True if packets are worth to be taken in groups: not if the first rule sends
 * most of them on by their states. */
static inline bool
is_for_groups(const struct plan *pl)
{
	return pl != NULL && (pl->n_probes == 0 || pl->probes[0].at != 0);
}

void
interp_burst(const struct pass *pass, struct pkt *pkts, unsigned n)
{
	if (first_decides(pass->rules)) {
		decide_all(pass, pkts, n);
		return;
	}
	lookup_burst(pass, pkts, n);
	if (is_for_groups(plan_of(pass))) {
		run_planned(pass, pkts, n, plan_of(pass));
		return;
	}
	for (unsigned i = 0; i < n; i++) {
		struct pkt *p = &pkts[i];

		if (pass->rules->stateful && i % STATE_STEP == 0)
			stateful_burst(pass, pkts, n, i);
		if (likely(p->bad == PKT_GOOD))
			p->verdict = (uint8_t)run_one(pass, p, 0);
	}
}
