/* SPDX-License-Identifier: BSD-2-Clause */
#include "packet/reass.h"

#include "base/bytes.h"
#include "packet/checksum.h"
#include "packet/proto.h"

#include <stdlib.h>
#include <string.h>

enum {
	BUCKETS = 1024,
	OFF_UNIT = 8,
	ECN_MASK = 3,
	ECN_NOT = 0,
	ECN_CE = 3,
	MORE = 0x2000,
	OFFSET_MASK = 0x1fff,
};

/* A kept fragment; its frame is bufs[index]. */
struct frag {
	uint16_t next; /* of the packet, by offset; or free; 0 = none */
	uint16_t off;  /* of what is left of it, in the packet's payload */
	uint16_t len;
	uint16_t at;   /* where that lies in the frame */
	uint8_t l3;    /* offsets of the headers in the frame */
	uint8_t l4;
	bool more;
};

struct key {
	uint32_t src, dst;
	uint16_t id, lane;
	uint8_t proto;
};

struct packet {
	struct key key;
	uint32_t born_s;
	uint16_t chain; /* of its bucket */
	uint16_t older, younger;
	uint16_t frags; /* the first one */
	uint16_t n_frags;
	uint16_t end; /* of the payload; 0 = not known yet */
	bool ce;      /* some fragment has met congestion */
};

/* Indexes begin at 1, so that 0 is none. */
struct reass {
	struct reass_stats stats;
	uint64_t hash_key[2];
	unsigned n_packets; /* in the table */
	uint16_t oldest, youngest;
	uint16_t free_packets, new_packets; /* given back; never used yet */
	uint16_t free_frags, new_frags;
	uint16_t buckets[BUCKETS];
	struct packet packets[REASS_PACKETS + 1];
	struct frag frags[REASS_FRAGS + 1];
	uint8_t bufs[REASS_FRAGS + 1][REASS_BUF];
};

struct reass *
reass_create(struct rng *rng)
{
	struct reass *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->hash_key[0] = rng_u64(rng);
	r->hash_key[1] = rng_u64(rng) | 1;
	r->new_packets = r->new_frags = 1;
	return r;
}

void
reass_destroy(struct reass *r)
{
	free(r);
}

struct reass_stats *
reass_stats(struct reass *r)
{
	return &r->stats;
}

/* ---- pools ---- */

static unsigned
frag_alloc(struct reass *r)
{
	unsigned f = r->free_frags;

	if (f != 0) {
		r->free_frags = r->frags[f].next;
		return f;
	}
	return r->new_frags <= REASS_FRAGS ? r->new_frags++ : 0;
}

static void
frag_free(struct reass *r, unsigned f)
{
	r->frags[f].next = r->free_frags;
	r->free_frags = (uint16_t)f;
}

static unsigned
packet_alloc(struct reass *r)
{
	unsigned k = r->free_packets;

	if (k != 0) {
		r->free_packets = r->packets[k].chain;
		return k;
	}
	return r->new_packets <= REASS_PACKETS ? r->new_packets++ : 0;
}

/* ---- the table ---- */

static uint16_t *
bucket_of(struct reass *r, const struct key *k)
{
	uint64_t a = (uint64_t)k->src << 32 | k->dst;
	uint64_t b = (uint64_t)k->id << 32 | (uint64_t)k->lane << 16 | k->proto;
	uint64_t h = (a ^ r->hash_key[0]) * r->hash_key[1];

	h = (h ^ h >> 32 ^ b) * (r->hash_key[1] + 2 * r->hash_key[0]);
	return &r->buckets[h >> 32 & (BUCKETS - 1)];
}

static bool
same_key(const struct key *a, const struct key *b)
{
	return a->src == b->src && a->dst == b->dst && a->id == b->id &&
	    a->lane == b->lane && a->proto == b->proto;
}

/* Ethertypes and VLAN tags, which lie between the MACs and the IP header. */
static bool
same_tags(const struct reass *r, unsigned f, unsigned g)
{
	enum { MACS = 12 };
	unsigned l3 = r->frags[f].l3;

	return l3 == r->frags[g].l3 &&
	    memcmp(r->bufs[f] + MACS, r->bufs[g] + MACS, l3 - MACS) == 0;
}

