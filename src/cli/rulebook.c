/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/rulebook.h"

#include <errno.h>
#include <stdlib.h>

void
rulebook_fini(struct rulebook *b)
{
	tabnames_fini(&b->l.tables);
	free(b->l.cfg);
	free(b->rules);
	*b = (struct rulebook){.n = 0};
}

int
rulebook_fetch(struct cli *c, struct rulebook *b, struct err *e)
{
	struct list_entry en;
	unsigned n = 0;
	int r;

	rulebook_fini(b);
	r = list_fetch(c, CFG_STATIC, 0, 0, &b->l.cfg, &b->l.len, e);
	if (r != 0)
		return r;
	list_split(&b->l);
	for (size_t at = 0; list_next(&b->l, &at, &en);)
		n++;
	b->rules = calloc(n + 1, sizeof(*b->rules));
	if (b->rules == NULL)
		return err_set(e, ENOMEM, "no memory for the rules");
	for (size_t at = 0; b->n < n && list_next(&b->l, &at, &en);)
		b->rules[b->n++] = en;
	b->opt = (struct print_opt){.flags = list_print_flags(c) &
		(PRINT_RESOLVE | PRINT_COMPACT | PRINT_COMMENT | PRINT_SET),
	    .tables = &b->l.tables, .names = b->l.names,
	    .n_names = b->l.n_names};
	return 0;
}

/* Before the rule (num, id) in the order of rules. */
static bool
is_before(const struct abi_rule *r, unsigned num, uint32_t id)
{
	return r->rulenum < num || (r->rulenum == num && r->id < id);
}

const struct list_entry *
rulebook_find(const struct rulebook *b, unsigned num, uint32_t id)
{
	unsigned lo = 0, hi = b->n;

	while (lo < hi) {
		unsigned mid = lo + (hi - lo) / 2;

		if (is_before(b->rules[mid].rule, num, id))
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == b->n || b->rules[lo].rule->rulenum != num ||
	    b->rules[lo].rule->id != id)
		return NULL;
	return &b->rules[lo];
}
