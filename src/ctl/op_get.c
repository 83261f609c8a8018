/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading the rules.
 *
 *	cfg_lhdr | [obj_ctlv TBLNAME_LIST, names] | [obj_ctlv RULE_LIST, {obj_tlv, [abi_counter], abi_rule,
 *code}] | [obj_ctlv DYNSTATE_LIST, states]
 *
 * Each rule's part is padded to 8 octets.  States that are too many for one
 * reply can be had in parts (CFG_PART), each an ordinary reply.
 */
#include "ctl/op.h"

#include "ctl/states.h"
#include "rule/lookup.h"

#include <errno.h>
#include <string.h>

enum { STATE_SIZE = sizeof(struct obj_tlv) + sizeof(struct abi_state) };

/* What goes into a reply. */
struct dump {
	const struct ruleset *rs;
	const struct counters *counters;
	struct control *c;
	unsigned n_names; /* used by rules */
	bool used[STATE_NAMES_MAX];
	size_t states_size; /* without the list's header */
	uint32_t from;	    /* index of the first state; then, of the next */
	const _Atomic uint32_t *log_left; /* by rule counter */
	uint32_t flags; /* CFG_* */
	unsigned lo;	/* indexes of the rules [lo, hi) */
	unsigned hi;
	bool setmss;	/* a rule names that external action */
	size_t rules_size; /* octets of the rules, without the list's header */
	const struct tables *tables;
	bool named[TABLES_MAX]; /* tables that the rules name */
	unsigned n_named;
};

static size_t
entry_size(const struct dump *d, const struct rule *r)
{
	size_t size = sizeof(struct obj_tlv) + sizeof(struct abi_rule) +
	    r->n_words * sizeof(struct insn);

	if ((d->flags & CFG_COUNTERS) != 0)
		size += sizeof(struct abi_counter);
	return (size + 7) & ~(size_t)7;
}

/* Notes the tables that a rule names. */
static void
note_tables(struct dump *d, const struct rule *r)
{
	const struct insn *i = r->cmd, *end = rule_action(r);
	uint16_t kidx;
	uint8_t type;

	for (; i < end; i = insn_next(i))
		if (lookup_table_of(i, &kidx, &type) && kidx < TABLES_MAX &&
		    !d->named[kidx]) {
			d->named[kidx] = true;
			d->n_named++;
		}
}

/* Chooses the rules of the numbers asked for, both included; all if no end is
 * given. */
static void
choose(struct dump *d, const struct cfg_lhdr *h)
{
	d->lo = 0;
	d->hi = d->rs->n_rules;
	if (h->end_rule != 0) {
		d->lo = ruleset_find(d->rs, h->start_rule);
		if (h->end_rule < RULE_DEFAULT)
			d->hi = ruleset_find(d->rs, h->end_rule + 1);
		if (d->hi < d->lo)
			d->hi = d->lo;
	}
	d->rules_size = 0;
	for (unsigned i = d->lo; i < d->hi; i++) {
		d->rules_size += entry_size(d, d->rs->rules[i]);
		d->setmss = d->setmss || rule_eaction(d->rs->rules[i]);
		if ((d->flags & CFG_STATIC) != 0)
			note_tables(d, d->rs->rules[i]);
	}
}

static size_t
reply_size(const struct dump *d)
{
	size_t size = sizeof(struct cfg_lhdr);

	if (d->n_names > 0)
		size += sizeof(struct obj_ctlv) +
		    d->n_names * sizeof(struct obj_ntlv);
	if ((d->flags & CFG_STATIC) != 0)
		size += sizeof(struct obj_ctlv) + d->rules_size;
	if ((d->flags & CFG_STATES) != 0)
		size += sizeof(struct obj_ctlv) + d->states_size;
	return size;
}

static void
put_counter(const struct dump *d, const struct rule *r, void *at)
{
	struct count n;

	counters_read(d->counters, r->counter, &n);
	*(struct abi_counter *)at = (struct abi_counter){
	    .size = sizeof(struct abi_counter),
	    .timestamp = n.last_s,
	    .pcnt = n.pkts,
	    .bcnt = n.bytes,
	};
}

/* Writes one rule at 'at'; returns where the next one goes. */
static unsigned char *
put_rule(const struct dump *d, const struct rule *r, unsigned char *at)
{
	size_t size = entry_size(d, r);
	unsigned char *p = at;

	memset(at, 0, size);
	*(struct obj_tlv *)(void *)p = (struct obj_tlv){
	    .type = TLV_RULE_ENT,
	    .length = (uint32_t)size,
	};
	p += sizeof(struct obj_tlv);
	if ((d->flags & CFG_COUNTERS) != 0) {
		put_counter(d, r, p);
		p += sizeof(struct abi_counter);
	}
	*(struct abi_rule *)(void *)p = (struct abi_rule){
	    .act_ofs = r->act_ofs,
	    .cmd_len = r->n_words,
	    .set = r->set,
	    .flags = r->flags,
	    .rulenum = r->num,
	    .id = r->id,
	};
	p += sizeof(struct abi_rule);
	memcpy(p, r->cmd, r->n_words * sizeof(struct insn));
	if (rule_log(r) != NULL)
		((struct insn_log *)(void *)(p + r->act_ofs * 4u))->log_left =
		    d->log_left[r->counter];
	return at + size;
}

