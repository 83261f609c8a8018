/* SPDX-License-Identifier: BSD-2-Clause */
#include "rule/match.h"

#include "base/bytes.h"
#include "packet/proto.h"
#include "rule/explain.h"
#include "rule/lookup.h"
#include "rule/opt.h"

#include <fnmatch.h>
#include <string.h>

_Static_assert((int)PKT_FRAG_OFFSET == (int)FRAG_OFFSET &&
	(int)PKT_FRAG_MF == (int)FRAG_MF, "frag bits");
_Static_assert((int)PKT_EXT_RTHDR2 == (int)EXT_RTHDR2, "ext bits");

/* ---- what tests compare ---- */

static inline const uint8_t *
ip_hdr(const struct pkt *p)
{
	return p->data + p->l3;
}

static inline const uint8_t *
l4_hdr(const struct pkt *p)
{
	return p->data + p->l4;
}

static inline bool
is_ip4(const struct pkt *p)
{
	return (p->flags & PKT_IP4) != 0;
}

static inline bool
is_ip6(const struct pkt *p)
{
	return (p->flags & PKT_IP6) != 0;
}

/* A TCP header that is all there, in the first fragment. */
static inline bool
is_tcp(const struct pkt *p)
{
	return p->proto == PROTO_TCP && (p->flags & PKT_L4) != 0;
}

/* 'v' lies in one of the ranges of a list instruction; a list of one value
 * keeps it in arg1 and has no ranges. */
static bool
in_list(const struct insn *i, unsigned v)
{
	const uint16_t *r = (const uint16_t *)(const void *)(i + 1);

	if (insn_words(i) == 1)
		return v == i->arg1;
	for (unsigned n = insn_words(i) - 1; n > 0; n--, r += 2) {
		if (v >= r[0] && v <= r[1])
			return true;
	}
	return false;
}

/* Low byte of arg1: bits that must be set; high byte: that must be clear. */
static inline bool
bits_match(const struct insn *i, unsigned bits)
{
	unsigned set = i->arg1 & 0xff, clear = i->arg1 >> 8;

	return (bits & set) == set && (bits & clear) == 0;
}

/* ---- one helper per shape of test ---- */

static bool
match_ip4_mask(const struct insn *i, uint32_t addr)
{
	const uint32_t *w = insn_args(i);

	for (unsigned n = (insn_words(i) - 1) / 2; n > 0; n--, w += 2) {
		if (w[0] == (addr & w[1]))
			return true;
	}
	return false;
}

/* arg1 addresses from a base in host order, one bit each. */
static bool
match_ip4_set(const struct insn *i, uint32_t addr)
{
	const uint32_t *w = insn_args(i);
	uint32_t n = __builtin_bswap32(addr) - w[0];

	return n < i->arg1 && (w[1 + n / 32] >> (n % 32) & 1) != 0;
}

/* The address at octet 'ofs' of an IPv6 header. */
static bool
match_ip6(const struct insn *i, const struct pkt *p, unsigned ofs)
{
	return is_ip6(p) && memcmp(ip_hdr(p) + ofs, insn_args(i), 16) == 0;
}

static bool
match_ip6_mask(const struct insn *i, const struct pkt *p, unsigned ofs)
{
	const uint32_t *w = insn_args(i);
	uint32_t a[4];

	if (!is_ip6(p))
		return false;
	memcpy(a, ip_hdr(p) + ofs, sizeof(a));
	for (unsigned n = (insn_words(i) - 1) / 8; n > 0; n--, w += 8) {
		if (((a[0] & w[4]) ^ w[0]) == 0 && ((a[1] & w[5]) ^ w[1]) == 0 &&
		    ((a[2] & w[6]) ^ w[2]) == 0 && ((a[3] & w[7]) ^ w[3]) == 0)
			return true;
	}
	return false;
}

static bool
match_mac(const struct insn *i, const struct pkt *p)
{
	const struct insn_mac *m = (const struct insn_mac *)(const void *)i;

	for (unsigned n = 0; n < sizeof(m->addr); n++) {
		if ((p->data[n] & m->mask[n]) != m->addr[n])
			return false;
	}
	return true;
}

