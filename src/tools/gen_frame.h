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
 *            addresses, ports and lengths to that and folds.  The sum of every
 *            payload length is in a table.  All are right, always, but for
 *            the headers-only mode, which sends no UDP checksum.
 * Cost       3 to 5 ns for 60 octets that vary, 2 for a fixed frame, without
 *            the cache misses on the buffer.
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
	uint8_t *octets;	/* the template, a whole number of lines */
	uint16_t *payload_sums; /* by payload length */
	uint32_t ip_sum;	/* IPv4 header without addresses and length */
	uint32_t udp_sum;	/* pseudo header, ports and lengths left out */
	unsigned hdr_len;	/* GEN_HDR4_LEN or GEN_HDR6_LEN */
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

/* One's complement sum of octets, folded to 16 bits, not inverted; an odd last
 * octet counts as the upper half of a word. */
uint16_t gen_frame_sum(const void *octets, size_t len);

/* Adds 'new' 16-bit words, replacing words that summed to 'old', to the UDP
 * checksum of a frame of this shape; both sums folded. */
void gen_frame_adjust_udp(uint8_t *udp_sum, uint16_t old_sum, uint16_t new_sum);

static inline uint16_t
gen_fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static inline void
gen_put16(uint8_t *at, unsigned v)
{
	uint16_t w = __builtin_bswap16((uint16_t)v);

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

/* Sum of the four 16-bit words of 'v'; at most 4 * 65535. */
static inline uint32_t
gen_words(uint64_t v)
{
	return (uint32_t)((v & 0xffff) + (v >> 16 & 0xffff) +
			  (v >> 32 & 0xffff) + (v >> 48));
}

/* A checksum of UDP: 0 means 'none' on the wire, so 0 travels as 0xffff. */
static inline unsigned
gen_udp_csum(uint32_t sum)
{
	unsigned c = (uint16_t)~gen_fold(sum);

	return c != 0 ? c : 0xffff;
}

/* Stores lengths, addresses, ports and checksums of this packet.  The sums
 * stay far below 2^32: at most 20 words of 16 bits are added. */
static inline void
gen_frame_patch4(const struct gen_frame *f, const struct gen_flow *w,
		 uint8_t *dst, unsigned len)
{
	uint64_t src_addr = w->axes[GEN_SRC_ADDR].cur;
	uint64_t dst_addr = w->axes[GEN_DST_ADDR].cur;
	unsigned sport = (unsigned)w->axes[GEN_SRC_PORT].cur;
	unsigned dport = (unsigned)w->axes[GEN_DST_PORT].cur;
	unsigned ip_len = len - GEN_ETHER_LEN, udp_len = ip_len - 20;
	uint32_t addrs = gen_words(src_addr) + gen_words(dst_addr);
	uint8_t *ip = dst + GEN_ETHER_LEN, *udp = ip + 20;

	gen_put16(ip + 2, ip_len);
	gen_put16(ip + 10, (uint16_t)~gen_fold(f->ip_sum + addrs + ip_len));
	gen_put32(ip + 12, (uint32_t)src_addr);
	gen_put32(ip + 16, (uint32_t)dst_addr);
	gen_put16(udp, sport);
	gen_put16(udp + 2, dport);
	gen_put16(udp + 4, udp_len);
	gen_put16(udp + 6,
		  f->headers_only
		      ? 0
		      : gen_udp_csum(f->udp_sum + addrs + sport + dport +
				     2 * udp_len +
				     f->payload_sums[len - GEN_HDR4_LEN]));
}

static inline void
gen_frame_patch6(const struct gen_frame *f, const struct gen_flow *w,
		 uint8_t *dst, unsigned len)
{
	uint64_t src_addr = w->axes[GEN_SRC_ADDR].cur;
	uint64_t dst_addr = w->axes[GEN_DST_ADDR].cur;
	unsigned sport = (unsigned)w->axes[GEN_SRC_PORT].cur;
	unsigned dport = (unsigned)w->axes[GEN_DST_PORT].cur;
	unsigned udp_len = len - GEN_ETHER_LEN - 40;
	uint32_t addrs = gen_words(src_addr) + gen_words(dst_addr);
	uint8_t *ip = dst + GEN_ETHER_LEN, *udp = ip + 40;

	gen_put16(ip + 4, udp_len);
	gen_put64(ip + 16, src_addr);
	gen_put64(ip + 32, dst_addr);
	gen_put16(udp, sport);
	gen_put16(udp + 2, dport);
	gen_put16(udp + 4, udp_len);
	gen_put16(udp + 6, gen_udp_csum(f->udp_sum + addrs + sport + dport +
					2 * udp_len +
					f->payload_sums[len - GEN_HDR6_LEN]));
}

/* Writes one frame of 'len' octets (len_min .. len_max) with the flow's current
 * addresses to 'dst', which has room for GEN_HEAD_LEN and for 'len' octets. */
static inline void
gen_frame_write(const struct gen_frame *f, const struct gen_flow *w,
		uint8_t *dst, unsigned len)
{
	memcpy(dst, f->octets, GEN_HEAD_LEN);
	if (len > GEN_HEAD_LEN && !f->headers_only)
		memcpy(dst + GEN_HEAD_LEN, f->octets + GEN_HEAD_LEN,
		       len - GEN_HEAD_LEN);
	if (f->fixed)
		return;
	if (f->is_v6)
		gen_frame_patch6(f, w, dst, len);
	else
		gen_frame_patch4(f, w, dst, len);
	if (w->macs_vary) {
		gen_put48(dst, w->axes[GEN_DST_MAC].cur);
		gen_put48(dst + 6, w->axes[GEN_SRC_MAC].cur);
	}
}
