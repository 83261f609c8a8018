/* SPDX-License-Identifier: BSD-2-Clause */
#include "rule/insn.h"

#define OK NULL
const struct insn_info insn_table[O_LAST] = {
#define INSN(num, name, kind, min, max, support)                               \
	[num] = {#name, INSN_##kind, min, max, support},
#include "rule/insn.def"
};
