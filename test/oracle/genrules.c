/* SPDX-License-Identifier: BSD-2-Clause */
#include "test/oracle/genrules.h"

#include "base/bytes.h"
#include "base/cdefs.h"
#include "packet/proto.h"

#include <arpa/inet.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

const char *const gen_names[N_GEN_FAMILIES] = {"acl", "fw", "chain", "boxes",
    "ports", "nested", "same"};

const char *const gen_trace_names[N_GEN_TRACES] = {"uniform", "zipf",
    "no match", "cross"};

static const struct gen_range all_ports = {0, 65535};

/* How a family writes its rules, in percent. */
struct ports_profile {
	uint8_t any, one, low, high; /* the rest: some other range */
};

static const struct profile {
	unsigned per_100; /* different prefixes for 100 rules */
	uint8_t any_src, any_dst;
	uint8_t src[4], dst[4]; /* lengths 8-16, 17-24, 25-31, 32 */
	struct ports_profile sport, dport;
	uint8_t tcp, udp, icmp; /* the rest: any protocol */
	uint8_t setup, established;
} profiles[N_GEN_REAL] = {
    [GEN_ACL] = {60, 30, 4, {15, 35, 15, 35}, {5, 20, 20, 55},
	{96, 1, 0, 3}, {20, 62, 2, 6}, 70, 16, 4, 10, 10},
    [GEN_FW] = {20, 34, 24, {15, 35, 15, 35}, {10, 25, 15, 50},
	{72, 6, 6, 16}, {16, 50, 6, 14}, 64, 20, 4, 14, 8},
    [GEN_CHAIN] = {40, 6, 6, {10, 35, 15, 40}, {10, 35, 15, 40},
	{84, 8, 2, 6}, {46, 40, 2, 6}, 48, 18, 6, 4, 4},
};

struct gen {
	struct rng rng;
	const struct profile *p;
	unsigned n_pool, n_services;
	struct gen_prefix *src, *dst; /* n_pool each */
	struct gen_range services[256];
	bool is6;
};

static unsigned
below(struct gen *g, unsigned n)
{
	return (unsigned)((rng_u64(&g->rng) >> 32) * n >> 32);
}

static bool
percent(struct gen *g, unsigned p)
{
	return below(g, 100) < p;
}

/* ---- prefixes ---- */

/* Lengths are thought of as IPv4's; IPv6 has its networks at 32 to 48, its
 * subnets up to 64, and hosts. */
static unsigned
length(const struct gen *g, unsigned len4)
{
	if (!g->is6)
		return len4;
	if (len4 <= 24)
		return len4 < 8 ? len4 * 4 : 32 + 2 * (len4 - 8);
	return 64 + 8 * (len4 - 24);
}

/* Random bits from bit 'from' to bit 'to'. */
static void
extend(struct gen *g, struct gen_prefix *p, unsigned from, unsigned to)
{
	for (unsigned b = from; b < to; b++) {
		/* Half of the hosts of IPv6 are numbered by hand. */
		if (b >= 64 && b < 120 && (p->a[7] & 1) != 0)
			continue;
		if (below(g, 2) != 0)
			p->a[b / 8] |= (uint8_t)(0x80 >> b % 8);
	}
	p->len = (uint8_t)to;
}

static unsigned
draw_length(struct gen *g, const uint8_t weights[4])
{
	static const uint8_t lo[4] = {8, 17, 25, 32}, n[4] = {9, 8, 7, 1};
	unsigned x = below(g, 100), k = 0;

	while (k < 3 && x >= weights[k])
		x -= weights[k++];
	return length(g, lo[k] + below(g, n[k]));
}

/* A network of its own; 10/8 and 2001::/16 and the like. */
static void
root(struct gen *g, struct gen_prefix *p)
{
	static const uint8_t first4[] = {10, 81, 141, 172, 192, 203};

	memset(p, 0, sizeof(*p));
	p->a[0] = g->is6 ? 0x20 : first4[below(g, ARRAY_LEN(first4))];
	p->a[1] = g->is6 ? 0x01 : 0;
	extend(g, p, g->is6 ? 16 : 8, length(g, 8 + below(g, 9)));
}

/* Prefixes below other prefixes. */
static void
fill_pool(struct gen *g, struct gen_prefix *pool, const uint8_t weights[4])
{
	for (unsigned i = 0; i < g->n_pool; i++) {
		unsigned len = draw_length(g, weights);
		const struct gen_prefix *up = &pool[i == 0 ? 0 : below(g, i)];

		if (i < 3 || below(g, 16) == 0 || up->len >= len) {
			root(g, &pool[i]);
			if (len > pool[i].len)
				extend(g, &pool[i], pool[i].len, len);
			continue;
		}
		pool[i] = *up;
		extend(g, &pool[i], up->len, len);
	}
}

