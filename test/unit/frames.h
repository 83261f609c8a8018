/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames for tests: each call appends one header; lengths are mended at the
 * end.  Checksums stay 0: nothing under test looks at them. */
#pragma once

#include "base/bytes.h"
#include "packet/parse.h"
#include "packet/proto.h"

struct frame {
	uint8_t b[2048];
	unsigned len;
	unsigned l3; /* offset of the last IP header, 0 = none */
};

static inline uint8_t *
f_add(struct frame *f, unsigned n)
{
	uint8_t *at = f->b + f->len;

	memset(at, 0, n);
	f->len += n;
	return at;
}

static inline void
f_ether(struct frame *f, uint16_t etype)
{
	uint8_t *h;

	f->len = f->l3 = 0;
	h = f_add(f, ETHER_LEN);
	memcpy(h, "\x02\0\0\0\0\x0d\x02\0\0\0\0\x05", 12);
	put16(h + 12, etype);
}

static inline void
f_vlan(struct frame *f, uint16_t vid, uint16_t etype)
{
	uint8_t *h = f_add(f, VLAN_LEN);

	put16(h, vid);
	put16(h + 2, etype);
}

/* IPv4 without options; 'off' as in the header, flags included. */
static inline uint8_t *
f_ip4(struct frame *f, uint8_t proto, uint32_t src, uint32_t dst, uint16_t off)
{
	uint8_t *h;

	f->l3 = f->len;
	h = f_add(f, IP4_LEN);
	h[0] = 0x45;
	h[8] = 64;
	h[9] = proto;
	put16(h + 4, 0x1234);
	put16(h + 6, off);
	put32(h + 12, src);
	put32(h + 16, dst);
	return h;
}

/* IPv6 from 2001:db8::src to 2001:db8::dst. */
static inline uint8_t *
f_ip6(struct frame *f, uint8_t next, uint8_t src, uint8_t dst)
{
	uint8_t *h;

	f->l3 = f->len;
	h = f_add(f, IP6_LEN);
	h[0] = 0x60;
	h[6] = next;
	h[7] = 64;
	put32(h + 8, 0x20010db8);
	h[23] = src;
	put32(h + 24, 0x20010db8);
	h[39] = dst;
	return h;
}

static inline uint8_t *
f_udp(struct frame *f, uint16_t sport, uint16_t dport)
{
	uint8_t *h = f_add(f, UDP_LEN);

	put16(h, sport);
	put16(h + 2, dport);
	return h;
}

static inline uint8_t *
f_tcp(struct frame *f, uint16_t sport, uint16_t dport, uint8_t flags)
{
	uint8_t *h = f_add(f, TCP_LEN);

	put16(h, sport);
	put16(h + 2, dport);
	h[12] = 0x50;
	h[13] = flags;
	return h;
}

/* Sets the IP length to what follows, and parses. */
static inline struct pkt
f_parse(struct frame *f)
{
	static const struct parse_cfg cfg = {true, true};
	struct pkt p = {.data = f->b, .len = (uint16_t)f->len};

	if (f->l3 != 0 && f->b[f->l3] >> 4 == 4)
		put16(f->b + f->l3 + 2, (uint16_t)(f->len - f->l3));
	else if (f->l3 != 0)
		put16(f->b + f->l3 + 4, (uint16_t)(f->len - f->l3 - IP6_LEN));
	parse(&p, &cfg);
	return p;
}
