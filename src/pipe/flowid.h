/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which flow a packet belongs to, under a mask.
 *
 * Place      dn.c finds the instance and the stream of a packet with it.
 * Trust      the packet was parsed: the IP header is all there.  It may change
 *            under our feet; then the packet is of another flow, no more.
 */
#pragma once

#include "pipe/dn.h"

/* What the packet says; all zero but 'family' where it says nothing. */
void flowid_of(const struct pkt *p, struct dn_flow_id *id);

/* Leaves what the mask 'm' asks for: IPv6 packets by the IPv6 part of it,
 * others by the IPv4 part.  The family always stays, and the label only of
 * IPv6. */
void flowid_mask(struct dn_flow_id *id, const struct dn_flow_id *m);

/* The mask that leaves what either of two leaves. */
void flowid_unite(struct dn_flow_id *m, const struct dn_flow_id *other);

bool flowid_equal(const struct dn_flow_id *a, const struct dn_flow_id *b);

/* Keyed; 'extra' tells tables apart that share one. */
uint64_t flowid_hash(const struct dn_flow_id *id, uint64_t key,
    uint64_t extra);

/* The same of what a packet says, unmasked, in 32 bits: held.hash. */
uint32_t flowid_hash_pkt(const struct pkt *p, uint64_t key);
