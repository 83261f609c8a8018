/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/logger.h"

#include "base/log.h"
#include "base/slog.h"
#include "capture/writer.h"
#include "cli/print.h"
#include "engine/log_text.h"
#include "port/capture.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

struct logger {
	struct engine *en;
	struct event *timer; /* NULL: logger_run() only */
	struct writer *pcap; /* NULL: no capture */
	bool syslog;
	uint64_t lost; /* told so far */
	struct state_refusals refusals; /* likewise */
	uint32_t refused_s; /* second of the last line about them */
	uint32_t excess_s; /* second of the last one about a limit */
};

static void
put_line(struct logger *l, const char *line)
{
	if (l->syslog)
		slog_line(line);
	else
		log_line(line);
}

/* The rule a record came from; NULL if it is gone. */
static const struct rule *
find_rule(const struct logger *l, const struct record *r)
{
	const struct ruleset *rs = engine_rules(l->en);
	unsigned i = ruleset_find(rs, r->rule);

	for (; i < rs->n_rules && rs->rules[i]->num == r->rule; i++)
		if (rs->rules[i]->id == r->rule_id)
			return rs->rules[i];
	return NULL;
}

/* The text of the rule, as 'ipfw list' shows it. */
static void
rule_text(const struct logger *l, const struct record *r, struct text *t)
{
	const struct print_opt opt = {0};
	const struct rule *rule = find_rule(l, r);
	struct {
		struct abi_rule head;
		struct insn cmd[RULE_MAX_WORDS];
	} abi;

	if (rule == NULL) {
		text_f(t, "%05u (deleted)", r->rule);
		return;
	}
	abi.head = (struct abi_rule){
	    .act_ofs = rule->act_ofs,
	    .cmd_len = rule->n_words,
	    .set = rule->set,
	    .flags = rule->flags,
	    .rulenum = rule->num,
	};
	memcpy(abi.cmd, rule->cmd, rule->n_words * sizeof(struct insn));
	print_rule(t, &abi.head, sizeof(abi), NULL, &opt);
	if (t->len > 0 && t->s[t->len - 1] == '\n')
		t->s[--t->len] = '\0';
}

/* Nothing more can be written. */
static void
end_capture(struct logger *l)
{
	struct err e = {0};

	if (writer_close(l->pcap, &e) != 0)
		log_msg(LOG_WARN, "log-pcap: %s: no more packets are captured",
		    e.text);
	l->pcap = NULL;
}

static void
capture(struct logger *l, const struct record *r)
{
	struct text t = {0};
	bool good;

	rule_text(l, r, &t);
	good = writer_put(l->pcap, &(struct writer_packet){
	    .ns = r->ns,
	    .iface = writer_iface(l->pcap, r->ifname),
	    .data = r->frame,
	    .kept = r->kept,
	    .len = r->len,
	    .comment = text_str(&t),
	});
	text_fini(&t);
	if (!good) {
		end_capture(l);
	}
}

static void
write_down(void *arg, const struct record *r)
{
	struct logger *l = arg;
	char line[LOG_TEXT_MAX];

	if (l->pcap != NULL && (r->flags & RECORD_CAPTURE) != 0)
		capture(l, r);
	if ((r->flags & RECORD_TEXT) == 0)
		return;
	log_text(r, line, sizeof(line));
	put_line(l, line);
	if ((r->flags & RECORD_LAST) == 0)
		return;
	log_text_limit(r, line, sizeof(line));
	put_line(l, line);
}

/* Tells that states found no room, in FreeBSD's words: a line a second. */
static void
tell_refusals(struct logger *l)
{
	struct state_refusals now;
	uint32_t now_s = engine_now_s(l->en);
	bool states, parents;

	state_refusals(engine_states(l->en), &now);
	states = now.states != l->refusals.states;
	parents = now.parents != l->refusals.parents;
	if ((!states && !parents) || now_s == l->refused_s)
		return;
	l->refused_s = now_s;
	l->refusals = now;
	put_line(l, states ?
	    "ipfw: Cannot allocate dynamic state, consider increasing "
	    "net.inet.ip.fw.dyn_max" :
	    "ipfw: Cannot allocate parent dynamic state, consider increasing "
	    "net.inet.ip.fw.dyn_parent_max");
}

/* Tells about a session that a 'limit' turned away: at most a line a second. */
static void
tell_excess(struct logger *l)
{
	struct state_table *states = engine_states(l->en);
	struct state_excess x;
	char line[LOG_TEXT_MAX];

	state_excess(states, &x);
	if (x.at_s == l->excess_s)
		return;
	l->excess_s = x.at_s;
	if (knob_get(&engine_knobs(l->en)->verbose) == 0)
		return;
	log_text_excess(&x, state_count(states), line, sizeof(line));
	put_line(l, line);
}

void
logger_run(struct logger *l)
{
	uint64_t lost;
	unsigned n = engine_log_drain(l->en, LOGGER_BATCH, write_down, l,
	    &lost);

	tell_refusals(l);
	tell_excess(l);
	if (n > 0 && l->pcap != NULL && !writer_flush(l->pcap))
		end_capture(l);
	if (lost != l->lost)
		log_msg(LOG_WARN, "log: %llu packets were not logged: "
		    "too many at once",
		    (unsigned long long)(lost - l->lost));
	l->lost = lost;
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	logger_run(arg);
}

int
logger_create(struct event_base *base, struct engine *en,
    const struct logger_cfg *cfg, struct logger **out, struct err *e)
{
	static const struct timeval tick = {.tv_usec = 100000};
	struct logger *l = calloc(1, sizeof(*l));
	int rc = 0;

	if (l == NULL)
		return err_set(e, ENOMEM, "no memory for the log");
	l->en = en;
	l->syslog = cfg->syslog;
	if (l->syslog)
		slog_open("kipfw");
	if (cfg->pcap != NULL && capture_uses(cfg->pcap))
		rc = err_set(e, EBUSY, "log-pcap: %s: a port reads or writes "
		    "this file", cfg->pcap);
	else if (cfg->pcap != NULL)
		rc = writer_create(cfg->pcap, RECORD_SNAP, &l->pcap, e);
	if (rc == 0 && base != NULL) {
		l->timer = event_new(base, -1, EV_PERSIST, on_timer, l);
		if (l->timer == NULL || event_add(l->timer, &tick) == -1)
			rc = err_set(e, ENOMEM, "no memory for the log");
	}
	if (rc != 0) {
		logger_destroy(l);
		return rc;
	}
	*out = l;
	return 0;
}

void
logger_destroy(struct logger *l)
{
	if (l == NULL)
		return;
	logger_run(l);
	if (l->timer != NULL)
		event_free(l->timer);
	end_capture(l);
	free(l);
}
