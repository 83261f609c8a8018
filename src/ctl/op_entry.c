/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is in a table.
 *
 *	add, delete	obj_hdr | obj_ctlv | obj_tentry, ...
 *	find		obj_hdr | obj_tentry
 *	list		obj_hdr -> obj_hdr | table_info | obj_tentry, ...
 *
 * The reply to add and delete tells for each entry what became of it, also when
 * it is an error: then those before it stay, or with CTF_ATOMIC are taken back.
 * A list longer than a message comes in parts: obj_hdr.spare tells how many
 * entries to leave out.
 */
#include "ctl/op.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One add or delete of several entries. */
struct change {
	struct tables *ts;
	struct table *t;
	struct obj_tentry *entries;
	uint32_t *old; /* values before, for taking back; 0 = none */
	unsigned n;
	struct err *e;
};

/* ---- keys and values between the wire and the tables ---- */

static int
flow_in(const struct tflow_entry *f, struct table_flow *out, struct err *e)
{
	if (f->af != 0 && f->af != 2 && f->af != AF_V6_LINUX &&
	    f->af != AF_V6_FREEBSD)
		return err_set(e, EINVAL, "address family %u", f->af);
	out->family = f->af == 0 ? 0 : f->af == 2 ? 4 : 6;
	out->proto = f->proto;
	out->sport = (uint16_t)(f->sport << 8 | f->sport >> 8);
	out->dport = (uint16_t)(f->dport << 8 | f->dport >> 8);
	if (out->family == 6) {
		memcpy(out->src, f->addr, 16);
		memcpy(out->dst, f->addr + 16, 16);
	} else {
		memcpy(out->src, f->addr, 4);
		memcpy(out->dst, f->addr + 4, 4);
	}
	return 0;
}

static void
flow_out(const struct table_flow *f, struct tflow_entry *out)
{
	size_t size = f->family == 6 ? 16 : 4;

	out->af = f->family == 0 ? 0 : f->family == 4 ? 2 : AF_V6_LINUX;
	out->proto = f->proto;
	out->sport = (uint16_t)(f->sport << 8 | f->sport >> 8);
	out->dport = (uint16_t)(f->dport << 8 | f->dport >> 8);
	memcpy(out->addr, f->src, size);
	memcpy(out->addr + size, f->dst, size);
}

static int
key_in(const struct table *t, const struct obj_tentry *en,
    struct table_key *out, struct err *e)
{
	int error = 0;

	memset(out, 0, sizeof(*out));
	out->len = en->masklen;
	switch (t->type) {
	case TABLE_ADDR:
		out->family = en->subtype == 2 ? 4 : 6;
		if (en->subtype != 2 && en->subtype != AF_V6_LINUX &&
		    en->subtype != AF_V6_FREEBSD)
			return err_set(e, EINVAL, "address family %u",
			    en->subtype);
		memcpy(out->addr, en->k.addr, out->family == 4 ? 4 : 16);
		break;
	case TABLE_MAC:
		memcpy(out->mac, en->k.mac, sizeof(out->mac));
		break;
	case TABLE_NUMBER:
		out->number = en->k.number;
		break;
	case TABLE_IFACE:
		memcpy(out->iface, en->k.iface, sizeof(out->iface));
		break;
	case TABLE_FLOW:
		error = flow_in(&en->k.flow, &out->flow, e);
		break;
	}
	return error != 0 ? error : table_key_fit(t, out, e);
}

static void
entry_out(const struct tables *ts, const struct table *t,
    const struct table_entry *from, struct obj_tentry *out)
{
	const struct table_key *k = &from->key;

	out->head = (struct obj_tlv){.type = TLV_TBL_ENT,
	    .length = sizeof(*out)};
	out->idx = t->kidx;
	out->masklen = k->len;
	memset(&out->k, 0, sizeof(out->k));
	switch (t->type) {
	case TABLE_ADDR:
		out->subtype = k->family == 4 ? 2 : AF_V6_LINUX;
		memcpy(out->k.addr, k->addr, sizeof(k->addr));
		break;
	case TABLE_MAC:
		memcpy(out->k.mac, k->mac, sizeof(k->mac));
		break;
	case TABLE_NUMBER:
		out->k.number = k->number;
		break;
	case TABLE_IFACE:
		memcpy(out->k.iface, k->iface, sizeof(k->iface));
		break;
	case TABLE_FLOW:
		flow_out(&k->flow, &out->k.flow);
		out->subtype = out->k.flow.af;
		break;
	}
	out->v = *tables_value(ts, from->value);
}

/* The members that a table's type of value has; a legacy value is one number
 * in all of them. */
