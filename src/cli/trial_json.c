/* SPDX-License-Identifier: BSD-2-Clause */
/* The answer to 'ipfw test' as an object of JSON, one a line. */
#include "cli/trial.h"

#include "cli/why.h"

#include <arpa/inet.h>
#include <string.h>

/* ---- JSON ---- */

/* "NAME":"VALUE", with what must not stand there escaped; octets that are not
 * ASCII become '?'. */
static void
put_string(struct text *t, const char *name, const char *value)
{
	text_f(t, "\"%s\":\"", name);
	for (; *value != '\0'; value++) {
		unsigned char c = (unsigned char)*value;

		if (c == '"' || c == '\\')
			text_f(t, "\\%c", c);
		else if (c == '\n')
			text_f(t, "\\n");
		else
			text_f(t, "%c", c < ' ' || c > '~' ? '?' : c);
	}
	text_f(t, "\"");
}

static void
put_number(struct text *t, const char *name, unsigned value)
{
	text_f(t, "\"%s\":%u", name, value);
}

/* The string that 'put' wrote to 'one', which is emptied. */
static void
put_text(struct text *t, const char *name, struct text *one)
{
	if (one->len > 0 && one->s[one->len - 1] == '\n')
		one->s[--one->len] = '\0';
	put_string(t, name, text_str(one));
	text_reset(one);
}

/* ---- the packet ---- */

static void
put_addr(struct text *t, const char *name, const struct trial_facts *f,
    const uint8_t *addr)
{
	char buf[INET6_ADDRSTRLEN];
	int family = (f->flags & TRIAL_IP6) != 0 ? AF_INET6 : AF_INET;

	text_f(t, ",");
	put_string(t, name, inet_ntop(family, addr, buf, sizeof(buf)) != NULL ?
	    buf : "");
}

static void
put_packet(struct text *t, const struct trial_view *v, unsigned number)
{
	const struct trial_facts *f = &v->r->facts;
	struct text one = {0};

	text_f(t, "\"packet\":{");
	if (number != 0) {
		put_number(t, "number", number);
		text_f(t, ",");
	}
	why_packet(&one, f);
	put_text(t, "text", &one);
	text_fini(&one);
	text_f(t, ",");
	put_number(t, "octets", f->frame_len);
	if (f->bad == 0 && (f->flags & (TRIAL_IP4 | TRIAL_IP6)) != 0) {
		text_f(t, ",");
		put_number(t, "proto", f->proto);
		put_addr(t, "src", f, f->src);
		put_addr(t, "dst", f, f->dst);
	}
	if (f->bad == 0 && (f->flags & TRIAL_PORTS) != 0) {
		text_f(t, ",");
		put_number(t, "sport", f->sport);
		text_f(t, ",");
		put_number(t, "dport", f->dport);
	}
	text_f(t, ",");
	put_string(t, "recv", v->r->in_if);
	text_f(t, ",");
	put_string(t, "xmit", v->r->out_if);
	text_f(t, "}");
}

/* ---- steps ---- */

static const char *const step_names[] = {
    [TRIAL_OFF] = "disabled",
    [TRIAL_MISS] = "miss",
    [TRIAL_PROB] = "prob",
    [TRIAL_HIT] = "state-found",
    [TRIAL_KEEP] = "state-kept",
    [TRIAL_DEFER] = "deferred",
    [TRIAL_IDLE] = "idle",
    [TRIAL_NO_JUMP] = "no-jump",
    [TRIAL_LOG] = "log",
    [TRIAL_TAG] = "tag",
    [TRIAL_UNTAG] = "untag",
    [TRIAL_ACT] = "act",
    [TRIAL_RESUME] = "after-pipe",
    [TRIAL_WAY_OUT] = "way-out",
};

static const char *const keep_names[] = {
    [TRIAL_KEEP_MADE] = "new",
    [TRIAL_KEEP_THERE] = "there",
    [TRIAL_KEEP_NO_IP] = "not-ip",
    [TRIAL_KEEP_FULL] = "no-room",
    [TRIAL_KEEP_LIMITED] = "limit",
};

