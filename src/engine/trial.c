/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/trial.h"

#include "base/bytes.h"
#include "engine/engine.h"
#include "engine/resume.h"
#include "packet/proto.h"
#include "packet/reply.h"
#include "rule/divert.h"
#include "rule/opt.h"

_Static_assert((int)TRIAL_IP4 == (int)PKT_IP4 &&
	(int)TRIAL_IP6 == (int)PKT_IP6 &&
	(int)TRIAL_LATER_FRAG == (int)PKT_LATER_FRAG &&
	(int)TRIAL_FRAG == (int)PKT_FRAG && (int)TRIAL_L4 == (int)PKT_L4 &&
	(int)TRIAL_PORTS == (int)PKT_PORTS &&
	(int)TRIAL_VLAN == (int)PKT_VLAN, "flags of packets");

/* ---- the packet as it came ---- */

static void
ip_facts(const struct pkt *p, struct trial_facts *f)
{
	const uint8_t *h = p->data + p->l3;

	f->ip_len = p->ip_len;
	if ((p->flags & PKT_IP4) != 0) {
		f->tos = h[1];
		f->ip_id = get16(h + 4);
		f->ttl = h[8];
		f->ip_opts = (uint8_t)opt_ip4(p);
		memcpy(f->src, &p->src4, 4);
		memcpy(f->dst, &p->dst4, 4);
	} else {
		f->tos = (uint8_t)(get16(h) >> 4);
		f->ttl = h[7];
		f->flow_label = get32(h) & 0xfffff;
		memcpy(f->src, h + 8, 16);
		memcpy(f->dst, h + 24, 16);
	}
}

static void
tcp_facts(const struct pkt *p, struct trial_facts *f)
{
	const uint8_t *h = p->data + p->l4;
	unsigned hdrs = (unsigned)p->l4 - p->l3 + (unsigned)(h[12] >> 4) * 4;
	struct opt_tcp o;

	opt_tcp(p, &o);
	f->tcp_seq = get32(h + 4);
	f->tcp_ack = get32(h + 8);
	f->tcp_win = get16(h + 14);
	f->tcp_opts = o.seen;
	f->tcp_mss = (o.seen & TCPOPT_MSS) != 0 ? o.mss : 0;
	f->tcp_data = p->ip_len >= hdrs ? p->ip_len - hdrs : 0;
}

static void
note_facts(const struct pkt *p, struct trial_facts *f)
{
	*f = (struct trial_facts){
	    .flags = p->flags,
	    .proto = p->proto,
	    .tcp_flags = p->tcp_flags,
	    .frag = p->frag,
	    .ext = p->ext,
	    .bad = p->bad,
	    .ethertype = p->etype,
	    .sport = p->sport,
	    .dport = p->dport,
	    .frame_len = p->len,
	};
	if (p->len >= sizeof(f->macs))
		memcpy(f->macs, p->data, sizeof(f->macs));
	if (p->bad != PKT_GOOD)
		return;
	if ((p->flags & PKT_IP) != 0)
		ip_facts(p, f);
	if (p->proto == PROTO_TCP && (p->flags & PKT_L4) != 0)
		tcp_facts(p, f);
}

/* ---- what comes after the rules ---- */

static void
finish(struct trial *t, enum trial_end end, const char *why)
{
	t->end = end;
	t->why = why;
}

/* A rule said no, or there was no room for the state it wanted. */
static void
deny(struct trial *t)
{
	finish(t, TRIAL_DENY,
	    t->x.refused == TRIAL_KEEP_FULL ? "no room for its state" :
	    t->x.refused == TRIAL_KEEP_LIMITED ? "the limit is reached" :
						 drop_text[DROP_RULE]);
}

static void
divert(struct trial *t)
{
	t->to = t->pkt.fate.to;
	if (t->listeners != NULL && divert_listens(t->listeners, t->pkt.fate.to)) {
		finish(t, TRIAL_DIVERT, NULL);
		return;
	}
	t->flags |= TRIAL_NOBODY;
	finish(t, TRIAL_DENY, drop_text[DROP_DIVERT_NOBODY]);
}

/* True if the packet comes out of the pipe in the end: *v says how it goes on,
 * and *first where. */
static bool
pass_pipe(struct trial *t, enum verdict *v, unsigned *first)
{
	bool is_queue = *v == VERDICT_QUEUE;
	struct pkt_fate fate = t->pkt.fate;

	t->to = fate.to;
	t->flags &= ~(uint32_t)(TRIAL_PIPED | TRIAL_QUEUED);
	t->flags |= is_queue ? TRIAL_QUEUED : TRIAL_PIPED;
	if (t->has_pipe != NULL && !t->has_pipe(t->arg, fate.to, is_queue)) {
		t->flags |= TRIAL_NO_PIPE;
		finish(t, TRIAL_DENY, is_queue ? "there is no such queue" :
						 "there is no such pipe");
		return false;
	}
	*v = VERDICT_ACCEPT;
	if (t->one_pass)
		return true;
	*v = VERDICT_PIPE;
	*first = resume_at(t->pass.rules, &fate);
	t->pkt.reply = REPLY_NONE;
	explain_note(&t->x, t->pass.rules->rules[*first], TRIAL_RESUME);
	return true;
}

