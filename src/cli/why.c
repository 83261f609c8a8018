/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/why.h"

#include "cli/names.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum { P_ICMP = 1, P_TCP = 6, P_UDP = 17, P_ICMP6 = 58 };

/* What a test asks, and of which packet. */
struct seen {
	const struct trial_facts *f;
	const struct trial_reply *r;
	const struct insn *i;
	bool out;
	uint32_t value;
};

typedef void seen_fn(struct text *t, const struct seen *s);

enum needs { /* or the test does not apply */
	ANY,
	IP,
	IP4,
	IP6,
	TCP,
	PORTS,
	ICMP,
	ICMP6,
};

/* ---- pieces ---- */

static void
put_addr(struct text *t, const struct trial_facts *f, const uint8_t *addr)
{
	char buf[INET6_ADDRSTRLEN];
	int family = (f->flags & TRIAL_IP6) != 0 ? AF_INET6 : AF_INET;

	text_f(t, "%s", inet_ntop(family, addr, buf, sizeof(buf)) != NULL ?
	    buf : "?");
}

static void
put_proto(struct text *t, unsigned proto)
{
	char buf[64];
	const char *name = proto == P_ICMP6 ? "icmp6" :
					      proto_name(proto, buf, sizeof(buf));

	if (name != NULL)
		text_f(t, "%s", name);
	else
		text_f(t, "protocol %u", proto);
}

/* Names of the bits that are set, or 'none'. */
static void
put_bits(struct text *t, const struct name *table, unsigned bits,
    const char *none)
{
	const char *comma = "";
	unsigned done = 0;

	for (; table->s != NULL; table++) {
		if ((bits & table->value) == 0 || (done & table->value) != 0)
			continue;
		text_f(t, "%s%s", comma, table->s);
		done |= table->value;
		comma = ",";
	}
	if (done == 0)
		text_f(t, "%s", none);
}

static void
put_mac(struct text *t, const uint8_t *m)
{
	text_f(t, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3],
	    m[4], m[5]);
}

void
why_dscp(struct text *t, unsigned tos)
{
	const char *name = name_of(names_dscp, tos >> 2);

	if (name != NULL)
		text_f(t, "%s", name);
	else
		text_f(t, "%u", tos >> 2);
}

static void
put_ethertype(struct text *t, unsigned type)
{
	const char *name = name_of(names_ethertype, type);

	if (name != NULL)
		text_f(t, "%s", name);
	else
		text_f(t, "ethertype 0x%04x", type);
}

/* ---- what a packet has, one function a shape of test ---- */

static void
has_src(struct text *t, const struct seen *s)
{
	text_f(t, "packet has ");
	put_addr(t, s->f, s->f->src);
}

static void
has_dst(struct text *t, const struct seen *s)
{
	text_f(t, "packet has ");
	put_addr(t, s->f, s->f->dst);
}

static void
has_sport(struct text *t, const struct seen *s)
{
	text_f(t, "packet has %u", s->f->sport);
}

static void
has_dport(struct text *t, const struct seen *s)
{
	text_f(t, "packet has %u", s->f->dport);
}

static void
has_proto(struct text *t, const struct seen *s)
{
	text_f(t, "packet is ");
	put_proto(t, s->f->proto);
}

static void
has_family(struct text *t, const struct seen *s)
{
	if ((s->f->flags & (TRIAL_IP4 | TRIAL_IP6)) != 0) {
		text_f(t, "packet is IPv%d",
		    (s->f->flags & TRIAL_IP4) != 0 ? 4 : 6);
		return;
	}
	text_f(t, "packet is not IP but ");
	put_ethertype(t, s->f->ethertype);
}

static void
has_macs(struct text *t, const struct seen *s)
{
	text_f(t, "packet has ");
	put_mac(t, s->f->macs);
	text_f(t, " ");
	put_mac(t, s->f->macs + 6);
}

static void
has_src_mac(struct text *t, const struct seen *s)
{
	text_f(t, "packet has ");
	put_mac(t, s->f->macs + 6);
}

static void
has_dst_mac(struct text *t, const struct seen *s)
{
	text_f(t, "packet has ");
	put_mac(t, s->f->macs);
}

