/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "frames.h"

#include "packet/reply.h"
#include "rule/interp.h"

#include <arpa/inet.h>
#include <stdlib.h>

static struct frame f;
static struct rng rng;
static struct counter counts[16];
static struct tag_pool tags;
static struct me me;
static struct pass pass = {
	.counts = counts,
	.rng = &rng,
	.tags = &tags,
	.me = &me,
	.in_if = "valeA:f",
	.out_if = "eth1",
	.now_s = 77,
};

/* ---- a rule from words ---- */

static struct rule *
rule_of(unsigned num, const void *pattern, unsigned n_words, uint8_t op,
    uint16_t arg1)
{
	struct rule *r = calloc(1, sizeof(*r) + (n_words + 1) * 4);

	r->num = (uint16_t)num;
	r->n_words = (uint16_t)(n_words + 1);
	r->act_ofs = (uint16_t)n_words;
	memcpy(r->cmd, pattern, n_words * 4);
	r->cmd[n_words] = (struct insn){op, 1, arg1};
	return r;
}

static bool
match_words(const struct pkt *p, const void *w, unsigned n_words)
{
	struct rule *r = rule_of(1, w, n_words, O_ACCEPT, 0);
	bool hit = interp_match(&pass, r, p);

	free(r);
	return hit;
}

/* One instruction without further words, and its negation. */
static bool
hit1(const struct pkt *p, uint8_t op, uint16_t arg1)
{
	struct insn i = {op, 1, arg1}, n = {op, 1 | INSN_NOT, arg1};
	bool hit = match_words(p, &i, 1);

	assert_int_not_equal(match_words(p, &n, 1), hit);
	return hit;
}

/* One instruction and 'n' words behind it, and its negation. */
static bool
hit(const struct pkt *p, uint8_t op, uint16_t arg1, const void *words,
    unsigned n)
{
	uint32_t w[INSN_MAX_WORDS + 1];
	struct insn i = {op, (uint8_t)(n + 1), arg1};
	bool yes;

	memcpy(w, &i, 4);
	memcpy(w + 1, words, n * 4);
	yes = match_words(p, w, n + 1);
	i.len |= INSN_NOT;
	memcpy(w, &i, 4);
	assert_int_not_equal(match_words(p, w, n + 1), yes);
	return yes;
}

#define W(...) (uint32_t[]){__VA_ARGS__}
#define HIT(p, op, arg1, ...)                                                  \
	hit(p, op, arg1, W(__VA_ARGS__), ARRAY_LEN(W(__VA_ARGS__)))
#define RANGE(lo, hi) ((lo) | (uint32_t)(hi) << 16)

/* ---- packets ---- */

static struct pkt
tcp4(uint8_t flags)
{
	f_ether(&f, ETYPE_IP4);
	f_ip4(&f, PROTO_TCP, 0x0a000001, 0x0a000102, 0);
	f_tcp(&f, 1000, 80, flags);
	return f_parse(&f);
}

static struct pkt
udp4_later(void)
{
	f_ether(&f, ETYPE_IP4);
	f_ip4(&f, PROTO_UDP, 0x0a000001, 0x0a000102, 0x2008);
	f_add(&f, 16);
	return f_parse(&f);
}

static struct pkt
udp6(void)
{
	f_ether(&f, ETYPE_IP6);
	f_ip6(&f, PROTO_UDP, 1, 2);
	f_udp(&f, 53, 5353);
	return f_parse(&f);
}

static struct pkt
arp(void)
{
	f_ether(&f, ETYPE_ARP);
	f_add(&f, 28);
	return f_parse(&f);
}

static struct pkt
icmp4(uint8_t type)
{
	f_ether(&f, ETYPE_IP4);
	f_ip4(&f, PROTO_ICMP, 1, 2, 0);
	f_add(&f, 8)[0] = type;
	return f_parse(&f);
}

/* ---- tests ---- */

static void
addresses4(void **state)
{
	struct pkt p = tcp4(TH_SYN), six = udp6();

	(void)state;
	p = tcp4(TH_SYN);
	assert_true(HIT(&p, O_IP_SRC, 0, htonl(0x0a000001)));
	assert_false(HIT(&p, O_IP_SRC, 0, htonl(0x0a000002)));
	assert_true(HIT(&p, O_IP_DST, 0, htonl(0x0a000102)));
	assert_false(HIT(&p, O_IP_DST, 0, htonl(0x0a000001)));
	assert_true(HIT(&p, O_IP_SRC_MASK, 0, htonl(0x0a000000),
	    htonl(0xff000000)));
	assert_true(HIT(&p, O_IP_DST_MASK, 0, htonl(0x0b000000),
	    htonl(0xff000000), htonl(0x00000002), htonl(0x000000ff)));
	assert_false(HIT(&p, O_IP_DST_MASK, 0, htonl(0x0b000000),
	    htonl(0xff000000), htonl(0x00000003), htonl(0x000000ff)));
	/* 10.0.1.0/24{2,33}: base in host order, bit per address */
	assert_true(HIT(&p, O_IP_DST_SET, 64, 0x0a000100, 1u << 2, 1u << 1));
	assert_false(HIT(&p, O_IP_DST_SET, 64, 0x0a000100, ~(1u << 2), ~0u));
	assert_false(HIT(&p, O_IP_DST_SET, 2, 0x0a000100, ~0u));
	assert_false(HIT(&p, O_IP_DST_SET, 256, 0x0a000103, ~0u, ~0u, ~0u, ~0u,
	    ~0u, ~0u, ~0u, ~0u));
	assert_true(HIT(&p, O_IP_SRC_SET, 70, 0x09ffffc1, 0, 0, 1));
	assert_false(HIT(&p, O_IP_SRC_SET, 70, 0x09ffffc1, ~0u, ~0u, ~1u));
	six = udp6(); /* its first word must not pass for an IPv4 address */
	assert_false(HIT(&six, O_IP_SRC, 0, six.src4));
	assert_false(HIT(&six, O_IP_SRC_MASK, 0, 0, 0));
}

