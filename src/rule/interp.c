/* SPDX-License-Identifier: BSD-2-Clause */
#include "rule/interp.h"

#include "packet/reply.h"
#include "packet/rewrite.h"
#include "rule/divert.h"
#include "rule/explain.h"
#include "rule/match.h"
#include "rule/plan.h"

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

/* Does what stands before the action; returns the action. */
static inline const struct insn *
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

/* Numbers of the rules that called, the last one on top. */
struct calls {
	unsigned depth;
	uint16_t from[CALL_DEPTH];
};

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

/* Where a jump to rule 'n' ends: what a lookup found goes along, past rules that
 * are switched off, as far as the first one that is asked. */
static inline unsigned
landing(const struct ruleset *rs, unsigned n, uint32_t tablearg)
{
	if (unlikely(tablearg != 0))
		while (!ruleset_on(rs, rs->rules[n]))
			n++;
	return n;
}

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

/* Two actions end the tests of their rules.  tcp-setmss does its work here: a
 * packet that it does not change is none that its rule matches.  Neither is
 * IPv6 for reass.  True for other actions. */
static inline bool
acts_on(const struct rule *r, struct pkt *p)
{
	if (unlikely(rule_eaction(r)))
		return rewrite_mss(p, r->cmd[r->n_words - 1].arg1);
	return (p->flags & PKT_IP6) == 0 || likely(!rule_reass(r));
}

/* Which rule sent a packet away, and where to. */
static inline struct pkt_fate
fate_of(const struct rule *r, uint16_t to)
{
	return (struct pkt_fate){
	    .rule_id = r->id, .rule_num = r->num, .to = to};
}

/* A packet's way through the rules: where its next candidate comes from. */
struct way {
	const struct plan *plan; /* NULL: every rule is one */
	struct walk *walk; /* its key is set */
	bool began;	   /* the walk did; without a forest there is no need */
	bool missed; /* a rule, while verifying */
};

/* The next rule worth asking from index 'n' on. */
static inline unsigned
candidate(struct way *way, const struct probe *probe, unsigned n)
{
	const struct plan *pl = way->plan;
	unsigned at = WALK_NONE, next;

	if (unlikely(pl->n_probes != 0)) {
		at = plan_next_probe(pl, n, probe->done, probe->name);
		if (at == n)
			return n;
	}
	if (!way->began) {
		walk_begin(way->walk, &pl->grove);
		way->began = true;
	}
	next = plan_next(pl, way->walk, n);
	return next < at ? next : at;
}

/* What rule 'n' was asked with; with it can be told whether it did anything, and
 * whether the plan would have asked it. */
struct before {
	struct probe probe;
	struct rng rng;
	unsigned n;
};

static void
verify(const struct pass *pass, struct way *way, const struct before *b,
    const struct probe *probe, enum outcome o)
{
	const struct rule *r = pass->rules->rules[b->n];

	bool idle = o == NO_MATCH && probe->done == b->probe.done &&
	    probe->name == b->probe.name && probe->jumps == b->probe.jumps &&
	    memcmp(&b->rng, pass->rng, sizeof(b->rng)) == 0;

	if (idle && !(r->keyed && plan_is_exact(way->plan)))
		return;
	if ((candidate(way, &b->probe, b->n) == b->n) == !idle)
		return;
	way->missed = true;
	stat_set(&pass->check->rule, r->num);
}

#define NO_TARGET (~0u) /* an index that no rule has */

static void
take_note(struct note *note, const struct rule *r, enum outcome o)
{
	note->rule = r->num;
	if (o == STATE_HIT)
		note->found = r->num;
}

/* The fate of a packet from index 'n' on; 'known' if that is a candidate.  'x',
 * if there is one, is told what happens, and nothing outside of the packet
 * does; like 'verifies' a constant. */
