/* SPDX-License-Identifier: BSD-2-Clause */
#include "rule/interp.h"

#include "base/bytes.h"
#include "packet/proto.h"
#include "packet/reply.h"
#include "packet/rewrite.h"
#include "rule/lookup.h"
#include "rule/opt.h"
#include "rule/plan.h"
#include "rule/stateful.h"

#include <fnmatch.h>

_Static_assert((int)PKT_FRAG_OFFSET == (int)FRAG_OFFSET &&
	(int)PKT_FRAG_MF == (int)FRAG_MF, "frag bits");
_Static_assert((int)PKT_EXT_RTHDR2 == (int)EXT_RTHDR2, "ext bits");

/* ---- what tests compare ---- */

/* The words behind the first one of an instruction. */
static inline const uint32_t *
words(const struct insn *i)
{
	return (const uint32_t *)(const void *)(i + 1);
}

static inline const uint8_t *
ip_hdr(const struct pkt *p)
{
	return p->data + p->l3;
}

static inline const uint8_t *
l4_hdr(const struct pkt *p)
{
	return p->data + p->l4;
}

static inline bool
is_ip4(const struct pkt *p)
{
	return (p->flags & PKT_IP4) != 0;
}

static inline bool
is_ip6(const struct pkt *p)
{
	return (p->flags & PKT_IP6) != 0;
}

/* A TCP header that is all there, in the first fragment. */
static inline bool
is_tcp(const struct pkt *p)
{
	return p->proto == PROTO_TCP && (p->flags & PKT_L4) != 0;
}

/* 'v' lies in one of the ranges of a list instruction; a list of one value
 * keeps it in arg1 and has no ranges. */
static bool
in_list(const struct insn *i, unsigned v)
{
	const uint16_t *r = (const uint16_t *)(const void *)(i + 1);

	if (insn_words(i) == 1)
		return v == i->arg1;
	for (unsigned n = insn_words(i) - 1; n > 0; n--, r += 2) {
		if (v >= r[0] && v <= r[1])
			return true;
	}
	return false;
}

/* Low byte of arg1: bits that must be set; high byte: that must be clear. */
static inline bool
bits_match(const struct insn *i, unsigned bits)
{
	unsigned set = i->arg1 & 0xff, clear = i->arg1 >> 8;

	return (bits & set) == set && (bits & clear) == 0;
}

/* ---- one helper per shape of test ---- */

static bool
match_ip4_mask(const struct insn *i, uint32_t addr)
{
	const uint32_t *w = words(i);

	for (unsigned n = (insn_words(i) - 1) / 2; n > 0; n--, w += 2) {
		if (w[0] == (addr & w[1]))
			return true;
	}
	return false;
}

/* arg1 addresses from a base in host order, one bit each. */
static bool
match_ip4_set(const struct insn *i, uint32_t addr)
{
	const uint32_t *w = words(i);
	uint32_t n = __builtin_bswap32(addr) - w[0];

	return n < i->arg1 && (w[1 + n / 32] >> (n % 32) & 1) != 0;
}

/* The address at octet 'ofs' of an IPv6 header. */
static bool
match_ip6(const struct insn *i, const struct pkt *p, unsigned ofs)
{
	return is_ip6(p) && memcmp(ip_hdr(p) + ofs, words(i), 16) == 0;
}

static bool
match_ip6_mask(const struct insn *i, const struct pkt *p, unsigned ofs)
{
	const uint32_t *w = words(i);
	uint32_t a[4];

	if (!is_ip6(p))
		return false;
	memcpy(a, ip_hdr(p) + ofs, sizeof(a));
	for (unsigned n = (insn_words(i) - 1) / 8; n > 0; n--, w += 8) {
		if (((a[0] & w[4]) ^ w[0]) == 0 && ((a[1] & w[5]) ^ w[1]) == 0 &&
		    ((a[2] & w[6]) ^ w[2]) == 0 && ((a[3] & w[7]) ^ w[3]) == 0)
			return true;
	}
	return false;
}

static bool
match_mac(const struct insn *i, const struct pkt *p)
{
	const struct insn_mac *m = (const struct insn_mac *)(const void *)i;

	for (unsigned n = 0; n < sizeof(m->addr); n++) {
		if ((p->data[n] & m->mask[n]) != m->addr[n])
			return false;
	}
	return true;
}

