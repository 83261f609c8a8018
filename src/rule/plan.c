/* SPDX-License-Identifier: BSD-2-Clause */
#include "rule/plan.h"

#include "base/sizes.h"

#include <stdlib.h>
#include <string.h>

const struct plan_cfg plan_defaults = {
	.flat = 200,
	.most_added = 1024,
	.bursts = 256 << 10,
};

/* Users are counted by the control thread. */
struct grown {
	struct forest *forest;
	unsigned n_users;
	uint64_t build_ns;
};

/* The rules of a forest as a ruleset has them today. */
struct view {
	unsigned n_slots;
	uint32_t *order; /* slot -> index, of those gone the next one's; NULL:
			  * the same */
	struct added *added; /* what has no slot */
	unsigned n_added;
	unsigned n_gone;
};

/* ---- views ---- */

static void
view_fini(struct view *v)
{
	free(v->order);
	free(v->added);
	*v = (struct view){0};
}

static bool
is_unchanged(const struct edit *e)
{
	return e->n_gone == 0 && e->n_added == 0;
}

/* Rules of 'old' that are left and those that an edit added, in order.  Returns
 * how many. */
static unsigned
merge_added(const struct edit *e, const struct view *old,
    const uint32_t *fresh, const struct ruleset *rs, struct added *out)
{
	unsigned n = 0, k = 0;

	for (unsigned i = 0; i <= old->n_added; i++) {
		bool end = i == old->n_added;
		uint32_t at = end ? 0 : edit_map(e, old->added[i].at);

		if (!end && (at & EDIT_GONE) != 0)
			continue;
		for (; k < e->n_added && (end || fresh[k] < at); k++) {
			out[n].at = fresh[k];
			key_of_rule(rs->rules[fresh[k]], &out[n++].key);
		}
		if (!end) {
			out[n] = old->added[i];
			out[n++].at = at;
		}
	}
	return n;
}

/* 'old' after an edit, in *v.  False without memory. */
static bool
view_follow(const struct view *old, const struct edit *e,
    const struct ruleset *rs, struct view *v)
{
	uint32_t *fresh = malloc((e->n_added + 1) * sizeof(*fresh));

	*v = (struct view){.n_slots = old->n_slots, .n_gone = old->n_gone};
	v->added = malloc(size_class((old->n_added + e->n_added + 1) *
	    sizeof(*v->added)));
	if (fresh == NULL || v->added == NULL) {
		free(fresh);
		view_fini(v);
		return false;
	}
	edit_added(e, fresh);
	v->n_added = merge_added(e, old, fresh, rs, v->added);
	free(fresh);
	if (old->order == NULL && is_unchanged(e))
		return true;
	v->order = malloc(size_class((v->n_slots + 1) * sizeof(*v->order)));
	if (v->order == NULL) {
		view_fini(v);
		return false;
	}
	for (unsigned i = 0; i < v->n_slots; i++) {
		uint32_t at = edit_map(e, old->order ? old->order[i] : i);

		v->n_gone += (at & EDIT_GONE) != 0;
		v->order[i] = at & ~EDIT_GONE;
	}
	return true;
}

/* ---- rules that look for states ---- */

/* Fills in where the list goes on with another name. */
static void
link_probes(struct plan *pl)
{
	struct plan_probe *p = pl->probes;

	pl->one_name = pl->n_probes == 0 || p[0].name != 0;
	for (unsigned i = pl->n_probes; i-- > 0;) {
		bool same = i + 1 < pl->n_probes && p[i].name == p[i + 1].name;

		p[i].other = same ? p[i + 1].other : i + 1;
		pl->one_name = pl->one_name && p[i].name == p[0].name;
	}
}

static void
add_probe(struct plan *pl, const struct ruleset *rs, uint32_t at)
{
	uint16_t name;

	if (rs->rules[at]->stateful && key_is_probe(rs->rules[at], &name))
		pl->probes[pl->n_probes++] =
		    (struct plan_probe){.at = at, .name = name};
}

static bool
find_probes(struct plan *pl, const struct ruleset *rs)
{
	unsigned n = 0;
	uint16_t name;

	for (unsigned i = 0; rs->stateful && i < rs->n_rules; i++)
		n += rs->rules[i]->stateful &&
		    key_is_probe(rs->rules[i], &name);
	if (n == 0)
		return true;
	pl->probes = malloc(size_class(n * sizeof(*pl->probes)));
	if (pl->probes == NULL)
		return false;
	for (unsigned i = 0; i < rs->n_rules; i++)
		add_probe(pl, rs, i);
	link_probes(pl);
	return true;
}

