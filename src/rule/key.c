/* SPDX-License-Identifier: BSD-2-Clause */
#include "rule/key.h"

#include "rule/interp.h"
#include "rule/lookup.h"

/* ANDs 'value' under 'mask' to what is asked already.  If both contradict each
 * other the rule matches nothing, and the first may stand: then false. */
static bool
ask(uint32_t *value, uint32_t *mask, uint32_t v, uint32_t m)
{
	if (((*value ^ v) & *mask & m) != 0)
		return false;
	*value |= v & m;
	*mask |= m;
	return true;
}

static bool
ask_meta(struct rule_key *k, uint32_t v, uint32_t m)
{
	return ask(&k->meta, &k->meta_mask, v, m);
}

static uint32_t
word(const struct insn *i, unsigned n)
{
	uint32_t w;

	memcpy(&w, i + n, sizeof(w));
	return w;
}

/* What all pairs of value and mask have in common; a pair has its value at word
 * 'at' + n * step and its mask 'gap' words behind it. */
static void
common(const struct insn *i, unsigned at, unsigned step, unsigned gap,
    uint32_t *value, uint32_t *mask)
{
	unsigned words = insn_words(i);
	uint32_t v = word(i, at), m = word(i, at + gap);

	for (unsigned k = at + step; k + gap < words; k += step) {
		m &= word(i, k + gap);
		m &= ~(v ^ word(i, k));
	}
	*value = v & m;
	*mask = m;
}

/* The leading bits that all addresses of a set share, in network order; none if it
 * wraps, since then the first bits of its ends differ. */
static void
common_of_set(const struct insn *i, uint32_t *value, uint32_t *mask)
{
	uint32_t lo = word(i, 1), diff = lo ^ (lo + i->arg1 - 1);
	uint32_t m = diff == 0 ? ~0u :
	    ~(uint32_t)((1ull << (32 - __builtin_clz(diff))) - 1);

	*value = __builtin_bswap32(lo & m);
	*mask = __builtin_bswap32(m);
}

/* An address test on 'src' or 'dst' and the family that it asks for. */
static bool
ask_addr(struct rule_key *k, bool is_src, uint32_t family, uint32_t v,
    uint32_t m)
{
	bool all = is_src ? ask(&k->src, &k->src_mask, v, m) :
			    ask(&k->dst, &k->dst_mask, v, m);

	return ask_meta(k, family, family) && all;
}

/* What a key leaves out of a rule: second halves of IPv6 addresses. */
struct rest {
	const struct insn *src, *dst;
};

/* Notes that the second half of the one address of 'i' is still to be asked; true
 * if that can be done.  'gap' as below. */
static bool
leave_half(struct rest *rest, bool is_src, const struct insn *i, unsigned gap)
{
	const struct insn **at = is_src ? &rest->src : &rest->dst;

	/* A value with bits outside of its mask matches nothing. */
	if (*at != NULL || (gap != 0 && ((word(i, 3) & ~word(i, 3 + gap)) |
				(word(i, 4) & ~word(i, 4 + gap))) != 0))
		return false;
	*at = i;
	return true;
}

/* ANDs what is known of all groups of the second halves, from word 3 on. */
static void
ask_half(struct rule_key *k, bool is_src, const struct insn *i, unsigned gap)
{
	uint32_t v3 = word(i, 3), m3 = ~0u, v4 = word(i, 4), m4 = ~0u;
	unsigned shift = is_src ? 16 : 0;

	if (gap != 0) {
		common(i, 3, 2 * gap, gap, &v3, &m3);
		common(i, 4, 2 * gap, gap, &v4, &m4);
	}
	m3 &= m4;
	m3 &= m3 >> 16;
	ask(&k->rest, &k->rest_mask, key_fold(v3, v4) << shift,
	    (m3 & 0xffff) << shift);
}

/* Likewise with two words of an IPv6 address; 'gap' is that of common(), 0 if
 * the instruction has no masks.  That is all of one prefix up to /64; of a longer
 * one 'rest' gets what is missing. */
static bool
ask_addr6(struct rule_key *k, bool is_src, const struct insn *i, unsigned gap,
    struct rest *rest)
{
	uint32_t v = word(i, 1), m = ~0u, v2 = word(i, 2), m2 = ~0u;
	bool one = gap == 0 || insn_words(i) == 1 + 2 * gap;
	bool half = gap != 0 && one &&
	    (word(i, 3) | word(i, 4) | word(i, 3 + gap) | word(i, 4 + gap)) ==
		0;
	bool all;