/* What is special about some kinds of steps. */
static void
put_detail(struct text *t, const struct trial_view *v,
    const struct trial_step *s, bool out)
{
	struct text one = {0};

	switch (s->what) {
	case TRIAL_OFF:
		text_f(t, ",");
		put_number(t, "misses", s->n);
		break;
	case TRIAL_MISS:
		trial_print_miss(&one, v, s, out);
		text_f(t, ",");
		put_text(t, "why", &one);
		text_f(t, ",");
		put_number(t, "misses", s->n);
		break;
	case TRIAL_ACT:
		trial_print_act(&one, v, s);
		text_f(t, ",");
		put_text(t, "does", &one);
		text_f(t, ",");
		put_number(t, "value", s->value);
		break;
	case TRIAL_TAG:
	case TRIAL_UNTAG:
		text_f(t, ",");
		put_number(t, "tag", s->n);
		break;
	case TRIAL_PROB:
		text_f(t, ",\"taken\":%s", s->n != 0 ? "true" : "false");
		break;
	case TRIAL_KEEP:
		text_f(t, ",");
		put_string(t, "state", s->n < ARRAY_LEN(keep_names) ?
		    keep_names[s->n] : "?");
		break;
	case TRIAL_HIT:
		text_f(t, ",\"answer\":%s", (s->value & TRIAL_BACK) != 0 ?
		    "true" : "false");
		break;
	}
	text_fini(&one);
}

static void
put_rule_text(struct text *t, const struct trial_view *v, unsigned num,
    uint32_t id)
{
	const struct list_entry *en = rulebook_find(v->book, num, id);
	struct text one = {0};

	put_number(t, "rule", num);
	if (en != NULL) {
		print_rule(&one, en->rule, en->size, NULL, &v->book->opt);
		text_f(t, ",");
		put_text(t, "text", &one);
	}
	text_fini(&one);
}

static void
put_steps(struct text *t, const struct trial_view *v,
    const struct trial_opt *o)
{
	const char *comma = "";
	bool out = false;

	text_f(t, ",\"looked\":%u,\"steps\":[", v->r->n_looked);
	for (unsigned i = 0; i < v->n_steps; i++) {
		const struct trial_step *s = &v->steps[i];

		out = out || s->what == TRIAL_WAY_OUT;
		if ((s->what == TRIAL_MISS || s->what == TRIAL_OFF) &&
		    !trial_is_shown(s, o))
			continue;
		text_f(t, "%s{", comma);
		comma = ",";
		put_rule_text(t, v, s->rule, s->rule_id);
		text_f(t, ",");
		put_string(t, "what", s->what < ARRAY_LEN(step_names) &&
			step_names[s->what] != NULL ? step_names[s->what] : "?");
		put_detail(t, v, s, out);
		text_f(t, "}");
	}
	text_f(t, "]");
}

/* ---- the end ---- */

static const char *const end_names[] = {
    [TRIAL_ACCEPT] = "accept",
    [TRIAL_DENY] = "deny",
    [TRIAL_BACKWARD] = "back",
    [TRIAL_DIVERT] = "divert",
    [TRIAL_REASS] = "reass",
    [TRIAL_BAD] = "bad",
    [TRIAL_ENDLESS] = "endless",
};

static void
put_end(struct text *t, const struct trial_view *v)
{
	static const char *const answers[] = {NULL, "rst", "unreach", "abort"};
	const struct trial_reply *r = v->r;

	text_f(t, ",");
	put_string(t, "verdict", r->end < ARRAY_LEN(end_names) ?
	    end_names[r->end] : "?");
	text_f(t, ",\"accepted\":%s", trial_is_accepted(v) ? "true" : "false");
	if (r->rule != 0) {
		text_f(t, ",\"by\":{");
		put_rule_text(t, v, r->rule, r->rule_id);
		text_f(t, "}");
	}
	if ((r->flags & TRIAL_PIPED) != 0)
		text_f(t, ",\"pipe\":%u", r->to);
	else if ((r->flags & TRIAL_QUEUED) != 0)
		text_f(t, ",\"queue\":%u", r->to);
	else if (r->end == TRIAL_DIVERT || (r->flags & TRIAL_NOBODY) != 0)
		text_f(t, ",\"divert\":%u", r->to);
	if (r->why[0] != '\0') {
		text_f(t, ",");
		put_string(t, "reason", r->why);
	}
	if (r->answer != 0 && r->answer < ARRAY_LEN(answers)) {
		text_f(t, ",");
		put_string(t, "answer", answers[r->answer]);
	}
	if (r->answer == 2)
		text_f(t, ",\"code\":%u", r->code);
	text_f(t, ",\"mark\":%u,\"dscp\":%u", r->mark, r->tos >> 2);
}

void
trial_print_json(struct text *t, const struct trial_view *v,
    const struct trial_opt *o, unsigned number)
{
	text_f(t, "{");
	put_packet(t, v, number);
	if (o->steps)
		put_steps(t, v, o);
	put_end(t, v);
	text_f(t, "}\n");
}