/* The names of tables, by index; returns what comes behind them. */
static struct obj_ntlv *
put_table_names(const struct dump *d, struct obj_ntlv *n)
{
	for (unsigned k = 0; k < TABLES_MAX; k++) {
		const struct table *t = tables_at(d->tables, k);

		if (!d->named[k])
			continue;
		*n = (struct obj_ntlv){
		    .head = {.type = TLV_TBL_NAME, .length = sizeof(*n)},
		    .idx = (uint16_t)k,
		    .type = t != NULL ? t->type : 0,
		};
		if (t != NULL)
			memcpy(n->name, t->name, sizeof(n->name));
		n++;
	}
	return n;
}

/* Likewise those of states. */
static struct obj_ntlv *
put_state_names(const struct dump *d, struct obj_ntlv *n)
{
	for (unsigned i = 0; i < d->c->state_names.n; i++) {
		if (!d->used[i])
			continue;
		*n = (struct obj_ntlv){
		    .head = {.type = TLV_STATE_NAME, .length = sizeof(*n)},
		    .idx = (uint16_t)(STATE_NAMES_FIRST + i),
		};
		memcpy(n->name, d->c->state_names.names[i],
		    sizeof(n->name));
		n++;
	}
	return n;
}

/* The names that rules use, by index; returns where the next list goes. */
static unsigned char *
put_names(const struct dump *d, unsigned char *at)
{
	struct obj_ctlv *l = (void *)at;
	struct obj_ntlv *n = put_table_names(d, (void *)(l + 1));

	*l = (struct obj_ctlv){
	    .head.type = TLV_TBLNAME_LIST,
	    .head.length = (uint32_t)(sizeof(*l) + d->n_names * sizeof(*n)),
	    .count = d->n_names,
	    .objsize = sizeof(*n),
	};
	n = put_state_names(d, n);
	if (d->setmss)
		*n++ = (struct obj_ntlv){
		    .head = {.type = TLV_EACTION, .length = sizeof(*n)},
		    .idx = EACTION_SETMSS_IDX,
		    .name = EACTION_SETMSS,
		};
	return (void *)n;
}

/* Returns the octets of the states, which may have become fewer. */
static size_t
put_states(struct dump *d, unsigned char *at)
{
	size_t size = ctl_states_put(d->c->en, at + sizeof(struct obj_ctlv),
	    d->states_size, &d->from);

	*(struct obj_ctlv *)(void *)at = (struct obj_ctlv){
	    .head.type = TLV_DYNSTATE_LIST,
	    /* Without states 0, as the original answers. */
	    .head.length = size == 0 ?
		0 :
		(uint32_t)(sizeof(struct obj_ctlv) + size),
	    .count = (uint32_t)(size / STATE_SIZE),
	    .objsize = STATE_SIZE,
	};
	return size;
}

/* Returns how many octets fewer than planned were written. */
static size_t
put_lists(struct dump *d, unsigned char *at)
{
	if (d->n_names > 0)
		at = put_names(d, at);
	if ((d->flags & CFG_STATIC) != 0) {
		*(struct obj_ctlv *)(void *)at = (struct obj_ctlv){
		    .head.type = TLV_RULE_LIST,
		    .head.length =
			(uint32_t)(sizeof(struct obj_ctlv) + d->rules_size),
		    .count = d->hi - d->lo,
		};
		at += sizeof(struct obj_ctlv);
		for (unsigned i = d->lo; i < d->hi; i++)
			at = put_rule(d, d->rs->rules[i], at);
	}
	return (d->flags & CFG_STATES) != 0 ?
	    d->states_size - put_states(d, at) :
	    0;
}

/* How many octets of states go into a reply that has 'room'. */
static int
measure_states(struct dump *d, const struct cfg_lhdr *h, size_t room,
    struct err *e)
{
	size_t other;

	if ((d->flags & CFG_PART) == 0) {
		d->states_size = ctl_states_size(d->c->en);
		return 0;
	}
	if ((d->flags & CFG_STATIC) != 0)
		return err_set(e, EINVAL, "states in parts come without rules");
	d->from = h->spare;
	other = reply_size(d);
	d->states_size = STATE_SIZE;
	if (room > other + STATE_SIZE)
		d->states_size = (room - other) / STATE_SIZE * STATE_SIZE;
	return 0;
}

int
op_get(struct control *c, struct ctl_call *call, struct err *e)
{
	struct cfg_lhdr *h = call->data;
	struct dump d = {
	    .rs = engine_rules(c->en),
	    .counters = engine_counters(c->en),
	    .log_left = counters_log_left(engine_counters(c->en)),
	    .flags = h->flags,
	    .tables = engine_tables(c->en),
	    .c = c,
	};
	size_t size;
	int error = 0;

	choose(&d, h);
	d.setmss = d.setmss && (d.flags & CFG_STATIC) != 0;
	if ((d.flags & (CFG_STATIC | CFG_STATES)) != 0)
		d.n_names = state_names_used(d.rs, d.used) + d.setmss +
		    d.n_named;
	if ((d.flags & CFG_STATES) != 0)
		error = measure_states(&d, h, call->room, e);
	if (error != 0)
		return error;
	size = reply_size(&d);
	if (size > UINT32_MAX)
		return err_set(e, EFBIG, "ask for fewer rules at a time");
	h->size = (uint32_t)size;
	h->set_mask = ~d.rs->set_disabled;
	call->reply_len = sizeof(*h);
	if (call->room < size)
		return err_set(e, ENOMEM, "the answer needs %zu octets", size);
	size -= put_lists(&d, (unsigned char *)(h + 1));
	h->size = (uint32_t)size;
	if ((d.flags & CFG_PART) != 0)
		h->spare = d.from;
	call->reply_len = size;
	return 0;
}