	if (gap != 0) {
		common(i, 1, 2 * gap, gap, &v, &m);
		common(i, 2, 2 * gap, gap, &v2, &m2);
	}
	all = one && v == word(i, 1) && v2 == word(i, 2);
	all = ask_addr(k, is_src, KEY_IP6, v, m) && all;
	all = (is_src ? ask(&k->src2, &k->src2_mask, v2, m2) :
			ask(&k->dst2, &k->dst2_mask, v2, m2)) && all;
	ask_half(k, is_src, i, gap);
	return all && (half || leave_half(rest, is_src, i, gap));
}

/* The range that covers a list of ports; all of a single range. */
static bool
ask_ports(struct rule_key *k, const struct insn *i, unsigned shift)
{
	uint32_t lo = 0xffff, hi = 0, old_lo, old_hi;

	for (unsigned n = 1; n < insn_words(i); n++) {
		uint32_t w = word(i, n);

		lo = (w & 0xffff) < lo ? w & 0xffff : lo;
		hi = w >> 16 > hi ? w >> 16 : hi;
	}
	if (!ask_meta(k, KEY_PORTS, KEY_PORTS))
		return false;
	old_lo = k->ports_lo >> shift & 0xffff;
	old_hi = k->ports_hi >> shift & 0xffff;
	lo = lo > old_lo ? lo : old_lo;
	hi = hi < old_hi ? hi : old_hi;
	if (lo > hi) /* two tests that exclude each other */
		return false;
	k->ports_lo = (k->ports_lo & ~(0xffffu << shift)) | lo << shift;
	k->ports_hi = (k->ports_hi & ~(0xffffu << shift)) | hi << shift;
	return insn_words(i) == 2;
}

static bool
ask_tcp_flags(struct rule_key *k, const struct insn *i)
{
	uint32_t set = i->arg1 & 0xff, clear = i->arg1 >> 8;

	if ((set & clear) != 0)
		return false;
	return ask_meta(k, KEY_TCP | set << KEY_FLAGS_SHIFT,
	    KEY_TCP | (set | clear) << KEY_FLAGS_SHIFT);
}

/* One test that is neither negated nor in an or-block.  True if the key now asks
 * all of it.  A flat switch: what is not in it asks nothing. */
static bool
ask_insn(struct rule_key *k, const struct insn *i, struct rest *rest)
{
	uint32_t v, m;

	switch (i->opcode) {
	case O_NOP:
	case O_LAYER2: /* both are always true */
		return true;
	case O_IP_SRC:
	case O_IP_DST:
		return ask_addr(k, i->opcode == O_IP_SRC, KEY_IP4, word(i, 1),
		    ~0u);
	case O_IP_SRC_MASK:
	case O_IP_DST_MASK:
		common(i, 1, 2, 1, &v, &m);
		return ask_addr(k, i->opcode == O_IP_SRC_MASK, KEY_IP4, v, m) &&
		    insn_words(i) == 3 && word(i, 1) == v;
	case O_IP_SRC_SET:
	case O_IP_DST_SET:
		common_of_set(i, &v, &m);
		ask_addr(k, i->opcode == O_IP_SRC_SET, KEY_IP4, v, m);
		return false;
	case O_IP6_SRC:
	case O_IP6_DST:
		return ask_addr6(k, i->opcode == O_IP6_SRC, i, 0, rest);
	case O_IP6_SRC_MASK:
	case O_IP6_DST_MASK:
		return ask_addr6(k, i->opcode == O_IP6_SRC_MASK, i, 4, rest);
	case O_IP_SRCPORT:
		return ask_ports(k, i, 16);
	case O_IP_DSTPORT:
		return ask_ports(k, i, 0);
	case O_PROTO: /* 0 is also what frames without IP have */
		return ask_meta(k, i->arg1 & 0xff, 0xff) && i->arg1 > 0 &&
		    i->arg1 <= 0xff;
	case O_IP4:
		return ask_meta(k, KEY_IP4, KEY_IP4);
	case O_IP6:
		return ask_meta(k, KEY_IP6, KEY_IP6);
	case O_IN:
		return ask_meta(k, 0, KEY_OUT);
	case O_TCPFLAGS:
		return ask_tcp_flags(k, i);
	case O_ESTAB:
		return ask_meta(k, KEY_TCP | KEY_ESTAB, KEY_TCP | KEY_ESTAB);
	case O_TCPWIN:
	case O_TCPSEQ:
	case O_TCPACK:
	case O_TCPOPTS:
	case O_TCPDATALEN:
	case O_TCPMSS:
		ask_meta(k, KEY_TCP, KEY_TCP);
		return false;
	case O_ICMPTYPE:
		ask_meta(k, PROTO_ICMP | KEY_IP4, 0xff | KEY_IP4);
		return false;
	case O_ICMP6TYPE:
		ask_meta(k, PROTO_ICMP6 | KEY_IP6, 0xff | KEY_IP6);
		return false;
	default:
		return false;
	}
}

