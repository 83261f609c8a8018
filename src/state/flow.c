/* SPDX-License-Identifier: BSD-2-Clause */
#include "state/flow.h"

#include <string.h>

__extension__ typedef unsigned __int128 u128;

enum { MASK_SRC_ADDR = 1, MASK_SRC_PORT = 2, MASK_DST_ADDR = 4,
	MASK_DST_PORT = 8 };

void
flow_key_init(struct flow_key *key, struct rng *rng)
{
	for (unsigned i = 0; i < ARRAY_LEN(key->k); i++)
		key->k[i] = rng_u64(rng);
}

void
flow_of(const struct pkt *p, struct flow *f)
{
	f->src4 = p->src4;
	f->dst4 = p->dst4;
	f->sport = p->sport;
	f->dport = p->dport;
	f->proto = p->proto;
	f->is6 = (p->flags & PKT_IP6) != 0;
	if (f->is6) {
		memcpy(f->src6, p->data + p->l3 + 8, sizeof(f->src6));
		memcpy(f->dst6, p->data + p->l3 + 24, sizeof(f->dst6));
	}
}

static inline u128
product(uint64_t a, uint64_t b)
{
	return (u128)a * b;
}

/* 128 bits of which no one may be lost, to 64. */
static inline uint64_t
fold(const struct flow_key *key, u128 sum)
{
	u128 h = product((uint64_t)sum + key->k[6],
	    (uint64_t)(sum >> 64) + key->k[7]);

	return (uint64_t)h ^ (uint64_t)(h >> 64);
}

/* Of IPv4; each end is its address and its port. */
static inline uint64_t
hash4(const struct flow_key *key, uint64_t a, uint64_t b, uint8_t proto,
    uint32_t extra)
{
	uint64_t lo = a < b ? a : b, hi = a < b ? b : a;

	return fold(key, product(lo + key->k[0], hi + key->k[1]) +
		product(proto + key->k[2], extra + key->k[3]));
}

static inline uint64_t
end4(uint32_t addr, uint16_t port)
{
	return (uint64_t)addr << 16 | port;
}

/* The ends of the flow are put in order first, so that both directions give
 * the same words. */
static uint64_t
hash6(const struct flow_key *key, const struct flow *f, uint32_t extra)
{
	int order = memcmp(f->src6, f->dst6, sizeof(f->src6));
	bool keep = order < 0 || (order == 0 && f->sport < f->dport);
	uint64_t a[2], b[2], ports;

	memcpy(a, keep ? f->src6 : f->dst6, sizeof(a));
	memcpy(b, keep ? f->dst6 : f->src6, sizeof(b));
	ports = keep ? (uint64_t)f->sport << 16 | f->dport :
		       (uint64_t)f->dport << 16 | f->sport;
	ports |= (uint64_t)f->proto << 32 | 1ull << 40;
	return fold(key, product(a[0] + key->k[0], a[1] + key->k[1]) +
		product(b[0] + key->k[2], b[1] + key->k[3]) +
		product(ports + key->k[4], extra + key->k[5]));
}

uint64_t
flow_hash(const struct flow_key *key, const struct flow *f, uint32_t extra)
{
	return f->is6 ? hash6(key, f, extra) :
			hash4(key, end4(f->src4, f->sport),
			    end4(f->dst4, f->dport), f->proto, extra);
}

uint64_t
flow_hash_pkt(const struct flow_key *key, const struct pkt *p)
{
	struct flow f;

	if (likely((p->flags & PKT_IP6) == 0))
		return hash4(key, end4(p->src4, p->sport),
		    end4(p->dst4, p->dport), p->proto, 0);
	flow_of(p, &f);
	return hash6(key, &f, 0);
}

void
flow_mask(struct flow *f, unsigned mask)
{
	if ((mask & MASK_SRC_ADDR) == 0) {
		f->src4 = 0;
		memset(f->src6, 0, sizeof(f->src6));
	}
	if ((mask & MASK_DST_ADDR) == 0) {
		f->dst4 = 0;
		memset(f->dst6, 0, sizeof(f->dst6));
	}
	if ((mask & MASK_SRC_PORT) == 0)
		f->sport = 0;
	if ((mask & MASK_DST_PORT) == 0)
		f->dport = 0;
}