/* Asks a table; what it answers is the tablearg from then on. */
static bool
match_table(const struct insn *i, const struct pass *pass,
    const struct pkt *p, const char *ifname, struct answers *a)
{
	uint32_t idx = lookup_insn(i, pass->tables, p, ifname, a);

	if (pass->lookup_use != NULL)
		pass->lookup_use->asked++;
	if (idx == 0)
		return false;
	a->tablearg = idx;
	return true;
}

/* The same without a trace that it was asked. */
static bool
peek_table(const struct insn *i, const struct pass *pass,
    const struct pkt *p, const char *ifname, struct answers *a)
{
	uint32_t idx = lookup_peek(i, pass->tables, p, ifname);

	if (idx != 0)
		a->tablearg = idx;
	return idx != 0;
}

/* The interface a packet came in by, or would leave by. */
static inline bool
match_if(const struct insn *i, const struct pass *pass, const struct pkt *p,
    const char *name, struct answers *a, const bool dry)
{
	const struct insn_if *f = (const struct insn_if *)(const void *)i;

	if (f->name[0] == '\1')
		return dry ? peek_table(i, pass, p, name, a) :
			     match_table(i, pass, p, name, a);
	if (f->name[0] == '\0') /* by address: ports here have none */
		return false;
	if (f->p.glob == 1)
		return fnmatch(f->name, name, 0) == 0;
	return strncmp(f->name, name, sizeof(f->name)) == 0;
}

static bool
match_frag(const struct insn *i, const struct pkt *p)
{
	if (i->arg1 == 0 || (is_ip6(p) && i->arg1 == FRAG_OFFSET))
		return (p->flags & PKT_LATER_FRAG) != 0;
	return is_ip4(p) && bits_match(i, p->frag); /* IPv6 has no flags */
}

/* iptos tests bits of the whole octet, dscp of its upper six. */
static unsigned
traffic_class(const struct pkt *p)
{
	const uint8_t *h = ip_hdr(p);

	return is_ip4(p) ? h[1] : (unsigned)(get16(h) >> 4 & 0xff);
}

static bool
match_dscp(const struct insn *i, const struct pkt *p)
{
	unsigned dscp;

	if ((p->flags & PKT_IP) == 0)
		return false;
	dscp = traffic_class(p) >> 2;
	return (insn_args(i)[dscp / 32] >> (dscp % 32) & 1) != 0;
}

static bool
match_ipopt(const struct insn *i, const struct pkt *p)
{
	return is_ip4(p) && bits_match(i, opt_ip4(p));
}

static bool
match_tcpopt(const struct insn *i, const struct pkt *p)
{
	struct opt_tcp o;

	if (!is_tcp(p))
		return false;
	opt_tcp(p, &o);
	return bits_match(i, o.seen);
}

/* The MSS that a SYN announces. */
static inline __attribute__((always_inline)) bool
match_tcpmss(const struct insn *i, const struct pkt *p)
{
	struct opt_tcp o;

	if (!is_tcp(p) || (p->tcp_flags & TH_SYN) == 0)
		return false;
	opt_tcp(p, &o);
	return (o.seen & TCPOPT_MSS) != 0 && in_list(i, o.mss);
}

/* An address of this machine, of either family: 'me' is both. */
static bool
match_me(const struct pass *pass, const struct pkt *p, uint32_t addr4,
    unsigned ofs6)
{
	return is_ip4(p) ? me_has4(pass->me, addr4) :
			   is_ip6(p) && me_has6(pass->me, p, ofs6);
}

/* Payload octets as the headers tell, not as the frame holds. */
static inline __attribute__((always_inline)) bool
match_tcpdatalen(const struct insn *i, const struct pkt *p)
{
	unsigned hdrs;

	if (!is_tcp(p))
		return false;
	hdrs = (unsigned)p->l4 - p->l3 + (unsigned)(l4_hdr(p)[12] >> 4) * 4;
	return p->ip_len >= hdrs && in_list(i, p->ip_len - hdrs);
}