/* True if a rule must be asked when it comes to this instruction, whatever
 * stands behind it. */
static bool
does_more_than_look(const struct insn *i)
{
	uint16_t kidx;
	uint8_t type;

	return i->opcode == O_PROB || insn_table[i->opcode].kind == INSN_STATE ||
	    lookup_table_of(i, &kidx, &type);
}

bool
key_is_probe(const struct rule *r, uint16_t *name)
{
	const struct insn *i = r->cmd;

	*name = i->arg1;
	if (r->act_ofs > 0)
		return i->opcode == O_PROBE_STATE &&
		    (i->len & (INSN_NOT | INSN_OR)) == 0;
	while (insn_table[i->opcode].kind == INSN_MODIFIER)
		i = insn_next(i);
	*name = i->arg1;
	return i->opcode == O_CHECK_STATE;
}

/* The verdict of an action that decides by itself, with ACT_FATE if the packet has
 * to know of it; 0 if it is another one. */
static uint32_t
decision_of(const struct insn *act)
{
	bool named = act->arg1 != TABLEARG;

	switch (act->opcode) {
	case O_ACCEPT:
		return (VERDICT_ACCEPT + 1) << ACT_COUNTER_BITS;
	case O_DENY:
		return (VERDICT_DENY + 1) << ACT_COUNTER_BITS;
	case O_PIPE:
		return named ? (VERDICT_PIPE + 1) << ACT_COUNTER_BITS |
		    ACT_FATE : 0;
	case O_QUEUE:
		return named ? (VERDICT_QUEUE + 1) << ACT_COUNTER_BITS |
		    ACT_FATE : 0;
	default:
		return 0;
	}
}

/* What a rule does whose key says all; see key.h. */
static uint32_t
act_of(const struct rule *r)
{
	const struct insn *act = rule_action(r);
	uint32_t decision = decision_of(act);

	if (r->stateful || act + 1 != r->cmd + r->n_words || decision == 0 ||
	    r->counter >> ACT_COUNTER_BITS != 0)
		return 0;
	return decision | r->counter;
}

/* As key_of_rule(), but true also if only what *rest says is still to be asked. */
static bool
key_and_rest(const struct rule *r, struct rule_key *key, struct rest *rest)
{
	const struct insn *i = r->cmd, *end = rule_action(r);
	bool in_block = false, all = true;
	uint16_t name;

	*key = (struct rule_key){.ports_hi = 0xffffffff};
	if (r->act_ofs > 0 && key_is_probe(r, &name)) {
		all = false;
		i = insn_next(i);
	}
	for (; i < end && !does_more_than_look(i); i = insn_next(i)) {
		bool in_or = in_block || (i->len & INSN_OR) != 0;

		in_block = (i->len & INSN_OR) != 0;
		if (in_or)
			all = false;
		else if ((i->len & INSN_NOT) == 0)
			all = ask_insn(key, i, rest) && all;
		else if (i->opcode == O_IN) /* 'out' */
			all = ask_meta(key, KEY_OUT, KEY_OUT) && all;
		else
			all = false;
	}
	return all && i == end;
}

bool
key_of_rule(const struct rule *r, struct rule_key *key)
{
	struct rest rest = {NULL, NULL};
	bool some;

	if (!key_and_rest(r, key, &rest))
		return false;
	some = rest.src != NULL || rest.dst != NULL;
	key->act = act_of(r);
	if (some && key->act != 0)
		key->act |= ACT_REST;
	return !some;
}

/* An instruction's offset plus 1, 0 without one. */
static uint16_t
offset_of(const struct rule *r, const struct insn *i)
{
	return i == NULL ? 0 : (uint16_t)(i - r->cmd + 1);
}

void
key_find_rest(const struct rule *r, uint16_t *src, uint16_t *dst)
{
	struct rest rest = {NULL, NULL};
	struct rule_key key;

	if (!key_and_rest(r, &key, &rest))
		rest = (struct rest){NULL, NULL};
	*src = offset_of(r, rest.src);
	*dst = offset_of(r, rest.dst);
}
