/* SPDX-License-Identifier: BSD-2-Clause */
#include "test/oracle/recipe.h"

#include "packet/proto.h"
#include "rule/lookup.h"

#include <arpa/inet.h>
#include <string.h>

/* What the functions below hand on. */
struct writer {
	struct recipe *d;
	const struct vocab *v;
	struct chance *c;
};

static struct insn *
emit(struct writer *w, unsigned op, unsigned arg1, const void *words,
    unsigned n)
{
	uint32_t *to = &w->d->w[w->d->head.cmd_len];
	struct insn *i = (struct insn *)(void *)to;

	*i = (struct insn){(uint8_t)op, (uint8_t)(n + 1), (uint16_t)arg1};
	if (n > 0)
		memcpy(to + 1, words, n * 4);
	w->d->head.cmd_len = (uint16_t)(w->d->head.cmd_len + n + 1);
	return i;
}

/* ---- tests ---- */

static uint32_t
draw_mask4(struct chance *c)
{
	static const uint32_t odd[] = {0x00ff00ff, 1, 0xff0000ff, 0xfffffffe};

	if (once_in(c, 8))
		return odd[draw(c, ARRAY_LEN(odd))];
	return (uint32_t)(0xffffffffull << (32 - draw(c, 33)));
}

static void
addr4(struct writer *w)
{
	bool src = draw(w->c, 2);
	uint32_t d[10];
	unsigned n, bits;

	switch (draw(w->c, 4)) {
	case 0:
		d[0] = htonl(vocab_addr4(w->v, w->c));
		emit(w, src ? O_IP_SRC : O_IP_DST, 0, d, 1);
		return;
	case 1:
		bits = 1 + draw(w->c, 64);
		d[0] = vocab_addr4(w->v, w->c) - draw(w->c, 8);
		d[1] = draw_word(w->c);
		d[2] = draw_word(w->c);
		n = 1 + (bits + 31) / 32;
		if (bits % 32 != 0)
			d[n - 1] &= (1u << bits % 32) - 1;
		emit(w, src ? O_IP_SRC_SET : O_IP_DST_SET, bits, d, n);
		return;
	default:
		n = once_in(w->c, 4) ? 1 + draw(w->c, 4) : 1;
		for (unsigned i = 0; i < n; i++) {
			uint32_t m = draw_mask4(w->c);

			d[2 * i] = htonl(vocab_addr4(w->v, w->c) & m);
			d[2 * i + 1] = htonl(m);
			if (once_in(w->c, 32)) /* often it matches nothing */
				d[2 * i] |= htonl(1);
		}
		emit(w, src ? O_IP_SRC_MASK : O_IP_DST_MASK, 0, d, 2 * n);
	}
}

static void
addr6(struct writer *w)
{
	bool src = draw(w->c, 2);
	unsigned n = once_in(w->c, 4) ? 1 + draw(w->c, 3) : 1;
	uint8_t a[6][16]; /* address, mask, address, ... */

	if (draw(w->c, 4) == 0) {
		vocab_addr6(w->v, w->c, a[0]);
		emit(w, src ? O_IP6_SRC : O_IP6_DST, 0, a, 4);
		return;
	}
	for (unsigned i = 0; i < n; i++) {
		unsigned len = once_in(w->c, 2) ? 32 + draw(w->c, 40) :
						  draw(w->c, 129);
		uint8_t *at = a[2 * i], *m = a[2 * i + 1];

		vocab_addr6(w->v, w->c, at);
		memset(m, 0, 16);
		for (unsigned b = 0; b < len; b++)
			m[b / 8] |= (uint8_t)(0x80 >> b % 8);
		if (once_in(w->c, 8)) /* a mask with a hole */
			m[draw(w->c, 16)] = 0;
		for (unsigned b = 0; b < 16; b++)
			at[b] &= m[b];
		if (once_in(w->c, 16)) /* often it matches nothing */
			at[draw(w->c, 16)] |= 1;
	}
	emit(w, src ? O_IP6_SRC_MASK : O_IP6_DST_MASK, 0, a, 8 * n);
}

