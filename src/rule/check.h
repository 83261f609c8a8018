/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The trust border for bytecode: accepts a rule, or names what is wrong.
 *
 * Place      ctl/ hands in what came over the socket; whatever passes can be
 *            run by interp without another look at sizes.
 * Rules      every instruction lies whole within cmd_len; its length fits its
 *            row in insn.def and its own sizes; pattern instructions stand
 *            before act_ofs, modifiers and exactly one action from there on,
 *            the action last; or-blocks end inside the pattern part; no 'not'
 *            or 'or' where it has no meaning; the opcode is supported here.
 * Cost       linear in the rule.
 */
#pragma once

#include "base/err.h"
#include "ipfw_abi.h"
#include "rule/insn.h"

/* Checks the rule at 'r' of which 'size' octets may be read.  0, or -EINVAL /
 * -EOPNOTSUPP with a sentence that names the opcode and the word offset. */
int check_rule(const struct abi_rule *r, size_t size, struct err *e);

/* True if the rule can only match on the out pass (out, xmit). */
bool check_needs_out(const struct abi_rule *r);