/* The packet that fragment 'f' is of; 0 if it is the first of one. */
static unsigned
find(struct reass *r, const struct key *key, unsigned f)
{
	unsigned k = *bucket_of(r, key);

	while (k != 0 && !(same_key(&r->packets[k].key, key) &&
	    same_tags(r, r->packets[k].frags, f)))
		k = r->packets[k].chain;
	return k;
}

static void
take_out(struct reass *r, unsigned k)
{
	struct packet *p = &r->packets[k];
	uint16_t *link = bucket_of(r, &p->key);

	while (*link != k)
		link = &r->packets[*link].chain;
	*link = p->chain;
	*(p->older != 0 ? &r->packets[p->older].younger : &r->oldest) =
	    p->younger;
	*(p->younger != 0 ? &r->packets[p->younger].older : &r->youngest) =
	    p->older;
	r->n_packets--;
}

static void
put_in(struct reass *r, unsigned k)
{
	struct packet *p = &r->packets[k];
	uint16_t *bucket = bucket_of(r, &p->key);

	p->chain = *bucket;
	*bucket = (uint16_t)k;
	p->older = r->youngest;
	p->younger = 0;
	*(p->older != 0 ? &r->packets[p->older].younger : &r->oldest) =
	    (uint16_t)k;
	r->youngest = (uint16_t)k;
	r->n_packets++;
}

void
reass_free(struct reass *r, unsigned packet)
{
	struct packet *p = &r->packets[packet];

	while (p->frags != 0) {
		unsigned f = p->frags;

		p->frags = r->frags[f].next;
		frag_free(r, f);
	}
	p->chain = r->free_packets;
	r->free_packets = (uint16_t)packet;
}

/* A packet in the table goes, with all that is there of it. */
static void
drop_packet(struct reass *r, unsigned k, uint64_t *why)
{
	stat_add(why, r->packets[k].n_frags);
	take_out(r, k);
	reass_free(r, k);
}

void
reass_expire(struct reass *r, const struct reass_cfg *cfg, uint32_t now_s)
{
	while (r->oldest != 0 &&
	    now_s - r->packets[r->oldest].born_s >= cfg->ttl_s)
		drop_packet(r, r->oldest, &r->stats.late);
}

/* ---- one fragment ---- */

/* A copy of the frame, if there can be one: the oldest packet makes room. */
static unsigned
keep(struct reass *r, const struct pkt *p)
{
	unsigned f = 0;

	while (p->len <= REASS_BUF && (f = frag_alloc(r)) == 0 &&
	    r->oldest != 0) /* 0: all are those of complete packets */
		drop_packet(r, r->oldest, &r->stats.limit);
	if (p->len > REASS_BUF || f == 0) {
		stat_add(&r->stats.limit, 1);
		return 0;
	}
	memcpy(r->bufs[f], p->data, p->len);
	r->frags[f] = (struct frag){.l3 = p->l3, .l4 = (uint8_t)p->l4,
	    .at = p->l4};
	return f;
}

/* Reads the header of the copy.  False: it cannot be.  Offsets in the frame are
 * below 100, so sums of 16-bit numbers do not wrap in an unsigned. */
static bool
read_header(struct reass *r, unsigned f, unsigned frame_len, uint16_t lane,
    struct key *key)
{
	struct frag *g = &r->frags[f];
	const uint8_t *h = r->bufs[f] + g->l3;
	unsigned hlen = (unsigned)g->l4 - g->l3;
	unsigned total = get16(h + 2), off = get16(h + 6);

	*key = (struct key){.src = raw32(h + 12), .dst = raw32(h + 16),
	    .id = get16(h + 4), .lane = lane, .proto = h[9]};
	if (h[0] != (0x40 | hlen / 4) || total <= hlen ||
	    total > frame_len - g->l3)
		return false;
	g->more = (off & MORE) != 0;
	off = (off & OFFSET_MASK) * OFF_UNIT;
	total -= hlen;
	if ((g->more && total % OFF_UNIT != 0) ||
	    g->l4 + off + total > REASS_WHOLE_MAX)
		return false;
	g->off = (uint16_t)off;
	g->len = (uint16_t)total;
	return true;
}

