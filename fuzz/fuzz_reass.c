/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any sequence of IPv4 fragments: reassembly does to the octet what a model
 * does that keeps for each octet of a packet which fragment it is of.
 *
 * Input: max_frags, max_packets and ttl, then eight octets a fragment (struct
 * recipe).  A header may change between parse and reass_add(), as a frame in
 * shared memory can.  Frames lie in memory of exactly their size.
 * Checked: what completes, its octets, that its fragments leave without gaps
 * and overlaps and no longer than they came, every counter after every fragment,
 * and that nothing of the memory is lost.
 */
#include "base/bytes.h"
#include "packet/checksum.h"
#include "packet/parse.h"
#include "packet/proto.h"
#include "packet/reass.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	HEAD = 3,
	MAX_SENT = 256,
	MAX_PACKETS = 15,
	FRAME = 2304,
	PAYLOAD = 2150, /* a bit more than fits with all headers */
	MORE = 0x2000,
	NOT_ECN = 0,
	CE = 3,
};

struct recipe {
	uint8_t shape;	/* more 1, ECN 2 bits, VLAN tag, lane, options 3 bits */
	uint8_t which;	/* id 2 bits, protocol, DF, seconds later 4 bits */
	uint8_t off[2]; /* in units of 8 octets */
	uint8_t len[2];
	uint8_t at, octet; /* frame[at] becomes this after parse; 0 = nothing */
};

_Static_assert(sizeof(struct recipe) == 8, "an input has no gaps");

/* A fragment that was sent, as its copy was read. */
struct sent {
	uint8_t frame[FRAME];
	unsigned frame_len, l3, l4, off, len, n_owned;
	uint16_t lane;
	bool more;
	struct packet *of;
};

/* A packet that is being put together. */
struct packet {
	const struct sent *first; /* that came */
	uint64_t seq;		  /* 0 = free */
	uint32_t born_s;
	unsigned end, owned, n_frags;
	bool ce;
	uint16_t owner[65536]; /* of each octet: number in 'sent', 0 = none */
};

static struct reass *r;
static struct reass_cfg cfg;
static struct reass_stats want;
static struct sent sent[MAX_SENT + 1];
static unsigned n_sent, n_live;
static struct packet packets[MAX_PACKETS];
static uint64_t seq;
static uint32_t now_s;

#define must(truth) ((truth) ? (void)0 : fail(#truth, __LINE__))

static void
fail(const char *what, int line)
{
	fprintf(stderr, "line %d: not so: %s\n", line, what);
	fprintf(stderr, "bad %lu, %lu; covered %lu, %lu; limit %lu, %lu; "
	    "late %lu, %lu\n", reass_stats(r)->bad, want.bad,
	    reass_stats(r)->covered, want.covered, reass_stats(r)->limit,
	    want.limit, reass_stats(r)->late, want.late);
	abort();
}

/* ---- the model ---- */

static void
forget(struct packet *k)
{
	for (unsigned i = 1; i <= n_sent; i++)
		if (sent[i].of == k)
			sent[i].of = NULL;
	k->seq = 0;
	n_live--;
}

static struct packet *
oldest(void)
{
	struct packet *o = NULL;

	for (unsigned i = 0; i < MAX_PACKETS; i++)
		if (packets[i].seq != 0 && (o == NULL || packets[i].seq < o->seq))
			o = &packets[i];
	return o;
}

static void
drop_oldest(uint64_t *why)
{
	struct packet *o = oldest();

	*why += o->n_frags;
	forget(o);
}

static bool
same_packet(const struct sent *a, const struct sent *b)
{
	const uint8_t *h = a->frame + a->l3, *g = b->frame + b->l3;

	return a->lane == b->lane && a->l3 == b->l3 && h[9] == g[9] &&
	    memcmp(a->frame + 12, b->frame + 12, a->l3 - 12) == 0 &&
	    memcmp(h + 4, g + 4, 2) == 0 && memcmp(h + 12, g + 12, 8) == 0;
}