static void
ports(struct writer *w)
{
	bool src = once_in(w->c, 3);
	unsigned n = once_in(w->c, 3) ? 1 + draw(w->c, 4) : 1;
	uint16_t d[10];

	for (unsigned i = 0; i < n; i++) {
		unsigned lo = vocab_port(w->v, w->c);
		unsigned hi = once_in(w->c, 2) ? vocab_port(w->v, w->c) : lo;

		d[2 * i] = (uint16_t)(lo < hi ? lo : hi);
		d[2 * i + 1] = (uint16_t)(lo < hi ? hi : lo);
	}
	emit(w, src ? O_IP_SRCPORT : O_IP_DSTPORT, 0, d, n);
}

/* A single number in arg1, or a list of ranges. */
static void
numbers(struct writer *w, unsigned op, unsigned lo, unsigned n)
{
	uint16_t d[2] = {(uint16_t)(lo + draw(w->c, n)), 0};

	d[1] = (uint16_t)(d[0] + draw(w->c, n));
	if (d[1] < d[0])
		d[1] = d[0];
	if (draw(w->c, 2))
		emit(w, op, d[0], NULL, 0);
	else
		emit(w, op, 0, d, 1);
}

static void
interface(struct writer *w)
{
	static const uint8_t ops[] = {O_RECV, O_XMIT, O_VIA};
	static const char globs[][16] = {"em*", "em[01]", "*1", "vlan?"};
	struct insn_if f = {.p.glob = 0};

	switch (draw(w->c, 4)) {
	case 0:
		f.p.glob = 1;
		memcpy(f.name, globs[draw(w->c, 4)], 16);
		break;
	case 1:
		f.p.kidx = TAB_IFACE;
		f.name[0] = 1;
		break;
	default:
		memcpy(f.name, vocab_ifs[draw(w->c, VOCAB_IFS)], 16);
	}
	emit(w, ops[draw(w->c, 3)], 0, (const char *)&f + 4, 5);
}

static void
mac(struct writer *w)
{
	struct insn_mac m = {.mask = {0}};
	unsigned which = 1 + draw(w->c, 3), end = once_in(w->c, 3) ? 5 : 6;

	for (unsigned k = 0; k < 2; k++) {
		if ((which >> k & 1) == 0)
			continue;
		memset(m.mask + 6 * k, 0xff, end);
		memcpy(m.addr + 6 * k, vocab_macs[draw(w->c, VOCAB_MACS)], end);
	}
	emit(w, O_MACADDR2, 0, (const char *)&m + 4, 6);
}

