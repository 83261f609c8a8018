/* SPDX-License-Identifier: BSD-2-Clause */
#include "packet/rewrite.h"

#include "base/bytes.h"
#include "packet/proto.h"

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
	uint16_t from, to;

	if ((p->flags & PKT_IP) == 0)
		return;
	from = get16(h);
	if ((p->flags & PKT_IP4) != 0) {
		to = (uint16_t)((from & 0xff03) | dscp << 2);
		put16(h, to);
		put16(h + 10, rewrite_sum(get16(h + 10), from, to));
	} else {
		put16(h, (uint16_t)((from & 0xf03f) | dscp << 6));
	}
}

/* Offset of the MSS value from the TCP header, 0 if there is none.  Each octet
 * that leads on is read once and bounded by the private length. */
static unsigned
find_mss(const struct pkt *p)
{
	enum { END = 0, NOP = 1, MSS = 2, MSS_LEN = 4 };
	const uint8_t *h = p->data + p->l4;
	unsigned there = (unsigned)p->len - p->l4;
	unsigned hlen = (unsigned)(get8_once(h + 12) >> 4) * 4;
	unsigned end = hlen < there ? hlen : there, at = TCP_LEN;

	while (at + 2 <= end) {
		unsigned kind = get8_once(h + at), size;

		if (kind == END)
			break;
		if (kind == NOP) {
			at++;
			continue;
		}
		size = get8_once(h + at + 1);
		if (size < 2 || size > end - at)
			break;
		if (kind == MSS && size == MSS_LEN)
			return at + 2;
		at += size;
	}
	return 0;
}

bool
rewrite_mss(struct pkt *p, uint16_t mss)
{
	uint8_t *h = p->data + p->l4;
	uint16_t from, to = mss, sum;
	unsigned at;

	if (p->proto != PROTO_TCP || (p->flags & PKT_L4) == 0 ||
	    (p->tcp_flags & TH_SYN) == 0 || (at = find_mss(p)) == 0)
		return false;
	from = get16(h + at);
	if (from <= mss)
		return false;
	put16(h + at, mss);
	if (at % 2 != 0) { /* in the sum, its octets stand the other way */
		from = __builtin_bswap16(from);
		to = __builtin_bswap16(to);
	}
	sum = get16(h + 16);
	put16(h + 16, rewrite_sum(sum, from, to));
	return true;
}
