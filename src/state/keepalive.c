/* SPDX-License-Identifier: BSD-2-Clause */
#include "state/keepalive.h"

#include "base/bytes.h"
#include "packet/checksum.h"
#include "packet/proto.h"

enum { TOS_LOWDELAY = 0x10, IP4_DF = 0x4000, TTL = 64 };

unsigned
keepalive_ends(const struct state_view *v)
{
	unsigned ends = 0;

	if ((v->kind != STATE_KEEP && v->kind != STATE_LIMIT) ||
	    v->flow.proto != PROTO_TCP || !life_is_open(v->life.flags) ||
	    v->left_s == 0 || v->left_s >= LIFE_KEEPALIVE_LAST_S)
		return 0;
	if ((v->life.flags & LIFE_ACK_FWD) == 0 && v->life.ack_fwd != 0)
		ends |= KEEPALIVE_SRC;
	if ((v->life.flags & LIFE_ACK_REV) == 0 && v->life.ack_rev != 0)
		ends |= KEEPALIVE_DST;
	return ends;
}

/* The first packet's Ethernet header, turned round if 'back'.  Returns where
 * the IP header goes. */
static uint8_t *
put_link(const struct state_view *v, bool back, uint8_t *out)
{
	memcpy(out, v->macs + (back ? 6 : 0), 6);
	memcpy(out + 6, v->macs + (back ? 0 : 6), 6);
	memcpy(out + 12, v->tags, v->tags_len);
	out += 12 + v->tags_len;
	put16(out, v->flow.is6 ? ETYPE_IP6 : ETYPE_IP4);
	return out + 2;
}

static uint8_t *
put_ip4(const struct flow *f, bool back, uint8_t *h)
{
	memset(h, 0, IP4_LEN);
	h[0] = 0x45;
	h[1] = TOS_LOWDELAY;
	put16(h + 2, IP4_LEN + TCP_LEN);
	put16(h + 6, IP4_DF);
	h[8] = TTL;
	h[9] = PROTO_TCP;
	memcpy(h + 12, back ? &f->dst4 : &f->src4, 4);
	memcpy(h + 16, back ? &f->src4 : &f->dst4, 4);
	put16(h + 10, checksum_end(checksum_add(0, h, IP4_LEN)));
	return h + IP4_LEN;
}

static uint8_t *
put_ip6(const struct flow *f, bool back, uint8_t *h)
{
	memset(h, 0, IP6_LEN);
	h[0] = 0x60;
	put16(h + 4, TCP_LEN);
	h[6] = PROTO_TCP;
	h[7] = TTL;
	memcpy(h + 8, back ? f->dst6 : f->src6, 16);
	memcpy(h + 24, back ? f->src6 : f->dst6, 16);
	return h + IP6_LEN;
}

/* The segment, which stands behind the addresses of its IP header. */
static void
put_tcp(const struct state_view *v, bool back, uint8_t *h)
{
	const struct flow *f = &v->flow;
	const struct life *l = &v->life;
	unsigned addrs = f->is6 ? 32 : 8;
	uint32_t sum;

	memset(h, 0, TCP_LEN);
	put16(h, back ? f->dport : f->sport);
	put16(h + 2, back ? f->sport : f->dport);
	put32(h + 4, (back ? l->ack_fwd : l->ack_rev) - 1);
	put32(h + 8, back ? l->ack_rev : l->ack_fwd);
	h[12] = TCP_LEN / 4 << 4;
	h[13] = TH_ACK;
	sum = checksum_add(PROTO_TCP + TCP_LEN, h - addrs, addrs);
	put16(h + 16, checksum_end(checksum_add(sum, h, TCP_LEN)));
}

unsigned
keepalive_build(const struct state_view *v, enum keepalive_end to,
    uint8_t out[KEEPALIVE_MAX])
{
	bool back = to == KEEPALIVE_SRC;
	uint8_t *h = put_link(v, back, out);

	h = v->flow.is6 ? put_ip6(&v->flow, back, h) :
			  put_ip4(&v->flow, back, h);
	put_tcp(v, back, h);
	return (unsigned)(h - out) + TCP_LEN;
}
