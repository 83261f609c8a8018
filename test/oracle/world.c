/* SPDX-License-Identifier: BSD-2-Clause */
#include "test/oracle/world.h"

#include "cli/print.h"
#include "engine/defrag.h"
#include "rule/check.h"
#include "test/oracle/compare.h"
#include "test/oracle/foretold.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	MAX_RULES = 4000, /* and as many once more while they are exchanged */
	MAX_ADD = 48,
};

struct world {
	struct side a, b; /* with the index, without */
	struct foretold *foretold;
	bool alone; /* every packet comes alone, so that it can be foretold */
	struct chance *c;
	struct vocab vocab;
	struct recipe_style style;
	unsigned target;     /* rules that there should be about */
	unsigned update_1_in; /* bursts between two changes */
	bool calls_back;
	struct world_stats *stats;
	unsigned max_states;
	uint32_t log_from; /* records of the worlds before */
	const char *diff;
	char text[256];
};

struct world *
world_create(void)
{
	struct world *w = calloc(1, sizeof(*w));

	if (w != NULL && (w->foretold = foretold_create()) == NULL) {
		free(w);
		return NULL;
	}
	return w;
}

void
world_foretell(struct world *w)
{
	w->alone = true;
}

void
world_destroy(struct world *w)
{
	side_fini(&w->a);
	side_fini(&w->b);
	foretold_destroy(w->foretold);
	free(w);
}

/* ---- changes of rules ---- */

static bool
is_call(const struct rule *r)
{
	const struct insn *i = rule_action(r);

	while (insn_table[i->opcode].kind == INSN_MODIFIER)
		i = insn_next(i);
	return i->opcode == O_CALLRETURN && (i->len & INSN_NOT) == 0;
}

/* A call backwards is only safe alone: two of them make 2^16 ways. */
static enum recipe_calls
calls_allowed(const struct world *w)
{
	enum { MOST = 5 };
	unsigned n = 0;

	for (unsigned i = 0; i < w->b.rules->n_rules; i++)
		n += is_call(w->b.rules->rules[i]);
	if (w->calls_back)
		return n == 0 ? CALLS_ANY : CALLS_NONE;
	return n < MOST ? CALLS_FORWARD : CALLS_NONE;
}

static bool
is_recipe_call(const struct recipe *d)
{
	const struct insn *last =
	    (const struct insn *)(const void *)&d->w[d->head.cmd_len - 1];

	return last->opcode == O_CALLRETURN && (last->len & INSN_NOT) == 0;
}

static void
add_rules(struct world *w, unsigned n)
{
	static struct recipe recipes[MAX_ADD];
	enum recipe_calls calls = calls_allowed(w);
	struct err e;

	for (unsigned i = 0; i < n; i++) {
		struct recipe *d = &recipes[i];

		recipe_rule(d, &w->vocab, w->c, &w->style, calls);
		if (is_recipe_call(d))
			calls = CALLS_NONE;
		if (check_rule(&d->head, sizeof(d->head) +
			    d->head.cmd_len * sizeof(uint32_t), &e) != 0) {
			fprintf(stderr, "a rule that is none: %s\n", e.text);
			abort();
		}
	}
	side_add(&w->a, recipes, n);
	side_add(&w->b, recipes, n);
}

static void
draw_range(struct world *w, struct rule_range *g)
{
	unsigned span = w->vocab.top / (1 + draw(w->c, 8)) + 1;

	g->flags = draw(w->c, 2) ? RANGE_RULES : RANGE_RULES | RANGE_SET;
	g->lo = (uint16_t)(1 + draw(w->c, w->vocab.top));
	g->hi = (uint16_t)(g->lo + span < 65534 ? g->lo + span : 65534);
	g->set = (uint8_t)draw(w->c, 4);
}

/* Deleted rules that may have states live on for them. */
static struct ruleset *
with_orphans(const struct ruleset *rs, const struct rule_range *g)
{
	bool *keep = calloc(ruleset_end(rs), sizeof(*keep));
	struct ruleset *next;
	unsigned gone;

	if (keep == NULL)
		return NULL;
	for (unsigned i = 0; i < ruleset_end(rs); i++)
		keep[i] = rs->rules[i]->stateful;
	next = ruleset_orphan(rs, g, keep, &gone);
	free(keep);
	return next;
}

