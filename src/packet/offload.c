/* SPDX-License-Identifier: BSD-2-Clause */
#include "packet/offload.h"

#include "base/bytes.h"
#include "packet/checksum.h"
#include "packet/parse.h"
#include "packet/proto.h"

enum { /* offsets in headers */
	IP4_TOTAL = 2,
	IP4_ID = 4,
	IP4_SUM = 10,
	IP6_PAYLOAD = 4,
	TCP_SEQ = 4,
	TCP_OFF = 12,
	TCP_FLAGS = 13,
	TCP_SUM = 16,
	UDP_SIZE = 4,
	UDP_SUM = 6,
	SCTP_SUM = 8,
	CWR = 0x80,
	LAST_ONLY = TH_FIN | TH_PUSH,
};

/* True if the frame is SCTP at this place, whose checksum is another one. */
static bool
is_sctp(uint8_t *frame, unsigned len, unsigned l4)
{
	struct parse_cfg cfg = {.permit_single_frag6 = true};
	struct pkt p = {.data = frame,
	    .len = (uint16_t)(len < 0xffff ? len : 0xffff)};

	parse(&p, &cfg);
	return p.proto == PROTO_SCTP && p.l4 == l4;
}

static void
complete_sctp(uint8_t *h, unsigned n)
{
	uint32_t crc;

	memset(h + SCTP_SUM, 0, sizeof(crc));
	crc = checksum_crc32c(h, n);
	memcpy(h + SCTP_SUM, &crc, sizeof(crc));
}

bool
offload_complete(uint8_t *frame, unsigned len, const struct offload *o)
{
	unsigned from = o->csum_start, at = from + o->csum_offset;
	uint16_t sum;

	if (at + 2 > len)
		return false;
	if (o->csum_offset == SCTP_SUM && at + 4 <= len &&
	    is_sctp(frame, len, from)) {
		complete_sctp(frame + from, len - from);
		return true;
	}
	sum = checksum_end(checksum_add(0, frame + from, len - from));
	put16(frame + at, sum == 0 ? 0xffff : sum);
	return true;
}

unsigned
offload_segment(const uint8_t *frame, const struct offload *o)
{
	const uint8_t *l4 = frame + o->csum_start;
	unsigned hlen = (o->gso & ~(unsigned)OFFLOAD_ECN) == OFFLOAD_UDP ?
	    (unsigned)UDP_LEN : (unsigned)(l4[TCP_OFF] >> 4) * 4;
	unsigned tags = 0;

	for (; tags < 2; tags++) {
		unsigned etype = get16(frame + 12 + tags * VLAN_LEN);

		if (etype != ETYPE_VLAN && etype != ETYPE_QINQ)
			break;
	}
	return o->csum_start + hlen + o->gso_size - tags * VLAN_LEN;
}

/* Looks at the transport header; the offset of what follows it, 0 if it is not
 * the one that 'o' promises. */
static unsigned
header_end(const struct pkt *p, unsigned len, const struct offload *o)
{
	unsigned kind = o->gso & ~(unsigned)OFFLOAD_ECN, hlen;

	if (p->bad != PKT_GOOD || (p->flags & PKT_L4) == 0 ||
	    (p->flags & PKT_FRAG) != 0 || p->l4 != o->csum_start)
		return 0;
	if (kind == OFFLOAD_UDP)
		return p->proto == PROTO_UDP && o->csum_offset == UDP_SUM ?
		    p->l4 + (unsigned)UDP_LEN : 0;
	if (p->proto != PROTO_TCP || o->csum_offset != TCP_SUM ||
	    kind != ((p->flags & PKT_IP4) != 0 ? OFFLOAD_TCP4 : OFFLOAD_TCP6))
		return 0;
	hlen = (unsigned)(get8_once(p->data + p->l4 + TCP_OFF) >> 4) * 4;
	return hlen >= TCP_LEN && p->l4 + hlen <= len ? p->l4 + hlen : 0;
}

bool
segments_begin(struct segments *s, const uint8_t *frame, unsigned len,
    const struct offload *o)
{
	struct parse_cfg cfg = {0};
	struct pkt p = {.len = (uint16_t)(len < 0xffff ? len : 0xffff)};
	unsigned hdr, end = len;

	memcpy(&p.data, &frame, sizeof(frame)); /* parse only looks */
	if (len > OFFLOAD_MAX_FRAME || (o->flags & OFFLOAD_CSUM) == 0 ||
	    o->gso_size == 0)
		return false;
	parse(&p, &cfg);
	if ((hdr = header_end(&p, len, o)) == 0)
		return false;
	/* What stands behind the packet is no payload. */
	if (p.l3 + (unsigned)p.ip_len >= hdr && p.l3 + p.ip_len < end)
		end = p.l3 + (unsigned)p.ip_len;
	if ((end - hdr) / o->gso_size >= OFFLOAD_MAX_SEGMENTS)
		return false;
	*s = (struct segments){.frame = frame, .l3 = p.l3, .l4 = p.l4,
	    .hdr = hdr, .end = end, .mss = o->gso_size, .at = hdr,
	    .ip6 = (p.flags & PKT_IP6) != 0, .udp = p.proto == PROTO_UDP,
	    .more = true};
	return true;
}

/* The IP header of segment s->n, whose length from there is 'size'. */
static void
write_ip(const struct segments *s, uint8_t *ip, unsigned size)
{
	if (s->ip6) {
		put16(ip + IP6_PAYLOAD, (uint16_t)(size - IP6_LEN));
		return;
	}
	put16(ip + IP4_TOTAL, (uint16_t)size);
	put16(ip + IP4_ID, (uint16_t)(get16(ip + IP4_ID) + s->n));
	put16(ip + IP4_SUM, 0);
	put16(ip + IP4_SUM, checksum_end(checksum_add(0, ip, s->l4 - s->l3)));
}

/* TCP's sequence number and flags; the first has 'sent' octets before it. */
static void
write_tcp(const struct segments *s, uint8_t *tcp, unsigned sent)
{
	unsigned drop = (s->more ? LAST_ONLY : 0) | (s->n > 0 ? CWR : 0);

	put32(tcp + TCP_SEQ, get32(tcp + TCP_SEQ) + sent);
	tcp[TCP_FLAGS] = (uint8_t)(tcp[TCP_FLAGS] & ~drop);
}

/* The transport checksum.  In its place is the sum of the pseudo-header with
 * the length of the whole; so routing headers need no care. */
static void
write_sum(const struct segments *s, uint8_t *l4, unsigned size)
{
	uint8_t *at = l4 + (s->udp ? UDP_SUM : TCP_SUM);
	uint32_t whole = s->end - s->l4;
	uint32_t pseudo = (uint32_t)get16(at) + (~whole & 0xffff) + size;
	uint16_t sum;

	put16(at, 0);
	sum = checksum_end(checksum_add(pseudo, l4, size));
	put16(at, sum == 0 ? 0xffff : sum);
}

unsigned
segments_next(struct segments *s, uint8_t *out)
{
	unsigned left = s->end - s->at, n = left < s->mss ? left : s->mss;
	unsigned len = s->hdr + n;

	if (!s->more)
		return 0;
	s->more = n < left;
	memcpy(out, s->frame, s->hdr);
	memcpy(out + s->hdr, s->frame + s->at, n);
	write_ip(s, out + s->l3, len - s->l3);
	if (s->udp)
		put16(out + s->l4 + UDP_SIZE, (uint16_t)(len - s->l4));
	else
		write_tcp(s, out + s->l4, s->at - s->hdr);
	write_sum(s, out + s->l4, len - s->l4);
	s->at += n;
	s->n++;
	return len;
}
