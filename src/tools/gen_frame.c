/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/gen_frame.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

enum {
	ETYPE_IP4 = 0x0800,
	ETYPE_IP6 = 0x86dd,
	PROTO_UDP = 17,
	TOS_LOWDELAY = 0x10, /* as netmap's pkt-gen has it */
	FLAG_DF = 0x4000,
	HOP_LIMIT = 64,
};

uint16_t
gen_frame_sum(const void *octets, size_t len)
{
	const uint8_t *b = octets;
	uint64_t sum = 0;

	for (size_t i = 0; i < len; i++) {
		sum += i % 2 == 0 ? b[i] : (uint64_t)b[i] << 8;
		if (sum > UINT32_MAX)
			sum = gen_fold(sum);
	}
	return gen_fold(sum);
}

void
gen_frame_adjust_udp(uint8_t *udp_sum, uint16_t old_sum, uint16_t new_sum)
{
	uint16_t csum;

	/* RFC 1624: new checksum = ~(~old checksum + ~old data + new data). */
	memcpy(&csum, udp_sum, sizeof(csum));
	csum = (uint16_t)gen_udp_csum((uint64_t)(uint16_t)~csum +
				      (uint16_t)~old_sum + new_sum);
	memcpy(udp_sum, &csum, sizeof(csum));
}

static void
fill_payload(uint8_t *at, unsigned len)
{
	static const char text[] = "kipfw pkt-gen ";

	for (unsigned i = 0; i < len; i++)
		at[i] = (uint8_t)text[i % (sizeof(text) - 1)];
}

/* sums[n] = sum of the first n octets of the payload, and of the UDP length in
 * the header and in the pseudo header, for every n up to 'len'. */
static void
fill_sums(uint16_t *sums, const uint8_t *payload, unsigned len)
{
	uint64_t sum = 0;

	for (unsigned n = 0; n <= len; n++) {
		if (n > 0)
			sum += n % 2 == 1 ? payload[n - 1]
					  : (uint64_t)payload[n - 1] << 8;
		sums[n] = gen_fold(sum + 2ull * gen_be16(n + 8));
	}
}

/* Every field of the headers that no packet changes. */
static void
fill_headers(struct gen_frame *f, const struct gen_frame_cfg *cfg,
	     const struct gen_flow *flow)
{
	uint8_t *o = f->octets, *ip = o + GEN_ETHER_LEN;

	gen_put48(o, flow->axes[GEN_DST_MAC].cur);
	gen_put48(o + 6, flow->axes[GEN_SRC_MAC].cur);
	gen_put16(o + 12, f->is_v6 ? ETYPE_IP6 : ETYPE_IP4);
	if (f->is_v6) {
		ip[0] = 0x60;
		ip[6] = PROTO_UDP;
		ip[7] = HOP_LIMIT;
		gen_put64(ip + 8, cfg->src_prefix);
		gen_put64(ip + 24, cfg->dst_prefix);
		f->udp_sum = gen_frame_sum(ip + 8, 32) + gen_be16(PROTO_UDP);
	} else {
		ip[0] = 0x45;
		ip[1] = TOS_LOWDELAY;
		gen_put16(ip + 6, FLAG_DF);
		ip[8] = HOP_LIMIT;
		ip[9] = PROTO_UDP;
		f->ip_sum = gen_frame_sum(ip, 20);
		f->udp_sum = gen_be16(PROTO_UDP);
	}
}

static int
check_lengths(const struct gen_frame_cfg *cfg, unsigned hdr_len, struct err *e)
{
	unsigned least = hdr_len > GEN_FRAME_MIN ? hdr_len : GEN_FRAME_MIN;
	unsigned min = cfg->len_min != 0 ? cfg->len_min : cfg->len_max;

	if (min < least || cfg->len_max > GEN_FRAME_MAX || min > cfg->len_max)
		return err_set(e, EINVAL, "a frame has %u to %u octets", least,
			       GEN_FRAME_MAX);
	return 0;
}

int
gen_frame_create(const struct gen_frame_cfg *cfg, const struct gen_flow *flow,
		 struct gen_frame **out, struct err *e)
{
	bool is_v6 = cfg->af == AF_INET6;
	unsigned hdr_len = is_v6 ? GEN_HDR6_LEN : GEN_HDR4_LEN;
	size_t size = (cfg->len_max + 63u) & ~63u;
	struct gen_frame *f;

	if (check_lengths(cfg, hdr_len, e) != 0)
		return -EINVAL;
	f = calloc(1, sizeof(*f));
	if (f == NULL)
		goto err_frame;
	f->octets = aligned_alloc(64, size);
	f->len_sums = calloc(cfg->len_max - hdr_len + 1, sizeof(uint16_t));
	if (f->octets == NULL || f->len_sums == NULL)
		goto err_frame;
	memset(f->octets, 0, size);
	f->hdr_len = hdr_len;
	f->len_max = cfg->len_max;
	f->len_min = cfg->len_min;
	f->is_v6 = is_v6;
	f->headers_only = cfg->headers_only;
	fill_payload(f->octets + hdr_len, cfg->len_max - hdr_len);
	fill_sums(f->len_sums, f->octets + hdr_len, cfg->len_max - hdr_len);
	fill_headers(f, cfg, flow);
	/* The first packet's fields make the template a whole frame. */
	if (is_v6)
		gen_frame_patch6(f, flow, f->octets, cfg->len_max);
	else
		gen_frame_patch4(f, flow, f->octets, cfg->len_max);
	f->fixed = cfg->len_min == 0 && !flow->varies && !flow->macs_vary;
	*out = f;
	return 0;
err_frame:
	gen_frame_destroy(f);
	return err_set(e, ENOMEM, "no memory for a frame");
}

void
gen_frame_destroy(struct gen_frame *f)
{
	if (f == NULL)
		return;
	free(f->octets);
	free(f->len_sums);
	free(f);
}
