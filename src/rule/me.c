/* SPDX-License-Identifier: BSD-2-Clause */
#include "rule/me.h"

#include <string.h>

bool
me_has6(const struct me *me, const struct pkt *p, unsigned ofs)
{
	const uint8_t *addr = p->data + p->l3 + ofs;

	for (unsigned i = 0; i < me->n6; i++) {
		if (memcmp(me->addrs6[i], addr, 16) == 0)
			return true;
	}
	return false;
}
