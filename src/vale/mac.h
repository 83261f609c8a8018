/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The address table of a switch: learn and look up, without a lock.
 *
 * Place      inside forward.c's pass 1; the table lies in struct vswitch.
 * Entries    one word each, read and written whole: address and port + 1.  A
 *            bucket is one cache line of 8.  Two ports that learn at once may
 *            leave an address twice in a bucket; the first one counts and the
 *            other is overwritten in time.
 * Cost       one line to look up, one to learn; a write only on change.
 */
#pragma once

#include "vale/layout.h"

#define MAC_MASK 0xffffffffffffull

static inline uint64_t *
mac_bucket(struct vswitch *sw, uint64_t mac, uint64_t seed)
{
	uint64_t h = (mac ^ seed) * 0x9e3779b97f4a7c15ull;

	return sw->macs[h >> 56 & (VALE_MAC_BUCKETS - 1)];
}

/* The port that sent from this address last, or VALE_MAX_PORTS. */
static inline unsigned
mac_lookup(struct vswitch *sw, uint64_t mac, uint64_t seed)
{
	const uint64_t *b = mac_bucket(sw, mac, seed);

	for (unsigned i = 0; i < VALE_MAC_WAYS; i++) {
		uint64_t w = ld_relaxed(&b[i]);
		unsigned port = (unsigned)(w & 0xffff) - 1;

		if (w >> 16 == mac && port < VALE_MAX_PORTS)
			return port;
	}
	return VALE_MAX_PORTS;
}

/* In a full bucket the victim depends on the address alone. */
static inline void
mac_learn(struct vswitch *sw, uint64_t mac, uint64_t seed, unsigned port)
{
	uint64_t *b = mac_bucket(sw, mac, seed), want = mac << 16 | (port + 1);
	uint64_t *put = &b[(mac * 0xff51afd7ed558ccdull) >> 61];
	bool found_empty = false;

	for (unsigned i = 0; i < VALE_MAC_WAYS; i++) {
		uint64_t w = ld_relaxed(&b[i]);

		if (w == want)
			return;
		if (w >> 16 == mac && w != 0) {
			put = &b[i];
			break;
		}
		if (w == 0 && !found_empty) {
			found_empty = true;
			put = &b[i];
		}
	}
	st_relaxed(put, want);
}
