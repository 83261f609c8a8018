/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Adding rules.  A request holds one rule or a list; a list is published at
 * once, or not at all.
 *
 *	fw3_hdr | [obj_ctlv TBLNAME_LIST, names] | obj_ctlv RULE_LIST, rules
 *
 * Each part is 8-aligned; the reply is the request with number and id of each
 * rule filled in.
 */
#include "ctl/op.h"

#include "rule/check.h"
#include "ctl/algo.h"
#include "rule/lookup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A request on its way to a ruleset. */
struct add {
	struct control *c;
	struct err *e;
	unsigned char *at; /* rest of the request */
	size_t left;
	struct obj_ntlv *names; /* of the request, checked */
	uint16_t *ours; /* our index of each */
	unsigned n_names;
	struct abi_rule **wanted;
	struct rule **made;
	unsigned n; /* rules wanted */
	struct table *fresh[RULE_MAX_WORDS]; /* made for these rules */
	unsigned n_fresh;
};

static int
malformed(struct add *a, const char *what)
{
	return err_set(
	    a->e, EINVAL, "malformed request to add rules: %s", what);
}

/* The list header at 'at' if it lies within the request; whether the list does
 * is for the caller to see. */
static int
list_at(struct add *a, const struct obj_ctlv **out)
{
	const struct obj_ctlv *l = (void *)a->at;

	if (a->left < sizeof(*l))
		return malformed(a, "a list is missing");
	*out = l;
	return 0;
}

/* Names of tables come with type 1, or whatever an older client wrote there. */
static bool
is_table_name(const struct obj_ntlv *n)
{
	return n->head.type != TLV_EACTION && n->head.type != TLV_STATE_NAME;
}

/* A name that rules of this request mention by its index. */
static int
take_name(struct add *a, unsigned i)
{
	const struct obj_ntlv *n = &a->names[i];

	if (n->head.length != sizeof(*n))
		return malformed(a, "wrong length of a name");
	if (n->head.type == TLV_STATE_NAME && n->idx == 0)
		return malformed(a, "a name with index 0");
	if (n->head.type == TLV_STATE_NAME)
		return state_names_index(
		    &a->c->state_names, n->name, &a->ours[i], a->e);
	if (is_table_name(n))
		return control_table_name(n->name, sizeof(n->name)) ? 0 :
		    malformed(a, "not a name of a table");
	a->ours[i] = EACTION_SETMSS_IDX;
	if (strncmp(n->name, EACTION_SETMSS, sizeof(n->name)) != 0)
		return err_set(a->e, EOPNOTSUPP,
		    "external action '%.*s' is unknown: " EACTION_SETMSS
		    " is there", (int)sizeof(n->name) - 1, n->name);
	return 0;
}

/* Steps over a list of names. */
static int
take_names(struct add *a)
{
	const struct obj_ctlv *l = NULL;
	int error;

	error = list_at(a, &l);
	if (error != 0 || l->head.type != TLV_TBLNAME_LIST)
		return error;
	if (l->head.length > a->left || l->count > a->left / sizeof(*a->names) ||
	    l->head.length != sizeof(*l) + l->count * sizeof(*a->names))
		return malformed(a, "wrong length of a list");
	a->names = (void *)(a->at + sizeof(*l));
	a->n_names = l->count;
	a->ours = calloc(a->n_names + 1u, sizeof(*a->ours));
	if (a->ours == NULL)
		return err_set(a->e, ENOMEM, "no memory for names");
	a->at += l->head.length;
	a->left -= l->head.length;
	for (unsigned i = 0; i < a->n_names && error == 0; i++)
		error = take_name(a, i);
	return error;
}

/* Puts our indexes of names in the place of the request's. */
static int
use_names(struct add *a, struct abi_rule *r)
{
	struct insn *i = (struct insn *)(r + 1), *end = i + r->cmd_len;

	for (; i < end; i += insn_words(i)) {
		unsigned type = i->opcode == O_EXTERNAL_ACTION ? TLV_EACTION :
			state_names_in(i) ? TLV_STATE_NAME : 0;
		unsigned k = 0;

		if (type == 0)
			continue;
		while (k < a->n_names && (a->names[k].head.type != type ||
			a->names[k].idx != i->arg1))
			k++;
		if (k == a->n_names)
			return err_set(a->e, EINVAL,
			    "rule with index %u of a name that the request "
			    "does not tell", i->arg1);
		i->arg1 = a->ours[k];
	}
	return 0;
}