static void
lookup(struct writer *w)
{
	static const struct {
		uint8_t op, table, words;
		uint8_t key;
	} t[] = {
	    {O_IP_SRC_LOOKUP, TAB_ADDR, 1, 0},
	    {O_IP_DST_LOOKUP, TAB_ADDR2, 1, 0},
	    {O_IP_SRC_LOOKUP, TAB_ADDR2, 2, 0},
	    {O_IP_DST_LOOKUP, TAB_ADDR, 2, 0},
	    {O_IP_DST_LOOKUP, TAB_ADDR, 3, LOOKUP_SRC_IP},
	    {O_IP_DST_LOOKUP, TAB_ADDR, 3, LOOKUP_DST_IP},
	    {O_IP_DST_LOOKUP, TAB_PORT, 3, LOOKUP_DST_PORT},
	    {O_IP_DST_LOOKUP, TAB_PORT, 3, LOOKUP_SRC_PORT},
	    {O_IP_DST_LOOKUP, TAB_PORT, 3, LOOKUP_DSCP},
	    {O_IP_DST_LOOKUP, TAB_PORT, 3, LOOKUP_MARK},
	    {O_IP_DST_LOOKUP, TAB_MAC, 3, LOOKUP_SRC_MAC},
	    {O_IP_DST_LOOKUP, TAB_MAC, 3, LOOKUP_DST_MAC},
	    {O_IP_FLOW_LOOKUP, TAB_FLOW, 1, 0},
	    {O_MAC_SRC_LOOKUP, TAB_MAC, 1, 0},
	    {O_MAC_DST_LOOKUP, TAB_MAC, 2, 0},
	    {O_TABLE_LOOKUP, TAB_ADDR, 3, LOOKUP_SRC_IP},
	    {O_TABLE_LOOKUP, TAB_ADDR2, 6, LOOKUP_DST_IP},
	    {O_TABLE_LOOKUP, TAB_PORT, 3, LOOKUP_DST_PORT},
	    {O_TABLE_LOOKUP, TAB_PORT, 3, LOOKUP_MARK},
	    {O_TABLE_LOOKUP, TAB_PORT, 4, LOOKUP_RULENUM},
	    {O_TABLE_LOOKUP, TAB_MAC, 4, LOOKUP_SRC_MAC},
	};
	unsigned k = draw(w->c, ARRAY_LEN(t));
	uint32_t d[5] = {0, t[k].key};

	if (t[k].words == 2)
		d[0] = draw(w->c, VOCAB_TAGS);
	if (t[k].op == O_TABLE_LOOKUP) { /* a mask of many bits */
		d[0] = t[k].key;
		for (unsigned n = 1; n < 5; n++)
			d[n] = draw_word(w->c) | draw_word(w->c);
	}
	emit(w, t[k].op, t[k].table, d, t[k].words - 1u);
}

/* Of the headers beside addresses and ports. */
static void
header(struct writer *w)
{
	struct chance *c = w->c;
	uint32_t d[7] = {0};

	switch (draw(c, 14)) {
	case 0:
		emit(w, O_IPOPT, draw(c, 16) | draw(c, 16) << 8, NULL, 0);
		break;
	case 1:
		numbers(w, O_IPLEN, 36, 60);
		break;
	case 2:
		numbers(w, O_IPID, 1, 4);
		break;
	case 3:
		emit(w, O_IPTOS, draw(c, 4) << 3 | draw(c, 4) << 11, NULL, 0);
		break;
	case 4:
		emit(w, O_IPPRECEDENCE, draw(c, 8) << 5, NULL, 0);
		break;
	case 5:
		numbers(w, O_IPTTL, 1, 4);
		break;
	case 6:
		emit(w, O_IPVER, draw(c, 2) ? 4 : 6, NULL, 0);
		break;
	case 7:
		d[0] = draw_word(c);
		d[1] = draw_word(c);
		emit(w, O_DSCP, 0, d, 2);
		break;
	case 8:
		d[0] = draw_word(c) & 0xffff;
		emit(w, O_ICMPTYPE, 0, d, 1);
		break;
	case 9:
		d[0] = draw_word(c) & 0xffff;
		d[4] = draw_word(c);
		emit(w, O_ICMP6TYPE, 0, d, 7);
		break;
	case 10:
		d[0] = draw(c, 4);
		d[1] = draw(c, 4);
		emit(w, O_FLOW6ID, 2, d, 3);
		break;
	case 11:
		emit(w, O_EXT_HDR, 1u << draw(c, 8), NULL, 0);
		break;
	case 12:
		emit(w, O_FRAG, draw(c, 2) ? 0 : (1u << draw(c, 3) << 5) |
			(draw(c, 2) << 8), NULL, 0);
		break;
	default:
		emit(w, O_FRAG, 0, NULL, 0);
	}
}

static void
tcp(struct writer *w)
{
	struct chance *c = w->c;
	uint32_t d[1];

	switch (draw(c, 8)) {
	case 0:
		emit(w, O_ESTAB, 0, NULL, 0);
		break;
	case 1:
	case 2:
		emit(w, O_TCPFLAGS, draw(c, 32) | draw(c, 32) << 8, NULL, 0);
		break;
	case 3:
		numbers(w, O_TCPWIN, 0, 4);
		break;
	case 4:
		d[0] = htonl(draw(c, 4));
		emit(w, draw(c, 2) ? O_TCPSEQ : O_TCPACK, 0, d, 1);
		break;
	case 5:
		emit(w, O_TCPOPTS, draw(c, 32) | draw(c, 32) << 8, NULL, 0);
		break;
	case 6:
		numbers(w, O_TCPDATALEN, 0, 8);
		break;
	case 7:
		numbers(w, O_TCPMSS, 500, 1000);
		break;
	}
}

