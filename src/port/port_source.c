/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The infinite source: one packet, or those of a capture file, for ever.
 *
 * The classic packet is the one of the original's port 5556: IPv4 from 1.2.3.4
 * to 5.6.7.8, 64 octets with its Ethernet header.  Frames lie one behind the
 * other in memory, at the stride of a ring, so that the cost of reading them is
 * the one that a real ring has.
 */
#include "port/kinds.h"

#include "base/bytes.h"
#include "capture/reader.h"
#include "packet/proto.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	STRIDE_ALIGN = CACHE_LINE,
	MAX_FRAME = 2048,
	MAX_MEMORY = 1 << 30,
	CLASSIC_COPIES = PORT_BURST,
	CLASSIC_LEN = 64,
};

struct source {
	uint8_t *mem;
	uint32_t *ofs; /* of frame i in mem */
	uint16_t *lens;
	unsigned n;
	unsigned next;
	size_t used, size; /* octets of mem */
	unsigned room;	   /* frames that ofs and lens have room for */
};

static void
source_free(struct source *s)
{
	free(s->mem);
	free(s->ofs);
	free(s->lens);
	free(s);
}

/* Makes room for one more frame of up to MAX_FRAME octets. */
static int
source_grow(struct source *s)
{
	if (s->n == s->room) {
		unsigned room = s->room == 0 ? 1024 : s->room * 2;
		void *o = realloc(s->ofs, room * sizeof(*s->ofs));
		void *l;

		if (o == NULL)
			return -ENOMEM;
		s->ofs = o;
		if ((l = realloc(s->lens, room * sizeof(*s->lens))) == NULL)
			return -ENOMEM;
		s->lens = l;
		s->room = room;
	}
	if (s->used + MAX_FRAME > s->size) {
		size_t size = s->size == 0 ? 1 << 20 : s->size * 2;
		void *m;

		if (size > MAX_MEMORY)
			return -EFBIG;
		if ((m = realloc(s->mem, size)) == NULL)
			return -ENOMEM;
		s->mem = m;
		s->size = size;
	}
	return 0;
}

static int
source_add(struct source *s, const uint8_t *frame, unsigned len)
{
	unsigned stride = (len + STRIDE_ALIGN - 1) / STRIDE_ALIGN *
	    STRIDE_ALIGN;
	int rc = source_grow(s);

	if (rc != 0)
		return rc;
	memcpy(s->mem + s->used, frame, len);
	s->ofs[s->n] = (uint32_t)s->used;
	s->lens[s->n++] = (uint16_t)len;
	s->used += stride;
	return 0;
}

static int
source_classic(struct source *s)
{
	uint8_t f[CLASSIC_LEN] = {0};
	uint8_t *ip = f + ETHER_LEN;
	uint32_t sum = 0;
	int rc;

	put16(f + 12, ETYPE_IP4);
	ip[0] = 0x45;
	put16(ip + 2, CLASSIC_LEN - ETHER_LEN);
	ip[8] = 64;
	ip[9] = PROTO_UDP;
	put32(ip + 12, 0x01020304);
	put32(ip + 16, 0x05060708);
	put16(ip + 24, CLASSIC_LEN - ETHER_LEN - IP4_LEN);
	for (int i = 0; i < IP4_LEN; i += 2)
		sum += get16(ip + i);
	sum = (sum & 0xffff) + (sum >> 16);
	put16(ip + 10, (uint16_t)~(sum + (sum >> 16)));
	for (int i = 0; i < CLASSIC_COPIES; i++) {
		if ((rc = source_add(s, f, sizeof(f))) != 0)
			return rc;
	}
	return 0;
}

/* Adds a packet of a capture, as much of it as was kept. */
static int
source_take(struct source *s, const char *path, const struct capture_packet *p,
    struct err *e)
{
	int rc;

	if (p->kept > MAX_FRAME)
		return err_set(e, EINVAL, "source: %s: packet %u has %u "
		    "octets, more than %d", path, s->n + 1, p->kept, MAX_FRAME);
	if ((rc = source_add(s, p->data, p->kept)) != 0)
		return err_set(e, -rc, "source: %s: too large for memory",
		    path);
	return 0;
}

/* Reads every packet of a capture. */
static int
source_capture(struct source *s, const char *path, struct err *e)
{
	struct capture_reader *r;
	struct capture_packet p;
	int got, rc = capture_open(path, READER_ANY, &r, e);

	if (rc != 0)
		return rc;
	while (rc == 0 && (got = capture_next_alone(r, &p, e)) != CAPTURE_END)
		rc = got == CAPTURE_PACKET ? source_take(s, path, &p, e) : got;
	capture_close(r);
	if (rc == 0 && s->n == 0)
		rc = err_set(e, EINVAL, "source: %s: no packets", path);
	return rc;
}

static int
source_open(struct port *p, const char *name, struct err *e)
{
	const char *path = name + strlen(port_source.kind);
	struct source *s = calloc(1, sizeof(*s));
	int rc;

	if (s == NULL)
		return err_set(e, ENOMEM, "source: no memory");
	if (*path != '\0')
		rc = source_capture(s, path, e);
	else if ((rc = source_classic(s)) != 0)
		err_set(e, -rc, "source: no memory");
	if (rc != 0) {
		source_free(s);
		return rc;
	}
	p->priv = s;
	strcpy(p->ifname, "source");
	return 0;
}

static void
source_close(struct port *p)
{
	source_free(p->priv);
}

static unsigned
source_rx(struct port *p, struct pkt *pkts, unsigned max)
{
	struct source *s = p->priv;
	uint64_t bytes = 0;
	unsigned k = s->next;

	for (unsigned i = 0; i < max; i++) {
		pkts[i].data = s->mem + s->ofs[k];
		pkts[i].len = s->lens[k];
		bytes += s->lens[k];
		if (++k == s->n)
			k = 0;
	}
	s->next = k;
	stat_add(&p->stats.rx_pkts, max);
	stat_add(&p->stats.rx_bytes, bytes);
	return max;
}

static void
source_nothing(struct port *p)
{
	(void)p;
}

static unsigned
source_room(struct port *p)
{
	(void)p;
	return PORT_BURST; /* what is sent into a source is lost */
}

static unsigned
source_tx(struct port *p, struct port *from, struct pkt *const *pkts,
    unsigned n)
{
	(void)from, (void)pkts;
	stat_add(&p->stats.tx_pkts, n);
	return n;
}

static bool
source_sleep_begin(struct port *p, unsigned flags)
{
	(void)p;
	return (flags & PORT_RX) == 0; /* it always has packets */
}

const struct port_ops port_source = {
	.kind = "source:",
	.help = "source:[FILE]    the classic packet, or those of a capture, "
		"for ever",
	.open = source_open,
	.close = source_close,
	.rx = source_rx,
	.release = source_nothing,
	.room = source_room,
	.tx = source_tx,
	.kick = source_nothing,
	.pending = port_none_pending,
	.sleep_begin = source_sleep_begin,
	.sleep_end = source_nothing,
};