static void
delete_some(struct world *w)
{
	struct rule_range g;
	unsigned gone;

	draw_range(w, &g);
	if (once_in(w->c, 2)) /* one number */
		g.lo = g.hi = w->b.rules->rules[draw(w->c,
		    w->b.rules->n_rules)]->num;
	if (w->style.states && once_in(w->c, 2)) {
		side_publish(&w->a, with_orphans(w->a.rules, &g));
		side_publish(&w->b, with_orphans(w->b.rules, &g));
		return;
	}
	side_publish(&w->a, ruleset_delete(w->a.rules, &g, &gone));
	side_publish(&w->b, ruleset_delete(w->b.rules, &g, &gone));
}

/* Half of all rules go, so that there is room. */
static void
delete_half(struct world *w)
{
	struct rule_range g = {.flags = RANGE_RULES, .lo = 1,
	    .hi = w->b.rules->rules[w->b.rules->n_rules / 2]->num};
	unsigned gone;

	side_publish(&w->a, ruleset_delete(w->a.rules, &g, &gone));
	side_publish(&w->b, ruleset_delete(w->b.rules, &g, &gone));
}

static void
change_sets(struct world *w)
{
	uint32_t off = draw(w->c, 16), on = draw(w->c, 16);
	uint8_t from = (uint8_t)draw(w->c, 4), to = (uint8_t)draw(w->c, 4);
	bool swap = draw(w->c, 2);
	struct rule_range g;

	switch (draw(w->c, 4)) {
	case 0:
		draw_range(w, &g);
		side_publish(&w->a, ruleset_move(w->a.rules, &g, to));
		side_publish(&w->b, ruleset_move(w->b.rules, &g, to));
		break;
	case 1:
		side_publish(&w->a,
		    ruleset_move_set(w->a.rules, from, to, swap));
		side_publish(&w->b,
		    ruleset_move_set(w->b.rules, from, to, swap));
		break;
	default:
		if (w->style.plain && !once_in(w->c, 10)) /* mostly all on */
			off = 0, on = ~0u;
		side_publish(&w->a, ruleset_enable(w->a.rules, off, on));
		side_publish(&w->b, ruleset_enable(w->b.rules, off, on));
	}
}

static void
zero(struct side *s, const struct rule_range *g)
{
	for (unsigned i = 0; i < s->rules->n_rules; i++) {
		const struct rule *r = s->rules->rules[i];

		if (!rule_in_range(r, g))
			continue;
		s->counts[r->counter] = (struct counter){0};
		if (rule_log(r) != NULL)
			s->log_left[r->counter] = rule_log(r)->max_log;
	}
}

/* ---- changes of tables, states and time ---- */

static void
draw_key(struct world *w, unsigned tab, struct table_key *k)
{
	const struct vocab *v = &w->vocab;
	struct chance *c = w->c;
	uint32_t be;

	memset(k, 0, sizeof(*k));
	switch (tab) {
	case TAB_ADDR:
	case TAB_ADDR2:
		k->family = draw(c, 2) ? 4 : 6;
		be = __builtin_bswap32(vocab_addr4(v, c));
		if (k->family == 4)
			memcpy(k->addr, &be, 4);
		else
			vocab_addr6(v, c, k->addr);
		/* Shorter ones only make tables slow to change. */
		k->len = (uint8_t)(k->family == 4 ? 12 + draw(c, 21) :
						    20 + draw(c, 109));
		break;
	case TAB_IFACE:
		memcpy(k->iface, vocab_ifs[draw(c, VOCAB_IFS)], 16);
		break;
	case TAB_PORT:
		k->number = vocab_port(v, c);
		break;
	case TAB_FLOW:
		k->flow.family = 4;
		be = __builtin_bswap32(vocab_addr4(v, c));
		memcpy(k->flow.src, &be, 4);
		k->flow.dport = vocab_port(v, c);
		k->flow.proto = vocab_protos[draw(c, 8)];
		break;
	case TAB_MAC:
		memcpy(k->mac, vocab_macs[draw(c, VOCAB_MACS)], 6);
		k->len = 48;
		break;
	}
}

static void
change_entry(struct world *w)
{
	unsigned tab = 1 + draw(w->c, N_TABS);
	struct table_value v = recipe_value(&w->vocab, w->c);
	bool del = once_in(w->c, 3);
	struct table_key k;

	draw_key(w, tab, &k);
	side_table(&w->a, tab, &k, del ? NULL : &v);
	side_table(&w->b, tab, &k, del ? NULL : &v);
}

