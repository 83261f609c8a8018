/* SPDX-License-Identifier: BSD-2-Clause */
#include "rule/edit.h"

#include <errno.h>
#include <stdlib.h>

/* How many rules at the beginning are the same in both. */
static unsigned
common_head(const struct ruleset *a, const struct ruleset *b)
{
	unsigned n = a->n_rules < b->n_rules ? a->n_rules : b->n_rules, i = 0;

	while (i < n && a->rules[i] == b->rules[i])
		i++;
	return i;
}

/* How many at the end, the first 'head' aside. */
static unsigned
common_tail(const struct ruleset *a, const struct ruleset *b, unsigned head)
{
	unsigned n = (a->n_rules < b->n_rules ? a->n_rules : b->n_rules) - head;
	unsigned i = 0;

	while (i < n &&
	    a->rules[a->n_rules - 1 - i] == b->rules[b->n_rules - 1 - i])
		i++;
	return i;
}

static bool
is_before(const struct rule *a, const struct rule *b)
{
	return a->num != b->num ? a->num < b->num : a->id < b->id;
}

/* Fills in 'between'. */
static void
match_up(struct edit *e, const struct ruleset *old, const struct ruleset *new)
{
	unsigned end_old = e->n_old - e->tail, end_new = e->n_new - e->tail;
	unsigned k = e->head;

	for (unsigned i = e->head; i < end_old; i++) {
		const struct rule *r = old->rules[i];

		while (k < end_new && is_before(new->rules[k], r)) {
			e->n_added++;
			k++;
		}
		if (k < end_new && !is_before(r, new->rules[k])) {
			e->between[i - e->head] = k++;
			continue;
		}
		e->between[i - e->head] = k | EDIT_GONE;
		e->n_gone++;
	}
	e->n_added += end_new - k;
}

int
edit_init(struct edit *e, const struct ruleset *old, const struct ruleset *new)
{
	unsigned n;

	*e = (struct edit){.n_old = old->n_rules, .n_new = new->n_rules};
	e->head = common_head(old, new);
	e->tail = common_tail(old, new, e->head);
	n = e->n_old - e->head - e->tail;
	e->between = malloc((n + 1) * sizeof(*e->between));
	if (e->between == NULL)
		return -ENOMEM;
	match_up(e, old, new);
	return 0;
}

void
edit_fini(struct edit *e)
{
	free(e->between);
}

void
edit_added(const struct edit *e, uint32_t *at)
{
	unsigned end = e->n_new - e->tail;
	unsigned n_between = e->n_old - e->head - e->tail, i = 0;

	for (unsigned k = e->head; k < end; k++) {
		while (i < n_between && (e->between[i] & EDIT_GONE) != 0)
			i++;
		if (i < n_between && e->between[i] == k)
			i++;
		else
			*at++ = k;
	}
}
