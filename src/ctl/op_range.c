/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Operations on a range of rules, and on sets.  Request and reply are one
 * range_hdr; the reply tells in new_set how many rules were touched.
 */
#include "ctl/op.h"

#include "ctl/states.h"

#include <errno.h>
#include <stdlib.h>

/* The range of a request, checked. */
static int
range_of(const struct ctl_call *call, struct rule_range *out, struct err *e)
{
	const struct range_tlv *t = &((struct range_hdr *)call->data)->range;

	if (call->len != sizeof(struct range_hdr) ||
	    t->head.type != TLV_RANGE || t->head.length != sizeof(*t))
		return err_set(e, EINVAL, "malformed range of rules");
	if ((t->flags & ~(uint32_t)RANGE_USER) != 0 || t->flags == 0)
		return err_set(e, EINVAL, "range with flags 0x%x", t->flags);
	if (t->start_rule > t->end_rule)
		return err_set(e, EINVAL, "range %u-%u ends before it begins",
		    t->start_rule, t->end_rule);
	if (t->set >= N_SETS || t->new_set >= N_SETS)
		return err_set(e, EINVAL, "set %u: 0 to %u exist",
		    t->set >= N_SETS ? t->set : t->new_set, N_SETS - 1);
	*out = (struct rule_range){
	    .flags = t->flags,
	    .lo = t->start_rule,
	    .hi = t->end_rule,
	    .set = (uint8_t)t->set,
	};
	return 0;
}

static void
answer(struct ctl_call *call, unsigned n_rules)
{
	((struct range_hdr *)call->data)->range.new_set = n_rules;
	call->reply_len = sizeof(struct range_hdr);
}

/* True if deleting the range may leave states without a rule. */
static bool
concerns_states(const struct ruleset *rs, const struct rule_range *g)
{
	for (unsigned i = 0; i < rs->n_rules; i++)
		if (rs->rules[i]->stateful && rule_in_range(rs->rules[i], g))
			return true;
	return rs->n_orphans > 0;
}

/* Publishes the rules without those of 'g' and without the orphans, but for what
 * 'keep' has. */
static int
leave_out(struct control *c, const struct rule_range *g, const bool *keep,
    unsigned *n, struct err *e)
{
	return control_publish(c, ruleset_orphan(engine_rules(c->en), g, keep,
	    n), e);
}

/* What rules that are gone leave behind. */
static void
clear_up(struct control *c)
{
	ctl_states_bury(c->en);
	state_names_collect(&c->state_names, engine_rules(c->en));
}

/* True if an orphan has no states any more. */
static bool
has_idle_orphan(const struct ruleset *rs, const bool *has_states)
{
	for (unsigned i = rs->n_rules; i < ruleset_end(rs); i++)
		if (!has_states[i])
			return true;
	return false;
}

void
control_tend(struct control *c)
{
	static const struct rule_range none = {.flags = RANGE_RULES};
	const struct ruleset *rs = engine_rules(c->en);
	unsigned n;
	bool *keep;

	if (rs->n_orphans == 0)
		return;
	keep = ctl_states_rules(c->en);
	/* Without memory there is a next time. */
	if (keep != NULL && has_idle_orphan(rs, keep) &&
	    leave_out(c, &none, keep, &n, NULL) == 0)
		clear_up(c);
	free(keep);
}

/* Deletes the rules of a range; their states go with them, unless they are to
 * be kept. */
static int
delete_rules(struct control *c, const struct rule_range *g, unsigned *n,
    struct err *e)
{
	const struct ruleset *rs = engine_rules(c->en);
	bool states = concerns_states(rs, g), *keep = NULL;
	int error;

	if (states && knob_get(&engine_knobs(c->en)->dyn_keep_states) != 0 &&
	    (keep = ctl_states_rules(c->en)) == NULL)
		return err_set(e, ENOMEM, "no memory to keep states");
	error = leave_out(c, g, keep, n, e);
	free(keep);
	if (error == 0 && states)
		clear_up(c);
	return error;
}

