/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/trial.h"

#include "cli/names.h"
#include "cli/why.h"

#include <stdio.h>
#include <string.h>

static const char indent[] = "        ";

/* ---- rules ---- */

static const struct list_entry *
rule_of(const struct trial_view *v, const struct trial_step *s)
{
	return rulebook_find(v->book, s->rule, s->rule_id);
}

/* The rule's line, '\n' included. */
static void
put_rule(struct text *t, const struct trial_view *v, unsigned num, uint32_t id)
{
	const struct list_entry *en = rulebook_find(v->book, num, id);

	if (en != NULL)
		print_rule(t, en->rule, en->size, NULL, &v->book->opt);
	else
		text_f(t, "%05u (deleted; states keep it)\n", num);
}

static const struct insn *
insn_at(const struct trial_view *v, const struct trial_step *s)
{
	const struct list_entry *en = rule_of(v, s);

	return en == NULL ? NULL :
	    print_next(en->rule, en->size, s->word, NULL);
}

static void
put_state_name(struct text *t, const struct trial_view *v, unsigned idx)
{
	const struct print_opt *o = &v->book->opt;

	for (unsigned k = 0; k < o->n_names; k++)
		if (o->names[k].head.type == TLV_STATE_NAME &&
		    o->names[k].idx == idx) {
			text_f(t, " :");
			text_safe(t, o->names[k].name,
			    sizeof(o->names[k].name));
			return;
		}
}

/* ---- what rules do ---- */

static void
put_answer(struct text *t, const struct trial_reply *r)
{
	switch (r->answer) {
	case 1:
		text_f(t, ", answered with a TCP RST");
		break;
	case 2:
		text_f(t, ", answered with ICMP unreachable, code %u", r->code);
		break;
	case 3:
		text_f(t, ", answered with an SCTP ABORT");
		break;
	}
}

/* What an action does, by its opcode. */
static const struct {
	uint8_t op;
	const char *text;
} acts[] = {
    {O_ACCEPT, "accepts it"},
    {O_DENY, "drops it"},
    {O_REJECT, "rejects it"},
    {O_UNREACH6, "rejects it"},
    {O_COUNT, "counts it"},
    {O_CHECK_STATE, "goes on"},
    {O_EXTERNAL_ACTION, "lowers its MSS"},
    {O_FORWARD_IP, "sends it back by the port it came from"},
    {O_FORWARD_IP6, "sends it back by the port it came from"},
    {O_REASS, "waits for all fragments, if it is one"},
};

enum shape { DECIMAL, RULE_NUM, HEX };

static const struct {
	uint8_t op;
	uint8_t shape; /* of the number behind the text */
	const char *text;
} numbers[] = {
    {O_SKIPTO, RULE_NUM, "goes on at "},
    {O_CALLRETURN, RULE_NUM, "calls "},
    {O_PIPE, DECIMAL, "sends it through pipe "},
    {O_QUEUE, DECIMAL, "sends it through queue "},
    {O_DIVERT, DECIMAL, "gives it to divert port "},
    {O_TEE, DECIMAL, "gives a copy to divert port "},
    {O_SETMARK, HEX, "sets its mark to 0x"},
};

static bool
put_number_act(struct text *t, const struct insn *i, uint32_t value)
{
	for (size_t k = 0; k < ARRAY_LEN(numbers); k++) {
		if (numbers[k].op != i->opcode)
			continue;
		text_f(t, "%s", numbers[k].text);
		if (numbers[k].shape == RULE_NUM)
			text_f(t, "%05u", value);
		else if (numbers[k].shape == HEX)
			text_f(t, "%x", value);
		else
			text_f(t, "%u", value);
		return true;
	}
	return false;
}

static bool
put_plain_act(struct text *t, const struct insn *i)
{
	for (size_t k = 0; k < ARRAY_LEN(acts); k++)
		if (acts[k].op == i->opcode) {
			text_f(t, "%s", acts[k].text);
			return true;
		}
	return false;
}

void
trial_print_act(struct text *t, const struct trial_view *v,
    const struct trial_step *s)
{
	const struct insn *i = insn_at(v, s);

	if (i == NULL) {
		text_f(t, "acts");
		return;
	}
	if (i->opcode == O_CALLRETURN && (i->len & INSN_NOT) != 0) {
		text_f(t, "returns");
		return;
	} else if (i->opcode == O_SETDSCP) {
		text_f(t, "sets its dscp to ");
		why_dscp(t, (s->value & 0x3f) << 2);
	} else if (!put_plain_act(t, i) && !put_number_act(t, i, s->value)) {
		text_f(t, "acts");
	}
	if (s->arg != 0)
		text_f(t, " (tablearg)");
}

