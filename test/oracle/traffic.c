/* SPDX-License-Identifier: BSD-2-Clause */
#include "test/oracle/traffic.h"

#include "base/bytes.h"
#include "packet/proto.h"

#include <stdbool.h>
#include <string.h>

/* A frame as it grows. */
struct frame {
	uint8_t *b;
	unsigned len;
	const struct vocab *v;
	struct chance *c;
};

static uint8_t *
add(struct frame *f, unsigned n)
{
	uint8_t *at = f->b + f->len;

	memset(at, 0, n);
	f->len += n;
	return at;
}

/* ---- above IP ---- */

static void
tcp(struct frame *f)
{
	static const uint8_t opts[][8] = {
	    {2, 4, 0x05, 0xb4, 1, 3, 3, 7},  /* MSS 1460, window scale */
	    {4, 2, 2, 4, 0x02, 0x18, 0, 0},  /* SACK, MSS 536 */
	    {1, 2, 4, 0x04, 0x00, 0, 0, 0},  /* MSS 1024 at an odd place */
	    {8, 10, 0, 0, 0, 1, 0, 0},	     /* time stamp, cut */
	};
	bool has = once_in(f->c, 4);
	uint8_t *h = add(f, has ? TCP_LEN + 8 : TCP_LEN);

	put16(h, vocab_port(f->v, f->c));
	put16(h + 2, vocab_port(f->v, f->c));
	h[7] = (uint8_t)draw(f->c, 4);
	h[11] = (uint8_t)draw(f->c, 4);
	h[12] = has ? 0x70 : 0x50;
	h[13] = (uint8_t)(once_in(f->c, 2) ? TH_SYN : draw(f->c, 32));
	h[15] = (uint8_t)draw(f->c, 6);
	if (has)
		memcpy(h + TCP_LEN, opts[draw(f->c, 4)], 8);
	add(f, draw(f->c, 12));
}

static void
upper(struct frame *f, unsigned proto)
{
	uint8_t *h;

	switch (proto) {
	case PROTO_TCP:
		tcp(f);
		break;
	case PROTO_UDP:
	case PROTO_SCTP:
		h = add(f, SCTP_LEN);
		put16(h, vocab_port(f->v, f->c));
		put16(h + 2, vocab_port(f->v, f->c));
		break;
	default: /* of ICMP: the type */
		add(f, 8)[0] = (uint8_t)(once_in(f->c, 3) ? 128 + draw(f->c, 8) :
			draw(f->c, 16));
	}
}

/* ---- IP ---- */

/* One of two or three fragments of a few datagrams, so that some become whole. */
static void
fragment(struct frame *f)
{
	unsigned at = f->len, part = draw(f->c, 3);
	uint8_t *h = add(f, IP4_LEN + 8);

	h[0] = 0x45;
	put16(h + 2, IP4_LEN + 8);
	put16(h + 4, (uint16_t)draw(f->c, 2));
	put16(h + 6, (uint16_t)((part < 2 && !once_in(f->c, 3)) << 13 | part));
	h[8] = 1;
	h[9] = PROTO_UDP;
	put32(h + 12, f->v->addrs4[0]);
	put32(h + 16, f->v->addrs4[1]);
	put16(f->b + at + IP4_LEN, f->v->ports[draw(f->c, 2)]);
	put16(f->b + at + IP4_LEN + 2, vocab_port(f->v, f->c));
}

static void
ip4(struct frame *f)
{
	struct chance *c = f->c;
	bool opts = once_in(c, 10);
	unsigned at = f->len, proto = vocab_protos[draw(c, 8)];
	uint8_t *h = add(f, opts ? IP4_LEN + 4 : IP4_LEN);

	h[0] = opts ? 0x46 : 0x45;
	h[1] = (uint8_t)(once_in(c, 3) ? draw(c, 256) : 0);
	put16(h + 4, (uint16_t)draw(c, 6));
	if (once_in(c, 8))
		put16(h + 6, (uint16_t)(draw(c, 4) << 13 | draw(c, 3) * 2));
	h[8] = (uint8_t)draw(c, 8);
	h[9] = (uint8_t)proto;
	put32(h + 12, vocab_addr4(f->v, c));
	put32(h + 16, vocab_addr4(f->v, c));
	if (opts) {
		static const uint8_t kinds[] = {131, 137, 7, 68};

		h[20] = kinds[draw(c, 4)];
		h[21] = 3;
		h[22] = 4;
	}
	upper(f, proto);
	put16(f->b + at + 2, (uint16_t)(f->len - at));
}

/* At most two extension headers; returns where the next protocol belongs. */
static uint8_t *
extensions(struct frame *f, uint8_t *next)
{
	static const uint8_t kinds[] = {PROTO_HOPOPTS, PROTO_DSTOPTS,
	    PROTO_ROUTING, PROTO_FRAGMENT, PROTO_AH};
	struct chance *c = f->c;

	for (unsigned n = 0; n < 2 && once_in(c, 4); n++) {
		unsigned kind = kinds[draw(c, 5)];
		uint8_t *h = add(f, kind == PROTO_AH ? 12 : 8);

		*next = (uint8_t)kind;
		next = h;
		if (kind == PROTO_ROUTING)
			h[2] = (uint8_t)draw(c, 4);
		else if (kind == PROTO_FRAGMENT)
			put16(h + 2, (uint16_t)(draw(c, 3) * 8 | draw(c, 2)));
		else if (kind == PROTO_AH)
			h[1] = 1;
	}
	return next;
}

static void
ip6(struct frame *f)
{
	struct chance *c = f->c;
	unsigned at = f->len, proto = vocab_protos[draw(c, 8)];
	uint8_t *h = add(f, IP6_LEN), *next;

	if (proto == PROTO_ICMP)
		proto = PROTO_ICMP6;
	put32(h, 0x60000000 | (once_in(c, 3) ? draw(c, 256) << 20 : 0) |
		draw(c, 4));
	h[7] = 64;
	vocab_addr6(f->v, c, h + 8);
	vocab_addr6(f->v, c, h + 24);
	next = extensions(f, h + 6);
	*next = (uint8_t)proto;
	upper(f, proto);
	put16(f->b + at + 4, (uint16_t)(f->len - at - IP6_LEN));
}

unsigned
traffic_frame(uint8_t to[TRAFFIC_FRAME], const struct vocab *v,
    struct chance *c)
{
	static const uint16_t etypes[] = {ETYPE_IP4, ETYPE_IP4, ETYPE_IP4,
	    ETYPE_IP6, ETYPE_IP6};
	struct frame f = {to, 0, v, c};
	unsigned etype = once_in(c, 24) ? ETYPE_ARP : etypes[draw(c, 5)];
	uint8_t *h = add(&f, 12);

	memcpy(h, vocab_macs[draw(c, VOCAB_MACS)], 6);
	memcpy(h + 6, vocab_macs[draw(c, VOCAB_MACS - 1)], 6);
	while (f.len < 20 && once_in(c, 8)) {
		h = add(&f, VLAN_LEN);
		put16(h, once_in(c, 4) ? ETYPE_QINQ : ETYPE_VLAN);
		put16(h + 2, 7);
	}
	put16(add(&f, 2), (uint16_t)etype);
	if (etype == ETYPE_IP4 && once_in(c, 16))
		fragment(&f);
	else if (etype == ETYPE_IP4)
		ip4(&f);
	else if (etype == ETYPE_IP6)
		ip6(&f);
	else
		add(&f, 28);
	if (once_in(c, 40))
		f.len = 1 + draw(c, f.len);
	return f.len;
}
