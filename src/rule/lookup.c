/* SPDX-License-Identifier: BSD-2-Clause */
#include "rule/lookup.h"

#include "base/bytes.h"
#include "rule/interp.h"
#include "table/burst.h"

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

/* The flow of an IP packet. */
static inline void
flow_key(const struct pkt *p, struct table_flow *f)
{
	*f = (struct table_flow){
	    .sport = p->sport,
	    .dport = p->dport,
	    .proto = p->proto,
	    .family = (p->flags & PKT_IP4) != 0 ? 4 : 6,
	};
	if ((p->flags & PKT_IP4) != 0) {
		memcpy(f->src, &p->src4, 4);
		memcpy(f->dst, &p->dst4, 4);
	} else {
		memcpy(f->src, p->data + p->l3 + 8, 16);
		memcpy(f->dst, p->data + p->l3 + 24, 16);
	}
}

static uint32_t
find_flow(const struct tables *ts, unsigned kidx, const struct pkt *p)
{
	struct table_flow f;

	if ((p->flags & PKT_IP) == 0)
		return 0;
	flow_key(p, &f);
	return tables_flow(ts, kidx, &f);
}

/* lookup KEY TABLE */
static inline __attribute__((always_inline)) uint32_t
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

static inline __attribute__((always_inline)) uint32_t
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
	case O_TABLE_LOOKUP:
		return lookup_masked(i, ts, p);
	default: /* recv, xmit, via */
		memcpy(&kidx, i + 1, sizeof(kidx));
		return tables_iface(ts, kidx, ifname);
	}
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
	case O_TABLE_LOOKUP:
		*type = type_of_key(word(i, 1));
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

/* ---- what is asked ---- */

bool
lookup_ask_of(const struct insn *i, struct lookup_ask *ask)
{
	static const uint8_t keys[] = {
	    [O_IP_SRC_LOOKUP] = LOOKUP_SRC_IP,
	    [O_IP_DST_LOOKUP] = LOOKUP_DST_IP,
	    [O_IP_FLOW_LOOKUP] = LOOKUP_FLOW,
	    [O_MAC_SRC_LOOKUP] = LOOKUP_SRC_MAC,
	    [O_MAC_DST_LOOKUP] = LOOKUP_DST_MAC,
	};

	if (!lookup_table_of(i, &ask->kidx, &ask->type) ||
	    ask->type == TABLE_IFACE || i->opcode == O_TABLE_LOOKUP)
		return false;
	ask->key = insn_words(i) == 3 ? (uint8_t)word(i, 2) : keys[i->opcode];
	/* The rules before may change the mark; of the dscp there are 64. */
	return ask->key != LOOKUP_MARK && ask->key != LOOKUP_DSCP;
}

/* As find(), or what it said the last time. */
static uint32_t
find_once(const struct insn *i, const struct tables *ts, const struct pkt *p,
    const char *ifname, struct answers *a)
{
	struct lookup_ask ask;
	uint32_t value;

	if (a->room == 0 || !lookup_ask_of(i, &ask))
		return find(i, ts, p, ifname);
	for (unsigned n = 0; n < a->n; n++)
		if (a->known[n].kidx == ask.kidx && a->known[n].key == ask.key)
			return a->known[n].value;
	value = find(i, ts, p, ifname);
	if (a->n < a->room) {
		a->known[a->n].kidx = ask.kidx;
		a->known[a->n].key = ask.key;
		a->known[a->n++].value = value;
	}
	return value;
}

uint32_t
lookup_insn(const struct insn *i, const struct tables *ts,
    const struct pkt *p, const char *ifname, struct answers *a)
{
	uint32_t idx = find_once(i, ts, p, ifname, a);

	if (idx == 0)
		return 0;
	if (insn_words(i) == 2 && tables_value(ts, idx)->tag != word(i, 1))
		return 0;
	tables_count(ts, idx, pkt_count_bytes(p));
	return idx;
}