static void
has_ethertype(struct text *t, const struct seen *s)
{
	text_f(t, "packet has ");
	put_ethertype(t, s->f->ethertype);
}

static void
has_way(struct text *t, const struct seen *s)
{
	text_f(t, "packet is on its way %s", s->out ? "out" : "in");
}

static void
put_if(struct text *t, const char name[16], const char *how)
{
	if (name[0] == '\0') {
		text_f(t, "no interface was said");
		return;
	}
	text_f(t, "packet %s ", how);
	text_safe(t, name, 16);
}

static void
has_recv(struct text *t, const struct seen *s)
{
	put_if(t, s->r->in_if, "came in by");
}

static void
has_xmit(struct text *t, const struct seen *s)
{
	if (s->out)
		put_if(t, s->r->out_if, "goes out by");
	else
		has_way(t, s);
}

static void
has_via(struct text *t, const struct seen *s)
{
	if (s->out)
		has_xmit(t, s);
	else
		has_recv(t, s);
}

static void
has_layer2(struct text *t, const struct seen *s)
{
	(void)s;
	text_f(t, "packet has its Ethernet header");
}

static void
has_flow(struct text *t, const struct seen *s)
{
	text_f(t, "packet has ");
	why_packet(t, s->f);
}

static void
has_frag(struct text *t, const struct seen *s)
{
	if ((s->f->flags & (TRIAL_FRAG | TRIAL_IP6)) == TRIAL_IP6) {
		text_f(t, "packet is no fragment");
		return;
	}
	text_f(t, "packet has ");
	put_bits(t, names_frag, s->f->frag, "none of them");
}

static void
has_iplen(struct text *t, const struct seen *s)
{
	text_f(t, "packet has %u", s->f->ip_len);
}

static void
has_ipid(struct text *t, const struct seen *s)
{
	text_f(t, "packet has %u", s->f->ip_id);
}

static void
has_ttl(struct text *t, const struct seen *s)
{
	text_f(t, "packet has %u", s->f->ttl);
}

static void
has_tos(struct text *t, const struct seen *s)
{
	text_f(t, "packet has 0x%02x", s->value);
}

static void
has_precedence(struct text *t, const struct seen *s)
{
	text_f(t, "packet has %u", s->value >> 5);
}

static void
has_dscp(struct text *t, const struct seen *s)
{
	text_f(t, "packet has ");
	why_dscp(t, s->value);
}

static void
has_ipopts(struct text *t, const struct seen *s)
{
	text_f(t, "packet has ");
	put_bits(t, names_ipopts, s->f->ip_opts, "none");
}

static void
has_tcpflags(struct text *t, const struct seen *s)
{
	text_f(t, "packet has ");
	put_bits(t, names_tcpflags, s->f->tcp_flags, "no flags");
}

static void
has_tcpopts(struct text *t, const struct seen *s)
{
	text_f(t, "packet has ");
	put_bits(t, names_tcpopts, s->f->tcp_opts, "none");
}

static void
has_window(struct text *t, const struct seen *s)
{
	text_f(t, "packet has %u", s->f->tcp_win);
}

static void
has_seq(struct text *t, const struct seen *s)
{
	text_f(t, "packet has %u", s->f->tcp_seq);
}

static void
has_ack(struct text *t, const struct seen *s)
{
	text_f(t, "packet has %u", s->f->tcp_ack);
}

static void
has_data(struct text *t, const struct seen *s)
{
	text_f(t, "packet has %u", s->f->tcp_data);
}

static void
has_mss(struct text *t, const struct seen *s)
{
	if ((s->f->tcp_opts & TCPOPT_MSS) != 0)
		text_f(t, "packet has %u", s->f->tcp_mss);
	else
		text_f(t, "packet has none");
}

static void
has_icmp(struct text *t, const struct seen *s)
{
	text_f(t, "packet has %u", s->f->tcp_flags);
}

static void
has_label(struct text *t, const struct seen *s)
{
	text_f(t, "packet has %u", s->f->flow_label);
}

static void
has_ext(struct text *t, const struct seen *s)
{
	text_f(t, "packet has ");
	put_bits(t, names_ext6hdr, s->f->ext, "none");
}