static unsigned
frag_end(const struct frag *g)
{
	return (unsigned)g->off + g->len;
}

static unsigned
ecn_of(const struct reass *r, unsigned f)
{
	return r->bufs[f][r->frags[f].l3 + 1] & ECN_MASK;
}

/* Where the octets end that are there. */
static unsigned
seen_end(const struct reass *r, const struct packet *p)
{
	unsigned end = 0;

	for (unsigned f = p->frags; f != 0; f = r->frags[f].next)
		end = frag_end(&r->frags[f]);
	return end;
}

/* Whether the fragment and those before it can be of one packet. */
static bool
agrees(const struct reass *r, const struct packet *p, unsigned f)
{
	const struct frag *g = &r->frags[f];
	unsigned ecn = ecn_of(r, f);
	unsigned ecn0 = p->ce ? ECN_CE : ecn_of(r, p->frags);

	if ((ecn == ECN_NOT) != (ecn0 == ECN_NOT) &&
	    (ecn == ECN_NOT || ecn == ECN_CE))
		return false;
	if (g->more)
		return p->end == 0 || frag_end(g) < p->end;
	return p->end != 0 ? frag_end(g) == p->end :
			     frag_end(g) >= seen_end(r, p);
}

/* Takes the first 'n' octets away. */
static void
trim(struct frag *g, unsigned n)
{
	g->off = (uint16_t)(g->off + n);
	g->len = (uint16_t)(g->len - n);
	g->at = (uint16_t)(g->at + n);
}

/* Cuts what follows at *link where it overlaps [.., end); what is covered as a
 * whole goes. */
static void
trim_followers(struct reass *r, struct packet *p, uint16_t *link, unsigned end)
{
	while (*link != 0 && r->frags[*link].off < end) {
		struct frag *g = &r->frags[*link];
		unsigned gone = *link;

		if (frag_end(g) > end) {
			trim(g, end - g->off);
			return;
		}
		*link = g->next;
		frag_free(r, gone);
		p->n_frags--;
		stat_add(&r->stats.covered, 1);
	}
}

/* Puts the fragment in its place.  False: all of it was there. */
static bool
insert(struct reass *r, struct packet *p, unsigned f)
{
	struct frag *g = &r->frags[f];
	uint16_t *link = &p->frags;
	const struct frag *before = NULL;

	while (*link != 0 && r->frags[*link].off <= g->off) {
		before = &r->frags[*link];
		link = &r->frags[*link].next;
	}
	if (before != NULL && frag_end(before) > g->off) {
		if (frag_end(before) >= frag_end(g))
			return false;
		trim(g, frag_end(before) - g->off);
	}
	g->next = *link;
	*link = (uint16_t)f;
	p->n_frags++;
	trim_followers(r, p, &g->next, frag_end(g));
	return true;
}

static bool
is_complete(const struct reass *r, const struct packet *p)
{
	unsigned next = 0, f;

	for (f = p->frags; f != 0 && r->frags[f].off == next;
	     f = r->frags[f].next)
		next = frag_end(&r->frags[f]);
	return f == 0 && next == p->end;
}

/* The first fragment of a packet. */
static void
begin(struct reass *r, const struct reass_cfg *cfg, const struct key *key,
    unsigned f, uint32_t now_s)
{
	const struct frag *g = &r->frags[f];
	unsigned k;

	while (r->n_packets >= cfg->max_packets && r->oldest != 0)
		drop_packet(r, r->oldest, &r->stats.limit);
	if (r->n_packets >= cfg->max_packets || (k = packet_alloc(r)) == 0) {
		stat_add(&r->stats.limit, 1);
		frag_free(r, f);
		return;
	}
	r->packets[k] = (struct packet){.key = *key, .born_s = now_s,
	    .frags = (uint16_t)f, .n_frags = 1,
	    .end = g->more ? 0 : (uint16_t)frag_end(g),
	    .ce = ecn_of(r, f) == ECN_CE};
	put_in(r, k);
}

