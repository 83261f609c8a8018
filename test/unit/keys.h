/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random keys of rules and packets, of several manners: what an administrator
 * would write, and what he would write to hurt an index.
 */
#pragma once

#include "base/rng.h"
#include "rule/key.h"

enum manner {
	NESTED,	   /* prefixes of every length on both sides */
	WIDE,	   /* huge overlapping boxes: half of each dimension */
	PORTS,	   /* any to any, random ranges of ports */
	TINY,	   /* few values, everything overlaps */
	SITE,	   /* hosts and nets of one site, well-known ports */
	NOTHING,   /* rules that ask for nothing */
	MIXED,	   /* all of these */
	N_MANNERS
};

static struct rng keys_rng;

static unsigned
key_draw(unsigned n)
{
	return (unsigned)(rng_u64(&keys_rng) % n);
}

static uint32_t
prefix_mask(unsigned len)
{
	return len == 0 ? 0 : __builtin_bswap32(~0u << (32 - len));
}

static void
key_addrs(struct rule_key *k, unsigned src_len, unsigned dst_len,
    uint32_t net, uint32_t spread)
{
	k->src_mask = prefix_mask(src_len);
	k->dst_mask = prefix_mask(dst_len);
	k->src = __builtin_bswap32(net | key_draw(spread)) & k->src_mask;
	k->dst = __builtin_bswap32(net | key_draw(spread)) & k->dst_mask;
}

static void
key_ports(struct rule_key *k, unsigned shift, unsigned max, unsigned width)
{
	uint32_t lo = key_draw(max), hi = lo + key_draw(width);

	hi = hi > 0xffff ? 0xffff : hi;
	k->meta |= KEY_PORTS;
	k->meta_mask |= KEY_PORTS;
	k->ports_lo = (k->ports_lo & ~(0xffffu << shift)) | lo << shift;
	k->ports_hi = (k->ports_hi & ~(0xffffu << shift)) | hi << shift;
}

/* Of few hosts, on both sides. */
static uint32_t
key_rest(void)
{
	return key_draw(64) << 8 | key_draw(64) << 24;
}

static struct rule_key
key_random(enum manner m)
{
	struct rule_key k = {.act = key_draw(1000), .ports_hi = 0xffffffff};
	uint32_t family = key_draw(2) ? KEY_IP4 : KEY_IP6;

	if (m == MIXED)
		m = (enum manner)key_draw(MIXED);
	if (m == NESTED)
		key_addrs(&k, key_draw(33), key_draw(33), 0, UINT32_MAX);
	if (m == WIDE) {
		key_addrs(&k, key_draw(3), key_draw(3), 0, UINT32_MAX);
		key_ports(&k, 0, 32768, 32768);
		key_ports(&k, 16, 32768, 32768);
	}
	if (m == PORTS) {
		key_ports(&k, 0, 65536, 5000);
		key_ports(&k, 16, 65536, 60000);
	}
	if (m == TINY) {
		static const unsigned len[] = {0, 8, 30, 31, 32};

		key_addrs(&k, len[key_draw(5)], len[key_draw(5)], 0x0a000000,
		    8);
		key_ports(&k, key_draw(2) * 16, 8, 4);
	}
	if (m == SITE) {
		key_addrs(&k, 24 + key_draw(9), key_draw(2) * 32, 0xc0000200,
		    65536);
		if (key_draw(2))
			key_ports(&k, 0, 1024, 1);
	}
	if (((k.src_mask | k.dst_mask) != 0 || key_draw(4) == 0) &&
	    m != NOTHING) {
		k.meta |= family;
		k.meta_mask |= family;
	}
	if ((k.meta & KEY_IP6) != 0 && key_draw(2)) {
		k.src2_mask = k.src_mask == ~0u ? prefix_mask(key_draw(33)) : 0;
		k.src2 = __builtin_bswap32(key_draw(16) << 28) & k.src2_mask;
	}
	if ((k.meta & KEY_IP6) != 0 && key_draw(3) == 0) {
		k.rest_mask = prefix_mask(key_draw(2) ? 16 : key_draw(17)) |
		    (key_draw(4) == 0 ? 0xffff0000 : 0);
		k.rest = key_rest() & k.rest_mask;
	}
	if (m != NOTHING && key_draw(3) == 0) {
		k.meta |= key_draw(2) ? PROTO_TCP : PROTO_UDP;
		k.meta_mask |= 0xff;
	}
	return k;
}

/* A packet within the key of a rule if it may be one; sometimes any. */
static struct pkt_key
key_packet(const struct rule_key *r)
{
	uint32_t any = (uint32_t)rng_u64(&keys_rng), x = key_draw(3) == 0;
	struct pkt_key p = {
	    .src = r->src | (any & ~r->src_mask),
	    .dst = r->dst | ((uint32_t)rng_u64(&keys_rng) & ~r->dst_mask),
	    .meta = (r->meta & (0xff | KEY_OUT)) | KEY_PORTS,
	};
	uint32_t lo = r->ports_lo & 0xffff, hi = r->ports_hi & 0xffff;

	p.ports = lo + key_draw(hi - lo + 1);
	lo = r->ports_lo >> 16;
	hi = r->ports_hi >> 16;
	p.ports |= (lo + key_draw(hi - lo + 1)) << 16;
	if ((r->meta & KEY_IP6) != 0 || ((r->meta & KEY_IP4) == 0 && x))
		p.meta |= KEY_IP6;
	else if ((r->meta & KEY_IP4) != 0 || key_draw(8) != 0)
		p.meta |= KEY_IP4;
	else
		p.meta &= ~(uint32_t)KEY_PORTS;
	if ((p.meta & KEY_IP6) != 0) {
		p.src2 = r->src2 | (__builtin_bswap32(key_draw(16) << 28) &
		    ~r->src2_mask);
		p.dst2 = any;
		p.rest = r->rest | (key_rest() & ~r->rest_mask);
	}
	if (key_draw(10) == 0)
		p.src ^= 1u << key_draw(32);
	return p;
}
