/* SPDX-License-Identifier: BSD-2-Clause */
/* The octets of a packet that was read from words. */
#include "cli/frame_draft.h"

#include "base/bytes.h"

#include <sysexits.h>

static uint16_t
checksum(const uint8_t *p, size_t n, uint32_t sum)
{
	for (; n > 1; n -= 2, p += 2)
		sum += get16(p);
	if (n > 0)
		sum += (uint32_t)*p << 8;
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* Options of TCP, padded to a multiple of four; returns their length. */
static unsigned
put_tcp_opts(const struct draft *d, uint8_t *to)
{
	static const uint8_t octets[][12] = {{3, 3, 7}, {4, 2}, {8, 10},
	    {11, 6}};
	static const unsigned bits[] = {TCPOPT_WINDOW, TCPOPT_SACK, TCPOPT_TS,
	    TCPOPT_CC};
	unsigned n = 0;

	if (d->mss >= 0 || (d->tcp_opts & TCPOPT_MSS) != 0) {
		to[0] = 2;
		to[1] = 4;
		put16(to + 2, (uint16_t)(d->mss >= 0 ? d->mss : 1460));
		n = 4;
	}
	for (unsigned k = 0; k < ARRAY_LEN(bits); k++) {
		if ((d->tcp_opts & bits[k]) == 0)
			continue;
		memcpy(to + n, octets[k], octets[k][1]);
		n += octets[k][1];
	}
	while (n % 4 != 0)
		to[n++] = 1;
	return n;
}

static unsigned
put_tcp(const struct draft *d, uint8_t *to)
{
	unsigned n = 20 + put_tcp_opts(d, to + 20);
	unsigned flags = d->has_flags ? d->tcp_flags : SYN;

	put16(to, (uint16_t)(d->sport >= 0 ? d->sport : PORT_FROM));
	put16(to + 2, (uint16_t)(d->dport >= 0 ? d->dport : PORT_TO));
	put32(to + 4, d->seq);
	put32(to + 8, d->ack);
	to[12] = (uint8_t)(n / 4 << 4);
	to[13] = (uint8_t)flags;
	put16(to + 14, (uint16_t)(d->window >= 0 ? d->window : WINDOW));
	return n;
}

/* UDP, UDP-Lite, SCTP: ports first. */
static unsigned
put_ports(const struct draft *d, uint8_t *to, unsigned payload)
{
	put16(to, (uint16_t)(d->sport >= 0 ? d->sport : PORT_FROM));
	put16(to + 2, (uint16_t)(d->dport >= 0 ? d->dport : PORT_TO));
	if (d->proto == P_SCTP)
		return 12;
	put16(to + 4, (uint16_t)(8 + payload));
	return 8;
}

static unsigned
put_icmp(const struct draft *d, uint8_t *to)
{
	int echo = d->proto == P_ICMP6 ? ECHO6 : ECHO4;

	to[0] = (uint8_t)(d->icmp_type >= 0 ? d->icmp_type : echo);
	to[1] = (uint8_t)(d->icmp_code >= 0 ? d->icmp_code : 0);
	return 8;
}

/* The transport header, zeros included; later fragments have none. */
static unsigned
put_l4(const struct draft *d, uint8_t to[L4_MAX], unsigned payload)
{
	memset(to, 0, L4_MAX);
	if ((d->frag & FRAG_OFFSET) != 0)
		return 0;
	switch (d->proto) {
	case P_TCP:
		return put_tcp(d, to);
	case P_UDP:
	case P_UDPLITE:
	case P_SCTP:
		return put_ports(d, to, payload);
	case P_ICMP:
	case P_ICMP6:
		return put_icmp(d, to);
	default:
		return 0;
	}
}

/* Where the checksum of the protocol stands; 0 = it has none of this kind. */
static unsigned
sum_at(int proto)
{
	return proto == P_TCP ? 16 : proto == P_UDP ? 6 :
	    proto == P_ICMP || proto == P_ICMP6 ? 2 : 0;
}

static void
sum_l4(const struct draft *d, uint8_t *l4, unsigned len)
{
	unsigned at = sum_at(d->proto), size = d->family == 4 ? 4 : 16;
	uint32_t sum = 0;

	if (at == 0 || len < at + 2 || d->frag != 0)
		return;
	if (d->proto != P_ICMP) { /* the pseudo-header */
		sum = (uint32_t)d->proto + len +
		    (uint16_t)~checksum(d->src, size, 0) +
		    (uint16_t)~checksum(d->dst, size, 0);
	}
	put16(l4 + at, checksum(l4, len, sum));
}

static unsigned
put_ether(const struct draft *d, uint8_t *to, unsigned type)
{
	unsigned n = 12;

	memcpy(to, d->macs, 12);
	if (d->vlan >= 0) {
		put16(to + n, 0x8100);
		put16(to + n + 2, (uint16_t)d->vlan);
		n += 4;
	}
	put16(to + n, (uint16_t)type);
	return n + 2;
}

static unsigned
put_ip4(const struct draft *d, uint8_t *h, unsigned payload)
{
	unsigned frag = (d->frag & (FRAG_RF | FRAG_DF | FRAG_MF)) << 8;

	memset(h, 0, 20);
	if ((d->frag & FRAG_OFFSET) != 0)
		frag |= FRAG_AT / 8;
	h[0] = 0x45;
	h[1] = (uint8_t)d->tos;
	put16(h + 2, (uint16_t)(20 + payload));
	put16(h + 4, (uint16_t)(d->ipid >= 0 ? d->ipid : 0));
	put16(h + 6, (uint16_t)frag);
	h[8] = (uint8_t)(d->ttl >= 0 ? d->ttl : TTL);
	h[9] = (uint8_t)d->proto;
	memcpy(h + 12, d->src, 4);
	memcpy(h + 16, d->dst, 4);
	put16(h + 10, checksum(h, 20, 0));
	return 20;
}

static unsigned
put_ip6(const struct draft *d, uint8_t *h, unsigned payload)
{
	bool frag = d->frag != 0;

	put32(h, 6u << 28 | d->tos << 20 | d->flow_label);
	put16(h + 4, (uint16_t)(payload + (frag ? 8 : 0)));
	h[6] = (uint8_t)(frag ? P_FRAG6 : d->proto);
	h[7] = (uint8_t)(d->ttl >= 0 ? d->ttl : TTL);
	memcpy(h + 8, d->src, 16);
	memcpy(h + 24, d->dst, 16);
	if (!frag)
		return 40;
	h[40] = (uint8_t)d->proto;
	h[41] = 0;
	put16(h + 42, (uint16_t)(((d->frag & FRAG_OFFSET) != 0 ? FRAG_AT : 0) |
	    ((d->frag & FRAG_MF) != 0)));
	put32(h + 44, 1);
	return 48;
}

int
frame_put_ip(struct draft *d)
{
	uint8_t *to = d->f->octets, l4[L4_MAX];
	unsigned n = put_ether(d, to, d->family == 4 ? 0x0800 : 0x86dd);
	unsigned heads = d->family == 4 ? 20 : d->frag != 0 ? 48 : 40;
	unsigned l4_len = put_l4(d, l4, 0), payload = d->payload_len;
	unsigned least = heads + l4_len + payload;

	if (d->iplen >= 0 && (unsigned)d->iplen < least)
		return word_err(d->e, EX_DATAERR, d->iplen_word,
		    "of %d, but headers and payload alone take %u", d->iplen,
		    least);
	if (d->iplen >= 0)
		payload += (unsigned)d->iplen - least;
	if (n + heads + l4_len + payload > FRAME_MAX)
		return word_err(d->e, EX_DATAERR,
		    d->iplen_word != NULL ? d->iplen_word : d->w,
		    "the frame would be longer than %d octets", FRAME_MAX);
	l4_len = put_l4(d, l4, payload);
	n += d->family == 4 ? put_ip4(d, to + n, l4_len + payload) :
			      put_ip6(d, to + n, l4_len + payload);
	memcpy(to + n, l4, l4_len);
	memset(to + n + l4_len, 0, payload);
	memcpy(to + n + l4_len, d->payload, d->payload_len);
	sum_l4(d, to + n, l4_len + payload);
	d->f->len = n + l4_len + payload;
	return 0;
}

void
frame_put_other(struct draft *d)
{
	unsigned n = put_ether(d, d->f->octets, (unsigned)d->ethertype);

	memcpy(d->f->octets + n, d->payload, d->payload_len);
	d->f->len = n + d->payload_len;
}
