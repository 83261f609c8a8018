/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lists of things that all have one size: obj_lhdr, then the things.  The
 * request's size field tells how much the caller has room for.
 */
#include "ctl/op.h"

#include <errno.h>
#include <string.h>

int
op_list_begin(struct ctl_call *call, unsigned n, size_t objsize, struct err *e)
{
	struct obj_lhdr *h = call->data;
	size_t size = sizeof(*h) + n * objsize;
	uint32_t had = h->size;

	if (call->room < had)
		return err_set(e, EINVAL,
		    "the list claims room for %u octets "
		    "and has %zu",
		    had, call->room);
	h->count = n;
	h->objsize = (uint32_t)objsize;
	h->size = (uint32_t)size;
	call->reply_len = sizeof(*h);
	if (size > had)
		return err_set(e, ENOMEM, "the list needs %zu octets", size);
	call->reply_len = size;
	memset(h + 1, 0, size - sizeof(*h));
	return 0;
}

static void *
objects(const struct ctl_call *call)
{
	return (struct obj_lhdr *)call->data + 1;
}

int
op_list_opcodes(struct control *c, struct ctl_call *call, struct err *e)
{
	struct sopt_info *info;
	unsigned n = 0;
	int error;

	(void)c;
	for (const struct op *op = op_table; op->opcode != 0; op++)
		n += op->fn != NULL;
	error = op_list_begin(call, n, sizeof(*info), e);
	if (error != 0)
		return error;
	info = objects(call);
	for (const struct op *op = op_table; op->opcode != 0; op++)
		if (op->fn != NULL)
			*info++ = (struct sopt_info){
			    .opcode = op->opcode,
			    .version = op->max_version,
			    .dir = op->dirs,
			};
	return 0;
}

int
op_list_ports(struct control *c, struct ctl_call *call, struct err *e)
{
	struct iface_info *info;
	unsigned n = 0;
	int error;

	while (engine_port_name(c->en, n) != NULL)
		n++;
	error = op_list_begin(call, n, sizeof(*info), e);
	if (error != 0)
		return error;
	info = objects(call);
	for (unsigned i = 0; i < n; i++) {
		const char *name = engine_port_name(c->en, i);
		size_t len = strnlen(name, sizeof(info[i].ifname) - 1);

		memcpy(info[i].ifname, name, len);
		info[i].ifindex = i + 1;
		info[i].flags = 1;
		info[i].refcnt = 1;
	}
	return 0;
}

static void
put_object(struct obj_ntlv *n, unsigned type, unsigned idx, const char *name)
{
	n->head = (struct obj_tlv){.type = (uint16_t)type,
	    .length = sizeof(*n)};
	n->idx = (uint16_t)idx;
	memcpy(n->name, name, strlen(name));
}

int
op_list_objects(struct control *c, struct ctl_call *call, struct err *e)
{
	const struct state_names *s = &c->state_names;
	struct obj_ntlv *n;
	unsigned count = 1;
	int error;

	for (unsigned i = 0; i < s->n; i++)
		count += s->names[i][0] != '\0';
	error = op_list_begin(call, count, sizeof(*n), e);
	if (error != 0)
		return error;
	n = objects(call);
	put_object(n++, TLV_EACTION, EACTION_SETMSS_IDX, EACTION_SETMSS);
	for (unsigned i = 0; i < s->n; i++)
		if (s->names[i][0] != '\0')
			put_object(n++, TLV_STATE_NAME, STATE_NAMES_FIRST + i,
			    s->names[i]);
	return 0;
}