/* Asks a table; what it answers is the tablearg from then on. */
static bool
match_table(const struct insn *i, const struct pass *pass,
    const struct pkt *p, const char *ifname, uint32_t *tablearg)
{
	uint32_t idx = lookup_insn(i, pass->tables, p, ifname);

	if (idx == 0)
		return false;
	*tablearg = idx;
	return true;
}

/* The interface a packet came in by, or would leave by. */
static bool
match_if(const struct insn *i, const struct pass *pass, const struct pkt *p,
    const char *name, uint32_t *tablearg)
{
	const struct insn_if *f = (const struct insn_if *)(const void *)i;

	if (f->name[0] == '\1')
		return match_table(i, pass, p, name, tablearg);
	if (f->name[0] == '\0') /* by address: ports here have none */
		return false;
	if (f->p.glob == 1)
		return fnmatch(f->name, name, 0) == 0;
	return strncmp(f->name, name, sizeof(f->name)) == 0;
}

static bool
match_frag(const struct insn *i, const struct pkt *p)
{
	if (i->arg1 == 0 || is_ip6(p)) /* the bare form; all that IPv6 knows */
		return (p->flags & PKT_LATER_FRAG) != 0;
	return is_ip4(p) && bits_match(i, p->frag);
}

/* iptos tests bits of the whole octet, dscp of its upper six. */
static unsigned
traffic_class(const struct pkt *p)
{
	const uint8_t *h = ip_hdr(p);

	return is_ip4(p) ? h[1] : (unsigned)(get16(h) >> 4 & 0xff);
}

static bool
match_dscp(const struct insn *i, const struct pkt *p)
{
	unsigned dscp;

	if ((p->flags & PKT_IP) == 0)
		return false;
	dscp = traffic_class(p) >> 2;
	return (words(i)[dscp / 32] >> (dscp % 32) & 1) != 0;
}

static bool
match_ipopt(const struct insn *i, const struct pkt *p)
{
	return is_ip4(p) && bits_match(i, opt_ip4(p));
}

static bool
match_tcpopt(const struct insn *i, const struct pkt *p)
{
	struct opt_tcp o;

	if (!is_tcp(p))
		return false;
	opt_tcp(p, &o);
	return bits_match(i, o.seen);
}

/* The MSS that a SYN announces. */
static bool
match_tcpmss(const struct insn *i, const struct pkt *p)
{
	struct opt_tcp o;

	if (!is_tcp(p) || (p->tcp_flags & TH_SYN) == 0)
		return false;
	opt_tcp(p, &o);
	return (o.seen & TCPOPT_MSS) != 0 && in_list(i, o.mss);
}

/* Payload octets as the headers tell, not as the frame holds. */
static bool
match_tcpdatalen(const struct insn *i, const struct pkt *p)
{
	unsigned hdrs;

	if (!is_tcp(p))
		return false;
	hdrs = (unsigned)p->l4 - p->l3 + (unsigned)(l4_hdr(p)[12] >> 4) * 4;
	return p->ip_len >= hdrs && in_list(i, p->ip_len - hdrs);
}

static bool
match_icmp(const struct insn *i, const struct pkt *p)
{
	unsigned type = p->tcp_flags;

	return p->proto == PROTO_ICMP && is_ip4(p) &&
	    (p->flags & PKT_L4) != 0 && type < 32 &&
	    (words(i)[0] >> type & 1) != 0;
}

static bool
match_icmp6(const struct insn *i, const struct pkt *p)
{
	unsigned type = p->tcp_flags;

	return p->proto == PROTO_ICMP6 && is_ip6(p) &&
	    (p->flags & PKT_L4) != 0 && type < 7 * 32 &&
	    (words(i)[type / 32] >> (type % 32) & 1) != 0;
}

/* The flow label alone, as the man page has it. */
static bool
match_flow6id(const struct insn *i, const struct pkt *p)
{
	uint32_t label;

	if (!is_ip6(p))
		return false;
	label = get32(ip_hdr(p)) & 0xfffff;
	for (unsigned n = 0; n < i->arg1; n++) {
		if (words(i)[n] == label)
			return true;
	}
	return false;
}

/* Everything but a SYN that neither acknowledges nor resets. */
static bool
match_estab(const struct pkt *p)
{
	return is_tcp(p) &&
	    (p->tcp_flags & (TH_RST | TH_ACK | TH_SYN)) != TH_SYN;
}

