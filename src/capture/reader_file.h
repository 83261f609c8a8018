/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the two formats have in common, for reader.c and reader_ng.c alone: a
 * window onto the file, the interfaces, and link types.
 */
#pragma once

#include "capture/reader.h"
#include "capture/stream.h"

struct reader_iface {
	uint16_t link;	 /* LINKTYPE_* */
	uint8_t tsresol; /* as in the option: power of 10, or 0x80 | of 2 */
	uint32_t unit;	 /* ns, of the plainest packets; 0 = not so plain */
	uint32_t snap;	 /* 0 = no limit */
	int64_t offset_s;
	char name[READER_NAME];
};

enum { READER_LEAD = 16 }; /* a header that is made up reaches back so far */

struct capture_reader {
	struct stream *from;
	char *path;
	int want;	   /* interface, or READER_ANY */
	bool is_ng;
	bool swap;	   /* its numbers are in the other order */
	bool lent;
	bool at_end;	   /* the stream has no more octets */
	ns_t last_ns;	   /* of the packet before */
	uint64_t base;	   /* offset of buf[0] in the unpacked file */
	uint8_t *buf;	   /* the window: READER_BUF octets, and READER_LEAD
			    * before them; 'own' or whose reader_move() said */
	size_t at, end;	   /* what of 'buf' is still to be read */
	uint64_t skip;	   /* octets to pass over first */
	unsigned n_ifaces, room;
	struct reader_iface *ifaces;
	uint8_t lead[READER_LEAD]; /* before a packet that begins 'own' */
	uint8_t own[READER_BUF];
};

enum { READER_OK = 3 }; /* beside enum capture_got */

enum link_type { /* LINKTYPE_* that are, or can be made, Ethernet */
	LINK_NULL = 0,
	LINK_ETHERNET = 1,
	LINK_RAW_BSD = 12,
	LINK_RAW_OPENBSD = 14,
	LINK_RAW = 101,
	LINK_LOOP = 108,
	LINK_SLL = 113,
	LINK_IPV4 = 228,
	LINK_IPV6 = 229,
	LINK_SLL2 = 276,
};

/* Has the next 'n' <= READER_BUF octets at buf[at]: READER_OK; CAPTURE_WAIT;
 * CAPTURE_END if there is not even one more; -EINVAL if there are fewer.
 * 'what' they are is for the sentence. */
int reader_fetch(struct capture_reader *r, size_t n, const char *what,
    struct err *e);
static inline int
reader_need(struct capture_reader *r, size_t n, const char *what,
    struct err *e)
{
	return likely(r->skip == 0 && r->end - r->at >= n) ? READER_OK :
	    reader_fetch(r, n, what, e);
}

/* Goes on in another window, with what is left in the present one, whose packets
 * are not the reader's business any more. */
void reader_move(struct capture_reader *r, uint8_t *window);

/* Passes over 'n' octets, in the file if they are not here. */
void reader_skip(struct capture_reader *r, uint64_t n);

/* -EINVAL, "FILE: octet N: TEXT". */
int reader_bad(const struct capture_reader *r, struct err *e, const char *fmt,
    ...) __attribute__((format(printf, 3, 4)));

/* One more interface; -errno if there are too many. */
int reader_add_iface(struct capture_reader *r, const struct reader_iface *i,
    struct err *e);

/* Makes an Ethernet frame of the captured octets; the READER_LEAD in front
 * of them may be overwritten.  CAPTURE_PACKET, or -EINVAL. */
int reader_make_frame(struct capture_reader *r, struct capture_packet *p,
    struct err *e);
static inline int
reader_frame(struct capture_reader *r, struct capture_packet *p,
    struct err *e)
{
	return likely(r->ifaces[p->iface].link == LINK_ETHERNET) ?
	    CAPTURE_PACKET : reader_make_frame(r, p, e);
}

/* What reader_iface.unit should be, once the other members are set: Ethernet,
 * with stamps in ns or us since 1970. */
static inline uint32_t
reader_unit(const struct reader_iface *i)
{
	if (i->link != LINK_ETHERNET || i->offset_s != 0)
		return 0;
	return i->tsresol == 9 ? 1 : i->tsresol == 6 ? 1000 : 0;
}

static inline uint16_t
reader_get16(const struct capture_reader *r, const uint8_t *from)
{
	uint16_t v;

	__builtin_memcpy(&v, from, sizeof(v));
	return r->swap ? __builtin_bswap16(v) : v;
}

static inline uint32_t
reader_get32(const struct capture_reader *r, const uint8_t *from)
{
	uint32_t v;

	__builtin_memcpy(&v, from, sizeof(v));
	return r->swap ? __builtin_bswap32(v) : v;
}

/* ---- reader_ng.c ---- */

/* Reads blocks up to the next packet wanted.  As capture_next(). */
int reader_next_ng(struct capture_reader *r, struct capture_packet *out,
    struct err *e);

/* Packets that follow one another in the window and are as plain as nearly all
 * are: returns how many, up to 'max'.  The next one, if there is one, is for
 * reader_next_ng(). */
unsigned reader_run_ng(struct capture_reader *r, struct capture_packet *out,
    unsigned max);
