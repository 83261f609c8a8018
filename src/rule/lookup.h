/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Instructions that ask a lookup table.
 *
 * Place      interp runs them, check and ctl/ ask which table they name.
 * Index      an instruction names its table by a u16; what a client sends are
 *            indexes of its own, which ctl/ replaces before a rule is made.
 */
#pragma once

#include "packet/pkt.h"
#include "rule/insn.h"
#include "table/table.h"

enum lookup_key { /* d[1] of O_IP_DST_LOOKUP with three words */
	LOOKUP_DST_IP,
	LOOKUP_SRC_IP,
	LOOKUP_DST_PORT,
	LOOKUP_SRC_PORT,
	LOOKUP_UID,
	LOOKUP_JAIL,
	LOOKUP_DSCP,
	LOOKUP_DST_MAC,
	LOOKUP_SRC_MAC,
	LOOKUP_MARK,
	N_LOOKUP_KEYS,
};

/* Index of the value that the instruction's table has for a packet which came
 * in, or would leave, by interface 'ifname'; 0 = none, or not the value that
 * the instruction wants.  Counts the packet on the entry. */
uint32_t lookup_insn(const struct insn *i, const struct tables *ts,
    const struct pkt *p, const char *ifname);

/* True if the instruction names a table: its index and the type it must have. */
bool lookup_table_of(const struct insn *i, uint16_t *kidx, uint8_t *type);

/* Lets it name another one. */
void lookup_set_table(struct insn *i, uint16_t kidx);
