/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every command of ipfw has: its words, its errors, and requests that more
 * than one of them sends.
 *
 * Place      under the cmd_*.c and list.c, above the client; cli.c finds the
 *            command and runs it.
 * Errors     a command returns 0 or a sysexits code; see cli.h.
 */
#pragma once

#include "cli/cli.h"
#include "ipfw_abi.h"

/* True if 'word' is a beginning of 'full'; warns unless it is all of it. */
bool cli_match(struct cli *c, const char *word, const char *full);

/* The sysexits code for an error of the daemon or of the way to it. */
int cli_code(int error);

/* "ipfw: TEXT" or "Line 3: TEXT". */
void cli_print_error(struct cli *c, FILE *f, const char *text);

/* The same on c->err, after what was printed. */
void cli_warn(struct cli *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- requests ---- */

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

/* ---- commands: cmd_*.c ---- */
typedef int command_fn(struct cli *c, const struct args *a, struct err *e);
command_fn cmd_add, cmd_delete, cmd_zero, cmd_resetlog, cmd_flush;
command_fn cmd_list, cmd_show;
command_fn cmd_set, cmd_enable, cmd_disable, cmd_sysctl;
command_fn cmd_internal, cmd_plan; /* cmd_plan: internal plan */
command_fn cmd_table, cmd_test;
command_fn cmd_pipe, cmd_queue, cmd_sched;

/* ---- cmd_entry.c: records that a file adds to a table, sent together ---- */

struct table_batch *table_batch_create(void);
void table_batch_destroy(struct table_batch *b);
/* Sends what is waiting; after an error, *line is the one at fault. */
int table_batch_send(struct cli *c, struct table_batch *b, unsigned *line,
    struct err *e);
/* True if the command, run with the flags of 'own', can wait with the others. */
bool table_batch_takes(const struct cli *own, const struct table_batch *b,
    const struct args *a);

/* ---- cmd_add.c: rules that a file adds, sent together ---- */

struct rule_batch *rule_batch_create(void);
void rule_batch_destroy(struct rule_batch *b);
/* Sends what is waiting, and prints it; the rules before one that is refused
 * stay added, and *line is the one of that rule. */
int rule_batch_send(struct cli *c, struct rule_batch *b, unsigned *line,
    struct err *e);
/* True if the command can wait with the others. */
bool rule_batch_takes(const struct cli *c, const struct rule_batch *b,
    const struct args *a);