int
op_delete(struct control *c, struct ctl_call *call, struct err *e)
{
	struct rule_range g;
	unsigned n = 0;
	int error;

	error = range_of(call, &g, e);
	if (error != 0)
		return error;
	if ((g.flags & RANGE_DYNAMIC) != 0) { /* the rules stay */
		answer(call, ctl_states_remove(c->en, &g));
		return 0;
	}
	error = delete_rules(c, &g, &n, e);
	if (error == 0)
		answer(call, n);
	return error;
}

typedef void visit_fn(struct counters *c, const struct rule *r);

/* Visits the rules of a range, the default rule included. */
static int
visit(struct control *c, struct ctl_call *call, visit_fn *fn, struct err *e)
{
	const struct ruleset *rs = engine_rules(c->en);
	struct rule_range g;
	unsigned n = 0;
	int error;

	error = range_of(call, &g, e);
	if (error != 0)
		return error;
	if ((g.flags & RANGE_DYNAMIC) != 0) { /* states count on */
		answer(call, 0);
		return 0;
	}
	g.flags |= RANGE_DEFAULT;
	for (unsigned i = 0; i < rs->n_rules; i++) {
		if (!rule_in_range(rs->rules[i], &g))
			continue;
		fn(engine_counters(c->en), rs->rules[i]);
		n++;
	}
	answer(call, n);
	return 0;
}

/* The rule may log as much again as it was made for. */
static void
reset_log(struct counters *c, const struct rule *r)
{
	const struct insn_log *l = rule_log(r);

	if (l != NULL)
		counters_log_left(c)[r->counter] = l->max_log;
}

/* As in FreeBSD, zero lets rules log again as well. */
static void
zero(struct counters *c, const struct rule *r)
{
	counters_zero(c, r->counter);
	reset_log(c, r);
}

int
op_zero(struct control *c, struct ctl_call *call, struct err *e)
{
	return visit(c, call, zero, e);
}

int
op_resetlog(struct control *c, struct ctl_call *call, struct err *e)
{
	return visit(c, call, reset_log, e);
}

int
op_move(struct control *c, struct ctl_call *call, struct err *e)
{
	const struct range_hdr *h = call->data;
	struct rule_range g;
	int error;

	error = range_of(call, &g, e);
	if (error == 0)
		error = control_publish(c,
		    ruleset_move(
			engine_rules(c->en), &g, (uint8_t)h->range.new_set),
		    e);
	if (error == 0)
		call->reply_len = sizeof(*h);
	return error;
}

/* The two sets (or masks of sets) that a request names. */
static int
sets_of(const struct ctl_call *call, uint32_t max, struct err *e)
{
	const struct range_tlv *t = &((struct range_hdr *)call->data)->range;

	if (call->len != sizeof(struct range_hdr) ||
	    t->head.type != TLV_RANGE || t->head.length != sizeof(*t))
		return err_set(e, EINVAL, "malformed request about sets");
	if (t->set > max || t->new_set > max)
		return err_set(e, EINVAL, "set %u: 0 to %u exist",
		    t->set > max ? t->set : t->new_set, N_SETS - 1);
	return 0;
}

static int
move_set(struct control *c, struct ctl_call *call, bool swap, struct err *e)
{
	const struct range_hdr *h = call->data;
	int error;

	error = sets_of(call, N_SETS - 1, e);
	if (error == 0)
		error = control_publish(c,
		    ruleset_move_set(engine_rules(c->en), (uint8_t)h->range.set,
			(uint8_t)h->range.new_set, swap),
		    e);
	if (error == 0)
		call->reply_len = sizeof(*h);
	return error;
}

int
op_set_swap(struct control *c, struct ctl_call *call, struct err *e)
{
	return move_set(c, call, true, e);
}

int
op_set_move(struct control *c, struct ctl_call *call, struct err *e)
{
	return move_set(c, call, false, e);
}

int
op_set_enable(struct control *c, struct ctl_call *call, struct err *e)
{
	const struct range_hdr *h = call->data;
	int error;

	error = sets_of(call, UINT32_MAX, e);
	if (error == 0)
		error = control_publish(c,
		    ruleset_enable(
			engine_rules(c->en), h->range.set, h->range.new_set),
		    e);
	if (error == 0)
		call->reply_len = sizeof(*h);
	return error;
}
