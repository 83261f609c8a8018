/* SPDX-License-Identifier: BSD-2-Clause */
#include "rule/rule.h"

#include "rule/key.h"
#include "rule/lookup.h"

#include <stdlib.h>
#include <string.h>

static struct rule *
alloc(unsigned n_words)
{
	struct rule *r;

	r = calloc(1, sizeof(*r) + n_words * sizeof(struct insn));
	if (r == NULL)
		return NULL;
	r->refs = 1;
	r->n_words = (uint16_t)n_words;
	return r;
}

/* True if any instruction looks up or makes a state. */
static bool
is_stateful(const struct rule *r)
{
	for (unsigned at = 0; at < r->n_words; at += insn_words(r->cmd + at)) {
		unsigned op = r->cmd[at].opcode;

		if (op == O_CHECK_STATE ||
		    (op < O_LAST && insn_table[op].kind == INSN_STATE))
			return true;
		if (insn_words(r->cmd + at) == 0)
			break;
	}
	return false;
}

static bool
is_asking(const struct rule *r)
{
	struct lookup_ask ask;

	for (unsigned at = 0; at < r->act_ofs; at += insn_words(r->cmd + at))
		if (lookup_ask_of(r->cmd + at, &ask))
			return true;
	return false;
}

/* What it does, or wants to know, that packets with segments left do not suit. */
static void
note_manners(struct rule *r)
{
	for (unsigned at = 0; at < r->n_words;
	     at += insn_words(r->cmd + at)) {
		switch (r->cmd[at].opcode) {
		case O_PIPE:
		case O_QUEUE:
			r->delays = true;
			break;
		case O_DIVERT:
		case O_TEE:
		case O_NAT:
		case O_REASS:
			r->keeps = true;
			break;
		case O_IPLEN:
		case O_TCPDATALEN:
		case O_IPID:
		case O_TCPSEQ:
		case O_PROB:
			r->measures = true;
			break;
		}
		if (insn_words(r->cmd + at) == 0)
			break;
	}
}

struct rule *
rule_create(
    const struct abi_rule *r, uint16_t num, uint32_t id, uint32_t counter)
{
	struct rule *n = alloc(r->cmd_len);
	struct rule_key key;

	if (n == NULL)
		return NULL;
	n->num = num;
	n->set = r->set;
	n->flags = r->flags;
	n->act_ofs = r->act_ofs;
	n->id = id;
	n->counter = counter;
	memcpy(n->cmd, r + 1, r->cmd_len * sizeof(struct insn));
	for (unsigned k = 0; k < n->n_words; k += insn_words(&n->cmd[k]))
		lookup_set_rulenum(&n->cmd[k], num);
	n->stateful = is_stateful(n);
	n->asks = is_asking(n);
	note_manners(n);
	n->keyed = key_of_rule(n, &key) && !n->stateful;
	key_find_rest(n, &n->rest_src, &n->rest_dst);
	return n;
}

struct rule *
rule_copy(struct rule *r, uint8_t set)
{
	struct rule *n = alloc(r->n_words);

	if (n == NULL)
		return NULL;
	n->num = r->num;
	n->set = set;
	n->flags = r->flags;
	n->stateful = r->stateful;
	n->asks = r->asks;
	n->keeps = r->keeps;
	n->delays = r->delays;
	n->measures = r->measures;
	n->keyed = r->keyed;
	n->rest_src = r->rest_src;
	n->rest_dst = r->rest_dst;
	n->act_ofs = r->act_ofs;
	n->id = r->id;
	n->counter = r->counter;
	n->owner = rule_ref(r->owner != NULL ? r->owner : r);
	memcpy(n->cmd, r->cmd, r->n_words * sizeof(struct insn));
	return n;
}

struct rule *
rule_ref(struct rule *r)
{
	r->refs++;
	return r;
}

void
rule_put(struct rule *r, rule_gone_fn *gone, void *arg)
{
	while (r != NULL && --r->refs == 0) {
		struct rule *owner = r->owner;

		if (owner == NULL)
			gone(arg, r->counter);
		free(r);
		r = owner;
	}
}
