/* SPDX-License-Identifier: BSD-2-Clause */
#include "rule/action.h"

#include "packet/reply.h"
#include "packet/rewrite.h"
#include "rule/divert.h"
#include "rule/explain.h"

/* A 16-bit argument, or the member of a table's value in its place. */
#define ARG16(pass, insn, tablearg, member) \
	((insn)->arg1 != TABLEARG ? (insn)->arg1 : \
	    (uint16_t)tables_value((pass)->tables, (tablearg))->member)

/* The same, told to 'x'. */
#define ARG16X(x, pass, insn, tablearg, member) \
	noted((x), ARG16((pass), (insn), (tablearg), member), \
	    (insn)->arg1 == TABLEARG)

static inline uint16_t
noted(struct explain *const x, uint16_t value, bool of_table)
{
	if (x != NULL)
		explain_arg(x, value, of_table);
	return value;
}

bool
action_tests(const struct rule *r, struct pkt *p)
{
	if (unlikely(rule_eaction(r)))
		return rewrite_mss(p, r->cmd[r->n_words - 1].arg1);
	return (p->flags & PKT_IP6) == 0 || likely(!rule_reass(r));
}

/* ---- modifiers ---- */

/* Leaves a record of the packet for the log, if somebody reads it. */
static __attribute__((noinline)) void
run_log(const struct pass *pass, const struct rule *r, const struct insn *i,
    const struct pkt *p, uint32_t tablearg)
{
	bool text = i->arg1 == 0 ? pass->log_text :
				   (i->arg1 & LOGDST_SYSLOG) != 0;
	bool capture = !pass->log_text_only &&
	    (i->arg1 == 0 || (i->arg1 & LOGDST_BPF) != 0);

	if (pass->log == NULL || !(text || capture))
		return;
	record_packet(pass->log, r, p, &(struct record_at){
	    .log = (const struct insn_log *)(const void *)i,
	    .value = tables_value(pass->tables, tablearg),
	    .ifname = pass->out ? pass->out_if : pass->in_if,
	    .out = pass->out,
	    .text = text,
	    .capture = capture,
	    .left = &pass->log_left[r->counter],
	});
}

/* Does what stands before the action; returns the action.  Here and below, 'x' is
 * a constant: NULL, or it is told what happens. */
static inline __attribute__((always_inline)) const struct insn *
run_modifiers(const struct pass *pass, const struct rule *r, struct pkt *p,
    uint32_t tablearg, struct explain *const x)
{
	const struct insn *i = rule_action(r);

	while (unlikely(i->opcode == O_TAG || i->opcode == O_LOG)) {
		uint16_t tag = ARG16(pass, i, tablearg, tag);

		if (x != NULL)
			explain_modifier(x, r, i, tag);
		if (i->opcode == O_LOG)
			run_log(pass, r, i, p, tablearg);
		else if ((i->len & INSN_NOT) != 0)
			tag_clear(pass->tags, &p->tags, tag);
		else if (tag != 0)
			tag_set(pass->tags, &p->tags, tag);
		i = insn_next(i);
	}
	return i;
}

/* ---- jumps ---- */

/* False: there is no room to call, or no caller to return to.  Such a rule does
 * what stands before its action, but neither counts nor jumps. */
static bool
can_jump(const struct insn *act, const struct calls *c)
{
	return (act->len & INSN_NOT) != 0 ? c->depth > 0 :
					    c->depth < CALL_DEPTH;
}

/* The index after a call or return of rule 'r' that can. */
static unsigned
call_or_return(const struct ruleset *rs, const struct rule *r,
    const struct insn *act, unsigned to, struct calls *c)
{
	if ((act->len & INSN_NOT) != 0)
		return ruleset_find(rs, c->from[--c->depth] + 1u);
	c->from[c->depth++] = r->num;
	return ruleset_find(rs, to);
}

/* The index after a skipto of rule 'r': never back, at least the next number. */
static unsigned
skip(const struct ruleset *rs, const struct rule *r, unsigned to)
{
	return ruleset_find(rs, to <= r->num ? r->num + 1u : to);
}

/* Goes on at rule 'n', where a jump ends: what a lookup found goes along, past
 * rules that are switched off, as far as the first one that is asked. */
static void
land(const struct ruleset *rs, struct trip *t, unsigned n)
{
	if (unlikely(t->answers.tablearg != 0))
		while (!ruleset_on(rs, rs->rules[n]))
			n++;
	t->n = t->target = n;
}

static inline __attribute__((always_inline)) void
jump(const struct pass *pass, const struct rule *r, const struct insn *act,
    struct trip *t, struct explain *const x)
{
	const struct ruleset *rs = pass->rules;
	unsigned to = ARG16X(x, pass, act, t->answers.tablearg, skipto);

	land(rs, t, act->opcode == O_SKIPTO ? skip(rs, r, to) :
	    call_or_return(rs, r, act, to, &t->calls));
}