/* Any tag of the packet in the list. */
static bool
match_tagged(const struct insn *i, const struct pass *pass,
    const struct pkt *p, uint32_t tablearg)
{
	const uint16_t *r = (const uint16_t *)(const void *)(i + 1);
	uint32_t one = i->arg1;

	if (p->tags == 0)
		return false;
	if (insn_words(i) == 1) {
		if (one == TABLEARG)
			one = tables_value(pass->tables, tablearg)->tag;
		return one <= UINT16_MAX &&
		    tag_find(pass->tags, p->tags, (uint16_t)one, (uint16_t)one);
	}
	for (unsigned n = insn_words(i) - 1; n > 0; n--, r += 2) {
		if (tag_find(pass->tags, p->tags, r[0], r[1]))
			return true;
	}
	return false;
}

static bool
match_mark(const struct insn *i, const struct pass *pass,
    const struct pkt *p, uint32_t tablearg)
{
	uint32_t want = words(i)[0];

	if (i->arg1 == TABLEARG)
		want = tables_value(pass->tables, tablearg)->mark;
	return ((p->mark ^ want) & words(i)[1]) == 0;
}

/* One test, before its 'not'; 'tablearg' is what the last lookup that matched
 * found.  A flat switch: one row an opcode. */
static inline bool
match_one(const struct insn *i, const struct pass *pass, const struct pkt *p,
    uint32_t *tablearg)
{
	switch (i->opcode) {
	case O_NOP:
	case O_PROBE_STATE: /* what they do is done in match_stateful() */
	case O_KEEP_STATE:
	case O_LIMIT:
	case O_SKIP_ACTION:
		return true;
	case O_IP_SRC:
		return is_ip4(p) && p->src4 == words(i)[0];
	case O_IP_DST:
		return is_ip4(p) && p->dst4 == words(i)[0];
	case O_IP_SRC_MASK:
		return is_ip4(p) && match_ip4_mask(i, p->src4);
	case O_IP_DST_MASK:
		return is_ip4(p) && match_ip4_mask(i, p->dst4);
	case O_IP_SRC_SET:
		return is_ip4(p) && match_ip4_set(i, p->src4);
	case O_IP_DST_SET:
		return is_ip4(p) && match_ip4_set(i, p->dst4);
	case O_IP6_SRC:
		return match_ip6(i, p, 8);
	case O_IP6_DST:
		return match_ip6(i, p, 24);
	case O_IP6_SRC_MASK:
		return match_ip6_mask(i, p, 8);
	case O_IP6_DST_MASK:
		return match_ip6_mask(i, p, 24);
	case O_IP_SRC_ME:
		return is_ip4(p) && me_has4(pass->me, p->src4);
	case O_IP_DST_ME:
		return is_ip4(p) && me_has4(pass->me, p->dst4);
	case O_IP6_SRC_ME:
		return is_ip6(p) && me_has6(pass->me, p, 8);
	case O_IP6_DST_ME:
		return is_ip6(p) && me_has6(pass->me, p, 24);
	case O_IP_SRCPORT:
		return (p->flags & PKT_PORTS) != 0 && in_list(i, p->sport);
	case O_IP_DSTPORT:
		return (p->flags & PKT_PORTS) != 0 && in_list(i, p->dport);
	case O_PROTO:
		return (p->flags & PKT_IP) != 0 && p->proto == i->arg1;
	case O_IP4:
		return is_ip4(p);
	case O_IP6:
		return is_ip6(p);
	case O_MACADDR2:
		return match_mac(i, p);
	case O_MAC_TYPE:
		return in_list(i, p->etype);
	case O_LAYER2: /* every packet is shown with its Ethernet header */
		return true;
	case O_IN:
		return !pass->out;
	case O_RECV:
		return match_if(i, pass, p, pass->in_if, tablearg);
	case O_XMIT:
		return pass->out &&
		    match_if(i, pass, p, pass->out_if, tablearg);
	case O_VIA:
		return match_if(i, pass, p,
		    pass->out ? pass->out_if : pass->in_if, tablearg);
	case O_IP_SRC_LOOKUP:
	case O_IP_DST_LOOKUP:
	case O_IP_FLOW_LOOKUP:
	case O_MAC_SRC_LOOKUP:
	case O_MAC_DST_LOOKUP:
		return match_table(i, pass, p, NULL, tablearg);
	case O_FRAG:
		return match_frag(i, p);
	case O_IPOPT:
		return match_ipopt(i, p);
	case O_IPLEN:
		return (p->flags & PKT_IP) != 0 && in_list(i, p->ip_len);
	case O_IPID:
		return is_ip4(p) && in_list(i, get16(ip_hdr(p) + 4));
	case O_IPTTL:
		return is_ip4(p) && in_list(i, ip_hdr(p)[8]);
	case O_IPTOS:
		return is_ip4(p) && bits_match(i, ip_hdr(p)[1]);
	case O_IPPRECEDENCE:
		return is_ip4(p) && i->arg1 == (ip_hdr(p)[1] & 0xe0);
	case O_IPVER:
		return (p->flags & PKT_IP) != 0 &&
		    i->arg1 == (is_ip4(p) ? 4 : 6);
	case O_DSCP:
		return match_dscp(i, p);
	case O_ESTAB:
		return match_estab(p);
	case O_TCPFLAGS:
		return is_tcp(p) && bits_match(i, p->tcp_flags);
	case O_TCPWIN:
		return is_tcp(p) && in_list(i, get16(l4_hdr(p) + 14));
	case O_TCPSEQ:
		return is_tcp(p) && words(i)[0] == raw32(l4_hdr(p) + 4);
	case O_TCPACK:
		return is_tcp(p) && words(i)[0] == raw32(l4_hdr(p) + 8);
	case O_TCPOPTS:
		return match_tcpopt(i, p);
	case O_TCPDATALEN:
		return match_tcpdatalen(i, p);
	case O_TCPMSS:
		return match_tcpmss(i, p);
	case O_ICMPTYPE:
		return match_icmp(i, p);
	case O_ICMP6TYPE:
		return match_icmp6(i, p);
	case O_FLOW6ID:
		return match_flow6id(i, p);
	case O_EXT_HDR:
		return is_ip6(p) && (p->ext & i->arg1) != 0;
	case O_TAGGED:
		return match_tagged(i, pass, p, *tablearg);
	case O_MARK:
		return match_mark(i, pass, p, *tablearg);
	case O_PROB:
		return rng_31(pass->rng) < words(i)[0];
	default: /* check refuses what is not in this list */
		return false;
	}
}

