/* SPDX-License-Identifier: BSD-2-Clause */
#include "packet/parse.h"

#include "base/bytes.h"
#include "packet/proto.h"

/* What is known of an upper protocol. */
static const struct l4_info {
	uint64_t word;	  /* what a plain packet's word 'len' to 'l3' has of it */
	uint32_t ports;	  /* mask of the first word: it begins with ports */
	uint8_t need4;	  /* octets of its header that must be there in IPv4 */
	uint8_t need6;	  /* and in IPv6; 0: nothing is asked */
	uint8_t flags_at; /* where TCP flags are, or a type */
	uint8_t flags;	  /* of a packet that has them */
} l4_info[256] = {
#define INFO(proto, need4, need6, flags_at, flags, ports)                      \
	[proto] = {(uint64_t)(flags) << 24 | (uint64_t)(proto) << 40 |         \
		(uint64_t)ETHER_LEN << 56, ports, need4, need6, flags_at, flags}
#define PORTS(proto, need, flags_at)                                           \
	INFO(proto, need, need, flags_at, PKT_L4 | PKT_PORTS, ~0u)
	PORTS(PROTO_TCP, TCP_LEN, 13),
	PORTS(PROTO_UDP, UDP_LEN, 0),
	PORTS(PROTO_UDPLITE, UDP_LEN, 0),
	PORTS(PROTO_SCTP, SCTP_LEN, 0),
	INFO(PROTO_ICMP, ICMP_LEN, 0, 0, PKT_L4, 0),
	INFO(PROTO_ICMP6, 0, ICMP6_LEN, 0, PKT_L4, 0),
	INFO(PROTO_PIM, 0, PIM_LEN, 0, PKT_L4, 0),
	INFO(PROTO_CARP, 0, CARP_LEN, 0, PKT_L4, 0),
#undef PORTS
#undef INFO
};

/* The transport header at p->l4 of a packet that is no later fragment. */
static inline void
parse_l4(struct pkt *p, const struct l4_info *l4, unsigned need)
{
	const uint8_t *h = p->data + p->l4;

	if (need == 0)
		return;
	if (unlikely((unsigned)p->l4 + need > p->len)) {
		p->bad = PKT_BAD_SHORT_L4;
		return;
	}
	p->flags = (uint8_t)(p->flags | l4->flags);
	p->tcp_flags = h[l4->flags_at];
	if (l4->ports != 0) {
		p->sport = get16(h);
		p->dport = get16(h + 2);
	}
}

static inline void
parse_ip4(struct pkt *p)
{
	const uint8_t *h = p->data + p->l3;
	unsigned there = (unsigned)p->len - p->l3;
	const struct l4_info *l4;
	unsigned v_hl, hlen, off;

	if (there < IP4_LEN || ((v_hl = get8_once(h)) >> 4) != 4)
		return; /* evaluated as a frame without a family */
	hlen = (v_hl & 15) * 4;
	if (unlikely(hlen < IP4_LEN || hlen > there)) {
		p->bad = PKT_BAD_SHORT_L3;
		return;
	}
	p->flags |= PKT_IP4;
	p->l4 = (uint16_t)(p->l3 + hlen);
	p->ip_len = get16(h + 2);
	p->proto = h[9];
	p->src4 = raw32(h + 12);
	p->dst4 = raw32(h + 16);
	l4 = &l4_info[p->proto];
	off = get16(h + 6);
	if (likely((off & 0xbfff) == 0)) { /* whole, perhaps DF */
		p->frag = off != 0 ? PKT_FRAG_DF : 0;
		parse_l4(p, l4, l4->need4);
		return;
	}
	p->frag = (uint8_t)((off >> 8 & 0xe0) |
	    (off & 0x1fff ? PKT_FRAG_OFFSET : 0));
	if ((off & 0x3fff) != 0)
		p->flags |= PKT_FRAG;
	if ((off & 0x1fff) == 0) {
		parse_l4(p, l4, l4->need4);
		return;
	}
	p->flags |= PKT_LATER_FRAG;
	if ((off & 0x1fff) == 1 && p->proto == PROTO_TCP)
		p->bad = PKT_BAD_TINY_FRAG;
}

