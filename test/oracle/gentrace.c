/* SPDX-License-Identifier: BSD-2-Clause */
#include "test/oracle/genrules.h"

#include "base/bytes.h"
#include "packet/proto.h"

#include <math.h>

enum { FLOWS = 100000 };

/* What a frame is made of: fields, each from a rule. */
struct point {
	bool is6;
	uint8_t proto, flags, ttl;
	uint16_t sport, dport, id;
	uint8_t src[16], dst[16];
};

static uint32_t
below(struct rng *r, uint32_t n)
{
	return (uint32_t)((rng_u64(r) >> 32) * n >> 32);
}

/* An address in the prefix. */
static void
inside(struct rng *r, const struct gen_prefix *p, uint8_t to[16])
{
	uint64_t x[2] = {rng_u64(r), rng_u64(r)};

	unsigned whole = p->len / 8, rest = 0xffu >> p->len % 8;

	memcpy(to, x, 16);
	memcpy(to, p->a, whole);
	if (p->len % 8 != 0)
		to[whole] = (uint8_t)((to[whole] & rest) | p->a[whole]);
}

static uint16_t
between(struct rng *r, const struct gen_range *p)
{
	return (uint16_t)(p->lo + below(r, p->hi - p->lo + 1u));
}

/* src, dst, sport, dport and the rest of five rules, or five times one. */
static void
draw_point(struct rng *r, struct point *p, const struct gen_rule *const f[5])
{
	static const uint8_t flags[] = {[GEN_TCP_SETUP] = TH_SYN,
	    [GEN_TCP_ESTABLISHED] = TH_ACK};

	memset(p, 0, sizeof(*p));
	p->is6 = f[0]->is6;
	inside(r, &f[0]->src, p->src);
	inside(r, &f[1]->dst, p->dst);
	p->sport = between(r, &f[2]->sport);
	p->dport = between(r, &f[3]->dport);
	p->proto = f[4]->proto;
	if (p->proto == 0)
		p->proto = below(r, 2) ? PROTO_TCP : PROTO_UDP;
	p->flags = f[4]->tcp != GEN_TCP_ANY ? flags[f[4]->tcp] :
	    below(r, 4) == 0		    ? TH_SYN : TH_ACK;
	p->ttl = (uint8_t)(f[4]->ttl != 0 ? f[4]->ttl : 64);
	p->id = f[4]->id != 0 ? f[4]->id : (uint16_t)rng_u64(r);
}

/* Addresses that no family has. */
static void
far_away(struct rng *r, struct point *p, bool is6)
{
	static const struct gen_prefix from4 = {{45}, 8}, to4 = {{77}, 8};
	static const struct gen_prefix from6 = {{0x3f, 1}, 16};
	static const struct gen_prefix to6 = {{0x3f, 2}, 16};

	memset(p, 0, sizeof(*p));
	p->is6 = is6;
	inside(r, is6 ? &from6 : &from4, p->src);
	inside(r, is6 ? &to6 : &to4, p->dst);
	p->proto = PROTO_TCP;
	p->flags = TH_ACK;
	p->ttl = 64;
	p->sport = (uint16_t)(49152 + below(r, 16384));
	p->dport = (uint16_t)(49152 + below(r, 16384));
}

static uint8_t
write_frame(const struct point *p, uint8_t *f)
{
	uint8_t *ip = f + ETHER_LEN, *l4 = ip + (p->is6 ? IP6_LEN : IP4_LEN);
	unsigned len = p->is6 ? GEN_LEN6 : GEN_LEN4;

	memset(f, 0, len);
	memcpy(f, "\x02\0\0\0\0\x0d\x02\0\0\0\0\x05", 12);
	put16(f + 12, p->is6 ? ETYPE_IP6 : ETYPE_IP4);
	if (p->is6) {
		ip[0] = 0x60;
		put16(ip + 4, (uint16_t)(len - ETHER_LEN - IP6_LEN));
		ip[6] = p->proto;
		ip[7] = p->ttl;
		memcpy(ip + 8, p->src, 16);
		memcpy(ip + 24, p->dst, 16);
	} else {
		ip[0] = 0x45;
		put16(ip + 2, (uint16_t)(len - ETHER_LEN));
		put16(ip + 4, p->id);
		ip[8] = p->ttl;
		ip[9] = p->proto;
		memcpy(ip + 12, p->src, 4);
		memcpy(ip + 16, p->dst, 4);
	}
	if (p->proto == PROTO_ICMP || p->proto == PROTO_ICMP6)
		return (uint8_t)len;
	put16(l4, p->sport);
	put16(l4 + 2, p->dport);
	if (p->proto == PROTO_TCP) {
		l4[12] = 0x50;
		l4[13] = p->flags;
	}
	return (uint8_t)len;
}

void
gen_frames(uint8_t *frames, size_t stride, uint8_t *lens, unsigned n,
    enum gen_trace kind, const struct gen_rule *rules, unsigned n_rules,
    uint64_t seed)
{
	struct rng rng, flow;

	rng_init(&rng, seed);
	for (unsigned i = 0; i < n; i++) {
		const struct gen_rule *f[5];
		struct rng *r = &rng;
		struct point p;

		if (kind == GEN_ZIPF) { /* a flow's packets are the same */
			double u = (double)(rng_u64(&rng) >> 11) / 0x1p53;

			rng_init(&flow, (uint64_t)exp(u * log(FLOWS)));
			r = &flow;
		}
		for (unsigned k = 0; k < 5; k++)
			f[k] = k == 0 || kind == GEN_CROSS ?
			    &rules[below(r, n_rules)] : f[0];
		/* Fields of one family of addresses only. */
		for (unsigned k = 1; k < 5; k++)
			if (f[k]->is6 != f[0]->is6)
				f[k] = f[0];
		if (kind == GEN_NOTHING)
			far_away(r, &p, f[0]->is6);
		else
			draw_point(r, &p, f);
		lens[i] = write_frame(&p, frames + i * stride);
	}
}
