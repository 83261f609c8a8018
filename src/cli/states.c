/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/states.h"

#include "cli/names.h"

#include <string.h>

#include <arpa/inet.h>

/* Reads the state at '*at' and steps over it; false at the end. */
static bool
next_state(const char *data, size_t len, size_t *at, struct abi_state *d)
{
	struct obj_tlv tlv;

	if (len - *at < sizeof(tlv))
		return false;
	memcpy(&tlv, data + *at, sizeof(tlv));
	if (tlv.type != TLV_DYN_ENT || tlv.length > len - *at ||
	    tlv.length < sizeof(tlv) + sizeof(*d))
		return false;
	memcpy(d, data + *at + sizeof(tlv), sizeof(*d));
	*at += tlv.length;
	return true;
}

unsigned
states_measure(const char *data, size_t len, struct print_opt *opt)
{
	struct abi_state d;
	unsigned n = 0;

	for (size_t at = 0; next_state(data, len, &at, &d); n++) {
		if (digits(d.pkts) > opt->pkts_width)
			opt->pkts_width = digits(d.pkts);
		if (digits(d.bytes) > opt->bytes_width)
			opt->bytes_width = digits(d.bytes);
	}
	return n;
}

static void
put_ends(struct text *t, const struct abi_flow_id *id)
{
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];
	uint32_t from = htonl(id->src), to = htonl(id->dst);

	if (id->family == 4) {
		inet_ntop(AF_INET, &from, src, sizeof(src));
		inet_ntop(AF_INET, &to, dst, sizeof(dst));
	} else if (id->family == 6) {
		inet_ntop(AF_INET6, id->src6, src, sizeof(src));
		inet_ntop(AF_INET6, id->dst6, dst, sizeof(dst));
	} else {
		text_f(t, " UNKNOWN <-> UNKNOWN");
		return;
	}
	text_f(t, " %s %u <-> %s %u", src, id->src_port, dst, id->dst_port);
}

/* A flag of both directions has a name of its own, and none of one then. */
static void
put_flags(struct text *t, const struct abi_state *d)
{
	static const struct name flags[] = {{"ORPHANED", 0x40000},
	    {"BOTH_SYN", 0x0202}, {"F_SYN", 0x02}, {"R_SYN", 0x0200},
	    {"BOTH_FIN", 0x0101}, {"F_FIN", 0x01}, {"R_FIN", 0x0100},
	    {NULL, 0}};
	uint32_t rest = d->state;

	text_f(t, " state 0x%08x%s", d->state, d->state != 0 ? " " : ",");
	for (const struct name *n = flags; n->s != NULL; n++)
		if ((rest & n->value) == n->value) {
			text_f(t, "%s,", n->s);
			rest &= ~(uint32_t)n->value;
		}
	text_f(t, " f_ack 0x%x, r_ack 0x%x", d->ack_fwd, d->ack_rev);
}

static void
put_name(struct text *t, unsigned idx, const struct print_opt *opt)
{
	for (unsigned k = 0; idx != 0 && k < opt->n_names; k++)
		if (opt->names[k].head.type == TLV_STATE_NAME &&
		    opt->names[k].idx == idx) {
			text_f(t, " :");
			text_safe(t, opt->names[k].name,
			    sizeof(opt->names[k].name));
			return;
		}
}

static void
put_state(struct text *t, const struct abi_state *d,
    const struct state_query *q)
{
	char buf[64];
	const char *proto = proto_name(d->id.proto, buf, sizeof(buf));

	text_f(t, "%05u", d->rule);
	if ((q->opt.flags & PRINT_COUNTERS) != 0)
		text_f(t, " %*llu %*llu (%us)", q->opt.pkts_width,
		    (unsigned long long)d->pkts, q->opt.bytes_width,
		    (unsigned long long)d->bytes, d->expire_s);
	if (d->type == O_LIMIT_PARENT)
		text_f(t, " PARENT %u", d->count);
	else if (d->type == O_LIMIT)
		text_f(t, " LIMIT");
	else if (d->type == O_KEEP_STATE)
		text_f(t, " STATE");
	if (proto != NULL)
		text_f(t, " %s", proto);
	else
		text_f(t, " proto %u", d->id.proto);
	put_ends(t, &d->id);
	put_name(t, d->name, &q->opt);
	if (q->verbose)
		put_flags(t, d);
	text_f(t, "\n");
}

void
states_print(struct text *t, const char *data, size_t len,
    const struct state_query *q)
{
	struct abi_state d;

	for (size_t at = 0; next_state(data, len, &at, &d);) {
		if (d.rule < q->lo || d.rule > q->hi ||
		    (q->set >= 0 && d.set != q->set))
			continue;
		if (d.expire_s == 0 && d.type != O_LIMIT_PARENT && !q->expired)
			continue;
		put_state(t, &d, q);
	}
}