/* What one IPv6 header does to the walk along the chain. */
enum ext_step { EXT_GOES_ON, EXT_ENDS, EXT_BAD };

/* Takes the fragment header at 'h' into account. */
static enum ext_step
ext_fragment(struct pkt *p, const uint8_t *h, const struct parse_cfg *cfg)
{
	unsigned off = get16(h + 2);
	bool more = (off & 1) != 0;

	p->ext |= PKT_EXT_FRAGMENT;
	if ((off & 0xfff8) == 0 && !more && !cfg->permit_single_frag6) {
		p->bad = PKT_BAD_SINGLE_FRAG;
		return EXT_BAD;
	}
	if (more)
		p->frag |= PKT_FRAG_MF;
	if (more || (off & 0xfff8) != 0)
		p->flags |= PKT_FRAG;
	if ((off & 0xfff8) == 0)
		return EXT_GOES_ON;
	p->frag |= PKT_FRAG_OFFSET;
	p->flags |= PKT_LATER_FRAG;
	return EXT_ENDS;
}

/* Takes the routing header at 'h' into account. */
static enum ext_step
ext_routing(struct pkt *p, const uint8_t *h, const struct parse_cfg *cfg)
{
	p->ext |= PKT_EXT_ROUTING;
	if (h[2] == 0) {
		p->ext |= PKT_EXT_RTHDR0;
	} else if (h[2] == 2) {
		p->ext |= PKT_EXT_RTHDR2;
	} else if (cfg->deny_unknown_exthdrs) {
		p->bad = PKT_BAD_EXT_HDR;
		return EXT_BAD;
	}
	return EXT_GOES_ON;
}

/* Upper protocols that ipfw knows beside the extension headers. */
static bool
known_upper6(unsigned proto)
{
	switch (proto) {
	case PROTO_TCP:
	case PROTO_UDP:
	case PROTO_UDPLITE:
	case PROTO_SCTP:
	case PROTO_ICMP6:
	case PROTO_NONE:
	case PROTO_OSPF:
	case PROTO_PIM:
	case PROTO_CARP:
	case PROTO_GRE:
	case PROTO_IPV6:
	case PROTO_IPIP:
		return true;
	default:
		return false;
	}
}

/* Octets that must be there before an extension header is read, 0: none. */
static unsigned
ext_need(unsigned proto)
{
	switch (proto) {
	case PROTO_HOPOPTS:
	case PROTO_DSTOPTS:
	case PROTO_ROUTING:
	case PROTO_FRAGMENT:
		return 8;
	case PROTO_AH:
		return 12;
	default:
		return 0;
	}
}

/* Walks one extension header at p->l4.  On EXT_GOES_ON and EXT_ENDS, p->proto
 * and p->l4 are those of what follows. */
static enum ext_step
ext_walk(struct pkt *p, const struct parse_cfg *cfg)
{
	const uint8_t *h = p->data + p->l4;
	unsigned need = ext_need(p->proto);
	enum ext_step step = EXT_GOES_ON;
	unsigned size, units, next, l4;

	if (unlikely((unsigned)p->l4 + need > p->len)) {
		p->bad = PKT_BAD_SHORT_L4;
		return EXT_BAD;
	}
	next = h[0];
	units = get8_once(h + 1);
	size = (units + 1) * 8;
	switch (p->proto) {
	case PROTO_HOPOPTS:
		p->ext |= PKT_EXT_HOPOPTS;
		break;
	case PROTO_DSTOPTS:
		p->ext |= PKT_EXT_DSTOPTS;
		break;
	case PROTO_ROUTING:
		step = ext_routing(p, h, cfg);
		break;
	case PROTO_FRAGMENT:
		size = 8;
		step = ext_fragment(p, h, cfg);
		break;
	case PROTO_AH:
		p->ext |= PKT_EXT_AH;
		size = (units + 2) * 4;
		break;
	}
	if (step == EXT_BAD)
		return step;
	l4 = p->l4 + size;
	if (unlikely(l4 > p->len)) {
		p->bad = PKT_BAD_SHORT_L4;
		return EXT_BAD;
	}
	p->proto = (uint8_t)next;
	p->l4 = (uint16_t)l4;
	return step;
}