static void
marks(struct writer *w)
{
	struct chance *c = w->c;
	uint16_t r[2] = {(uint16_t)(1 + draw(c, VOCAB_TAGS)), 0};
	uint32_t d[2] = {draw(c, 4), draw(c, 2) ? 0xffffffff : 1};

	switch (draw(c, 4)) {
	case 0:
		emit(w, O_TAGGED, draw(c, VOCAB_TAGS + 1), NULL, 0);
		break;
	case 1:
		r[1] = (uint16_t)(r[0] + draw(c, 2));
		emit(w, O_TAGGED, 0, r, 1);
		break;
	case 2: /* arg1 0: the table's value */
		emit(w, O_MARK, draw(c, 2) ? 0x8000 : 0, d, 2);
		break;
	case 3:
		emit(w, O_DIVERTED, 1 + draw(c, 3), NULL, 0);
		break;
	}
}

/* A test; prob is not among them, because it stands first. */
static void
test(struct writer *w, const struct recipe_style *s)
{
	struct chance *c = w->c;
	uint16_t etype[2] = {ETYPE_IP4, ETYPE_IP4};

	switch (draw(c, s->plain && !once_in(c, 16) ? 18 : 24)) {
	case 0 ... 5:
		addr4(w);
		break;
	case 6 ... 8:
		addr6(w);
		break;
	case 9 ... 12:
		ports(w);
		break;
	case 13:
	case 14:
		emit(w, O_PROTO, once_in(c, 16) ? 0 : vocab_protos[draw(c, 8)],
		    NULL, 0);
		break;
	case 15:
		emit(w, draw(c, 2) ? O_IP4 : O_IP6, 0, NULL, 0);
		break;
	case 16:
		emit(w, draw(c, 8) ? O_IN : O_LAYER2, 0, NULL, 0);
		break;
	case 17:
		tcp(w);
		break;
	case 18:
		if (draw(c, 2)) {
			mac(w);
			break;
		}
		etype[1] = draw(c, 2) ? ETYPE_IP6 : ETYPE_IP4;
		emit(w, O_MAC_TYPE, 0, etype, 1);
		break;
	case 19:
		header(w);
		break;
	case 20:
		interface(w);
		break;
	case 21:
		marks(w);
		break;
	case 22:
		emit(w, draw(c, 2) ? O_IP_SRC_ME + 4u * draw(c, 2) :
			O_IP6_SRC_ME + 3u * draw(c, 2), 0, NULL, 0);
		break;
	default:
		if (s->tables)
			lookup(w);
		else
			emit(w, O_NOP, 0, "a note\0", 2);
	}
}

/* Tests, some negated, some joined to or-blocks. */
static void
tests(struct writer *w, const struct recipe_style *s)
{
	unsigned n = draw(w->c, s->max_tests + 1);
	unsigned odd_1_in = s->plain ? 20 : 6; /* not, or */
	struct insn *last = NULL;

	for (unsigned k = 0; k < n; k++) {
		struct insn *i = (struct insn *)(void *)
		    &w->d->w[w->d->head.cmd_len];

		test(w, s);
		if (i->opcode == O_NOP) { /* stands in no block */
			last = NULL;
			continue;
		}
		if (once_in(w->c, odd_1_in))
			i->len |= INSN_NOT;
		if (last != NULL && once_in(w->c, odd_1_in))
			last->len |= INSN_OR;
		last = i;
	}
}

/* ---- states ---- */

static unsigned
draw_name(struct chance *c)
{
	return once_in(c, 6) ? 0 : 1 + draw(c, VOCAB_NAMES - 1);
}

