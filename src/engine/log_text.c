/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/log_text.h"

#include "base/bytes.h"
#include "packet/parse.h"
#include "packet/proto.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>

/* A line that grows. */
struct line {
	char *buf;
	size_t size;
	size_t len; /* < size */
};

static void put(struct line *l, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
put(struct line *l, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(l->buf + l->len, l->size - l->len, fmt, ap);
	va_end(ap);
	if (n > 0)
		l->len += (size_t)n;
	if (l->len >= l->size)
		l->len = l->size - 1;
}

/* ---- the action ---- */

/* How actions are called; those that differ by arg1 are in put_action(). */
static const struct {
	const char *word;
	bool number; /* arg1 follows */
} words[O_LAST] = {
	[O_ACCEPT] = {"Accept", false},
	[O_DENY] = {"Deny", false},
	[O_COUNT] = {"Count", false},
	[O_SKIPTO] = {"SkipTo", true},
	[O_CALLRETURN] = {"Call", true},
	[O_PIPE] = {"Pipe", true},
	[O_QUEUE] = {"Queue", true},
	[O_DIVERT] = {"Divert", true},
	[O_TEE] = {"Tee", true},
	[O_NAT] = {"Nat", false},
	[O_REASS] = {"Reass", false},
	[O_SETDSCP] = {"SetDscp", true},
	[O_REJECT] = {"Unreach", true},
	[O_UNREACH6] = {"Unreach", true},
	[O_EXTERNAL_ACTION] = {"Eaction " EACTION_SETMSS, false},
};

static void
put_forward4(struct line *l, const struct insn *act)
{
	const struct insn_sa *sa = (const void *)act;
	char buf[INET_ADDRSTRLEN];

	put(l, "Forward to %s",
	    inet_ntop(AF_INET, &sa->addr, buf, sizeof(buf)));
	if (sa->port != 0)
		put(l, ":%u", sa->port);
}

static void
put_forward6(struct line *l, const struct insn *act)
{
	const struct insn_sa6 *sa = (const void *)act;
	char buf[INET6_ADDRSTRLEN];

	put(l, "Forward to [%s]",
	    inet_ntop(AF_INET6, sa->addr6, buf, sizeof(buf)));
	if (sa->port != 0)
		put(l, ":%u", sa->port);
}

static bool
rejects(const struct insn *act, unsigned how)
{
	return (act->opcode == O_REJECT || act->opcode == O_UNREACH6) &&
	    act->arg1 == how;
}

static void
put_action(struct line *l, const struct insn *act)
{
	unsigned op = act->opcode;

	if (rejects(act, REJECT_RST))
		put(l, "Reset");
	else if (rejects(act, REJECT_ABORT))
		put(l, "Abort");
	else if (op == O_REJECT && act->arg1 == 1)
		put(l, "Reject");
	else if (op == O_CALLRETURN && (act->len & INSN_NOT) != 0)
		put(l, "Return");
	else if (op == O_SETMARK)
		put(l, "SetMark %#010x", insn_args(act)[0]);
	else if (op == O_FORWARD_IP)
		put_forward4(l, act);
	else if (op == O_FORWARD_IP6)
		put_forward6(l, act);
	else if (op >= O_LAST || words[op].word == NULL)
		put(l, "UNKNOWN");
	else if (words[op].number)
		put(l, "%s %u", words[op].word,
		    op == O_SETDSCP ? act->arg1 & 0x3fu : act->arg1);
	else
		put(l, "%s", words[op].word);
}

/* ---- the packet ---- */

static void
put_addr(struct line *l, const struct pkt *p, unsigned side, bool ports)
{
	const uint8_t *h = p->data + p->l3;
	bool six = (p->flags & PKT_IP6) != 0;
	char buf[INET6_ADDRSTRLEN];

	inet_ntop(six ? AF_INET6 : AF_INET,
	    h + (six ? 8 + 16 * side : 12 + 4 * side), buf, sizeof(buf));
	put(l, six ? " [%s]" : " %s", buf);
	if (ports)
		put(l, ":%u", side == 0 ? p->sport : p->dport);
}

static void
put_proto(struct line *l, const struct pkt *p)
{
	const uint8_t *h = p->data + p->l4;

	switch (p->proto) {
	case PROTO_TCP:
		put(l, " TCP");
		break;
	case PROTO_UDP:
		put(l, " UDP");
		break;
	case PROTO_UDPLITE:
		put(l, " UDPLite");
		break;
	case PROTO_ICMP:
	case PROTO_ICMP6:
		put(l, p->proto == PROTO_ICMP ? " ICMP" : " ICMPv6");
		if ((p->flags & PKT_L4) != 0)
			put(l, ":%u.%u", h[0], h[1]);
		break;
	default:
		put(l, " P:%u", p->proto);
	}
}

static bool
shows_ports(const struct pkt *p)
{
	return (p->flags & PKT_PORTS) != 0 && p->proto != PROTO_SCTP;
}

static void
put_frag4(struct line *l, const struct pkt *p)
{
	const uint8_t *h = p->data + p->l3;
	unsigned hlen = (unsigned)p->l4 - p->l3, off = get16(h + 6);

	if ((off & 0x3fff) != 0)
		put(l, " (frag %u:%d@%u%s)", get16(h + 4),
		    (int)p->ip_len - (int)hlen, (off & 0x1fff) << 3,
		    (off & 0x2000) != 0 ? "+" : "");
}

/* The fragment header of an IPv6 packet; NULL if it is not among what parse
 * walked over. */
static const uint8_t *
frag_header6(const struct pkt *p)
{
	unsigned proto = p->data[p->l3 + 6], at = p->l3 + (unsigned)IP6_LEN;

	while (at + 8 <= p->l4) {
		const uint8_t *h = p->data + at;

		if (proto == PROTO_FRAGMENT)
			return h;
		at += proto == PROTO_AH ? (h[1] + 2u) * 4 : (h[1] + 1u) * 8;
		proto = h[0];
	}
	return NULL;
}

static void
put_frag6(struct line *l, const struct pkt *p)
{
	const uint8_t *h;
	unsigned hlen = (unsigned)p->l4 - p->l3;

	if ((p->flags & PKT_FRAG) == 0 || (h = frag_header6(p)) == NULL)
		return;
	put(l, " (frag %08x:%d@%u%s)", get32(h + 4),
	    (int)p->ip_len - (int)hlen, get16(h + 2) & 0xfff8u,
	    (h[3] & 1) != 0 ? "+" : "");
}

static void
put_packet(struct line *l, const struct pkt *p)
{
	if ((p->flags & PKT_IP) == 0) {
		put(l, " MAC");
		return;
	}
	put_proto(l, p);
	put_addr(l, p, 0, shows_ports(p));
	put_addr(l, p, 1, shows_ports(p));
}

void
log_text(const struct record *r, char *buf, size_t size)
{
	/* The rules saw the packet with a parser that may be stricter. */
	static const struct parse_cfg cfg = {.permit_single_frag6 = true};
	uint8_t frame[RECORD_SNAP];
	struct line l = {.buf = buf, .size = size};
	struct pkt p = {.data = frame, .len = r->kept};

	memcpy(frame, r->frame, sizeof(frame));
	parse(&p, &cfg);
	put(&l, "ipfw: %u ", r->rule);
	put_action(&l, r->act);
	put_packet(&l, &p);
	if (r->mark != 0)
		put(&l, " mark:%#x", r->mark);
	put(&l, " %s via %s", (r->flags & RECORD_OUT) != 0 ? "out" : "in",
	    r->ifname);
	if ((p.flags & PKT_IP4) != 0)
		put_frag4(&l, &p);
	else if ((p.flags & PKT_IP6) != 0)
		put_frag6(&l, &p);
}

void
log_text_limit(const struct record *r, char *buf, size_t size)
{
	snprintf(buf, size, "ipfw: limit %u reached on entry %u", r->max_log,
	    r->rule);
}

void
log_text_excess(const struct state_excess *x, uint32_t n_states, char *buf,
    size_t size)
{
	const struct flow *f = &x->flow;
	int af = f->is6 ? AF_INET6 : AF_INET;
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];

	inet_ntop(af, f->is6 ? (const void *)f->src6 : &f->src4, src,
	    sizeof(src));
	inet_ntop(af, f->is6 ? (const void *)f->dst6 : &f->dst4, dst,
	    sizeof(dst));
	snprintf(buf, size, "ipfw: %u drop session type %u %s %u -> %s %u, "
	    "%u too many entries", x->rule, O_LIMIT, src, f->sport, dst,
	    f->dport, n_states);
}
