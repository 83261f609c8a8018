/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/reader.h"

#include "capture/reader_file.h"

#include "base/bytes.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	FILE_HEAD = 24,	  /* of a pcap file */
	RECORD_HEAD = 16, /* of a packet in it */
	MAGIC_LEN = 4,
	ETHER = 14,
	CHUNK = 1 << 17,  /* read at once: it stays in the cache until used */
};

#define MAGIC_US 0xa1b2c3d4u
#define MAGIC_NS 0xa1b23c4du
#define MAGIC_NG 0x0a0d0d0au

/* ---- the window ---- */

int
reader_bad(const struct capture_reader *r, struct err *e, const char *fmt, ...)
{
	char text[160];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return err_set(e, EINVAL, "%s: octet %llu: %s", r->path,
	    (unsigned long long)(r->base + r->at), text);
}

/* Reads until 'n' octets are there, or the file is over. */
static int
read_more(struct capture_reader *r, size_t n, struct err *e)
{
	while (r->end - r->at < n && !r->at_end) {
		size_t room = READER_BUF - r->end;
		long got = stream_read(r->from, r->buf + r->end,
		    room < CHUNK ? room : CHUNK, e);

		if (got < 0)
			return (int)got;
		r->at_end = got == 0;
		r->end += (size_t)got;
	}
	return 0;
}

/* Moves what is left to the beginning of a window, perhaps the same. */
static void
make_room(struct capture_reader *r, uint8_t *window)
{
	memmove(window, r->buf + r->at, r->end - r->at);
	r->buf = window;
	r->base += r->at;
	r->end -= r->at;
	r->at = 0;
}

void
reader_move(struct capture_reader *r, uint8_t *window)
{
	make_room(r, window);
	r->lent = false;
}

/* Passes over what is to be skipped. */
static int
skip_ahead(struct capture_reader *r, struct err *e)
{
	int rc = 0;

	while (r->skip > 0 && rc == 0) {
		uint64_t n = r->end - r->at;

		n = n < r->skip ? n : r->skip;
		r->at += n;
		r->skip -= n;
		if (r->skip == 0 || r->at_end)
			break;
		make_room(r, r->buf);
		rc = read_more(r, 1, e);
	}
	if (rc == 0 && r->skip > 0)
		return reader_bad(r, e, "the file ends in the middle of a "
		    "block");
	return rc;
}

int
reader_fetch(struct capture_reader *r, size_t n, const char *what,
    struct err *e)
{
	int rc;

	if (r->lent)
		return CAPTURE_WAIT;
	if ((rc = skip_ahead(r, e)) != 0)
		return rc;
	make_room(r, r->buf);
	if ((rc = read_more(r, n, e)) != 0)
		return rc;
	if (r->end == 0)
		return CAPTURE_END;
	return r->end >= n ? READER_OK :
	    reader_bad(r, e, "the file ends in the middle of %s", what);
}

void
reader_skip(struct capture_reader *r, uint64_t n)
{
	if (likely(n <= r->end - r->at))
		r->at += n;
	else
		r->skip += n;
}

int
reader_add_iface(struct capture_reader *r, const struct reader_iface *i,
    struct err *e)
{
	if (r->n_ifaces == r->room) {
		unsigned room = r->room == 0 ? 4 : r->room * 2;
		void *more;

		if (room > READER_IFACES)
			return reader_bad(r, e, "more than %d interfaces",
			    READER_IFACES);
		more = realloc(r->ifaces, room * sizeof(*r->ifaces));
		if (more == NULL)
			return err_set(e, ENOMEM, "%s: no memory", r->path);
		r->ifaces = more;
		r->room = room;
	}
	r->ifaces[r->n_ifaces++] = *i;
	return 0;
}

/* ---- link types ---- */

/* What the first octet of an IP packet says. */
static uint16_t
etype_of(const uint8_t *ip, uint32_t len)
{
	return len > 0 && ip[0] >> 4 == 6 ? 0x86dd : 0x0800;
}

/* Puts an Ethernet header in front of what follows 'skip' octets. */
static void
put_header(struct capture_packet *p, unsigned skip, const uint8_t *src,
    uint16_t etype)
{
	static const uint8_t other[6] = {2, 0, 0, 0, 0, 1};
	uint8_t header[ETHER] = {2, 0, 0, 0, 0, 2};

	memcpy(header + 6, src != NULL ? src : other, sizeof(other));
	put16(header + 12, etype);
	p->data += skip;
	p->data -= ETHER;
	p->kept = p->kept - skip + ETHER;
	p->len -= skip;
	p->len = p->len < UINT32_MAX - ETHER ? p->len + ETHER : UINT32_MAX;
	memcpy(p->data, header, ETHER);
}