/* What keep-state and limit put in front and behind; record-state asks for no
 * state first, defer-action leaves the action to later packets. */
static void
state_tail(struct writer *w, unsigned name)
{
	uint16_t d[2] = {(uint16_t)((1 + draw(w->c, 15)) << 8),
	    (uint16_t)(once_in(w->c, 6) ? TABLEARG : 1 + draw(w->c, 3))};

	if (draw(w->c, 3) == 0)
		emit(w, O_LIMIT, name, d, 1);
	else
		emit(w, O_KEEP_STATE, name, NULL, 0);
	if (once_in(w->c, 5))
		emit(w, O_SKIP_ACTION, 0, NULL, 0);
}

/* ---- actions ---- */

static void
modifiers(struct writer *w)
{
	struct chance *c = w->c;
	uint32_t log[2] = {draw(c, 3), 0};

	if (once_in(c, 6))
		emit(w, O_LOG, once_in(c, 4) ? draw(c, 4) * LOGDST_BPF : 0,
		    log, 2);
	while (once_in(c, 6)) {
		struct insn *i = emit(w, O_TAG, draw(c, VOCAB_TAGS + 1), NULL,
		    0);

		if (once_in(c, 3))
			i->len |= INSN_NOT;
	}
}

static void
reject(struct writer *w)
{
	struct chance *c = w->c;
	static const uint16_t codes[] = {REJECT_RST, REJECT_ABORT, 1, 3, 10};
	uint32_t mtu = 1280;

	if (once_in(c, 4))
		emit(w, O_REJECT, 4, &mtu, 1);
	else
		emit(w, draw(c, 2) ? O_REJECT : O_UNREACH6,
		    codes[draw(c, ARRAY_LEN(codes))], NULL, 0);
}

static void
forward(struct writer *w)
{
	struct insn_sa sa = {.sa_len = 16, .sa_family = 2, .addr = 0x0100000a};
	struct insn_sa6 sa6 = {.sa_len = 28, .sa_family = 28, .addr6 = {0x20}};

	if (draw(w->c, 2))
		emit(w, O_FORWARD_IP, 0, (const char *)&sa + 4, 4);
	else
		emit(w, O_FORWARD_IP6, 0, (const char *)&sa6 + 4, 7);
}

/* To a pipe or a queue, of which there are few. */
static void
pipe_or_queue(struct writer *w)
{
	emit(w, draw(w->c, 2) ? O_PIPE : O_QUEUE,
	    once_in(w->c, 4) ? TABLEARG : 1 + draw(w->c, 3), NULL, 0);
}

static void
deciding(struct writer *w, const struct recipe_style *s)
{
	if (s->pipes && once_in(w->c, 3)) {
		pipe_or_queue(w);
		return;
	}
	switch (draw(w->c, s->answers ? 9 : 4)) {
	case 0:
	case 1:
		emit(w, O_ACCEPT, 0, NULL, 0);
		break;
	case 2:
	case 3:
		emit(w, O_DENY, 0, NULL, 0);
		break;
	case 4:
		reject(w);
		break;
	case 5:
		forward(w);
		break;
	case 6:
		emit(w, O_DIVERT, draw(w->c, 2) * 7, NULL, 0);
		break;
	case 8:
		emit(w, O_REASS, 0, NULL, 0);
		break;
	case 7: /* does not decide */
		emit(w, O_TEE, 7, NULL, 0);
		break;
	}
}

static unsigned
draw_number(const struct writer *w)
{
	return 1 + draw(w->c, w->v->top);
}

/* A number above that of the rule. */
static unsigned
forward_of(const struct writer *w)
{
	unsigned to = w->d->head.rulenum + 1 + draw(w->c, w->v->top / 4 + 1);

	return to < 65535 ? to : 65535;
}

static void
call(struct writer *w, enum recipe_calls calls)
{
	if (draw(w->c, 2) || calls == CALLS_NONE)
		emit(w, O_CALLRETURN, 0, NULL, 0)->len |= INSN_NOT;
	else if (calls == CALLS_ANY)
		emit(w, O_CALLRETURN, once_in(w->c, 4) ? TABLEARG :
			draw_number(w), NULL, 0);
	else
		emit(w, O_CALLRETURN, forward_of(w), NULL, 0);
}