static bool
match_icmp(const struct insn *i, const struct pkt *p)
{
	unsigned type = p->tcp_flags;

	return p->proto == PROTO_ICMP && is_ip4(p) &&
	    (p->flags & PKT_L4) != 0 && type < 32 &&
	    (insn_args(i)[0] >> type & 1) != 0;
}

static bool
match_icmp6(const struct insn *i, const struct pkt *p)
{
	unsigned type = p->tcp_flags;

	return p->proto == PROTO_ICMP6 && is_ip6(p) &&
	    (p->flags & PKT_L4) != 0 && type < 7 * 32 &&
	    (insn_args(i)[type / 32] >> (type % 32) & 1) != 0;
}

/* The flow label alone, as the man page has it. */
static bool
match_flow6id(const struct insn *i, const struct pkt *p)
{
	uint32_t label;

	if (!is_ip6(p))
		return false;
	label = get32(ip_hdr(p)) & 0xfffff;
	for (unsigned n = 0; n < i->arg1; n++) {
		if (insn_args(i)[n] == label)
			return true;
	}
	return false;
}

/* Everything but a SYN that neither acknowledges nor resets. */
static bool
match_estab(const struct pkt *p)
{
	return is_tcp(p) &&
	    (p->tcp_flags & (TH_RST | TH_ACK | TH_SYN)) != TH_SYN;
}

/* Any tag of the packet in the list. */
static inline __attribute__((always_inline)) bool
match_tagged(const struct insn *i, const struct pass *pass,
    const struct pkt *p, uint32_t tablearg)
{
	const uint16_t *r = (const uint16_t *)(const void *)(i + 1);
	uint32_t one = i->arg1;

	if (p->tags == 0)
		return false;
	if (insn_words(i) == 1) {
		if (one == TABLEARG)
			one = tables_value(pass->tables, tablearg)->tag;
		return one <= UINT16_MAX &&
		    tag_find(pass->tags, p->tags, (uint16_t)one, (uint16_t)one);
	}
	for (unsigned n = insn_words(i) - 1; n > 0; n--, r += 2) {
		if (tag_find(pass->tags, p->tags, r[0], r[1]))
			return true;
	}
	return false;
}

static bool
match_mark(const struct insn *i, const struct pass *pass,
    const struct pkt *p, uint32_t tablearg)
{
	uint32_t want = insn_args(i)[0];

	if (i->arg1 == TABLEARG)
		want = tables_value(pass->tables, tablearg)->mark;
	return ((p->mark ^ want) & insn_args(i)[1]) == 0;
}

/* One test, before its 'not'; 'a' is what tables said so far; with 'dry' (a
 * constant) nothing is counted.  A flat switch: one row an opcode.  It is compiled
 * into the loops, helpers included: the copies for explaining would else move some
 * of them out of the rules' loop. */