__attribute__((cold)) uint32_t
lookup_peek(const struct insn *i, const struct tables *ts,
    const struct pkt *p, const char *ifname)
{
	uint32_t idx = find(i, ts, p, ifname);

	if (insn_words(i) == 2 && tables_value(ts, idx)->tag != word(i, 1))
		return 0;
	return idx;
}

/* ---- before the rules ---- */

enum { PART = 64, PAUSE = 15 };

/* The keys of some packets, by the kind that a table takes. */
struct keys {
	unsigned n;
	unsigned n6;
	uint32_t numbers[PART]; /* or IPv4 addresses */
	const uint8_t *octets[PART]; /* of IPv6 addresses, or MACs */
	struct table_flow flows[PART];
};

static inline void
add_addr(struct keys *k, const struct pkt *p, bool src)
{
	if ((p->flags & PKT_IP4) != 0)
		k->numbers[k->n++] = src ? p->src4 : p->dst4;
	else if ((p->flags & PKT_IP6) != 0)
		k->octets[k->n6++] = p->data + p->l3 + (src ? 8 : 24);
}

static inline void
add_key(struct keys *k, unsigned key, const struct pkt *p)
{
	switch (key) {
	case LOOKUP_DST_IP:
	case LOOKUP_SRC_IP:
		add_addr(k, p, key == LOOKUP_SRC_IP);
		break;
	case LOOKUP_DST_PORT:
	case LOOKUP_SRC_PORT:
		if ((p->flags & PKT_PORTS) != 0)
			k->numbers[k->n++] = key == LOOKUP_SRC_PORT ?
			    p->sport : p->dport;
		break;
	case LOOKUP_DST_MAC:
	case LOOKUP_SRC_MAC:
		k->octets[k->n6++] = p->data + (key == LOOKUP_SRC_MAC ? 6 : 0);
		break;
	case LOOKUP_FLOW:
		if ((p->flags & PKT_IP) != 0)
			flow_key(p, &k->flows[k->n++]);
		break;
	}
}

/* Asks a table about PART packets at most; nobody waits for the answers. */
static void
prepare(const struct tables *ts, const struct lookup_ask *ask,
    const struct pkt *pkts, unsigned n)
{
	uint32_t out[PART];
	struct keys k;

	k.n = k.n6 = 0;
	for (unsigned i = 0; i < n; i++)
		if (likely(pkts[i].bad == PKT_GOOD))
			add_key(&k, ask->key, &pkts[i]);
	if (ask->type == TABLE_FLOW)
		tables_flow_burst(ts, ask->kidx, k.flows, k.n, out);
	else if (ask->type == TABLE_NUMBER)
		tables_number_burst(ts, ask->kidx, k.numbers, k.n, out);
	else if (ask->type == TABLE_MAC)
		tables_mac_burst(ts, ask->kidx, k.octets, k.n6, out);
	else {
		tables_ip4_burst(ts, ask->kidx, k.numbers, k.n, out);
		tables_ip6_burst(ts, ask->kidx, k.octets, k.n6, out);
	}
}

/* True if three of four answers were for nothing the last time: then some
 * bursts go without. */
static bool
pauses(struct lookup_use *use)
{
	if (use == NULL)
		return false;
	if (use->pause == 0 && use->asked < use->prepared / 4)
		use->pause = PAUSE + 1;
	use->asked = use->prepared = 0;
	if (use->pause == 0)
		return false;
	return --use->pause != 0;
}

void
lookup_burst(const struct pass *pass, const struct pkt *pkts, unsigned n)
{
	const struct ruleset *rs = pass->rules;

	if (rs->n_asks == 0 || n == 1 || pauses(pass->lookup_use))
		return;
	for (unsigned a = 0; a < rs->n_asks; a++) {
		const struct lookup_ask *ask = &rs->asks[a];

		if (!tables_is_large(pass->tables, ask->kidx, ask->type))
			continue;
		for (unsigned i = 0; i < n; i += PART)
			prepare(pass->tables, ask, pkts + i,
			    n - i < PART ? n - i : PART);
		if (pass->lookup_use != NULL)
			pass->lookup_use->prepared += n;
	}
}
