/* SPDX-License-Identifier: BSD-2-Clause */
#include "rule/explain.h"

#include "base/bytes.h"

/* ---- steps ---- */

/* The last step of those that found room. */
static struct trial_step *
last_step(struct explain *x)
{
	return x->n_steps > 0 && x->n_steps <= x->max_steps ?
	    &x->steps[x->n_steps - 1] : NULL;
}

static void
note(struct explain *x, const struct rule *r, struct trial_step step)
{
	if (x->n_steps < x->max_steps) {
		step.rule_id = r->id;
		step.rule = r->num;
		x->steps[x->n_steps] = step;
	}
	x->n_steps++;
}

static uint16_t
word_of(const struct rule *r, const struct insn *i)
{
	return (uint16_t)(i - r->cmd);
}

void
explain_note(struct explain *x, const struct rule *r, enum trial_what what)
{
	note(x, r, (struct trial_step){.what = (uint8_t)what});
}

bool
explain_look(struct explain *x)
{
	if (x->n_looked < EXPLAIN_LOOKS) {
		x->n_looked++;
		return true;
	}
	x->gave_up = true;
	return false;
}

void
explain_act(struct explain *x, const struct rule *r, const struct insn *act)
{
	x->rule = r->num;
	x->rule_id = r->id;
	note(x, r, (struct trial_step){.what = TRIAL_ACT,
	    .word = word_of(r, act)});
}

void
explain_no_jump(struct explain *x, const struct rule *r,
    const struct insn *act)
{
	note(x, r, (struct trial_step){.what = TRIAL_NO_JUMP,
	    .word = word_of(r, act), .n = (act->len & INSN_NOT) != 0});
}

void
explain_arg(struct explain *x, uint32_t value, bool of_table)
{
	struct trial_step *s = last_step(x);

	if (s == NULL)
		return;
	s->value = value;
	s->arg = of_table;
}

void
explain_modifier(struct explain *x, const struct rule *r,
    const struct insn *i, uint16_t tag)
{
	enum trial_what what = i->opcode == O_LOG ? TRIAL_LOG :
	    (i->len & INSN_NOT) != 0 ? TRIAL_UNTAG : TRIAL_TAG;

	note(x, r, (struct trial_step){.what = (uint8_t)what,
	    .word = word_of(r, i), .n = i->opcode == O_LOG ? 0 : tag});
}

/* ---- tests that fail ---- */

/* The first of the tests, chained by 'or', that end with 'last'. */
static const struct insn *
block_of(const struct rule *r, const struct insn *last)
{
	const struct insn *first = r->cmd, *i;

	for (i = r->cmd; i < last; i = insn_next(i))
		if ((i->len & INSN_OR) == 0)
			first = insn_next(i);
	return first;
}

/* Those that only look at the packet and its way: whether they would fail can
 * be asked without being asked for. */
static bool
is_plain(const struct insn *i)
{
	return i->opcode != O_PROB &&
	    insn_table[i->opcode].kind == INSN_MATCH;
}

/* True if none of the tests, chained by 'or', from 'i' on matches. */
static bool
fails(const struct pass *pass, const struct insn *i, const struct pkt *p,
    uint32_t tablearg)
{
	for (;; i = insn_next(i)) {
		if (!is_plain(i) || match_insn(i, pass, p, tablearg))
			return false;
		if ((i->len & INSN_OR) == 0)
			return true;
	}
}

/* How many of the rule's words from 'i' on are in the way. */
static unsigned
count_misses(const struct pass *pass, const struct rule *r,
    const struct insn *i, const struct pkt *p, uint32_t tablearg)
{
	const struct insn *end = rule_action(r);
	unsigned n = 0;

	while (i < end) {
		n += fails(pass, i, p, tablearg);
		while ((i->len & INSN_OR) != 0)
			i = insn_next(i);
		i = insn_next(i);
	}
	return n;
}

void
explain_off(struct explain *x, const struct pass *pass, const struct rule *r,
    const struct pkt *p)
{
	const struct insn *act = rule_action(r);
	unsigned n = count_misses(pass, r, r->cmd, p, 0);

	while (insn_table[act->opcode].kind == INSN_MODIFIER)
		act = insn_next(act);
	n += act->opcode == O_CHECK_STATE; /* it would look for a state */
	note(x, r, (struct trial_step){.what = TRIAL_OFF, .n = (uint16_t)n});
}

/* What rules may have changed since the packet came. */
static uint32_t
present(const struct pass *pass, const struct insn *i, const struct pkt *p)
{
	const uint8_t *h = p->data + p->l3;

	switch (i->opcode) {
	case O_MARK:
		return p->mark;
	case O_TAGGED:
		return p->tags != 0 ? pass->tags->tags[p->tags].value : 0;
	case O_DSCP:
	case O_IPTOS:
	case O_IPPRECEDENCE:
		return (p->flags & PKT_IP) == 0 ? 0 :
		    (p->flags & PKT_IP4) != 0 ? h[1] : get16(h) >> 4 & 0xffu;
	default:
		return 0;
	}
}