/* The end of a packet that does not go on.  False: it does. */
static bool
see_off(struct trial *t, enum verdict v)
{
	switch (v) {
	case VERDICT_DENY:
		deny(t);
		return true;
	case VERDICT_BOUNCE:
		finish(t, TRIAL_BACKWARD, NULL);
		return true;
	case VERDICT_DIVERT:
		divert(t);
		return true;
	case VERDICT_REASS:
		finish(t, TRIAL_REASS, NULL);
		return true;
	case VERDICT_ACCEPT:
	case VERDICT_PIPE:
	case VERDICT_QUEUE:
		break;
	}
	return false;
}

/* All evaluations, one after the other, until one decides. */
static void
search(struct trial *t)
{
	enum verdict v = VERDICT_PIPE;
	unsigned first = 0;

	finish(t, TRIAL_ACCEPT, NULL);
	while (v != VERDICT_ACCEPT) {
		v = interp_explain(&t->pass, &t->pkt, first, &t->x);
		if (t->x.gave_up) {
			finish(t, TRIAL_ENDLESS, NULL);
			return;
		}
		if (see_off(t, v))
			return;
		if (v != VERDICT_ACCEPT && !pass_pipe(t, &v, &first))
			return;
		if (v == VERDICT_ACCEPT && t->out_pass && !t->pass.out) {
			t->pass.out = true;
			v = VERDICT_PIPE;
			first = 0;
			explain_note(&t->x, t->pass.rules->rules[0],
			    TRIAL_WAY_OUT);
		}
	}
}

/* The pass leaves no trace. */
static void
make_dry(struct trial *t)
{
	t->pass.counts = NULL;
	t->pass.check = NULL;
	t->pass.lookup_use = NULL;
	t->pass.log = NULL;
	t->pass.divert = NULL;
	t->pass.match = MATCH_LINEAR;
	t->pass.rng = &t->rng;
	t->pass.tags = &t->tags;
	t->pass.out = t->out;
	tag_reset(&t->tags);
}

void
trial_run(struct trial *t, const void *frame, unsigned len)
{
	memcpy(t->frame, frame, len);
	t->pkt = (struct pkt){.data = t->frame, .len = (uint16_t)len};
	t->flags = t->to = 0;
	t->x = (struct explain){.steps = t->x.steps,
	    .max_steps = t->x.max_steps, .prob = t->x.prob,
	    .in_earnest = t->x.in_earnest};
	make_dry(t);
	parse(&t->pkt, &t->parse);
	note_facts(&t->pkt, &t->facts);
	if (t->out && !t->out_pass)
		t->flags |= TRIAL_NO_OUT;
	if (!t->enabled) {
		t->flags |= TRIAL_FW_OFF;
		finish(t, TRIAL_ACCEPT, NULL);
	} else if (t->pkt.bad != PKT_GOOD) {
		finish(t, TRIAL_BAD, drop_text[drop_of_bad(t->pkt.bad)]);
	} else {
		search(t);
	}
}

/* ---- for the wire ---- */

static uint8_t
tos_of(const struct pkt *p)
{
	const uint8_t *h = p->data + p->l3;

	if (p->bad != PKT_GOOD || (p->flags & PKT_IP) == 0)
		return 0;
	return (p->flags & PKT_IP4) != 0 ? h[1] : (uint8_t)(get16(h) >> 4);
}

void
trial_reply(const struct trial *t, struct trial_reply *out)
{
	bool kept = t->x.n_steps <= t->x.max_steps;

	*out = (struct trial_reply){
	    .flags = t->flags | (t->x.either ? TRIAL_EITHER : 0) |
		(kept ? 0 : TRIAL_CUT),
	    .n_steps = kept ? t->x.n_steps : t->x.max_steps,
	    .n_looked = t->x.n_looked,
	    .rule_id = t->x.rule_id,
	    .rule = t->x.rule,
	    .end = (uint8_t)t->end,
	    .to = t->to,
	    .mark = t->pkt.mark,
	    .tos = tos_of(&t->pkt),
	    .facts = t->facts,
	};
	if (t->end == TRIAL_DENY && t->pkt.reply != REPLY_NONE) {
		static const uint8_t answers[] = {[REPLY_RST] = 1,
		    [REPLY_UNREACH] = 2, [REPLY_ABORT] = 3};

		out->answer = answers[t->pkt.reply];
		out->code = t->pkt.reply_code;
		out->mtu = t->pkt.reply_mtu;
	}
	memcpy(out->in_if, t->in_if, sizeof(out->in_if));
	memcpy(out->out_if, t->out_if, sizeof(out->out_if));
	if (t->why != NULL)
		memcpy(out->why, t->why, strnlen(t->why, sizeof(out->why) - 1));
}
