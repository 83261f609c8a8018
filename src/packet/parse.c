/* SPDX-License-Identifier: BSD-2-Clause */
#include "packet/parse.h"

#include "base/bytes.h"
#include "packet/proto.h"

/* What is known of an upper protocol: octets of its header that must be there
 * in IPv4 and in IPv6 (0: nothing is asked), and whether it begins with ports. */
static const struct l4_info {
	uint8_t need4;
	uint8_t need6;
	bool ports;
} l4_info[256] = {
	[PROTO_TCP] = {TCP_LEN, TCP_LEN, true},
	[PROTO_UDP] = {UDP_LEN, UDP_LEN, true},
	[PROTO_UDPLITE] = {UDP_LEN, UDP_LEN, true},
	[PROTO_SCTP] = {SCTP_LEN, SCTP_LEN, true},
	[PROTO_ICMP] = {ICMP_LEN, 0, false},
	[PROTO_ICMP6] = {0, ICMP6_LEN, false},
	[PROTO_PIM] = {0, PIM_LEN, false},
	[PROTO_CARP] = {0, CARP_LEN, false},
};

/* The transport header at p->l4 of a packet that is no later fragment. */
static inline void
parse_l4(struct pkt *p, unsigned need, bool ports)
{
	const uint8_t *h = p->data + p->l4;

	if (need == 0)
		return;
	if (unlikely((unsigned)p->l4 + need > p->len)) {
		p->bad = PKT_BAD_SHORT_L4;
		return;
	}
	if (likely(ports)) {
		p->flags |= PKT_L4 | PKT_PORTS;
		p->sport = get16(h);
		p->dport = get16(h + 2);
		/* Octet 13 is there if the protocol is TCP; without a branch
		 * that random traffic would mislead. */
		p->tcp_flags = h[need == TCP_LEN ? 13 : 0];
	} else {
		p->flags |= PKT_L4;
		p->tcp_flags = h[0];
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
		parse_l4(p, l4->need4, l4->ports);
		return;
	}
	p->frag = (uint8_t)((off >> 8 & 0xe0) |
	    (off & 0x1fff ? PKT_FRAG_OFFSET : 0));
	if ((off & 0x3fff) != 0)
		p->flags |= PKT_FRAG;
	if ((off & 0x1fff) == 0) {
		parse_l4(p, l4->need4, l4->ports);
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
		parse_l4(p, l4_info[p->proto].need6, l4_info[p->proto].ports);
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

/* Fills in an untagged packet of TCP or UDP whose transport header, all there, is
 * at 'l4'.  'df' is the fragment word of IPv4 without offset and more. */
static inline void
write_plain(struct pkt *p, unsigned family, unsigned etype, unsigned l4,
    unsigned proto, unsigned df, unsigned ip_len, uint64_t addrs)
{
	const uint8_t *f = p->data;
	uint64_t flags = family | PKT_L4 | PKT_PORTS;
	unsigned tcp_flags = f[l4 + (proto == PROTO_TCP ? 13 : 0)];

	store64(&p->len, p->len | flags << 24 | (uint64_t)proto << 40 |
	    (uint64_t)tcp_flags << 48 | (uint64_t)ETHER_LEN << 56);
	store64(&p->ext, df >> 14 << 14 | (uint64_t)l4 << 16 |
	    (uint64_t)etype << 32 | (uint64_t)ip_len << 48);
	store64(&p->src4, addrs);
	store64(&p->dport, get32(f + l4));
	memset(&p->tags, 0, sizeof(*p) - offsetof(struct pkt, tags));
}

/* True if a header of TCP or UDP at 'l4' is all there. */
static inline bool
has_l4(const struct pkt *p, unsigned proto, unsigned l4)
{
	if (proto == PROTO_TCP)
		return p->len >= l4 + TCP_LEN;
	return proto == PROTO_UDP && p->len >= l4 + UDP_LEN;
}

/* What nearly every packet is: untagged IPv4 without options, no fragment, TCP
 * or UDP, all there.  Writes whole words; false: nothing was written. */
static inline bool
parse_plain(struct pkt *p)
{
	enum { L4 = ETHER_LEN + IP4_LEN };
	const uint8_t *f = p->data;
	unsigned proto, df;
	uint64_t addrs;

	if (unlikely(p->len < L4 + UDP_LEN))
		return false;
	proto = f[ETHER_LEN + 9];
	df = get16(f + ETHER_LEN + 6);
	if (unlikely((raw32(f + 12) & 0xffffff) != 0x450008 ||
		(df & 0xbfff) != 0 || !has_l4(p, proto, L4)))
		return false;
	memcpy(&addrs, f + ETHER_LEN + 12, sizeof(addrs));
	write_plain(p, PKT_IP4, ETYPE_IP4, L4, proto, df,
	    get16(f + ETHER_LEN + 2), addrs);
	return true;
}

/* Likewise untagged IPv6 without extension headers. */
static inline bool
parse_plain6(struct pkt *p)
{
	enum { L4 = ETHER_LEN + IP6_LEN };
	const uint8_t *f = p->data;
	unsigned proto, ip_len;

	if (p->len < L4 + UDP_LEN)
		return false;
	proto = f[ETHER_LEN + 6];
	if ((raw32(f + 12) & 0xf0ffff) != 0x60dd86 || !has_l4(p, proto, L4))
		return false;
	ip_len = get16(f + ETHER_LEN + 4) + (unsigned)IP6_LEN;
	write_plain(p, PKT_IP6, ETYPE_IP6, L4, proto, 0,
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

static inline void
parse_one(struct pkt *p, const struct parse_cfg *cfg)
{
	if (!parse_plain(p) && !parse_plain6(p))
		parse_any(p, cfg);
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
	unsigned last = 0; /* where what is read ends: TCP flags of IPv6 lie in
			    * the second line, and like comes after like */

	for (unsigned i = 0; i < n; i++) {
		if (i + AHEAD < n) {
			__builtin_prefetch(pkts[i + AHEAD].data);
			__builtin_prefetch(pkts[i + AHEAD].data + last);
		}
		parse_one(&pkts[i], cfg);
		last = (pkts[i].flags & PKT_IP6) != 0 ? CACHE_LINE : 0;
	}
}