static bool
match_rule(const struct pass *pass, const struct rule *r, const struct pkt *p,
    uint32_t *tablearg)
{
	const struct insn *i = r->cmd, *end = rule_action(r);

	for (; i < end; i = insn_next(i)) {
		bool hit = match_one(i, pass, p, tablearg) !=
		    ((i->len & INSN_NOT) != 0);

		if (hit) { /* the rest of an or-block need not be asked */
			while ((i->len & INSN_OR) != 0)
				i = insn_next(i);
		} else if ((i->len & INSN_OR) == 0) {
			return false;
		}
	}
	return true;
}

bool
interp_match(const struct pass *pass, const struct rule *r,
    const struct pkt *p)
{
	uint32_t tablearg = 0;

	return match_rule(pass, r, p, &tablearg);
}

/* A rule without patterns needs no look at the packet. */
static inline bool
matches(const struct pass *pass, const struct rule *r, const struct pkt *p,
    uint32_t *tablearg)
{
	return r->act_ofs == 0 || match_rule(pass, r, p, tablearg);
}

enum outcome {
	NO_MATCH,
	MATCH,
	STATE_HIT,  /* go on at the action of another rule */
	STATE_FULL, /* deny */
};

/* As match_rule(), and tests that have to do with states: looks at the rule at
 * index *n; at a hit *n is the rule that made the state. */
static enum outcome
match_stateful(const struct pass *pass, const struct pkt *p,
    struct probe *probe, unsigned *n, uint32_t *tablearg)
{
	const struct rule *r = pass->rules->rules[*n];
	const struct insn *i = r->cmd, *end = rule_action(r);

	for (; i < end; i = insn_next(i)) {
		bool hit = match_one(i, pass, p, tablearg) !=
		    ((i->len & INSN_NOT) != 0);

		if (hit) {
			while ((i->len & INSN_OR) != 0)
				i = insn_next(i);
		} else if ((i->len & INSN_OR) == 0) {
			return NO_MATCH;
		}
		if (i->opcode == O_SKIP_ACTION)
			return NO_MATCH;
		if (i->opcode == O_PROBE_STATE &&
		    stateful_probe(pass, p, i->arg1, probe, n))
			return STATE_HIT;
		if ((i->opcode == O_KEEP_STATE || i->opcode == O_LIMIT) &&
		    !stateful_keep(pass, p, *n, i))
			return STATE_FULL;
	}
	while (insn_table[end->opcode].kind == INSN_MODIFIER)
		end = insn_next(end);
	if (end->opcode != O_CHECK_STATE)
		return MATCH;
	return stateful_probe(pass, p, end->arg1, probe, n) ? STATE_HIT :
							       NO_MATCH;
}

