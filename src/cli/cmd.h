/* SPDX-License-Identifier: BSD-2-Clause */
/* What the cmd_*.c files share: requests that more than one of them sends. */
#pragma once

#include "cli/cli.h"
#include "ipfw_abi.h"

/* Sends a range to one of XDEL, XZERO, XRESETLOG, XMOVE, SET_*; fills in the
 * TLV header.  '*touched' is the number of rules.  0 or -errno. */
int range_command(struct cli *c, unsigned op, const struct range_tlv *range,
    unsigned *touched, struct err *e);

/* Asks "Are you sure?" unless -f or -q. */
bool confirm(struct cli *c);

/* Fetches the configuration of rules 'lo' to 'hi' (0, 0: all); returns owned
 * memory of '*len' octets in '*cfg'.  0 or -errno. */
int list_fetch(struct cli *c, unsigned flags, unsigned lo, unsigned hi,
    struct cfg_lhdr **cfg, size_t *len, struct err *e);

/* PRINT_* for this command. */
unsigned list_print_flags(const struct cli *c);
