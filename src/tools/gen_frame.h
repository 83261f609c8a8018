/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The frame that tx sends: a template, and the fields that change in it.
 *
 *	| Ethernet 14 | IPv4 20 or IPv6 40 | UDP 8 | payload ... |
 *	                                     42 (IPv4) or 62 (IPv6)
 *
 * Place      pkt-gen's tx and ping; addresses come from gen_flow.
 * Life       create -> write per packet -> destroy.  The template never
 *            changes: what varies is stored over the copy, because a load that
 *            follows a narrower store to the same octets would stall.
 * Checksums  the parts that never change are summed once; a packet adds its
 *            addresses, ports and length to that and folds.  What the length
 *            contributes (payload, length fields) is in a table.  All are
 *            right, always, but for the headers-only mode, which sends no UDP
 *            checksum.  Sums are taken over words in the machine's byte order:
 *            the one's complement sum does not mind (RFC 1071).
 * Cost       with 60 octets and 1,024 buffers (2 MB, so most stores miss L2):
 *            4 ns for a fixed frame, 11 for a walk over flows, 20 for random
 *            ones; 48 for 1,514 octets.
 */
#pragma once

#include "base/cdefs.h"
#include "base/err.h"
#include "tools/gen_flow.h"

#include <string.h>

enum {
	GEN_ETHER_LEN = 14,
	GEN_HDR4_LEN = GEN_ETHER_LEN + 20 + 8,
	GEN_HDR6_LEN = GEN_ETHER_LEN + 40 + 8,
	GEN_FRAME_MIN = 60,
	GEN_FRAME_MAX = 65535 - 63, /* so that a copy of whole lines fits */
	GEN_HEAD_LEN = 64,	    /* octets that hold every header */
};

struct gen_frame_cfg {
	int af;
	unsigned len_max;    /* 60 or 62 .. GEN_FRAME_MAX */
	unsigned len_min;    /* 0: all frames are len_max long */
	uint64_t src_prefix; /* upper halves of IPv6 addresses */
	uint64_t dst_prefix;
	bool headers_only; /* write 64 octets, leave the rest of the buffer */
};

struct gen_frame {
	uint8_t *octets;    /* the template, a whole number of lines */
	uint16_t *len_sums; /* payload and UDP lengths, by payload length */
	uint64_t ip_sum;    /* IPv4 header without addresses and length */
	uint64_t udp_sum;   /* pseudo header without the rest */
	unsigned hdr_len;   /* GEN_HDR4_LEN or GEN_HDR6_LEN */
	unsigned len_max;
	unsigned len_min; /* 0: fixed */
	bool is_v6;
	bool headers_only;
	bool fixed; /* nothing varies: the template is the frame */
};

/* Builds the template for the first packet of 'flow'.  -EINVAL if a length does
 * not fit, -ENOMEM.  On success the caller owns *out. */
int
gen_frame_create(const struct gen_frame_cfg *cfg, const struct gen_flow *flow,
		 struct gen_frame **out, struct err *e);

/* NULL is fine. */
void gen_frame_destroy(struct gen_frame *f);

/* One's complement sum of octets as words in the machine's byte order, folded
 * to 16 bits, not inverted; an odd last octet is followed by a 0. */
uint16_t gen_frame_sum(const void *octets, size_t len);

/* Corrects the UDP checksum at 'udp_sum' after covered octets that summed to
 * 'old_sum' were replaced by such that sum to 'new_sum'. */
void gen_frame_adjust_udp(uint8_t *udp_sum, uint16_t old_sum, uint16_t new_sum);

/* Any sum as 16 bits.  Adding a number to itself with its halves swapped leaves
 * their one's complement sum in the upper half, end-around carry included. */
static inline uint16_t
gen_fold(uint64_t sum)
{
	uint32_t half;

	sum += sum >> 32 | sum << 32;
	half = (uint32_t)(sum >> 32);
	half += half >> 16 | half << 16;
	return (uint16_t)(half >> 16);
}

/* A 16-bit value as it lies in memory in wire order. */
static inline unsigned
gen_be16(unsigned v)
{
	return __builtin_bswap16((uint16_t)v);
}

static inline void
gen_put16(uint8_t *at, unsigned v)
{
	uint16_t w = (uint16_t)gen_be16(v);

	memcpy(at, &w, sizeof(w));
}

static inline void
gen_put32(uint8_t *at, uint32_t v)
{
	v = __builtin_bswap32(v);
	memcpy(at, &v, sizeof(v));
}

static inline void
gen_put64(uint8_t *at, uint64_t v)
{
	v = __builtin_bswap64(v);
	memcpy(at, &v, sizeof(v));
}

/* 48 bits, first octet on top. */
static inline void
gen_put48(uint8_t *at, uint64_t v)
{
	gen_put16(at, (unsigned)(v >> 32));
	gen_put32(at + 2, (uint32_t)v);
}

/* Stores a word that is in wire order already. */
static inline void
gen_copy32(uint8_t *at, uint32_t v)
{
	memcpy(at, &v, sizeof(v));
}