static unsigned
ecn(const struct sent *s)
{
	return s->frame[s->l3 + 1] & 3;
}

static unsigned
last_octet(const struct sent *s)
{
	return s->off + s->len;
}

static unsigned
start(const struct sent *s)
{
	return last_octet(s) - s->n_owned;
}

static bool
agrees(const struct packet *k, const struct sent *s)
{
	const struct sent *head = NULL;
	unsigned seen = 0, e, e0;

	for (unsigned i = 1; i <= n_sent; i++) {
		const struct sent *o = &sent[i];

		if (o->of != k || o->n_owned == 0)
			continue;
		if (head == NULL || start(o) < start(head))
			head = o;
		if (last_octet(o) > seen)
			seen = last_octet(o);
	}
	e = ecn(s);
	e0 = k->ce ? CE : ecn(head);
	if ((e == CE && e0 == NOT_ECN) || (e == NOT_ECN && e0 != NOT_ECN))
		return false;
	if (s->more)
		return k->end == 0 || last_octet(s) < k->end;
	return k->end == 0 ? last_octet(s) >= seen : last_octet(s) == k->end;
}

/* The octets from 'from' on become those of fragment 'n'. */
static void
own(struct packet *k, unsigned n, unsigned from)
{
	struct sent *s = &sent[n];

	s->of = k;
	k->n_frags++;
	for (unsigned o = from; o < last_octet(s); o++) {
		unsigned was = k->owner[o];

		if (was == 0) {
			k->owned++;
		} else if (--sent[was].n_owned == 0) {
			k->n_frags--;
			want.covered++;
		}
		k->owner[o] = (uint16_t)n;
		s->n_owned++;
	}
}

/* Returns the packet that fragment 'n' completes. */
static struct packet *
go_on(struct packet *k, unsigned n)
{
	struct sent *s = &sent[n];
	unsigned from = s->off, before = k->owner[from];

	if (!agrees(k, s)) {
		want.bad++;
		return NULL;
	}
	/* What is there at its beginning stays. */
	while (before != 0 && from < last_octet(s) && k->owner[from] == before)
		from++;
	if (from == last_octet(s)) {
		want.covered++;
		return NULL;
	}
	own(k, n, from);
	k->ce |= ecn(s) == CE;
	if (!s->more)
		k->end = last_octet(s);
	if (k->end != 0 && k->owned == k->end)
		return k;
	if (k->n_frags > cfg.max_frags) {
		want.limit += k->n_frags;
		forget(k);
	}
	return NULL;
}

static void
begin(unsigned n)
{
	struct packet *k = packets;

	while (n_live >= cfg.max_packets)
		drop_oldest(&want.limit);
	while (k->seq != 0)
		k++;
	memset(k, 0, sizeof(*k));
	*k = (struct packet){.first = &sent[n], .seq = ++seq, .born_s = now_s,
		.end = sent[n].more ? 0 : last_octet(&sent[n]),
		.ce = ecn(&sent[n]) == CE};
	n_live++;
	own(k, n, sent[n].off);
}

/* Reads the header as it was copied; false if it cannot be. */
static bool
read_copy(struct sent *s)
{
	const uint8_t *h = s->frame + s->l3;
	unsigned hlen = s->l4 - s->l3, total = get16(h + 2), w = get16(h + 6);

	s->more = (w & MORE) != 0;
	s->off = (w & 0x1fff) * 8;
	s->len = total - hlen;
	return h[0] >> 4 == 4 && (h[0] & 15) * 4u == hlen && total > hlen &&
	    s->l3 + total <= s->frame_len && (!s->more || s->len % 8 == 0) &&
	    s->l4 + s->off + s->len <= 65535;
}

