/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rule sets and packets as the world has them, from a seed.
 *
 * Place      bench/bench_match measures with them, test/oracle/bounds counts.
 * Families   three that look like what operators write: access lists of a
 *            provider (many hosts as destination, services by port), firewalls
 *            (much is 'any', ranges of ports on both sides), chains of pairs of
 *            networks.  Prefixes nest, their lengths follow a histogram, ports
 *            come from a list of services that grows with the set.  And four
 *            that hurt an index: wide boxes that overlap, random ranges of both
 *            ports, prefixes nested as deep as it goes, and rules that differ in
 *            nothing that an index sees.
 * Order      the narrower a rule the further in front it stands, by and large,
 *            as it must for the others to mean anything.
 * Packets    one minimal frame each; every header differs.
 */
#pragma once

#include "base/rng.h"
#include "ipfw_abi.h"
#include "rule/insn.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum gen_family {
	GEN_ACL,
	GEN_FW,
	GEN_CHAIN,
	GEN_BOXES,
	GEN_PORTS,
	GEN_NESTED,
	GEN_SAME,
	N_GEN_FAMILIES,
	N_GEN_REAL = GEN_BOXES,
};

enum gen_af { GEN_IP4, GEN_IP6, GEN_MIXED };

struct gen_prefix {
	uint8_t a[16]; /* the first 4 octets for IPv4 */
	uint8_t len;
};

struct gen_range {
	uint16_t lo, hi;
};

struct gen_rule {
	bool is6;
	uint8_t proto; /* 0 = any */
	uint8_t tcp;   /* enum gen_tcp */
	bool allow;
	struct gen_prefix src, dst;
	struct gen_range sport, dport; /* 0-65535: not asked */
	uint16_t ttl; /* 0 = not asked; what GEN_SAME differs in */
	uint16_t id;  /* likewise: IPv4's identification */
};

enum gen_tcp { GEN_TCP_ANY, GEN_TCP_SETUP, GEN_TCP_ESTABLISHED };

/* A rule as request data. */
struct gen_code {
	struct abi_rule head;
	uint32_t w[64];
};

extern const char *const gen_names[N_GEN_FAMILIES];

/* rules[n] of a family, n <= 65,000. */
void gen_rules(struct gen_rule *rules, unsigned n, enum gen_family family,
    enum gen_af af, uint64_t seed);

/* Bytecode of a rule under a number, as 'ipfw add' makes it of gen_text(). */
void gen_emit(const struct gen_rule *r, unsigned num, struct gen_code *out);

/* What follows 'add', without newline; returns its length. */
unsigned gen_text(const struct gen_rule *r, unsigned num, char *to,
    size_t room);

/* ---- packets ---- */

enum gen_trace {
	GEN_UNIFORM, /* a random point of a random rule */
	GEN_ZIPF,    /* of 100,000 flows, the n-th 1/n as often as the first */
	GEN_NOTHING, /* far away from every address */
	GEN_CROSS,   /* each field from another rule: adversarial */
	N_GEN_TRACES,
};

enum { GEN_LEN4 = 60, GEN_LEN6 = 74 }; /* octets without FCS, TCP or UDP */

extern const char *const gen_trace_names[N_GEN_TRACES];

/* Writes n frames, one each 'stride' >= GEN_LEN6 (IPv4 alone: GEN_LEN4) octets;
 * lens[i] is its length. */
void gen_frames(uint8_t *frames, size_t stride, uint8_t *lens, unsigned n,
    enum gen_trace kind, const struct gen_rule *rules, unsigned n_rules,
    uint64_t seed);