void
explain_miss(struct explain *x, const struct pass *pass, const struct rule *r,
    const struct insn *i, const struct pkt *p, uint32_t tablearg)
{
	const struct insn *first = i < rule_action(r) ? block_of(r, i) : i;
	unsigned n = i < rule_action(r) ?
	    1 + count_misses(pass, r, insn_next(i), p, tablearg) : 0;

	note(x, r, (struct trial_step){.what = TRIAL_MISS,
	    .word = word_of(r, first), .n = (uint16_t)n,
	    .value = present(pass, i, p)});
}

bool
explain_prob(struct explain *x, const struct rule *r, const struct insn *i,
    bool drawn)
{
	bool yes = x->prob == TRIAL_PROB_DRAW ? drawn :
						x->prob == TRIAL_PROB_YES;

	note(x, r, (struct trial_step){.what = TRIAL_PROB,
	    .word = word_of(r, i), .n = yes});
	return yes;
}

void
explain_defer(struct explain *x, const struct rule *r, const struct insn *i)
{
	note(x, r, (struct trial_step){.what = TRIAL_DEFER,
	    .word = word_of(r, i)});
}

/* ---- states ---- */

/* A state that the packet itself would have made; -1 if there is none. */
static int
find_made(const struct explain *x, uint16_t name)
{
	for (unsigned i = 0; i < x->n_made; i++)
		if (name == STATE_ANY_NAME || x->made[i].name == name)
			return (int)i;
	return -1;
}

/* The index of the rule of a state that is there; the end if there is none. */
static unsigned
find_there(struct explain *x, const struct pass *pass, const struct pkt *p,
    uint16_t name, struct state_rule *rule)
{
	const struct ruleset *rs = pass->rules;
	uint32_t idx;

	while ((idx = x->in_earnest ?
		    state_find(pass->states, pass->state_cfg, p, name, rule) :
		    state_look(pass->states, p, name, pass->state_cfg->now_s,
			&x->would, rule)) != 0) {
		unsigned n = ruleset_find_rule(rs, rule->num, rule->id,
		    rule->hint);

		if (n < ruleset_end(rs))
			return n;
		if (x->in_earnest && state_remove(pass->states, idx, rule->id,
			pass->state_cfg->now_s))
			continue;
		state_would_remove(pass->states, idx, &x->would);
		if (x->would.n_gone == STATE_WOULD_GO)
			break; /* it would be found again */
	}
	return ruleset_end(rs);
}

bool
explain_probe(struct explain *x, const struct pass *pass, const struct pkt *p,
    uint16_t name, struct probe *probe, unsigned *at)
{
	const struct ruleset *rs = pass->rules;
	struct state_rule rule = {.backward = false};
	unsigned gone = x->would.n_gone, n;
	bool now;
	int made;

	if (!stateful_begin(pass, p, name, probe))
		return false;
	n = find_there(x, pass, p, name, &rule);
	made = find_made(x, name);
	now = n == ruleset_end(rs) && made >= 0;
	/* Under all names the table's order decides, which is not known of
	 * those that are not made. */
	if (made >= 0 && name == STATE_ANY_NAME &&
	    (n < ruleset_end(rs) || x->would.n_gone != gone || x->n_made > 1))
		x->either = true;
	if (now)
		n = x->made[made].at;
	if (n == ruleset_end(rs))
		return false;
	probe->jumps++;
	probe->backward = !now && rule.backward;
	note(x, rs->rules[*at], (struct trial_step){.what = TRIAL_HIT,
	    .n = name, .value = (probe->backward ? TRIAL_BACK : 0u) |
		(now ? TRIAL_MADE_NOW : 0u)});
	*at = n;
	return true;
}

/* What keep-state or limit would do. */
static enum trial_keep
would_keep(struct explain *x, const struct pass *pass, const struct pkt *p,
    const struct state_new *new)
{
	if ((p->flags & PKT_IP) == 0 || pass->states == NULL)
		return TRIAL_KEEP_NO_IP;
	if (find_made(x, new->name) >= 0)
		return TRIAL_KEEP_THERE;
	switch (state_would_install(pass->states, pass->state_cfg, p, new,
	    &x->would)) {
	case STATE_IS_THERE:
		return TRIAL_KEEP_THERE;
	case STATE_NO_ROOM:
		return TRIAL_KEEP_FULL;
	case STATE_IS_LIMITED:
		return TRIAL_KEEP_LIMITED;
	case STATE_WOULD_BE_MADE:
		break;
	}
	if (x->in_earnest &&
	    !state_install(pass->states, pass->state_cfg, p, new))
		return TRIAL_KEEP_FULL;
	return TRIAL_KEEP_MADE;
}

bool
explain_keep(struct explain *x, const struct pass *pass, const struct pkt *p,
    unsigned n, const struct insn *i, uint32_t tablearg)
{
	const struct rule *r = pass->rules->rules[n];
	struct state_new new = stateful_new(pass, n, i, tablearg);
	enum trial_keep keep = would_keep(x, pass, p, &new);

	note(x, r, (struct trial_step){.what = TRIAL_KEEP,
	    .word = word_of(r, i), .n = (uint16_t)keep});
	if (keep == TRIAL_KEEP_MADE && x->n_made < EXPLAIN_MADE) {
		x->made[x->n_made].name = new.name;
		x->made[x->n_made++].at = n;
	}
	if (keep == TRIAL_KEEP_FULL || keep == TRIAL_KEEP_LIMITED) {
		x->refused = keep;
		x->rule = r->num;
		x->rule_id = r->id;
		return false;
	}
	return true;
}