/* ---- ports ---- */

static void
fill_services(struct gen *g, unsigned n_rules)
{
	static const uint16_t known[] = {80, 443, 22, 25, 53, 123, 110, 143,
	    993, 161, 389, 445, 3306, 8080, 5060, 179};

	g->n_services = 12 + n_rules / 60;
	if (g->n_services > ARRAY_LEN(g->services))
		g->n_services = ARRAY_LEN(g->services);
	for (unsigned i = 0; i < g->n_services; i++) {
		unsigned lo = i < ARRAY_LEN(known) ? known[i] : below(g, 49152);
		unsigned more = i >= 8 && below(g, 3) == 0 ? below(g, 200) : 0;

		g->services[i] = (struct gen_range){(uint16_t)lo,
		    (uint16_t)(lo + more)};
	}
}

static struct gen_range
draw_ports(struct gen *g, const struct ports_profile *p)
{
	unsigned x = below(g, 100), lo;

	if (x < p->any)
		return all_ports;
	if ((x -= p->any) < p->one) { /* the first services are the common ones */
		unsigned k = below(g, g->n_services);

		k = below(g, k + 1);
		return g->services[k];
	}
	if ((x -= p->one) < p->low)
		return (struct gen_range){0, 1023};
	if (x - p->low < p->high)
		return (struct gen_range){1024, 65535};
	lo = below(g, 60000);
	return (struct gen_range){(uint16_t)lo, (uint16_t)(lo + below(g, 5000))};
}

/* ---- rules ---- */

static void
draw_proto(struct gen *g, struct gen_rule *r)
{
	const struct profile *p = g->p;
	unsigned x = below(g, 100);

	if (x < p->tcp)
		r->proto = PROTO_TCP;
	else if ((x -= p->tcp) < p->udp)
		r->proto = PROTO_UDP;
	else if (x - p->udp < p->icmp)
		r->proto = g->is6 ? PROTO_ICMP6 : PROTO_ICMP;
	if (r->proto != PROTO_TCP && r->proto != PROTO_UDP)
		return; /* without ports */
	r->sport = draw_ports(g, &p->sport);
	r->dport = draw_ports(g, &p->dport);
	x = below(g, 100);
	if (r->proto == PROTO_TCP)
		r->tcp = x < p->setup ? GEN_TCP_SETUP :
		    x < p->setup + p->established ? GEN_TCP_ESTABLISHED :
						    GEN_TCP_ANY;
}

static void
draw_real(struct gen *g, struct gen_rule *r)
{
	if (!percent(g, g->p->any_src))
		r->src = g->src[below(g, g->n_pool)];
	if (!percent(g, g->p->any_dst))
		r->dst = g->dst[below(g, g->n_pool)];
	draw_proto(g, r);
}

static void
draw_wide(struct gen *g, struct gen_range *p)
{
	unsigned a = below(g, 65536), b = below(g, 65536);

	*p = (struct gen_range){(uint16_t)(a < b ? a : b),
	    (uint16_t)(a < b ? b : a)};
}

/* One that hurts; 'i' is its place. */
static void
draw_bad(struct gen *g, struct gen_rule *r, enum gen_family family, unsigned i)
{
	static const struct gen_prefix deep = {.a = {0x2a, 0x5a, 0x99, 0x66,
	    0xa5, 0x3c, 0xf0, 0x0f, 0x2a, 0x5a, 0x99, 0x66, 0xa5, 0x3c, 0xf0,
	    0x0f}};
	unsigned bits = g->is6 ? 129 : 33;

	switch (family) {
	case GEN_BOXES:
		extend(g, &r->src, 0, below(g, 9));
		extend(g, &r->dst, 0, below(g, 9));
		r->proto = PROTO_TCP;
		draw_wide(g, &r->dport);
		break;
	case GEN_PORTS:
		r->proto = PROTO_TCP;
		draw_wide(g, &r->sport);
		draw_wide(g, &r->dport);
		break;
	case GEN_NESTED: /* the narrow ones come first */
		r->src = r->dst = deep;
		r->src.len = (uint8_t)(bits - 1 - i % bits);
		r->dst.len = (uint8_t)(bits - 1 - i / bits % bits);
		r->proto = i / bits / bits % 2 ? PROTO_UDP : PROTO_TCP;
		r->dport.lo = r->dport.hi = (uint16_t)(i / bits / bits);
		break;
	default:
		r->ttl = (uint16_t)(1 + i % 250);
		r->id = (uint16_t)(1 + i / 250);
	}
}

static void
mask(struct gen_prefix *p, bool is6)
{
	unsigned octets = is6 ? 16 : 4;

	for (unsigned b = p->len; b < octets * 8; b++)
		p->a[b / 8] &= (uint8_t)~(0x80 >> b % 8);
	memset(p->a + octets, 0, 16 - octets);
}

