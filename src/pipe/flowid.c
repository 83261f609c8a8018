/* SPDX-License-Identifier: BSD-2-Clause */
#include "pipe/flowid.h"

#include "base/bytes.h"

#include <string.h>

/* No holes: compared and hashed as octets. */
_Static_assert(sizeof(struct dn_flow_id) == 52, "a flow's name");

enum { SRC6 = 8, DST6 = 24, FLOW6_MASK = 0xfffff };

void
flowid_of(const struct pkt *p, struct dn_flow_id *id)
{
	memset(id, 0, sizeof(*id));
	id->proto = p->proto;
	id->dport = p->dport;
	id->sport = p->sport;
	if ((p->flags & PKT_IP4) != 0) {
		id->family = 4;
		id->src4 = __builtin_bswap32(p->src4);
		id->dst4 = __builtin_bswap32(p->dst4);
	} else if ((p->flags & PKT_IP6) != 0) {
		const uint8_t *ip = p->data + p->l3;

		id->family = 6;
		memcpy(id->src6, ip + SRC6, sizeof(id->src6));
		memcpy(id->dst6, ip + DST6, sizeof(id->dst6));
		id->flow6 = get32(ip) & FLOW6_MASK;
	}
}

static void
mask_octets(uint8_t *a, const uint8_t *m)
{
	for (unsigned i = 0; i < 16; i++)
		a[i] &= m[i];
}

void
flowid_mask(struct dn_flow_id *id, const struct dn_flow_id *m)
{
	id->proto &= m->proto;
	id->dport &= m->dport;
	id->sport &= m->sport;
	id->dst4 &= m->dst4;
	id->src4 &= m->src4;
	id->flow6 &= m->flow6;
	mask_octets(id->dst6, m->dst6);
	mask_octets(id->src6, m->src6);
}

void
flowid_unite(struct dn_flow_id *m, const struct dn_flow_id *other)
{
	m->proto |= other->proto;
	m->dport |= other->dport;
	m->sport |= other->sport;
	m->dst4 |= other->dst4;
	m->src4 |= other->src4;
	m->flow6 |= other->flow6;
	for (unsigned i = 0; i < 16; i++) {
		m->dst6[i] |= other->dst6[i];
		m->src6[i] |= other->src6[i];
	}
}

bool
flowid_equal(const struct dn_flow_id *a, const struct dn_flow_id *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* One round: folds the 128-bit product of two words. */
static inline uint64_t
mix(uint64_t a, uint64_t b)
{
	unsigned __int128 p = (unsigned __int128)a * b;

	return (uint64_t)p ^ (uint64_t)(p >> 64);
}

static inline uint64_t
word(const void *from)
{
	uint64_t v;

	memcpy(&v, from, sizeof(v));
	return v;
}

#define ODD1 0xa0761d6478bd642full
#define ODD2 0xe7037ed1a0b428dbull

uint64_t
flowid_hash(const struct dn_flow_id *id, uint64_t key, uint64_t extra)
{
	const uint8_t *b = (const uint8_t *)id;
	uint64_t h = mix(key ^ ODD1, extra ^ ODD2);

	h = mix(word(b) ^ h, word(b + 8) ^ key);
	if (id->family == 6) {
		h = mix(word(b + 16) ^ h, word(b + 24) ^ key);
		h = mix(word(b + 32) ^ h, word(b + 40) ^ key);
		h ^= id->flow6;
	}
	return mix(h ^ ODD2, key ^ ODD1);
}

uint32_t
flowid_hash_pkt(const struct pkt *p, uint64_t key)
{
	struct dn_flow_id id;

	flowid_of(p, &id);
	id.flow6 = 0;
	return (uint32_t)(flowid_hash(&id, key, 0) >> 32);
}