/* Linux cooked: who sent it and what it is stand in its header. */
static int
cooked(struct capture_reader *r, struct capture_packet *p, bool second,
    struct err *e)
{
	const unsigned head = second ? 20 : 16;
	const uint8_t *d = p->data;
	uint8_t src[6];
	bool has_src;

	if (p->kept < head)
		return reader_bad(r, e, "a packet shorter than its header of "
		    "%u octets", head);
	memcpy(src, d + (second ? 12 : 6), sizeof(src));
	has_src = second ? d[11] == 6 : get16(d + 4) == 6;
	put_header(p, head, has_src ? src : NULL,
	    get16(second ? d : d + 14));
	return CAPTURE_PACKET;
}

int
reader_make_frame(struct capture_reader *r, struct capture_packet *p,
    struct err *e)
{
	uint16_t link = r->ifaces[p->iface].link;

	switch (link) {
	case LINK_NULL:
	case LINK_LOOP:
		if (p->kept < 4)
			return reader_bad(r, e, "a packet shorter than its "
			    "header of 4 octets");
		put_header(p, 4, NULL, etype_of(p->data + 4, p->kept - 4));
		return CAPTURE_PACKET;
	case LINK_RAW:
	case LINK_RAW_BSD:
	case LINK_RAW_OPENBSD:
	case LINK_IPV4:
	case LINK_IPV6:
		put_header(p, 0, NULL, etype_of(p->data, p->kept));
		return CAPTURE_PACKET;
	case LINK_SLL:
	case LINK_SLL2:
		return cooked(r, p, link == LINK_SLL2, e);
	default:
		return reader_bad(r, e, "packets of link type %u; Ethernet, "
		    "raw IP, BSD loopback and Linux cooked are understood",
		    link);
	}
}

/* ---- pcap ---- */

static int
next_pcap(struct capture_reader *r, struct capture_packet *out, struct err *e)
{
	const uint8_t *h;
	uint32_t kept;
	uint64_t ns;
	int rc = reader_need(r, RECORD_HEAD, "the header of a packet", e);

	if (rc != READER_OK)
		return rc;
	h = r->buf + r->at;
	kept = reader_get32(r, h + 8);
	if (unlikely(kept > READER_SNAP))
		return reader_bad(r, e, "a packet of %u octets, more than %d: "
		    "a damaged file", kept, READER_SNAP);
	rc = reader_need(r, RECORD_HEAD + kept, "a packet", e);
	if (rc != READER_OK)
		return rc;
	h = r->buf + r->at;
	out->kept = kept;
	out->len = reader_get32(r, h + 12);
	ns = reader_get32(r, h + 4);
	out->ns = reader_get32(r, h) * NS_PER_S +
	    (r->ifaces[0].tsresol == 9 ? ns : ns * NS_PER_US);
	out->data = r->buf + r->at + RECORD_HEAD;
	out->iface = 0;
	if (out->len < kept)
		out->len = kept;
	rc = reader_frame(r, out, e);
	if (rc == CAPTURE_PACKET) {
		r->at += RECORD_HEAD + kept;
		r->lent = true;
	}
	return rc;
}

/* As reader_run_ng(). */
static unsigned
run_pcap(struct capture_reader *r, struct capture_packet *out, unsigned max)
{
	uint32_t unit = r->ifaces[0].unit;
	unsigned n;

	if (unit == 0 || r->swap || r->skip != 0)
		return 0;
	for (n = 0; n < max && r->end - r->at >= RECORD_HEAD; n++) {
		uint8_t *h = r->buf + r->at;
		uint32_t kept = raw32(h + 8), len = raw32(h + 12);

		if (kept > READER_SNAP ||
		    r->end - r->at - RECORD_HEAD < kept)
			break;
		out[n] = (struct capture_packet){.data = h + RECORD_HEAD,
		    .kept = kept, .len = len < kept ? kept : len,
		    .ns = raw32(h) * NS_PER_S + (uint64_t)raw32(h + 4) * unit};
		r->at += RECORD_HEAD + kept;
	}
	return n;
}

