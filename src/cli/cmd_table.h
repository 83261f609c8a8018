/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of the command table. */
#pragma once

#include "cli/cmd.h"
#include "cli/tabentry.h"
#include "cli/table_msg.h"
#include "cli/tabnames.h"

/* The whole name of the command that a table command begins, a->w[2]. */
const char *cmd_table_verb(const struct args *a);

/* ---- cmd_table_show.c: list, info, detail, flush, destroy ---- */
command_fn cmd_table_show;

/* ---- cmd_entry.c ---- */
command_fn cmd_table_add, cmd_table_delete, cmd_table_atomic;
command_fn cmd_table_lookup;