static void
addresses6(void **state)
{
	struct pkt p = udp6(), four;
	uint32_t a[8] = {htonl(0x20010db8), 0, 0, htonl(1), ~0u, ~0u, ~0u, ~0u};

	(void)state;
	assert_true(hit(&p, O_IP6_SRC, 0, a, 4));
	assert_false(hit(&p, O_IP6_DST, 0, a, 4));
	assert_true(hit(&p, O_IP6_SRC_MASK, 0, a, 8));
	assert_false(hit(&p, O_IP6_DST_MASK, 0, a, 8));
	a[3] = a[5] = a[6] = a[7] = 0; /* 2001:db8::/32 */
	assert_true(hit(&p, O_IP6_DST_MASK, 0, a, 8));
	four = tcp4(0);
	assert_false(hit(&four, O_IP6_SRC_MASK, 0, (uint32_t[8]){0}, 8));
}

/* 'me' is what the operator said, both families, and nobody otherwise. */
static void
own_addresses(void **state)
{
	struct pkt p = tcp4(0), six;

	(void)state;
	assert_false(hit1(&p, O_IP_SRC_ME, 0));
	me = (struct me){.n4 = 2, .addrs4 = {0, htonl(0x0a000001)}, .n6 = 1};
	assert_true(hit1(&p, O_IP_SRC_ME, 0));
	assert_false(hit1(&p, O_IP_DST_ME, 0));
	assert_false(hit1(&p, O_IP6_SRC_ME, 0));
	six = udp6();
	memcpy(me.addrs6[0], f.b + six.l3 + 24, 16);
	assert_true(hit1(&six, O_IP6_DST_ME, 0));
	assert_false(hit1(&six, O_IP6_SRC_ME, 0));
	assert_true(hit1(&six, O_IP_DST_ME, 0)); /* 'me' is both families */
	assert_false(hit1(&six, O_IP_SRC_ME, 0));
	me = (struct me){0};
}

static void
ports(void **state)
{
	struct pkt p = tcp4(0), later;

	(void)state;
	assert_true(HIT(&p, O_IP_SRCPORT, 0, RANGE(1000, 1000)));
	assert_true(HIT(&p, O_IP_DSTPORT, 0, RANGE(1, 2), RANGE(80, 90)));
	assert_true(HIT(&p, O_IP_DSTPORT, 0, RANGE(0, 80)));
	assert_false(HIT(&p, O_IP_DSTPORT, 0, RANGE(81, 65535)));
	later = udp4_later();
	assert_false(HIT(&later, O_IP_DSTPORT, 0, RANGE(0, 65535)));
	p = icmp4(8);
	assert_false(HIT(&p, O_IP_DSTPORT, 0, RANGE(0, 65535)));
}

static void
families(void **state)
{
	struct pkt p = udp6();

	(void)state;
	assert_true(hit1(&p, O_IP6, 0));
	assert_false(hit1(&p, O_IP4, 0));
	assert_true(hit1(&p, O_PROTO, PROTO_UDP));
	assert_true(hit1(&p, O_IPVER, 6));
	assert_false(hit1(&p, O_IPVER, 4));
	p = arp();
	assert_false(hit1(&p, O_IP6, 0));
	assert_false(hit1(&p, O_IP4, 0));
	assert_false(hit1(&p, O_PROTO, 0));
	assert_false(hit1(&p, O_IPVER, 4));
	p = tcp4(0);
	assert_true(hit1(&p, O_IP4, 0));
	assert_true(hit1(&p, O_PROTO, PROTO_TCP));
	assert_false(hit1(&p, O_PROTO, PROTO_UDP));
	assert_true(hit1(&p, O_IPVER, 4));
}

static void
link_layer(void **state)
{
	struct insn_mac m = {{O_MACADDR2, 7, 0}, {0}, {0}};
	struct pkt p = tcp4(0);

	(void)state;
	assert_true(hit1(&p, O_LAYER2, 0));
	assert_true(match_words(&p, &m, 7)); /* any any */
	memcpy(m.addr, f.b, 12);
	memset(m.mask, 0xff, 12);
	assert_true(match_words(&p, &m, 7));
	m.addr[11] ^= 1;
	assert_false(match_words(&p, &m, 7));
	assert_true(HIT(&p, O_MAC_TYPE, 0, RANGE(0x800, 0x800)));
	assert_false(HIT(&p, O_MAC_TYPE, 0, RANGE(0x801, 0xffff)));
	f_ether(&f, ETYPE_VLAN);
	f_vlan(&f, 1, ETYPE_IP4);
	f_ip4(&f, 1, 1, 2, 0);
	f_add(&f, 8);
	p = f_parse(&f);
	assert_true(HIT(&p, O_MAC_TYPE, 0, RANGE(0x8100, 0x8100)));
	assert_true(hit1(&p, O_IP4, 0));
}

