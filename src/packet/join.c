/* SPDX-License-Identifier: BSD-2-Clause */
#include "packet/join.h"

#include "base/bytes.h"
#include "packet/checksum.h"
#include "packet/parse.h"
#include "packet/proto.h"

enum { /* offsets in headers */
	IP4_TOTAL = 2,
	IP4_ID = 4,
	IP4_FRAG = 6,
	IP4_SUM = 10,
	IP4_ADDRS = 12,
	IP6_PAYLOAD = 4,
	IP6_NEXT = 6,
	TCP_SEQ = 4,
	TCP_ACK = 8,
	TCP_OFF = 12,
	TCP_FLAGS = 13,
	TCP_WINDOW = 14,
	TCP_SUM = 16,
	TCP_URGENT = 18,
};

/* What the first segment says, taken from a copy of its headers. */
struct first {
	unsigned l3, l4;
	bool six;
};

/* True if the packet is TCP that may begin a run; copies its headers. */
static bool
begin(struct join *j, struct first *f, const struct pkt *p)
{
	struct parse_cfg cfg = {0};
	struct pkt h = {.data = j->head};
	unsigned hlen;

	h.len = p->len < JOIN_HEAD ? p->len : JOIN_HEAD;
	memcpy(j->head, p->data, h.len);
	parse(&h, &cfg);
	if (h.bad != PKT_GOOD || h.proto != PROTO_TCP ||
	    (h.flags & PKT_L4) == 0 || (h.flags & PKT_FRAG) != 0 ||
	    h.tcp_flags != TH_ACK || h.frag & PKT_FRAG_RF)
		return false;
	hlen = (unsigned)(j->head[h.l4 + TCP_OFF] >> 4) * 4;
	j->hdr = h.l4 + hlen;
	if (hlen < TCP_LEN || j->hdr > h.len || j->hdr >= p->len ||
	    (unsigned)h.l3 + h.ip_len != p->len)
		return false;
	j->mss = p->len - j->hdr;
	*f = (struct first){.l3 = h.l3, .l4 = h.l4,
	    .six = (h.flags & PKT_IP6) != 0};
	return true;
}

static bool
same(const uint8_t *a, const uint8_t *b, unsigned from, unsigned to)
{
	return memcmp(a + from, b + from, to - from) == 0;
}

/* True if the headers of frame[len] are those of the first segment, but for
 * what tells segment i. */
static bool
continues(const struct join *j, const struct first *f, const uint8_t *frame,
    unsigned len, unsigned i)
{
	const uint8_t *a = j->head;
	unsigned l3 = f->l3, l4 = f->l4;

	if (len <= j->hdr || len > j->hdr + j->mss ||
	    get32(frame + l4 + TCP_SEQ) !=
		get32(a + l4 + TCP_SEQ) + i * j->mss ||
	    (frame[l4 + TCP_FLAGS] & ~TH_PUSH) != TH_ACK ||
	    !same(a, frame, l4 + TCP_ACK, l4 + TCP_FLAGS) ||
	    !same(a, frame, l4 + TCP_WINDOW, l4 + TCP_SUM) ||
	    !same(a, frame, l4 + TCP_URGENT, j->hdr))
		return false;
	if (f->six)
		return same(a, frame, 0, l3 + IP6_PAYLOAD) &&
		    same(a, frame, l3 + IP6_NEXT, l4 + TCP_SEQ) &&
		    get16(frame + l3 + IP6_PAYLOAD) == len - l3 - IP6_LEN;
	return same(a, frame, 0, l3 + IP4_TOTAL) &&
	    get16(frame + l3 + IP4_TOTAL) == len - l3 &&
	    get16(frame + l3 + IP4_ID) ==
		(uint16_t)(get16(a + l3 + IP4_ID) + i) &&
	    same(a, frame, l3 + IP4_FRAG, l3 + IP4_SUM) &&
	    same(a, frame, l3 + IP4_ADDRS, l4 + TCP_SEQ);
}

/* The sum of the pseudo-header, its length aside. */
static uint32_t
pseudo_sum(const struct join *j, const struct first *f)
{
	const uint8_t *ip = j->head + f->l3;

	return f->six ? checksum_add(PROTO_TCP, ip + 8, 32) :
			checksum_add(PROTO_TCP, ip + IP4_ADDRS, 8);
}

/* True if the checksums are what cutting would write. */
static bool
is_sound(const struct first *f, const uint8_t *frame, unsigned len,
    uint32_t pseudo)
{
	const uint8_t *l4 = frame + f->l4;

	if (!f->six && (get16(frame + f->l3 + IP4_SUM) == 0xffff ||
		checksum_end(checksum_add(0, frame + f->l3,
		    f->l4 - f->l3)) != 0))
		return false;
	return get16(l4 + TCP_SUM) != 0 &&
	    checksum_end(checksum_add(pseudo + len - f->l4, l4,
		len - f->l4)) == 0;
}

/* Makes the header of the whole, whose TCP has 'size' octets. */
static void
finish(struct join *j, const struct first *f, unsigned size, uint32_t pseudo)
{
	uint8_t *ip = j->head + f->l3, *tcp = j->head + f->l4;
	unsigned n = f->l4 - f->l3 + size;

	if (f->six) {
		put16(ip + IP6_PAYLOAD, (uint16_t)(n - IP6_LEN));
	} else {
		put16(ip + IP4_TOTAL, (uint16_t)n);
		put16(ip + IP4_SUM, 0);
		put16(ip + IP4_SUM, checksum_end(checksum_add(0, ip,
		    f->l4 - f->l3)));
	}
	put16(tcp + TCP_SUM, (uint16_t)~checksum_end(pseudo + size));
	j->work = (struct offload){.flags = OFFLOAD_CSUM,
	    .gso = f->six ? OFFLOAD_TCP6 : OFFLOAD_TCP4,
	    .hdr_len = (uint16_t)j->hdr, .gso_size = (uint16_t)j->mss,
	    .csum_start = (uint16_t)f->l4, .csum_offset = TCP_SUM};
}

unsigned
join_run(struct join *j, struct pkt *const *pkts, unsigned n)
{
	unsigned k = 1, len = pkts[0]->len;
	struct first f;
	uint32_t pseudo = 0;

	if (n < 2 || !begin(j, &f, pkts[0]))
		return 1;
	if (n > JOIN_MAX)
		n = JOIN_MAX;
	for (bool last = false; k < n && !last; k++) {
		const struct pkt *p = pkts[k];
		unsigned size = (unsigned)p->len - j->hdr;

		if (!continues(j, &f, p->data, p->len, k) ||
		    len + size > UINT16_MAX)
			break;
		if (k == 1) {
			pseudo = pseudo_sum(j, &f);
			if (!is_sound(&f, pkts[0]->data, pkts[0]->len, pseudo))
				break;
		}
		if (!is_sound(&f, p->data, p->len, pseudo))
			break;
		len += size;
		last = size < j->mss ||
		    (p->data[f.l4 + TCP_FLAGS] & TH_PUSH) != 0;
		if (last)
			j->head[f.l4 + TCP_FLAGS] |=
			    p->data[f.l4 + TCP_FLAGS] & TH_PUSH;
	}
	if (k > 1)
		finish(j, &f, len - f.l4, pseudo);
	return k;
}