/* ---- ends ---- */

/* Notes which answer a rejected packet gets.  The actions for IPv6 answer only
 * IPv6; those of IPv4 answer both. */
static void
reject(struct pkt *p, const struct insn *act)
{
	bool ip6 = (p->flags & PKT_IP6) != 0;
	bool map = act->opcode == O_REJECT && ip6;

	if (act->opcode == O_UNREACH6 && !ip6)
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
		    (uint16_t)insn_args(act)[0] : 0;
	}
}

/* Which rule sent a packet away, and where to. */
static inline struct pkt_fate
fate_of(const struct rule *r, uint16_t to)
{
	return (struct pkt_fate){
	    .rule_id = r->id, .rule_num = r->num, .to = to};
}

/* An action that ends the search, or sends the packet away for a while. */
static inline __attribute__((always_inline)) enum verdict
finish(const struct pass *pass, const struct rule *r, const struct insn *act,
    struct pkt *p, const struct trip *t, enum outcome o,
    struct explain *const x)
{
	switch (act->opcode) {
	case O_ACCEPT:
		return VERDICT_ACCEPT;
	case O_FORWARD_IP: /* here there is one other way: back */
	case O_FORWARD_IP6: /* but not for the answers of a state */
		return o == STATE_HIT && t->probe.backward ? VERDICT_ACCEPT :
							      VERDICT_BOUNCE;
	case O_PIPE:
	case O_QUEUE:
		p->fate = fate_of(r, ARG16X(x, pass, act, t->answers.tablearg, pipe));
		return act->opcode == O_PIPE ? VERDICT_PIPE : VERDICT_QUEUE;
	case O_DIVERT:
		p->fate = fate_of(r, ARG16X(x, pass, act, t->answers.tablearg, divert));
		return VERDICT_DIVERT;
	case O_REASS:
		p->fate = fate_of(r, 0);
		return VERDICT_REASS;
	case O_REJECT:
	case O_UNREACH6:
		reject(p, act);
		return VERDICT_DENY;
	default:
		return VERDICT_DENY;
	}
}

/* ---- all of it ---- */

/* Does an action after which the search goes on, at the next rule or elsewhere.
 * False: it is none of those. */
static inline __attribute__((always_inline)) bool
passes_on(const struct pass *pass, const struct rule *r,
    const struct insn *act, struct pkt *p, struct trip *t,
    struct explain *const x)
{
	switch (act->opcode) {
	case O_COUNT:
	case O_EXTERNAL_ACTION: /* done: action_tests() */
	case O_CHECK_STATE: /* of a rule that a state led to */
		break;
	case O_SKIPTO:
	case O_CALLRETURN:
		jump(pass, r, act, t, x);
		return true;
	case O_SETDSCP:
		rewrite_dscp(p, ARG16X(x, pass, act, t->answers.tablearg, dscp) & 0x3f);
		break;
	case O_SETMARK:
		p->mark = act->arg1 != TABLEARG ? insn_args(act)[0] :
		    tables_value(pass->tables, t->answers.tablearg)->mark;
		if (x != NULL)
			explain_arg(x, p->mark, act->arg1 == TABLEARG);
		break;
	case O_TEE: {
		struct pkt_fate to = fate_of(r,
		    ARG16X(x, pass, act, t->answers.tablearg, divert));

		divert_tee(pass, p, &to);
		break;
	}
	case O_REASS:
		if ((p->flags & PKT_FRAG) != 0 && (p->flags & PKT_IP4) != 0)
			return false;
		break;
	default:
		return false;
	}
	t->n++;
	return true;
}

static inline __attribute__((always_inline)) bool
run(const struct pass *pass, const struct rule *r, struct pkt *p,
    struct trip *t, enum outcome o, enum verdict *v, struct explain *const x)
{
	const struct insn *act = run_modifiers(pass, r, p, t->answers.tablearg, x);

	if (unlikely(act->opcode == O_CALLRETURN) &&
	    !can_jump(act, &t->calls)) {
		if (x != NULL)
			explain_no_jump(x, r, act);
		t->n++;
		return false;
	}
	if (x != NULL)
		explain_act(x, r, act);
	else
		counter_add(&pass->counts[r->counter], pkt_count_bytes(p),
		    pass->now_s);
	if (passes_on(pass, r, act, p, t, x))
		return false;
	*v = finish(pass, r, act, p, t, o, x);
	return true;
}

bool
action_run(const struct pass *pass, const struct rule *r, struct pkt *p,
    struct trip *t, enum outcome o, enum verdict *v)
{
	return run(pass, r, p, t, o, v, NULL);
}

__attribute__((cold)) bool
action_explained(const struct pass *pass, const struct rule *r,
    struct pkt *p, struct trip *t, enum outcome o, enum verdict *v,
    struct explain *x)
{
	return run(pass, r, p, t, o, v, x);
}
