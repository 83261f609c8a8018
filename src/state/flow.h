/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What makes packets one conversation: family, protocol, both addresses, both
 * ports; and its hash, which is the same in both directions.
 *
 * Place      state.h finds states by it.
 * Ports      0 for later fragments and for protocols without ports.
 * Hash       keyed: sums of products of the words, each plus a secret word (the
 *            universal family NH), folded by a second keyed product.  Without
 *            the key nobody can choose flows that fall into one bucket; a CRC,
 *            which is linear, would collide whatever the key.
 * Cost       3 ns (IPv4), 6 ns (IPv6).
 */
#pragma once

#include "base/rng.h"
#include "packet/pkt.h"

struct flow {
	uint32_t src4, dst4; /* network order; IPv6: first words */
	uint16_t sport, dport;
	uint8_t proto;
	bool is6;
	uint8_t src6[16], dst6[16]; /* only with is6 */
};

struct flow_key {
	uint64_t k[8]; /* secret */
};

/* Draws a key; 'rng' must have been seeded from a secret. */
void flow_key_init(struct flow_key *key, struct rng *rng);

/* The flow of an IP packet.  The addresses of IPv6 are copied, since the frame
 * may change. */
void flow_of(const struct pkt *p, struct flow *f);

/* The hash of a flow, equal for both directions.  'extra' makes families of
 * flows that differ in something else; 0 for plain ones. */
uint64_t flow_hash(const struct flow_key *key, const struct flow *f,
    uint32_t extra);

/* flow_hash(flow_of(p), 0) without a copy of the flow for IPv4. */
uint64_t flow_hash_pkt(const struct flow_key *key, const struct pkt *p);

/* Leaves only the fields in 'mask' (LIMIT_SRC_ADDR 1, SRC_PORT 2, DST_ADDR 4,
 * DST_PORT 8); the others become 0. */
void flow_mask(struct flow *f, unsigned mask);
