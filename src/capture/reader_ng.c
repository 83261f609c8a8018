/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pcapng: blocks, each with its length in front and behind.
 *
 *	| type 4 | length 4 | body ... padded to 4 | length 4 |
 */
#include "capture/reader_file.h"

#include <string.h>

enum {
	BLOCK_HEAD = 8,
	BLOCK_LEAST = 12,
	BLOCK_IFACE = 1,
	BLOCK_PACKET_OLD = 2,
	BLOCK_SIMPLE = 3,
	BLOCK_PACKET = 6,
	/* least octets of a block up to its options or packet */
	SECTION_LEAST = 28,
	IFACE_LEAST = 20,
	PACKET_LEAST = 32,
	SIMPLE_LEAST = 16,
	/* what a block that is looked at may have: a packet and its options */
	BLOCK_MOST = READER_SNAP + (1 << 16),
	MAJOR = 1,
	OPT_END = 0,
	OPT_IF_NAME = 2,
	OPT_IF_TSRESOL = 9,
	OPT_IF_TSOFFSET = 14,
	OPT_HEAD = 4,
	TSRESOL_US = 6,
	TSRESOL_BINARY = 0x80,
};

#define BLOCK_SECTION 0x0a0d0d0au
#define MAGIC 0x1a2b3c4du
#define LAST_NS ((unsigned __int128)INT64_MAX)

_Static_assert((int)BLOCK_MOST <= (int)READER_BUF, "a block fits into the window");

struct block {
	const uint8_t *at; /* its type */
	uint32_t type;
	uint32_t len;
};

/* ---- stamps ---- */

static unsigned __int128
power_of_10(unsigned n)
{
	unsigned __int128 v = 1;

	while (n-- > 0)
		v *= 10;
	return v;
}

/* ns of a stamp in the interface's units; beyond LAST_NS if there are too many.
 * 10^-38 is the finest that fits; finer ones are 0. */
static unsigned __int128
to_ns(uint64_t stamp, uint8_t tsresol)
{
	unsigned __int128 ns = (unsigned __int128)stamp * NS_PER_S;
	unsigned power = tsresol & ~TSRESOL_BINARY;

	if ((tsresol & TSRESOL_BINARY) != 0)
		return ns >> power;
	return power <= 38 ? ns / power_of_10(power) : 0;
}

/* The stamp in its two halves. */
static int
stamp(const struct capture_reader *r, const struct reader_iface *i,
    const uint8_t *halves, ns_t *out, struct err *e)
{
	uint64_t t = (uint64_t)reader_get32(r, halves) << 32 |
	    reader_get32(r, halves + 4);
	__int128 ns;

	if (likely(i->offset_s == 0) && i->tsresol == TSRESOL_US &&
	    t < INT64_MAX / 1000)
		ns = (__int128)(t * 1000);
	else if (likely(i->offset_s == 0) && i->tsresol == 9)
		ns = t;
	else
		ns = (__int128)to_ns(t, i->tsresol) +
		    (__int128)i->offset_s * (int64_t)NS_PER_S;
	if (ns < 0 || ns > (__int128)LAST_NS)
		return reader_bad(r, e, "a stamp before 1970 or after 2262");
	*out = (ns_t)ns;
	return 0;
}

/* ---- sections and interfaces ---- */

static int
take_section(struct capture_reader *r, const struct block *b, struct err *e)
{
	if (reader_get16(r, b->at + 12) != MAJOR)
		return reader_bad(r, e, "pcapng version %u, not %d",
		    reader_get16(r, b->at + 12), MAJOR);
	r->n_ifaces = 0;
	return 0;
}

static void
take_name(struct reader_iface *i, const uint8_t *text, unsigned len)
{
	unsigned n = len < READER_NAME - 1 ? len : READER_NAME - 1;

	memcpy(i->name, text, n);
	i->name[n] = '\0';
}

/* Reads what matters of the options in [at, end). */
static int
take_options(struct capture_reader *r, struct reader_iface *i,
    const uint8_t *at, const uint8_t *end, struct err *e)
{
	while (end - at >= OPT_HEAD) {
		uint16_t code = reader_get16(r, at);
		uint16_t len = reader_get16(r, at + 2);
		const uint8_t *value = at + OPT_HEAD;
		size_t all = OPT_HEAD + ((len + 3u) & ~3u);

		if (code == OPT_END)
			break;
		if (all > (size_t)(end - at))
			return reader_bad(r, e, "an option of %u octets, more "
			    "than its block has", len);
		if (code == OPT_IF_NAME)
			take_name(i, value, len);
		else if (code == OPT_IF_TSRESOL && len >= 1)
			i->tsresol = value[0];
		else if (code == OPT_IF_TSOFFSET && len >= 8) {
			uint64_t s = r->swap ?
			    (uint64_t)reader_get32(r, value) << 32 |
				reader_get32(r, value + 4) :
			    (uint64_t)reader_get32(r, value + 4) << 32 |
				reader_get32(r, value);

			i->offset_s = (int64_t)s;
		}
		at += all;
	}
	return 0;
}

