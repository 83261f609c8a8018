/* SPDX-License-Identifier: BSD-2-Clause */
#include "ctl/control.h"

#include "ctl/op.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RANGE	  sizeof(struct range_hdr)
#define LIST	  sizeof(struct obj_lhdr)
#define OBJ	  sizeof(struct obj_hdr)
#define OBJ_INFO  (OBJ + sizeof(struct table_info))

const struct op op_table[] = {
    {FW3_XADD, 0, OP_BOTH, sizeof(struct fw3_hdr), op_add, NULL},
    {FW3_XGET, 0, OP_GET, sizeof(struct cfg_lhdr), op_get, NULL},
    {FW3_XDEL, 0, OP_BOTH, RANGE, op_delete, NULL},
    {FW3_XZERO, 0, OP_BOTH, RANGE, op_zero, NULL},
    {FW3_XRESETLOG, 0, OP_BOTH, RANGE, op_resetlog, NULL},
    {FW3_XMOVE, 0, OP_BOTH, RANGE, op_move, NULL},
    {FW3_SET_SWAP, 0, OP_BOTH, RANGE, op_set_swap, NULL},
    {FW3_SET_MOVE, 0, OP_BOTH, RANGE, op_set_move, NULL},
    {FW3_SET_ENABLE, 0, OP_BOTH, RANGE, op_set_enable, NULL},
    {FW3_DUMP_SOPTCODES, 0, OP_GET, LIST, op_list_opcodes, NULL},
    {FW3_XIFLIST, 0, OP_GET, LIST, op_list_ports, NULL},
    {FW3_DUMP_SRVOBJECTS, 0, OP_GET, LIST, op_list_objects, NULL},
    {FW3_PLAN, 0, OP_GET, LIST, op_plan, NULL},
    {FW3_TRIAL, 0, OP_GET, sizeof(struct trial_req), op_trial, NULL},
    {FW3_TABLES_XLIST, 0, OP_GET, LIST, op_list_tables, NULL},
    {FW3_TABLES_ALIST, 0, OP_GET, LIST, op_list_algos, NULL},
    {FW3_TABLE_VLIST, 0, OP_GET, LIST, op_list_values, NULL},
    {FW3_TABLE_XADD, 1, OP_BOTH, OBJ, op_entry_add, NULL},
    {FW3_TABLE_XDEL, 1, OP_BOTH, OBJ, op_entry_delete, NULL},
    {FW3_TABLE_XGETSIZE, 0, OP_GET, sizeof(struct fw3_hdr) + 4,
	op_table_old_size, NULL},
    {FW3_TABLE_XLIST, 1, OP_GET, OBJ, op_entry_list, NULL},
    {FW3_TABLE_XDESTROY, 0, OP_SET, OBJ, op_table_destroy, NULL},
    {FW3_TABLE_XINFO, 0, OP_GET, OBJ_INFO, op_table_info, NULL},
    {FW3_TABLE_XFLUSH, 0, OP_SET, OBJ, op_table_flush, NULL},
    {FW3_TABLE_XCREATE, 0, OP_SET, OBJ_INFO, op_table_create, NULL},
    {FW3_TABLE_XMODIFY, 0, OP_BOTH, OBJ_INFO, op_table_modify, NULL},
    {FW3_TABLE_XFIND, 0, OP_GET, OBJ + sizeof(struct obj_tentry),
	op_entry_find, NULL},
    {FW3_TABLE_XSWAP, 0, OP_SET, OBJ + sizeof(struct obj_ntlv), op_table_swap,
	NULL},
    {0, 0, 0, 0, NULL, NULL},
};

struct control *
control_create(struct engine *en)
{
	struct control *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->en = en;
	c->next_id = 1;
	return c;
}

void
control_destroy(struct control *c)
{
	if (c != NULL)
		state_names_fini(&c->state_names);
	free(c);
}

