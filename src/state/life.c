/* SPDX-License-Identifier: BSD-2-Clause */
#include "state/life.h"

#include "base/bytes.h"

/* Moves the acknowledgement number of one direction on, unless it would go
 * back.  Comparison modulo 2^32, RFC 9293. */
static void
move_ack(uint32_t *last, uint32_t *flags, uint32_t seen, uint32_t ack)
{
	if (*last != 0 && (int32_t)(ack - *last) < 0)
		return;
	*last = ack;
	*flags |= seen;
}

static uint32_t
short_of_keepalive(uint32_t s)
{
	return s < LIFE_KEEPALIVE_S ? s : LIFE_KEEPALIVE_S - 1;
}

static uint32_t
established(struct life *l, const struct life_cfg *cfg, const struct pkt *p,
    bool rev)
{
	uint32_t ack;

	if ((p->flags & PKT_L4) == 0)
		return 0;
	ack = get32(p->data + p->l4 + 8);
	if (rev)
		move_ack(&l->ack_rev, &l->flags, LIFE_ACK_REV, ack);
	else
		move_ack(&l->ack_fwd, &l->flags, LIFE_ACK_FWD, ack);
	if ((l->flags & LIFE_BOTH_ACK) != LIFE_BOTH_ACK)
		return 0;
	l->flags &= ~(uint32_t)LIFE_BOTH_ACK;
	return cfg->ack_s;
}

uint32_t
life_next_tcp(struct life *l, const struct life_cfg *cfg, const struct pkt *p,
    bool rev)
{
	unsigned seen = 0;

	if ((p->flags & PKT_L4) != 0)
		seen = p->tcp_flags & (TH_FIN | TH_SYN | TH_RST);
	l->flags |= rev ? seen << 8 : seen;
	switch (l->flags & LIFE_TCP) {
	case LIFE_SYN_FWD:
		return cfg->syn_s;
	case LIFE_BOTH_SYN:
	case LIFE_BOTH_SYN | LIFE_FIN_FWD:
	case LIFE_BOTH_SYN | LIFE_FIN_REV:
		return established(l, cfg, p, rev);
	case LIFE_BOTH_SYN | LIFE_BOTH_FIN:
		return short_of_keepalive(cfg->fin_s);
	default:
		return short_of_keepalive(cfg->rst_s);
	}
}