static bool
hit_if(const struct pkt *p, uint8_t op, const char *name, uint32_t glob)
{
	struct insn_if i = {{op, 6, 0}, {.glob = glob}, {0}};

	strncpy(i.name, name, sizeof(i.name) - 1);
	return match_words(p, &i, 6);
}

static void
interfaces(void **state)
{
	struct pkt p = tcp4(0);

	(void)state;
	assert_true(hit1(&p, O_IN, 0));
	assert_true(hit_if(&p, O_RECV, "valeA:f", 0));
	assert_false(hit_if(&p, O_RECV, "valeA:", 0));
	assert_false(hit_if(&p, O_RECV, "vale*", 0));
	assert_true(hit_if(&p, O_RECV, "vale[AB]:?", 1));
	assert_true(hit_if(&p, O_VIA, "valeA:f", 0));
	assert_false(hit_if(&p, O_XMIT, "eth1", 0));
	assert_false(hit_if(&p, O_RECV, "", 0x0100007f));
	pass.out = true;
	assert_false(hit1(&p, O_IN, 0));
	assert_true(hit_if(&p, O_XMIT, "eth1", 0));
	assert_true(hit_if(&p, O_XMIT, "eth*", 1));
	assert_true(hit_if(&p, O_VIA, "eth1", 0));
	assert_true(hit_if(&p, O_RECV, "valeA:f", 0));
	pass.out = false;
}

static void
fragments(void **state)
{
	struct pkt p = udp4_later();

	(void)state;
	assert_true(hit1(&p, O_FRAG, 0));
	assert_true(hit1(&p, O_FRAG, FRAG_OFFSET | FRAG_MF));
	assert_false(hit1(&p, O_FRAG, FRAG_DF));
	assert_true(hit1(&p, O_FRAG, FRAG_DF << 8 | FRAG_MF));
	assert_false(hit1(&p, O_FRAG, FRAG_MF << 8));
	p = tcp4(0);
	assert_false(hit1(&p, O_FRAG, 0));
	assert_true(hit1(&p, O_FRAG, FRAG_OFFSET << 8));
	p = arp();
	assert_false(hit1(&p, O_FRAG, FRAG_OFFSET << 8));
}

static void
ip_fields(void **state)
{
	struct pkt p = tcp4(0);

	(void)state;
	f.b[15] = 0xb8 | 1; /* EF, ECT(1) */
	assert_true(hit1(&p, O_IPLEN, 40));
	assert_false(hit1(&p, O_IPLEN, 41));
	assert_true(HIT(&p, O_IPLEN, 0, RANGE(0, 39), RANGE(40, 41)));
	assert_true(hit1(&p, O_IPID, 0x1234));
	assert_true(hit1(&p, O_IPTTL, 64));
	assert_false(hit1(&p, O_IPTTL, 63));
	assert_true(hit1(&p, O_IPTOS, 0x08));
	assert_true(hit1(&p, O_IPTOS, 0x02 << 8 | 0x10));
	assert_false(hit1(&p, O_IPTOS, 0x10 << 8));
	assert_true(hit1(&p, O_IPPRECEDENCE, 0xa0));
	assert_false(hit1(&p, O_IPPRECEDENCE, 0xc0));
	assert_true(HIT(&p, O_DSCP, 0, 0, 1u << (46 - 32)));
	assert_false(HIT(&p, O_DSCP, 0, ~0u, ~(1u << (46 - 32))));
	f.b[15] = 0x14; /* 5 */
	assert_true(HIT(&p, O_DSCP, 0, 1u << 5, 0));
	p = udp6();
	put32(f.b + 14, 0x6b8a1234); /* class 0xb8, label 0xa1234 */
	assert_true(HIT(&p, O_DSCP, 0, 0, 1u << (46 - 32)));
	assert_true(HIT(&p, O_FLOW6ID, 2, 7, 0xa1234));
	assert_false(HIT(&p, O_FLOW6ID, 1, 0xb1234));
	assert_true(hit1(&p, O_IPLEN, 48));
	assert_false(hit1(&p, O_IPTTL, 64));
	assert_false(hit1(&p, O_IPID, 0));
	p = arp();
	assert_false(hit1(&p, O_IPLEN, 0));
	assert_false(HIT(&p, O_DSCP, 0, ~0u, ~0u));
	assert_false(HIT(&p, O_FLOW6ID, 1, 0));
	assert_false(hit1(&p, O_IPID, 0));
	assert_true(match_words(&p, &(struct insn){O_NOP, 1, 0}, 1));
	assert_false(match_words(&p, &(struct insn){O_UID, 1, 0}, 1));
}

static void
ip_options(void **state)
{
	struct pkt p;
	uint8_t *o;

	(void)state;
	f_ether(&f, ETYPE_IP4);
	f_ip4(&f, PROTO_UDP, 1, 2, 0)[0] = 0x48;
	o = f_add(&f, 12);
	f_udp(&f, 1, 2);
	memcpy(o, "\x01\x83\x03\0\x44\x04\0\0", 8);
	p = f_parse(&f);
	assert_true(hit1(&p, O_IPOPT, IPOPT_LSRR | IPOPT_TS));
	assert_true(hit1(&p, O_IPOPT, IPOPT_RR << 8));
	assert_false(hit1(&p, O_IPOPT, IPOPT_TS << 8));
	o[2] = 1; /* an option of one octet: the walk ends there */
	assert_false(hit1(&p, O_IPOPT, IPOPT_LSRR));
	o[2] = 40; /* longer than the header */
	assert_false(hit1(&p, O_IPOPT, IPOPT_LSRR));
}