static size_t
rule_size(const struct abi_rule *r)
{
	return (sizeof(*r) + r->cmd_len * sizeof(struct insn) + 7) & ~7u;
}

/* Tells which of several rules is at fault. */
static int
name_rule(struct add *a, unsigned i, int error)
{
	struct err why;

	if (error != 0 && a->n > 1 && a->e != NULL) {
		why = *a->e;
		err_at(a->e, why.code, why.pos, "rule %u of %u: %.180s", i + 1,
		    a->n, why.text);
	}
	return error;
}

/* The rule at 'at', checked; steps over it. */
static int
take_rule(struct add *a, unsigned i)
{
	struct abi_rule *r = (void *)a->at;
	unsigned before = 0;
	int error;

	if (a->left < sizeof(*r) || a->left < rule_size(r))
		return malformed(a, "a rule is cut short");
	error = check_rule(r, rule_size(r), a->e);
	if (error == 0)
		error = use_names(a, r);
	if (error != 0)
		return error;
	if (i > 0)
		before = a->wanted[i - 1]->rulenum;
	if (r->rulenum != 0 && r->rulenum < before)
		return malformed(a, "rules are not sorted by number");
	a->wanted[i] = r;
	a->at += rule_size(r);
	a->left -= rule_size(r);
	return 0;
}

static int
take_rules(struct add *a)
{
	const struct obj_ctlv *l = NULL;
	int error;

	error = list_at(a, &l);
	if (error != 0)
		return error;
	if (l->head.type != TLV_RULE_LIST || l->head.length != a->left)
		return malformed(a, "the list of rules does not end it");
	a->at += sizeof(*l);
	a->left -= sizeof(*l);
	/* Each rule takes 24 octets at least: this bounds the arrays. */
	if (l->count == 0 || l->count > a->left / 24)
		return malformed(a, "wrong number of rules");
	a->n = l->count;
	a->wanted = calloc(a->n, sizeof(*a->wanted));
	a->made = calloc(a->n, sizeof(*a->made));
	if (a->wanted == NULL || a->made == NULL)
		return err_set(a->e, ENOMEM, "no memory for %u rules", a->n);
	for (unsigned i = 0; i < a->n; i++) {
		error = name_rule(a, i, take_rule(a, i));
		if (error != 0)
			return error;
	}
	return a->left == 0 ? 0 : malformed(a, "octets after the last rule");
}

static void
unmake(struct add *a)
{
	for (unsigned i = 0; i < a->n && a->made != NULL; i++)
		rule_put(a->made[i], control_counter_gone, a->c->en);
}

/* A rule begins with all that its 'log' may log. */
static void
log_begins(struct add *a, const struct rule *r)
{
	const struct insn_log *l = rule_log(r);

	if (l != NULL)
		counters_log_left(engine_counters(a->c->en))[r->counter] =
		    l->max_log;
}

/* The table that a request's index stands for, of the type wanted; one that
 * does not exist is made, as ipfw has always done. */
static int
table_of(struct add *a, uint16_t idx, uint8_t type, struct table **out)
{
	unsigned i = 0;
	int error;

	while (i < a->n_names && (a->names[i].idx != idx ||
				     !is_table_name(&a->names[i])))
		i++;
	if (i == a->n_names)
		return malformed(a, "a table without a name");
	*out = tables_find(engine_tables(a->c->en), a->names[i].name, 0);
	if (*out != NULL && (*out)->type != type)
		return err_set(a->e, EINVAL,
		    "table %s is of type %.*s, and %.*s is needed",
		    (*out)->name, (int)strcspn((*out)->algo, ":"),
		    (*out)->algo, (int)strcspn(algo_default(type)->name, ":"),
		    algo_default(type)->name);
	if (*out != NULL)
		return 0;
	if (a->n_fresh == RULE_MAX_WORDS)
		return err_set(a->e, ENOSPC, "too many new tables at a time");
	error = control_table_make(a->c, a->names[i].name,
	    &(struct table_info){.type = type, .vmask = VTYPE_LEGACY}, out,
	    a->e);
	if (error == 0)
		a->fresh[a->n_fresh++] = *out;
	return error;
}

