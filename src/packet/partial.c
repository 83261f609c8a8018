/* SPDX-License-Identifier: BSD-2-Clause */
#include "packet/partial.h"

#include "base/bytes.h"
#include "packet/checksum.h"
#include "packet/proto.h"

enum {
	MAX_TAGS = 2,
	MAX_EXT = 8, /* IPv6 extension headers that are looked through */
	TCP_SUM = 16,
	UDP_SUM = 6,
};

/* A transport packet within its frame. */
struct segment {
	unsigned at;	/* where it begins */
	unsigned len;	/* by the IP header; all of it is there */
	uint64_t addrs; /* sum of the addresses, as they lie in memory */
	uint8_t proto;
};

static inline uint64_t
raw64(const uint8_t *from)
{
	uint64_t v;

	memcpy(&v, from, sizeof(v));
	return v;
}

/* A sum of 16-bit words, brought down to 16 bits. */
static inline uint16_t
fold(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

/* The upper and lower half of a word apart, so that eight can be added. */
static inline uint64_t
halves(uint64_t v)
{
	return (v & 0xffffffff) + (v >> 32);
}

static bool
find_ip4(const uint8_t *f, unsigned l3, unsigned len, struct segment *s)
{
	const uint8_t *h = f + l3;
	unsigned hlen, total;

	if (len - l3 < IP4_LEN)
		return false;
	hlen = (get8_once(h) & 0xfu) * 4;
	total = get16(h + 2);
	if (hlen < IP4_LEN || total > len - l3 || total < hlen ||
	    (get16(h + 6) & 0x3fff) != 0)
		return false;
	s->proto = get8_once(h + 9);
	s->at = l3 + hlen;
	s->len = total - hlen;
	s->addrs = halves(raw64(h + 12));
	return true;
}

/* Steps over extension headers from f[at] on, which is 'proto'; the packet ends
 * at 'end'. */
static bool
find_upper(const uint8_t *f, unsigned at, unsigned end, uint8_t proto,
    struct segment *s)
{
	for (unsigned i = 0; i < MAX_EXT; i++) {
		const uint8_t *h = f + at;
		unsigned n;

		if (proto != PROTO_HOPOPTS && proto != PROTO_DSTOPTS &&
		    proto != PROTO_ROUTING)
			break;
		if (end - at < 8)
			return false;
		if (proto == PROTO_ROUTING && h[3] != 0)
			return false; /* the sum is that of another address */
		proto = get8_once(h);
		n = (get8_once(h + 1) + 1u) * 8;
		if (n > end - at)
			return false;
		at += n;
	}
	s->proto = proto;
	s->at = at;
	s->len = end - at;
	return true;
}

static bool
find_ip6(const uint8_t *f, unsigned l3, unsigned len, struct segment *s)
{
	const uint8_t *h = f + l3;
	unsigned payload;

	if (len - l3 < IP6_LEN)
		return false;
	payload = get16(h + 4);
	if (payload > len - l3 - IP6_LEN)
		return false;
	s->addrs = halves(raw64(h + 8)) + halves(raw64(h + 16)) +
	    halves(raw64(h + 24)) + halves(raw64(h + 32));
	return find_upper(f, l3 + IP6_LEN, l3 + IP6_LEN + payload,
	    get8_once(h + 6), s);
}

/* Finds a whole IP packet behind the Ethernet header and its tags. */
static bool
find(const uint8_t *f, unsigned len, struct segment *s)
{
	unsigned l3 = ETHER_LEN;
	uint16_t etype;

	if (len < ETHER_LEN + IP4_LEN)
		return false;
	etype = get16(f + 12);
	for (unsigned i = 0; i < MAX_TAGS && (etype == ETYPE_VLAN ||
	    etype == ETYPE_QINQ) && l3 + VLAN_LEN <= len; i++) {
		etype = get16(f + l3 + 2);
		l3 += VLAN_LEN;
	}
	if (etype == ETYPE_IP4)
		return find_ip4(f, l3, len, s);
	return etype == ETYPE_IP6 && find_ip6(f, l3, len, s);
}

/* Where the checksum of the packet lies, 0 = it has none that a card would
 * finish. */
static unsigned
field_of(const struct segment *s)
{
	if (s->proto == PROTO_TCP && s->len >= TCP_LEN)
		return s->at + TCP_SUM;
	if (s->proto == PROTO_UDP && s->len >= UDP_LEN)
		return s->at + UDP_SUM;
	return 0;
}

bool
partial_finish(uint8_t *frame, unsigned len)
{
	struct segment s;
	unsigned field;
	uint16_t pseudo, there, sum;

	if (!find(frame, len, &s) || (field = field_of(&s)) == 0)
		return false;
	pseudo = fold(s.addrs + __builtin_bswap16((uint16_t)s.len) +
	    ((uint64_t)s.proto << 8));
	memcpy(&there, frame + field, sizeof(there));
	if (likely(there != pseudo))
		return false;
	/* The field holds just what the pseudo-header adds to the sum, so the
	 * packet as it stands has the sum that its checksum completes. */
	sum = checksum_end(checksum_add(0, frame + s.at, s.len));
	if (sum == 0 && (s.proto == PROTO_UDP || there == 0xffff))
		sum = 0xffff; /* the other 0: in UDP, 0 means no checksum */
	if (sum == __builtin_bswap16(there))
		return false; /* it is right as it is */
	put16(frame + field, sum);
	return true;
}