static int
take_iface(struct capture_reader *r, const struct block *b, struct err *e)
{
	struct reader_iface i = {
	    .link = reader_get16(r, b->at + 8),
	    .snap = reader_get32(r, b->at + 12),
	    .tsresol = TSRESOL_US,
	};
	int rc = take_options(r, &i, b->at + 16, b->at + b->len - 4, e);

	i.unit = reader_unit(&i);
	return rc != 0 ? rc : reader_add_iface(r, &i, e);
}

/* ---- packets ---- */

/* The rest of a packet whose captured octets begin 'head' octets from the
 * block's beginning.  CAPTURE_PACKET; READER_OK if it is not wanted. */
static int
finish(struct capture_reader *r, const struct block *b, unsigned head,
    struct capture_packet *p, struct err *e)
{
	if (p->kept > b->len - head - 4)
		return reader_bad(r, e, "a packet of %u octets in a block of "
		    "%u", p->kept, b->len);
	if (p->kept > READER_SNAP)
		return reader_bad(r, e, "a packet of %u octets, more than %d: "
		    "a damaged file", p->kept, READER_SNAP);
	if (p->len < p->kept)
		p->len = p->kept;
	p->data = r->buf + r->at + head;
	return reader_frame(r, p, e);
}

static bool
is_wanted(const struct capture_reader *r, uint32_t iface)
{
	return r->want == READER_ANY || (uint32_t)r->want == iface;
}

/* Enhanced packet blocks and, with other numbers in front, old ones. */
static int
take_packet(struct capture_reader *r, const struct block *b,
    struct capture_packet *p, struct err *e)
{
	int rc;

	p->iface = b->type == BLOCK_PACKET ? reader_get32(r, b->at + 8) :
					     reader_get16(r, b->at + 8);
	if (!is_wanted(r, p->iface))
		return READER_OK;
	if (p->iface >= r->n_ifaces)
		return reader_bad(r, e, "a packet of interface %u, of %u that "
		    "are described", p->iface, r->n_ifaces);
	rc = stamp(r, &r->ifaces[p->iface], b->at + 12, &p->ns, e);
	if (rc != 0)
		return rc;
	p->kept = reader_get32(r, b->at + 20);
	p->len = reader_get32(r, b->at + 24);
	return finish(r, b, 28, p, e);
}

static int
take_simple(struct capture_reader *r, const struct block *b,
    struct capture_packet *p, struct err *e)
{
	uint32_t snap;

	if (!is_wanted(r, 0))
		return READER_OK;
	if (r->n_ifaces == 0)
		return reader_bad(r, e, "a packet before any interface is "
		    "described");
	p->iface = 0;
	p->ns = r->last_ns;
	p->len = p->kept = reader_get32(r, b->at + 8);
	snap = r->ifaces[0].snap;
	if (snap != 0 && p->kept > snap)
		p->kept = snap;
	if (p->kept > b->len - SIMPLE_LEAST) /* cut, and not by the snap */
		p->kept = b->len - SIMPLE_LEAST;
	return finish(r, b, 12, p, e);
}

/* ---- blocks ---- */

/* The order of octets of a section that begins here. */
static int
set_order(struct capture_reader *r, struct err *e)
{
	uint32_t magic;
	int rc = reader_need(r, BLOCK_LEAST, "the header of a section", e);

	if (rc != READER_OK)
		return rc;
	memcpy(&magic, r->buf + r->at + BLOCK_HEAD, sizeof(magic));
	if (magic != MAGIC && magic != __builtin_bswap32(MAGIC))
		return reader_bad(r, e, "a section in no order of octets");
	r->swap = magic != MAGIC;
	return READER_OK;
}

/* The least octets of a block that is looked at, 0 for others. */
static uint32_t
least_of(uint32_t type)
{
	switch (type) {
	case BLOCK_SECTION:
		return SECTION_LEAST;
	case BLOCK_IFACE:
		return IFACE_LEAST;
	case BLOCK_PACKET:
	case BLOCK_PACKET_OLD:
		return PACKET_LEAST;
	case BLOCK_SIMPLE:
		return SIMPLE_LEAST;
	default:
		return 0;
	}
}