static void
change_table(struct side *s, unsigned tab, bool swap)
{
	if (swap)
		tables_swap(s->tables, s->tabs[TAB_ADDR], s->tabs[TAB_ADDR2],
		    NULL);
	else
		side_empty(s, tab);
}

/* As the tick does, and as 'ipfw delete' of a state. */
static void
age(struct side *s, unsigned seconds, unsigned remove)
{
	uint32_t end = state_end(s->states);
	struct state_view v;

	s->state_cfg.now_s += seconds;
	s->ctx.pass.now_s += seconds;
	s->ctx.now_s += seconds;
	reass_expire(s->ctx.defrag->reass, &s->ctx.defrag->cfg, s->ctx.now_s);
	state_sweep(s->states, 0, end, s->state_cfg.now_s);
	if (remove < end && state_read(s->states, remove,
		s->state_cfg.now_s, &v))
		state_remove(s->states, remove, v.rule.id, s->state_cfg.now_s);
}

static void
change_time(struct world *w)
{
	unsigned seconds = draw(w->c, 4), idx = draw(w->c, 256);

	age(&w->a, seconds, idx);
	age(&w->b, seconds, idx);
}

static void
toggle(struct side *s, unsigned what)
{
	if (what == 0)
		s->ctx.enabled = false;
	else if (what <= 2)
		s->ctx.out_pass = !s->ctx.out_pass;
	else if (what == 3)
		s->ctx.parse.deny_unknown_exthdrs =
		    !s->ctx.parse.deny_unknown_exthdrs;
	else if (what == 4)
		s->ctx.pass.log_text = !s->ctx.pass.log_text;
	else
		s->ctx.parse.permit_single_frag6 =
		    !s->ctx.parse.permit_single_frag6;
}

static void
change(struct world *w)
{
	unsigned what = draw(w->c, 6), tab = 1 + draw(w->c, N_TABS);
	bool swap = draw(w->c, 2);
	struct rule_range g;

	w->stats->updates++;
	w->a.ctx.enabled = w->b.ctx.enabled = true;
	if (w->b.rules->n_rules > 2 * w->target + MAX_ADD) {
		delete_half(w);
		return;
	}
	switch (draw(w->c, 16)) {
	case 0 ... 5:
		add_rules(w, 1);
		break;
	case 6:
		add_rules(w, 1 + draw(w->c, 8));
		break;
	case 7 ... 8:
		delete_some(w);
		break;
	case 9 ... 10:
		change_sets(w);
		break;
	case 11:
		draw_range(w, &g);
		zero(&w->a, &g);
		zero(&w->b, &g);
		break;
	case 12:
		change_time(w);
		break;
	case 13:
		toggle(&w->a, what);
		toggle(&w->b, what);
		break;
	case 14:
		if (once_in(w->c, 4)) {
			change_table(&w->a, tab, swap);
			change_table(&w->b, tab, swap);
			break;
		}
		/* fall through */
	default:
		change_entry(w);
	}
}

/* ---- a run ---- */

static void
fill(struct world *w)
{
	unsigned n_entries = draw(w->c, 40);

	for (unsigned i = 0; i < n_entries; i++)
		change_entry(w);
	while (w->b.rules->n_rules < w->target && !chance_ended(w->c)) {
		unsigned left = w->target - w->b.rules->n_rules;

		add_rules(w, left < MAX_ADD ? left : MAX_ADD);
	}
}

/* As in earnest, or with limits that few rules reach. */
static void
draw_limits(struct side *s, struct chance *c)
{
	static const uint8_t most[] = {1, 4, 16, 64};

	s->plan_cfg = plan_defaults;
	s->scan = draw(c, 3);
	s->draft_late = draw(c, 2) ? draw(c, 12) : 0;
	if (draw(c, 4) == 0)
		return;
	s->plan_cfg.flat = draw(c, 2) ? 4 : 16;
	s->plan_cfg.most_added = most[draw(c, 4)];
	if (draw(c, 2))
		s->plan_cfg.bursts = 0;
}