static inline __attribute__((always_inline)) enum verdict
run(const struct pass *pass, struct pkt *p, unsigned n, struct way *way,
    bool known, const bool verifies, struct explain *const x)
{
	struct before before;
	const struct ruleset *rs = pass->rules;
	unsigned bytes = pkt_count_bytes(p);
	uint32_t tablearg = 0;
	unsigned target = n; /* the rule that tablearg is carried to */
	struct probe probe = {.done = false};
	struct calls calls;
	/* Candidates whose keys fit, and keys that say all: enough said. */
	const bool trusts = !verifies && way->plan != NULL &&
	    plan_is_exact(way->plan);

	calls.depth = 0;
	for (;;) {
		const struct rule *r;
		const struct insn *act;
		enum outcome o;

		if (way->plan != NULL && !known && !verifies)
			n = candidate(way, &probe, n);
		known = false;
		r = rs->rules[n];
		if (unlikely(!ruleset_on(rs, r))) {
			if (x != NULL)
				explain_note(x, r, TRIAL_OFF);
			n++;
			continue;
		}
		if (x != NULL && !explain_look(x))
			return VERDICT_DENY;
		if (n != target)
			tablearg = 0;
		target = NO_TARGET; /* it is for this visit alone */
		if (verifies)
			before = (struct before){probe, *pass->rng, n};
		if (x != NULL)
			o = match_explained(pass, p, &probe, &n, &tablearg, x);
		else if (unlikely(r->stateful))
			o = match_stateful(pass, p, &probe, &n, &tablearg);
		else
			o = (trusts && r->keyed) ||
				matches(pass, r, p, &tablearg) ? MATCH : NO_MATCH;
		if (verifies)
			verify(pass, way, &before, &probe, o);
		if (unlikely(o == STATE_HIT)) {
			r = rs->rules[n];
			tablearg = 0;
			/* After an orphan comes the last rule; with that
			 * alone this wraps, and wraps back. */
			if (n >= rs->n_rules)
				n = rs->n_rules - 2;
		}
		if (o == NO_MATCH || (o != STATE_FULL && !acts_on(r, p))) {
			if (x != NULL && o != NO_MATCH)
				explain_note(x, r, TRIAL_IDLE);
			n++;
			continue;
		}
		if (unlikely(pass->note != NULL))
			take_note(pass->note, r, o);
		if (unlikely(o == STATE_FULL)) {
			if (x == NULL)
				counter_add(&pass->counts[r->counter], bytes,
				    pass->now_s);
			return VERDICT_DENY;
		}
		act = run_modifiers(pass, r, p, tablearg, x);
		if (unlikely(act->opcode == O_CALLRETURN) &&
		    !can_jump(act, &calls)) {
			if (x != NULL)
				explain_no_jump(x, r, act);
			n++;
			continue;
		}
		if (x != NULL)
			explain_act(x, r, act);
		else
			counter_add(&pass->counts[r->counter], bytes,
			    pass->now_s);
		switch (act->opcode) {
		case O_ACCEPT:
			return VERDICT_ACCEPT;
		case O_COUNT:
		case O_EXTERNAL_ACTION: /* done: acts_on() */
		case O_CHECK_STATE: /* of a rule that a state led to */
			n++;
			break;
		case O_SKIPTO:
			n = skip(rs, r, ARG16X(x, pass, act, tablearg, skipto));
			n = target = landing(rs, n, tablearg);
			break;
		case O_CALLRETURN:
			n = call_or_return(rs, r, act,
			    ARG16X(x, pass, act, tablearg, skipto), &calls);
			n = target = landing(rs, n, tablearg);
			break;
		case O_SETDSCP:
			rewrite_dscp(p, ARG16X(x, pass, act, tablearg, dscp) & 0x3f);
			n++;
			break;
		case O_SETMARK:
			p->mark = act->arg1 != TABLEARG ? insn_args(act)[0] :
			    tables_value(pass->tables, tablearg)->mark;
			if (x != NULL)
				explain_arg(x, p->mark, act->arg1 == TABLEARG);
			n++;
			break;
		case O_FORWARD_IP: /* here there is one other way: back */
		case O_FORWARD_IP6: /* but not for the answers of a state */
			return o == STATE_HIT && probe.backward ?
			    VERDICT_ACCEPT : VERDICT_BOUNCE;
		case O_TEE: {
			struct pkt_fate to = fate_of(r,
			    ARG16X(x, pass, act, tablearg, divert));

			divert_tee(pass, p, &to);
			n++;
			break;
		}
		case O_PIPE:
		case O_QUEUE:
			p->fate = fate_of(r, ARG16X(x, pass, act, tablearg, pipe));
			return act->opcode == O_PIPE ? VERDICT_PIPE :
						       VERDICT_QUEUE;
		case O_DIVERT:
			p->fate = fate_of(r,
			    ARG16X(x, pass, act, tablearg, divert));
			return VERDICT_DIVERT;
		case O_REASS:
			if ((p->flags & PKT_FRAG) == 0 ||
			    (p->flags & PKT_IP4) == 0) {
				n++;
				break;
			}
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
}

static inline const struct plan *
plan_of(const struct pass *pass)
{
	return likely(pass->match != MATCH_LINEAR) ? pass->rules->plan : NULL;
}

/* As run(), rule after rule, and asks the plan about each that did something. */
static __attribute__((noinline)) enum verdict
run_verified(const struct pass *pass, struct pkt *p, unsigned n,
    struct way *way)
{
	enum verdict v = run(pass, p, n, way, false, true, NULL);

	stat_add(&pass->check->pkts, 1);
	if (way->missed)
		stat_add(&pass->check->differences, 1);
	return v;
}

/* One packet from index 'n' on, whose walk is still to begin. */
static inline __attribute__((always_inline)) enum verdict
run_one(const struct pass *pass, struct pkt *p, unsigned n)
{
	struct walk walk;
	struct way way = {.plan = plan_of(pass), .walk = &walk};

	if (way.plan != NULL) {
		way.began = way.plan->flat != NULL;
		walk.key = key_of_pkt(p, pass->out);
	}
	if (unlikely(pass->match == MATCH_VERIFY) && way.plan != NULL)
		return run_verified(pass, p, n, &way);
	return run(pass, p, n, &way, false, false, NULL);
}

enum verdict
interp_run(const struct pass *pass, struct pkt *p, unsigned first)
{
	if (pass->rules->stateful)
		stateful_burst(pass, p, 1, 0);
	return run_one(pass, p, first);
}

__attribute__((noinline, cold)) enum verdict
interp_explain(const struct pass *pass, struct pkt *p, unsigned first,
    struct explain *x)
{
	struct way way = {.plan = NULL};

	if (pass->states != NULL && (p->flags & PKT_IP) != 0)
		p->flow_hash = state_hash(pass->states, p);
	return run(pass, p, first, &way, false, false, x);
}

/* True if walks of a burst shall begin together: not if the first rule sends
 * most packets on by their states. */
static inline bool
is_for_groups(const struct plan *pl)
{
	return pl != NULL && pl->in_bursts &&
	    (pl->n_probes == 0 || pl->probes[0].at != 0);
}

/* Some packets whose walks begin together; they are decided in order. */
static void
run_group(const struct pass *pass, struct pkt *const *pkts, unsigned n,
    const struct plan *plan)
{
	struct walk walks[WALK_BURST];
	unsigned first[WALK_BURST];
	const struct rule *r[WALK_BURST];

	for (unsigned i = 0; i < n; i++)
		walks[i].key = key_of_pkt(pkts[i], pass->out);
	walk_burst(walks, n, &plan->grove);
	for (unsigned i = 0; i < n; i++) {
		first[i] = plan_next(plan, &walks[i], 0);
		__builtin_prefetch(&pass->rules->rules[first[i]]);
	}
	for (unsigned i = 0; i < n; i++) {
		r[i] = pass->rules->rules[first[i]];
		__builtin_prefetch(r[i]);
		__builtin_prefetch((const char *)r[i] + CACHE_LINE);
	}
	for (unsigned i = 0; i < n; i++)
		__builtin_prefetch(&pass->counts[r[i]->counter], 1);
	for (unsigned i = 0; i < n; i++) {
		struct way way = {.plan = plan, .walk = &walks[i],
			.began = true};
		bool known = plan->n_probes == 0;

		pkts[i]->verdict = (uint8_t)run(pass, pkts[i],
		    known ? first[i] : 0, &way, known, false, NULL);
	}
}

/* A burst in groups. */
static void
run_groups(const struct pass *pass, struct pkt *pkts, unsigned n,
    const struct plan *plan)
{
	struct pkt *group[WALK_BURST];
	unsigned have = 0;

	for (unsigned i = 0; i < n; i++) {
		if (pass->rules->stateful && i % STATE_STEP == 0)
			stateful_burst(pass, pkts, n, i);
		if (likely(pkts[i].bad == PKT_GOOD))
			group[have++] = &pkts[i];
		if (have == WALK_BURST || (i + 1 == n && have > 0)) {
			run_group(pass, group, have, plan);
			have = 0;
		}
	}
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

	if (unlikely(pass->note != NULL))
		pass->note->rule = r->num;
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
	lookup_burst(pass, pkts, n);
	if (is_for_groups(plan_of(pass)) && pass->match == MATCH_INDEX) {
		run_groups(pass, pkts, n, plan_of(pass));
		return;
	}
	for (unsigned i = 0; i < n; i++) {
		struct pkt *p = &pkts[i];

		if (pass->rules->stateful && i % STATE_STEP == 0)
			stateful_burst(pass, pkts, n, i);
		if (likely(p->bad == PKT_GOOD))
			p->verdict = (uint8_t)run_one(pass, p, 0);
	}
}