/* How much of all packets a rule leaves out, in bits. */
static unsigned
narrow(const struct gen_rule *r)
{
	unsigned scale = r->is6 ? 4 : 1, bits;

	bits = (r->src.len + r->dst.len) / scale + (r->proto != 0 ? 8 : 0);
	bits += 16u - (unsigned)log2(r->sport.hi - r->sport.lo + 1.0);
	bits += 16u - (unsigned)log2(r->dport.hi - r->dport.lo + 1.0);
	return bits;
}

struct ordered {
	unsigned key;
	unsigned at;
};

static int
by_key(const void *a, const void *b)
{
	const struct ordered *x = a, *y = b;

	return x->key != y->key ? (x->key < y->key ? 1 : -1) :
				  (x->at > y->at) - (x->at < y->at);
}

/* Narrow rules to the front, with some disorder. */
static void
sort(struct gen *g, struct gen_rule *rules, unsigned n)
{
	struct ordered *o = malloc(n * sizeof(*o));
	struct gen_rule *copy = malloc(n * sizeof(*copy));

	if (o == NULL || copy == NULL)
		abort();
	memcpy(copy, rules, n * sizeof(*copy));
	for (unsigned i = 0; i < n; i++)
		o[i] = (struct ordered){narrow(&rules[i]) + below(g, 10), i};
	qsort(o, n, sizeof(*o), by_key);
	for (unsigned i = 0; i < n; i++)
		rules[i] = copy[o[i].at];
	free(o);
	free(copy);
}

static uint64_t
hash(const struct gen_rule *r)
{
	const uint8_t *b = (const uint8_t *)r;
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < sizeof(*r); i++)
		h = (h ^ b[i]) * 0x100000001b3u;
	return h ^ h >> 29;
}

/* True if the rule was not among the 'seen' ones; now it is. */
static bool
is_new(uint64_t *seen, unsigned slots, const struct gen_rule *r)
{
	struct gen_rule key = *r;
	uint64_t h;
	unsigned at;

	key.allow = false;
	h = hash(&key) | 1;
	for (at = (unsigned)h & (slots - 1); seen[at] != 0;
	     at = (at + 1) & (slots - 1))
		if (seen[at] == h)
			return false;
	seen[at] = h;
	return true;
}

static void
draw_rule(struct gen *g, struct gen_rule *r, enum gen_family family,
    unsigned i)
{
	memset(r, 0, sizeof(*r));
	r->is6 = g->is6;
	r->sport = r->dport = all_ports;
	r->allow = percent(g, 60);
	if (family < N_GEN_REAL)
		draw_real(g, r);
	else
		draw_bad(g, r, family, i);
	mask(&r->src, r->is6);
	mask(&r->dst, r->is6);
}

/* rules[n] of one family of addresses, unsorted, no two the same. */
static void
draw_rules(struct gen *g, struct gen_rule *rules, unsigned n,
    enum gen_family family)
{
	enum { SLOTS = 1 << 18, TRIES = 20 };
	uint64_t *seen = calloc(SLOTS, sizeof(*seen));

	if (seen == NULL)
		abort();
	for (unsigned i = 0; i < n; i++) {
		unsigned tries = 0;

		do {
			draw_rule(g, &rules[i], family, i);
			if (tries++ > TRIES && family < N_GEN_REAL)
				extend(g, &rules[i].dst, rules[i].dst.len,
				    length(g, 32));
		} while (!is_new(seen, SLOTS, &rules[i]) && tries < 2 * TRIES);
	}
	free(seen);
}

static void
one_af(struct gen *g, struct gen_rule *rules, unsigned n,
    enum gen_family family)
{
	if (family < N_GEN_REAL) {
		g->p = &profiles[family];
		g->n_pool = 6 + n * g->p->per_100 / 100;
		g->src = calloc(2 * g->n_pool, sizeof(*g->src));
		if (g->src == NULL)
			abort();
		g->dst = g->src + g->n_pool;
		fill_pool(g, g->src, g->p->src);
		fill_pool(g, g->dst, g->p->dst);
		fill_services(g, n);
	}
	draw_rules(g, rules, n, family);
	free(g->src);
	g->src = NULL;
}

void
gen_rules(struct gen_rule *rules, unsigned n, enum gen_family family,
    enum gen_af af, uint64_t seed)
{
	unsigned n4 = af == GEN_IP4 ? n : af == GEN_IP6 ? 0 : (n + 1) / 2;
	struct gen g = {.src = NULL};

	rng_init(&g.rng, seed * N_GEN_FAMILIES + family);
	if (n4 > 0)
		one_af(&g, rules, n4, family);
	g.is6 = true;
	if (n4 < n)
		one_af(&g, rules + n4, n - n4, family);
	if (family < N_GEN_REAL || af == GEN_MIXED)
		sort(&g, rules, n);
}