/* Puts our indexes of tables in the place of the request's. */
static int
resolve_tables(struct add *a, struct rule *r)
{
	struct insn *end = r->cmd + r->act_ofs;
	int error = 0;

	for (struct insn *i = r->cmd; error == 0 && i < end;
	     i += insn_words(i)) {
		struct table *t = NULL;
		uint16_t idx;
		uint8_t type;

		if (!lookup_table_of(i, &idx, &type))
			continue;
		error = table_of(a, idx, type, &t);
		if (error == 0)
			lookup_set_table(i, t->kidx);
	}
	return error;
}

/* Removes tables that were made for rules which were not added. */
static void
unmake_tables(struct add *a)
{
	while (a->n_fresh > 0)
		tables_remove(engine_tables(a->c->en), a->fresh[--a->n_fresh],
		    NULL);
	engine_settle_tables(a->c->en);
}

/* A rule under 'num', with a counter of its own. */
static int
make_rule(struct add *a, unsigned i, unsigned num)
{
	struct counters *counters = engine_counters(a->c->en);
	uint32_t counter = 0;
	int error;

	error = counters_alloc(counters, &counter, a->e);
	if (error != 0)
		return error;
	a->made[i] = rule_create(a->wanted[i], (uint16_t)num,
	    (uint32_t)(a->c->next_id + i), counter);
	if (a->made[i] == NULL) {
		counters_free(counters, counter);
		return err_set(a->e, ENOMEM, "no memory for a rule");
	}
	log_begins(a, a->made[i]);
	return resolve_tables(a, a->made[i]);
}

static int
make_rules(struct add *a)
{
	const struct ruleset *rs = engine_rules(a->c->en);
	unsigned step = knob_get(&engine_knobs(a->c->en)->autoinc_step);
	unsigned highest = ruleset_highest(rs);
	int error;

	if (a->c->next_id + a->n > UINT32_MAX)
		return err_set(a->e, ENOSPC, "no rule ids are left");
	for (unsigned i = 0; i < a->n; i++) {
		unsigned num = a->wanted[i]->rulenum;

		if (num == 0)
			num = ruleset_auto_num(highest, step);
		if (num > highest)
			highest = num;
		error = name_rule(a, i, make_rule(a, i, num));
		if (error != 0)
			return error;
	}
	return 0;
}

/* Fills in the reply, before publishing hands the rules away. */
static void
tell_numbers(struct add *a)
{
	for (unsigned i = 0; i < a->n; i++) {
		a->wanted[i]->rulenum = a->made[i]->num;
		a->wanted[i]->id = a->made[i]->id;
	}
	/* Rules of the reply name tables as the request did. */
	for (unsigned i = 0; i < a->n_names; i++)
		if (!is_table_name(&a->names[i]))
			a->names[i].idx = a->ours[i];
}

/* A rule that can match only on the out pass while there is none: a warning. */
static void
warn_out(struct add *a)
{
	if (knob_get(&engine_knobs(a->c->en)->out_pass) != 0)
		return;
	for (unsigned i = 0; i < a->n; i++)
		if (check_needs_out(a->wanted[i])) {
			err_set(a->e, 0,
			    "rule %u can match only on the out pass, "
			    "and sysctl net.inet.ip.fw.out_pass is 0",
			    a->wanted[i]->rulenum);
			return;
		}
}

static int
publish(struct add *a)
{
	struct ruleset *next;
	int error;

	error = make_rules(a);
	if (error != 0)
		return error;
	tell_numbers(a);
	next = ruleset_add(engine_rules(a->c->en), a->made, a->n);
	error = control_publish(a->c, next, a->e);
	if (error != 0)
		return error;
	a->c->next_id += a->n;
	free(a->made);
	a->made = NULL;
	return 0;
}

int
op_add(struct control *c, struct ctl_call *call, struct err *e)
{
	struct add a = {
	    .c = c,
	    .e = e,
	    .at = (unsigned char *)call->data + sizeof(struct fw3_hdr),
	    .left = call->len - sizeof(struct fw3_hdr),
	};
	int error;

	error = take_names(&a);
	if (error == 0)
		error = take_rules(&a);
	if (error == 0)
		error = publish(&a);
	if (error == 0) {
		warn_out(&a);
		call->reply_len = call->len;
	} else {
		unmake_tables(&a);
		state_names_collect(&c->state_names, engine_rules(c->en));
	}
	unmake(&a);
	free(a.made);
	free(a.wanted);
	free(a.ours);
	return error;
}