static inline void
gen_copy64(uint8_t *at, uint64_t v)
{
	memcpy(at, &v, sizeof(v));
}

/* The two halves of 'v' added: 33 bits with the same one's complement sum. */
static inline uint64_t
gen_halves(uint64_t v)
{
	return (v & 0xffffffff) + (v >> 32);
}

/* A checksum of UDP: 0 means 'none' on the wire, so 0 travels as 0xffff. */
static inline unsigned
gen_udp_csum(uint64_t sum)
{
	unsigned c = (uint16_t)~gen_fold(sum);

	return c != 0 ? c : 0xffff;
}

/* Both ports, as they lie in memory. */
static inline uint32_t
gen_ports(const struct gen_flow *w)
{
	return gen_be16((unsigned)w->axes[GEN_SRC_PORT].cur) |
	       (uint32_t)gen_be16((unsigned)w->axes[GEN_DST_PORT].cur) << 16;
}

/* The UDP header: ports, length, checksum in one store. */
static inline void
gen_put_udp(uint8_t *at, uint32_t ports, unsigned udp_len, unsigned csum)
{
	gen_copy64(at, ports | (uint64_t)gen_be16(udp_len) << 32 |
			   (uint64_t)csum << 48);
}

/* Stores length, addresses, ports and checksums of this packet.  Few and wide
 * stores. */
static inline void
gen_frame_patch4(const struct gen_frame *f, const struct gen_flow *w,
		 uint8_t *dst, unsigned len)
{
	uint32_t from = __builtin_bswap32((uint32_t)w->axes[GEN_SRC_ADDR].cur);
	uint32_t to = __builtin_bswap32((uint32_t)w->axes[GEN_DST_ADDR].cur);
	uint32_t ports = gen_ports(w);
	uint64_t addrs = (uint64_t)from + to;
	unsigned ip_len = gen_be16(len - GEN_ETHER_LEN);
	uint64_t ip_sum = f->ip_sum + addrs + ip_len;
	uint64_t udp_sum =
	    f->udp_sum + addrs + ports + f->len_sums[len - GEN_HDR4_LEN];
	uint8_t *ip = dst + GEN_ETHER_LEN;
	uint16_t csum = (uint16_t)~gen_fold(ip_sum);

	gen_put16(ip + 2, len - GEN_ETHER_LEN);
	memcpy(ip + 10, &csum, sizeof(csum));
	gen_copy64(ip + 12, from | (uint64_t)to << 32);
	gen_put_udp(ip + 20, ports, len - GEN_ETHER_LEN - 20,
		    f->headers_only ? 0 : gen_udp_csum(udp_sum));
}

static inline void
gen_frame_patch6(const struct gen_frame *f, const struct gen_flow *w,
		 uint8_t *dst, unsigned len)
{
	uint64_t from = __builtin_bswap64(w->axes[GEN_SRC_ADDR].cur);
	uint64_t to = __builtin_bswap64(w->axes[GEN_DST_ADDR].cur);
	uint32_t ports = gen_ports(w);
	unsigned udp_len = len - GEN_ETHER_LEN - 40;
	uint64_t udp_sum = f->udp_sum + gen_halves(from) + gen_halves(to) +
			   ports + f->len_sums[len - GEN_HDR6_LEN];
	uint8_t *ip = dst + GEN_ETHER_LEN;

	gen_put16(ip + 4, udp_len);
	gen_copy64(ip + 16, from);
	gen_copy64(ip + 32, to);
	gen_put_udp(ip + 40, ports, udp_len, gen_udp_csum(udp_sum));
}

/* The template as it is, 'len' octets of it. */
static inline void
gen_frame_copy(const struct gen_frame *f, uint8_t *dst, unsigned len)
{
	memcpy(dst, f->octets, GEN_HEAD_LEN);
	if (len > GEN_HEAD_LEN && !f->headers_only)
		memcpy(dst + GEN_HEAD_LEN, f->octets + GEN_HEAD_LEN,
		       len - GEN_HEAD_LEN);
}

/* Everything of the flow that is not in the template. */
static inline void
gen_frame_patch(const struct gen_frame *f, const struct gen_flow *w,
		uint8_t *dst, unsigned len)
{
	if (f->is_v6)
		gen_frame_patch6(f, w, dst, len);
	else
		gen_frame_patch4(f, w, dst, len);
	if (unlikely(w->macs_vary)) {
		gen_put48(dst, w->axes[GEN_DST_MAC].cur);
		gen_put48(dst + 6, w->axes[GEN_SRC_MAC].cur);
	}
}

/* Writes one frame of 'len' octets (len_min .. len_max) with the flow's current
 * addresses to 'dst', which has room for GEN_HEAD_LEN and for 'len' octets. */
static inline void
gen_frame_write(const struct gen_frame *f, const struct gen_flow *w,
		uint8_t *dst, unsigned len)
{
	gen_frame_copy(f, dst, len);
	if (!f->fixed)
		gen_frame_patch(f, w, dst, len);
}