static void
tcp_fields(void **state)
{
	struct pkt p = tcp4(TH_SYN);

	(void)state;
	assert_false(hit1(&p, O_ESTAB, 0));
	assert_true(hit1(&p, O_TCPFLAGS, TH_SYN | TH_ACK << 8));
	p = tcp4(TH_SYN | TH_ACK);
	assert_true(hit1(&p, O_ESTAB, 0));
	assert_false(hit1(&p, O_TCPFLAGS, TH_SYN | TH_ACK << 8));
	p = tcp4(0); /* pitfall 12: no flags at all is established */
	assert_true(hit1(&p, O_ESTAB, 0));
	p = tcp4(TH_SYN | TH_RST);
	assert_true(hit1(&p, O_ESTAB, 0));
	put32(f.b + 38, 0x01020304);
	put32(f.b + 42, 0x05060708);
	put16(f.b + 48, 4096);
	assert_true(HIT(&p, O_TCPSEQ, 0, htonl(0x01020304)));
	assert_true(HIT(&p, O_TCPACK, 0, htonl(0x05060708)));
	assert_false(HIT(&p, O_TCPACK, 0, htonl(0x01020304)));
	assert_true(hit1(&p, O_TCPWIN, 4096));
	assert_false(hit1(&p, O_TCPWIN, 4095));
	assert_true(hit1(&p, O_TCPDATALEN, 0));
	p = icmp4(8); /* has an L4 header, but not TCP's */
	assert_false(hit1(&p, O_ESTAB, 0));
	assert_false(hit1(&p, O_TCPFLAGS, 0));
	assert_false(hit1(&p, O_TCPOPTS, TCPOPT_MSS << 8));
	assert_false(hit1(&p, O_TCPDATALEN, 0));
	p = udp4_later();
	assert_false(hit1(&p, O_ESTAB, 0));
	assert_false(hit1(&p, O_TCPFLAGS, 0));
	assert_false(HIT(&p, O_TCPSEQ, 0, 0));
}

static void
tcp_options(void **state)
{
	struct pkt p;

	(void)state;
	f_ether(&f, ETYPE_IP6);
	f_ip6(&f, PROTO_TCP, 1, 2);
	f_tcp(&f, 1, 2, TH_SYN)[12] = 0x80;
	memcpy(f_add(&f, 12), "\x02\x04\x05\xb4\x01\x03\x03\x07\x04\x02\0\0",
	    12);
	f_add(&f, 7);
	p = f_parse(&f);
	assert_true(hit1(&p, O_TCPOPTS,
	    TCPOPT_MSS | TCPOPT_WINDOW | TCPOPT_SACK));
	assert_true(hit1(&p, O_TCPOPTS, TCPOPT_TS << 8));
	assert_false(hit1(&p, O_TCPOPTS, TCPOPT_TS));
	assert_true(hit1(&p, O_TCPMSS, 1460));
	assert_true(HIT(&p, O_TCPMSS, 0, RANGE(1400, 1500)));
	assert_false(hit1(&p, O_TCPMSS, 1461));
	assert_true(hit1(&p, O_TCPDATALEN, 7));
	assert_false(hit1(&p, O_TCPDATALEN, 8));
	p.tcp_flags = TH_ACK; /* only a SYN has an MSS */
	assert_false(hit1(&p, O_TCPMSS, 1460));
	p = f_parse(&f);
	p.len = (uint16_t)(p.len - 7 - 10); /* options cut by the frame */
	assert_false(hit1(&p, O_TCPOPTS, TCPOPT_MSS));
}

static void
icmp_types(void **state)
{
	struct pkt p = icmp4(8);

	(void)state;
	assert_true(HIT(&p, O_ICMPTYPE, 0, 1u << 8));
	assert_false(HIT(&p, O_ICMPTYPE, 0, ~(1u << 8)));
	p = icmp4(32); /* nor is there a bit for 32 */
	assert_false(HIT(&p, O_ICMPTYPE, 0, ~0u));
	p = icmp4(40); /* no bit for it, and no shift past the word */
	assert_false(HIT(&p, O_ICMPTYPE, 0, ~0u));
	f_ether(&f, ETYPE_IP6);
	f_ip6(&f, PROTO_ICMP6, 1, 2);
	f_add(&f, 8)[0] = 135;
	p = f_parse(&f);
	assert_true(HIT(&p, O_ICMP6TYPE, 0, 0, 0, 0, 0, 1u << 7, 0, 0));
	assert_false(HIT(&p, O_ICMP6TYPE, 0, ~0u, ~0u, ~0u, ~0u, ~(1u << 7),
	    ~0u, ~0u));
	assert_false(HIT(&p, O_ICMPTYPE, 0, ~0u));
	f.b[54] = 224;
	p = f_parse(&f);
	assert_false(HIT(&p, O_ICMP6TYPE, 0, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u,
	    ~0u));
	f.b[54] = 255;
	p = f_parse(&f);
	assert_false(HIT(&p, O_ICMP6TYPE, 0, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u,
	    ~0u));
}