static inline __attribute__((always_inline)) bool
match_one(const struct insn *i, const struct pass *pass, const struct pkt *p,
    struct answers *a, const bool dry)
{
	switch (i->opcode) {
	case O_NOP:
	case O_PROBE_STATE: /* what they do is done in match_stateful() */
	case O_KEEP_STATE:
	case O_LIMIT:
	case O_SKIP_ACTION:
		return true;
	case O_IP_SRC:
		return is_ip4(p) && p->src4 == insn_args(i)[0];
	case O_IP_DST:
		return is_ip4(p) && p->dst4 == insn_args(i)[0];
	case O_IP_SRC_MASK:
		return is_ip4(p) && match_ip4_mask(i, p->src4);
	case O_IP_DST_MASK:
		return is_ip4(p) && match_ip4_mask(i, p->dst4);
	case O_IP_SRC_SET:
		return is_ip4(p) && match_ip4_set(i, p->src4);
	case O_IP_DST_SET:
		return is_ip4(p) && match_ip4_set(i, p->dst4);
	case O_IP6_SRC:
		return match_ip6(i, p, 8);
	case O_IP6_DST:
		return match_ip6(i, p, 24);
	case O_IP6_SRC_MASK:
		return match_ip6_mask(i, p, 8);
	case O_IP6_DST_MASK:
		return match_ip6_mask(i, p, 24);
	case O_IP_SRC_ME:
		return match_me(pass, p, p->src4, 8);
	case O_IP_DST_ME:
		return match_me(pass, p, p->dst4, 24);
	case O_IP6_SRC_ME:
		return is_ip6(p) && me_has6(pass->me, p, 8);
	case O_IP6_DST_ME:
		return is_ip6(p) && me_has6(pass->me, p, 24);
	case O_IP_SRCPORT:
		return (p->flags & PKT_PORTS) != 0 && in_list(i, p->sport);
	case O_IP_DSTPORT:
		return (p->flags & PKT_PORTS) != 0 && in_list(i, p->dport);
	case O_PROTO:
		return (p->flags & PKT_IP) != 0 && p->proto == i->arg1;
	case O_IP4:
		return is_ip4(p);
	case O_IP6:
		return is_ip6(p);
	case O_MACADDR2:
		return match_mac(i, p);
	case O_MAC_TYPE:
		return in_list(i, p->etype);
	case O_LAYER2: /* every packet is shown with its Ethernet header */
		return true;
	case O_IN:
		return !pass->out;
	case O_RECV:
		return match_if(i, pass, p, pass->in_if, a, dry);
	case O_XMIT:
		return pass->out &&
		    match_if(i, pass, p, pass->out_if, a, dry);
	case O_VIA:
		return match_if(i, pass, p,
		    pass->out ? pass->out_if : pass->in_if, a, dry);
	case O_IP_SRC_LOOKUP:
	case O_IP_DST_LOOKUP:
	case O_IP_FLOW_LOOKUP:
	case O_MAC_SRC_LOOKUP:
	case O_MAC_DST_LOOKUP:
	case O_TABLE_LOOKUP:
		return dry ? peek_table(i, pass, p, NULL, a) :
			     match_table(i, pass, p, NULL, a);
	case O_FRAG:
		return match_frag(i, p);
	case O_IPOPT:
		return match_ipopt(i, p);
	case O_IPLEN:
		return (p->flags & PKT_IP) != 0 && in_list(i, p->ip_len);
	case O_IPID:
		return is_ip4(p) && in_list(i, get16(ip_hdr(p) + 4));
	case O_IPTTL:
		return is_ip4(p) && in_list(i, ip_hdr(p)[8]);
	case O_IPTOS:
		return is_ip4(p) && bits_match(i, ip_hdr(p)[1]);
	case O_IPPRECEDENCE:
		return is_ip4(p) && i->arg1 == (ip_hdr(p)[1] & 0xe0);
	case O_IPVER:
		return (p->flags & PKT_IP) != 0 &&
		    i->arg1 == (is_ip4(p) ? 4 : 6);
	case O_DSCP:
		return match_dscp(i, p);
	case O_ESTAB:
		return match_estab(p);
	case O_TCPFLAGS:
		return is_tcp(p) && bits_match(i, p->tcp_flags);
	case O_TCPWIN:
		return is_tcp(p) && in_list(i, get16(l4_hdr(p) + 14));
	case O_TCPSEQ:
		return is_tcp(p) && insn_args(i)[0] == raw32(l4_hdr(p) + 4);
	case O_TCPACK:
		return is_tcp(p) && insn_args(i)[0] == raw32(l4_hdr(p) + 8);
	case O_TCPOPTS:
		return match_tcpopt(i, p);
	case O_TCPDATALEN:
		return match_tcpdatalen(i, p);
	case O_TCPMSS:
		return match_tcpmss(i, p);
	case O_ICMPTYPE:
		return match_icmp(i, p);
	case O_ICMP6TYPE:
		return match_icmp6(i, p);
	case O_FLOW6ID:
		return match_flow6id(i, p);
	case O_EXT_HDR:
		return is_ip6(p) && (p->ext & i->arg1) != 0;
	case O_TAGGED:
		return match_tagged(i, pass, p, a->tablearg);
	case O_MARK:
		return match_mark(i, pass, p, a->tablearg);
	case O_DIVERTED:
		return (pass->diverted & i->arg1) != 0;
	case O_PROB:
		return rng_31(pass->rng) < insn_args(i)[0];
	default: /* check refuses what is not in this list */
		return false;
	}
}

