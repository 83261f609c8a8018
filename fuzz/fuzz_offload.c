/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any frame under any virtio header: it is refused, or its segments are whole.
 *
 * Input: the header (struct offload), the octets that the frame is to grow by
 * (two, little-endian; it is continued with zeros), the frame.
 * Checked: no octet outside the frame and the segment is touched (both lie in
 * memory of exactly their size); the segments' payloads are the frame's, in
 * order, each but the last of full size; headers parse as the frame's did;
 * lengths, sequence numbers and flags go on; checksums hold if the frame's was
 * what it should be.  Segments, and the frame beside itself, are joined: what
 * becomes one packet gives them back when it is cut.
 */
#include "base/bytes.h"
#include "packet/checksum.h"
#include "packet/join.h"
#include "packet/offload.h"
#include "packet/parse.h"
#include "packet/proto.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEAD = sizeof(struct offload) + 2, KEEP = 12 };

static struct pkt kept[KEEP];
static struct pkt *ptrs[KEEP];
static unsigned n_kept;

#define must(truth) ((truth) ? (void)0 : fail(#truth, __LINE__))

static void
fail(const char *what, int line)
{
	fprintf(stderr, "line %d: not so: %s\n", line, what);
	abort();
}

static struct pkt
parsed(uint8_t *f, unsigned len)
{
	struct parse_cfg cfg = {0};
	struct pkt p = {.data = f,
	    .len = (uint16_t)(len < 0xffff ? len : 0xffff)};

	parse(&p, &cfg);
	return p;
}

/* The sum over pseudo-header and segment is all ones, if the place of the
 * frame's checksum held the pseudo-header's sum. */
static void
check_sum(const struct segments *s, const uint8_t *frame, const uint8_t *seg,
    unsigned len)
{
	uint16_t pseudo = get16(frame + s->l4 + (s->udp ? 6 : 16));
	uint32_t sum = pseudo + (~(s->end - s->l4) & 0xffff) + (len - s->l4);

	must(checksum_end(checksum_add(sum, seg + s->l4, len - s->l4)) == 0);
}

static void
check_segment(const struct segments *s, struct pkt *whole, uint8_t *seg,
    unsigned len, unsigned done, unsigned i)
{
	struct pkt p = parsed(seg, len);
	const uint8_t *frame = whole->data;
	unsigned n = len - s->hdr, left = s->end - s->hdr - done;

	must(len >= s->hdr && n == (left < s->mss ? left : s->mss));
	must(memcmp(seg + s->hdr, frame + s->hdr + done, n) == 0);
	must(p.bad == PKT_GOOD && p.l3 == whole->l3 && p.l4 == whole->l4 &&
	    p.proto == whole->proto && p.flags == whole->flags);
	must(p.ip_len == len - s->l3);
	must(memcmp(seg, frame, s->l3 + 2) == 0);
	if (!s->ip6) {
		must(checksum_end(checksum_add(0, seg + s->l3,
		    s->l4 - s->l3)) == 0);
		must(get16(seg + s->l3 + 4) ==
		    (uint16_t)(get16(frame + s->l3 + 4) + i));
	}
	if (s->udp) {
		must(get16(seg + s->l4 + 4) == len - s->l4);
	} else {
		unsigned gone = frame[s->l4 + 13] & ~seg[s->l4 + 13];

		must(get32(seg + s->l4 + 4) ==
		    get32(frame + s->l4 + 4) + done);
		must((seg[s->l4 + 13] & ~frame[s->l4 + 13]) == 0);
		must((gone & ~(TH_FIN | TH_PUSH | 0x80u)) == 0);
		must(n < left || (gone & (TH_FIN | TH_PUSH)) == 0);
		must(i > 0 || (gone & 0x80) == 0);
	}
	check_sum(s, frame, seg, len);
}

/* In memory of exactly its size. */
static void
keep(const uint8_t *frame, unsigned len)
{
	if (n_kept == KEEP || len > UINT16_MAX)
		return;
	kept[n_kept].data = malloc(len);
	memcpy(kept[n_kept].data, frame, len);
	kept[n_kept].len = (uint16_t)len;
	ptrs[n_kept] = &kept[n_kept];
	n_kept++;
}

static void
comes_back(const struct join *j, unsigned at, unsigned k)
{
	static uint8_t whole[UINT16_MAX + 1], out[UINT16_MAX + 1];
	unsigned len = j->hdr;
	struct segments s;

	memcpy(whole, j->head, j->hdr);
	for (unsigned i = at; i < at + k; i++) {
		unsigned n = kept[i].len - j->hdr;

		must(len + n <= UINT16_MAX);
		memcpy(whole + len, kept[i].data + j->hdr, n);
		len += n;
	}
	must(segments_begin(&s, whole, len, &j->work));
	for (unsigned i = at; i < at + k; i++) {
		must(segments_next(&s, out) == kept[i].len);
		must(memcmp(out, kept[i].data, kept[i].len) == 0);
	}
	must(segments_next(&s, out) == 0);
}

/* Joins what can be, after one bit of one of them has changed: the header's
 * hint says which, octet (8 bits), bit (3) and frame (5); 0 changes none. */
static void
join_kept(unsigned hint)
{
	struct join j;

	if (hint != 0 && hint >> 11 < n_kept &&
	    (hint & 0xff) < kept[hint >> 11].len)
		kept[hint >> 11].data[hint & 0xff] ^=
		    (uint8_t)(1 << (hint >> 8 & 7));
	for (unsigned at = 0, k; at < n_kept; at += k) {
		k = join_run(&j, ptrs + at, n_kept - at);
		must(k >= 1 && k <= n_kept - at);
		if (k > 1)
			comes_back(&j, at, k);
	}
	while (n_kept > 0)
		free(kept[--n_kept].data);
}

static void
cut(uint8_t *frame, unsigned len, const struct offload *o)
{
	struct pkt whole = parsed(frame, len);
	struct segments s;
	unsigned done = 0, n, size;
	uint8_t *out;

	if (!segments_begin(&s, frame, len, o))
		return;
	must(s.end <= len && s.hdr <= s.end && s.mss > 0);
	size = segments_max(&s);
	must((out = malloc(size)) != NULL);
	for (unsigned i = 0; (n = segments_next(&s, out)) != 0; i++) {
		must(n <= size && i < OFFLOAD_MAX_SEGMENTS);
		check_segment(&s, &whole, out, n, done, i);
		keep(out, n);
		done += n - s.hdr;
	}
	must(done == s.end - s.hdr && !s.more);
	free(out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t n)
{
	struct offload o;
	unsigned len;
	uint8_t *frame;

	if (n < HEAD)
		return 0;
	memcpy(&o, in, sizeof(o));
	len = (unsigned)(n - HEAD) + in[HEAD - 2] + in[HEAD - 1] * 256u;
	if ((frame = calloc(1, len)) == NULL)
		return 0;
	memcpy(frame, in + HEAD, n - HEAD);
	keep(frame, len);
	keep(frame, len);
	join_kept(0);
	cut(frame, len, &o);
	join_kept(o.hdr_len);
	offload_complete(frame, len, &o);
	free(frame);
	return 0;
}