static void
extension_headers(void **state)
{
	struct pkt p;

	(void)state;
	f_ether(&f, ETYPE_IP6);
	f_ip6(&f, PROTO_DSTOPTS, 1, 2);
	f_add(&f, 8)[0] = PROTO_NONE;
	p = f_parse(&f);
	assert_true(hit1(&p, O_EXT_HDR, EXT_DSTOPTS | EXT_AH));
	assert_false(hit1(&p, O_EXT_HDR, EXT_AH));
}

static void
chance(void **state)
{
	struct pkt p = arp();
	unsigned hits = 0;

	(void)state;
	for (int i = 0; i < 10000; i++)
		hits += match_words(&p,
		    &(struct insn_u32){{O_PROB, 2, 0}, {0x20000000}}, 2);
	assert_in_range(hits, 2300, 2700); /* one in four; 6 sigma */
	assert_false(match_words(&p, &(struct insn_u32){{O_PROB, 2, 0}, {0}},
	    2));
}

/* { a or not b } c: first hit leaves the block, a failed block fails all. */
static void
or_blocks(void **state)
{
	struct pkt p = tcp4(0);
	struct insn i[4] = {
		{O_PROTO, 1 | INSN_OR, PROTO_UDP},
		{O_PROTO, 1 | INSN_OR | INSN_NOT, PROTO_TCP},
		{O_PROTO, 1, PROTO_TCP},
		{O_IP4, 1, 0},
	};

	(void)state;
	assert_true(match_words(&p, i, 4));
	i[2].arg1 = PROTO_ICMP;
	assert_false(match_words(&p, i, 4));
	i[0].arg1 = PROTO_TCP;
	assert_true(match_words(&p, i, 4));
	i[3].opcode = O_IP6;
	assert_false(match_words(&p, i, 4));
	assert_true(match_words(&p, i, 0)); /* no pattern: always */
}

/* ---- whole rulesets ---- */

static struct ruleset *
rules_of(struct rule **r, unsigned n)
{
	struct ruleset *rs = calloc(1, sizeof(*rs) + n * sizeof(rs->rules[0]));

	rs->n_rules = n;
	for (unsigned i = 0; i < n; i++) {
		r[i]->counter = i;
		rs->rules[i] = r[i];
	}
	memset(counts, 0, sizeof(counts));
	pass.rules = rs;
	return rs;
}

static void
free_rules(struct ruleset *rs)
{
	for (unsigned i = 0; i < rs->n_rules; i++)
		free(rs->rules[i]);
	free(rs);
}

static void
actions(void **state)
{
	struct insn tcp = {O_PROTO, 1, PROTO_TCP};
	struct pkt p = tcp4(0), six;
	struct ruleset *rs = rules_of((struct rule *[]){
	    rule_of(10, &tcp, 1, O_COUNT, 0),
	    rule_of(20, &tcp, 1, O_SKIPTO, 40),
	    rule_of(30, &tcp, 1, O_DENY, 0),
	    rule_of(50, &tcp, 1, O_SKIPTO, 50), /* not above 50: goes on */
	    rule_of(50, &tcp, 1, O_DENY, 0),    /* jumped over */
	    rule_of(60, &tcp, 1, O_SKIPTO, 65000), /* none: the default */
	    rule_of(70, &tcp, 1, O_DENY, 0),
	    rule_of(RULE_DEFAULT, "", 0, O_ACCEPT, 0)}, 8);
	static const unsigned wanted[8] = {1, 1, 0, 1, 0, 1, 0, 1};

	(void)state;
	assert_int_equal(interp_run(&pass, &p, 0), VERDICT_ACCEPT);
	for (unsigned i = 0; i < 8; i++) {
		assert_int_equal(counts[i].pkts, wanted[i]);
		assert_int_equal(counts[i].bytes, wanted[i] * 40);
		assert_int_equal(counts[i].last_s, wanted[i] * 77);
	}
	rs->set_disabled = 1u << 3; /* nobody is in set 3 yet */
	rs->rules[1]->set = 3;
	assert_int_equal(interp_run(&pass, &p, 0), VERDICT_DENY);
	assert_int_equal(counts[1].pkts, 1);
	assert_int_equal(counts[2].pkts, 1);
	assert_int_equal(interp_run(&pass, &p, 3), VERDICT_ACCEPT);
	six = udp6();
	assert_int_equal(interp_run(&pass, &six, 0), VERDICT_ACCEPT);
	assert_int_equal(counts[7].pkts, 3);
	free_rules(rs);
}

/* Two rules call 100 and return; 'return' skips rules of the caller's number. */
static void
call_and_return(void **state)
{
	struct insn none = {0}, ret = {O_CALLRETURN, 1 | INSN_NOT, 0};
	struct pkt p = tcp4(0);
	struct ruleset *rs = rules_of((struct rule *[]){
	    rule_of(10, &none, 0, O_CALLRETURN, 100),
	    rule_of(10, &none, 0, O_DENY, 0), /* skipped by the return */
	    rule_of(20, &none, 0, O_CALLRETURN, 100),
	    rule_of(30, &none, 0, O_ACCEPT, 0),
	    rule_of(100, &none, 0, O_COUNT, 0),
	    rule_of(110, &none, 0, O_CALLRETURN, 0),
	    rule_of(RULE_DEFAULT, &none, 0, O_DENY, 0)}, 7);
	static const unsigned wanted[7] = {1, 0, 1, 1, 2, 2, 0};

	(void)state;
	rs->rules[5]->cmd[0] = ret;
	assert_int_equal(interp_run(&pass, &p, 0), VERDICT_ACCEPT);
	for (unsigned i = 0; i < 7; i++)
		assert_int_equal(counts[i].pkts, wanted[i]);
	/* Without a caller, return goes on with the next rule. */
	assert_int_equal(interp_run(&pass, &p, 4), VERDICT_DENY);
	assert_int_equal(counts[6].pkts, 1);
	free_rules(rs);
}

