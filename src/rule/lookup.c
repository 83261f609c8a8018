/* SPDX-License-Identifier: BSD-2-Clause */
#include "rule/lookup.h"

#include "base/bytes.h"

/* Word 'n' of an instruction, counted from its first. */
static uint32_t
word(const struct insn *i, unsigned n)
{
	return raw32(i + n);
}

static uint32_t
find_addr(const struct tables *ts, unsigned kidx, const struct pkt *p,
    bool src)
{
	if ((p->flags & PKT_IP4) != 0)
		return tables_ip4(ts, kidx, src ? p->src4 : p->dst4);
	if ((p->flags & PKT_IP6) != 0)
		return tables_ip6(ts, kidx, p->data + p->l3 + (src ? 8 : 24));
	return 0;
}

static uint32_t
find_port(const struct tables *ts, unsigned kidx, const struct pkt *p,
    unsigned port)
{
	return (p->flags & PKT_PORTS) != 0 ? tables_number(ts, kidx, port) : 0;
}

static uint32_t
find_dscp(const struct tables *ts, unsigned kidx, const struct pkt *p)
{
	const uint8_t *h = p->data + p->l3;
	unsigned class;

	if ((p->flags & PKT_IP) == 0)
		return 0;
	class = (p->flags & PKT_IP4) != 0 ? h[1] : get16(h) >> 4 & 0xffu;
	return tables_number(ts, kidx, class >> 2);
}

static uint32_t
find_flow(const struct tables *ts, unsigned kidx, const struct pkt *p)
{
	struct table_flow f = {
	    .sport = p->sport,
	    .dport = p->dport,
	    .proto = p->proto,
	};

	if ((p->flags & PKT_IP4) != 0) {
		f.family = 4;
		memcpy(f.src, &p->src4, 4);
		memcpy(f.dst, &p->dst4, 4);
	} else if ((p->flags & PKT_IP6) != 0) {
		f.family = 6;
		memcpy(f.src, p->data + p->l3 + 8, 16);
		memcpy(f.dst, p->data + p->l3 + 24, 16);
	} else {
		return 0;
	}
	return tables_flow(ts, kidx, &f);
}

/* lookup KEY TABLE */
static uint32_t
find_key(const struct tables *ts, const struct insn *i, const struct pkt *p)
{
	switch (word(i, 2)) {
	case LOOKUP_DST_IP:
		return find_addr(ts, i->arg1, p, false);
	case LOOKUP_SRC_IP:
		return find_addr(ts, i->arg1, p, true);
	case LOOKUP_DST_PORT:
		return find_port(ts, i->arg1, p, p->dport);
	case LOOKUP_SRC_PORT:
		return find_port(ts, i->arg1, p, p->sport);
	case LOOKUP_DSCP:
		return find_dscp(ts, i->arg1, p);
	case LOOKUP_DST_MAC:
		return tables_mac(ts, i->arg1, p->data);
	case LOOKUP_SRC_MAC:
		return tables_mac(ts, i->arg1, p->data + 6);
	case LOOKUP_MARK:
		return tables_number(ts, i->arg1, p->mark);
	default: /* check refuses the others */
		return 0;
	}
}

static uint32_t
find(const struct insn *i, const struct tables *ts, const struct pkt *p,
    const char *ifname)
{
	uint16_t kidx;

	switch (i->opcode) {
	case O_IP_SRC_LOOKUP:
		return find_addr(ts, i->arg1, p, true);
	case O_IP_DST_LOOKUP:
		return insn_words(i) == 3 ? find_key(ts, i, p) :
					    find_addr(ts, i->arg1, p, false);
	case O_IP_FLOW_LOOKUP:
		return find_flow(ts, i->arg1, p);
	case O_MAC_SRC_LOOKUP:
		return tables_mac(ts, i->arg1, p->data + 6);
	case O_MAC_DST_LOOKUP:
		return tables_mac(ts, i->arg1, p->data);
	default: /* recv, xmit, via */
		memcpy(&kidx, i + 1, sizeof(kidx));
		return tables_iface(ts, kidx, ifname);
	}
}

uint32_t
lookup_insn(const struct insn *i, const struct tables *ts,
    const struct pkt *p, const char *ifname)
{
	uint32_t idx = find(i, ts, p, ifname);

	if (idx == 0)
		return 0;
	if (insn_words(i) == 2 && tables_value(ts, idx)->tag != word(i, 1))
		return 0;
	tables_count(ts, idx, pkt_count_bytes(p));
	return idx;
}

/* The type of table that a key is looked up in. */
static uint8_t
type_of_key(uint32_t key)
{
	switch (key) {
	case LOOKUP_DST_IP:
	case LOOKUP_SRC_IP:
		return TABLE_ADDR;
	case LOOKUP_DST_MAC:
	case LOOKUP_SRC_MAC:
		return TABLE_MAC;
	default:
		return TABLE_NUMBER;
	}
}

bool
lookup_table_of(const struct insn *i, uint16_t *kidx, uint8_t *type)
{
	*kidx = i->arg1;
	switch (i->opcode) {
	case O_IP_SRC_LOOKUP:
		*type = TABLE_ADDR;
		return true;
	case O_IP_DST_LOOKUP:
		*type = insn_words(i) == 3 ? type_of_key(word(i, 2)) :
					     TABLE_ADDR;
		return true;
	case O_IP_FLOW_LOOKUP:
		*type = TABLE_FLOW;
		return true;
	case O_MAC_SRC_LOOKUP:
	case O_MAC_DST_LOOKUP:
		*type = TABLE_MAC;
		return true;
	case O_RECV:
	case O_XMIT:
	case O_VIA:
		memcpy(kidx, i + 1, sizeof(*kidx));
		*type = TABLE_IFACE;
		return *(const char *)(i + 2) == '\1';
	default:
		return false;
	}
}

void
lookup_set_table(struct insn *i, uint16_t kidx)
{
	if (i->opcode == O_RECV || i->opcode == O_XMIT || i->opcode == O_VIA)
		memcpy(i + 1, &kidx, sizeof(kidx));
	else
		i->arg1 = kidx;
}
