/* SPDX-License-Identifier: BSD-2-Clause */
#include "packet/partial.h"

#include "base/bytes.h"
#include "packet/checksum.h"
#include "packet/proto.h"

enum {
	MAX_TAGS = 2,
	MAX_EXT = 8, /* IPv6 extension headers that are looked through */
	TCP_OFF = 12,
	TCP_SUM = 16,
	UDP_SUM = 6,
	SCTP_SUM = 8,
	MAX_TUNNELS = 2, /* one in the other */
	ETYPE_TEB = 0x6558, /* an Ethernet frame follows */
	VXLAN_PORT = 4789,
	VXLAN_OLD = 8472, /* Linux, where no port is given */
	VXLAN_LEN = 8,
	GENEVE_PORT = 6081,
	GENEVE_LEN = 8, /* and its options */
	GRE_LEN = 4,	/* and a word for each of these flags: */
	GRE_SUM = 0x8000,
	GRE_KEY = 0x2000,
	GRE_SEQ = 0x1000,
	GRE_OTHER = 0x4c07, /* source routes, another version */
};

/* A transport packet within its frame. */
struct segment {
	unsigned l3;	/* where its IP header begins */
	unsigned at;	/* where it begins itself */
	unsigned len;	/* by the IP header; all of it is there */
	uint64_t addrs; /* sum of the addresses, as they lie in memory */
	uint8_t proto;
};

static inline uint64_t
raw64(const uint8_t *from)
{
	uint64_t v;

	memcpy(&v, from, sizeof(v));
	return v;
}