/* A rule that calls itself: 16 times; with the stack full it does not count. */
static void
call_stack_is_bounded(void **state)
{
	struct insn none = {0};
	struct pkt p = tcp4(0);
	struct ruleset *rs = rules_of((struct rule *[]){
	    rule_of(10, &none, 0, O_CALLRETURN, 10),
	    rule_of(RULE_DEFAULT, &none, 0, O_ACCEPT, 0)}, 2);

	(void)state;
	assert_int_equal(interp_run(&pass, &p, 0), VERDICT_ACCEPT);
	assert_int_equal(counts[0].pkts, CALL_DEPTH);
	free_rules(rs);
}

/* tag, tagged, untag, in the order of the rules, and on this packet only. */
static void
tags_and_marks(void **state)
{
	struct insn w[2] = {{O_TAG, 1, 7}, {O_COUNT, 1, 0}};
	struct insn tagged = {O_TAGGED, 1, 7};
	struct {
		struct insn i;
		uint32_t v[2];
	} mark = {{O_MARK, 3, 0x8000}, {0x20, 0xf0}};
	struct insn_u16 range = {{O_TAGGED, 2, 0}, {5, 9}};
	struct pkt p = tcp4(0), other = tcp4(0);
	struct ruleset *rs = rules_of((struct rule *[]){
	    rule_of(10, w, 1, O_COUNT, 0),
	    rule_of(20, &tagged, 1, O_COUNT, 0),
	    rule_of(30, w, 1, O_COUNT, 0),
	    rule_of(40, &tagged, 1, O_DENY, 0),
	    rule_of(RULE_DEFAULT, w, 0, O_ACCEPT, 0)}, 5);

	(void)state;
	rs->rules[0]->act_ofs = rs->rules[2]->act_ofs = 0;
	rs->rules[2]->cmd[0].len |= INSN_NOT;
	tag_reset(&tags);
	assert_int_equal(interp_run(&pass, &p, 0), VERDICT_ACCEPT);
	assert_int_equal(counts[1].pkts, 1);
	assert_int_equal(p.tags, 0);
	assert_false(hit1(&other, O_TAGGED, 7));
	tag_set(&tags, &p.tags, 9);
	assert_true(match_words(&p, &range, 2));
	assert_false(hit1(&p, O_TAGGED, 5));
	assert_false(match_words(&p, &mark, 3));
	p.mark = 0x123;
	assert_true(match_words(&p, &mark, 3));
	p.mark = 0x130;
	assert_false(match_words(&p, &mark, 3));
	free_rules(rs);
}

static unsigned
ip_sum(const uint8_t *h)
{
	unsigned s = 0;

	for (int i = 0; i < 20; i += 2)
		s += get16(h + i);
	s = (s & 0xffff) + (s >> 16);
	return (s & 0xffff) + (s >> 16);
}

/* DSCP is set, ECN stays, the IPv4 checksum stays right. */
static void
setdscp(void **state)
{
	struct insn none = {0};
	struct pkt p;
	struct ruleset *rs = rules_of((struct rule *[]){
	    rule_of(10, &none, 0, O_SETDSCP, 0x8000 | 9),
	    rule_of(RULE_DEFAULT, &none, 0, O_ACCEPT, 0)}, 2);

	(void)state;
	for (unsigned tos = 0; tos < 256; tos++) {
		uint8_t *h;

		p = tcp4(0);
		h = f.b + p.l3;
		h[1] = (uint8_t)tos;
		put16(h + 4, (uint16_t)(tos * 771));
		put16(h + 10, 0);
		put16(h + 10, (uint16_t)~ip_sum(h));
		assert_int_equal(ip_sum(h), 0xffff);
		interp_run(&pass, &p, 0);
		assert_int_equal(h[1], 9 << 2 | (tos & 3));
		assert_int_equal(ip_sum(h), 0xffff);
	}
	p = udp6();
	put32(f.b + p.l3, 0x6ffabcde);
	interp_run(&pass, &p, 0);
	assert_int_equal(get32(f.b + p.l3), 0x627abcde);
	p = arp();
	f.b[14] = 0x55;
	interp_run(&pass, &p, 0);
	assert_int_equal(f.b[14], 0x55);
	free_rules(rs);
}

/* tcp-setmss counts and goes on where it lowers an MSS, and is no match
 * elsewhere. */