bool
match_rule(const struct pass *pass, const struct rule *r, const struct pkt *p,
    struct answers *a)
{
	const struct insn *i = r->cmd, *end = rule_action(r);

	for (; i < end; i = insn_next(i)) {
		bool hit = match_one(i, pass, p, a, false) !=
		    ((i->len & INSN_NOT) != 0);

		if (hit) { /* the rest of an or-block need not be asked */
			while ((i->len & INSN_OR) != 0)
				i = insn_next(i);
		} else if ((i->len & INSN_OR) == 0) {
			return false;
		}
	}
	return true;
}

/* All that a rule asks, states included.  'x' is NULL, a constant, or is told
 * what happens, and nothing is changed. */
static inline __attribute__((always_inline)) enum outcome
match_any(const struct pass *pass, const struct pkt *p, struct probe *probe,
    unsigned *n, struct answers *a, struct explain *const x)
{
	const struct rule *r = pass->rules->rules[*n];
	const struct insn *i = r->cmd, *end = rule_action(r);

	for (; i < end; i = insn_next(i)) {
		bool raw = match_one(i, pass, p, a, x != NULL), hit;

		if (x != NULL && i->opcode == O_PROB)
			raw = explain_prob(x, r, i, raw);
		hit = raw != ((i->len & INSN_NOT) != 0);
		if (hit) {
			while ((i->len & INSN_OR) != 0)
				i = insn_next(i);
		} else if ((i->len & INSN_OR) == 0) {
			if (x != NULL)
				explain_miss(x, pass, r, i, p, a->tablearg);
			return NO_MATCH;
		}
		if (i->opcode == O_SKIP_ACTION) {
			if (x != NULL)
				explain_defer(x, r, i);
			return NO_MATCH;
		}
		if (i->opcode == O_PROBE_STATE &&
		    (x != NULL ? explain_probe(x, pass, p, i->arg1, probe, n) :
				 stateful_probe(pass, p, i->arg1, probe, n)))
			return STATE_HIT;
		if ((i->opcode == O_KEEP_STATE || i->opcode == O_LIMIT) &&
		    !(x != NULL ? explain_keep(x, pass, p, *n, i, a->tablearg) :
				  stateful_keep(pass, p, *n, i, a->tablearg)))
			return STATE_FULL;
	}
	while (insn_table[end->opcode].kind == INSN_MODIFIER)
		end = insn_next(end);
	if (end->opcode != O_CHECK_STATE)
		return MATCH;
	if (x == NULL)
		return stateful_probe(pass, p, end->arg1, probe, n) ?
		    STATE_HIT : NO_MATCH;
	if (explain_probe(x, pass, p, end->arg1, probe, n))
		return STATE_HIT;
	explain_miss(x, pass, r, end, p, a->tablearg);
	return NO_MATCH;
}

enum outcome
match_stateful(const struct pass *pass, const struct pkt *p,
    struct probe *probe, unsigned *n, struct answers *a)
{
	return match_any(pass, p, probe, n, a, NULL);
}

__attribute__((cold)) enum outcome
match_explained(const struct pass *pass, const struct pkt *p,
    struct probe *probe, unsigned *n, struct answers *a, struct explain *x)
{
	return match_any(pass, p, probe, n, a, x);
}

__attribute__((cold)) bool
match_insn(const struct insn *i, const struct pass *pass, const struct pkt *p,
    uint32_t tablearg)
{
	struct answers a = {.tablearg = tablearg};

	return match_one(i, pass, p, &a, true) != ((i->len & INSN_NOT) != 0);
}
