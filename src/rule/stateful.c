/* SPDX-License-Identifier: BSD-2-Clause */
#include "rule/stateful.h"

bool
stateful_probe(const struct pass *pass, const struct pkt *p, uint16_t name,
    struct probe *probe, unsigned *at)
{
	const struct ruleset *rs = pass->rules;
	struct state_rule rule;
	uint32_t idx;
	unsigned n;

	if (!stateful_begin(pass, p, name, probe))
		return false;
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
	struct state_new new;

	if ((p->flags & PKT_IP) == 0 || pass->states == NULL)
		return true;
	new = stateful_new(pass, n, i, tablearg);
	if (!state_install(pass->states, pass->state_cfg, p, &new))
		return false;
	if (unlikely(pass->note != NULL))
		pass->note->made = pass->rules->rules[n]->num;
	return true;
}

void
stateful_burst(const struct pass *pass, struct pkt *pkts, unsigned n,
    unsigned at)
{
	if (pass->states != NULL)
		state_prepare(pass->states, pkts, n, at);
}
