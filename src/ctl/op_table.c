/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tables as a whole.  A request is an obj_hdr, whose name is the table's; some
 * have a table_info or a second name behind it.
 */
#include "ctl/op.h"

#include "ctl/algo.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct table_info *
info_of(const struct ctl_call *call)
{
	return (void *)((struct obj_hdr *)call->data + 1);
}

static int
check_info(struct table_info *i, struct err *e)
{
	if (memchr(i->algoname, '\0', sizeof(i->algoname)) == NULL)
		return err_set(e, EINVAL, "malformed name of an algorithm");
	if (i->type > TABLE_TYPE_MAX)
		return err_set(e, EINVAL, "unknown type of table %u", i->type);
	if (i->type == TABLE_FLOW && (i->tflags & ~(unsigned)FLOW_ALL) != 0)
		return err_set(e, EINVAL, "unknown fields of a flow 0x%x",
		    i->tflags);
	if (i->vmask == 0 ||
	    (i->vmask != VTYPE_LEGACY && (i->vmask & ~(unsigned)VTYPE_ALL) != 0))
		return err_set(e, EINVAL, "unknown type of value 0x%x",
		    i->vmask);
	return 0;
}

int
op_table_create(struct control *c, struct ctl_call *call, struct err *e)
{
	const struct obj_hdr *h = call->data;
	struct table_info *i = info_of(call);
	struct table *t = NULL;
	int error;

	error = control_table(c, &h->ntlv, &t, e);
	if (error == 0)
		return err_set(e, EEXIST, "table %s exists", t->name);
	if (error == -ESRCH)
		error = check_info(i, e);
	if (error == 0)
		error = control_table_make(c, h->ntlv.name, i, &t, e);
	if (error != 0)
		return error;
	t->limit = i->limit;
	t->locked = (i->flags & TGF_LOCKED) != 0;
	t->counters = (i->flags & TGF_COUNTERS) != 0;
	return 0;
}

int
op_table_destroy(struct control *c, struct ctl_call *call, struct err *e)
{
	const struct obj_hdr *h = call->data;
	struct table *t = NULL;
	uint32_t *refs;
	int error = control_table(c, &h->ntlv, &t, e);

	if (error != 0)
		return error;
	refs = control_table_refs(c);
	if (refs == NULL)
		return err_set(e, ENOMEM, "no memory to count references");
	if (refs[t->kidx] != 0)
		error = err_set(e, EBUSY, "table %s is named by %u %s", t->name,
		    refs[t->kidx], refs[t->kidx] == 1 ? "rule" : "rules");
	else
		error = tables_remove(engine_tables(c->en), t, e);
	engine_settle_tables(c->en);
	free(refs);
	return error;
}

int
op_table_modify(struct control *c, struct ctl_call *call, struct err *e)
{
	const struct obj_hdr *h = call->data;
	const struct table_info *i = info_of(call);
	struct table *t = NULL;
	int error = control_table(c, &h->ntlv, &t, e);

	if (error != 0)
		return error;
	if ((i->mflags & ~(unsigned)(TMF_LIMIT | TMF_LOCK)) != 0)
		return err_set(e, EINVAL, "unknown change 0x%x", i->mflags);
	if ((i->mflags & TMF_LIMIT) != 0)
		t->limit = i->limit;
	if ((i->mflags & TMF_LOCK) != 0)
		t->locked = (i->flags & TGF_LOCKED) != 0;
	call->reply_len = call->len;
	return 0;
}

int
op_table_flush(struct control *c, struct ctl_call *call, struct err *e)
{
	const struct obj_hdr *h = call->data;
	struct table *t = NULL;
	int error = control_table(c, &h->ntlv, &t, e);

	if (error != 0)
		return error;
	if (t->locked)
		return err_set(e, EACCES, "table %s is locked", t->name);
	error = table_flush(engine_tables(c->en), t, e);
	engine_settle_tables(c->en);
	return error;
}

int
op_table_info(struct control *c, struct ctl_call *call, struct err *e)
{
	const struct obj_hdr *h = call->data;
	struct table *t = NULL;
	uint32_t *refs;
	int error = control_table(c, &h->ntlv, &t, e);

	if (error != 0)
		return error;
	refs = control_table_refs(c);
	if (refs == NULL)
		return err_set(e, ENOMEM, "no memory to count references");
	control_table_info(c, t, refs[t->kidx], info_of(call));
	free(refs);
	call->reply_len = sizeof(*h) + sizeof(struct table_info);
	return 0;
}

