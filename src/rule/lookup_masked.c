/* SPDX-License-Identifier: BSD-2-Clause */
/* lookup KEY:MASK TABLE */
#include "rule/lookup.h"

#include "base/bytes.h"

#include <string.h>

enum { KEY = 1, MASK = 2, OWN = 3, ADDR6 = 4, MAC = 2 }; /* words */

bool
lookup_masked_fits(uint32_t key, unsigned words)
{
	switch (key) {
	case LOOKUP_DST_IP:
	case LOOKUP_SRC_IP:
		return words == MASK + 1 || words == MASK + ADDR6;
	case LOOKUP_DST_MAC:
	case LOOKUP_SRC_MAC:
		return words == MASK + MAC;
	case LOOKUP_RULENUM:
		return words == OWN + 1;
	default:
		return words == MASK + 1;
	}
}

void
lookup_set_rulenum(struct insn *i, uint16_t num)
{
	uint32_t own = num;

	if (i->opcode == O_TABLE_LOOKUP && raw32(i + KEY) == LOOKUP_RULENUM)
		memcpy(i + OWN, &own, sizeof(own));
}

/* octets[n], n <= 16, as far as the mask lets them through. */
static void
through(const struct insn *i, const uint8_t *octets, unsigned n,
    uint8_t out[16])
{
	const uint8_t *mask = (const uint8_t *)(i + MASK);

	for (unsigned k = 0; k < n; k++)
		out[k] = octets[k] & mask[k];
}

static uint32_t
find_addr(const struct insn *i, const struct tables *ts, const struct pkt *p,
    bool src)
{
	uint8_t addr[16];

	if (insn_words(i) == MASK + 1)
		return (p->flags & PKT_IP4) == 0 ? 0 :
		    tables_ip4(ts, i->arg1,
			(src ? p->src4 : p->dst4) & raw32(i + MASK));
	if ((p->flags & PKT_IP6) == 0)
		return 0;
	through(i, p->data + p->l3 + (src ? 8 : 24), 16, addr);
	return tables_ip6(ts, i->arg1, addr);
}

static uint32_t
find_mac(const struct insn *i, const struct tables *ts, const uint8_t *mac)
{
	uint8_t masked[16];

	through(i, mac, 6, masked);
	return tables_mac(ts, i->arg1, masked);
}

/* Finds a key that is a number; false if the packet has none. */
static bool
number_of(const struct insn *i, const struct pkt *p, uint32_t *number)
{
	const uint8_t *h = p->data + p->l3;

	switch (raw32(i + KEY)) {
	case LOOKUP_DST_PORT:
		*number = p->dport;
		return (p->flags & PKT_PORTS) != 0;
	case LOOKUP_SRC_PORT:
		*number = p->sport;
		return (p->flags & PKT_PORTS) != 0;
	case LOOKUP_DSCP:
		if ((p->flags & PKT_IP) == 0)
			return false;
		*number = ((p->flags & PKT_IP4) != 0 ?
			h[1] : get16(h) >> 4 & 0xffu) >> 2;
		return true;
	case LOOKUP_MARK:
		*number = p->mark;
		return true;
	case LOOKUP_RULENUM:
		*number = raw32(i + OWN);
		return true;
	default: /* check refuses the others */
		return false;
	}
}

uint32_t
lookup_masked(const struct insn *i, const struct tables *ts,
    const struct pkt *p)
{
	uint32_t number;

	switch (raw32(i + KEY)) {
	case LOOKUP_DST_IP:
	case LOOKUP_SRC_IP:
		return find_addr(i, ts, p, raw32(i + KEY) == LOOKUP_SRC_IP);
	case LOOKUP_DST_MAC:
		return find_mac(i, ts, p->data);
	case LOOKUP_SRC_MAC:
		return find_mac(i, ts, p->data + 6);
	default:
		return number_of(i, p, &number) ?
		    tables_number(ts, i->arg1, number & raw32(i + MASK)) : 0;
	}
}