/* The header of a pcap file, whose magic number is known. */
static int
begin_pcap(struct capture_reader *r, bool is_ns, struct err *e)
{
	struct reader_iface i = {.tsresol = is_ns ? 9 : 6};
	int rc = reader_need(r, FILE_HEAD, "its header", e);

	if (rc != READER_OK)
		return rc;
	/* Above the link type there may be the length of a checksum. */
	i.link = reader_get16(r, r->buf + r->at + (r->swap ? 22 : 20));
	i.snap = reader_get32(r, r->buf + r->at + 16);
	i.unit = reader_unit(&i);
	if ((rc = reader_add_iface(r, &i, e)) != 0)
		return rc;
	r->at += FILE_HEAD;
	if (r->want > 0)
		return err_set(e, EINVAL, "%s: a pcap file has one interface, "
		    "iface=0", r->path);
	return 0;
}

static int
begin(struct capture_reader *r, struct err *e)
{
	uint32_t magic;
	int rc = reader_need(r, MAGIC_LEN, "its magic number", e);

	if (rc == CAPTURE_END)
		return err_set(e, EINVAL, "%s: the file is empty", r->path);
	if (rc != READER_OK)
		return rc;
	magic = raw32(r->buf + r->at);
	r->swap = magic == __builtin_bswap32(MAGIC_US) ||
	    magic == __builtin_bswap32(MAGIC_NS);
	if (r->swap)
		magic = __builtin_bswap32(magic);
	r->is_ng = magic == MAGIC_NG;
	if (r->is_ng)
		return 0;
	if (magic != MAGIC_US && magic != MAGIC_NS)
		return err_set(e, EINVAL, "%s: neither pcap nor pcapng",
		    r->path);
	return begin_pcap(r, magic == MAGIC_NS, e);
}

/* ---- what callers see ---- */

int
capture_open(const char *path, int iface, struct capture_reader **out,
    struct err *e)
{
	struct capture_reader *r = malloc(sizeof(*r));
	int rc;

	if (r == NULL)
		return err_set(e, ENOMEM, "%s: no memory", path);
	memset(r, 0, offsetof(struct capture_reader, own));
	r->buf = r->own;
	r->want = iface;
	if ((r->path = strdup(path)) == NULL)
		rc = err_set(e, ENOMEM, "%s: no memory", path);
	else if ((rc = stream_open(path, &r->from, e)) == 0)
		rc = begin(r, e);
	if (rc != 0) {
		capture_close(r);
		return rc;
	}
	*out = r;
	return 0;
}

void
capture_close(struct capture_reader *r)
{
	if (r == NULL)
		return;
	stream_close(r->from);
	free(r->ifaces);
	free(r->path);
	free(r);
}

int
capture_next(struct capture_reader *r, struct capture_packet *out,
    struct err *e)
{
	int rc = r->is_ng ? reader_next_ng(r, out, e) : next_pcap(r, out, e);

	if (likely(rc == CAPTURE_PACKET))
		r->last_ns = out->ns;
	return rc;
}

int
capture_next_run(struct capture_reader *r, struct capture_packet *out,
    unsigned max, unsigned *n, struct err *e)
{
	int rc;

	*n = r->is_ng ? reader_run_ng(r, out, max) : run_pcap(r, out, max);
	if (likely(*n > 0)) {
		r->last_ns = out[*n - 1].ns;
		r->lent = true;
		return CAPTURE_PACKET;
	}
	rc = capture_next(r, out, e);
	*n = rc == CAPTURE_PACKET;
	return rc;
}

void
capture_release(struct capture_reader *r)
{
	r->lent = false;
}

int
capture_next_alone(struct capture_reader *r, struct capture_packet *out,
    struct err *e)
{
	int got = capture_next(r, out, e);

	if (got != CAPTURE_WAIT)
		return got;
	capture_release(r);
	return capture_next(r, out, e);
}

int
capture_rewind(struct capture_reader *r, struct err *e)
{
	int rc = stream_rewind(r->from, e);

	if (rc != 0)
		return rc;
	r->lent = r->at_end = r->is_ng = r->swap = false;
	r->base = r->skip = 0;
	r->at = r->end = 0;
	r->n_ifaces = 0;
	r->last_ns = 0;
	return begin(r, e);
}

const char *
capture_ifname(const struct capture_reader *r, uint32_t iface)
{
	return iface < r->n_ifaces ? r->ifaces[iface].name : "";
}
