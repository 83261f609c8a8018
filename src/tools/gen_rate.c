/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/gen_rate.h"

enum { CHUNKS_PER_S = 10000 };

typedef unsigned __int128 u128;

void
gen_rate_init(struct gen_rate *r, uint64_t pps, unsigned burst, ns_t now_ns)
{
	uint64_t chunk = pps / CHUNKS_PER_S;

	if (chunk < 1)
		chunk = 1;
	if (chunk > burst)
		chunk = burst;
	*r = (struct gen_rate){
	    .pps = pps,
	    .start_ns = now_ns,
	    .chunk = (unsigned)chunk,
	};
}

/* Time from the start until packet number 'k' is due, rounded up.  The product
 * needs at most 64 + 30 bits. */
static ns_t
offset_ns(const struct gen_rate *r, uint64_t k)
{
	return (ns_t)(((u128)k * NS_PER_S + r->pps - 1) / r->pps);
}

static unsigned
chunk_of(const struct gen_rate *r, unsigned want)
{
	return want < r->chunk ? want : r->chunk;
}

unsigned
gen_rate_due(struct gen_rate *r, unsigned want, ns_t now_ns)
{
	ns_t next_ns;
	uint64_t due;

	if (r->pps == 0)
		return want;
	next_ns = r->start_ns + offset_ns(r, r->sent);
	if (now_ns < next_ns)
		return 0;
	if (now_ns - next_ns > GEN_RATE_DEBT_NS)
		r->start_ns += now_ns - next_ns - GEN_RATE_DEBT_NS;
	/* Packets 0 .. floor(elapsed * pps) are due; 'sent' of them are gone.
	 */
	due = (uint64_t)((u128)(now_ns - r->start_ns) * r->pps / NS_PER_S) + 1;
	due = due > r->sent ? due - r->sent : 0;
	if (due < chunk_of(r, want))
		return 0;
	return due < want ? (unsigned)due : want;
}

ns_t
gen_rate_when(const struct gen_rate *r, unsigned want)
{
	unsigned chunk = chunk_of(r, want);

	if (r->pps == 0 || chunk == 0)
		return r->start_ns;
	return r->start_ns + offset_ns(r, r->sent + chunk - 1);
}