static struct table_value
value_in(const struct table *t, const struct table_value *v)
{
	struct table_value out = {.tag = v->tag};

	if (t->vmask == VTYPE_LEGACY) {
		out = *v;
		out.spare = 0;
		out.unused = 0;
		if (out.mark == 0) /* clients before 14 */
			out.mark = out.tag;
		memset(out.spare0, 0, sizeof(out.spare0));
		return out;
	}
#define TAKE(bit, member) \
	out.member = (t->vmask & (bit)) != 0 ? v->member : 0
	TAKE(VTYPE_TAG, tag);
	TAKE(VTYPE_PIPE, pipe);
	TAKE(VTYPE_DIVERT, divert);
	TAKE(VTYPE_SKIPTO, skipto);
	TAKE(VTYPE_NETGRAPH, netgraph);
	TAKE(VTYPE_FIB, fib);
	TAKE(VTYPE_NAT, nat);
	TAKE(VTYPE_NH4, nh4);
	TAKE(VTYPE_DSCP, dscp);
	TAKE(VTYPE_LIMIT, limit);
	TAKE(VTYPE_MARK, mark);
#undef TAKE
	if ((t->vmask & VTYPE_NH6) != 0)
		memcpy(out.nh6, v->nh6, sizeof(out.nh6));
	return out;
}

/* ---- add and delete ---- */

static int
add_one(struct change *c, unsigned i)
{
	struct obj_tentry *en = &c->entries[i];
	struct table_value v = value_in(c->t, &en->v);
	struct table_key k;
	uint32_t value, there;
	int error = key_in(c->t, en, &k, c->e);

	if (error != 0)
		return error;
	there = table_get(c->ts, c->t, &k);
	if (there != 0 && (en->head.flags & TF_UPDATE) == 0) {
		en->result = TR_EXISTS;
		return err_set(c->e, EEXIST, "the record exists");
	}
	if (there == 0 && c->t->limit != 0 &&
	    table_count(c->ts, c->t) >= c->t->limit) {
		en->result = TR_LIMIT;
		return err_set(c->e, EFBIG, "table %s is limited to %u records",
		    c->t->name, c->t->limit);
	}
	value = tables_value_ref(c->ts, &v, c->t->counters);
	if (value == 0)
		return err_set(c->e, ENOMEM, "no memory for a value");
	error = table_set(c->ts, c->t, &k, value, &c->old[i]);
	if (error != 0) {
		tables_value_put(c->ts, value);
		return err_set(c->e, -error, "no memory for a record");
	}
	en->result = there != 0 ? TR_UPDATED : TR_ADDED;
	return 0;
}

static int
delete_one(struct change *c, unsigned i)
{
	struct obj_tentry *en = &c->entries[i];
	struct table_key k;
	int error = key_in(c->t, en, &k, c->e);

	if (error != 0)
		return error;
	error = table_delete(c->ts, c->t, &k, &c->old[i]);
	if (error == -ENOENT) {
		en->result = TR_NOTFOUND;
		return err_set(c->e, ENOENT, "the record is not there");
	}
	if (error != 0)
		return err_set(c->e, -error, "no memory to delete a record");
	en->v = *tables_value(c->ts, c->old[i]);
	en->result = TR_DELETED;
	return 0;
}

/* Takes back what was done to the entries before 'n', the last one first. */
static void
take_back(struct change *c, unsigned n)
{
	while (n-- > 0) {
		struct table_key k;
		uint32_t now = 0;

		if (c->entries[n].result == TR_IGNORED ||
		    key_in(c->t, &c->entries[n], &k, NULL) != 0)
			continue;
		if (c->entries[n].result == TR_ADDED)
			table_delete(c->ts, c->t, &k, &now);
		else
			table_set(c->ts, c->t, &k, c->old[n], &now);
		c->old[n] = 0;
		tables_value_put(c->ts, now);
	}
}

/* The entries of a request, if they lie within it. */
static int
entries_of(struct ctl_call *call, struct change *c)
{
	struct obj_ctlv *l = (void *)((struct obj_hdr *)call->data + 1);
	size_t left = call->len - sizeof(struct obj_hdr);

	if (left < sizeof(*l) || l->head.length != left || l->count == 0 ||
	    (left - sizeof(*l)) / sizeof(struct obj_tentry) != l->count ||
	    (left - sizeof(*l)) % sizeof(struct obj_tentry) != 0)
		return err_set(c->e, EINVAL, "malformed list of records");
	c->n = l->count;
	c->entries = (void *)(l + 1);
	for (unsigned i = 0; i < c->n; i++) {
		if (c->entries[i].head.length != sizeof(struct obj_tentry))
			return err_set(c->e, EINVAL, "malformed record %u",
			    i + 1);
		c->entries[i].result = TR_IGNORED;
	}
	return 0;
}

