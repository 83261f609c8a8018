/* SPDX-License-Identifier: BSD-2-Clause */
#include "rule/way.h"

void
way_follow(struct way *way, const struct ruleset *rs,
    const struct probe *probe, unsigned from, unsigned n)
{
	unsigned c;

	while ((c = way_ask(way, probe, from)) < n) {
		const struct rule *r = rs->rules[c];

		if (way->trusts && r->keyed && ruleset_on(rs, r))
			way->missed = c;
		from = c + 1;
	}
	if (c != n)
		way->missed = n;
}