static struct packet *
model_add(unsigned n)
{
	struct sent *s = &sent[n];

	if (cfg.max_frags == 0 || cfg.max_packets == 0 ||
	    s->frame_len > REASS_BUF) {
		want.limit++;
		return NULL;
	}
	if (!read_copy(s)) {
		want.bad++;
		return NULL;
	}
	for (unsigned i = 0; i < MAX_PACKETS; i++)
		if (packets[i].seq != 0 && same_packet(packets[i].first, s))
			return go_on(&packets[i], n);
	begin(n);
	return NULL;
}

static void
expire(void)
{
	struct packet *o;

	reass_expire(r, &cfg, now_s);
	while ((o = oldest()) != NULL && now_s - o->born_s >= cfg.ttl_s)
		drop_oldest(&want.late);
}

/* ---- what comes out ---- */

static void
check_fragments(unsigned packet, const struct packet *k, const uint8_t *buf,
    unsigned len)
{
	static const struct parse_cfg pc = {true, true};
	struct pkt whole = {.data = (uint8_t *)buf, .len = (uint16_t)len};
	struct pkt pkts[REASS_PER_PACKET + 1];
	unsigned next = 0, n = reass_n_frags(r, packet);

	must(n == k->n_frags && n <= REASS_PER_PACKET + 1);
	parse(&whole, &pc);
	if (whole.bad != PKT_GOOD)
		return;
	memset(pkts, 0, sizeof(pkts));
	reass_cut(r, packet, &whole, pkts);
	for (unsigned i = 0; i < n; i++) {
		const struct sent *s = &sent[k->owner[next]];
		const uint8_t *h = pkts[i].data + s->l3;
		unsigned hlen = s->l4 - s->l3;

		must(pkts[i].len == s->l4 + s->n_owned &&
		    pkts[i].len <= s->frame_len);
		must(get16(h + 2) == hlen + s->n_owned);
		must((get16(h + 6) & 0x1fff) * 8u == next);
		must(((get16(h + 6) & MORE) != 0) == (i + 1 < n));
		must(checksum_end(checksum_add(0, h, hlen)) == 0);
		must(memcmp(pkts[i].data + s->l4, buf + len - k->end + next,
		    s->n_owned) == 0);
		next += s->n_owned;
	}
	must(next == k->end);
}

static void
check_whole(unsigned packet, const struct packet *k)
{
	const struct sent *first = &sent[k->owner[0]];
	uint8_t *buf = malloc(REASS_WHOLE_MAX);
	unsigned len = reass_whole(r, packet, buf);
	const uint8_t *h = buf + first->l3;

	must(len == first->l4 + k->end);
	must(get16(h + 2) == first->l4 - first->l3 + k->end);
	must(get16(h + 6) == 0 && (!k->ce || (h[1] & 3) == CE));
	must(checksum_end(checksum_add(0, h, first->l4 - first->l3)) == 0);
	for (unsigned o = 0; o < k->end; o++) {
		const struct sent *s = &sent[k->owner[o]];

		must(buf[first->l4 + o] == s->frame[s->l4 + o - s->off]);
	}
	check_fragments(packet, k, buf, len);
	free(buf);
}

/* ---- one fragment ---- */

/* The frame of a recipe; returns its length. */
static unsigned
build(const struct recipe *d, uint8_t *f, unsigned n)
{
	unsigned options = d->shape >> 5, hlen = 20 + 4 * options;
	unsigned len = get16(d->len) % PAYLOAD, l3 = 14;
	uint8_t *h;

	memset(f, 0, 18 + hlen);
	put16(f + 12, ETYPE_IP4);
	if ((d->shape & 8) != 0) {
		put16(f + 12, ETYPE_VLAN);
		put16(f + 14, 7);
		put16(f + 16, ETYPE_IP4);
		l3 = 18;
	}
	h = f + l3;
	h[0] = (uint8_t)(0x40 | hlen / 4);
	h[1] = (uint8_t)(n << 2 | (d->shape >> 1 & 3));
	put16(h + 2, (uint16_t)(hlen + len));
	put16(h + 4, d->which & 3);
	put16(h + 6, (uint16_t)((d->shape & 1 ? MORE : 0) |
	    (d->which & 8 ? 0x4000 : 0) | (get16(d->off) & 0x1fff)));
	h[8] = 64;
	h[9] = (d->which & 4) != 0 ? PROTO_UDP : PROTO_GRE;
	put32(h + 12, 0x0a000001);
	put32(h + 16, 0x0a000002);
	memset(h + 20, 1, 4 * options);
	for (unsigned i = 0; i < len; i++)
		h[hlen + i] = (uint8_t)(i * 7 + (i >> 8) + n * 31);
	return l3 + hlen + len;
}