int
op_table_swap(struct control *c, struct ctl_call *call, struct err *e)
{
	const struct obj_hdr *h = call->data;
	const struct obj_ntlv *second = (const void *)(h + 1);
	struct table *a = NULL, *b = NULL;
	int error = control_table(c, &h->ntlv, &a, e);

	if (error == 0)
		error = control_table(c, second, &b, e);
	if (error != 0)
		return error;
	if (a->vmask != b->vmask)
		return err_set(e, EINVAL,
		    "tables %s and %s have values of different types", a->name,
		    b->name);
	if (a->locked || b->locked)
		return err_set(e, EACCES, "table %s is locked",
		    a->locked ? a->name : b->name);
	return tables_swap(engine_tables(c->en), a, b, e);
}

int
op_list_tables(struct control *c, struct ctl_call *call, struct err *e)
{
	const struct tables *ts = engine_tables(c->en);
	struct table_info *out;
	uint32_t *refs;
	unsigned n = 0;
	int error;

	for (unsigned k = 1; k < TABLES_MAX; k++)
		n += tables_at(ts, k) != NULL;
	error = op_list_begin(call, n, sizeof(*out), e);
	if (error != 0)
		return error;
	refs = control_table_refs(c);
	if (refs == NULL)
		return err_set(e, ENOMEM, "no memory to count references");
	out = (void *)((struct obj_lhdr *)call->data + 1);
	for (unsigned k = 1; k < TABLES_MAX; k++)
		if (tables_at(ts, k) != NULL)
			control_table_info(
			    c, tables_at(ts, k), refs[k], out++);
	free(refs);
	return 0;
}

int
op_list_algos(struct control *c, struct ctl_call *call, struct err *e)
{
	const struct tables *ts = engine_tables(c->en);
	const struct algo *a = algo_list;
	struct algo_info *out;
	unsigned n = 0;
	int error;

	while (algo_list[n].name != NULL)
		n++;
	error = op_list_begin(call, n, sizeof(*out), e);
	if (error != 0)
		return error;
	out = (void *)((struct obj_lhdr *)call->data + 1);
	for (; a->name != NULL; a++, out++) {
		memcpy(out->algoname, a->name, strlen(a->name));
		out->type = a->type;
		for (unsigned k = 1; k < TABLES_MAX; k++)
			out->refcnt += tables_at(ts, k) != NULL &&
			    algo_is(a, tables_at(ts, k)->algo);
	}
	return 0;
}

/* What a list of FreeBSD 8 would take for table N: the number becomes that. */
int
op_table_old_size(struct control *c, struct ctl_call *call, struct err *e)
{
	enum { OLD_HEAD = 20, OLD_ENTRY = 28 };
	const struct table *t;
	uint32_t number;
	char name[16];

	(void)e;
	memcpy(&number, (char *)call->data + sizeof(struct fw3_hdr),
	    sizeof(number));
	snprintf(name, sizeof(name), "%u", number);
	t = tables_find(engine_tables(c->en), name, 0);
	number = t != NULL ? table_count(engine_tables(c->en), t) : 0;
	number = number != 0 ? OLD_HEAD + number * OLD_ENTRY : 0;
	memcpy((char *)call->data + sizeof(struct fw3_hdr), &number,
	    sizeof(number));
	call->reply_len = sizeof(struct fw3_hdr) + sizeof(number);
	return 0;
}

static void
count_value(void *arg, uint32_t idx, uint32_t refs,
    const struct table_value *v)
{
	(void)idx, (void)refs, (void)v;
	++*(unsigned *)arg;
}

static void
put_value(void *arg, uint32_t idx, uint32_t refs, const struct table_value *v)
{
	struct table_value **at = arg, *out = (*at)++;

	*out = *v;
	out->spare = idx;
	out->mark = refs;
	out->unused = 0;
}

int
op_list_values(struct control *c, struct ctl_call *call, struct err *e)
{
	const struct tables *ts = engine_tables(c->en);
	struct table_value *out;
	unsigned n = 0;
	int error;

	tables_walk_values(ts, count_value, &n);
	error = op_list_begin(call, n, sizeof(*out), e);
	if (error != 0)
		return error;
	out = (void *)((struct obj_lhdr *)call->data + 1);
	tables_walk_values(ts, put_value, &out);
	return 0;
}
