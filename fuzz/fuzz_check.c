/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any octets as a rule: check_rule() refuses or accepts without a fault, and
 * what it accepts can be walked, kept and asked about without another look.
 */
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