static void
has_tag(struct text *t, const struct seen *s)
{
	if (s->value == 0)
		text_f(t, "packet has no tag");
	else
		text_f(t, "packet has %u, set last", s->value);
}

static void
has_mark(struct text *t, const struct seen *s)
{
	text_f(t, "packet has 0x%x", s->value);
}

static void
has_diverted(struct text *t, const struct seen *s)
{
	(void)s;
	text_f(t, "packet does not come from a divert listener");
}

static void
has_state(struct text *t, const struct seen *s)
{
	(void)s;
	text_f(t, "packet has no state");
}

/* lookup KEY TABLE */
static void
has_key(struct text *t, const struct seen *s)
{
	static seen_fn *const keys[] = {has_dst, has_src, has_dport, has_sport,
	    NULL, NULL, has_dscp, has_dst_mac, has_src_mac};
	uint32_t key = s->i->opcode == O_TABLE_LOOKUP ? insn_args(s->i)[0] :
	    insn_words(s->i) == 3		      ? insn_args(s->i)[1] :
							0;

	if (key == 6) { /* dscp: of the packet as it came */
		text_f(t, "packet has ");
		why_dscp(t, s->f->tos);
	} else if (key < ARRAY_LEN(keys) && keys[key] != NULL) {
		keys[key](t, s);
	} else {
		text_f(t, "packet has another");
	}
}

/* ---- one row an opcode ---- */

static const struct {
	enum needs needs;
	seen_fn *has;
} rows[O_LAST] = {
    [O_IP_SRC] = {IP4, has_src},
    [O_IP_SRC_MASK] = {IP4, has_src},
    [O_IP_SRC_SET] = {IP4, has_src},
    [O_IP_SRC_ME] = {IP, has_src},
    [O_IP_SRC_LOOKUP] = {IP, has_src},
    [O_IP_DST] = {IP4, has_dst},
    [O_IP_DST_MASK] = {IP4, has_dst},
    [O_IP_DST_SET] = {IP4, has_dst},
    [O_IP_DST_ME] = {IP, has_dst},
    [O_IP_DST_LOOKUP] = {ANY, has_key},
    [O_IP_SRCPORT] = {PORTS, has_sport},
    [O_IP_DSTPORT] = {PORTS, has_dport},
    [O_PROTO] = {IP, has_proto},
    [O_IP4] = {ANY, has_family},
    [O_IP6] = {ANY, has_family},
    [O_IPVER] = {ANY, has_family},
    [O_MACADDR2] = {ANY, has_macs},
    [O_MAC_TYPE] = {ANY, has_ethertype},
    [O_MAC_SRC_LOOKUP] = {ANY, has_src_mac},
    [O_MAC_DST_LOOKUP] = {ANY, has_dst_mac},
    [O_IP_FLOW_LOOKUP] = {IP, has_flow},
    [O_TABLE_LOOKUP] = {ANY, has_key},
    [O_LAYER2] = {ANY, has_layer2},
    [O_IN] = {ANY, has_way},
    [O_RECV] = {ANY, has_recv},
    [O_XMIT] = {ANY, has_xmit},
    [O_VIA] = {ANY, has_via},
    [O_FRAG] = {IP, has_frag},
    [O_IPOPT] = {IP4, has_ipopts},
    [O_IPLEN] = {IP, has_iplen},
    [O_IPID] = {IP4, has_ipid},
    [O_IPTOS] = {IP4, has_tos},
    [O_IPPRECEDENCE] = {IP4, has_precedence},
    [O_IPTTL] = {IP4, has_ttl},
    [O_DSCP] = {IP, has_dscp},
    [O_ESTAB] = {TCP, has_tcpflags},
    [O_TCPFLAGS] = {TCP, has_tcpflags},
    [O_TCPWIN] = {TCP, has_window},
    [O_TCPSEQ] = {TCP, has_seq},
    [O_TCPACK] = {TCP, has_ack},
    [O_TCPOPTS] = {TCP, has_tcpopts},
    [O_TCPDATALEN] = {TCP, has_data},
    [O_TCPMSS] = {TCP, has_mss},
    [O_ICMPTYPE] = {ICMP, has_icmp},
    [O_ICMP6TYPE] = {ICMP6, has_icmp},
    [O_IP6_SRC] = {IP6, has_src},
    [O_IP6_SRC_ME] = {IP6, has_src},
    [O_IP6_SRC_MASK] = {IP6, has_src},
    [O_IP6_DST] = {IP6, has_dst},
    [O_IP6_DST_ME] = {IP6, has_dst},
    [O_IP6_DST_MASK] = {IP6, has_dst},
    [O_FLOW6ID] = {IP6, has_label},
    [O_EXT_HDR] = {IP6, has_ext},
    [O_TAGGED] = {ANY, has_tag},
    [O_MARK] = {ANY, has_mark},
    [O_DIVERTED] = {ANY, has_diverted},
    [O_CHECK_STATE] = {ANY, has_state},
};

