/* SPDX-License-Identifier: BSD-2-Clause */
#include "pipe/held.h"

#include "base/bytes.h"
#include "packet/rewrite.h"
#include "pipe/slab.h"

/* Octets of a header, frame and tags. */
static inline size_t
size_of(unsigned len, unsigned n_tags)
{
	return sizeof(struct held) + len + n_tags * sizeof(uint16_t);
}

static unsigned
count_tags(const struct tag_pool *tags, uint32_t head)
{
	unsigned n = 0;

	for (uint32_t t = head; t != 0 && n < HELD_TAGS; t = tags->tags[t].next)
		n++;
	return n;
}

/* Packs the tags of a packet behind its frame. */
static void
pack_tags(struct held *h, const struct tag_pool *tags, uint32_t head)
{
	uint8_t *to = held_tags(h);

	for (unsigned i = 0; i < h->n_tags; i++) {
		memcpy(to, &tags->tags[head].value, sizeof(uint16_t));
		to += sizeof(uint16_t);
		head = tags->tags[head].next;
	}
}

struct held *
held_new(struct slab *slab, const struct pkt *p, const struct tag_pool *tags)
{
	unsigned n_tags = unlikely(p->tags != 0 && tags != NULL) ?
	    count_tags(tags, p->tags) : 0;
	size_t size;
	struct held *h = slab_alloc_sized(slab, size_of(p->len, n_tags),
	    &size);

	if (unlikely(h == NULL))
		return NULL;
	held_fill(h, size, p);
	h->n_tags = (uint8_t)n_tags;
	if (unlikely(n_tags > 0))
		pack_tags(h, tags, p->tags);
	return h;
}

struct held *
held_copy(struct slab *slab, const struct held *h)
{
	struct held *c = slab_alloc(slab, held_size(h));

	if (c != NULL)
		memcpy(c, h, size_of(h->len, h->n_tags));
	return c;
}

enum { ECN_MASK = 3, ECN_CE = 3 };

/* IPv4: the second octet of the header, so the low half of its first word. */
static bool
mark4(uint8_t *ip)
{
	uint16_t old = get16(ip), new = old | ECN_CE;

	if ((old & ECN_MASK) == 0)
		return false;
	put16(ip, new);
	if (new != old)
		put16(ip + 10, rewrite_sum(get16(ip + 10), old, new));
	return true;
}

/* IPv6: the traffic class lies across the first two octets. */
static bool
mark6(uint8_t *ip)
{
	if ((ip[1] >> 4 & ECN_MASK) == 0)
		return false;
	ip[1] |= ECN_CE << 4;
	return true;
}

bool
held_mark_ce(struct held *h)
{
	uint8_t *ip = h->frame + h->l3;

	if ((h->flags & HELD_IP4) != 0)
		return mark4(ip);
	return (h->flags & HELD_IP6) != 0 && mark6(ip);
}