/* ---- bytecode ---- */

static void *
put(struct gen_code *c, unsigned op, unsigned arg1, unsigned words)
{
	uint32_t *at = &c->w[c->head.cmd_len];

	*(struct insn *)(void *)at = (struct insn){(uint8_t)op,
	    (uint8_t)words, (uint16_t)arg1};
	c->head.cmd_len = (uint16_t)(c->head.cmd_len + words);
	return at + 1;
}

static void
put_prefix(struct gen_code *c, const struct gen_prefix *p, bool is6, bool src)
{
	unsigned bits = is6 ? 128 : 32, octets = bits / 8;
	uint8_t *to;

	if (p->len == 0)
		return;
	if (p->len == bits) {
		memcpy(put(c, is6 ? (src ? O_IP6_SRC : O_IP6_DST) :
				(src ? O_IP_SRC : O_IP_DST), 0, 1 + octets / 4),
		    p->a, octets);
		return;
	}
	to = put(c, is6 ? (src ? O_IP6_SRC_MASK : O_IP6_DST_MASK) :
		(src ? O_IP_SRC_MASK : O_IP_DST_MASK), 0, 1 + octets / 2);
	memcpy(to, p->a, octets);
	memset(to + octets, 0, octets);
	for (unsigned b = 0; b < p->len; b++)
		to[octets + b / 8] |= (uint8_t)(0x80 >> b % 8);
}

static bool
asks_ports(const struct gen_range *p)
{
	return p->lo != 0 || p->hi != 65535;
}

static void
put_ports(struct gen_code *c, const struct gen_range *p, unsigned op)
{
	if (asks_ports(p))
		memcpy(put(c, op, 0, 2), p, sizeof(*p));
}

void
gen_emit(const struct gen_rule *r, unsigned num, struct gen_code *c)
{
	memset(&c->head, 0, sizeof(c->head));
	c->head.rulenum = num;
	if (r->proto != 0)
		put(c, O_PROTO, r->proto, 1);
	put_prefix(c, &r->src, r->is6, true);
	put_ports(c, &r->sport, O_IP_SRCPORT);
	put_prefix(c, &r->dst, r->is6, false);
	put_ports(c, &r->dport, O_IP_DSTPORT);
	if (r->tcp == GEN_TCP_SETUP)
		put(c, O_TCPFLAGS, TH_SYN | TH_ACK << 8, 1);
	else if (r->tcp == GEN_TCP_ESTABLISHED)
		put(c, O_ESTAB, 0, 1);
	if (r->ttl != 0)
		put(c, O_IPTTL, r->ttl, 1);
	if (r->id != 0)
		put(c, O_IPID, r->id, 1);
	c->head.act_ofs = c->head.cmd_len;
	put(c, r->allow ? O_ACCEPT : O_DENY, 0, 1);
}

/* ---- text ---- */

static void
name_prefix(const struct gen_prefix *p, bool is6, char *to, size_t room)
{
	char a[INET6_ADDRSTRLEN];

	if (p->len == 0) {
		snprintf(to, room, "any");
		return;
	}
	inet_ntop(is6 ? AF_INET6 : AF_INET, p->a, a, sizeof(a));
	snprintf(to, room, "%s/%u", a, p->len);
}

static void
name_ports(const struct gen_range *p, char *to, size_t room)
{
	if (!asks_ports(p))
		*to = '\0';
	else if (p->lo == p->hi)
		snprintf(to, room, " %u", p->lo);
	else
		snprintf(to, room, " %u-%u", p->lo, p->hi);
}

static const char *
name_proto(unsigned proto)
{
	switch (proto) {
	case PROTO_TCP:
		return "tcp";
	case PROTO_UDP:
		return "udp";
	case PROTO_ICMP:
		return "icmp";
	case PROTO_ICMP6:
		return "ipv6-icmp";
	default:
		return "ip";
	}
}

unsigned
gen_text(const struct gen_rule *r, unsigned num, char *to, size_t room)
{
	static const char *const tcp[] = {"", " setup", " established"};
	char src[64], dst[64], sport[24], dport[24], more[40] = "";

	name_prefix(&r->src, r->is6, src, sizeof(src));
	name_prefix(&r->dst, r->is6, dst, sizeof(dst));
	name_ports(&r->sport, sport, sizeof(sport));
	name_ports(&r->dport, dport, sizeof(dport));
	if (r->ttl != 0)
		snprintf(more, sizeof(more), " ipttl %u ipid %u", r->ttl,
		    r->id);
	return (unsigned)snprintf(to, room, "%u %s %s from %s%s to %s%s%s%s",
	    num, r->allow ? "allow" : "deny", name_proto(r->proto), src, sport,
	    dst, dport, tcp[r->tcp], more);
}