static void
put_keep(struct text *t, const struct trial_view *v,
    const struct trial_step *s)
{
	static const struct {
		const char *before, *behind; /* the name */
	} texts[] = {
	    [TRIAL_KEEP_MADE] = {"would make the state", ""},
	    [TRIAL_KEEP_THERE] = {"its state", " is there already"},
	    [TRIAL_KEEP_NO_IP] = {"no state", ": the packet is not IP"},
	    [TRIAL_KEEP_FULL] = {"no room for the state", ": drops it"},
	    [TRIAL_KEEP_LIMITED] = {"no state", ", the limit is reached: "
		"drops it"},
	};
	const struct insn *i = insn_at(v, s);
	unsigned k = s->n < ARRAY_LEN(texts) ? s->n : TRIAL_KEEP_MADE;

	text_f(t, "%s%s", indent, texts[k].before);
	if (i != NULL)
		put_state_name(t, v, i->arg1);
	text_f(t, "%s\n", texts[k].behind);
}

static void
put_hit(struct text *t, const struct trial_view *v,
    const struct trial_step *s)
{
	text_f(t, "%sfinds the state", indent);
	put_state_name(t, v, s->n);
	if ((s->value & TRIAL_MADE_NOW) != 0)
		text_f(t, " that it would have made");
	if ((s->value & TRIAL_BACK) != 0)
		text_f(t, ", as an answer");
	text_f(t, "\n");
}

static void
put_prob(struct text *t, const struct insn *i, bool taken)
{
	text_f(t, "prob");
	if (insn_words(i) == 2)
		text_f(t, " %.4g", insn_args(i)[0] / 2147483647.0);
	text_f(t, ": taken as %s", taken ? "a match" : "no match");
}

/* ---- tests that fail ---- */

/* One more reason, unless it is there; "packet has" once. */
static void
add_reason(struct text *why, const char *one)
{
	static const char has[] = "packet has ";
	size_t len = sizeof(has) - 1;

	if (strstr(text_str(why), one) != NULL)
		return;
	if (why->len > 0 && strncmp(text_str(why), has, len) == 0 &&
	    strncmp(one, has, len) == 0)
		one += len;
	text_f(why, "%s%s", why->len > 0 ? ", " : "", one);
}

void
trial_print_miss(struct text *t, const struct trial_view *v,
    const struct trial_step *s, bool out)
{
	const struct list_entry *en = rule_of(v, s);
	struct text why = {0}, one = {0};
	const struct insn *i = insn_at(v, s);
	const char *test;

	if (i == NULL) {
		text_f(t, "does not match");
		return;
	}
	if (i->opcode == O_PROB) {
		put_prob(t, i, false);
		return;
	}
	print_test(&one, en->rule, en->size, s->word, &v->book->opt);
	test = text_str(&one);
	text_f(t, "%s: ", test + (*test == ' '));
	/* Of tests that 'or' ties, each reason once. */
	for (; i != NULL; i = print_next(en->rule, en->size, s->word, i)) {
		text_reset(&one);
		why_not(&one, i, v->r, out, s->value);
		add_reason(&why, text_str(&one));
	}
	text_f(t, "%s", text_str(&why));
	text_fini(&one);
	text_fini(&why);
}

/* Rules that were passed over and are not shown. */
struct passed {
	unsigned n, first, last;
};

static void
flush_passed(struct text *t, struct passed *p)
{
	if (p->n == 1)
		text_f(t, "  (rule %05u does not match)\n", p->first);
	else if (p->n > 1 && p->first == p->last)
		text_f(t, "  (%u rules %05u do not match)\n", p->n, p->first);
	else if (p->n > 1)
		text_f(t, "  (%u rules from %05u to %05u do not match)\n",
		    p->n, p->first, p->last);
	p->n = 0;
}

bool
trial_is_shown(const struct trial_step *s, const struct trial_opt *o)
{
	if (s->what == TRIAL_OFF)
		return o->all || (o->near > 0 && s->n == 0);
	return o->all || (s->n > 0 && s->n <= o->near);
}

static void
put_miss(struct text *t, const struct trial_view *v,
    const struct trial_step *s, const struct trial_opt *o, bool out)
{
	text_f(t, "- ");
	put_rule(t, v, s->rule, s->rule_id);
	text_f(t, "%s", indent);
	if (s->what == TRIAL_OFF) {
		text_f(t, "its set is disabled%s\n",
		    s->n == 0 ? " (nothing else)" : "");
		return;
	}
	trial_print_miss(t, v, s, out);
	if (o->near > 0 && s->n == 1)
		text_f(t, " (nothing else)");
	text_f(t, "\n");
}