static void
one(const struct recipe *d)
{
	static const struct parse_cfg pc = {true, true};
	struct sent *s = &sent[n_sent + 1];
	unsigned len = build(d, s->frame, n_sent + 1), got;
	struct pkt p = {.data = malloc(len), .len = (uint16_t)len};
	struct packet *k;

	now_s += d->which >> 4;
	expire();
	memcpy(p.data, s->frame, len);
	parse(&p, &pc);
	if (p.bad == PKT_GOOD && (p.flags & PKT_IP4) != 0 &&
	    (p.flags & PKT_FRAG) != 0) {
		if (d->at != 0 && d->at < p.l4)
			p.data[d->at] = s->frame[d->at] = d->octet;
		s->frame_len = len;
		s->l3 = p.l3;
		s->l4 = p.l4;
		s->n_owned = 0;
		s->lane = d->shape >> 4 & 1;
		s->of = NULL;
		n_sent++;
		got = reass_add(r, &cfg, &p, s->lane, now_s);
		k = model_add(n_sent);
		must((got != 0) == (k != NULL));
		if (k != NULL) {
			check_whole(got, k);
			reass_free(r, got);
			forget(k);
		}
	}
	must(memcmp(reass_stats(r), &want, sizeof(want)) == 0);
	free(p.data);
}

/* All the memory is there: packets of two fragments each, as many as it takes,
 * fit in. */
static void
all_is_there(void)
{
	const struct recipe d = {.shape = 1, .len = {0, 8}};
	uint8_t frame[FRAME];
	struct pkt p = {.data = frame};
	static const struct parse_cfg pc = {true, true};

	now_s += cfg.ttl_s;
	expire();
	must(n_live == 0);
	cfg = (struct reass_cfg){REASS_PACKETS, 2, 1};
	p.len = (uint16_t)build(&d, frame, 0);
	parse(&p, &pc);
	for (unsigned i = 0; i < REASS_FRAGS; i++) {
		put16(frame + 14 + 4, (uint16_t)(i / 2));
		put16(frame + 14 + 6, (uint16_t)(MORE | (i % 2 + 1)));
		must(reass_add(r, &cfg, &p, 9, now_s) == 0);
	}
	must(memcmp(reass_stats(r), &want, sizeof(want)) == 0);
	now_s += cfg.ttl_s;
	reass_expire(r, &cfg, now_s);
	must(reass_stats(r)->late == want.late + REASS_FRAGS);
}

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t size)
{
	struct rng rng;

	if (size < HEAD)
		return 0;
	if (r == NULL) {
		rng_init(&rng, 1);
		must((r = reass_create(&rng)) != NULL);
	}
	cfg = (struct reass_cfg){.max_frags = in[0] % (REASS_PER_PACKET + 1),
	    .max_packets = in[1] % (MAX_PACKETS + 1), .ttl_s = in[2]};
	for (unsigned i = 0; i < MAX_PACKETS; i++)
		packets[i].seq = 0;
	memset(reass_stats(r), 0, sizeof(want));
	want = (struct reass_stats){0};
	n_sent = n_live = 0;
	for (in += HEAD, size -= HEAD;
	     size >= sizeof(struct recipe) && n_sent < MAX_SENT;
	     in += sizeof(struct recipe), size -= sizeof(struct recipe))
		one((const struct recipe *)(const void *)in);
	all_is_there();
	return 0;
}
