/* SPDX-License-Identifier: BSD-2-Clause */
#include "packet/rewrite.h"

#include "base/bytes.h"

uint16_t
rewrite_sum(uint16_t sum, uint16_t from, uint16_t to)
{
	uint32_t s = (uint32_t)(uint16_t)~sum + (uint16_t)~from + to;

	s = (s & 0xffff) + (s >> 16);
	return (uint16_t)~(s + (s >> 16));
}

void
rewrite_dscp(struct pkt *p, unsigned dscp)
{
	uint8_t *h = p->data + p->l3;
	uint16_t from = get16(h), to;

	if ((p->flags & PKT_IP4) != 0) {
		to = (uint16_t)((from & 0xff03) | dscp << 2);
		put16(h, to);
		put16(h + 10, rewrite_sum(get16(h + 10), from, to));
	} else if ((p->flags & PKT_IP6) != 0) {
		put16(h, (uint16_t)((from & 0xf03f) | dscp << 6));
	}
}