static void
setmss(void **state)
{
	struct rule *r = rule_of(10, "", 0, O_EXTERNAL_ACTION,
	    EACTION_SETMSS_IDX);
	struct ruleset *rs;
	struct pkt p;
	uint8_t *o;

	(void)state;
	r = realloc(r, sizeof(*r) + 2 * sizeof(struct insn));
	r->cmd[r->n_words++] = (struct insn){O_EXTERNAL_DATA, 1, 1400};
	rs = rules_of((struct rule *[]){r,
	    rule_of(RULE_DEFAULT, "", 0, O_ACCEPT, 0)}, 2);
	for (unsigned mss = 1398; mss < 1403; mss++) {
		f_ether(&f, ETYPE_IP4);
		f_ip4(&f, PROTO_TCP, 1, 2, 0);
		f_tcp(&f, 1, 2, TH_SYN)[12] = 0x60;
		o = f_add(&f, 4);
		put16(o, 0x0204);
		put16(o + 2, (uint16_t)mss);
		p = f_parse(&f);
		assert_int_equal(interp_run(&pass, &p, 0), VERDICT_ACCEPT);
		assert_int_equal(get16(o + 2), mss > 1400 ? 1400 : mss);
		assert_int_equal(counts[0].pkts, mss > 1400 ? mss - 1400 : 0);
	}
	assert_int_equal(counts[1].pkts, 5);
	p = udp6();
	assert_int_equal(interp_run(&pass, &p, 0), VERDICT_ACCEPT);
	assert_int_equal(counts[0].pkts, 2);
	rs->rules[1]->cmd[0].opcode = O_FORWARD_IP;
	assert_int_equal(interp_run(&pass, &p, 0), VERDICT_BOUNCE);
	rs->rules[1]->cmd[0].opcode = O_FORWARD_IP6;
	assert_int_equal(interp_run(&pass, &p, 0), VERDICT_BOUNCE);
	free_rules(rs);
}

/* The end of another action is not taken for one. */
static void
looks_like_setmss(void **state)
{
	struct insn cmd[2] = {{O_EXTERNAL_ACTION, 1, 1},
	    {O_EXTERNAL_DATA, 1, 1}};
	struct rule *r = rule_of(10, "", 0, O_FORWARD_IP6, 0);

	(void)state;
	r = realloc(r, sizeof(*r) + 8 * sizeof(struct insn));
	memset(r->cmd + 1, 0, 7 * sizeof(struct insn));
	r->cmd[0].len = 8;
	memcpy(r->cmd + 6, cmd, sizeof(cmd));
	r->n_words = 8;
	assert_false(rule_eaction(r));
	memcpy(r->cmd, cmd, sizeof(cmd));
	r->n_words = 2;
	assert_true(rule_eaction(r));
	r->n_words = 1;
	assert_false(rule_eaction(r));
	free(r);
}

/* Which answer a rejected packet gets. */
static void
rejects(void **state)
{
	static const struct {
		uint8_t op;
		uint16_t arg1;
		uint8_t kind4, code4, kind6, code6;
	} rows[] = {
		{O_DENY, 0, REPLY_NONE, 0, REPLY_NONE, 0},
		{O_REJECT, REJECT_RST, REPLY_RST, 0, REPLY_RST, 0},
		{O_REJECT, REJECT_ABORT, REPLY_ABORT, 0, REPLY_ABORT, 0},
		{O_REJECT, 3, REPLY_UNREACH, 3, REPLY_UNREACH, 4},
		{O_REJECT, 1, REPLY_UNREACH, 1, REPLY_UNREACH, 0},
		{O_REJECT, 255, REPLY_UNREACH, 255, REPLY_UNREACH, 1},
		{O_UNREACH6, REJECT_RST, REPLY_NONE, 0, REPLY_RST, 0},
		{O_UNREACH6, REJECT_ABORT, REPLY_NONE, 0, REPLY_ABORT, 0},
		{O_UNREACH6, 3, REPLY_NONE, 0, REPLY_UNREACH, 3},
	};
	struct insn_u16 mtu = {{O_REJECT, 2, 4}, {1400, 0}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct rule *r = rule_of(10, "", 0, rows[i].op, rows[i].arg1);
		struct ruleset *rs = rules_of((struct rule *[]){r}, 1);
		struct pkt p = tcp4(TH_SYN);

		assert_int_equal(interp_run(&pass, &p, 0), VERDICT_DENY);
		assert_int_equal(p.reply, rows[i].kind4);
		assert_int_equal(p.reply_code, rows[i].code4);
		assert_int_equal(p.reply_mtu, 0);
		p = udp6();
		assert_int_equal(interp_run(&pass, &p, 0), VERDICT_DENY);
		assert_int_equal(p.reply, rows[i].kind6);
		assert_int_equal(p.reply_code, rows[i].code6);
		if (rows[i].op == O_REJECT) {
			r = realloc(r, sizeof(*r) + sizeof(mtu));
			rs->rules[0] = r;
			memcpy(r->cmd, &mtu, sizeof(mtu));
			p = tcp4(TH_SYN);
			interp_run(&pass, &p, 0);
			assert_int_equal(p.reply_code, 4);
			assert_int_equal(p.reply_mtu, 1400);
		}
		free_rules(rs);
	}
}

/* logdst, or without it what settings say: lines, and captures if anybody makes
 * them; nothing is recorded for nobody. */