static void
parse_ip6(struct pkt *p, const struct parse_cfg *cfg)
{
	const uint8_t *h = p->data + p->l3;
	unsigned there = (unsigned)p->len - p->l3;
	unsigned total;

	if (there < IP6_LEN || h[0] >> 4 != 6)
		return;
	p->flags |= PKT_IP6;
	total = get16(h + 4) + (unsigned)IP6_LEN;
	p->ip_len = (uint16_t)(total > 0xffff ? 0xffff : total);
	p->proto = h[6];
	p->l4 = (uint16_t)(p->l3 + IP6_LEN);
	p->src4 = raw32(h + 8);
	p->dst4 = raw32(h + 24);
	/* Each turn moves l4 on by 8 or more, so len bounds the walk. */
	while (unlikely(ext_need(p->proto) != 0)) {
		switch (ext_walk(p, cfg)) {
		case EXT_GOES_ON:
			continue;
		case EXT_ENDS:
		case EXT_BAD:
			return;
		}
	}
	if (p->proto == PROTO_ESP) {
		p->ext |= PKT_EXT_ESP;
		if (p->l4 + ESP_SPI_LEN > p->len)
			p->bad = PKT_BAD_SHORT_L4;
	} else if (!known_upper6(p->proto) && cfg->deny_unknown_exthdrs)
		p->bad = PKT_BAD_EXT_HDR;
	else
		parse_l4(p, &l4_info[p->proto], l4_info[p->proto].need6);
}

/* Puts p->l3 behind at most two VLAN tags and returns the ethertype there. */
static unsigned
skip_tags(struct pkt *p)
{
	unsigned etype = p->etype;

	for (int i = 0; i < 2; i++) {
		if (etype != ETYPE_VLAN && etype != ETYPE_QINQ)
			break;
		if (p->l3 + VLAN_LEN > p->len)
			break;
		etype = get16(p->data + p->l3 + 2);
		p->l3 = (uint8_t)(p->l3 + VLAN_LEN);
		p->flags |= PKT_VLAN;
	}
	return etype;
}

/* One store for neighbouring members; x86-64 is little-endian. */
static inline void
store64(void *to, uint64_t v)
{
	memcpy(to, &v, sizeof(v));
}

_Static_assert(offsetof(struct pkt, len) == 16 &&
	offsetof(struct pkt, l3) == 23 && offsetof(struct pkt, ext) == 24 &&
	offsetof(struct pkt, ip_len) == 30 && offsetof(struct pkt, src4) == 32 &&
	offsetof(struct pkt, dport) == 40 && offsetof(struct pkt, mark) == 44,
    "words that parse_plain() writes");

/* Fills in an untagged packet whose transport header, all there, is at 'l4'.
 * 'frag' is its pkt.frag, shifted to its place; of ip_len the low 16 bits count. */
static inline void
write_plain(struct pkt *p, uint64_t family, uint64_t etype, unsigned l4,
    const struct l4_info *info, uint64_t frag, uint64_t ip_len, uint64_t addrs)
{
	const uint8_t *f = p->data;
	uint64_t flags = f[l4 + info->flags_at];

	store64(&p->len, p->len | family << 24 | flags << 48 | info->word);
	store64(&p->ext, frag | (uint64_t)l4 << 16 | etype << 32 | ip_len << 48);
	store64(&p->src4, addrs);
	store64(&p->dport, get32(f + l4) & info->ports);
	memset(&p->tags, 0, sizeof(*p) - offsetof(struct pkt, tags));
}

/* True if a header that must be there is: 'need' octets at 'l4', which is less
 * than 'len'. */
static inline bool
has_l4(unsigned len, unsigned l4, unsigned need)
{
	return need - 1 < len - l4;
}