/* A further one.  Returns the packet if it is complete now, else 0. */
static unsigned
go_on(struct reass *r, const struct reass_cfg *cfg, unsigned k, unsigned f)
{
	struct packet *p = &r->packets[k];
	bool more = r->frags[f].more, ce = ecn_of(r, f) == ECN_CE;
	unsigned end = frag_end(&r->frags[f]);
	bool fits = agrees(r, p, f);

	if (!fits || !insert(r, p, f)) {
		stat_add(fits ? &r->stats.covered : &r->stats.bad, 1);
		frag_free(r, f);
		return 0;
	}
	p->ce |= ce;
	if (!more)
		p->end = (uint16_t)end;
	if (p->end != 0 && is_complete(r, p)) {
		take_out(r, k);
		return k;
	}
	if (p->n_frags > cfg->max_frags)
		drop_packet(r, k, &r->stats.limit);
	return 0;
}

unsigned
reass_add(struct reass *r, const struct reass_cfg *cfg, const struct pkt *p,
    uint16_t lane, uint32_t now_s)
{
	struct key key;
	unsigned f, k;

	if (cfg->max_frags == 0 || cfg->max_packets == 0) {
		stat_add(&r->stats.limit, 1);
		return 0;
	}
	if ((f = keep(r, p)) == 0)
		return 0;
	if (!read_header(r, f, p->len, lane, &key)) {
		stat_add(&r->stats.bad, 1);
		frag_free(r, f);
		return 0;
	}
	k = find(r, &key, f);
	if (k != 0)
		return go_on(r, cfg, k, f);
	begin(r, cfg, &key, f, now_s);
	return 0;
}

/* ---- a complete packet ---- */

unsigned
reass_n_frags(const struct reass *r, unsigned packet)
{
	return r->packets[packet].n_frags;
}

/* Sets length, flags and offset, and the checksum of 'hlen' octets. */
static void
write_header(uint8_t *h, unsigned hlen, unsigned total, unsigned off)
{
	put16(h + 2, (uint16_t)total);
	put16(h + 6, (uint16_t)off);
	put16(h + 10, 0);
	put16(h + 10, checksum_end(checksum_add(0, h, hlen)));
}

unsigned
reass_whole(const struct reass *r, unsigned packet,
    uint8_t buf[REASS_WHOLE_MAX])
{
	const struct packet *p = &r->packets[packet];
	const struct frag *first = &r->frags[p->frags];
	uint8_t *h = buf + first->l3;

	memcpy(buf, r->bufs[p->frags], first->l4);
	if (p->ce)
		h[1] |= ECN_CE;
	write_header(h, (unsigned)first->l4 - first->l3,
	    (unsigned)first->l4 - first->l3 + p->end, 0);
	for (unsigned f = p->frags; f != 0; f = r->frags[f].next) {
		const struct frag *g = &r->frags[f];

		memcpy(buf + first->l4 + g->off, r->bufs[f] + g->at, g->len);
	}
	return (unsigned)first->l4 + p->end;
}

void
reass_cut(struct reass *r, unsigned packet, const struct pkt *whole,
    struct pkt *pkts)
{
	const uint8_t *payload = whole->data + r->frags[
	    r->packets[packet].frags].l4;
	unsigned dscp = whole->data[whole->l3 + 1] & ~(unsigned)ECN_MASK;
	unsigned f = r->packets[packet].frags;

	for (; f != 0; f = r->frags[f].next, pkts++) {
		const struct frag *g = &r->frags[f];
		uint8_t *h = r->bufs[f] + g->l3;
		unsigned hlen = (unsigned)g->l4 - g->l3;
		unsigned flags = get16(h + 6) & 0xc000u;

		memcpy(r->bufs[f] + g->l4, payload + g->off, g->len);
		h[1] = (uint8_t)(dscp | (h[1] & ECN_MASK));
		write_header(h, hlen, hlen + g->len, flags |
		    (g->next != 0 ? (unsigned)MORE : 0) | g->off / OFF_UNIT);
		pkts->data = r->bufs[f];
		pkts->len = (uint16_t)(g->l4 + g->len);
	}
}