/* Leaves a record of the packet for the log, if somebody reads it. */
static __attribute__((noinline)) void
run_log(const struct pass *pass, const struct rule *r, const struct insn *i,
    const struct pkt *p)
{
	if (pass->log == NULL)
		return;
	record_packet(pass->log, r, p, &(struct record_at){
	    .log = (const struct insn_log *)(const void *)i,
	    .ifname = pass->out ? pass->out_if : pass->in_if,
	    .out = pass->out,
	    .text = pass->log_text,
	    .left = &pass->log_left[r->counter],
	});
}

/* A 16-bit argument, or the member of a table's value in its place. */
#define ARG16(pass, insn, tablearg, member) \
	((insn)->arg1 != TABLEARG ? (insn)->arg1 : \
	    (uint16_t)tables_value((pass)->tables, (tablearg))->member)

/* Does what stands before the action; returns the action. */
static inline const struct insn *
run_modifiers(const struct pass *pass, const struct rule *r, struct pkt *p,
    uint32_t tablearg)
{
	const struct insn *i = rule_action(r);

	while (unlikely(i->opcode == O_TAG || i->opcode == O_LOG)) {
		uint16_t tag = ARG16(pass, i, tablearg, tag);

		if (i->opcode == O_LOG)
			run_log(pass, r, i, p);
		else if ((i->len & INSN_NOT) != 0)
			tag_clear(pass->tags, &p->tags, tag);
		else if (tag != 0)
			tag_set(pass->tags, &p->tags, tag);
		i = insn_next(i);
	}
	return i;
}

/* Numbers of the rules that called, the last one on top. */
struct calls {
	unsigned depth;
	uint16_t from[CALL_DEPTH];
};

/* The index after a call or return of rule 'n'.  Without room to call, or
 * without a caller to return to, that is the next rule. */
static unsigned
call_or_return(const struct ruleset *rs, unsigned n, const struct insn *act,
    unsigned to, struct calls *c)
{
	if ((act->len & INSN_NOT) != 0)
		return c->depth == 0 ? n + 1 :
		    ruleset_find(rs, c->from[--c->depth] + 1u);
	if (c->depth == CALL_DEPTH)
		return n + 1;
	c->from[c->depth++] = rs->rules[n]->num;
	return ruleset_find(rs, to);
}

/* The index after a skipto of rule 'n': never back, at least the next number. */
static unsigned
skip(const struct ruleset *rs, unsigned n, unsigned to)
{
	unsigned num = rs->rules[n]->num;

	return ruleset_find(rs, to <= num ? num + 1 : to);
}

/* Notes which answer a rejected packet gets.  The actions for IPv6 answer only
 * IPv6; those of IPv4 answer both. */
static void
reject(struct pkt *p, const struct insn *act)
{
	bool map = act->opcode == O_REJECT && is_ip6(p);

	if (act->opcode == O_UNREACH6 && !is_ip6(p))
		return;
	if (act->arg1 == REJECT_RST) {
		p->reply = REPLY_RST;
	} else if (act->arg1 == REJECT_ABORT) {
		p->reply = REPLY_ABORT;
	} else {
		p->reply = REPLY_UNREACH;
		p->reply_code = map ? reply_code6(act->arg1) :
				      (uint8_t)act->arg1;
		p->reply_mtu = insn_words(act) == 2 ?
		    (uint16_t)words(act)[0] : 0;
	}
}

/* tcp-setmss does its work where other rules end their tests: a packet that it
 * does not change is none that its rule matches.  True for other actions. */
static inline bool
setmss(const struct rule *r, struct pkt *p)
{
	return likely(!rule_eaction(r)) ||
	    rewrite_mss(p, r->cmd[r->n_words - 1].arg1);
}