/* Those of 'old' after an edit, and new ones. */
static bool
follow_probes(struct plan *pl, const struct plan *old, const struct edit *e,
    const struct ruleset *rs)
{
	uint32_t *fresh = malloc((e->n_added + 1) * sizeof(*fresh));
	size_t size = size_class((old->n_probes + e->n_added + 1) *
	    sizeof(*pl->probes));
	unsigned k = 0;

	pl->probes = malloc(size);
	if (fresh == NULL || pl->probes == NULL) {
		free(fresh);
		return false;
	}
	edit_added(e, fresh);
	for (unsigned i = 0; i < old->n_probes; i++) {
		struct plan_probe p = old->probes[i];

		p.at = edit_map(e, p.at);
		if ((p.at & EDIT_GONE) != 0)
			continue;
		while (k < e->n_added && fresh[k] < p.at)
			add_probe(pl, rs, fresh[k++]);
		pl->probes[pl->n_probes++] = p;
	}
	while (k < e->n_added)
		add_probe(pl, rs, fresh[k++]);
	link_probes(pl);
	free(fresh);
	return true;
}

unsigned
plan_next_probe(const struct plan *pl, unsigned from, bool done, uint16_t name)
{
	unsigned lo = 0, hi = pl->n_probes;

	if (done && (name == 0 || (pl->one_name && pl->n_probes > 0 &&
			pl->probes[0].name == name)))
		return WALK_NONE;
	while (lo < hi) {
		unsigned mid = lo + (hi - lo) / 2;

		if (pl->probes[mid].at < from)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (done && lo < pl->n_probes && pl->probes[lo].name == name)
		lo = pl->probes[lo].other;
	return lo < pl->n_probes ? pl->probes[lo].at : WALK_NONE;
}

/* ---- bursts ---- */

void
plan_firsts(const struct plan *pl, const struct pkt_key *keys, unsigned n,
    struct finds *found, struct hit *hits)
{
	walk_firsts(keys, n, &pl->grove, found, hits);
	for (unsigned i = 0; i < n; i++)
		if (unlikely(hits[i].slot >= pl->n_rules))
			hits[i] = (struct hit){pl->n_rules - 1, 0};
}

/* ---- lists of rules in blocks ---- */

/* Room for blocks of 'n' rules. */
static uint32_t *
blocks_alloc(unsigned n, unsigned words)
{
	return aligned_alloc(CACHE_LINE, size_class(
	    (size_t)blocks_of(n) * words * sizeof(uint32_t)));
}

/* Adds a rule behind 'n' others. */
static void
blocks_add(uint32_t *blocks, unsigned words, unsigned n, uint32_t slot,
    const struct rule_key *key)
{
	block_set(blocks + (size_t)(n / BLOCK_LANES) * words, words,
	    n % BLOCK_LANES, slot, key);
}

/* Closes the last of the blocks of 'n' rules. */
static void
blocks_end(uint32_t *blocks, unsigned words, unsigned n)
{
	if (n % BLOCK_LANES != 0)
		block_end(blocks + (size_t)(n / BLOCK_LANES) * words, words,
		    n % BLOCK_LANES);
}

/* True if a rule asks for what only IPv6 addresses have. */
static bool
has_long(const struct ruleset *rs)
{
	for (unsigned i = 0; i < rs->n_rules; i++) {
		struct rule_key key;

		key_of_rule(rs->rules[i], &key);
		if ((key.src2_mask | key.dst2_mask) != 0)
			return true;
	}
	return false;
}

/* All rules of a small ruleset. */
static bool
make_flat(struct plan *pl, const struct ruleset *rs)
{
	unsigned words = has_long(rs) ? BLOCK_LONG : BLOCK_SHORT;
	struct rule_key key;

	pl->flat_long = words == BLOCK_LONG;
	pl->n_blocks = blocks_of(rs->n_rules);
	if ((pl->flat = blocks_alloc(rs->n_rules, words)) == NULL)
		return false;
	for (unsigned i = 0; i < rs->n_rules; i++) {
		key_of_rule(rs->rules[i], &key);
		key.rest_mask = 0; /* the sieve, which is asked first, has more */
		blocks_add(pl->flat, words, i, i, &key);
	}
	blocks_end(pl->flat, words, rs->n_rules);
	pl->sieve = sieve_create(rs);
	return pl->sieve != NULL;
}

/* The leaf of rules that are not in the forest, for packets of 'family'; long
 * blocks for IPv6. */
static bool
make_added(struct plan *pl, uint32_t family)
{
	bool is_long = family == KEY_IP6;
	unsigned words = is_long ? BLOCK_LONG : BLOCK_SHORT, n = 0;
	uint32_t *blocks;

	if (pl->n_added == 0)
		return true;
	if ((blocks = blocks_alloc(pl->n_added, words)) == NULL)
		return false;
	for (unsigned i = 0; i < pl->n_added; i++) {
		const struct added *a = &pl->added[i];

		if (key_is_of(&a->key, family))
			blocks_add(blocks, words, n++, a->at, &a->key);
	}
	blocks_end(blocks, words, n);
	pl->grove.added[is_long] = (struct leaf){blocks, blocks_of(n), 0};
	return true;
}

/* ---- plans ---- */

static struct plan *
alloc(const struct ruleset *rs, const struct plan_cfg *cfg)
{
	struct plan *pl = calloc(1, sizeof(*pl));

	if (pl == NULL)
		return NULL;
	pl->cfg = *cfg;
	pl->scan = block_scans();
	pl->n_rules = rs->n_rules;
	return pl;
}

static void
use_grown(struct plan *pl, struct grown *g)
{
	g->n_users++;
	pl->grown = g;
	pl->grove.forest = g->forest;
	pl->grove.ahead = g->forest->stats.bytes > pl->cfg.bursts;
}

static void
leave_grown(struct grown *g)
{
	if (g == NULL || --g->n_users > 0)
		return;
	forest_destroy(g->forest);
	free(g);
}

/* Takes what is in 'v'. */
static void
take_view(struct plan *pl, struct view *v)
{
	pl->order = v->order;
	pl->grove.order = v->order;
	pl->added = v->added;
	pl->n_added = v->n_added;
	pl->n_gone = v->n_gone;
	*v = (struct view){0};
}

static struct plan *
flat_plan(const struct ruleset *rs, const struct plan_cfg *cfg)
{
	struct plan *pl = alloc(rs, cfg);

	if (pl == NULL)
		return NULL;
	if (!make_flat(pl, rs) || !find_probes(pl, rs)) {
		plan_destroy(pl);
		return NULL;
	}
	return pl;
}

/* The plan of 'old' after the edit that made 'rs' of it; NULL without memory. */
static struct plan *
follow_plan(const struct ruleset *rs, const struct plan *op,
    const struct edit *e, const struct plan_cfg *cfg)
{
	struct view was = {op->grown->forest->stats.n_rules, op->order,
		op->added, op->n_added, op->n_gone}, is;
	struct plan *pl = alloc(rs, cfg);

	if (pl == NULL)
		return NULL;
	use_grown(pl, op->grown);
	if (!view_follow(&was, e, rs, &is)) {
		plan_destroy(pl);
		return NULL;
	}
	take_view(pl, &is);
	if (!make_added(pl, KEY_IP4) || !make_added(pl, KEY_IP6) ||
	    !follow_probes(pl, op, e, rs)) {
		plan_destroy(pl);
		return NULL;
	}
	return pl;
}

/* A new forest, here and now. */
static struct plan *
grow_plan(const struct ruleset *rs, const struct plan_cfg *cfg)
{
	struct draft *d = draft_create(rs, cfg);
	struct plan *pl;

	if (d == NULL)
		return NULL;
	draft_build(d);
	pl = draft_plan(d, rs);
	draft_destroy(d);
	return pl;
}

/* True if the old plan can still serve after the edit. */
static bool
is_close(const struct plan *op, const struct edit *e,
    const struct plan_cfg *cfg)
{
	return op->n_added + e->n_added <= cfg->most_added;
}

/* Few rules that must be interpreted anyhow are faster without a plan. */
static bool
is_too_small(const struct ruleset *rs)
{
	if (rs->n_rules >= PLAN_MIN_RULES)
		return false;
	for (unsigned i = 0; i + 1 < rs->n_rules; i++)
		if (!rs->rules[i]->keyed && (rs->rules[i]->rest_src |
			rs->rules[i]->rest_dst) == 0)
			return true;
	return rs->n_rules < 2;
}

/* True if a sieve is faster than a forest.  A forest has its price, however few the
 * rules are; a sieve, which is nothing but compares, takes twice as long without
 * AVX2. */
static bool
is_for_sieve(const struct ruleset *rs, const struct plan_cfg *cfg)
{
	unsigned most = block_scans()->way == BLOCK_WAY_AVX2 ? cfg->flat :
	    cfg->flat / 2;

	return rs->n_rules <= most && sieve_cost(rs) / 4 <= most;
}

struct plan *
plan_create_cfg(const struct ruleset *rs, const struct ruleset *old,
    const struct plan_cfg *cfg)
{
	const struct plan *op = old != NULL ? old->plan : NULL;
	struct plan *pl = NULL;
	struct edit e;

	if (is_too_small(rs))
		return NULL;
	if (is_for_sieve(rs, cfg) || rs->n_rules > FOREST_MAX_RULES)
		return flat_plan(rs, cfg);
	if (op != NULL && op->flat == NULL && edit_init(&e, old, rs) == 0) {
		if (is_close(op, &e, cfg))
			pl = follow_plan(rs, op, &e, cfg);
		edit_fini(&e);
	}
	return pl != NULL ? pl : grow_plan(rs, cfg);
}

struct plan *
plan_create(const struct ruleset *rs, const struct ruleset *old)
{
	return plan_create_cfg(rs, old, &plan_defaults);
}

void
plan_destroy(struct plan *pl)
{
	if (pl == NULL)
		return;
	free(pl->probes);
	free(pl->flat);
	sieve_destroy(pl->sieve);
	free((uint32_t *)(uintptr_t)pl->grove.added[0].blocks);
	free((uint32_t *)(uintptr_t)pl->grove.added[1].blocks);
	free(pl->order);
	free(pl->added);
	leave_grown(pl->grown);
	free(pl);
}

/* ---- drafts ---- */

struct draft {
	struct plan_cfg cfg;
	unsigned n_rules;
	struct rule_key *keys; /* builder's until it is done */
	struct grown *grown;
	struct view view; /* control thread's */
	bool lost;	  /* an edit could not be followed */
};

bool
plan_is_stale(const struct plan *pl, unsigned added)
{
	return pl->flat == NULL &&
	    (pl->n_added >= added || pl->n_gone > pl->n_rules / 8);
}

bool
plan_is_new(const struct plan *pl)
{
	return pl->grown != NULL && pl->grown->build_ns == 0;
}

void
plan_note_build(struct plan *pl, uint64_t took_ns)
{
	if (pl->grown != NULL)
		pl->grown->build_ns = took_ns;
}

struct draft *
draft_create(const struct ruleset *rs, const struct plan_cfg *cfg)
{
	struct draft *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->cfg = *cfg;
	d->n_rules = d->view.n_slots = rs->n_rules;
	d->keys = malloc(rs->n_rules * sizeof(*d->keys));
	d->grown = calloc(1, sizeof(*d->grown));
	if (d->keys == NULL || d->grown == NULL) {
		draft_destroy(d);
		return NULL;
	}
	d->grown->n_users = 1;
	for (unsigned i = 0; i < rs->n_rules; i++)
		key_of_rule(rs->rules[i], &d->keys[i]);
	return d;
}

void
draft_build(struct draft *d)
{
	d->grown->forest = forest_build(d->keys, d->n_rules, d->cfg.pages);
}

void
draft_follow(struct draft *d, const struct ruleset *old,
    const struct ruleset *new)
{
	struct view is;
	struct edit e;

	if (d->lost)
		return;
	if (edit_init(&e, old, new) != 0) {
		d->lost = true;
		return;
	}
	d->lost = !view_follow(&d->view, &e, new, &is);
	edit_fini(&e);
	if (d->lost)
		return;
	view_fini(&d->view);
	d->view = is;
}

struct plan *
draft_plan(struct draft *d, const struct ruleset *rs)
{
	struct plan *pl;

	if (d->lost || d->grown->forest == NULL)
		return NULL;
	if ((pl = alloc(rs, &d->cfg)) == NULL)
		return NULL;
	use_grown(pl, d->grown);
	take_view(pl, &d->view);
	d->lost = true;
	if (!make_added(pl, KEY_IP4) || !make_added(pl, KEY_IP6) ||
	    !find_probes(pl, rs)) {
		plan_destroy(pl);
		return NULL;
	}
	return pl;
}

void
draft_destroy(struct draft *d)
{
	if (d == NULL)
		return;
	leave_grown(d->grown);
	view_fini(&d->view);
	free(d->keys);
	free(d);
}

/* ---- what there is to see ---- */

void
plan_stats(const struct plan *pl, struct plan_stats *out)
{
	size_t added = sizeof(uint32_t) *
	    ((size_t)pl->grove.added[0].n_blocks * BLOCK_SHORT +
		(size_t)pl->grove.added[1].n_blocks * BLOCK_LONG);

	*out = (struct plan_stats){
	    .n_rules = pl->n_rules,
	    .n_added = pl->n_added,
	    .n_gone = pl->n_gone,
	    .flat = pl->flat != NULL,
	    .in_bursts = pl->grove.ahead,
	    .scan = pl->scan->name,
	    .bytes = sizeof(*pl) + pl->n_probes * sizeof(*pl->probes) + added,
	};
	if (pl->flat != NULL) {
		out->bytes += (size_t)pl->n_blocks * sizeof(uint32_t) *
		    (pl->flat_long ? BLOCK_LONG : BLOCK_SHORT) +
		    sieve_size(pl->sieve);
		return;
	}
	out->forest = pl->grown->forest->stats;
	out->build_ns = pl->grown->build_ns;
	out->bytes += out->forest.bytes + pl->n_added * sizeof(*pl->added);
	if (pl->order != NULL)
		out->bytes += out->forest.n_rules * sizeof(*pl->order);
}
