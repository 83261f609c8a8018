/* SPDX-License-Identifier: BSD-2-Clause */
#include "rule/stateful.h"

/* FreeBSD's order of questions: the first lookup always, another one only for
 * another name, none after one for all names. */
static bool
is_needed(const struct probe *probe, uint16_t name)
{
	if (!probe->done)
		return true;
	return probe->name != STATE_ANY_NAME && probe->name != name;
}

bool
stateful_probe(const struct pass *pass, const struct pkt *p, uint16_t name,
    struct probe *probe, unsigned *at)
{
	const struct ruleset *rs = pass->rules;
	struct state_rule rule;
	uint32_t idx;
	unsigned n;

	if (!is_needed(probe, name) || probe->jumps == STATE_JUMPS ||
	    (p->flags & PKT_IP) == 0 || pass->states == NULL)
		return false;
	probe->done = true;
	probe->name = name;
	while ((idx = state_find(pass->states, pass->state_cfg, p, name,
		    &rule)) != 0) {
		n = ruleset_find_rule(rs, rule.num, rule.id, rule.hint);
		if (likely(n < ruleset_end(rs))) {
			if (unlikely(n != rule.hint))
				state_set_hint(pass->states, idx, n);
			probe->jumps++;
			probe->backward = rule.backward;
			*at = n;
			return true;
		}
		state_remove(pass->states, idx, rule.id,
		    pass->state_cfg->now_s);
	}
	return false;
}

bool
stateful_keep(const struct pass *pass, const struct pkt *p, unsigned n,
    const struct insn *i, uint32_t tablearg)
{
	const struct rule *r = pass->rules->rules[n];
	struct state_new new = {
	    .rule = {r->id, n, r->num, false},
	    .name = i->arg1,
	    .lane = pass->lane,
	    .kind = STATE_KEEP,
	};

	if ((p->flags & PKT_IP) == 0 || pass->states == NULL)
		return true;
	if (i->opcode == O_LIMIT) {
		const struct insn_limit *l = (const void *)i;

		new.kind = STATE_LIMIT;
		new.limit_mask = l->mask;
		new.limit = l->limit != TABLEARG ? l->limit :
		    tables_value(pass->tables, tablearg)->limit;
	}
	if (!state_install(pass->states, pass->state_cfg, p, &new))
		return false;
	if (unlikely(pass->note != NULL))
		pass->note->made = r->num;
	return true;
}

void
stateful_burst(const struct pass *pass, struct pkt *pkts, unsigned n,
    unsigned at)
{
	if (pass->states != NULL)
		state_prepare(pass->states, pkts, n, at);
}