static inline __attribute__((always_inline)) enum verdict
run(const struct pass *pass, struct pkt *p, unsigned n)
{
	const struct ruleset *rs = pass->rules;
	const struct plan *plan = rs->plan;
	unsigned bytes = pkt_count_bytes(p);
	struct pkt_key key;
	uint32_t tablearg = 0;
	unsigned target = n; /* the rule that tablearg was carried to */
	struct probe probe = {.done = false};
	struct calls calls;

	if (plan != NULL)
		key = key_of_pkt(p, pass->out);
	calls.depth = 0;
	for (;;) {
		const struct rule *r;
		const struct insn *act;
		enum outcome o;

		if (plan != NULL)
			n = plan_next(plan, &key, n);
		r = rs->rules[n];
		if (unlikely(!ruleset_on(rs, r))) {
			target += n == target;
			n++;
			continue;
		}
		if (n != target)
			tablearg = 0;
		if (unlikely(r->stateful))
			o = match_stateful(pass, p, &probe, &n, &tablearg);
		else
			o = matches(pass, r, p, &tablearg) ? MATCH : NO_MATCH;
		if (unlikely(o == STATE_HIT)) {
			r = rs->rules[n];
			tablearg = 0;
		}
		if (o == NO_MATCH || (o != STATE_FULL && !setmss(r, p))) {
			n++;
			continue;
		}
		counter_add(&pass->counts[r->counter], bytes, pass->now_s);
		if (unlikely(o == STATE_FULL))
			return VERDICT_DENY;
		act = run_modifiers(pass, r, p, tablearg);
		switch (act->opcode) {
		case O_ACCEPT:
			return VERDICT_ACCEPT;
		case O_COUNT:
		case O_EXTERNAL_ACTION: /* done: setmss() */
		case O_CHECK_STATE: /* of a rule that a state led to */
			n++;
			break;
		case O_SKIPTO:
			n = target = skip(rs, n,
			    ARG16(pass, act, tablearg, skipto));
			break;
		case O_CALLRETURN:
			n = target = call_or_return(rs, n, act,
			    ARG16(pass, act, tablearg, skipto), &calls);
			break;
		case O_SETDSCP:
			rewrite_dscp(p, ARG16(pass, act, tablearg, dscp) & 0x3f);
			n++;
			break;
		case O_SETMARK:
			p->mark = act->arg1 != TABLEARG ? words(act)[0] :
			    tables_value(pass->tables, tablearg)->mark;
			n++;
			break;
		case O_FORWARD_IP: /* here there is one other way: back */
		case O_FORWARD_IP6:
			return VERDICT_BOUNCE;
		case O_REJECT:
		case O_UNREACH6:
			reject(p, act);
			return VERDICT_DENY;
		default:
			return VERDICT_DENY;
		}
	}
}

enum verdict
interp_run(const struct pass *pass, struct pkt *p, unsigned first)
{
	if (pass->rules->stateful)
		stateful_burst(pass, p, 1);
	return run(pass, p, first);
}

/* True if the first rule decides about every packet, without a look at it: the
 * default rule alone, or an 'allow ip from any to any' in front. */
static bool
first_decides(const struct ruleset *rs)
{
	const struct rule *r = rs->rules[0];

	return r->n_words == 1 && ruleset_on(rs, r) &&
	    (r->cmd[0].opcode == O_ACCEPT || r->cmd[0].opcode == O_DENY);
}

static void
decide_all(const struct pass *pass, struct pkt *pkts, unsigned n)
{
	const struct rule *r = pass->rules->rules[0];
	enum verdict v = r->cmd[0].opcode == O_ACCEPT ? VERDICT_ACCEPT :
							 VERDICT_DENY;

	for (unsigned i = 0; i < n; i++) {
		if (unlikely(pkts[i].bad != PKT_GOOD))
			continue;
		counter_add(&pass->counts[r->counter],
		    pkt_count_bytes(&pkts[i]), pass->now_s);
		pkts[i].verdict = (uint8_t)v;
	}
}

void
interp_burst(const struct pass *pass, struct pkt *pkts, unsigned n)
{
	if (first_decides(pass->rules)) {
		decide_all(pass, pkts, n);
		return;
	}
	if (pass->rules->stateful)
		stateful_burst(pass, pkts, n);
	for (unsigned i = 0; i < n; i++) {
		struct pkt *p = &pkts[i];

		if (likely(p->bad == PKT_GOOD))
			p->verdict = (uint8_t)run(pass, p, 0);
	}
}
