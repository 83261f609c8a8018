/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a rule certainly asks of a packet's headers, in a form that is quick to
 * compare: a superset of the packets that the rule matches.
 *
 * Place      rule/plan keeps one rule_key a rule and compares it with the one
 *            pkt_key of a packet; rule/interp decides about what is left.
 * Invariant  if interp_match() is true, so is key_fits(); and the other way round
 *            for rules whose key says all.  Tests check both with random rules
 *            and packets, and match=verify does with those that come.
 * Rules      only what is ANDed counts: or-blocks and negated tests ask nothing.
 *            Nor does what stands behind a test that does more than look (prob
 *            draws a number, a table counts its hits): the rule must be asked
 *            whenever the tests before that one match.  States are looked up
 *            by rules that do not match, too: see key_is_probe().
 * IPv6       of an address's second half a key knows 16 bits: its four groups XORed,
 *            as far as a rule asks for the same bits of all.  That tells apart the
 *            hosts of one /64, whether they are numbered, or made of MACs or of
 *            chance; key_rest_fits() does the rest.
 *
 *	meta   0 proto 7 | 8 ip4 | 9 ip6 | 10 ports | 11 tcp | 12 out | 13 estab |
 *	       16 flags 23
 */
#pragma once

#include "packet/pkt.h"
#include "packet/proto.h"
#include "rule/rule.h"

#include <string.h>

enum key_meta {
	KEY_IP4 = 1 << 8,
	KEY_IP6 = 1 << 9,
	KEY_PORTS = 1 << 10,
	KEY_TCP = 1 << 11, /* a TCP header that is all there */
	KEY_OUT = 1 << 12, /* the pass on the way out */
	KEY_ESTAB = 1 << 13, /* TCP that 'established' matches */
	KEY_FLAGS_SHIFT = 16, /* TCP flags; 0 if it is not TCP */
};

/* What a rule does, if its key says all and it does nothing but accept, deny or
 * send to the pipe or queue that it names: the counter in the low bits, verdict
 * + 1 above.  With ACT_FATE, the packet is to be told the rule and where to.  With
 * ACT_REST, all that is so if key_rest_fits() as well.  0: ask the rule. */
enum {
	ACT_COUNTER_BITS = 24,
	ACT_COUNTER = (1 << ACT_COUNTER_BITS) - 1,
	ACT_VERDICT = 15, /* above the counter */
	ACT_FATE = 1 << 29,
	ACT_REST = 1 << 30,
};

struct rule_key {
	uint32_t act;
	uint32_t src, src_mask; /* first word of the address, as it lies */
	uint32_t dst, dst_mask;
	uint32_t meta, meta_mask;
	uint32_t ports_lo; /* source port << 16 | destination port */
	uint32_t ports_hi; /* both included */
	uint32_t src2, src2_mask; /* second word of an IPv6 address */
	uint32_t dst2, dst2_mask;
	uint32_t rest, rest_mask; /* of the second halves: source << 16 | dest. */
};

struct pkt_key {
	uint32_t src;
	uint32_t dst;
	uint32_t meta;
	uint32_t ports;
	uint32_t src2; /* 0 if it is not IPv6, as those below */
	uint32_t dst2;
	uint32_t rest;
};

/* What 'r' asks.  True if that is all of it: then key_fits() is interp_match(),
 * and nothing needs to be asked again.  Linear in the rule; pure.  That its set
 * may be switched off, 'act' does not know. */
bool key_of_rule(const struct rule *r, struct rule_key *key);

/* Where a rule, all of which its key says but for the second halves of IPv6
 * addresses, asks for those: the offsets of its instructions plus 1, 0 where
 * there is none. */
void key_find_rest(const struct rule *r, uint16_t *src,
    uint16_t *dst);

/* The second half of an address against that of an instruction with one address
 * and perhaps its mask. */
static inline bool
key_half_fits(const struct insn *i, const uint8_t addr[16])
{
	uint64_t half, want, mask = UINT64_MAX;

	memcpy(&half, addr + 8, sizeof(half));
	memcpy(&want, i + 3, sizeof(want));
	if (insn_words(i) == 9)
		memcpy(&mask, i + 7, sizeof(mask));
	return ((half ^ want) & mask) == 0;
}

