/* SPDX-License-Identifier: BSD-2-Clause */
#include "packet/reply.h"

#include "base/bytes.h"
#include "packet/checksum.h"
#include "packet/proto.h"

enum {
	ICMP_HDR = 8, /* with the word that holds an MTU */
	ICMP_UNREACH = 3,
	ICMP6_UNREACH = 1,
	ICMP_NEEDFRAG = 4, /* code */
	TOS_CONTROL = 0xc0, /* of ICMP errors, RFC 1812 */
	IP4_DF = 0x4000,
	ABORT_LEN = 16, /* common header and one chunk header */
	CHUNK_HDR = 4,
	CHUNK_INIT = 1,
	CHUNK_ABORT = 6,
	CHUNK_SHUTDOWN_COMPLETE = 14,
	CHUNK_T = 1, /* the tag is the one that came */
};

static inline bool
is_ip6(const struct pkt *p)
{
	return (p->flags & PKT_IP6) != 0;
}

/* ---- whether to answer ---- */

static bool
is_query(const struct pkt *p)
{
	if ((p->flags & PKT_L4) == 0)
		return false;
	switch (p->tcp_flags) { /* the type */
	case 8:	 /* echo request */
	case 10: /* router solicitation */
	case 13: /* timestamp */
	case 15: /* information */
	case 17: /* address mask */
		return p->proto == PROTO_ICMP;
	case 128: /* echo request */
	case 130: /* multicast listener query */
	case 139: /* node information query */
		return p->proto == PROTO_ICMP6;
	default:
		return false;
	}
}

/* A single IPv4 host, as far as the address tells. */
static bool
is_host4(uint32_t addr)
{
	unsigned first = __builtin_bswap32(addr) >> 24;

	return first != 0 && first != 127 && first < 224;
}

static bool
is_host6(const uint8_t *addr)
{
	static const uint8_t none[16];

	return addr[0] != 0xff && memcmp(addr, none, 16) != 0;
}

static bool
may_answer(const struct pkt *p)
{
	const uint8_t *h = p->data + p->l3;

	if ((p->flags & PKT_IP) == 0 || (p->flags & PKT_LATER_FRAG) != 0)
		return false;
	if (((p->data[0] | p->data[6]) & 1) != 0) /* groups and broadcast */
		return false;
	if ((p->proto == PROTO_ICMP || p->proto == PROTO_ICMP6) &&
	    !is_query(p))
		return false;
	if (is_ip6(p))
		return is_host6(h + 8) && is_host6(h + 24);
	return is_host4(p->src4) && is_host4(p->dst4);
}

/* ---- headers ---- */

/* The Ethernet header with its tags, turned round. */
static void
put_link(const struct pkt *p, uint8_t *out)
{
	memcpy(out, p->data + 6, 6);
	memcpy(out + 6, p->data, 6);
	memcpy(out + 12, p->data + 12, p->l3 - 12u);
}

static void
put_ip4(const struct pkt *p, uint8_t *h, unsigned proto, unsigned payload)
{
	memset(h, 0, IP4_LEN);
	h[0] = 0x45;
	h[1] = proto == PROTO_ICMP ? TOS_CONTROL : 0;
	put16(h + 2, (uint16_t)(IP4_LEN + payload));
	put16(h + 6, IP4_DF);
	h[8] = REPLY_TTL;
	h[9] = (uint8_t)proto;
	memcpy(h + 12, &p->dst4, 4);
	memcpy(h + 16, &p->src4, 4);
	put16(h + 10, checksum_end(checksum_add(0, h, IP4_LEN)));
}

static void
put_ip6(const struct pkt *p, uint8_t *h, unsigned proto, unsigned payload)
{
	const uint8_t *from = p->data + p->l3;

	memset(h, 0, IP6_LEN);
	h[0] = 0x60;
	put16(h + 4, (uint16_t)payload);
	h[6] = (uint8_t)proto;
	h[7] = REPLY_TTL;
	memcpy(h + 8, from + 24, 16);
	memcpy(h + 24, from + 8, 16);
}

/* Writes everything before the payload; returns where that goes. */
static uint8_t *
put_headers(const struct pkt *p, uint8_t *out, unsigned proto, unsigned payload)
{
	put_link(p, out);
	if (is_ip6(p)) {
		put_ip6(p, out + p->l3, proto, payload);
		return out + p->l3 + IP6_LEN;
	}
	put_ip4(p, out + p->l3, proto, payload);
	return out + p->l3 + IP4_LEN;
}

/* The checksum of the payload with the pseudo header of its IP header. */
static uint16_t
sum_with_pseudo(const struct pkt *p, const uint8_t *l4, unsigned proto,
    unsigned payload)
{
	unsigned addrs = is_ip6(p) ? 32 : 8;
	uint32_t sum = proto + payload;

	sum = checksum_add(sum, l4 - addrs, addrs);
	return checksum_end(checksum_add(sum, l4, payload));
}

static unsigned
frame_len(const struct pkt *p, unsigned payload)
{
	return p->l3 + (unsigned)(is_ip6(p) ? IP6_LEN : IP4_LEN) + payload;
}

/* ---- the answers ---- */

/* Sequence numbers that the segment occupies. */
static uint32_t
segment_len(const struct pkt *p, unsigned tcp_hdr)
{
	unsigned hdrs = (unsigned)p->l4 - p->l3 + tcp_hdr;
	uint32_t n = p->ip_len > hdrs ? p->ip_len - hdrs : 0;

	return n + ((p->tcp_flags & TH_SYN) != 0) +
	    ((p->tcp_flags & TH_FIN) != 0);
}

