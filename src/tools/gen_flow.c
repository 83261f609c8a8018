/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/gen_flow.h"

static struct gen_axis
axis(uint64_t lo, uint64_t hi)
{
	return (struct gen_axis){.cur = lo, .lo = lo, .hi = hi};
}

static bool
is_range(const struct gen_axis *a)
{
	return a->lo != a->hi;
}

void
gen_flow_init(struct gen_flow *f, const struct gen_range *src,
	      const struct gen_range *dst)
{
	*f = (struct gen_flow){.seed = 1};
	f->axes[GEN_SRC_PORT] = axis(src->port_lo, src->port_hi);
	f->axes[GEN_SRC_ADDR] = axis(src->lo, src->hi);
	f->axes[GEN_DST_PORT] = axis(dst->port_lo, dst->port_hi);
	f->axes[GEN_DST_ADDR] = axis(dst->lo, dst->hi);
	for (unsigned i = 0; i < GEN_N_WALK; i++)
		f->varies |= is_range(&f->axes[i]);
}

void
gen_flow_macs(struct gen_flow *f, const struct gen_macs *src,
	      const struct gen_macs *dst)
{
	f->axes[GEN_SRC_MAC] = axis(src->lo, src->hi);
	f->axes[GEN_DST_MAC] = axis(dst->lo, dst->hi);
	f->macs_vary =
	    is_range(&f->axes[GEN_SRC_MAC]) || is_range(&f->axes[GEN_DST_MAC]);
}

/* Small seeds make poor first numbers, and 0 would stay 0 for ever. */
static uint64_t
scramble(uint64_t seed)
{
	seed = (seed + 1) * 0x9e3779b97f4a7c15ull;
	seed ^= seed >> 29;
	return seed != 0 ? seed : 1;
}

void
gen_flow_random(struct gen_flow *f, bool src, bool dst, uint64_t seed)
{
	f->random_src = src;
	f->random_dst = dst;
	f->seed = scramble(seed);
	gen_flow_draw_sides(f);
}

uint64_t
gen_flow_period(const struct gen_flow *f)
{
	uint64_t n = 1;

	for (unsigned i = 0; i < GEN_N_WALK; i++) {
		uint64_t span = f->axes[i].hi - f->axes[i].lo;

		if (span == UINT64_MAX ||
		    __builtin_mul_overflow(n, span + 1, &n))
			return UINT64_MAX;
	}
	return n;
}