/* A sum of 16-bit words, brought down to 16 bits. */
static inline uint16_t
fold(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

/* The upper and lower half of a word apart, so that eight can be added. */
static inline uint64_t
halves(uint64_t v)
{
	return (v & 0xffffffff) + (v >> 32);
}

static bool
find_ip4(const uint8_t *f, unsigned l3, unsigned len, struct segment *s)
{
	const uint8_t *h = f + l3;
	unsigned hlen, total;

	if (len - l3 < IP4_LEN)
		return false;
	hlen = (get8_once(h) & 0xfu) * 4;
	total = get16(h + 2);
	if (hlen < IP4_LEN || total > len - l3 || total < hlen ||
	    (get16(h + 6) & 0x3fff) != 0)
		return false;
	s->proto = get8_once(h + 9);
	s->l3 = l3;
	s->at = l3 + hlen;
	s->len = total - hlen;
	s->addrs = halves(raw64(h + 12));
	return true;
}

/* Steps over extension headers from f[at] on, which is 'proto'; the packet ends
 * at 'end'. */
static bool
find_upper(const uint8_t *f, unsigned at, unsigned end, uint8_t proto,
    struct segment *s)
{
	for (unsigned i = 0; i < MAX_EXT; i++) {
		const uint8_t *h = f + at;
		unsigned n;

		if (proto != PROTO_HOPOPTS && proto != PROTO_DSTOPTS &&
		    proto != PROTO_ROUTING)
			break;
		if (end - at < 8)
			return false;
		if (proto == PROTO_ROUTING && h[3] != 0)
			return false; /* the sum is that of another address */
		proto = get8_once(h);
		n = (get8_once(h + 1) + 1u) * 8;
		if (n > end - at)
			return false;
		at += n;
	}
	s->proto = proto;
	s->at = at;
	s->len = end - at;
	return true;
}

static bool
find_ip6(const uint8_t *f, unsigned l3, unsigned len, struct segment *s)
{
	const uint8_t *h = f + l3;
	unsigned payload;

	if (len - l3 < IP6_LEN)
		return false;
	payload = get16(h + 4);
	if (payload > len - l3 - IP6_LEN)
		return false;
	s->l3 = l3;
	s->addrs = halves(raw64(h + 8)) + halves(raw64(h + 16)) +
	    halves(raw64(h + 24)) + halves(raw64(h + 32));
	return find_upper(f, l3 + IP6_LEN, l3 + IP6_LEN + payload,
	    get8_once(h + 6), s);
}

static bool
find_ip(const uint8_t *f, uint16_t etype, unsigned l3, unsigned end,
    struct segment *s)
{
	if (etype == ETYPE_IP4)
		return find_ip4(f, l3, end, s);
	return etype == ETYPE_IP6 && find_ip6(f, l3, end, s);
}

/* Finds a whole IP packet behind the Ethernet header at f[at] and its tags. */
static inline bool
find(const uint8_t *f, unsigned at, unsigned end, struct segment *s)
{
	unsigned l3 = at + ETHER_LEN;
	uint16_t etype;

	if (end - at < ETHER_LEN + IP4_LEN)
		return false;
	etype = get16(f + at + 12);
	for (unsigned i = 0; i < MAX_TAGS && (etype == ETYPE_VLAN ||
	    etype == ETYPE_QINQ) && l3 + VLAN_LEN <= end; i++) {
		etype = get16(f + l3 + 2);
		l3 += VLAN_LEN;
	}
	return find_ip(f, etype, l3, end, s);
}

/* ---- tunnels ---- */

/* 'type' is what begins at f[at] and ends where s does. */
static bool
find_inner(const uint8_t *f, uint16_t type, unsigned at, struct segment *s)
{
	unsigned end = s->at + s->len;

	if (at > end)
		return false;
	return type == ETYPE_TEB ? find(f, at, end, s) :
				   find_ip(f, type, at, end, s);
}

static bool
into_gre(const uint8_t *f, struct segment *s)
{
	unsigned flags, len;

	if (s->len < GRE_LEN)
		return false;
	flags = get16(f + s->at);
	if ((flags & GRE_OTHER) != 0)
		return false;
	len = GRE_LEN;
	len += (flags & GRE_SUM) != 0 ? 4 : 0;
	len += (flags & GRE_KEY) != 0 ? 4 : 0;
	len += (flags & GRE_SEQ) != 0 ? 4 : 0;
	return find_inner(f, get16(f + s->at + 2), s->at + len, s);
}

static bool
into_udp(const uint8_t *f, struct segment *s)
{
	unsigned at = s->at + UDP_LEN, port;

	if (s->len < UDP_LEN + GENEVE_LEN)
		return false;
	port = get16(f + s->at + 2);
	if (port == VXLAN_PORT || port == VXLAN_OLD)
		return find_inner(f, ETYPE_TEB, at + VXLAN_LEN, s);
	return port == GENEVE_PORT && find_inner(f, get16(f + at + 2),
	    at + GENEVE_LEN + (get8_once(f + at) & 0x3fu) * 4, s);
}

/* Makes *s what the packet carries, if it is a tunnel's. */
static bool
into_tunnel(const uint8_t *f, struct segment *s)
{
	switch (s->proto) {
	case PROTO_UDP:
		return into_udp(f, s);
	case PROTO_GRE:
		return into_gre(f, s);
	case PROTO_IPIP:
		return find_inner(f, ETYPE_IP4, s->at, s);
	case PROTO_IPV6:
		return find_inner(f, ETYPE_IP6, s->at, s);
	default:
		return false;
	}
}

/* ---- checksums ---- */

/* What the pseudo-header adds to, as it lies in memory. */
static inline uint16_t
pseudo_sum(const struct segment *s)
{
	return fold(s->addrs + __builtin_bswap16((uint16_t)s->len) +
	    ((uint64_t)s->proto << 8));
}

/* TCP's or UDP's, at frame[field]. */
static inline bool
finish_sum(uint8_t *frame, const struct segment *s, unsigned field)
{
	uint16_t there, sum;

	memcpy(&there, frame + field, sizeof(there));
	if (likely(there != pseudo_sum(s)))
		return false;
	/* The field holds just what the pseudo-header adds to the sum, so the
	 * packet as it stands has the sum that its checksum completes. */
	sum = checksum_end(checksum_add(0, frame + s->at, s->len));
	if (sum == 0 && (s->proto == PROTO_UDP || there == 0xffff))
		sum = 0xffff; /* the other 0: in UDP, 0 means no checksum */
	if (sum == __builtin_bswap16(there))
		return false; /* it is right as it is */
	put16(frame + field, sum);
	return true;
}

/* SCTP's is 0 as long as it is left to a card, and once in 4,294,967,296 right
 * so; then the same comes out. */
static bool
finish_crc(uint8_t *h, unsigned len)
{
	uint32_t crc;

	memcpy(&crc, h + SCTP_SUM, sizeof(crc));
	if (crc != 0)
		return false;
	crc = checksum_crc32c(h, len);
	memcpy(h + SCTP_SUM, &crc, sizeof(crc));
	return crc != 0;
}

static inline bool
finish(uint8_t *frame, const struct segment *s)
{
	if (s->proto == PROTO_TCP)
		return s->len >= TCP_LEN &&
		    finish_sum(frame, s, s->at + TCP_SUM);
	if (s->proto == PROTO_UDP)
		return s->len >= UDP_LEN &&
		    finish_sum(frame, s, s->at + UDP_SUM);
	return s->proto == PROTO_SCTP && s->len >= SCTP_LEN &&
	    finish_crc(frame + s->at, s->len);
}

bool
partial_finish(uint8_t *frame, unsigned len)
{
	struct segment s;

	if (!find(frame, 0, len, &s))
		return false;
	if (finish(frame, &s))
		return true;
	for (unsigned i = 0; i < MAX_TUNNELS; i++) {
		if (likely(!into_tunnel(frame, &s)))
			return false;
		if (finish(frame, &s))
			return true;
	}
	return false;
}

bool
partial_merged(const uint8_t *frame, unsigned len, unsigned mtu,
    struct offload *o)
{
	struct segment s;
	unsigned headers;
	uint16_t there;

	if (!find(frame, 0, len, &s) || s.proto != PROTO_TCP || s.len < TCP_LEN)
		return false;
	headers = s.at - s.l3 + (get8_once(frame + s.at + TCP_OFF) >> 4) * 4u;
	memcpy(&there, frame + s.at + TCP_SUM, sizeof(there));
	if (there != pseudo_sum(&s) || mtu <= headers)
		return false;
	*o = (struct offload){
		.flags = OFFLOAD_CSUM,
		.gso = frame[s.l3] >> 4 == 4 ? OFFLOAD_TCP4 : OFFLOAD_TCP6,
		.gso_size = (uint16_t)(mtu - headers),
		.csum_start = (uint16_t)s.at,
		.csum_offset = TCP_SUM,
	};
	return true;
}