static void
action(struct writer *w, const struct recipe_style *s, enum recipe_calls calls)
{
	struct chance *c = w->c;
	uint32_t mark = draw(c, 4);

	if (s->plain && !once_in(c, 6)) {
		if (s->pipes && once_in(c, 3))
			pipe_or_queue(w);
		else
			emit(w, draw(c, 2) ? O_ACCEPT : O_DENY, 0, NULL, 0);
		return;
	}
	if (draw(c, s->deciding_1_in) == 0) {
		deciding(w, s);
		return;
	}
	switch (draw(c, 12)) {
	case 0 ... 2:
		emit(w, O_SKIPTO, once_in(c, 4) ? TABLEARG : draw_number(w),
		    NULL, 0);
		break;
	case 3:
	case 4:
		call(w, calls);
		break;
	case 5:
		emit(w, O_SETDSCP, draw(c, 2) ? 0 : 0x8000u | draw(c, 64),
		    NULL, 0);
		break;
	case 6:
		emit(w, O_SETMARK, draw(c, 2) ? 0 : 0x8000, &mark, 1);
		break;
	case 7:
		emit(w, O_EXTERNAL_ACTION, EACTION_SETMSS_IDX, NULL, 0);
		emit(w, O_EXTERNAL_DATA, 536 + draw(c, 900), NULL, 0);
		break;
	case 8:
		emit(w, s->states ? O_CHECK_STATE : O_COUNT,
		    s->states ? draw_name(c) : 0, NULL, 0);
		break;
	default:
		emit(w, O_COUNT, 0, NULL, 0);
	}
}

/* ---- the whole ---- */

void
recipe_style_draw(struct recipe_style *s, struct chance *c)
{
	s->max_tests = 1 + draw(c, 4);
	s->deciding_1_in = 2 + draw(c, 30);
	s->states = draw(c, 2);
	s->keeps_1_in = draw(c, 2) ? 2 : 8;
	s->tables = draw(c, 4) != 0;
	s->probs = draw(c, 2);
	s->answers = draw(c, 2);
	s->pipes = once_in(c, 3);
	s->plain = draw(c, 2);
	if (s->plain) /* who asks nothing ends all searches */
		s->max_tests += 3;
}

void
recipe_rule(struct recipe *d, const struct vocab *v, struct chance *c,
    const struct recipe_style *s, enum recipe_calls calls)
{
	struct writer w = {d, v, c};
	bool keeps = s->states && once_in(c, s->keeps_1_in);
	unsigned name = draw_name(c);
	uint32_t prob = draw_word(c) & 0x7fffffff;

	memset(d, 0, offsetof(struct recipe, w));
	d->head.rulenum = draw_number(&w); /* below the default rule's */
	d->head.set = (uint8_t)(once_in(c, 16) ? 31 : draw(c, 4));
	d->prob = s->probs && once_in(c, 10);
	if (d->prob)
		emit(&w, O_PROB, 0, &prob, 1);
	if (keeps && !once_in(c, 4))
		emit(&w, O_PROBE_STATE, name, NULL, 0);
	tests(&w, s);
	if (keeps)
		state_tail(&w, name);
	d->head.act_ofs = d->head.cmd_len;
	if (!s->plain || once_in(c, 8))
		modifiers(&w);
	action(&w, s, calls);
}

struct table_value
recipe_value(const struct vocab *v, struct chance *c)
{
	struct table_value t = {
	    .tag = draw(c, VOCAB_TAGS),
	    .skipto = (uint16_t)(1 + draw(c, v->top)),
	    .dscp = (uint8_t)draw(c, 64),
	    .mark = draw(c, 4),
	    .divert = 7,
	    .pipe = (uint16_t)(1 + draw(c, 3)),
	    .limit = 1 + draw(c, 3),
	};

	return t;
}