/* True if the packet is of a kind that the test can be asked of. */
static bool
meets(const struct trial_facts *f, enum needs needs)
{
	unsigned flags = f->flags;
	bool l4 = (flags & TRIAL_L4) != 0;

	switch (needs) {
	case ANY:
		return true;
	case IP:
		return (flags & (TRIAL_IP4 | TRIAL_IP6)) != 0;
	case IP4:
		return (flags & TRIAL_IP4) != 0;
	case IP6:
		return (flags & TRIAL_IP6) != 0;
	case TCP:
		return l4 && f->proto == P_TCP;
	case PORTS:
		return (flags & TRIAL_PORTS) != 0;
	case ICMP:
		return l4 && f->proto == P_ICMP && (flags & TRIAL_IP4) != 0;
	case ICMP6:
		return l4 && f->proto == P_ICMP6 && (flags & TRIAL_IP6) != 0;
	}
	return true;
}

/* Why the test is none for this packet. */
static void
put_kind(struct text *t, const struct seen *s, enum needs needs)
{
	unsigned flags = s->f->flags;

	if (needs == IP || needs == IP4 || needs == IP6 ||
	    (flags & (TRIAL_IP4 | TRIAL_IP6)) == 0)
		has_family(t, s);
	else if ((flags & TRIAL_LATER_FRAG) != 0)
		text_f(t, "packet is a later fragment");
	else
		has_proto(t, s);
}

void
why_not(struct text *t, const struct insn *i, const struct trial_reply *r,
    bool out, uint32_t value)
{
	const struct seen s = {.f = &r->facts, .r = r, .i = i, .out = out,
	    .value = value};

	if (i->opcode >= O_LAST || rows[i->opcode].has == NULL)
		text_f(t, "packet has another");
	else if (!meets(s.f, rows[i->opcode].needs))
		put_kind(t, &s, rows[i->opcode].needs);
	else
		rows[i->opcode].has(t, &s);
}

/* ---- the packet itself ---- */

static void
put_end(struct text *t, const struct trial_facts *f, const uint8_t *addr,
    unsigned port)
{
	bool ports = (f->flags & TRIAL_PORTS) != 0;
	bool six = (f->flags & TRIAL_IP6) != 0;

	text_f(t, six && ports ? "[" : "");
	put_addr(t, f, addr);
	text_f(t, six && ports ? "]" : "");
	if (ports)
		text_f(t, ":%u", port);
}

void
why_packet(struct text *t, const struct trial_facts *f)
{
	if (f->bad != 0) {
		text_f(t, "broken packet");
		return;
	}
	if ((f->flags & (TRIAL_IP4 | TRIAL_IP6)) == 0) {
		put_ethertype(t, f->ethertype);
		return;
	}
	put_proto(t, f->proto);
	text_f(t, " ");
	put_end(t, f, f->src, f->sport);
	text_f(t, " > ");
	put_end(t, f, f->dst, f->dport);
	if (meets(f, TCP)) {
		text_f(t, " ");
		put_bits(t, names_tcpflags, f->tcp_flags, "no flags");
	}
	if (meets(f, ICMP) || meets(f, ICMP6))
		text_f(t, " type %u", f->tcp_flags);
	if ((f->flags & TRIAL_FRAG) != 0)
		text_f(t, (f->flags & TRIAL_LATER_FRAG) != 0 ?
		    " later fragment" : " first fragment");
}