/* What nearly every packet is: untagged IPv4 without options, no fragment, its
 * transport header known and all there.  Writes whole words, and has no branch
 * that traffic of several protocols would mislead; false: nothing was written. */
static inline bool
parse_plain(struct pkt *p)
{
	enum { L4 = ETHER_LEN + IP4_LEN };
	const uint8_t *f = p->data;
	const struct l4_info *info;
	uint64_t head, addrs;

	if (unlikely(p->len < L4 + UDP_LEN))
		return false;
	/* Version and header length, tos, length, id, fragment. */
	memcpy(&head, f + ETHER_LEN, sizeof(head));
	info = &l4_info[f[ETHER_LEN + 9]];
	if (unlikely(get16(f + 12) != ETYPE_IP4 ||
		(head & 0xffbf0000000000ff) != 0x45 ||
		!has_l4(p->len, L4, info->need4)))
		return false;
	memcpy(&addrs, f + ETHER_LEN + 12, sizeof(addrs));
	write_plain(p, PKT_IP4, ETYPE_IP4, L4, info, head >> 40 &
	    PKT_FRAG_DF << 8, __builtin_bswap32((uint32_t)head), addrs);
	return true;
}

/* Likewise untagged IPv6 without extension headers. */
static inline bool
parse_plain6(struct pkt *p)
{
	enum { L4 = ETHER_LEN + IP6_LEN };
	const uint8_t *f = p->data;
	const struct l4_info *info;
	unsigned ip_len;

	if (p->len < L4 + UDP_LEN)
		return false;
	info = &l4_info[f[ETHER_LEN + 6]];
	if ((raw32(f + 12) & 0xf0ffff) != 0x60dd86 ||
	    !has_l4(p->len, L4, info->need6))
		return false;
	ip_len = get16(f + ETHER_LEN + 4) + (unsigned)IP6_LEN;
	write_plain(p, PKT_IP6, ETYPE_IP6, L4, info, 0,
	    ip_len > 0xffff ? 0xffff : ip_len, raw32(f + ETHER_LEN + 8) |
	    (uint64_t)raw32(f + ETHER_LEN + 24) << 32);
	return true;
}

/* Everything else. */
static __attribute__((noinline)) void
parse_any(struct pkt *p, const struct parse_cfg *cfg)
{
	unsigned etype;

	/* Everything from 'verdict' on is derived, or starts at 0. */
	memset((char *)p + offsetof(struct pkt, verdict), 0,
	    sizeof(*p) - offsetof(struct pkt, verdict));
	if (unlikely(p->len < ETHER_LEN)) {
		p->l3 = (uint8_t)p->len;
		p->bad = PKT_BAD_SHORT_ETHER;
		return;
	}
	p->l3 = ETHER_LEN;
	etype = p->etype = get16(p->data + 12);
	if (etype == ETYPE_VLAN || etype == ETYPE_QINQ)
		etype = skip_tags(p);
	if (etype == ETYPE_IP4)
		parse_ip4(p);
	else if (etype == ETYPE_IP6)
		parse_ip6(p, cfg);
}

/* Returns where the last line that it read begins: TCP flags of IPv6 lie in the
 * second one. */
static inline size_t
parse_one(struct pkt *p, const struct parse_cfg *cfg)
{
	if (likely(parse_plain(p)))
		return 0;
	if (parse_plain6(p))
		return CACHE_LINE;
	parse_any(p, cfg);
	return 0;
}

void
parse(struct pkt *p, const struct parse_cfg *cfg)
{
	parse_one(p, cfg);
}

void
parse_burst(struct pkt *pkts, unsigned n, const struct parse_cfg *cfg)
{
	enum { AHEAD = 8 };
	size_t last = 0; /* like comes after like */
	unsigned i = 0;

	for (; i + AHEAD < n; i++) {
		__builtin_prefetch(pkts[i + AHEAD].data);
		__builtin_prefetch(pkts[i + AHEAD].data + last);
		last = parse_one(&pkts[i], cfg);
	}
	for (; i < n; i++)
		parse_one(&pkts[i], cfg);
}
