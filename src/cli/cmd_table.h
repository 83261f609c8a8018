/* SPDX-License-Identifier: BSD-2-Clause */
/* What cmd_table.c and cmd_entry.c share. */
#pragma once

#include "cli/cmd.h"
#include "cli/tabentry.h"
#include "cli/tabnames.h"

/* Fills the header of a request about a table. */
void table_header(struct obj_hdr *h, unsigned op, const char *name);

/* What the daemon says of a table; -ESRCH if there is none. */
int table_info(struct cli *c, const char *name, struct table_info *out,
    struct err *e);

int table_make(struct cli *c, const char *name, const struct table_info *i,
    struct err *e);

/* Fetches a list of objects of one size; *list is owned, *n of them follow its
 * header. */
int table_fetch_list(struct cli *c, unsigned op, size_t objsize,
    struct obj_lhdr **list, size_t *n, struct err *e);

/* internal plan (plan.c) */
command_fn cmd_plan;

/* internal talist, internal vlist */
command_fn cmd_table_algos, cmd_table_values;

/* ---- cmd_entry.c ---- */
command_fn cmd_table_add, cmd_table_delete, cmd_table_atomic;
command_fn cmd_table_lookup;