static int
change_all(struct change *c, bool add, bool atomic)
{
	for (unsigned i = 0; i < c->n; i++) {
		int error = add ? add_one(c, i) : delete_one(c, i);

		if (error == 0)
			continue;
		if (c->entries[i].result == TR_IGNORED)
			c->entries[i].result = TR_ERROR;
		if (atomic)
			take_back(c, i);
		return error;
	}
	return 0;
}

static int
change(struct control *ctl, struct ctl_call *call, bool add, struct err *e)
{
	const struct obj_hdr *h = call->data;
	const struct obj_ctlv *l = (const void *)(h + 1);
	struct change c = {.ts = engine_tables(ctl->en), .e = e};
	int error = control_table(ctl, &h->ntlv, &c.t, e);

	if (error == 0)
		error = entries_of(call, &c);
	if (error != 0)
		return error;
	call->reply_len = call->len;
	if (c.t->locked)
		return err_set(e, EACCES, "table %s is locked", c.t->name);
	c.old = calloc(c.n, sizeof(*c.old));
	if (c.old == NULL || !limbo_reserve(tables_limbo(c.ts), 2 * c.n)) {
		free(c.old);
		return err_set(e, ENOMEM, "no memory for %u records", c.n);
	}
	error = change_all(&c, add, (l->flags & CTF_ATOMIC) != 0);
	for (unsigned i = 0; i < c.n; i++)
		if (limbo_reserve(tables_limbo(c.ts), 1))
			tables_value_put(c.ts, c.old[i]);
	free(c.old);
	engine_settle_tables(ctl->en);
	return error;
}

int
op_entry_add(struct control *c, struct ctl_call *call, struct err *e)
{
	return change(c, call, true, e);
}

int
op_entry_delete(struct control *c, struct ctl_call *call, struct err *e)
{
	return change(c, call, false, e);
}

/* ---- find and list ---- */

int
op_entry_find(struct control *c, struct ctl_call *call, struct err *e)
{
	const struct obj_hdr *h = call->data;
	struct obj_tentry *en = (void *)((struct obj_hdr *)call->data + 1);
	const struct tables *ts = engine_tables(c->en);
	struct table_entry found;
	struct table *t = NULL;
	struct table_key k;
	int error = control_table(c, &h->ntlv, &t, e);

	if (error == 0 && t->exact) /* whatever length was asked for */
		en->masklen = en->subtype == 2 ? t->mask4 : t->mask6;
	if (error == 0)
		error = key_in(t, en, &k, e);
	if (error != 0)
		return error;
	if (!table_find(ts, t, &k, &found))
		return err_set(e, ENOENT, "the record is not there");
	entry_out(ts, t, &found, en);
	call->reply_len = sizeof(*h) + sizeof(*en);
	return 0;
}

int
op_entry_list(struct control *c, struct ctl_call *call, struct err *e)
{
	struct obj_hdr *h = call->data;
	struct table_info *info = (void *)(h + 1);
	size_t head = sizeof(*h) + sizeof(*info), one;
	struct tables *ts = engine_tables(c->en);
	struct table *t = NULL;
	struct table_entry *all;
	unsigned char *at;
	uint32_t n, skip = h->spare;
	int error = control_table(c, &h->ntlv, &t, e);

	if (error != 0)
		return error;
	if (call->room < head)
		return err_set(e, ENOMEM, "the list needs %zu octets", head);
	control_table_info(c, t, 0, info);
	one = sizeof(struct obj_tentry) +
	    (t->counters ? sizeof(struct table_hits) : 0);
	call->reply_len = head;
	if (info->size > CTL_MAX_PAYLOAD || skip != 0) {
		/* In parts: as much as there is room for. */
		info->size = (uint32_t)call->room;
	}
	if (call->room < info->size)
		return err_set(e, ENOMEM, "the list needs %u octets",
		    info->size);
	all = table_entries(ts, t, &n);
	if (all == NULL)
		return err_set(e, ENOMEM, "no memory for %u records", n);
	at = (unsigned char *)(info + 1);
	for (; skip < n && call->room - call->reply_len >= one; skip++) {
		struct obj_tentry *out = (void *)at;

		memset(out, 0, sizeof(*out));
		entry_out(ts, t, &all[skip], out);
		out->head.length = (uint32_t)one;
		if (t->counters)
			memcpy(out + 1,
			    &(struct table_hits){all[skip].pkts,
				all[skip].bytes},
			    sizeof(struct table_hits));
		at += one;
		call->reply_len += one;
	}
	free(all);
	return 0;
}
