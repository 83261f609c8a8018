/* SPDX-License-Identifier: BSD-2-Clause */
#include "test/oracle/foretold.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_STEPS = 1 << 20 };

struct foretold {
	struct trial trial;
	uint64_t n_checked;
	uint32_t n_states; /* before */
	unsigned n_pipes;  /* that the packet has been in */
	uint64_t before[SIDE_COUNTERS]; /* packets of each counter */
	uint64_t more[SIDE_COUNTERS];	/* that will be */
	struct trial_step steps[MAX_STEPS];
};

struct foretold *
foretold_create(void)
{
	return calloc(1, sizeof(struct foretold));
}

void
foretold_destroy(struct foretold *f)
{
	free(f);
}

uint64_t
foretold_checked(const struct foretold *f)
{
	return f->n_checked;
}

static const struct rule *
rule_of(const struct side *s, unsigned num, uint32_t id)
{
	unsigned n = ruleset_find_rule(s->rules, num, id, 0);

	if (n >= ruleset_end(s->rules))
		abort();
	return s->rules->rules[n];
}

/* What the steps say of counters. */
static void
count_steps(struct foretold *f, const struct side *s)
{
	const struct explain *x = &f->trial.x;

	memset(f->more, 0, sizeof(f->more));
	for (unsigned i = 0; i < x->n_steps; i++) {
		const struct trial_step *st = &f->steps[i];

		if (st->what == TRIAL_ACT)
			f->more[rule_of(s, st->rule, st->rule_id)->counter]++;
	}
	if (x->refused != 0)
		f->more[rule_of(s, x->rule, x->rule_id)->counter]++;
}

/* A state may send a packet to the same pipe again and again: sides have patience
 * for SIDE_ROUNDS times. */
static bool
has_pipe(void *arg, uint16_t nr, bool is_queue)
{
	struct foretold *f = arg;

	(void)nr, (void)is_queue;
	return f->n_pipes++ < SIDE_ROUNDS;
}

void
foretold_ask(struct foretold *f, struct side *s, unsigned lane)
{
	struct trial *t = &f->trial;

	t->pass = s->ctx.pass;
	t->pass.in_if = s->ports[lane].ifname;
	t->pass.out_if = s->ports[1 - lane].ifname;
	t->pass.diverted = 0;
	t->parse = s->ctx.parse;
	t->enabled = s->ctx.enabled;
	t->out_pass = s->ctx.out_pass;
	t->one_pass = false;
	t->has_pipe = has_pipe;
	t->arg = f;
	f->n_pipes = 0;
	t->rng = s->rng;
	t->x.steps = f->steps;
	t->x.max_steps = MAX_STEPS;
	t->x.prob = TRIAL_PROB_DRAW;
	for (unsigned i = 0; i < SIDE_COUNTERS; i++)
		f->before[i] = s->counts[i].pkts;
	f->n_states = state_count(s->states);
	trial_run(t, s->frames[0], s->lens[0]);
	count_steps(f, s);
}

static enum trial_end
end_of(const struct pkt *p, bool enabled)
{
	if (!enabled) /* what is in 'p' is from another burst */
		return TRIAL_ACCEPT;
	if (p->bad != PKT_GOOD)
		return TRIAL_BAD;
	return p->verdict == VERDICT_ACCEPT ? TRIAL_ACCEPT :
	    p->verdict == VERDICT_DENY ? TRIAL_DENY :
	    p->verdict == VERDICT_BOUNCE ? TRIAL_BACKWARD : TRIAL_ENDLESS;
}

static bool
same_tags(const struct tag_pool *a, uint32_t i, const struct tag_pool *b,
    uint32_t k)
{
	while (i != 0 && k != 0 && a->tags[i].value == b->tags[k].value) {
		i = a->tags[i].next;
		k = b->tags[k].next;
	}
	return i == 0 && k == 0;
}

/* Every state that was to be made is there. */
static bool
same_states(const struct foretold *f, struct side *s, struct pkt *p)
{
	const struct explain *x = &f->trial.x;

	if ((p->flags & PKT_IP) != 0)
		p->flow_hash = state_hash(s->states, p);
	for (unsigned i = 0; i < x->n_made; i++) {
		const struct rule *r = s->rules->rules[x->made[i].at];
		struct state_would w = {.n_gone = 0};
		struct state_rule rule;

		if (state_look(s->states, p, x->made[i].name,
			s->state_cfg.now_s, &w, &rule) == 0 || rule.id != r->id)
			return false;
	}
	return state_count(s->states) <= f->n_states + x->would.states;
}

/* As many as the steps say, for each rule. */
static const char *
count_difference(const struct foretold *f, const struct side *s)
{
	static char text[80];

	for (unsigned i = 0; i < SIDE_COUNTERS; i++) {
		uint64_t n = s->counts[i].pkts - f->before[i];

		if (n == f->more[i])
			continue;
		snprintf(text, sizeof(text), "counter %u: %llu, not %llu", i,
		    (unsigned long long)n, (unsigned long long)f->more[i]);
		return text;
	}
	return NULL;
}

static const char *
first_difference(struct foretold *f, struct side *s)
{
	const struct trial *t = &f->trial;
	struct pkt *p = &s->ctx.pkts[0];
	const char *what;

	if (end_of(p, t->enabled) != t->end)
		return "its end";
	if ((what = count_difference(f, s)) != NULL)
		return what;
	if (memcmp(&t->rng, &s->rng, sizeof(s->rng)) != 0)
		return "what was drawn";
	if (t->end == TRIAL_BAD || !t->enabled)
		return NULL;
	if (memcmp(t->frame, p->data, p->len) != 0)
		return "the frame";
	if (t->pkt.mark != p->mark)
		return "its mark";
	if (!same_tags(&t->tags, t->pkt.tags, &s->ctx.tags, p->tags))
		return "its tags";
	if (t->end == TRIAL_DENY && (t->pkt.reply != p->reply ||
		t->pkt.reply_code != p->reply_code))
		return "the answer";
	return same_states(f, s, p) ? NULL : "a state";
}

/* True if a packet was in more pipes than sides have patience for, or in one on its
 * way out, where sides do not keep apart which way that was. */
static bool
is_cut(const struct trial *t)
{
	return (t->flags & TRIAL_NO_PIPE) != 0 ||
	    ((t->flags & (TRIAL_PIPED | TRIAL_QUEUED)) != 0 && t->out_pass);
}

const char *
foretold_check(struct foretold *f, struct side *s, char text[COMPARE_TEXT])
{
	const struct trial *t = &f->trial;
	const char *what;

	if ((t->flags & TRIAL_NOBODY) != 0 || t->end == TRIAL_REASS ||
	    t->x.either || t->x.n_steps > MAX_STEPS || is_cut(t))
		return NULL;
	f->n_checked++;
	what = first_difference(f, s);
	if (what == NULL)
		return NULL;
	snprintf(text, COMPARE_TEXT, "foretold otherwise: %s (end %d, rule %u, "
	    "%u steps)", what, (int)t->end, t->x.rule, t->x.n_steps);
	return text;
}