static unsigned
build_rst(const struct pkt *p, uint8_t *out)
{
	const uint8_t *from = p->data + p->l4;
	uint8_t *h;

	if (p->proto != PROTO_TCP || (p->flags & PKT_L4) == 0 ||
	    (p->tcp_flags & TH_RST) != 0)
		return 0;
	h = put_headers(p, out, PROTO_TCP, TCP_LEN);
	memset(h, 0, TCP_LEN);
	put16(h, p->dport);
	put16(h + 2, p->sport);
	h[12] = 0x50;
	if ((p->tcp_flags & TH_ACK) != 0) {
		memcpy(h + 4, from + 8, 4);
		h[13] = TH_RST;
	} else {
		put32(h + 8, get32(from + 4) +
		    segment_len(p, (unsigned)(from[12] >> 4) * 4));
		h[13] = TH_RST | TH_ACK;
	}
	put16(h + 16, sum_with_pseudo(p, h, PROTO_TCP, TCP_LEN));
	return frame_len(p, TCP_LEN);
}

/* True if a chunk behind the first one, or that one, forbids an answer. */
static bool
ends_association(const struct pkt *p)
{
	unsigned at = (unsigned)p->l4 + SCTP_LEN;

	while (at + CHUNK_HDR <= p->len) {
		unsigned type = get8_once(p->data + at);
		unsigned len = get16(p->data + at + 2);

		if (type == CHUNK_ABORT || type == CHUNK_SHUTDOWN_COMPLETE)
			return true;
		if (len < CHUNK_HDR)
			break;
		at += (len + 3) & ~3u;
	}
	return false;
}

static unsigned
build_abort(const struct pkt *p, uint8_t *out)
{
	const uint8_t *from = p->data + p->l4;
	bool init;
	uint8_t *h, tag[4];
	uint32_t crc;

	if (p->proto != PROTO_SCTP || (p->flags & PKT_L4) == 0 ||
	    (unsigned)p->l4 + SCTP_LEN + CHUNK_HDR > p->len ||
	    ends_association(p))
		return 0;
	init = from[SCTP_LEN] == CHUNK_INIT;
	if (init && (unsigned)p->l4 + SCTP_LEN + 8 > p->len)
		return 0;
	memcpy(tag, init ? from + SCTP_LEN + 4 : from + 4, 4);
	h = put_headers(p, out, PROTO_SCTP, ABORT_LEN);
	memset(h, 0, ABORT_LEN);
	put16(h, p->dport);
	put16(h + 2, p->sport);
	memcpy(h + 4, tag, 4);
	h[SCTP_LEN] = CHUNK_ABORT;
	h[SCTP_LEN + 1] = init ? 0 : CHUNK_T;
	put16(h + SCTP_LEN + 2, CHUNK_HDR);
	crc = checksum_crc32c(h, ABORT_LEN);
	put32(h + 8, __builtin_bswap32(crc));
	return frame_len(p, ABORT_LEN);
}

static unsigned
least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* As much of the packet as fits behind the ICMP header; 0 if its own length
 * makes no sense. */
static unsigned
quote_len(const struct pkt *p)
{
	unsigned max = is_ip6(p) ? REPLY_MAX6 - IP6_LEN - ICMP_HDR :
				   REPLY_MAX4 - IP4_LEN - ICMP_HDR;
	unsigned there = (unsigned)p->len - p->l3;

	if (p->ip_len < (unsigned)p->l4 - p->l3)
		return 0;
	return least(max, least(p->ip_len, there));
}

static unsigned
build_unreach(const struct pkt *p, uint8_t *out)
{
	unsigned quote = quote_len(p), n = ICMP_HDR + quote;
	uint8_t *h;

	if (quote == 0)
		return 0;
	h = put_headers(p, out, is_ip6(p) ? PROTO_ICMP6 : PROTO_ICMP, n);
	memset(h, 0, ICMP_HDR);
	h[0] = is_ip6(p) ? ICMP6_UNREACH : ICMP_UNREACH;
	h[1] = p->reply_code;
	if (!is_ip6(p) && p->reply_code == ICMP_NEEDFRAG)
		put16(h + 6, p->reply_mtu);
	memcpy(h + ICMP_HDR, p->data + p->l3, quote);
	put16(h + 2, is_ip6(p) ? sum_with_pseudo(p, h, PROTO_ICMP6, n) :
				 checksum_end(checksum_add(0, h, n)));
	return frame_len(p, n);
}

unsigned
reply_build(const struct pkt *p, uint8_t out[REPLY_MAX])
{
	if (!may_answer(p))
		return 0;
	switch (p->reply) {
	case REPLY_RST:
		return build_rst(p, out);
	case REPLY_ABORT:
		return build_abort(p, out);
	case REPLY_UNREACH:
		return build_unreach(p, out);
	default:
		return 0;
	}
}

uint8_t
reply_code6(unsigned code4)
{
	enum { NO_ROUTE = 0, ADMIN = 1, PORT = 4 };

	switch (code4) {
	case 0:	 /* net */
	case 1:	 /* host */
	case 5:	 /* source route failed */
	case 6:	 /* net unknown */
	case 7:	 /* host unknown */
	case 11: /* net and type of service */
	case 12: /* host and type of service */
		return NO_ROUTE;
	case 3: /* port */
		return PORT;
	default:
		return ADMIN;
	}
}
