/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any octets as a rule: check_rule() refuses or accepts without a fault, and
 * what it accepts can be walked, kept and asked about without another look.
 */
#include "bytecode.h"
#include "rule/check.h"
#include "rule/rule.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
ignore(void *arg, uint32_t counter)
{
	(void)arg;
	(void)counter;
}

/* What the interpreter relies on. */
static void
walk(const struct rule *r)
{
	const struct insn *end = r->cmd + r->n_words, *i = r->cmd;
	bool action_seen = false;

	while (i < end) {
		if (insn_words(i) == 0 || insn_words(i) > (size_t)(end - i) ||
		    i->opcode >= O_LAST)
			abort();
		if (i == rule_action(r))
			action_seen = true;
		if ((i->len & INSN_OR) != 0 &&
		    insn_next(i) >= rule_action(r))
			abort();
		i = insn_next(i);
	}
	i = rule_action(r);
	while (i < end && insn_table[i->opcode].kind == INSN_MODIFIER)
		i = insn_next(i);
	if (i < end && i->opcode == O_EXTERNAL_ACTION)
		i = insn_next(i); /* its data end the rule */
	if (!action_seen || i >= end || insn_next(i) != end)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct abi_rule *abi = malloc(size + 1);
	struct err e = {0};
	struct rule *r;
	int error;

	memcpy(abi, data, size);
	error = check_rule(abi, size, &e);
	if ((error != 0) != (e.code != 0) || (error != 0) != (e.text[0] != 0))
		abort();
	if (error == 0) {
		check_needs_out(abi);
		r = rule_create(abi, 1, 1, 0);
		walk(r);
		rule_put(r, ignore, NULL);
	}
	free(abi);
	return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
    unsigned seed);

/* One time in four any octets change, else instructions. */
size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
    unsigned seed)
{
	struct bytecode b = {.seed = seed};
	struct abi_rule head = {0};

	if (bc_random(&b, 4) == 0)
		return LLVMFuzzerMutate(data, size, max_size);
	memcpy(&head, data, size < sizeof(head) ? size : sizeof(head));
	if (size > sizeof(head)) {
		b.n = (unsigned)((size - sizeof(head)) / 4);
		b.n = b.n > RULE_MAX_WORDS ? RULE_MAX_WORDS : b.n;
		memcpy(b.words, data + sizeof(head), b.n * 4);
	}
	b.act_ofs = head.act_ofs < b.n ? head.act_ofs : b.n;
	bc_mutate(&b);
	head.act_ofs = (uint16_t)b.act_ofs;
	head.cmd_len = (uint16_t)b.n;
	head.set %= 32;
	head.rulenum %= 65535;
	if (sizeof(head) + b.n * 4 > max_size)
		return size;
	memcpy(data, &head, sizeof(head));
	memcpy(data + sizeof(head), b.words, b.n * 4);
	return sizeof(head) + b.n * 4;
}