/* True if a packet that the key of 'r' fits, and which is IPv6, has those second
 * halves. */
static inline bool
key_rest_fits(const struct rule *r, const struct pkt *p)
{
	const uint8_t *ip = p->data + p->l3;

	return (r->rest_src | r->rest_dst) != 0 &&
	    (r->rest_src == 0 ||
		key_half_fits(r->cmd + r->rest_src - 1, ip + 8)) &&
	    (r->rest_dst == 0 ||
		key_half_fits(r->cmd + r->rest_dst - 1, ip + 24));
}

/* True if a packet may have a state at this rule before any of its tests: it
 * begins with probe-state, or is a bare check-state.  *name is the states'. */
bool key_is_probe(const struct rule *r, uint16_t *name);

/* What TCP flags tell.  Used under a mask: mixed traffic would mislead a branch. */
static inline uint32_t
key_of_flags(unsigned flags)
{
	return KEY_TCP | (uint32_t)flags << KEY_FLAGS_SHIFT |
	    ((flags & (TH_RST | TH_ACK | TH_SYN)) != TH_SYN ? KEY_ESTAB : 0);
}

/* The groups of a half, given as two words, XORed. */
static inline uint32_t
key_fold(uint32_t a, uint32_t b)
{
	return ((a ^ b) ^ (a ^ b) >> 16) & 0xffff;
}

/* The words of the addresses that only IPv6 has. */
static inline void
key_add_words(struct pkt_key *k, const uint8_t *ip)
{
	uint32_t src[3], dst[3]; /* the last three */

	memcpy(src, ip + 12, sizeof(src));
	memcpy(dst, ip + 28, sizeof(dst));
	k->src2 = src[0];
	k->dst2 = dst[0];
	k->rest = key_fold(src[1], src[2]) << 16 | key_fold(dst[1], dst[2]);
}

static inline struct pkt_key
key_of_pkt(const struct pkt *p, bool out)
{
	unsigned f = p->flags;
	bool tcp = (f & PKT_L4) != 0 && p->proto == PROTO_TCP;
	struct pkt_key k = {
	    .src = p->src4,
	    .dst = p->dst4,
	    .ports = (uint32_t)p->sport << 16 | p->dport,
	    .meta = p->proto | (f & PKT_IP) << 8 |
		(f & PKT_PORTS ? KEY_PORTS : 0) | (out ? KEY_OUT : 0) |
		(-(uint32_t)tcp & key_of_flags(p->tcp_flags)),
	};

	if ((f & PKT_IP6) != 0)
		key_add_words(&k, p->data + p->l3);
	return k;
}

/* True if packets of a family (KEY_IP4, KEY_IP6, or 0 for neither) can fit. */
static inline bool
key_is_of(const struct rule_key *k, uint32_t family)
{
	uint32_t never = family != 0 ? KEY_IP4 | KEY_IP6 :
	    KEY_IP4 | KEY_IP6 | KEY_PORTS | KEY_TCP | KEY_ESTAB;

	return (k->meta & k->meta_mask & never & ~family) == 0;
}

/* One rule against one packet; what rule/block does for eight. */
static inline bool
key_fits(const struct rule_key *r, const struct pkt_key *p)
{
	return ((p->src ^ r->src) & r->src_mask) == 0 &&
	    ((p->dst ^ r->dst) & r->dst_mask) == 0 &&
	    ((p->meta ^ r->meta) & r->meta_mask) == 0 &&
	    ((p->src2 ^ r->src2) & r->src2_mask) == 0 &&
	    ((p->dst2 ^ r->dst2) & r->dst2_mask) == 0 &&
	    ((p->rest ^ r->rest) & r->rest_mask) == 0 &&
	    (p->ports & 0xffff) >= (r->ports_lo & 0xffff) &&
	    (p->ports & 0xffff) <= (r->ports_hi & 0xffff) &&
	    p->ports >> 16 >= r->ports_lo >> 16 &&
	    p->ports >> 16 <= r->ports_hi >> 16;
}

_Static_assert(PKT_IP4 << 8 == KEY_IP4 && PKT_IP6 << 8 == KEY_IP6,
    "families of the packet's flags");
