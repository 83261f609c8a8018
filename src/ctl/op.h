/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The operations behind CTL_FW3 and CTL_DUMMYNET3: one function each.
 *
 * Place      control.c looks them up in its table and has checked direction,
 *            version and the least length; they check everything else.
 * Contract   a handler reads call->data (call->len octets), may overwrite it
 *            with its reply (at most call->room) and sets call->reply_len.
 *            0 or -errno with a sentence in 'e'.
 */
#pragma once

#include "ctl/control.h"
#include "ctl/state_names.h"
#include "ipfw_abi.h"

struct control {
	struct engine *en;
	uint64_t next_id;      /* of the next rule; 1 at first */
	struct state_names state_names;
	struct err local_last; /* of the in-process client */
};

typedef int op_fn(struct control *c, struct ctl_call *call, struct err *e);

enum { /* directions an operation allows */
	OP_GET = 1,
	OP_SET = 2,
	OP_BOTH = OP_GET | OP_SET,
};

/* One operation of CTL_FW3. */
struct op {
	uint16_t opcode;      /* FW3_* */
	uint8_t max_version;
	uint8_t dirs;
	uint16_t min_len;     /* of the request */
	op_fn *fn;	      /* NULL: refused because of ... */
	const char *refusal;
};

/* All of them; ends with opcode 0. */
extern const struct op op_table[];

/* op_add.c */
op_fn op_add;

/* op_range.c: what is done to the rules of a range, or to sets */
op_fn op_delete;
op_fn op_zero;
op_fn op_resetlog;
op_fn op_move;
op_fn op_set_swap;
op_fn op_set_move;
op_fn op_set_enable;

/* op_get.c */
op_fn op_get;

/* op_list.c: lists with an obj_lhdr */
op_fn op_list_opcodes;
op_fn op_list_ports;
op_fn op_list_objects; /* names of states and external actions */
op_fn op_plan; /* op_plan.c */
op_fn op_trial; /* op_trial.c */
/* Prepares a reply of 'n' objects of 'objsize', zeroed, which follow its
 * header. */
int op_list_begin(struct ctl_call *call, unsigned n, size_t objsize,
    struct err *e);

/* op_table.c: tables as a whole */
op_fn op_table_create;
op_fn op_table_destroy;
op_fn op_table_modify;
op_fn op_table_flush;
op_fn op_table_info;
op_fn op_table_swap;
op_fn op_list_tables;
op_fn op_list_algos;
op_fn op_table_old_size;
op_fn op_list_values;

/* op_entry.c: what is in a table */
op_fn op_entry_add;
op_fn op_entry_delete;
op_fn op_entry_find;
op_fn op_entry_list;

/* tables.c: for all of these */
/* The table that 'n' names.  -EINVAL, -ESRCH. */
int control_table(struct control *c, const struct obj_ntlv *n,
    struct table **out, struct err *e);
/* True if it is a name: 1 to 63 of letters, digits, '_', '.' and '-'. */
bool control_table_name(const char *name, size_t size);
/* A new, empty table with the type (0: that of the algorithm), fields, type of
 * value and algorithm (none: the type's own) of 'i'. */
int control_table_make(struct control *c, const char *name,
    const struct table_info *i, struct table **out, struct err *e);
/* How often each table is named by rules, by index: TABLES_MAX numbers that the
 * caller frees; NULL without memory. */
uint32_t *control_table_refs(const struct control *c);
/* Describes a table. */
void control_table_info(const struct control *c, const struct table *t,
    uint32_t refs, struct table_info *out);

/* op_dn.c: CTL_DUMMYNET3.  'last' is what sysctl kipfw.lasterr shows. */
op_fn op_dn_set;
int op_dn_get(struct control *c, struct ctl_call *call, const struct err *last,
    struct err *e);
/* True if the request reads sysctls. */
bool op_dn_reads_sysctl(const struct ctl_call *call);

/* Publishes 'next' (takes it; NULL = there was no memory). */
int control_publish(struct control *c, struct ruleset *next, struct err *e);
/* A rule_gone_fn for rules that were never published; 'engine' is ours. */
void control_counter_gone(void *engine, uint32_t counter);
