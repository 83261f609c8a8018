/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/table_msg.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TRIES = 8 }; /* of a list that grows meanwhile */

void
table_msg_name(struct obj_ntlv *n, const char *name)
{
	*n = (struct obj_ntlv){
	    .head = {.type = TLV_TBL_NAME, .length = sizeof(*n)},
	    .idx = 1,
	};
	snprintf(n->name, sizeof(n->name), "%s", name);
}

void
table_msg_header(struct obj_hdr *h, unsigned op, const char *name)
{
	memset(h, 0, sizeof(*h));
	h->op.opcode = (uint16_t)op;
	h->idx = 1;
	table_msg_name(&h->ntlv, name);
}

int
table_msg_info(struct cli *c, const char *name, struct table_info *out,
    struct err *e)
{
	struct table_msg q = {.info = {.type = 0}};
	size_t len = 0, want = sizeof(q.h) + sizeof(q.info);
	int r;

	table_msg_header(&q.h, FW3_TABLE_XINFO, name);
	r = ctl_get(c->ctl, CTL_FW3, &q, want, want, &len, e);
	if (r == 0 && len < want)
		r = err_set(e, EPROTO, "the daemon's answer is too short");
	*out = q.info;
	out->tablename[sizeof(out->tablename) - 1] = '\0';
	out->algoname[sizeof(out->algoname) - 1] = '\0';
	return r;
}

int
table_msg_create(struct cli *c, const char *name, const struct table_info *i,
    struct err *e)
{
	struct table_msg q = {.info = *i};

	table_msg_header(&q.h, FW3_TABLE_XCREATE, name);
	return ctl_set(c->ctl, CTL_FW3, &q, sizeof(q.h) + sizeof(q.info), e);
}

int
table_msg_send(struct cli *c, unsigned op, const char *name, struct err *e)
{
	struct obj_hdr h;

	table_msg_header(&h, op, name);
	return ctl_set(c->ctl, CTL_FW3, &h, sizeof(h), e);
}

int
table_msg_list(struct cli *c, unsigned op, size_t objsize,
    struct obj_lhdr **list, size_t *n, struct err *e)
{
	size_t room = 4096, len = 0;

	for (int k = 0; k < TRIES; k++) {
		struct obj_lhdr *h = calloc(1, room);
		struct err why = {.code = 0};
		int r;

		if (h == NULL)
			return err_set(e, ENOMEM, "no memory for the list");
		h->op.opcode = (uint16_t)op;
		h->size = (uint32_t)room;
		r = ctl_get(c->ctl, CTL_FW3, h, sizeof(*h), room, &len, &why);
		if (r == 0 && len >= sizeof(*h) &&
		    (h->objsize == objsize || h->count == 0)) {
			*list = h;
			*n = (len - sizeof(*h)) / objsize;
			*n = h->count < *n ? h->count : *n;
			return 0;
		}
		room = r == -ENOMEM && len >= sizeof(*h) && h->size > room ?
		    h->size : 2 * room;
		free(h);
		if (r == 0)
			return err_set(e, EPROTO,
			    "the daemon's answer makes no sense");
		if (r != -ENOMEM || room > CTL_MAX_PAYLOAD) {
			*e = why;
			return r;
		}
	}
	return err_set(e, EAGAIN, "the list keeps growing");
}