/* ---- the way through the rules ---- */

/* What is printed so far. */
struct walk {
	struct passed passed;
	bool out;
	unsigned rule; /* whose line is the last; 0 = none */
	uint32_t id;
};

/* The line of a rule that does something, once for steps that follow. */
static void
put_head(struct text *t, const struct trial_view *v,
    const struct trial_step *s, struct walk *w)
{
	flush_passed(t, &w->passed);
	if (w->rule == s->rule && w->id == s->rule_id)
		return;
	w->rule = s->rule;
	w->id = s->rule_id;
	text_f(t, "+ ");
	put_rule(t, v, s->rule, s->rule_id);
}

static void
put_effect(struct text *t, const struct trial_view *v,
    const struct trial_step *s)
{
	switch (s->what) {
	case TRIAL_PROB:
		text_f(t, "%s", indent);
		if (insn_at(v, s) != NULL)
			put_prob(t, insn_at(v, s), s->n != 0);
		text_f(t, "\n");
		break;
	case TRIAL_HIT:
		put_hit(t, v, s);
		break;
	case TRIAL_KEEP:
		put_keep(t, v, s);
		break;
	case TRIAL_DEFER:
		text_f(t, "%sleaves its action to those with a state\n",
		    indent);
		break;
	case TRIAL_IDLE:
		text_f(t, "%shas nothing to change: goes on\n", indent);
		break;
	case TRIAL_NO_JUMP:
		text_f(t, "%s%s: goes on\n", indent, s->n == 0 ?
		    "too many calls are open" : "nobody called");
		break;
	case TRIAL_LOG:
		text_f(t, "%slogs it\n", indent);
		break;
	case TRIAL_TAG:
		text_f(t, "%sgives it tag %u\n", indent, s->n);
		break;
	case TRIAL_UNTAG:
		text_f(t, "%stakes tag %u away\n", indent, s->n);
		break;
	case TRIAL_ACT:
		text_f(t, "%s", indent);
		trial_print_act(t, v, s);
		text_f(t, "\n");
		break;
	}
}

/* True for what a rule does before it turns out that it does not match. */
static bool
is_in_vain(const struct trial_view *v, const struct trial_step *s)
{
	const struct trial_step *end = v->steps + v->n_steps;

	while (s < end && (s->what == TRIAL_PROB || s->what == TRIAL_KEEP))
		s++;
	return s < end && s->what == TRIAL_MISS;
}

static void
put_step(struct text *t, const struct trial_view *v,
    const struct trial_step *s, const struct trial_opt *o, struct walk *w)
{
	bool passed = s->what == TRIAL_OFF || s->what == TRIAL_MISS;

	if (s->what == TRIAL_PROB && is_in_vain(v, s))
		return;
	if (s->what == TRIAL_RESUME || s->what == TRIAL_WAY_OUT) {
		flush_passed(t, &w->passed);
		w->out = w->out || s->what == TRIAL_WAY_OUT;
		w->rule = 0;
		text_f(t, s->what == TRIAL_RESUME ? "after the pipe:\n" :
						    "on the way out:\n");
	} else if (!passed) {
		put_head(t, v, s, w);
		put_effect(t, v, s);
	} else if (trial_is_shown(s, o)) {
		flush_passed(t, &w->passed);
		w->rule = 0;
		put_miss(t, v, s, o, w->out);
	} else {
		w->rule = 0;
		if (w->passed.n++ == 0)
			w->passed.first = s->rule;
		w->passed.last = s->rule;
	}
	if (s->what == TRIAL_ACT) /* the same rule again is another visit */
		w->rule = 0;
}

/* ---- what becomes of it ---- */

static void
put_by(struct text *t, const struct trial_reply *r)
{
	if ((r->flags & TRIAL_FW_OFF) != 0)
		text_f(t, ": the firewall is off "
		    "(net.inet.ip.fw.enable=0)");
	else if (r->rule != 0)
		text_f(t, " by rule %05u", r->rule);
}

static void
put_pipe(struct text *t, const struct trial_reply *r)
{
	if ((r->flags & (TRIAL_PIPED | TRIAL_QUEUED)) != 0)
		text_f(t, ", through %s %u",
		    (r->flags & TRIAL_PIPED) != 0 ? "pipe" : "queue", r->to);
}

