/* SPDX-License-Identifier: BSD-2-Clause */
#include "rule/cut.h"

#include <string.h>

/* ---- keys to boxes ---- */

/* The values under a mask, of 'bits' bits: exact if the mask is a prefix, else
 * those that share its leading ones. */
static void
range_of_mask(uint64_t value, uint64_t mask, unsigned bits, uint64_t *lo,
    uint64_t *hi)
{
	uint64_t all = bits == 64 ? UINT64_MAX : (1ull << bits) - 1;
	uint64_t clear = ~mask & all;
	uint64_t below = clear == 0 ? 0 :
	    UINT64_MAX >> __builtin_clzll(clear);

	*lo = value & ~below;
	*hi = (value & ~below) | below;
}

static void
range_of_addr(uint32_t v, uint32_t m, uint32_t v2, uint32_t m2, bool ip6,
    uint64_t *lo, uint64_t *hi)
{
	uint64_t value = __builtin_bswap32(v), mask = __builtin_bswap32(m);

	if (ip6) {
		value = value << 32 | __builtin_bswap32(v2);
		mask = mask << 32 | __builtin_bswap32(m2);
	}
	range_of_mask(value, mask, ip6 ? 64 : 32, lo, hi);
}

/* Packets that are not IPv6 have 0 there, and nothing is cut. */
static void
range_of_rest(const struct rule_key *k, bool ip6, unsigned shift, uint64_t *lo,
    uint64_t *hi)
{
	uint16_t value = __builtin_bswap16((uint16_t)(k->rest >> shift));
	uint16_t mask = __builtin_bswap16((uint16_t)(k->rest_mask >> shift));

	*lo = *hi = 0;
	if (ip6)
		range_of_mask(value, mask, 16, lo, hi);
}

void
cut_box(const struct rule_key *k, bool ip6, struct box *b)
{
	bool tcp = (k->meta & k->meta_mask & KEY_TCP) != 0;
	bool proto = (k->meta_mask & 0xff) == 0xff;

	range_of_addr(k->src, k->src_mask, k->src2, k->src2_mask, ip6,
	    &b->lo[DIM_SRC], &b->hi[DIM_SRC]);
	range_of_addr(k->dst, k->dst_mask, k->dst2, k->dst2_mask, ip6,
	    &b->lo[DIM_DST], &b->hi[DIM_DST]);
	b->lo[DIM_SPORT] = k->ports_lo >> 16;
	b->hi[DIM_SPORT] = k->ports_hi >> 16;
	b->lo[DIM_DPORT] = k->ports_lo & 0xffff;
	b->hi[DIM_DPORT] = k->ports_hi & 0xffff;
	b->lo[DIM_PROTO] = proto ? k->meta & 0xff : tcp ? PROTO_TCP : 0;
	b->hi[DIM_PROTO] = proto ? k->meta & 0xff : tcp ? PROTO_TCP : 0xff;
	range_of_rest(k, ip6, 16, &b->lo[DIM_SRC_REST], &b->hi[DIM_SRC_REST]);
	range_of_rest(k, ip6, 0, &b->lo[DIM_DST_REST], &b->hi[DIM_DST_REST]);
}

/* ---- choosing ---- */

void
cut_shrink(const struct boxes *boxes, const struct refs *r, struct box *box)
{
	for (unsigned d = 0; d < FOREST_DIMS; d++) {
		const struct range *in = boxes->in[d];
		uint64_t lo = UINT64_MAX, hi = 0;

		for (unsigned i = 0; i < r->n; i++) {
			lo = cut_min(lo, in[r->slots[i]].lo);
			hi = cut_max(hi, in[r->slots[i]].hi);
		}
		box->lo[d] = cut_max(box->lo[d], lo);
		box->hi[d] = cut_min(box->hi[d], hi);
	}
}

void
cut_count(const struct boxes *boxes, const struct refs *r,
    const struct box *box, const struct cut *c, uint32_t *n_in)
{
	const struct range *in = boxes->in[c->dim];
	unsigned n = 1u << c->bits, first, last;
	uint32_t sum = 0;

	memset(n_in, 0, (n + 1) * sizeof(*n_in));
	for (unsigned i = 0; i < r->n; i++) {
		cut_children(&in[r->slots[i]], box, c, &first, &last);
		n_in[first]++;
		n_in[last + 1]--;
	}
	for (unsigned i = 0; i < n; i++)
		n_in[i] = sum += n_in[i];
}

/* What a cut costs: the rules that a packet, sent by one of the rules at random,
 * meets in its child, times a price for rules in several children; copies are
 * cheap as long as there is a right to many of them. */
static void
judge(const struct boxes *boxes, const struct refs *r, const struct box *box,
    uint64_t budget, struct cut *c)
{
	uint32_t n_in[(1 << CUT_BITS) + 1];
	unsigned n = 1u << c->bits;
	double squares = 0, each = r->n;

	cut_count(boxes, r, box, c, n_in);
	c->refs = 0;
	for (unsigned i = 0; i < n; i++) {
		c->refs += n_in[i];
		squares += (double)n_in[i] * n_in[i];
	}
	c->cost = squares / (double)c->refs *
	    (1 + ((double)c->refs / each - 1) * 2 * each / (double)budget) *
	    (1 + n / each / 32);
}

void
cut_try(const struct boxes *boxes, const struct refs *r,
    const struct box *box, enum dim dim, uint64_t budget, struct cut *best)
{
	unsigned width = cut_width(box->lo[dim] ^ box->hi[dim]);
	unsigned bits = cut_width(r->n);
	double last = r->n * 1e6;

	if (bits > CUT_BITS)
		bits = CUT_BITS;
	if (bits > width)
		bits = width;
	for (; bits > 0; bits = bits > 2 ? bits - 2 : bits - 1) {
		struct cut c = {.dim = dim, .bits = bits,
			.shift = width - bits};

		c.base = width == 64 ? 0 :
		    box->lo[dim] >> width << width;
		judge(boxes, r, box, budget, &c);
		if (c.refs > budget)
			continue;
		if (c.cost < best->cost)
			*best = c;
		if (c.cost > last)
			break;
		last = c.cost;
	}
}