int
control_publish(struct control *c, struct ruleset *next, struct err *e)
{
	if (next == NULL)
		return err_set(e, ENOMEM, "no memory for a new ruleset");
	engine_publish(c->en, next);
	return 0;
}

void
control_counter_gone(void *engine, uint32_t counter)
{
	counters_free(engine_counters(engine), counter);
}

/* The operation, if it exists in this version and direction. */
static int
find_op(const struct ctl_call *call, const struct op **out, struct err *e)
{
	const struct fw3_hdr *h = call->data;
	const struct op *op = op_table;

	while (op->opcode != 0 && op->opcode != h->opcode)
		op++;
	if (op->opcode == 0)
		return err_set(
		    e, EOPNOTSUPP, "unknown operation %u", h->opcode);
	if (op->refusal != NULL)
		return err_set(e, EOPNOTSUPP, "%s", op->refusal);
	if (h->version > op->max_version)
		return err_set(e, EOPNOTSUPP,
		    "operation %u in version %u: %u is the newest known",
		    h->opcode, h->version, op->max_version);
	if ((op->dirs & (call->dir == CTL_DIR_GET ? OP_GET : OP_SET)) == 0)
		return err_set(e, EINVAL,
		    "operation %u answers, and was sent "
		    "as one without an answer",
		    h->opcode);
	*out = op;
	return 0;
}

static int
call_fw3(struct control *c, struct ctl_call *call, struct err *e)
{
	const struct op *op = NULL;
	int error;

	if (call->len < sizeof(struct fw3_hdr))
		return err_set(e, EINVAL, "request of %zu octets", call->len);
	error = find_op(call, &op, e);
	if (error != 0)
		return error;
	if (call->len < op->min_len)
		return err_set(e, EINVAL,
		    "request of %zu octets for operation %u: needs %u",
		    call->len, op->opcode, op->min_len);
	return op->fn(c, call, e);
}

static int
call_any(struct control *c, struct ctl_call *call, const struct err *last,
    struct err *e)
{
	if (call->dir != CTL_DIR_GET && call->dir != CTL_DIR_SET)
		return err_set(e, EINVAL, "direction %u is neither get nor set",
		    call->dir);
	if (call->optname == CTL_FW3)
		return call_fw3(c, call, e);
	if (call->optname == CTL_DUMMYNET3)
		return call->dir == CTL_DIR_GET ? op_dn_get(c, call, last, e) :
						  op_dn_set(c, call, e);
	if (call->optname >= 100 && call->optname <= 124)
		return err_set(e, EOPNOTSUPP,
		    "option %u is of FreeBSD 8 and before", call->optname);
	return err_set(e, ENOPROTOOPT, "unknown option %u", call->optname);
}

int
control_call(struct control *c, struct ctl_call *call, struct err *last)
{
	struct err now = {0};
	int error;

	call->reply_len = 0;
	error = call_any(c, call, last, &now);
	if (call->dir != CTL_DIR_GET)
		call->reply_len = 0;
	if (error != 0 || !op_dn_reads_sysctl(call))
		*last = now;
	return error;
}

int
ctl_local_transport(void *control, uint32_t optname, uint32_t dir, void *data,
    size_t len, size_t room, size_t *reply_len, struct err *why)
{
	struct control *c = control;
	struct ctl_call call = {
	    .optname = optname,
	    .dir = dir,
	    .len = len,
	    .room = room,
	};
	int error;

	/* A copy: aligned, and zero where the request ends. */
	call.data = calloc(1, room + sizeof(uint64_t));
	if (call.data == NULL)
		return err_set(why, ENOMEM, "no memory for a request");
	memcpy(call.data, data, len);
	error = control_call(c, &call, &c->local_last);
	memcpy(data, call.data, call.reply_len);
	if (reply_len != NULL)
		*reply_len = call.reply_len;
	if (why != NULL && c->local_last.text[0] != '\0')
		*why = c->local_last;
	free(call.data);
	return error;
}