/* Why it is dropped, unless a rule says so. */
static void
put_reason(struct text *t, const struct trial_reply *r)
{
	if (strcmp(r->why, "denied by a rule") == 0)
		return;
	text_f(t, ": ");
	text_safe(t, r->why, sizeof(r->why));
}

static void
put_denied(struct text *t, const struct trial_view *v)
{
	const struct trial_reply *r = v->r;

	if (v->offline && (r->flags & TRIAL_NOBODY) != 0) {
		text_f(t, "diverted");
		put_by(t, r);
		text_f(t, " to port %u, if somebody listens there", r->to);
		return;
	}
	text_f(t, "dropped");
	put_by(t, r);
	if ((r->flags & TRIAL_NOBODY) != 0)
		text_f(t, ", divert port %u", r->to);
	if ((r->flags & TRIAL_NO_PIPE) != 0)
		text_f(t, ", %s %u", (r->flags & TRIAL_PIPED) != 0 ? "pipe" :
								     "queue",
		    r->to);
	put_reason(t, r);
	put_answer(t, r);
}

/* "accepted by rule 00100": no line of its own. */
static void
put_end(struct text *t, const struct trial_view *v)
{
	const struct trial_reply *r = v->r;

	switch (r->end) {
	case TRIAL_ACCEPT:
		text_f(t, "accepted");
		put_by(t, r);
		put_pipe(t, r);
		break;
	case TRIAL_DENY:
		put_denied(t, v);
		break;
	case TRIAL_BACKWARD:
		text_f(t, "sent back");
		put_by(t, r);
		break;
	case TRIAL_DIVERT:
		text_f(t, "diverted");
		put_by(t, r);
		text_f(t, " to port %u; its listener decides", r->to);
		break;
	case TRIAL_REASS:
		text_f(t, "kept");
		put_by(t, r);
		text_f(t, " until all its fragments are there");
		break;
	case TRIAL_BAD:
		text_f(t, "dropped before the rules");
		put_reason(t, r);
		break;
	default:
		text_f(t, "given up after %u rules: they call each other",
		    r->n_looked);
		break;
	}
}

static void
put_way(struct text *t, const struct trial_view *v)
{
	const struct trial_reply *r = v->r;

	why_packet(t, &r->facts);
	text_f(t, ", %u octets", r->facts.frame_len);
	if (r->in_if[0] != '\0') {
		text_f(t, ", recv ");
		text_safe(t, r->in_if, sizeof(r->in_if));
	}
	if (r->out_if[0] != '\0') {
		text_f(t, ", xmit ");
		text_safe(t, r->out_if, sizeof(r->out_if));
	}
	text_f(t, "\n");
}

/* Where a dropped packet has nearly met other rules, and nobody has asked. */
static void
put_hint(struct text *t, const struct trial_view *v)
{
	unsigned n = 0;

	for (unsigned i = 0; i < v->n_steps; i++)
		n += (v->steps[i].what == TRIAL_MISS && v->steps[i].n == 1) ||
		    (v->steps[i].what == TRIAL_OFF && v->steps[i].n == 0);
	if (n > 0)
		text_f(t, "note: one thing alone keeps %u %s from matching; "
		    "--near shows %s\n", n, n == 1 ? "rule" : "rules",
		    n == 1 ? "it" : "them");
}

static void
put_remarks(struct text *t, const struct trial_view *v,
    const struct trial_opt *o)
{
	const struct trial_reply *r = v->r;

	if (r->end == TRIAL_DENY && o->near == 0 && !o->all)
		put_hint(t, v);
	if ((r->flags & TRIAL_NO_OUT) != 0)
		text_f(t, "note: no rules are asked on the way out now "
		    "(net.inet.ip.fw.out_pass=0)\n");
	if ((r->flags & TRIAL_EITHER) != 0)
		text_f(t, "note: one of two states was found, and it might be "
		    "the other one\n");
	if ((r->flags & TRIAL_CUT) != 0)
		text_f(t, "note: only the first %u steps are shown\n",
		    v->n_steps);
}

void
trial_print(struct text *t, const struct trial_view *v,
    const struct trial_opt *o)
{
	struct walk w = {.passed = {.n = 0}};

	put_way(t, v);
	for (unsigned i = 0; i < v->n_steps; i++)
		put_step(t, v, &v->steps[i], o, &w);
	flush_passed(t, &w.passed);
	put_remarks(t, v, o);
	put_end(t, v);
	text_f(t, "\n");
}

void
trial_print_line(struct text *t, const struct trial_view *v, unsigned number)
{
	text_f(t, "%6u ", number);
	why_packet(t, &v->r->facts);
	text_f(t, ": ");
	put_end(t, v);
	text_f(t, "\n");
}