/* The next block, all of it in the window if it is looked at; type and length
 * alone if it is not. */
static int
next_block(struct capture_reader *r, struct block *b, struct err *e)
{
	uint32_t least;
	int rc = reader_need(r, BLOCK_HEAD, "the header of a block", e);

	if (rc != READER_OK)
		return rc;
	memcpy(&b->type, r->buf + r->at, sizeof(b->type));
	if (unlikely(b->type == BLOCK_SECTION) &&
	    (rc = set_order(r, e)) != READER_OK)
		return rc;
	b->at = r->buf + r->at;
	b->type = reader_get32(r, r->buf + r->at);
	b->len = reader_get32(r, r->buf + r->at + 4);
	least = least_of(b->type);
	if (b->len < BLOCK_LEAST || b->len < least || b->len % 4 != 0)
		return reader_bad(r, e, "a block of type %u with %u octets",
		    b->type, b->len);
	if (least == 0)
		return READER_OK;
	if (b->len > BLOCK_MOST)
		return reader_bad(r, e, "a block of type %u with %u octets, "
		    "more than %d", b->type, b->len, BLOCK_MOST);
	rc = reader_need(r, b->len, "a block", e);
	b->at = r->buf + r->at;
	return rc;
}

/* Does what a block in the window says; READER_OK to go on. */
static int
take_block(struct capture_reader *r, const struct block *b,
    struct capture_packet *out, struct err *e)
{
	int rc;

	switch (b->type) {
	case BLOCK_PACKET:
	case BLOCK_PACKET_OLD:
		return take_packet(r, b, out, e);
	case BLOCK_SIMPLE:
		return take_simple(r, b, out, e);
	case BLOCK_IFACE:
		rc = take_iface(r, b, e);
		return rc != 0 ? rc : READER_OK;
	case BLOCK_SECTION:
		rc = take_section(r, b, e);
		return rc != 0 ? rc : READER_OK;
	default:
		return READER_OK;
	}
}

int
reader_next_ng(struct capture_reader *r, struct capture_packet *out,
    struct err *e)
{
	struct block b;
	int rc;

	do {
		if ((rc = next_block(r, &b, e)) != READER_OK)
			return rc;
		rc = take_block(r, &b, out, e);
		if (rc < 0)
			return rc;
		reader_skip(r, b.len);
	} while (rc == READER_OK);
	r->lent = true;
	return rc;
}

static inline uint32_t
load32(const uint8_t *from)
{
	uint32_t v;

	memcpy(&v, from, sizeof(v));
	return v;
}

/* An enhanced packet block of 'have' octets or less, in the machine's order of
 * octets.  Returns its length; 0 if it is not plain. */
static inline uint32_t
plain_packet(const struct capture_reader *r, uint8_t *b, size_t have,
    struct capture_packet *p)
{
	uint32_t len, kept, iface, unit;
	uint64_t t;

	if (have < PACKET_LEAST || load32(b) != BLOCK_PACKET)
		return 0;
	len = load32(b + 4);
	iface = load32(b + 8);
	kept = load32(b + 20);
	if (len < PACKET_LEAST || len > have || len > BLOCK_MOST ||
	    len % 4 != 0 || kept > len - PACKET_LEAST || kept > READER_SNAP ||
	    iface >= r->n_ifaces || !is_wanted(r, iface))
		return 0;
	unit = r->ifaces[iface].unit;
	t = (uint64_t)load32(b + 12) << 32 | load32(b + 16);
	if (unit == 0 || t > (uint64_t)INT64_MAX / 1000 * (unit == 1 ? 1000 : 1))
		return 0;
	p->data = b + 28;
	p->kept = kept;
	p->len = load32(b + 24);
	if (unlikely(p->len < kept))
		p->len = kept;
	p->iface = iface;
	p->ns = t * unit;
	return len;
}

unsigned
reader_run_ng(struct capture_reader *r, struct capture_packet *out,
    unsigned max)
{
	uint8_t *at = r->buf + r->at, *end = r->buf + r->end;
	unsigned n = 0;
	uint32_t len;

	if (r->swap || r->skip != 0)
		return 0;
	while (n < max &&
	    (len = plain_packet(r, at, (size_t)(end - at), &out[n])) != 0) {
		at += len;
		n++;
	}
	r->at = (size_t)(at - r->buf);
	return n;
}