static bool
begin(struct world *w)
{
	static const uint16_t targets[] = {3, 5, 8, 12, 20, 30, 30, 50, 50, 80,
	    120, 160, 300, 500, 1000, 3000};
	static const uint8_t rarely[] = {1, 1, 2, 4, 8, 16};
	bool input = w->c->at != NULL, accept = draw(w->c, 2);
	uint64_t seed = input ? 1 : rng_u64(&w->c->rng);
	unsigned max_states = 8u << draw(w->c, 6);

	vocab_init(&w->vocab, w->c);
	recipe_style_draw(&w->style, w->c);
	w->target = targets[draw(w->c, input ? 8 : ARRAY_LEN(targets))];
	w->update_1_in = rarely[draw(w->c, ARRAY_LEN(rarely))];
	w->calls_back = draw(w->c, 4) == 0;
	draw_limits(&w->a, w->c);
	w->a.verify = draw(w->c, 6) == 0;
	w->max_states = 0;
	w->diff = NULL;
	if (!side_open(&w->a, true, seed, accept, max_states) ||
	    !side_open(&w->b, false, seed, accept, max_states))
		return false;
	w->log_from = w->b.log->next;
	fill(w);
	return true;
}

/* The same frames for both; returns how many. */
static unsigned
frames(struct world *w)
{
	unsigned n = 1 + draw(w->c, once_in(w->c, 2) ? SIDE_BURST : 6);

	if (w->alone)
		n = 1;
	for (unsigned i = 0; i < n; i++)
		w->b.lens[i] = traffic_frame(w->b.frames[i], &w->vocab, w->c);
	memcpy(w->a.frames, w->b.frames, n * sizeof(w->b.frames[0]));
	memcpy(w->a.lens, w->b.lens, n * sizeof(w->b.lens[0]));
	w->a.n_rx = w->b.n_rx = n;
	return n;
}

static void
tally(struct world *w)
{
	struct world_stats *st = w->stats;

	for (unsigned i = 0; i < SIDE_COUNTERS; i++)
		st->matches += w->b.counts[i].pkts;
	st->states += w->max_states;
	st->records += w->b.log->next - w->log_from;
	st->answers += w->b.ctx.replies.stats.sent;
	if (w->b.rules->n_rules > st->max_rules)
		st->max_rules = w->b.rules->n_rules;
	st->worlds++;
}

const char *
world_run(struct world *w, struct chance *c, uint64_t max_pkts,
    struct world_stats *stats)
{
	uint64_t end = stats->pkts + max_pkts;
	unsigned bursts = 0, lane, n;

	w->c = c;
	w->stats = stats;
	if (!begin(w))
		return "no memory";
	while (stats->pkts < end && !chance_ended(c)) {
		if (draw(c, w->update_1_in) == 0) {
			w->diff = compare_deep(&w->a, &w->b, w->text);
			if (w->diff != NULL)
				return w->diff;
			change(w);
		}
		lane = draw(c, 2);
		n = frames(w);
		stats->pkts += n;
		if (n == 1)
			foretold_ask(w->foretold, &w->a, lane);
		side_burst(&w->a, lane);
		if (n == 1 && (w->diff = foretold_check(w->foretold, &w->a,
			w->text)) != NULL)
			return w->diff;
		side_burst(&w->b, lane);
		w->diff = compare_burst(&w->a, &w->b, w->text);
		if (w->diff != NULL)
			return w->diff;
		if (state_count(w->b.states) > w->max_states)
			w->max_states = state_count(w->b.states);
		bursts++;
	}
	w->diff = compare_deep(&w->a, &w->b, w->text);
	if (w->diff != NULL)
		return w->diff;
	tally(w);
	stats->foretold = foretold_checked(w->foretold);
	side_close(&w->a);
	side_close(&w->b);
	return NULL;
}

void
world_dump(const struct world *w)
{
	const struct ruleset *rs = w->b.rules;
	struct text t = {0};

	for (unsigned i = 0; i < rs->n_rules; i++) {
		struct print_opt opt = {.flags = PRINT_SET};
		const struct rule *r = rs->rules[i];
		struct recipe d;

		memset(&d, 0, sizeof(d));
		d.head = (struct abi_rule){.act_ofs = r->act_ofs,
		    .cmd_len = r->n_words, .set = r->set, .rulenum = r->num,
		    .id = r->id};
		memcpy(d.w, r->cmd, r->n_words * sizeof(uint32_t));
		text_f(&t, "%4u ", i);
		print_rule(&t, &d.head, sizeof(d), NULL, &opt);
	}
	fprintf(stderr, "sets off: %x\n%s", rs->set_disabled, text_str(&t));
	text_fini(&t);
}