static void
log_to(struct pkt *p, struct rule *r)
{
	static const struct {
		uint16_t dst;
		bool text, text_only;
		uint16_t flags;
	} rows[] = {
	    {0, true, false, RECORD_TEXT | RECORD_CAPTURE},
	    {0, false, false, RECORD_CAPTURE},
	    {0, true, true, RECORD_TEXT},
	    {0, false, true, 0},
	    {LOGDST_SYSLOG, false, false, RECORD_TEXT},
	    {LOGDST_BPF, true, false, RECORD_CAPTURE},
	    {LOGDST_BPF, true, true, 0},
	    {LOGDST_SYSLOG | LOGDST_BPF, false, false,
		RECORD_TEXT | RECORD_CAPTURE},
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct record *got;

		pass.log_left[r->counter] = 2;
		r->cmd[0].arg1 = rows[i].dst;
		pass.log_text = rows[i].text;
		pass.log_text_only = rows[i].text_only;
		interp_run(&pass, p, 0);
		record_publish(pass.log, 1);
		got = record_first(pass.log);
		assert_int_equal(got == NULL, rows[i].flags == 0);
		if (got == NULL)
			continue;
		assert_int_equal(got->flags, rows[i].flags);
		record_done(pass.log);
	}
	pass.log_text_only = false;
}

/* 'log' records when somebody reads, with the interface of the pass. */
static void
logs(void **state)
{
	struct insn_log log = {.o = {O_LOG, 3, 0}, .max_log = 2};
	static _Atomic uint32_t left[16];
	struct rule *r = calloc(1, sizeof(*r) + 5 * 4);
	struct ruleset *rs;
	struct pkt p = tcp4(TH_SYN);
	const struct record *got;

	(void)state;
	r->num = 10;
	r->n_words = 5;
	memcpy(r->cmd, &log, sizeof(log));
	r->cmd[3] = (struct insn){O_TAG, 1, 5};
	r->cmd[4] = (struct insn){O_DENY, 1, 0};
	rs = rules_of((struct rule *[]){r,
	    rule_of(RULE_DEFAULT, "", 0, O_ACCEPT, 0)}, 2);
	tag_reset(&tags);
	pass.log_left = left;
	left[r->counter] = 2;
	assert_int_equal(interp_run(&pass, &p, 0), VERDICT_DENY);
	pass.log = record_ring_create();
	pass.log_text = true;
	for (unsigned i = 0; i < 4; i++) {
		pass.out = i == 1;
		assert_int_equal(interp_run(&pass, &p, 0), VERDICT_DENY);
	}
	assert_int_equal(left[r->counter], 0);
	pass.out = false;
	record_publish(pass.log, 1);
	got = record_first(pass.log);
	assert_string_equal(got->ifname, "valeA:f");
	assert_int_equal(got->act[0].opcode, O_DENY);
	record_done(pass.log);
	got = record_first(pass.log);
	assert_string_equal(got->ifname, "eth1");
	assert_int_equal(got->flags,
	    RECORD_OUT | RECORD_TEXT | RECORD_LAST | RECORD_CAPTURE);
	record_done(pass.log);
	assert_null(record_first(pass.log));
	log_to(&p, r);
	record_ring_destroy(pass.log);
	pass.log = NULL;
	free_rules(rs);
}

/* A burst that the first rule decides about, and one that it does not. */
static void
bursts(void **state)
{
	struct insn none = {0};
	struct pkt p[3];
	struct ruleset *rs = rules_of((struct rule *[]){
	    rule_of(10, &none, 0, O_DENY, 0),
	    rule_of(RULE_DEFAULT, &none, 0, O_ACCEPT, 0)}, 2);

	(void)state;
	for (int i = 0; i < 3; i++)
		p[i] = tcp4(0);
	p[1].bad = PKT_BAD_SHORT_L4;
	p[1].verdict = 99;
	interp_burst(&pass, p, 3);
	assert_int_equal(p[0].verdict, VERDICT_DENY);
	assert_int_equal(p[1].verdict, 99);
	assert_int_equal(p[2].verdict, VERDICT_DENY);
	assert_int_equal(counts[0].pkts, 2);
	assert_int_equal(counts[0].bytes, 80);
	rs->rules[0]->set = 4;
	rs->set_disabled = 1u << 4;
	interp_burst(&pass, p, 3);
	assert_int_equal(p[0].verdict, VERDICT_ACCEPT);
	assert_int_equal(counts[0].pkts, 2);
	assert_int_equal(counts[1].pkts, 2);
	free_rules(rs);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses4),
		cmocka_unit_test(addresses6),
		cmocka_unit_test(own_addresses),
		cmocka_unit_test(ports),
		cmocka_unit_test(families),
		cmocka_unit_test(link_layer),
		cmocka_unit_test(interfaces),
		cmocka_unit_test(fragments),
		cmocka_unit_test(ip_fields),
		cmocka_unit_test(ip_options),
		cmocka_unit_test(tcp_fields),
		cmocka_unit_test(tcp_options),
		cmocka_unit_test(icmp_types),
		cmocka_unit_test(extension_headers),
		cmocka_unit_test(chance),
		cmocka_unit_test(or_blocks),
		cmocka_unit_test(actions),
		cmocka_unit_test(bursts),
		cmocka_unit_test(call_and_return),
		cmocka_unit_test(call_stack_is_bounded),
		cmocka_unit_test(tags_and_marks),
		cmocka_unit_test(setdscp),
		cmocka_unit_test(setmss),
		cmocka_unit_test(looks_like_setmss),
		cmocka_unit_test(rejects),
		cmocka_unit_test(logs),
	};

	rng_init(&rng, 7);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
