/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The text of a rule becomes bytecode.
 *
 * Grammar    [NUM] [set N] [prob P] ACTION [log ...] [tag N]
 *            [PROTO from ADDR [PORTS] to ADDR [PORTS]] [OPTIONS] [// TEXT]
 *            where PROTO, ADDR and options may be blocks "{ a or b }" and each
 *            item may have "not" in front.
 * Result     struct abi_rule with its words: prob first, patterns in order of
 *            the text, log and tag, the action; as every ipfw lays them out.
 * Purity     no state of its own; host and service names are looked up.
 */
#pragma once

#include "base/err.h"
#include "cli/build.h"
#include "cli/words.h"
#include "ipfw_abi.h"
#include "rule/insn.h"

struct rule_buf {
	struct abi_rule rule;
	uint32_t cmd[RULE_MAX_WORDS];
	unsigned n_names;
	struct obj_ntlv names[RULE_MAX_NAMES]; /* that it mentions by index */
};

/* Compiles 'n' words (what follows "add") into 'out'; 'log_default' is the
 * logamount of a plain 'log'.  Returns 0 or a sysexits code with 'e' filled and
 * 'out' untouched. */
int compile_rule(const struct word *w, unsigned n, uint32_t log_default,
    struct rule_buf *out, struct err *e);

/* Octets of a rule with its words. */
static inline size_t
rule_size(const struct abi_rule *r)
{
	return sizeof(*r) + (size_t)r->cmd_len * 4;
}
