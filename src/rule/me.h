/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The addresses that 'me' and 'me6' stand for.  A bump in the wire has none of
 * its own: they are told at start and never change after.
 */
#pragma once

#include "packet/pkt.h"

enum { ME_MAX = 64 };

struct me {
	unsigned n4, n6;
	uint32_t addrs4[ME_MAX]; /* network order */
	uint8_t addrs6[ME_MAX][16];
};

/* True if the address at octet 'ofs' of the IPv6 header is one of ours. */
bool me_has6(const struct me *me, const struct pkt *p, unsigned ofs);

static inline bool
me_has4(const struct me *me, uint32_t addr)
{
	for (unsigned i = 0; i < me->n4; i++) {
		if (me->addrs4[i] == addr)
			return true;
	}
	return false;
}
