/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables as the control requests see them: by name, with their references. */
#include "ctl/op.h"

#include "ctl/algo.h"
#include "rule/lookup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool
control_table_name(const char *name, size_t size)
{
	size_t len = strnlen(name, size);

	return len > 0 && len < size && strcmp(name, "all") != 0 &&
	    strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			 "0123456789_.-") == len;
}

int
control_table(struct control *c, const struct obj_ntlv *n, struct table **out,
    struct err *e)
{
	if (n->head.length != sizeof(*n) ||
	    !control_table_name(n->name, sizeof(n->name)))
		return err_set(e, EINVAL, "malformed name of a table");
	*out = tables_find(engine_tables(c->en), n->name, 0);
	if (*out == NULL)
		return err_set(e, ESRCH, "table %s does not exist", n->name);
	return 0;
}

int
control_table_make(struct control *c, const char *name,
    const struct table_info *i, struct table **out, struct err *e)
{
	struct table like = {.type = i->type, .vmask = i->vmask};
	int error;

	if (i->algoname[0] == '\0' &&
	    (i->type == 0 || algo_default(i->type) == NULL))
		return err_set(e, EINVAL, "unknown type of table %u", i->type);
	error = algo_set(&like, i->algoname[0] != '\0' ? i->algoname :
	    algo_default(i->type)->name, e);
	if (error != 0)
		return error;
	if (like.type == TABLE_FLOW)
		like.fields = i->tflags != 0 ? i->tflags : FLOW_ALL;
	memcpy(like.name, name, strlen(name) + 1);
	return tables_add(engine_tables(c->en), &like, out, e);
}

uint32_t *
control_table_refs(const struct control *c)
{
	const struct ruleset *rs = engine_rules(c->en);
	uint32_t *refs = calloc(TABLES_MAX, sizeof(*refs));
	uint16_t kidx;
	uint8_t type;

	if (refs == NULL)
		return NULL;
	for (unsigned n = 0; n < rs->n_rules; n++) {
		const struct insn *i = rs->rules[n]->cmd;
		const struct insn *end = i + rs->rules[n]->act_ofs;

		for (; i < end; i = insn_next(i))
			if (lookup_table_of(i, &kidx, &type) &&
			    kidx < TABLES_MAX)
				refs[kidx]++;
	}
	return refs;
}

/* What FreeBSD calls the structure, its slots, and the octets of an entry with
 * its share of them. */
static void
put_numbers(const struct tables *ts, const struct table *t,
    struct table_info *out)
{
	struct ta_numbers *a = &out->ta_info;

	a->flags = TATF_DATA;
	a->class4 = strstr(t->algo, ":radix") != NULL ? TACLASS_RADIX :
	    strstr(t->algo, ":hash") != NULL	      ? TACLASS_HASH :
							TACLASS_ARRAY;
	a->itemsize4 = (uint16_t)table_item_size(ts, t);
	a->size4 = table_slots(ts, t);
	a->count4 = out->count;
	if (t->type != TABLE_ADDR)
		return;
	a->flags |= TATF_AFDATA;
	a->class6 = a->class4;
	a->size6 = a->size4;
	a->itemsize6 = a->itemsize4;
	a->count4 = table_count4(ts, t);
	a->count6 = out->count - a->count4;
}

void
control_table_info(const struct control *c, const struct table *t,
    uint32_t refs, struct table_info *out)
{
	const struct tables *ts = engine_tables(c->en);
	size_t one = sizeof(struct obj_tentry) +
	    (t->counters ? sizeof(struct table_hits) : 0);

	memset(out, 0, sizeof(*out));
	out->type = t->type;
	out->tflags = t->fields;
	out->flags = (uint16_t)((t->locked ? TGF_LOCKED : 0) |
	    (t->counters ? TGF_COUNTERS : 0));
	out->vmask = t->vmask;
	out->set = t->set;
	out->kidx = t->kidx;
	out->refcnt = refs;
	out->count = table_count(ts, t);
	out->limit = t->limit;
	/* What a list takes; a client takes it as the room it needs. */
	out->size = (uint32_t)(sizeof(struct obj_hdr) + sizeof(*out) +
	    out->count * one);
	memcpy(out->tablename, t->name, sizeof(out->tablename));
	memcpy(out->algoname, t->algo, sizeof(out->algoname));
	put_numbers(ts, t, out);
}
