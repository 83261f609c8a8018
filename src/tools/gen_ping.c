/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/gen_ping.h"

/* What travels behind the UDP header. */
struct stamp {
	uint32_t seq;
	uint32_t sec;
	uint32_t nsec;
};
_Static_assert(sizeof(struct stamp) == GEN_PING_LEN, "stamp on the wire");

void
gen_ping_stamp(struct gen_ping *p, const struct gen_frame *f, uint8_t *frame,
	       ns_t now_ns)
{
	uint8_t *payload = frame + f->hdr_len;
	uint16_t old_sum = gen_frame_sum(payload, GEN_PING_LEN);
	struct stamp s = {
	    .seq = p->next_seq,
	    .sec = (uint32_t)(now_ns / NS_PER_S),
	    .nsec = (uint32_t)(now_ns % NS_PER_S),
	};

	memcpy(payload, &s, sizeof(s));
	gen_frame_adjust_udp(payload - 2, old_sum,
			     gen_frame_sum(payload, GEN_PING_LEN));
	p->sent_ns[p->next_seq % GEN_PING_WINDOW] = now_ns;
	p->next_seq++;
}

bool
gen_ping_match(struct gen_ping *p, const struct gen_frame *f,
	       const uint8_t *frame, unsigned len, ns_t now_ns, ns_t *rtt_ns)
{
	struct stamp s;
	ns_t *sent_ns;

	/* Same family and protocol as ours; the rest is the number's job. */
	if (len < f->hdr_len + GEN_PING_LEN ||
	    memcmp(frame + 12, f->octets + 12, 3) != 0 ||
	    frame[f->is_v6 ? 20 : 23] != 17)
		return false;
	memcpy(&s, frame + f->hdr_len, sizeof(s));
	/* Only the last GEN_PING_WINDOW numbers are in the table. */
	if (p->next_seq - s.seq - 1 >= GEN_PING_WINDOW)
		return false;
	sent_ns = &p->sent_ns[s.seq % GEN_PING_WINDOW];
	if (*sent_ns == 0)
		return false;
	*rtt_ns = now_ns > *sent_ns ? now_ns - *sent_ns : 0;
	*sent_ns = 0;
	return true;
}

void
gen_ping_forget(struct gen_ping *p)
{
	memset(p->sent_ns, 0, sizeof(p->sent_ns));
}

static void
swap(uint8_t *a, uint8_t *b, unsigned len)
{
	uint8_t tmp[16];

	memcpy(tmp, a, len);
	memcpy(a, b, len);
	memcpy(b, tmp, len);
}

/* Ports of a protocol that has them, first in its header. */
static void
swap_ports(uint8_t *l4, unsigned proto)
{
	if (proto == 6 || proto == 17)
		swap(l4, l4 + 2, 2);
}

static void
turn4(uint8_t *ip, unsigned len)
{
	unsigned hdr_len = (ip[0] & 0xfu) * 4;
	bool is_later_frag = (ip[6] & 0x1f) != 0 || ip[7] != 0;

	swap(ip + 12, ip + 16, 4);
	if (hdr_len >= 20 && !is_later_frag && len >= hdr_len + 4)
		swap_ports(ip + hdr_len, ip[9]);
}

void
gen_ping_turn(uint8_t *frame, unsigned len, uint64_t own_mac)
{
	uint8_t *ip = frame + GEN_ETHER_LEN;
	unsigned etype;

	if (len < GEN_ETHER_LEN)
		return;
	swap(frame, frame + 6, 6);
	if (frame[6] & 1)
		gen_put48(frame + 6, own_mac);
	etype = (unsigned)frame[12] << 8 | frame[13];
	len -= GEN_ETHER_LEN;
	if (etype == 0x0800 && len >= 20 && ip[0] >> 4 == 4) {
		turn4(ip, len);
	} else if (etype == 0x86dd && len >= 40 && ip[0] >> 4 == 6) {
		swap(ip + 8, ip + 24, 16);
		if (len >= 44)
			swap_ports(ip + 40, ip[6]);
	}
}
